"""What the customer sees of an order: an honest time, a dot, and what may be decided.

Everything here reads; all of it runs on the engine's thread.  A courier's position is shown only
while this customer's goods are in the bag and theirs is the next door.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from api.legs import place
from api.live import Live
from api.news import short
from api.order_views import moment, overall_status, promise
from api.shapes import tracked
from api.tokens import Tokens
from api.views import upcoming
from dispatch.arrivals import Expected, expected
from dispatch.codec import to_rfc3339
from dispatch.model import DeliveryStatus, Fulfilment, OrderLine, OrderStatus, StopKind
from dispatch.records import ItemScan, SubstitutionAnswer
from dispatch.state import UNPICKED, OrderState, State

Json = dict[str, Any]

_D = DeliveryStatus

_ON_THE_WAY: Final = frozenset({_D.PICKED_UP, _D.ENROUTE_TO_DROPOFF, _D.ARRIVED_AT_DROPOFF})
"""The goods are between the store's counter and the customer's door."""

_ENDED: Final[Mapping[DeliveryStatus, tracked.Status]] = {
    _D.DELIVERED: "delivered",
    _D.FAILED: "failed",
    _D.RETURNING: "returning",
    _D.RETURNED: "returned",
}

_OF_GOODS: Final[Mapping[OrderStatus, tracked.Status]] = {
    OrderStatus.CANCELLED: "cancelled",
    OrderStatus.COLLECTED: "collected",
}
_AT_THE_STORE: Final[Mapping[OrderStatus, tracked.Status]] = {
    OrderStatus.PICKING: "picking",
    OrderStatus.SUBSTITUTING: "question",
    OrderStatus.READY: "ready",
}

_AWAITED: Final = frozenset({"received", "picking", "question", "ready", "on_the_way"})
"""Statuses in which a customer waits for a time."""


def tracking(live: Live, tokens: Tokens, parts: Sequence[OrderState]) -> tracked.Tracking:
    """Return what the customer sees of an order; `parts` are all of it, the first one first."""
    state, first = live.engine.state, parts[0]
    bought = first.order
    parcels = [_parcel(live, part) for part in parts]
    still = [p for p in parcels if p["status"] in _AWAITED] or parcels
    last = max(still, key=_latest)
    delivered = bought.fulfilment is Fulfilment.DELIVERY
    is_open = not all(part.is_closed for part in parts)
    wants_pin = bought.pin_required or not delivered
    city = live.city
    return {
        "number": short(bought.order_id),
        "fulfilment": bought.fulfilment.value,
        "status": last["status"],
        "overall_status": overall_status(parts),
        "now": to_rfc3339(live.clock.now()),
        "speed": live.clock.speed,
        "time_zone": city.time_zone,
        "city": city.name,
        "bounds": list(city.bounds),
        "attribution": city.attribution,
        "promise": promise(first.promise),
        "expected": last["expected"],
        "late": any(parcel["late"] for parcel in parcels),
        "dropoff": (
            {"location": place(bought.door), "address": bought.address, "note": bought.note}
            if delivered
            else None
        ),
        "store": None if delivered else _store(live, first),
        "pin": tokens.pin(bought.order_id) if wants_pin and is_open else None,
        "age_limit": max(part.order.age_limit for part in parts),
        "here_at": moment(first.here_at),
        "bay": first.bay,
        "can": {
            "note": is_open and first.status is not OrderStatus.CANCELLED,
            "here": not delivered and is_open and first.status is not OrderStatus.CANCELLED,
        },
        "parcels": parcels,
        "substitutions": [
            {**offered, "name": _name(state, offered["sku"])}
            for part in parts
            for offered in _substitutions(state, part)
        ],
    }


def _latest(parcel: tracked.TrackedParcel) -> str:
    return parcel["expected"]["latest"] if parcel["expected"] is not None else ""


def _parcel(live: Live, part: OrderState) -> tracked.TrackedParcel:
    state = live.engine.state
    status = _status(part)
    when = _expected(live, part, status)
    return {
        "id": part.parcel_id,
        "status": status,
        "store": state.store(part.shelf_store_id).store.name,
        "expected": (
            None
            if when.earliest is None or when.latest is None
            else {"earliest": to_rfc3339(when.earliest), "latest": to_rfc3339(when.latest)}
        ),
        "late": when.late,
        "courier": _courier(live, part),
        "lines": [_line(state, line) for line in part.order.lines],
        "traced": _traced(state, part),
        "done_at": moment(part.closed_at),
    }


def _traced(state: State, part: OrderState) -> list[tracked.Traced]:
    """Return where the articles of a parcel come from, each origin once."""
    found: dict[ItemScan, tracked.Traced] = {}
    for item in part.items:
        if item.batch or item.origin or item.best_before:
            found[replace(item, occurred_at=0)] = {
                "name": _name(state, item.sku),
                "batch": item.batch,
                "origin": item.origin,
                "best_before": item.best_before,
                "trace": f"/v1/trace/{part.parcel_id}/{item.barcode}",
            }
    return list(found.values())


def _status(part: OrderState) -> tracked.Status:
    """Return where a parcel is, in the customer's words."""
    if part.status in _OF_GOODS and part.delivery is not _D.DELIVERED:
        return _OF_GOODS[part.status]
    if part.delivery in _ENDED:
        return _ENDED[part.delivery]
    if part.on_board:
        return "at_the_door" if part.delivery is _D.ARRIVED_AT_DROPOFF else "on_the_way"
    return "received" if part.status in UNPICKED else _AT_THE_STORE[part.status]


