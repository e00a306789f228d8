/** The courier's page: sign in, then one next action at a time. */

import { OfflineError, ServiceClock, ask, rfc3339 } from "./client.js";
import { CourierMap } from "./couriermap.js";
import { setText } from "./dom.js";
import { ZoneTime } from "./format.js";
import { Outbox, withPending } from "./outbox.js";
import { askWhy, nextAction, showNext, showPeople, showTask, withStandby } from "./courierview.js";
import { nextStep, showStep } from "./steps.js";
import { Travel } from "./travel.js";

const POLL_MS = 1500;
const REPORT_MS = 1000;
/** Every so many polls it is asked whether this courier is still ours, and what time it is. */
const CHECK_EVERY = 4;
/** How long it is said that the way has changed. */
const CHANGED_MS = 12_000;
const SESSION = "samehour.courier";
const OPERATOR = "person";

const part = (id) => document.getElementById(id);
const clock = new ServiceClock();
const travel = new Travel(clock);
const outbox = new Outbox({ onChange: show, onRoute: hearRoute, onRefused });

const state = {
  me: null,
  zone: null,
  zoneTime: null,
  route: null,
  standby: null,
  /** The route with what waits to be sent and where to wait: what is shown. */
  seen: null,
  map: null,
  lostSince: null,
};
/** When the way last changed, on this device's steady clock. */
let changedMs = -CHANGED_MS;
const orders = new Map();
let polls = 0;
let pollTimer = 0;

// --- signing in and out ------------------------------------------------------------------------------

async function start() {
  try {
    await hearZone();
    const { data } = await ask("/v1/couriers");
    const kept = data.find((courier) => courier.id === localStorage.getItem(SESSION));
    if (kept && kept.operator === OPERATOR) await begin(kept);
    else offerPeople(data);
  } catch (error) {
    setText(part("sign-in-hint"), error.message);
    part("sign-in-retry").hidden = false;
  }
}

async function hearZone() {
  const zone = (await ask("/v1/zones")).data[0];
  if (!zone) throw new Error("This service has no zone. Start it with a city.");
  clock.hear(zone.now, zone.speed);
  state.zone = zone;
  state.zoneTime = new ZoneTime(zone.time_zone);
}

function offerPeople(couriers) {
  part("sign-in").hidden = false;
  part("sign-in-retry").hidden = couriers.length > 0;
  const zone = state.zone.title || state.zone.city;
  setText(
    part("sign-in-hint"),
    couriers.length
      ? `Choose a courier of ${zone}. You take over from the simulation until you sign out.`
      : `There are no couriers in ${zone} yet. Start the demo, or register one over the API.`,
  );
  showPeople(part("people"), couriers, state.zoneTime, signIn);
}

async function signIn(courier) {
  try {
    const path = `/v1/couriers/${courier.id}/operator`;
    await ask(path, { method: "POST", body: { operator: OPERATOR } });
    localStorage.setItem(SESSION, courier.id);
    await begin(await ask(`/v1/couriers/${courier.id}`));
  } catch (error) {
    setText(part("sign-in-hint"), error.message);
  }
}

async function begin(courier) {
  state.me = courier;
  const { lng, lat } = courier.position?.location ?? courier.home;
  travel.startAt([lng, lat]);
  part("sign-in").hidden = true;
  part("work").hidden = false;
  setText(part("me"), courier.name);
  document.title = `${courier.name} · samehour`;
  state.map ??= new CourierMap(part("map"), state.zone, travel);
  outbox.send();
  await poll();
}

async function signOut() {
  const waiting = outbox.pending(state.me.id).length;
  if (waiting) {
    notify(`Not yet: ${waiting} waiting to be sent. Go where there is a signal, then sign out.`);
    return;
  }
  try {
    const path = `/v1/couriers/${state.me.id}/operator`;
    await ask(path, { method: "POST", body: { operator: "simulation" } });
  } catch (error) {
    notify(`Could not sign out. ${error.message}`);
    return;
  }
  leave();
}

function leave() {
  clearTimeout(pollTimer);
  travel.useLeg();
  part("real-position").checked = false;
  part("menu").open = false;
  localStorage.removeItem(SESSION);
  Object.assign(state, { me: null, route: null, standby: null });
  part("work").hidden = true;
  start();
}

// --- hearing from the service ---------------------------------------------------------------------------

async function poll() {
  clearTimeout(pollTimer);
  const { me } = state;
  if (!me) return;
  try {
    if (polls % CHECK_EVERY === 0) await check(me.id);
    polls += 1;
    if (state.me !== me) return;
    const about = `/v1/couriers/${me.id}`;
    const [route, standby] = await Promise.all([ask(`${about}/route`), ask(`${about}/standby`)]);
    if (state.me === me) state.standby = standby;
    hearRoute(me.id, route);
    state.lostSince = null;
  } catch (error) {
    if (error instanceof OfflineError) state.lostSince ??= clock.running();
    else notify(error.message);
  }
  show();
  if (state.me) pollTimer = setTimeout(poll, POLL_MS);
}

