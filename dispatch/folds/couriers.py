"""State after facts about couriers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final

from dispatch import events as e
from dispatch.folds.pieces import Fold, freed, noted, with_courier, with_order, with_store
from dispatch.model import DeliveryStatus, Store
from dispatch.state import CourierState, State, StoreState, leave_at, moved


def _courier_registered(state: State, event: e.CourierRegistered, at: int) -> State:
    known = state.couriers.get(event.courier.courier_id)
    if known is None:
        return with_courier(state, CourierState(event.courier, event.courier.home, at))
    return with_courier(state, replace(known, courier=event.courier))


def _shift_started(state: State, event: e.ShiftStarted, at: int) -> State:
    courier = state.courier(event.courier_id)
    # Where somebody was told to wait yesterday is no news of where they are today.
    standby = courier.standby if courier.on_shift(at) else None
    return with_courier(
        state,
        replace(
            courier,
            shift_start=event.starts_at,
            shift_end=event.ends_at,
            pause=event.pause,
            standby=standby,
        ),
    )


def _shift_ended(state: State, event: e.ShiftEnded, _at: int) -> State:
    courier = state.courier(event.courier_id)
    courier = replace(courier, shift_end=event.occurred_at, pause=None, standby=None)
    return with_courier(state, courier)


def _operator_changed(state: State, event: e.OperatorChanged, _at: int) -> State:
    return with_courier(state, replace(state.courier(event.courier_id), operator=event.operator))


def _break_wanted(state: State, event: e.BreakWanted, _at: int) -> State:
    courier = replace(state.courier(event.courier_id), break_wanted_s=event.duration_s)
    return with_courier(state, _without_new_work(courier))


def _without_new_work(courier: CourierState) -> CourierState:
    """Return the courier with only what is under way or in the bag on the route."""
    route, commitment = courier.route, courier.commitment
    if route is None:
        return courier
    held = {*courier.on_board, commitment.stop.order_id if commitment is not None else ""}
    visits = tuple(visit for visit in route.visits if visit.stop.order_id in held)
    if visits == route.visits:
        return courier
    route = replace(route, visits=visits, leave_at=leave_at(visits, route.leave_at))
    # What they were told has changed: the version they have seen is not the last.
    return replace(courier, route=route, route_version=courier.route_version + 1)


def _break_started(state: State, event: e.BreakStarted, _at: int) -> State:
    known = state.courier(event.courier_id)
    # Whichever break it is, it is the one of this shift.
    courier = replace(
        known, pause=None, break_wanted_s=None, break_until=event.ends_at, standby=None
    )
    route = known.route
    if known.pause is not None and route is not None and route.leave_at >= event.ends_at:
        # Planned around: what comes after the break stands as it was told.
        return with_courier(state, courier)
    return with_courier(state, _without_new_work(courier))


def _break_ended(state: State, event: e.BreakEnded, _at: int) -> State:
    courier = state.courier(event.courier_id)
    asked = courier.break_wanted_s is not None or courier.break_until is not None
    # One that nobody had or asked for is the planned one, come too late to begin.
    pause = courier.pause if asked else None
    return with_courier(state, replace(courier, pause=pause, break_wanted_s=None, break_until=None))


def _route_acknowledged(state: State, event: e.RouteAcknowledged, _at: int) -> State:
    courier = state.courier(event.courier_id)
    return with_courier(state, replace(courier, acknowledged=event.version))


def _courier_stranded(state: State, event: e.CourierStranded, _at: int) -> State:
    if event.point is not None:
        state = with_store(state, StoreState(event.point))
        for order_id in event.order_ids:
            state = _left_at(state, order_id, event.point, event)
    courier = state.courier(event.courier_id)
    for order_id in event.order_ids:
        order = state.order(order_id)
        declined_by = order.declined_by | {event.courier_id}
        state = with_order(state, replace(order, declined_by=declined_by))
    left = tuple(key for key in courier.on_board if key not in event.order_ids)
    return with_courier(
        state,
        replace(
            courier,
            stranded=event.reason,
            commitment=None,
            route=None,
            route_version=courier.route_version + 1,
            route_lock=None,
            standby=None,
            on_board=left,
            counter=None,
        ),
    )


def _bag_handed_over(state: State, event: e.BagHandedOver, _at: int) -> State:
    state = with_store(state, StoreState(event.point))
    courier = state.courier(event.courier_id)
    for order_id in event.order_ids:
        state = _left_at(state, order_id, event.point, event)
        courier = freed(courier, order_id)
    courier = replace(courier, route_version=courier.route_version + 1)
    return with_courier(state, courier)


def _left_at(
    state: State, order_id: str, point: Store, event: e.CourierStranded | e.BagHandedOver
) -> State:
    """Return the state with an order out of the bag, at a point for somebody to fetch."""
    order = state.order(order_id)
    order = replace(
        moved(order, DeliveryStatus.CONFIRMED),
        courier_id=None,
        on_board=False,
        eta=None,
        origin_store_id=order.shelf_store_id,
        store_id=point.store_id,
    )
    return with_order(state, noted(order, event.occurred_at, event))


def _courier_recovered(state: State, event: e.CourierRecovered, _at: int) -> State:
    return with_courier(state, replace(state.courier(event.courier_id), stranded=None))


HANDLERS: Final[Mapping[type[Any], Fold]] = MappingProxyType(
    {
        e.CourierRegistered: _courier_registered,
        e.ShiftStarted: _shift_started,
        e.ShiftEnded: _shift_ended,
        e.OperatorChanged: _operator_changed,
        e.BreakWanted: _break_wanted,
        e.BreakStarted: _break_started,
        e.BreakEnded: _break_ended,
        e.RouteAcknowledged: _route_acknowledged,
        e.CourierStranded: _courier_stranded,
        e.BagHandedOver: _bag_handed_over,
        e.CourierRecovered: _courier_recovered,
    }
)
"""What each event does to the state."""
