"""Who has what at one moment of a drawn rush hour: orders at their stores, parcels in bags."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from heapq import heapify, heappop, heappush
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dispatch.model import (
    UNREACHABLE_S,
    Courier,
    CourierInPlay,
    Mode,
    Order,
    OrderStatus,
    Promise,
    Stop,
    StopKind,
    Store,
)
from geo.errors import NoRouteError, TooFarFromRoadError
from geo.travel import NetworkTravelTimes
from geo.types import LonLat
from simulations.worlds.demand import Ask

_NEW_S: Final = 60
"""Clicked less than this ago: no store yet."""
_SEEN_S: Final = 10
"""Positions come every ten seconds."""
_PICK_SPREAD: Final = 0.3
"""Log-normal sigma of a pick around its expected time."""
_WINDOW_S: Final = 900
_WAYS: Final = 3
"""A longer way counts so often in a promise: there, on, and the one that is driven before it."""
_STORES_TRIED: Final = 20
_FAR_S: Final = 1500
"""Nobody was sent further than this with a parcel."""


@dataclass(frozen=True, slots=True, eq=False)
class Goods:
    """What stores have, and how far it is from them.

    Attributes
    ----------
    shelves
        Free stock by SKU, of each store.
    windows
        Opening times of each store.
    ways
        By mode, seconds from stores to the doors asked from, int32 (stores, asks).
    """

    stores: Sequence[Store]
    shelves: Sequence[Mapping[str, int]]
    windows: Sequence[tuple[tuple[int, int], ...]]
    ways: Mapping[Mode, NDArray[np.int32]]
    now: int


@dataclass(frozen=True, slots=True)
class Age:
    """How long ago an order was clicked, how long it was promised to take, and its way.

    Attributes
    ----------
    trip_s
        From its store to the door by the fastest mode.
    """

    age_s: int
    promise_s: int
    trip_s: int


@dataclass(frozen=True, slots=True)
class Crew:
    """What a courier of the mix is doing.

    Attributes
    ----------
    stop
        What the committed stop is, None for nobody's errand.
    bag
        How many parcels are carried.
    """

    mode: Mode
    capacity_g: int
    capacity_parcels: int
    shift_left_s: int
    stop: StopKind | None
    arrived: bool
    bag: int


@dataclass(slots=True, eq=False)
class Parcel:
    """An order on its way from click to door.

    Attributes
    ----------
    number
        Of the ask it came from.
    store
        Number of its store; nobody was told yet while it `is_new`.
    picked_at
        When a picker is done with it, as the drawn truth has it.
    """

    number: int
    ask: Ask
    order: Order
    promise: Promise
    store: int
    pick_started_at: int | None = None
    picked_at: int = 0
    ready_at: int | None = None
    status: OrderStatus = OrderStatus.SOURCED
    courier_id: str | None = None
    on_board: bool = False

    @property
    def is_new(self) -> bool:
        """Whether no store was chosen yet."""
        return self.status is OrderStatus.RECEIVED

    @property
    def is_fixed(self) -> bool:
        """Whether its store must not change any more."""
        unpicked = self.status in {OrderStatus.RECEIVED, OrderStatus.SOURCED}
        return not unpicked or self.courier_id is not None


def parcels(goods: Goods, asks: Sequence[Ask], ages: Sequence[Age], count: int) -> list[Parcel]:
    """Return the first `count` asks that a store can serve, each at a store, picked or not.

    Whoever clicked first was served first: the store from which the goods come soonest, by its
    queue and the way, is the one, as `planning.sourcing` would have it.  A promise is as long as
    the mix has it, and longer where the way is.
    """
    served = _served(goods, asks, count)
    shelves = [dict(shelf) for shelf in goods.shelves]
    pickers = [[0] * store.pickers for store in goods.stores]
    for free in pickers:
        heapify(free)
    fastest = np.minimum.reduce(list(goods.ways.values()))
    draw = np.random.default_rng(len(asks))
    found: list[Parcel] = []
    for number in sorted(served, key=lambda n: (-ages[n].age_s, n)):
        ask, age = asks[number], ages[number]
        at = goods.now - age.age_s
        trips = fastest[:, number]
        able = [
            int(store)
            for store in np.argsort(trips, kind="stable")[:_STORES_TRIED]
            if trips[store] <= goods.stores[store].reach_s and _has(shelves[store], ask)
        ]
        if not able:
            continue
        store = min(able, key=lambda s: (max(at, pickers[s][0]) + int(trips[s]), s))
        for line in ask.lines:
            shelves[store][line.sku] -= line.quantity
        start = max(at, heappop(pickers[store]))
        shop = goods.stores[store]
        latest = at + age.promise_s + _WAYS * max(0, int(trips[store]) - age.trip_s)
        expected_s = shop.pick_base_s + shop.pick_line_s * len(ask.lines)
        spread = float(np.exp(_PICK_SPREAD * draw.standard_normal()))
        done = start + round(expected_s * spread)
        heappush(pickers[store], done)
        parcel = Parcel(
            number=number,
            ask=ask,
            order=_order(number, ask, at),
            promise=Promise(latest - _WINDOW_S, latest, at),
            store=store,
        )
        _set_stage(parcel, goods.now, start, done)
        found.append(parcel)
    return sorted(found, key=lambda parcel: parcel.order.order_id)


def _served(goods: Goods, asks: Sequence[Ask], count: int) -> list[int]:
    """Return the first asks that some store in reach has all goods for, while stock is full."""
    fastest = np.minimum.reduce(list(goods.ways.values()))
    reach = np.array([store.reach_s for store in goods.stores])
    found: list[int] = []
    for number, ask in enumerate(asks):
        near = np.flatnonzero(fastest[:, number] <= reach)
        if any(_has(goods.shelves[store], ask) for store in near.tolist()):
            found.append(number)
            if len(found) == count:
                break
    return found


def _has(shelf: Mapping[str, int], ask: Ask) -> bool:
    return all(shelf.get(line.sku, 0) >= line.quantity for line in ask.lines)


def _order(number: int, ask: Ask, at: int) -> Order:
    return Order(
        order_id=f"ord_{number:05d}",
        created_at=at,
        door=ask.door,
        address=ask.address,
        lines=ask.lines,
        weight_g=ask.weight_g,
        service_s=ask.service_s,
        basket_cents=ask.basket_cents,
    )


def _set_stage(parcel: Parcel, now: int, start: int, done: int) -> None:
    parcel.picked_at = done
    if now - parcel.order.created_at < _NEW_S and start <= now:
        parcel.status = OrderStatus.RECEIVED
    elif start > now:
        parcel.status = OrderStatus.SOURCED
    else:
        parcel.pick_started_at = start
        parcel.status = OrderStatus.PICKING
        if done <= now:
            parcel.ready_at = done
            parcel.status = OrderStatus.READY


# --- couriers ----------------------------------------------------------------------------------


@dataclass(slots=True)
class _Floor:
    """What is left to be given to couriers, by store, oldest first."""

    goods: Goods
    waiting: dict[int, list[Parcel]] = field(default_factory=dict)

    def take(self, store: int, member: Crew, count: int, courier_id: str) -> list[Parcel]:
        """Take parcels for one bag: the oldest, then those whose doors are nearest to its door."""
        ways = self.goods.ways[member.mode]
        here = [p for p in self.waiting.get(store, ()) if ways[store, p.number] < _FAR_S]
        taken: list[Parcel] = []
        left_g = member.capacity_g
        while here and len(taken) < count:
            if taken:
                door = taken[0].ask.door
                here.sort(key=partial(_apart, door))
            parcel = next((p for p in here if p.order.weight_g <= left_g), None)
            if parcel is None:
                break
            here.remove(parcel)
            self.waiting[store].remove(parcel)
            left_g -= parcel.order.weight_g
            parcel.courier_id = courier_id
            taken.append(parcel)
        return taken


def _apart(door: LonLat, parcel: Parcel) -> float:
    return abs(parcel.ask.door.lon - door.lon) + abs(parcel.ask.door.lat - door.lat)


def crew(
    goods: Goods,
    drawn: Sequence[Parcel],
    team: Iterable[Crew],
    roads: NetworkTravelTimes,
    draw: np.random.Generator,
) -> list[tuple[CourierInPlay, LonLat]]:
    """Return the couriers with their bags and errands, each with where it is; marks the parcels."""
    floor = _Floor(goods)
    for parcel in sorted(drawn, key=lambda p: (p.order.created_at, p.number)):
        if not parcel.is_new and parcel.picked_at <= goods.now:
            floor.waiting.setdefault(parcel.store, []).append(parcel)
    return [
        _seat(f"cou_{index:04d}", member, floor, roads, draw) for index, member in enumerate(team)
    ]


def _seat(
    courier_id: str,
    member: Crew,
    floor: _Floor,
    roads: NetworkTravelTimes,
    draw: np.random.Generator,
) -> tuple[CourierInPlay, LonLat]:
    goods, now = floor.goods, floor.goods.now
    store = _next_store(member, floor, roads, draw)
    home = goods.stores[store].location
    wanted = member.bag + (member.stop is StopKind.PICKUP)
    taken = floor.take(store, member, min(wanted, member.capacity_parcels), courier_id)
    fetches = taken.pop() if member.stop is StopKind.PICKUP and taken else None
    for parcel in taken:
        parcel.on_board = True
        parcel.status = OrderStatus.COLLECTED
    place, since = home, now
    committed: tuple[Stop, ...] = ()
    if fetches is not None:
        committed = (Stop(StopKind.PICKUP, fetches.order.order_id, goods.stores[store].store_id),)
        if not member.arrived:
            place = _on_the_way(fetches.ask.door, home, member.mode, roads, now, draw)
    elif taken and member.stop is not None:
        goal = taken[0]
        committed = (Stop(StopKind.DROPOFF, goal.order.order_id, goods.stores[store].store_id),)
        place = goal.ask.door
        if not member.arrived:
            place = _on_the_way(home, place, member.mode, roads, now, draw)
    arrived = bool(committed) and member.arrived
    if committed:
        since = now - int(draw.integers(0, 60 if arrived else _SEEN_S))
    courier = CourierInPlay(
        courier=Courier(
            courier_id, courier_id, member.mode, home, member.capacity_g, member.capacity_parcels
        ),
        place=0,
        available_at=since,
        shift_start=now - 7200,
        shift_end=now + member.shift_left_s,
        committed=committed,
        arrived=arrived,
        on_board=tuple(sorted(parcel.order.order_id for parcel in taken)),
    )
    return courier, place


def _next_store(
    member: Crew, floor: _Floor, roads: NetworkTravelTimes, draw: np.random.Generator
) -> int:
    """Return a store that a courier can be at: one with parcels waiting, more likely with more."""
    stores = floor.goods.stores
    weights = np.array([len(floor.waiting.get(s, ())) for s in range(len(stores))], dtype=float)
    if (member.bag == 0 and member.stop is None) or not weights.any():
        weights = np.ones(len(stores))
    ups = np.cumsum(weights)
    for _ in range(_STORES_TRIED):
        store = bisect_right(ups.tolist(), float(draw.random()) * float(ups[-1]))
        if _is_near_road(roads, stores[store].location, member.mode):
            return store
    return next(
        s for s, store in enumerate(stores) if _is_near_road(roads, store.location, member.mode)
    )


def _on_the_way(
    origin: LonLat,
    goal: LonLat,
    mode: Mode,
    roads: NetworkTravelTimes,
    now: int,
    draw: np.random.Generator,
) -> LonLat:
    """Return a place on the way, at a drawn share of its time."""
    try:
        way = roads.route(origin, goal, mode, now)
    except (NoRouteError, TooFarFromRoadError):
        return goal
    at = float(draw.random()) * way.duration_s
    first = next((i for i, offset in enumerate(way.offset_s) if offset >= at), -1)
    place = way.points[first]
    # The ends of a way may lie beside the road, and a corner beside another road.
    return place if _is_near_road(roads, place, mode) else goal


def _is_near_road(roads: NetworkTravelTimes, place: LonLat, mode: Mode) -> bool:
    try:
        roads.check_place(place, mode)
    except TooFarFromRoadError:
        return False
    return True


def usable_ways(
    roads: NetworkTravelTimes,
    origins: Sequence[LonLat],
    goals: Sequence[LonLat],
    mode: Mode,
    now: int,
) -> NDArray[np.int32]:
    """Return seconds from origins to goals, `UNREACHABLE_S` where one is too far from a road."""
    rows = [i for i, place in enumerate(origins) if _is_near_road(roads, place, mode)]
    columns = [i for i, place in enumerate(goals) if _is_near_road(roads, place, mode)]
    found = np.full((len(origins), len(goals)), UNREACHABLE_S, dtype=np.int32)
    if rows and columns:
        asked = roads.matrix([origins[i] for i in rows], [goals[i] for i in columns], mode, now)
        found[np.ix_(rows, columns)] = asked.duration_s
    return found
