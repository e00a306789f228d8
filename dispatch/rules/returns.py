"""Goods that come back after the hand-over: at a store's desk, or fetched by a courier.  Pure.

A courier fetches them on an errand: an order of its own, picked up at a point at the customer's
door and dropped off at the store the goods came from.  Nothing of it is stock again until
somebody at the store has looked at it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from dispatch import commands as c
from dispatch import events as e
from dispatch.errors import (
    ConflictError,
    InvalidValueError,
    RefusedError,
    UnknownIdError,
    WrongStateError,
)
from dispatch.folds.pieces import amounts, changed_by
from dispatch.goods import Goods
from dispatch.model import DeliveryStatus, Order, OrderStatus, Promise, Reason, Store
from dispatch.rules.context import Context, Rule, Timer
from dispatch.state import OrderState, State, StoreState

FETCHED_WITHIN_S: Final = 7200
"""An errand is done within two hours, or by when its store closes."""

_HAND_OVER_S: Final = 120
"""A courier's time at the customer's door, and at the desk."""

_AT_THE_DESK: Final = frozenset({DeliveryStatus.DELIVERED, DeliveryStatus.RETURNED})


def errands(state: State, order_id: str) -> Iterator[OrderState]:
    """Yield the errands that fetch goods of an order and were not settled yet."""
    for known in (*state.orders.values(), *state.closed.values()):
        if known.order.return_of == order_id and _is_awaited(known):
            yield known


def _is_awaited(errand: OrderState) -> bool:
    return errand.settled_at is None and (not errand.is_closed or is_at_the_desk(errand))


def is_at_the_desk(errand: OrderState) -> bool:
    """Tell whether a courier has brought goods back that nobody looked at yet."""
    return (
        errand.order.return_of is not None
        and errand.is_closed
        and errand.settled_at is None
        and errand.delivery in _AT_THE_DESK
    )


def returnable(state: State, order: OrderState, but: str | None = None) -> Mapping[str, int]:
    """Return how many of each SKU may still come back: bought, less what did or is on its way.

    `but` names an errand whose goods are not counted as on their way.
    """
    left = changed_by(
        amounts(order.order.lines), {sku: -quantity for sku, quantity in order.returned.items()}
    )
    for errand in errands(state, order.order_id):
        if errand.order_id != but:
            left = changed_by(left, amounts(errand.order.lines, -1))
    return left


# --- at a desk ---------------------------------------------------------------------------------


def _return_at_desk(state: State, command: c.ReturnAtDesk, _context: Context) -> Sequence[e.Event]:
    order = _handed_over(state, command.order_id)
    _shop(state, command.store_id)
    back = _looked_at(state, command)
    if not back:
        raise InvalidValueError("restocked", "and written_off are empty; say what came back")
    _check_left(order, back, returnable(state, order))
    _check_refund(order, command.refund_cents)
    at = max(command.occurred_at, order.closed_at or 0)
    return [_settled(order.order_id, command.store_id, command, None, at)]


def _settle_return(state: State, command: c.SettleReturn, _context: Context) -> Sequence[e.Event]:
    errand = state.order(command.return_id)
    if errand.order.return_of is None:
        raise UnknownIdError(f"order {command.return_id} is no return")
    if errand.settled_at is not None:
        raise WrongStateError(f"return {command.return_id}", "settled", "settled", ())
    if not is_at_the_desk(errand):
        allowed = () if errand.is_closed else (DeliveryStatus.DELIVERED.value,)
        raise WrongStateError(
            f"return {command.return_id}", errand.delivery.value, "settled", allowed
        )
    order = state.order(errand.order.return_of)
    _check_left(order, _looked_at(state, command), returnable(state, order, command.return_id))
    _check_refund(order, command.refund_cents)
    at = max(command.occurred_at, errand.closed_at or 0)
    return [_settled(order.order_id, errand.store_id, command, command.return_id, at)]


def _settled(
    order_id: str,
    store_id: str,
    command: c.ReturnAtDesk | c.SettleReturn,
    return_id: str | None,
    at: int,
) -> e.ReturnSettled:
    return e.ReturnSettled(
        order_id=order_id,
        store_id=store_id,
        restocked=dict(command.restocked),
        written_off=dict(command.written_off),
        refund_cents=command.refund_cents,
        reason=command.reason,
        return_id=return_id,
        occurred_at=at,
    )


def _handed_over(state: State, order_id: str) -> OrderState:
    """Return an order whose customer has the goods; raises when there is none."""
    order = state.order(order_id)
    if order.order.return_of is not None:
        raise ConflictError(
            f"order {order_id} is a return itself; name {order.order.return_of}, which it is of"
        )
    if order.status is not OrderStatus.COLLECTED or not order.is_closed:
        nobody_moves = order.delivery is DeliveryStatus.CREATED
        state_now = order.status.value if nobody_moves else order.delivery.value
        allowed = () if order.is_closed else ("collected" if nobody_moves else "delivered",)
        raise WrongStateError(f"order {order_id}", state_now, "returned", allowed)
    return order


def _shop(state: State, store_id: str) -> StoreState:
    store = state.store(store_id)
    if store.store.is_point:
        raise UnknownIdError(f"there is no store {store_id}")
    return store


def _looked_at(state: State, command: c.ReturnAtDesk | c.SettleReturn) -> Mapping[str, int]:
    """Return what came back of each SKU; raises for what must not be sold again."""
    for field, goods in (("restocked", command.restocked), ("written_off", command.written_off)):
        for sku, quantity in goods.items():
            if quantity < 1:
                raise InvalidValueError(f"{field}.{sku}", f"is {quantity}; say 1 or more")
    for sku in command.restocked:
        article = state.catalogue.get(sku)
        if article is not None and article.chilled:
            raise InvalidValueError(
                f"restocked.{sku}",
                "is a chilled article; nobody knows where it has been, so write it off",
            )
    return changed_by(command.restocked, command.written_off)


def _check_left(order: OrderState, back: Mapping[str, int], left: Mapping[str, int]) -> None:
    for sku, quantity in back.items():
        most = max(0, left.get(sku, 0))
        if quantity > most:
            raise InvalidValueError(
                f"returned.{sku}",
                f"is {quantity}; of order {order.order_id} {most} of it can still come back",
            )


def _check_refund(order: OrderState, refund_cents: int) -> None:
    if refund_cents < 0:
        raise InvalidValueError("refund_cents", f"is {refund_cents}; 0 is the least")
    bought = order.order
    paid = bought.paid_cents or bought.basket_cents + bought.fare_cents + bought.tip_cents
    left = paid - order.refund_cents
    # A basket of nothing is one the shop did not state.
    if (bought.paid_cents or bought.basket_cents) and refund_cents > left:
        raise InvalidValueError(
            "refund_cents",
            f"is {refund_cents}; of the {paid} paid for order {order.order_id} "
            f"{max(0, left)} are left",
        )


# --- by courier --------------------------------------------------------------------------------


def _request_return(state: State, command: c.RequestReturn, context: Context) -> Sequence[e.Event]:
    order = _handed_over(state, command.order_id)
    bought = order.order
    if order.delivery is not DeliveryStatus.DELIVERED:
        raise ConflictError(
            f"order {order.order_id} was collected, so there is no door to fetch it at; "
            "its customer brings it to a desk"
        )
    wanted = amounts(command.lines)
    left = returnable(state, order)
    for index, line in enumerate(command.lines):
        if wanted[line.sku] > left.get(line.sku, 0):
            raise InvalidValueError(
                f"lines.{index}.quantity",
                f"is {line.quantity}; of order {order.order_id} "
                f"{max(0, left.get(line.sku, 0))} of {line.sku} can still come back",
            )
    home = _shop(state, order.store_id)
    goods = Goods(command.lines, (), state.catalogue)
    weight_g = command.weight_g or sum(each or 0 for each in goods.line_weights())
    point = Store(
        store_id=context.new_id("pnt"),
        name=bought.address,
        location=bought.door,
        pickers=0,
        pickup_service_s=_HAND_OVER_S,
        is_point=True,
    )
    errand = Order(
        order_id=context.new_id("ord"),
        created_at=min(command.occurred_at, context.now),
        door=home.store.location,
        address=home.store.name,
        lines=command.lines,
        weight_g=weight_g,
        volume_ml=goods.volume_ml(None),
        service_s=_HAND_OVER_S,
        note=command.reason,
        phone=bought.phone,
        return_of=order.order_id,
    )
    promise = Promise(context.now, _closing(home, context), context.now)
    return [e.StoreRegistered(point), e.OrderReceived(errand, promise, point.store_id)]


def _closing(home: StoreState, context: Context) -> int:
    """Return by when goods must be at the desk; raises `RefusedError` if nobody is there now."""
    now = context.now
    in_play = {store.store_id: store for store in context.snapshot(None).stores}
    windows = in_play[home.store.store_id].open_windows
    for start, end in windows:
        if start <= now < end:
            return min(end, now + FETCHED_WITHIN_S)
    raise RefusedError(
        Reason.STORE_CLOSED,
        f"{home.store.name} is closed, so nobody could take the goods in; "
        "ask again when it is open",
    )


RULES: Final[Mapping[type[Any], Rule]] = MappingProxyType(
    {
        c.ReturnAtDesk: _return_at_desk,
        c.SettleReturn: _settle_return,
        c.RequestReturn: _request_return,
    }
)
"""The rule of each command; all raise `DispatchError` when the command does not fit."""

TIMERS: Final[tuple[Timer, ...]] = ()
"""What happens by itself."""
