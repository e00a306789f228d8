/** The panel that slides over the rail: one order, one courier or one store. */

import { ask } from "./client.js";
import { OrderDesk, decisionLines } from "./desk.js";
import { h, s } from "./dom.js";
import {
  ACTIVITY_NAMES,
  MODE_NAMES,
  PHASE_NAMES,
  age,
  breakWords,
  count,
  eventNames,
  relative,
  shortName,
  standbyWords,
  toMs,
  weight,
} from "./format.js";
import { icon, levelGlyph, modeGlyph, orderGlyph } from "./glyphs.js";
import { isOpen, levelClass } from "./rail.js";
import { sureness, why } from "./why.js";

/** How often what the board does not carry is asked for again. */
const REFRESH_MS = 4000;
/** And how often at most, while the board says that a route has changed. */
const CHANGED_MS = 1000;

const FOCUSABLE = "button, a, summary";

/** What is asked of the service for each kind, by the name it is kept under. */
const SOURCES = {
  order: (id) => ({
    order: `/v1/orders/${id}`,
    explanation: `/v1/orders/${id}/explanation`,
    desk: `/v1/orders/${id}/desk`,
  }),
  courier: (id) => ({ route: `/v1/couriers/${id}/route` }),
  store: (id) => ({ picks: `/v1/stores/${id}/picks` }),
};

const DRAW = { order: drawOrder, courier: drawCourier, store: drawStore };

export class Details {
  /**
   * @param {HTMLElement} panel
   * @param {{choose: Function, clock: ServiceClock, close: Function, onDecided: Function,
   *   onRoute: Function}} acts
   */
  constructor(panel, acts) {
    this.panel = panel;
    this.acts = acts;
    this.chosen = null;
    this.known = {};
    this.trouble = null;
    this.askedMs = 0;
    this.drawn = "";
    this.body = h("div.body");
    this.desk = new OrderDesk({ clock: acts.clock, onDone: acts.onDecided });
  }

  /** Open for something, or with null close. */
  open(chosen) {
    const opened = Boolean(chosen) && !this.chosen;
    this.chosen = chosen;
    this.known = {};
    this.trouble = null;
    this.askedMs = 0;
    this.drawn = "";
    this.desk.close();
    this.panel.classList.toggle("is-open", Boolean(chosen));
    this.panel.inert = !chosen;
    if (chosen) {
      this.panel.scrollTop = 0;
      this.body.replaceChildren();
      if (opened) this.panel.focus({ preventScroll: true });
    }
  }

  /** Show what the board and the last answers say. */
  show(view) {
    if (!this.chosen) return;
    const { kind, id } = this.chosen;
    const pause = this.isBehind(view.board) ? CHANGED_MS : REFRESH_MS;
    if (performance.now() - this.askedMs > pause && !view.offline) {
      this.askedMs = performance.now();
      this.refresh(kind, id);
    }
    const drawing = DRAW[kind](id, { ...view, ...this.known }, this.acts, this.desk);
    const trouble = this.trouble ? h("p.trouble", { role: "alert" }, this.trouble) : null;
    const head = h(
      "header",
      {},
      drawing.glyph,
      h("h2", {}, h("span.kind", {}, drawing.kind), drawing.title),
      h(
        "button.square",
        { type: "button", "aria-label": "Close", title: "Close (Esc)", onclick: this.acts.close },
        icon("close"),
      ),
    );
    const next = h("div", {}, head, h("div.body", {}, trouble, ...drawing.parts));
    // Drawn again only when something changed: a second's tick must not take the focus away.
    if (next.innerHTML === this.drawn) return;
    this.drawn = next.innerHTML;
    const focused = this.focusedPlace();
    this.desk.keepFocus(() => {
      this.panel.replaceChildren(...next.childNodes);
      this.desk.mount(this.panel.querySelector(".desk-place"));
    });
    this.restoreFocus(focused);
  }

  /** Whether the route shown is older than the one the board knows of. */
  isBehind({ couriers }) {
    const { route } = this.known;
    const courier = route && couriers.find((each) => each.id === route.courier_id);
    return Boolean(courier) && courier.route_version !== route.version;
  }

