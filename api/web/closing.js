/** The tool that closes a street: clicks on the map, then who may not pass, why and until when. */

import { ask, rfc3339 } from "./client.js";
import { streetNames } from "./closedstreets.js";
import { h, setAttribute, setText } from "./dom.js";
import { MODE_NAMES, distance } from "./format.js";
import { metresBetween, nearest } from "./glide.js";
import { closedGlyph, icon } from "./glyphs.js";

const UNTIL = [
  ["30 min", 30],
  ["1 h", 60],
  ["2 h", 120],
  ["Opened again", null],
];
const USUAL_MINUTES = 60;
const ALL_MODES = Object.keys(MODE_NAMES);

export class Closing {
  /**
   * @param {HTMLFormElement} panel slides over the rail while the tool is in use
   * @param {{clock: ServiceClock, draw: Function, onActive: Function, onClosed: Function}} acts
   *   `draw({points, lines})` what is chosen, `onActive(active)` when the tool is taken up or laid
   *   down, `onClosed(closure)` when the service has closed a street
   */
  constructor(panel, acts) {
    this.panel = panel;
    this.acts = acts;
    this.active = false;
    /** What was clicked, in order: `at` on the street, and the street's `line` there. */
    this.points = [];
    this.found = null;
    this.zoneTime = null;
    /** Which use of the tool this is: answers to an earlier one's questions are too late. */
    this.session = 0;
    this.queue = Promise.resolve();
    this.asking = false;
    this.sending = false;
    this.build();
    panel.addEventListener("submit", (event) => {
      event.preventDefault();
      this.send();
    });
  }

  // --- taking up and laying down ----------------------------------------------------------------

  /** Take the tool up, or lay it down. */
  toggle() {
    if (this.active) this.cancel();
    else this.setActive(true);
  }

  /** Lay it down; nothing is closed. */
  cancel() {
    if (this.active && !this.sending) this.setActive(false);
  }

  setActive(active) {
    this.active = active;
    this.session += 1;
    this.asking = false;
    this.points = [];
    this.found = null;
    this.panel.reset();
    this.panel.classList.toggle("is-open", active);
    this.panel.inert = !active;
    this.say("");
    this.show();
    this.acts.onActive(active);
    if (active) this.panel.focus({ preventScroll: true });
  }

  // --- choosing the stretch -------------------------------------------------------------------------

  /** A click on the map at `[lng, lat]`: the first names the street, further ones lengthen it. */
  pick(place) {
    return this.inTurn(async () => {
      this.draw([...this.points, { at: place }]);
      const [line] = (await this.preview([{ at: place }])).lines;
      // Onto the middle of the street: a line that runs a little beside it follows another one.
      const points = [...this.points, { at: nearest(line, place).at, line }];
      return { points, found: await this.preview(points) };
    });
  }

  undo() {
    return this.inTurn(async () => {
      const points = this.points.slice(0, -1);
      return { points, found: points.length ? await this.preview(points) : null };
    });
  }

  /** Who may not pass has changed: other ways may be meant. */
  askAgain() {
    this.found = null;
    return this.inTurn(async () =>
      this.points.length && this.modes().length ? { found: await this.preview(this.points) } : {},
    );
  }

  /**
   * One question after the other, so that the answers come in the order of the clicks.
   *
   * @param {() => Promise<object>} job gives what is chosen then; when it fails, what was chosen
   *   stays, and the next click is another try
   */
  inTurn(job) {
    const mine = this.session;
    this.queue = this.queue.then(async () => {
      if (mine !== this.session || this.sending) return;
      this.asking = true;
      this.say("");
      this.show();
      let [next, trouble] = [{}, ""];
      try {
        next = await job();
      } catch (error) {
        trouble = error.message;
      }
      if (mine !== this.session) return;
      Object.assign(this, next, { asking: false });
      this.say(trouble);
      this.draw(this.points);
      this.show();
    });
    return this.queue;
  }

  draw(points) {
    this.acts.draw({ points: points.map(({ at }) => at), lines: this.found?.lines ?? [] });
  }

  /** Ask what would be closed; fails with the service's own words when nothing can be. */
  async preview(points) {
    const body = { ...shape(points), modes: this.modes() };
    return ask("/v1/closures/preview", { method: "POST", body });
  }

  // --- closing -----------------------------------------------------------------------------------------

  async send() {
    if (!this.found || this.asking || this.sending) return;
    this.sending = true;
    this.say("");
    this.show();
    const minutes = this.minutes();
    const reason = this.parts.reason.value.trim();
    const body = { ...shape(this.points), modes: this.modes(), reason };
    if (minutes !== null) body.until = rfc3339(this.acts.clock.running() + minutes * 60_000);
    try {
      const closure = await ask("/v1/closures", { method: "POST", body });
      this.setActive(false);
      this.acts.onClosed(closure);
    } catch (error) {
      this.say(error.message);
    } finally {
      this.sending = false;
      this.show();
    }
  }

  modes() {
    return ALL_MODES.filter((mode) => this.parts.modes[mode].checked);
  }

