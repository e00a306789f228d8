"""Who a tick is measured beside: OR-Tools' routing model alone, and VROOM.

Each works in a child process that can be ended, on one core, and says what it finds as it goes.
Its clock starts when its model stands: what it takes to hand the question over is not counted
against it.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from importlib import import_module
from multiprocessing.connection import Connection
from typing import Any, Final, NamedTuple

import numpy as np

from simulations.benchmarks.tick_case import Case, Sequences, Task

_SCALE: Final = 4
"""Costs are whole numbers to OR-Tools; a quarter of a courier-second is near enough."""
_TYPICAL_LATE_S: Final = 300
"""OR-Tools knows one slope for lateness: that of the square here."""
_DAY_S: Final = 86_400
_FAR_S: Final = 200_000
"""Longer than the solver's day, and still safe to add up."""
_GRACE_S: Final = 10
"""A child that is this late is ended."""
_BUILD_S: Final = 180
"""A model that does not stand by then will not be waited for."""
_SAY_AGAIN: Final = 0.02
"""Solutions that follow sooner than this share of the time so far are not told one by one."""

_OR_TOOLS_SLACK_S: Final = 600
_OR_TOOLS_HOPELESS_S: Final = 900
"""OR-Tools inserts well only with a hard end to every hand-over: the promise and this, or this
after the soonest possible where no promise can be kept."""
_VROOM_SLACKS_S: Final = (-300, 300, 3600)
_VROOM_HOPELESS_S: Final = 100
"""VROOM knows no lateness.  It is asked to be as early as the buffer wants; what it leaves out is
asked for again with a later end.  Of the ends that were tried these gave the cheapest plans."""
_VROOM_LEVELS: Final = 6
_BAG_PRIORITY: Final = 100


@dataclass(frozen=True, slots=True)
class Found:
    """A solution.

    Attributes
    ----------
    after_s
        Of work, from the moment the model stood.
    how
        Parameters it was found with.
    """

    after_s: float
    how: str
    sequences: Sequences


@dataclass(frozen=True, slots=True)
class Answer:
    """All that a peer had to say.

    Attributes
    ----------
    build_s
        Until its model stood; None if it never did.
    end
        How it ended: `done`, `ended` (it would not stop by itself) or `died`.
    """

    name: str
    build_s: float | None
    found: tuple[Found, ...]
    end: str


Say = Callable[[object], None]


class Peer(NamedTuple):
    """A contestant of another house.

    Attributes
    ----------
    work
        Answers a case: says how long its model took to build, then what it finds.
    calls
        How often it takes its time.
    """

    name: str
    work: Callable[[Case, float, Say], None]
    calls: int


def ask(peer: Peer, case: Case, seconds: float) -> Answer:
    """Let a peer work in a child process for so long a call; end it when it is over its time."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe(duplex=False)
    child = context.Process(target=_child, args=(peer.work, case, seconds, there), daemon=True)
    child.start()
    there.close()
    build_s: float | None = None
    found: list[Found] = []
    end = "ended"
    until = time.monotonic() + _BUILD_S
    try:
        while here.poll(max(0.0, until - time.monotonic())):
            said = here.recv()
            if isinstance(said, Found):
                found.append(said)
            elif isinstance(said, float):
                build_s = said
                until = time.monotonic() + peer.calls * (seconds + _GRACE_S)
            else:
                end = "done"
                break
    except EOFError:
        end = "died"
    finally:
        child.kill()
        child.join()
        here.close()
    return Answer(peer.name, build_s, tuple(found), end)


def _child(
    work: Callable[[Case, float, Say], None], case: Case, seconds: float, there: Connection
) -> None:
    work(case, seconds, there.send)
    there.send("done")


def soonest_s(case: Case) -> list[int]:
    """Return when each task's hand-over can begin at the earliest, bags brought one by one."""
    fastest = case.duration_s.min(axis=0)
    at = [max(0, vehicle.start_s) for vehicle in case.vehicles]
    found: list[int] = []
    for task in case.tasks:
        if task.vehicle < 0:
            way_s = int(fastest[task.pickup_place, task.door_place])
            found.append(task.ready_s + task.pickup_service_s + way_s)
            continue
        vehicle = case.vehicles[task.vehicle]
        at[task.vehicle] += int(case.duration_s[vehicle.mode][vehicle.place, task.door_place])
        found.append(at[task.vehicle])
        at[task.vehicle] += task.door_service_s
    return found


