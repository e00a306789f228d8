"""Where a request costs least, compiled.

What an insertion adds to the way is known at once; whether it fits is asked only where it would be
the cheapest so far.  A pickup's place is tried with every later place of its delivery, times moved
on step by step, until they can no longer be kept.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from dispatch.planning.drawing import draw
from dispatch.tours.posing import Flat
from dispatch.tours.schedule import (
    BEYOND,
    FITS,
    Board,
    action_s,
    begin_all,
    drive,
    evaluate,
    pauses_of,
)
from geo.compiled import kernel, kernel_part

OPTION: Final = 0
VEHICLE: Final = 1
FIRST: Final = 2
SECOND: Final = 3
"""Columns of a found place: the request's option, the vehicle, the steps before its nodes."""


@kernel
def remove(flat: Flat, board: Board, vehicle: int, request: int) -> None:
    """Take a request out of a tour, which must be evaluated afterwards."""
    kept = 0
    for step in range(board.count[vehicle]):
        node = board.tour[vehicle, step]
        if flat.request_of[node] != request:
            board.tour[vehicle, kept] = node
            kept += 1
    board.count[vehicle] = kept
    board.owner[request] = -1


@kernel
def write_with(flat: Flat, board: Board, row: int, request: int, found: NDArray[np.int64]) -> None:
    """Write a vehicle's tour with a request at a place that was found."""
    vehicle = found[VEHICLE]
    option = flat.option_first[request] + found[OPTION]
    a, b = flat.option_a[option], flat.option_b[option]
    count = board.count[vehicle]
    target = board.tour[row]
    source = board.tour[vehicle]
    more = 1 if b < 0 else 2
    at = count + more - 1
    for step in range(count, -1, -1):
        if b >= 0 and found[SECOND] == step:
            target[at] = b
            at -= 1
        if found[FIRST] == step:
            target[at] = a
            at -= 1
        if step > 0:
            target[at] = source[step - 1]
            at -= 1
    board.count[row] = count + more


@kernel
def put(flat: Flat, board: Board, request: int, found: NDArray[np.int64]) -> int:
    """Put a request where it was found to fit; returns what the tour is then found to be."""
    vehicle = found[VEHICLE]
    write_with(flat, board, vehicle, request, found)
    board.owner[request] = vehicle
    board.option[request] = found[OPTION]
    return evaluate(flat, board, vehicle, vehicle)


@kernel
def cheapest(
    flat: Flat,
    board: Board,
    request: int,
    blink: float,
    random: NDArray[np.uint64],
    asked: NDArray[np.uint8],
    found: NDArray[np.int64],
) -> float:
    """Write the place where a request adds least; returns what it adds, infinity for none.

    Parameters
    ----------
    blink
        Share of places overlooked.
    asked
        Room for which kinds of vehicles without a tour were asked already, uint8 (vehicles,).
    """
    best = np.inf
    asked[:] = 0
    for vehicle in range(len(flat.start)):
        if not flat.allowed[request, vehicle]:
            continue
        if board.count[vehicle] == 0:
            if asked[flat.kind[vehicle]]:
                continue
            asked[flat.kind[vehicle]] = 1
        first = flat.option_first[request]
        for option in range(first, flat.option_first[request + 1]):
            if flat.option_b[option] < 0:
                best = _one(flat, board, request, option, vehicle, best, blink, random, found)
            else:
                best = _pair(flat, board, request, option, vehicle, best, blink, random, found)
    return best


@kernel_part
def _is_kept(latest: NDArray[np.int64], over: NDArray[np.int64], count: int) -> bool:
    """Tell whether the rest can be kept by who is done with a step then."""
    for taken in range(count):
        if latest[taken] != BEYOND and over[taken] <= latest[taken]:
            return True
    return False


@kernel
def _true_cost(flat: Flat, board: Board, request: int, place: NDArray[np.int64]) -> float:
    """Return what a tour costs with a request in it, by working it out; infinity where not."""
    row = len(flat.start)
    write_with(flat, board, row, request, place)
    if evaluate(flat, board, row, place[VEHICLE]) != FITS:
        return np.inf
    return float(board.cost[row])


@kernel_part
def _keep(option: int, vehicle: int, first: int, second: int, found: NDArray[np.int64]) -> None:
    found[OPTION] = option
    found[VEHICLE] = vehicle
    found[FIRST] = first
    found[SECOND] = second


