/** The shapes of the house: orders, stores, couriers. Colour comes from `currentColor` and CSS. */

import { h, s } from "./dom.js";

const CHECK = "M-3.4 .2 -1 2.6 3.6 -2.6";
const CROSS = "M-2.8 -2.8 2.8 2.8 M2.8 -2.8 -2.8 2.8";

/** Strokes of each mode in a 24 px box centred on zero. */
const MODES = {
  walk: [
    "M.6 -7.2a1.5 1.5 0 1 0 .01 0z",
    "M.4 -3.2 -.6 2 -2.8 7.4M-.6 2 2.2 4.2 2.8 7.4M.4 -3.2 -3 -1.2 -3.4 1.6M.4 -3.2 2.2 -.4 4.4 .4",
  ],
  bike: [
    "M-5 1.2a3.2 3.2 0 1 0 .01 0zM5 1.2a3.2 3.2 0 1 0 .01 0z",
    "M-5 4.4 -1.8 -1.6H2.8L5 4.4M-1.8 -1.6 .4 4.4 2.8 -1.6M-.0 4.4H-5M2.8 -1.6 2.2 -4H4.2M-2.8 -3.4H-.8",
  ],
  cargo_bike: [
    "M-5.8 1.8a2.7 2.7 0 1 0 .01 0zM6 1.8a2.7 2.7 0 1 0 .01 0z",
    "M-5.8 4.5 -3.4 -1.6 -1.6 4.5H6M-1.6 4.5H-5.8M-3.4 -1.6H-.8L-.2 -3.8M-4.4 -3.6H-2.4M.8 -2.4H6.6V2H.8z",
  ],
  scooter: [
    "M-4.6 2.2a2.3 2.3 0 1 0 .01 0zM4.8 2.2a2.3 2.3 0 1 0 .01 0z",
    "M-2.3 4.5H1.4L3.6 -4.6H1.8M3.2 -2.8 4.8 2.2M-6.4 .6C-6 -1 -4.8 -1.4 -3 -1.4H-.6L.4 3.4M-5 -3.6H-2V-1.4",
  ],
  car: [
    "M-3.8 2.6a1.7 1.7 0 1 0 .01 0zM3.8 2.6a1.7 1.7 0 1 0 .01 0z",
    "M-5.5 4.2H-6.8V.6L-4.4 -.4 -2.6 -3.6H2.4L4.6 -.4 6.8 .4V4.2H5.5M-2.1 4.2H2.1M-4.4 -.4H4.6M-.2 -3.6V-.4",
  ],
};

/** A drawing of `size` px whose zero is its middle. */
function drawing(size, name, ...children) {
  const half = size / 2;
  return s(
    `svg.glyph.${name}`,
    { width: size, height: size, viewBox: `${-half} ${-half} ${size} ${size}`, "aria-hidden": "true" },
    ...children,
  );
}

/**
 * An order's ring: dashed waiting, half picking, full ready, an arrow on the way, check, cross.
 *
 * @param {string} phase as on the board
 */
export function orderGlyph(phase) {
  const back = s("circle.back", { r: 9 });
  const parts = {
    waiting: [s("circle.ring", { r: 6, "stroke-dasharray": "2.7 2.01" })],
    picking: [s("circle.ring", { r: 6 }), s("path.fill", { d: "M0 -6A6 6 0 0 0 0 6z" })],
    ready: [s("circle.ring.fill", { r: 5.5 })],
    carried: [s("circle.ring", { r: 6 }), s("path.ring", { d: "M-1.4 -2.6 1.2 0 -1.4 2.6" })],
    delivered: [s("path.ring", { d: CHECK })],
    failed: [s("path.ring", { d: CROSS })],
  };
  return drawing(20, "order-glyph", back, ...(parts[phase] ?? parts.waiting));
}

/** What doubles a state's colour: a triangle at risk, a square late, a question unassigned. */
export function levelGlyph(level) {
  const mark = s("path.mark", { d: "M0 -2.6V.6M0 2.9V3" });
  if (level === "late") {
    return drawing(18, "level-glyph", s("rect.plate", { x: -7, y: -7, width: 14, height: 14, rx: 3 }), mark);
  }
  if (level === "risk") {
    const lifted = s("path.mark", { d: "M0 -2.2V1.2M0 3.7V3.8" });
    return drawing(18, "level-glyph", s("path.plate", { d: "M0 -7 7.6 6H-7.6z" }), lifted);
  }
  return drawing(
    18,
    "level-glyph",
    s("circle.plate.open", { r: 7, "stroke-dasharray": "2.6 1.8" }),
    s("path.mark", { d: "M-1.9 -1.7A1.95 1.95 0 1 1 .6 .2Q0 .5 0 1.3M0 3.5V3.6" }),
  );
}

/** A store: an awning over a shop. */
export function storeGlyph() {
  return drawing(
    28,
    "store-glyph",
    s("rect.back", { x: -11, y: -11, width: 22, height: 22, rx: 5 }),
    s("path.wall", { d: "M-6 -.5V6.5H6V-.5" }),
    s("path.awning", {
      d: "M-5.6 -6.5H5.6L7.4 -1.6A1.85 1.85 0 0 1 3.7 -1.6A1.85 1.85 0 0 1 0 -1.6A1.85 1.85 0 0 1 -3.7 -1.6A1.85 1.85 0 0 1 -7.4 -1.6z",
    }),
    s("path.door", { d: "M-1.8 6.5V2.4H1.8V6.5" }),
  );
}

/** A closed street: the sign for no entry. */
export function closedGlyph(size = 26) {
  return drawing(
    size,
    "closed-glyph",
    s("circle.plate", { r: size / 2 - 1.5 }),
    s("path.bar", { d: `M${-size / 4.4} 0H${size / 4.4}`, "stroke-width": size / 5.6 }),
  );
}

/** A courier: a disc with the mode in it; `.heading` turns to where the courier goes. */
export function courierGlyph(mode) {
  const [wheels, frame] = MODES[mode] ?? MODES.walk;
  return drawing(
    34,
    "courier-glyph",
    s("path.heading", { d: "M0 -17 4 -11.6H-4z" }),
    s("circle.disc", { r: 13 }),
    s("g.mode", {}, s("path", { d: wheels }), s("path", { d: frame })),
  );
}

/** The same mode drawn small, for lists. */
export function modeGlyph(mode) {
  const [wheels, frame] = MODES[mode] ?? MODES.walk;
  return drawing(20, "mode-glyph", s("path", { d: wheels }), s("path", { d: frame }));
}

/** A stroke icon by name, 20 px. */
export function icon(name) {
  const shapes = {
    close: "M-5 -5 5 5M5 -5 -5 5",
    back: "M2.5 -6 -3.5 0 2.5 6",
    chevron: "M-2 -5 3 0 -2 5",
    clock: "M0 -7a7 7 0 1 0 .01 0zM0 -3.4V0L2.6 1.8",
    check: "M-6 .4 -1.8 4.6 6.2 -4.4",
  };
  return drawing(20, `icon-${name}`, s("path.stroke", { d: shapes[name] }));
}

/** A small number beside a glyph. */
export function badge(name) {
  return h(`span.badge.${name}`, { "aria-hidden": "true" });
}