def _until(task: Task, slack_s: int, possible_s: int) -> int:
    """Return when the hand-over must begin: by the promise, or when it is possible."""
    return max(task.latest_s - task.door_service_s + slack_s, possible_s)


# --- OR-Tools ----------------------------------------------------------------------------------


def or_tools(case: Case, seconds: float, say: Say) -> None:
    """Route the whole snapshot: cheapest insertion, then guided local search.

    Of the first solutions there are, two are worth their time here: insertion by the cost of the
    whole route, the best by far, and by that of the legs alone, which is there sooner.
    """
    from ortools.constraint_solver import routing_enums_pb2  # noqa: PLC0415 - it may end a process

    strategies = routing_enums_pb2.FirstSolutionStrategy
    for name in ("LOCAL_CHEAPEST_COST_INSERTION", "LOCAL_CHEAPEST_INSERTION"):
        began = time.perf_counter()
        routing = _Routing(case)
        parameters = routing.kit.DefaultRoutingSearchParameters()
        parameters.first_solution_strategy = getattr(strategies, name)
        parameters.local_search_metaheuristic = (
            routing_enums_pb2.LocalSearchMetaheuristic.GUIDED_LOCAL_SEARCH
        )
        parameters.time_limit.FromMilliseconds(round(seconds * 1000))
        routing.model.CloseModelWithParameters(parameters)
        say(time.perf_counter() - began)
        _search(routing, parameters, name.lower().replace("_", " "), say)


def _search(routing: _Routing, parameters: Any, how: str, say: Say) -> None:
    """Search, and say every solution that is cheaper than all before, but not too often."""
    began = time.perf_counter()
    best = float("inf")
    told_s = 0.0
    held: Found | None = None

    def hear() -> None:
        nonlocal best, told_s, held
        cost = routing.model.CostVar().Value()
        if cost >= best:
            return
        best = cost
        after_s = time.perf_counter() - began
        held = Found(after_s, how, routing.read())
        if after_s >= told_s * (1 + _SAY_AGAIN):
            say(held)
            told_s, held = after_s, None

    routing.model.AddAtSolutionCallback(hear)
    routing.model.SolveWithParameters(parameters)
    if held is not None:
        say(held)


