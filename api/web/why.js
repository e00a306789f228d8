/** Why an order is treated as it is: the sentence, and on demand what it waits for and costs. */

import { h } from "./dom.js";
import { percent } from "./format.js";

/** A promise that holds so surely needs no word about it. */
const SURE = 0.95;
/** What is shorter is not worth a line. */
const LEAST_S = 60;
/** Terms, and couriers, told at most. */
const MOST = 4;

/** Terms of what an order costs, as people say them. */
const TERM_NAMES = {
  lateness: "Expected lateness",
  slack: "Slack used up",
  waiting: "Waiting",
  told_customer: "News to customers",
  told_courier: "News to couriers",
  told_store: "News to stores",
  stacking: "Sharing a bag",
  chilled: "Chilled goods in the bag",
  travel: "The way",
  duty: "An uneven spread of work",
  overtime: "Overtime",
  home: "The way home",
  future: "Far from the next orders",
  late_break: "A late break",
};

/** Whether the reader has the reasons open: kept while the panel is drawn again. */
let isOpen = false;

/** The section of an order's panel that says why. */
export function why(explanation, zoneTime) {
  return h(
    "section",
    {},
    h("h3", {}, "Why this way"),
    h("p.sentence", {}, explanation.sentence),
    helps(explanation),
    reasons(explanation, zoneTime),
  );
}

/** How sure the promise is, where that is worth a word. */
export function sureness({ chance }) {
  return chance === null || chance === undefined || chance >= SURE
    ? null
    : h("small.chance", {}, `holds with ${percent(chance)}`);
}

/** What would bring it sooner, but for the first, which the sentence has. */
function helps({ changes: all = [] }) {
  const rows = all.slice(1, 4).map(({ detail, effect }) => h("li", {}, `If ${detail}, ${effect}.`));
  return rows.length ? h("ul.helps", {}, rows) : null;
}

function reasons(explanation, zoneTime) {
  const parts = [waiting(explanation, zoneTime), costs(explanation), others(explanation, zoneTime)];
  if (!parts.some(Boolean)) return null;
  return h(
    "details.reasons",
    { open: isOpen, ontoggle: (event) => (isOpen = event.target.open) },
    h("summary", {}, "Waits, costs and others weighed"),
    parts,
  );
}

function waiting({ waits = [] }, zoneTime) {
  const told = waits.filter(({ wait_s: length }) => length >= LEAST_S);
  return table("It waits for", told, ({ since, wait_s: length, why: reason }) => [
    zoneTime.clock(since),
    reason,
    started(length),
  ]);
}

function costs({ terms = {}, others_cost: other = 0 }) {
  const all = Object.entries(terms);
  const rows = all.slice(0, MOST).map(([name, price]) => ["", TERM_NAMES[name] ?? name, price]);
  const rest = all.slice(MOST).reduce((sum, [, price]) => sum + price, 0);
  if (Math.round(rest)) rows.push(["", "All else", rest]);
  const come = other > 0 ? "later" : "sooner";
  if (Math.round(other)) rows.push(["", `Of it, for orders that come ${come}`, other]);
  return table("It costs, in courier-seconds", rows, ([lead, name, price]) => [
    lead,
    name,
    courierSeconds(price),
  ]);
}

function others({ couriers = [], stores = [], refused = [] }, zoneTime) {
  const weighed = [...couriers.slice(0, MOST), ...stores.filter(isPriced)];
  const rows = weighed.map((one) => [zoneTime.clock(one.done_at), one.name, more(one.extra_cost)]);
  rows.push(...refused.map((one) => ["", `${one.name} ${one.why}`, ""]));
  return table("Others weighed", rows, (row) => row);
}

function isPriced({ extra_cost: extra }) {
  return extra !== null && extra !== undefined;
}

function more(extra) {
  const whole = Math.round(extra);
  return whole >= 0 ? `+${courierSeconds(whole)}` : courierSeconds(whole);
}

/** Started minutes, as the sentence has them. */
function started(seconds) {
  return `${Math.ceil(seconds / 60)} min`;
}

/** A cost as people read it: what rounds to nothing is `0`, never `-0`. */
function courierSeconds(price) {
  return (Math.round(price) + 0).toLocaleString("en");
}

function table(title, rows, cells) {
  if (!rows.length) return null;
  return h(
    "table.weighed",
    {},
    h("caption", {}, title),
    h(
      "tbody",
      {},
      rows.map((row) => h("tr", {}, cells(row).map((text) => h("td", {}, String(text))))),
    ),
  );
}
