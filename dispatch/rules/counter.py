"""What commands about a store's counter do: events, or a refusal that changes nothing.  Pure.

Whether the customer said the right code is looked at outside: it is in no command and no event.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from dispatch import commands as c
from dispatch import events as e
from dispatch.errors import ConflictError, InvalidValueError, WrongStateError
from dispatch.model import Fulfilment, OrderStatus, Policy
from dispatch.rules.context import Context, Rule, Timer, open_order
from dispatch.state import OrderState, State

NOBODY_CAME: Final = "nobody came in time"
"""Why goods went back on the shelf by themselves."""


def to_collect(state: State, order_id: str, wanted: str) -> OrderState:
    """Return an open order that its customer comes for.

    Raises
    ------
    UnknownIdError, WrongStateError
        There is none; it is closed and cannot become `wanted`.
    ConflictError
        It is delivered.
    """
    order = open_order(state, order_id, wanted)
    if order.order.fulfilment is Fulfilment.DELIVERY:
        raise ConflictError(f"order {order_id} is brought to its door; nobody comes for it")
    return order


def ready_to_collect(state: State, order_id: str, wanted: str) -> OrderState:
    """Return an order that waits at the counter; raises as `to_collect` and if it is not ready."""
    order = to_collect(state, order_id, wanted)
    if order.status is not OrderStatus.READY:
        raise WrongStateError(f"order {order_id}", order.status.value, wanted, ("ready",))
    return order


def _arrive_to_collect(
    state: State, command: c.ArriveToCollect, _context: Context
) -> Sequence[e.Event]:
    order = to_collect(state, command.order_id, "here")
    if order.order.fulfilment is Fulfilment.CURBSIDE and not command.bay:
        raise InvalidValueError("bay", "is empty; say where the car stands")
    if order.here_at is not None and order.bay == command.bay:
        return []
    return [e.CustomerArrived(order.order_id, command.bay, command.occurred_at)]


def _collect_order(state: State, command: c.CollectOrder, _context: Context) -> Sequence[e.Event]:
    order = ready_to_collect(state, command.order_id, "collected")
    limit = order.order.age_limit
    if limit and not command.age_checked:
        raise InvalidValueError(
            "age_checked", f"is not said; order {order.order_id} is for people of {limit} and over"
        )
    at = max(command.occurred_at, order.ready_at or 0)
    checked = command.age_checked
    return [e.OrderCollected(order.order_id, order.store_id, at, checked)]


def _give_up_collection(
    state: State, command: c.GiveUpCollection, _context: Context
) -> Sequence[e.Event]:
    order = ready_to_collect(state, command.order_id, "not collected")
    at = max(command.occurred_at, order.ready_at or 0)
    return [e.OrderNotCollected(order.order_id, order.store_id, command.reason, at)]


def held_until(order: OrderState, policy: Policy) -> int | None:
    """Return until when goods wait for the customer; None while they are not ready.

    The time begins with the end of the promise, or when the goods were ready if that is later.
    """
    if order.order.fulfilment is Fulfilment.DELIVERY or order.status is not OrderStatus.READY:
        return None
    ready_at = order.ready_at if order.ready_at is not None else 0
    return max(order.promise.latest, ready_at) + policy.collection_hold_s


def _awaited(state: State, policy: Policy) -> Iterator[tuple[int, OrderState]]:
    """Yield the orders that wait for a customer who is not here, with until when they do.

    Nobody gives goods up whose customer stands outside: that is for a person to decide.
    """
    for order in state.orders.values():
        if order.order.fulfilment is not Fulfilment.DELIVERY and order.here_at is None:
            until = held_until(order, policy)
            if until is not None:
                yield until, order


def _next_no_show(state: State, policy: Policy) -> int | None:
    return min((until for until, _ in _awaited(state, policy)), default=None)


def _no_shows(state: State, context: Context) -> Sequence[e.Event]:
    over = [order for until, order in _awaited(state, context.policy) if until <= context.now]
    return [
        e.OrderNotCollected(order.order_id, order.store_id, NOBODY_CAME, context.now)
        for order in sorted(over, key=lambda order: order.order_id)
    ]


RULES: Final[Mapping[type[Any], Rule]] = MappingProxyType(
    {
        c.ArriveToCollect: _arrive_to_collect,
        c.CollectOrder: _collect_order,
        c.GiveUpCollection: _give_up_collection,
    }
)
"""The rule of each command; all raise `DispatchError` when the command does not fit."""

TIMERS: Final[tuple[Timer, ...]] = (Timer(_next_no_show, _no_shows),)
"""What happens by itself."""
