"""State after facts about picking."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final

from dispatch import events as e
from dispatch.folds.pieces import (
    Fold,
    changed_by,
    counted,
    noted,
    reserve,
    restock,
    with_order,
    with_store,
)
from dispatch.model import Order, OrderLine, OrderStatus
from dispatch.records import Substitution, SubstitutionAnswer
from dispatch.state import OrderState, State


def _pick_started(state: State, event: e.PickStarted, _at: int) -> State:
    order = replace(
        state.order(event.order_id),
        status=OrderStatus.PICKING,
        pick_started_at=event.occurred_at,
    )
    return with_order(state, noted(order, event.occurred_at, event))


def _pick_completed(state: State, event: e.PickCompleted, _at: int) -> State:
    order = replace(
        state.order(event.order_id), status=OrderStatus.READY, ready_at=event.occurred_at
    )
    # Picked goods have left the shelf: off the stock and off the reservation alike.
    state = reserve(state, event.store_id, order.order, -1)
    state = restock(state, event.store_id, order.order, -1)
    return with_order(state, noted(order, event.occurred_at, event))


def _line_short(state: State, event: e.LineShort, _at: int) -> State:
    order, store = state.order(event.order_id), state.store(event.store_id)
    # What was not found is not there, whatever the figures said; nothing more of it is promised,
    # and what others were promised stays theirs.
    there = min(store.on_hand.get(event.sku, 0), store.reserved.get(event.sku, 0))
    state = _reserved(state, event.store_id, event.sku, -event.missing)
    state = counted(state, event.store_id, {event.sku: max(0, there - event.missing)})
    if not event.substituted:
        state, order = _less(state, order, event.store_id, event.sku, event.missing)
    order = replace(order, refund_cents=order.refund_cents + event.refund_cents)
    return with_order(state, noted(order, event.occurred_at, event))


def _less(
    state: State, order: OrderState, store_id: str, sku: str, quantity: int
) -> tuple[State, OrderState]:
    """Return state and order with fewer of an article ordered.

    An order without a line is none, and the rule cancels it in the same breath: what it had last
    stays on it, and counts as reserved until the cancellation releases it.
    """
    left, lines = quantity, []
    for line in order.order.lines:
        taken = min(left, line.quantity) if line.sku == sku else 0
        left -= taken
        if line.quantity > taken:
            lines.append(replace(line, quantity=line.quantity - taken))
    if not lines:
        return _reserved(state, store_id, sku, quantity), order
    return state, replace(order, order=replace(order.order, lines=tuple(lines)))


def _substitution_offered(state: State, event: e.SubstitutionOffered, _at: int) -> State:
    order, offered = state.order(event.order_id), event.substitution
    state = _reserved(state, event.store_id, offered.substitute_sku, offered.substitute_quantity)
    order = replace(
        order,
        status=OrderStatus.SUBSTITUTING,
        substitutions=(*order.substitutions, offered),
    )
    return with_order(state, noted(order, event.occurred_at, event))


def _reserved(state: State, store_id: str, sku: str, quantity: int) -> State:
    store = state.store(store_id)
    return with_store(state, replace(store, reserved=changed_by(store.reserved, {sku: quantity})))


def _substitution_answered(state: State, event: e.SubstitutionAnswered, _at: int) -> State:
    order, answered = state.order(event.order_id), event.substitution
    others = tuple(
        answered
        if known.sku == answered.sku and known.answer is SubstitutionAnswer.PENDING
        else known
        for known in order.substitutions
    )
    pending = any(known.answer is SubstitutionAnswer.PENDING for known in others)
    if answered.accepted:
        order = replace(order, order=_with_substitute(state, order.order, answered))
    else:
        state = _reserved(
            state, event.store_id, answered.substitute_sku, -answered.substitute_quantity
        )
    state, order = _less(state, order, event.store_id, answered.sku, answered.quantity)
    order = replace(
        order,
        substitutions=others,
        status=OrderStatus.SUBSTITUTING if pending else OrderStatus.PICKING,
        refund_cents=order.refund_cents + event.refund_cents,
    )
    return with_order(state, noted(order, event.occurred_at, event))


def _with_substitute(state: State, order: Order, answered: Substitution) -> Order:
    """Return the order with what comes instead on it, and what that asks of who hands it over."""
    line = OrderLine(answered.substitute_sku, answered.substitute_quantity)
    lines = (*order.lines, line)
    article = state.catalogue.get(line.sku)
    if article is None:
        return replace(order, lines=lines)
    return replace(
        order,
        lines=lines,
        age_limit=max(order.age_limit, article.age_limit),
        chilled=order.chilled or article.chilled,
    )


def _item_picked(state: State, event: e.ItemPicked, _at: int) -> State:
    order = state.order(event.order_id)
    return with_order(state, replace(order, items=(*order.items, event.scan)))


def _parcel_scanned(state: State, event: e.ParcelScanned, _at: int) -> State:
    order = state.order(event.order_id)
    return with_order(state, replace(order, scans=(*order.scans, event.scan)))


HANDLERS: Final[Mapping[type[Any], Fold]] = MappingProxyType(
    {
        e.PickStarted: _pick_started,
        e.PickCompleted: _pick_completed,
        e.LineShort: _line_short,
        e.SubstitutionOffered: _substitution_offered,
        e.SubstitutionAnswered: _substitution_answered,
        e.ItemPicked: _item_picked,
        e.ParcelScanned: _parcel_scanned,
    }
)
"""What each event does to the state."""
