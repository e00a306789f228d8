"""Ruin and recreate over the whole plan, in compiled loops.

A few related orders are taken out and inserted again where they now cost least; a worse plan is
kept for a while with a chance that falls (Schrimpf et al. 2000, doi:10.1006/jcph.1999.6413; ruins
by nearness and in strings as Shaw 1998, doi:10.1007/3-540-49481-2_30, and Christiaens & Vanden
Berghe 2020, doi:10.1287/trsc.2019.0914).  All randomness comes from one seeded generator
(xorshift64*, Marsaglia 2003, doi:10.18637/jss.v008.i14): the same problem, seed and rounds always
come to the same end.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dispatch.planning.arrays import (
    CAND_STORE,
    COURIER_LOCKED,
    COURIER_MODE,
    JOB_BAG,
    JOB_LATEST,
    JOB_PLACE,
    PRICE_UNROUTED,
    STORE_PLACE,
    Problem,
)
from dispatch.planning.drawing import draw
from dispatch.planning.insertion import best_end, best_of, put, take
from dispatch.planning.prices import telling
from dispatch.planning.schedule import (
    DEPART,
    INFINITE,
    PLACE,
    Board,
    as_index,
    choose,
    set_up,
    time_felt,
    time_route,
)
from geo.compiled import kernel, kernel_part

MOST_RUINED: Final = 24
"""Orders taken out at once, at most."""

_STRINGS: Final = 0.35
"""Share of ruins that take strings of neighbouring stops; the others take related orders."""

_BLINK: Final = 0.01
"""Share of couriers overlooked in an insertion, so that equal searches go different ways."""

_GAIN: Final = 1e-3
"""A plan must be better by this many courier-seconds to count as a new best."""

_SHARED_DOOR: Final = 0.5
"""Weight of the doors' distance against that of the stores in how related two orders are."""

_SHARED_HURRY: Final = 0.25
"""Weight of the promises' distance in how related two orders are."""


class Ruins(NamedTuple):
    """What ruining needs to know, and room to work in.

    Attributes
    ----------
    movable : int32 (movable,)
        Jobs that may be taken out.
    near : int32 (jobs, near)
        The jobs most related to each, the nearest first; only movable ones, -1 where there are
        fewer.
    nearby : int32 (jobs, couriers near)
        Couriers who could be at the order's store soonest; empty when all are looked at.
    all_couriers : int32 (couriers,)
    kept_steps : int32 (couriers, most steps), kept_count : int32 (couriers,)
        Routes as they were before a round.
    kept : uint8 (couriers,)
        Whether a route was kept in this round.
    touched : int32 (couriers,)
        Which ones.
    best_steps, best_count, best_chosen
        The best solution met.
    ready : int64 (most candidates,)
    among : int32 (couriers,), marked : int32 (couriers,)
    random : uint64 (1,)
    """

    movable: NDArray[np.int32]
    near: NDArray[np.int32]
    nearby: NDArray[np.int32]
    all_couriers: NDArray[np.int32]
    kept_steps: NDArray[np.int32]
    kept_count: NDArray[np.int32]
    kept: NDArray[np.uint8]
    touched: NDArray[np.int32]
    best_steps: NDArray[np.int32]
    best_count: NDArray[np.int32]
    best_chosen: NDArray[np.int32]
    ready: NDArray[np.int64]
    among: NDArray[np.int32]
    marked: NDArray[np.int32]
    random: NDArray[np.uint64]


class Pool(NamedTuple):
    """Good routes met on the way, the oldest overwritten first.

    Attributes
    ----------
    courier, count : int32 (routes,)
    steps, candidate : int32 (routes, most steps)
        As in `arrays.Routes`; the candidate of each pickup, -1 elsewhere.
    cost : float64 (routes,)
        With churn.
    met : int64 (1,)
        How many were ever written.
    """

    courier: NDArray[np.int32]
    count: NDArray[np.int32]  # type: ignore[assignment]  # a tuple counts its items
    steps: NDArray[np.int32]
    candidate: NDArray[np.int32]
    cost: NDArray[np.float64]
    met: NDArray[np.int64]


