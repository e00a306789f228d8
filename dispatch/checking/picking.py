"""Forecasts of ready times that the pickers can keep.

In which order a store picks is the planner's business.  What is looked at is that some order of
work exists: each pick takes its time, begins while the store is open, and no more picks are under
way at once than there are pickers.  For picks that are never interrupted, counting those under
way at each beginning is exact.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush

from dispatch.checking.facts import Facts, picking_s
from dispatch.checking.violation import Kind, Violation
from dispatch.model import OrderInPlay, OrderStatus, Plan, StoreInPlay


@dataclass(slots=True)
class _Work:
    """What a store has to pick: ends of what runs; (start, takes time, waits its turn, id, end)."""

    running: list[int] = field(default_factory=list)
    waiting: list[tuple[int, bool, bool, str, int]] = field(default_factory=list)


def forecasts(plan: Plan, facts: Facts) -> Iterator[Violation]:
    """Hold that goods known to be ready are so, and that others are ready when they can be."""
    work: dict[str, _Work] = {}
    for order_id, ready_at in plan.ready_at.items():
        order = facts.orders.get(order_id)
        if order is None:
            detail = "has a ready time, not in the snapshot"
            yield Violation(Kind.UNKNOWN_ORDER, order_id, detail)
            continue
        store = facts.stores.get(plan.sourcing.get(order_id, ""))
        soonest = _soonest(order, store, facts)
        if order.ready_at is not None:
            if ready_at != order.ready_at:
                detail = f"was ready at {order.ready_at} in truth"
                yield Violation(Kind.FORECAST, order_id, detail)
        elif ready_at < soonest:
            detail = f"is forecast {soonest - ready_at} s sooner than it can be ready"
            yield Violation(Kind.FORECAST, order_id, detail)
        elif store is not None and _must_be_picked(order, facts):
            of_store = work.setdefault(store.store_id, _Work())
            if _has_begun(order):
                # Begun nowhere, or at another store: no picker of this one is at it.
                if order.store_id == store.store_id:
                    of_store.running.append(ready_at)
            else:
                start = ready_at - picking_s(order, store)
                # Whoever is told to fetch it gets it, whatever the pickers and the hours say.
                waits = order_id not in facts.awaited or start > facts.snapshot.now
                of_store.waiting.append((start, ready_at > start, waits, order_id, ready_at))
    for store_id, of_store in work.items():
        yield from _queue(facts.stores[store_id], of_store)


def _soonest(order: OrderInPlay, store: StoreInPlay | None, facts: Facts) -> int:
    """Return when goods that are not ready can be so at the soonest."""
    now = facts.snapshot.now
    if store is None or not _must_be_picked(order, facts):
        return now
    start = now
    if _has_begun(order) and order.pick_started_at is not None:
        start = order.pick_started_at
    return max(now, start + picking_s(order, store))


def _must_be_picked(order: OrderInPlay, facts: Facts) -> bool:
    ready = order.ready_at is not None or order.status is OrderStatus.READY
    return not (ready or order.returning or facts.in_bag(order))


def _has_begun(order: OrderInPlay) -> bool:
    return order.pick_started_at is not None or order.status is OrderStatus.PICKING


def _queue(store: StoreInPlay, work: _Work) -> Iterator[Violation]:
    """Hold that a store's picks are done by its pickers, in its hours."""
    name, pickers = store.store.name, store.store.pickers
    under_way = list(work.running)
    heapify(under_way)
    for start, takes_time, waits, order_id, end in sorted(work.waiting):
        while under_way and under_way[0] <= start:
            heappop(under_way)
        if waits and len(under_way) >= pickers:
            detail = f"needs a picker of {name} at {start}; its {pickers} are busy"
            yield Violation(Kind.PICK_QUEUE, order_id, detail)
        elif waits and not any(first <= start < last for first, last in store.open_windows):
            detail = f"is to be picked at {start}, when {name} is closed"
            yield Violation(Kind.PICK_QUEUE, order_id, detail)
        if takes_time:
            heappush(under_way, end)
