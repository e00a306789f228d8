"""State after facts about plans."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final

from dispatch import events as e
from dispatch.folds.pieces import Fold
from dispatch.model import Route, StopKind, Visit
from dispatch.planning.picking import pick_s
from dispatch.state import UNPICKED, Foreseen, OrderState, State


def _plan_published(state: State, event: e.PlanPublished, _at: int) -> State:
    couriers = dict(state.couriers)
    for route in event.routes:
        courier = couriers[route.courier_id]
        couriers[route.courier_id] = replace(
            courier,
            route=route if route.visits else None,
            route_version=max(route.version, courier.route_version),
        )
    etas = {
        visit.stop.order_id: visit.arrive_at
        for courier in couriers.values()
        if courier.route is not None
        for visit in courier.route.visits
        if visit.stop.kind is StopKind.DROPOFF
    }
    orders = dict(state.orders)
    for key, order in state.orders.items():
        # An outside company says itself when it comes.
        eta = order.eta if order.is_carried_outside else etas.get(key)
        ready_at = event.ready_at.get(key, order.ready_forecast)
        start_by = _start_by(state, order, event.ready_at.get(key))
        pick_at = event.pick_at.get(key)
        known = order.eta, order.ready_forecast, order.start_by, order.pick_at
        if known != (eta, ready_at, start_by, pick_at):
            orders[key] = replace(
                order, eta=eta, ready_forecast=ready_at, start_by=start_by, pick_at=pick_at
            )
    for route in event.routes:
        for visit in route.visits:
            found = orders.get(visit.stop.order_id)
            if visit.stop.kind is StopKind.DROPOFF and found is not None and not found.foreseen:
                orders[found.order_id] = replace(found, foreseen=_foreseen(found, route, visit))
    return replace(state, couriers=couriers, orders=orders, plan=event)


def _start_by(state: State, order: OrderState, ready_at: int | None) -> int | None:
    """Return when picking should begin; later plans put it off and change nothing about it."""
    if order.start_by is not None or ready_at is None or order.status not in UNPICKED:
        return order.start_by
    return ready_at - pick_s(state.store(order.store_id).store, order.order)


def _foreseen(order: OrderState, route: Route, end: Visit) -> Foreseen:
    """Return what a plan expects of an order that it routes."""
    pickups = (
        visit.depart_at
        for visit in route.visits
        if visit.stop.order_id == order.order_id and visit.stop.kind is StopKind.PICKUP
    )
    return Foreseen(order.start_by, order.ready_forecast, next(pickups, None), end.depart_at)


HANDLERS: Final[Mapping[type[Any], Fold]] = MappingProxyType(
    {
        e.PlanPublished: _plan_published,
    }
)
"""What each event does to the state."""
