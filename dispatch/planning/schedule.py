"""Times, loads, feasibility and cost along routes, and the pick queues they hang on.

The arrays of a `Board` hold, for every route, the state in which its courier leaves each step, so
that a change is priced from where it begins and only as far as it is felt.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dispatch.planning.arrays import (
    CAND_DOUBT_S2,
    CAND_NEED,
    CAND_PICK_S,
    CAND_READY,
    CAND_STORE,
    COURIER_BAG_CHILLED,
    COURIER_BAG_G,
    COURIER_BAG_ML,
    COURIER_BAG_PARCELS,
    COURIER_BREAK_UNTIL,
    COURIER_CAPACITY_CHILLED,
    COURIER_CAPACITY_G,
    COURIER_CAPACITY_ML,
    COURIER_CAPACITY_PARCELS,
    COURIER_LOCKED,
    COURIER_MODE,
    COURIER_PLACE,
    COURIER_SHIFT_END,
    COURIER_STANDING,
    COURIER_START,
    JOB_AWAITED,
    JOB_BAG,
    JOB_CHILLED,
    JOB_CLOSES,
    JOB_DIRECT_S,
    JOB_DOUBT_S2,
    JOB_EARLIEST,
    JOB_FETCHED,
    JOB_PLACE,
    JOB_RANK,
    JOB_SERVICE_S,
    JOB_VOLUME_ML,
    JOB_WEIGHT_G,
    NEVER,
    PRICE_BREAK_LATE,
    PRICE_UNROUTED,
    STORE_PICKER_FIRST,
    STORE_PICKER_LAST,
    STORE_PLACE,
    STORE_SERVICE_S,
    STORE_WINDOW_FIRST,
    STORE_WINDOW_LAST,
    Problem,
)
from dispatch.planning.prices import (
    ending,
    ends_late,
    hand_over,
    hand_over_terms,
    leg_cost,
    rest,
    telling,
)
from geo.compiled import kernel, kernel_part
from geo.types import UNREACHABLE_S

GAIN: Final = 1e-6
"""Costs nearer than this are the same: sums of floats in another order differ in the last bit."""

INFINITE: Final = 1e300
"""More than anything costs."""


PLACE: Final = 0
"""Where the courier leaves from."""
DEPART: Final = 1
LOAD_G: Final = 2
PARCELS: Final = 3
BEGIN: Final = 4
"""When step i begins."""
STORE: Final = 5
"""Store of step i, a pickup; -1 for the end of an order, and after the last step."""
JOB: Final = 6
"""Order of step i."""
LOAD_ML: Final = 7
LOAD_CHILLED: Final = 8
OVER: Final = 9
"""When step i - 1 is over: a break after it comes before `DEPART`."""
RESTED: Final = 10
"""1 once the break is had, or where there is none to come."""
FETCH: Final = 11
"""Which step fetched the order that step i ends; -1 for what was in the bag."""
STATE_COLUMNS: Final = 12

AFTER: Final = 0
"""With the leg to step i."""
REST: Final = 1
"""Without it."""
WORTH_COLUMNS: Final = 2


class Board(NamedTuple):
    """Routes being worked on, with all that follows from them.

    Attributes
    ----------
    steps : int32 (couriers, most steps), count : int32 (couriers,)
        As in `arrays.Routes`.
    owner : int32 (jobs,)
        Who has it; -1 for nobody.
    chosen : int32 (entries,), ready : int64 (entries,)
        Candidate in use, and when the goods are ready there.
    queue : int32 (stores, most waiting), queued : int32 (stores,)
        Entries that wait to be picked, in the order of work.
    state : int64 (couriers, most steps + 1, STATE_COLUMNS)
        Row i: how the courier leaves step i - 1 (0: the start), and what step i is.
    worth : float64 (couriers, most steps + 1, WORTH_COLUMNS)
        Row i: cost of everything from step i on.
    cost : float64 (couriers,), sound : uint8 (couriers,)
        Of each route; a cost means nothing where it is not sound.
    felt : uint8 (couriers,)
        Routes whose ready times changed since they were timed.
    fetched, direct_s, doubt_s2 : int64 (jobs,)
        When each order leaves its store in the route it has, the straight ride from there, and
        the variance of its hand-over but for what grows with the time ahead.
    fetch : int64 (jobs,)
        Which step of its route fetches each order; -1 for what was in a bag.
    leaving : int64 (most steps + 1,)
        Scratch: when pickups are over in a route that is being weighed.
    picker : int64 (most pickers,)
        Scratch.
    total : float64 (2,)
        Cost of the whole (routes, churn, orders without a route), and how many routes are unsound.
    """

    steps: NDArray[np.int32]
    count: NDArray[np.int32]  # type: ignore[assignment]  # a tuple counts its items
    owner: NDArray[np.int32]
    chosen: NDArray[np.int32]
    ready: NDArray[np.int64]
    queue: NDArray[np.int32]
    queued: NDArray[np.int32]
    state: NDArray[np.int64]
    worth: NDArray[np.float64]
    cost: NDArray[np.float64]
    sound: NDArray[np.uint8]
    felt: NDArray[np.uint8]
    fetched: NDArray[np.int64]
    fetch: NDArray[np.int64]
    direct_s: NDArray[np.int64]
    doubt_s2: NDArray[np.int64]
    leaving: NDArray[np.int64]
    picker: NDArray[np.int64]
    total: NDArray[np.float64]


@kernel_part
def as_index(number: int) -> int:
    """Return an index in the one type that all kernels take, so that each is compiled once."""
    return np.int64(number)  # type: ignore[return-value]


# --- opening hours and pick queues --------------------------------------------------------------


@kernel_part
def opening(stores: NDArray[np.int64], windows: NDArray[np.int64], store: int, at: int) -> int:
    """Return the first second from `at` on at which a store is open; `NEVER` if there is none."""
    for row in range(stores[store, STORE_WINDOW_FIRST], stores[store, STORE_WINDOW_LAST]):
        if at < windows[row, 1]:
            return max(at, windows[row, 0])
    return NEVER


@kernel_part
def _picked_at(
    candidates: NDArray[np.int64],
    stores: NDArray[np.int64],
    windows: NDArray[np.int64],
    picker: NDArray[np.int64],
    pickers: int,
    now: int,
    candidate: int,
    awaited: int,
) -> int:
    """Give a candidate the picker who is free first; returns when the goods are ready."""
    start = NEVER
    who = -1
    if pickers > 0:
        who = 0
        for index in range(1, pickers):
            if picker[index] < picker[who]:
                who = index
        start = opening(stores, windows, candidates[candidate, CAND_STORE], max(now, picker[who]))
    if start >= NEVER:
        if awaited == 0:
            return NEVER
        start = now
    ready = start + candidates[candidate, CAND_PICK_S]
    if who >= 0:
        picker[who] = max(picker[who], ready)
    return ready


@kernel_part
def _open_queue(
    stores: NDArray[np.int64], free_at: NDArray[np.int64], picker: NDArray[np.int64], store: int
) -> int:
    """Set all pickers of a store to when they are free; returns how many there are."""
    first = stores[store, STORE_PICKER_FIRST]
    pickers = stores[store, STORE_PICKER_LAST] - first
    for index in range(pickers):
        picker[index] = free_at[first + index]
    return pickers


@kernel
def forecast(problem: Problem, board: Board, store: int) -> None:
    """Work out when everything in a store's queue is ready; marks the routes that feel it."""
    jobs, candidates, stores = problem.jobs, problem.candidates, problem.stores
    windows, picker = problem.windows, board.picker
    chosen, owner, known, queue = board.chosen, board.owner, board.ready, board.queue
    pickers = _open_queue(stores, problem.pickers, picker, store)
    for index in range(board.queued[store]):
        entry = queue[store, index]
        ready = _picked_at(
            candidates,
            stores,
            windows,
            picker,
            pickers,
            problem.now,
            chosen[entry],
            jobs[entry, JOB_AWAITED],
        )
        if ready != known[entry]:
            known[entry] = ready
            if entry < problem.job_count and owner[entry] >= 0:
                board.felt[owner[entry]] = 1


