/** What a dispatcher decides on the board: hold, release, assign, free, take back; controls in force. */

import { ask, rfc3339 } from "./client.js";
import { h, keep, setText } from "./dom.js";

const OWNER_KEY = "samehour.owner";
const UNTIL = [
  ["Until released", null],
  ["15 min", 15],
  ["30 min", 30],
  ["1 h", 60],
];
const UNDO_NAMES = {
  HoldOrder: "the hold",
  ReleaseHold: "the release",
  LockOrder: "the assignment",
  UnlockOrder: "the freeing",
  PinStore: "the pin",
};

/** The decisions that hold for an order, one line each: who, why, until when. */
export function decisionLines({ decisions = [] }, zoneTime) {
  return decisions.map(({ detail, owner, reason, until }) => {
    const end = until ? ` until ${zoneTime.clock(until)}` : "";
    const who = owner && owner !== "slot" ? ` by ${owner}` : "";
    return h("li", {}, `${detail}${who}${end}`, reason ? h("span.why", {}, reason) : null);
  });
}

/**
 * The buttons and the one small form under an order.
 *
 * The form is one element for as long as an order is open, so that what is typed survives when the
 * panel around it is drawn again.
 */
export class OrderDesk {
  /** @param {{clock: ServiceClock, onDone: (sentence: string) => void}} acts */
  constructor({ clock, onDone }) {
    this.clock = clock;
    this.onDone = onDone;
    this.form = h("form.desk-form", { hidden: true });
    this.close();
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.send();
    });
  }

  close() {
    this.wanted = null;
    this.form.hidden = true;
    this.form.replaceChildren();
  }

  /** Where the form goes, and the buttons, for the order's desk as the service told it. */
  draw(desk, board) {
    this.desk = desk;
    this.couriers = board.couriers.filter(({ on_shift: onShift }) => onShift);
    const button = (words, kind) =>
      h("button.pill", { type: "button", onclick: () => this.open(kind) }, words);
    const last = desk.actions.find(({ undo }) => undo.possible);
    const canHold = desk.moves.find((move) => move.startsWith("hold"));
    return h(
      "div.actions",
      {},
      desk.moves.includes("release") ? button("Release", "release") : null,
      canHold && !desk.hold ? button("Hold", "hold") : null,
      desk.moves.includes("assign") && this.couriers.length ? button("Assign to…", "assign") : null,
      desk.moves.includes("unlock") ? button("Free", "unlock") : null,
      last ? button(`Undo ${UNDO_NAMES[last.kind] ?? "it"}`, "undo") : null,
    );
  }

  /** Put the form where it belongs. */
  mount(place) {
    place?.append(this.form);
  }

  /** Draw the panel anew around the form; whoever types in it goes on typing. */
  keepFocus(draw) {
    const active = this.form.contains(document.activeElement) ? document.activeElement : null;
    const [from, to] = [active?.selectionStart, active?.selectionEnd];
    draw();
    if (!active) return;
    active.focus({ preventScroll: true });
    if (from !== null && from !== undefined) active.setSelectionRange(from, to);
  }

  open(kind) {
    this.wanted = kind;
    const recall = kind === "hold" && this.desk.moves.includes("hold with recall");
    const parts = {
      hold: ["Hold it", recall ? "The courier on the way to fetch it is called back." : ""],
      release: ["Release it", ""],
      assign: ["Assign it", "For half an hour only this courier may bring it."],
      unlock: ["Free it", "Any courier may bring it again."],
      undo: ["Take it back", ""],
    };
    const [send, words] = parts[kind];
    const needsWhy = kind === "hold" || kind === "assign";
    this.trouble = h("p.trouble", { role: "alert" });
    this.form.replaceChildren(
      ...(kind === "assign" ? [this.courierField()] : []),
      field("Who", { name: "owner", required: true, maxlength: 120, value: known(), autocomplete: "off" }),
      ...(needsWhy
        ? [field("Why", { name: "reason", required: true, maxlength: 200, autocomplete: "off" })]
        : []),
      ...(kind === "hold" ? [untilField()] : []),
      ...(words ? [h("p.soft", {}, words)] : []),
      this.trouble,
      h(
        "div.end",
        {},
        h("button.main", { type: "submit" }, send),
        h("button.plain", { type: "button", onclick: () => this.close() }, "Cancel"),
      ),
    );
    this.form.hidden = false;
    const first = [...this.form.elements].find((each) => !each.value) ?? this.form.elements[0];
    first.focus({ preventScroll: true });
    this.form.scrollIntoView({ block: "nearest" });
  }

  courierField() {
    const options = this.couriers.map(({ id, name }) => h("option", { value: id }, name));
    return h("label.field", {}, h("span", {}, "Courier"), h("select.text", { name: "courier_id" }, options));
  }

  async send() {
    const said = Object.fromEntries(new FormData(this.form));
    remember(said.owner);
    const { wanted, desk } = this;
    const [path, body, words] = this.request(wanted, said);
    const button = this.form.querySelector(".main");
    button.disabled = true;
    try {
      const headers = wanted === "undo" ? {} : { "If-Match": desk.version };
      await ask(path, { method: "POST", body, headers });
      this.close();
      this.onDone(words);
    } catch (error) {
      setText(this.trouble, error.message);
      button.disabled = false;
    }
  }

  request(wanted, { owner, reason, minutes, courier_id: courierId }) {
    const { desk } = this;
    const path = `/v1/orders/${desk.order_id}`;
    if (wanted === "hold") {
      const recall = desk.moves.includes("hold with recall");
      const until = minutes ? rfc3339(this.clock.running() + Number(minutes) * 60_000) : null;
      return [`${path}/hold`, { owner, reason, until, recall }, "Held."];
    }
    if (wanted === "assign") {
      return [`${path}/assign`, { owner, reason, courier_id: courierId }, "Assigned."];
    }
    if (wanted === "undo") {
      const last = desk.actions.find(({ undo }) => undo.possible);
      return [`/v1/actions/${last.id}/undo`, { owner }, "Taken back."];
    }
    return [`${path}/${wanted}`, { owner }, wanted === "release" ? "Released." : "Freed."];
  }
}

