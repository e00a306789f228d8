"""Snapshots of one moment of a rush hour, at any size: what a tick has to decide about.

The mix of stages, ages, promises, modes and bags is measured in a simulated Friday evening in
Helsinki.  A larger or another city's moment is drawn in that mix on its own roads: real doors and
baskets, stores where it has them and at drawn sites where it has too few, couriers on real ways.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dispatch.model import (
    CourierInPlay,
    DeliveryStatus,
    Mode,
    OrderInPlay,
    Policy,
    Snapshot,
    StopKind,
    Store,
    StoreInPlay,
)
from dispatch.snapshot import store_windows, travel_table
from geo.city import City
from geo.travel import NetworkTravelTimes
from geo.types import LonLat
from simulations.benchmarks.tick_town import Age, Crew, Goods, Parcel, crew, parcels, usable_ways
from simulations.loop import Simulation
from simulations.rng import Streams
from simulations.scenarios.settings import Scenario
from simulations.worlds.demand import Ask, Demand

PLAIN: Final = Policy(
    name="plain",
    buffer_cost=2.0,
    overtime_cost=0.0,
    break_late_cost=0.0,
    chilled_cost=0.0,
    stack_cost=0.0,
    churn_customer_cost=0.0,
    churn_store_cost=0.0,
    churn_sequence_cost=0.0,
    fairness_cost=0.0,
    decline_cost=0.0,
)
"""What the peers can be asked: waiting, slack, lateness, ways and churn have a price, no more."""

RUSH_AFTER_S: Final = 75 * 60
"""A quarter past six: three open orders for each courier."""

COURIERS_PER_ORDER: Final = 0.35
_STORES_AT_100: Final = 40
_STORES_GROW: Final = 0.473
"""40 stores at 100 orders, 200 at 3,000."""
_SITES_TRIED: Final = 8
_MORE: Final = 1.5
"""So many asks are drawn for one that is used: some no store can serve."""
_ORDERS_PER_PICKER: Final = 4
_SUPERMARKET: Final = "supermarket"


class TooFewStoresError(Exception):
    """The stores of a city cannot serve so many orders."""


@dataclass(frozen=True, slots=True)
class Rush:
    """The mix of a rush hour: open orders, and what couriers are doing."""

    orders: tuple[Age, ...]
    crew: tuple[Crew, ...]


def measured(snapshot: Snapshot) -> Rush:
    """Return the mix of a snapshot."""
    fastest = np.minimum.reduce(list(snapshot.travel.duration_s.values()))
    place = {store.store_id: store.place for store in snapshot.stores}
    orders = tuple(
        Age(
            age_s=snapshot.now - o.order.created_at,
            promise_s=o.promise.latest - o.order.created_at,
            trip_s=int(fastest[place[o.store_id], o.place]),
        )
        for o in snapshot.orders
        if o.store_id is not None and not o.returning
    )
    return Rush(orders, tuple(_seen(courier, snapshot.now) for courier in snapshot.couriers))


def rush_hour(scenario: Scenario, city: City, after_s: int = RUSH_AFTER_S) -> Rush:
    """Simulate a scenario up to its rush hour, and return the mix."""
    simulation = Simulation(scenario, city)
    simulation.run(simulation.world.starts_at + after_s)
    return measured(simulation.engine.snapshot())


def _seen(courier: CourierInPlay, now: int) -> Crew:
    stop = courier.committed[0].kind if courier.committed else None
    return Crew(
        mode=courier.courier.mode,
        capacity_g=courier.courier.capacity_g,
        capacity_parcels=courier.courier.capacity_parcels,
        shift_left_s=max(0, courier.shift_end - now),
        stop=None if stop is StopKind.RETURN else stop,
        arrived=courier.arrived,
        bag=len(courier.on_board),
    )


def scaled(
    city: City,
    roads: NetworkTravelTimes,
    scenario: Scenario,
    rush: Rush,
    *,
    orders: int,
    policy: Policy,
    seed: int = 1,
) -> Snapshot:
    """Return a rush hour's moment in a city.

    Parameters
    ----------
    scenario
        What shops and baskets are like; its hour counts as the city's local time.
    rush
        The mix to draw from.
    orders
        How many are open; couriers are 35 for 100 of them.
    seed
        Of everything that is drawn.

    Raises
    ------
    TooFewStoresError
        The city's stores cannot serve so many orders.
    """
    streams = Streams(seed)
    draw = streams.stream("tick", f"{city.name} {orders}")
    now = scenario.start(city.time_zone) + RUSH_AFTER_S
    rush = _ridden(rush, city)
    stores, kinds = _stores(city, scenario, orders, draw)
    asks = _asks(city, scenario, streams, now, math.ceil(orders * _MORE))
    doors = [ask.door for ask in asks]
    modes = sorted({member.mode for member in rush.crew})
    places = [store.location for store in stores]
    ways = {mode: usable_ways(roads, places, doors, mode, now) for mode in modes}
    goods = Goods(
        stores=stores,
        shelves=[_shelf(scenario, kind, draw) for kind in kinds],
        windows=[store_windows(s.opening_hours, city.time_zone, now) for s in stores],
        ways=ways,
        now=now,
    )
    ages = [rush.orders[int(i)] for i in draw.integers(0, len(rush.orders), len(asks))]
    jitter = draw.integers(-60, 61, len(asks)).tolist()
    ages = [replace(a, age_s=max(0, a.age_s + j)) for a, j in zip(ages, jitter, strict=True)]
    drawn = parcels(goods, asks, ages, orders)
    if len(drawn) < orders:
        raise TooFewStoresError(
            f"the stores of {city.name} can serve {len(drawn)} of {orders} orders; ask for fewer"
        )
    team = _team(rush, round(orders * COURIERS_PER_ORDER), draw)
    seated = crew(goods, drawn, team, roads, draw)
    return _snapshot(city, roads, goods, drawn, seated, policy, seed)


def _snapshot(
    city: City,
    roads: NetworkTravelTimes,
    goods: Goods,
    drawn: Sequence[Parcel],
    seated: Sequence[tuple[CourierInPlay, LonLat]],
    policy: Policy,
    seed: int,
) -> Snapshot:
    stores = goods.stores
    fixed = [store.location for store in stores] + [parcel.ask.door for parcel in drawn]
    places = (*fixed, *(place for _, place in seated))
    modes = sorted({courier.courier.mode for courier, _ in seated})
    skus = sorted({line.sku for parcel in drawn for line in parcel.ask.lines})
    return Snapshot(
        zone_id=city.name,
        now=goods.now,
        seq=1,
        places=places,
        travel=travel_table(roads, places, len(fixed), modes, goods.now),
        orders=tuple(
            _order(parcel, len(stores) + index, goods) for index, parcel in enumerate(drawn)
        ),
        stores=tuple(
            StoreInPlay(
                store=store,
                place=index,
                available={sku: goods.shelves[index].get(sku, 0) for sku in skus},
                open_windows=goods.windows[index],
            )
            for index, store in enumerate(stores)
        ),
        couriers=tuple(
            replace(courier, place=len(fixed) + index) for index, (courier, _) in enumerate(seated)
        ),
        policy=policy,
        seed=seed,
    )


def _order(parcel: Parcel, place: int, goods: Goods) -> OrderInPlay:
    store_id = None if parcel.is_new else goods.stores[parcel.store].store_id
    delivery = DeliveryStatus.CREATED if parcel.is_new else DeliveryStatus.CONFIRMED
    if parcel.courier_id is not None:
        delivery = DeliveryStatus.PICKED_UP if parcel.on_board else DeliveryStatus.ENROUTE_TO_PICKUP
    return OrderInPlay(
        order=parcel.order,
        place=place,
        promise=parcel.promise,
        status=parcel.status,
        delivery=delivery,
        store_id=store_id,
        store_fixed=parcel.is_fixed,
        pick_started_at=parcel.pick_started_at,
        ready_at=parcel.ready_at,
        courier_id=parcel.courier_id,
        on_board=parcel.on_board,
    )


def _ridden(rush: Rush, city: City) -> Rush:
    """Return the mix with a city's vehicles: where it is wide, motors only."""
    west, south, east, north = city.bounds
    wide = (east - west) * math.cos(math.radians(south)) > _WIDE_DEG or north - south > _WIDE_DEG
    if not wide:
        return rush
    motors = {
        Mode.WALK: Mode.SCOOTER,
        Mode.BIKE: Mode.SCOOTER,
        Mode.CARGO_BIKE: Mode.CAR,
    }
    return replace(rush, crew=tuple(replace(c, mode=motors.get(c.mode, c.mode)) for c in rush.crew))