@kernel
def _one(
    flat: Flat,
    board: Board,
    request: int,
    option: int,
    vehicle: int,
    best: float,
    blink: float,
    random: NDArray[np.uint64],
    found: NDArray[np.int64],
) -> float:
    """Try one node at every step of a tour."""
    count = board.count[vehicle]
    if count + 1 > flat.max_tasks[vehicle]:
        return best
    node = flat.option_a[option]
    choice = option - flat.option_first[request]
    duration, length = flat.duration[flat.table[vehicle]], flat.length[flat.table[vehicle]]
    price = flat.leg_cost[flat.price[vehicle]]
    places, kind = flat.place, flat.type_of[vehicle]
    setup, service = flat.setup[kind], flat.service[kind]
    window_first, opens, closes = flat.window_first, flat.opens, flat.closes
    tour, free, latest = board.tour[vehicle], board.free[vehicle], board.latest[vehicle]
    load, most, capacity = board.load[vehicle], board.most[vehicle], flat.capacity[vehicle]
    initial, change = flat.initial[node], flat.change[node]
    arrive, over, then = board.arrive, board.other, board.spare
    pauses = pauses_of(flat, vehicle, False)
    breaks = pauses.count
    is_exact = flat.soft or flat.watched[vehicle] == 1
    is_limited = flat.limited[vehicle] == 1
    task_cost, back = flat.task_cost[vehicle], flat.back[vehicle]
    place, home = places[node], flat.end[vehicle]
    fixed = flat.fixed[vehicle] if count == 0 else 0.0
    trial = board.trial
    frozen = flat.frozen[vehicle]
    before = flat.start[vehicle]
    for step in range(count + 1):
        if step > 0:
            before = places[tour[step - 1]]
        # All that is loaded at the start is on board until here.
        fits = True
        for dimension in range(len(capacity)):
            fits = fits and load[step, dimension] + initial[dimension] <= capacity[dimension]
        if not fits:
            break
        if step < frozen:
            continue
        after = places[tour[step]] if step < count else home
        added = fixed + price[before, place] + price[place, after]
        if count:
            added -= price[before, after]
        action = action_s(places, setup, service, before, node)
        if task_cost > 0.0:
            more = action
            if step < count:
                more += action_s(places, setup, service, place, tour[step])
                more -= action_s(places, setup, service, before, tour[step])
            added += more * task_cost
        if not added < best or (blink > 0.0 and draw(random) < blink):
            continue
        for dimension in range(len(capacity)):
            with_it = most[step, dimension] + initial[dimension] + change[dimension]
            fits = fits and with_it <= capacity[dimension]
        if not fits:
            continue
        if is_limited:
            way = duration[before, place] + np.int64(duration[place, after])
            metres = length[before, place] + np.int64(length[place, after])
            if count:
                way -= duration[before, after]
                metres -= length[before, after]
            if board.travel[vehicle] + way > flat.max_travel[vehicle]:
                continue
            if board.length[vehicle] + metres > flat.max_length[vehicle]:
                continue
        if is_exact:
            _keep(choice, vehicle, step, step, trial)
            added = _true_cost(flat, board, request, trial)
            if count:
                added -= board.cost[vehicle]
            if not added < best:
                continue
        else:
            drive(pauses, free[step], duration[before, place], load[step], arrive)
            if not begin_all(window_first, opens, closes, node, arrive, action, breaks + 1, over):
                continue
            drive(pauses, over, duration[place, after], load[step], arrive)
            if step == count:
                if arrive[breaks] > back:
                    continue
            else:
                action = action_s(places, setup, service, place, tour[step])
                begin_all(window_first, opens, closes, tour[step], arrive, action, breaks + 1, then)
                if not _is_kept(latest[step + 1], then, breaks + 1):
                    continue
        best = added
        _keep(choice, vehicle, step, step, found)
    return best