@kernel_part
def _before(
    jobs: NDArray[np.int64],
    candidates: NDArray[np.int64],
    one: int,
    its: int,
    other: int,
    others: int,
) -> bool:
    """Return whether one entry is picked before another; `its`, `others` are their candidates."""
    if jobs[one, JOB_AWAITED] != jobs[other, JOB_AWAITED]:
        return bool(jobs[one, JOB_AWAITED] > jobs[other, JOB_AWAITED])
    need, needs = candidates[its, CAND_NEED], candidates[others, CAND_NEED]
    if need != needs:
        return bool(need < needs)
    return bool(jobs[one, JOB_RANK] < jobs[other, JOB_RANK])


@kernel
def ready_if(problem: Problem, board: Board, job: int, candidate: int) -> int:
    """Return when an order would be ready at one of its candidates."""
    chosen, jobs, candidates = board.chosen, problem.jobs, problem.candidates
    if chosen[job] == candidate:
        return board.ready[job]
    if candidates[candidate, CAND_READY] >= 0:
        return candidates[candidate, CAND_READY]
    stores, windows, picker, queue = problem.stores, problem.windows, board.picker, board.queue
    store = candidates[candidate, CAND_STORE]
    pickers = _open_queue(stores, problem.pickers, picker, store)
    now = problem.now
    for index in range(board.queued[store]):
        entry = queue[store, index]
        if _before(jobs, candidates, job, candidate, entry, chosen[entry]):
            break
        awaited = jobs[entry, JOB_AWAITED]
        _picked_at(candidates, stores, windows, picker, pickers, now, chosen[entry], awaited)
    awaited = jobs[job, JOB_AWAITED]
    return _picked_at(candidates, stores, windows, picker, pickers, now, candidate, awaited)


