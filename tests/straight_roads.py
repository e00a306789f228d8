"""Roads as straight lines at one speed, for problems in towns that we have no city of."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from api.solve_reading import RoadTable
from api.solve_refusal import SolveRefusal
from geo.types import LonLat, Mode

M_PER_DEGREE = 111_195.0
SPEED_M_PER_S = 12.0


class StraightRoads:
    """What the solver's worker asks for, answered without a service."""

    def roads(self, mode: Mode, places: Sequence[LonLat]) -> RoadTable:
        lon, lat = np.array(places, np.float64).T
        east = (lon[:, None] - lon) * np.cos(np.radians((lat[:, None] + lat) / 2))
        metres = np.hypot(east, lat[:, None] - lat) * M_PER_DEGREE
        return RoadTable(
            np.rint(metres / SPEED_M_PER_S).astype(np.int32), np.rint(metres).astype(np.int32)
        )

    def lines(self, ways: Sequence[object]) -> list[str]:
        raise SolveRefusal("no_route", "There are no streets here.")

    def check(self) -> None:
        """Nobody goes away."""
