"""Ways through the streets for pages: found once, then cut off as the courier moves along.

What was found counts for one version of the travel times: when a street closes or the traffic
changes, a way is looked up anew when it is next asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import cos, radians
from typing import Final

import numpy as np
from numpy.typing import NDArray

from geo.types import LonLat, Mode, RoadRoute

Line = list[list[float]]
"""[longitude, latitude] pairs, as GeoJSON has them."""

_AT_HAND: Final = 1024
_OFF_THE_WAY_M: Final = 40.0
"""A courier further than this from the way found before has taken another one."""

_METRES_PER_DEGREE: Final = 111_320.0  # of latitude, on the sphere of the WGS 84 mean radius
_DIGITS: Final = 6  # a tenth of a metre


@dataclass(frozen=True, slots=True)
class _Kept:
    destination: LonLat
    mode: Mode
    points: NDArray[np.float64]  # (n, 2), degrees, longitude first


class Ways:
    """Ways found before; belongs to one thread.

    Parameters
    ----------
    route
        Finds a way; raises `GeoError` when there is none.
    version
        Names the travel times in force.
    """

    def __init__(
        self,
        route: Callable[[LonLat, LonLat, Mode], RoadRoute],
        version: Callable[[], str],
    ) -> None:
        self._route = route
        self._version = version
        self._found_under = version()
        self._between: dict[tuple[LonLat, LonLat, Mode], RoadRoute] = {}
        self._ahead: dict[str, _Kept] = {}

    def between(self, origin: LonLat, destination: LonLat, mode: Mode) -> RoadRoute:
        """Return the way between two places."""
        self._forget_what_is_over()
        key = (origin, destination, mode)
        found = self._between.get(key)
        if found is None:
            found = self._route(origin, destination, mode)
            if len(self._between) >= _AT_HAND:
                # The oldest half; what is in use comes back at the cost of one search.
                for old in list(self._between)[: _AT_HAND // 2]:
                    del self._between[old]
            self._between[key] = found
        return found

    def ahead(self, courier_id: str, here: LonLat, destination: LonLat, mode: Mode) -> Line:
        """Return the line from where a courier is to a place, along the way taken so far."""
        self._forget_what_is_over()
        kept = self._ahead.get(courier_id)
        if kept is not None and kept.destination == destination and kept.mode is mode:
            rest = _cut(kept.points, here)
            if rest is not None:
                return as_line(rest)
        points = np.array(self._route(here, destination, mode).points, dtype=np.float64)
        self._ahead[courier_id] = _Kept(destination, mode, points)
        return as_line(points)

    def _forget_what_is_over(self) -> None:
        version = self._version()
        if version != self._found_under:
            self._between.clear()
            self._ahead.clear()
            self._found_under = version


def as_line(points: NDArray[np.float64]) -> Line:
    """Return (n, 2) degrees as a line of the wire."""
    line: Line = np.round(points, _DIGITS).tolist()
    return line


def _cut(points: NDArray[np.float64], here: LonLat) -> NDArray[np.float64] | None:
    """Return what is left of a line from the point nearest to `here`; None when that is far."""
    metres = np.array([_METRES_PER_DEGREE * cos(radians(here.lat)), _METRES_PER_DEGREE])
    local = (points - np.array(here)) * metres
    start, step = local[:-1], np.diff(local, axis=0)
    square = np.maximum((step * step).sum(axis=1), 1e-9)
    share = np.clip(-(start * step).sum(axis=1) / square, 0.0, 1.0)
    nearest = start + share[:, None] * step
    away = (nearest * nearest).sum(axis=1)
    index = int(np.argmin(away))
    if away[index] > _OFF_THE_WAY_M**2:
        return None
    first = points[index] + share[index] * (points[index + 1] - points[index])
    return np.vstack([first, points[index + 1 :]])
