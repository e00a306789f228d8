"""OR-Tools' routing model of some couriers and orders: pickups with alternatives, breaks, bags.

It starts from the plan that the search found and only goes downhill, up to a number of solutions:
the same model always comes to the same end, whatever the machine.  All times and costs are
matrices and vectors handed over once; the solver never calls back.

The library ends the process, or raises, on variables without a value: on an empty fleet, an empty
model, a window that has no time in it.  `RoutingModel.of` looks at all that first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from ortools.constraint_solver import (
    pywrapcp,
    routing_enums_pb2,
    routing_parameters_pb2,
)
from ortools.util import optional_boolean_pb2

from dispatch.planning import arrays as a
from dispatch.planning.improve import Search
from dispatch.planning.problem import Posed
from dispatch.planning.schedule import OVER, PLACE, RESTED

_SCALE: Final = 100
"""The solver counts in whole numbers: hundredths of a courier-second."""

_TYPICAL_LATE_S: Final = 300
"""The solver's lateness is linear; its slope is the policy's at this lateness."""

_FAR_S: Final = 864_000
"""A leg without a way: longer than the solver's horizon, and still safe to add up."""

_DAY_S: Final = 86_400
"""Nothing planned now happens later than this after now."""

_HORIZON_S: Final = 2 * _DAY_S
"""The solver's clocks end so long after now."""

_NO_LIMIT_S: Final = 86_400
"""On the clock: longer than any search may take."""

_STORES: Final = 3
"""Stores that an order may come from in a model: its own, and those that have it there first."""

_ON: Final = optional_boolean_pb2.BOOL_TRUE
_OFF: Final = optional_boolean_pb2.BOOL_FALSE
_MOVES: Final = (
    "use_light_relocate_pair",
    "use_exchange_pair",
    "use_relocate_subtrip",
    "use_exchange_subtrip",
    "use_make_active",
    "use_relocate",
    "use_or_opt",
)
"""Local search moves that suit pickups and deliveries; the others cost more than they find."""

_STORE_MOVE: Final = "use_extended_swap_active"
"""The move that changes the store of an order, where any may change."""

_PARCELS: Final = "parcels"
_BAGS: Final = (
    ("weight", a.JOB_WEIGHT_G, a.COURIER_CAPACITY_G, a.COURIER_BAG_G),
    ("volume", a.JOB_VOLUME_ML, a.COURIER_CAPACITY_ML, a.COURIER_BAG_ML),
    ("chilled", a.JOB_CHILLED, a.COURIER_CAPACITY_CHILLED, a.COURIER_BAG_CHILLED),
    (_PARCELS, None, a.COURIER_CAPACITY_PARCELS, a.COURIER_BAG_PARCELS),
)
"""What fills a bag: columns of an order, of what the bag holds and of what is in it; each order is
one parcel."""

Span = tuple[int, int]
"""First and last second of something, counted from now."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Steps of each courier, and the candidate of each order that was given another store."""

    steps: Mapping[int, list[int]]
    chosen: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class _Node:
    """Something to do: a step, for a pickup from one of its candidates; when it may begin."""

    step: int
    candidate: int
    place: int
    service_s: int
    span: Span

    @property
    def is_pickup(self) -> bool:
        return not self.step & 1


def steps_of(search: Search, courier: int) -> list[int]:
    """Return the steps of a courier's route."""
    routes = search.routes
    found: list[int] = routes.steps[courier, : routes.count[courier]].tolist()
    return found


def first_loads(posed: Posed, search: Search, courier: int) -> list[int] | None:
    """Return what is in a bag after the locked steps, as `_BAGS`; None if it was ever too full."""
    crew, jobs = posed.problem.couriers[courier], posed.problem.jobs
    most = [int(crew[holds]) for _, _, holds, _ in _BAGS]
    loads = [int(crew[has]) for _, _, _, has in _BAGS]
    too_full = any(load > limit for load, limit in zip(loads, most, strict=True))
    for step in steps_of(search, courier)[: int(crew[a.COURIER_LOCKED])]:
        sign = -1 if step & 1 else 1
        for index, (_, takes, _, _) in enumerate(_BAGS):
            loads[index] += sign * (1 if takes is None else int(jobs[step >> 1, takes]))
        too_full = too_full or any(load > limit for load, limit in zip(loads, most, strict=True))
    return None if too_full else loads


