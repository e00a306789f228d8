"""Shapes of service areas: drawn, prepared, and laid on a grid for quick tests of many points."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from geo.errors import AreaError, TooFarFromRoadError
from geo.service_area import AreaKind, Polygon, ServiceArea, Site
from geo.types import TravelTimes

GRID_SIDE: Final = 1024
"""Cells of the common grid in each direction, at most."""

GRID_BYTES: Final = 64_000_000
"""Room for a grid, one byte for each cell and shape; with more than sixty shapes it is coarser."""

BY_ROAD: Final = frozenset({AreaKind.ROAD_DISTANCE, AreaKind.ROAD_TIME})
"""Kinds without a shape of their own: every door is measured."""

_OUT, _IN, _EDGE = np.int8(0), np.int8(1), np.int8(2)
_EDGE_MARGIN: Final = 1e-6
"""By which an edge is thought thicker, in cells: more than floating point can be wrong by."""


def check_shapes(area: ServiceArea) -> None:
    """Hold that an area's polygons are ones.

    Raises
    ------
    AreaError
        A ring crosses or touches itself, a hole lies outside, or the exclusions leave nothing of
        the drawn shape; names the place.
    """
    for pointer, polygons in (("/shape", area.shape), ("/exclusions", area.exclusions)):
        for index, polygon in enumerate(polygons):
            shape = _polygon(polygon)
            if not shapely.is_valid(shape):
                which = f"{pointer}/{index}" if pointer == "/exclusions" else pointer
                raise AreaError(
                    which,
                    f"is no sound polygon ({shapely.is_valid_reason(shape)}); draw it without "
                    "rings that cross or touch themselves",
                )
    if area.shape and area.exclusions:
        left = shapely.difference(_union(area.shape), _union(area.exclusions))
        if left.area == 0.0:
            raise AreaError("/exclusions", "leave nothing of the shape; make them smaller")


def drawn(site: Site, travel: TravelTimes, at: int) -> Any:
    """Return the shape of a polygon, or what a courier reaches in the area's time, in degrees.

    It is empty where the store is too far from every road of the mode.
    """
    area = site.area
    if area.kind is AreaKind.POLYGON:
        return _union(area.shape)
    if area.duration_s is None or area.mode is None:
        raise AreaError("/duration_s", f"or mode is missing, so kind {area.kind} has no shape")
    try:
        return travel.reachable(site.place, area.duration_s, area.mode, at).polygon()
    except TooFarFromRoadError:
        return shapely.MultiPolygon()


def _polygon(polygon: Polygon) -> Any:
    return shapely.Polygon(polygon[0], polygon[1:])


def _union(polygons: Iterable[Polygon]) -> Any:
    return shapely.union_all([_polygon(polygon) for polygon in polygons])


class Shape(NamedTuple):
    """A prepared shape and what is taken off it; either may be None for none.

    A point on the edge of `inside` is in, one on the edge of `outside` is out.
    """

    inside: Any
    outside: Any

    @classmethod
    def of(cls, site: Site, travel: TravelTimes, at: int) -> Shape:
        """Draw and prepare what an area has of shapes; an area by road has exclusions only."""
        by_road = site.area.kind in BY_ROAD
        shape = cls(
            None if by_road else drawn(site, travel, at),
            _union(site.area.exclusions) if site.area.exclusions else None,
        )
        for geometry in shape:
            if geometry is not None:
                shapely.prepare(geometry)
        return shape

    def has(self, lon: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Return which points lie in it; bool (n,)."""
        found = np.ones(len(lon), dtype=np.bool_)
        if self.inside is not None:
            found = shapely.intersects_xy(self.inside, lon, lat)
        if self.outside is not None and found.any():
            candidates = np.flatnonzero(found)
            found[candidates] = ~shapely.intersects_xy(
                self.outside, lon[candidates], lat[candidates]
            )
        return found


