"""Quotes and orders on the wire: plain JSON objects, made from the state by hand.

Everything here reads; all of it runs on the engine's thread.  No PIN is ever among it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from api.legs import place
from api.live import Live
from api.shapes import orders
from dispatch.codec import WIRE, to_rfc3339
from dispatch.model import (
    Cited,
    DeliveryStatus,
    Fare,
    Fulfilment,
    OrderLine,
    OrderStatus,
    Promise,
    Quote,
    Window,
)
from dispatch.state import UNPICKED, OrderState, family

_BEFORE_PICKUP: Final = frozenset(
    {
        DeliveryStatus.CREATED,
        DeliveryStatus.CONFIRMED,
        DeliveryStatus.OFFERED,
        DeliveryStatus.ASSIGNED,
    }
)

_FURTHER: Final = (
    "received",
    "sourced",
    "confirmed",
    "substituting",
    "picking",
    "offered",
    "assigned",
    "ready",
    "failed",
    "returning",
    "enroute_to_pickup",
    "arrived_at_pickup",
    "picked_up",
    "enroute_to_dropoff",
    "arrived_at_dropoff",
    "delivered",
    "collected",
    "returned",
    "cancelled",
)
"""What orders go through, by how much is still to do: the whole is where its last part is."""


def moment(at: int | None) -> str | None:
    """Return a moment as RFC 3339, None for none."""
    return None if at is None else to_rfc3339(at)


def promise(given: Promise) -> orders.Promise:
    """Return a promise."""
    return {"earliest": to_rfc3339(given.earliest), "latest": to_rfc3339(given.latest)}


def line(item: OrderLine) -> orders.Line:
    """Return an order line."""
    return {"sku": item.sku, "quantity": item.quantity}


# --- quotes ------------------------------------------------------------------------------------


def quote(given: Quote) -> orders.Quote:
    """Return a quote; promise, eta, store and fare are null where only windows can be had."""
    return {
        "id": given.quote_id,
        "fulfilment": given.fulfilment.value,
        "promise": None if given.promise is None else promise(given.promise),
        "eta": moment(given.eta),
        "store_id": given.store_id,
        "fare": _fare(given.fare),
        "fare_cents": given.fare_cents,
        "windows": [_window(window) for window in given.windows],
        "parcels": [
            {"store_id": parcel.store_id, "lines": [line(item) for item in parcel.lines]}
            for parcel in given.parcels
        ],
        "expires_at": to_rfc3339(given.expires_at),
    }


def _fare(given: Fare | None) -> orders.Fare | None:
    if given is None:
        return None
    return {
        "base_cents": given.base_cents,
        "distance_cents": given.distance_cents,
        "tier_cents": given.tier_cents,
        "surge_cents": given.surge_cents,
    }


def _window(given: Window) -> orders.OpenWindow | orders.ClosedWindow:
    if given.promise is None or given.fare is None:
        code = None if given.reason is None else given.reason.value
        return {"id": given.window_id, "available": False, "code": code, "detail": given.detail}
    return {
        "id": given.window_id,
        "available": True,
        "promise": promise(given.promise),
        "store_id": given.store_id,
        "fare": _fare(given.fare),
        "fare_cents": given.fare.total_cents,
    }


# --- orders ------------------------------------------------------------------------------------


def order(found: OrderState, *, at_risk: bool, parts: Sequence[OrderState] = ()) -> orders.Order:
    """Return an order with all that happened to it.

    Parameters
    ----------
    parts
        All parts of an order that comes from several stores, itself among them.  Goods, weight
        and money of the first one are those of the whole; `parcels` has them apart.
    """
    bought = found.order
    whole = parts or (found,)
    of = whole if bought.part_of is None else (found,)
    return {
        "id": bought.order_id,
        "external_id": bought.external_id,
        "created_at": to_rfc3339(bought.created_at),
        "fulfilment": bought.fulfilment.value,
        "status": found.status.value,
        "overall_status": overall_status(whole),
        "delivery": _delivery(found, at_risk=at_risk),
        "collection": _collection(found),
        "promise": promise(found.promise),
        "promises": [
            {**promise(given), "made_at": to_rfc3339(given.made_at)}
            for given in (*found.promises, found.promise)
        ],
        "quote": None if found.cited is None else cited(found.cited, found),
        "store_id": found.store_id,
        "pinned_store_id": found.pinned_store_id,
        "excluded_stores": sorted(found.excluded_stores),
        "ready_at": moment(found.ready_at or found.ready_forecast),
        "picked_at": moment(found.ready_at),
        "dropoff": {
            "location": place(bought.door),
            "address": bought.address,
            "address_location": (
                None if bought.address_place is None else place(bought.address_place)
            ),
            "note": bought.note,
        },
        "phone": bought.phone,
        "lines": [line(item) for part in of for item in part.order.lines],
        "weight_g": sum(part.order.weight_g for part in of),
        "volume_ml": sum(part.order.volume_ml for part in of),
        "chilled": any(part.order.chilled for part in of),
        "age_limit": max(part.order.age_limit for part in of),
        "pin_required": bought.pin_required,
        "pick_s": bought.pick_s,
        "priority": bought.priority,
        "basket_cents": sum(part.order.basket_cents for part in of),
        "fare_cents": bought.fare_cents,
        "tip_cents": bought.tip_cents,
        "paid_cents": sum(part.order.paid_cents for part in of),
        "refund_cents": sum(part.refund_cents for part in of),
        "reason": found.note or None,
        "part_of": bought.part_of,
        "return_of": bought.return_of,
        "parcels": [_parcel(part) for part in whole],
        "hold": WIRE.unstructure(found.hold),
        "lock": WIRE.unstructure(found.lock),
        "carriage": WIRE.unstructure(found.carriage),
        "substitutions": WIRE.unstructure(found.substitutions),
        "items": WIRE.unstructure(found.items),
        "scans": WIRE.unstructure(found.scans),
        "proofs": [
            {"stop_id": stop.stop_id, "kind": proof.kind.value, "taken_at": moment(proof.taken_at)}
            for stop, proof in found.proofs
        ],
        "returned": dict(found.returned),
        "conflicts": list(found.conflicts),
        "timeline": [{"at": to_rfc3339(at), "event": name} for at, name in found.timeline],
    }


def _delivery(found: OrderState, *, at_risk: bool) -> orders.Delivery | None:
    if found.order.fulfilment is not Fulfilment.DELIVERY:
        return None
    return {
        "status": found.delivery.value,
        "courier_id": found.courier_id,
        "eta": moment(found.eta),
        "promise": promise(found.promise),
        "at_risk": at_risk,
        "tries": found.tries,
    }


def _collection(found: OrderState) -> orders.Collection | None:
    if found.order.fulfilment is Fulfilment.DELIVERY:
        return None
    return {"here_at": moment(found.here_at), "bay": found.bay}


def _parcel(part: OrderState) -> orders.Parcel:
    delivered = part.order.fulfilment is Fulfilment.DELIVERY
    return {
        "id": part.parcel_id,
        "order_id": part.order_id,
        "store_id": part.store_id,
        "status": part.status.value,
        "delivery_status": part.delivery.value if delivered else None,
        "courier_id": part.courier_id,
        "eta": moment(part.eta),
        "lines": [line(item) for item in part.order.lines],
    }


def cited(said: Cited, found: OrderState) -> orders.Verdict:
    """Return what became of the quote that an order cites, with the difference it makes.

    Differences are what holds now less what was quoted: positive for later and for dearer.
    """
    # The first promise is what the quote was held to; later ones are another matter.
    given = found.promises[0] if found.promises else found.promise
    return {
        "id": said.quote_id,
        "window": said.window_id,
        "held": said.held,
        "reason": said.reason or None,
        "promised": {"promise": promise(said.promised), "fare_cents": said.fare_cents},
        "now": {"promise": promise(given), "fare_cents": found.order.fare_cents},
        "difference_s": given.latest - said.promised.latest,
        "fare_difference_cents": found.order.fare_cents - said.fare_cents,
    }


def one_status(found: OrderState) -> str:
    """Return goods and delivery in one word: the delivery's, once a courier is on the way."""
    if found.order.fulfilment is not Fulfilment.DELIVERY:
        return found.status.value
    if found.delivery in _BEFORE_PICKUP and found.status not in UNPICKED:
        return found.status.value
    return found.delivery.value


def overall_status(parts: Sequence[OrderState]) -> str:
    """Return where an order is as a whole: where the part is that has most before it.

    Parts that were cancelled or came back count only when all of them did.
    """
    gone = {OrderStatus.CANCELLED.value, DeliveryStatus.RETURNED.value}
    all_of = [one_status(part) for part in parts]
    left = [status for status in all_of if status not in gone] or all_of
    return min(left, key=_FURTHER.index)


def order_now(live: Live, order_id: str) -> orders.Order:
    """Return an order as it is now; raises `UnknownIdError`."""
    return order_of(live, live.engine.state.order(order_id))


def order_of(live: Live, found: OrderState) -> orders.Order:
    """Return an order with its parts."""
    parts = family(live.engine.state, found)
    return order(found, at_risk=is_at_risk(live, found), parts=parts)


def is_at_risk(live: Live, found: OrderState) -> bool:
    """Tell whether an order's promise is in danger."""
    if found.is_closed:
        return False
    return live.kpis.is_at_risk(found.order_id, live.clock.now())