_WIDE_DEG: Final = 0.1
"""Some eleven kilometres: nobody walks or cycles through that in the hour."""


def _team(rush: Rush, size: int, draw: np.random.Generator) -> Iterator[Crew]:
    """Yield so many couriers that each kind of the mix is there as often as any other."""
    while size > 0:
        for index in draw.permutation(len(rush.crew))[:size]:
            yield rush.crew[int(index)]
        size -= len(rush.crew)


def _stores(
    city: City, scenario: Scenario, orders: int, draw: np.random.Generator
) -> tuple[list[Store], list[str]]:
    """Return the city's own stores, then drawn sites up to the number wanted; and their kinds."""
    wanted = round(_STORES_AT_100 * (orders / 100) ** _STORES_GROW)
    kinds = [shop.kind for shop in city.stores]
    stores = [
        Store(shop.store_id, shop.name, shop.location, shop.opening_hours) for shop in city.stores
    ]
    for number in range(len(stores), wanted):
        site = _site(city, [store.location for store in stores], draw)
        stores.append(Store(f"sto_drawn{number:03d}", f"Drawn site {number}", site))
        kinds.append(_SUPERMARKET)
    for index, (store, kind) in enumerate(zip(stores, kinds, strict=True)):
        settings = scenario.stores[kind]
        stores[index] = replace(
            store,
            pickers=max(*settings.pickers, math.ceil(orders / wanted / _ORDERS_PER_PICKER)),
            pick_base_s=settings.pick_base_s,
            pick_line_s=settings.pick_line_s,
            pickup_service_s=scenario.handover.pickup_s,
            reach_s=settings.reach_s,
        )
    return stores, kinds


