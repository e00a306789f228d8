"""State after facts about the dispatcher's desk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final

from dispatch import events as e
from dispatch.folds.pieces import (
    ALL_KINDS,
    Fold,
    noted,
    off_all_routes,
    with_courier,
    with_order,
    without_stops,
)
from dispatch.model import DeliveryStatus
from dispatch.state import OrderState, State, moved


def _action_taken(state: State, event: e.ActionTaken, _at: int) -> State:
    return replace(state, actions={**state.actions, event.action.action_id: event.action})


def _action_undone(state: State, event: e.ActionUndone, _at: int) -> State:
    action = replace(state.actions[event.action_id], undone_by=event.owner)
    return replace(state, actions={**state.actions, event.action_id: action})


def _order_held(state: State, event: e.OrderHeld, _at: int) -> State:
    order = _free(state.order(event.order_id))
    order = replace(order, hold=event.hold, eta=None)
    state = with_order(state, noted(order, event.occurred_at, event))
    return off_all_routes(state, event.order_id)


def _free(order: OrderState) -> OrderState:
    """Return an order that nobody is on the way to any more."""
    if order.courier_id is None or order.on_board:
        return order
    return replace(moved(order, DeliveryStatus.CONFIRMED), courier_id=None, eta=None)


def _hold_released(state: State, event: e.HoldReleased, _at: int) -> State:
    # When its picking should begin is for the next plan to say.
    order = replace(state.order(event.order_id), hold=None, start_by=None)
    return with_order(state, noted(order, event.occurred_at, event))


def _order_locked(state: State, event: e.OrderLocked, _at: int) -> State:
    order, who = state.order(event.order_id), event.lock.courier_id
    if order.courier_id != who:
        order = _free(order)
    order = replace(order, lock=event.lock)
    state = with_order(state, noted(order, event.occurred_at, event))
    # Off the routes of all others at once: none of them may be told to leave for it meanwhile.
    for courier_id, courier in state.couriers.items():
        if courier_id != who and event.order_id not in courier.on_board:
            route = without_stops(courier.route, event.order_id, ALL_KINDS)
            if route is not courier.route:
                state = with_courier(state, replace(courier, route=route))
    return state


def _order_unlocked(state: State, event: e.OrderUnlocked, at: int) -> State:
    order = replace(state.order(event.order_id), lock=None)
    return with_order(state, noted(order, at, event))


def _route_locked(state: State, event: e.RouteLocked, _at: int) -> State:
    courier = state.courier(event.courier_id)
    return with_courier(state, replace(courier, route_lock=event.lock))


def _route_unlocked(state: State, event: e.RouteUnlocked, _at: int) -> State:
    return with_courier(state, replace(state.courier(event.courier_id), route_lock=None))


def _control_set(state: State, event: e.ControlSet, _at: int) -> State:
    return replace(state, controls={**state.controls, event.control.control_id: event.control})


def _control_ended(state: State, event: e.ControlEnded, _at: int) -> State:
    left = {key: value for key, value in state.controls.items() if key != event.control_id}
    return replace(state, controls=left)


HANDLERS: Final[Mapping[type[Any], Fold]] = MappingProxyType(
    {
        e.ActionTaken: _action_taken,
        e.ActionUndone: _action_undone,
        e.OrderHeld: _order_held,
        e.HoldReleased: _hold_released,
        e.OrderLocked: _order_locked,
        e.OrderUnlocked: _order_unlocked,
        e.RouteLocked: _route_locked,
        e.RouteUnlocked: _route_unlocked,
        e.ControlSet: _control_set,
        e.ControlEnded: _control_ended,
    }
)
"""What each event does to the state."""
