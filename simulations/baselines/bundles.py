"""Bundles of orders from one store, and what they cost whoever carries them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

import numpy as np
from numpy.typing import NDArray

from dispatch.bags import load_of, room_of
from simulations.baselines.scene import Scene


@dataclass(frozen=True, slots=True)
class Settings:
    """Parameters of the policy; the paper's symbols in brackets.

    Attributes
    ----------
    every_s
        Time to the next decision (f).
    look_ahead_s
        Orders ready later than this are left for later (assignment horizon).
    ready_within_s, free_within_s
        Whose numbers give the target size: orders ready and couriers free by then (Delta 1, 2).
    delay_weight
        Of a second that goods wait, against one on the way (beta).
    wait_weight
        Of a minute's wait at the counter, against orders per minute (theta).
    stale_after_s
        Goods that were ready this long ago are committed even to a courier who is still busy (x).
    most_orders
        In one bundle.
    """

    every_s: int = 300
    look_ahead_s: int = 600
    ready_within_s: int = 600
    free_within_s: int = 600
    delay_weight: float = 0.5
    wait_weight: float = 0.1
    stale_after_s: int = 1200
    most_orders: int = 9


@dataclass(slots=True)
class Bundle:
    """Orders fetched together, in the sequence of their drop-offs.

    Attributes
    ----------
    courier_id
        Who is on the way to the store for it; None while anybody may be sent.
    arrive_at
        When that courier is at the counter.
    """

    store_id: str
    order_ids: list[str]
    courier_id: str | None = None
    arrive_at: int = 0


@dataclass(frozen=True, slots=True)
class Cost:
    """Of a bundle's route: travel and weighted delay; time for each order."""

    total: float
    each_s: float


@dataclass(frozen=True, slots=True)
class LastPickup:
    """When the last of a bundle is fetched, by when the courier is there.

    Attributes
    ----------
    not_before
        By the goods alone.
    others_s
        Service of the pickups before it.
    ready_at
        When the last goods are ready.
    """

    not_before: int
    others_s: int
    service_s: int
    ready_at: int

    def begin(self, arrive_at: int) -> int:
        """Return when the last pickup begins."""
        return max(self.not_before, arrive_at + self.others_s)


class Shape:
    """What a bundle costs, whoever carries it: by the fastest mode of the fleet."""

    def __init__(self, scene: Scene, settings: Settings) -> None:
        self._scene = scene
        self._settings = settings
        people = [hand.courier.courier for hand in scene.hands.values()]
        self._rooms = frozenset(room_of(person) for person in people)
        most = max((room.parcels for room in self._rooms), default=1)
        self.most_parcels = min(most, settings.most_orders)

    def fits(self, order_ids: Sequence[str]) -> bool:
        """Return whether anybody could carry a bundle; a single order is always one."""
        orders = self._scene.situation.orders
        if len(order_ids) == 1:
            return True
        load = load_of(orders[key].order for key in order_ids)
        return load.parcels <= self.most_parcels and any(load.fits(room) for room in self._rooms)

    def cost(self, store_id: str, order_ids: Sequence[str]) -> Cost:
        """Return what a sequence costs, nothing for an empty one."""
        if not order_ids:
            return Cost(0.0, inf)
        scene, now = self._scene, self._scene.now
        store = scene.situation.stores[store_id]
        way_s, tour_s = self._tour(store.place, order_ids, scene.fastest_s)
        ready_at = [self._ready(key) for key in order_ids]
        fetched_at = max(now, *ready_at)
        delay_s = sum(fetched_at - at for at in ready_at)
        at_counter_s = store.store.access_s + store.store.pickup_service_s * len(order_ids)
        # The walk from the counter to the street is in the first leg, and is no travel.
        return Cost(
            way_s - store.store.access_s + self._settings.delay_weight * delay_s,
            (at_counter_s + tour_s) / len(order_ids),
        )

    def tour_s(self, store: int, order_ids: Sequence[str], table: NDArray[np.int32]) -> int:
        """Return how long the drop-offs take from leaving the counter."""
        return self._tour(store, order_ids, table)[1]

    def _tour(
        self, store: int, order_ids: Sequence[str], table: NDArray[np.int32]
    ) -> tuple[int, int]:
        orders = self._scene.situation.orders
        way_s = all_s = 0
        place = store
        for key in order_ids:
            order = orders[key]
            # What goes back is at the counter already.
            here = place if order.returning else order.place
            leg_s = int(table[place, here])
            way_s += leg_s
            all_s += leg_s + order.order.service_s
            place = here
        return way_s, all_s

    def last_pickup(self, store_id: str, order_ids: Sequence[str]) -> LastPickup:
        """Return when the last of some orders, one at least, is fetched."""
        service_s = self._scene.situation.stores[store_id].store.pickup_service_s
        fetch_at = sorted(self._scene.fetch_at.get(key, self._ready(key)) for key in order_ids)
        last = len(order_ids) - 1
        return LastPickup(
            max(at + (last - index) * service_s for index, at in enumerate(fetch_at)),
            last * service_s,
            service_s,
            max(self._ready(key) for key in order_ids),
        )

    def is_late(self, store_id: str, order_ids: Sequence[str]) -> bool:
        """Return whether an order of a bundle misses its promise even if fetched from now on."""
        scene = self._scene
        store = scene.situation.stores[store_id]
        pickup = self.last_pickup(store_id, order_ids)
        at = pickup.begin(scene.now + store.store.access_s) + pickup.service_s
        place = store.place
        for key in order_ids:
            order = scene.situation.orders[key]
            at += int(scene.fastest_s[place, order.place]) + order.order.service_s
            place = order.place
            if at > order.promise.latest:
                return True
        return False

    def _ready(self, order_id: str) -> int:
        return self._scene.ready_at.get(order_id, self._scene.now)
