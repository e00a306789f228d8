"""Ours and its peers on a Li & Lim problem: the same whole numbers, the same time, one core.

Times are ten-thousandths, ways rounded up, so that what keeps its windows in whole numbers keeps
them as it is.  A vehicle costs more than all ways together can save.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from importlib import import_module
from time import perf_counter
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from ortools.constraint_solver import pywrapcp, routing_enums_pb2

from dispatch.solving.model import Effort, Shipment, Task, Vehicle, Visit
from dispatch.solving.solve import solve
from simulations.benchmarks.lilim_check import Tours
from simulations.benchmarks.lilim_files import Instance, Node

SCALE: Final = 10_000
_VEHICLE: Final = 10.0
"""Price of a vehicle for ten pairs of tasks, in longest ways there and back."""

_VROOM_LEVEL: Final = 5
_VROOM_SCALE: Final = 1_000
"""It multiplies times by a hundred itself, in 32 bits at the door."""

_UNSERVED: Final = 100
"""Price of a pair left out, in vehicles, where a solver has to have one."""


@dataclass(frozen=True, slots=True)
class Budget:
    """What a solver may take.

    Attributes
    ----------
    rounds
        Of ours; None for as many as the time allows.
    """

    seconds: float
    seed: int
    rounds: int | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """Tours, what they took, and rounds where a solver counts them."""

    tours: Tours
    wall_s: float
    rounds: int = 0


def ours(instance: Instance, budget: Budget) -> Answer:
    """Return our solution."""
    began = perf_counter()
    effort = Effort(2**62, lambda: (perf_counter() - began) / budget.seconds)
    if budget.rounds is not None:
        effort = Effort(budget.rounds)
    found = solve(task_of(instance), seed=budget.seed, effort=effort)
    delivery = dict(instance.pairs)
    tours = [
        [
            int(stop.shipment_id) if stop.is_pickup else delivery[int(stop.shipment_id)]
            for stop in route.stops
        ]
        for route in found.routes
    ]
    return Answer(tours, perf_counter() - began, found.rounds)


def task_of(instance: Instance) -> Task:
    """Return an instance as a task; a shipment is called as its pickup is numbered."""
    places = _places(instance)
    ways = ways_of(instance, SCALE)
    depot = instance.nodes[0]
    earliest, latest = _window(depot, SCALE)
    return Task(
        shipments=tuple(
            Shipment(
                str(pickup),
                _visit(instance, places, pickup),
                _visit(instance, places, delivery),
                weight_g=instance.nodes[pickup].demand,
            )
            for pickup, delivery in instance.pairs
        ),
        vehicles=tuple(
            Vehicle(
                str(number),
                start=places[0],
                end=places[0],
                earliest=earliest,
                latest=latest,
                capacity_g=instance.capacity,
                fixed_cost=_vehicle_cost(instance, ways) / SCALE,
            )
            for number in range(instance.vehicles)
        ),
        duration_s={"car": ways},
        travel_cost=1.0 / SCALE,
    )


def or_tools(instance: Instance, budget: Budget) -> Answer:
    """Return what OR-Tools' routing model finds alone: insertion, then guided local search."""
    began = perf_counter()
    numbers = list(_places(instance))
    ways = ways_of(instance, SCALE)
    manager = pywrapcp.RoutingIndexManager(len(numbers), instance.vehicles, 0)
    model = pywrapcp.RoutingModel(manager)
    nodes = [instance.nodes[number] for number in numbers]
    model.SetArcCostEvaluatorOfAllVehicles(model.RegisterTransitMatrix(ways.tolist()))
    vehicle_cost = _vehicle_cost(instance, ways)
    model.SetFixedCostOfAllVehicles(vehicle_cost)
    service = np.array([round(node.service * SCALE) for node in nodes])
    transit = model.RegisterTransitMatrix((ways + service[:, np.newaxis]).tolist())
    horizon = _window(nodes[0], SCALE)[1]
    model.AddDimension(transit, horizon, horizon, False, "time")
    load = model.RegisterUnaryTransitVector([node.demand for node in nodes])
    model.AddDimension(load, 0, instance.capacity, True, "load")
    clock = model.GetDimensionOrDie("time")
    for place, node in enumerate(nodes[1:], 1):
        clock.CumulVar(manager.NodeToIndex(place)).SetRange(*_window(node, SCALE))
    earliest, _ = _window(nodes[0], SCALE)
    for vehicle in range(instance.vehicles):
        clock.CumulVar(model.Start(vehicle)).SetMin(earliest)
    places = _places(instance)
    for pickup, delivery in instance.pairs:
        fetch, bring = (manager.NodeToIndex(places[number]) for number in (pickup, delivery))
        model.AddPickupAndDelivery(fetch, bring)
        model.solver().Add(model.VehicleVar(fetch) == model.VehicleVar(bring))
        model.solver().Add(clock.CumulVar(fetch) <= clock.CumulVar(bring))
        for index in (fetch, bring):
            model.AddDisjunction([index], _UNSERVED * vehicle_cost)
    parameters = pywrapcp.DefaultRoutingSearchParameters()
    first = routing_enums_pb2.FirstSolutionStrategy
    then = routing_enums_pb2.LocalSearchMetaheuristic
    parameters.first_solution_strategy = first.PARALLEL_CHEAPEST_INSERTION
    parameters.local_search_metaheuristic = then.GUIDED_LOCAL_SEARCH
    left_s = max(0.001, budget.seconds - (perf_counter() - began))
    parameters.time_limit.FromMilliseconds(max(1, round(left_s * 1000)))
    found = model.SolveWithParameters(parameters)
    tours: list[list[int]] = []
    for vehicle in range(instance.vehicles) if found is not None else ():
        index = found.Value(model.NextVar(model.Start(vehicle)))
        tour: list[int] = []
        while not model.IsEnd(index):
            tour.append(numbers[manager.IndexToNode(index)])
            index = found.Value(model.NextVar(index))
        tours.append(tour)
    return Answer([tour for tour in tours if tour], perf_counter() - began)