def search_parameters(
    solutions: int, *, stores: bool = False
) -> routing_parameters_pb2.RoutingSearchParameters:
    """Return how the solver searches: downhill, to so many solutions, and never by the clock.

    Parameters
    ----------
    stores
        Whether any order may come from another store.
    """
    parameters = pywrapcp.DefaultRoutingSearchParameters()
    parameters.local_search_metaheuristic = (
        routing_enums_pb2.LocalSearchMetaheuristic.GREEDY_DESCENT
    )
    parameters.solution_limit = solutions
    # By default a neighbour is given up after a tenth of a second on the clock: on a busy machine
    # the same problem would come to another end.
    parameters.lns_time_limit.seconds = _NO_LIMIT_S
    # Else every change of a route with a break is a linear program: five times the time for the
    # same plans.
    parameters.disable_scheduling_beware_this_may_degrade_performance = True
    used = (*_MOVES, _STORE_MOVE) if stores else _MOVES
    moves = parameters.local_search_operators
    for move in moves.DESCRIPTOR.fields_by_name:
        setattr(moves, move, _ON if move in used else _OFF)
    return parameters


class RoutingModel:
    """The routing model of some couriers and orders.

    Nodes: for each free order its pickups, one for each store it may come from, and its end; for
    each order in a bag its end; for each courier the place where the locked steps end; and one
    node for all route ends, which costs nothing to reach.

    Attributes
    ----------
    visited
        How many solutions the solver met.
    """

    def __init__(
        self, posed: Posed, search: Search, couriers: Sequence[int], nodes: Sequence[_Node]
    ) -> None:
        self._posed = posed
        self._problem = posed.problem
        self._search = search
        self._now = posed.problem.now
        self._couriers = list(couriers)
        self._nodes = list(nodes)
        self.visited = 0
        locked = self._problem.couriers[:, a.COURIER_LOCKED].tolist()
        self._locked = [steps_of(search, c)[: locked[c]] for c in self._couriers]
        self._open = [steps_of(search, c)[locked[c] :] for c in self._couriers]
        # The store of now comes first.
        self._node_of: dict[int, int] = {}
        self._pickups: dict[int, list[int]] = {}
        for number, node in enumerate(self._nodes):
            self._node_of.setdefault(node.step, number)
            if node.is_pickup:
                self._pickups.setdefault(node.step >> 1, []).append(number)
        count = len(self._nodes)
        self._end = count + len(self._couriers)
        self._manager = pywrapcp.RoutingIndexManager(
            self._end + 1,
            len(self._couriers),
            [count + index for index in range(len(self._couriers))],
            [self._end] * len(self._couriers),
        )
        self._model = pywrapcp.RoutingModel(self._manager)

    @classmethod
    def of(
        cls, posed: Posed, search: Search, couriers: Sequence[int], jobs: Sequence[int]
    ) -> Self | None:
        """Return the model of some couriers and free orders; None where there cannot be one."""
        nodes: list[_Node] = []
        routed = 0
        for job in jobs:
            pickups = _pickups(posed, search, job)
            end = _end_of(posed, 2 * job + 1)
            is_posable = bool(pickups) and _is_span(end)
            owner = int(search.owner[job])
            if owner < 0 and not is_posable:
                continue
            if not is_posable or (owner >= 0 and pickups[0].candidate != search.routes.chosen[job]):
                return None
            routed += 1
            nodes += (*pickups, end)
        for courier in couriers:
            locked = int(posed.problem.couriers[courier, a.COURIER_LOCKED])
            free_at = int(search.depart[courier, locked]) - posed.problem.now
            if free_at > _HORIZON_S:
                return None
            held = [
                _end_of(posed, step)
                for step in steps_of(search, courier)[locked:]
                if posed.problem.jobs[step >> 1, a.JOB_BAG] >= 0
            ]
            if not all(map(_is_span, held)):
                return None
            nodes += held
        return cls(posed, search, couriers, nodes) if routed else None

    def solve(self, solutions: int) -> Answer | None:
        """Return the solver's answer; None if it has none."""
        self._add_legs()
        self._add_loads()
        self._add_times()
        self._add_orders()
        self._add_breaks()
        self._add_churn()
        has_choice = any(len(numbers) > 1 for numbers in self._pickups.values())
        parameters = search_parameters(solutions, stores=has_choice)
        self._model.CloseModelWithParameters(parameters)
        sequences = [[self._node_of[step] for step in steps] for steps in self._open]
        first = self._model.ReadAssignmentFromRoutes(sequences, True)
        if first is None:
            return None
        found = self._model.SolveFromAssignmentWithParameters(first, parameters)
        self.visited = self._model.solver().Solutions()
        return None if found is None else self._read(found)

    def _read(self, found: pywrapcp.Assignment) -> Answer | None:
        routes: dict[int, list[int]] = {}
        chosen: dict[int, int] = {}
        for vehicle, courier in enumerate(self._couriers):
            sequence = list(self._locked[vehicle])
            index = found.Value(self._model.NextVar(self._model.Start(vehicle)))
            while not self._model.IsEnd(index):
                node = self._nodes[self._manager.IndexToNode(index)]
                sequence.append(node.step)
                if node.is_pickup and node.candidate != self._search.routes.chosen[node.step >> 1]:
                    chosen[node.step >> 1] = node.candidate
                index = found.Value(self._model.NextVar(index))
            routes[courier] = sequence
        return Answer(routes, chosen)

    # --- the parts of the model ----------------------------------------------------------------

    def _free_from(self, vehicle: int) -> tuple[int, int]:
        """Return where and how long after now a courier is done with the locked steps."""
        courier, locked = self._couriers[vehicle], self._locked[vehicle]
        state = self._search.board.state
        leaves_s = max(0, int(self._search.depart[courier, len(locked)]) - self._now)
        return int(state[courier, len(locked), PLACE]), leaves_s

    def _add_legs(self) -> None:
        places = [node.place for node in self._nodes]
        places += [self._free_from(vehicle)[0] for vehicle in range(len(self._couriers))]
        rest = [0] * len(self._couriers)
        service_s = np.array([*(node.service_s for node in self._nodes), *rest])
        moved = np.array([*map(self._moving_cost, self._nodes), *rest])
        prices = self._problem.prices
        self._modes = self._problem.couriers[self._couriers, a.COURIER_MODE].tolist()
        self._time_of: dict[int, int] = {}
        cost_of: dict[int, int] = {}
        nothing = [0] * (len(places) + 1)
        grid = np.ix_(places, places)
        for vehicle, mode in enumerate(self._modes):
            if mode not in self._time_of:
                way_s = self._problem.duration_s[mode][grid].astype(np.int64)
                costs = prices[a.PRICE_TRAVEL] * way_s
                costs += prices[a.PRICE_LENGTH] * self._problem.length_m[mode][grid]
                costs += moved[:, np.newaxis]
                costs = np.minimum(costs * _SCALE, _FAR_S * _SCALE).astype(np.int64)
                times = np.minimum(way_s, _FAR_S) + service_s[:, np.newaxis]
                self._time_of[mode], cost_of[mode] = (
                    self._model.RegisterTransitMatrix([*([*row, 0] for row in table), nothing])
                    for table in (times.tolist(), costs.tolist())
                )
            self._model.SetArcCostEvaluatorOfVehicle(cost_of[mode], vehicle)

    def _moving_cost(self, node: _Node) -> float:
        """Return the price of fetching an order elsewhere than its store has been told."""
        home = int(self._problem.jobs[node.step >> 1, a.JOB_HOME])
        is_moved = node.is_pickup and home >= 0 and node.candidate != home
        return float(self._problem.prices[a.PRICE_CHURN]) if is_moved else 0.0

    def _add_loads(self) -> None:
        jobs = self._problem.jobs[[node.step >> 1 for node in self._nodes]]
        sign = np.array([1 if node.is_pickup else -1 for node in self._nodes])
        loads = [first_loads(self._posed, self._search, c) or [] for c in self._couriers]
        rest = [0] * (len(self._couriers) + 1)
        for index, (name, takes, holds, _) in enumerate(_BAGS):
            change = sign if takes is None else sign * jobs[:, takes]
            capacity = self._problem.couriers[self._couriers, holds].tolist()
            transit = self._model.RegisterUnaryTransitVector([*change.tolist(), *rest])
            self._model.AddDimensionWithVehicleCapacity(transit, 0, capacity, False, name)
            dimension = self._model.GetDimensionOrDie(name)
            for vehicle, load in enumerate(loads):
                dimension.CumulVar(self._model.Start(vehicle)).SetValue(load[index])

    def _add_times(self) -> None:
        """Add time with its costs, which grow in three steps: waiting, slack used up, late.

        The solver knows one slope per clock and place, so each step has a clock of its own.
        """
        policy = self._posed.situation.policy
        buffer = policy.buffer_cost if policy.buffer_s > 0 else 0.0
        late = policy.late_cost + policy.late_square_cost * _TYPICAL_LATE_S
        clocks = (
            ("time", max(0.0, late - buffer - policy.waiting_cost), 0),
            ("slack", buffer, policy.buffer_s),
            ("patience", policy.waiting_cost, None),
        )
        self._clocks = []
        for name, slope, ahead_s in clocks:
            if slope <= 0 and name != "time":
                continue
            clock = self._add_clock(name)
            self._clocks.append(clock)
            for number, node in enumerate(self._nodes):
                if node.is_pickup:
                    continue
                bound = 0
                if ahead_s is not None:
                    latest = int(self._problem.jobs[node.step >> 1, a.JOB_LATEST])
                    bound = latest - ahead_s - node.service_s - self._now
                if bound < _DAY_S and slope > 0:
                    clock.SetCumulVarSoftUpperBound(
                        self._index(number), max(0, bound), int(_SCALE * slope)
                    )
        self._time = self._clocks[0]

    def _add_clock(self, name: str) -> pywrapcp.RoutingDimension:
        transits = [self._time_of[mode] for mode in self._modes]
        self._model.AddDimensionWithVehicleTransits(transits, _DAY_S, _HORIZON_S, False, name)
        clock = self._model.GetDimensionOrDie(name)
        for vehicle in range(len(self._couriers)):
            clock.CumulVar(self._model.Start(vehicle)).SetValue(self._free_from(vehicle)[1])
        for number, node in enumerate(self._nodes):
            clock.CumulVar(self._index(number)).SetRange(*node.span)
        return clock

    def _add_orders(self) -> None:
        """Tie each order's end to one of its pickups, or leave out both at a price."""
        solver = self._model.solver()
        penalty = int(_SCALE * self._posed.situation.policy.undelivered_cost)
        crew = self._problem.couriers[self._couriers]
        done = [
            int(self._search.over[courier, self._search.routes.count[courier] - 1])
            for courier in self._couriers
        ]
        horizon_s = max(done) - self._now + 3600
        ends = (crew[:, a.COURIER_SHIFT_END] - self._now).tolist()
        for job, numbers in self._pickups.items():
            pickups = [self._index(number) for number in numbers]
            end = self._index(self._node_of[2 * job + 1])
            self._model.AddPickupAndDeliverySets(
                self._model.AddDisjunction(pickups, penalty),
                self._model.AddDisjunction([end], penalty),
            )
            vehicles = [self._model.VehicleVar(pickup) for pickup in pickups]
            # Who is not used has the vehicle -1.
            fetched_by = vehicles[0] if len(vehicles) == 1 else solver.Max(vehicles)
            solver.Add(fetched_by == self._model.VehicleVar(end))
            for pickup, vehicle in zip(pickups, vehicles, strict=True):
                if len(pickups) == 1:
                    solver.Add(self._time.CumulVar(pickup) <= self._time.CumulVar(end))
                else:
                    unused_s = _HORIZON_S * (1 - self._model.ActiveVar(pickup))
                    solver.Add(self._time.CumulVar(pickup) <= self._time.CumulVar(end) + unused_s)
                for barred, courier in enumerate(self._couriers):
                    if not self._problem.allowed[job, courier]:
                        vehicle.RemoveValue(barred)
                # Place 0 is for "no vehicle", which the solver calls -1.
                if min(ends) < horizon_s:
                    latest = solver.Element([_HORIZON_S, *ends], (vehicle + 1).Var())
                    solver.Add(self._time.CumulVar(pickup) <= latest)
        for vehicle, steps in enumerate(self._open):
            for step in steps:
                if self._problem.jobs[step >> 1, a.JOB_BAG] >= 0:
                    self._model.VehicleVar(self._index(self._node_of[step])).SetValue(vehicle)

    def _add_breaks(self) -> None:
        """Let every courier who has one to come have a break, with an empty bag."""
        service_s = [0] * self._model.Size()
        for number, node in enumerate(self._nodes):
            service_s[self._index(number)] = node.service_s
        solver = self._model.solver()
        for vehicle in range(len(self._couriers)):
            span = self._break_span(vehicle)
            if span is None:
                continue
            duration_s = self._problem.couriers[self._couriers[vehicle], a.COURIER_BREAK_S]
            pause = solver.FixedDurationIntervalVar(
                *span, int(duration_s), False, f"break {vehicle}"
            )
            for clock in self._clocks:
                clock.SetBreakIntervalsOfVehicle([pause], vehicle, service_s)
            self._rest_when_empty(vehicle, pause)

    def _break_span(self, vehicle: int) -> Span | None:
        """Return when a break may begin; None where there is none to come, or not in this plan.

        It begins by its due end, or when it begins in the plan as it is: left to itself the
        solver would put every break after the route.
        """
        courier, locked = self._couriers[vehicle], len(self._locked[vehicle])
        crew, state = self._problem.couriers[courier], self._search.board.state[courier]
        due_s, until_s = (crew[[a.COURIER_BREAK_FROM, a.COURIER_BREAK_UNTIL]] - self._now).tolist()
        if due_s > _DAY_S or state[locked, RESTED]:
            return None
        first_s = max(self._free_from(vehicle)[1], due_s)
        count = int(self._search.routes.count[courier])
        has_rested = state[locked : count + 1, RESTED].tolist()
        row = locked + has_rested.index(1) if 1 in has_rested else count
        begins_s = int(state[row, OVER]) - self._now
        last_s = max(first_s, until_s, begins_s)
        return (first_s, last_s) if last_s <= _HORIZON_S else None

    def _rest_when_empty(self, vehicle: int, pause: pywrapcp.IntervalVar) -> None:
        """Begin a break when the bag is first empty and it is due: neither sooner nor later."""
        solver, clock = self._model.solver(), self._time
        parcels = self._model.GetDimensionOrDie(_PARCELS)
        due_s = (
            int(self._problem.couriers[self._couriers[vehicle], a.COURIER_BREAK_FROM]) - self._now
        )
        for number, node in enumerate(self._nodes):
            if node.is_pickup:
                continue
            end = self._index(number)
            over = clock.CumulVar(end) + node.service_s
            is_elsewhere = (self._model.VehicleVar(end) != vehicle).Var()
            # What comes to an end may be the last in the bag.
            is_due = (over >= due_s).Var()
            is_last = (parcels.CumulVar(end) <= 1).Var()
            is_begun = (pause.StartExpr() <= over).Var()
            solver.Add(is_elsewhere + is_begun + 1 >= is_due + is_last)
            is_before = (pause.StartExpr() >= over).Var()
            fetched = self._pickups.get(node.step >> 1, [])
            if not fetched:
                solver.Add(is_elsewhere + is_before >= 1)
            for fetch in fetched:
                pickup = self._index(fetch)
                is_unused = (self._model.VehicleVar(pickup) != vehicle).Var()
                is_after = (pause.EndExpr() <= clock.CumulVar(pickup)).Var()
                solver.Add(is_unused + is_before + is_after >= 1)

    def _add_churn(self) -> None:
        cost = int(_SCALE * self._posed.situation.policy.churn_cost)
        for job in self._pickups:
            shown = int(self._problem.jobs[job, a.JOB_SHOWN])
            if shown in self._couriers and cost > 0:
                start = self._model.Start(self._couriers.index(shown))
                end = self._index(self._node_of[2 * job + 1])
                self._model.AddSoftSameVehicleConstraint([start, end], cost)

    def _index(self, number: int) -> int:
        index: int = self._manager.NodeToIndex(number)
        return index