async function check(id) {
  const asked = [ask(`/v1/couriers/${id}`), ask("/v1/closures"), hearZone()];
  const [courier, closures] = await Promise.all(asked);
  state.map?.showClosed(closures.data);
  if (courier.operator === OPERATOR) {
    const { on_shift: onShift, shift } = courier;
    Object.assign(state.me, { on_shift: onShift, shift });
    return;
  }
  leave();
  setText(part("sign-in-hint"), `${courier.name} is now driven by ${courier.operator}.`);
}

function hearRoute(courierId, route) {
  if (state.me?.id !== courierId) return;
  state.route = route;
  learnOrders(route);
  show();
}

/** What is in the bag does not change: each order is asked for once. */
async function learnOrders(route) {
  for (const { order_id: id } of route.stops.slice(0, 3)) {
    if (!id || orders.has(id)) continue;
    orders.set(id, null);
    try {
      orders.set(id, await ask(`/v1/orders/${id}`));
    } catch {
      orders.delete(id); // the next poll asks again; the stop is shown without its contents
    }
  }
}

async function report() {
  if (!state.me) return;
  try {
    await travel.report(state.me.id);
  } catch (error) {
    if (!(error instanceof OfflineError)) notify(error.message);
  }
}

// --- showing ---------------------------------------------------------------------------------------------

function show() {
  const { me, route, zoneTime } = state;
  if (!me || !route) return;
  const pending = outbox.pending(me.id);
  const offline = state.lostSince !== null;
  const seen = withStandby(withPending(route, pending), state.standby, offline);
  const changed = travel.follow(seen);
  if (changed) changedMs = performance.now();
  state.seen = seen;
  const { here } = travel;
  const view = { me, route: seen, zoneTime, nowMs: clock.running(), orders, offline, here };
  showContact(pending.length, offline);
  showTask(part("now"), view);
  showNext(part("next"), view);
  showAction(nextAction(view));
  showWay();
  state.map.show(seen);
  if (changed) state.map.fit();
}

function showWay() {
  const { leg } = travel;
  const next = leg ? nextStep(leg, travel.gone()) : null;
  const goal = leg ? state.seen?.stops.find((stop) => stop.id === leg.stopId)?.name : null;
  showStep(part("step"), next, goal ?? "your stop", performance.now() - changedMs < CHANGED_MS);
}

function showContact(waiting, offline) {
  const words = [];
  if (offline) words.push(`No contact since ${state.zoneTime.clock(state.lostSince)}`);
  if (waiting && (offline || outbox.waiting[0].tries)) words.push(`waiting to send: ${waiting}`);
  part("contact").hidden = !words.length;
  setText(part("contact"), words.join(" · "));
}

function showAction({ action, other, hint }) {
  const [main, second] = [part("action"), part("other")];
  setText(part("hint"), hint ?? "");
  main.hidden = !action;
  second.hidden = !other;
  if (action) {
    setText(main, action.label);
    main.disabled = Boolean(action.disabled);
    main.onclick = () => act(action);
  }
  if (other) {
    setText(second, other.label);
    second.onclick = async () => {
      const reason = await askWhy(part("why"), other.label, other.reasons);
      if (reason) act({ ...other, reason });
    };
  }
}

function act({ name, stop, reason }) {
  hideNotice();
  outbox.add({
    courierId: state.me.id,
    stopId: stop.id,
    name,
    reason,
    occurredAt: rfc3339(clock.running()),
  });
}

function onRefused(action, error) {
  notify(error.message);
  if (state.me?.id === action.courierId) poll();
}

function notify(text) {
  setText(part("notice-text"), text);
  part("notice").hidden = false;
}

function hideNotice() {
  part("notice").hidden = true;
}

// --- starting -----------------------------------------------------------------------------------------------

part("sign-in-retry").addEventListener("click", start);
part("sign-out").addEventListener("click", signOut);
part("notice-close").addEventListener("click", hideNotice);
part("real-position").addEventListener("change", ({ target }) => {
  part("menu").open = false;
  if (!target.checked) {
    travel.useLeg();
    return;
  }
  travel.useDevice(state.zone.bounds, (problem) => {
    target.checked = false;
    notify(problem);
  });
});
addEventListener("online", poll);
document.addEventListener("click", ({ target }) => {
  if (!target.closest("#menu")) part("menu").open = false;
});
setInterval(report, REPORT_MS);
setInterval(() => {
  if (!state.me || !state.zoneTime) return;
  setText(part("clock"), state.zoneTime.clock(clock.running()));
  showWay();
}, 250);
start();
