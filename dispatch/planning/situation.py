"""A snapshot made sound: what can be planned with, and what contradicts itself and is left out.

A snapshot comes from a live system and may hold what cannot be: a stop of an unknown order, two
bags with the same parcel, a door that is not in the travel table.  Here the contradictions are
settled once, always in the same way, so that the rest of the planning never meets them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from dispatch.model import (
    UNREACHABLE_S,
    CourierInPlay,
    Fulfilment,
    Mode,
    OrderInPlay,
    Policy,
    Snapshot,
    Stop,
    StopKind,
    StoreInPlay,
)

_InPlay = TypeVar("_InPlay", OrderInPlay, StoreInPlay, CourierInPlay)


@dataclass(frozen=True, slots=True, eq=False)
class Situation:
    """What a decision works with; every id in it is unique and every place is in the table.

    Attributes
    ----------
    orders, stores, couriers
        By id, ascending.  Orders may still have a door outside the table: see `has_door`.
    order_rows, store_rows, courier_rows
        Place of each id in that order.
    carriers
        Who has the order in the bag, by order.
    bags
        Orders in each courier's bag, ascending, by courier; those without one are missing.
    holders
        Who carries or is committed to it, known to us or not, by order.
    shown
        Which courier the order was last shown to, by order.
    told
        The stops each courier is carrying out, those that make no sense left out.
    modes
        Those of the couriers, ascending.
    places
        How many places every travel table knows.
    trip_s : int32 (orders, stores)
        From store to door by the fastest mode of the fleet; `UNREACHABLE_S` for no way and for
        a door outside the table.  All zero when there is no fleet: then nobody can say how far
        anything is.
    """

    snapshot: Snapshot
    orders: dict[str, OrderInPlay]
    stores: dict[str, StoreInPlay]
    couriers: dict[str, CourierInPlay]
    order_rows: dict[str, int]
    store_rows: dict[str, int]
    courier_rows: dict[str, int]
    carriers: dict[str, str]
    bags: dict[str, list[str]]
    holders: dict[str, str]
    shown: dict[str, str]
    told: dict[str, tuple[Stop, ...]]
    modes: list[Mode]
    places: int
    trip_s: NDArray[np.int32]

    @property
    def now(self) -> int:
        """Time of the decision."""
        return self.snapshot.now

    @property
    def policy(self) -> Policy:
        """Weights and limits of the decision."""
        return self.snapshot.policy

    def has_door(self, order: OrderInPlay) -> bool:
        """Return whether the door of an order is a place of the travel table."""
        return 0 <= order.place < self.places

    def trip_to(self, order: OrderInPlay, store: StoreInPlay) -> int:
        """Return the way from a store to an order's door by the fastest mode, seconds."""
        row, column = self.order_rows[order.order_id], self.store_rows[store.store_id]
        return int(self.trip_s[row, column])

    def needed_by(self, order: OrderInPlay, store: StoreInPlay) -> int:
        """Return when the goods must be ready at `store` to keep the promise, without slack."""
        if order.order.fulfilment is not Fulfilment.DELIVERY:
            return order.promise.latest
        trip_s = self.trip_to(order, store) if self.has_door(order) else 0
        hand_over_s = store.store.pickup_service_s + order.order.service_s
        return order.promise.latest - hand_over_s - trip_s

    def is_carried(self, order: OrderInPlay) -> bool:
        """Return whether the goods are in somebody's bag."""
        return order.on_board or order.order_id in self.carriers


def read(snapshot: Snapshot) -> Situation:
    """Return the sound part of a snapshot.

    Linear in what is in play, apart from the ways from stores to doors, which are looked up for
    all pairs at once.
    """
    places = _number_of_places(snapshot)
    stores = {
        key: store
        for key, store in _by_id(snapshot.stores, [s.store_id for s in snapshot.stores]).items()
        if 0 <= store.place < places
    }
    orders = _by_id(snapshot.orders, [o.order_id for o in snapshot.orders])
    couriers = {
        key: courier
        for key, courier in _by_id(
            snapshot.couriers, [c.courier_id for c in snapshot.couriers]
        ).items()
        if 0 <= courier.place < places and courier.courier.mode in snapshot.travel.duration_s
    }
    carriers = _carriers(orders, couriers)
    bags: dict[str, list[str]] = {}
    for order_id in sorted(carriers):
        bags.setdefault(carriers[order_id], []).append(order_id)
    holders = {
        stop.order_id: key
        for key, courier in reversed(couriers.items())
        for stop in courier.committed
    }
    holders |= {key: order.courier_id for key, order in orders.items() if order.courier_id}
    holders |= carriers
    shown = {
        visit.stop.order_id: route.courier_id
        for route in sorted(snapshot.routes, key=lambda route: route.courier_id)
        for visit in route.visits
        if route.courier_id in couriers
    }
    modes = sorted({courier.courier.mode for courier in couriers.values()})
    situation = Situation(
        snapshot=snapshot,
        orders=orders,
        stores=stores,
        couriers=couriers,
        order_rows={key: row for row, key in enumerate(orders)},
        store_rows={key: row for row, key in enumerate(stores)},
        courier_rows={key: row for row, key in enumerate(couriers)},
        carriers=carriers,
        bags=bags,
        holders=holders,
        shown=shown,
        told={},
        modes=modes,
        places=places,
        trip_s=_trips(snapshot, orders.values(), stores.values(), modes, places),
    )
    situation.told.update((key, _told(situation, courier)) for key, courier in couriers.items())
    return situation