class _Routing:
    """OR-Tools' model of a case.

    Nodes: for each task its pickup (if it is still to be fetched) and its end, for each vehicle
    its start, and one node for all ends, which costs nothing to reach.
    """

    def __init__(self, case: Case) -> None:
        from ortools.constraint_solver import pywrapcp  # noqa: PLC0415

        self.kit = pywrapcp
        self.case = case
        self.steps = [
            step
            for number, task in enumerate(case.tasks)
            for step in ([2 * number] if task.vehicle < 0 else []) + [2 * number + 1]
        ]
        self.node = {step: node for node, step in enumerate(self.steps)}
        count, fleet = len(self.steps), len(case.vehicles)
        starts = list(range(count, count + fleet))
        self.manager = pywrapcp.RoutingIndexManager(
            count + fleet + 1, fleet, starts, [count + fleet] * fleet
        )
        self.model = pywrapcp.RoutingModel(self.manager)
        self._add_legs()
        self._add_loads()
        self._add_times()
        self._add_pairs()

    def read(self) -> Sequences:
        """Return the solution that was just found."""
        routes: list[tuple[int, ...]] = []
        for vehicle in range(len(self.case.vehicles)):
            steps: list[int] = []
            index = self.model.NextVar(self.model.Start(vehicle)).Value()
            while not self.model.IsEnd(index):
                steps.append(self.steps[self.manager.IndexToNode(index)])
                index = self.model.NextVar(index).Value()
            routes.append(tuple(steps))
        return tuple(routes)

    def _index(self, step: int) -> int:
        index: int = self.manager.NodeToIndex(self.node[step])
        return index

    def _task(self, step: int) -> Task:
        return self.case.tasks[step >> 1]

    def _add_legs(self) -> None:
        case = self.case
        places = [
            self._task(step).door_place if step & 1 else self._task(step).pickup_place
            for step in self.steps
        ]
        service_s = [
            self._task(step).door_service_s if step & 1 else self._task(step).pickup_service_s
            for step in self.steps
        ]
        places += [vehicle.place for vehicle in case.vehicles]
        service_s += [0] * len(case.vehicles)
        side = len(places) + 1
        self.time_of: dict[int, int] = {}
        cost_of: dict[int, int] = {}
        for number, vehicle in enumerate(case.vehicles):
            if vehicle.mode not in self.time_of:
                legs = np.ix_(places, places)
                times = np.zeros((side, side), dtype=np.int64)
                times[:-1, :-1] = np.minimum(case.duration_s[vehicle.mode][legs], _FAR_S)
                times[:-1, :-1] += np.array(service_s)[:, np.newaxis]
                costs = np.zeros((side, side), dtype=np.int64)
                costs[:-1, :-1] = np.minimum(case.cost[vehicle.mode][legs], _FAR_S) * _SCALE
                self.time_of[vehicle.mode] = self.model.RegisterTransitMatrix(times.tolist())
                cost_of[vehicle.mode] = self.model.RegisterTransitMatrix(costs.tolist())
            self.model.SetArcCostEvaluatorOfVehicle(cost_of[vehicle.mode], number)

    def _add_loads(self) -> None:
        case = self.case
        rest = [0] * (len(case.vehicles) + 1)
        signs = [-1 if step & 1 else 1 for step in self.steps]
        weights = [
            sign * self._task(step).weight_g for sign, step in zip(signs, self.steps, strict=True)
        ]
        bag_g, bag = [0] * len(case.vehicles), [0] * len(case.vehicles)
        for task in case.tasks:
            if task.vehicle >= 0:
                bag_g[task.vehicle] += task.weight_g
                bag[task.vehicle] += 1
        for name, change, most, loaded in (
            ("weight", weights, [v.capacity_g for v in case.vehicles], bag_g),
            ("parcels", signs, [v.capacity_parcels for v in case.vehicles], bag),
        ):
            transit = self.model.RegisterUnaryTransitVector([*change, *rest])
            self.model.AddDimensionWithVehicleCapacity(transit, 0, most, False, name)
            dimension = self.model.GetDimensionOrDie(name)
            for vehicle, load in enumerate(loaded):
                dimension.CumulVar(self.model.Start(vehicle)).SetValue(load)

    def _add_times(self) -> None:
        """Add time with its costs, which grow in three steps: waiting, buffer used up, late.

        The model knows one slope per clock and place, so each step has a clock of its own.
        """
        slopes = self.case.slopes
        late = slopes.late + slopes.late_square * _TYPICAL_LATE_S
        for name, slope, ahead_s in (
            ("late", max(0.0, late - slopes.buffer - slopes.waiting), 0),
            ("buffer", slopes.buffer, slopes.buffer_s),
            ("waiting", slopes.waiting, _DAY_S),
        ):
            if slope <= 0 and name != "late":
                continue
            clock = self._add_clock(name)
            for step in self.steps:
                if step & 1:
                    task = self._task(step)
                    bound = max(0, task.latest_s - ahead_s - task.door_service_s)
                    clock.SetCumulVarSoftUpperBound(self._index(step), bound, int(_SCALE * slope))
        self.time = self.model.GetDimensionOrDie("late")
        soonest = soonest_s(self.case)
        for step in self.steps:
            if step & 1:
                until = _until(
                    self._task(step), _OR_TOOLS_SLACK_S, soonest[step >> 1] + _OR_TOOLS_HOPELESS_S
                )
                self.time.CumulVar(self._index(step)).SetMax(until)

    def _add_clock(self, name: str) -> Any:
        transits = [self.time_of[vehicle.mode] for vehicle in self.case.vehicles]
        self.model.AddDimensionWithVehicleTransits(transits, _DAY_S, 2 * _DAY_S, False, name)
        clock = self.model.GetDimensionOrDie(name)
        for number, vehicle in enumerate(self.case.vehicles):
            clock.CumulVar(self.model.Start(number)).SetValue(max(0, vehicle.start_s))
        for step in self.steps:
            if not step & 1:
                clock.CumulVar(self._index(step)).SetMin(self._task(step).ready_s)
        return clock

    def _add_pairs(self) -> None:
        solver = self.model.solver()
        penalty = int(_SCALE * self.case.slopes.undelivered)
        for number, task in enumerate(self.case.tasks):
            end = self._index(2 * number + 1)
            if task.vehicle >= 0:
                self.model.VehicleVar(end).SetValue(task.vehicle)
                continue
            pickup = self._index(2 * number)
            self.model.AddPickupAndDelivery(pickup, end)
            solver.Add(self.model.VehicleVar(pickup) == self.model.VehicleVar(end))
            solver.Add(self.time.CumulVar(pickup) <= self.time.CumulVar(end))
            self.model.AddDisjunction([pickup], penalty)
            self.model.AddDisjunction([end], penalty)