@kernel
def enqueue(problem: Problem, board: Board, entry: int) -> None:
    """Put an entry into the queue of its chosen store, if it still has to be picked."""
    candidate = board.chosen[entry]
    if problem.candidates[candidate, CAND_READY] >= 0:
        board.ready[entry] = problem.candidates[candidate, CAND_READY]
        return
    store = problem.candidates[candidate, CAND_STORE]
    index = board.queued[store]
    while index > 0:
        other = board.queue[store, index - 1]
        if not _before(
            problem.jobs, problem.candidates, entry, candidate, other, board.chosen[other]
        ):
            break
        board.queue[store, index] = other
        index -= 1
    board.queue[store, index] = entry
    board.queued[store] += 1


@kernel
def choose(problem: Problem, board: Board, job: int, candidate: int) -> None:
    """Move an order to another store; queues and ready times follow."""
    old = board.chosen[job]
    if old == candidate:
        return
    if problem.candidates[old, CAND_READY] < 0:
        store = problem.candidates[old, CAND_STORE]
        kept = 0
        for index in range(board.queued[store]):
            entry = board.queue[store, index]
            if entry != job:
                board.queue[store, kept] = entry
                kept += 1
        board.queued[store] = kept
        forecast(problem, board, store)
    board.chosen[job] = candidate
    enqueue(problem, board, job)
    if problem.candidates[candidate, CAND_READY] < 0:
        forecast(problem, board, problem.candidates[candidate, CAND_STORE])


# --- along a route -----------------------------------------------------------------------------


@kernel_part
def pickup_at(
    stores: NDArray[np.int64], windows: NDArray[np.int64], store: int, shift_end: int, at: int
) -> int:
    """Return when a pickup begins that could at `at`: the store open, the shift not over."""
    begin = opening(stores, windows, store, at)
    return begin if begin <= shift_end else NEVER


