"""The pool of routes as columns of a choice: one route per courier, every order once.

Every route is priced anew: the queues have moved on since it was met.  Of the routes that end
the same orders by the same courier the cheapest is a column, the others are not.  A price for
each order (Lagrangian relaxation of "every order once") tells how far the present routes are
from the best choice at most, and which columns cannot be part of a better one.  The prices are
found by subgradients: Caprara, Fischetti and Toth (1999), doi:10.1287/opre.47.5.730.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dispatch.planning.arrays import (
    COURIER_LOCKED,
    COURIER_PLACE,
    JOB_BAG,
    JOB_FIRST,
    JOB_LAST,
    Problem,
    Routes,
)
from dispatch.planning.prices import telling
from dispatch.planning.ruin import Pool
from dispatch.planning.schedule import (
    Board,
    choose,
    ready_if,
    time_felt,
    time_route,
)
from geo.compiled import kernel, kernel_part

PRESENT: Final = -1
"""In place of a row of the pool: the courier's present route."""

EMPTY: Final = -2
"""In place of a row of the pool: nothing to do for the courier."""

_SLACKEST: Final = 1e-4
"""The search for prices ends when its steps are down to this share of Polyak's."""

_PATIENCE: Final = 10
"""Steps without a better bound after which steps are halved."""

_MOMENTUM: Final = 0.3
"""Share of the last direction in the next one: subgradients zigzag."""


class Columns(NamedTuple):
    """Routes to choose from, by courier, cheap before dear.

    Attributes
    ----------
    courier : int64 (columns,)
        Ascending.
    cost : float64 (columns,)
    row : int64 (columns,)
        Row of the pool, `PRESENT` or `EMPTY`.
    moves : bool (columns,)
        Whether it takes an order from another store than the present one: its cost is exact
        only while no other order changes its store.
    first : int64 (columns + 1,), jobs : int64
        Column i ends the orders `jobs[first[i]:first[i + 1]]`.
    block : int64 (couriers + 1,)
        Courier c has the columns `[block[c], block[c + 1])`.
    """

    courier: NDArray[np.int64]
    cost: NDArray[np.float64]
    row: NDArray[np.int64]
    moves: NDArray[np.bool_]
    first: NDArray[np.int64]
    jobs: NDArray[np.int64]
    block: NDArray[np.int64]


class Bound(NamedTuple):
    """What prices of orders say about a choice.

    Attributes
    ----------
    lower
        No choice costs less.
    price : float64 (jobs,)
    excess : float64 (columns,)
        A choice with this column costs at least this much more than `lower`.
    """

    lower: float
    price: NDArray[np.float64]
    excess: NDArray[np.float64]


