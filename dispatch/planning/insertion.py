"""Cheapest insertion: where an order adds least to the cost of the whole.

All couriers, all places in their routes for pickup and drop-off, and all stores it may come from
are weighed together.  What cannot beat the best found so far is left early.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dispatch.planning.arrays import (
    CAND_STORE,
    COURIER_AT_STORE,
    COURIER_CAPACITY_G,
    COURIER_CAPACITY_PARCELS,
    COURIER_LOCKED,
    COURIER_MODE,
    COURIER_SHIFT_END,
    JOB_BAG,
    JOB_COUNTS_FROM,
    JOB_FIRST,
    JOB_LAST,
    JOB_LATEST,
    JOB_PLACE,
    JOB_SERVICE_S,
    JOB_WEIGHT_G,
    NEVER,
    PRICE_UNROUTED,
    STORE_PLACE,
    STORE_SERVICE_S,
    Problem,
)
from dispatch.planning.schedule import (
    AFTER,
    BEGIN,
    DEPART,
    GAIN,
    INFINITE,
    JOB,
    LOAD_G,
    PARCELS,
    PLACE,
    REST,
    STORE,
    Board,
    as_index,
    choose,
    churn,
    hand_over,
    leg_cost,
    pickup_at,
    ready_if,
    time_felt,
    time_route,
)
from geo.compiled import kernel, kernel_part
from geo.types import UNREACHABLE_S

# What an insertion is: (added cost, courier, pickup before step, end before step, candidate).
# An order in a bag has no pickup: its first place is -1.


@kernel_part
def tail(
    jobs: NDArray[np.int64],
    stores: NDArray[np.int64],
    windows: NDArray[np.int64],
    duration_s: NDArray[np.int32],
    length_m: NDArray[np.int32],
    prices: NDArray[np.float64],
    state: NDArray[np.int64],
    worth: NDArray[np.float64],
    goods: NDArray[np.int64],
    mode: int,
    shift_end: int,
    courier: int,
    count: int,
    index: int,
    place: int,
    at: int,
    limit: float,
) -> float:
    """Return the cost of going on from a place with step `index`; infinite if it fails."""
    cost = 0.0
    for later in range(index, count):
        there = state[courier, later + 1, PLACE]
        leg_s = duration_s[mode, place, there]
        if leg_s >= UNREACHABLE_S:
            return INFINITE
        begin = at + leg_s
        job = state[courier, later, JOB]
        store = state[courier, later, STORE]
        if store >= 0:
            begin = pickup_at(stores, windows, store, shift_end, max(begin, goods[job]))
            if begin >= NEVER:
                return INFINITE
        cost += leg_cost(duration_s, length_m, prices, mode, place, there)
        if begin == state[courier, later, BEGIN]:
            # The delay is absorbed here: the rest is as it was.
            return cost + worth[courier, later, REST]
        at = begin + state[courier, later + 1, DEPART] - state[courier, later, BEGIN]
        if store < 0:
            cost += hand_over(prices, jobs[job, JOB_COUNTS_FROM], jobs[job, JOB_LATEST], at)
            if cost >= limit:
                return INFINITE
        place = there
    return cost


@kernel_part
def _joins(
    couriers: NDArray[np.int64], state: NDArray[np.int64], courier: int, index: int, store: int
) -> bool:
    """Return whether a pickup before step `index` happens at a counter where the courier stands."""
    if index == 0:
        return bool(couriers[courier, COURIER_AT_STORE] == store)
    return bool(state[courier, index - 1, STORE] == store)


@kernel_part
def best_pair(
    jobs: NDArray[np.int64],
    stores: NDArray[np.int64],
    windows: NDArray[np.int64],
    crew: NDArray[np.int64],
    duration_s: NDArray[np.int32],
    length_m: NDArray[np.int32],
    prices: NDArray[np.float64],
    state: NDArray[np.int64],
    worth: NDArray[np.float64],
    goods: NDArray[np.int64],
    one_store: bool,
    job: int,
    courier: int,
    count: int,
    store: int,
    ready: int,
    limit: float,
) -> tuple[float, int, int]:
    """Return cost and places of an order's two steps in a route, below a limit.

    Of places that cost the same the earliest is taken; the first place is -1 if there is none.
    """
    source = stores[store, STORE_PLACE]
    door = jobs[job, JOB_PLACE]
    door_service_s = jobs[job, JOB_SERVICE_S]
    counts_from, latest = jobs[job, JOB_COUNTS_FROM], jobs[job, JOB_LATEST]
    mode = crew[courier, COURIER_MODE]
    shift_end = crew[courier, COURIER_SHIFT_END]
    room_g = crew[courier, COURIER_CAPACITY_G] - jobs[job, JOB_WEIGHT_G]
    room = crew[courier, COURIER_CAPACITY_PARCELS] - 1
    ride_s = duration_s[mode, source, door]
    best = limit
    best_first, best_last = -1, -1
    if ride_s >= UNREACHABLE_S or ready >= NEVER or count + 2 >= state.shape[1]:
        return best, best_first, best_last
    for first in range(crew[courier, COURIER_LOCKED], count + 1):
        here = state[courier, first, PLACE]
        leg_s = duration_s[mode, here, source]
        parcels = state[courier, first, PARCELS]
        if leg_s >= UNREACHABLE_S or state[courier, first, LOAD_G] > room_g or parcels > room:
            continue
        if one_store and parcels > 0 and not _joins(crew, state, courier, first, store):
            continue
        begin = max(state[courier, first, DEPART] + leg_s, ready)
        # Saved by not going on as before; what is saved later can only be less.
        cost = leg_cost(duration_s, length_m, prices, mode, here, source)
        cost -= worth[courier, first, AFTER]
        at = begin + stores[store, STORE_SERVICE_S]
        # The way goes on from the store: to the next stop, or to the door.
        onward = door if first == count else state[courier, first + 1, PLACE]
        least = cost + worth[courier, first, REST]
        least += leg_cost(duration_s, length_m, prices, mode, source, onward)
        least += hand_over(prices, counts_from, latest, at + ride_s + door_service_s)
        if least >= best:
            continue
        begin = pickup_at(stores, windows, store, shift_end, begin)
        if begin >= NEVER:
            continue
        at = begin + stores[store, STORE_SERVICE_S]
        place = source
        dropped = False
        for last in range(first, count + 1):
            following = state[courier, last, STORE]
            leg_s = duration_s[mode, place, door]
            # With other goods in the bag a door may not be followed by a counter.
            splits = one_store and following >= 0 and state[courier, last, PARCELS] > 0
            if leg_s < UNREACHABLE_S and not splits:
                done = at + leg_s + door_service_s
                found = cost + leg_cost(duration_s, length_m, prices, mode, place, door)
                found += hand_over(prices, counts_from, latest, done)
                # The rest costs at least what it did before, but for the leg to it.
                least = found + worth[courier, last, REST]
                if last < count:
                    following_place = state[courier, last + 1, PLACE]
                    least += leg_cost(duration_s, length_m, prices, mode, door, following_place)
                if least < best:
                    found += tail(
                        jobs,
                        stores,
                        windows,
                        duration_s,
                        length_m,
                        prices,
                        state,
                        worth,
                        goods,
                        mode,
                        shift_end,
                        courier,
                        count,
                        last,
                        door,
                        done,
                        best - found,
                    )
                    if found < best - GAIN:
                        best = found
                        best_first, best_last = first, last
            if last == count:
                break
            there = state[courier, last + 1, PLACE]
            leg_s = duration_s[mode, place, there]
            if leg_s >= UNREACHABLE_S:
                break
            begin = at + leg_s
            other = state[courier, last, JOB]
            if following >= 0:
                if (
                    state[courier, last + 1, LOAD_G] > room_g
                    or state[courier, last + 1, PARCELS] > room
                ):
                    break
                if one_store and (dropped or following != store):
                    break
                begin = pickup_at(stores, windows, following, shift_end, max(begin, goods[other]))
                if begin >= NEVER:
                    break
            cost += leg_cost(duration_s, length_m, prices, mode, place, there)
            at = begin + state[courier, last + 1, DEPART] - state[courier, last, BEGIN]
            if following < 0:
                dropped = True
                cost += hand_over(prices, jobs[other, JOB_COUNTS_FROM], jobs[other, JOB_LATEST], at)
            place = there
            # Neither the rest nor the hand-over gets cheaper by coming later.
            soonest = at + duration_s[mode, place, door] + door_service_s
            least = cost + hand_over(prices, counts_from, latest, soonest)
            if least + worth[courier, last + 1, AFTER] >= best:
                break
    return best, best_first, best_last


@kernel
def best_end(problem: Problem, board: Board, job: int, courier: int) -> tuple[float, int]:
    """Return cost and place of the last step of what is in a courier's bag by then; -1 for none.

    The board counts the parcel as carried to the end of the route, where it has no end yet.
    """
    jobs, stores, windows, prices = problem.jobs, problem.stores, problem.windows, problem.prices
    duration_s, length_m, one_store = problem.duration_s, problem.length_m, problem.one_store
    state, worth, goods = board.state, board.worth, board.ready
    mode = problem.couriers[courier, COURIER_MODE]
    shift_end = problem.couriers[courier, COURIER_SHIFT_END]
    door = jobs[job, JOB_PLACE]
    first = problem.couriers[courier, COURIER_LOCKED]
    count = board.count[courier]
    best = INFINITE
    where = -1
    if count + 1 >= state.shape[1]:
        return best, where
    for index in range(count):
        if board.steps[courier, index] == 2 * job:
            first = max(first, index + 1)
    dropped = False
    for index in range(first, count + 1):
        following = state[courier, index, STORE]
        here = state[courier, index, PLACE]
        leg_s = duration_s[mode, here, door]
        splits = one_store and following >= 0 and state[courier, index, PARCELS] > 1
        if leg_s < UNREACHABLE_S and not splits:
            done = state[courier, index, DEPART] + leg_s + jobs[job, JOB_SERVICE_S]
            found = leg_cost(duration_s, length_m, prices, mode, here, door)
            found += hand_over(prices, jobs[job, JOB_COUNTS_FROM], jobs[job, JOB_LATEST], done)
            found -= worth[courier, index, AFTER]
            found += tail(
                jobs,
                stores,
                windows,
                duration_s,
                length_m,
                prices,
                state,
                worth,
                goods,
                mode,
                shift_end,
                courier,
                count,
                index,
                door,
                done,
                INFINITE,
            )
            if found < best - GAIN:
                best = found
                where = index
        if one_store and following >= 0:
            if dropped or not _joins(problem.couriers, state, courier, index, following):
                break
        elif index < count:
            dropped = True
    return best, where


@kernel
def best_of(
    problem: Problem,
    board: Board,
    job: int,
    among: NDArray[np.int32],
    number: int,
    only: int,
    soon: NDArray[np.int64],
) -> tuple[float, int, int, int, int]:
    """Return (added, courier, first, last, candidate) of the cheapest place in some routes.

    Parameters
    ----------
    among, number
        The first `number` of these couriers are looked at.
    only
        A candidate; -1 for any.
    soon
        Scratch, as long as the most candidates of an order.
    """
    jobs, stores, windows, prices = problem.jobs, problem.stores, problem.windows, problem.prices
    duration_s, length_m, one_store = problem.duration_s, problem.length_m, problem.one_store
    crew, candidates, allowed = problem.couriers, problem.candidates, problem.allowed
    state, worth, goods, counts = board.state, board.worth, board.ready, board.count
    best = prices[PRICE_UNROUTED]
    best_courier, best_first, best_last, best_candidate = -1, -1, -1, -1
    start, stop = jobs[job, JOB_FIRST], jobs[job, JOB_LAST]
    door = jobs[job, JOB_PLACE]
    for candidate in range(start, stop):
        soon[candidate - start] = NEVER
        if only < 0 or candidate == only:
            soon[candidate - start] = ready_if(problem, board, job, candidate)
    # Whoever could be there first goes first: a good place found early leaves less to look at.
    lead, first_at = -1, NEVER
    home = stores[candidates[start, CAND_STORE], STORE_PLACE]
    for index in range(number):
        courier = among[index]
        locked = crew[courier, COURIER_LOCKED]
        here = state[courier, locked, PLACE]
        at = state[courier, locked, DEPART] + duration_s[crew[courier, COURIER_MODE], here, home]
        if at < first_at:
            lead, first_at = index, at
    for turn in range(-1, number):
        index = lead if turn < 0 else turn
        if index < 0 or turn == lead:
            continue
        courier = as_index(among[index])
        if not allowed[job, courier]:
            continue
        locked = crew[courier, COURIER_LOCKED]
        mode = crew[courier, COURIER_MODE]
        here, at = state[courier, locked, PLACE], state[courier, locked, DEPART]
        for candidate in range(start, stop):
            ready = soon[candidate - start]
            if ready >= NEVER:
                continue
            store = candidates[candidate, CAND_STORE]
            source = stores[store, STORE_PLACE]
            # Nobody is at the store sooner than by going there at once.
            soonest = max(at + duration_s[mode, here, source], ready)
            soonest += duration_s[mode, source, door] + jobs[job, JOB_SERVICE_S]
            extra = churn(jobs, allowed, prices, job, courier, candidate)
            least = extra + hand_over(
                prices, jobs[job, JOB_COUNTS_FROM], jobs[job, JOB_LATEST], soonest
            )
            if least >= best:
                continue
            found, first, last = best_pair(
                jobs,
                stores,
                windows,
                crew,
                duration_s,
                length_m,
                prices,
                state,
                worth,
                goods,
                one_store,
                job,
                courier,
                counts[courier],
                store,
                ready,
                best - extra,
            )
            if first >= 0:
                best = found + extra
                best_courier, best_candidate = courier, candidate
                best_first, best_last = first, last
    return best, best_courier, best_first, best_last, best_candidate


@kernel
def put(
    problem: Problem, board: Board, job: int, courier: int, first: int, last: int, candidate: int
) -> None:
    """Insert an order's steps before steps `first` and `last` of a route as it is now.

    Times of every route that feels it follow.  An order of a bag has `first` -1.
    """
    count = board.count[courier]
    shift = 1 if first < 0 else 2
    for index in range(count - 1, last - 1, -1):
        board.steps[courier, index + shift] = board.steps[courier, index]
    board.steps[courier, last + shift - 1] = 2 * job + 1
    if first >= 0:
        for index in range(last - 1, first - 1, -1):
            board.steps[courier, index + 1] = board.steps[courier, index]
        board.steps[courier, first] = 2 * job
    board.count[courier] = count + shift
    if first >= 0 and board.chosen[job] != candidate:
        choose(problem, board, job, candidate)
    if board.owner[job] < 0:
        board.owner[job] = courier
        board.total[0] -= problem.prices[PRICE_UNROUTED]
        board.total[0] += churn(
            problem.jobs, problem.allowed, problem.prices, job, courier, candidate
        )
    time_route(problem, board, courier)
    time_felt(problem, board)


@kernel
def take(problem: Problem, board: Board, job: int) -> None:
    """Take an order out of its route; of one in a bag, its last step only."""
    courier = as_index(board.owner[job])
    in_bag = problem.jobs[job, JOB_BAG] >= 0
    kept = 0
    locked = problem.couriers[courier, COURIER_LOCKED]
    for index in range(board.count[courier]):
        step = board.steps[courier, index]
        if step >> 1 == job and index >= locked and (not in_bag or step & 1):
            continue
        board.steps[courier, kept] = step
        kept += 1
    board.count[courier] = kept
    if not in_bag:
        board.owner[job] = -1
        board.total[0] += problem.prices[PRICE_UNROUTED]
        board.total[0] -= churn(
            problem.jobs, problem.allowed, problem.prices, job, courier, board.chosen[job]
        )
    time_route(problem, board, courier)
