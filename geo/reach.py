"""What can be reached within a time: junctions, streets up to where time runs out, an area."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray

from geo.compiled import kernel
from geo.ends import read_only
from geo.laying import Laid
from geo.network import RoadNetwork
from geo.outline import outline
from geo.plane import E7, M_PER_DEGREE
from geo.snapping import Snaps
from geo.trip import cut
from geo.types import UNREACHABLE_S, LonLat

BESIDE_M: Final = 40.0
"""How far to each side of a reached street the area goes: a row of houses and its yard."""

HOLE_M2: Final = 40_000.0
"""Holes smaller than this (a block of 200 m by 200 m) belong to the area."""

_SIMPLIFY_M: Final = 5.0
_SIMPLIFY_PART: Final = 0.25
_DS_PER_S: Final = 10
_HALF_DS: Final = 5


@dataclass(frozen=True, eq=False)
class Reach:
    """All that can be reached from a place within a time; n junctions, k stretches of street.

    Attributes
    ----------
    origin, seconds
        The question.
    lon, lat, duration_s
        float64, float64 and int32 (n,): junctions and when one is there.
    edge, begin, end
        int32 and float64 (k,): stretches of edges, from and to fractions as drawn, `begin < end`;
        no two of them overlap.
    line_start, line_e7
        int64 (k + 1,) and int32 (p, 2): their lines, in 1e-7 degrees.
    streets
        Names of the streets reached, sorted.
    """

    origin: LonLat
    seconds: int
    lon: NDArray[np.float64]
    lat: NDArray[np.float64]
    duration_s: NDArray[np.int32]
    edge: NDArray[np.int32]
    begin: NDArray[np.float64]
    end: NDArray[np.float64]
    line_start: NDArray[np.int64]
    line_e7: NDArray[np.int32]
    streets: tuple[str, ...]

    def polygon(self, beside_m: float = BESIDE_M, hole_m2: float = HOLE_M2) -> shapely.MultiPolygon:
        """Return the area along the streets reached, in degrees; empty when none is.

        Parameters
        ----------
        beside_m
            How far to each side of a street it goes.
        hole_m2
            Holes smaller than this are filled.

        Notes
        -----
        Worked out on the plane that touches the sphere at the origin, in metres.
        """
        scale = self._metres
        places_m = (self.line_e7 / E7 - np.array(self.origin)) * scale
        tolerance_m = min(_SIMPLIFY_M, beside_m * _SIMPLIFY_PART)
        area = outline(places_m, self.line_start, beside_m, hole_m2, tolerance_m)
        degrees = shapely.transform(area, lambda metres: metres / scale + np.array(self.origin))
        # Rounded like every position, without two sides of a narrow place crossing each other.
        rounded = shapely.set_precision(degrees, 1 / E7)
        return shapely.normalize(shapely.multipolygons(shapely.get_parts(rounded)))

    @cached_property
    def _metres(self) -> NDArray[np.float64]:
        """Metres per degree of longitude and of latitude at the origin."""
        return np.array([math.cos(math.radians(self.origin[1])), 1.0]) * M_PER_DEGREE


def draw_reach(
    network: RoadNetwork,
    origin: LonLat,
    limit_ds: int,
    snaps: Snaps,
    laid: Laid,
    state_ds: NDArray[np.int32],
) -> Reach:
    """Return what is reached.

    Parameters
    ----------
    limit_ds
        The time there is.
    snaps
        The origin on the network.
    state_ds
        int32 (S,), when each state is reached; `UNREACHABLE_S` where it is not in time.
    """
    arrays, graph = network.arrays, laid.graph
    node_ds = _node_times(read_only(graph.state_node), state_ds, network.node_count)
    nodes = np.flatnonzero(node_ds < UNREACHABLE_S)
    share = _covered(
        state_ds,
        limit_ds,
        laid.access_ds,
        laid.stretches.entry_start,
        laid.stretches.link_tail,
        laid.stretches.link_turn_ds,
    )
    own, fraction = int(snaps.edge[0]), float(snaps.fraction[0])
    left_ds = max(limit_ds - int(snaps.access_ds[0]), 0)
    along, against = (
        left_ds / whole if 0 < whole < UNREACHABLE_S else 0.0
        for whole in laid.access_ds[:, own].tolist()
    )
    edge, begin, end = _stretches(
        share, own, max(fraction - against, 0.0), min(fraction + along, 1.0)
    )
    line_start, line_e7 = lines(
        read_only(arrays.point_start), read_only(arrays.point_e7), edge, begin, end
    )
    degrees = arrays.node_e7[nodes] / E7
    names = {network.names[name] for name in np.unique(arrays.edge_name[edge]).tolist()}
    return Reach(
        origin,
        limit_ds // _DS_PER_S,
        degrees[:, 0].copy(),
        degrees[:, 1].copy(),
        (node_ds[nodes] + _HALF_DS) // _DS_PER_S,
        edge,
        begin,
        end,
        line_start,
        line_e7,
        tuple(sorted(names - {""})),
    )


@kernel
def _node_times(
    state_node: NDArray[np.int32], state_ds: NDArray[np.int32], node_count: int
) -> NDArray[np.int32]:
    """Return when each node is reached: by the first of its states; `UNREACHABLE_S` if by none."""
    times = np.full(node_count, UNREACHABLE_S, np.int32)
    for state in range(len(state_node)):
        times[state_node[state]] = min(times[state_node[state]], state_ds[state])
    return times


@kernel
def _covered(
    state_ds: NDArray[np.int32],
    limit_ds: int,
    access_ds: NDArray[np.int32],
    entry_start: NDArray[np.int32],
    link_tail: NDArray[np.int32],
    link_turn_ds: NDArray[np.int32],
) -> NDArray[np.float64]:
    """Return which part of each arc is reached from where it is entered, float64 (2E,)."""
    share = np.zeros(len(entry_start) - 1)
    for arc in range(len(share)):
        whole_ds = access_ds[arc & 1, arc >> 1]
        if whole_ds <= 0 or whole_ds >= UNREACHABLE_S:
            continue
        first_ds = UNREACHABLE_S
        for link in range(entry_start[arc], entry_start[arc + 1]):
            first_ds = min(first_ds, state_ds[link_tail[link]] + link_turn_ds[link])
        if first_ds < limit_ds:
            share[arc] = min((limit_ds - first_ds) / whole_ds, 1.0)
    return share


def _stretches(
    share: NDArray[np.float64], own_edge: int, own_begin: float, own_end: float
) -> tuple[NDArray[np.int32], NDArray[np.float64], NDArray[np.float64]]:
    """Return what is covered as stretches that do not overlap.

    Parameters
    ----------
    share
        float64 (2E,), what is reached of each arc from where it is entered.
    own_edge, own_begin, own_end
        The edge that the origin stands on, and what is reached of it right away.

    Returns
    -------
    edge, begin, end
        Sorted by edge, then by `begin`.
    """
    along, against = share[0::2], 1.0 - share[1::2]
    whole = along >= against
    along, against = np.where(whole, 1.0, along), np.where(whole, 1.0, against)
    own = [(0.0, float(along[own_edge])), (own_begin, own_end), (float(against[own_edge]), 1.0)]
    along[own_edge], against[own_edge] = 0.0, 1.0
    first, last = np.flatnonzero(along > 0.0), np.flatnonzero(against < 1.0)
    mine = _joined([(a, b) for a, b in own if a < b])
    edge = np.concatenate([first, last, np.full(len(mine), own_edge)])
    begin = np.concatenate([np.zeros(len(first)), against[last], [a for a, _ in mine]])
    end = np.concatenate([along[first], np.ones(len(last)), [b for _, b in mine]])
    order = np.lexsort((begin, edge))
    return edge[order].astype(np.int32), begin[order], end[order]


def _joined(pieces: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Join pieces that overlap or touch."""
    joined: list[tuple[float, float]] = []
    for begin, end in sorted(pieces):
        if joined and begin <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((begin, end))
    return joined


@kernel
def lines(
    point_start: NDArray[np.int32],
    point_e7: NDArray[np.int32],
    edge: NDArray[np.int32],
    begin: NDArray[np.float64],
    end: NDArray[np.float64],
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Return the lines of stretches of edges, one behind the other."""
    most, longest = 0, 0
    for k in range(len(edge)):
        size = point_start[edge[k] + 1] - point_start[edge[k]] + 2
        most += size
        longest = max(longest, size)
    start, points = np.zeros(len(edge) + 1, np.int64), np.empty((most, 2), np.int32)
    piece, part = np.empty((longest, 2), np.int64), np.empty(longest)
    for k in range(len(edge)):
        size = cut(point_start, point_e7, edge[k], begin[k], end[k], piece, part)
        for point in range(size):
            points[start[k] + point, 0] = piece[point, 0]
            points[start[k] + point, 1] = piece[point, 1]
        start[k + 1] = start[k] + size
    return start, points[: start[-1]]
