"""Long routes: which of them OR-Tools' routing model looks at, and whether its answer is better.

The model is in `routing_model.py`.  Whatever it answers is priced by the policy's own schedule.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dispatch.planning import arrays as a
from dispatch.planning.improve import Search
from dispatch.planning.problem import Posed
from dispatch.planning.routing_nodes import first_loads

_NEIGHBOURS: Final = 12
"""Orders of a neighbourhood, unless one route alone has more."""

_GAIN: Final = 1e-3
"""A change must save more than this many courier-seconds to be kept."""


@dataclass(slots=True)
class Outcome:
    """What became of the attempt: models built, models with an answer, answers kept."""

    models: int = 0
    answered: int = 0
    gains: int = 0


def improve_routes(posed: Posed, search: Search, go_on: Callable[[], bool]) -> Outcome:
    """Improve long routes, neighbourhood by neighbourhood.

    A neighbourhood is one courier's route of `policy.routing_min_stops` or more, if it is not as
    it was shown, with those of the orders nearest to it.  The whole plan in one model costs a
    hundred times as much for the same gain: the number of moves grows with the cube of the
    orders.  Each result is priced by the policy itself and kept only if it is better, since the
    solver's costs just resemble it.  Trips of one store are not known to it and left as they are.
    `go_on` is asked before every model.
    """
    # With it comes the solver, which a service that leaves plans to its planner never asks.
    from dispatch.planning.routing_model import RoutingModel  # noqa: PLC0415

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
        model = RoutingModel.of(posed, search, near, _movable(posed, search, near))
        if model is None:
            continue
        found = model.solve(budget)
        outcome.models += 1
        if found is None:
            continue
        outcome.answered += 1
        budget -= model.visited
        before, mark = search.cost(), search.mark()
        if search.adopt(found.steps, found.chosen):
            if search.cost() < before - _GAIN:
                outcome.gains += 1
            else:
                search.back_to(mark)
    return outcome


def _long(posed: Posed, search: Search) -> list[int]:
    """Return the couriers with a long route that is not as it was shown.

    The others were improved when they were made.
    """
    least = posed.situation.policy.routing_min_stops
    found = []
    for courier in np.flatnonzero(search.routes.count >= least).tolist():
        steps = search.steps(courier)
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
        is_takeable = owner < 0 and problem.allowed[job, list(couriers)].any()
        if owner in couriers or is_takeable:
            found.append(job)
    return found


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


def _is_overloaded(posed: Posed, search: Search, courier: int) -> bool:
    """Return whether a bag is already fuller than it may be; its route stays as it is."""
    return first_loads(posed, search, courier) is None
