"""State after facts about couriers at work."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final

from dispatch import events as e
from dispatch.errors import WrongStateError
from dispatch.folds.pieces import (
    ALL_KINDS,
    Fold,
    freed,
    homeward,
    noted,
    restock,
    with_courier,
    with_order,
    without_stops,
)
from dispatch.model import DeliveryStatus, OrderStatus, StopKind
from dispatch.state import Commitment, CourierState, StandbyState, State, moved

_D = DeliveryStatus


_ENROUTE: Final = {
    StopKind.PICKUP: _D.ENROUTE_TO_PICKUP,
    StopKind.DROPOFF: _D.ENROUTE_TO_DROPOFF,
    StopKind.RETURN: _D.RETURNING,
}
_ARRIVED: Final = {
    StopKind.PICKUP: _D.ARRIVED_AT_PICKUP,
    StopKind.DROPOFF: _D.ARRIVED_AT_DROPOFF,
}
_TOLD: Final = frozenset({_D.OFFERED, _D.ASSIGNED, _D.ENROUTE_TO_PICKUP, _D.ARRIVED_AT_PICKUP})
"""A courier was asked or told to fetch it, and has not."""

_SKEW_S: Final = 120
"""Two devices' clocks may differ by so much."""


def _stop_committed(state: State, event: e.StopCommitted, _at: int) -> State:
    order = state.order(event.stop.order_id)
    # Somebody who did another stop in between is told the same once more.
    again = {_ENROUTE[event.stop.kind], _ARRIVED.get(event.stop.kind, _D.RETURNING)}
    if order.delivery in again:
        order = replace(order, delivery=_ENROUTE[event.stop.kind])
    else:
        order = moved(order, _ENROUTE[event.stop.kind])
    order = replace(order, courier_id=event.courier_id)
    if event.stop.kind is StopKind.DROPOFF:
        order = replace(order, eta=event.expected_at)
    courier = replace(
        _at_standby(state, state.courier(event.courier_id), event.occurred_at),
        commitment=Commitment(event.stop, event.occurred_at, event.expected_at),
        standby=None,
    )
    return with_courier(with_order(state, noted(order, event.occurred_at, event)), courier)


def _at_standby(state: State, courier: CourierState, at: int) -> CourierState:
    """Return the courier where the standby is, if it must have been reached by now."""
    standby = courier.standby
    if standby is None or at < standby.expected_at:
        return courier
    place = state.store(standby.store_id).store.location
    return replace(courier, place=place, place_at=standby.expected_at, counter=None)


def _standby_given(state: State, event: e.StandbyGiven, _at: int) -> State:
    courier = _at_standby(state, state.courier(event.courier_id), event.occurred_at)
    standby = StandbyState(event.store_id, event.occurred_at, event.expected_at)
    return with_courier(state, replace(courier, standby=standby, counter=None))


def _stop_arrived(state: State, event: e.StopArrived, _at: int) -> State:
    order = state.order(event.stop.order_id)
    if event.stop.kind in _ARRIVED:
        order = moved(order, _ARRIVED[event.stop.kind])
    courier = state.courier(event.courier_id)
    if courier.commitment is None:
        raise WrongStateError(f"courier {event.courier_id}", "uncommitted", "arrived", ())
    courier = replace(courier, commitment=replace(courier.commitment, arrived_at=event.occurred_at))
    if _is_news(courier, event.occurred_at):
        courier = replace(
            courier,
            place=state.place_of(event.stop),
            place_at=event.occurred_at,
            counter=None,
        )
    return with_courier(with_order(state, noted(order, event.occurred_at, event)), courier)


def _is_news(courier: CourierState, at: int) -> bool:
    """Tell whether what was done then says where somebody is now: not if heard long after."""
    return at >= courier.place_at - _SKEW_S


