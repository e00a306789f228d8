/**
 * Gliding: a thing that is heard of once a second moves all the time, along the streets.
 *
 * What is shown lags behind what is known by one interval: it goes from where it is drawn to where
 * it was last heard of, along the way it was last said to be on, at an even pace.
 */

const METRES_PER_DEGREE = 111_320;
/** A place further than this from the known way is reached straight. */
const OFF_THE_WAY_M = 40;
/** A longer jump is a correction, not a movement. */
const JUMP_M = 900;

/** Metres between two `[lng, lat]`; good for the few kilometres of a zone. */
export function metresBetween([lngA, latA], [lngB, latB]) {
  const east = (lngB - lngA) * Math.cos(((latA + latB) * Math.PI) / 360);
  return Math.hypot(east, latB - latA) * METRES_PER_DEGREE;
}

/** Length of a line of `[lng, lat]` in metres. */
export function lengthOf(line) {
  let length = 0;
  for (let i = 1; i < line.length; i += 1) length += metresBetween(line[i - 1], line[i]);
  return length;
}

/**
 * The place `metres` along a line, and what of the line is still ahead of it.
 *
 * @returns {{at: number[], ahead: number[][], bearing: number|null}} bearing in degrees from north
 */
export function walk(line, metres) {
  let left = metres;
  for (let i = 1; i < line.length; i += 1) {
    const length = metresBetween(line[i - 1], line[i]);
    if (left < length) {
      const at = between(line[i - 1], line[i], left / length);
      return { at, ahead: [at, ...line.slice(i)], bearing: bearing(line[i - 1], line[i]) };
    }
    left -= length;
  }
  const end = line[line.length - 1];
  return { at: end, ahead: [end], bearing: null };
}

/**
 * The point of a line nearest to a place; of several about as near, the first.
 *
 * @returns {{at: number[], gap: number, metres: number, i: number}|null} the point, how far it is
 *   from the place, how far along the line, and which point of the line follows it
 */
export function nearest(line, place) {
  let best = null;
  let metres = 0;
  const scale = Math.cos((place[1] * Math.PI) / 180);
  for (let i = 1; i < line.length; i += 1) {
    const [ax, ay] = [(line[i - 1][0] - place[0]) * scale, line[i - 1][1] - place[1]];
    const [bx, by] = [(line[i][0] - place[0]) * scale, line[i][1] - place[1]];
    const square = (bx - ax) ** 2 + (by - ay) ** 2;
    const share = square ? Math.min(1, Math.max(0, -(ax * (bx - ax) + ay * (by - ay)) / square)) : 0;
    const gap = Math.hypot(ax + (bx - ax) * share, ay + (by - ay) * share) * METRES_PER_DEGREE;
    const length = metresBetween(line[i - 1], line[i]);
    if (!best || gap < best.gap - 0.5) {
      const at = between(line[i - 1], line[i], share);
      best = { at, gap, metres: metres + share * length, i };
    }
    metres += length;
  }
  return best;
}

/** The part of `line` up to the point of it nearest to `place`; null when that is far away. */
export function upTo(line, place) {
  const best = nearest(line, place);
  return best && best.gap <= OFF_THE_WAY_M ? [...line.slice(0, best.i), place] : null;
}

function between(a, b, share) {
  return [a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share];
}

function bearing(a, b) {
  const east = (b[0] - a[0]) * Math.cos((a[1] * Math.PI) / 180);
  return (Math.atan2(east, b[1] - a[1]) * 180) / Math.PI;
}

/** One thing that glides. */
export class Glide {
  constructor() {
    this.path = null;
    this.lengthM = 0;
    this.startMs = 0;
    this.durationMs = 1;
    this.known = null;
    this.way = [];
    this.heardMs = null;
    this.bearing = null;
  }

  /**
   * Hear of a new place and of the way that lies ahead of it.
   *
   * @param {number[]} place `[lng, lat]`
   * @param {number[][]} way what is ahead; empty when it stands
   * @param {number} nowMs a steady clock
   * @param {boolean} still set it there at once
   */
  hear(place, way, nowMs, still) {
    const moved = !this.known || this.known[0] !== place[0] || this.known[1] !== place[1];
    if (moved) {
      const shown = this.at(nowMs);
      const ahead = shown ? this.aheadOf(nowMs) : null;
      const onTheWay = ahead && upTo([...ahead, ...this.way], place);
      const path = onTheWay ?? [shown?.at ?? place, place];
      const lengthM = lengthOf(path);
      if (!shown || still || lengthM > JUMP_M) this.set([place, place], 0, nowMs, 1);
      else {
        const sinceMs = this.heardMs === null ? 1000 : nowMs - this.heardMs;
        this.set(path, lengthM, nowMs, Math.min(6000, Math.max(400, sinceMs * 1.1)));
      }
      this.heardMs = nowMs;
    }
    this.known = place;
    this.way = way ?? [];
  }

  set(path, lengthM, nowMs, durationMs) {
    this.path = path;
    this.lengthM = lengthM;
    this.startMs = nowMs;
    this.durationMs = durationMs;
  }

  /** Where to draw it now, and whether it still moves. */
  at(nowMs) {
    if (!this.path) return null;
    const share = (nowMs - this.startMs) / this.durationMs;
    if (share >= 1) return { at: this.path[this.path.length - 1], moving: false, bearing: this.bearing };
    const { at, bearing: turned } = walk(this.path, share * this.lengthM);
    this.bearing = turned ?? this.bearing;
    return { at, moving: true, bearing: this.bearing };
  }

  aheadOf(nowMs) {
    const share = Math.min(1, (nowMs - this.startMs) / this.durationMs);
    return walk(this.path, share * this.lengthM).ahead;
  }

  /** The way still to go as it should be drawn: from the drawn place on. */
  drawnWay(nowMs) {
    return this.path && this.way.length > 1 ? [...this.aheadOf(nowMs), ...this.way.slice(1)] : null;
  }
}
