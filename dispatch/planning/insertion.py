"""Cheapest insertion: where an order adds least to the cost of the whole.

All couriers, all places in their routes for pickup and drop-off, and all stores it may come from
are weighed together.  What cannot beat the best found so far is left early.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dispatch.planning.arrays import (
    CAND_DOUBT_S2,
    CAND_STORE,
    COURIER_AT_STORE,
    COURIER_CAPACITY_CHILLED,
    COURIER_CAPACITY_G,
    COURIER_CAPACITY_ML,
    COURIER_CAPACITY_PARCELS,
    COURIER_LOCKED,
    COURIER_MODE,
    COURIER_SHIFT_END,
    JOB_BAG,
    JOB_CHILLED,
    JOB_CLOSES,
    JOB_EARLIEST,
    JOB_FIRST,
    JOB_LAST,
    JOB_PLACE,
    JOB_SERVICE_S,
    JOB_VOLUME_ML,
    JOB_WEIGHT_G,
    NEVER,
    PRICE_RIDES,
    PRICE_UNROUTED,
    STORE_PLACE,
    STORE_SERVICE_S,
    Problem,
)
from dispatch.planning.prices import ending, ends_late, hand_over, leg_cost, rest, telling
from dispatch.planning.schedule import (
    AFTER,
    BEGIN,
    DEPART,
    FETCH,
    GAIN,
    INFINITE,
    JOB,
    LOAD_CHILLED,
    LOAD_G,
    LOAD_ML,
    OVER,
    PARCELS,
    PLACE,
    REST,
    RESTED,
    STORE,
    Board,
    as_index,
    choose,
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
    crew: NDArray[np.int64],
    duration_s: NDArray[np.int32],
    length_m: NDArray[np.int32],
    prices: NDArray[np.float64],
    doubts: NDArray[np.float64],
    ends: NDArray[np.float64],
    end_by: NDArray[np.int64],
    now: int,
    state: NDArray[np.int64],
    worth: NDArray[np.float64],
    goods: NDArray[np.int64],
    fetched: NDArray[np.int64],
    direct_s: NDArray[np.int64],
    doubt_s2: NDArray[np.int64],
    leaving: NDArray[np.int64],
    courier: int,
    count: int,
    since: int,
    index: int,
    rested: int,
    unsettled: int,
    bag: int,
    place: int,
    at: int,
    limit: float,
) -> float:
    """Return the cost of going on from a place with step `index`; infinite if it fails.

    Parameters
    ----------
    since
        From this step on pickups are over at other times than before: at those in `leaving`.
    unsettled
        Orders fetched by those whose end is still to come.
    bag
        Parcels that the board counts in the bag all along and that are not.
    """
    mode = crew[courier, COURIER_MODE]
    shift_end = crew[courier, COURIER_SHIFT_END]
    over = at
    parcels = state[courier, index, PARCELS] - bag
    at, rested, cost = rest(crew, prices, courier, rested, parcels, at)
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
        else:
            begin = max(begin, jobs[job, JOB_EARLIEST])
            if begin > jobs[job, JOB_CLOSES]:
                return INFINITE
        cost += leg_cost(duration_s, length_m, prices, mode, place, there)
        if (
            begin == state[courier, later, BEGIN]
            and rested == state[courier, later, RESTED]
            and (unsettled == 0 or prices[PRICE_RIDES] <= 0)
        ):
            # The delay is absorbed here: the rest is as it was.
            return cost + worth[courier, later, REST]
        over = begin + state[courier, later + 1, OVER] - state[courier, later, BEGIN]
        if store < 0:
            left = fetched[job]
            if state[courier, later, FETCH] >= since:
                left = leaving[state[courier, later, FETCH]]
                unsettled -= 1
            cost += hand_over(
                jobs,
                prices,
                doubts,
                now,
                job,
                mode,
                over,
                begin - left,
                direct_s[job],
                doubt_s2[job],
            )
            if cost >= limit:
                return INFINITE
        else:
            leaving[later] = over
            unsettled += 1
        parcels = state[courier, later + 1, PARCELS] - bag
        at, rested, late = rest(crew, prices, courier, rested, parcels, over)
        cost += late
        place = there
    late_there = ends_late(end_by, courier, place, over)
    return INFINITE if late_there else cost + ending(crew, prices, ends, courier, place, over)


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
    doubts: NDArray[np.float64],
    ends: NDArray[np.float64],
    end_by: NDArray[np.int64],
    now: int,
    state: NDArray[np.int64],
    worth: NDArray[np.float64],
    goods: NDArray[np.int64],
    fetched: NDArray[np.int64],
    direct_s: NDArray[np.int64],
    doubt_s2: NDArray[np.int64],
    leaving: NDArray[np.int64],
    one_store: bool,
    job: int,
    courier: int,
    count: int,
    store: int,
    ready: int,
    own_s2: int,
    limit: float,
) -> tuple[float, int, int]:
    """Return cost and places of an order's two steps in a route, below a limit.

    `own_s2` is the variance of its hand-over from this store but for what grows with time.
    Of places that cost the same the earliest is taken; the first place is -1 if there is none.
    What is left early is left as if delays shortened nobody's time in the bag.
    """
    source = stores[store, STORE_PLACE]
    door = jobs[job, JOB_PLACE]
    door_service_s = jobs[job, JOB_SERVICE_S]
    opens, closes = jobs[job, JOB_EARLIEST], jobs[job, JOB_CLOSES]
    mode = crew[courier, COURIER_MODE]
    shift_end = crew[courier, COURIER_SHIFT_END]
    room_g = crew[courier, COURIER_CAPACITY_G] - jobs[job, JOB_WEIGHT_G]
    room_ml = crew[courier, COURIER_CAPACITY_ML] - jobs[job, JOB_VOLUME_ML]
    room_chilled = crew[courier, COURIER_CAPACITY_CHILLED] - jobs[job, JOB_CHILLED]
    room = crew[courier, COURIER_CAPACITY_PARCELS] - 1
    ride_s = duration_s[mode, source, door]
    best = limit
    best_first, best_last = -1, -1
    if ride_s >= UNREACHABLE_S or ready >= NEVER or count + 2 >= state.shape[1]:
        return best, best_first, best_last
    # The route may end elsewhere and sooner than it does now.
    end_cost = worth[courier, count, AFTER]
    for first in range(crew[courier, COURIER_LOCKED], count + 1):
        here = state[courier, first, PLACE]
        leg_s = duration_s[mode, here, source]
        parcels = state[courier, first, PARCELS]
        if (
            leg_s >= UNREACHABLE_S
            or state[courier, first, LOAD_G] > room_g
            or state[courier, first, LOAD_ML] > room_ml
            or state[courier, first, LOAD_CHILLED] > room_chilled
            or parcels > room
        ):
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
        soonest = max(at + ride_s, opens)
        least = cost + worth[courier, first, REST] - end_cost
        least += leg_cost(duration_s, length_m, prices, mode, source, onward)
        least += hand_over(
            jobs, prices, doubts, now, job, mode, soonest + door_service_s, ride_s, ride_s, own_s2
        )
        if least >= best or soonest > closes:
            continue
        begin = pickup_at(stores, windows, store, shift_end, begin)
        if begin >= NEVER:
            continue
        at = begin + stores[store, STORE_SERVICE_S]
        picked = at
        rested = state[courier, first, RESTED]
        unsettled = 0
        place = source
        dropped = False
        for last in range(first, count + 1):
            following = state[courier, last, STORE]
            leg_s = duration_s[mode, place, door]
            # With other goods in the bag a door may not be followed by a counter.
            splits = one_store and following >= 0 and state[courier, last, PARCELS] > 0
            reached = max(at + leg_s, opens)
            if leg_s < UNREACHABLE_S and not splits and reached <= closes:
                done = reached + door_service_s
                found = cost + leg_cost(duration_s, length_m, prices, mode, place, door)
                found += hand_over(
                    jobs, prices, doubts, now, job, mode, done, reached - picked, ride_s, own_s2
                )
                # The rest costs at least what it did before, but for the leg to it.
                least = found + worth[courier, last, REST] - end_cost
                if last < count:
                    following_place = state[courier, last + 1, PLACE]
                    least += leg_cost(duration_s, length_m, prices, mode, door, following_place)
                if least < best:
                    found += tail(
                        jobs,
                        stores,
                        windows,
                        crew,
                        duration_s,
                        length_m,
                        prices,
                        doubts,
                        ends,
                        end_by,
                        now,
                        state,
                        worth,
                        goods,
                        fetched,
                        direct_s,
                        doubt_s2,
                        leaving,
                        courier,
                        count,
                        first,
                        last,
                        rested,
                        unsettled,
                        0,
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
                    or state[courier, last + 1, LOAD_ML] > room_ml
                    or state[courier, last + 1, LOAD_CHILLED] > room_chilled
                    or state[courier, last + 1, PARCELS] > room
                ):
                    break
                if one_store and (dropped or following != store):
                    break
                begin = pickup_at(stores, windows, following, shift_end, max(begin, goods[other]))
                if begin >= NEVER:
                    break
            else:
                begin = max(begin, jobs[other, JOB_EARLIEST])
                if begin > jobs[other, JOB_CLOSES]:
                    break
            cost += leg_cost(duration_s, length_m, prices, mode, place, there)
            at = begin + state[courier, last + 1, OVER] - state[courier, last, BEGIN]
            if following < 0:
                dropped = True
                left = fetched[other]
                if state[courier, last, FETCH] >= first:
                    left = leaving[state[courier, last, FETCH]]
                    unsettled -= 1
                cost += hand_over(
                    jobs,
                    prices,
                    doubts,
                    now,
                    other,
                    mode,
                    at,
                    begin - left,
                    direct_s[other],
                    doubt_s2[other],
                )
            else:
                leaving[last] = at
                unsettled += 1
            place = there
            # Neither the rest nor the hand-over gets cheaper by coming later.
            soonest = max(at + duration_s[mode, place, door], opens)
            least = cost + worth[courier, last + 1, AFTER] - end_cost
            least += hand_over(
                jobs,
                prices,
                doubts,
                now,
                job,
                mode,
                soonest + door_service_s,
                soonest - picked,
                ride_s,
                own_s2,
            )
            if least >= best or soonest > closes:
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
            reached = max(state[courier, index, OVER] + leg_s, jobs[job, JOB_EARLIEST])
            done = reached + jobs[job, JOB_SERVICE_S]
            found = leg_cost(duration_s, length_m, prices, mode, here, door)
            found += hand_over(
                jobs,
                prices,
                problem.doubts,
                problem.now,
                job,
                mode,
                done,
                reached - board.fetched[job],
                board.direct_s[job],
                board.doubt_s2[job],
            )
            found -= worth[courier, index, AFTER]
            found += tail(
                jobs,
                stores,
                windows,
                problem.couriers,
                duration_s,
                length_m,
                prices,
                problem.doubts,
                problem.ends,
                problem.end_by,
                problem.now,
                state,
                worth,
                goods,
                board.fetched,
                board.direct_s,
                board.doubt_s2,
                board.leaving,
                courier,
                count,
                index,
                index,
                state[courier, index, RESTED],
                0,
                1,
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
            ride_s = duration_s[mode, source, door]
            soonest = max(soonest + ride_s, jobs[job, JOB_EARLIEST]) + jobs[job, JOB_SERVICE_S]
            extra = telling(problem, job, courier, candidate)
            if counts[courier] == 0:
                extra += problem.launch[courier]
            own_s2 = candidates[candidate, CAND_DOUBT_S2]
            least = extra + hand_over(
                jobs,
                prices,
                problem.doubts,
                problem.now,
                job,
                mode,
                soonest,
                ride_s,
                ride_s,
                own_s2,
            )
            if len(problem.ends) > 0:
                # Going away from where it is dear to stay saves that.
                least -= worth[courier, counts[courier], AFTER]
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
                problem.doubts,
                problem.ends,
                problem.end_by,
                problem.now,
                state,
                worth,
                goods,
                board.fetched,
                board.direct_s,
                board.doubt_s2,
                board.leaving,
                one_store,
                job,
                courier,
                counts[courier],
                store,
                ready,
                own_s2,
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
        board.total[0] += telling(problem, job, courier, candidate)
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
        board.total[0] -= telling(problem, job, courier, board.chosen[job])
    time_route(problem, board, courier)
