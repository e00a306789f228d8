"""Insertion where time has limits but no price: what a delay may be, looked up instead of walked.

Where nothing costs more for being later, a place in a route is priced by its ways alone, and all
that time can do is to forbid it.  How late each step may begin without breaking a limit of those
after it is kept beside the routes, so that a place takes a few comparisons: Savelsbergh (1992),
doi:10.1287/ijoc.4.2.146, "The vehicle routing problem with time windows: minimizing route
duration".
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dispatch.planning.arrays import (
    CAND_READY,
    CAND_STORE,
    COURIER_CAPACITY_CHILLED,
    COURIER_CAPACITY_G,
    COURIER_CAPACITY_ML,
    COURIER_CAPACITY_PARCELS,
    COURIER_LOCKED,
    COURIER_MODE,
    COURIER_SHIFT_END,
    JOB_CHILLED,
    JOB_CLOSES,
    JOB_EARLIEST,
    JOB_PLACE,
    JOB_SERVICE_S,
    JOB_VOLUME_ML,
    JOB_WEIGHT_G,
    NEVER,
    PRICE_LENGTH,
    PRICE_TRAVEL,
    STORE_PLACE,
    STORE_SERVICE_S,
    STORE_WINDOW_FIRST,
    STORE_WINDOW_LAST,
    Problem,
)
from dispatch.planning.drawing import draw
from dispatch.planning.schedule import (
    DEPART,
    GAIN,
    LOAD_CHILLED,
    LOAD_G,
    LOAD_ML,
    PARCELS,
    PLACE,
    Board,
)
from geo.compiled import kernel
from geo.types import UNREACHABLE_S

_NO_WAY: Final = 1e15
"""Price of a leg without a way: no order is worth it."""


class Stops(NamedTuple):
    """Steps as stops of a plain route: `2 * job` is a pickup, `2 * job + 1` a door.

    Attributes
    ----------
    place : int32 (steps,)
    service_s, opens, closes : int64 (steps,)
        A stop begins from `opens` to `closes`; whoever is there before waits.
    way : float64 (modes, places, places)
        Price of a leg.
    latest : int64 (couriers, most steps + 1)
        How late each step may be reached so that it and all after it keep their limits; of the
        step after the last one, `NEVER`.
    added : float64 (most steps + 1,), least : float64 (most steps + 2,)
        Scratch.
    """

    place: NDArray[np.int32]
    service_s: NDArray[np.int64]
    opens: NDArray[np.int64]
    closes: NDArray[np.int64]
    way: NDArray[np.float64]
    latest: NDArray[np.int64]
    added: NDArray[np.float64]
    least: NDArray[np.float64]


def stops_of(problem: Problem, board: Board) -> Stops:
    """Return the stops of a problem whose every order has one store, open once.

    Shift ends that differ stay with the couriers: a pickup's limit is the later one here.
    """
    jobs = problem.job_count
    store = problem.candidates[board.chosen[:jobs], CAND_STORE]
    at_store, orders = problem.stores[store], problem.jobs[:jobs]
    window = problem.windows[at_store[:, STORE_WINDOW_FIRST]]
    if (at_store[:, STORE_WINDOW_LAST] - at_store[:, STORE_WINDOW_FIRST] != 1).any():
        raise ValueError("a store that opens more than once has no single latest begin")
    goods = problem.candidates[board.chosen[:jobs], CAND_READY]
    latest_shift = problem.couriers[:, COURIER_SHIFT_END].max(initial=0)

    def paired(pickup: NDArray[np.int64], door: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.stack([pickup, door], axis=1).reshape(-1).astype(np.int64)

    width = board.steps.shape[1]
    way = problem.prices[PRICE_TRAVEL] * problem.duration_s.astype(np.float64)
    way += problem.prices[PRICE_LENGTH] * problem.length_m
    way[problem.duration_s >= UNREACHABLE_S] = _NO_WAY
    return Stops(
        place=paired(at_store[:, STORE_PLACE], orders[:, JOB_PLACE]).astype(np.int32),
        service_s=paired(at_store[:, STORE_SERVICE_S], orders[:, JOB_SERVICE_S]),
        opens=paired(np.maximum(window[:, 0], goods), orders[:, JOB_EARLIEST]),
        closes=paired(np.minimum(window[:, 1] - 1, latest_shift), orders[:, JOB_CLOSES]),
        way=way,
        latest=np.zeros((len(problem.couriers), width + 1), dtype=np.int64),
        added=np.zeros(width + 1),
        least=np.zeros(width + 2),
    )


@kernel
def slacken(problem: Problem, board: Board, stops: Stops, courier: int) -> None:
    """Work out how late each step of a route may be reached."""
    mode = problem.couriers[courier, COURIER_MODE]
    count = board.count[courier]
    latest = stops.latest[courier]
    latest[count] = NEVER
    limit = NEVER
    after = -1
    for index in range(count - 1, -1, -1):
        step = board.steps[courier, index]
        place = stops.place[step]
        if after >= 0:
            limit -= problem.duration_s[mode, place, after]
        elif len(problem.end_by) > 0:
            limit = problem.end_by[courier, place]
        limit = min(stops.closes[step], limit - stops.service_s[step])
        latest[index] = limit
        after = place


@kernel
def cheapest(
    problem: Problem,
    board: Board,
    stops: Stops,
    job: int,
    courier: int,
    limit: float,
    blink: float,
    random: NDArray[np.uint64],
) -> tuple[float, int, int]:
    """Return (added, first, last) of the cheapest place for an order in a route, below a limit.

    The first place is -1 if there is none.  Waiting before a pickup may delay a door only: ways
    are taken to keep the triangle inequality where a search is left early.

    Parameters
    ----------
    blink
        Share of places overlooked.
    """
    jobs, crew = problem.jobs, problem.couriers
    duration_s, ends, end_by = problem.duration_s, problem.ends, problem.end_by
    state, latest = board.state, stops.latest
    added, least = stops.added, stops.least
    count = board.count[courier]
    mode = crew[courier, COURIER_MODE]
    locked = crew[courier, COURIER_LOCKED]
    best, best_first, best_last = limit, -1, -1
    if count + 2 >= state.shape[1]:
        return best, best_first, best_last
    source, door = stops.place[2 * job], stops.place[2 * job + 1]
    opens, closes = stops.opens[2 * job], stops.closes[2 * job]
    door_opens, door_closes = stops.opens[2 * job + 1], stops.closes[2 * job + 1]
    service_s, door_service_s = stops.service_s[2 * job], stops.service_s[2 * job + 1]
    room_g = crew[courier, COURIER_CAPACITY_G] - jobs[job, JOB_WEIGHT_G]
    room_ml = crew[courier, COURIER_CAPACITY_ML] - jobs[job, JOB_VOLUME_ML]
    room_chilled = crew[courier, COURIER_CAPACITY_CHILLED] - jobs[job, JOB_CHILLED]
    room = crew[courier, COURIER_CAPACITY_PARCELS] - 1
    ride_s, ride = duration_s[mode, source, door], stops.way[mode, source, door]
    # What the door alone adds before each step, and the least of that from each step on.
    end = ends[courier, state[courier, count, PLACE]]
    door_end = ends[courier, door]
    least[count + 1] = best
    for index in range(count, locked - 1, -1):
        here = state[courier, index, PLACE]
        if index == count:
            added[index] = stops.way[mode, here, door] + door_end - end
        else:
            there = state[courier, index + 1, PLACE]
            added[index] = (
                stops.way[mode, here, door]
                + stops.way[mode, door, there]
                - stops.way[mode, here, there]
            )
        least[index] = min(least[index + 1], added[index])
    for first in range(locked, count + 1):
        here = state[courier, first, PLACE]
        begin = state[courier, first, DEPART] + duration_s[mode, here, source]
        if begin > closes:
            continue
        if (
            state[courier, first, LOAD_G] > room_g
            or state[courier, first, LOAD_ML] > room_ml
            or state[courier, first, LOAD_CHILLED] > room_chilled
            or state[courier, first, PARCELS] > room
        ):
            continue
        at = max(begin, opens) + service_s
        if at + ride_s > door_closes:
            continue
        fetching = stops.way[mode, here, source]
        if first == count:
            direct = fetching + ride + door_end - end
            if direct < best - GAIN and not (blink > 0 and draw(random) < blink):
                done = max(at + ride_s, door_opens) + door_service_s
                if len(end_by) == 0 or done <= end_by[courier, door]:
                    best, best_first, best_last = direct, first, first
            break
        there = state[courier, first + 1, PLACE]
        fetching -= stops.way[mode, here, there]
        direct = fetching + ride + stops.way[mode, door, there]
        if direct < best - GAIN and not (blink > 0 and draw(random) < blink):
            done = max(at + ride_s, door_opens) + door_service_s
            if done + duration_s[mode, door, there] <= latest[courier, first]:
                best, best_first, best_last = direct, first, first
        fetching += stops.way[mode, source, there]
        if fetching + least[first + 1] >= best - GAIN:
            continue
        reached = at + duration_s[mode, source, there]
        for last in range(first + 1, count + 1):
            # The route so far is now late by the pickup, and the goods are in the bag.
            if (
                reached > latest[courier, last - 1]
                or state[courier, last, LOAD_G] > room_g
                or state[courier, last, LOAD_ML] > room_ml
                or state[courier, last, LOAD_CHILLED] > room_chilled
                or state[courier, last, PARCELS] > room
                or fetching + least[last] >= best - GAIN
            ):
                break
            step = board.steps[courier, last - 1]
            at = max(reached, stops.opens[step]) + stops.service_s[step]
            place = there
            reached = at + duration_s[mode, place, door]
            if reached > door_closes:
                break
            if last < count:
                there = state[courier, last + 1, PLACE]
            if fetching + added[last] < best - GAIN and not (blink > 0 and draw(random) < blink):
                done = max(reached, door_opens) + door_service_s
                if last < count:
                    fits = done + duration_s[mode, door, there] <= latest[courier, last]
                else:
                    fits = len(end_by) == 0 or done <= end_by[courier, door]
                if fits:
                    best, best_first, best_last = fetching + added[last], first, last
            reached = at + duration_s[mode, place, there]
    return best, best_first, best_last
