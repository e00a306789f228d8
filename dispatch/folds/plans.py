"""State after facts about plans."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final

from dispatch import events as e
from dispatch.folds.pieces import Fold
from dispatch.model import StopKind
from dispatch.state import State


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
        eta, ready_at = etas.get(key), event.ready_at.get(key, order.ready_forecast)
        if (order.eta, order.ready_forecast) != (eta, ready_at):
            orders[key] = replace(order, eta=eta, ready_forecast=ready_at)
    return replace(state, couriers=couriers, orders=orders, plan=event)


HANDLERS: Final[Mapping[type[Any], Fold]] = MappingProxyType(
    {
        e.PlanPublished: _plan_published,
    }
)
"""What each event does to the state."""
