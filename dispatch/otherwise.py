"""One thing that is otherwise in a snapshot, and how it is changed.

A case may come with a smaller one, made once it is known what comes of it: a courier for so many
minutes instead of the whole evening, a shift that ends no later than it must.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from dispatch.model import CourierInPlay, OrderInPlay, OrderStatus, Snapshot, StoreInPlay

MINUTE_S: Final = 60
UNPICKED: Final = frozenset({OrderStatus.RECEIVED, OrderStatus.SOURCED})


@dataclass(frozen=True, slots=True)
class Ties:
    """What people tied an order with, which the snapshot has in another form.

    Attributes
    ----------
    locked_to
        Name of the one courier who may have it, None for no lock.
    declined_by
        Who declined it themselves, whatever the lock says.
    pinned
        It is pinned to its store.
    fixed_for
        Id of the courier whose stops, this order's among them, were put in an order by hand; None
        for nobody.
    under_way
        How many of that courier's committed stops are so because they are under way.
    ruled_out
        Who ruled a store out, and why, in a sentence without its end, by the store's id.
    """

    locked_to: str | None = None
    declined_by: frozenset[str] = frozenset()
    pinned: bool = False
    fixed_for: str | None = None
    under_way: int = 0
    ruled_out: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Came:
    """What came of a case: who fetches the order when and where, and when it is handed over.

    Attributes
    ----------
    courier_id, store_id, pickup_at
        None where it is in a bag already.
    """

    courier_id: str
    store_id: str | None
    pickup_at: int | None
    done_at: int


@dataclass(frozen=True, slots=True)
class Case:
    """One thing that might be otherwise; the rest as in `explanation.Change`.

    Attributes
    ----------
    smaller
        Makes a smaller change of the same kind of what came of this one; None if there is none.
    """

    what: str
    detail: str
    change: Callable[[Snapshot], Snapshot]
    subject: str = ""
    amount: int | None = None
    unit: str = ""
    mode: str = ""
    smaller: Callable[[Came], Case | None] | None = None


def both(first: Case, second: Case) -> Case:
    """Return two cases at once."""
    found = replace(
        first,
        what=f"{first.what}_and_{second.what}",
        detail=f"{first.detail}, and {second.detail}",
        change=lambda snap: second.change(first.change(snap)),
        smaller=None,
    )
    if second.smaller is None:
        return found
    smaller = second.smaller

    def narrowed(came: Came) -> Case | None:
        less = smaller(came)
        return None if less is None else both(first, replace(less, smaller=None))

    return replace(found, smaller=narrowed)


def started_minutes(duration_s: int) -> int:
    """Return started minutes."""
    return -(-duration_s // MINUTE_S)


# --- changes of a snapshot ---------------------------------------------------------------------


def taken_back(snapshot: Snapshot, order: OrderInPlay) -> Snapshot:
    """Return the snapshot with nobody on the way to an order."""
    freed = with_order(snapshot, order.order_id, courier_id=None)
    couriers = tuple(
        replace(
            courier,
            committed=tuple(s for s in courier.committed if s.order_id != order.order_id),
            arrived=courier.arrived
            and bool(courier.committed)
            and courier.committed[0].order_id != order.order_id,
            available_at=max(courier.available_at, snapshot.now),
        )
        if any(stop.order_id == order.order_id for stop in courier.committed)
        else courier
        for courier in freed.couriers
    )
    return replace(freed, couriers=couriers)


def with_order(snapshot: Snapshot, order_id: str, **changes: object) -> Snapshot:
    """Return a snapshot with some fields of an order changed."""
    orders = tuple(
        replace(order, **changes) if order.order_id == order_id else order  # type: ignore[arg-type]
        for order in snapshot.orders
    )
    return replace(snapshot, orders=orders)


def with_store(snapshot: Snapshot, store: StoreInPlay) -> Snapshot:
    """Return a snapshot with a store instead of the one of its id."""
    stores = tuple(store if each.store_id == store.store_id else each for each in snapshot.stores)
    return replace(snapshot, stores=stores)


def with_courier(snapshot: Snapshot, courier: CourierInPlay) -> Snapshot:
    """Return a snapshot with a courier instead of the one of the id."""
    couriers = tuple(
        courier if each.courier_id == courier.courier_id else each for each in snapshot.couriers
    )
    return replace(snapshot, couriers=couriers)


def name_of(snapshot: Snapshot, store_id: str) -> str:
    """Return the name of a store, its id where it is not known."""
    return next((s.store.name for s in snapshot.stores if s.store_id == store_id), store_id)
