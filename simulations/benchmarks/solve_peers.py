"""Ours, VROOM and OR-Tools' routing model on the same problem: who serves what, in which order."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from time import perf_counter
from typing import Any, Final

import numpy as np
from ortools.constraint_solver import pywrapcp, routing_enums_pb2

from dispatch.tours.model import Effort, Kind, Problem, Request, Task
from dispatch.tours.solve import solve

_VROOM_LEVEL: Final = 5
_UNSERVED: Final = 1_000
"""Price of what is left out, in the dearest way there and back and vehicles, for OR-Tools."""

Orders = dict[int, list[tuple[int, Task]]]
"""Of each vehicle's row: requests' rows and tasks, in their order."""


@dataclass(frozen=True, slots=True)
class Budget:
    """Wall seconds for each, and the seed of ours."""

    seconds: float
    seed: int


@dataclass(frozen=True, slots=True)
class Found:
    """Tours, and how long they took."""

    orders: Orders
    wall_s: float


def ours(problem: Problem, budget: Budget) -> Found:
    """Return our tours."""
    began = perf_counter()
    effort = Effort(2**62, lambda: (perf_counter() - began) / budget.seconds)
    answer = solve(problem, seed=budget.seed, effort=effort)
    orders: Orders = {}
    for tour in answer.tours:
        orders[tour.vehicle] = [
            (step.request, _task(problem.requests[step.request], step.kind))
            for step in tour.steps
            if step.request is not None
        ]
    return Found(orders, perf_counter() - began)


def _task(request: Request, kind: Kind) -> Task:
    return request.pickups[0] if kind is Kind.PICKUP else request.task


def vroom(problem: Problem, budget: Budget) -> Found:
    """Return VROOM's tours at its most thorough level; raises `ModuleNotFoundError`."""
    kit: Any = import_module("vroom")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "problem.json")
        path.write_text(json.dumps(as_vroom(problem)), encoding="utf-8")
        posed = kit.Input.from_json(path)
        began = perf_counter()
        left = timedelta(seconds=budget.seconds)
        solved = posed.solve(exploration_level=_VROOM_LEVEL, nb_threads=1, timeout=left)
        wall_s = perf_counter() - began
    known = {
        (task.kind, task.task_id): (row, task)
        for row, request in enumerate(problem.requests)
        for task in (*request.pickups, request.task)
    }
    rows = np.asarray(solved._routes_numpy())  # noqa: SLF001 - the public frame needs seconds
    numbers = {vehicle.vehicle_id: row for row, vehicle in enumerate(problem.vehicles)}
    orders: Orders = {}
    for vehicle, kind, key in zip(
        rows["vehicle_id"].tolist(),
        rows["type"].astype("U9").tolist(),
        rows["id"].tolist(),
        strict=True,
    ):
        if kind in {"job", "single", "pickup", "delivery"}:
            name = Kind.JOB if kind == "single" else Kind(kind)
            orders.setdefault(numbers[vehicle], []).append(known[name, int(key)])
    return Found(orders, wall_s)


def as_vroom(problem: Problem) -> dict[str, Any]:
    """Return a problem in VROOM's JSON."""

    def task(one: Task) -> dict[str, Any]:
        told: dict[str, Any] = {"id": one.task_id, "location_index": one.place}
        if one.windows:
            told["time_windows"] = [list(window) for window in one.windows]
        return {**told, "setup": one.setup_s, "service": one.service_s}

    jobs, shipments = [], []
    none = [0] * problem.dimensions
    for request in problem.requests:
        shared = {"skills": sorted(request.skills), "priority": request.priority}
        if request.pickups:
            pickup, delivery = task(request.pickups[0]), task(request.task)
            amount = list(request.delivery) or none
            shipments.append({"pickup": pickup, "delivery": delivery, "amount": amount, **shared})
        else:
            amounts = {
                "delivery": list(request.delivery) or none,
                "pickup": list(request.pickup) or none,
            }
            jobs.append({**task(request.task), **amounts, **shared})
    vehicles = [
        {
            "id": one.vehicle_id,
            "profile": one.profile,
            "start_index": one.start,
            "end_index": one.end,
            "capacity": list(one.capacity),
            "skills": sorted(one.skills),
            "time_window": list(one.window),
            "costs": {"fixed": one.costs.fixed, "per_hour": one.costs.per_hour},
            "breaks": [
                {
                    "id": pause.break_id,
                    "service": pause.service_s,
                    "time_windows": [list(window) for window in pause.windows],
                }
                for pause in one.breaks
            ],
        }
        for one in problem.vehicles
    ]
    tables = {name: {"durations": one.duration_s.tolist()} for name, one in problem.tables.items()}
    return {"vehicles": vehicles, "jobs": jobs, "shipments": shipments, "matrices": tables}