# --- what there is to do ------------------------------------------------------------------------


def _pickups(posed: Posed, search: Search, job: int) -> list[_Node]:
    """Return the pickups that an order may have, that of its present store before the others."""
    problem = posed.problem
    own = int(search.routes.chosen[job])
    ready = {own: int(search.ready[job])}
    others = [candidate for candidate in posed.candidates(job) if candidate != own]
    ready |= {candidate: search.ready_from(job, candidate) for candidate in others}
    # How long before its need an order is ready says how soon it could be at the door.
    others.sort(key=lambda one: (ready[one] - int(problem.candidates[one, a.CAND_NEED]), one))
    found: list[_Node] = []
    for candidate in (own, *others):
        store = int(problem.candidates[candidate, a.CAND_STORE])
        span = _opening(posed, search, job, candidate, ready[candidate])
        if _is_within(span) and len(found) < _STORES:
            place, service_s = problem.stores[store, [a.STORE_PLACE, a.STORE_SERVICE_S]].tolist()
            found.append(_Node(2 * job, candidate, place, service_s, span))
    return found


def _opening(posed: Posed, search: Search, job: int, candidate: int, ready_at: int) -> Span:
    """Return when a pickup may begin: within one opening, of now or the first; (1, 0) for never."""
    problem = posed.problem
    at = ready_at
    courier = int(search.owner[job])
    if courier >= 0 and candidate == search.routes.chosen[job]:
        at = int(search.begin[courier, steps_of(search, courier).index(2 * job)])
    store = int(problem.candidates[candidate, a.CAND_STORE])
    for start, end in posed.windows(store):
        if at < end:
            first_s = max(0, start - problem.now, ready_at - problem.now)
            return first_s, min(end - 1 - problem.now, _HORIZON_S)
    return 1, 0


def _end_of(posed: Posed, step: int) -> _Node:
    """Return the end of an order: no sooner than it is wanted, no later than it can be had."""
    job = posed.problem.jobs[step >> 1]
    earliest_s, closes_s = (job[[a.JOB_EARLIEST, a.JOB_CLOSES]] - posed.problem.now).tolist()
    span = max(0, earliest_s), min(closes_s, _HORIZON_S)
    return _Node(step, -1, int(job[a.JOB_PLACE]), int(job[a.JOB_SERVICE_S]), span)


def _is_span(node: _Node) -> bool:
    return _is_within(node.span)


def _is_within(span: Span) -> bool:
    return span[0] <= span[1] <= _HORIZON_S