def told_fetches(snapshot: Snapshot) -> dict[str, int]:
    """Return when stores and couriers were told that pickups are over, by order."""
    return {
        visit.stop.order_id: visit.depart_at
        for route in sorted(snapshot.routes, key=lambda route: route.courier_id)
        for visit in route.visits
        if visit.stop.kind is StopKind.PICKUP
    }


def _told(situation: Situation, courier: CourierInPlay) -> tuple[Stop, ...]:
    """Return the stops a courier is carrying out, without those that make no sense.

    Left out are stops of unknown orders or stores, of orders that somebody else holds, that
    name another store than the order's own, pickups of what is already in the bag, and
    drop-offs or returns of what is not in the bag by then.
    """
    if not courier.committed:
        return ()
    bag = set(situation.bags.get(courier.courier_id, ()))
    picked: set[str] = set()
    kept: list[Stop] = []
    for stop in courier.committed:
        order = situation.orders.get(stop.order_id)
        if (
            order is None
            or order.order.fulfilment is not Fulfilment.DELIVERY
            or situation.holders.get(stop.order_id) != courier.courier_id
            or order.store_id not in {None, stop.store_id}
        ):
            continue
        if stop.kind is StopKind.PICKUP:
            sound = (
                stop.order_id not in picked
                and not situation.is_carried(order)
                and not order.returning
                and stop.store_id in situation.stores
                and situation.has_door(order)
            )
            if sound:
                picked.add(stop.order_id)
                bag.add(stop.order_id)
        elif stop.kind is StopKind.DROPOFF:
            sound = stop.order_id in bag and not order.returning and situation.has_door(order)
        else:
            sound = (
                stop.kind is StopKind.RETURN
                and stop.order_id in bag
                and order.returning
                and stop.store_id == order.store_id
                and stop.store_id in situation.stores
            )
        if sound:
            kept.append(stop)
            if stop.kind is not StopKind.PICKUP:
                bag.discard(stop.order_id)
    return tuple(kept)


def opening(at: int, windows: Sequence[tuple[int, int]]) -> int | None:
    """Return the first second from `at` on in a window `[from, to)`, None if there is none."""
    for start, end in windows:
        if at < end:
            return max(at, start)
    return None


def _by_id(things: Sequence[_InPlay], ids: Sequence[str]) -> dict[str, _InPlay]:
    """Return things by id, ascending; of two with the same id the first counts."""
    first = dict(zip(reversed(ids), reversed(things), strict=True))
    return dict(sorted(first.items()))


def _carriers(orders: dict[str, OrderInPlay], couriers: dict[str, CourierInPlay]) -> dict[str, str]:
    carriers: dict[str, str] = {}
    for key, courier in couriers.items():
        for order_id in courier.on_board:
            if order_id in orders:
                carriers.setdefault(order_id, key)
    for order_id, order in orders.items():
        # The order's own word counts for more than a bag's list.
        if order.on_board and order.courier_id in couriers:
            carriers[order_id] = order.courier_id or ""
    return carriers


def _number_of_places(snapshot: Snapshot) -> int:
    sizes = [len(snapshot.places)]
    for table in (snapshot.travel.duration_s, snapshot.travel.length_m):
        sizes += [min(array.shape) for array in table.values()]
    return min(sizes)


def _trips(
    snapshot: Snapshot,
    orders: Iterable[OrderInPlay],
    stores: Iterable[StoreInPlay],
    modes: Sequence[Mode],
    places: int,
) -> NDArray[np.int32]:
    """Return the ways from stores to doors by the fastest mode, (orders, stores)."""
    doors = np.array([order.place for order in orders], dtype=np.int64)
    counters = np.array([store.place for store in stores], dtype=np.int64)
    known = (doors >= 0) & (doors < places)
    trip_s = np.full((doors.size, counters.size), UNREACHABLE_S, dtype=np.int32)
    modes = modes or sorted(snapshot.travel.duration_s)
    if not modes:
        trip_s[known] = 0
        return trip_s
    found = trip_s[known]
    pairs = np.ix_(counters, doors[known])
    for mode in modes:
        np.minimum(found, snapshot.travel.duration_s[mode][pairs].T, out=found)
    trip_s[known] = found
    return trip_s