  /** Ask again with the next showing: something has just changed. */
  refreshNow() {
    this.askedMs = -REFRESH_MS;
  }

  focusedPlace() {
    const all = [...this.panel.querySelectorAll(FOCUSABLE)];
    return all.indexOf(document.activeElement);
  }

  restoreFocus(place) {
    if (place >= 0) this.panel.querySelectorAll(FOCUSABLE)[place]?.focus({ preventScroll: true });
  }

  async refresh(kind, id) {
    const sources = Object.entries(SOURCES[kind](id));
    const answers = await Promise.allSettled(sources.map(([, path]) => ask(path)));
    if (this.chosen?.kind !== kind || this.chosen.id !== id) return;
    this.trouble = null;
    answers.forEach((answer, i) => {
      if (answer.status === "fulfilled") this.known[sources[i][0]] = answer.value;
      else this.trouble = answer.reason.message;
    });
    if (kind === "courier" && this.known.route) this.acts.onRoute(id, this.known.route);
    if (kind === "order") await this.refreshWay(id);
  }

  /** The way of the courier an order is with, for the map. */
  async refreshWay(orderId) {
    const courierId = this.known.order?.delivery?.courier_id;
    if (!courierId || this.known.order.status === "cancelled") return;
    try {
      const route = await ask(`/v1/couriers/${courierId}/route`);
      if (this.chosen?.id === orderId) this.acts.onRoute(courierId, route);
    } catch (error) {
      this.trouble = error.message;
    }
  }
}

// --- an order ------------------------------------------------------------------------------------

function drawOrder(id, view, acts, orderDesk) {
  const { board, zoneTime, nowMs, names, order: full, explanation, desk } = view;
  const order = board.orders.find((each) => each.id === id) ?? fromFull(full);
  if (!order) return gone("Order", id);
  const over = !isOpen(order);
  const eta = order.delivered_at ?? order.eta;
  const level = board.attention.find((item) => item.order_id === id)?.level;
  const parts = [
    h(
      "section",
      {},
      h("p.headline", {}, zoneTime.clock(eta), h("small", {}, relative(eta, nowMs))),
      stateLine(order, level),
    ),
    h(
      "section",
      {},
      h(
        "h3",
        {},
        `Promised ${zoneTime.range(order.promise)}`,
        over || !explanation ? null : sureness(explanation),
      ),
      over ? null : windowDrawing(order, zoneTime, nowMs),
    ),
  ];
  if (explanation?.sentence) parts.push(why(explanation, zoneTime));
  if (desk && explanation) parts.push(decisions(desk, explanation, view, orderDesk));
  parts.push(
    h(
      "section.stack",
      {},
      order.store_id ? go("From", names("store", order.store_id), () => acts.choose("store", order.store_id)) : null,
      order.courier_id
        ? go("By", names("courier", order.courier_id), () => acts.choose("courier", order.courier_id))
        : null,
    ),
  );
  if (full) {
    parts.push(h("section", {}, h("h3", {}, "So far"), timeline(full.timeline, zoneTime)));
    parts.push(h("section", {}, h("h3", {}, "Order"), orderFacts(full)));
  }
  return {
    kind: `Order ${order.short}`,
    title: order.address,
    glyph: h(`span.${levelClass(order) || "plain"}`, {}, orderGlyph(order.phase)),
    parts,
  };
}

/** What people decided about it, and what they may decide now. */
function decisions(desk, explanation, { board, zoneTime }, orderDesk) {
  const lines = decisionLines(explanation, zoneTime);
  return h(
    "section",
    {},
    h("h3", {}, lines.length ? "Decided by hand" : "Overrule"),
    lines.length ? h("ul.decisions", {}, lines) : null,
    orderDesk.draw(desk, board),
    h("div.desk-place"),
  );
}