class ShapeGrid:
    """A grid over shapes that says of most cells whether they lie in each shape, or outside.

    Along an edge, a cell says that the shape itself must be asked.
    """

    def __init__(self, shapes: Sequence[Shape]) -> None:
        self._shapes = shapes
        bounds = [shape.inside.bounds for shape in shapes if not shape.inside.is_empty]
        box = np.array(bounds or [(0.0, 0.0, 0.0, 0.0)])
        low, high = box[:, :2].min(axis=0), box[:, 2:].max(axis=0)
        self._side = min(GRID_SIDE, math.isqrt(GRID_BYTES // max(len(shapes), 1)))
        # A shape's own extreme corner must not fall out of the last cell.
        self._cell = np.maximum((high - low) * (1 + _EDGE_MARGIN), _EDGE_MARGIN) / self._side
        self._low = low
        # The last column stands for everything beyond the grid.
        self._state = np.zeros((len(shapes), self._side * self._side + 1), dtype=np.int8)
        for row, shape in enumerate(shapes):
            self._state[row, :-1] = self._classify(shape).ravel()

    def has(self, lon: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Return which shape has which point; bool (shapes, n)."""
        x, y = self._cells(lon, 0), self._cells(lat, 1)
        on_grid = (x >= 0) & (x < self._side) & (y >= 0) & (y < self._side)
        cell = np.where(on_grid, y * self._side + x, self._side * self._side)
        state = np.take(self._state, cell, axis=1)
        found: NDArray[np.bool_] = state == _IN
        area, door = np.divmod(np.flatnonzero(state == _EDGE), len(lon) or 1)
        ends = np.searchsorted(area, np.arange(len(self._shapes) + 1))
        for index, shape in enumerate(self._shapes):
            near = door[ends[index] : ends[index + 1]]
            found[index, near] = shape.has(lon[near], lat[near])
        return found

    def _cells(self, degrees: NDArray[np.float64], axis: int) -> NDArray[np.int64]:
        scaled = np.floor((degrees - self._low[axis]) / self._cell[axis])
        # Far away is as good as just outside, and fits an integer.
        cells: NDArray[np.int64] = np.clip(scaled, -1, self._side).astype(np.int64)
        return cells

    def _classify(self, shape: Shape) -> NDArray[np.int8]:
        """Return int8 (rows, columns): `_IN`, `_OUT` or `_EDGE` for each cell."""
        state = np.full((self._side, self._side), _OUT)
        if shape.inside.is_empty:
            return state
        for geometry in shape:
            if geometry is not None:
                self._mark_edges(geometry, state)
        west, south, east, north = shape.inside.bounds
        columns = slice(*self._span(west, east, 0))
        rows = slice(*self._span(south, north, 1))
        inner = state[rows, columns]
        plain = inner != _EDGE
        # No edge passes between neighbours that have none themselves: one of a run speaks for all.
        begins = plain.copy()
        begins[:, 1:] &= ~plain[:, :-1]
        y, x = np.nonzero(begins)
        corner = np.array([columns.start, rows.start])
        centres = self._low + (np.column_stack([x, y]) + corner + 0.5) * self._cell
        inside = np.where(shape.has(centres[:, 0], centres[:, 1]), _IN, _OUT)
        run = np.cumsum(begins.ravel()).reshape(begins.shape) - 1
        inner[plain] = inside[run[plain]]
        return state

    def _span(self, low: float, high: float, axis: int) -> tuple[int, int]:
        first, last = self._cells(np.array([low, high]), axis).tolist()
        return max(first, 0), min(last, self._side - 1) + 1

    def _mark_edges(self, geometry: Any, state: NDArray[np.int8]) -> None:
        """Mark the cells that an edge passes through, or passes by too closely to tell.

        Edges are cut into pieces shorter than half a cell: each lies in the four cells that the
        corners of its box are in.
        """
        scaled = shapely.transform(geometry, lambda points: (points - self._low) / self._cell)
        rings = shapely.get_rings(shapely.get_parts(shapely.segmentize(scaled, 0.5)))
        points, ring = shapely.get_coordinates(rings, return_index=True)
        same = ring[1:] == ring[:-1]
        start, end = points[:-1][same], points[1:][same]
        low = np.floor(np.minimum(start, end) - _EDGE_MARGIN).astype(np.int64)
        high = np.floor(np.maximum(start, end) + _EDGE_MARGIN).astype(np.int64)
        for x in (low[:, 0], high[:, 0]):
            for y in (low[:, 1], high[:, 1]):
                on_grid = (x >= 0) & (x < self._side) & (y >= 0) & (y < self._side)
                state[y[on_grid], x[on_grid]] = _EDGE
