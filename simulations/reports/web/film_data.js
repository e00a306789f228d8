"use strict";

/* An evening as it was recorded, and what was the case at any moment of it. */
(() => {
  const SEVEN = 0x7f;

  /** Whole numbers of seven bits a byte, least first; the lowest bit is the sign. */
  const reader = (bytes) => {
    let at = 0;
    return () => {
      let value = 0;
      let shift = 1;
      for (;;) {
        const byte = bytes[at++];
        value += (byte & SEVEN) * shift;
        if (byte <= SEVEN) {
          return value % 2 ? -(value + 1) / 2 : value / 2;
        }
        shift *= 128;
      }
    };
  };

  const readTracks = (bytes, couriers) => {
    const next = reader(bytes);
    const tracks = Array.from({ length: couriers }, () => {
      const length = next();
      return { at: new Int32Array(length), x: new Int32Array(length), y: new Int32Array(length) };
    });
    for (const column of ["at", "x", "y"]) {
      for (const track of tracks) {
        let value = 0;
        for (let i = 0; i < track[column].length; i++) {
          value += next();
          track[column][i] = value;
        }
      }
    }
    return tracks;
  };

  const readSpans = (rows) =>
    rows.map((row) => {
      const spans = [];
      let at = 0;
      for (let i = 0; i < row.length; i += 4) {
        const begin = at + row[i];
        at = begin + row[i + 1];
        spans.push({ begin, end: at, activity: row[i + 2], order: row[i + 3] });
      }
      return spans;
    });

  /** The last index whose value is not above a limit; -1 when all are. */
  const lastUpTo = (length, value, limit) => {
    let low = 0;
    let high = length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (value(middle) <= limit) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low - 1;
  };

  class Film {
    /** How long a thing that has ended is still shown, seconds. */
    static FADES = 240;

    constructor(about, bytes) {
      Object.assign(this, about);
      this.tracks = readTracks(bytes, about.couriers.length);
      this.spans = readSpans(about.spans);
      this.count = about.orders.id.length;
      this.carried = about.couriers.map(() => []);
      for (let k = 0; k < this.count; k++) {
        const courier = this.orders.courier[k];
        if (courier !== null && this.orders.picked[k] !== null) {
          this.carried[courier].push(k);
        }
      }
    }

    /** Where a courier was, metres; null while off work. */
    place(courier, t, isGliding) {
      const { at, x, y } = this.tracks[courier];
      const i = lastUpTo(at.length, (k) => at[k], t);
      if (i < 0) {
        return null;
      }
      const hasNext = i + 1 < at.length && at[i + 1] - at[i] <= 1.5 * this.every;
      if (!hasNext) {
        return t - at[i] <= this.every ? { x: x[i], y: y[i] } : null;
      }
      const share = isGliding ? (t - at[i]) / (at[i + 1] - at[i]) : 0;
      return {
        x: x[i] + share * (x[i + 1] - x[i]),
        y: y[i] + share * (y[i + 1] - y[i]),
      };
    }

    /** Where a courier was in the last seconds, oldest first. */
    trail(courier, t, seconds) {
      const { at, x, y } = this.tracks[courier];
      const points = [];
      const last = lastUpTo(at.length, (k) => at[k], t);
      for (let i = last; i >= 0 && at[i] >= t - seconds; i--) {
        points.push({ x: x[i], y: y[i] });
      }
      return points.reverse();
    }

    /** What a courier does; null while off work. */
    span(courier, t) {
      const spans = this.spans[courier];
      const i = lastUpTo(spans.length, (k) => spans[k].begin, t);
      return i >= 0 && t < spans[i].end ? spans[i] : null;
    }

    bags(courier, t) {
      const { picked, ended } = this.orders;
      return this.carried[courier].filter(
        (k) => picked[k] <= t && (ended[k] === null || ended[k] > t),
      );
    }

    /**
     * How far an order is: `waiting picking ready way`, or `done refused` for a while after its
     * end; null before the click and long after the end.
     */
    phase(k, t) {
      const o = this.orders;
      if (o.asked[k] > t) {
        return null;
      }
      const ended = o.ended[k];
      if (ended !== null && ended <= t) {
        if (t - ended > Film.FADES) {
          return null;
        }
        const ending = this.endings[o.ending[k]];
        return ending === "delivered" || ending === "collected" ? "done" : "refused";
      }
      if (o.picked[k] !== null && o.picked[k] <= t) {
        return "way";
      }
      if (o.ready[k] !== null && o.ready[k] <= t) {
        return "ready";
      }
      return o.start[k] !== null && o.start[k] <= t ? "picking" : "waiting";
    }

    isLate(k, t) {
      const { brought, promise, ended } = this.orders;
      if (!brought[k] || promise[k] === null) {
        return false;
      }
      return Math.min(t, ended[k] ?? Infinity) > promise[k];
    }

    isOver(phase) {
      return phase === "done" || phase === "refused";
    }

    /** Counts for the line beside the map. */
    counts(t) {
      const found = { open: 0, late: 0, onShift: 0, busy: 0 };
      for (let k = 0; k < this.count; k++) {
        const phase = this.phase(k, t);
        if (phase && !this.isOver(phase)) {
          found.open += 1;
          found.late += this.isLate(k, t) ? 1 : 0;
        }
      }
      for (let i = 0; i < this.couriers.length; i++) {
        const span = this.span(i, t);
        found.onShift += span ? 1 : 0;
        found.busy += span && this.isBusy(span) ? 1 : 0;
      }
      return found;
    }

    isBusy(span) {
      return this.activities[span.activity][2] === 1;
    }

    /** What is going on beside the orders: rain, closed stores, closed streets. */
    now(t) {
      return this.places.filter(([, , begin, end]) => begin <= t && t < end);
    }

    clock(t, isExact) {
      return samehour.clock(this.begins, t, isExact);
    }

    /** What a courier does, in words. */
    tellCourier(i, t) {
      const [, name, , mode] = this.couriers[i];
      const span = this.span(i, t);
      if (!span) {
        return `${name}, ${mode}: not at work.`;
      }
      const bags = this.bags(i, t).length;
      const load = bags ? `, ${bags} ${bags === 1 ? "bag" : "bags"}` : "";
      return `${name}, ${mode}: ${this.tellSpan(span)}${load}.`;
    }

    tellSpan(span) {
      const name = this.activities[span.activity][1];
      const whom = span.order >= 0 ? `, for ${this.orders.address[span.order]}` : "";
      const times = `${this.clock(span.begin)} to ${this.clock(span.end)}`;
      return `${name} ${times} (${samehour.lasts(span.end - span.begin)})${whom}`;
    }

    /** How far an order is, in words. */
    tellOrder(k, t) {
      const o = this.orders;
      const phases = {
        waiting: "waits to be picked",
        picking: "is picked",
        ready: "ready, waits for a courier",
        way: "on the way",
        done: "handed over",
        refused: this.endings[o.ending[k]],
      };
      const phase = this.phase(k, t);
      const state = phase ? phases[phase] : o.asked[k] > t ? "not clicked yet" : "over";
      const late = phase && this.isLate(k, t) ? ", late" : "";
      const said = [`${o.address[k] || "No address"}: ${state}${late}`];
      said.push(`clicked ${this.clock(o.asked[k])}`);
      if (o.promise[k] !== null) {
        said.push(`promised by ${this.clock(o.promise[k])}`);
      }
      if (o.store[k] !== null) {
        said.push(`from ${this.stores[o.store[k]][0]}`);
      }
      if (o.courier[k] !== null && phase === "way") {
        said.push(`with ${this.couriers[o.courier[k]][1]}`);
      }
      return `${said.join("; ")}.`;
    }
  }

  /** The evening of this page; null where there is none or the browser cannot unpack it. */
  samehour.film = (async () => {
    if (!document.getElementById("film") || typeof DecompressionStream === "undefined") {
      return null;
    }
    const [about, tracks] = await Promise.all([samehour.unpack("film"), samehour.unpack("tracks")]);
    return new Film(JSON.parse(new TextDecoder().decode(about)), tracks);
  })();
})();
