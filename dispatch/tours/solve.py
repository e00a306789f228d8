"""Tours for a problem: built, bettered for as long as the effort lasts, and written down.

The same problem, seed and rounds always come to the same answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from dispatch.tours.model import Answer, Effort, Problem, Task, Tour, Unserved, Why
from dispatch.tours.posing import Posed, pose
from dispatch.tours.schedule import (
    FITS,
    NO_LEG,
    OVERLOADED,
    TOO_LATE,
    TOO_MANY_TASKS,
    TRAVELS_TOO_FAR,
    TRAVELS_TOO_LONG,
    evaluate,
)
from dispatch.tours.searching import Searching
from dispatch.tours.timing import loads_along, schedule, written

_WHY = {
    TOO_MANY_TASKS: (Why.MAX_TASKS, "has more tasks than any vehicle may have (max_tasks)"),
    OVERLOADED: (Why.LOAD, "is more than any vehicle that may take it can carry"),
    NO_LEG: (Why.NO_WAY, "cannot be reached by any vehicle that may take it"),
    TRAVELS_TOO_LONG: (Why.MAX_TRAVEL_TIME, "is farther than any max_travel_time allows"),
    TRAVELS_TOO_FAR: (Why.MAX_DISTANCE, "is farther than any max_distance allows"),
    TOO_LATE: (
        Why.TIME,
        "cannot be served within its time windows, the vehicles' and those of their breaks",
    ),
}
"""Why a request has no tour even alone; who came further in these counts."""


_ROUNDS: Final = (0, 200, 500, 1_000, 2_000, 5_000)
"""Effort of VROOM's exploration levels: rounds, where nobody counts them."""


def rounds_for(level: int | None) -> int:
    """Return the rounds of an exploration level, the most thorough one if none is given."""
    return _ROUNDS[-1 if level is None else level]


def solve(problem: Problem, *, seed: int, effort: Effort) -> Answer:
    """Return tours for a problem; what finds no place is unserved, with the reason.

    Raises
    ------
    TourError
        The steps that a vehicle comes with are impossible.
    """
    posed = pose(problem)
    search = Searching(posed, seed)
    cut_short = search.run(effort)
    return Answer(
        tours=tuple(_tours(posed, search)),
        unserved=tuple(
            _unserved(posed, search, row, cut_short=cut_short)
            for row in np.flatnonzero(search.board.owner < 0).tolist()
        ),
        rounds=search.rounds,
        cut_short=cut_short,
    )


def _tours(posed: Posed, search: Searching) -> list[Tour]:
    tours = []
    for vehicle in np.flatnonzero(search.board.count[:-1]).tolist():
        nodes = search.board.tour[vehicle, : search.board.count[vehicle]].tolist()
        tours.append(tour_in_time(posed, vehicle, [posed.node_task[node] for node in nodes]))
    return tours


def tour_in_time(posed: Posed, vehicle: int, tasks: Sequence[tuple[int, Task]]) -> Tour:
    """Return a tour that is possible, with its times."""
    problem = posed.problem
    breaks = [problem.vehicles[vehicle].breaks[n] for n in posed.break_order[vehicle]]
    loads = loads_along(problem, vehicle, tasks)
    timed = schedule(problem, vehicle, tasks, breaks, loads)
    if timed is None:
        raise AssertionError(f"vehicle {vehicle}: the search kept a tour that cannot be timed")
    return written(problem, vehicle, timed)


def _unserved(posed: Posed, search: Searching, row: int, *, cut_short: bool) -> Unserved:
    """Return why a request has no tour: even alone, or beside the others."""
    flat, board = posed.flat, search.board
    able = np.flatnonzero(flat.allowed[row]).tolist()
    if not able:
        skills = sorted(posed.problem.requests[row].skills)
        return Unserved(row, Why.SKILLS, f"no vehicle has the skills {skills} together")
    scratch = len(flat.start)
    furthest = TOO_MANY_TASKS
    asked = set()
    for vehicle in able:
        if int(flat.kind[vehicle]) in asked:
            continue
        asked.add(int(flat.kind[vehicle]))
        first = int(flat.frozen[vehicle])
        board.tour[scratch, :first] = posed.first_tours[vehicle][:first]
        for option in range(flat.option_first[row], flat.option_first[row + 1]):
            nodes = [n for n in (flat.option_a[option], flat.option_b[option]) if n >= 0]
            board.tour[scratch, first : first + len(nodes)] = nodes
            board.count[scratch] = first + len(nodes)
            found = int(evaluate(flat, board, scratch, vehicle))
            if found == FITS:
                detail = "the vehicles that could take it are taken up by others"
                if cut_short:
                    detail += ", or time ended before a place was found"
                return Unserved(row, Why.NO_ROOM, detail)
            furthest = max(furthest, found, key=list(_WHY).index)
    why, detail = _WHY[furthest]
    return Unserved(row, why, f"it {detail}")
