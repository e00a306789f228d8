"""A problem as the arrays of the compiled search.

Every task is a node; a request has one or more ways to be served (`options`): one node, or a
pickup's and then the delivery's.  What a frozen step does is taken out of its request, because it
is not to be decided any more.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from dispatch.tours.given import nodes_given
from dispatch.tours.model import (
    HOUR_S,
    KM_M,
    MINUTE_S,
    NEVER,
    NO_WAY,
    NOWHERE,
    UNLIMITED,
    Amount,
    Kind,
    Problem,
    Task,
    Vehicle,
    Window,
)

_Number = TypeVar("_Number", bound=np.generic)

_MUST: Final = 1_000_000
"""Weight, in all other requests together, of a delivery whose goods a frozen step fetches."""


class Flat(NamedTuple):
    """What is to be decided; never written to.

    Attributes
    ----------
    place : int64 (nodes,)
    setup, service : int64 (types, nodes)
    window_first : int64 (nodes + 1,)
        Windows of a node are rows `[window_first[n], window_first[n + 1])` of the next two.
    opens, closes : int64 (windows,)
    initial, change : int64 (nodes, dimensions)
        What a node puts on board at the tour's start, and what it changes when it is done.
    due : int64 (nodes,)
    late : float64 (nodes,)
        Price of a second after `due`.
    request_of : int64 (nodes,)
        -1 for what is frozen.
    option_first : int64 (requests + 1,)
    option_a, option_b : int64 (options,)
        Nodes of each way to serve a request; the second is -1 where there is only one.
    weight : int64 (requests,)
        What comes before all costs: the sum over requests without a tour is to be least.
    allowed : uint8 (requests, vehicles)
    kind : int64 (vehicles,)
        Vehicles of one kind are equal: of those without a tour one is asked.
    type_of, table, price : int64 (vehicles,)
        Rows of `service`, of the tables and of `leg_cost`.
    start, end : int64 (vehicles,)
        Rows of the tables, whose last one is nowhere: from and to it all is free.
    ready, back : int64 (vehicles,)
    capacity, base : int64 (vehicles, dimensions)
        Base is what is on board anyhow.
    max_tasks, max_travel, max_length, frozen : int64 (vehicles,)
    fixed, task_cost : float64 (vehicles,)
        Of having a tour, and of a second of setup and service.
    break_first : int64 (vehicles + 1,)
        Its breaks, in the order in which they are taken.
    break_service : int64 (breaks,)
    break_load : int64 (breaks, dimensions)
    break_window_first, break_opens, break_closes : int64
    watched : uint8 (vehicles,)
        1 where a break has a load limit.
    limited : uint8 (vehicles,)
        1 where travel or length has a limit.
    duration, length : int32 (tables, places, places)
    leg_cost : float64 (prices, places, places)
    near : int64 (nodes, near)
        Nodes nearest to each, the nearest first.
    away : float64 (nodes,)
        Of the way from the nearest start.
    soft : bool
        Whether any lateness has a price.
    """

    place: NDArray[np.int64]
    setup: NDArray[np.int64]
    service: NDArray[np.int64]
    window_first: NDArray[np.int64]
    opens: NDArray[np.int64]
    closes: NDArray[np.int64]
    initial: NDArray[np.int64]
    change: NDArray[np.int64]
    due: NDArray[np.int64]
    late: NDArray[np.float64]
    request_of: NDArray[np.int64]
    option_first: NDArray[np.int64]
    option_a: NDArray[np.int64]
    option_b: NDArray[np.int64]
    weight: NDArray[np.int64]
    priority: NDArray[np.int64]
    allowed: NDArray[np.uint8]
    kind: NDArray[np.int64]
    type_of: NDArray[np.int64]
    table: NDArray[np.int64]
    price: NDArray[np.int64]
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    ready: NDArray[np.int64]
    back: NDArray[np.int64]
    capacity: NDArray[np.int64]
    base: NDArray[np.int64]
    max_tasks: NDArray[np.int64]
    max_travel: NDArray[np.int64]
    max_length: NDArray[np.int64]
    frozen: NDArray[np.int64]
    fixed: NDArray[np.float64]
    task_cost: NDArray[np.float64]
    break_first: NDArray[np.int64]
    break_service: NDArray[np.int64]
    break_load: NDArray[np.int64]
    break_window_first: NDArray[np.int64]
    break_opens: NDArray[np.int64]
    break_closes: NDArray[np.int64]
    watched: NDArray[np.uint8]
    limited: NDArray[np.uint8]
    duration: NDArray[np.int32]
    length: NDArray[np.int32]
    leg_cost: NDArray[np.float64]
    near: NDArray[np.int64]
    away: NDArray[np.float64]
    soft: bool


@dataclass(frozen=True, slots=True, eq=False)
class Posed:
    """A problem, its arrays, and what their numbers mean.

    Attributes
    ----------
    node_task
        Of each node its request's row and its task.
    first_tours
        Of each vehicle the nodes of its `steps`.
    break_order
        Of each vehicle, which of its breaks comes when.
    """

    problem: Problem
    flat: Flat
    node_task: tuple[tuple[int, Task], ...]
    first_tours: tuple[tuple[int, ...], ...]
    break_order: tuple[tuple[int, ...], ...]


_NEAR: Final = 200


def pose(problem: Problem) -> Posed:
    """Return a problem as arrays.

    Raises
    ------
    TourError
        A vehicle's steps name what there is not, or twice, or end a shipment before it begins.
    """
    node_task = tuple(
        (row, task)
        for row, request in enumerate(problem.requests)
        for task in (*request.pickups, request.task)
    )
    first_tours = nodes_given(problem, node_task)
    frozen = {
        node
        for vehicle, tour in zip(problem.vehicles, first_tours, strict=True)
        for node in tour[: vehicle.frozen]
    }
    options, weight, allowed = _requests(problem, node_task, first_tours, frozen)
    request_of = np.array(
        [-1 if node in frozen else row for node, (row, _) in enumerate(node_task)], np.int64
    )
    types = sorted({vehicle.vehicle_type for vehicle in problem.vehicles})
    tasks = [task for _, task in node_task]
    windows = _windows([task.windows for task in tasks])
    initial, change = _amounts(problem, node_task)
    order = tuple(_break_order(vehicle) for vehicle in problem.vehicles)
    breaks = [
        vehicle.breaks[index]
        for vehicle, indices in zip(problem.vehicles, order, strict=True)
        for index in indices
    ]
    tables, duration, length = _tables(problem)
    prices, leg_cost = _prices(problem)
    nowhere = duration.shape[1] - 1
    start = _or_nowhere([vehicle.start for vehicle in problem.vehicles], nowhere)
    place = np.array([task.place for task in tasks], np.int64)
    near, away = _neighbours(place, start, leg_cost)
    dimensions = problem.dimensions
    flat = Flat(
        place=place,
        setup=np.array(
            [[t.setup_per_type.get(name, t.setup_s) for t in tasks] for name in types], np.int64
        ),
        service=np.array(
            [[t.service_per_type.get(name, t.service_s) for t in tasks] for name in types],
            np.int64,
        ),
        window_first=windows[0],
        opens=windows[1],
        closes=windows[2],
        initial=initial,
        change=change,
        due=np.array([NEVER if t.due is None else t.due.by for t in tasks], np.int64),
        late=np.array(
            [0.0 if t.due is None else t.due.cost_per_min / MINUTE_S for t in tasks], np.float64
        ),
        request_of=request_of,
        option_first=np.cumsum([0, *(len(ways) for ways in options)]).astype(np.int64),
        option_a=np.array([a for ways in options for a, _ in ways], np.int64),
        option_b=np.array([b for ways in options for _, b in ways], np.int64),
        weight=weight,
        priority=np.array([request.priority for request in problem.requests], np.int64),
        allowed=allowed,
        kind=_kinds(problem.vehicles, allowed, frozen, first_tours),
        type_of=np.array([types.index(v.vehicle_type) for v in problem.vehicles], np.int64),
        table=np.array([tables[_table_key(v)] for v in problem.vehicles], np.int64),
        price=np.array([prices[_price_key(v)] for v in problem.vehicles], np.int64),
        start=start,
        end=_or_nowhere([vehicle.end for vehicle in problem.vehicles], nowhere),
        ready=np.array([vehicle.window[0] for vehicle in problem.vehicles], np.int64),
        # What cannot be done is over at NEVER: later than anybody has to be back.
        back=np.array([min(v.window[1], NEVER - 1) for v in problem.vehicles], np.int64),
        capacity=_matrix([v.capacity for v in problem.vehicles], dimensions, NEVER),
        base=_base(problem),
        max_tasks=np.array([v.max_tasks for v in problem.vehicles], np.int64),
        max_travel=np.array([v.max_travel_s for v in problem.vehicles], np.int64),
        max_length=np.array([v.max_distance_m for v in problem.vehicles], np.int64),
        frozen=np.array([v.frozen for v in problem.vehicles], np.int64),
        fixed=np.array([v.costs.fixed for v in problem.vehicles], np.float64),
        task_cost=np.array([v.costs.per_task_hour / HOUR_S for v in problem.vehicles], np.float64),
        break_first=np.cumsum([0, *(len(v.breaks) for v in problem.vehicles)]).astype(np.int64),
        break_service=np.array([pause.service_s for pause in breaks], np.int64),
        break_load=_matrix([pause.max_load or () for pause in breaks], dimensions, NEVER),
        break_window_first=_windows([pause.windows for pause in breaks])[0],
        break_opens=_windows([pause.windows for pause in breaks])[1],
        break_closes=_windows([pause.windows for pause in breaks])[2],
        watched=np.array(
            [any(pause.max_load is not None for pause in v.breaks) for v in problem.vehicles],
            np.uint8,
        ),
        limited=np.array(
            [min(v.max_travel_s, v.max_distance_m) < UNLIMITED for v in problem.vehicles],
            np.uint8,
        ),
        duration=duration,
        length=length,
        leg_cost=leg_cost,
        near=near,
        away=away,
        soft=any(task.due is not None for task in tasks),
    )
    return Posed(problem, flat, node_task, first_tours, order)


# --- requests -------------------------------------------------------------------------------------


def _requests(
    problem: Problem,
    node_task: tuple[tuple[int, Task], ...],
    first_tours: tuple[tuple[int, ...], ...],
    frozen: set[int],
) -> tuple[list[list[tuple[int, int]]], NDArray[np.int64], NDArray[np.uint8]]:
    """Return the ways to serve each request, its weight, and who may."""
    count = len(problem.requests)
    driver = {node: number for number, tour in enumerate(first_tours) for node in tour}
    nodes_of: list[list[int]] = [[] for _ in range(count)]
    for node, (row, _) in enumerate(node_task):
        nodes_of[row].append(node)
    options: list[list[tuple[int, int]]] = []
    weight = np.array(
        [request.priority * (count + 1) + 1 for request in problem.requests], np.int64
    ).reshape(count)
    must = _MUST * max(1, int(weight.max(initial=1)))
    skills = [vehicle.skills for vehicle in problem.vehicles]
    allowed = np.array(
        [[request.skills <= known for known in skills] for request in problem.requests], np.uint8
    ).reshape(count, len(skills))
    for row, request in enumerate(problem.requests):
        *pickups, last = nodes_of[row]
        done = [node for node in nodes_of[row] if node in frozen]
        if request.on_board is not None:
            allowed[row] = 0
            allowed[row, request.on_board] = 1
        if last in frozen:
            options.append([])
            weight[row] = 0
        elif done:
            options.append([(last, -1)])
            weight[row] = must
            allowed[row] = 0
            allowed[row, driver[done[0]]] = 1
        elif pickups:
            options.append([(pickup, last) for pickup in pickups])
        else:
            options.append([(last, -1)])
    return options, weight, allowed


def _amounts(
    problem: Problem, node_task: tuple[tuple[int, Task], ...]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    initial = np.zeros((len(node_task), problem.dimensions), np.int64)
    change = np.zeros_like(initial)
    for node, (row, task) in enumerate(node_task):
        request = problem.requests[row]
        delivery = _padded(request.delivery, problem.dimensions)
        if task.kind is Kind.JOB:
            initial[node] = delivery
            change[node] = _padded(request.pickup, problem.dimensions) - delivery
        else:
            change[node] = delivery if task.kind is Kind.PICKUP else -delivery
    return initial, change


def _base(problem: Problem) -> NDArray[np.int64]:
    base = np.zeros((len(problem.vehicles), problem.dimensions), np.int64)
    for request in problem.requests:
        if request.on_board is not None:
            base[request.on_board] += _padded(request.delivery, problem.dimensions)
    return base


def _padded(amount: Amount, dimensions: int) -> NDArray[np.int64]:
    """Return an amount of all dimensions; none at all is nothing of each."""
    return np.array(amount or (0,) * dimensions, np.int64)


def _matrix(rows: list[Amount], dimensions: int, missing: int) -> NDArray[np.int64]:
    return np.array([row or (missing,) * dimensions for row in rows], np.int64).reshape(
        len(rows), dimensions
    )


def _windows(
    of_each: list[tuple[Window, ...]],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return where the windows of each begin, when they open and when they close."""
    filled = [sorted(windows) or [(0, NEVER)] for windows in of_each]
    flat = np.array([window for windows in filled for window in windows], np.int64).reshape(-1, 2)
    first = np.cumsum([0, *(len(windows) for windows in filled)]).astype(np.int64)
    return first, flat[:, 0].copy(), flat[:, 1].copy()