@kernel
def _pair(
    flat: Flat,
    board: Board,
    request: int,
    option: int,
    vehicle: int,
    best: float,
    blink: float,
    random: NDArray[np.uint64],
    found: NDArray[np.int64],
) -> float:
    """Try a pickup at every step of a tour, and its delivery at every later one."""
    count = board.count[vehicle]
    if count + 2 > flat.max_tasks[vehicle]:
        return best
    a, b = flat.option_a[option], flat.option_b[option]
    choice = option - flat.option_first[request]
    duration, length = flat.duration[flat.table[vehicle]], flat.length[flat.table[vehicle]]
    price = flat.leg_cost[flat.price[vehicle]]
    places, kind = flat.place, flat.type_of[vehicle]
    setup, service = flat.setup[kind], flat.service[kind]
    window_first, opens, closes = flat.window_first, flat.opens, flat.closes
    tour, free, latest = board.tour[vehicle], board.free[vehicle], board.latest[vehicle]
    load, capacity, change = board.load[vehicle], flat.capacity[vehicle], flat.change[a]
    arrive, over, then, now = board.arrive, board.other, board.spare, board.last
    pauses = pauses_of(flat, vehicle, False)
    breaks = pauses.count
    is_exact = flat.soft or flat.watched[vehicle] == 1
    is_limited = flat.limited[vehicle] == 1
    task_cost, back = flat.task_cost[vehicle], flat.back[vehicle]
    place_a, place_b, home = places[a], places[b], flat.end[vehicle]
    fixed = flat.fixed[vehicle] if count == 0 else 0.0
    trial = board.trial
    for step in range(flat.frozen[vehicle], count + 1):
        before = places[tour[step - 1]] if step > 0 else flat.start[vehicle]
        after = places[tour[step]] if step < count else home
        to_a = price[before, place_a]
        straight = price[before, after] if count else 0.0
        alone = fixed + to_a + price[place_a, after] - straight
        beside = fixed + to_a + price[place_a, place_b] + price[place_b, after] - straight
        # The delivery adds to the way as well, wherever it is.
        if not (alone < best or beside < best):
            continue
        fits = True
        for dimension in range(len(capacity)):
            fits = fits and load[step, dimension] + change[dimension] <= capacity[dimension]
        if not fits:
            continue
        action_a = action_s(places, setup, service, before, a)
        drive(pauses, free[step], duration[before, place_a], load[step], arrive)
        if not begin_all(window_first, opens, closes, a, arrive, action_a, breaks + 1, now):
            continue
        way = np.int64(duration[before, place_a])
        metres = np.int64(length[before, place_a])
        if count:
            way -= duration[before, after]
            metres -= length[before, after]
        extra = action_a
        here = place_a
        for later in range(step, count + 1):
            if later == step:
                added = beside
            else:
                # One step of the tour more is done before the delivery.
                node = tour[later - 1]
                for dimension in range(len(capacity)):
                    with_it = load[later, dimension] + change[dimension]
                    fits = fits and with_it <= capacity[dimension]
                if not fits or not alone < best:
                    break
                action = action_s(places, setup, service, here, node)
                drive(pauses, now, duration[here, places[node]], load[later], arrive)
                if not begin_all(
                    window_first, opens, closes, node, arrive, action, breaks + 1, now
                ):
                    break
                if not is_exact and not _is_kept(latest[later], now, breaks + 1):
                    break
                if later == step + 1:
                    extra += action - action_s(places, setup, service, before, node)
                    way += duration[place_a, places[node]]
                    metres += length[place_a, places[node]]
                here = places[node]
                after = places[tour[later]] if later < count else home
                added = alone + price[here, place_b] + price[place_b, after]
                added -= price[here, after]
            action_b = action_s(places, setup, service, here, b)
            if task_cost > 0.0:
                more = extra + action_b
                if later < count:
                    former = here if later > step else before
                    more += action_s(places, setup, service, place_b, tour[later])
                    more -= action_s(places, setup, service, former, tour[later])
                added += more * task_cost
            if not added < best or (blink > 0.0 and draw(random) < blink):
                continue
            if is_limited:
                whole = way + duration[here, place_b] + duration[place_b, after]
                far = metres + length[here, place_b] + length[place_b, after]
                if later > step:
                    whole -= duration[here, after]
                    far -= length[here, after]
                if board.travel[vehicle] + whole > flat.max_travel[vehicle]:
                    continue
                if board.length[vehicle] + far > flat.max_length[vehicle]:
                    continue
            if is_exact:
                _keep(choice, vehicle, step, later, trial)
                added = _true_cost(flat, board, request, trial)
                if count:
                    added -= board.cost[vehicle]
                if not added < best:
                    continue
            else:
                drive(pauses, now, duration[here, place_b], load[later], arrive)
                if not begin_all(
                    window_first, opens, closes, b, arrive, action_b, breaks + 1, over
                ):
                    continue
                drive(pauses, over, duration[place_b, after], load[later], arrive)
                if later == count:
                    if arrive[breaks] > back:
                        continue
                else:
                    action = action_s(places, setup, service, place_b, tour[later])
                    begin_all(
                        window_first, opens, closes, tour[later], arrive, action, breaks + 1, then
                    )
                    if not _is_kept(latest[later + 1], then, breaks + 1):
                        continue
            best = added
            _keep(choice, vehicle, step, later, found)
    return best