/** An order that left the board, as far as its own record tells. */
function fromFull(full) {
  if (!full) return null;
  const done = { delivered: "delivered", failed: "failed", returned: "failed" };
  return {
    id: full.id,
    short: shortName(full.id),
    address: full.dropoff.address,
    promise: full.promise,
    eta: full.delivery?.eta ?? null,
    store_id: full.store_id,
    courier_id: full.delivery?.courier_id ?? null,
    // What a customer collects has no delivery.
    phase: full.status === "collected" ? "delivered" : (done[full.delivery?.status] ?? "waiting"),
  };
}

function stateLine(order, level) {
  if (order.phase === "delivered") {
    return h("p.state-line.is-done", {}, icon("check"), PHASE_NAMES.delivered);
  }
  const words = [order.held ? "Held" : (PHASE_NAMES[order.phase] ?? order.status)];
  if (order.late) words.unshift("Late");
  else if (order.at_risk) words.unshift("At risk");
  else if (level === "unassigned") words.unshift("No courier yet");
  const shown = order.late ? "late" : order.at_risk ? "risk" : level === "unassigned" ? level : null;
  return h(
    `p.state-line.${levelClass(order) || "plain"}`,
    {},
    shown ? levelGlyph(shown) : null,
    words.join(" · "),
  );
}

/** The promise as a stretch of time, with now and the expected arrival on it. */
function windowDrawing(order, zoneTime, nowMs) {
  const [from, to, eta] = [order.promise.earliest, order.promise.latest, order.eta].map(toMs);
  const start = Math.min(nowMs, from) - 60_000;
  const end = Math.max(to, eta ?? to, nowMs) + 120_000;
  const x = (ms) => ((ms - start) / (end - start)) * 336;
  const width = Math.max(4, x(to) - x(from));
  const spoken = `Promised ${zoneTime.range(order.promise)}, expected ${zoneTime.clock(order.eta)}`;
  return s(
    `svg.window.${levelClass(order) || "plain"}`,
    { viewBox: "0 0 336 40", role: "img", "aria-label": spoken },
    s("path.track", { d: "M0 12H336" }),
    s("rect.promise", { x: x(from).toFixed(1), y: 8, width: width.toFixed(1), height: 8, rx: 2 }),
    s("path.now-mark", { d: `M${x(nowMs).toFixed(1)} 3V21` }),
    s("text", { x: Math.min(300, Math.max(0, x(nowMs) - 11)).toFixed(1), y: 36 }, "now"),
    eta === null ? null : s("circle.eta-mark", { cx: x(eta).toFixed(1), cy: 12, r: 6 }),
  );
}

function timeline(entries, zoneTime) {
  const names = eventNames(entries.map(({ event }) => event));
  return h(
    "ol.timeline",
    {},
    entries.map(({ at }, i) =>
      h("li", {}, h("time", { datetime: at }, zoneTime.clock(at)), h("span", {}, names[i])),
    ),
  );
}

function orderFacts(full) {
  const pieces = full.lines.reduce((sum, line) => sum + line.quantity, 0);
  const what = full.lines.map((line) => `${line.quantity} × ${line.sku}`).join(", ");
  return facts({
    Goods: `${count(pieces, "piece")}, ${weight(full.weight_g)}`,
    Contents: what,
    Note: full.dropoff.note || null,
    "Shop's number": full.external_id,
  });
}

// --- a courier --------------------------------------------------------------------------------------