# --- vehicles -------------------------------------------------------------------------------------


def _break_order(vehicle: Vehicle) -> tuple[int, ...]:
    """Return the breaks of a vehicle as they are taken: what closes first comes first."""

    def key(index: int) -> tuple[int, int, int]:
        windows = sorted(vehicle.breaks[index].windows) or [(0, NEVER)]
        return windows[-1][1], windows[0][0], index

    return tuple(sorted(range(len(vehicle.breaks)), key=key))


def _table_key(vehicle: Vehicle) -> tuple[str, float]:
    return vehicle.profile, vehicle.speed_factor


def _price_key(vehicle: Vehicle) -> tuple[str, float, int, int]:
    costs = vehicle.costs
    return vehicle.profile, vehicle.speed_factor, costs.per_hour, costs.per_km


def scaled(duration_s: NDArray[np.int32], speed_factor: float) -> NDArray[np.int32]:
    """Return durations at a multiple of the usual speed, in whole seconds."""
    if speed_factor == 1.0:
        return duration_s
    faster = np.floor(duration_s / speed_factor + 0.5)
    return np.where(duration_s >= NO_WAY, NO_WAY, np.minimum(faster, NO_WAY)).astype(np.int32)


def _tables(
    problem: Problem,
) -> tuple[dict[tuple[str, float], int], NDArray[np.int32], NDArray[np.int32]]:
    keys = dict.fromkeys(map(_table_key, problem.vehicles))
    rows = {key: row for row, key in enumerate(keys)}
    duration = np.stack([scaled(problem.tables[name].duration_s, by) for name, by in keys])
    lengths = [problem.tables[name].length_m for name, _ in keys]
    length = np.stack(
        [np.zeros(duration.shape[1:], np.int32) if one is None else one for one in lengths]
    )
    return rows, _with_nowhere(duration), _with_nowhere(length)


