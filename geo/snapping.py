"""From places to the road: the nearest usable edge, looked up in a grid of straight pieces.

Every straight piece of every edge that a mode may use is written into each cell of a regular grid
that it crosses.  A place looks at its own cell and then at ring after ring of cells around it,
until no cell further out can hold anything nearer.

A search compares on the plane that touches the sphere at the place, as `flat_length_m` does.
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from geo.compiled import kernel
from geo.plane import LAT_LIMIT, LON_LIMIT, M_PER_DEGREE, flat_length_m

SNAP_LIMIT_M: Final = 250.0
"""A place farther than this from every road of a mode is not on that mode's map."""

ACCESS_KMH: Final = 5.0
"""Between a place and its road everyone walks (the same speed as on foot along the street)."""

UNDERPASS_PENALTY_M: Final = 30.0
"""A motorway or tunnel, and where one is slower than on foot, is snapped to only if every other
road is this much farther away."""

_CELL_M: Final = 50.0
"""Side of a cell: in a town about two pieces cross one, and five rings reach `SNAP_LIMIT_M`."""

_CELLS_PER_PIECE: Final = 32
"""Where towns lie far apart cells grow, so that the grid stays as small as what it holds."""

_POLE: Final = 1e-6
"""Least cosine of a latitude: keeps the plane at a pole from shrinking to a line."""

FOUND: Final = 0
TOO_FAR: Final = 1
NOT_ON_EARTH: Final = 2


class Snaps(NamedTuple):
    """Places on the network, arrays of one entry per place.

    Attributes
    ----------
    edge
        int32, -1 where there is none.
    fraction
        float64, how far along the edge as drawn, 0.0 to 1.0.
    access_dm, access_ds
        int32, length of the way between place and road, and its time on foot.
    place
        float64 (n, 2), the places asked for, degrees, longitude first.
    distance_m
        float64, the same length unrounded.
    state
        uint8, `FOUND`, `TOO_FAR` or `NOT_ON_EARTH`.
    """

    edge: NDArray[np.int32]
    fraction: NDArray[np.float64]
    access_dm: NDArray[np.int32]
    access_ds: NDArray[np.int32]
    place: NDArray[np.float64]
    distance_m: NDArray[np.float64]
    state: NDArray[np.uint8]


class Grid(NamedTuple):
    """Straight pieces of edges by cell; K pieces, written C times into the cells they cross.

    Attributes
    ----------
    origin
        float64 (4,): west and south in degrees, width and height of a cell in degrees.
    columns, rows
        Cells from west to east and from south to north.
    cell_start
        int32 (rows * columns + 1,): the entries of cell `c` are
        `cell_start[c]:cell_start[c + 1]`.
    line
        float64 (C, 4): where the piece begins, and the step to its end, in degrees.
    span
        float64 (C, 3): where on its edge it begins (0.0 to 1.0), the share of the edge that it
        is, and what is added to its distance, in metres, because nobody can stop there.
    piece, edge
        int32 (C,): the piece's number (ties go to the lowest) and its edge.
    """

    origin: NDArray[np.float64]
    columns: int
    rows: int
    cell_start: NDArray[np.int32]
    line: NDArray[np.float64]
    span: NDArray[np.float64]
    piece: NDArray[np.int32]
    edge: NDArray[np.int32]


def build_grid(
    point_start: NDArray[np.integer],
    points: NDArray[np.float64],
    usable: NDArray[np.bool_],
    avoid: NDArray[np.bool_],
) -> Grid:
    """Write the pieces of the usable edges into cells.

    Parameters
    ----------
    point_start
        int (E + 1,), the first point of each edge's line.
    points
        float64 (P, 2), degrees, longitude first.
    usable
        bool (E,), edges of the mode; at least one.
    avoid
        bool (E,), motorways and tunnels.
    """
    edge_of_point = np.repeat(np.arange(len(usable), dtype=np.int32), np.diff(point_start))
    inside = np.flatnonzero((edge_of_point[1:] == edge_of_point[:-1]) & usable[edge_of_point[:-1]])
    edge = edge_of_point[inside]
    start, step = points[inside], points[inside + 1] - points[inside]
    length = flat_length_m(start, start + step)
    before = np.concatenate([[0.0], np.cumsum(length)])
    first = np.searchsorted(edge, edge, side="left")
    last = np.searchsorted(edge, edge, side="right")
    whole = before[last] - before[first]
    whole[whole == 0] = 1.0
    span = np.stack(
        [
            (before[:-1] - before[first]) / whole,
            length / whole,
            np.where(avoid[edge], UNDERPASS_PENALTY_M, 0.0),
        ],
        axis=1,
    )
    line = np.hstack([start, step])
    origin, columns, rows = _cells(start, start + step)
    counts = np.zeros(columns * rows + 1, dtype=np.int64)
    _count(line, origin, columns, rows, counts)
    cell_start = np.cumsum(counts).astype(np.int32)
    entry = np.empty(int(cell_start[-1]), dtype=np.int32)
    _fill(line, origin, columns, rows, cell_start[:-1].copy(), entry)
    return Grid(
        origin,
        columns,
        rows,
        cell_start,
        np.ascontiguousarray(line[entry]),
        np.ascontiguousarray(span[entry]),
        entry,
        edge[entry],
    )


