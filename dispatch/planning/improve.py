"""The search: one whole plan in arrays, made sound, filled, improved.

Every order goes where it adds least to the cost of the whole, over all couriers, places in their
routes and stores it may come from (`insertion`); then a few at a time are taken out and inserted
again (`ruin`).  Good routes met on the way are kept in a pool.  Nothing reads a clock: effort is
counted in rounds, and the same problem, seed and rounds always come to the same end.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dispatch.planning import insertion, ruin
from dispatch.planning.arrays import (
    CAND_READY,
    CAND_STORE,
    COURIER_LOCKED,
    COURIER_START,
    JOB_BAG,
    JOB_FIRST,
    JOB_LAST,
    JOB_LATEST,
    PRICE_UNROUTED,
    STORE_PICKER_FIRST,
    STORE_PICKER_LAST,
    Problem,
    Routes,
)
from dispatch.planning.prices import telling
from dispatch.planning.ruin import Pool, Ruins
from dispatch.planning.schedule import (
    ACCOUNT_TERMS,
    BEGIN,
    DEPART,
    OVER,
    STATE_COLUMNS,
    WORTH_COLUMNS,
    Board,
    account,
    enqueue,
    forecast,
    ready_if,
    set_up,
    time_felt,
    time_route,
)

_NEAR: Final = 24
"""Related orders kept for each order."""

_ASKED: Final = 24
"""Couriers asked for each order besides those of its related orders, in a large fleet."""

_LARGE_FLEET: Final = 200
"""From so many couriers on, not all are asked for every order."""

_RUINED: Final = 8
"""Orders taken out in a round, at most."""

_HOT: Final = 0.1
_COLD: Final = 0.002
"""Temperature of the first and the last round, as shares of what an order costs on average."""

_SPARE_STEPS: Final = 24
"""Room in every route beyond what an even spread needs."""

_STEPS_AN_ORDER: Final = 6
"""Steps per order and courier that a route has room for: three times an even spread."""


class Insertion(NamedTuple):
    """Where an order goes, and what that adds.

    `first` and `last` are steps of the route as it is before; `first` is -1 for what is in a bag.
    """

    added: float
    courier: int
    first: int
    last: int
    candidate: int


@dataclass(frozen=True, slots=True, eq=False)
class Mark:
    """What it takes to come back to an earlier solution."""

    steps: NDArray[np.int32]
    count: NDArray[np.int32]
    chosen: NDArray[np.int32]


class Search:
    """A plan in the making.

    Parameters
    ----------
    problem
        Never written to; who starts later does so in a copy.
    routes
        Where to start: committed steps first, then whatever is known; copied.
    seed
        Of the ruins.
    pool
        How many routes to remember; 0 for none.

    Attributes
    ----------
    board
        Routes, times, loads, queues and costs, always up to date.
    pool
        Good routes met, the oldest overwritten first.
    """

    def __init__(self, problem: Problem, routes: Routes, seed: int, *, pool: int = 0) -> None:
        self._posed = problem
        self.problem = problem._replace(couriers=problem.couriers.copy())
        self.board = board_of(problem, routes)
        width = self.board.steps.shape[1]
        self._pool = Pool(
            courier=np.zeros(pool, dtype=np.int32),
            count=np.zeros(pool, dtype=np.int32),
            steps=np.zeros((pool, width), dtype=np.int32),
            candidate=np.full((pool, width), -1, dtype=np.int32),
            cost=np.zeros(pool),
            met=np.zeros(1, dtype=np.int64),
        )
        self._ruins = ruins_of(problem, self.board, seed)
        self._related = False
        set_up(problem, self.board)

    # --- what it has come to -------------------------------------------------------------------

    @property
    def routes(self) -> Routes:
        """The present solution; a view, not a copy."""
        return Routes(self.board.steps, self.board.count, self.board.chosen)

    @property
    def ready(self) -> NDArray[np.int64]:
        """When the goods of each entry are forecast to be ready at its chosen store."""
        return self.board.ready

    @property
    def begin(self) -> NDArray[np.int64]:
        """When each step begins, shape (couriers, most steps)."""
        return self.board.state[:, :-1, BEGIN]

    def ready_from(self, job: int, candidate: int) -> int:
        """Return when an order would be ready at one of its candidates, the others as they are."""
        return int(ready_if(self.problem, self.board, job, candidate))

    @property
    def over(self) -> NDArray[np.int64]:
        """When each step is over, shape (couriers, most steps)."""
        return self.board.state[:, 1:, OVER]

    @property
    def depart(self) -> NDArray[np.int64]:
        """When couriers leave for each step, after a break if there is one.

        Shape (couriers, most steps + 1): in the end they leave for nothing in particular.
        """
        return self.board.state[:, :, DEPART]

    @property
    def owner(self) -> NDArray[np.int32]:
        """Who has each order; -1 for nobody."""
        return self.board.owner

    @property
    def route_cost(self) -> NDArray[np.float64]:
        """Cost of each route without churn; means nothing where `sound` is 0."""
        return self.board.cost

    @property
    def sound(self) -> NDArray[np.uint8]:
        """Whether each route keeps every limit."""
        return self.board.sound

    @property
    def unrouted(self) -> int:
        """How many orders have no route."""
        return int((self.board.owner < 0).sum())

    @property
    def pool(self) -> Pool:
        """The routes remembered, those in use only."""
        used = min(int(self._pool.met[0]), len(self._pool.courier))
        kept = self._pool
        return Pool(
            kept.courier[:used],
            kept.count[:used],
            kept.steps[:used],
            kept.candidate[:used],
            kept.cost[:used],
            kept.met,
        )

    def steps(self, courier: int) -> list[int]:
        """Return the steps of a courier's route, as in `Routes`."""
        found: list[int] = self.board.steps[courier, : self.board.count[courier]].tolist()
        return found

    def cost(self) -> float:
        """Return the cost of the whole: routes, churn, and a price for each order without one."""
        return float(self.board.total[0])

    def account(self, priced: Problem, fetched: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return what all routes cost, term by term, as `schedule.account` has them.

        Parameters
        ----------
        priced
            The problem, or the same with other promises.
        fetched : int64 (jobs,)
            When each order leaves its store.
        """
        found = np.zeros(ACCOUNT_TERMS)
        board = self.board._replace(fetched=fetched)
        for courier in range(len(board.count)):
            account(priced, board, courier, found)
        return found

    # --- working on it -------------------------------------------------------------------------

    def settle(self) -> None:
        """Make what was handed over sound.

        What is in a bag gets an end, and what breaks a limit is taken out.  Only a committed
        stop without a way leaves its route unsound.
        """
        ruin.settle(self.problem, self.board)

    def fill(self, jobs: Sequence[int] | None = None) -> None:
        """Insert orders that have no route, the one whose promise ends first before the others."""
        waiting = np.flatnonzero(self.board.owner < 0)
        if jobs is not None:
            waiting = np.array(jobs, dtype=np.int64)
        waiting = waiting[self.problem.jobs[waiting, JOB_BAG] < 0]
        latest = self.problem.jobs[waiting, JOB_LATEST]
        order = np.lexsort((waiting, self.board.ready[waiting], latest))
        self.relate()
        ruin.fill(self.problem, self.board, self._ruins, waiting[order].astype(np.int32))

    def relate(self, jobs: Sequence[int] | None = None) -> None:
        """Work out what is near to orders: to those given, else once to all.

        Whoever fills in or improves does it for all, unless it was done for any before; nothing
        but those given can be filled in then, and nothing improved.
        """
        if jobs is None and self._related:
            return
        self._related = True
        movable = self._ruins.movable
        # What has no store yet and is in no bag is nowhere, and near to nothing.
        has_place = (self.board.chosen[movable] >= 0) | (self.problem.jobs[movable, JOB_BAG] >= 0)
        ruins = self._ruins._replace(movable=movable[has_place])
        wanted = ruins.movable if jobs is None else np.array(jobs, dtype=np.int32)
        time_felt(self.problem, self.board)
        ruin.relate(self.problem, self.board, ruins, wanted)
        ruin.find_nearby(self.problem, self.board, ruins, wanted)

    def join(self, job: int, candidate: int) -> None:
        """Let an order that had no store yet stand in the queue of one."""
        self.board.chosen[job] = candidate
        enqueue(self.problem, self.board, job)
        if self.problem.candidates[candidate, CAND_READY] < 0:
            store = int(self.problem.candidates[candidate, CAND_STORE])
            forecast(self.problem, self.board, store)
        time_felt(self.problem, self.board)

    def kept(self) -> Board:
        """Return a copy of all that follows from the present solution."""
        return Board._make(values.copy() for values in self.board)

    def back_as(self, kept: Board) -> None:
        """Come back to a copy."""
        both: tuple[tuple[Any, Any], ...] = tuple(zip(self.board, kept, strict=True))
        for values, before in both:
            values[...] = before

    def improve(self, rounds: int, *, progress: tuple[float, float] = (0.0, 1.0)) -> float:
        """Ruin and recreate; keeps the best and returns what was saved.

        Parameters
        ----------
        rounds
            How often.
        progress
            Which part of the whole effort this is: the temperature falls from the beginning of
            the whole to its end.
        """
        self.relate()
        jobs = max(1, len(self._ruins.movable))
        unrouted = self.unrouted * self.problem.prices[PRICE_UNROUTED]
        typical = max(1.0, (self.cost() - unrouted) / jobs)
        hot, cold = (typical * _HOT * (_COLD / _HOT) ** share for share in progress)
        return float(
            ruin.improve(
                self.problem, self.board, self._ruins, self._pool, rounds, _RUINED, hot, cold
            )
        )

    def best(self, job: int, courier: int) -> Insertion | None:
        """Return the cheapest place for an order in one courier's route, None if there is none."""
        if self.problem.jobs[job, JOB_BAG] >= 0:
            added, last = insertion.best_end(self.problem, self.board, job, courier)
            return None if last < 0 else Insertion(added, courier, -1, last, -1)
        return self._cheapest(job, np.array([courier], dtype=np.int32))

    def best_of_all(self, job: int) -> Insertion | None:
        """Return the cheapest place for an order, None if there is none."""
        return self._cheapest(job, self._ruins.all_couriers)

    def best_from(self, job: int, candidate: int) -> Insertion | None:
        """Return the cheapest place for an order from one store, None if there is none."""
        return self._cheapest(job, self._ruins.all_couriers, candidate)

    def _cheapest(self, job: int, among: NDArray[np.int32], only: int = -1) -> Insertion | None:
        added, courier, first, last, candidate = insertion.best_of(
            self.problem, self.board, job, among, len(among), only, self._ruins.ready
        )
        return None if courier < 0 else Insertion(added, courier, first, last, candidate)

    def insert(self, job: int, place: Insertion) -> bool:
        """Insert an order; returns whether every route is as sound as before."""
        unsound = self.board.total[1]
        insertion.put(self.problem, self.board, job, *place[1:])
        return bool(self.board.total[1] <= unsound)

    def remove(self, job: int) -> None:
        """Take an order out of its route; it stays at its store."""
        if self.board.owner[job] >= 0:
            insertion.take(self.problem, self.board, job)

    def start_later(self, courier: int, at: int) -> bool:
        """Let a courier start at a later time.

        Returns False, and changes nothing, where a limit would be broken by it.
        """
        start, unsound = self.problem.couriers[courier, COURIER_START], self.board.total[1]
        self.problem.couriers[courier, COURIER_START] = at
        time_route(self.problem, self.board, courier)
        if self.board.total[1] <= unsound:
            return True
        self.problem.couriers[courier, COURIER_START] = start
        time_route(self.problem, self.board, courier)
        return False

    def start_as_posed(self) -> None:
        """Take back every later start."""
        for courier in np.flatnonzero(
            self.problem.couriers[:, COURIER_START] != self._posed.couriers[:, COURIER_START]
        ):
            self.problem.couriers[courier, COURIER_START] = self._posed.couriers[
                courier, COURIER_START
            ]
            time_route(self.problem, self.board, int(courier))

    def mark(self) -> Mark:
        """Remember the present solution."""
        board = self.board
        return Mark(board.steps.copy(), board.count.copy(), board.chosen.copy())

    def back_to(self, mark: Mark) -> None:
        """Come back to a remembered solution."""
        self.board.steps[:] = mark.steps
        self.board.count[:] = mark.count
        self.board.chosen[:] = mark.chosen
        set_up(self.problem, self.board)

    def adopt(self, routes: Mapping[int, Sequence[int]], chosen: Mapping[int, int]) -> bool:
        """Replace whole routes, and the stores of some orders; all is worked out anew.

        Returns False, and changes nothing, where a limit would be broken that is kept now.
        """
        mark, unsound = self.mark(), self.board.total[1]
        for courier, steps in routes.items():
            if len(steps) > self.board.steps.shape[1]:
                self.back_to(mark)
                return False
            self.board.steps[courier, : len(steps)] = steps
            self.board.count[courier] = len(steps)
        for job, candidate in chosen.items():
            self.board.chosen[job] = candidate
        set_up(self.problem, self.board)
        if self.board.total[1] > unsound:
            self.back_to(mark)
            return False
        return True

    def telling_of(self, job: int) -> float:
        """Return the price of who has an order now, from which store; 0 without a route."""
        courier = int(self.board.owner[job])
        if courier < 0:
            return 0.0
        return float(telling(self.problem, job, courier, int(self.board.chosen[job])))


def board_of(problem: Problem, routes: Routes, *, room: int = 0) -> Board:
    """Return a board with room for a plan, `room` steps a route at least; its routes are given."""
    couriers = len(problem.couriers)
    fullest = int(routes.count.max(initial=0))
    even = _STEPS_AN_ORDER * problem.job_count // max(1, couriers)
    width = max(room, fullest + min(2 * problem.job_count, _SPARE_STEPS + even))
    steps = np.zeros((couriers, width), dtype=np.int32)
    steps[:, :fullest] = routes.steps[:, :fullest]
    entries, stores = len(problem.jobs), len(problem.stores)
    pickers = problem.stores[:, STORE_PICKER_LAST] - problem.stores[:, STORE_PICKER_FIRST]
    return Board(
        steps=steps,
        count=routes.count.astype(np.int32),
        owner=np.full(problem.job_count, -1, dtype=np.int32),
        chosen=routes.chosen.astype(np.int32),
        ready=np.zeros(entries, dtype=np.int64),
        queue=np.zeros((stores, entries), dtype=np.int32),
        queued=np.zeros(stores, dtype=np.int32),
        state=np.zeros((couriers, width + 1, STATE_COLUMNS), dtype=np.int64),
        worth=np.zeros((couriers, width + 1, WORTH_COLUMNS)),
        cost=np.zeros(couriers),
        sound=np.ones(couriers, dtype=np.uint8),
        felt=np.zeros(couriers, dtype=np.uint8),
        fetched=np.zeros(problem.job_count, dtype=np.int64),
        fetch=np.full(problem.job_count, -1, dtype=np.int64),
        direct_s=np.zeros(problem.job_count, dtype=np.int64),
        doubt_s2=np.zeros(problem.job_count, dtype=np.int64),
        leaving=np.zeros(width + 1, dtype=np.int64),
        picker=np.zeros(max(1, int(pickers.max(initial=0))), dtype=np.int64),
        total=np.zeros(2),
    )


def ruins_of(problem: Problem, board: Board, seed: int) -> Ruins:
    """Return room for ruining a board."""
    couriers, width = board.steps.shape
    jobs = problem.job_count
    options = problem.jobs[:jobs, JOB_LAST] - problem.jobs[:jobs, JOB_FIRST]
    return Ruins(
        movable=_movable(problem, board),
        near=np.full((jobs, min(_NEAR, max(0, jobs - 1))), -1, dtype=np.int32),
        nearby=np.zeros((jobs, _ASKED if couriers > _LARGE_FLEET else 0), dtype=np.int32),
        all_couriers=np.arange(couriers, dtype=np.int32),
        kept_steps=np.zeros((couriers, width), dtype=np.int32),
        kept_count=np.zeros(couriers, dtype=np.int32),
        kept=np.zeros(couriers, dtype=np.uint8),
        touched=np.zeros(couriers, dtype=np.int32),
        best_steps=np.zeros((couriers, width), dtype=np.int32),
        best_count=np.zeros(couriers, dtype=np.int32),
        best_chosen=board.chosen.copy(),
        ready=np.zeros(max(1, int(options.max(initial=0))), dtype=np.int64),
        among=np.zeros(max(1, couriers), dtype=np.int32),
        marked=np.zeros(max(1, couriers), dtype=np.int32),
        # Never 0, which the generator would stay at.
        random=np.array([(seed * 0x9E3779B97F4A7C15 + 0x5851F42D4C957F2D) % 2**64 or 1], np.uint64),
    )


def _movable(problem: Problem, board: Board) -> NDArray[np.int32]:
    """Return the orders that may be taken out: free ones, and ends of bags that are not locked."""
    locked: set[int] = set()
    for courier, steps in enumerate(problem.couriers[:, COURIER_LOCKED]):
        locked.update(step >> 1 for step in board.steps[courier, :steps].tolist() if step & 1)
    return np.array([job for job in range(problem.job_count) if job not in locked], dtype=np.int32)
