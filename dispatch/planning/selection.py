"""The exact choice from the pool: one route per courier, every order once.

Set partitioning, the shape of Alonso-Mora et al. (2017), doi:10.1073/pnas.1611675114.  Prices of
orders (`columns.bound`) say first how much a choice could save at most, and rule out the columns
that cannot take part.  What is left is chosen exactly by CP-SAT, neighbourhood by neighbourhood
of couriers that have orders to trade, with the present routes as hint.  Costs in the pool are
those of the moment a route was met; every choice is worked out anew before it is kept.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dispatch.planning.arrays import (
    PRICE_UNROUTED,
)
from dispatch.planning.columns import (
    EMPTY,
    PRESENT,
    Bound,
    Columns,
    bound,
    gather,
    price_again,
    restrict,
    shared_out,
)
from dispatch.planning.improve import Search
from dispatch.planning.ruin import Pool

_SCALE: Final = 100
"""The solver counts in whole numbers: hundredths of a courier-second."""

_GAIN: Final = 0.01
"""A choice must save more than this many courier-seconds to be kept."""

_ROUNDS: Final = 200
"""Steps towards the prices of orders; a hundred more lift the bound by less than a thousandth."""

_ORDERS: Final = 40
"""Orders of a neighbourhood that is not the whole."""

_DEAREST: Final = 2.0
"""Leaving an order out counts as so many times the dearest route: no choice is worth it."""

_SEED: Final = 1
"""Of the solver; any will do."""


@dataclass(slots=True)
class Selected:
    """What became of it.

    Attributes
    ----------
    columns
        Routes to choose from, over the whole plan.
    open
        Of these, what prices could not rule out.
    models
        Neighbourhoods looked at.
    proven
        Neighbourhoods whose best choice is known to be the best, by prices or by the solver.
    solved
        Neighbourhoods that took the solver.
    gains
        Choices kept.
    refused
        Choices that turned out not to be better, or not sound, when worked out anew.
    saved
        Courier-seconds saved by what was kept.
    gap
        What the best choice from the pool could have saved at most, before.
    deterministic_time
        Effort of the solver, in its own unit (about a second each).
    """

    columns: int = 0
    open: int = 0
    models: int = 0
    proven: int = 0
    solved: int = 0
    gains: int = 0
    refused: int = 0
    saved: float = 0.0
    gap: float = 0.0
    deterministic_time: float = 0.0


@dataclass(frozen=True, slots=True)
class Choice:
    """An answer of the solver.

    Attributes
    ----------
    columns : int64 (couriers asked,)
        One for each courier that has columns, ascending; the present ones if none is better.
    saved
        Against the present choice, by the columns' costs.
    proven
        Whether none can be better.
    deterministic_time
        Effort it took.
    """

    columns: NDArray[np.int64]
    saved: float
    proven: bool
    deterministic_time: float = 0.0


def select(
    search: Search, *, neighbourhoods: int, routes: int, deterministic_limit: float
) -> Selected:
    """Choose the best combination of the pool's routes; keep it where it costs less.

    Parameters
    ----------
    neighbourhoods
        How many to look at, at most.
    routes
        Columns of one neighbourhood, at most: the best by price.
    deterministic_limit
        Effort of the solver over all of them, in its own unit of deterministic time.
    """
    outcome = Selected()
    if search.problem.job_count == 0 or len(search.problem.couriers) == 0:
        return outcome
    table = _Table.of(search, np.zeros(len(search.problem.couriers), dtype=bool))
    outcome.columns, outcome.open, outcome.gap = table.whole, len(table.columns.cost), table.gap
    for _ in range(neighbourhoods):
        group = table.neighbourhood(routes)
        if group is None:
            break
        outcome.models += 1
        for moving in (True, False):
            left = deterministic_limit - outcome.deterministic_time
            if left <= 0.0:
                return outcome
            kept, present, asked = table.inside(group, routes, moving=moving)
            columns = restrict(table.columns, kept)
            choice = choose(
                columns, present, asked, table.unrouted, price=table.price, deterministic_limit=left
            )
            outcome.deterministic_time += choice.deterministic_time
            outcome.solved += choice.deterministic_time > 0.0
            saved = _adopt(search, columns, present, choice.columns)
            if saved > 0.0:
                outcome.gains += 1
                outcome.saved += saved
                table = _Table.of(search, table.seen)
            outcome.proven += choice.proven and moving
            if saved > 0.0:
                break
            table.looked_at(group)
            if choice.saved <= _GAIN:
                break
            # Changed stores moved the goods of others. Without such changes costs are exact.
            outcome.refused += 1
    return outcome


def choose(
    columns: Columns,
    present: NDArray[np.int64],
    asked: NDArray[np.bool_],
    unrouted: float,
    *,
    price: NDArray[np.float64],
    deterministic_limit: float,
) -> Choice:
    """Choose one column for each courier that has any, every order asked for at most once.

    Parameters
    ----------
    present : int64
        The columns chosen now, one for each courier that has columns, ascending.
    asked : bool (jobs,)
        The orders to be chosen for: every order of a column, and others that cost `unrouted`.
    unrouted
        Cost of an order that no chosen column has.
    price : float64 (jobs,)
        To start the bound from.
    deterministic_limit
        Effort of the solver, in its own unit.
    """
    upper = _total(columns, present, asked, unrouted)
    limits = bound(columns, price, asked, unrouted, upper, _ROUNDS)
    kept = _worth_a_look(limits, upper)
    kept = np.union1d(kept, present)
    if len(kept) == len(present):
        return Choice(present, 0.0, proven=True)
    open_columns = restrict(columns, kept)
    chosen, proven, effort = _solve(
        open_columns, np.searchsorted(kept, present), asked, unrouted, deterministic_limit
    )
    answer = kept[chosen]
    saved = upper - _total(columns, answer, asked, unrouted)
    if saved <= _GAIN:
        return Choice(present, 0.0, proven, effort)
    return Choice(answer, saved, proven, effort)


def _solve(
    columns: Columns,
    present: NDArray[np.int64],
    asked: NDArray[np.bool_],
    unrouted: float,
    deterministic_limit: float,
) -> tuple[NDArray[np.int64], bool, float]:
    """Return the columns chosen by CP-SAT, whether that is proven, and its effort."""
    # With it come tables (pandas) that nothing here needs: half a second, for a service that
    # leaves plans to its planner.
    from ortools.sat.python import cp_model  # noqa: PLC0415

    model = cp_model.CpModel()
    taken = [model.new_bool_var("") for _ in range(len(columns.cost))]
    jobs = np.flatnonzero(asked)
    left_out = [model.new_bool_var("") for _ in range(len(jobs))]
    having = {int(job): [skipped] for job, skipped in zip(jobs, left_out, strict=True)}
    first, inside = columns.first.tolist(), columns.jobs.tolist()
    for column, variable in enumerate(taken):
        for job in inside[first[column] : first[column + 1]]:
            having[job].append(variable)
    for variables in having.values():
        model.add_exactly_one(variables)
    block = columns.block.tolist()
    for low, high in itertools.pairwise(block):
        if high > low:
            model.add_exactly_one(taken[low:high])
    costs = np.rint(columns.cost * _SCALE).astype(np.int64).tolist()
    costs += [round(unrouted * _SCALE)] * len(jobs)
    model.minimize(cp_model.LinearExpr.weighted_sum(taken + left_out, costs))
    now = set(present.tolist())
    routed = {job for column in now for job in inside[first[column] : first[column + 1]]}
    for column, variable in enumerate(taken):
        model.add_hint(variable, column in now)
    for job, variable in zip(jobs.tolist(), left_out, strict=True):
        model.add_hint(variable, job not in routed)

    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.random_seed = _SEED
    solver.parameters.max_deterministic_time = deterministic_limit
    # All rows in the linear relaxation: for set partitioning a hundred times faster than some.
    solver.parameters.linearization_level = 2
    solver.parameters.cp_model_probing_level = 0
    solver.parameters.symmetry_level = 0
    status = solver.solve(model)
    effort = float(solver.response_proto.deterministic_time)
    if status not in {cp_model.OPTIMAL, cp_model.FEASIBLE}:
        return present, False, effort
    answer = np.flatnonzero([solver.boolean_value(variable) for variable in taken])
    return answer, status == cp_model.OPTIMAL, effort


class _Table:
    """All columns that may be part of a better choice, and who could trade with whom.

    Attributes
    ----------
    whole
        How many columns there were before prices ruled some out.
    gap
        What the best choice could save at most.
    columns, present, asked, price, excess
        As for `choose`; `present` has -1 for couriers without columns.
    seen : bool (couriers,)
        Who was looked at.
    """

    def __init__(
        self,
        columns: Columns,
        present: NDArray[np.int64],
        asked: NDArray[np.bool_],
        unrouted: float,
        seen: NDArray[np.bool_],
    ) -> None:
        self.whole = len(columns.cost)
        self.unrouted = unrouted
        self.asked = asked
        now = present[present >= 0]
        upper = _total(columns, now, asked, unrouted)
        start = shared_out(columns, now, len(asked), unrouted)
        limits = bound(columns, start, asked, unrouted, upper, _ROUNDS)
        self.gap = max(0.0, upper - limits.lower)
        self.price = limits.price
        kept = np.union1d(_worth_a_look(limits, upper), now)
        self.columns = restrict(columns, kept)
        self.excess = limits.excess[kept]
        self.present = np.where(present >= 0, np.searchsorted(kept, present), -1)
        self._owner = self._owners()
        self.seen = seen

    @classmethod
    def of(cls, search: Search, seen: NDArray[np.bool_]) -> _Table:
        """Return the table of a search's pool and present routes."""
        problem, owner = search.problem, search.owner
        cost, sound = _with_churn(search), search.sound.astype(bool)
        mark, pool = search.mark(), search.pool
        pool_cost = price_again(problem, search.board, pool)
        search.back_to(mark)
        columns, present = gather(problem, search.routes, cost, pool, pool_cost)
        asked = (owner < 0) | sound[owner]
        asked &= np.isin(np.arange(len(owner)), columns.jobs)
        inside = _all_inside(columns, asked)
        kept = np.flatnonzero(inside & sound[columns.courier])
        present = np.where(sound, np.searchsorted(kept, present), -1)
        columns = restrict(columns, kept)
        # The policy's price is so high that all else would drown in it.
        dearest = _DEAREST * float(columns.cost.max(initial=0.0)) + 1.0
        unrouted = min(float(problem.prices[PRICE_UNROUTED]), dearest)
        return cls(columns, present, asked, unrouted, seen)

    def neighbourhood(self, routes: int) -> NDArray[np.int64] | None:
        """Return the next couriers to look at, None when all have been."""
        excess = np.where(self.present >= 0, self.excess[self.present], -1.0)
        waiting = ~self.seen & (self.present >= 0)
        if not waiting.any():
            return None
        everybody = np.flatnonzero(self.present >= 0)
        if len(self.columns.cost) <= routes:
            return everybody
        seed = int(np.argmax(np.where(waiting, excess, -1.0)))
        link = self._links()
        orders = np.bincount(self._owner[self._owner >= 0], minlength=len(excess))
        group, size = [seed], int(orders[seed])
        drawn = link[seed].copy()
        while True:
            drawn[group] = 0.0
            drawn[size + orders > _ORDERS] = 0.0
            nearest = int(np.argmax(drawn))
            if drawn[nearest] <= 0.0:
                return np.array(sorted(group), dtype=np.int64)
            group.append(nearest)
            size += max(1, int(orders[nearest]))
            drawn += link[nearest]

    def inside(
        self, group: NDArray[np.int64], routes: int, *, moving: bool
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
        """Return the columns of some couriers that have no order of others, for `choose`.

        With them the places of the present ones among them, and the orders asked for.  Without
        `moving`, no order changes its store.
        """
        member = np.zeros(len(self.present), dtype=bool)
        member[group] = True
        asked = self.asked & ((self._owner < 0) | member[self._owner])
        fitting = _all_inside(self.columns, asked) & member[self.columns.courier]
        if not moving:
            fitting &= ~self.columns.moves
        now = self.present[group]
        fitting[now] = True
        kept = np.flatnonzero(fitting)
        if len(kept) > routes:
            slack = self.excess[kept]
            slack[np.searchsorted(kept, now)] = -1.0
            kept = np.sort(kept[np.argsort(slack, kind="stable")[: max(routes, len(now))]])
        met = np.zeros(len(asked), dtype=bool)
        met[restrict(self.columns, kept).jobs] = True
        return kept, np.searchsorted(kept, now), met

    def looked_at(self, group: NDArray[np.int64]) -> None:
        """Do not begin from these couriers again."""
        self.seen[group] = True

    def _links(self) -> NDArray[np.float64]:
        """Return how much each pair of couriers has to trade, shape (couriers, couriers)."""
        couriers = len(self.present)
        length = np.diff(self.columns.first)
        column = np.repeat(np.arange(len(length)), length)
        owner = self._owner[self.columns.jobs]
        likely = 1.0 - self.excess / max(self.gap, _GAIN)
        weight = np.maximum(likely, 0.0) / np.maximum(length, 1)
        courier = self.columns.courier[column]
        other = (owner >= 0) & (owner != courier)
        pairs = courier[other] * couriers + owner[other]
        link: NDArray[np.float64] = np.zeros(couriers * couriers)
        np.add.at(link, pairs, weight[column[other]])
        link = link.reshape(couriers, couriers)
        return link + link.T

    def _owners(self) -> NDArray[np.int64]:
        owner = np.full(len(self.asked), -1, dtype=np.int64)
        for courier, column in enumerate(self.present.tolist()):
            if column >= 0:
                low, high = self.columns.first[column : column + 2]
                owner[self.columns.jobs[low:high]] = courier
        return owner


def _adopt(
    search: Search,
    columns: Columns,
    present: NDArray[np.int64],
    chosen: NDArray[np.int64],
) -> float:
    """Let a search take over the chosen columns, trade by trade; return what was saved."""
    saved = 0.0
    for trade in _trades(columns, present, chosen):
        routes, stores = _routes_of(columns, trade, search.pool)
        before, mark = search.cost(), search.mark()
        if search.adopt(routes, stores):
            if before - search.cost() > _GAIN:
                saved += before - search.cost()
            else:
                search.back_to(mark)
    return saved


def _trades(
    columns: Columns, present: NDArray[np.int64], chosen: NDArray[np.int64]
) -> list[list[int]]:
    """Return the chosen columns that are new, in groups that exchange no order with each other."""
    group = {int(column): int(column) for column in chosen[chosen != present]}
    having: dict[int, int] = {}
    for before, after in zip(present.tolist(), chosen.tolist(), strict=True):
        if before == after:
            continue
        for column in (before, after):
            for job in columns.jobs[columns.first[column] : columns.first[column + 1]].tolist():
                one, other = _root(group, having.setdefault(job, after)), _root(group, after)
                group[max(one, other)] = min(one, other)
    trades: dict[int, list[int]] = {}
    for column in group:
        trades.setdefault(_root(group, column), []).append(column)
    return list(trades.values())


def _root(group: dict[int, int], member: int) -> int:
    while group[member] != member:
        member = group[member]
    return member


def _routes_of(
    columns: Columns, chosen: list[int], pool: Pool
) -> tuple[dict[int, list[int]], dict[int, int]]:
    """Return the steps by courier and the stores by order of some columns."""
    routes: dict[int, list[int]] = {}
    stores: dict[int, int] = {}
    for column in chosen:
        courier, row = int(columns.courier[column]), int(columns.row[column])
        if row == EMPTY:
            routes[courier] = []
        elif row != PRESENT:
            steps = pool.steps[row, : pool.count[row]].tolist()
            routes[courier] = steps
            for step, candidate in zip(steps, pool.candidate[row].tolist(), strict=False):
                if candidate >= 0:
                    stores[step >> 1] = candidate
    return routes, stores


def _total(
    columns: Columns, chosen: NDArray[np.int64], asked: NDArray[np.bool_], unrouted: float
) -> float:
    """Return the cost of a choice."""
    routed = int((columns.first[chosen + 1] - columns.first[chosen]).sum())
    return float(columns.cost[chosen].sum()) + unrouted * (int(asked.sum()) - routed)


def _worth_a_look(limits: Bound, upper: float) -> NDArray[np.int64]:
    """Return the columns that a choice below `upper` may have."""
    return np.flatnonzero(limits.lower + limits.excess < upper - _GAIN)


def _with_churn(search: Search) -> NDArray[np.float64]:
    """Return what each present route costs with the churn of its orders."""
    routed = np.flatnonzero(search.owner >= 0)
    told = [search.telling_of(job) for job in routed.tolist()]
    costs: NDArray[np.float64] = search.route_cost + np.bincount(
        search.owner[routed], told, minlength=len(search.problem.couriers)
    )
    return costs


def _all_inside(columns: Columns, asked: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which columns have no order but those asked for."""
    outside = np.concatenate([[0], np.cumsum(~asked[columns.jobs])])
    inside: NDArray[np.bool_] = outside[columns.first[1:]] == outside[columns.first[:-1]]
    return inside
