"""OR-Tools' routing model for long routes, once every order has its store.

It starts from the plan that the search found and only goes downhill, up to a number of solutions:
the same model always comes to the same end, whatever the machine.  All times and costs are
matrices and vectors handed over once; the solver never calls back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from ortools.constraint_solver import (
    pywrapcp,
    routing_enums_pb2,
    routing_parameters_pb2,
)
from ortools.util import optional_boolean_pb2

from dispatch.planning import arrays as a
from dispatch.planning.improve import Search
from dispatch.planning.problem import Posed

_SCALE: Final = 100
"""The solver counts in whole numbers: hundredths of a courier-second."""

_TYPICAL_LATE_S: Final = 300
"""The solver's lateness is linear; its slope is the policy's at this lateness."""

_FAR_S: Final = 864_000
"""A leg without a way: longer than the solver's horizon, and still safe to add up."""

_DAY_S: Final = 86_400
"""Nothing planned now happens later than this after now."""

_NO_LIMIT_S: Final = 86_400
"""On the clock: longer than any search may take."""

_NEIGHBOURS: Final = 12
"""Orders of a neighbourhood, unless one route alone has more."""

_GAIN: Final = 1e-3
"""A change must save more than this many courier-seconds to be kept."""

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


@dataclass(slots=True)
class Outcome:
    """What became of the attempt: models built, models with an answer, answers kept."""

    models: int = 0
    answered: int = 0
    gains: int = 0


def improve_routes(posed: Posed, search: Search, go_on: Callable[[], bool]) -> Outcome:
    """Improve long routes, neighbourhood by neighbourhood; stores stay as they are.

    A neighbourhood is one courier's route of `policy.routing_min_stops` or more, if it is not as
    it was shown, with those of the orders nearest to it.  The whole plan in one model costs a
    hundred times as much for the same gain: the number of moves grows with the cube of the
    orders.  Each result is priced by the policy itself and kept only if it is better, since the
    solver's costs just resemble it.  Trips of one store are not known to it and left as they are.
    `go_on` is asked before every model.
    """
    outcome = Outcome()
    policy = posed.situation.policy
    if policy.one_store_per_trip:
        return outcome
    budget = policy.routing_solutions
    seen: set[tuple[int, ...]] = set()
    for courier in _long(posed, search):
        if outcome.models >= policy.routing_neighbourhoods or not go_on():
            break
        near = _neighbourhood(posed, search, courier)
        if not near or tuple(near) in seen or budget < 1:
            continue
        seen.add(tuple(near))
        jobs = _movable(posed, search, near)
        # The library ends the process on an empty fleet or an empty model.
        if not jobs:
            continue
        model = _Model(posed, search, near, jobs)
        found = model.solve(budget)
        outcome.models += 1
        if found is None:
            continue
        outcome.answered += 1
        budget -= model.visited
        before, mark = search.cost(), search.mark()
        if search.adopt(found, {}):
            if search.cost() < before - _GAIN:
                outcome.gains += 1
            else:
                search.back_to(mark)
    return outcome


def _steps(search: Search, courier: int) -> list[int]:
    routes = search.routes
    found: list[int] = routes.steps[courier, : routes.count[courier]].tolist()
    return found


def _long(posed: Posed, search: Search) -> list[int]:
    """Return the couriers with a long route that is not as it was shown.

    The others were improved when they were made.
    """
    least = posed.situation.policy.routing_min_stops
    found = []
    for courier in np.flatnonzero(search.routes.count >= least).tolist():
        steps = _steps(search, courier)
        here = {posed.entries[step >> 1].order_id for step in steps}
        shown = [
            (visit.stop.order_id, visit.stop.kind.value == "pickup")
            for route in posed.situation.snapshot.routes
            if route.courier_id == posed.courier_ids[courier]
            for visit in route.visits
            if visit.stop.order_id in here
        ]
        if [(posed.entries[s >> 1].order_id, not s & 1) for s in steps] != shown:
            found.append(courier)
    return found


def _free(posed: Posed) -> NDArray[np.int64]:
    """Return the orders that may still go to another courier."""
    problem = posed.problem
    return np.flatnonzero(problem.jobs[: problem.job_count, a.JOB_BAG] < 0)


def _movable(posed: Posed, search: Search, couriers: Sequence[int]) -> list[int]:
    """Return the free orders that some couriers have, and those without a route they might take."""
    problem = posed.problem
    found = []
    for job in _free(posed).tolist():
        owner = int(search.owner[job])
        if owner in couriers:
            found.append(job)
        elif owner < 0 and problem.allowed[job, list(couriers)].any():
            windows = posed.windows(_store(posed, search, job))
            ready = int(search.ready[job])
            if any(ready < end for _, end in windows):
                found.append(job)
    return found


