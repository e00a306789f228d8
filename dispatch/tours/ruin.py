"""Ruin by strings, recreate with blinks, compiled.

Christiaens & Vanden Berghe (2020), "Slack induction by string removals",
doi:10.1287/trsc.2019.0914: strings of stops that lie near each other are taken out of their tours,
and requests come back one by one where they add least.  Now and then a whole tour is taken out, so
that vehicles that cost something by themselves can be saved.

What has no tour counts before all costs: a solution that leaves more of it is never accepted.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dispatch.planning.drawing import draw
from dispatch.tours.insertion import VEHICLE, cheapest, put, remove
from dispatch.tours.posing import Flat
from dispatch.tours.schedule import FITS, Board, evaluate
from geo.compiled import kernel, kernel_part

_BLINK: Final = 0.01
_SPLIT: Final = 0.5
_LONGER: Final = 0.99
_LONGEST: Final = 10
_SIZE: Final = 10.0
"""As in the paper: places overlooked, strings that leave a part, its growth, stops of a string,
stops taken out on average."""

_WHOLE: Final = 0.1
"""Share of rounds that take whole tours."""

_WHOLE_LONGEST: Final = 60
"""Stops of what counts as a whole tour: of a longer one, so many."""

_FEW: Final = 4
"""A whole tour goes with so many others near it, at most."""

_ABSENT: Final = 20
"""Requests without a tour that are tried in a round, at most."""

_BY_PRIORITY: Final = 0.5
_BY_LOT: Final = 4.0
_BY_SIZE: Final = 6.0
_BY_FAR: Final = 8.0
_BY_NEAR: Final = 9.0
_BY_NARROW: Final = 11.0
_BY_OPENING: Final = 12.0
_BY_CLOSING: Final = 13.0
"""In which order requests come back, drawn from weights: the bounds of each."""

_GAIN: Final = 1e-9


class Search(NamedTuple):
    """What a search remembers between rounds.

    Attributes
    ----------
    best_tour, best_count, best_owner, best_option
        The best solution met.
    kept_tour, kept_count : int64
        Tours before the present round, of the vehicles in `touched`.
    is_touched : uint8 (vehicles,)
    touched : int64 (vehicles,)
    kept_owner, kept_option : int64 (requests,)
    pool : int64 (requests,)
        Requests that are to come back.
    key : float64 (requests,)
    is_out : uint8 (requests,)
    asked : uint8 (vehicles,)
    found, spot : int64 (4,)
    size, narrow, opening, closing, far : float64 (requests,)
        What requests may come back by.
    node_of : int64 (requests,)
        A node of each, to look for neighbours.
    value : float64 (4,)
        Weight and cost without a tour: now, and of the best.
    random : uint64 (1,)
    """

    best_tour: NDArray[np.int64]
    best_count: NDArray[np.int64]
    best_owner: NDArray[np.int64]
    best_option: NDArray[np.int64]
    kept_tour: NDArray[np.int64]
    kept_count: NDArray[np.int64]
    is_touched: NDArray[np.uint8]
    touched: NDArray[np.int64]
    kept_owner: NDArray[np.int64]
    kept_option: NDArray[np.int64]
    pool: NDArray[np.int64]
    key: NDArray[np.float64]
    is_out: NDArray[np.uint8]
    asked: NDArray[np.uint8]
    found: NDArray[np.int64]
    size: NDArray[np.float64]
    narrow: NDArray[np.float64]
    opening: NDArray[np.float64]
    closing: NDArray[np.float64]
    far: NDArray[np.float64]
    node_of: NDArray[np.int64]
    value: NDArray[np.float64]
    random: NDArray[np.uint64]


@kernel
def rounds(flat: Flat, board: Board, search: Search, count: int, hot: float, cold: float) -> None:
    """Ruin and recreate some rounds, the temperature falling from hot to cold."""
    requests = len(flat.weight)
    cooling = (cold / hot) ** (1.0 / max(1, count)) if hot > 0.0 else 1.0
    temperature = hot
    for _ in range(count):
        temperature *= cooling
        before_cost = search.value[1]
        touched = 0
        search.kept_owner[:] = board.owner
        search.kept_option[:] = board.option
        search.is_touched[:] = 0
        search.is_out[:] = 0
        touched, out = _ruin(flat, board, search)
        out = _add_absent(flat, search, out, requests)
        _sort(flat, search, out)
        for index in range(out):
            request = search.pool[index]
            added = cheapest(
                flat, board, request, _BLINK, search.random, search.asked, search.found
            )
            if added < np.inf:
                touched = _touch(board, search, search.found[VEHICLE], touched)
                if put(flat, board, request, search.found) != FITS:
                    vehicle = search.found[VEHICLE]
                    remove(flat, board, vehicle, request)
                    evaluate(flat, board, vehicle, vehicle)
        weight, cost = worth(flat, board)
        chance = temperature * -np.log(max(draw(search.random), 1e-300))
        if weight < search.value[0] or (weight == search.value[0] and cost < before_cost + chance):
            search.value[0], search.value[1] = weight, cost
            if weight < search.value[2] or (
                weight == search.value[2] and cost < search.value[3] - _GAIN
            ):
                _keep_best(board, search)
        else:
            _undo(flat, board, search, touched)


@kernel
def line_up(flat: Flat, board: Board, search: Search) -> int:
    """Put what has no tour into the pool, in the order of `fill`; returns how many there are."""
    out = 0
    for request in range(len(flat.weight)):
        has_way = flat.option_first[request + 1] > flat.option_first[request]
        if board.owner[request] < 0 and has_way:
            search.pool[out] = request
            out += 1
    for index in range(out):
        request = search.pool[index]
        search.key[request] = -float(flat.weight[request]) * 1e6 - search.far[request]
    _by_key(search, out)
    return out


@kernel
def fill(flat: Flat, board: Board, search: Search, first: int, last: int) -> None:
    """Put some of the pool where each adds least."""
    for index in range(first, last):
        request = search.pool[index]
        added = cheapest(flat, board, request, 0.0, search.random, search.asked, search.found)
        if added < np.inf and put(flat, board, request, search.found) != FITS:
            vehicle = search.found[VEHICLE]
            remove(flat, board, vehicle, request)
            evaluate(flat, board, vehicle, vehicle)


@kernel
def settle(flat: Flat, board: Board, search: Search) -> None:
    """Take the first solution as the best so far."""
    search.value[0], search.value[1] = worth(flat, board)
    _keep_best(board, search)


@kernel
def to_best(flat: Flat, board: Board, search: Search) -> None:
    """Come back to the best solution met."""
    for vehicle in range(len(flat.start)):
        count = search.best_count[vehicle]
        board.tour[vehicle, :count] = search.best_tour[vehicle, :count]
        board.count[vehicle] = count
        evaluate(flat, board, vehicle, vehicle)
    board.owner[:] = search.best_owner
    board.option[:] = search.best_option
    search.value[0], search.value[1] = search.value[2], search.value[3]


@kernel
def worth(flat: Flat, board: Board) -> tuple[float, float]:
    """Return the weight of what has no tour, and the cost of all tours."""
    weight = 0
    for request in range(len(flat.weight)):
        if board.owner[request] < 0:
            weight += flat.weight[request]
    cost = 0.0
    for vehicle in range(len(flat.start)):
        if board.count[vehicle] > 0:
            cost += board.cost[vehicle]
    return float(weight), cost


@kernel
def _keep_best(board: Board, search: Search) -> None:
    for vehicle in range(len(search.best_count)):
        count = board.count[vehicle]
        search.best_tour[vehicle, :count] = board.tour[vehicle, :count]
        search.best_count[vehicle] = count
    search.best_owner[:] = board.owner
    search.best_option[:] = board.option
    search.value[2], search.value[3] = search.value[0], search.value[1]


@kernel_part
def _touch(board: Board, search: Search, vehicle: int, touched: int) -> int:
    """Remember a tour before it is changed; returns how many were touched."""
    if search.is_touched[vehicle]:
        return touched
    count = board.count[vehicle]
    search.kept_tour[vehicle, :count] = board.tour[vehicle, :count]
    search.kept_count[vehicle] = count
    search.is_touched[vehicle] = 1
    search.touched[touched] = vehicle
    return touched + 1


@kernel
def _undo(flat: Flat, board: Board, search: Search, touched: int) -> None:
    for index in range(touched):
        vehicle = search.touched[index]
        count = search.kept_count[vehicle]
        board.tour[vehicle, :count] = search.kept_tour[vehicle, :count]
        board.count[vehicle] = count
        evaluate(flat, board, vehicle, vehicle)
    board.owner[:] = search.kept_owner
    board.option[:] = search.kept_option


# --- ruin -----------------------------------------------------------------------------------------


@kernel
def _ruin(flat: Flat, board: Board, search: Search) -> tuple[int, int]:
    """Take strings, or whole tours, out; returns how many tours were touched, requests are out."""
    requests = len(flat.weight)
    used, stops = 0, 0
    for vehicle in range(len(flat.start)):
        if board.count[vehicle] > 0:
            used += 1
            stops += board.count[vehicle]
    touched = out = 0
    if used == 0:
        return 0, 0
    seed = search.node_of[int(draw(search.random) * requests)]
    if draw(search.random) < _WHOLE:
        longest = _WHOLE_LONGEST
        strings = 1 + int(draw(search.random) * min(_FEW, used))
        is_whole = True
    else:
        longest = min(_LONGEST, max(1, stops // used))
        most = 4.0 * _SIZE / (1.0 + longest) - 1.0
        strings = int(draw(search.random) * max(1.0, most)) + 1
        is_whole = False
    for near in range(flat.near.shape[1]):
        if touched >= strings:
            break
        node = flat.near[seed, near]
        request = flat.request_of[node]
        if request < 0 or board.owner[request] < 0 or search.is_out[request]:
            continue
        vehicle = board.owner[request]
        if search.is_touched[vehicle]:
            continue
        at = -1
        for step in range(board.count[vehicle]):
            if board.tour[vehicle, step] == node:
                at = step
        if at < 0:
            continue  # a pickup that was not chosen
        touched = _touch(board, search, vehicle, touched)
        free = board.count[vehicle] - flat.frozen[vehicle]
        length = min(free, longest)
        if not is_whole:
            length = 1 + int(draw(search.random) * min(longest, free))
        out = _take_string(flat, board, search, vehicle, at, length, out)
    return touched, out


@kernel
def _take_string(
    flat: Flat, board: Board, search: Search, vehicle: int, at: int, length: int, out: int
) -> int:
    """Take a string of a tour out, which is around a step; returns how many requests are out."""
    count, first_free = board.count[vehicle], flat.frozen[vehicle]
    free = count - first_free
    left = 0
    if length > 1 and length < free and draw(search.random) < _SPLIT:
        left = 1
        while length + left < free and draw(search.random) < _LONGER:
            left += 1
            if draw(search.random) < _SPLIT:
                break
    span = length + left
    low = max(first_free, at - span + 1)
    high = min(at, count - span)
    begin = low + int(draw(search.random) * (high - low + 1))
    keep_from = begin + int(draw(search.random) * (length + 1)) if left else begin + span
    began = out
    for step in range(begin, begin + span):
        if keep_from <= step < keep_from + left:
            continue
        request = flat.request_of[board.tour[vehicle, step]]
        if request >= 0 and not search.is_out[request]:
            search.is_out[request] = 1
            search.pool[out] = request
            out += 1
    for index in range(began, out):
        remove(flat, board, vehicle, search.pool[index])
    if evaluate(flat, board, vehicle, vehicle) != FITS:
        # Legs need not keep the triangle inequality: less to do may take longer.
        for step in range(flat.frozen[vehicle], board.count[vehicle]):
            request = flat.request_of[board.tour[vehicle, step]]
            if not search.is_out[request]:
                search.is_out[request] = 1
                search.pool[out] = request
                board.owner[request] = -1
                out += 1
        board.count[vehicle] = flat.frozen[vehicle]
        evaluate(flat, board, vehicle, vehicle)
    return out


@kernel
def _add_absent(flat: Flat, search: Search, out: int, requests: int) -> int:
    """Add requests that had no tour before, not too many; returns how many are to come back."""
    absent = 0
    for request in range(requests):
        if search.kept_owner[request] < 0:
            absent += 1
    if absent == 0:
        return out
    chance = _ABSENT / absent
    for request in range(requests):
        if search.kept_owner[request] >= 0:
            continue
        has_way = flat.option_first[request + 1] > flat.option_first[request]
        if has_way and (chance >= 1.0 or draw(search.random) < chance):
            search.pool[out] = request
            out += 1
    return out


@kernel
def _sort(flat: Flat, search: Search, out: int) -> None:
    """Put the requests that come back into an order that is drawn."""
    drawn = draw(search.random) * _BY_CLOSING
    for index in range(out):
        request = search.pool[index]
        if drawn < _BY_LOT:
            key = draw(search.random)
        elif drawn < _BY_SIZE:
            key = -search.size[request]
        elif drawn < _BY_FAR:
            key = -search.far[request]
        elif drawn < _BY_NEAR:
            key = search.far[request]
        elif drawn < _BY_NARROW:
            key = search.narrow[request]
        elif drawn < _BY_OPENING:
            key = search.opening[request]
        else:
            key = -search.closing[request]
        search.key[request] = key
    _by_key(search, out)
    if draw(search.random) < _BY_PRIORITY:
        for index in range(out):
            request = search.pool[index]
            search.key[request] = -float(flat.weight[request])
        _by_key(search, out)


@kernel
def _by_key(search: Search, out: int) -> None:
    """Sort the pool by its keys; equal ones stay in their order."""
    for index in range(1, out):
        request = search.pool[index]
        key = search.key[request]
        at = index
        while at > 0 and search.key[search.pool[at - 1]] > key:
            search.pool[at] = search.pool[at - 1]
            at -= 1
        search.pool[at] = request
