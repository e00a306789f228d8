/** The closed streets on the rail: which, why, until when, and the way to open them again. */

import { ask } from "./client.js";
import { h, keep, setAttribute, setText } from "./dom.js";
import { relative } from "./format.js";
import { closedGlyph } from "./glyphs.js";

/** `Aleksanterinkatu, Fabianinkatu`; unnamed ways are told as such. */
export function streetNames({ streets }) {
  return streets.length ? streets.join(", ") : "A way without a name";
}

/** `until 18:42`, or until somebody opens it. */
export function untilText(until, zoneTime) {
  return until ? `until ${zoneTime.clock(until)}` : "until opened again";
}

const WHO = {
  walk: "walkers",
  bike: "bicycles",
  cargo_bike: "cargo bikes",
  scooter: "scooters",
  car: "cars",
};

/** `closed to scooters, cars` or `open to walkers`; nothing when it is closed to everybody. */
function toWhom({ modes }) {
  const all = Object.keys(WHO);
  const names = (closed) => all.filter((mode) => modes.includes(mode) === closed).map((mode) => WHO[mode]);
  const [shut, open] = [names(true), names(false)];
  if (!open.length) return null;
  return open.length < shut.length ? `open to ${open.join(", ")}` : `closed to ${shut.join(", ")}`;
}

/**
 * Build the list.
 *
 * @param {Document} page
 * @param {{flyTo: Function, onOpened: Function}} acts `flyTo(closure)` when a line is picked,
 *   `onOpened(closure)` when the service has opened it
 * @returns {{show: (view: object) => void, focus: (id: string) => void}}
 */
export function createClosedStreets(page, { flyTo, onOpened }) {
  const part = (id) => page.getElementById(id);
  const section = part("closed-streets");
  const list = part("closed");
  const known = new Map();

  async function open(element) {
    const closure = known.get(element.dataset.key);
    const buttons = [...element.querySelectorAll(".confirm button")];
    for (const button of buttons) button.disabled = true;
    try {
      await ask(`/v1/closures/${closure.id}`, { method: "DELETE" });
      onOpened(closure);
    } catch (error) {
      setText(element.querySelector(".trouble"), error.message);
    } finally {
      for (const button of buttons) button.disabled = false;
    }
  }

  function toggle(element, asking) {
    element.classList.toggle("is-asking", asking);
    element.querySelector(".confirm").hidden = !asking;
    element.querySelector(".reopen").hidden = asking;
    setText(element.querySelector(".trouble"), "");
    element.querySelector(asking ? ".yes" : ".reopen").focus();
  }

  function create(closure) {
    const element = h(
      "li.closure",
      {
        onkeydown: (event) => {
          if (event.key !== "Escape" || !element.classList.contains("is-asking")) return;
          event.stopPropagation();
          toggle(element, false);
        },
      },
      h(
        "button.row",
        { type: "button", onclick: () => flyTo(known.get(element.dataset.key)) },
        h("span.glyph-cell", {}, closedGlyph(20)),
        h("span.place"),
        h("span.second"),
      ),
      h("button.reopen", { type: "button", onclick: () => toggle(element, true) }, "Open again"),
      h(
        "div.confirm",
        { role: "group", hidden: true },
        h("span", {}, "Open it again?"),
        h("button.yes", { type: "button", onclick: () => open(element) }, "Open"),
        h("button.no", { type: "button", onclick: () => toggle(element, false) }, "Keep closed"),
      ),
      h("p.trouble", { role: "alert" }),
    );
    element.dataset.key = closure.id;
    return element;
  }

  function update(element, closure, { zoneTime, nowMs }) {
    const name = streetNames(closure);
    const words = [closure.reason, untilText(closure.until, zoneTime), toWhom(closure)];
    setText(element.querySelector(".place"), name);
    setText(element.querySelector(".second"), capital(words.filter(Boolean).join(" · ")));
    const row = element.querySelector(".row");
    setAttribute(row, "title", closure.until ? `${name}, open ${relative(closure.until, nowMs)}` : name);
    setAttribute(element.querySelector(".reopen"), "aria-label", `Open ${name} again`);
    setAttribute(element.querySelector(".confirm"), "aria-label", `Open ${name} again?`);
  }

  return {
    show(view) {
      const { closures } = view.board;
      section.hidden = closures.length === 0;
      setText(part("closed-count"), String(closures.length));
      known.clear();
      for (const closure of closures) known.set(closure.id, closure);
      keep(list, closures, {
        key: (closure) => closure.id,
        create,
        update: (element, closure) => update(element, closure, view),
      });
    },
    focus(id) {
      const row = list.querySelector(`[data-key="${CSS.escape(id)}"] .row`);
      row?.scrollIntoView({ block: "nearest" });
      row?.focus({ preventScroll: true });
    },
  };
}

function capital(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
