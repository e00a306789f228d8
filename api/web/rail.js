/** The rail: what needs a person now, then the open orders. */

import { h, keep, setText } from "./dom.js";
import { PHASE_NAMES, count, relative, toMs } from "./format.js";
import { levelGlyph, orderGlyph } from "./glyphs.js";

const LEVELS = { late: 0, unassigned: 1, risk: 2 };

const OVER = new Set(["delivered", "failed"]);

/** Whether an order still has to be brought. */
export function isOpen(order) {
  return !OVER.has(order.phase);
}

/** `is-late`, `is-risk` or nothing: what is over needs nobody any more. */
export function levelClass(order) {
  if (!isOpen(order)) return "";
  if (order.late) return "is-late";
  return order.at_risk ? "is-risk" : "";
}

/** Minutes by which an open order is, or will be, late; at least one. */
export function lateMinutes(order, nowMs) {
  const doneMs = Math.max(nowMs, toMs(order.eta) ?? nowMs);
  return Math.max(1, Math.ceil((doneMs - toMs(order.promise.latest)) / 60_000));
}

/** Orders still to be brought, the most urgent promise first. */
export function openOrders(board) {
  return board.orders
    .filter(isOpen)
    .sort((a, b) => a.promise.latest.localeCompare(b.promise.latest) || a.id.localeCompare(b.id));
}

/**
 * Build the rail.
 *
 * @param {Document} page
 * @param {(kind: string, id: string) => void} choose called when somebody picks a line
 * @returns {(view: object) => void} shows a board: `{board, zoneTime, nowMs, chosen, names}`
 */
export function createRail(page, choose) {
  const part = (id) => page.getElementById(id);
  const [cards, rows] = [part("attention"), part("orders")];

  return (view) => {
    const { board } = view;
    const attention = [...board.attention].sort((a, b) => LEVELS[a.level] - LEVELS[b.level]);
    const open = openOrders(board);
    setText(part("attention-count"), attention.length ? String(attention.length) : "");
    setText(part("orders-count"), open.length ? String(open.length) : "");
    setText(part("attention-none"), attention.length ? "" : calmSentence(open.length));
    setText(
      part("orders-none"),
      open.length ? "" : "No open orders. New ones appear here by themselves.",
    );
    keep(cards, attention, {
      key: (item) => `${item.level}:${subject(item).id}`,
      create: (item) => createCard(item, choose),
      update: (element, item) => updateCard(element, item, view),
    });
    keep(rows, open, {
      key: (order) => order.id,
      create: (order) => createRow(order, choose),
      update: (element, order) => updateRow(element, order, view),
    });
  };
}

function calmSentence(open) {
  return open ? `Nothing. ${count(open, "open order")}, all on course.` : "Nothing at the moment.";
}

/** What an attention line is about. */
function subject(item) {
  if (item.order_id) return { kind: "order", id: item.order_id };
  if (item.courier_id) return { kind: "courier", id: item.courier_id };
  return { kind: "store", id: item.store_id };
}

function createCard(item, choose) {
  const { kind, id } = subject(item);
  const card = h(
    `button.card${item.level === "unassigned" ? "" : `.is-${item.level}`}`,
    { type: "button", onclick: () => choose(kind, id) },
    levelGlyph(item.level),
    h("strong.place"),
    h("span.when"),
    h("span.why"),
  );
  return h("li", {}, card);
}

function updateCard(element, item, { board, zoneTime, nowMs, names }) {
  const { kind, id } = subject(item);
  const order = kind === "order" ? board.orders.find((each) => each.id === id) : null;
  setText(element.querySelector(".place"), order ? order.address : names(kind, id));
  setText(element.querySelector(".when"), order?.eta ? zoneTime.clock(order.eta) : "");
  // The address stands in the line above: once is enough.
  setText(element.querySelector(".why"), order ? item.text.replace(` to ${order.address}`, "") : item.text);
  const button = element.firstElementChild;
  button.title = order?.eta ? `${order.address}, expected ${relative(order.eta, nowMs)}` : "";
}

function createRow(order, choose) {
  const row = h(
    "button.row",
    { type: "button", onclick: () => choose("order", order.id) },
    h("span.glyph-cell"),
    h("span.place"),
    h("span.eta"),
    h("span.second"),
    h("span.left"),
  );
  return h("li", {}, row);
}

function updateRow(element, order, { zoneTime, nowMs, chosen, names }) {
  const row = element.firstElementChild;
  const cell = row.firstElementChild;
  if (row.dataset.phase !== order.phase) {
    row.dataset.phase = order.phase;
    cell.replaceChildren(orderGlyph(order.phase));
    cell.title = PHASE_NAMES[order.phase] ?? order.phase;
  }
  row.classList.toggle("is-risk", Boolean(order.at_risk && !order.late));
  row.classList.toggle("is-late", Boolean(order.late));
  row.classList.toggle("is-chosen", chosen?.kind === "order" && chosen.id === order.id);
  setText(row.querySelector(".place"), order.address);
  setText(row.querySelector(".eta"), zoneTime.clock(order.eta));
  const there = order.status === "arrived_at_dropoff";
  setText(row.querySelector(".left"), there ? "at the door" : relative(order.eta, nowMs));
  const waits = order.held ? "Held" : PHASE_NAMES[order.phase];
  const who = order.courier_id ? names("courier", order.courier_id) : waits;
  setText(row.querySelector(".second"), `${zoneTime.range(order.promise)} · ${who}`);
}
