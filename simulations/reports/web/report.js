"use strict";

/** What the scripts of a report share. */
const samehour = {};

/** Whether somebody asked for less motion. */
samehour.isCalm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

/** Bytes of a block of the page: base64 of gzip. */
samehour.unpack = async (id) => {
  const text = atob(document.getElementById(id).textContent);
  const bytes = Uint8Array.from(text, (character) => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
};

/** Seconds since the beginning as `18:42`, or `18:42:05`. */
samehour.clock = (begins, seconds, isExact = false) => {
  const text = new Date((begins + Math.floor(seconds)) * 1000).toISOString();
  return text.slice(11, isExact ? 19 : 16);
};

/** A length of time in words. */
samehour.lasts = (seconds) => {
  if (seconds < 60) {
    return `${Math.round(seconds)} s`;
  }
  return `${Math.round(seconds / 60)} min`;
};

/**
 * The part of a map that is looked at, in units of the map.
 *
 * @param {number} width of the whole map
 * @param {number} height of the whole map
 * @param {() => void} changed called after each change
 */
samehour.View = class {
  static CLOSEST = 12;

  constructor(width, height, changed) {
    Object.assign(this, { width, height, changed, aspect: width / height, x: 0, y: 0, w: width });
  }

  get h() {
    return this.w / this.aspect;
  }

  /** As wide as it must be to show the whole map. */
  get widest() {
    return Math.max(this.width, this.height * this.aspect);
  }

  get isWhole() {
    return this.w >= this.widest * 0.999;
  }

  /** Take the shape of a stage; what is looked at stays where it is. */
  shape(aspect) {
    const wasWhole = this.isWhole;
    this.aspect = aspect;
    this.w = wasWhole ? this.widest : Math.min(this.w, this.widest);
    this.to(this.x, this.y);
  }

  /** Look closer (above 1) around a place. */
  zoom(factor, x = this.x + this.w / 2, y = this.y + this.h / 2) {
    const before = this.w;
    this.w = Math.min(this.widest, Math.max(this.width / samehour.View.CLOSEST, this.w / factor));
    const share = this.w / before;
    this.to(x - (x - this.x) * share, y - (y - this.y) * share);
  }

  to(x, y) {
    const within = (at, room, whole) =>
      room >= whole ? (whole - room) / 2 : Math.min(Math.max(0, at), whole - room);
    this.x = within(x, this.w, this.width);
    this.y = within(y, this.h, this.height);
    this.changed();
  }

  centre(x, y) {
    this.to(x - this.w / 2, y - this.h / 2);
  }

  all() {
    this.w = this.widest;
    this.to(0, 0);
  }
};

/** Let a map be dragged, pinched and looked at more closely; the page itself still scrolls. */
samehour.handle = (stage, surface, view) => {
  const fingers = new Map();
  const place = (event) => {
    const box = surface.getBoundingClientRect();
    return {
      x: view.x + ((event.clientX - box.left) / box.width) * view.w,
      y: view.y + ((event.clientY - box.top) / box.height) * view.h,
      perUnit: box.width / view.w,
    };
  };
  const apart = () => {
    const [a, b] = [...fingers.values()];
    return Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY);
  };
  surface.addEventListener("wheel", (event) => {
    if (event.ctrlKey || event.metaKey) {
      event.preventDefault();
      const at = place(event);
      view.zoom(2 ** (-event.deltaY / 200), at.x, at.y);
    }
  }, { passive: false });
  surface.addEventListener("pointerdown", (event) => {
    fingers.set(event.pointerId, event);
  });
  const letGo = (event) => fingers.delete(event.pointerId);
  surface.addEventListener("pointerup", letGo);
  surface.addEventListener("pointercancel", letGo);
  surface.addEventListener("pointerleave", letGo);
  surface.addEventListener("pointermove", (event) => {
    const before = fingers.get(event.pointerId);
    if (!before) {
      return;
    }
    const old = fingers.size === 2 ? apart() : 0;
    fingers.set(event.pointerId, event);
    if (fingers.size === 2 && old > 0) {
      const at = place(event);
      view.zoom(apart() / old, at.x, at.y);
    } else if (!view.isWhole) {
      const { perUnit } = place(event);
      view.to(
        view.x - (event.clientX - before.clientX) / perUnit,
        view.y - (event.clientY - before.clientY) / perUnit,
      );
    }
  });
  const acts = { in: () => view.zoom(1.6), out: () => view.zoom(1 / 1.6), all: () => view.all() };
  for (const button of stage.querySelectorAll("[data-zoom]")) {
    button.addEventListener("click", acts[button.dataset.zoom]);
  }
};

/* --- the couriers' rows ------------------------------------------------------------------------ */

(() => {
  const table = document.querySelector(".gantt");
  if (!table) {
    return;
  }
  const body = table.tBodies[0];
  const fleet = [...body.rows];
  const busy = (row) => Number(row.dataset.busy);
  const orders = {
    fleet: () => 0,
    busiest: (a, b) => busy(b) - busy(a),
    idlest: (a, b) => busy(a) - busy(b),
  };
  const buttons = document.querySelectorAll("[data-sort]");
  for (const button of buttons) {
    button.addEventListener("click", () => {
      body.append(...[...fleet].sort(orders[button.dataset.sort]));
      for (const each of buttons) {
        each.setAttribute("aria-pressed", String(each === button));
      }
    });
  }
})();