def _store(posed: Posed, search: Search, job: int) -> int:
    return int(posed.problem.candidates[search.routes.chosen[job], a.CAND_STORE])


def _neighbourhood(posed: Posed, search: Search, centre: int) -> list[int]:
    """Return a courier and those nearest to them, up to a number of orders, ascending."""
    problem = posed.problem
    free = _free(posed)
    owner = search.owner[free]
    own = free[owner == centre]
    if not len(own) or _is_overloaded(posed, search, centre):
        return []
    counts = np.bincount(owner[owner >= 0], minlength=len(problem.couriers))
    mode = problem.couriers[centre, a.COURIER_MODE]
    doors = problem.jobs[free, a.JOB_PLACE]
    columns = problem.candidates[search.routes.chosen[free], a.CAND_STORE]
    counters = problem.stores[columns, a.STORE_PLACE]
    seed = int(np.searchsorted(free, own[0]))
    way_s = problem.duration_s[mode]
    apart = way_s[doors[seed], doors].astype(np.int64) + way_s[counters[seed], counters]
    hurry_s = np.abs(problem.jobs[free, a.JOB_LATEST] - problem.jobs[own[0], a.JOB_LATEST])
    near = [centre]
    orders = len(own)
    for index in np.argsort(2 * apart + hurry_s, kind="stable").tolist():
        courier = int(owner[index])
        if courier < 0 or courier in near or _is_overloaded(posed, search, courier):
            continue
        if orders + counts[courier] > _NEIGHBOURS:
            break
        near.append(courier)
        orders += int(counts[courier])
    return sorted(near)


def _loads(posed: Posed, search: Search, courier: int) -> tuple[int, int, bool]:
    """Return weight and parcels in the bag after the locked steps; whether it was ever too full."""
    crew = posed.problem.couriers[courier]
    load_g, parcels = int(crew[a.COURIER_BAG_G]), int(crew[a.COURIER_BAG_PARCELS])
    most_g, most = int(crew[a.COURIER_CAPACITY_G]), int(crew[a.COURIER_CAPACITY_PARCELS])
    too_full = load_g > most_g or parcels > most
    for step in _steps(search, courier)[: int(crew[a.COURIER_LOCKED])]:
        sign = -1 if step & 1 else 1
        load_g += sign * int(posed.problem.jobs[step >> 1, a.JOB_WEIGHT_G])
        parcels += sign
        too_full = too_full or load_g > most_g or parcels > most
    return load_g, parcels, too_full


def _is_overloaded(posed: Posed, search: Search, courier: int) -> bool:
    """Return whether a bag is already fuller than it may be; its route stays as it is."""
    return _loads(posed, search, courier)[2]


def search_parameters(solutions: int) -> routing_parameters_pb2.RoutingSearchParameters:
    """Return how the solver searches: downhill, to so many solutions, and never by the clock."""
    parameters = pywrapcp.DefaultRoutingSearchParameters()
    parameters.local_search_metaheuristic = (
        routing_enums_pb2.LocalSearchMetaheuristic.GREEDY_DESCENT
    )
    parameters.solution_limit = solutions
    # By default a neighbour is given up after a tenth of a second on the clock: on a busy machine
    # the same problem would come to another end.
    parameters.lns_time_limit.seconds = _NO_LIMIT_S
    moves = parameters.local_search_operators
    for move in moves.DESCRIPTOR.fields_by_name:
        setattr(moves, move, _ON if move in _MOVES else _OFF)
    return parameters


