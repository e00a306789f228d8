"""The outline of all that lies within some distance of lines.

Instead of joining a strip around each of thousands of lines, the distance to the nearest line is
worked out at the points of a grid, and its contour is traced cell by cell (marching squares:
Lorensen & Cline 1987, "Marching cubes", doi:10.1145/37402.37422, in the plane).  Between two grid
points the contour is placed by linear interpolation, so along a straight street it is exact.

The grid is kept in tiles, of which only those near a line exist: what it costs grows with the
length of the lines, not with the area that they span.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray

from geo.compiled import kernel, kernel_part

CELLS_PER_RADIUS: Final = 4
"""A cell's side is this part of the distance.  Whichever cell a line runs through, all corners are
nearer to it than the distance then (diagonal 1.42 cells): no line is ever cut."""

_RADIUS: Final = float(CELLS_PER_RADIUS)
_TILE: Final = 16
_MARGIN: Final = CELLS_PER_RADIUS + 3
_CHUNK: Final = 8.0
"""Long pieces are looked at in parts of so many cells, whose boxes hold little but the strip."""

_NEAR_CORNER: Final = 1.0 / 64.0
"""The contour crosses no side of a cell nearer to a corner than this, so that it never touches
itself there."""

_NONE: Final = -1
_BOTTOM, _RIGHT, _TOP, _LEFT = 0, 1, 2, 3
_FROM: Final = (-1, 0, 1, 1, 2, -1, 2, 2, 3, 0, -1, 1, 3, 0, 3, -1)
_TO: Final = (-1, 3, 0, 3, 1, -1, 0, 3, 2, 2, -1, 2, 1, 1, 0, -1)
"""By which corners are inside (bits: lower left, lower right, upper right, upper left): the sides
at which the contour comes into the cell and leaves it, the inside on its left.  With opposite
corners inside there are two contours."""

_OPPOSITE_DOWN, _OPPOSITE_UP = 10, 5
_RING_POINTS: Final = 4


def outline(
    places_m: NDArray[np.float64],
    line_start: NDArray[np.int64],
    distance_m: float,
    hole_m2: float,
    tolerance_m: float,
) -> shapely.MultiPolygon:
    """Return the area within a distance of lines.

    Parameters
    ----------
    places_m
        float64 (p, 2), points of the lines one behind the other, metres on a plane.
    line_start
        int64 (k + 1,): line `i` is `places_m[line_start[i]:line_start[i + 1]]`.
    distance_m
        Above 0.
    hole_m2
        Smaller holes are filled.
    tolerance_m
        How far the border may be moved to do with fewer points (twice as far where a ring begins);
        at most a quarter of the distance.

    Returns
    -------
    MultiPolygon
        Valid; every line lies in it.  Where strips meet at an angle, or almost meet, its border
        may be off by a cell, a quarter of the distance.

    Raises
    ------
    ValueError
        Distance or tolerance are out of range.
    """
    if not (0 <= tolerance_m <= distance_m / CELLS_PER_RADIUS and 0 < distance_m < math.inf):
        raise ValueError(
            f"an outline {distance_m} m around lines cannot be simplified by {tolerance_m} m; give "
            "a distance above 0 and a tolerance of at most a quarter of it"
        )
    if not len(places_m):
        return shapely.MultiPolygon()
    cell_m = distance_m / CELLS_PER_RADIUS
    low = places_m.min(axis=0) - _MARGIN * cell_m
    places = (places_m - low) / cell_m
    columns, rows = (int(side) // _TILE + 1 for side in (places.max(axis=0) + _MARGIN).tolist())
    tile = np.full((rows, columns), _NONE, dtype=np.int32)
    parts = _parts(places, line_start)
    _mark(parts, tile)
    corner = np.argwhere(tile != _NONE).astype(np.int32)
    tile[corner[:, 0], corner[:, 1]] = np.arange(len(corner))
    squared = np.full((len(corner), _TILE, _TILE), np.inf, dtype=np.float32)
    _measure(parts, tile, squared)
    points, ring_start, area = _trace(tile, corner, squared)
    kept = (area > 0.0) | (area * cell_m**2 <= -hole_m2)
    area_of_ring = np.where(kept, area, 0.0)
    return _simplified(_areas(points * cell_m + low, ring_start, area_of_ring), tolerance_m)


def _simplified(area: shapely.MultiPolygon, tolerance_m: float) -> shapely.MultiPolygon:
    """Leave out points: each ring by itself, or if that makes rings cross, all with care."""
    rings, polygon = shapely.get_rings(shapely.get_parts(area), return_index=True)
    thin = shapely.simplify(rings, tolerance_m, preserve_topology=False)
    if shapely.get_num_coordinates(thin).min() >= _RING_POINTS:
        first = np.flatnonzero(np.diff(polygon, prepend=_NONE))
        own = np.split(thin, first[1:])
        fast = shapely.multipolygons([shapely.Polygon(one[0], one[1:]) for one in own])
        if fast.is_valid:
            return fast
    careful = shapely.simplify(area, tolerance_m)
    return shapely.multipolygons(shapely.get_parts(careful))


def _areas(
    points: NDArray[np.float64], ring_start: NDArray[np.int64], area: NDArray[np.float64]
) -> shapely.MultiPolygon:
    """Put rings together; those around an area run against the clock, those around a hole with it.

    A ring of area 0 is left out.
    """
    ring = np.repeat(np.arange(len(area)), np.diff(ring_start))
    rings = shapely.linearrings(points, indices=ring)
    around = np.flatnonzero(area > 0.0)
    around = around[np.argsort(-area[around], kind="stable")]
    shells = shapely.polygons(rings[around])
    holes = np.flatnonzero(area < 0.0)
    inner: list[list[shapely.LinearRing]] = [[] for _ in around]
    inside = shapely.points(points[ring_start[holes]])
    hole, shell = shapely.STRtree(shells).query(inside, predicate="within")
    for nth, which in enumerate(holes.tolist()):
        # Of the shells around a hole the smallest, which comes last, is the one it is in.
        inner[int(shell[hole == nth].max())].append(rings[which])
    polygons = np.array(
        [shapely.Polygon(rings[one], own) for one, own in zip(around, inner, strict=True)],
        dtype=object,
    )
    if len(polygons) > 1:  # what lies in a hole that was filled
        one, other = shapely.STRtree(polygons).query(polygons, predicate="within")
        polygons = np.delete(polygons, one[one != other])
    return shapely.multipolygons(polygons)


def _parts(places: NDArray[np.float64], line_start: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the straight parts of lines, float64 (n, 4): where each begins, and the step on."""
    line = np.repeat(np.arange(len(line_start) - 1), np.diff(line_start))
    inner = np.flatnonzero(line[1:] == line[:-1])
    alone = line_start[:-1][np.diff(line_start) == 1]
    begin = places[np.concatenate([inner, alone])]
    step = places[np.concatenate([inner + 1, alone])] - begin
    count = np.maximum(np.ceil(np.hypot(*step.T) / _CHUNK), 1).astype(np.int64)
    step /= count[:, None]
    nth = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    step = np.repeat(step, count, axis=0)
    return np.hstack([np.repeat(begin, count, axis=0) + nth[:, None] * step, step])


