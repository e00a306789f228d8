"""When goods will be ready: a forecast of each store's pick queue.

A store picks as many orders at a time as it has pickers, in the order in which they must be
ready; a started pick is never interrupted.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from typing import NamedTuple

from dispatch.errors import UnknownIdError
from dispatch.model import Order, OrderInPlay, OrderStatus, Snapshot, Store, StoreInPlay
from dispatch.planning.situation import Situation, opening, read


@dataclass(frozen=True, slots=True)
class Pick:
    """An order in a store's pick queue.

    Attributes
    ----------
    start_at, ready_at
        Facts where they have happened, else the forecast.
    needed_by
        When it must be ready at the latest to keep its promise, without slack.
    running
        A picker is at it.
    """

    order_id: str
    start_at: int
    ready_at: int
    needed_by: int
    running: bool


def pick_s(store: Store, order: Order) -> int:
    """Return the expected picking time of an order in a store."""
    if order.pick_s is not None:
        return order.pick_s
    return store.pick_base_s + store.pick_line_s * len(order.lines)


def forecast(
    store: StoreInPlay,
    queue: Iterable[OrderInPlay],
    now: int,
    needed_by: Callable[[OrderInPlay, StoreInPlay], int],
    awaited: Collection[str] = frozenset(),
) -> dict[str, Pick]:
    """Return when each order of a store's queue starts and is ready, in the order of work.

    Parameters
    ----------
    queue
        Orders whose goods are to be picked, are being picked or wait at the counter.
    awaited
        Orders that a courier already comes for: they are picked first, and picked even where
        no picker is registered or the hours say closed, since somebody told the courier to go.

    Returns
    -------
    dict
        By order; an order that cannot become ready (no picker, never open) is missing.
    """
    done: list[Pick] = []
    running: list[Pick] = []
    waiting: list[tuple[bool, int, int, str, OrderInPlay]] = []
    for order in queue:
        need = needed_by(order, store)
        known = begun(store.store, order, now)
        if known is None:
            first = order.order_id not in awaited
            waiting.append((first, need, order.order.created_at, order.order_id, order))
            continue
        pick = Pick(order.order_id, known.start_at, known.ready_at, need, known.running)
        (running if known.running else done).append(pick)
    done.sort(key=lambda pick: (pick.ready_at, pick.order_id))
    running.sort(key=lambda pick: (pick.ready_at, pick.order_id))
    waiting.sort(key=lambda entry: entry[:4])
    free = pickers_free(store.store, [pick.ready_at for pick in running], now)
    heapify(free)
    picks = done + running
    for not_awaited, need, _, order_id, order in waiting:
        start: int | None = max(now, heappop(free)) if free else None
        if start is not None:
            start = opening(start, store.open_windows)
        if start is None:
            if not_awaited:
                continue
            start = now
        ready_at = start + pick_s(store.store, order.order)
        if store.store.pickers:
            heappush(free, ready_at)
        picks.append(Pick(order_id, start, ready_at, need, running=False))
    return {pick.order_id: pick for pick in picks}


def has_begun(order: OrderInPlay) -> bool:
    """Return whether the goods of an order are picked or being picked."""
    return (
        order.ready_at is not None
        or order.pick_started_at is not None
        or order.status in {OrderStatus.PICKING, OrderStatus.READY}
    )


class Begun(NamedTuple):
    """Since when an order is picked, until when, and whether a picker is at it still."""

    start_at: int
    ready_at: int
    running: bool


def begun(store: Store, order: OrderInPlay, now: int) -> Begun | None:
    """Return how far an order is that is ready or being picked, None if it still waits."""
    if order.ready_at is not None:
        start = order.ready_at if order.pick_started_at is None else order.pick_started_at
        return Begun(start, order.ready_at, running=False)
    if order.status is OrderStatus.READY:
        return Begun(now, now, running=False)
    if order.pick_started_at is None and order.status is not OrderStatus.PICKING:
        return None
    start = now if order.pick_started_at is None else order.pick_started_at
    # An overdue pick lacks at least one more line.
    ready_at = max(start + pick_s(store, order.order), now + store.pick_line_s)
    return Begun(start, ready_at, running=True)


def pickers_free(store: Store, ends: list[int], now: int) -> list[int]:
    """Return when each picker is free of what is being picked now; `ends` ascend."""
    # With more picks running than pickers, the first to end free nobody.
    free = ends[max(0, len(ends) - store.pickers) :] if store.pickers else []
    return [now] * (store.pickers - len(free)) + free


def queues(situation: Situation) -> dict[str, dict[str, OrderInPlay]]:
    """Return the orders in each store's pick queue, by store and order; what is in a bag is out."""
    found: dict[str, dict[str, OrderInPlay]] = {key: {} for key in situation.stores}
    for order_id, order in situation.orders.items():
        if order.store_id in found and not situation.is_carried(order) and not order.returning:
            found[order.store_id][order_id] = order
    return found


def awaited(situation: Situation) -> frozenset[str]:
    """Return the orders that a courier is on the way to, or at the counter for."""
    return frozenset(stop.order_id for stops in situation.told.values() for stop in stops)


def work_order(snapshot: Snapshot, store_id: str) -> tuple[Pick, ...]:
    """Return what a store has to pick, in the order of work: what runs, then what waits.

    Raises
    ------
    UnknownIdError
        If the snapshot has no such store.
    """
    situation = read(snapshot)
    store = situation.stores.get(store_id)
    if store is None:
        raise UnknownIdError(f"store {store_id} is not in this zone")
    queue = queues(situation)[store_id]
    picks = forecast(store, queue.values(), situation.now, situation.needed_by, awaited(situation))
    return tuple(
        pick
        for pick in picks.values()
        if queue[pick.order_id].ready_at is None
        and queue[pick.order_id].status is not OrderStatus.READY
    )
