/** What to do next on the way, in words: `Left into Aleksanterinkatu`. */

import { h, s, setText } from "./dom.js";
import { distance } from "./format.js";

/** Two things to do closer together than this are told at once. */
const TOGETHER_M = 40;
/** Nearer than this it is to be done now. */
const NOW_M = 10;

const TURNS = {
  straight: "Straight on",
  "slight right": "Keep right",
  right: "Right",
  "sharp right": "Sharp right",
  uturn: "Turn round",
  "sharp left": "Sharp left",
  left: "Left",
  "slight left": "Keep left",
};

/** Degrees by which the arrow turns off; turning round is drawn by itself. */
const ANGLES = {
  "slight right": 40,
  right: 90,
  "sharp right": 135,
  "sharp left": -135,
  left: -90,
  "slight left": -40,
};

/**
 * What is to be done next.
 *
 * @param {{steps: object[], marks: number[]}} leg its steps, and metres from its start to each
 * @param {number} metres already gone along it
 * @returns {{step: object, inM: number, then: object|null}|null} null when there is nothing to tell
 */
export function nextStep({ steps, marks }, metres) {
  const ahead = steps
    .map((step, i) => ({ step, inM: marks[i] - metres }))
    .filter(({ step, inM }) => inM > 0 && isWorthTelling(step));
  if (!ahead.length) return null;
  const [{ step, inM }, after] = ahead;
  const then = after && after.inM - inM < TOGETHER_M ? after.step : null;
  return { step, inM, then };
}

/** A nameless way straight on needs no telling. */
function isWorthTelling({ maneuver, modifier, street }) {
  if (maneuver === "depart") return false;
  return maneuver === "arrive" || modifier !== "straight" || street !== "";
}

/** `Left into Aleksanterinkatu`, `Straight on, now Mikonkatu`, `Arrive at Bulevardi 5`. */
export function stepWords({ maneuver, modifier, street }, goal) {
  if (maneuver === "arrive") return `Arrive at ${goal}`;
  const turn = TURNS[modifier] ?? TURNS.straight;
  if (!street) return turn;
  if (maneuver === "continue") return `${turn}, stay on ${street}`;
  if (modifier === "straight") return `${turn}, now ${street}`;
  return modifier === "uturn" ? `${turn} on ${street}` : `${turn} into ${street}`;
}

/** `120 m`, or `now`. */
export function stepDistance(inM) {
  return inM < NOW_M ? "now" : distance(inM);
}

/** Show the next step in its box, or hide the box when there is none. */
export function showStep(box, next, goal, isNew) {
  box.hidden = !next;
  if (!next) return;
  if (!box.firstElementChild) {
    box.replaceChildren(
      h("span.arrow"),
      h("strong.in"),
      h("span.words", { "aria-live": "polite" }, h("span.do"), h("span.then")),
    );
  }
  const { step, inM, then } = next;
  const part = (name) => box.querySelector(`.${name}`);
  const shape = step.maneuver === "arrive" ? "arrive" : step.modifier;
  if (box.dataset.shape !== shape) {
    box.dataset.shape = shape;
    part("arrow").replaceChildren(arrow(shape));
  }
  setText(part("in"), stepDistance(inM));
  setText(part("do"), stepWords(step, goal));
  const after = then ? `Then ${lower(stepWords(then, goal))}` : "";
  setText(part("then"), isNew ? "Your way has changed." : after);
  box.classList.toggle("is-new", isNew);
}

function lower(text) {
  return text.charAt(0).toLowerCase() + text.slice(1);
}

function arrow(shape) {
  const box = { viewBox: "-14 -14 28 28", width: 40, height: 40, "aria-hidden": "true" };
  if (shape === "arrive") {
    return s("svg.glyph", box, s("circle", { r: 9 }), s("circle.dot", { r: 3 }));
  }
  if (shape === "uturn") {
    return s("svg.glyph", box, s("path", { d: "M6 12V-3A6 6 0 0 0 -6 -3V9M-11 4-6 9-1 4" }));
  }
  const angle = ANGLES[shape] ?? 0;
  if (angle === 0) return s("svg.glyph", box, s("path", { d: "M0 12V-11M-6 -5 0 -11 6 -5" }));
  const head = s("path", { d: "M0 0V-11M-5 -6 0 -11 5 -6", transform: `translate(0 2) rotate(${angle})` });
  return s("svg.glyph", box, s("path", { d: "M0 12V2" }), head);
}
