/** The courier's map: where I am, the way along the streets, the stops in order. */

import { numbered } from "./courierview.js";
import { h, setText } from "./dom.js";
import { calm, createMap, drawClosed, mapControls, nothing, wayFeature } from "./map.js";
import { Overlay } from "./overlay.js";

/** How often the drawn way follows the courier, in ms. */
const WAYS_MS = 400;
const PADDING = { top: 40, bottom: 40, left: 40, right: 64 };

export class CourierMap {
  /**
   * @param {HTMLElement} container
   * @param {object} zone
   * @param {Travel} travel where the courier is
   */
  constructor(container, zone, travel) {
    this.travel = travel;
    this.route = null;
    this.fitted = null;
    this.waysMs = 0;
    this.closures = [];
    this.map = createMap(container, zone, { padding: 16 });
    if (!this.map) return;
    this.overlay = new Overlay(this.map);
    container.parentElement.append(mapControls(this.map, "Show my way", () => this.fit()));
    this.map.on("load", () => {
      this.drawWays();
      drawClosed(this.map, this.closures);
    });
    requestAnimationFrame(() => this.frame());
  }

  /** Show a route; the view moves to it when the stop at hand is another one. */
  show(route) {
    this.route = route;
    if (!this.map) return;
    this.overlay.keep(
      "stop",
      numbered(route.stops),
      {
        place: ({ location }) => [location.lng, location.lat],
        create: () => h("span.hit", { "aria-hidden": "true" }),
        update: (hit, stop) => setText(hit, String(stop.number)),
      },
    );
    this.drawWays();
    const subject = route.stops[0]?.id ?? "none";
    if (subject !== this.fitted) {
      this.fitted = subject;
      this.fit();
    }
  }

  /** Show the streets closed now. */
  showClosed(closures) {
    this.closures = closures;
    if (this.map) drawClosed(this.map, closures);
  }

  /** Bring the courier and the way to the stop at hand into view. */
  fit() {
    const stop = this.route?.stops[0];
    const points = [this.travel.here, ...this.travel.step().ahead];
    if (stop) points.push([stop.location.lng, stop.location.lat]);
    const bounds = new globalThis.maplibregl.LngLatBounds();
    for (const point of points.filter(Boolean)) bounds.extend(point);
    if (!this.map || bounds.isEmpty()) return;
    this.map.resize(); // what stands above and below may just have grown
    this.map.fitBounds(bounds, { padding: PADDING, maxZoom: 16.5, duration: calm() ? 0 : 600 });
  }

  frame() {
    requestAnimationFrame(() => this.frame());
    if (document.hidden || !this.travel.here) return;
    const { at } = this.travel.step();
    this.overlay.keep("me", [{ id: "me" }], {
      place: () => at,
      create: () => h("span.me-dot", { role: "img", "aria-label": "You are here" }),
      update: () => {},
    });
    if (performance.now() - this.waysMs > WAYS_MS) this.drawWays();
  }

  drawWays() {
    const source = this.map.getSource("ways");
    if (!source || !this.route) return;
    this.waysMs = performance.now();
    const collection = nothing();
    const { ahead } = this.travel.step();
    if (ahead.length > 1) collection.features.push(wayFeature("chosen", ahead));
    const current = this.route.stops[0];
    const open = new Set(this.route.stops.map((stop) => stop.id));
    for (const leg of this.route.legs) {
      const mine = leg.stop_id === current?.id && ahead.length > 1;
      if (!mine && open.has(leg.stop_id) && leg.line.length > 1) {
        collection.features.push(wayFeature("later", leg.line));
      }
    }
    source.setData(collection);
  }
}