def gather(
    problem: Problem,
    routes: Routes,
    cost: NDArray[np.float64],
    pool: Pool,
    pool_cost: NDArray[np.float64],
) -> tuple[Columns, NDArray[np.int64]]:
    """Return the columns of a pool, and which of them stands for each present route.

    Parameters
    ----------
    routes
        The present ones; each is a column, or a cheaper one with the same orders is.
    cost : float64 (couriers,)
        Of the present ones, with churn.
    pool, pool_cost
        With what its routes cost now, infinite for what breaks a limit.  Routes that take goods
        out of another courier's bag, leave those of their own bag, or do not begin with the
        locked steps are left out too.

    Returns
    -------
    columns
    present : int64 (couriers,)
        Column with the orders of each courier's present route.
    """
    couriers = len(problem.couriers)
    width = max(routes.steps.shape[1], pool.steps.shape[1])
    everybody = np.arange(couriers, dtype=np.int64)
    steps = np.vstack([_padded(routes.steps, width), _padded(pool.steps, width)])
    courier = np.concatenate([everybody, pool.courier.astype(np.int64)])
    count = np.concatenate([routes.count, pool.count]).astype(np.int64)
    costs = np.concatenate([cost, pool_cost])
    row = np.concatenate([np.full(couriers, PRESENT), np.arange(len(pool.courier))])

    used = np.arange(width) < count[:, None]
    job = np.where(used, steps >> 1, 0).astype(np.int64)
    ends = used & (steps & 1 == 1)
    bag = problem.jobs[: problem.job_count, JOB_BAG]
    carried = (
        np.where(ends & (bag[job] >= 0), bag[job], -1) if len(bag) else np.full(used.shape, -1)
    )
    own = (carried == courier[:, None]).sum(axis=1)
    strange = ((carried >= 0) & (carried != courier[:, None])).any(axis=1)
    in_bag = np.bincount(bag[bag >= 0], minlength=couriers)
    locked = problem.couriers[:, COURIER_LOCKED]
    begun = np.arange(width) < locked[courier][:, None]
    moved = (begun & (~used | (steps != steps[courier]))).any(axis=1)
    sound = (own == in_bag[courier]) & ~strange & ~moved & np.isfinite(costs)
    sound[:couriers] = True

    free = np.flatnonzero((locked == 0) & (in_bag == 0))
    nothing = len(courier) + np.arange(len(free))
    courier = np.concatenate([courier, free])
    costs = np.concatenate([costs, _staying(problem, free)])
    row = np.concatenate([row, np.full(len(free), EMPTY)])
    sound = np.concatenate([sound, np.ones(len(free), dtype=bool)])
    key = np.concatenate([_key(job, ends, problem.job_count), np.zeros(len(free), np.uint64)])
    candidate = _padded(pool.candidate, width)
    elsewhere = (candidate >= 0) & (candidate != routes.chosen[job[couriers:]])
    moves = np.zeros(len(courier), dtype=bool)
    moves[couriers : len(job)] = (elsewhere & used[couriers:]).any(axis=1)

    # Stable sorts, so that of equal costs the present route comes first, then the older one.
    kept = np.flatnonzero(sound)
    kept = kept[np.lexsort((costs[kept], moves[kept], key[kept], courier[kept]))]
    new = np.ones(len(kept), dtype=bool)
    new[1:] = (
        (courier[kept][1:] != courier[kept][:-1])
        | (key[kept][1:] != key[kept][:-1])
        | (moves[kept][1:] != moves[kept][:-1])
    )
    group = np.cumsum(new) - 1
    best = kept[new]
    rank = np.lexsort((best, costs[best], courier[best]))
    place = np.empty(len(best), dtype=np.int64)
    place[rank] = np.arange(len(best))
    present = np.empty(couriers, dtype=np.int64)
    is_present = kept < couriers
    present[kept[is_present]] = place[group[is_present]]
    best = best[rank]

    real = best[best < nothing[0]] if len(free) else best
    length = np.zeros(len(best), dtype=np.int64)
    length[row[best] != EMPTY] = ends[real].sum(axis=1)
    columns = Columns(
        courier=courier[best],
        cost=costs[best],
        row=row[best],
        moves=moves[best],
        first=np.concatenate([[0], np.cumsum(length)]).astype(np.int64),
        jobs=job[real][ends[real]],
        block=np.searchsorted(courier[best], np.arange(couriers + 1)).astype(np.int64),
    )
    return columns, present


def restrict(columns: Columns, kept: NDArray[np.int64]) -> Columns:
    """Return some of the columns, ascending; couriers keep their numbers."""
    length = np.diff(columns.first)[kept]
    first = np.concatenate([[0], np.cumsum(length)]).astype(np.int64)
    at = np.repeat(columns.first[kept] - first[:-1], length) + np.arange(first[-1])
    return Columns(
        courier=columns.courier[kept],
        cost=columns.cost[kept],
        row=columns.row[kept],
        moves=columns.moves[kept],
        first=first,
        jobs=columns.jobs[at],
        block=np.searchsorted(columns.courier[kept], np.arange(len(columns.block))),
    )