class _Model:
    """OR-Tools' routing model of a problem: one table, vehicles from one depot and back."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.nodes = [
            (row, task)
            for row, request in enumerate(problem.requests)
            for task in (*request.pickups, request.task)
        ]
        self.manager = pywrapcp.RoutingIndexManager(len(self.nodes) + 1, len(problem.vehicles), 0)
        self.model = pywrapcp.RoutingModel(self.manager)
        first = problem.vehicles[0]
        places = [first.start, *(task.place for _, task in self.nodes)]
        way = problem.tables[first.profile].duration_s[np.ix_(places, places)].astype(np.int64)
        service = np.array([0, *(task.service_s for _, task in self.nodes)], np.int64)
        self.service = service.tolist()
        self.model.SetArcCostEvaluatorOfAllVehicles(self.model.RegisterTransitMatrix(way.tolist()))
        transit = self.model.RegisterTransitMatrix((way + service[:, np.newaxis]).tolist())
        horizon = max(vehicle.window[1] for vehicle in problem.vehicles)
        self.model.AddDimension(transit, horizon, horizon, False, "time")
        self.clock = self.model.GetDimensionOrDie("time")
        dearest = 2 * int(way.max()) + max(one.costs.fixed for one in problem.vehicles)
        self.penalty = _UNSERVED * dearest
        self._add_tasks()
        self._add_vehicles()
        for dimension in range(problem.dimensions):
            self._add_load(dimension)

    def _index(self, node: int) -> int:
        index: int = self.manager.NodeToIndex(node + 1)
        return index

    def _add_tasks(self) -> None:
        model = self.model
        by_row: dict[int, list[int]] = {}
        for node, (row, task) in enumerate(self.nodes):
            index = self._index(node)
            by_row.setdefault(row, []).append(index)
            window = task.windows[0]
            self.clock.CumulVar(index).SetRange(*window)
            model.AddDisjunction([index], self.penalty)
            needed = self.problem.requests[row].skills
            able = [n for n, one in enumerate(self.problem.vehicles) if needed <= one.skills]
            if len(able) < len(self.problem.vehicles):
                model.VehicleVar(index).SetValues([-1, *able])
        for indices in by_row.values():
            if len(indices) > 1:
                fetch, bring = indices
                model.AddPickupAndDelivery(fetch, bring)
                model.solver().Add(model.VehicleVar(fetch) == model.VehicleVar(bring))
                model.solver().Add(self.clock.CumulVar(fetch) <= self.clock.CumulVar(bring))

    def _add_vehicles(self) -> None:
        solver = self.model.solver()
        visits = [0] * self.model.Size()
        for node in range(len(self.nodes)):
            visits[self._index(node)] = self.service[node + 1]
        for number, vehicle in enumerate(self.problem.vehicles):
            self.model.SetFixedCostOfVehicle(vehicle.costs.fixed, number)
            self.clock.CumulVar(self.model.Start(number)).SetRange(*vehicle.window)
            self.clock.CumulVar(self.model.End(number)).SetRange(*vehicle.window)
            pauses = [
                solver.FixedDurationIntervalVar(
                    *pause.windows[0], pause.service_s, False, f"break {number}"
                )
                for pause in vehicle.breaks
            ]
            if pauses:
                self.clock.SetBreakIntervalsOfVehicle(pauses, number, visits)

    def _add_load(self, dimension: int) -> None:
        """Add a load: what is brought is on board from the start, what is fetched to the end."""
        delivered = [0] * (len(self.nodes) + 1)
        change = [0] * (len(self.nodes) + 1)
        for node, (row, task) in enumerate(self.nodes, 1):
            request = self.problem.requests[row]
            out = request.delivery[dimension] if request.delivery else 0
            back = request.pickup[dimension] if request.pickup else 0
            if task.kind is Kind.PICKUP:
                change[node] = out
            else:
                change[node] = back - out
            delivered[node] = out if task.kind is Kind.JOB else 0
        model = self.model
        capacity = [one.capacity[dimension] for one in self.problem.vehicles]
        name = f"load {dimension}"
        index = model.RegisterUnaryTransitVector(change)
        model.AddDimensionWithVehicleCapacity(index, 0, capacity, False, name)
        if not any(delivered):
            for number in range(len(capacity)):
                start = model.GetDimensionOrDie(name).CumulVar(model.Start(number))
                start.SetValue(0)
            return
        index = model.RegisterUnaryTransitVector(delivered)
        model.AddDimensionWithVehicleCapacity(index, 0, capacity, True, f"delivered {dimension}")
        load = model.GetDimensionOrDie(name)
        brought = model.GetDimensionOrDie(f"delivered {dimension}")
        for number in range(len(capacity)):
            start, end = model.Start(number), model.End(number)
            model.solver().Add(load.CumulVar(start) == brought.CumulVar(end))

    def solve(self, seconds: float) -> Orders:
        """Return its tours: cheapest insertion in parallel, then guided local search."""
        parameters = pywrapcp.DefaultRoutingSearchParameters()
        first = routing_enums_pb2.FirstSolutionStrategy
        then = routing_enums_pb2.LocalSearchMetaheuristic
        parameters.first_solution_strategy = first.PARALLEL_CHEAPEST_INSERTION
        parameters.local_search_metaheuristic = then.GUIDED_LOCAL_SEARCH
        parameters.time_limit.FromMilliseconds(max(1, round(seconds * 1000)))
        found = self.model.SolveWithParameters(parameters)
        orders: Orders = {}
        for number in range(len(self.problem.vehicles)) if found is not None else ():
            index = found.Value(self.model.NextVar(self.model.Start(number)))
            while not self.model.IsEnd(index):
                node = self.manager.IndexToNode(index)
                orders.setdefault(number, []).append(self.nodes[node - 1])
                index = found.Value(self.model.NextVar(index))
        return orders


def or_tools(problem: Problem, budget: Budget) -> Found:
    """Return what OR-Tools' routing model finds alone."""
    began = perf_counter()
    model = _Model(problem)
    orders = model.solve(max(0.001, budget.seconds - (perf_counter() - began)))
    return Found(orders, perf_counter() - began)


Solver = Callable[[Problem, Budget], Found]
OURS: Final = "ours"
SOLVERS: Final[dict[str, Solver]] = {OURS: ours, "VROOM": vroom, "OR-Tools": or_tools}