  minutes() {
    const chosen = this.parts.until.find(({ input }) => input.checked);
    return chosen.minutes;
  }

  // --- showing -----------------------------------------------------------------------------------------

  /** Tell the panel the zone's time, once it is known. */
  hear(zoneTime) {
    this.zoneTime = zoneTime;
    if (this.active) this.showUntil();
  }

  say(trouble) {
    setText(this.parts.trouble, trouble);
  }

  show() {
    const { parts, found, points, asking } = this;
    const title = found ? streetNames(found) : asking ? "One moment" : "Which street?";
    setText(parts.title, title);
    setText(parts.length, found ? `${distance(found.length_m)} will be closed` : "");
    parts.length.hidden = !found;
    parts.undo.hidden = !points.length;
    setText(parts.undo, points.length > 1 ? "Take the last click back" : "Choose another street");
    parts.nobody.hidden = this.modes().length > 0;
    const ready = Boolean(found) && !asking && !this.sending && this.modes().length > 0;
    parts.send.disabled = !ready;
    setText(parts.send, this.sending ? "Closing it" : "Close the street");
    setAttribute(this.panel, "aria-busy", asking || this.sending ? "true" : null);
    this.showUntil();
  }

  showUntil() {
    const minutes = this.minutes();
    const at = this.acts.clock.running() + (minutes ?? 0) * 60_000;
    const when =
      minutes === null || !this.zoneTime
        ? "Stays closed until somebody opens it again on this page."
        : `Opens by itself at ${this.zoneTime.clock(at)}.`;
    setText(this.parts.untilWords, when);
  }

  build() {
    const again = () => this.askAgain();
    const modes = Object.fromEntries(
      ALL_MODES.map((mode) => [
        mode,
        h("input", { type: "checkbox", name: "mode", value: mode, checked: true, onchange: again }),
      ]),
    );
    const until = UNTIL.map(([words, minutes]) => ({
      words,
      minutes,
      input: h("input", {
        type: "radio",
        name: "until",
        value: words,
        checked: minutes === USUAL_MINUTES,
        onchange: () => this.showUntil(),
      }),
    }));
    this.parts = {
      modes,
      until,
      title: h("span.title"),
      length: h("p.length"),
      undo: h("button.link", { type: "button", onclick: () => this.undo() }),
      nobody: h("p.trouble", { hidden: true }, "Tick at least one of them."),
      reason: h("input.text", {
        id: "closing-reason",
        name: "reason",
        maxlength: 200,
        placeholder: "Road works, a market, an accident",
        autocomplete: "off",
      }),
      untilWords: h("p.soft"),
      trouble: h("p.trouble", { role: "alert" }),
      send: h("button.main", { type: "submit" }, "Close the street"),
    };
    const { parts } = this;
    const cancel = () => this.cancel();
    this.panel.replaceChildren(
      h(
        "header",
        {},
        closedGlyph(),
        h("h2", { "aria-live": "polite" }, h("span.kind", {}, "Close a street"), parts.title),
        h(
          "button.square",
          { type: "button", "aria-label": "Cancel", title: "Cancel (Esc)", onclick: cancel },
          icon("close"),
        ),
      ),
      h(
        "div.body",
        {},
        h(
          "section",
          {},
          h("p", {}, "Click a street on the map; each further click adds the stretch up to there, or a lane beside it."),
          h("p.soft.keys", {}, "By keyboard: move the map with the arrow keys, Enter takes its middle."),
          parts.length,
          parts.undo,
          parts.trouble,
        ),
        h(
          "fieldset",
          {},
          h("legend", {}, "Who may not pass"),
          ALL_MODES.map((mode) => h("label.tick", {}, modes[mode], h("span", {}, MODE_NAMES[mode]))),
          parts.nobody,
        ),
        h("div", {}, h("label.name", { for: "closing-reason" }, "Why"), parts.reason),
        h(
          "fieldset",
          {},
          h("legend", {}, "Until"),
          h(
            "div.choices",
            {},
            until.map(({ input, words }) => h("label.choice", {}, input, h("span", {}, words))),
          ),
          parts.untilWords,
        ),
        h("div.end", {}, parts.send, h("button.plain", { type: "button", onclick: cancel }, "Cancel")),
      ),
    );
    this.show();
  }
}

/** A click is a point; several are a line along all that was clicked, each from end to end. */
function shape(points) {
  if (points.length === 1) return { point: latLng(points[0].at) };
  return { line: joined(points.map(({ line }) => line)).map(latLng) };
}

/** Lines end to end, each turned so that the way from the one before is short. */
function joined([first, ...others]) {
  return others.reduce((before, next, i) => {
    const whole = i === 0 ? [before, before.toReversed()] : [before];
    const ways = whole.flatMap((one) => [next, next.toReversed()].map((two) => [one, two]));
    const gap = ([one, two]) => metresBetween(one.at(-1), two[0]);
    return ways.reduce((best, way) => (gap(way) < gap(best) ? way : best)).flat();
  }, first);
}

function latLng([lng, lat]) {
  return { lat, lng };
}