def bound(
    columns: Columns,
    price: NDArray[np.float64],
    asked: NDArray[np.bool_],
    unrouted: float,
    upper: float,
    rounds: int,
) -> Bound:
    """Return a bound below every choice, and what each column costs beyond it.

    Parameters
    ----------
    price : float64 (jobs,)
        Where to start from.
    asked : bool (jobs,)
        Which orders are to be chosen for: all that any column has, and those without a route.
    unrouted
        Cost of an order that no chosen column has.
    upper
        Cost of a choice that is known.
    rounds
        Steps at most; each looks at every column once.
    """
    lower, prices, excess = _subgradient(columns, price, asked, unrouted, upper, rounds)
    return Bound(lower, prices, excess)


def shared_out(
    columns: Columns, present: NDArray[np.int64], jobs: int, unrouted: float
) -> NDArray[np.float64]:
    """Return prices to start from: each present route's cost in equal shares to its orders."""
    price = np.full(jobs, unrouted)
    for column in present.tolist():
        inside = columns.jobs[columns.first[column] : columns.first[column + 1]]
        price[inside] = columns.cost[column] / max(1, len(inside))
    return price


def price_again(problem: Problem, board: Board, pool: Pool) -> NDArray[np.float64]:
    """Return what each route of a pool costs now, with churn; infinite where it breaks a limit.

    Routes whose stores are the present ones cost exactly this.  For the others the goods are
    ready as if that order alone had changed its store, and what other routes gain or lose by it
    is added.  The board is scratch afterwards.
    """
    cost = np.empty(len(pool.courier))
    _price_again(problem, board, pool.courier, pool.count, pool.steps, pool.candidate, cost)
    return cost


@kernel
def _burden(problem: Problem, board: Board, job: int, candidate: int) -> float:
    """Return what routes of others gain or lose when an order changes its store."""
    before = board.chosen[job]
    if candidate == before:
        return 0.0
    owner = board.owner[job]
    total, unsound = board.total[0], board.total[1]
    own = board.cost[owner] if owner >= 0 else 0.0
    choose(problem, board, job, candidate)
    time_felt(problem, board)
    added = board.total[0] - total
    if owner >= 0:
        added -= board.cost[owner] - own
    if board.total[1] > unsound:
        added = np.inf
    choose(problem, board, job, before)
    time_felt(problem, board)
    return float(added)


@kernel
def _met(candidates: NDArray[np.int32], count: NDArray[np.int32], number: int) -> NDArray[np.uint8]:
    """Return which of all candidates occur in a pool."""
    met = np.zeros(number, dtype=np.uint8)
    for row in range(len(count)):
        for index in range(count[row]):
            if candidates[row, index] >= 0:
                met[candidates[row, index]] = 1
    return met


@kernel
def _price_again(
    problem: Problem,
    board: Board,
    couriers: NDArray[np.int32],
    count: NDArray[np.int32],
    steps: NDArray[np.int32],
    candidates: NDArray[np.int32],
    cost: NDArray[np.float64],
) -> None:
    met = _met(candidates, count, len(problem.candidates))
    ready = np.empty(len(met), dtype=np.int64)
    burden = np.zeros(len(met))
    for job in range(problem.job_count):
        for candidate in range(problem.jobs[job, JOB_FIRST], problem.jobs[job, JOB_LAST]):
            if met[candidate]:
                ready[candidate] = ready_if(problem, board, job, candidate)
                burden[candidate] = _burden(problem, board, job, candidate)
    chosen, goods = board.chosen.copy(), board.ready.copy()
    for row in range(len(cost)):
        courier = couriers[row]
        board.count[courier] = count[row]
        extra = 0.0
        for index in range(count[row]):
            board.steps[courier, index] = steps[row, index]
            candidate = candidates[row, index]
            if candidate >= 0:
                job = steps[row, index] >> 1
                board.chosen[job] = candidate
                board.ready[job] = ready[candidate]
                extra += burden[candidate]
                extra += telling(problem, job, courier, candidate)
        time_route(problem, board, courier)
        cost[row] = board.cost[courier] + extra if board.sound[courier] else np.inf
        for index in range(count[row]):
            job = steps[row, index] >> 1
            board.chosen[job] = chosen[job]
            board.ready[job] = goods[job]