@kernel
def relate(problem: Problem, board: Board, ruins: Ruins, wanted: NDArray[np.int32]) -> None:
    """Work out which movable orders are most related to each wanted one, itself movable.

    Two orders are near when their stores, their doors and their promises are; a few nanoseconds
    per pair.
    """
    number = len(ruins.movable)
    width = ruins.near.shape[1]
    apart = np.empty(number, dtype=np.float64)
    ranked = np.empty(width + 1, dtype=np.int64)
    source = np.empty(number, dtype=np.int64)
    for index in range(number):
        job = ruins.movable[index]
        candidate = board.chosen[job]
        source[index] = problem.jobs[job, JOB_PLACE]
        if candidate >= 0:
            source[index] = problem.stores[problem.candidates[candidate, CAND_STORE], STORE_PLACE]
    modes = problem.duration_s.shape[0]
    for job in wanted:
        one = np.searchsorted(ruins.movable, job)
        for two in range(number):
            other = ruins.movable[two]
            stores_s = problem.duration_s[0, source[one], source[two]]
            doors_s = problem.duration_s[
                0, problem.jobs[job, JOB_PLACE], problem.jobs[other, JOB_PLACE]
            ]
            for mode in range(1, modes):
                stores_s = min(stores_s, problem.duration_s[mode, source[one], source[two]])
                doors_s = min(
                    doors_s,
                    problem.duration_s[
                        mode, problem.jobs[job, JOB_PLACE], problem.jobs[other, JOB_PLACE]
                    ],
                )
            hurry_s = abs(problem.jobs[job, JOB_LATEST] - problem.jobs[other, JOB_LATEST])
            apart[two] = stores_s + _SHARED_DOOR * doors_s + _SHARED_HURRY * hurry_s
        apart[one] = INFINITE
        least = _nearest(apart, min(width, number - 1), ranked)
        for index in range(width):
            ruins.near[job, index] = ruins.movable[ranked[index]] if index < least else -1


@kernel
def _nearest(apart: NDArray[np.float64], most: int, ranked: NDArray[np.int64]) -> int:
    """Write the places of the `most` least numbers into `ranked`, the least first."""
    used = 0
    for index in range(len(apart)):
        if used == most and (most == 0 or apart[index] >= apart[ranked[used - 1]]):
            continue
        at = used
        if used == most:
            at = used - 1
        else:
            used += 1
        while at > 0 and apart[ranked[at - 1]] > apart[index]:
            ranked[at] = ranked[at - 1]
            at -= 1
        ranked[at] = index
    return used


@kernel
def find_nearby(problem: Problem, board: Board, ruins: Ruins, wanted: NDArray[np.int32]) -> None:
    """Work out who could be soonest at each wanted order's store, were nothing planned yet."""
    width = ruins.nearby.shape[1]
    if width == 0:
        return
    couriers = len(problem.couriers)
    soonest = np.empty(couriers, dtype=np.float64)
    ranked = np.empty(width + 1, dtype=np.int64)
    for job in wanted:
        if problem.jobs[job, JOB_BAG] >= 0 or board.chosen[job] < 0:
            continue
        source = problem.stores[problem.candidates[board.chosen[job], CAND_STORE], STORE_PLACE]
        for courier in range(couriers):
            locked = problem.couriers[courier, COURIER_LOCKED]
            mode = problem.couriers[courier, COURIER_MODE]
            soonest[courier] = (
                board.state[courier, locked, DEPART]
                + problem.duration_s[mode, board.state[courier, locked, PLACE], source]
            )
        _nearest(soonest, width, ranked)
        for index in range(width):
            ruins.nearby[job, index] = ranked[index]


@kernel
def candidates_of(board: Board, ruins: Ruins, job: int, stamp: int, wide: bool) -> int:
    """Write into `among` the couriers worth asking for an order; returns how many."""
    if wide or ruins.nearby.shape[1] == 0:
        for courier in range(len(ruins.all_couriers)):
            ruins.among[courier] = courier
        return len(ruins.all_couriers)
    number = 0
    for index in range(ruins.near.shape[1]):
        other = ruins.near[job, index]
        if other < 0:
            break
        courier = board.owner[other]
        if courier >= 0 and ruins.marked[courier] != stamp:
            ruins.marked[courier] = stamp
            ruins.among[number] = courier
            number += 1
    for index in range(ruins.nearby.shape[1]):
        courier = ruins.nearby[job, index]
        if ruins.marked[courier] != stamp:
            ruins.marked[courier] = stamp
            ruins.among[number] = courier
            number += 1
    return number


