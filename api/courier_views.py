"""Couriers on the wire: what they are doing, what they are asked, what they have shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from api.legs import place
from api.shapes import couriers
from dispatch.codec import to_rfc3339
from dispatch.model import StopKind
from dispatch.rules.stops import required_proofs
from dispatch.state import Commitment, CourierState, OrderState, State

_PHONE_HEAD: Final = 4
_PHONE_TAIL: Final = 2
_DOING: Final[Mapping[tuple[StopKind, bool], couriers.Activity]] = {
    (StopKind.PICKUP, False): "to_pickup",
    (StopKind.PICKUP, True): "at_pickup",
    (StopKind.DROPOFF, False): "to_dropoff",
    (StopKind.DROPOFF, True): "at_dropoff",
    (StopKind.RETURN, False): "returning",
    (StopKind.RETURN, True): "at_return",
}


def activity(found: CourierState, now: int) -> couriers.Activity:
    """Return what a courier is doing, in one word."""
    commitment = found.commitment
    if found.stranded is not None:
        return "stranded"
    if commitment is not None:
        is_asked = commitment.offered_until is not None
        doing = _DOING[commitment.stop.kind, commitment.arrived_at is not None]
        return "offered" if is_asked else doing
    if found.break_until is not None:
        return "on_break"
    return "idle" if found.on_shift(now) or found.busy else "off"


def courier_details(found: CourierState) -> couriers.CourierDetails:
    """Return what is known of a courier besides place, shift and activity."""
    lock = found.route_lock
    return {
        "phone": masked(found.courier.phone),
        "takes_offers": found.courier.takes_offers,
        "break": courier_break(found),
        "stranded": found.stranded,
        "offer": offer_in_short(found),
        "acknowledged_version": found.acknowledged,
        "route_lock": (
            None
            if lock is None
            else {
                "stop_ids": list(lock.stop_ids),
                "owner": lock.owner,
                "reason": lock.reason,
                "expires_at": to_rfc3339(lock.expires_at),
            }
        ),
    }


def masked(phone: str) -> str | None:
    """Return a phone number that can be told from others and not be called; None for none."""
    if not phone:
        return None
    return f"{phone[:_PHONE_HEAD]}…{phone[-_PHONE_TAIL:]}"


def courier_break(found: CourierState) -> couriers.CourierBreak | None:
    """Return the break a courier has or waits for; `ends_at` is null while they wait for it."""
    if found.break_until is not None:
        return {"wanted_s": None, "ends_at": to_rfc3339(found.break_until)}
    if found.break_wanted_s is not None:
        return {"wanted_s": found.break_wanted_s, "ends_at": None}
    return None


def planned_break(found: CourierState) -> couriers.PlannedBreak | None:
    """Return the break of a shift that is still to come."""
    pause = found.pause
    if pause is None:
        return None
    return {
        "earliest": to_rfc3339(pause.earliest),
        "latest": to_rfc3339(pause.latest),
        "duration_s": pause.duration_s,
    }


def offer_in_short(found: CourierState) -> couriers.OfferInShort | None:
    """Return the stop a courier is asked about and until when."""
    asked = _asked(found)
    if asked is None or asked.offered_until is None:
        return None
    return {"stop_id": asked.stop.stop_id, "expires_at": to_rfc3339(asked.offered_until)}


def offer(state: State, found: CourierState) -> couriers.Offer | None:
    """Return what a courier needs to know to say yes or no; None without an open offer."""
    asked = _asked(found)
    if asked is None or asked.offered_until is None:
        return None
    order = state.order(asked.stop.order_id)
    store = state.store(asked.stop.store_id).store
    return {
        "stop_id": asked.stop.stop_id,
        "order_id": order.order_id,
        "pickup": {
            "store_id": store.store_id,
            "name": store.name,
            "location": place(store.location),
        },
        "dropoff": {"location": place(order.order.door), "address": order.order.address},
        "weight_g": order.order.weight_g,
        "volume_ml": order.order.volume_ml,
        "tip_cents": order.order.tip_cents,
        "expected_at": to_rfc3339(asked.expected_at),
        "expires_at": to_rfc3339(asked.offered_until),
        "allowed": ["accept", "decline"],
    }


def _asked(found: CourierState) -> Commitment | None:
    commitment = found.commitment
    return commitment if commitment is not None and commitment.offered_until is not None else None


def stop_details(order: OrderState, kind: StopKind) -> couriers.StopDetails:
    """Return what a courier must show or see at a stop of an order."""
    is_door = kind is StopKind.DROPOFF
    return {
        "parcel_id": order.parcel_id,
        "proofs_required": [proof.value for proof in required_proofs(order)] if is_door else [],
        "age_limit": order.order.age_limit if is_door else 0,
    }


def proofs(found: OrderState) -> list[couriers.Proof]:
    """Return what was shown at the stops of an order, in order."""
    return [
        {
            "stop_id": stop.stop_id,
            "stop_kind": stop.kind.value,
            "kind": proof.kind.value,
            "detail": proof.detail or None,
            "blob_id": proof.blob_id or None,
            "picture": f"/v1/proofs/{proof.blob_id}" if proof.blob_id else None,
            "taken_at": None if proof.taken_at is None else to_rfc3339(proof.taken_at),
        }
        for stop, proof in found.proofs
    ]
