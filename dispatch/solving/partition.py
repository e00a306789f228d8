"""The exact choice from the album: every order in one of the routes met, at the least cost.

Set partitioning over routes of equal couriers, of each kind as many as are in use: what a courier
costs would make the relaxation worth nothing.  The linear relaxation says what a choice costs at
least and which routes cannot be part of a better one than the best so far (reduced costs); among
the others CP-SAT chooses.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from ortools.sat.python import cp_model
from scipy.optimize import linprog
from scipy.sparse import csr_array, vstack

from dispatch.solving.searching import Searching

_SCALE: Final = 10_000
"""The solver counts in whole numbers: so many to a unit of cost."""

_OPEN: Final = 2000
"""Routes that the solver chooses from, at most: those that add least to the relaxation."""

_SEED: Final = 1
_LEAST_GAIN: Final = 1e-6


@dataclass(frozen=True, slots=True)
class Chosen:
    """What became of a choice.

    Attributes
    ----------
    columns
        Routes to choose from.
    open
        Of these, what the relaxation could not rule out.
    bound
        What any choice from them costs at least.
    saved
        Against the solution before.
    """

    columns: int
    open: int
    bound: float
    saved: float


def partition(search: Searching, *, columns: int, deterministic_limit: float) -> Chosen:
    """Let a search go on from the best choice of its album's routes, where that is better.

    Parameters
    ----------
    columns
        Routes to choose from at most: the newest.
    deterministic_limit
        Effort of the solver, in its own unit (about a second each).
    """
    rows = _usable(search, columns)
    before = search.cost
    if search.absent or len(rows) == 0:
        return Chosen(len(rows), 0, before, 0.0)
    idle = float(search.idle_costs.sum())
    cost = search.album.cost[rows] - search.idle_costs[search.album.courier[rows]]
    members = _members(search, rows)
    relaxed = _relaxed(search, rows, cost, members)
    if relaxed is None:
        return Chosen(len(rows), 0, before, 0.0)
    bound, reduced = relaxed
    kept = np.flatnonzero(bound + reduced < before - idle - _LEAST_GAIN)
    if bound >= before - idle - _LEAST_GAIN or len(kept) == 0:
        return Chosen(len(rows), 0, bound + idle, 0.0)
    kept = np.sort(kept[np.argsort(reduced[kept], kind="stable")[:_OPEN]])
    taken = _choose(search, rows[kept], cost[kept], deterministic_limit)
    if taken is None:
        return Chosen(len(rows), len(kept), bound + idle, 0.0)
    search.adopt_rows(rows[kept[taken]])
    return Chosen(len(rows), len(kept), bound + idle, before - search.cost)


def _usable(search: Searching, most: int) -> NDArray[np.int64]:
    """Return the newest rows of the album, for the kinds of couriers in use."""
    album, strings = search.album, search.strings
    rows = np.arange(int(album.used[0]))
    kinds = strings.kind[search.in_use]
    rows = rows[np.isin(strings.kind[album.courier[rows]], kinds) & (album.count[rows] > 0)]
    return rows[-most:]


def _members(search: Searching, rows: NDArray[np.int64]) -> csr_array:
    """Return which orders each route has, shape (orders, routes)."""
    album = search.album
    count = album.count[rows].astype(np.int64)
    column = np.repeat(np.arange(len(rows)), count)
    within = np.arange(len(column)) - np.repeat(np.cumsum(count) - count, count)
    steps = album.steps[album.first[rows][column] + within]
    column, jobs = column[steps & 1 == 0], steps[steps & 1 == 0] >> 1
    shape = (search.problem.job_count, len(rows))
    return csr_array((np.ones(len(jobs)), (jobs, column)), shape=shape)


def _of_kinds(
    search: Searching, rows: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return the kinds of couriers in use, how many of each, and the place of each route's kind."""
    strings = search.strings
    kinds, number = np.unique(strings.kind[search.in_use], return_counts=True)
    place = np.searchsorted(kinds, strings.kind[search.album.courier[rows]])
    return kinds.astype(np.int64), number.astype(np.int64), place.astype(np.int64)


def _relaxed(
    search: Searching, rows: NDArray[np.int64], cost: NDArray[np.float64], members: csr_array
) -> tuple[float, NDArray[np.float64]] | None:
    """Return the least cost of a fractional choice and what each route adds to it at least."""
    kinds, number, place = _of_kinds(search, rows)
    crews = csr_array(
        (np.ones(len(rows)), (place, np.arange(len(rows)))), shape=(len(kinds), len(rows))
    )
    found = linprog(
        cost,
        A_eq=vstack([members, crews]),
        b_eq=np.concatenate([np.ones(members.shape[0]), number]),
        bounds=(0, None),
        method="highs-ds",
    )
    if found.status != 0:
        return None
    price = found.eqlin.marginals[: members.shape[0]]
    reduced = cost - members.T @ price - found.eqlin.marginals[members.shape[0] :][place]
    return float(found.fun), np.maximum(reduced, 0.0)


def _choose(
    search: Searching,
    rows: NDArray[np.int64],
    cost: NDArray[np.float64],
    deterministic_limit: float,
) -> NDArray[np.int64] | None:
    """Return the routes chosen by CP-SAT; None if it found no choice."""
    model = cp_model.CpModel()
    taken = [model.new_bool_var("") for _ in range(len(rows))]
    members = _members(search, rows)
    for job in range(members.shape[0]):
        having = members.indices[members.indptr[job] : members.indptr[job + 1]].tolist()
        model.add_exactly_one([taken[column] for column in having])
    kinds, number, place = _of_kinds(search, rows)
    for kind in range(len(kinds)):
        among = [taken[column] for column in np.flatnonzero(place == kind).tolist()]
        model.add(sum(among) == int(number[kind]))
    whole = np.rint(cost * _SCALE).astype(np.int64).tolist()
    model.minimize(cp_model.LinearExpr.weighted_sum(taken, whole))
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.random_seed = _SEED
    solver.parameters.max_deterministic_time = deterministic_limit
    solver.parameters.linearization_level = 2
    solver.parameters.cp_model_probing_level = 0
    solver.parameters.symmetry_level = 0
    status = solver.solve(model)
    if status not in {cp_model.OPTIMAL, cp_model.FEASIBLE}:
        return None
    return np.flatnonzero([solver.boolean_value(variable) for variable in taken])
