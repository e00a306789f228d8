"""State after facts about a store's counter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final

from dispatch import events as e
from dispatch.folds.pieces import Fold, changed_by, noted, restock, with_order, with_store
from dispatch.model import OrderStatus
from dispatch.state import State


def _customer_arrived(state: State, event: e.CustomerArrived, _at: int) -> State:
    order = state.order(event.order_id)
    # Whoever moves to another bay has waited since the first.
    since = order.here_at if order.here_at is not None else event.occurred_at
    order = replace(order, bay=event.bay, here_at=since)
    return with_order(state, noted(order, event.occurred_at, event))


def _order_collected(state: State, event: e.OrderCollected, _at: int) -> State:
    order = replace(
        state.order(event.order_id), status=OrderStatus.COLLECTED, closed_at=event.occurred_at
    )
    return with_order(state, noted(order, event.occurred_at, event))


def _order_not_collected(state: State, event: e.OrderNotCollected, _at: int) -> State:
    order = state.order(event.order_id)
    state = restock(state, event.store_id, order.order, +1)
    order = replace(
        order,
        status=OrderStatus.CANCELLED,
        note=event.reason,
        refund_cents=order.order.paid_cents,
        closed_at=event.occurred_at,
    )
    return with_order(state, noted(order, event.occurred_at, event))


def _return_settled(state: State, event: e.ReturnSettled, _at: int) -> State:
    store = state.store(event.store_id)
    state = with_store(state, replace(store, on_hand=changed_by(store.on_hand, event.restocked)))
    order = state.order(event.order_id)
    back = changed_by(changed_by(order.returned, event.restocked), event.written_off)
    order = replace(order, returned=back, refund_cents=order.refund_cents + event.refund_cents)
    state = with_order(state, noted(order, event.occurred_at, event))
    if event.return_id is None:
        return state
    errand = replace(
        state.order(event.return_id),
        returned=changed_by(event.restocked, event.written_off),
        settled_at=event.occurred_at,
    )
    return with_order(state, noted(errand, event.occurred_at, event))


HANDLERS: Final[Mapping[type[Any], Fold]] = MappingProxyType(
    {
        e.CustomerArrived: _customer_arrived,
        e.OrderCollected: _order_collected,
        e.OrderNotCollected: _order_not_collected,
        e.ReturnSettled: _return_settled,
    }
)
"""What each event does to the state."""