def _expected(live: Live, part: OrderState, status: str) -> Expected:
    if status not in _AWAITED:
        return Expected(None, None, late=False)
    collected = part.order.fulfilment is not Fulfilment.DELIVERY
    if collected and status == "ready":
        return Expected(None, None, late=False)
    forecast = part.ready_forecast if collected else part.eta
    margin_s = live.engine.policy.promise_margin_s
    return expected(part.promise, forecast, live.clock.now(), margin_s)


def _courier(live: Live, part: OrderState) -> tracked.TrackedCourier | None:
    """Return who brings it, once they have it; where they are only when theirs is next."""
    if part.courier_id is None or not part.on_board or part.returning:
        return None
    if part.delivery not in _ON_THE_WAY:
        return None
    found = live.engine.state.courier(part.courier_id)
    before = 0
    for visit in upcoming(found):
        if visit.stop.order_id == part.order_id:
            break
        before += visit.stop.kind is StopKind.DROPOFF
    seen = live.engine.positions.get(part.courier_id) if before == 0 else None
    return {
        # The first name is what a person needs at the door.
        "name": found.courier.name.partition(" ")[0],
        "mode": found.courier.mode.value,
        "stops_before": before,
        "position": (
            None if seen is None else {"location": place(seen.place), "at": to_rfc3339(seen.at)}
        ),
    }


def _store(live: Live, found: OrderState) -> tracked.TrackedStore:
    store = live.engine.state.store(found.shelf_store_id).store
    address = next((s.address for s in live.city.stores if s.store_id == store.store_id), "")
    return {"name": store.name, "location": place(store.location), "address": address}


def _substitutions(state: State, part: OrderState) -> list[tracked.OfferedInstead]:
    return [
        {
            "sku": offered.sku,
            "quantity": offered.quantity,
            "substitute_sku": offered.substitute_sku,
            "substitute_name": _name(state, offered.substitute_sku),
            "substitute_quantity": offered.substitute_quantity,
            "expires_at": to_rfc3339(offered.expires_at),
            "answer": offered.answer.value,
            "accepted": offered.accepted,
            "pending": offered.answer is SubstitutionAnswer.PENDING,
        }
        for offered in part.substitutions
    ]


def _line(state: State, line: OrderLine) -> tracked.TrackedLine:
    return {"sku": line.sku, "name": _name(state, line.sku), "quantity": line.quantity}


def _name(state: State, sku: str) -> str:
    article = state.catalogue.get(sku)
    return article.name if article is not None and article.name else sku