@kernel
def time_route(problem: Problem, board: Board, courier: int) -> None:
    """Work out all times, loads and costs of a route again; the totals follow."""
    jobs, candidates, stores = problem.jobs, problem.candidates, problem.stores
    windows, crew, prices = problem.windows, problem.couriers, problem.prices
    duration_s, length_m = problem.duration_s, problem.length_m
    steps, chosen, goods = board.steps, board.chosen, board.ready
    state, worth = board.state, board.worth
    mode = crew[courier, COURIER_MODE]
    locked = crew[courier, COURIER_LOCKED]
    place = crew[courier, COURIER_PLACE]
    at = crew[courier, COURIER_START]
    load_g, load_ml = crew[courier, COURIER_BAG_G], crew[courier, COURIER_BAG_ML]
    parcels, chilled = crew[courier, COURIER_BAG_PARCELS], crew[courier, COURIER_BAG_CHILLED]
    shift_end = crew[courier, COURIER_SHIFT_END]
    count = board.count[courier]
    rested = 0
    state[courier, 0, OVER] = at
    if locked == 0:
        at, rested, _ = rest(crew, prices, courier, rested, parcels, at)
    state[courier, 0, PLACE] = place
    state[courier, 0, DEPART] = at
    state[courier, 0, LOAD_G] = load_g
    state[courier, 0, LOAD_ML] = load_ml
    state[courier, 0, PARCELS] = parcels
    state[courier, 0, LOAD_CHILLED] = chilled
    state[courier, 0, RESTED] = rested
    sound = True
    for index in range(count):
        step = steps[courier, index]
        job = step >> 1
        committed = index < locked
        if step & 1:
            store = -1
            there = jobs[job, JOB_PLACE]
            service_s = jobs[job, JOB_SERVICE_S]
        else:
            store = candidates[chosen[job], CAND_STORE]
            there = stores[store, STORE_PLACE]
            service_s = stores[store, STORE_SERVICE_S]
        leg_s = 0
        leg = 0.0
        if index > 0 or crew[courier, COURIER_STANDING] == 0:
            leg_s = duration_s[mode, place, there]
            leg = leg_cost(duration_s, length_m, prices, mode, place, there)
        begin = at + leg_s
        if leg_s >= UNREACHABLE_S:
            sound = False
            begin = at
        price = leg
        fetch = -1
        if store >= 0:
            begin = max(begin, goods[job])
            if not committed:
                begin = pickup_at(stores, windows, store, shift_end, begin)
            if begin >= NEVER:
                sound = False
                begin = at
            load_g += jobs[job, JOB_WEIGHT_G]
            load_ml += jobs[job, JOB_VOLUME_ML]
            chilled += jobs[job, JOB_CHILLED]
            parcels += 1
            if not committed and (
                load_g > crew[courier, COURIER_CAPACITY_G]
                or load_ml > crew[courier, COURIER_CAPACITY_ML]
                or chilled > crew[courier, COURIER_CAPACITY_CHILLED]
                or parcels > crew[courier, COURIER_CAPACITY_PARCELS]
            ):
                sound = False
        else:
            begin = max(begin, jobs[job, JOB_EARLIEST])
            if begin > jobs[job, JOB_CLOSES]:
                sound = False
        # Whoever is overdue at a stop ends it now at the earliest.
        at = max(begin + service_s, problem.now)
        state[courier, index + 1, OVER] = at
        if store >= 0:
            board.fetched[job] = at
            board.fetch[job] = index
            board.direct_s[job] = duration_s[mode, there, jobs[job, JOB_PLACE]]
            board.doubt_s2[job] = candidates[chosen[job], CAND_DOUBT_S2]
        else:
            load_g -= jobs[job, JOB_WEIGHT_G]
            load_ml -= jobs[job, JOB_VOLUME_ML]
            chilled -= jobs[job, JOB_CHILLED]
            parcels -= 1
            fetch = board.fetch[job]
            price += hand_over(
                jobs,
                prices,
                problem.doubts,
                problem.now,
                job,
                mode,
                at,
                begin - board.fetched[job],
                board.direct_s[job],
                board.doubt_s2[job],
            )
        if index + 1 >= locked:
            at, rested, late = rest(crew, prices, courier, rested, parcels, at)
            price += late
        place = there
        state[courier, index, BEGIN] = begin
        state[courier, index, STORE] = store
        state[courier, index, JOB] = job
        state[courier, index, FETCH] = fetch
        state[courier, index + 1, PLACE] = place
        state[courier, index + 1, DEPART] = at
        state[courier, index + 1, LOAD_G] = load_g
        state[courier, index + 1, LOAD_ML] = load_ml
        state[courier, index + 1, PARCELS] = parcels
        state[courier, index + 1, LOAD_CHILLED] = chilled
        state[courier, index + 1, RESTED] = rested
        worth[courier, index, AFTER] = price
        worth[courier, index, REST] = leg
    later = 0.0
    if count > 0:
        later = ending(crew, prices, problem.ends, courier, place, state[courier, count, OVER])
        if ends_late(problem.end_by, courier, place, state[courier, count, OVER]):
            sound = False
    elif len(problem.ends) > 0:
        later = problem.ends[courier, place]
    state[courier, count, STORE] = -1
    worth[courier, count, AFTER] = later
    worth[courier, count, REST] = later
    for index in range(count - 1, -1, -1):
        later += worth[courier, index, AFTER]
        worth[courier, index, AFTER] = later
        worth[courier, index, REST] = later - worth[courier, index, REST]
    if count > 0:
        later += problem.launch[courier]
    board.total[0] += later - board.cost[courier]
    board.cost[courier] = later
    board.total[1] += int(board.sound[courier]) - int(sound)
    board.sound[courier] = sound
    board.felt[courier] = 0


