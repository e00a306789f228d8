"""VROOM at every decision, through pyvroom: a routing solver as the fleet's dispatcher.

It is asked in the fairest way known to us.  VROOM knows hard time windows and the cost of
travel, no cost of lateness: left alone it would let orders wait as long as their windows allow.
So windows at the door begin tight and are widened, step by step, for those orders only that it
can't serve: first `SLACK_S` after the earliest possible arrival, then the promise, then none.

What VROOM can't express is seen to around it:

- Committed stops: the vehicle starts where and when they are done, with the load by then.
- One store per trip: whoever has left the store starts after the bag, and each route is
  rearranged into trips of one store, keeping VROOM's order of stores and of doors.
- No pickup after the shift, but drop-offs: the vehicle's window ends later by the longest trip
  from a store to a door, and orders fetched too late are taken out again, last ones first.

References
----------
Coupey, Nicod, Varnier: VROOM, Vehicle Routing Open-source Optimization Machine (2018 on),
https://vroom-project.org.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Final

import numpy as np

from dispatch.bags import load_of, room_of
from dispatch.model import UNREACHABLE_S, Plan, Route, Snapshot, Stop, StopKind
from simulations.baselines.errors import PeerMissingError
from simulations.baselines.routes import timed, written
from simulations.baselines.scene import Hand, Scene, look

SLACK_S: Final = 600
EXPLORATION: Final = 5
"""VROOM's own default; its most thorough level."""

_FAR_S: Final = 864_000
"""A leg without a way, and the end of a window without an end."""
_MUST: Final = 100
"""VROOM's highest priority."""
_TASKS: Final = ("pickup", "delivery", "job")
_WIDEST: Final = 2
"""Widenings of a window: the promise, then none."""


def library() -> Any:
    """Return pyvroom.

    Raises
    ------
    PeerMissingError
        It is not installed.
    """
    try:
        return import_module("vroom")
    except ModuleNotFoundError as error:
        raise PeerMissingError(
            f"the baseline vroom needs {error.name}, which is not installed; "
            "install it: pip install 'samehour[dev]'"
        ) from error


def vroom(snapshot: Snapshot) -> Plan:
    """Return VROOM's plan, each store as it is sourced; raises `PeerMissingError`."""
    kit = library()
    scene = look(snapshot)
    vehicles = [_vehicle(scene, hand) for hand in scene.hands.values()]
    able = [one for one in vehicles if one.hand.ends or one.hand.courier.shift_end >= scene.now]
    if not able or not (scene.free or any(one.ends for one in able)):
        return written(scene, {}, "vroom", {})
    model = _Model(kit, scene, able)
    widened = dict.fromkeys(scene.free, 0)
    while True:
        routes, left = model.solve(widened)
        tight = [key for key in left if widened[key] < _WIDEST]
        if not tight:
            break
        for key in tight:
            widened[key] += 1
    return _plan(scene, able, routes)


@dataclass(frozen=True, slots=True)
class _Vehicle:
    """A courier from the moment that may be decided about.

    Attributes
    ----------
    prefix
        Stops before it.
    ends
        What is in the bag then and may be brought in any order.
    """

    hand: Hand
    prefix: tuple[Stop, ...]
    ends: tuple[Stop, ...]
    place: int
    start: int


def _vehicle(scene: Scene, hand: Hand) -> _Vehicle:
    one_store = scene.situation.policy.one_store_per_trip
    fixed = one_store and hand.fetches_at is None
    prefix, ends = (hand.stops, ()) if fixed else (hand.committed, hand.ends)
    done = timed(scene, hand, prefix)
    if done is None:
        return _Vehicle(hand, (), ends, hand.courier.place, scene.earliest(hand))
    return _Vehicle(hand, prefix, ends, scene.place(prefix[-1]), done.visits[-1].depart_at)