@kernel_part
def _span(at: float, step: float) -> tuple[int, int]:
    """Return the grid points, from first to last, that a part of a line has anything to do with."""
    low, high = min(at, at + step), max(at, at + step)
    return math.ceil(low - _RADIUS - 1.0), math.floor(high + _RADIUS + 1.0)


@kernel
def _mark(parts: NDArray[np.float64], tile: NDArray[np.int32]) -> None:
    """Mark the tiles that are near a line with 0."""
    for part in range(len(parts)):
        west, east = _span(parts[part, 0], parts[part, 2])
        south, north = _span(parts[part, 1], parts[part, 3])
        for row in range(south // _TILE, north // _TILE + 1):
            for column in range(west // _TILE, east // _TILE + 1):
                tile[row, column] = 0


@kernel
def _measure(
    parts: NDArray[np.float64], tile: NDArray[np.int32], squared: NDArray[np.float32]
) -> None:
    """Write the squared distance to the nearest line at every grid point near one."""
    for part in range(len(parts)):
        x, y, dx, dy = parts[part]
        west, east = _span(x, dx)
        south, north = _span(y, dy)
        length2 = dx * dx + dy * dy
        inverse = 1.0 / length2 if length2 > 0.0 else 0.0
        for row in range(south // _TILE, north // _TILE + 1):
            low_j, high_j = max(south - row * _TILE, 0), min(north - row * _TILE, _TILE - 1)
            for column in range(west // _TILE, east // _TILE + 1):
                low_i, high_i = max(west - column * _TILE, 0), min(east - column * _TILE, _TILE - 1)
                field = squared[tile[row, column]]
                for j in range(low_j, high_j + 1):
                    off_y = row * _TILE + j - y
                    for i in range(low_i, high_i + 1):
                        off_x = column * _TILE + i - x
                        share = min(max((off_x * dx + off_y * dy) * inverse, 0.0), 1.0)
                        away_x, away_y = off_x - share * dx, off_y - share * dy
                        away = np.float32(away_x * away_x + away_y * away_y)
                        field[j, i] = min(field[j, i], away)


@kernel_part
def _at(tile: NDArray[np.int32], row: int, column: int, j: int, i: int) -> int:
    """Return the number of a grid point, counted from a tile; -1 where there is no tile."""
    row, j = row + j // _TILE, j % _TILE
    column, i = column + i // _TILE, i % _TILE
    if row >= tile.shape[0] or column >= tile.shape[1] or tile[row, column] == _NONE:
        return _NONE
    return (int(tile[row, column]) * _TILE + j) * _TILE + i


@kernel
def _trace(
    tile: NDArray[np.int32], corner: NDArray[np.int32], squared: NDArray[np.float32]
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.float64]]:
    """Return the contour as rings: points in cells, where each ring starts, and its signed area.

    A crossing is known by the grid point below or left of it: twice its number for one on the
    side that runs east from there, one more for the side that runs north.
    """
    values = squared.reshape(-1)
    after = np.full(2 * len(values), _NONE, np.int32)
    crossings = 0
    for index in range(len(corner)):
        crossings += _cells_of_tile(tile, corner[index, 0], corner[index, 1], values, after)
    points = np.empty((crossings, 2))
    ring_start, area = np.zeros(crossings + 1, np.int64), np.empty(crossings)
    count, rings = 0, 0
    for begin in range(len(after)):
        if after[begin] == _NONE:
            continue
        first, crossing = count, begin
        while after[crossing] != _NONE:
            _place(tile, corner, values, crossing, points[count])
            count += 1
            following = after[crossing]
            after[crossing] = _NONE
            crossing = following
        twice = 0.0
        for point in range(first, count):
            ahead = point + 1 if point + 1 < count else first
            twice += (points[point, 0] - points[first, 0]) * (points[ahead, 1] - points[first, 1])
            twice -= (points[ahead, 0] - points[first, 0]) * (points[point, 1] - points[first, 1])
        area[rings] = twice / 2.0
        rings += 1
        ring_start[rings] = count
    return points, ring_start[: rings + 1].copy(), area[:rings].copy()


@kernel_part
def _cells_of_tile(
    tile: NDArray[np.int32],
    row: int,
    column: int,
    values: NDArray[np.float32],
    after: NDArray[np.int32],
) -> int:
    """Lead the contour through the cells of a tile; return how many crossings it leaves from."""
    limit = _RADIUS * _RADIUS
    added = 0
    for j in range(_TILE):
        for i in range(_TILE):
            here = _at(tile, row, column, j, i)
            east, north, across = here + 1, here + _TILE, here + _TILE + 1
            if i == _TILE - 1 or j == _TILE - 1:
                east = _at(tile, row, column, j, i + 1)
                north = _at(tile, row, column, j + 1, i)
                across = _at(tile, row, column, j + 1, i + 1)
            kind = 0
            for bit, which in enumerate((here, east, across, north)):
                if which != _NONE and values[which] < limit:
                    kind |= 1 << bit
            if kind in (0, 15):
                continue
            sides = (2 * here, 2 * east + 1, 2 * north, 2 * here + 1)
            if kind in (_OPPOSITE_UP, _OPPOSITE_DOWN):
                middle = 0.0
                for which in (here, east, across, north):
                    middle += math.sqrt(values[which]) / 4.0
                turned = (kind == _OPPOSITE_UP) == (middle < _RADIUS)
                if kind == _OPPOSITE_UP:
                    after[sides[_BOTTOM]] = sides[_RIGHT] if turned else sides[_LEFT]
                    after[sides[_TOP]] = sides[_LEFT] if turned else sides[_RIGHT]
                else:
                    after[sides[_RIGHT]] = sides[_BOTTOM] if turned else sides[_TOP]
                    after[sides[_LEFT]] = sides[_TOP] if turned else sides[_BOTTOM]
                added += 2
            else:
                after[sides[_FROM[kind]]] = sides[_TO[kind]]
                added += 1
    return added


@kernel_part
def _place(
    tile: NDArray[np.int32],
    corner: NDArray[np.int32],
    values: NDArray[np.float32],
    crossing: int,
    out: NDArray[np.float64],
) -> None:
    """Write where the contour crosses a side of a cell."""
    number, upward = crossing >> 1, crossing & 1
    i, j = number % _TILE, number // _TILE % _TILE
    row, column = corner[number // (_TILE * _TILE)]
    other = _at(tile, row, column, j + upward, i + 1 - upward)
    near, far = math.sqrt(values[number]), math.sqrt(values[other])
    share = min(max((_RADIUS - near) / (far - near), _NEAR_CORNER), 1.0 - _NEAR_CORNER)
    out[0] = column * _TILE + i + share * (1 - upward)
    out[1] = row * _TILE + j + share * upward
