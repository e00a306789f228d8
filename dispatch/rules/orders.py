"""What commands about quotes and orders do: events, or a refusal that changes nothing.  Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final

from dispatch import commands as c
from dispatch import events as e
from dispatch.errors import ExternalIdTakenError, RefusedError, WrongStateError
from dispatch.model import Order, OrderStatus, Quote, Reason, Refusal, StopKind
from dispatch.planning.sourcing import wanted
from dispatch.rules.context import Context, Rule, Timer, open_order
from dispatch.state import State


def _request_quote(_state: State, command: c.RequestQuote, context: Context) -> Sequence[e.Event]:
    now = context.now
    quote_id = context.new_id("quo")
    asked = Order(
        order_id=quote_id,
        created_at=now,
        door=command.door,
        address=command.address,
        lines=command.lines,
        weight_g=command.weight_g,
        service_s=command.service_s,
        pick_s=command.pick_s,
    )
    offer = context.offer(asked)
    if isinstance(offer, Refusal):
        raise RefusedError(offer.reason, offer.detail)
    quote = Quote(
        quote_id=quote_id,
        promise=offer.promise,
        store_id=offer.store_id,
        eta=offer.eta,
        fare_cents=offer.fare_cents,
        expires_at=now + context.policy.quote_valid_s,
    )
    return [e.QuoteGiven(quote)]


def _refuse_taken(state: State, external_id: str | None) -> None:
    known = state.external_ids.get(external_id) if external_id is not None else None
    if external_id is not None and known is not None:
        raise ExternalIdTakenError(external_id, known)


def _accept_order(state: State, command: c.AcceptOrder, context: Context) -> Sequence[e.Event]:
    _refuse_taken(state, command.external_id)
    store = state.store(command.store_id)
    order = Order(
        order_id=context.new_id("ord"),
        created_at=command.created_at,
        door=command.door,
        address=command.address,
        lines=command.lines,
        weight_g=command.weight_g,
        service_s=command.service_s,
        basket_cents=command.basket_cents,
        fare_cents=command.fare_cents,
        fulfilment=command.fulfilment,
        priority=command.priority,
        external_id=command.external_id,
        note=command.note,
        pick_s=command.pick_s,
    )
    for sku, quantity in sorted(wanted(order).items()):
        free = store.available(sku)
        if free < quantity:
            raise RefusedError(
                Reason.NO_STOCK, f"{store.store.name} has {free} of {sku}, not {quantity}"
            )
    return [e.OrderReceived(order, command.promise, command.store_id)]


def _place_order(state: State, command: c.PlaceOrder, context: Context) -> Sequence[e.Event]:
    _refuse_taken(state, command.external_id)
    now = context.now
    asked = Order(
        order_id=context.new_id("ord"),
        created_at=min(command.occurred_at, now),
        door=command.door,
        address=command.address,
        lines=command.lines,
        weight_g=command.weight_g,
        service_s=command.service_s,
        basket_cents=command.basket_cents,
        fulfilment=command.fulfilment,
        priority=command.priority,
        external_id=command.external_id,
        note=command.note,
        pick_s=command.pick_s,
    )
    quote = None
    if command.quote_id is not None:
        quote = state.quotes.get(command.quote_id)
        if quote is None or quote.expires_at <= now:
            return [
                e.OrderRefused(
                    asked.created_at,
                    Reason.QUOTE_EXPIRED,
                    f"quote {command.quote_id} is no longer valid; ask for a new one",
                    command.external_id,
                )
            ]
    offer = context.offer(asked)
    if isinstance(offer, Refusal):
        return [e.OrderRefused(asked.created_at, offer.reason, offer.detail, command.external_id)]
    promise, fare_cents = offer.promise, offer.fare_cents
    if quote is not None:
        fare_cents = quote.fare_cents
        if offer.eta <= quote.promise.latest:
            promise = quote.promise
    order = replace(asked, fare_cents=fare_cents)
    return [e.OrderReceived(order, promise, offer.store_id, command.quote_id)]


def _cancel_order(state: State, command: c.CancelOrder, _context: Context) -> Sequence[e.Event]:
    order = open_order(state, command.order_id, "cancelled")
    if order.status is OrderStatus.CANCELLED:
        raise WrongStateError(
            f"order {order.order_id}", order.status.value, "cancelled", (order.delivery.value,)
        )
    released = [
        e.StopReleased(courier_id, order.order_id, command.reason)
        for courier_id, courier in sorted(state.couriers.items())
        if courier.commitment is not None
        and courier.commitment.stop.order_id == order.order_id
        and courier.commitment.stop.kind is not StopKind.RETURN
    ]
    return [*released, e.OrderCancelled(order.order_id, command.reason, command.occurred_at)]


RULES: Final[Mapping[type[Any], Rule]] = MappingProxyType(
    {
        c.RequestQuote: _request_quote,
        c.PlaceOrder: _place_order,
        c.AcceptOrder: _accept_order,
        c.CancelOrder: _cancel_order,
    }
)
"""The rule of each command; all raise `DispatchError` when the command does not fit."""

TIMERS: Final[tuple[Timer, ...]] = ()
"""What happens by itself."""
