/** The customer's map: the door, and the courier while theirs is the next one. */

import { h } from "./dom.js";
import { calm, createMap } from "./map.js";
import { Overlay } from "./overlay.js";

const CLOSEST_ZOOM = 16;
const PADDING = 48;
/** A position older than this is grey. */
const STALE_MS = 30_000;

export class TrackMap {
  /**
   * @param {HTMLElement} container
   * @param {{city: string, bounds: number[], attribution: string}} zone
   */
  constructor(container, zone) {
    this.map = createMap(container, zone, { padding: 16 });
    this.fitted = "";
    if (this.map) this.overlay = new Overlay(this.map);
  }

  /** Show a place and the couriers on their way to it; the view follows when one comes or goes. */
  show(place, couriers, nowMs) {
    if (!this.map) return;
    const at = ({ lng, lat }) => [lng, lat];
    const seen = couriers
      .filter((courier) => courier.position)
      .map((courier, index) => ({ id: String(index), ...courier }));
    this.overlay.keep("door", [{ id: "door" }], {
      place: () => at(place),
      create: () => h("span.door-mark", { role: "img", "aria-label": "Where it goes" }),
      update: () => {},
    });
    this.overlay.keep("courier", seen, {
      place: (courier) => at(courier.position.location),
      create: (courier) => h("span.courier-mark", { role: "img", "aria-label": courier.name }),
      update: (mark, courier) => {
        const old = nowMs - Date.parse(courier.position.at) > STALE_MS;
        mark.classList.toggle("is-stale", old);
      },
    });
    const subject = `${place.lng},${place.lat},${seen.length}`;
    if (subject === this.fitted) return;
    this.fitted = subject;
    const bounds = new globalThis.maplibregl.LngLatBounds(at(place), at(place));
    for (const courier of seen) bounds.extend(at(courier.position.location));
    this.map.resize();
    this.map.fitBounds(bounds, {
      padding: PADDING,
      maxZoom: CLOSEST_ZOOM,
      duration: calm() ? 0 : 600,
    });
  }
}