class _Model:
    """The snapshot in VROOM's words; times count from the decision on.

    A vehicle's number is its place in `vehicles`, as is its skill; an order's number its place
    among the free orders, those in bags follow.
    """

    def __init__(self, kit: Any, scene: Scene, vehicles: Sequence[_Vehicle]) -> None:
        self._kit = kit
        self._scene = scene
        self._vehicles = vehicles
        self._orders = list(scene.free)
        self._carried = [(index, stop) for index, one in enumerate(vehicles) for stop in one.ends]
        doors = [(scene.store(key).place, scene.free[key].place) for key in self._orders]
        ways_s = [int(scene.fastest_s[store, door]) for store, door in doors]
        self._trip_s = dict(zip(self._orders, ways_s, strict=True))
        self._longest_s = max((s for s in ways_s if s < UNREACHABLE_S), default=0)

    def solve(self, widened: Mapping[str, int]) -> tuple[dict[int, list[Stop]], list[str]]:
        """Return the stops of each vehicle in VROOM's order, and the orders it leaves out.

        Parameters
        ----------
        widened
            How often each order's window at the door was widened.
        """
        kit, scene = self._kit, self._scene
        problem = kit.Input()
        for mode in sorted({one.hand.courier.courier.mode for one in self._vehicles}):
            table = scene.situation.snapshot.travel.duration_s[mode]
            problem.set_durations_matrix(str(mode.value), np.minimum(table, _FAR_S))
        for index in range(len(self._vehicles)):
            problem.add_vehicle(self._vehicle(index))
        for number, key in enumerate(self._orders):
            problem.add_job(self._shipment(number, key, widened[key]))
        for number, (index, stop) in enumerate(self._carried, start=len(self._orders)):
            problem.add_job(self._carry(number, index, stop))
        solution = problem.solve(EXPLORATION, nb_threads=1)
        found: dict[int, list[Stop]] = {}
        # pyvroom leaves the column of ids out where no task is on any route.
        steps = solution.routes
        tasks = steps[steps["type"].isin(_TASKS)] if "id" in steps else steps[:0]
        for task in tasks.itertuples():
            found.setdefault(int(task.vehicle_id), []).append(self._stop(task.type, int(task.id)))
        routed = {stop.order_id for stops in found.values() for stop in stops}
        return found, [key for key in self._orders if key not in routed]

    def _stop(self, kind: str, number: int) -> Stop:
        if kind == "job":
            return self._carried[number - len(self._orders)][1]
        key = self._orders[number]
        return self._scene.pickup(key) if kind == "pickup" else self._scene.dropoff(key)

    def _vehicle(self, index: int) -> Any:
        kit, scene, one = self._kit, self._scene, self._vehicles[index]
        courier = one.hand.courier
        orders = scene.situation.orders
        load = load_of(orders[stop.order_id].order for stop in one.ends)
        skills = {index}
        skills |= {
            len(self._vehicles) + number
            for number, key in enumerate(self._orders)
            if courier.courier_id not in scene.free[key].declined_by
        }
        start = max(0, one.start - scene.now)
        held = timed(scene, one.hand, one.hand.stops)
        done = start if held is None else held.visits[-1].depart_at - scene.now
        end = max(done, courier.shift_end - scene.now) + self._longest_s
        return kit.Vehicle(
            index,
            start=one.place,
            profile=str(courier.courier.mode.value),
            capacity=list(map(max, room_of(courier.courier), load)),
            skills=skills,
            time_window=kit.TimeWindow(start, max(start, end)),
        )

    def _shipment(self, number: int, key: str, widened: int) -> Any:
        kit, scene = self._kit, self._scene
        order, store, now = scene.free[key], scene.store(key), scene.now
        fetch_at = scene.fetch_at[key]
        open_at = [
            kit.TimeWindow(start - now, end - 1 - now)
            for start, end in _apart(store.open_windows, fetch_at)
        ]
        service_s = store.store.pickup_service_s
        earliest = fetch_at + service_s + self._trip_s[key] - now
        promised = order.promise.latest - order.order.service_s - now
        until = (min(promised, earliest + SLACK_S), promised, _FAR_S)[widened]
        return kit.Shipment(
            kit.ShipmentStep(number, store.place, default_service=service_s, time_windows=open_at),
            kit.ShipmentStep(
                number,
                order.place,
                default_service=order.order.service_s,
                time_windows=[kit.TimeWindow(0, max(0, until))],
            ),
            amount=list(load_of([order.order])),
            skills={len(self._vehicles) + number} if order.declined_by else set(),
        )

    def _carry(self, number: int, index: int, stop: Stop) -> Any:
        kit, scene, one = self._kit, self._scene, self._vehicles[index]
        order = scene.situation.orders[stop.order_id]
        held = timed(scene, one.hand, one.hand.stops)
        planned = [v.arrive_at for v in held.visits if v.stop == stop] if held is not None else []
        until = max(order.promise.latest - scene.service_s(stop), *planned) - scene.now
        return kit.Job(
            number,
            scene.place(stop),
            default_service=scene.service_s(stop),
            delivery=list(load_of([order.order])),
            skills={index},
            priority=_MUST,
            time_windows=[kit.TimeWindow(0, max(0, until))],
        )


