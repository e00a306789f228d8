"""OR-Tools' routing model over the whole plan, once every order has its store.

It starts from the plan that insertion found and only goes downhill, up to a number of solutions:
the same model always comes to the same end, whatever the machine.  All times and costs are
matrices and vectors handed over once; the solver never calls back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from ortools.constraint_solver import pywrapcp, routing_enums_pb2
from ortools.util import optional_boolean_pb2

from dispatch.model import UNREACHABLE_S, Mode
from dispatch.planning.draft import Draft
from dispatch.planning.improve import related
from dispatch.planning.schedule import Job, Step, Tour

_SCALE = 100
"""The solver counts in whole numbers: hundredths of a courier-second."""

_TYPICAL_LATE_S = 300
"""The solver's lateness is linear; its slope is the policy's at this lateness."""

_FAR_S = 864_000
"""A leg without a way: longer than the solver's horizon, and still safe to add up."""

_DAY_S = 86_400
"""Nothing planned now happens later than this after now."""


_NEIGHBOURS = 12
"""Orders of a neighbourhood, unless one tour alone has more."""

_GAIN = 1e-3
"""A change must save more than this many courier-seconds to be kept."""

_ON = optional_boolean_pb2.BOOL_TRUE
_OFF = optional_boolean_pb2.BOOL_FALSE
_MOVES = (
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


def has_way(tour: Tour, job: Job) -> bool:
    """Return whether a courier can reach some candidate store of an order and then its door."""
    start = tour.courier.place
    return any(
        tour.duration_s[start][step.place] < UNREACHABLE_S
        and tour.duration_s[step.place][job.end.place] < UNREACHABLE_S
        for step in job.pickups.values()
    )


def improve_routes(draft: Draft) -> Outcome:
    """Improve a draft's routes, neighbourhood by neighbourhood; stores stay as they are.

    A neighbourhood is one courier's tour, if it is not as it was shown, with those of the orders
    nearest to it.  The whole plan in one model costs a hundred times as much for the same gain:
    the number of moves grows with the cube of the orders.  Each result is priced by the policy
    itself and kept only if it is better, since the solver's costs just resemble it.
    """
    outcome = Outcome()
    policy = draft.situation.policy
    budget = policy.routing_solutions
    seen: set[frozenset[str]] = set()
    for tour in _changed(draft):
        if outcome.models >= policy.routing_neighbourhoods:
            break
        near = _neighbourhood(draft, tour)
        key = frozenset(t.courier_id for t in near)
        if key in seen or budget < 1:
            continue
        seen.add(key)
        jobs = [job for job in draft.free if job.tour in key or _could_join(draft, job, key)]
        # The library ends the process on an empty fleet or an empty model.
        if not near or not jobs:
            continue
        model = _Model(draft, near, jobs)
        found = model.solve(budget)
        outcome.models += 1
        if found is None:
            continue
        outcome.answered += 1
        budget -= model.visited
        before, mark = draft.total(), draft.mark()
        if draft.adopt(found) and _is_better(draft.total(), before):
            outcome.gains += 1
        else:
            draft.back_to(mark)
    return outcome


def _changed(draft: Draft) -> list[Tour]:
    """Return the tours whose order of stops is not that of the routes in force.

    The others were improved when they were made.
    """
    there = {step.stop for tour in draft.tours.values() for step in tour.steps}
    shown = {
        route.courier_id: [visit.stop for visit in route.visits if visit.stop in there]
        for route in draft.situation.snapshot.routes
    }
    return [
        tour
        for key, tour in draft.tours.items()
        if [step.stop for step in tour.steps] != shown.get(key, [])
    ]


def _could_join(draft: Draft, job: Job, couriers: frozenset[str]) -> bool:
    """Return whether an order without a tour might find a place with some couriers."""
    if job.tour is not None or job.store_id is None or job.allowed.isdisjoint(couriers):
        return False
    ready_at = draft.ready_at(job, job.store_id)
    windows = job.pickups[job.store_id].windows
    return ready_at is not None and any(ready_at < end for _, end in windows)


def _is_better(new: tuple[int, float], old: tuple[int, float]) -> bool:
    return (new[0], new[1] + _GAIN) < old


def _neighbourhood(draft: Draft, centre: Tour) -> list[Tour]:
    """Return a tour and those nearest to it, up to a number of orders, ascending by courier."""
    free = draft.free
    counts: dict[str, int] = {}
    for job in free:
        if job.tour is not None:
            counts[job.tour] = counts.get(job.tour, 0) + 1
    own = [job for job in free if job.tour == centre.courier_id]
    if not own or _is_overloaded(centre):
        return []
    keys = [centre.courier_id]
    orders = len(own)
    for job in related(draft, own[0], free):
        key = job.tour
        if key is None or key in keys or _is_overloaded(draft.tours[key]):
            continue
        if orders + counts[key] > _NEIGHBOURS:
            break
        keys.append(key)
        orders += counts[key]
    return [draft.tours[key] for key in sorted(keys)]


def _is_overloaded(tour: Tour) -> bool:
    """Return whether a bag is already fuller than it may be; its tour stays as it is."""
    fullest_g = max(tour.load_g[: tour.locked + 1])
    fullest = max(tour.load_parcels[: tour.locked + 1])
    return fullest_g > tour.capacity_g or fullest > tour.capacity_parcels


class _Model:
    """The routing model of a draft.

    Nodes: for each free order its pickup and its end, for each order in a bag its end, for each
    courier the place where the committed steps end, and one node for all route ends, which costs
    nothing to reach.
    """

    def __init__(self, draft: Draft, tours: Sequence[Tour], jobs: Sequence[Job]) -> None:
        self.draft = draft
        self.tours = list(tours)
        self.jobs = list(jobs)
        self.now = draft.situation.now
        self.visited = 0
        self.steps: list[Step] = []
        for job in self.jobs:
            self.steps += [job.pickups[job.store_id or ""], job.end]
        for tour in self.tours:
            self.steps += [s for s in tour.steps[tour.locked :] if s.job.in_bag]
        self.node_of = {id(step): node for node, step in enumerate(self.steps)}
        count = len(self.steps)
        self.starts = [count + index for index in range(len(self.tours))]
        self.end = count + len(self.tours)
        self.manager = pywrapcp.RoutingIndexManager(
            self.end + 1, len(self.tours), self.starts, [self.end] * len(self.tours)
        )
        self.model = pywrapcp.RoutingModel(self.manager)

    def solve(self, solutions: int) -> dict[str, list[Step]] | None:
        """Return the steps of every courier; None if the solver has no answer."""
        self._add_legs()
        self._add_loads()
        self._add_times()
        self._add_pairs()
        self._add_churn()
        parameters = pywrapcp.DefaultRoutingSearchParameters()
        parameters.local_search_metaheuristic = (
            routing_enums_pb2.LocalSearchMetaheuristic.GREEDY_DESCENT
        )
        parameters.solution_limit = solutions
        moves = parameters.local_search_operators
        for move in moves.DESCRIPTOR.fields_by_name:
            setattr(moves, move, _ON if move in _MOVES else _OFF)
        self.model.CloseModelWithParameters(parameters)
        sequences = [
            [self.node_of[id(step)] for step in tour.steps[tour.locked :]] for tour in self.tours
        ]
        first = self.model.ReadAssignmentFromRoutes(sequences, True)
        if first is None:
            return None
        found = self.model.SolveFromAssignmentWithParameters(first, parameters)
        self.visited = self.model.solver().Solutions()
        return None if found is None else self._read(found)

    def _read(self, found: pywrapcp.Assignment) -> dict[str, list[Step]]:
        steps = {key: list(tour.steps) for key, tour in self.draft.tours.items()}
        for vehicle, tour in enumerate(self.tours):
            sequence = tour.steps[: tour.locked]
            index = found.Value(self.model.NextVar(self.model.Start(vehicle)))
            while not self.model.IsEnd(index):
                sequence.append(self.steps[self.manager.IndexToNode(index)])
                index = found.Value(self.model.NextVar(index))
            steps[tour.courier_id] = sequence
        return steps

    # --- the parts of the model ----------------------------------------------------------------

    def _add_legs(self) -> None:
        places = [step.place for step in self.steps]
        places += [tour.place[tour.locked] for tour in self.tours]
        service_s = [step.service_s for step in self.steps] + [0] * len(self.tours)
        self.time_of: dict[Mode, int] = {}
        cost_of: dict[Mode, int] = {}
        nothing = [0] * (len(places) + 1)
        for vehicle, tour in enumerate(self.tours):
            mode = tour.courier.courier.mode
            if mode not in self.time_of:
                times = np.minimum(np.array(tour.duration_s)[np.ix_(places, places)], _FAR_S)
                times += np.array(service_s)[:, np.newaxis]
                costs = np.array(tour.edge_cost)[np.ix_(places, places)] * _SCALE
                costs = np.minimum(costs, _FAR_S * _SCALE).astype(np.int64)
                self.time_of[mode], cost_of[mode] = (
                    self.model.RegisterTransitMatrix([*([*row, 0] for row in table), nothing])
                    for table in (times.tolist(), costs.tolist())
                )
            self.model.SetArcCostEvaluatorOfVehicle(cost_of[mode], vehicle)

    def _add_loads(self) -> None:
        sign = [1 if step.picks_up else -1 for step in self.steps]
        weights = [s * step.job.weight_g for s, step in zip(sign, self.steps, strict=True)]
        rest = [0] * (len(self.tours) + 1)
        for name, change, capacity, loaded in (
            (
                "weight",
                weights,
                [tour.capacity_g for tour in self.tours],
                [tour.load_g[tour.locked] for tour in self.tours],
            ),
            (
                "parcels",
                sign,
                [tour.capacity_parcels for tour in self.tours],
                [tour.load_parcels[tour.locked] for tour in self.tours],
            ),
        ):
            transit = self.model.RegisterUnaryTransitVector([*change, *rest])
            self.model.AddDimensionWithVehicleCapacity(transit, 0, capacity, False, name)
            dimension = self.model.GetDimensionOrDie(name)
            for vehicle, load in enumerate(loaded):
                dimension.CumulVar(self.model.Start(vehicle)).SetValue(load)

    def _add_times(self) -> None:
        """Add time with its costs, which grow in three steps: waiting, slack used up, late.

        The solver knows one slope per clock and place, so each step has a clock of its own.
        """
        policy = self.draft.situation.policy
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
                if step.picks_up:
                    continue
                bound = 0
                if ahead_s is not None:
                    bound = step.job.latest - ahead_s - step.service_s - self.now
                if bound < _DAY_S and slope > 0:
                    clock.SetCumulVarSoftUpperBound(
                        self._index(step), max(0, bound), int(_SCALE * slope)
                    )
        self.time = self.clocks[0]

    def _add_clock(self, name: str) -> pywrapcp.RoutingDimension:
        transits = [self.time_of[tour.courier.courier.mode] for tour in self.tours]
        self.model.AddDimensionWithVehicleTransits(transits, _DAY_S, 2 * _DAY_S, False, name)
        clock = self.model.GetDimensionOrDie(name)
        for vehicle, tour in enumerate(self.tours):
            leaves = max(0, tour.depart[tour.locked] - self.now)
            clock.CumulVar(self.model.Start(vehicle)).SetValue(leaves)
        for step in self.steps:
            if step.picks_up:
                self._limit_pickup(clock.CumulVar(self._index(step)), step)
        return clock

    def _limit_pickup(self, var: pywrapcp.IntVar, step: Step) -> None:
        """Keep a pickup within one opening: that in which it begins now, or the first one."""
        at = step.earliest
        if step.job.tour is not None:
            tour = self.draft.tours[step.job.tour]
            at = tour.begin[tour.steps.index(step)]
        start, end = next(window for window in step.windows if at < window[1])
        var.SetRange(max(0, start - self.now, step.earliest - self.now), end - 1 - self.now)

    def _add_pairs(self) -> None:
        solver = self.model.solver()
        penalty = int(_SCALE * self.draft.situation.policy.undelivered_cost)
        vehicles = {tour.courier_id: vehicle for vehicle, tour in enumerate(self.tours)}
        self.horizon_s = max(tour.depart[-1] for tour in self.tours) - self.now + 3600
        ends = [tour.shift_end - self.now for tour in self.tours]
        for job in self.jobs:
            pickup = self._index(job.pickups[job.store_id or ""])
            end = self._index(job.end)
            self.model.AddPickupAndDelivery(pickup, end)
            vehicle = self.model.VehicleVar(pickup)
            solver.Add(vehicle == self.model.VehicleVar(end))
            solver.Add(self.time.CumulVar(pickup) <= self.time.CumulVar(end))
            self.model.AddDisjunction([pickup], penalty)
            self.model.AddDisjunction([end], penalty)
            for key, barred in vehicles.items():
                if key not in job.allowed:
                    vehicle.RemoveValue(barred)
            # Place 0 is for "no vehicle", which the solver calls -1.
            if min(ends) < self.horizon_s:
                latest = solver.Element([2 * _DAY_S, *ends], (vehicle + 1).Var())
                solver.Add(self.time.CumulVar(pickup) <= latest)
        for step in self.steps[2 * len(self.jobs) :]:
            self.model.VehicleVar(self._index(step)).SetValue(vehicles[step.job.tour or ""])

    def _add_churn(self) -> None:
        cost = int(_SCALE * self.draft.situation.policy.churn_cost)
        vehicles = {tour.courier_id: vehicle for vehicle, tour in enumerate(self.tours)}
        for job in self.jobs:
            shown = self.draft.situation.shown.get(job.order_id)
            if shown in vehicles and shown in job.allowed and cost > 0:
                pickup = self._index(job.pickups[job.store_id or ""])
                start = self.model.Start(vehicles[shown])
                self.model.AddSoftSameVehicleConstraint([start, pickup], cost)

    def _index(self, step: Step) -> int:
        index: int = self.manager.NodeToIndex(self.node_of[id(step)])
        return index