def _cells(
    start: NDArray[np.float64], end: NDArray[np.float64]
) -> tuple[NDArray[np.float64], int, int]:
    low = np.minimum(start, end).min(axis=0)
    high = np.maximum(start, end).max(axis=0)
    shrink = max(math.cos(math.radians((low[1] + high[1]) / 2)), _POLE)
    size = np.array([_CELL_M / (M_PER_DEGREE * shrink), _CELL_M / M_PER_DEGREE])
    while True:
        columns, rows = (int(cells) + 1 for cells in (high - low) / size)
        if columns * rows <= _CELLS_PER_PIECE * len(start) + 1:
            return np.concatenate([low, size]), columns, rows
        size *= 2


def nearest(grid: Grid, degrees: NDArray[np.float64], limit_m: float = SNAP_LIMIT_M) -> Snaps:
    """Return for each place the nearest point of the nearest edge within a limit.

    Parameters
    ----------
    degrees
        float64 (n, 2), longitude first; what is not on Earth (NaN as well) says so in `state`.
    limit_m
        Farther edges are not found.

    Notes
    -----
    A motorway or tunnel counts as `UNDERPASS_PENALTY_M` farther away than it is.
    """
    count = len(degrees)
    snaps = Snaps(
        np.empty(count, np.int32),
        np.empty(count, np.float64),
        np.empty(count, np.int32),
        np.empty(count, np.int32),
        degrees,
        np.empty(count, np.float64),
        np.empty(count, np.uint8),
    )
    _nearest(
        *grid,
        degrees,
        limit_m,
        snaps.edge,
        snaps.fraction,
        snaps.access_dm,
        snaps.access_ds,
        snaps.distance_m,
        snaps.state,
    )
    return snaps


@kernel
def _row_span(
    line: NDArray[np.float64], origin: NDArray[np.float64], columns: int, row: int
) -> tuple[int, int]:
    """Return the first and last column that a piece crosses in a row of cells."""
    south = origin[1] + row * origin[3]
    north = south + origin[3]
    y, step = line[1], line[3]
    low, high = 0.0, 1.0
    if step != 0.0:
        a, b = (south - y) / step, (north - y) / step
        low, high = max(min(a, b), 0.0), min(max(a, b), 1.0)
    west = line[0] + low * line[2] - origin[0]
    east = line[0] + high * line[2] - origin[0]
    # A hair on either side: a piece along a cell's edge belongs to both cells.
    hair = 1e-6 * origin[2]
    first = math.floor((min(west, east) - hair) / origin[2])
    last = math.floor((max(west, east) + hair) / origin[2])
    return max(first, 0), min(last, columns - 1)


@kernel
def _rows_of(line: NDArray[np.float64], origin: NDArray[np.float64], rows: int) -> tuple[int, int]:
    """Return the first and last row of cells that a piece crosses."""
    hair = 1e-6 * origin[3]
    south = min(line[1], line[1] + line[3]) - origin[1] - hair
    north = max(line[1], line[1] + line[3]) - origin[1] + hair
    first, last = math.floor(south / origin[3]), math.floor(north / origin[3])
    return max(first, 0), min(last, rows - 1)


@kernel
def _count(
    line: NDArray[np.float64],
    origin: NDArray[np.float64],
    columns: int,
    rows: int,
    counts: NDArray[np.int64],
) -> None:
    """Count into `counts[c + 1]` how many pieces cross cell c."""
    for piece in range(len(line)):
        south, north = _rows_of(line[piece], origin, rows)
        for row in range(south, north + 1):
            west, east = _row_span(line[piece], origin, columns, row)
            for column in range(west, east + 1):
                counts[row * columns + column + 1] += 1


@kernel
def _fill(
    line: NDArray[np.float64],
    origin: NDArray[np.float64],
    columns: int,
    rows: int,
    at: NDArray[np.int32],
    entry: NDArray[np.int32],
) -> None:
    """Write the number of each piece into the cells that it crosses."""
    for piece in range(len(line)):
        south, north = _rows_of(line[piece], origin, rows)
        for row in range(south, north + 1):
            west, east = _row_span(line[piece], origin, columns, row)
            for column in range(west, east + 1):
                cell = row * columns + column
                entry[at[cell]] = piece
                at[cell] += 1


