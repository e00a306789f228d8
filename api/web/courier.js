/** The courier's page: sign in, then one next action at a time. */

import { OfflineError, ServiceClock, ask, rfc3339 } from "./client.js";
import { BREAK, STRAND } from "./couriercards.js";
import { askProof, needsProof, smallPicture } from "./courierdoor.js";
import { CourierMap } from "./couriermap.js";
import { setText } from "./dom.js";
import { ZoneTime } from "./format.js";
import { Outbox, withPending } from "./outbox.js";
import {
  askChoice,
  nextAction,
  showNext,
  showPeople,
  showTask,
  withStandby,
} from "./courierview.js";
import { nextStep, showStep } from "./steps.js";
import { Travel } from "./travel.js";

const POLL_MS = 1500;
const REPORT_MS = 1000;
/** Every so many polls it is asked which streets are closed, and what time it is. */
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
/** Pictures taken at a door and not yet reported, by stop; those sent already as proofs. */
const pictures = new Map();
/** The version of the route that was acknowledged last. */
let acknowledged = null;
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
    if (polls % CHECK_EVERY === 0) await check();
    polls += 1;
    const about = `/v1/couriers/${me.id}`;
    const parts = [ask(about), ask(`${about}/route`), ask(`${about}/standby`)];
    const [courier, route, standby] = await Promise.all(parts);
    if (state.me?.id !== me.id || !hearMe(courier)) return;
    state.standby = standby;
    state.lostSince = null;
    hearRoute(me.id, route);
    acknowledge(route);
  } catch (error) {
    if (error instanceof OfflineError) state.lostSince ??= clock.running();
    else notify(error.message);
  }
  show();
  if (state.me) pollTimer = setTimeout(poll, POLL_MS);
}

async function check() {
  const [closures] = await Promise.all([ask("/v1/closures"), hearZone()]);
  state.map?.showClosed(closures.data);
}

/** Take what is known of the courier; false when somebody else acts for them now. */
function hearMe(courier) {
  if (courier.operator === OPERATOR) {
    state.me = courier;
    return true;
  }
  leave();
  setText(part("sign-in-hint"), `${courier.name} is now driven by ${courier.operator}.`);
  return false;
}

/** Say that the route was seen; what has changed meanwhile is seen with the next poll. */
async function acknowledge({ courier_id: id, version, acknowledged: isKnown }) {
  const key = `${id} ${version}`;
  if (isKnown || document.hidden || acknowledged === key) return;
  acknowledged = key;
  try {
    const body = { version, occurred_at: rfc3339(clock.running()) };
    await ask(`/v1/couriers/${id}/route/ack`, { method: "POST", body });
  } catch (error) {
    if (error.code !== "stale_version") acknowledged = null;
  }
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
  showMenu();
  showPhoto();
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
    second.onclick = () => act(other);
  }
}

/** What can be done at any time stands in the menu. */
function showMenu() {
  const { me, lostSince } = state;
  const resting = me.break !== null;
  setText(part("break"), resting ? "Do without the break" : "Take a break");
  part("break").disabled = lostSince !== null || !me.on_shift || me.stranded !== null;
  part("strand").disabled = lostSince !== null || me.stranded !== null;
}

/** At a door a picture can be taken, whether it is delivered or not. */
function showPhoto() {
  const stop = state.seen.stops[0];
  const atDoor = stop?.kind === "dropoff" && stop.status === "arrived";
  part("photo").hidden = !atDoor;
  if (!atDoor) return;
  const taken = takenAt(stop).length;
  setText(part("photo-text"), taken ? `${taken} taken. Another photo` : "Take a photo");
}

function takenAt(stop) {
  return pictures.get(stop.id) ?? [];
}

async function takePhoto({ target }) {
  const [file] = target.files;
  const stop = state.seen?.stops[0];
  target.value = "";
  if (!file || !stop) return;
  try {
    pictures.set(stop.id, [...takenAt(stop), await smallPicture(file)]);
  } catch {
    notify("That picture cannot be read. Take it again.");
  }
  showPhoto();
}

/** Do what a button stands for: ask what it needs first, then tell the service. */
async function act(chosen) {
  hideNotice();
  const { name, stop, choices } = chosen;
  let said = null;
  if (choices) {
    said = await askChoice(part("why"), chosen.ask, choices);
    if (said === null) return;
  }
  if (!DIRECT[name]) {
    await reportStop(name, stop, said);
    return;
  }
  const { path, body } = DIRECT[name](said, stop);
  try {
    await ask(`/v1/couriers/${state.me.id}/${path}`, {
      method: "POST",
      body: { ...body, occurred_at: rfc3339(clock.running()) },
    });
  } catch (error) {
    notify(error instanceof OfflineError ? "No contact. Try again with a signal." : error.message);
  }
  poll();
}

/** What is told at once: it makes no sense later. By the name of the action. */
const DIRECT = {
  accept: (_, stop) => ({ path: `offers/${stop.id}/accept` }),
  decline: (reason, stop) => ({ path: `offers/${stop.id}/decline`, body: { reason } }),
  break: (seconds) => ({ path: "break", body: { duration_s: Number(seconds) } }),
  "break/end": () => ({ path: "break/end" }),
  recover: () => ({ path: "recover" }),
  strand: (reason) => {
    const [lng, lat] = travel.here;
    return { path: "strand", body: { reason, location: { lat, lng } } };
  },
};

/** What was done at a stop is kept until the service has heard of it. */
async function reportStop(name, stop, reason) {
  let proofs = [];
  if (name === "completed" && needsProof(stop)) {
    proofs = await askProof(part("door"), stop);
    if (proofs === null) return;
  }
  const done = name === "completed" || name === "failed";
  const taken = done ? takenAt(stop) : [];
  const hasRoom = outbox.add({
    courierId: state.me.id,
    stopId: stop.id,
    name,
    reason,
    proofs: [...proofs, ...taken.filter((each) => typeof each !== "string")],
    pictures: taken.filter((each) => typeof each === "string"),
    occurredAt: rfc3339(clock.running()),
  });
  if (!hasRoom) notify("This phone has no room for the photo. The rest will be sent.");
  if (done) pictures.delete(stop.id);
}

function onRefused(action, error) {
  notify(error.message);
  // What was photographed need not be photographed again.
  const sent = (action.proofs ?? []).filter(({ kind }) => kind === "photo");
  const taken = [...sent, ...(action.pictures ?? [])];
  if (taken.length) pictures.set(action.stopId, taken);
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
part("photo-input").addEventListener("change", takePhoto);
part("break").addEventListener("click", () => {
  part("menu").open = false;
  act(state.me.break ? { name: "break/end" } : BREAK);
});
part("strand").addEventListener("click", () => {
  part("menu").open = false;
  const waiting = outbox.pending(state.me.id).length;
  if (waiting) notify(`Not yet: ${waiting} waiting to be sent. Try again in a moment.`);
  else act(STRAND);
});
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
  if (state.seen?.stops[0]?.status === "offered") show();
}, 250);
start();
