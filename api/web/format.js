/** Times, durations and words as people read them. */

const NO_VALUE = "–";

/** A formatter of clock times in a zone's own time zone. */
export class ZoneTime {
  /** @param {string} timeZone IANA name, such as `Europe/Helsinki` */
  constructor(timeZone) {
    this.timeZone = timeZone;
    this.minutes = new Intl.DateTimeFormat("en-GB", {
      timeZone,
      hour: "2-digit",
      minute: "2-digit",
    });
  }

  /** `18:42` for a time in ms since 1970, or for RFC 3339 text; a dash for nothing. */
  clock(at) {
    const ms = toMs(at);
    return ms === null ? NO_VALUE : this.minutes.format(ms);
  }

  /** `18:30–18:45` for a promise. */
  range(promise) {
    if (!promise) return NO_VALUE;
    return `${this.clock(promise.earliest)}–${this.clock(promise.latest)}`;
  }
}

/** Milliseconds since 1970 of RFC 3339 text (or of such a number); null for nothing. */
export function toMs(at) {
  if (at === null || at === undefined) return null;
  const ms = typeof at === "number" ? at : Date.parse(at);
  return Number.isNaN(ms) ? null : ms;
}

/** `in 6 min`, `now` or `4 min ago`, seen from `nowMs`. */
export function relative(at, nowMs) {
  const ms = toMs(at);
  if (ms === null) return "";
  const minutes = Math.round((ms - nowMs) / 60_000);
  if (minutes === 0) return "now";
  return minutes > 0 ? `in ${span(minutes)}` : `${span(-minutes)} ago`;
}

/** `6 min` or `2 h 05` for a number of minutes. */
export function span(minutes) {
  if (minutes < 100) return `${minutes} min`;
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")}`;
}

/** How old something is: `8 s`, `4 min`. */
export function age(at, nowMs) {
  const ms = toMs(at);
  if (ms === null) return NO_VALUE;
  const seconds = Math.max(0, Math.round((nowMs - ms) / 1000));
  return seconds < 100 ? `${seconds} s` : span(Math.round(seconds / 60));
}

/** `96 %` for a share of 1. */
export function percent(share) {
  return share === null || share === undefined ? NO_VALUE : `${Math.round(share * 100)} %`;
}

/** `28 min` for seconds. */
export function minutes(seconds) {
  return seconds === null || seconds === undefined ? NO_VALUE : `${Math.round(seconds / 60)} min`;
}

/** `1.4 km` or `350 m`. */
export function distance(lengthM) {
  return lengthM >= 1000 ? `${(lengthM / 1000).toFixed(1)} km` : `${Math.round(lengthM / 10) * 10} m`;
}

/** `4.2 kg` for grams. */
export function weight(grams) {
  return `${(grams / 1000).toFixed(1)} kg`;
}

/** An order's short name, as people say it at the counter: the last four signs of its id. */
export function shortName(orderId) {
  return orderId.slice(-4).toUpperCase();
}

/** `1 order`, `3 orders`. */
export function count(number, noun) {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

/** An amount with its speed: `10×`; nothing for the speed of the real clock. */
export function speedText(speed) {
  return speed && speed !== 1 ? `${speed}×` : "";
}

export const MODE_NAMES = {
  walk: "On foot",
  bike: "Bicycle",
  cargo_bike: "Cargo bike",
  scooter: "Scooter",
  car: "Car",
};

export const ACTIVITY_NAMES = {
  off: "Off shift",
  idle: "Free",
  to_pickup: "On the way to a store",
  at_pickup: "At the store",
  to_dropoff: "On the way to a door",
  at_dropoff: "At the door",
  returning: "Bringing goods back",
  at_return: "Handing goods back",
  offered: "Asked to fetch an order",
  on_break: "Having a break",
  stranded: "Cannot go on",
};

/** Where a courier without work waits or goes to wait; nothing for all others. */
export function standbyWords({ standby, line }) {
  if (!standby) return "";
  return line.length ? `Goes to wait near ${standby.name}` : `Waits near ${standby.name}`;
}

/** The break of a shift that is still to come: `15 min, begins 18:30–18:45`; else nothing. */
export function breakWords(shift, zoneTime) {
  const planned = shift?.break;
  if (!planned) return "";
  return `${Math.round(planned.duration_s / 60)} min, begins ${zoneTime.range(planned)}`;
}

export const PHASE_NAMES = {
  waiting: "Waiting to be picked",
  picking: "Being picked",
  ready: "Ready in the store",
  carried: "On the way",
  delivered: "Delivered",
  failed: "Could not be delivered",
};

const EVENT_NAMES = {
  OrderReceived: "Ordered, promise made",
  OrderResourced: "Moved to another store",
  PickStarted: "Picking began",
  PickCompleted: "Picked and packed",
  StopCommitted: "Courier sent to the store",
  StopArrived: "Courier at the store",
  ParcelPickedUp: "In the courier's bag",
  OrderDelivered: "Delivered",
  DeliveryFailed: "Could not be delivered",
  ParcelReturned: "Back in the store",
  StopDeclined: "Courier declined",
  StopReleased: "Taken off the courier",
  OfferMade: "Offered to a courier",
  OfferAccepted: "Taken by the courier",
  OfferLapsed: "Courier did not answer",
  RetryGranted: "To be tried again",
  CourierStranded: "Courier cannot go on, waits to be fetched",
  BagHandedOver: "Waits for another courier",
  OrderCancelled: "Cancelled",
};

/** What the same events mean once the goods are in the bag, or could not be handed over. */
const LATER_NAMES = {
  ParcelPickedUp: {
    StopCommitted: "Courier sent to the door",
    StopArrived: "Courier at the door",
  },
  DeliveryFailed: {
    StopCommitted: "Courier sent back to the store",
    StopArrived: "Courier back at the store",
  },
};

/** The names of a timeline's events in words; unknown ones are split at their capitals. */
export function eventNames(types) {
  let names = EVENT_NAMES;
  return types.map((type) => {
    const name = names[type] ?? words(type);
    if (LATER_NAMES[type]) names = { ...EVENT_NAMES, ...LATER_NAMES[type] };
    return name;
  });
}

/** `enroute_to_pickup` or `SomeEvent` as words with a capital. */
export function words(name) {
  const text = String(name)
    .replace(/([a-z])([A-Z])/g, "$1 $2")
    .replaceAll("_", " ")
    .toLowerCase();
  return text.charAt(0).toUpperCase() + text.slice(1);
}