def _apart(windows: Iterable[tuple[int, int]], since: int) -> list[tuple[int, int]]:
    """Return windows from a time on, ascending and with time between them, as VROOM demands."""
    found: list[tuple[int, int]] = []
    for start, end in sorted(windows):
        begin, until = max(start, since), end
        if begin >= until:
            continue
        if found and begin <= found[-1][1]:
            begin, last = found.pop()
            until = max(last, until)
        found.append((begin, until))
    return found


def _plan(scene: Scene, vehicles: Sequence[_Vehicle], found: Mapping[int, Sequence[Stop]]) -> Plan:
    routes: dict[str, Route] = {}
    left = dict.fromkeys(scene.free, "VROOM found no courier who can bring it")
    for index, stops in sorted(found.items()):
        one = vehicles[index]
        after = [*stops, *(stop for stop in one.ends if stop not in stops)]
        if scene.situation.policy.one_store_per_trip:
            after = trips(after, one.hand.fetches_at)
        route = timed(scene, one.hand, (*one.prefix, *after), just_in_time=True)
        while route is None and (last := _last_fetched(after)) is not None:
            after = [stop for stop in after if stop.order_id != last]
            left[last] = "VROOM's route would fetch it after the shift or while the store is closed"
            route = timed(scene, one.hand, (*one.prefix, *after), just_in_time=True)
        if route is not None:
            routes[one.hand.courier_id] = route
    return written(scene, routes, "vroom", left)


def _last_fetched(stops: Sequence[Stop]) -> str | None:
    pickups = [stop.order_id for stop in stops if stop.kind is StopKind.PICKUP]
    return pickups[-1] if pickups else None


def trips(stops: Sequence[Stop], begun_at: str | None) -> list[Stop]:
    """Return stops rearranged into trips of one store each.

    A trip fetches what is fetched before its first drop-off at the store of the first pickup
    left; its doors keep their order.  What was mixed in from other stores follows in later trips.

    Parameters
    ----------
    begun_at
        The store of the trip that what is in the bag belongs to; None with an empty bag.
    """
    fetched = {stop.order_id for stop in stops if stop.kind is StopKind.PICKUP}
    taken = {stop.order_id for stop in stops} - fetched
    store_id = begun_at
    left = list(stops)
    found: list[Stop] = []
    while left:
        if not taken:
            store_id = left[0].store_id
        for stop in left:
            if stop.kind is not StopKind.PICKUP and stop.order_id in taken:
                break
            if stop.kind is StopKind.PICKUP and stop.store_id == store_id:
                taken.add(stop.order_id)
        trip = [stop for stop in left if stop.order_id in taken]
        found += [stop for stop in trip if stop.kind is StopKind.PICKUP]
        found += [stop for stop in trip if stop.kind is not StopKind.PICKUP]
        left = [stop for stop in left if stop.order_id not in taken]
        taken = set()
    return found