def _parcel_picked_up(state: State, event: e.ParcelPickedUp, _at: int) -> State:
    order = replace(
        moved(state.order(event.order_id), _D.PICKED_UP),
        on_board=True,
        picked_up_at=event.occurred_at,
        courier_id=event.courier_id,
    )
    done = frozenset({StopKind.PICKUP})
    if order.status is OrderStatus.CANCELLED:
        # Cancelled while it waited in a stranded bag: from here on it is a return like others.
        order, done = homeward(replace(order, returning=True)), ALL_KINDS
    courier = state.courier(event.courier_id)
    courier = replace(
        courier,
        commitment=None,
        on_board=(*courier.on_board, event.order_id),
        route=without_stops(courier.route, event.order_id, done),
        place_at=max(courier.place_at, event.occurred_at),
        counter=event.store_id if _is_news(courier, event.occurred_at) else courier.counter,
    )
    return with_courier(with_order(state, noted(order, event.occurred_at, event)), courier)


def _order_delivered(state: State, event: e.OrderDelivered, _at: int) -> State:
    order = replace(
        moved(state.order(event.order_id), _D.DELIVERED),
        status=OrderStatus.COLLECTED,
        on_board=False,
        closed_at=event.occurred_at,
        eta=event.occurred_at,
    )
    courier = freed(state.courier(event.courier_id), event.order_id)
    courier = replace(courier, place_at=max(courier.place_at, event.occurred_at))
    return with_courier(with_order(state, noted(order, event.occurred_at, event)), courier)


def _delivery_failed(state: State, event: e.DeliveryFailed, _at: int) -> State:
    order = replace(
        moved(state.order(event.order_id), _D.FAILED),
        returning=True,
        eta=None,
        note=event.reason,
    )
    order = homeward(replace(order, tries=order.tries + 1))
    courier = state.courier(event.courier_id)
    courier = replace(
        courier,
        commitment=None,
        route=without_stops(courier.route, event.order_id, ALL_KINDS),
        place_at=max(courier.place_at, event.occurred_at),
    )
    return with_courier(with_order(state, noted(order, event.occurred_at, event)), courier)


def _parcel_returned(state: State, event: e.ParcelReturned, _at: int) -> State:
    order = replace(
        moved(state.order(event.order_id), _D.RETURNED),
        on_board=False,
        closed_at=event.occurred_at,
    )
    courier = freed(state.courier(event.courier_id), event.order_id)
    courier = replace(courier, place_at=max(courier.place_at, event.occurred_at))
    state = restock(state, event.store_id, order.order, +1)
    return with_courier(with_order(state, noted(order, event.occurred_at, event)), courier)


def _stop_declined(state: State, event: e.StopDeclined, _at: int) -> State:
    return _given_back(state, event)


def _given_back(state: State, event: e.StopDeclined | e.OfferLapsed) -> State:
    """Return the state with an order free for everybody but this courier."""
    order = moved(state.order(event.order_id), _D.CONFIRMED)
    order = replace(
        order, courier_id=None, declined_by=order.declined_by | {event.courier_id}, eta=None
    )
    courier = freed(state.courier(event.courier_id), event.order_id)
    return with_courier(with_order(state, noted(order, event.occurred_at, event)), courier)


def _stop_released(state: State, event: e.StopReleased, _at: int) -> State:
    courier = state.courier(event.courier_id)
    commitment = courier.commitment
    if commitment is not None and commitment.stop.order_id == event.order_id:
        courier = replace(courier, commitment=None)
    route = without_stops(courier.route, event.order_id, ALL_KINDS)
    # What they were told has changed: the version they have seen is not the last.
    version = courier.route_version + 1
    state = with_courier(state, replace(courier, route=route, route_version=version))
    order = state.order(event.order_id)
    if order.courier_id != event.courier_id or order.delivery not in _TOLD:
        return state
    return with_order(state, replace(moved(order, _D.CONFIRMED), courier_id=None, eta=None))


def _offer_made(state: State, event: e.OfferMade, _at: int) -> State:
    order = replace(
        moved(state.order(event.stop.order_id), _D.OFFERED), courier_id=event.courier_id
    )
    commitment = Commitment(
        event.stop, event.occurred_at, event.expected_at, offered_until=event.expires_at
    )
    courier = replace(state.courier(event.courier_id), commitment=commitment)
    return with_courier(with_order(state, noted(order, event.occurred_at, event)), courier)