# --- VROOM -------------------------------------------------------------------------------------


def vroom(case: Case, seconds: float, say: Say) -> None:
    """Route the whole snapshot at each exploration level, as long as time lasts.

    VROOM's time windows are hard and it knows no price for late: what it leaves out is given
    more time and all is asked for again, with the times of the calls added up.
    """
    say(0.0)
    for level in range(_VROOM_LEVELS):
        slacks = [_VROOM_SLACKS_S[0]] * len(case.tasks)
        after_s = 0.0
        for more_s in (*_VROOM_SLACKS_S[1:], None):
            problem = _vroom_problem(case, slacks)
            began = time.perf_counter()
            solved = problem.solve(
                exploration_level=level, nb_threads=1, timeout=timedelta(seconds=seconds)
            )
            after_s += time.perf_counter() - began
            routes = _vroom_read(case, solved)
            say(Found(after_s, f"exploration level {level}", routes))
            brought = {step >> 1 for route in routes for step in route}
            left = set(range(len(slacks))) - brought
            if more_s is None or not left:
                break
            slacks = [more_s if n in left else slack for n, slack in enumerate(slacks)]
        if after_s >= seconds:
            return


def vroom_library() -> Any:
    """Return pyvroom's module; raises `ModuleNotFoundError` where it is not installed."""
    return import_module("vroom")


def _vroom_problem(case: Case, slacks_s: Sequence[int]) -> Any:
    kit = vroom_library()
    problem = kit.Input()
    for mode, name in enumerate(case.modes):
        problem.set_durations_matrix(name, np.minimum(case.duration_s[mode], _FAR_S))
        costs = np.minimum(case.cost[mode], _FAR_S).astype(np.uint32)
        problem.set_costs_matrix(name, costs)
    for number, vehicle in enumerate(case.vehicles):
        problem.add_vehicle(
            kit.Vehicle(
                number,
                start=vehicle.place,
                profile=case.modes[vehicle.mode],
                capacity=[vehicle.capacity_g, vehicle.capacity_parcels],
                skills={number},
                time_window=kit.TimeWindow(max(0, vehicle.start_s), _FAR_S),
            )
        )
    for number, (task, soonest, slack_s) in enumerate(
        zip(case.tasks, soonest_s(case), slacks_s, strict=True)
    ):
        amount = kit.Amount([task.weight_g, 1])
        window = [kit.TimeWindow(0, _until(task, slack_s, soonest + _VROOM_HOPELESS_S))]
        if task.vehicle >= 0:
            problem.add_job(
                kit.Job(
                    2 * number + 1,
                    task.door_place,
                    default_service=task.door_service_s,
                    delivery=amount,
                    skills={task.vehicle},
                    priority=_BAG_PRIORITY,
                    time_windows=window,
                )
            )
            continue
        problem.add_shipment(
            kit.ShipmentStep(
                2 * number,
                task.pickup_place,
                default_service=task.pickup_service_s,
                time_windows=[kit.TimeWindow(task.ready_s, _FAR_S)],
            ),
            kit.ShipmentStep(
                2 * number + 1,
                task.door_place,
                default_service=task.door_service_s,
                time_windows=window,
            ),
            amount=amount,
            priority=1,
        )
    return problem


def _vroom_read(case: Case, solved: Any) -> Sequences:
    routes: list[list[int]] = [[] for _ in case.vehicles]
    rows = np.asarray(solved._routes_numpy())  # noqa: SLF001 - the public frame needs seconds
    for vehicle, kind, step in zip(
        rows["vehicle_id"].tolist(),
        rows["type"].astype("U9").tolist(),
        rows["id"].tolist(),
        strict=True,
    ):
        if kind in {"pickup", "delivery", "job"}:
            routes[vehicle].append(int(step))
    return tuple(tuple(route) for route in routes)


PEERS: Final = (
    Peer("OR-Tools", or_tools, 2),
    Peer("VROOM", vroom, _VROOM_LEVELS * len(_VROOM_SLACKS_S)),
)
