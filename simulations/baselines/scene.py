"""A snapshot as the baselines read it: who holds what, and which orders may go to anyone.

The baselines take stores as they are sourced.  What a snapshot contradicts itself about is
settled by `dispatch.planning.situation`, as it is for the planner that they are compared with.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dispatch.model import (
    UNREACHABLE_S,
    CourierInPlay,
    Fulfilment,
    OrderInPlay,
    Reason,
    Route,
    Snapshot,
    Stop,
    StopKind,
    StoreInPlay,
    Unassigned,
)
from dispatch.planning.picking import awaited, forecast, queues
from dispatch.planning.situation import Situation, opening, read


@dataclass(frozen=True, slots=True)
class Hand:
    """What a courier must do whatever is decided.

    Attributes
    ----------
    committed
        Stops being carried out; a route begins with these.
    ends
        The drop-offs and returns that follow: of the bag and of what is being fetched, in the
        order of the plan in force.
    in_bag
        Orders in the bag now, ascending.
    """

    courier: CourierInPlay
    committed: tuple[Stop, ...]
    ends: tuple[Stop, ...]
    in_bag: tuple[str, ...]

    @property
    def courier_id(self) -> str:
        """Id of the courier."""
        return self.courier.courier_id

    @property
    def stops(self) -> tuple[Stop, ...]:
        """All that is held: committed stops, then the ends."""
        return self.committed + self.ends

    @property
    def fetches_at(self) -> str | None:
        """Store that the courier is on the way to or stands at for one trip; None elsewhere.

        The trip may still grow, unless there are goods of another place in the bag.
        """
        counter = self.courier.at_store
        if not self.committed:
            return counter if self.in_bag else None
        if self.committed[-1].kind is not StopKind.PICKUP:
            return None
        store_id = self.committed[-1].store_id
        return store_id if not self.in_bag or counter == store_id else None


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """A snapshot with its forecasts and its people.

    Attributes
    ----------
    hands
        By courier, ascending; those who can't reach what they hold are left out.
    free
        Deliveries that may go to anyone, by id, ascending: sourced, with a forecast, not held.
    ready_at
        When the goods of each sourced order are ready, by fact or forecast.
    fetch_at
        When the goods of each free order can be fetched: ready, and the store open.
    left_out
        Deliveries that nobody can be sent for, with their reasons.
    told
        The route in force of each courier.
    fastest_s
        Ways by the fastest mode of the fleet, int32 (places, places).
    """

    situation: Situation
    hands: dict[str, Hand]
    free: dict[str, OrderInPlay]
    ready_at: dict[str, int]
    fetch_at: dict[str, int]
    left_out: dict[str, Unassigned]
    told: dict[str, Route]
    fastest_s: NDArray[np.int32]

    @property
    def now(self) -> int:
        """Time of the decision."""
        return self.situation.now

    def duration_s(self, courier: CourierInPlay) -> NDArray[np.int32]:
        """Return a courier's ways, int32 (places, places)."""
        return self.situation.snapshot.travel.duration_s[courier.courier.mode]

    def store(self, order_id: str) -> StoreInPlay:
        """Return the store that a free order is sourced at."""
        return self.situation.stores[self.free[order_id].store_id or ""]

    def pickup(self, order_id: str) -> Stop:
        """Return the stop that fetches a free order."""
        return Stop(StopKind.PICKUP, order_id, self.store(order_id).store_id)

    def dropoff(self, order_id: str) -> Stop:
        """Return the stop that brings a free order."""
        return Stop(StopKind.DROPOFF, order_id, self.store(order_id).store_id)

    def trip(self, order_ids: Iterable[str]) -> tuple[Stop, ...]:
        """Return one trip of free orders: pickups as they get ready, drop-offs as given."""
        doors = tuple(order_ids)
        fetched = sorted(doors, key=lambda key: (self.fetch_at[key], key))
        return (*map(self.pickup, fetched), *map(self.dropoff, doors))

    def place(self, stop: Stop) -> int:
        """Return the index of a stop's place."""
        if stop.kind is StopKind.DROPOFF:
            return self.situation.orders[stop.order_id].place
        return self.situation.stores[stop.store_id].place

    def service_s(self, stop: Stop) -> int:
        """Return how long a stop takes."""
        if stop.kind is StopKind.DROPOFF:
            return self.situation.orders[stop.order_id].order.service_s
        return self.situation.stores[stop.store_id].store.pickup_service_s

    def earliest(self, hand: Hand) -> int:
        """Return from when on a courier can do something new, or go on with what is held."""
        courier = hand.courier
        if hand.committed:
            return courier.available_at
        begins = self.now if hand.in_bag else max(self.now, courier.shift_start)
        return max(courier.available_at, begins)


def look(snapshot: Snapshot) -> Scene:
    """Return a snapshot as the baselines read it."""
    situation = read(snapshot)
    ready_at = _ready_at(situation)
    left_out: dict[str, Unassigned] = {}
    told = {route.courier_id: route for route in reversed(snapshot.routes)}
    hands: dict[str, Hand] = {}
    for key, courier in situation.couriers.items():
        hand = _hand(situation, courier, told.get(key), left_out)
        if _is_cut_off(situation, hand):
            for stop in hand.stops:
                left_out[stop.order_id] = _no(
                    stop.order_id, Reason.UNREACHABLE, f"{key} has no way to or from where it goes"
                )
        else:
            hands[key] = hand
    held = {stop.order_id for hand in hands.values() for stop in hand.stops}
    free: dict[str, OrderInPlay] = {}
    fetch_at: dict[str, int] = {}
    for key, order in situation.orders.items():
        if order.order.fulfilment is not Fulfilment.DELIVERY or key in held or key in left_out:
            continue
        found = _fetch_at(situation, order, ready_at.get(key))
        if isinstance(found, Unassigned):
            left_out[key] = found
        else:
            free[key], fetch_at[key] = order, found
    return Scene(situation, hands, free, ready_at, fetch_at, left_out, told, _fastest_s(situation))


