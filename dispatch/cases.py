"""What might be otherwise with an order that it would come sooner, or at all: one thing each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from dispatch.courier_cases import longer_shifts, with_breaks, with_couriers, with_one_more
from dispatch.explanation import StoreOption
from dispatch.model import OrderInPlay, OrderStatus, Snapshot, Stop, StopKind
from dispatch.otherwise import (
    MINUTE_S,
    UNPICKED,
    Case,
    Ties,
    name_of,
    with_courier,
    with_order,
)
from dispatch.planning.picking import pick_s
from dispatch.planning.problem import is_fixed
from dispatch.store_cases import with_stores


def cases(
    snapshot: Snapshot,
    order: OrderInPlay,
    stores: tuple[StoreOption, ...],
    ties: Ties,
    *,
    freeing: bool = False,
) -> Iterator[Case]:
    """Yield what might be otherwise, the smaller changes first."""
    key = order.order_id
    yield from _in_any_order(snapshot, ties)
    if order.on_board:
        yield from _next_in_bag(snapshot, order)
        return
    if ties.locked_to is not None and order.courier_id is None:
        yield Case(
            "unlocked",
            f"others than {ties.locked_to} might bring it too",
            lambda snap: with_order(snap, key, declined_by=ties.declined_by),
        )
    if ties.pinned and order.status in UNPICKED and order.courier_id is None:
        yield Case(
            "unpinned",
            "it might come from any store",
            lambda snap: with_order(snap, key, store_fixed=False),
        )
    if order.not_before is not None:
        yield Case(
            "any_time",
            "it might be brought before its slot",
            lambda snap: with_order(snap, key, not_before=None),
        )
    if order.courier_id is None:
        yield from with_breaks(snapshot)
    if freeing:
        yield from with_couriers(snapshot, order, ties)
    if order.status in UNPICKED and order.store_id is not None and not freeing:
        name = name_of(snapshot, order.store_id)
        yield Case(
            "picked_first",
            f"{name} picked it now, before all others",
            _picked_first(key),
            order.store_id,
        )
    if freeing and order.courier_id is None:
        yield longer_shifts(snapshot)
    if not is_fixed(order) and order.courier_id is None:
        yield from with_stores(snapshot, order, stores)
    yield from with_one_more(snapshot, order, stores)


def _in_any_order(snapshot: Snapshot, ties: Ties) -> Iterator[Case]:
    """Yield the case that the order of a courier's stops, fixed by hand, is free again."""
    courier = next((each for each in snapshot.couriers if each.courier_id == ties.fixed_for), None)
    if courier is not None:
        free = replace(courier, committed=courier.committed[: ties.under_way])
        yield Case(
            "route_freed",
            f"the stops of {courier.courier.name} might be done in any order",
            lambda snap: with_courier(snap, free),
        )


def _next_in_bag(snapshot: Snapshot, order: OrderInPlay) -> Iterator[Case]:
    """Yield the case that a courier brings it before all else in the bag."""
    courier = next((each for each in snapshot.couriers if order.order_id in each.on_board), None)
    if courier is None or len(courier.on_board) < 2 or order.returning:  # noqa: PLR2004  a pair
        return
    end = Stop(StopKind.DROPOFF, order.order_id, order.store_id or "")
    if end in courier.committed:
        return
    yield Case(
        "brought_next",
        f"{courier.courier.name} went to this door before the others in the bag",
        lambda snap: with_courier(snap, replace(courier, committed=(*courier.committed, end))),
    )


def longer_promise(order: OrderInPlay, more_min: int) -> Case:
    """Return the case that the promise ends later."""
    promise = replace(order.promise, latest=order.promise.latest + more_min * MINUTE_S)
    return Case(
        "longer_promise",
        f"the promise ended {more_min} min later",
        lambda snap: with_order(snap, order.order_id, promise=promise),
        amount=more_min,
        unit="min",
    )


def picked_first_at(snapshot: Snapshot, order: OrderInPlay) -> int | None:
    """Return when the goods would be ready if picked now, None if they are begun or nowhere."""
    store = next((each for each in snapshot.stores if each.store_id == order.store_id), None)
    if store is None or order.status not in UNPICKED:
        return None
    return snapshot.now + pick_s(store.store, order.order)


def _picked_first(order_id: str) -> Callable[[Snapshot], Snapshot]:
    return lambda snap: with_order(
        snap, order_id, status=OrderStatus.PICKING, pick_started_at=snap.now
    )
