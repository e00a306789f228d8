"""Where orders come from: pins, exclusions, and moves away from stores that stall or lack goods.

An order **stalls** when its picking has not begun `policy.stall_after_s` after the first plan since
it came to the store expected it to begin, though a picker there is free for it.  A picker is free
unless as many picks run as there are pickers; a pick that takes that much longer than expected does
not count any more.  A queue that is merely long is the plan's business, not a stall.

An order **lacks goods** when a count or a picker found fewer than were promised: then the youngest
orders whose picking has not begun go elsewhere, until what is there is enough for the others.

An order that should move and cannot is noted (`OrderNotMoved`) and tried again `RETRY_S` later.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from dispatch import commands as c
from dispatch import events as e
from dispatch.errors import RefusedError, WrongStateError
from dispatch.model import OrderStatus, Policy
from dispatch.moving import (
    ENGINE,
    LACKING,
    STALLED,
    Weighing,
    goods,
    missing_goods,
    moved_or_not,
    why_it_stays,
)
from dispatch.planning.picking import pick_s
from dispatch.planning.sourcing import minutes
from dispatch.rules.context import Context, Rule, Timer, open_order
from dispatch.rules.desk import audited
from dispatch.rules.shops import shop
from dispatch.state import UNPICKED, OrderState, State, StoreState

RETRY_S: Final = 600
"""Seconds after which an order that should move, and could not, is tried again."""

_RUNNING: Final = frozenset({OrderStatus.PICKING, OrderStatus.SUBSTITUTING})

# --- commands ----------------------------------------------------------------------------------


def _pin_store(state: State, command: c.PinStore, context: Context) -> Sequence[e.Event]:
    order = open_order(state, command.order_id, "pinned")
    if command.store_id == order.pinned_store_id:
        return []
    pinned: list[e.Event] = [
        audited(context, command, order.order_id, {"pinned_store_id": order.pinned_store_id}),
        e.StorePinned(order.order_id, command.store_id, command.owner, command.reason),
    ]
    if command.store_id is None:
        return pinned
    shop(state, command.store_id)
    if order.status not in UNPICKED:
        raise _cannot_move(order, "pinned to a store")
    if command.store_id == order.store_id:
        return pinned
    if why_it_stays(order, by_hand=True) is not None:
        raise _cannot_move(order, "moved to another store")
    return [*pinned, Weighing(state, context.snapshot).move_to(order, command.store_id, "pinned")]


def _exclude_store(state: State, command: c.ExcludeStore, context: Context) -> Sequence[e.Event]:
    order = open_order(state, command.order_id, "kept from a store")
    shop(state, command.store_id)
    if command.store_id in order.excluded_stores:
        return []
    if order.status not in UNPICKED:
        raise _cannot_move(order, "kept from a store")
    owner, reason = command.owner, command.reason
    action = audited(context, command, order.order_id)
    if command.store_id != order.store_id:
        return [action, e.StoreExcluded(order.order_id, command.store_id, owner, reason)]
    if why_it_stays(order, by_hand=True) is not None:
        raise _cannot_move(order, "moved to another store")
    moved = Weighing(state, context.snapshot).move(order, "excluded", reason, owner)
    if order.pinned_store_id is None:
        return [action, *moved]
    return [action, e.StorePinned(order.order_id, None, owner, reason), *moved]


def _cannot_move(order: OrderState, wanted: str) -> WrongStateError:
    """Return the error of an order that is too far on, with what can still become of it."""
    if order.status not in UNPICKED:
        nexts = ("ready", "cancelled") if order.status in _RUNNING else ("cancelled",)
        return WrongStateError(f"order {order.order_id}", order.status.value, wanted, nexts)
    stays = why_it_stays(order, by_hand=True)
    subject = f"order {order.order_id} ({stays})"
    return WrongStateError(subject, order.delivery.value, wanted, ("picking", "cancelled"))


# --- stores that stall -------------------------------------------------------------------------


def _stalls(state: State, policy: Policy) -> Iterator[tuple[int, OrderState]]:
    """Yield each order that may stall, and when it does (or did); not those that lack goods."""
    if policy.stall_after_s <= 0:
        return
    waiting: dict[str, list[tuple[int, OrderState]]] = {}
    running: dict[str, list[int]] = {}
    for order in state.orders.values():
        if order.status in UNPICKED:
            if order.start_by is not None and order.hold is None and _is_free_to_go(order):
                due_at = order.start_by + policy.stall_after_s
                waiting.setdefault(order.store_id, []).append((due_at, order))
        elif order.status in _RUNNING and order.pick_started_at is not None:
            usual_s = pick_s(state.store(order.store_id).store, order.order)
            ends_at = order.pick_started_at + usual_s + policy.stall_after_s
            running.setdefault(order.store_id, []).append(ends_at)
    for store_id, orders in waiting.items():
        ends = sorted(running.get(store_id, ()))
        pickers = max(1, state.store(store_id).store.pickers)
        free_at = ends[-pickers] if len(ends) >= pickers else 0
        for due_at, order in orders:
            yield _not_before(order, STALLED, max(due_at, free_at)), order


def _is_free_to_go(order: OrderState) -> bool:
    return why_it_stays(order, by_hand=True) is None


def _not_before(order: OrderState, why: str, due_at: int) -> int:
    """Return when a move is due, not too soon after the last try for the same reason."""
    if order.stuck_at is None or order.stuck_for != why:
        return due_at
    return max(due_at, order.stuck_at + RETRY_S)


def _stall_at(state: State, policy: Policy) -> int | None:
    short = _short(state)
    due = (due_at for due_at, order in _stalls(state, policy) if order.order_id not in short)
    return min(due, default=None)


def _moved_from_stalls(state: State, context: Context) -> Sequence[e.Event]:
    now, short = context.now, _short(state)
    due = [
        order
        for due_at, order in _stalls(state, context.policy)
        if due_at <= now and order.order_id not in short
    ]
    weighing = Weighing(state, context.snapshot)
    events: list[e.Event] = []
    for order in sorted(due, key=lambda order: (order.promise.latest, order.order_id)):
        name = state.store(order.store_id).store.name
        late_s = now - (order.start_by if order.start_by is not None else now)
        reason = f"{name} has not begun to pick it {minutes(late_s)} after it should have"
        events += moved_or_not(weighing, [order], STALLED, reason, ENGINE, now)
    return events


# --- stores that lack goods --------------------------------------------------------------------


def _short(state: State) -> dict[str, dict[str, int]]:
    """Return what orders lack whose picking has not begun, by order and SKU."""
    return {
        order_id: lacks
        for store in state.stores.values()
        if store.lacking
        for order_id, lacks in missing_goods(state, store).items()
        if state.orders[order_id].status in UNPICKED
    }


def _lack_at(state: State, _policy: Policy) -> int | None:
    due = (_not_before(state.orders[order_id], LACKING, 0) for order_id in _short(state))
    return min(due, default=None)


def _moved_for_lack(state: State, context: Context) -> Sequence[e.Event]:
    """Return moves, youngest first, until the others have their goods; who stays short is noted."""
    weighing = Weighing(state, context.snapshot)
    events: list[e.Event] = []
    for store in state.stores.values():
        short = missing_goods(state, store) if store.lacking else {}
        if any(state.orders[order_id].status in UNPICKED for order_id in short):
            lacks = _added_up(short.values())
            left: list[tuple[OrderState, str]] = []
            for order in _youngest_first(state, store):
                if any(lacks.get(line.sku, 0) > 0 for line in order.order.lines):
                    events += _moved_or_left(weighing, store, order, lacks, left)
            events += _noted(left, lacks, context.now)
    return events


def _added_up(many: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for quantities in many:
        for sku, quantity in quantities.items():
            total[sku] = total.get(sku, 0) + quantity
    return total


def _youngest_first(state: State, store: StoreState) -> list[OrderState]:
    """Return the orders of a store whose picking has not begun."""
    here = (
        order
        for order in state.orders.values()
        if order.store_id == store.store.store_id and order.status in UNPICKED
    )
    return sorted(here, key=lambda o: (o.order.created_at, o.order_id), reverse=True)


def _moved_or_left(
    weighing: Weighing,
    store: StoreState,
    order: OrderState,
    lacks: dict[str, int],
    left: list[tuple[OrderState, str]],
) -> Sequence[e.Event]:
    """Return an order's move, taken off what is lacking; else it is added to what is left."""
    stays = why_it_stays(order)
    if stays is None:
        wants = {line.sku: lacks[line.sku] for line in order.order.lines if line.sku in lacks}
        reason = f"{store.store.name} lacks {goods({sku: n for sku, n in wants.items() if n > 0})}"
        try:
            moved = weighing.move(order, LACKING, reason)
        except RefusedError as error:
            stays = str(error)
        else:
            for line in order.order.lines:
                if line.sku in lacks:
                    lacks[line.sku] -= line.quantity
            return moved
    left.append((order, stays))
    return []


def _noted(
    left: Sequence[tuple[OrderState, str]],
    lacks: dict[str, int],
    now: int,
) -> Iterator[e.OrderNotMoved]:
    """Yield the orders that stay and go short of what is still lacking, youngest first."""
    for order, stays in left:
        goes_short = False
        for line in order.order.lines:
            if lacks.get(line.sku, 0) > 0:
                lacks[line.sku] -= line.quantity
                goes_short = True
        if goes_short:
            yield e.OrderNotMoved(order.order_id, order.store_id, LACKING, stays, now)


RULES: Final[Mapping[type[Any], Rule]] = MappingProxyType(
    {
        c.PinStore: _pin_store,
        c.ExcludeStore: _exclude_store,
    }
)
"""The rule of each command; all raise `DispatchError` when the command does not fit."""

TIMERS: Final[tuple[Timer, ...]] = (
    Timer(_lack_at, _moved_for_lack),
    Timer(_stall_at, _moved_from_stalls),
)
"""What happens by itself."""
