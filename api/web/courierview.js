/** What the courier sees: the people to choose from, the task at hand, the one next action. */

import { BREAK, specialAction, specialCard } from "./couriercards.js";
import { h, keep, setText } from "./dom.js";
import { MODE_NAMES, breakWords, count, relative, shortName, toMs, weight } from "./format.js";
import { metresBetween } from "./glide.js";
import { icon, modeGlyph } from "./glyphs.js";

const AT_REST = { idle: "free", on_break: "on a break", stranded: "cannot go on" };

/** Whoever is this near to a store waits there. */
const THERE_M = 60;

const UNDER_AGE = "Nobody old enough is there";
const FAIL_REASONS = [
  "Nobody answers",
  "The address is wrong",
  "The door cannot be reached",
  "The customer does not want it",
  "The goods are damaged",
];
const DECLINE_REASONS = [
  "Too far for me",
  "Too heavy",
  "Something is wrong with my bike or car",
  "I need a break",
];

const VERBS = { pickup: "Pick up at", dropoff: "Deliver to", return: "Bring back to", break: "Break" };
const DONE = { pickup: "Picked up", dropoff: "Delivered", return: "Returned", break: "Break is over" };

/** Couriers to sign in as, those on shift first. */
export function showPeople(list, couriers, zoneTime, signIn) {
  const sorted = [...couriers].sort(
    (a, b) => Number(b.on_shift) - Number(a.on_shift) || a.name.localeCompare(b.name),
  );
  list.replaceChildren(
    ...sorted.map((courier) =>
      h(
        "li",
        {},
        h(
          `button${courier.on_shift ? "" : ".is-off"}`,
          { type: "button", onclick: () => signIn(courier) },
          modeGlyph(courier.mode),
          h("span", {}, h("strong", {}, courier.name), h("span.soft", {}, about(courier, zoneTime))),
          icon("chevron"),
        ),
      ),
    ),
  );
}

function about(courier, zoneTime) {
  const words = [MODE_NAMES[courier.mode] ?? courier.mode];
  words.push(courier.on_shift ? `until ${zoneTime.clock(courier.shift?.ends_at)}` : "off shift");
  if (courier.operator !== "simulation") words.push("driven by a person");
  else if (courier.on_shift) words.push(AT_REST[courier.activity] ?? "busy");
  return words.join(" · ");
}

/** Whether a stop can be acted on: told to go, there already, or next in line without contact. */
function actionable(stop, offline) {
  return stop && (stop.status !== "planned" || (offline && stop.kind !== "pickup"));
}

/**
 * The route with where to wait as its first stop, as long as there is nothing else to do.
 *
 * @param {object} route
 * @param {{standby: object|null, leg: object|null}|null} told as the service says it
 */
export function withStandby(route, told, offline) {
  if (!told?.standby || actionable(route.stops[0], offline)) return route;
  const { store_id: storeId, name, location, expected_at: arriveAt } = told.standby;
  const id = `standby:${storeId}`;
  const stop = { id, kind: "standby", status: "committed", name, location, arrive_at: arriveAt };
  const leg = told.leg ? [{ ...told.leg, stop_id: id }] : [];
  return {
    ...route,
    travel_version: told.travel_version,
    stops: [stop, ...route.stops],
    legs: [...leg, ...route.legs],
  };
}

/**
 * The one next action, and what else can be done.
 *
 * @returns {{action: object|null, other: object|null, hint: string}}
 */
export function nextAction(view) {
  const { me, route, zoneTime, nowMs, offline } = view;
  const special = specialAction(view);
  if (special) return special;
  const stop = route.stops[0];
  if (!actionable(stop, offline) || stop.kind === "standby") {
    const rests = me?.on_shift && !me.break && !offline;
    return { action: null, other: rests ? BREAK : null, hint: breakHint(view) };
  }
  if (stop.status !== "arrived") {
    const decline =
      stop.kind === "pickup" && me
        ? {
            name: "declined",
            label: "Decline",
            stop,
            ask: "Decline: why?",
            choices: asChoices(DECLINE_REASONS),
          }
        : null;
    const place = stop.kind === "dropoff" ? "the door" : stop.name;
    return {
      action: { name: "arrived", label: `Arrived at ${place}`, stop },
      other: decline,
      hint: me?.break ? "Your break comes after this." : breakHint(view),
    };
  }
  const unready = stop.kind === "pickup" && stop.parcel_ready === false && !offline;
  const about = toMs(stop.begin_at) > nowMs ? ` Ready about ${zoneTime.clock(stop.begin_at)}.` : "";
  const why = stop.age_limit ? [UNDER_AGE, ...FAIL_REASONS] : FAIL_REASONS;
  const fail =
    stop.kind === "dropoff"
      ? { name: "failed", label: "Could not deliver", stop, ask: "What went wrong?", choices: asChoices(why) }
      : null;
  return {
    action: { name: "completed", label: DONE[stop.kind] ?? "Done", stop, disabled: unready },
    other: fail,
    hint: unready ? `The goods are still being picked.${about}` : "",
  };
}

function asChoices(reasons) {
  return reasons.map((reason) => ({ label: reason, value: reason }));
}

