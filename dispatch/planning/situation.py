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
    carriers
        Who has the order in the bag, by order.
    holders
        Who carries or is committed to it, known to us or not, by order.
    shown
        Which courier the order was last shown to, by order.
    duration_s, length_m
        By mode, `[from][to]`, as nested lists: single look-ups are several times faster than
        in an array.
    edge_cost
        By mode, `[from][to]`: the policy's cost of the leg.
    fastest_s
        `[from][to]` by the fastest mode of the fleet.  All zero when there is no fleet: then
        nobody can say how far anything is.
    """

    snapshot: Snapshot
    orders: dict[str, OrderInPlay]
    stores: dict[str, StoreInPlay]
    couriers: dict[str, CourierInPlay]
    carriers: dict[str, str]
    holders: dict[str, str]
    shown: dict[str, str]
    duration_s: dict[Mode, list[list[int]]]
    length_m: dict[Mode, list[list[int]]]
    edge_cost: dict[Mode, list[list[float]]]
    fastest_s: list[list[int]]

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
        return 0 <= order.place < len(self.fastest_s)

    def needed_by(self, order: OrderInPlay, store: StoreInPlay) -> int:
        """Return when the goods must be ready at `store` to keep the promise, without slack."""
        if order.order.fulfilment is not Fulfilment.DELIVERY:
            return order.promise.latest
        trip_s = self.fastest_s[store.place][order.place] if self.has_door(order) else 0
        hand_over_s = store.store.pickup_service_s + order.order.service_s
        return order.promise.latest - hand_over_s - trip_s

    def is_carried(self, order: OrderInPlay) -> bool:
        """Return whether the goods are in somebody's bag."""
        return order.on_board or order.order_id in self.carriers

    def committed(self, courier: CourierInPlay) -> tuple[Stop, ...]:
        """Return the stops a courier is carrying out, without those that make no sense.

        Left out are stops of unknown orders or stores, of orders that somebody else holds, that
        name another store than the order's own, pickups of what is already in the bag, and
        drop-offs or returns of what is not in the bag by then.
        """
        bag = {key for key, who in self.carriers.items() if who == courier.courier_id}
        picked: set[str] = set()
        kept: list[Stop] = []
        for stop in courier.committed:
            order = self.orders.get(stop.order_id)
            if (
                order is None
                or order.order.fulfilment is not Fulfilment.DELIVERY
                or self.holders.get(stop.order_id) != courier.courier_id
                or order.store_id not in {None, stop.store_id}
            ):
                continue
            if stop.kind is StopKind.PICKUP:
                sound = (
                    stop.order_id not in picked
                    and not self.is_carried(order)
                    and not order.returning
                    and stop.store_id in self.stores
                    and self.has_door(order)
                )
                if sound:
                    picked.add(stop.order_id)
                    bag.add(stop.order_id)
            elif stop.kind is StopKind.DROPOFF:
                sound = stop.order_id in bag and not order.returning and self.has_door(order)
            else:
                sound = (
                    stop.kind is StopKind.RETURN
                    and stop.order_id in bag
                    and order.returning
                    and stop.store_id == order.store_id
                    and stop.store_id in self.stores
                )
            if sound:
                kept.append(stop)
                if stop.kind is not StopKind.PICKUP:
                    bag.discard(stop.order_id)
        return tuple(kept)


def read(snapshot: Snapshot) -> Situation:
    """Return the sound part of a snapshot."""
    places = _number_of_places(snapshot)
    stores = {
        key: store for key, store in _by_id(snapshot.stores).items() if 0 <= store.place < places
    }
    orders = _by_id(snapshot.orders)
    couriers = {
        key: courier
        for key, courier in _by_id(snapshot.couriers).items()
        if 0 <= courier.place < places and courier.courier.mode in snapshot.travel.duration_s
    }
    carriers: dict[str, str] = {}
    for key, courier in couriers.items():
        for order_id in courier.on_board:
            if order_id in orders:
                carriers.setdefault(order_id, key)
    for order_id, order in orders.items():
        # The order's own word counts for more than a bag's list.
        if order.on_board and order.courier_id in couriers:
            carriers[order_id] = order.courier_id or ""
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
    return Situation(
        snapshot=snapshot,
        orders=orders,
        stores=stores,
        couriers=couriers,
        carriers=carriers,
        holders=holders,
        shown=shown,
        duration_s={mode: a.tolist() for mode, a in snapshot.travel.duration_s.items()},
        length_m={mode: a.tolist() for mode, a in snapshot.travel.length_m.items()},
        edge_cost=_edge_cost(snapshot),
        fastest_s=_fastest(snapshot, couriers.values(), places),
    )


def opening(at: int, windows: Sequence[tuple[int, int]]) -> int | None:
    """Return the first second from `at` on in a window `[from, to)`, None if there is none."""
    for start, end in windows:
        if at < end:
            return max(at, start)
    return None


def _by_id(things: Iterable[_InPlay]) -> dict[str, _InPlay]:
    first: dict[str, _InPlay] = {}
    for thing in things:
        key = thing.store_id if isinstance(thing, StoreInPlay) else _key(thing)
        first.setdefault(key, thing)
    return dict(sorted(first.items()))


def _key(thing: OrderInPlay | CourierInPlay) -> str:
    return thing.order_id if isinstance(thing, OrderInPlay) else thing.courier_id


def _number_of_places(snapshot: Snapshot) -> int:
    sizes = [len(snapshot.places)]
    for table in (snapshot.travel.duration_s, snapshot.travel.length_m):
        sizes += [min(array.shape) for array in table.values()]
    return min(sizes)


def _edge_cost(snapshot: Snapshot) -> dict[Mode, list[list[float]]]:
    policy, travel = snapshot.policy, snapshot.travel
    found: dict[Mode, list[list[float]]] = {}
    for mode, duration_s in travel.duration_s.items():
        length_m = travel.length_m[mode]
        found[mode] = (duration_s * policy.travel_cost + length_m * policy.length_cost).tolist()
    return found


def _fastest(snapshot: Snapshot, couriers: Iterable[CourierInPlay], places: int) -> list[list[int]]:
    modes = sorted({c.courier.mode for c in couriers}) or sorted(snapshot.travel.duration_s)
    if not modes:
        return [[0] * places for _ in range(places)]
    fastest: NDArray[np.int32] = np.minimum.reduce(
        [snapshot.travel.duration_s[mode][:places, :places] for mode in modes]
    )
    found: list[list[int]] = np.minimum(fastest, UNREACHABLE_S).tolist()
    return found