@kernel
def time_felt(problem: Problem, board: Board) -> None:
    """Time again every route that feels a change of the queues."""
    for courier in range(len(board.felt)):
        if board.felt[courier]:
            time_route(problem, board, courier)


@kernel
def set_up(problem: Problem, board: Board) -> None:
    """Work out everything from `steps`, `count` and `chosen` alone."""
    board.owner[:] = -1
    board.queued[:] = 0
    for job in range(problem.job_count):
        board.fetched[job] = problem.jobs[job, JOB_FETCHED]
        board.fetch[job] = -1
        board.direct_s[job] = problem.jobs[job, JOB_DIRECT_S]
        board.doubt_s2[job] = problem.jobs[job, JOB_DOUBT_S2]
    board.felt[:] = 0
    board.cost[:] = 0.0
    board.sound[:] = 1
    board.total[:] = 0.0
    for courier in range(len(board.count)):
        for index in range(board.count[courier]):
            board.owner[board.steps[courier, index] >> 1] = courier
    for entry in range(len(board.chosen)):
        board.ready[entry] = NEVER
        if board.chosen[entry] >= 0:
            enqueue(problem, board, entry)
    for store in range(len(problem.stores)):
        forecast(problem, board, store)
    for courier in range(len(board.count)):
        time_route(problem, board, courier)
    for job in range(problem.job_count):
        if board.owner[job] < 0:
            board.total[0] += problem.prices[PRICE_UNROUTED]
        else:
            board.total[0] += telling(problem, job, board.owner[job], board.chosen[job])


ACCOUNT_WAITING: Final = 0
ACCOUNT_LATE: Final = 1
ACCOUNT_TOLD: Final = 2
ACCOUNT_STACKING: Final = 3
ACCOUNT_CHILLED: Final = 4
ACCOUNT_TRAVEL: Final = 5
ACCOUNT_DUTY: Final = 6
ACCOUNT_ENDING: Final = 7
ACCOUNT_TERMS: Final = 8


@kernel
def account(problem: Problem, board: Board, courier: int, found: NDArray[np.float64]) -> None:
    """Add what a route costs, term by term, to `found`: shape (ACCOUNT_TERMS,)."""
    jobs, crew, prices = problem.jobs, problem.couriers, problem.prices
    state = board.state
    mode = crew[courier, COURIER_MODE]
    count = board.count[courier]
    for index in range(count):
        if index > 0 or crew[courier, COURIER_STANDING] == 0:
            found[ACCOUNT_TRAVEL] += leg_cost(
                problem.duration_s,
                problem.length_m,
                prices,
                mode,
                state[courier, index, PLACE],
                state[courier, index + 1, PLACE],
            )
        job = state[courier, index, JOB]
        over = state[courier, index + 1, OVER]
        if state[courier, index, STORE] >= 0:
            if jobs[job, JOB_BAG] < 0:
                found[ACCOUNT_DUTY] += problem.duty[courier]
        else:
            waiting, late, told, stacked, chilled = hand_over_terms(
                jobs,
                prices,
                problem.doubts,
                problem.now,
                job,
                mode,
                over,
                state[courier, index, BEGIN] - board.fetched[job],
                board.direct_s[job],
                board.doubt_s2[job],
            )
            found[ACCOUNT_WAITING] += waiting
            found[ACCOUNT_LATE] += late
            found[ACCOUNT_TOLD] += told
            found[ACCOUNT_STACKING] += stacked
            found[ACCOUNT_CHILLED] += chilled
        if state[courier, index + 1, RESTED] > state[courier, index, RESTED]:
            late_s = max(0, over - crew[courier, COURIER_BREAK_UNTIL])
            found[ACCOUNT_ENDING] += prices[PRICE_BREAK_LATE] * late_s
    found[ACCOUNT_ENDING] += board.worth[courier, count, AFTER]
    if count > 0:
        found[ACCOUNT_ENDING] += problem.launch[courier]
