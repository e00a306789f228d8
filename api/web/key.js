/** The key of the map: every shape with its meaning. */

import { h } from "./dom.js";
import { closedGlyph, courierGlyph, levelGlyph, orderGlyph, storeGlyph } from "./glyphs.js";

const REMEMBERED = "samehour.key";
/** From this width on there is room beside the zone, so the key starts open. */
const ROOMY_PX = 1360;

/** Fill the key and remember whether it is open. */
export function fillKey(key, body) {
  const shapes = [
    [orderGlyph("waiting"), "Order, waiting to be picked"],
    [orderGlyph("picking"), "Being picked"],
    [orderGlyph("ready"), "Ready for a courier"],
    [orderGlyph("carried"), "In a courier's bag"],
    [orderGlyph("delivered"), "Delivered, fading", "is-done"],
    [levelGlyph("risk"), "At risk: may miss its promise", "is-risk"],
    [levelGlyph("late"), "Late, with the minutes", "is-late"],
    [storeGlyph(), "Store, with picks waiting"],
    [courierGlyph("bike"), "Courier, with orders in the bag"],
    [closedGlyph(), "Street closed now"],
  ];
  body.classList.add("key-rows");
  body.append(
    ...shapes.map(([glyph, text, state]) =>
      h("div", {}, h(`span.glyph-cell.${state ?? "plain"}`, {}, glyph), h("span", {}, text)),
    ),
  );
  const remembered = localStorage.getItem(REMEMBERED);
  key.open = remembered === null ? innerWidth >= ROOMY_PX : remembered === "open";
  key.addEventListener("toggle", () => {
    localStorage.setItem(REMEMBERED, key.open ? "open" : "closed");
  });
}
