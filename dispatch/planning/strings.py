"""Ruin by strings, recreate with blinks: SISR, for routes in which time has limits but no price.

Christiaens & Vanden Berghe (2020), "Slack induction by string removals",
doi:10.1287/trsc.2019.0914: strings of stops are taken out of routes that lie near each other, and
orders come back one by one where they add least, a few places overlooked.  To need fewer
couriers, a route is given up and its orders wait, absent, until they fit: orders that have been
absent often count for more.  Orders here are pairs of stops; a string takes both.

Every route met is kept in an album, each set of orders once, the cheapest way to visit it.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dispatch.planning.arrays import (
    COURIER_LOCKED,
    JOB_WEIGHT_G,
    PRICE_UNROUTED,
    Problem,
)
from dispatch.planning.drawing import draw
from dispatch.planning.insertion import put
from dispatch.planning.prices import telling
from dispatch.planning.ruin import Ruins, keep_best, keep_route, put_back
from dispatch.planning.schedule import (
    Board,
    as_index,
    time_route,
)
from dispatch.planning.slack import Stops, cheapest, slacken
from geo.compiled import kernel, kernel_part

BLINK: Final = 0.01
"""Share of places overlooked."""

_SPLIT: Final = 0.5
"""Share of strings that leave a part of themselves in the route."""

_LONGER: Final = 0.99
"""How likely the part left is not made longer by one more."""

_LONGEST: Final = 10
"""Stops of a string, at most."""

_ALL_ASKED: Final = 30
"""Of so many couriers all are asked for every order."""

_ASKED: Final = 60
"""Of more, those who have one of so many stops nearest to either of its own."""

_GAIN: Final = 1e-5
"""A solution must be better by this much to count as a new best."""

_BY_LOT: Final = 4
_BY_WEIGHT: Final = 8
_BY_FAR: Final = 10
_BY_NEAR: Final = 11
_BY_NARROW: Final = 13
_BY_OPENING: Final = 15
_BY_CLOSING: Final = 17
"""In which order ruined orders come back, drawn from weights: the bounds of each."""


class Strings(NamedTuple):
    """What strings are taken by.

    Attributes
    ----------
    near : int32 (steps, near)
        The steps nearest to each, the nearest first, itself included.
    away : float64 (jobs,)
        Price of the way from where couriers start: how far out an order is.
    spread : int64 (jobs,)
        How much time its two windows leave.
    kind : int32 (couriers,)
        Couriers of one kind are equal: of those without work one is asked.
    open : uint8 (couriers,)
        Who may have a route.
    absences : int64 (jobs,)
        How often each order was left out when fewer couriers were tried.
    best : float64 (1,)
        Cost of the best solution met, which `Ruins` holds.
    """

    near: NDArray[np.int32]
    away: NDArray[np.float64]
    spread: NDArray[np.int64]
    kind: NDArray[np.int32]
    open: NDArray[np.uint8]
    absences: NDArray[np.int64]
    best: NDArray[np.float64]


class Album(NamedTuple):
    """Routes met, each set of orders once for every kind of courier.

    Attributes
    ----------
    courier, count, first : int32 (routes,)
        Steps of a route are `steps[first : first + count]`.
    steps : int32 (steps,)
    cost : float64 (routes,)
    key : uint64 (routes,), slot : int32 (power of two,)
        Where to find a set: by open addressing from its key; -1 for a free slot.
    lot : uint64 (jobs,)
        Random numbers whose exclusive-or is the key of a set (Zobrist 1970).
    used : int64 (2,)
        How many routes there are, and how many steps; a full album begins anew.
    """

    courier: NDArray[np.int32]
    count: NDArray[np.int32]  # type: ignore[assignment]  # a tuple counts its items
    first: NDArray[np.int32]
    steps: NDArray[np.int32]
    cost: NDArray[np.float64]
    key: NDArray[np.uint64]
    slot: NDArray[np.int32]
    lot: NDArray[np.uint64]
    used: NDArray[np.int64]


@kernel
def paste(problem: Problem, board: Board, strings: Strings, album: Album, courier: int) -> None:
    """Keep a route in the album unless a way at least as cheap is there."""
    count = board.count[courier]
    key = np.uint64(strings.kind[courier] + 1) * np.uint64(0x9E3779B97F4A7C15)
    cost = board.cost[courier]
    for index in range(count):
        step = board.steps[courier, index]
        if not step & 1:
            key ^= album.lot[step >> 1]
            cost += telling(problem, step >> 1, courier, board.chosen[step >> 1])
    if album.used[0] >= len(album.cost) or album.used[1] + count > len(album.steps):
        album.used[:] = 0
        album.slot[:] = -1
    mask = len(album.slot) - 1
    at = np.int64(key & np.uint64(mask))
    while album.slot[at] >= 0 and album.key[album.slot[at]] != key:
        at = (at + 1) & mask
    row = np.int64(album.slot[at])
    if row < 0:
        row = album.used[0]
        album.slot[at] = row
        album.key[row] = key
        album.count[row] = count
        album.first[row] = album.used[1]
        album.used[0] += 1
        album.used[1] += count
    elif cost >= album.cost[row] - _GAIN:
        return
    album.courier[row] = courier
    album.cost[row] = cost
    for index in range(count):
        album.steps[album.first[row] + index] = board.steps[courier, index]


@kernel
def cut(
    problem: Problem,
    board: Board,
    ruins: Ruins,
    strings: Strings,
    size: float,
    ruined: NDArray[np.int32],
    number: int,
) -> tuple[int, int]:
    """Take strings out of routes near each other; returns (orders ruined, routes touched).

    Ruined orders are written behind the first `number`, and have no owner any more; times and
    costs are still those of before.

    Parameters
    ----------
    size
        Stops taken out on average, about.
    """
    random = ruins.random
    routed = 0
    routes = 0
    for courier in range(len(board.count)):
        if board.count[courier] > 0:
            routed += board.count[courier]
            routes += 1
    if routes == 0:
        return number, 0
    longest = min(float(_LONGEST), routed / routes)
    most = 4.0 * size / (1.0 + longest) - 1.0
    wanted = int(draw(random) * most + 1.0)
    seed = int(draw(random) * 2 * problem.job_count)
    touched = 0
    for near in range(strings.near.shape[1]):
        if touched >= wanted:
            break
        step = strings.near[seed, near]
        courier = as_index(board.owner[step >> 1])
        if courier < 0 or ruins.kept[courier]:
            continue
        locked = problem.couriers[courier, COURIER_LOCKED]
        count = board.count[courier] - locked
        at = -1
        for index in range(locked, locked + count):
            if board.steps[courier, index] == step:
                at = index - locked
        if at < 0:
            continue
        touched = keep_route(board, ruins, courier, touched)
        length = 1 + int(draw(random) * min(longest, float(count)))
        length = min(length, count)
        spared = 0
        if length > 1 and length < count and draw(random) < _SPLIT:
            spared = 1
            while length + spared < count and draw(random) >= _LONGER:
                spared += 1
        whole = length + spared
        lowest, highest = max(0, at - whole + 1), min(at, count - whole)
        start = lowest + int(draw(random) * (highest - lowest + 1))
        skip_from = whole
        if spared > 0:
            skip_from = 1 + int(draw(random) * (length - 1))
        for offset in range(whole):
            if skip_from <= offset < skip_from + spared:
                continue
            job = board.steps[courier, locked + start + offset] >> 1
            if board.owner[job] == courier:
                board.owner[job] = -1
                ruined[number] = job
                number += 1
    return number, touched


@kernel
def _take_out(problem: Problem, board: Board, stops: Stops, courier: int) -> None:
    """Take every order without owner out of a route."""
    kept = 0
    for index in range(board.count[courier]):
        step = board.steps[courier, index]
        job = step >> 1
        if board.owner[job] >= 0:
            board.steps[courier, kept] = step
            kept += 1
        elif step & 1:
            board.total[0] += problem.prices[PRICE_UNROUTED]
            board.total[0] -= telling(problem, job, courier, board.chosen[job])
    board.count[courier] = kept
    time_route(problem, board, courier)
    slacken(problem, board, stops, courier)


@kernel
def _put_back(problem: Problem, board: Board, ruins: Ruins, courier: int) -> None:
    """Let a route be as it was before this round."""
    for index in range(board.count[courier]):
        job = board.steps[courier, index] >> 1
        if board.steps[courier, index] & 1 and board.owner[job] == courier:
            board.owner[job] = -1
            board.total[0] += problem.prices[PRICE_UNROUTED]
            board.total[0] -= telling(problem, job, courier, board.chosen[job])
    put_back(board, ruins, courier)


@kernel
def _own_again(problem: Problem, board: Board, stops: Stops, courier: int) -> None:
    """Work out again what belongs to a route that was put back."""
    for index in range(board.count[courier]):
        job = board.steps[courier, index] >> 1
        if board.steps[courier, index] & 1:
            board.owner[job] = courier
            board.total[0] -= problem.prices[PRICE_UNROUTED]
            board.total[0] += telling(problem, job, courier, board.chosen[job])
    time_route(problem, board, courier)
    slacken(problem, board, stops, courier)


@kernel_part
def _in_turn(
    problem: Problem,
    stops: Stops,
    strings: Strings,
    random: NDArray[np.uint64],
    ruined: NDArray[np.int32],
    number: int,
    keys: NDArray[np.float64],
) -> None:
    """Put ruined orders into the order in which they come back."""
    kind = int(draw(random) * _BY_CLOSING)
    for index in range(number):
        job = ruined[index]
        if kind < _BY_LOT:
            key = draw(random)
        elif kind < _BY_WEIGHT:
            key = -float(problem.jobs[job, JOB_WEIGHT_G])
        elif kind < _BY_FAR:
            key = -strings.away[job]
        elif kind < _BY_NEAR:
            key = strings.away[job]
        elif kind < _BY_NARROW:
            key = float(strings.spread[job])
        elif kind < _BY_OPENING:
            key = float(stops.opens[2 * job])
        else:
            key = -float(stops.closes[2 * job + 1])
        at = index
        while at > 0 and keys[at - 1] > key:
            keys[at] = keys[at - 1]
            ruined[at] = ruined[at - 1]
            at -= 1
        keys[at] = key
        ruined[at] = job


@kernel
def _asked(board: Board, ruins: Ruins, strings: Strings, job: int, everybody: bool) -> int:
    """Write into `among` who is asked for an order; returns how many.

    Those who have stops near its two, or all with a route, and of those without one the first of
    each kind.
    """
    number = 0
    ruins.marked[:] = 0
    if not everybody:
        for end in range(2):
            for index in range(min(_ASKED, strings.near.shape[1])):
                courier = board.owner[strings.near[2 * job + end, index] >> 1]
                if courier >= 0 and ruins.marked[courier] == 0:
                    ruins.marked[courier] = 1
                    ruins.among[number] = courier
                    number += 1
    kind = -1
    for courier in range(len(board.count)):
        if not strings.open[courier] or (board.count[courier] > 0 and not everybody):
            continue
        if board.count[courier] == 0:
            if strings.kind[courier] == kind:
                continue
            kind = strings.kind[courier]
        ruins.among[number] = courier
        number += 1
    return number


@kernel
def insert(
    problem: Problem,
    board: Board,
    ruins: Ruins,
    stops: Stops,
    strings: Strings,
    job: int,
    touched: int,
) -> int:
    """Put an order where it adds least, if it fits anywhere; returns how many routes are kept."""
    best_courier, best_first, best_last = -1, -1, -1
    few = len(board.count) <= _ALL_ASKED
    for attempt in range(2):
        best = problem.prices[PRICE_UNROUTED]
        number = _asked(board, ruins, strings, job, few or attempt > 0)
        for index in range(number):
            courier = as_index(ruins.among[index])
            if not problem.allowed[job, courier]:
                continue
            extra = telling(problem, job, courier, board.chosen[job])
            if board.count[courier] == 0:
                extra += problem.launch[courier]
            found, first, last = cheapest(
                problem, board, stops, job, courier, best - extra, BLINK, ruins.random
            )
            if first >= 0:
                best = found + extra
                best_courier, best_first, best_last = courier, first, last
        if best_courier >= 0:
            break
        if few:
            return touched
    if best_courier < 0:
        return touched
    touched = keep_route(board, ruins, best_courier, touched)
    put(problem, board, job, best_courier, best_first, best_last, as_index(board.chosen[job]))
    slacken(problem, board, stops, best_courier)
    return touched


@kernel
def pull(
    problem: Problem,
    board: Board,
    ruins: Ruins,
    stops: Stops,
    strings: Strings,
    album: Album,
    rounds: int,
    size: float,
    hot: float,
    cold: float,
    fewer: bool,
) -> int:
    """Ruin and recreate for some rounds; the best solution met is kept apart.

    Parameters
    ----------
    size
        Stops taken out on average, about.
    hot, cold
        Temperature of the first and of the last round, in units of cost.
    fewer
        Whether orders may stay absent for a while, to find a place for all of them; then it ends
        as soon as it has.

    Returns
    -------
    int
        Rounds it took.
    """
    random = ruins.random
    jobs = problem.job_count
    price = problem.prices[PRICE_UNROUTED]
    ruined = np.empty(jobs + 1, dtype=np.int32)
    before = np.empty(jobs + 1, dtype=np.int32)
    keys = np.empty(jobs + 1, dtype=np.float64)
    ruins.kept[:] = 0
    for courier in range(len(board.count)):
        slacken(problem, board, stops, as_index(courier))
    absent = 0
    for job in range(jobs):
        if board.owner[job] < 0:
            before[absent] = job
            absent += 1
    if board.total[0] < strings.best[0] - _GAIN:
        strings.best[0] = board.total[0]
        keep_best(board, ruins)
    cooling = (cold / hot) ** (1.0 / max(1, rounds))
    temperature = hot
    for done in range(rounds):
        if fewer and absent == 0:
            return done
        temperature *= cooling
        cost = board.total[0]
        for index in range(absent):
            ruined[index] = before[index]
        number, touched = cut(problem, board, ruins, strings, size, ruined, absent)
        for index in range(touched):
            _take_out(problem, board, stops, as_index(ruins.touched[index]))
        _in_turn(problem, stops, strings, random, ruined, number, keys)
        missing = 0
        times_absent = 0
        for index in range(number):
            job = as_index(ruined[index])
            touched = insert(problem, board, ruins, stops, strings, job, touched)
            if board.owner[job] < 0:
                ruined[missing] = job
                missing += 1
                times_absent += strings.absences[job]
                if not fewer and missing > absent:
                    break
        was_absent = 0
        for index in range(absent):
            was_absent += strings.absences[before[index]]
        for index in range(missing):
            strings.absences[ruined[index]] += 1
        delta = (board.total[0] - missing * price) - (cost - absent * price)
        accepted = False
        if missing < absent or (fewer and times_absent < was_absent):
            accepted = True
        elif missing == absent:
            accepted = delta < -temperature * np.log(draw(random) + 1e-12)
        if accepted:
            for index in range(touched):
                paste(problem, board, strings, album, as_index(ruins.touched[index]))
            for index in range(missing):
                before[index] = ruined[index]
            absent = missing
            if board.total[0] < strings.best[0] - _GAIN:
                strings.best[0] = board.total[0]
                keep_best(board, ruins)
        else:
            for index in range(touched):
                _put_back(problem, board, ruins, as_index(ruins.touched[index]))
            for index in range(touched):
                _own_again(problem, board, stops, as_index(ruins.touched[index]))
        for index in range(touched):
            ruins.kept[ruins.touched[index]] = 0
    return rounds
