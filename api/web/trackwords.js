/** What the customer's page says: statuses in plain words. */

/** Steps of an order on its way, as the bar shows them. */
export const STEPS = {
  delivery: ["Ordered", "Picking", "Packed", "On the way", "There"],
  collection: ["Ordered", "Picking", "Ready", "Collected"],
  curbside: ["Ordered", "Picking", "Ready", "Collected"],
};

const STEP = {
  received: 0,
  picking: 1,
  question: 1,
  ready: 2,
  on_the_way: 3,
  at_the_door: 3,
  delivered: 4,
  collected: 3,
};

const ENDED = {
  cancelled: "Cancelled",
  failed: "Could not be delivered",
  returning: "Going back to the store",
  returned: "Back at the store",
};

/** The step an order is at; null where it is on no way any more. */
export function stepOf(order) {
  return STEP[order.status] ?? null;
}

/** What an order's status means to its customer. */
export function headline(order, time) {
  const delivered = order.fulfilment === "delivery";
  const parcel = order.parcels.find(({ status }) => status === order.status) ?? order.parcels[0];
  const who = parcel.courier?.name ?? "The courier";
  switch (order.status) {
    case "received":
      return "We have your order";
    case "picking":
      return "Being picked for you";
    case "question":
      return "We have a question";
    case "ready":
      return delivered ? "Packed, waiting for its courier" : "Ready to collect";
    case "on_the_way":
      return onTheWay(who, parcel.courier?.stops_before ?? 0);
    case "at_the_door":
      return `${who} is at your door`;
    case "delivered":
      return `Delivered at ${time.clock(parcel.done_at)}`;
    case "collected":
      return `Collected at ${time.clock(parcel.done_at)}`;
    default:
      return ENDED[order.status] ?? "Your order";
  }
}

function onTheWay(who, before) {
  if (before === 0) return `${who} is on the way to you`;
  if (before === 1) return `${who} has one stop before yours`;
  return `${who} has ${before} stops before yours`;
}

/** One line about one of several parcels. */
export function parcelLine(parcel, time) {
  const words = {
    received: "Not picked yet",
    picking: "Being picked",
    question: "Waits for your answer",
    ready: "Packed",
    on_the_way: onTheWay(
      parcel.courier?.name ?? "The courier",
      parcel.courier?.stops_before ?? 0,
    ),
    at_the_door: "At your door",
    delivered: `Delivered at ${time.clock(parcel.done_at)}`,
    collected: `Collected at ${time.clock(parcel.done_at)}`,
    ...ENDED,
  };
  const range = parcel.expected ? ` · ${time.range(parcel.expected)}` : "";
  return `${words[parcel.status]}${range}${parcel.late ? " · late" : ""}`;
}
