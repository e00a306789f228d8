"use strict";

/* The stage of a playback: the town below, what moves above it. */
(() => {
  const TURN = 2 * Math.PI;
  const MANY = 60;
  const BAR_PX = 3;
  const MOST_BAR_PX = 22;
  const TRAIL_S = 300;

  const polygon = (...corners) => {
    const path = new Path2D();
    corners.forEach(([x, y], i) => (i ? path.lineTo(x, y) : path.moveTo(x, y)));
    path.closePath();
    return path;
  };
  const circle = (radius) => {
    const path = new Path2D();
    path.arc(0, 0, radius, 0, TURN);
    return path;
  };

  /** Outlines of about radius 1. */
  const MODES = {
    walk: polygon([0, -1.2], [1.1, 0.85], [-1.1, 0.85]),
    bike: circle(1),
    cargo_bike: polygon([-0.6, -1], [0.6, -1], [1.2, 0], [0.6, 1], [-0.6, 1], [-1.2, 0]),
    scooter: polygon([0, -1.2], [1.2, 0], [0, 1.2], [-1.2, 0]),
    car: polygon([-1, -0.95], [1, -0.95], [1, 0.95], [-1, 0.95]),
  };
  const PHASES = {
    waiting: circle(0.85),
    picking: circle(0.85),
    ready: polygon([0, -1.2], [1.2, 0], [0, 1.2], [-1.2, 0]),
    way: polygon([-0.9, -0.9], [0.9, -0.9], [0.9, 0.9], [-0.9, 0.9]),
    done: new Path2D("M-.9 0L-.3 .7L.9 -.8"),
    refused: new Path2D("M-.8 -.8L.8 .8M.8 -.8L-.8 .8"),
  };

  samehour.Stage = class {
    /** What is drawn on; `film` says what. */
    constructor(canvas, film, view) {
      Object.assign(this, { canvas, film, view });
      this.context = canvas.getContext("2d");
      this.town = document.createElement("canvas");
      this.paths = [...document.querySelectorAll("#town > *")].map((element) => ({
        element,
        path: element.tagName === "rect" ? null : new Path2D(element.getAttribute("d")),
      }));
      this.look();
    }

    /** Take size and colours from the page. */
    look() {
      const box = this.canvas.getBoundingClientRect();
      this.ratio = Math.min(devicePixelRatio || 1, 2);
      this.width = box.width;
      this.height = box.height;
      for (const canvas of [this.canvas, this.town]) {
        canvas.width = Math.round(box.width * this.ratio);
        canvas.height = Math.round(box.height * this.ratio);
      }
      const style = getComputedStyle(document.documentElement);
      const colours = new Map();
      this.colour = (name) => {
        if (!colours.has(name)) {
          colours.set(name, style.getPropertyValue(`--${name}`).trim());
        }
        return colours.get(name);
      };
      this.font = getComputedStyle(document.body).fontFamily;
      for (const each of this.paths) {
        const { fill, stroke, strokeWidth, strokeDasharray } = getComputedStyle(each.element);
        Object.assign(each, { fill, stroke, wide: parseFloat(strokeWidth) });
        each.dash = strokeDasharray === "none" ? [] : strokeDasharray.split(",").map(parseFloat);
      }
      this.isTownOld = true;
    }

    get perUnit() {
      return this.width / this.view.w;
    }

    /** From metres to pixels of the page. */
    px(x, y) {
      const { unitsPerMetre } = this.film;
      return [
        (x * unitsPerMetre - this.view.x) * this.perUnit,
        (y * unitsPerMetre - this.view.y) * this.perUnit,
      ];
    }

    drawTown() {
      const context = this.town.getContext("2d");
      const scale = this.perUnit * this.ratio;
      context.setTransform(1, 0, 0, 1, 0, 0);
      for (const { path, fill, stroke, wide, dash } of this.paths) {
        if (!path) {
          context.fillStyle = fill;
          context.fillRect(0, 0, this.town.width, this.town.height);
          context.setTransform(scale, 0, 0, scale, -this.view.x * scale, -this.view.y * scale);
          continue;
        }
        if (fill !== "none") {
          context.fillStyle = fill;
          context.fill(path, "evenodd");
        }
        if (stroke !== "none") {
          context.strokeStyle = stroke;
          context.lineWidth = wide;
          context.lineJoin = "round";
          context.lineCap = "round";
          context.setLineDash(dash);
          context.stroke(path);
        }
      }
      this.isTownOld = false;
    }

    /** Draw a moment; `chosen` is what is followed: `{ kind, index }`. */
    draw(t, chosen, isGliding) {
      if (!this.town.width || !this.town.height) {
        return; // on paper, or out of sight
      }
      if (this.isTownOld) {
        this.drawTown();
      }
      const { context } = this;
      context.setTransform(1, 0, 0, 1, 0, 0);
      context.drawImage(this.town, 0, 0);
      context.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
      const closer = Math.sqrt(this.view.width / this.view.w);
      const crowd = this.film.couriers.length > MANY ? 0.62 : 1;
      this.size = Math.min(1.3, crowd * closer) * Math.min(1, 0.6 + this.width / 1500);
      this.drawPlaces(t);
      this.drawStores(t);
      if (chosen?.kind === "c") {
        this.drawTrail(chosen.index, t, isGliding);
      }
      this.drawOrders(t);
      this.drawCouriers(t, isGliding);
      if (chosen) {
        this.drawChosen(chosen, t, isGliding);
      }
    }

    drawPlaces(t) {
      const { context } = this;
      for (const [kind, , , , x, y, radius] of this.film.now(t)) {
        if (!radius) {
          continue;
        }
        const [px, py] = this.px(x, y);
        const wide = Math.max(8, radius * this.film.unitsPerMetre * this.perUnit);
        context.beginPath();
        context.arc(px, py, wide, 0, TURN);
        context.globalAlpha = 0.14;
        context.fillStyle = kind === "streets" ? this.colour("closed") : this.colour("risk");
        context.fill();
        context.globalAlpha = 1;
        context.setLineDash(kind === "streets" ? [6, 5] : [2, 4]);
        context.lineWidth = 1.5;
        context.strokeStyle = context.fillStyle;
        context.stroke();
        context.setLineDash([]);
      }
    }

    /** Stores, each with bars for orders that wait, are picked and are ready. */
    drawStores(t) {
      const { context, film } = this;
      const queues = film.stores.map(() => ({ waiting: 0, picking: 0, ready: 0 }));
      for (let k = 0; k < film.count; k++) {
        const phase = film.phase(k, t);
        const store = film.orders.store[k];
        if (store !== null && (phase === "waiting" || phase === "picking" || phase === "ready")) {
          queues[store][phase] += 1;
        }
      }
      const shut = film.now(t).filter(([kind]) => kind === "store");
      film.stores.forEach(([, x, y], i) => {
        const [px, py] = this.px(x, y);
        const half = 6 * this.size;
        const isShut = shut.some(([, , , , sx, sy]) => sx === x && sy === y);
        context.fillStyle = this.colour("surface");
        context.strokeStyle = isShut ? this.colour("closed") : this.colour("ink");
        context.lineWidth = 1.6;
        context.beginPath();
        context.roundRect(px - half, py - half, 2 * half, 2 * half, half / 5);
        context.fill();
        context.stroke();
        if (isShut) {
          context.beginPath();
          context.moveTo(px - half, py - half);
          context.lineTo(px + half, py + half);
          context.stroke();
        }
        const bars = [
          [queues[i].waiting, "stale"],
          [queues[i].picking, "risk"],
          [queues[i].ready, "choice"],
        ];
        bars.forEach(([count, colour], nth) => {
          const high = Math.min(MOST_BAR_PX, count * BAR_PX) * this.size;
          const wide = 4 * this.size;
          if (high) {
            const left = px - half + nth * (wide + 0.5);
            context.fillStyle = this.colour("surface");
            context.fillRect(left - 0.8, py - half - 2 - high - 0.8, wide + 1.6, high + 1.6);
            context.fillStyle = this.colour(colour);
            context.fillRect(left, py - half - 2 - high, wide, high);
          }
        });
      });
    }

    drawOrders(t) {
      const { film } = this;
      for (let k = 0; k < film.count; k++) {
        const phase = film.phase(k, t);
        if (!phase || (!film.orders.brought[k] && phase !== "refused")) {
          continue;
        }
        const [px, py] = this.px(film.orders.x[k], film.orders.y[k]);
        if (px < -20 || py < -20 || px > this.width + 20 || py > this.height + 20) {
          continue;
        }
        this.drawOrder(k, phase, t, px, py);
      }
    }

    drawOrder(k, phase, t, px, py) {
      const { context, film } = this;
      const isLate = film.isLate(k, t);
      const isOver = film.isOver(phase);
      const radius = (isLate && !isOver ? 6 : 4.6) * this.size;
      context.save();
      context.translate(px, py);
      context.scale(radius, radius);
      context.lineWidth = 1.7 / radius;
      if (isOver) {
        context.globalAlpha = 1 - (t - film.orders.ended[k]) / film.constructor.FADES;
        const colour = phase === "refused" || isLate ? "late-ink" : "done";
        context.strokeStyle = this.colour(colour);
        context.lineWidth = 2.2 / radius;
        context.stroke(PHASES[phase]);
      } else {
        const quiet = phase === "waiting" || phase === "picking";
        context.strokeStyle = this.colour("surface");
        context.lineWidth = 4.5 / radius;
        context.stroke(PHASES[phase]);
        context.lineWidth = 1.7 / radius;
        context.fillStyle = isLate ? this.colour("late") : this.colour("surface");
        context.fill(PHASES[phase]);
        context.strokeStyle = isLate
          ? this.colour("late-ink")
          : this.colour(quiet ? "ink-soft" : "choice");
        context.stroke(PHASES[phase]);
        if (phase === "picking") {
          context.fillStyle = isLate ? this.colour("surface") : this.colour("ink-soft");
          context.beginPath();
          context.arc(0, 0, 0.35, 0, TURN);
          context.fill();
        }
      }
      context.restore();
    }

    drawCouriers(t, isGliding) {
      const { context, film } = this;
      const radius = 8 * this.size;
      context.textAlign = "center";
      context.textBaseline = "middle";
      film.couriers.forEach(([, , mode], i) => {
        const at = film.place(i, t, isGliding);
        if (!at) {
          return;
        }
        const [px, py] = this.px(at.x, at.y);
        const span = film.span(i, t);
        const isBusy = span !== null && film.isBusy(span);
        const bags = film.bags(i, t);
        const isLate = bags.some((k) => film.isLate(k, t));
        context.save();
        context.translate(px, py);
        context.scale(radius, radius);
        context.strokeStyle = this.colour("surface");
        context.lineWidth = 3.6 / radius;
        context.stroke(MODES[mode]);
        const ink = isLate ? "late" : "ink";
        context.fillStyle = isBusy ? this.colour(ink) : this.colour("surface");
        context.fill(MODES[mode]);
        context.lineWidth = 1.6 / radius;
        context.strokeStyle = this.colour(isBusy ? ink : "ink-soft");
        context.stroke(MODES[mode]);
        context.restore();
        if (bags.length) {
          context.fillStyle = this.colour("surface");
          context.font = `600 ${Math.round(11 * this.size)}px ${this.font}`;
          context.fillText(String(bags.length), px, py + 0.5);
        }
      });
    }

    drawTrail(courier, t, isGliding) {
      const { context, film } = this;
      const points = film.trail(courier, t, TRAIL_S).map(({ x, y }) => this.px(x, y));
      const at = film.place(courier, t, isGliding);
      if (at) {
        points.push(this.px(at.x, at.y));
      }
      context.beginPath();
      points.forEach(([x, y], i) => (i ? context.lineTo(x, y) : context.moveTo(x, y)));
      context.strokeStyle = this.colour("choice");
      context.lineWidth = 3;
      context.lineJoin = "round";
      context.stroke();
      const span = film.span(courier, t);
      if (at && span && span.order >= 0 && film.isBusy(span)) {
        const toStore = film.activities[span.activity][0].endsWith("store");
        const store = film.stores[film.orders.store[span.order]];
        const goal = toStore && store
          ? this.px(store[1], store[2])
          : this.px(film.orders.x[span.order], film.orders.y[span.order]);
        context.beginPath();
        context.moveTo(...this.px(at.x, at.y));
        context.lineTo(...goal);
        context.setLineDash([3, 5]);
        context.lineWidth = 2;
        context.stroke();
        context.setLineDash([]);
      }
    }

    drawChosen({ kind, index }, t, isGliding) {
      const { context, film } = this;
      const at = kind === "c"
        ? film.place(index, t, isGliding)
        : { x: film.orders.x[index], y: film.orders.y[index] };
      if (!at) {
        return;
      }
      context.beginPath();
      context.arc(...this.px(at.x, at.y), 14 * Math.max(this.size, 0.8), 0, TURN);
      context.strokeStyle = this.colour("focus");
      context.lineWidth = 3;
      context.stroke();
    }

    /** What is nearest to a place of the page, within reach of a finger. */
    at(px, py, t, isGliding) {
      let best = null;
      let least = 24;
      const weigh = (kind, index, x, y) => {
        const [a, b] = this.px(x, y);
        const far = Math.hypot(a - px, b - py);
        if (far < least) {
          least = far;
          best = { kind, index };
        }
      };
      this.film.couriers.forEach((_, i) => {
        const place = this.film.place(i, t, isGliding);
        if (place) {
          weigh("c", i, place.x, place.y);
        }
      });
      for (let k = 0; k < this.film.count; k++) {
        if (this.film.phase(k, t)) {
          weigh("o", k, this.film.orders.x[k], this.film.orders.y[k]);
        }
      }
      return best;
    }
  };
})();
