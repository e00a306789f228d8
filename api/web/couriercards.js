/** What is no stop yet or no stop at all: an offer to answer, a break, a breakdown. */

import { h } from "./dom.js";
import { distance, relative, shortName, toMs, weight } from "./format.js";

const OFFER_REASONS = ["Too far for me", "Too heavy", "I need a break", "Not now"];

const BREAKS = [
  { label: "10 minutes", value: "600" },
  { label: "20 minutes", value: "1200" },
  { label: "30 minutes", value: "1800" },
  { label: "45 minutes", value: "2700" },
];

const STRANDED_REASONS = [
  "My bike or car broke down",
  "I had an accident",
  "I am not well",
  "The road is impassable",
];

/** Ask how long a break shall be. */
export const BREAK = { name: "break", label: "Take a break", ask: "How long?", choices: BREAKS };

/** Ask why a courier cannot go on. */
export const STRAND = {
  name: "strand",
  label: "I can't go on",
  ask: "What happened?",
  choices: STRANDED_REASONS.map((reason) => ({ label: reason, value: reason })),
};

/** Seconds left to answer an offer, by the service's clock; 0 when it is over. */
export function secondsLeft(stop, nowMs) {
  return Math.max(0, Math.ceil((toMs(stop.offer_expires_at) - nowMs) / 1000));
}

/**
 * What can be done about what is no stop, null when the stop at hand comes first.
 *
 * @returns {{action: object|null, other: object|null, hint: string}|null}
 */
export function specialAction({ me, route, nowMs, offline }) {
  if (me?.stranded) {
    return { action: { name: "recover", label: "I can go on" }, other: null, hint: "" };
  }
  if (me?.break?.ends_at) {
    return { action: { name: "break/end", label: "I'm back" }, other: null, hint: "" };
  }
  const stop = route.stops[0];
  if (stop?.status !== "offered") return null;
  const left = secondsLeft(stop, nowMs);
  if (left === 0) return { action: null, other: null, hint: "The time to answer is over." };
  return {
    action: { name: "accept", label: "Take it", stop, disabled: offline },
    other: offline
      ? null
      : {
          name: "decline",
          label: "Decline",
          stop,
          ask: "Decline: why?",
          choices: OFFER_REASONS.map((reason) => ({ label: reason, value: reason })),
        },
    hint: offline ? "An offer can be answered with a signal only." : `${left} s to answer`,
  };
}

/** The card of what is no stop, null when the stop at hand is to be shown. */
export function specialCard({ me, route, zoneTime, nowMs, orders }) {
  if (me?.stranded) return strandedCard(me);
  if (me?.break?.ends_at) return breakCard(me.break, zoneTime, nowMs);
  const stop = route.stops[0];
  return stop?.status === "offered" ? offerCard(stop, route, orders, zoneTime, nowMs) : null;
}

function strandedCard({ stranded }) {
  return h(
    "div.task",
    {},
    h("p.verb", {}, stranded),
    h("h2", {}, "Stay safe. No work comes to you."),
    h(
      "p.contents",
      {},
      "Goods for customers wait where you are until another courier fetches them. " +
        "Stay with them if you can.",
    ),
  );
}

function breakCard({ ends_at: endsAt }, zoneTime, nowMs) {
  return h(
    "div.task",
    {},
    h("p.verb", {}, "Your break"),
    h("h2", {}, `Until ${zoneTime.clock(endsAt)}`),
    h("p.contents", {}, `Over ${relative(endsAt, nowMs)}. No work comes before.`),
  );
}

function offerCard(stop, route, orders, zoneTime, nowMs) {
  const door = route.stops.find(
    (each) => each.order_id === stop.order_id && each.kind === "dropoff",
  );
  const ways = route.legs.filter(({ stop_id: id }) => id === stop.id || id === door?.id);
  const order = orders.get(stop.order_id);
  const facts = [];
  if (ways.length === 2) facts.push(distance(ways[0].length_m + ways[1].length_m));
  if (order) facts.push(weight(order.weight_g));
  if (order?.tip_cents) facts.push(`tip ${(order.tip_cents / 100).toFixed(2)}`);
  const goal = door?.name ?? order?.dropoff.address;
  const card = h(
    "div.task.offer",
    {},
    h("p.verb", {}, `New order ${shortName(stop.order_id)}. Will you take it?`),
    h("h2", {}, stop.name),
    goal ? h("p.goal", {}, `to ${goal}`) : null,
    h("p.times", {}, [...facts, `there at ${zoneTime.clock(stop.arrive_at)}`].join(" · ")),
  );
  card.style.setProperty("--left", leftShare(stop, nowMs));
  return card;
}

const longest = new Map();

/** The share of the time to answer that is left; what was seen first counts as the whole. */
function leftShare(stop, nowMs) {
  const left = secondsLeft(stop, nowMs);
  const key = `${stop.id} ${stop.offer_expires_at}`;
  if (!longest.has(key)) longest.set(key, left);
  const whole = longest.get(key);
  return whole ? Math.min(1, left / whole).toFixed(2) : "0";
}
