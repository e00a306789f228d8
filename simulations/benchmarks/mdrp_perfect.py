"""A meal-delivery day when all orders are known from the start: the price of not knowing.

One snapshot with every order and courier of the day, one plan with much effort, carried out as it
stands.  No bound: a heuristic plan can be beaten; but it does not wait for anything to be placed.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from dispatch.check import check
from dispatch.model import (
    CourierInPlay,
    DeliveryStatus,
    LonLat,
    Mode,
    Order,
    OrderInPlay,
    OrderLine,
    OrderStatus,
    Plan,
    Policy,
    Route,
    Snapshot,
    StopKind,
    StoreInPlay,
    TravelTable,
)
from simulations.benchmarks.mdrp_instance import Instance, MealOrder
from simulations.benchmarks.mdrp_rider import Diary, Rider
from simulations.benchmarks.mdrp_travel import MINUTE_S, PlaneTravelTimes
from simulations.benchmarks.mdrp_world import (
    MEAL,
    Day,
    Solver,
    Tick,
    courier_of,
    epoch,
    minute_of,
    promise_of,
    store_of,
)


def foreseen(
    instance: Instance, policy: Policy, solve: Solver, stopwatch: Callable[[], float], seed: int
) -> Day:
    """Plan a whole day at once and carry it out."""
    snapshot = whole_day(instance, policy, seed)
    began = stopwatch()
    plan = solve(snapshot)
    plan_s = stopwatch() - began
    breaches = [f"{v.kind}: {v.subject}: {v.detail}" for v in check(plan, snapshot)]
    diary = Diary(instance)
    for route in plan.routes:
        breaches += _carry_out(route, diary.riders[route.courier_id])
    return Day(
        solution=diary.solution(foreseen=True),
        ticks=(Tick(plan_s * 1000, plan_s * 1000),),
        minutes=1,
        wall_s=plan_s,
        left=_left(plan),
        breaches=(*breaches, *diary.breaches),
    )


def whole_day(instance: Instance, policy: Policy, seed: int) -> Snapshot:
    """Return the first minute of a day with all its orders, as if all were placed and picked.

    A ready time to come stands as a fact; couriers begin where and when their shifts do.
    """
    travel = PlaneTravelTimes(instance)
    counters = list(instance.counters.values())
    doors, homes = list(instance.doors.values()), list(instance.homes.values())
    places = tuple(travel.places[index] for index in (*counters, *doors, *homes))
    found = travel.matrix(places, places, Mode.CAR, 0)
    duration_s = found.duration_s
    access_s = MINUTE_S * instance.parameters.half_pickup_min
    walk_s = np.zeros(len(places), np.int32)
    walk_s[: len(counters)] = access_s
    duration_s = duration_s + walk_s[:, np.newaxis] + walk_s
    np.fill_diagonal(duration_s, 0)
    first = min(
        *(courier.on_min for courier in instance.couriers.values()),
        *(order.placed_min for order in instance.orders.values()),
    )
    last = max(courier.off_min for courier in instance.couriers.values())
    now, windows = epoch(first), ((epoch(first), epoch(last + 1)),)
    stores = tuple(
        StoreInPlay(store_of(instance, key, places[i]), i, {MEAL: len(instance.orders)}, windows)
        for i, key in enumerate(instance.restaurants)
    )
    orders = tuple(
        _order(instance, order, len(stores) + i, places[len(stores) + i])
        for i, order in enumerate(instance.orders.values())
    )
    start = len(stores) + len(orders)
    couriers = tuple(
        CourierInPlay(
            courier_of(key, places[start + i]),
            start + i,
            available_at=max(now, epoch(courier.on_min)),
            shift_start=epoch(courier.on_min),
            shift_end=epoch(courier.off_min),
        )
        for i, (key, courier) in enumerate(instance.couriers.items())
    )
    table = TravelTable({Mode.CAR: duration_s}, {Mode.CAR: found.length_m}, travel.version)
    return Snapshot(
        zone_id=instance.name,
        now=now,
        seq=0,
        places=places,
        travel=table,
        orders=orders,
        stores=stores,
        couriers=couriers,
        policy=policy,
        seed=seed,
    )


def _order(instance: Instance, order: MealOrder, place: int, door: LonLat) -> OrderInPlay:
    placed = epoch(order.placed_min)
    asked = Order(
        order_id=order.order_id,
        created_at=placed,
        door=door,
        address=order.order_id,
        lines=(OrderLine(MEAL, 1),),
        weight_g=1,
        service_s=MINUTE_S * instance.parameters.dropoff_service_min,
        pick_s=MINUTE_S * (order.ready_min - order.placed_min),
    )
    return OrderInPlay(
        asked,
        place,
        promise_of(instance, order),
        OrderStatus.READY,
        DeliveryStatus.CONFIRMED,
        store_id=order.restaurant_id,
        store_fixed=True,
        pick_started_at=placed,
        ready_at=epoch(order.ready_min),
    )


def _carry_out(route: Route, rider: Rider) -> list[str]:
    """Let a courier do a route as it stands; returns where its times are not those of the plane."""
    broken: list[str] = []
    bag: list[str] = []
    doors = [v.stop.order_id for v in route.visits if v.stop.kind is StopKind.DROPOFF]
    for visit in route.visits:
        key = visit.stop.order_id
        told_min = minute_of(visit.arrive_at - visit.travel_s)
        if visit.stop.kind is StopKind.PICKUP:
            arrive_min = rider.told_to_fetch(key, told_min)
            rider.fetched(key, minute_of(visit.begin_at))
            bag.append(key)
        else:
            own = tuple(door for door in doors if door in bag)
            arrive_min = rider.told_to_bring(key, told_min, own)
            rider.brought(key, arrive_min)
            bag.remove(key)
        if arrive_min != minute_of(visit.arrive_at):
            broken.append(f"{route.courier_id} reaches {key} at {arrive_min}, not as planned")
    return broken


def _left(plan: Plan) -> dict[str, str]:
    return {u.order_id: f"{u.reason.value}, {u.detail}" for u in plan.unassigned}