@kernel
def fill(problem: Problem, board: Board, ruins: Ruins, waiting: NDArray[np.int32]) -> None:
    """Insert orders one by one, each where it adds least, in the order given.

    Where a change of store would make the goods of somebody else too late for a route, the order
    stays at its store; where nothing nearby can take it, everybody is asked.
    """
    for index in range(len(waiting)):
        job = as_index(waiting[index])
        if board.owner[job] >= 0 or board.chosen[job] < 0:
            continue
        unsound = board.total[1]
        for attempt in range(4):
            # First those nearby, then all; first any store, then its own.
            wide, stays = attempt % 2 == 1, attempt // 2 == 1
            if wide and ruins.nearby.shape[1] == 0:
                continue
            ruins.marked[:] = -1
            number = candidates_of(board, ruins, job, 0, wide)
            before = as_index(board.chosen[job])
            only = before if stays else as_index(-1)
            _, courier, first, last, candidate = best_of(
                problem, board, job, ruins.among, number, only, ruins.ready
            )
            if courier < 0:
                continue
            put(problem, board, job, courier, first, last, candidate)
            if board.total[1] <= unsound:
                break
            take(problem, board, job)
            choose(problem, board, job, before)
            time_felt(problem, board)


@kernel_part
def keep_route(board: Board, ruins: Ruins, courier: int, touched: int) -> int:
    """Remember a route as it was before this round; returns how many are remembered."""
    if ruins.kept[courier]:
        return touched
    ruins.kept[courier] = 1
    ruins.touched[touched] = courier
    count = board.count[courier]
    ruins.kept_count[courier] = count
    for index in range(count):
        ruins.kept_steps[courier, index] = board.steps[courier, index]
    return touched + 1


@kernel_part
def put_back(board: Board, ruins: Ruins, courier: int) -> None:
    """Give a route the steps it had before this round; times and costs are not worked out."""
    board.count[courier] = ruins.kept_count[courier]
    for index in range(board.count[courier]):
        board.steps[courier, index] = ruins.kept_steps[courier, index]


@kernel_part
def _is_among(ruined: NDArray[np.int32], number: int, job: int) -> bool:
    """Return whether an order is one of the first `number`."""
    for index in range(number):  # noqa: SIM110  kernels have no generators
        if ruined[index] == job:
            return True
    return False


@kernel
def _pick_ruined(
    problem: Problem, board: Board, ruins: Ruins, ruined: NDArray[np.int32], most: int
) -> int:
    """Choose the orders to take out; returns how many."""
    random = ruins.random
    movable = ruins.movable
    wanted = 1 + int(draw(random) * most)
    seed = movable[int(draw(random) * len(movable))]
    ruined[0] = seed
    number = 1
    kind = draw(random)
    width = ruins.near.shape[1]
    if kind < _STRINGS:
        # Strings: what follows each other in the routes around the seed.
        for index in range(-1, width):
            other = seed if index < 0 else ruins.near[seed, index]
            if other < 0 or number >= wanted:
                break
            courier = board.owner[other]
            if courier < 0:
                continue
            most_here = 1 + int(draw(random) * 3)
            at = 0
            for step in range(board.count[courier]):
                if board.steps[courier, step] >> 1 == other:
                    at = step
                    break
            for step in range(at, board.count[courier]):
                job = board.steps[courier, step] >> 1
                if most_here == 0 or number >= wanted:
                    break
                if step < problem.couriers[courier, COURIER_LOCKED]:
                    continue
                if problem.jobs[job, JOB_BAG] >= 0:
                    continue
                if not _is_among(ruined, number, job):
                    ruined[number] = job
                    number += 1
                    most_here -= 1
        return number
    # Related ones: the nearer the likelier.
    for _ in range(4 * wanted):
        if number >= wanted or width == 0:
            break
        share = draw(random)
        other = ruins.near[seed, int(share * share * width)]
        if other < 0:
            continue
        if not _is_among(ruined, number, other):
            ruined[number] = other
            number += 1
    return number


