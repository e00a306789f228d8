"""Compiling ahead: half a minute on a new machine, which no task should wait for."""

from __future__ import annotations

import numpy as np

from dispatch.solving.model import Effort, Shipment, Task, Vehicle, Visit
from dispatch.solving.solve import solve
from geo.caching import in_turn

_PAIRS = 4
_LEG_S = 60


def warm_up() -> None:
    """Compile, or load from disk, all that solving needs."""
    at = np.arange(2 * _PAIRS + 1)
    duration_s = (_LEG_S * np.abs(at[:, np.newaxis] - at)).astype(np.int32)
    shipments = tuple(
        Shipment(str(pair), Visit(2 * pair + 1), Visit(2 * pair + 2)) for pair in range(_PAIRS)
    )
    vehicles = tuple(Vehicle(str(number), 0, 0, fixed_cost=1000.0) for number in range(3))
    with in_turn("solving"):
        solve(Task(shipments, vehicles, {"car": duration_s}), seed=1, effort=Effort(100))
