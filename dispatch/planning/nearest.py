"""The rule of thumb to compare with: whoever is at the store soonest gets the order, at the end."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dispatch.planning.arrays import (
    CAND_STORE,
    COURIER_MODE,
    JOB_BAG,
    JOB_COUNTS_FROM,
    STORE_PLACE,
)
from dispatch.planning.improve import Insertion, Search
from dispatch.planning.schedule import DEPART, PLACE


def append_to_nearest(search: Search, among: Sequence[int] | None = None) -> None:
    """Give orders without a route to who is at their store soonest, the oldest order first.

    Parameters
    ----------
    among
        Those to be given; all if None.
    """
    jobs = search.problem.jobs
    unrouted = np.flatnonzero(search.owner < 0).tolist() if among is None else among
    waiting = [job for job in unrouted if jobs[job, JOB_BAG] < 0]
    waiting.sort(key=lambda job: (jobs[job, JOB_COUNTS_FROM], job))
    for job in waiting:
        for courier in _soonest_first(search, job):
            count = int(search.board.count[courier])
            candidate = int(search.routes.chosen[job])
            if search.insert(job, Insertion(0.0, courier, count, count, candidate)):
                break
            search.remove(job)


def _soonest_first(search: Search, job: int) -> list[int]:
    """Return the couriers who may take an order, whoever is at its store soonest first."""
    problem, board = search.problem, search.board
    crew = np.flatnonzero(problem.allowed[job])
    store = problem.candidates[search.routes.chosen[job], CAND_STORE]
    counts = board.count[crew]
    way_s = problem.duration_s[
        problem.couriers[crew, COURIER_MODE],
        board.state[crew, counts, PLACE],
        problem.stores[store, STORE_PLACE],
    ]
    there_at = board.state[crew, counts, DEPART] + way_s
    found: list[int] = crew[np.argsort(there_at, kind="stable")].tolist()
    return found