/** When the break of the shift comes, as long as it is still to come. */
function breakHint({ me, zoneTime }) {
  const words = breakWords(me?.shift, zoneTime);
  return words && `Your break: ${words}.`;
}

/** The task at hand as a card. */
export function showTask(box, view) {
  const { me, route, zoneTime, nowMs, orders, offline } = view;
  const stop = route.stops[0];
  let card = specialCard(view);
  if (card) {
    // Neither a stop nor a wait: shown as it is.
  } else if (stop?.kind === "standby") card = standbyCard(view);
  else if (actionable(stop, offline)) {
    card = taskCard(stop, orders.get(stop.order_id), zoneTime, nowMs);
  } else card = waitCard(me, stop, route, zoneTime, nowMs);
  if (box.innerHTML !== card.outerHTML) box.replaceChildren(card);
}

/** Where to wait for work, and when to be there. */
function standbyCard({ route, zoneTime, nowMs, here }) {
  const [stop, next] = route.stops;
  const there = here && metresBetween(here, [stop.location.lng, stop.location.lat]) <= THERE_M;
  if (there) {
    return h(
      "div.task",
      {},
      h("h2", {}, `Wait near ${stop.name}`),
      h("p.contents", {}, next ? whenToLeave(route, zoneTime, nowMs) : "Work is likely to come from here."),
    );
  }
  const when = `There at ${zoneTime.clock(stop.arrive_at)}, ${relative(stop.arrive_at, nowMs)}`;
  return h(
    "div.task",
    {},
    h("h2", {}, `Go to ${stop.name} and wait nearby`),
    h("p.times", {}, when),
    h("p.contents", {}, "Work is likely to come from there. A stop on the way comes first."),
  );
}

function whenToLeave({ leave_at: leave }, zoneTime, nowMs) {
  return toMs(leave) > nowMs
    ? `Leave at ${zoneTime.clock(leave)}, ${relative(leave, nowMs)}.`
    : "You will be told when to leave.";
}

function waitCard(me, stop, route, zoneTime, nowMs) {
  if (stop) {
    return h(
      "div.task",
      {},
      h("p.verb", {}, "Wait here"),
      h("h2", {}, `Next: ${stop.name}`),
      h("p.contents", {}, whenToLeave(route, zoneTime, nowMs)),
    );
  }
  const words = me.on_shift
    ? "Next work is coming. You will be told when to leave."
    : "You are off shift, so no work comes to you.";
  return h("div.task", {}, h("h2", {}, "Wait here"), h("p.contents", {}, words));
}

function taskCard(stop, order, zoneTime, nowMs) {
  const address = stop.address && stop.address !== stop.name ? stop.address : null;
  const there = stop.status === "arrived";
  const times = [];
  if (!there) times.push(`${zoneTime.clock(stop.arrive_at)} ${relative(stop.arrive_at, nowMs)}`);
  if (stop.promise) times.push(`promised ${zoneTime.range(stop.promise)}`);
  const late = stop.promise && Math.max(nowMs, toMs(stop.arrive_at)) > toMs(stop.promise.latest);
  const note = stop.kind === "dropoff" ? stop.note || order?.dropoff.note : null;
  return h(
    "div.task",
    {},
    h("p.verb", {}, VERBS[stop.kind] ?? stop.kind),
    h("h2", {}, capital(stop.name)),
    address ? h("p.contents", {}, address) : null,
    times.length ? h(`p.times${late ? ".is-late" : ""}`, {}, capital(times.join(" · "))) : null,
    order ? h("p.contents", {}, contents(order)) : null,
    note ? h("p.note", {}, note) : null,
  );
}

function capital(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function contents(order) {
  const pieces = order.lines.reduce((sum, line) => sum + line.quantity, 0);
  return `Order ${shortName(order.id)} · ${count(pieces, "piece")}, ${weight(order.weight_g)}`;
}

/** The stops after the one at hand. */
export function showNext(list, { route, zoneTime, offline }) {
  const ahead = numbered(route.stops).slice(actionable(route.stops[0], offline) ? 1 : 0);
  keep(list, ahead, {
    key: (stop) => stop.id,
    create: () => h("li", {}, h("span.number"), h("span.what"), h("span.when")),
    update: (element, stop) => {
      const [number, what, when] = element.children;
      setText(number, String(stop.number));
      setText(what, `${VERBS[stop.kind] ?? stop.kind} ${stop.name}`);
      setText(when, zoneTime.clock(stop.arrive_at));
    },
  });
}

/** Stops with their numbers; where to wait has none. */
export function numbered(stops) {
  const before = stops[0]?.kind === "standby" ? 0 : 1;
  return stops.map((stop, i) => ({ ...stop, number: i + before || "" }));
}

/** Let a courier choose; resolves to the value chosen, or to null when they go back. */
export function askChoice(dialog, title, choices) {
  dialog.querySelector("h2").textContent = title;
  dialog
    .querySelector(".reasons")
    .replaceChildren(...choices.map(({ label, value }) => h("button", { value }, label)));
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue || null), { once: true });
  });
}
