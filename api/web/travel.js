/** Where the courier is: along the leg at the leg's pace, or where the device says. */

import { ask, rfc3339 } from "./client.js";
import { lengthOf, metresBetween, nearest, walk } from "./glide.js";

/** A new way that never leaves the known one by more than this, and is as long, is the same. */
const SAME_WAY_M = 25;
const SAME_LENGTH_M = 50;

export class Travel {
  /** @param {ServiceClock} clock */
  constructor(clock) {
    this.clock = clock;
    this.here = null;
    this.leg = null;
    this.watch = null;
  }

  /** Start at a known place, `[lng, lat]`. */
  startAt(place) {
    this.here = place;
    this.leg = null;
  }

  /**
   * Take the leg to the stop that is being travelled to; the one under way goes on, unless it
   * leads another way now.
   *
   * @returns {boolean} whether the way to the same stop has changed
   */
  follow(route) {
    const stop = route.stops[0];
    if (!stop) {
      this.leg = null;
      return false;
    }
    if (stop.status === "arrived") {
      if (this.watch === null) this.here = [stop.location.lng, stop.location.lat];
      this.leg = null;
      return false;
    }
    if (stop.status !== "committed") return false;
    const leg = route.legs.find((each) => each.stop_id === stop.id);
    if (!leg || leg.line.length < 2) return false;
    const isKnown = this.leg?.stopId === stop.id;
    const isSame = isKnown && isSameWay(this.leg.line, leg.line);
    // Under other travel times a way may differ by a lane; that is no news, but it is drawn.
    if (isSame && this.leg.version === route.travel_version) return false;
    const next = {
      stopId: stop.id,
      version: route.travel_version,
      line: leg.line,
      lengthM: lengthOf(leg.line),
      startMs: this.clock.running(),
      durationMs: Math.max(1, leg.duration_s) * 1000,
      steps: leg.steps,
      marks: marksOf(leg),
    };
    if (isKnown && next.lengthM > 0) {
      // The new way begins at the last place reported, a moment behind.
      const share = nearest(next.line, this.here).metres / next.lengthM;
      next.startMs -= share * next.durationMs;
    }
    this.leg = next;
    return isKnown && !isSame;
  }

  /** Metres gone along the leg; null without one. */
  gone() {
    if (!this.leg) return null;
    if (this.watch !== null) return nearest(this.leg.line, this.here).metres;
    const share = (this.clock.running() - this.leg.startMs) / this.leg.durationMs;
    return Math.min(1, Math.max(0, share)) * this.leg.lengthM;
  }

  /** Move to where the courier is now; returns the place, what lies ahead, and the bearing. */
  step() {
    if (!this.leg) return { at: this.here, ahead: [], bearing: null, there: false };
    const gone = this.gone();
    const place = walk(this.leg.line, gone);
    if (this.watch !== null) {
      return { at: this.here, ahead: place.ahead, bearing: null, there: false };
    }
    this.here = place.at;
    return { ...place, there: gone >= this.leg.lengthM };
  }

  /** Tell the service; a position that does not get through is not kept, the next one counts. */
  async report(courierId) {
    if (!this.here) return;
    const [lng, lat] = this.here;
    const at = rfc3339(this.clock.running());
    const positions = [{ courier_id: courierId, location: { lat, lng }, at }];
    await ask("/v1/couriers/positions", { method: "POST", body: { positions } });
  }

  /**
   * Use the device's own position, as long as it is inside the zone.
   *
   * @param {number[]} bounds of the zone: west, south, east, north
   * @param {(problem: string) => void} onProblem told in words; the simulated way goes on then
   */
  useDevice([west, south, east, north], onProblem) {
    if (!navigator.geolocation) {
      onProblem("This device does not tell its position.");
      return;
    }
    const end = (problem) => {
      this.useLeg();
      onProblem(problem);
    };
    this.watch = navigator.geolocation.watchPosition(
      ({ coords }) => {
        const inside =
          coords.longitude >= west &&
          coords.longitude <= east &&
          coords.latitude >= south &&
          coords.latitude <= north;
        if (inside) this.here = [coords.longitude, coords.latitude];
        else end("You are outside this zone, so your real position is not used.");
      },
      (error) => end(`Your position is not known: ${error.message}`),
      { enableHighAccuracy: true, maximumAge: 2000 },
    );
  }

  /** Go back to moving along the leg, from its start. */
  useLeg() {
    if (this.watch !== null) navigator.geolocation.clearWatch(this.watch);
    this.watch = null;
    this.leg = null;
  }
}

/** Whether a way found later is the rest of a known one. */
function isSameWay(known, later) {
  if (later.some((place) => nearest(known, place).gap > SAME_WAY_M)) return false;
  const left = lengthOf(known) - nearest(known, later[0]).metres;
  return Math.abs(lengthOf(later) - left) <= SAME_LENGTH_M;
}

/** Metres from a leg's start to each of its steps. */
function marksOf({ line, steps }) {
  const along = [0];
  for (let i = 1; i < line.length; i += 1) {
    along.push(along[i - 1] + metresBetween(line[i - 1], line[i]));
  }
  return steps.map((step) => along[step.point]);
}