def _staying(problem: Problem, couriers: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return what couriers with nothing to do cost."""
    if not len(problem.ends):
        return np.zeros(len(couriers))
    cost: NDArray[np.float64] = problem.ends[couriers, problem.couriers[couriers, COURIER_PLACE]]
    return cost


def _padded(steps: NDArray[np.int32], width: int) -> NDArray[np.int32]:
    return np.pad(steps, ((0, 0), (0, width - steps.shape[1])))


def _key(job: NDArray[np.int64], ends: NDArray[np.bool_], jobs: int) -> NDArray[np.uint64]:
    """Return the same number for the same set of orders (and for others once in 2^64 pairs).

    Sums of numbers scattered as by Steele, Lea and Flood (2014), doi:10.1145/2660193.2660195.
    """
    scattered = np.arange(1, jobs + 2, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        scattered = (scattered ^ (scattered >> np.uint64(shift))) * np.uint64(factor)
    scattered ^= scattered >> np.uint64(31)
    keys: NDArray[np.uint64] = np.where(ends, scattered[job], np.uint64(0)).sum(axis=1)
    return keys


@kernel_part
def _cheapest(
    first: NDArray[np.int64],
    jobs: NDArray[np.int64],
    cost: NDArray[np.float64],
    price: NDArray[np.float64],
    low: int,
    high: int,
    excess: NDArray[np.float64],
) -> tuple[float, int]:
    """Return the least reduced cost of a block and its column; write what the others have more."""
    least, at = np.inf, -1
    for column in range(low, high):
        reduced = cost[column]
        for index in range(first[column], first[column + 1]):
            reduced -= price[jobs[index]]
        excess[column] = reduced
        if reduced < least:
            least, at = reduced, column
    for column in range(low, high):
        excess[column] -= least
    return least, at


@kernel_part
def _bound_of(
    columns: Columns,
    price: NDArray[np.float64],
    asked: NDArray[np.bool_],
    unrouted: float,
    excess: NDArray[np.float64],
    uncovered: NDArray[np.float64],
) -> float:
    """Return the bound that prices give; write how often each order is missing from its choice."""
    lower = 0.0
    for job in range(len(price)):
        uncovered[job] = 0.0
        if asked[job]:
            # Dearer than going without a route, it goes without one.
            lower += min(price[job], unrouted)
            uncovered[job] = 1.0 if price[job] <= unrouted else 0.0
    for courier in range(len(columns.block) - 1):
        low, high = columns.block[courier], columns.block[courier + 1]
        if high > low:
            least, at = _cheapest(
                columns.first, columns.jobs, columns.cost, price, low, high, excess
            )
            lower += least
            for index in range(columns.first[at], columns.first[at + 1]):
                uncovered[columns.jobs[index]] -= 1.0
    return lower


@kernel
def _subgradient(
    columns: Columns,
    start: NDArray[np.float64],
    asked: NDArray[np.bool_],
    unrouted: float,
    upper: float,
    rounds: int,
) -> tuple[float, NDArray[np.float64], NDArray[np.float64]]:
    """Return the best bound, its prices, and what each column costs above its courier's least."""
    price, best_price = start.copy(), start.copy()
    direction, uncovered = np.zeros(len(price)), np.zeros(len(price))
    excess, best_excess = np.zeros(len(columns.cost)), np.zeros(len(columns.cost))
    best, pace, stale = -np.inf, 1.0, 0
    for _ in range(max(1, rounds)):
        lower = _bound_of(columns, price, asked, unrouted, excess, uncovered)
        stale += 1
        if lower > best:
            best, stale = lower, 0
            best_price[:] = price
            best_excess[:] = excess
        elif stale >= _PATIENCE:
            pace *= 0.5
            stale = 0
            price[:] = best_price
        direction[:] = (1.0 - _MOMENTUM) * uncovered + _MOMENTUM * direction
        norm = np.sum(direction * direction)
        if norm == 0.0 or pace < _SLACKEST or best >= upper:
            break
        price += pace * (upper - lower) / norm * direction
    return best, best_price, best_excess