def _site(city: City, taken: Sequence[LonLat], draw: np.random.Generator) -> LonLat:
    """Draw doors by how many people stand behind them; return the one farthest from any store.

    Mitchell's best candidate (1991, doi:10.1145/127719.122736): sites spread without a grid.
    """
    people: NDArray[np.float64] = np.asarray(city.doors.people, dtype=np.float64)
    tried = draw.choice(len(people), _SITES_TRIED, p=people / people.sum())
    shrink = math.cos(math.radians(city.bounds[1]))

    def clearance(door: int) -> float:
        lon, lat = city.doors.location(door)
        return min(math.hypot((lon - s.lon) * shrink, lat - s.lat) for s in taken)

    return city.doors.location(int(max(tried, key=clearance)))


def _asks(city: City, scenario: Scenario, streams: Streams, now: int, count: int) -> list[Ask]:
    """Return so many orders as customers of the scenario would click them, at this city's doors."""
    per_hour = tuple(max(1.0, rate) * count for rate in scenario.demand.per_hour)
    crowd = replace(scenario, demand=replace(scenario.demand, per_hour=per_hour))
    clicks = Demand(crowd, city.doors, city.time_zone, streams).between(now)
    return [ask for ask, _ in zip(clicks, range(count), strict=False)]


def _shelf(scenario: Scenario, kind: str, draw: np.random.Generator) -> dict[str, int]:
    settings = scenario.stores[kind]
    has = draw.random(len(scenario.catalogue)) < settings.assortment * (1 - settings.sold_out_share)
    amounts = draw.poisson(settings.stock_mean, len(scenario.catalogue))
    return {
        article.sku: int(amount) if there else 0
        for article, amount, there in zip(scenario.catalogue, amounts, has, strict=True)
    }
