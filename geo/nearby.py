"""Streets near places and shapes: all edges as lines on one plane in metres.

Snapping asks for the one nearest edge (`geo.snapping`); matching a track asks for every edge that
a point may lie on, and a closure for every edge that a shape touches.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from geo.closures import Closure, ClosureShape
from geo.errors import ClosureError
from geo.network import RoadNetwork
from geo.osm_access import MODES
from geo.plane import E7, LAT_LIMIT, LON_LIMIT, M_PER_DEGREE
from geo.types import LonLat, Mode

CLOSURE_SNAP_M: Final = 30.0
"""A point or line drawn farther than this from every street closes none."""

_STEP_M: Final = 5.0
"""A line is followed in steps of this length."""

_COVERED: Final = 0.5
"""A line runs along a street when it follows at least this share of it."""

_TOUCH_M: Final = 1.0
"""A polygon that only grazes a street by less than this leaves it open."""

_LINE_POINTS: Final = 2
_RING_POINTS: Final = 3


class Near(NamedTuple):
    """Pairs of a place and an edge near it, by place, then by distance, then by edge.

    Attributes
    ----------
    place, edge
        int64 (k,).
    fraction
        float64 (k,), nearest point of the edge as drawn, 0.0 to 1.0.
    distance_m
        float64 (k,).
    """

    place: NDArray[np.int64]
    edge: NDArray[np.int64]
    fraction: NDArray[np.float64]
    distance_m: NDArray[np.float64]


class Streets:
    """Every edge of a network as a line on a plane, in a search tree; immutable.

    Parameters
    ----------
    network
        The roads.

    Notes
    -----
    The plane touches the sphere at the network's middle latitude; over a city of 50 km, lengths
    at its edges are off by less than one in a hundred, distances of some metres by centimetres.
    """

    def __init__(self, network: RoadNetwork) -> None:
        arrays = network.arrays
        degrees = arrays.point_e7 / E7
        middle = float((degrees[:, 1].min() + degrees[:, 1].max()) / 2) if len(degrees) else 0.0
        self._scale = np.array([M_PER_DEGREE * math.cos(math.radians(middle)), M_PER_DEGREE])
        edge_of_point = np.repeat(np.arange(network.edge_count), np.diff(arrays.point_start))
        self.lines = shapely.linestrings(degrees * self._scale, indices=edge_of_point)
        self.length_m: NDArray[np.float64] = shapely.length(self.lines)
        self._tree = shapely.STRtree(self.lines)
        times = np.asarray(arrays.time_ds)
        self._usable: NDArray[np.bool_] = np.asarray((times > 0).any(axis=1))

    def plane(self, degrees: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return positions on the plane in metres, float64 (n, 2) for (n, 2) degrees."""
        return np.asarray(degrees * self._scale)

    def usable(self, modes: Sequence[Mode]) -> NDArray[np.bool_]:
        """Return which edges at least one of the modes may use, bool (E,)."""
        rows = [MODES.index(mode) for mode in modes]
        return np.asarray(self._usable[rows].any(axis=0))

    def near(
        self,
        places: NDArray[np.float64],
        radius_m: NDArray[np.float64],
        usable: NDArray[np.bool_],
    ) -> Near:
        """Return every usable edge within a radius of each place.

        Parameters
        ----------
        places
            float64 (n, 2), metres on the plane.
        radius_m
            float64 (n,).
        usable
            bool (E,).
        """
        points = shapely.points(places)
        place, edge = self._tree.query(points, predicate="dwithin", distance=radius_m)
        place, edge = place[usable[edge]], edge[usable[edge]]
        distance = shapely.distance(self.lines[edge], points[place])
        order = np.lexsort((edge, distance, place))
        place, edge, distance = place[order], edge[order], distance[order]
        along = shapely.line_locate_point(self.lines[edge], points[place])
        whole = self.length_m[edge]
        fraction = np.where(whole > 0, along / np.where(whole > 0, whole, 1.0), 0.0)
        return Near(place, edge, np.clip(fraction, 0.0, 1.0), distance)

    def closed_by(self, closure: Closure, edge_way: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the edges that a closure means, ascending.

        Parameters
        ----------
        closure
            Its shape and modes; streets that none of the modes may use are not meant.
        edge_way
            int64 (E,), the way of each edge.

        Raises
        ------
        ClosureError
            No street is meant; the message says what to do.
        """
        usable = self.usable(closure.modes)
        said = f"closure '{closure.closure_id}'" if closure.closure_id else "this closure"
        if not closure.modes:
            raise ClosureError(f"{said} names no mode; say who may not pass")
        if closure.shape is ClosureShape.WAYS:
            return _of_ways(closure, edge_way, usable, said)
        ring = closure.shape is ClosureShape.POLYGON
        least = {ClosureShape.POINT: 1, ClosureShape.LINE: _LINE_POINTS}.get(
            closure.shape, _RING_POINTS
        )
        if len(closure.points) < least:
            raise ClosureError(
                f"{said} has {len(closure.points)} points; a {closure.shape} needs {least}"
            )
        places = self.plane(_on_earth(closure.points, said))
        if ring:
            return self._inside(places, usable, said)
        found = self._along(places, usable)
        if not len(found):
            raise ClosureError(
                f"{said} is farther than {CLOSURE_SNAP_M:.0f} m from every street that "
                f"{', '.join(closure.modes)} may use; draw it on the street"
            )
        return found

    def _inside(
        self, ring: NDArray[np.float64], usable: NDArray[np.bool_], said: str
    ) -> NDArray[np.int64]:
        area = shapely.polygons(ring)
        if not shapely.is_valid(area) or not shapely.area(area) > 0:
            raise ClosureError(
                f"{said} is no polygon ({shapely.is_valid_reason(area)}); draw a ring that does "
                "not cross itself"
            )
        edges = np.sort(self._tree.query(area, predicate="intersects"))
        edges = edges[usable[edges]]
        inside_m = shapely.length(shapely.intersection(self.lines[edges], area))
        edges = edges[inside_m >= np.minimum(_TOUCH_M, self.length_m[edges] * _COVERED)]
        if not len(edges):
            raise ClosureError(f"{said} is a polygon without a street; draw it over the street")
        return np.asarray(edges)

    def _along(self, line: NDArray[np.float64], usable: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Return the edges that a point stands on or a line follows."""
        points, step_m = line, 0.0
        if len(line) > 1:
            drawn = shapely.linestrings(line)
            count = max(math.ceil(shapely.length(drawn) / _STEP_M), 1)
            step_m = float(shapely.length(drawn)) / count
            at = (np.arange(count) + 0.5) * step_m
            points = shapely.get_coordinates(shapely.line_interpolate_point(drawn, at))
        near = self.near(points, np.full(len(points), CLOSURE_SNAP_M), usable)
        first = np.ones(len(near.place), dtype=bool)
        first[1:] = near.place[1:] != near.place[:-1]
        edges, hits = np.unique(near.edge[first], return_counts=True)
        if len(line) == 1:
            return np.asarray(edges)
        # A street that the line only crosses is nearest to a step or two of it.
        followed = hits * step_m >= _COVERED * np.minimum(
            self.length_m[edges], len(points) * step_m
        )
        return np.asarray(edges[followed])


def _of_ways(
    closure: Closure, edge_way: NDArray[np.int64], usable: NDArray[np.bool_], said: str
) -> NDArray[np.int64]:
    if not closure.way_ids:
        raise ClosureError(f"{said} names no way; give numbers of OpenStreetMap ways")
    for way in closure.way_ids:
        of_way = edge_way == way
        if not of_way.any():
            raise ClosureError(
                f"{said} names way {way}, which is not in this city (or was joined to a "
                "neighbour alike); give a point or a line on the street instead"
            )
        if not (of_way & usable).any():
            raise ClosureError(
                f"{said} names way {way}, which {', '.join(closure.modes)} may not use anyway; "
                "check the modes"
            )
    return np.flatnonzero(np.isin(edge_way, closure.way_ids) & usable)


def _on_earth(points: Sequence[LonLat], said: str) -> NDArray[np.float64]:
    for lon, lat in points:
        if not (abs(lon) <= LON_LIMIT and abs(lat) <= LAT_LIMIT):  # NaN fails as well
            raise ClosureError(
                f"{said}: ({lat}, {lon}) is no place on Earth; give latitude -90 to 90 and "
                "longitude -180 to 180"
            )
    return np.array(points, dtype=np.float64)
