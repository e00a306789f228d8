/** What moves and stands on the board's map. */

import { h, setAttribute, setText } from "./dom.js";
import { ACTIVITY_NAMES, MODE_NAMES, PHASE_NAMES, age, count, standbyWords, toMs } from "./format.js";
import { streetNames } from "./closedstreets.js";
import { Glide, lengthOf, walk } from "./glide.js";
import { badge, closedGlyph, courierGlyph, levelGlyph, orderGlyph, storeGlyph } from "./glyphs.js";
import {
  calm,
  createMap,
  drawClosed,
  mapControls,
  nothing,
  pointFeature,
  wayFeature,
} from "./map.js";
import { Overlay } from "./overlay.js";
import { isOpen, lateMinutes, levelClass } from "./rail.js";
import { spread } from "./spread.js";

/** A position older than this, in service seconds, is shown as stale. */
const STALE_S = 30;
/** A delivered order fades away over this many service seconds. */
const FADE_S = 300;
/** Names of stores appear from this zoom on. */
const NAMES_ZOOM = 15.2;
const LEVEL_WORDS = { "is-late": "late", "is-risk": "at risk" };
/** How often the drawn ways follow the couriers, in ms. */
const WAYS_MS = 500;

export class BoardMap {
  /**
   * @param {HTMLElement} container
   * @param {object} zone as on the board
   * @param {{choose: Function, clock: ServiceClock, chooseClosed: Function}} page `chooseClosed(id)`
   *   when the sign of a closed street is pressed
   */
  constructor(container, zone, { choose, clock, chooseClosed }) {
    this.container = container;
    this.choose = choose;
    this.clock = clock;
    this.chooseClosed = chooseClosed;
    this.pick = null;
    this.closing = { points: [], lines: [] };
    this.glides = new Map();
    this.route = null;
    this.view = null;
    this.waysMs = 0;
    this.map = createMap(container, zone, { padding: 8 });
    if (!this.map) return;
    this.overlay = new Overlay(this.map);
    container.parentElement.append(mapControls(this.map));
    this.map.on("click", ({ originalEvent, lngLat: { lng, lat } }) => {
      if (this.pick) this.pick([lng, lat]);
      else if (!originalEvent.target.closest(".marker")) choose(null);
    });
    this.map.getCanvas().addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || !this.pick) return;
      const { lng, lat } = this.map.getCenter();
      this.pick([lng, lat]);
    });
    this.map.on("zoom", () => this.showNames());
    this.map.on("zoomend", () => this.makeRoom());
    this.map.on("load", () => {
      this.drawWays();
      this.drawClosing();
      if (this.view) drawClosed(this.map, this.view.board.closures);
    });
    this.showNames();
    requestAnimationFrame(() => this.frame());
  }

  showNames() {
    this.container.classList.toggle("names-shown", this.map.getZoom() >= NAMES_ZOOM);
  }

  /** Show a board. */
  show(view) {
    this.view = view;
    if (!this.map) return;
    const related = this.relations();
    this.container.classList.toggle("has-choice", Boolean(view.chosen));
    this.showStores(related);
    this.showOrders(related);
    this.showCouriers(related);
    this.showClosed();
    this.showSteps();
    this.makeRoom();
    this.drawWays();
  }

  /** Let couriers who stand step off the stores and off each other. */
  makeRoom() {
    if (!this.view) return;
    const { board } = this.view;
    const fixed = board.stores.map((store) => this.map.project(lngLat(store)));
    const standing = [];
    for (const [id, glide] of this.glides) {
      const place = glide.at(performance.now());
      if (!place.moving) standing.push({ id, ...pick(this.map.project(place.at)) });
    }
    const offsets = spread(fixed, standing);
    for (const id of this.glides.keys()) {
      const [right, down] = offsets.get(id) ?? [0, 0];
      const hit = this.overlay.inner("courier", id);
      if (hit) hit.style.translate = `${right.toFixed(0)}px ${down.toFixed(0)}px`;
    }
  }

  /** What has to do with the chosen thing, as `kind:id`. */
  relations() {
    const { board, chosen } = this.view;
    if (!chosen) return new Set();
    const about = new Set();
    if (chosen.kind === "courier") {
      const courier = board.couriers.find((each) => each.id === chosen.id);
      if (courier?.standby) about.add(`store:${courier.standby.store_id}`);
    }
    for (const order of board.orders) {
      const all = [`order:${order.id}`, `store:${order.store_id}`, `courier:${order.courier_id}`];
      if (all.includes(`${chosen.kind}:${chosen.id}`)) all.forEach((one) => about.add(one));
    }
    return about;
  }

  dress(hit, kind, id, related) {
    const { chosen } = this.view;
    hit.classList.toggle("is-chosen", chosen?.kind === kind && chosen.id === id);
    hit.classList.toggle("is-related", related.has(`${kind}:${id}`));
  }

  button(kind, item, ...children) {
    const onclick = () => this.choose(kind, item.id);
    return h("button.hit", { type: "button", onclick }, ...children);
  }

  // --- stores ---------------------------------------------------------------------------------------

  showStores(related) {
    this.overlay.keep("store", this.view.board.stores, {
      place: lngLat,
      create: (store) =>
        this.button("store", store, storeGlyph(), badge("picks"), h("span.store-name", {}, store.name)),
      update: (hit, store) => {
        this.dress(hit, "store", store.id, related);
        hit.classList.toggle("is-closed", !store.open_now || store.paused);
        setText(hit.querySelector(".picks"), store.picks_waiting ? String(store.picks_waiting) : "");
        const state = store.paused ? "paused" : store.open_now ? "open" : "closed";
        const waiting = count(store.picks_waiting, "order");
        setAttribute(hit, "aria-label", `Store ${store.name}, ${state}, ${waiting} waiting to be picked`);
      },
    });
  }

  // --- orders ---------------------------------------------------------------------------------------

  showOrders(related) {
    const { board, chosen, nowMs } = this.view;
    const shown = board.orders.filter(
      (order) =>
        order.phase !== "carried" ||
        levelClass(order) ||
        related.has(`order:${order.id}`) ||
        (chosen?.kind === "order" && chosen.id === order.id),
    );
    this.overlay.keep("order", shown, {
      place: lngLat,
      create: (order) => this.button("order", order, h("span.shape"), h("span.alarm")),
      update: (hit, order) => {
        this.dress(hit, "order", order.id, related);
        if (hit.dataset.phase !== order.phase) {
          hit.dataset.phase = order.phase;
          hit.querySelector(".shape").replaceChildren(orderGlyph(order.phase));
        }
        const level = levelClass(order);
        hit.classList.toggle("is-late", level === "is-late");
        hit.classList.toggle("is-risk", level === "is-risk");
        hit.classList.toggle("is-done", order.phase === "delivered");
        this.showAlarm(hit, order, nowMs);
        hit.tabIndex = -1; // the rail lists every open order for the keyboard
        const words = [order.address, LEVEL_WORDS[level], PHASE_NAMES[order.phase]];
        setAttribute(hit, "aria-label", `Order, ${words.filter(Boolean).join(", ")}`);
        hit.style.opacity = order.phase === "delivered" ? String(faded(order, nowMs)) : "";
      },
    });
  }

  showAlarm(hit, order, nowMs) {
    const alarm = hit.querySelector(".alarm");
    const level = levelClass(order);
    const sign = level === "is-late" ? `+${lateMinutes(order, nowMs)}` : level;
    if (alarm.dataset.sign === sign) return;
    alarm.dataset.sign = sign;
    if (level === "is-late") alarm.replaceChildren(h("span.late-by", {}, sign));
    else if (level === "is-risk") alarm.replaceChildren(levelGlyph("risk"));
    else alarm.replaceChildren();
  }

  // --- couriers --------------------------------------------------------------------------------------

  showCouriers(related) {
    const { board, offline } = this.view;
    const onShift = board.couriers.filter((courier) => courier.on_shift && courier.position);
    const heardMs = Date.parse(board.now);
    const steadyMs = performance.now();
    for (const courier of onShift) {
      if (!this.glides.has(courier.id)) this.glides.set(courier.id, new Glide());
      const { lng, lat } = courier.position.location;
      this.glides.get(courier.id).hear([lng, lat], courier.line ?? [], steadyMs, calm());
    }
    this.overlay.keep("courier", onShift, {
      place: (courier) => this.glides.get(courier.id).at(steadyMs).at,
      create: (courier) =>
        this.button("courier", courier, courierGlyph(courier.mode), badge("bag"), h("span.age")),
      update: (hit, courier) => {
        this.dress(hit, "courier", courier.id, related);
        // Without contact the board's own time stands still, so the clock is asked.
        const seenMs = offline ? this.clock.running() : heardMs;
        const stale = seenMs - toMs(courier.position.at) > STALE_S * 1000;
        hit.classList.toggle("is-stale", stale);
        hit.classList.toggle("is-idle", courier.activity === "idle");
        setText(hit.querySelector(".age"), stale ? age(courier.position.at, seenMs) : "");
        const carried = courier.on_board.length;
        setText(hit.querySelector(".bag"), carried ? String(carried) : "");
        const doing = ACTIVITY_NAMES[courier.activity] ?? courier.activity;
        const mode = MODE_NAMES[courier.mode] ?? courier.mode;
        setAttribute(
          hit,
          "aria-label",
          `Courier ${courier.name}, ${mode}, ${doing}, ${count(carried, "order")} in the bag`,
        );
        setAttribute(hit, "title", `${courier.name} · ${standbyWords(courier) || doing}`);
      },
    });
    const present = new Set(onShift.map((courier) => courier.id));
    for (const id of this.glides.keys()) if (!present.has(id)) this.glides.delete(id);
  }

  // --- closed streets ----------------------------------------------------------------------------------

  showClosed() {
    const { closures } = this.view.board;
    drawClosed(this.map, closures);
    const drawn = closures.filter(({ lines }) => lines.length);
    this.overlay.keep("closed", drawn, {
      place: ({ lines }) => middle(lines),
      create: ({ id }) =>
        h("button.hit", { type: "button", onclick: () => this.chooseClosed(id) }, closedGlyph()),
      update: (hit, closure) => {
        hit.tabIndex = -1; // the rail lists every closed street for the keyboard
        const name = streetNames(closure);
        setAttribute(hit, "aria-label", `${name}, closed`);
        setAttribute(hit, "title", [`${name}, closed`, closure.reason].filter(Boolean).join(" · "));
      },
    });
  }

  /** Bring a closed street into view. */
  flyTo({ lines }) {
    // A street that is not in the city any more has no lines.
    if (!this.map || !lines.length) return;
    const bounds = new globalThis.maplibregl.LngLatBounds();
    for (const place of lines.flat()) bounds.extend(place);
    this.map.fitBounds(bounds, { padding: 120, maxZoom: 16.5, duration: calm() ? 0 : 600 });
  }

  /**
   * Let every click on the map pick a place, whatever stands there; with null, choose again.
   *
   * @param {((place: number[]) => void)|null} pick told `[lng, lat]`
   */
  setPick(pick) {
    this.pick = pick;
    if (!this.map) return;
    this.container.classList.toggle("is-closing", Boolean(pick));
    if (pick) this.map.doubleClickZoom.disable();
    else this.map.doubleClickZoom.enable();
    if (!pick) this.showClosing({ points: [], lines: [] });
  }

  /** Show what would be closed, and the places picked for it. */
  showClosing(closing) {
    this.closing = closing;
    this.drawClosing();
  }

  drawClosing() {
    const { points, lines } = this.closing;
    this.map?.getSource("closing")?.setData({
      ...nothing(),
      features: [
        ...lines.map((line) => wayFeature("closing", line)),
        ...points.map((place) => pointFeature("point", place)),
      ],
    });
  }

  frame() {
    requestAnimationFrame(() => this.frame());
    if (document.hidden) return;
    const nowMs = performance.now();
    let moving = false;
    for (const [id, glide] of this.glides) {
      const place = glide.at(nowMs);
      if (!place) continue;
      const hit = place.moving || glide.wasMoving ? this.overlay.move("courier", id, place.at) : null;
      if (hit) {
        hit.classList.toggle("is-moving", place.moving && place.bearing !== null);
        if (place.bearing !== null) {
          hit.querySelector(".heading").style.transform = `rotate(${place.bearing.toFixed(0)}deg)`;
        }
      }
      glide.wasMoving = place.moving;
      moving ||= place.moving;
    }
    if (moving && nowMs - this.waysMs > WAYS_MS) this.drawWays();
  }

  // --- ways ---------------------------------------------------------------------------------------------

  /** Keep a courier's route to draw while that courier, or an order of theirs, is chosen. */
  showRoute(courierId, route) {
    this.route = { courierId, ...route };
  }

  clearRoute() {
    this.route = null;
  }

  /** Numbers at the stops of the chosen courier's route. */
  showSteps() {
    const shown = this.route && this.route.courierId === this.chosenCourier();
    const stops = shown ? this.route.stops.map((stop, i) => ({ ...stop, number: i + 1 })) : [];
    this.overlay.keep("step", stops, {
      place: lngLat,
      create: () => h("span.hit", { "aria-hidden": "true" }),
      update: (hit, stop) => setText(hit, String(stop.number)),
    });
  }

  drawWays() {
    const source = this.map?.getSource("ways");
    if (!source || !this.view) return;
    this.waysMs = performance.now();
    const { board, chosen } = this.view;
    const collection = nothing();
    const subject = this.chosenCourier();
    for (const courier of board.couriers) {
      const way = this.glides.get(courier.id)?.drawnWay(this.waysMs);
      const mine = courier.id === subject;
      if (way && (mine || !chosen)) collection.features.push(wayFeature(mine ? "chosen" : "way", way));
    }
    if (this.route?.courierId === subject) {
      for (const leg of this.route.legs) {
        const first = leg.stop_id === this.route.stops[0]?.id; // drawn from the courier on, above
        if (!first && leg.line.length > 1) collection.features.push(wayFeature("later", leg.line));
      }
    }
    source.setData(collection);
  }

  /** The courier that is chosen, or that the chosen order is with; null for none. */
  chosenCourier() {
    const { board, chosen } = this.view;
    if (chosen?.kind === "courier") return chosen.id;
    if (chosen?.kind !== "order") return null;
    const order = board.orders.find((each) => each.id === chosen.id);
    return order && isOpen(order) ? order.courier_id : null;
  }
}

function lngLat({ location }) {
  return [location.lng, location.lat];
}

/** The middle of the longest of some lines: where a sign stands for all of them. */
function middle(lines) {
  const longest = lines.reduce((best, line) => (lengthOf(line) > lengthOf(best) ? line : best));
  return walk(longest, lengthOf(longest) / 2).at;
}

function pick({ x, y }) {
  return { x, y };
}

function faded(order, nowMs) {
  const share = (nowMs - (toMs(order.delivered_at) ?? nowMs)) / (FADE_S * 1000);
  return Math.max(0, 1 - share).toFixed(2);
}
