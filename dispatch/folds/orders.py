"""State after facts about quotes and orders."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final

from dispatch import events as e
from dispatch.folds.pieces import (
    Fold,
    changed_by,
    homeward,
    noted,
    off_all_routes,
    reserve,
    restock,
    with_order,
    with_store,
)
from dispatch.growing import Growing
from dispatch.model import DeliveryStatus, Fulfilment, OrderStatus
from dispatch.records import StoreRule, SubstitutionAnswer
from dispatch.state import OrderState, State, moved

_D = DeliveryStatus


_SWEPT_EVERY_S: Final = 60
"""Quotes that are over are forgotten once in so long: whoever reads one looks at its end."""


def _quote_given(state: State, event: e.QuoteGiven, at: int) -> State:
    quotes = Growing.of(state.quotes)
    if at // _SWEPT_EVERY_S > state.at // _SWEPT_EVERY_S:
        quotes = Growing({key: one for key, one in quotes.items() if one.expires_at > at})
    return replace(state, quotes=quotes.with_one(event.quote.quote_id, event.quote))


def _order_received(state: State, event: e.OrderReceived, _at: int) -> State:
    bought = event.order
    order = OrderState(bought, event.promise, event.store_id, cited=event.cited)
    if bought.fulfilment is not Fulfilment.DELIVERY:
        order = replace(order, delivery=_D.CREATED)
    if bought.return_of is not None:
        # The goods wait at the customer's door; where they belong, the order they came with says.
        home = state.order(bought.return_of).shelf_store_id
        ready_at = bought.created_at
        order = replace(order, status=OrderStatus.READY, ready_at=ready_at, origin_store_id=home)
    state = with_order(state, noted(order, bought.created_at, event))
    state = reserve(state, event.store_id, bought, +1)
    if bought.external_id is not None:
        ids = Growing.of(state.external_ids)
        state = replace(state, external_ids=ids.with_one(bought.external_id, bought.order_id))
    return state


def _order_refused(state: State, _event: e.OrderRefused, _at: int) -> State:
    return state


def _order_resourced(state: State, event: e.OrderResourced, at: int) -> State:
    order = state.order(event.order_id)
    state = reserve(state, event.from_store_id, order.order, -1)
    state = reserve(state, event.to_store_id, order.order, +1)
    order = replace(order, store_id=event.to_store_id, start_by=None, stuck_at=None, stuck_for="")
    return with_order(state, noted(order, at, event))


def _order_not_moved(state: State, event: e.OrderNotMoved, _at: int) -> State:
    order = replace(state.order(event.order_id), stuck_at=event.occurred_at, stuck_for=event.reason)
    return with_order(state, noted(order, event.occurred_at, event))


def _order_cancelled(state: State, event: e.OrderCancelled, _at: int) -> State:
    order = state.order(event.order_id)
    if order.waits_at_point and order.order.return_of is None:
        return _brought_home(state, order, event)
    if order.status is not OrderStatus.READY:
        state = reserve(state, order.store_id, order.order, -1)
        state = _release_offered(state, order)
    elif not order.on_board and order.order.return_of is None:
        state = restock(state, order.shelf_store_id, order.order, +1)
    order = replace(order, status=OrderStatus.CANCELLED, note=event.reason, eta=None)
    # Whatever was given back before, now it is all that was paid.
    order = replace(order, refund_cents=order.order.paid_cents)
    if order.on_board:
        order = homeward(replace(order, returning=True))
        if order.delivery is not _D.RETURNING:
            order = moved(order, _D.RETURNING)
    else:
        order = replace(moved(order, _D.CANCELLED), closed_at=event.occurred_at, courier_id=None)
    state = with_order(state, noted(order, event.occurred_at, event))
    return off_all_routes(state, event.order_id)


def _brought_home(state: State, order: OrderState, event: e.OrderCancelled) -> State:
    """Return the state with goods that wait in a stranded bag to be brought to their store."""
    home = state.store(order.shelf_store_id).store
    if order.delivery is not _D.CONFIRMED:
        order = moved(order, _D.CONFIRMED)
    order = replace(
        order,
        order=replace(order.order, door=home.location, address=home.name, pin_required=False),
        status=OrderStatus.CANCELLED,
        note=event.reason,
        eta=None,
        courier_id=None,
        lock=None,
        refund_cents=order.order.paid_cents,
    )
    state = with_order(state, noted(order, event.occurred_at, event))
    return off_all_routes(state, event.order_id)


def _release_offered(state: State, order: OrderState) -> State:
    """Return the state without what is reserved for substitutions nobody answered yet.

    What was not found is still on the order and reserved no more: it is not released twice.
    """
    store = state.store(order.store_id)
    reserved = store.reserved
    for offered in order.substitutions:
        if offered.answer is SubstitutionAnswer.PENDING:
            reserved = changed_by(reserved, {offered.sku: offered.quantity})
            reserved = changed_by(reserved, {offered.substitute_sku: -offered.substitute_quantity})
    return with_store(state, replace(store, reserved=reserved))


def _order_amended(state: State, event: e.OrderAmended, _at: int) -> State:
    order = state.order(event.order.order_id)
    state = reserve(state, order.store_id, order.order, -1)
    state = reserve(state, order.store_id, event.order, +1)
    return with_order(state, noted(replace(order, order=event.order), event.occurred_at, event))


def _promise_superseded(state: State, event: e.PromiseSuperseded, at: int) -> State:
    order = state.order(event.order_id)
    order = replace(order, promise=event.promise, promises=(*order.promises, order.promise))
    return with_order(state, noted(order, at, event))


def _store_pinned(state: State, event: e.StorePinned, at: int) -> State:
    order = state.order(event.order_id)
    # Whoever pins it to a store has thought better of having ruled that store out.
    kept = order.exclusions_but(event.store_id)
    pin = None
    if event.store_id is not None:
        pin = StoreRule(event.store_id, event.owner, event.reason)
    order = replace(order, pin=pin, exclusions=kept)
    return with_order(state, noted(order, at, event))


def _store_excluded(state: State, event: e.StoreExcluded, at: int) -> State:
    order = state.order(event.order_id)
    rule = StoreRule(event.store_id, event.owner, event.reason)
    order = replace(order, exclusions=(*order.exclusions_but(event.store_id), rule))
    return with_order(state, noted(order, at, event))


def _carriage_booked(state: State, event: e.CarriageBooked, _at: int) -> State:
    order = replace(
        moved(state.order(event.order_id), _D.ASSIGNED), carriage=event.carriage, courier_id=None
    )
    order = replace(order, eta=event.carriage.eta)
    state = with_order(state, noted(order, event.carriage.booked_at, event))
    return off_all_routes(state, event.order_id)


def _carriage_reported(state: State, event: e.CarriageReported, _at: int) -> State:
    order = state.order(event.order_id)
    if order.carriage is None:
        return state
    status = DeliveryStatus(event.status)
    order = replace(
        order,
        delivery=status,
        carriage=replace(
            order.carriage, status=event.status, eta=event.eta, reported_at=event.occurred_at
        ),
        eta=event.eta if event.eta is not None else order.eta,
        note=event.detail or order.note,
    )
    if status is _D.PICKED_UP:
        order = replace(order, on_board=True, picked_up_at=event.occurred_at)
    elif status is _D.FAILED:
        order = replace(order, returning=True, eta=None, tries=order.tries + 1)
    elif status is _D.RETURNING:
        order = replace(order, returning=True, eta=None)
    elif status in {_D.DELIVERED, _D.RETURNED}:
        order = replace(order, on_board=False, closed_at=event.occurred_at)
        if status is _D.DELIVERED:
            order = replace(order, status=OrderStatus.COLLECTED, eta=event.occurred_at)
        else:
            state = restock(state, order.shelf_store_id, order.order, +1)
    return with_order(state, noted(order, event.occurred_at, event))


def _carriage_ended(state: State, event: e.CarriageEnded, _at: int) -> State:
    order = state.order(event.order_id)
    if order.carriage is None:
        return state
    order = replace(
        moved(order, _D.CONFIRMED), carriage=replace(order.carriage, ended=True), eta=None
    )
    return with_order(state, noted(order, event.occurred_at, event))


HANDLERS: Final[Mapping[type[Any], Fold]] = MappingProxyType(
    {
        e.QuoteGiven: _quote_given,
        e.OrderReceived: _order_received,
        e.OrderRefused: _order_refused,
        e.OrderResourced: _order_resourced,
        e.OrderNotMoved: _order_not_moved,
        e.OrderCancelled: _order_cancelled,
        e.OrderAmended: _order_amended,
        e.PromiseSuperseded: _promise_superseded,
        e.StorePinned: _store_pinned,
        e.StoreExcluded: _store_excluded,
        e.CarriageBooked: _carriage_booked,
        e.CarriageReported: _carriage_reported,
        e.CarriageEnded: _carriage_ended,
    }
)
"""What each event does to the state."""