class _Model:
    """The routing model of some couriers and orders.

    Nodes: for each free order its pickup and its end, for each order in a bag its end, for each
    courier the place where the locked steps end, and one node for all route ends, which costs
    nothing to reach.
    """

    def __init__(
        self, posed: Posed, search: Search, couriers: Sequence[int], jobs: Sequence[int]
    ) -> None:
        self.posed = posed
        self.problem = posed.problem
        self.search = search
        self.now = posed.problem.now
        self.couriers = list(couriers)
        self.jobs = list(jobs)
        self.visited = 0
        locked = self.problem.couriers[:, a.COURIER_LOCKED].tolist()
        self.locked = [_steps(search, c)[: locked[c]] for c in self.couriers]
        self.open = [_steps(search, c)[locked[c] :] for c in self.couriers]
        self.held = [
            (step, vehicle)
            for vehicle, steps in enumerate(self.open)
            for step in steps
            if self.problem.jobs[step >> 1, a.JOB_BAG] >= 0
        ]
        self.steps = [step for job in self.jobs for step in (2 * job, 2 * job + 1)]
        self.steps += [step for step, _ in self.held]
        self.node_of = {step: node for node, step in enumerate(self.steps)}
        self.stores = {job: _store(posed, search, job) for job in self.jobs}
        count = len(self.steps)
        self.starts = [count + index for index in range(len(self.couriers))]
        self.end = count + len(self.couriers)
        self.manager = pywrapcp.RoutingIndexManager(
            self.end + 1, len(self.couriers), self.starts, [self.end] * len(self.couriers)
        )
        self.model = pywrapcp.RoutingModel(self.manager)

    def solve(self, solutions: int) -> dict[int, list[int]] | None:
        """Return the steps of every courier; None if the solver has no answer."""
        self._add_legs()
        self._add_loads()
        self._add_times()
        self._add_pairs()
        self._add_churn()
        parameters = search_parameters(solutions)
        self.model.CloseModelWithParameters(parameters)
        sequences = [[self.node_of[step] for step in steps] for steps in self.open]
        first = self.model.ReadAssignmentFromRoutes(sequences, True)
        if first is None:
            return None
        found = self.model.SolveFromAssignmentWithParameters(first, parameters)
        self.visited = self.model.solver().Solutions()
        return None if found is None else self._read(found)

    def _read(self, found: pywrapcp.Assignment) -> dict[int, list[int]]:
        routes: dict[int, list[int]] = {}
        for vehicle, courier in enumerate(self.couriers):
            sequence = list(self.locked[vehicle])
            index = found.Value(self.model.NextVar(self.model.Start(vehicle)))
            while not self.model.IsEnd(index):
                sequence.append(self.steps[self.manager.IndexToNode(index)])
                index = found.Value(self.model.NextVar(index))
            routes[courier] = sequence
        return routes

    # --- the parts of the model ----------------------------------------------------------------

    def _place(self, step: int) -> int:
        if step & 1:
            return int(self.problem.jobs[step >> 1, a.JOB_PLACE])
        candidate = self.search.routes.chosen[step >> 1]
        store = self.problem.candidates[candidate, a.CAND_STORE]
        return int(self.problem.stores[store, a.STORE_PLACE])

    def _service_s(self, step: int) -> int:
        if step & 1:
            return int(self.problem.jobs[step >> 1, a.JOB_SERVICE_S])
        return int(self.problem.stores[self.stores[step >> 1], a.STORE_SERVICE_S])

    def _free_from(self, vehicle: int) -> tuple[int, int]:
        """Return where and when a courier is done with the locked steps."""
        courier = self.couriers[vehicle]
        locked = self.locked[vehicle]
        if not locked:
            crew = self.problem.couriers[courier]
            return int(crew[a.COURIER_PLACE]), int(crew[a.COURIER_START])
        return self._place(locked[-1]), int(self.search.depart[courier, len(locked)])

    def _add_legs(self) -> None:
        places = [self._place(step) for step in self.steps]
        places += [self._free_from(vehicle)[0] for vehicle in range(len(self.couriers))]
        service_s = [self._service_s(step) for step in self.steps] + [0] * len(self.couriers)
        prices = self.problem.prices
        self.modes = self.problem.couriers[self.couriers, a.COURIER_MODE].tolist()
        self.time_of: dict[int, int] = {}
        cost_of: dict[int, int] = {}
        nothing = [0] * (len(places) + 1)
        grid = np.ix_(places, places)
        for vehicle, mode in enumerate(self.modes):
            if mode not in self.time_of:
                way_s = self.problem.duration_s[mode][grid].astype(np.int64)
                costs = prices[a.PRICE_TRAVEL] * way_s
                costs += prices[a.PRICE_LENGTH] * self.problem.length_m[mode][grid]
                costs = np.minimum(costs * _SCALE, _FAR_S * _SCALE).astype(np.int64)
                times = np.minimum(way_s, _FAR_S) + np.array(service_s)[:, np.newaxis]
                self.time_of[mode], cost_of[mode] = (
                    self.model.RegisterTransitMatrix([*([*row, 0] for row in table), nothing])
                    for table in (times.tolist(), costs.tolist())
                )
            self.model.SetArcCostEvaluatorOfVehicle(cost_of[mode], vehicle)

    def _add_loads(self) -> None:
        sign = [-1 if step & 1 else 1 for step in self.steps]
        weight_g = self.problem.jobs[[step >> 1 for step in self.steps], a.JOB_WEIGHT_G].tolist()
        weights = [s * w for s, w in zip(sign, weight_g, strict=True)]
        crew = self.problem.couriers[self.couriers]
        loads = [_loads(self.posed, self.search, courier) for courier in self.couriers]
        rest = [0] * (len(self.couriers) + 1)
        for name, change, capacity, loaded in (
            ("weight", weights, crew[:, a.COURIER_CAPACITY_G], [load[0] for load in loads]),
            ("parcels", sign, crew[:, a.COURIER_CAPACITY_PARCELS], [load[1] for load in loads]),
        ):
            transit = self.model.RegisterUnaryTransitVector([*change, *rest])
            self.model.AddDimensionWithVehicleCapacity(transit, 0, capacity.tolist(), False, name)
            dimension = self.model.GetDimensionOrDie(name)
            for vehicle, load in enumerate(loaded):
                dimension.CumulVar(self.model.Start(vehicle)).SetValue(load)

    def _add_times(self) -> None:
        """Add time with its costs, which grow in three steps: waiting, slack used up, late.

        The solver knows one slope per clock and place, so each step has a clock of its own.
        """
        policy = self.posed.situation.policy
        buffer = policy.buffer_cost if policy.buffer_s > 0 else 0.0
        late = policy.late_cost + policy.late_square_cost * _TYPICAL_LATE_S
        clocks = (
            ("time", max(0.0, late - buffer - policy.waiting_cost), 0),
            ("slack", buffer, policy.buffer_s),
            ("patience", policy.waiting_cost, None),
        )
        self.clocks = []
        for name, slope, ahead_s in clocks:
            if slope <= 0 and name != "time":
                continue
            clock = self._add_clock(name)
            self.clocks.append(clock)
            for step in self.steps:
                if not step & 1:
                    continue
                bound = 0
                if ahead_s is not None:
                    latest = int(self.problem.jobs[step >> 1, a.JOB_LATEST])
                    bound = latest - ahead_s - self._service_s(step) - self.now
                if bound < _DAY_S and slope > 0:
                    clock.SetCumulVarSoftUpperBound(
                        self._index(step), max(0, bound), int(_SCALE * slope)
                    )
        self.time = self.clocks[0]

    def _add_clock(self, name: str) -> pywrapcp.RoutingDimension:
        transits = [self.time_of[mode] for mode in self.modes]
        self.model.AddDimensionWithVehicleTransits(transits, _DAY_S, 2 * _DAY_S, False, name)
        clock = self.model.GetDimensionOrDie(name)
        for vehicle in range(len(self.couriers)):
            leaves = max(0, self._free_from(vehicle)[1] - self.now)
            clock.CumulVar(self.model.Start(vehicle)).SetValue(leaves)
        for step in self.steps:
            if not step & 1:
                self._limit_pickup(clock.CumulVar(self._index(step)), step)
        return clock

    def _limit_pickup(self, var: pywrapcp.IntVar, step: int) -> None:
        """Keep a pickup within one opening: that in which it begins now, or the first one."""
        job = step >> 1
        ready_at = at = int(self.search.ready[job])
        courier = int(self.search.owner[job])
        if courier >= 0:
            at = int(self.search.begin[courier, _steps(self.search, courier).index(step)])
        windows = self.posed.windows(self.stores[job])
        start, end = next(window for window in windows if at < window[1])
        var.SetRange(max(0, start - self.now, ready_at - self.now), end - 1 - self.now)

    def _add_pairs(self) -> None:
        solver = self.model.solver()
        penalty = int(_SCALE * self.posed.situation.policy.undelivered_cost)
        crew = self.problem.couriers[self.couriers]
        done = [
            int(self.search.over[courier, self.search.routes.count[courier] - 1])
            for courier in self.couriers
        ]
        horizon_s = max(done) - self.now + 3600
        ends = (crew[:, a.COURIER_SHIFT_END] - self.now).tolist()
        for job in self.jobs:
            pickup, end = self._index(2 * job), self._index(2 * job + 1)
            self.model.AddPickupAndDelivery(pickup, end)
            vehicle = self.model.VehicleVar(pickup)
            solver.Add(vehicle == self.model.VehicleVar(end))
            solver.Add(self.time.CumulVar(pickup) <= self.time.CumulVar(end))
            self.model.AddDisjunction([pickup], penalty)
            self.model.AddDisjunction([end], penalty)
            for barred, courier in enumerate(self.couriers):
                if not self.problem.allowed[job, courier]:
                    vehicle.RemoveValue(barred)
            # Place 0 is for "no vehicle", which the solver calls -1.
            if min(ends) < horizon_s:
                latest = solver.Element([2 * _DAY_S, *ends], (vehicle + 1).Var())
                solver.Add(self.time.CumulVar(pickup) <= latest)
        for step, vehicle in self.held:
            self.model.VehicleVar(self._index(step)).SetValue(vehicle)

    def _add_churn(self) -> None:
        cost = int(_SCALE * self.posed.situation.policy.churn_cost)
        for job in self.jobs:
            shown = int(self.problem.jobs[job, a.JOB_SHOWN])
            if shown in self.couriers and cost > 0:
                start = self.model.Start(self.couriers.index(shown))
                self.model.AddSoftSameVehicleConstraint([start, self._index(2 * job)], cost)

    def _index(self, step: int) -> int:
        index: int = self.manager.NodeToIndex(self.node_of[step])
        return index
