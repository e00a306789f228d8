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
from dispatch.planning.routing_nodes import (
    BAGS,
    DAY_S,
    HORIZON_S,
    Node,
    end_of,
    first_loads,
    pickups_of,
)
from dispatch.planning.schedule import OVER, PLACE, RESTED

_SCALE: Final = 100
"""The solver counts in whole numbers: hundredths of a courier-second."""

_TYPICAL_LATE_S: Final = 300
"""The solver's lateness is linear; its slope is the policy's at this lateness."""

_FAR_S: Final = 864_000
"""A leg without a way: longer than the solver's horizon, and still safe to add up."""

_NO_LIMIT_S: Final = 86_400
"""On the clock: longer than any search may take."""

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


@dataclass(frozen=True, slots=True)
class Answer:
    """Steps of each courier, and the candidate of each order that was given another store."""

    steps: Mapping[int, list[int]]
    chosen: Mapping[int, int]


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
        self, posed: Posed, search: Search, couriers: Sequence[int], nodes: Sequence[Node]
    ) -> None:
        self._posed = posed
        self._problem = posed.problem
        self._search = search
        self._now = posed.problem.now
        self._couriers = list(couriers)
        self._nodes = list(nodes)
        self.visited = 0
        locked = self._problem.couriers[:, a.COURIER_LOCKED].tolist()
        self._locked = [search.steps(c)[: locked[c]] for c in self._couriers]
        self._open = [search.steps(c)[locked[c] :] for c in self._couriers]
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
        nodes: list[Node] = []
        routed = 0
        for job in jobs:
            pickups = pickups_of(posed, search, job)
            end = end_of(posed, 2 * job + 1)
            is_posable = bool(pickups) and end.is_possible
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
            if free_at > HORIZON_S:
                return None
            held = [
                end_of(posed, step)
                for step in search.steps(courier)[locked:]
                if posed.problem.jobs[step >> 1, a.JOB_BAG] >= 0
            ]
            if not all(node.is_possible for node in held):
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

    def _moving_cost(self, node: Node) -> float:
        """Return the price of fetching an order elsewhere than its store has been told."""
        home = int(self._problem.jobs[node.step >> 1, a.JOB_HOME])
        is_moved = node.is_pickup and home >= 0 and node.candidate != home
        return float(self._problem.prices[a.PRICE_CHURN]) if is_moved else 0.0

    def _add_loads(self) -> None:
        jobs = self._problem.jobs[[node.step >> 1 for node in self._nodes]]
        sign = np.array([1 if node.is_pickup else -1 for node in self._nodes])
        loads = [first_loads(self._posed, self._search, c) or [] for c in self._couriers]
        rest = [0] * (len(self._couriers) + 1)
        for index, (name, takes, holds, _) in enumerate(BAGS):
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
                if bound < DAY_S and slope > 0:
                    clock.SetCumulVarSoftUpperBound(
                        self._index(number), max(0, bound), int(_SCALE * slope)
                    )
        self._time = self._clocks[0]

    def _add_clock(self, name: str) -> pywrapcp.RoutingDimension:
        transits = [self._time_of[mode] for mode in self._modes]
        self._model.AddDimensionWithVehicleTransits(transits, DAY_S, HORIZON_S, False, name)
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
                    unused_s = HORIZON_S * (1 - self._model.ActiveVar(pickup))
                    solver.Add(self._time.CumulVar(pickup) <= self._time.CumulVar(end) + unused_s)
                for barred, courier in enumerate(self._couriers):
                    if not self._problem.allowed[job, courier]:
                        vehicle.RemoveValue(barred)
                # Place 0 is for "no vehicle", which the solver calls -1.
                if min(ends) < horizon_s:
                    latest = solver.Element([HORIZON_S, *ends], (vehicle + 1).Var())
                    solver.Add(self._time.CumulVar(pickup) <= latest)
        for vehicle, steps in enumerate(self._open):
            for step in steps:
                if self._problem.jobs[step >> 1, a.JOB_BAG] >= 0:
                    self._model.VehicleVar(self._index(self._node_of[step])).SetValue(vehicle)

    def _add_breaks(self) -> None:
        """Keep the time free in which a courier has a break in the plan as it is.

        Where the solver may choose the time, it now and then looks for minutes for one that suits
        all clocks.  The schedule then puts it where the bag is first empty.
        """
        service_s = [0] * self._model.Size()
        for number, node in enumerate(self._nodes):
            service_s[self._index(number)] = node.service_s
        solver = self._model.solver()
        for vehicle, courier in enumerate(self._couriers):
            begins_s = self._break_begin(vehicle)
            if begins_s is None:
                continue
            duration_s = int(self._problem.couriers[courier, a.COURIER_BREAK_S])
            pause = solver.FixedDurationIntervalVar(
                begins_s, begins_s, duration_s, False, f"break {vehicle}"
            )
            for clock in self._clocks:
                clock.SetBreakIntervalsOfVehicle([pause], vehicle, service_s)

    def _break_begin(self, vehicle: int) -> int | None:
        """Return how long after now a break begins; None where there is none to come."""
        courier, locked = self._couriers[vehicle], len(self._locked[vehicle])
        due_s = int(self._problem.couriers[courier, a.COURIER_BREAK_FROM]) - self._now
        state = self._search.board.state[courier]
        if due_s > DAY_S or state[locked, RESTED]:
            return None
        count = int(self._search.routes.count[courier])
        has_rested = state[locked : count + 1, RESTED].tolist()
        row = locked + has_rested.index(1) if 1 in has_rested else count
        begins_s = max(self._free_from(vehicle)[1], due_s, int(state[row, OVER]) - self._now)
        return begins_s if begins_s <= HORIZON_S else None

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