@kernel
def _nearest(
    origin: NDArray[np.float64],
    columns: int,
    rows: int,
    cell_start: NDArray[np.int32],
    line: NDArray[np.float64],
    span: NDArray[np.float64],
    piece: NDArray[np.int32],
    edge: NDArray[np.int32],
    degrees: NDArray[np.float64],
    limit_m: float,
    out_edge: NDArray[np.int32],
    out_fraction: NDArray[np.float64],
    out_dm: NDArray[np.int32],
    out_ds: NDArray[np.int32],
    out_distance: NDArray[np.float64],
    out_state: NDArray[np.uint8],
) -> None:
    for place in range(len(degrees)):
        x, y = degrees[place, 0], degrees[place, 1]
        out_edge[place] = -1
        out_fraction[place] = out_distance[place] = np.nan
        out_dm[place] = out_ds[place] = 0
        if not (abs(x) <= LON_LIMIT and abs(y) <= LAT_LIMIT):  # NaN fails as well
            out_state[place] = NOT_ON_EARTH
            continue
        entry = _search(x, y, origin, columns, rows, cell_start, line, span, piece, limit_m)
        if entry < 0:
            out_state[place] = TOO_FAR
            continue
        away_m, share = _away(x, y, line, entry, _scale(y))
        out_state[place] = FOUND
        out_edge[place] = edge[entry]
        out_fraction[place] = min(span[entry, 0] + share * span[entry, 1], 1.0)
        out_distance[place] = away_m
        out_dm[place] = int(np.rint(away_m * 10))
        out_ds[place] = int(np.rint(away_m / (ACCESS_KMH / 3.6) * 10))


@kernel
def _search(
    x: float,
    y: float,
    origin: NDArray[np.float64],
    columns: int,
    rows: int,
    cell_start: NDArray[np.int32],
    line: NDArray[np.float64],
    span: NDArray[np.float64],
    piece: NDArray[np.int32],
    limit_m: float,
) -> int:
    """Return the entry of the piece that a place belongs to, -1 when none is near enough."""
    scale_x = _scale(y)
    column_at, row_at = (x - origin[0]) / origin[2], (y - origin[1]) / origin[3]
    column, row = math.floor(column_at), math.floor(row_at)
    inner_x = min(column_at - column, column + 1 - column_at) * origin[2] * scale_x
    inner_y = min(row_at - row, row + 1 - row_at) * origin[3] * M_PER_DEGREE
    best, best_felt = -1, np.inf
    ring, reached = 0, 0.0
    while reached <= min(best_felt, limit_m):
        for r in range(max(row - ring, 0), min(row + ring, rows - 1) + 1):
            # In the rows between the first and the last only two cells are new.
            stride = 2 * ring if row - ring < r < row + ring else 1
            for c in range(column - ring, column + ring + 1, stride):
                if c < 0 or c >= columns:
                    continue
                cell = r * columns + c
                for entry in range(cell_start[cell], cell_start[cell + 1]):
                    away_m, _ = _away(x, y, line, entry, scale_x)
                    felt = away_m + span[entry, 2]
                    if away_m <= limit_m and (
                        felt < best_felt or (felt == best_felt and piece[entry] < piece[best])
                    ):
                        best, best_felt = entry, felt
        # All that was not looked at yet is farther away than this.
        reached = min(
            ring * origin[2] * scale_x + inner_x, ring * origin[3] * M_PER_DEGREE + inner_y
        )
        ring += 1
    return best


@kernel
def _scale(lat: float) -> float:
    """Return metres per degree of longitude."""
    return M_PER_DEGREE * max(math.cos(math.radians(lat)), _POLE)


@kernel
def _away(
    x: float, y: float, line: NDArray[np.float64], entry: int, scale_x: float
) -> tuple[float, float]:
    """Return how far a place is from a piece, metres, and how far along it is nearest, 0 to 1."""
    step_x, step_y = line[entry, 2] * scale_x, line[entry, 3] * M_PER_DEGREE
    off_x, off_y = (x - line[entry, 0]) * scale_x, (y - line[entry, 1]) * M_PER_DEGREE
    square = step_x * step_x + step_y * step_y
    share = 0.0
    if square > 0.0:
        share = min(max((off_x * step_x + off_y * step_y) / square, 0.0), 1.0)
    off_x -= share * step_x
    off_y -= share * step_y
    return math.sqrt(off_x * off_x + off_y * off_y), share


def distance_m(grid: Grid, lon: float, lat: float) -> float:
    """Return how far a place on Earth is from the nearest edge, however far that is."""
    return _distance(grid.line, lon, lat)


@kernel
def _distance(line: NDArray[np.float64], lon: float, lat: float) -> float:
    best, scale_x = np.inf, _scale(lat)
    for entry in range(len(line)):
        best = min(best, _away(lon, lat, line, entry, scale_x)[0])
    return best