@kernel_part
def _order_of(
    problem: Problem, board: Board, random: NDArray[np.uint64], job: int, kind: int
) -> float:
    """Return the key by which ruined orders come back, the lowest first; bags come first."""
    if problem.jobs[job, JOB_BAG] >= 0:
        return -1e300
    if kind == 0:
        return float(board.ready[job])
    if kind == 1:
        return float(problem.jobs[job, JOB_LATEST])
    return draw(random)


@kernel
def _record(problem: Problem, board: Board, pool: Pool, courier: int) -> None:
    """Write a route into the pool."""
    slot = pool.met[0] % len(pool.courier)
    pool.met[0] += 1
    count = board.count[courier]
    pool.courier[slot] = courier
    pool.count[slot] = count
    cost = board.cost[courier]
    for index in range(count):
        step = board.steps[courier, index]
        pool.steps[slot, index] = step
        pool.candidate[slot, index] = -1
        if not step & 1:
            job = step >> 1
            pool.candidate[slot, index] = board.chosen[job]
            cost += telling(problem, job, courier, board.chosen[job])
    pool.cost[slot] = cost


@kernel
def keep_best(board: Board, ruins: Ruins) -> None:
    """Remember the present solution as the best."""
    for courier in range(len(board.count)):
        count = board.count[courier]
        ruins.best_count[courier] = count
        for index in range(count):
            ruins.best_steps[courier, index] = board.steps[courier, index]
    for entry in range(len(board.chosen)):
        ruins.best_chosen[entry] = board.chosen[entry]


@kernel
def take_best(problem: Problem, board: Board, ruins: Ruins) -> None:
    """Come back to the best solution, everything worked out anew."""
    for courier in range(len(board.count)):
        count = ruins.best_count[courier]
        board.count[courier] = count
        for index in range(count):
            board.steps[courier, index] = ruins.best_steps[courier, index]
    for entry in range(len(board.chosen)):
        board.chosen[entry] = ruins.best_chosen[entry]
    set_up(problem, board)


@kernel
def improve(
    problem: Problem,
    board: Board,
    ruins: Ruins,
    pool: Pool,
    rounds: int,
    most: int,
    hot: float,
    cold: float,
) -> float:
    """Ruin and recreate for some rounds; the board ends at the best solution met.

    Parameters
    ----------
    most
        Orders taken out at once, at most `MOST_RUINED`.
    hot, cold
        Temperature of the first and of the last round, in courier-seconds.

    Returns
    -------
    float
        What was saved.
    """
    if len(ruins.movable) == 0 or rounds < 1:
        return 0.0
    random = ruins.random
    ruined = np.empty(MOST_RUINED, dtype=np.int32)
    owners = np.empty(MOST_RUINED, dtype=np.int32)
    stores = np.empty(MOST_RUINED, dtype=np.int32)
    keys = np.empty(MOST_RUINED, dtype=np.float64)
    order = np.empty(MOST_RUINED + 1, dtype=np.int64)
    ruins.kept[:] = 0
    ruins.marked[:] = -1
    stamp = 0
    start = board.total[0]
    best = start
    keep_best(board, ruins)
    fresh = True
    cooling = (cold / hot) ** (1.0 / rounds)
    temperature = hot
    for _ in range(rounds):
        temperature *= cooling
        before = board.total[0]
        unsound = board.total[1]
        number = _pick_ruined(problem, board, ruins, ruined, most)
        touched = 0
        for index in range(number):
            job = as_index(ruined[index])
            owners[index] = board.owner[job]
            stores[index] = board.chosen[job]
            if board.owner[job] >= 0:
                touched = keep_route(board, ruins, as_index(board.owner[job]), touched)
                take(problem, board, job)
        kind = int(draw(random) * 4)
        for index in range(number):
            keys[index] = _order_of(problem, board, random, ruined[index], kind)
        _nearest(keys[:number], number, order)
        failed = False
        for index in range(number):
            job = as_index(ruined[order[index]])
            if problem.jobs[job, JOB_BAG] >= 0:
                courier = as_index(board.owner[job])
                _, last = best_end(problem, board, job, courier)
                if last < 0:
                    failed = True
                    break
                put(problem, board, job, courier, -1, last, -1)
                continue
            stamp += 1
            asked = candidates_of(board, ruins, job, stamp, False)
            seen = 0
            for place in range(asked):
                if draw(random) >= _BLINK:
                    ruins.among[seen] = ruins.among[place]
                    seen += 1
            _, courier, first, last, candidate = best_of(
                problem, board, job, ruins.among, seen, -1, ruins.ready
            )
            if courier >= 0:
                touched = keep_route(board, ruins, courier, touched)
                put(problem, board, job, courier, first, last, candidate)
        # A change of store may have made somebody else's goods too late.
        failed = failed or board.total[1] > unsound
        delta = board.total[0] - before
        if not failed and len(pool.courier) > 0:
            for index in range(touched):
                _record(problem, board, pool, as_index(ruins.touched[index]))
        if not failed and delta < -temperature * np.log(draw(random) + 1e-12):
            if board.total[0] < best - _GAIN:
                best = board.total[0]
                fresh = False
        else:
            for index in range(touched):
                put_back(board, ruins, as_index(ruins.touched[index]))
            for index in range(number):
                job = as_index(ruined[index])
                _restore(problem, board, job, as_index(owners[index]), as_index(stores[index]))
            for index in range(touched):
                time_route(problem, board, as_index(ruins.touched[index]))
            time_felt(problem, board)
        for index in range(touched):
            ruins.kept[ruins.touched[index]] = 0
        if not fresh:
            keep_best(board, ruins)
            fresh = True
    if board.total[0] > best + _GAIN:
        take_best(problem, board, ruins)
    return start - board.total[0]