function drawCourier(id, view, acts) {
  const { board, zoneTime, nowMs, names, route } = view;
  const courier = board.couriers.find((each) => each.id === id);
  if (!courier) return gone("Courier", id);
  const next = courier.next_stop;
  const travelling = next && !courier.activity.startsWith("at_");
  const doing = ACTIVITY_NAMES[courier.activity] ?? courier.activity;
  const waits = standbyWords(courier);
  const rests = breakWords(courier.shift, zoneTime);
  const there = waits && courier.line.length ? `, there at ${zoneTime.clock(courier.standby.expected_at)}` : "";
  const late = courier.late_s > 0 ? ` · ${Math.ceil(courier.late_s / 60)} min behind` : "";
  const parts = [
    h(
      "section",
      {},
      travelling
        ? h("p.headline", {}, zoneTime.clock(next.arrive_at), h("small", {}, relative(next.arrive_at, nowMs)))
        : h("p.headline", {}, doing),
      next ? h("p.state-line", {}, `${travelling ? `${doing} · ` : ""}${next.name}${late}`) : null,
      waits ? h("p.state-line", {}, `${waits}${there}`) : null,
    ),
    h(
      "section",
      {},
      facts({
        "In the bag": courier.on_board.length
          ? `${courier.on_board.length} of ${courier.capacity_parcels}`
          : "Nothing",
        Moves: MODE_NAMES[courier.mode] ?? courier.mode,
        Shift: courier.shift
          ? `${zoneTime.clock(courier.shift.starts_at)}–${zoneTime.clock(courier.shift.ends_at)}`
          : "Off shift",
        ...(rests ? { "Next break": rests } : {}),
        "Position from": courier.position ? `${age(courier.position.at, nowMs)} ago` : "Not known",
        "Driven by": courier.operator === "simulation" ? "Simulation" : "A person",
      }),
    ),
  ];
  if (route?.stops.length) {
    parts.push(
      h("section", {}, h("h3", {}, "Next stops"), stopList(route, zoneTime, nowMs, acts, names)),
    );
  } else if (route) {
    parts.push(h("section", {}, h("p", {}, "No stops ahead: free for the next order.")));
  }
  return {
    kind: "Courier",
    title: courier.name,
    glyph: modeGlyph(courier.mode),
    parts,
  };
}

const STOP_VERBS = { pickup: "Pick up", dropoff: "Deliver", return: "Bring back", break: "Break" };

function stopList(route, zoneTime, nowMs, acts) {
  return h(
    "ol.stack",
    {},
    route.stops.map((stop, i) =>
      h(
        "li",
        {},
        go(
          `${i + 1}`,
          `${STOP_VERBS[stop.kind] ?? stop.kind} · ${stop.name}`,
          () => acts.choose("order", stop.order_id),
          `${zoneTime.clock(stop.arrive_at)}`,
        ),
      ),
    ),
  );
}

// --- a store -----------------------------------------------------------------------------------------

function drawStore(id, view, acts) {
  const { board, zoneTime, picks } = view;
  const store = board.stores.find((each) => each.id === id);
  if (!store) return gone("Store", id);
  const state = store.paused ? "Paused" : store.open_now ? "Open" : "Closed";
  const parts = [
    h(
      "section",
      {},
      h(
        "p.headline",
        {},
        String(store.picks_waiting),
        h("small", {}, `waiting, ${store.picks_running} being picked`),
      ),
      h("p.state-line", {}, state),
    ),
    h(
      "section",
      {},
      facts({
        Pickers: String(store.pickers),
        "Opening hours": store.opening_hours || "Always open",
        Address: store.address || null,
      }),
    ),
  ];
  if (picks) {
    const rows = picks.data.map((pick) => {
      const order = board.orders.find((each) => each.id === pick.order_id);
      return h(
        "li",
        {},
        go(
          "",
          order ? order.address : pick.order_id,
          () => acts.choose("order", pick.order_id),
          pick.ready_by ? `ready ${zoneTime.clock(pick.ready_by)}` : "",
        ),
      );
    });
    parts.push(
      h(
        "section",
        {},
        h("h3", {}, "Picking, in the order of work"),
        rows.length ? h("ol.stack", {}, rows) : h("p", {}, "Nothing to pick."),
      ),
    );
  }
  return { kind: "Store", title: store.name, glyph: null, parts };
}

// --- pieces -------------------------------------------------------------------------------------------

function gone(kind, id) {
  return { kind, title: id, glyph: null, parts: [h("p", {}, "No longer on the board.")] };
}

function facts(pairs) {
  const rows = Object.entries(pairs).filter(([, value]) => value);
  return h(
    "dl.facts",
    {},
    rows.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]),
  );
}

function go(label, text, onclick, right = "") {
  return h(
    "button.go",
    { type: "button", onclick },
    h("span", {}, label ? h("span.second", {}, `${label} `) : null, text),
    right ? h("span.second", {}, right) : icon("chevron"),
  );
}
