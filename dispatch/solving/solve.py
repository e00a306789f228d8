"""Routes for shipments: fewer vehicles first where they are dear, then shorter ways.

Ruin by strings and recreate (`planning.strings`, Christiaens & Vanden Berghe 2020,
doi:10.1287/trsc.2019.0914) does the work; the exact choice from the routes it met (`partition`)
joins what is best of different moments.  Effort is counted in rounds: the same task, seed and
rounds always come to the same answer.  A share of another limit may end it sooner.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from dispatch.planning.arrays import PRICE_UNROUTED
from dispatch.solving.model import Effort, Route, Solution, Stop, Task
from dispatch.solving.partition import partition
from dispatch.solving.pose import pose
from dispatch.solving.searching import Searching

_SIZE: Final = 12.0
_SIZE_FOR_FEWER: Final = 10.0
"""Stops taken out in a round on average, about: for shorter ways, and for fewer vehicles."""

_HOT: Final = 1.0
_COLD: Final = 0.005
"""Temperature of the first and of the last round, as shares of what an order costs."""

_HOT_FOR_FEWER: Final = 0.3
"""Temperature while fewer vehicles are tried."""

_FEWER_UNTIL: Final = 0.4
"""Share of the effort by which the vehicles are as few as they are tried to be."""

_CHOOSE_AT: Final = (0.7, 0.9)
"""Shares of the effort after which the best is chosen from the routes met."""

_COLUMNS: Final = 10_000
_CELLS: Final = 1_000_000
"""Routes to choose from, and these times orders, at most: the relaxation may not take long."""

_CHOICE_LIMIT: Final = 0.2
"""Effort of a choice in deterministic time, at most."""

_CHUNK: Final = 20_000
_LEAST_CHUNK: Final = 20
"""Rounds between two looks at the effort: so many for one order, fewer for more."""


def solve(task: Task, *, seed: int, effort: Effort) -> Solution:
    """Return routes for a task; what finds no place is unserved.

    Parameters
    ----------
    seed
        Of all draws.
    effort
        When to stop, at the latest after its next few rounds.
    """
    search = Searching(pose(task), seed)
    if search.problem.job_count and len(search.problem.couriers):
        _Solver(search, effort).run()
    return _solution(task, search)


class _Solver:
    """One search and its effort."""

    def __init__(self, search: Searching, effort: Effort) -> None:
        self.search = search
        self.effort = effort
        self.columns = min(_COLUMNS, _CELLS // search.problem.job_count)
        self.chunk = max(_LEAST_CHUNK, _CHUNK // search.problem.job_count)

    @property
    def share(self) -> float:
        """Share of the effort that is used up."""
        return self.effort.share(self.search.rounds)

    def run(self) -> None:
        """Build, then need fewer vehicles, then shorter ways."""
        self._pull(1, 1.0, 1.0, fewer=True)
        self._need_fewer()
        self._go_shorter()

    def _pull(self, rounds: int, hot: float, cold: float, *, fewer: bool) -> None:
        left = max(1, self.effort.rounds - self.search.rounds)
        size = _SIZE_FOR_FEWER if fewer else _SIZE
        self.search.pull(min(rounds, left), size, hot, cold, fewer=fewer)

    def _need_fewer(self) -> None:
        """Give up route after route, as long as the orders of each fit into the others."""
        search = self.search
        temperature = search.typical_cost * _HOT_FOR_FEWER
        complete = None
        while self.share < _FEWER_UNTIL:
            if search.absent == 0:
                complete = search.mark()
                if len(search.in_use) < 2 or not search.has_fixed_costs:  # noqa: PLR2004
                    break
                search.close_idle()
                search.give_up(search.easiest_to_miss())
            self._pull(self.chunk, temperature, temperature, fewer=True)
        if search.absent and complete is not None:
            search.back_to(complete)

    def _go_shorter(self) -> None:
        """Anneal from hot to cold, choosing from the routes met on the way."""
        search = self.search
        unit = search.typical_cost
        first = share = self.share
        choices = list(_CHOOSE_AT)
        step = 0.0
        while share < 1.0:
            done = (share - first) / (1.0 - first)
            hot, cold = (
                unit * _HOT * (_COLD / _HOT) ** min(1.0, part) for part in (done, done + step)
            )
            self._pull(self.chunk, hot, cold, fewer=False)
            now = self.share
            step = (now - share) / (1.0 - first)
            share = now
            if choices and share >= choices[0]:
                choices.pop(0)
                search.to_best()
                partition(search, columns=self.columns, deterministic_limit=_CHOICE_LIMIT)
                share = self.share
        search.to_best()


def _solution(task: Task, search: Searching) -> Solution:
    routes: list[Route] = []
    for courier in search.in_use.tolist():
        stops = tuple(
            Stop(task.shipments[step >> 1].shipment_id, not step & 1, begin, over)
            for step, (begin, over) in zip(
                search.steps(courier), search.times(courier), strict=True
            )
        )
        routes.append(Route(task.vehicles[courier].vehicle_id, stops))
    left = np.flatnonzero(search.board.owner < 0).tolist()
    cost = search.cost - len(left) * float(search.problem.prices[PRICE_UNROUTED])
    return Solution(
        routes=tuple(routes),
        unserved=tuple(task.shipments[job].shipment_id for job in left),
        cost=cost - float(search.idle_costs.sum()),
        rounds=search.rounds,
    )