@kernel
def _restore(problem: Problem, board: Board, job: int, owner: int, store: int) -> None:
    """Give an order back to who had it, at the store it had; routes are restored apart."""
    if problem.jobs[job, JOB_BAG] >= 0:
        return
    courier = as_index(board.owner[job])
    if courier >= 0:
        board.total[0] -= telling(problem, job, courier, board.chosen[job])
    else:
        board.total[0] -= problem.prices[PRICE_UNROUTED]
    if board.chosen[job] != store:
        choose(problem, board, job, store)
    board.owner[job] = owner
    if owner >= 0:
        board.total[0] += telling(problem, job, owner, store)
    else:
        board.total[0] += problem.prices[PRICE_UNROUTED]


@kernel
def settle(problem: Problem, board: Board) -> None:
    """Make what was handed over sound: ends for what is in a bag, and nothing that breaks a limit.

    What cannot be helped (a committed stop without a way) stays, and its route unsound.
    """
    for job in range(problem.job_count):
        courier = problem.jobs[job, JOB_BAG]
        if courier < 0:
            continue
        there = False
        for index in range(board.count[courier]):
            if board.steps[courier, index] == 2 * job + 1:
                there = True
        if not there:
            _, last = best_end(problem, board, job, courier)
            if last < 0:
                # No end keeps the rest sound: empty the route of what is free, then try again.
                _clear(problem, board, courier)
                _, last = best_end(problem, board, job, courier)
            if last >= 0:
                put(problem, board, job, courier, -1, last, -1)
    for courier in range(len(board.count)):
        while not board.sound[courier]:
            if not _drop_last(problem, board, courier):
                break
    time_felt(problem, board)


@kernel
def _clear(problem: Problem, board: Board, courier: int) -> None:
    while _drop_last(problem, board, courier):
        pass


@kernel
def _drop_last(problem: Problem, board: Board, courier: int) -> bool:
    """Take out the free order that a route fetches last; returns whether there was one."""
    for index in range(board.count[courier] - 1, problem.couriers[courier, COURIER_LOCKED] - 1, -1):
        step = board.steps[courier, index]
        job = as_index(step >> 1)
        if not step & 1 and problem.jobs[job, JOB_BAG] < 0:
            take(problem, board, job)
            return True
    return False
