/**
 * What a courier did, kept until the service has heard of it.
 *
 * Each action is written to the device's storage with the time it happened before anything is
 * sent, and actions are sent one after the other, in order: a basement loses nothing.
 */

import { OfflineError, ask } from "./client.js";
import { pictureBytes } from "./courierdoor.js";

const STORED = "samehour.outbox";
const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 15_000;
/** A picture may take its time on a weak signal. */
const PICTURE_MS = 30_000;

export class Outbox {
  /**
   * @param {{onChange: Function, onRoute: Function, onRefused: Function}} heard `onChange()` when
   *   something came in or went out, `onRoute(courierId, route)` with the service's answer,
   *   `onRefused(action, error)` when the service said no
   */
  constructor(heard) {
    this.heard = heard;
    this.waiting = read();
    this.sending = false;
    this.waitMs = FIRST_WAIT_MS;
    this.timer = 0;
    addEventListener("online", () => this.send());
  }

  /** Actions not yet heard of by the service, oldest first. */
  pending(courierId) {
    return this.waiting.filter((action) => action.courierId === courierId);
  }

  /**
   * Take an action: `{courierId, stopId, name, occurredAt, reason?, proofs?, pictures?}`.
   *
   * @returns {boolean} false when the device has no room for its pictures, which are left out
   */
  add(action) {
    const kept = { ...action, tries: 0 };
    this.waiting.push(kept);
    const hasRoom = this.save();
    if (!hasRoom) {
      kept.pictures = [];
      this.save();
    }
    this.send();
    return hasRoom;
  }

  /** Send what waits, in order, until it is empty or the service is out of reach. */
  async send() {
    if (this.sending) return;
    this.sending = true;
    clearTimeout(this.timer);
    try {
      while (this.waiting.length) {
        const settled = await this.sendFirst(this.waiting[0]);
        if (!settled) {
          this.timer = setTimeout(() => this.send(), this.waitMs);
          this.waitMs = Math.min(LONGEST_WAIT_MS, this.waitMs * 2);
          return;
        }
        this.waiting.shift();
        this.waitMs = FIRST_WAIT_MS;
        this.save();
      }
    } finally {
      this.sending = false;
      this.heard.onChange();
    }
  }

  /** Send one action; true when it needs no further try. */
  async sendFirst(action) {
    const { courierId, stopId, name, occurredAt, reason } = action;
    try {
      const proofs = await this.proofsOf(action);
      const body = {
        occurred_at: occurredAt,
        ...(reason ? { reason } : {}),
        ...(proofs.length ? { proofs } : {}),
      };
      const answer = await ask(`/v1/couriers/${courierId}/stops/${stopId}/${name}`, {
        method: "POST",
        body,
      });
      this.heard.onRoute(courierId, answer.route);
      return true;
    } catch (error) {
      if (error instanceof OfflineError) {
        action.tries += 1;
        this.save();
        return false;
      }
      return this.settleRefusal(action, error);
    }
  }

  /** Send the pictures of an action, each once; returns its proofs, which name them. */
  async proofsOf(action) {
    const proofs = [...(action.proofs ?? [])];
    while (action.pictures?.length) {
      const { blob_id: id } = await ask("/v1/proofs", {
        method: "POST",
        body: pictureBytes(action.pictures[0]),
        timeoutMs: PICTURE_MS,
      });
      proofs.push({ kind: "photo", blob_id: id });
      action.proofs = proofs;
      action.pictures = action.pictures.slice(1);
      this.save();
    }
    return proofs;
  }

  /**
   * A refusal is the end of it, but for two cases: the answer to an earlier try was lost and the
   * action did arrive; or the stop is still planned, and the service has yet to hand it out.
   */
  async settleRefusal(action, error) {
    let route;
    try {
      route = await ask(`/v1/couriers/${action.courierId}/route`);
    } catch (lost) {
      if (lost instanceof OfflineError) return false;
      this.heard.onRefused(action, error);
      return true;
    }
    const stop = route.stops.find((each) => each.id === action.stopId);
    const done = action.name === "arrived" ? stop?.status === "arrived" : !stop;
    if (error.status === 409 && stop?.status === "planned") return false;
    if (!(action.tries && done)) this.heard.onRefused(action, error);
    this.heard.onRoute(action.courierId, route);
    return true;
  }

  /** Keep what waits on the device; false when there is no room for it. */
  save() {
    try {
      localStorage.setItem(STORED, JSON.stringify(this.waiting));
    } catch (error) {
      if (error.name !== "QuotaExceededError") throw error;
      return false;
    }
    this.heard.onChange();
    return true;
  }
}

function read() {
  try {
    const kept = JSON.parse(localStorage.getItem(STORED) ?? "[]");
    return Array.isArray(kept) ? kept : [];
  } catch {
    // Only this page writes there; what cannot be read is from an older form of it.
    return [];
  }
}

/** The route as it will be once the service has heard of what waits. */
export function withPending(route, pending) {
  let stops = route.stops;
  for (const { stopId, name } of pending) {
    if (name === "arrived") {
      stops = stops.map((stop) => (stop.id === stopId ? { ...stop, status: "arrived" } : stop));
    } else {
      stops = stops.filter((stop) => stop.id !== stopId);
    }
  }
  return { ...route, stops };
}
