"""Drawing a way through the streets: points, times at them, names."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from geo.network import E7, RoadNetwork, Snap, flat_length_m
from geo.types import LonLat, Mode, RoadRoute

_ENDS: Final = 2


class Trip:
    """A route being drawn: points, with the time and the length from each to the next."""

    def __init__(self, network: RoadNetwork, mode: Mode) -> None:
        self._network = network
        self._times = network.times_ds(mode)
        self._points: list[LonLat] = []
        self._after_ds: list[float] = []
        self._elapsed_ds = 0.0
        self._streets: dict[str, None] = {}

    def _add(self, point: LonLat, after_ds: float) -> None:
        self._elapsed_ds += after_ds
        if self._points and self._points[-1] == point:
            self._after_ds[-1] = self._elapsed_ds
            return
        self._points.append(point)
        self._after_ds.append(self._elapsed_ds)

    def walk_to(self, place: LonLat, snap: Snap) -> None:
        """Begin at a place and walk to the road."""
        self._add(LonLat(*place), 0.0)
        self._add(self._at(snap), snap.access_ds)

    def walk_from(self, place: LonLat, snap: Snap) -> None:
        """Leave the road and walk to a place."""
        self._add(LonLat(*place), snap.access_ds)

    def _at(self, snap: Snap) -> LonLat:
        return _points_between(self._network.line(snap.edge), snap.fraction, snap.fraction)[0][0]

    def along(self, edge: int, begin: float, end: float) -> None:
        """Follow an edge from one fraction to another; backwards if `end < begin`."""
        whole_ds = int(self._times[0 if end >= begin else 1, edge])
        points, parts = _points_between(self._network.line(edge), begin, end)
        self._add(points[0], 0.0)
        for point, part in zip(points[1:], parts, strict=True):
            self._add(point, part * whole_ds)
        if begin != end and (name := self._network.name(edge)):
            self._streets[name] = None

    def finish(self, duration_s: int, length_m: int) -> RoadRoute:
        """Return the route; offsets are stretched to end at `duration_s` exactly."""
        if len(self._points) < _ENDS:
            self._points.append(self._points[0])
            self._after_ds.append(self._elapsed_ds)
        scale = duration_s / self._elapsed_ds if self._elapsed_ds > 0 else 0.0
        offsets = [min(round(after * scale), duration_s) for after in self._after_ds]
        offsets[-1] = duration_s
        return RoadRoute(
            duration_s,
            length_m,
            tuple(self._points),
            tuple(offsets),
            tuple(self._streets),
        )


def _points_between(
    line: NDArray[np.float64], begin: float, end: float
) -> tuple[list[LonLat], list[float]]:
    """Cut a line.

    Parameters
    ----------
    line
        float64 (points, 2), degrees.
    begin, end
        Fractions of its length.

    Returns
    -------
    points
        From `begin` to `end`, both included, in degrees rounded to 1e-7.
    parts
        The fraction of the whole line between each point and the next.
    """
    pieces = flat_length_m(line[:-1], line[1:])
    whole = pieces.sum()
    at = np.concatenate([[0.0], np.cumsum(pieces)]) / (whole if whole > 0 else 1.0)
    at[-1] = 1.0
    low, high = min(begin, end), max(begin, end)
    inner = at[(at > low) & (at < high)]
    wanted = np.concatenate([[low], inner, [high]])
    degrees = np.stack([np.interp(wanted, at, line[:, axis]) for axis in (0, 1)], axis=1)
    if end < begin:
        degrees, wanted = degrees[::-1], wanted[::-1]
    points = [LonLat(float(lon), float(lat)) for lon, lat in np.rint(degrees * E7) / E7]
    return points, [abs(float(b - a)) for a, b in pairwise(wanted)]
