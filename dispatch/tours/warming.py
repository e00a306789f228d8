"""Compiling ahead: a minute on a new machine, which no problem should wait for."""

from __future__ import annotations

import numpy as np

from dispatch.tours.model import Effort, Kind, Problem, Request, Tables, Task, Vehicle
from dispatch.tours.solve import solve
from geo.caching import in_turn

_PLACES = 6
_LEG_S = 60


def warm_up() -> None:
    """Compile, or load from disk, all that solving needs."""
    at = np.arange(_PLACES)
    duration_s = (_LEG_S * np.abs(at[:, np.newaxis] - at)).astype(np.int32)
    requests = (
        Request(Task(Kind.JOB, 1, 1)),
        Request(Task(Kind.JOB, 2, 2)),
        Request(Task(Kind.DELIVERY, 3, 4), (Task(Kind.PICKUP, 3, 3),)),
    )
    vehicles = tuple(Vehicle(number, "car", 0, 0, max_tasks=number) for number in (1, 3))
    with in_turn("tours"):
        problem = Problem(requests, vehicles, {"car": Tables(duration_s)})
        solve(problem, seed=1, effort=Effort(50))