function field(words, attributes) {
  return h("label.field", {}, h("span", {}, words), h("input.text", attributes));
}

function untilField() {
  return h(
    "label.field",
    {},
    h("span", {}, "Until"),
    h("select.text", { name: "minutes" }, UNTIL.map(([words, minutes]) => h("option", { value: minutes ?? "" }, words))),
  );
}

function known() {
  try {
    return localStorage.getItem(OWNER_KEY) ?? "";
  } catch {
    return "";
  }
}

function remember(owner) {
  try {
    localStorage.setItem(OWNER_KEY, owner);
  } catch {
    // A browser that keeps nothing asks each time.
  }
}

// --- surge controls in force -----------------------------------------------------------------------

const CONTROL_WORDS = {
  radius: (value) => `At most ${Math.ceil(value / 60)} min to a door`,
  promise: (value) => `Promises ${Math.ceil(value / 60)} min later`,
  throttle: (value) => `${value} orders in 10 min`,
  minimum_basket: (value) => `Baskets from ${(value / 100).toFixed(2)}`,
};

/** Build the list of chips; returns what shows a board. */
export function createControls(page) {
  const section = page.getElementById("controls");
  const list = page.getElementById("controls-list");
  return ({ board, zoneTime, names }) => {
    const controls = board.controls ?? [];
    section.hidden = controls.length === 0;
    keep(list, controls, {
      key: ({ id }) => id,
      create: () => h("li.chip", {}, h("strong"), h("span")),
      update: (element, control) => {
        const [what, rest] = element.children;
        const where = control.store_ids.length
          ? ` · ${control.store_ids.map((id) => names("store", id)).join(", ")}`
          : "";
        setText(what, CONTROL_WORDS[control.kind](control.value));
        setText(rest, `until ${zoneTime.clock(control.expires_at)}${where} · ${control.reason}`);
        element.title = `Set by ${control.owner}`;
      },
    });
  };
}