def vroom(instance: Instance, budget: Budget) -> Answer:
    """Return what VROOM finds at its most thorough level; raises `ModuleNotFoundError`."""
    kit: Any = import_module("vroom")
    began = perf_counter()
    places = _places(instance)
    ways = ways_of(instance, _VROOM_SCALE)
    problem = kit.Input()
    problem.set_durations_matrix("car", ways.astype(np.uint32))
    window = kit.TimeWindow(*_window(instance.nodes[0], _VROOM_SCALE))
    fixed = kit.VehicleCosts(fixed=_vehicle_cost(instance, ways))
    for number in range(instance.vehicles):
        problem.add_vehicle(
            kit.Vehicle(
                number,
                start=0,
                end=0,
                profile="car",
                capacity=[instance.capacity],
                time_window=window,
                costs=fixed,
            )
        )

    def step(number: int) -> Any:
        node = instance.nodes[number]
        return kit.ShipmentStep(
            number,
            places[number],
            default_service=round(node.service * _VROOM_SCALE),
            time_windows=[kit.TimeWindow(*_window(node, _VROOM_SCALE))],
        )

    for pickup, delivery in instance.pairs:
        amount = kit.Amount([instance.nodes[pickup].demand])
        problem.add_shipment(step(pickup), step(delivery), amount=amount)
    left = timedelta(seconds=budget.seconds)
    solved = problem.solve(exploration_level=_VROOM_LEVEL, nb_threads=1, timeout=left)
    tours: dict[int, list[int]] = {}
    rows = np.asarray(solved._routes_numpy())  # noqa: SLF001 - the public frame needs seconds
    kinds = rows["type"].astype("U9").tolist()
    for vehicle, kind, key in zip(
        rows["vehicle_id"].tolist(), kinds, rows["id"].tolist(), strict=True
    ):
        if kind in {"pickup", "delivery"}:
            tours.setdefault(vehicle, []).append(int(key))
    return Answer(list(tours.values()), perf_counter() - began)


Solver = Callable[[Instance, Budget], Answer]
OURS: Final = "ours"
SOLVERS: Final[dict[str, Solver]] = {OURS: ours, "OR-Tools": or_tools, "VROOM": vroom}


def ways_of(instance: Instance, scale: int) -> NDArray[np.int32]:
    """Return all ways in whole numbers, rounded up, shape (nodes, nodes); the depot is first."""
    nodes = [instance.nodes[number] for number in _places(instance)]
    x, y = np.array([node.x for node in nodes]), np.array([node.y for node in nodes])
    apart = np.hypot(x[:, np.newaxis] - x, y[:, np.newaxis] - y)
    ways: NDArray[np.int32] = np.ceil(apart * scale - _LAST_BIT).astype(np.int32)
    return ways


_LAST_BIT: Final = 1e-6
"""A way that is a whole number is not rounded up for the last bit of its float."""


def _places(instance: Instance) -> dict[int, int]:
    """Return the row of each node in tables."""
    return {number: row for row, number in enumerate(sorted(instance.nodes))}


def _window(node: Node, scale: int) -> tuple[int, int]:
    return int(np.ceil(node.earliest * scale)), int(np.floor(node.latest * scale))


def _visit(instance: Instance, places: dict[int, int], number: int) -> Visit:
    node = instance.nodes[number]
    earliest, latest = _window(node, SCALE)
    return Visit(places[number], earliest, latest, round(node.service * SCALE))


def _vehicle_cost(instance: Instance, ways: NDArray[np.int32]) -> int:
    """Return what a vehicle costs: more than any tours may save by one more of them."""
    return int(_VEHICLE * 2 * int(ways.max(initial=1)) * max(1.0, len(instance.pairs) / 10))
