"""Times, loads and costs along a tour, compiled.

Breaks make a tour's time a vector: entry `k` is the earliest time by which the tour has come so
far with its first `k` breaks taken.  A break may interrupt a leg, and is taken as early as it may:
that is never worse for what comes after.  Waiting costs nothing, so earlier is never worse, and
the latest times from which the rest can still be done tell in one comparison whether an insertion
fits.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dispatch.tours.model import NEVER, NO_WAY
from dispatch.tours.posing import Flat
from geo.compiled import kernel, kernel_part

FITS: Final = 0
OVERLOADED: Final = 1
NO_LEG: Final = 2
TOO_LATE: Final = 3
TRAVELS_TOO_LONG: Final = 4
TRAVELS_TOO_FAR: Final = 5
TOO_MANY_TASKS: Final = 6
"""What a tour may be found to be."""

BEYOND: Final = -1
"""A latest time that nobody can keep."""


class Board(NamedTuple):
    """The tours being worked on; one row more than there are vehicles, to try things in.

    Attributes
    ----------
    tour : int64 (vehicles + 1, room)
    count : int64 (vehicles + 1,)
    owner : int64 (requests,)
        Vehicle that serves a request; -1 for none.
    option : int64 (requests,)
        Which of its options.
    free : int64 (vehicles + 1, room + 1, breaks + 1)
        Row `i`: when the tour's step `i` is over, at the earliest; row 0 is the start.
    latest : int64 (vehicles + 1, room + 1, breaks + 1)
        By when it must be over for the rest to be possible.
    load : int64 (vehicles + 1, room + 1, dimensions)
        On the leg after step `i`.
    most : int64 (vehicles + 1, room + 1, dimensions)
        The most on that leg and all later ones.
    travel, length : int64 (vehicles + 1,)
    cost, late : float64 (vehicles + 1,)
        Of the whole tour; of its lateness, which is in it.
    arrive, spare, other, last : int64 (breaks + 1,)
        Room for times.
    debt, debt_arrive : float64 (breaks + 1,)
        Room for prices of lateness.
    trial : int64 (4,)
        A place to try, as it is found.
    """

    tour: NDArray[np.int64]
    count: NDArray[np.int64]  # type: ignore[assignment]  # a tuple counts its items
    owner: NDArray[np.int64]
    option: NDArray[np.int64]
    free: NDArray[np.int64]
    latest: NDArray[np.int64]
    load: NDArray[np.int64]
    most: NDArray[np.int64]
    travel: NDArray[np.int64]
    length: NDArray[np.int64]
    cost: NDArray[np.float64]
    late: NDArray[np.float64]
    arrive: NDArray[np.int64]
    spare: NDArray[np.int64]
    other: NDArray[np.int64]
    last: NDArray[np.int64]
    debt: NDArray[np.float64]
    debt_arrive: NDArray[np.float64]
    trial: NDArray[np.int64]


def board_for(flat: Flat) -> Board:
    """Return a board without tours."""
    vehicles, requests = len(flat.start), len(flat.weight)
    room = len(flat.place)
    breaks = int(np.diff(flat.break_first).max(initial=0)) + 1
    dimensions = flat.capacity.shape[1]
    rows = vehicles + 1
    return Board(
        tour=np.zeros((rows, room), np.int64),
        count=np.zeros(rows, np.int64),
        owner=np.full(requests, -1, np.int64),
        option=np.full(requests, -1, np.int64),
        free=np.zeros((rows, room + 1, breaks), np.int64),
        latest=np.zeros((rows, room + 1, breaks), np.int64),
        load=np.zeros((rows, room + 1, dimensions), np.int64),
        most=np.zeros((rows, room + 1, dimensions), np.int64),
        travel=np.zeros(rows, np.int64),
        length=np.zeros(rows, np.int64),
        cost=np.zeros(rows),
        late=np.zeros(rows),
        arrive=np.zeros(breaks, np.int64),
        spare=np.zeros(breaks, np.int64),
        other=np.zeros(breaks, np.int64),
        last=np.zeros(breaks, np.int64),
        debt=np.zeros(breaks),
        debt_arrive=np.zeros(breaks),
        trial=np.zeros(4, np.int64),
    )


@kernel_part
def first_open(
    first: NDArray[np.int64],
    opens: NDArray[np.int64],
    closes: NDArray[np.int64],
    row: int,
    at: int,
) -> int:
    """Return the earliest time from `at` on in one of the windows; `NEVER` for none."""
    for window in range(first[row], first[row + 1]):
        if closes[window] >= at:
            return max(at, opens[window])
    return NEVER


@kernel_part
def last_open(
    first: NDArray[np.int64],
    opens: NDArray[np.int64],
    closes: NDArray[np.int64],
    row: int,
    at: int,
) -> int:
    """Return the latest time until `at` in one of the windows; `BEYOND` for none."""
    for window in range(first[row + 1] - 1, first[row] - 1, -1):
        if opens[window] <= at:
            return min(at, closes[window])
    return BEYOND


@kernel_part
def action_s(
    place: NDArray[np.int64],
    setup: NDArray[np.int64],
    service: NDArray[np.int64],
    before: int,
    node: int,
) -> int:
    """Return setup and service of a node for who comes from a place."""
    if before == place[node]:
        return service[node]
    return setup[node] + service[node]


class Pauses(NamedTuple):
    """The breaks of one vehicle: rows from `first` on, so many of them.

    Attributes
    ----------
    watched
        Whether to look at what they may be taken with; not where the loads are not known.
    """

    first: int
    count: int  # type: ignore[assignment]  # a tuple counts its items
    watched: bool
    window_first: NDArray[np.int64]
    opens: NDArray[np.int64]
    closes: NDArray[np.int64]
    service: NDArray[np.int64]
    load: NDArray[np.int64]


@kernel_part
def pauses_of(flat: Flat, vehicle: int, watched: bool) -> Pauses:
    """Return the breaks of a vehicle."""
    first = flat.break_first[vehicle]
    return Pauses(
        first,
        flat.break_first[vehicle + 1] - first,
        watched,
        flat.break_window_first,
        flat.break_opens,
        flat.break_closes,
        flat.break_service,
        flat.break_load,
    )


@kernel_part
def drive(
    pauses: Pauses,
    before: NDArray[np.int64],
    way_s: int,
    load: NDArray[np.int64],
    arrive: NDArray[np.int64],
) -> None:
    """Write the earliest arrivals after a leg, breaks on the way or right before its end."""
    if pauses.count == 0:
        arrive[0] = before[0] + way_s if before[0] < NEVER else NEVER
        return
    for taken in range(pauses.count + 1):
        arrive[taken] = NEVER
    for begun in range(pauses.count + 1):
        now = before[begun]
        if now >= NEVER:
            continue
        left = way_s
        arrive[begun] = min(arrive[begun], now + left)
        for taken in range(begun, pauses.count):
            pause = pauses.first + taken
            if pauses.watched and not _is_light(pauses, pause, load):
                break
            begins = first_open(pauses.window_first, pauses.opens, pauses.closes, pause, now)
            if begins >= NEVER:
                break
            left -= min(left, begins - now)
            now = begins + pauses.service[pause]
            arrive[taken + 1] = min(arrive[taken + 1], now + left)


@kernel_part
def _drive_back(
    pauses: Pauses,
    needed: NDArray[np.int64],
    way_s: int,
    load: NDArray[np.int64],
    latest: NDArray[np.int64],
) -> None:
    """Write the latest departures for arrivals that are needed, breaks on the way."""
    for begun in range(pauses.count + 1):
        latest[begun] = needed[begun] - way_s if needed[begun] >= way_s else BEYOND
    for taken in range(1, pauses.count + 1):
        if needed[taken] == BEYOND:
            continue
        spent, begins = way_s, needed[taken]
        for begun in range(taken - 1, -1, -1):
            pause = pauses.first + begun
            if pauses.watched and not _is_light(pauses, pause, load):
                break
            begins -= pauses.service[pause]
            spent += pauses.service[pause]
            begins = last_open(pauses.window_first, pauses.opens, pauses.closes, pause, begins)
            if begins < 0 or needed[taken] < spent:
                break
            latest[begun] = max(latest[begun], min(begins, needed[taken] - spent))


@kernel_part
def _is_light(pauses: Pauses, pause: int, load: NDArray[np.int64]) -> bool:
    for dimension in range(len(load)):
        if load[dimension] > pauses.load[pause, dimension]:
            return False
    return True


@kernel_part
def begin_all(
    window_first: NDArray[np.int64],
    opens: NDArray[np.int64],
    closes: NDArray[np.int64],
    node: int,
    arrive: NDArray[np.int64],
    action: int,
    count: int,
    over: NDArray[np.int64],
) -> bool:
    """Write when a node is over for each number of breaks taken; false when it never is."""
    is_possible = False
    for taken in range(count):
        if arrive[taken] >= NEVER:
            over[taken] = NEVER
            continue
        begins = first_open(window_first, opens, closes, node, arrive[taken])
        over[taken] = NEVER if begins >= NEVER else begins + action
        is_possible = is_possible or begins < NEVER
    return is_possible


@kernel
def evaluate(flat: Flat, board: Board, row: int, vehicle: int) -> int:
    """Work out a tour anew; returns what it was found to be.

    Where it does not fit, what is written of it means nothing.
    """
    tour, count = board.tour[row], board.count[row]
    if count > flat.max_tasks[vehicle]:
        return TOO_MANY_TASKS
    if not _carry(flat, board, row, vehicle):
        return OVERLOADED
    duration, length = flat.duration[flat.table[vehicle]], flat.length[flat.table[vehicle]]
    price = flat.leg_cost[flat.price[vehicle]]
    place, kind = flat.place, flat.type_of[vehicle]
    setup, service = flat.setup[kind], flat.service[kind]
    cost, travel, metres, action = 0.0, 0, 0, 0
    here = flat.start[vehicle]
    if count:
        cost += flat.fixed[vehicle]
        for step in range(count + 1):
            goal = place[tour[step]] if step < count else flat.end[vehicle]
            if duration[here, goal] >= NO_WAY:
                return NO_LEG
            travel += duration[here, goal]
            metres += length[here, goal]
            cost += price[here, goal]
            if step < count:
                action += action_s(place, setup, service, here, tour[step])
            here = goal
    if travel > flat.max_travel[vehicle]:
        return TRAVELS_TOO_LONG
    if metres > flat.max_length[vehicle]:
        return TRAVELS_TOO_FAR
    late = _time(flat, board, row, vehicle)
    if late < 0.0:
        return TOO_LATE
    _time_back(flat, board, row, vehicle)
    board.travel[row], board.length[row] = travel, metres
    board.late[row] = late
    board.cost[row] = cost + action * flat.task_cost[vehicle] + late
    return FITS


@kernel
def _carry(flat: Flat, board: Board, row: int, vehicle: int) -> bool:
    """Write the loads; false where one is too much."""
    tour, count, load = board.tour[row], board.count[row], board.load[row]
    fits = True
    for dimension in range(flat.capacity.shape[1]):
        now = flat.base[vehicle, dimension]
        for step in range(count):
            now += flat.initial[tour[step], dimension]
        load[0, dimension] = now
        fits = fits and (now <= flat.capacity[vehicle, dimension] or count == 0)
        for step in range(count):
            now += flat.change[tour[step], dimension]
            load[step + 1, dimension] = now
            fits = fits and now <= flat.capacity[vehicle, dimension]
        most = load[count, dimension]
        for step in range(count, -1, -1):
            most = max(most, load[step, dimension])
            board.most[row, step, dimension] = most
    return fits


@kernel
def _time(flat: Flat, board: Board, row: int, vehicle: int) -> float:
    """Write the earliest times; returns the price of lateness, -1 where it cannot be done."""
    tour, count, free, load = board.tour[row], board.count[row], board.free[row], board.load[row]
    pauses = pauses_of(flat, vehicle, flat.watched[vehicle] == 1)
    breaks = pauses.count
    free[0, :] = NEVER
    free[0, 0] = flat.ready[vehicle]
    if count == 0:
        return 0.0
    duration, place = flat.duration[flat.table[vehicle]], flat.place
    kind = flat.type_of[vehicle]
    setup, service = flat.setup[kind], flat.service[kind]
    window_first, opens, closes = flat.window_first, flat.opens, flat.closes
    arrive, debt = board.arrive, board.debt
    here = flat.start[vehicle]
    debt[:] = 0.0
    for step in range(count):
        node = tour[step]
        way = duration[here, place[node]]
        drive(pauses, free[step], way, load[step], arrive)
        if flat.soft:
            _carry_debt(free[step], arrive, way, breaks, debt, board.debt_arrive)
        action = action_s(place, setup, service, here, node)
        if not begin_all(
            window_first, opens, closes, node, arrive, action, breaks + 1, free[step + 1]
        ):
            return -1.0
        if flat.soft:
            for taken in range(breaks + 1):
                if free[step + 1, taken] < NEVER:
                    begins = free[step + 1, taken] - action
                    debt[taken] += max(0, begins - flat.due[node]) * flat.late[node]
        here = place[node]
    way = duration[here, flat.end[vehicle]]
    drive(pauses, free[count], way, load[count], arrive)
    if arrive[breaks] > flat.back[vehicle]:
        return -1.0
    if flat.soft:
        _carry_debt(free[count], arrive, way, breaks, debt, board.debt_arrive)
        return debt[breaks]
    return 0.0


@kernel
def _carry_debt(
    before: NDArray[np.int64],
    arrive: NDArray[np.int64],
    way_s: int,
    breaks: int,
    debt: NDArray[np.float64],
    spare: NDArray[np.float64],
) -> None:
    """Hand the price of lateness on to the times after a leg.

    What has as many breaks behind it came without one on this leg if that is as early; else it
    came from fewer, the most of those that were possible.
    """
    for taken in range(breaks + 1):
        came = taken
        is_direct = before[taken] < NEVER and before[taken] + way_s == arrive[taken]
        if not is_direct:
            for begun in range(taken - 1, -1, -1):
                if before[begun] < NEVER:
                    came = begun
                    break
        spare[taken] = debt[came]
    debt[: breaks + 1] = spare[: breaks + 1]


@kernel
def _time_back(flat: Flat, board: Board, row: int, vehicle: int) -> None:
    """Write the latest times."""
    tour, count, latest = board.tour[row], board.count[row], board.latest[row]
    pauses = pauses_of(flat, vehicle, flat.watched[vehicle] == 1)
    breaks = pauses.count
    duration, place = flat.duration[flat.table[vehicle]], flat.place
    kind = flat.type_of[vehicle]
    setup, service = flat.setup[kind], flat.service[kind]
    window_first, opens, closes = flat.window_first, flat.opens, flat.closes
    needed = board.spare
    needed[: breaks + 1] = BEYOND
    needed[breaks] = flat.back[vehicle]
    goal = flat.end[vehicle]
    for step in range(count, -1, -1):
        here = place[tour[step - 1]] if step > 0 else flat.start[vehicle]
        way = duration[here, goal] if count else 0
        _drive_back(pauses, needed, way, board.load[row, step], latest[step])
        if step > 0:
            node = tour[step - 1]
            before = place[tour[step - 2]] if step > 1 else flat.start[vehicle]
            action = action_s(place, setup, service, before, node)
            for taken in range(breaks + 1):
                by = latest[step, taken] - action
                needed[taken] = BEYOND
                if latest[step, taken] != BEYOND and by >= 0:
                    needed[taken] = last_open(window_first, opens, closes, node, by)
            goal = here