def _offer_accepted(state: State, event: e.OfferAccepted, _at: int) -> State:
    order = moved(state.order(event.order_id), _D.ASSIGNED)
    courier = state.courier(event.courier_id)
    if courier.commitment is not None:
        commitment = replace(courier.commitment, offered_until=None)
        state = with_courier(state, replace(courier, commitment=commitment))
    return with_order(state, noted(order, event.occurred_at, event))


def _offer_lapsed(state: State, event: e.OfferLapsed, _at: int) -> State:
    return _given_back(state, event)


def _proof_taken(state: State, event: e.ProofTaken, _at: int) -> State:
    order = state.order(event.stop.order_id)
    proof = replace(event.proof, taken_at=event.occurred_at)
    return with_order(state, replace(order, proofs=(*order.proofs, (event.stop, proof))))


def _retry_granted(state: State, event: e.RetryGranted, _at: int) -> State:
    order = replace(state.order(event.order_id), returning=False, note=event.reason)
    if order.courier_id is not None:
        courier = state.courier(order.courier_id)
        commitment = courier.commitment
        if commitment is not None and commitment.stop.order_id == event.order_id:
            commitment = None
        route = without_stops(courier.route, event.order_id, ALL_KINDS)
        state = with_courier(state, replace(courier, commitment=commitment, route=route))
    return with_order(state, noted(order, event.occurred_at, event))


def _conflict_noted(state: State, event: e.ConflictNoted, _at: int) -> State:
    order = state.order(event.order_id)
    order = replace(order, conflicts=(*order.conflicts, f"{event.rule}: {event.outcome}"))
    return with_order(state, noted(order, event.report.occurred_at, event))


def _order_revived(state: State, event: e.OrderRevived, _at: int) -> State:
    order, courier = state.order(event.order_id), state.courier(event.courier_id)
    commitment = courier.commitment
    if commitment is not None and commitment.stop.order_id == event.order_id:
        courier = replace(courier, commitment=None)
    if not order.on_board:
        # Cancelling put the goods back on the shelf, or never took them off; they are in a bag.
        state = restock(state, order.shelf_store_id, order.order, -1)
        courier = replace(courier, on_board=(*courier.on_board, event.order_id))
    order = replace(
        order,
        status=OrderStatus.CANCELLED if event.returning else OrderStatus.READY,
        delivery=_D.RETURNING if event.returning else _D.PICKED_UP,
        returning=event.returning,
        closed_at=None,
        on_board=True,
        courier_id=event.courier_id,
        picked_up_at=event.occurred_at if order.picked_up_at is None else order.picked_up_at,
        ready_at=order.ready_at if order.ready_at is not None else event.occurred_at,
    )
    return with_courier(with_order(state, noted(order, event.occurred_at, event)), courier)


def _work_taken_in(state: State, event: e.WorkTakenIn, _at: int) -> State:
    for settled in event.reports:
        report, order = settled.report, state.order(settled.order_id)
        key = (event.courier_id, report.stop_id, report.outcome.value, report.occurred_at)
        state = with_order(state, replace(order, heard=order.heard | {key}))
    return state


HANDLERS: Final[Mapping[type[Any], Fold]] = MappingProxyType(
    {
        e.StopCommitted: _stop_committed,
        e.StandbyGiven: _standby_given,
        e.StopArrived: _stop_arrived,
        e.ParcelPickedUp: _parcel_picked_up,
        e.OrderDelivered: _order_delivered,
        e.DeliveryFailed: _delivery_failed,
        e.ParcelReturned: _parcel_returned,
        e.StopDeclined: _stop_declined,
        e.StopReleased: _stop_released,
        e.OfferMade: _offer_made,
        e.OfferAccepted: _offer_accepted,
        e.OfferLapsed: _offer_lapsed,
        e.ProofTaken: _proof_taken,
        e.RetryGranted: _retry_granted,
        e.ConflictNoted: _conflict_noted,
        e.OrderRevived: _order_revived,
        e.WorkTakenIn: _work_taken_in,
    }
)
"""What each event does to the state."""
