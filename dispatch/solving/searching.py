"""One task in the compiled search: what rounds of it start from and end with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dispatch.planning import arrays as a
from dispatch.planning.improve import board_of, ruins_of
from dispatch.planning.ruin import take_best
from dispatch.planning.schedule import BEGIN, OVER, set_up
from dispatch.planning.slack import stops_of
from dispatch.planning.strings import Album, Strings, pull

_LEAST_COST: Final = 1e-9

_NEAR: Final = 400
"""Stops kept as neighbours of each."""

_ROUTES: Final = 1 << 16
_STEPS: Final = 1 << 20
"""Routes in the album, and steps over all of them, at most."""


@dataclass(frozen=True, slots=True, eq=False)
class Mark:
    """A solution to come back to."""

    steps: NDArray[np.int32]
    count: NDArray[np.int32]
    open: NDArray[np.uint8]
    cost: float


class Searching:
    """A task's routes being worked on.

    Parameters
    ----------
    problem
        As `pose` writes it.
    seed
        Of all draws.
    """

    def __init__(self, problem: a.Problem, seed: int) -> None:
        self.problem = problem
        jobs, couriers = problem.job_count, len(problem.couriers)
        nothing = a.Routes(
            np.zeros((couriers, 0), dtype=np.int32),
            np.zeros(couriers, dtype=np.int32),
            np.arange(jobs, dtype=np.int32),
        )
        self.board = board_of(problem, nothing, room=2 * jobs + 4)
        set_up(problem, self.board)
        self._ruins = ruins_of(problem, self.board, seed)
        self._stops = stops_of(problem, self.board)
        self.strings = self._strings()
        self.album = _album(jobs, seed)
        self.rounds = 0

    @property
    def cost(self) -> float:
        """Cost of the whole."""
        return float(self.board.total[0])

    @property
    def absent(self) -> int:
        """How many orders have no route."""
        return int((self.board.owner < 0).sum())

    @property
    def in_use(self) -> NDArray[np.int64]:
        """Couriers who have a route."""
        return np.flatnonzero(self.board.count)

    def steps(self, courier: int) -> list[int]:
        """Return the steps of a route."""
        steps: list[int] = self.board.steps[courier, : self.board.count[courier]].tolist()
        return steps

    def times(self, courier: int) -> list[tuple[int, int]]:
        """Return when each step of a route begins and is over."""
        count = self.board.count[courier]
        begin = self.board.state[courier, :count, BEGIN].tolist()
        over = self.board.state[courier, 1 : count + 1, OVER].tolist()
        return list(zip(begin, over, strict=True))

    def pull(self, rounds: int, size: float, hot: float, cold: float, *, fewer: bool) -> None:
        """Ruin and recreate for some rounds, as `strings.pull`."""
        self.rounds += pull(
            self.problem,
            self.board,
            self._ruins,
            self._stops,
            self.strings,
            self.album,
            rounds,
            size,
            hot,
            cold,
            fewer,
        )

    @property
    def best(self) -> float:
        """Cost of the best solution met."""
        return float(self.strings.best[0])

    def to_best(self) -> None:
        """Come back to the best solution met."""
        if np.isfinite(self.best) and (self.cost > self.best or self.absent):
            take_best(self.problem, self.board, self._ruins)

    @property
    def has_fixed_costs(self) -> bool:
        """Whether having a route costs anything by itself."""
        return bool((self.problem.launch > self.idle_costs).any())

    @property
    def typical_cost(self) -> float:
        """What an order costs on average, without what couriers cost by themselves."""
        ways = self.cost - self.absent * self.problem.prices[a.PRICE_UNROUTED]
        ways -= self.idle_costs.sum()
        ways -= (self.problem.launch - self.idle_costs)[self.in_use].sum()
        return max(_LEAST_COST, float(ways) / max(1, self.problem.job_count - self.absent))

    def easiest_to_miss(self) -> int:
        """Return the courier whose orders were absent least often; the first of equals."""
        absences = self.strings.absences
        times = [
            sum(int(absences[step >> 1]) for step in self.steps(courier) if not step & 1)
            for courier in self.in_use.tolist()
        ]
        return int(self.in_use[int(np.argmin(times))])

    def close_idle(self) -> None:
        """Let nobody have a route who has none."""
        self.strings.open[self.board.count == 0] = 0

    def give_up(self, courier: int) -> None:
        """Take a courier's route away, and let there be no other.

        What it served is absent: a solution with it no longer counts as the best.
        """
        self.strings.open[courier] = 0
        self.strings.best[0] = np.inf
        self.board.count[courier] = 0
        set_up(self.problem, self.board)

    def mark(self) -> Mark:
        """Remember the present solution."""
        board = self.board
        return Mark(board.steps.copy(), board.count.copy(), self.strings.open.copy(), self.cost)

    def back_to(self, mark: Mark) -> None:
        """Come back to a remembered solution."""
        self.board.steps[:] = mark.steps
        self.board.count[:] = mark.count
        self.strings.open[:] = mark.open
        self.strings.best[0] = np.inf
        set_up(self.problem, self.board)

    @property
    def idle_costs(self) -> NDArray[np.float64]:
        """What each courier counts for in the cost of the whole without a route.

        Having one costs that more than it should: it is in the price of a launch.
        """
        starts = self.problem.couriers[:, a.COURIER_PLACE]
        costs: NDArray[np.float64] = self.problem.ends[np.arange(len(starts)), starts]
        return costs

    def adopt_rows(self, rows: NDArray[np.int64]) -> bool:
        """Replace all routes by some of the album; changes nothing where that gains nothing."""
        before, album = self.mark(), self.album
        free = [int(courier) for courier in np.flatnonzero(self.strings.open)]
        self.board.count[:] = 0
        for row in rows.tolist():
            kind = self.strings.kind[album.courier[row]]
            courier = next(one for one in free if self.strings.kind[one] == kind)
            free.remove(courier)
            first, count = int(album.first[row]), int(album.count[row])
            self.board.steps[courier, :count] = album.steps[first : first + count]
            self.board.count[courier] = count
        set_up(self.problem, self.board)
        if self.board.total[1] > 0 or self.cost >= before.cost:
            self.back_to(before)
            return False
        return True

    def _strings(self) -> Strings:
        problem, stops = self.problem, self._stops
        couriers = problem.couriers
        place = stops.place
        apart = stops.way[0][np.ix_(place, place)]
        apart = apart + apart.T
        np.fill_diagonal(apart, -1.0)
        near = np.argsort(apart, axis=1, kind="stable")[:, :_NEAR].astype(np.int32)
        starts = couriers[:, a.COURIER_PLACE]
        out = stops.way[0][np.ix_(starts, place)].min(axis=0, initial=np.inf)
        likeness = np.column_stack(
            [couriers, problem.launch, problem.ends, problem.end_by, problem.allowed.T]
        )
        kind = np.unique(likeness, axis=0, return_inverse=True)[1].reshape(-1)
        spread = (stops.closes - stops.opens).reshape(-1, 2).sum(axis=1)
        return Strings(
            near=near,
            away=out.reshape(-1, 2).max(axis=1),
            spread=spread,
            kind=kind.astype(np.int32),
            open=np.ones(len(couriers), dtype=np.uint8),
            absences=np.zeros(problem.job_count, dtype=np.int64),
            best=np.full(1, np.inf),
        )


def _album(jobs: int, seed: int) -> Album:
    lots = np.random.default_rng(seed).integers(1, 2**63, size=jobs, dtype=np.uint64)
    return Album(
        courier=np.zeros(_ROUTES, dtype=np.int32),
        count=np.zeros(_ROUTES, dtype=np.int32),
        first=np.zeros(_ROUTES, dtype=np.int32),
        steps=np.zeros(max(_STEPS, 2 * jobs), dtype=np.int32),
        cost=np.zeros(_ROUTES),
        key=np.zeros(_ROUTES, dtype=np.uint64),
        slot=np.full(4 * _ROUTES, -1, dtype=np.int32),
        lot=lots,
        used=np.zeros(2, dtype=np.int64),
    )
