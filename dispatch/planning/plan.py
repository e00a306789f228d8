"""The decision: `plan(snapshot)` says which store, which courier, in which order and when.

Pure: the same snapshot gives the same plan in any process.  Nothing in a snapshot makes it fail;
what cannot be planned comes back unassigned, with its reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from dispatch.model import Plan, Policy, Snapshot
from dispatch.planning import routing
from dispatch.planning.arrays import JOB_BAG
from dispatch.planning.holding import hold
from dispatch.planning.improve import Search
from dispatch.planning.nearest import append_to_nearest
from dispatch.planning.problem import Posed, pose
from dispatch.planning.sequences import keep_sequences
from dispatch.planning.sharing import keep_limits
from dispatch.planning.situation import read
from dispatch.planning.starts import improve_in_starts
from dispatch.planning.writing import write

CHUNK: Final = 50
"""Rounds of ruin and recreate between two plans."""

STARTS: Final = 2
"""Searches that the exact choice joins."""

POOLED: Final = 5
"""Routes remembered for each round of a search whose routes are chosen from."""


def _always() -> bool:
    return True


def plan(snapshot: Snapshot) -> Plan:
    """Return the decision for a snapshot: the last and best of `plans`."""
    posed, search = _first(snapshot)
    method = "insertion"
    for reached in _better(posed, search, _always):
        method = reached
    return _written(posed, search, method)


def plans(snapshot: Snapshot, go_on: Callable[[], bool] = _always) -> Iterator[Plan]:
    """Yield a plan, then better ones.

    The first keeps what is in force and inserts what is new at its cheapest place.  Ruin and
    recreate improves on it, `CHUNK` rounds at a time until `policy.improve_rounds` are done.
    Where the policy asks for it, the rounds are shared by several starts, and CP-SAT chooses
    exactly from all routes they met.  Then OR-Tools' routing model looks at long routes.
    `Plan.method` says what found it.

    Parameters
    ----------
    go_on
        Asked before every further step; what was yielded last stands when it says no.
    """
    posed, search = _first(snapshot)
    yield _written(posed, search, "insertion")
    for method in _better(posed, search, go_on):
        yield _written(posed, search, method)


def plan_by_insertion(snapshot: Snapshot) -> Plan:
    """Return a decision without OR-Tools: the fall-back that never fails."""
    posed, search = _first(snapshot)
    if not snapshot.policy.assign_nearest:
        for _ in _ruined_and_recreated(posed, search, _always):
            pass
    return _written(posed, search, "insertion")


def _written(posed: Posed, search: Search, method: str) -> Plan:
    """Return a search's plan; who waits on purpose in it does not in the search.

    What is new is taken out where it breaks a limit of a bag for others, since goods came later;
    couriers keep the sequence they were told unless another one is worth its price.
    """
    keep_limits(search)
    keep_sequences(posed, search)
    held = hold(posed.situation.snapshot, search, posed.store_ids)
    written = write(posed, search, method)
    if held:
        search.start_as_posed()
    return written


def _first(snapshot: Snapshot) -> tuple[Posed, Search]:
    """Return a snapshot as a search that has a plan."""
    policy = snapshot.policy
    posed = pose(read(snapshot), settled=policy.sourcing_nearest)
    pool = POOLED * policy.improve_rounds if policy.selection_neighbourhoods else 0
    search = Search(posed.problem, posed.routes, snapshot.seed, pool=pool)
    search.settle()
    if policy.assign_nearest:
        append_to_nearest(search)
    else:
        search.fill()
    return posed, search


def _better(posed: Posed, search: Search, go_on: Callable[[], bool]) -> Iterator[str]:
    """Improve a search step by step; yields the method that has led so far."""
    method = "insertion"
    policy = posed.situation.policy
    if policy.assign_nearest:
        return
    if policy.selection_neighbourhoods:
        for gained in _chosen_from_starts(search, policy, go_on):
            method = "selection" if gained else method
            yield method
    else:
        for _ in _ruined_and_recreated(posed, search, go_on):
            yield method
    free = posed.problem.jobs[: posed.problem.job_count, JOB_BAG] < 0
    if free.sum() >= max(1, policy.routing_min_orders):
        outcome = routing.improve_routes(posed, search, go_on)
        if not outcome.models:
            return
        if outcome.gains:
            method = "routing"
        elif outcome.models > outcome.answered:
            method = "insertion (routing gave none)"
        yield method


def _chosen_from_starts(
    search: Search, policy: Policy, go_on: Callable[[], bool]
) -> Iterator[bool]:
    """Search from several starts, joined by the exact choice; yields whether that has gained."""
    gained = False
    if not go_on():
        return
    for selected in improve_in_starts(
        search,
        policy.improve_rounds,
        starts=STARTS,
        neighbourhoods=policy.selection_neighbourhoods,
        routes=policy.selection_routes,
        deterministic_limit=policy.selection_limit,
    ):
        gained = gained or (selected is not None and selected.gains > 0)
        yield gained
        if not go_on():
            return


def _ruined_and_recreated(
    posed: Posed, search: Search, go_on: Callable[[], bool]
) -> Iterator[None]:
    """Ruin and recreate in chunks; yields after each."""
    rounds = posed.situation.policy.improve_rounds
    if not posed.problem.job_count:
        return
    for done in range(0, rounds, CHUNK):
        if not go_on():
            return
        now = min(CHUNK, rounds - done)
        search.improve(now, progress=(done / rounds, (done + now) / rounds))
        yield