def _fastest_s(situation: Situation) -> NDArray[np.int32]:
    tables = situation.snapshot.travel.duration_s
    modes = sorted({courier.courier.mode for courier in situation.couriers.values()})
    size = situation.places
    if not modes:
        return np.zeros((size, size), dtype=np.int32)
    fastest: NDArray[np.int32] = np.minimum.reduce([tables[mode][:size, :size] for mode in modes])
    return fastest


def _ready_at(situation: Situation) -> dict[str, int]:
    found: dict[str, int] = {}
    wanted = awaited(situation)
    by_store = queues(situation)
    for courier in situation.couriers.values():
        for stop in situation.told[courier.courier_id]:
            # Somebody was told to fetch it there, so that is where it is picked.
            if stop.kind is StopKind.PICKUP:
                order = situation.orders[stop.order_id]
                by_store[stop.store_id].setdefault(stop.order_id, order)
    for key, queue in by_store.items():
        store = situation.stores[key]
        picks = forecast(store, queue.values(), situation.now, situation.needed_by, wanted)
        found |= {order_id: pick.ready_at for order_id, pick in picks.items()}
    facts = {key: order.ready_at for key, order in situation.orders.items()}
    return found | {
        key: at
        for key, at in facts.items()
        if at is not None and situation.orders[key].store_id in situation.stores
    }


def _hand(
    situation: Situation,
    courier: CourierInPlay,
    told: Route | None,
    left_out: dict[str, Unassigned],
) -> Hand:
    key = courier.courier_id
    in_bag: list[str] = []
    for order_id, who in sorted(situation.carriers.items()):
        order = situation.orders[order_id]
        if who != key or order.order.fulfilment is not Fulfilment.DELIVERY:
            continue
        goes_back = order.returning
        if not (order.store_id in situation.stores if goes_back else situation.has_door(order)):
            left_out[order_id] = _no(
                order_id, Reason.UNREACHABLE, "where it must go is not on the map"
            )
        else:
            in_bag.append(order_id)
    committed = situation.told[courier.courier_id]
    ended = {stop.order_id for stop in committed if stop.kind is not StopKind.PICKUP}
    fetched = [stop.order_id for stop in committed if stop.kind is StopKind.PICKUP]
    shown = [visit.stop.order_id for visit in told.visits] if told is not None else []
    last = {order_id: index for index, order_id in enumerate(shown)}
    open_ends = sorted(
        {*in_bag, *fetched} - ended, key=lambda order_id: (last.get(order_id, len(shown)), order_id)
    )
    ends = tuple(_end(situation, order_id, committed) for order_id in open_ends)
    return Hand(courier, committed, ends, tuple(in_bag))


def _end(situation: Situation, order_id: str, committed: tuple[Stop, ...]) -> Stop:
    order = situation.orders[order_id]
    stores = [stop.store_id for stop in committed if stop.order_id == order_id]
    kind = StopKind.RETURN if order.returning else StopKind.DROPOFF
    return Stop(kind, order_id, stores[0] if stores else order.store_id or "")


def _is_cut_off(situation: Situation, hand: Hand) -> bool:
    """Return whether some place that a courier must go to has no way to or from another."""
    ends: set[int] = set()
    for stop in hand.stops:
        if stop.kind is not StopKind.DROPOFF:
            ends.add(situation.stores[stop.store_id].place)
        if not situation.orders[stop.order_id].returning:
            ends.add(situation.orders[stop.order_id].place)
    table = situation.snapshot.travel.duration_s[hand.courier.courier.mode]
    starts = {*ends, hand.courier.place}
    return any(table[start, end] >= UNREACHABLE_S for start in starts for end in ends)


def _fetch_at(situation: Situation, order: OrderInPlay, ready_at: int | None) -> int | Unassigned:
    """Return when a free order can be fetched, or why nobody can be sent for it."""
    key = order.order_id
    store = situation.stores.get(order.store_id or "")
    if key in situation.holders or situation.is_carried(order) or order.returning:
        return _no(key, Reason.UNREACHABLE, "it is held by somebody who is not on the map")
    if store is None:
        return _no(
            key, Reason.OUTSIDE_RADIUS, "no store was chosen for it, and a baseline chooses none"
        )
    if not situation.has_door(order):
        return _no(key, Reason.UNREACHABLE, "its door is not on the map")
    if ready_at is None:
        return _no(key, Reason.STORE_PAUSED, f"{store.store.name} has no pickers, or never opens")
    at = opening(max(ready_at, situation.now), store.open_windows)
    if at is None:
        return _no(key, Reason.STORE_CLOSED, f"{store.store.name} is closed when it is ready")
    return at


def _no(order_id: str, reason: Reason, detail: str) -> Unassigned:
    return Unassigned(order_id, reason, detail)
