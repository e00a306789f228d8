/** Elements that stand on the map at a place; they follow it when it moves. */

import { h } from "./dom.js";

export class Overlay {
  /** @param {maplibregl.Map} map */
  constructor(map) {
    this.map = map;
    this.root = h("div.overlay");
    // Inside the canvas' container, so that wheel and drag on a marker still move the map.
    map.getCanvasContainer().append(this.root);
    this.markers = new Map();
    map.on("move", () => this.placeAll());
    map.on("resize", () => this.placeAll());
  }

  /**
   * Keep the markers of one kind in step with a list.
   *
   * @param {string} kind
   * @param {Array<{id: string}>} items
   * @param {{create: Function, update: Function, place: Function}} how `create(item)` makes the
   *   element, `update(element, item)` dresses it, `place(item)` is its `[lng, lat]`
   */
  keep(kind, items, { create, update, place }) {
    const seen = new Set();
    for (const item of items) {
      const key = `${kind}:${item.id}`;
      seen.add(key);
      let marker = this.markers.get(key);
      if (!marker) {
        const inner = create(item);
        marker = { kind, element: h(`div.marker.${kind}`, {}, inner), inner, at: null };
        this.root.append(marker.element);
        this.markers.set(key, marker);
      }
      update(marker.inner, item);
      const at = place(item);
      if (at && (!marker.at || at[0] !== marker.at[0] || at[1] !== marker.at[1])) {
        marker.at = at;
        this.placeOne(marker);
      }
    }
    for (const [key, marker] of this.markers) {
      if (marker.kind === kind && !seen.has(key)) {
        marker.element.remove();
        this.markers.delete(key);
      }
    }
  }

  /** Move one marker without dressing it again. */
  move(kind, id, at) {
    const marker = this.markers.get(`${kind}:${id}`);
    if (!marker) return null;
    marker.at = at;
    this.placeOne(marker);
    return marker.inner;
  }

  /** The element that `create` made for an item; undefined when it is not on the map. */
  inner(kind, id) {
    return this.markers.get(`${kind}:${id}`)?.inner;
  }

  placeAll() {
    for (const marker of this.markers.values()) this.placeOne(marker);
  }

  placeOne(marker) {
    const { x, y } = this.map.project(marker.at);
    marker.element.style.transform = `translate3d(${x.toFixed(1)}px, ${y.toFixed(1)}px, 0)`;
  }
}