def _prices(
    problem: Problem,
) -> tuple[dict[tuple[str, float, int, int], int], NDArray[np.float64]]:
    keys = dict.fromkeys(map(_price_key, problem.vehicles))
    costs = []
    for profile, speed, per_hour, per_km in keys:
        table = problem.tables[profile]
        duration_s = scaled(table.duration_s, speed)
        if table.cost is not None:
            cost = table.cost.astype(np.float64)
        else:
            cost = duration_s.astype(np.float64) * (per_hour / HOUR_S)
            if table.length_m is not None:
                cost = cost + table.length_m * (per_km / KM_M)
        costs.append(np.where(duration_s >= NO_WAY, np.inf, cost))
    return {key: row for row, key in enumerate(keys)}, _with_nowhere(np.stack(costs))


def _with_nowhere(tables: NDArray[_Number]) -> NDArray[_Number]:
    """Return tables with one place more, from and to which all is free: nowhere."""
    return np.ascontiguousarray(np.pad(tables, ((0, 0), (0, 1), (0, 1))))


def _or_nowhere(places: list[int], nowhere: int) -> NDArray[np.int64]:
    return np.array([nowhere if place == NOWHERE else place for place in places], np.int64)


def _kinds(
    vehicles: tuple[Vehicle, ...],
    allowed: NDArray[np.uint8],
    frozen: set[int],
    first_tours: tuple[tuple[int, ...], ...],
) -> NDArray[np.int64]:
    """Return numbers of vehicles: those who can do the same have the same."""
    known: dict[object, int] = {}
    numbers = []
    for number, vehicle in enumerate(vehicles):
        is_own = bool(frozen.intersection(first_tours[number]))
        alike = (
            number if is_own else -1,
            allowed[:, number].tobytes(),
            _price_key(vehicle),
            vehicle.vehicle_type,
            (vehicle.start, vehicle.end, vehicle.window, vehicle.capacity, vehicle.costs),
            tuple((one.windows, one.service_s, one.max_load) for one in vehicle.breaks),
            (vehicle.max_tasks, vehicle.max_travel_s, vehicle.max_distance_m),
        )
        numbers.append(known.setdefault(alike, len(known)))
    return np.array(numbers, np.int64)


def _neighbours(
    place: NDArray[np.int64], start: NDArray[np.int64], leg_cost: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the nodes nearest to each, and how far each is from the nearest start."""
    way = leg_cost[0]
    apart = way[np.ix_(place, place)]
    apart = apart + apart.T
    np.fill_diagonal(apart, -1.0)
    near = np.argsort(apart, axis=1, kind="stable")[:, : _NEAR + 1].astype(np.int64)
    known = start[start < leg_cost.shape[1] - 1]
    if len(known) == 0 or len(place) == 0:
        return near, np.zeros(len(place))
    away = way[np.ix_(np.unique(known), place)].min(axis=0)
    return near, np.where(np.isfinite(away), away, 0.0)
