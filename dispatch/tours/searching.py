"""A search over the tours of a problem: how it begins, goes on and ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dispatch.tours.errors import TourError
from dispatch.tours.model import Effort
from dispatch.tours.posing import Flat, Posed
from dispatch.tours.ruin import Search, fill, line_up, rounds, settle, to_best
from dispatch.tours.schedule import (
    FITS,
    NO_LEG,
    OVERLOADED,
    TOO_LATE,
    TOO_MANY_TASKS,
    TRAVELS_TOO_FAR,
    TRAVELS_TOO_LONG,
    Board,
    board_for,
    evaluate,
)

_HOT: Final = 0.5
_COLD: Final = 0.002
"""Temperature of the first and of the last round, as shares of what a request costs."""

_LEAST: Final = 1e-9

_CHUNK: Final = 2_000_000
_MOST_CHUNK: Final = 1_000
"""Rounds between two looks at the effort: so many by the square of the nodes, and at most."""

_FAR_AWAY: Final = 1 << 40

IN_WORDS: Final = {
    OVERLOADED: "is more than it can carry",
    NO_LEG: "has a leg that there is no way for",
    TOO_LATE: "does not keep the time windows",
    TRAVELS_TOO_LONG: "travels longer than its max_travel_time",
    TRAVELS_TOO_FAR: "travels farther than its max_distance",
    TOO_MANY_TASKS: "has more tasks than its max_tasks",
}


class Searching:
    """Tours being worked on.

    Parameters
    ----------
    seed
        Of all draws.

    Raises
    ------
    TourError
        The steps that a vehicle comes with do not fit.
    """

    def __init__(self, posed: Posed, seed: int) -> None:
        self.posed = posed
        self.flat = posed.flat
        self.board: Board = board_for(posed.flat)
        self.rounds = 0
        self._search = _search_for(posed.flat, self.board, seed)
        for vehicle, tour in enumerate(posed.first_tours):
            self._take_over(vehicle, tour)

    def run(self, effort: Effort) -> bool:
        """Build a first solution and better it; returns whether a limit of time ended that."""
        flat, search = self.flat, self._search
        requests = len(flat.weight)
        chunk = max(1, min(_MOST_CHUNK, _CHUNK // len(flat.place) ** 2))
        waiting = line_up(flat, self.board, search)
        is_over = False
        for first in range(0, waiting, chunk):
            is_over = effort.spent is not None and effort.spent() >= 1.0
            if is_over:
                break
            fill(flat, self.board, search, first, min(waiting, first + chunk))
        settle(flat, self.board, search)
        if is_over:
            return True
        served = int((self.board.owner >= 0).sum())
        if served == 0 or (requests == 1 and served):
            return False
        fixed = flat.fixed[np.flatnonzero(self.board.count[:-1])].sum()
        unit = max(_LEAST, (float(search.value[3]) - float(fixed)) / served)
        share = 0.0
        while True:
            spent = effort.spent() if effort.spent is not None else 0.0
            share = max(share, self.rounds / max(1, effort.rounds), spent)
            if share >= 1.0 or self.rounds >= effort.rounds:
                break
            count = min(chunk, effort.rounds - self.rounds)
            temperature = unit * _HOT * (_COLD / _HOT) ** share
            rounds(flat, self.board, search, count, temperature, temperature)
            self.rounds += count
        to_best(flat, self.board, search)
        return self.rounds < effort.rounds

    def _take_over(self, vehicle: int, tour: tuple[int, ...]) -> None:
        """Begin with the steps that a vehicle comes with."""
        flat, board = self.flat, self.board
        board.tour[vehicle, : len(tour)] = tour
        board.count[vehicle] = len(tour)
        for node in tour:
            request = int(flat.request_of[node])
            if request < 0:
                continue
            first, last = flat.option_first[request], flat.option_first[request + 1]
            for option in range(first, last):
                a, b = flat.option_a[option], flat.option_b[option]
                if node in {a, b} and a in tour:
                    board.owner[request] = vehicle
                    board.option[request] = option - first
            if not flat.allowed[request, vehicle]:
                raise TourError(
                    f"/vehicles/{vehicle}/steps",
                    "the vehicle lacks the skills for one of them; leave it out",
                )
        for row, ways in enumerate(np.diff(flat.option_first)):
            if ways == 0:
                board.owner[row] = max(board.owner[row], 0)
        found = evaluate(flat, board, vehicle, vehicle)
        if found != FITS:
            raise TourError(
                f"/vehicles/{vehicle}/steps",
                f"the tour {IN_WORDS[found]}; correct it or leave it out",
            )


def _search_for(flat: Flat, board: Board, seed: int) -> Search:
    vehicles, requests = len(flat.start), len(flat.weight)
    nodes_of: list[list[int]] = [[] for _ in range(requests)]
    for option in range(len(flat.option_a)):
        row = int(np.searchsorted(flat.option_first, option, side="right")) - 1
        nodes_of[row] += [
            int(node) for node in (flat.option_a[option], flat.option_b[option]) if node >= 0
        ]
    opens = flat.opens[flat.window_first[:-1]]
    closes = np.minimum(flat.closes[flat.window_first[1:] - 1], _FAR_AWAY)
    amounts = np.maximum(np.abs(flat.change), flat.initial).sum(axis=1)

    def per_request(
        values: NDArray[np.int64] | NDArray[np.float64], reduce: Callable[[list[float]], float]
    ) -> NDArray[np.float64]:
        found = [reduce([float(values[node]) for node in nodes] or [0.0]) for nodes in nodes_of]
        return np.array(found, np.float64)

    lot = np.random.default_rng(seed).integers(1, 2**63, size=1, dtype=np.uint64)
    return Search(
        best_tour=np.zeros_like(board.tour[:-1]),
        best_count=np.zeros(vehicles, np.int64),
        best_owner=np.full(requests, -1, np.int64),
        best_option=np.full(requests, -1, np.int64),
        kept_tour=np.zeros_like(board.tour[:-1]),
        kept_count=np.zeros(vehicles, np.int64),
        is_touched=np.zeros(vehicles, np.uint8),
        touched=np.zeros(vehicles, np.int64),
        kept_owner=np.full(requests, -1, np.int64),
        kept_option=np.full(requests, -1, np.int64),
        pool=np.zeros(max(1, requests), np.int64),
        key=np.zeros(max(1, requests), np.float64),
        is_out=np.zeros(max(1, requests), np.uint8),
        asked=np.zeros(vehicles, np.uint8),
        found=np.zeros(4, np.int64),
        size=per_request(amounts, max),
        narrow=per_request(closes - opens, sum),
        opening=per_request(opens, min),
        closing=per_request(closes, max),
        far=per_request(flat.away, max),
        node_of=np.array([nodes[-1] if nodes else 0 for nodes in nodes_of], np.int64),
        value=np.zeros(4),
        random=lot,
    )
