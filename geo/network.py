"""The road network in arrays: nodes, edges, classes, names, geometry and times per mode.

An edge is a stretch of street between two junctions, stored once for both directions; a time of
0 means that the mode may not go that way.  Everything is an integer, so that sums are exact and
bytes are the same on every machine: positions in 1e-7 degrees, lengths in decimetres, times in
tenths of a second.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from geo.errors import CityError, TooFarFromRoadError, UnknownModeError
from geo.types import LonLat, Mode

SNAP_LIMIT_M: Final = 250.0
"""A place farther than this from every road of a mode is not on that mode's map."""

ACCESS_KMH: Final = 5.0
"""Between a place and its road everyone walks (the same speed as on foot along the street)."""

UNDERPASS_PENALTY_M: Final = 30.0
"""A motorway or tunnel is snapped to only if every other road is this much farther away."""

EARTH_RADIUS_M: Final = 6_371_008.8
"""Mean radius of the Earth (IUGG)."""

E7: Final = 10_000_000
LON_LIMIT: Final = 180.0
LAT_LIMIT: Final = 90.0
M_PER_DEGREE: Final = math.radians(1) * EARTH_RADIUS_M
_NEAR_M: Final = 60.0

FLAG_AVOID_SNAP: Final = 1
"""Bit of `edge_flags`: a motorway or a tunnel, where nobody can stop or get up to the street."""


@dataclass(frozen=True, slots=True, eq=False)
class NetworkArrays:
    """The arrays of a network, as they lie on disk; N nodes, E edges, P points, M modes.

    Attributes
    ----------
    node_e7
        int32 (N, 2), longitude and latitude in 1e-7 degrees.
    edge_nodes
        int32 (E, 2), the first and last node of each edge as drawn.
    edge_length_dm
        int32 (E,), decimetres.
    edge_class, edge_name, edge_flags
        uint8 (E,) index into the class names, int32 (E,) index into the street names (0 is
        the empty name), uint8 (E,) bits.
    edge_way
        int64 (E,), number of the OpenStreetMap way (the first, where several were joined).
    point_start, point_e7
        int32 (E + 1,) and int32 (P, 2): the line of edge `e` is
        `point_e7[point_start[e]:point_start[e + 1]]`, both end nodes included.
    time_ds
        int32 (M, 2, E), tenths of a second along the edge and against it; 0 where not allowed.
    """

    node_e7: NDArray[np.int32]
    edge_nodes: NDArray[np.int32]
    edge_length_dm: NDArray[np.int32]
    edge_class: NDArray[np.uint8]
    edge_name: NDArray[np.int32]
    edge_flags: NDArray[np.uint8]
    edge_way: NDArray[np.int64]
    point_start: NDArray[np.int32]
    point_e7: NDArray[np.int32]
    time_ds: NDArray[np.int32]


class Snap(NamedTuple):
    """A place on the network: the nearest point of the nearest usable edge.

    Attributes
    ----------
    edge
        Index of the edge.
    fraction
        How far along it as drawn, 0.0 to 1.0.
    access_dm, access_ds
        Length of the way between the place and the road, and its time on foot.
    """

    edge: int
    fraction: float
    access_dm: int
    access_ds: int


class ModeGraph(NamedTuple):
    """One mode's directed graph in CSR form, the fastest arc only between any two nodes.

    Attributes
    ----------
    indptr, head
        int32 (N + 1,) and (A,): the arcs of node `n` lead to `head[indptr[n]:indptr[n + 1]]`,
        ascending.
    time_ds, length_dm
        float64 (A,) and int32 (A,).
    arc_edge, arc_forward
        int32 (A,) and bool (A,): the edge of each arc and whether it is taken as drawn.
    """

    indptr: NDArray[np.int32]
    head: NDArray[np.int32]
    time_ds: NDArray[np.float64]
    length_dm: NDArray[np.int32]
    arc_edge: NDArray[np.int32]
    arc_forward: NDArray[np.bool_]


class RoadNetwork:
    """A road network that can be searched and snapped to; immutable, safe to share.

    Parameters
    ----------
    arrays
        The network itself.
    modes
        Names of the modes of `time_ds`, in its order.
    classes, names
        What `edge_class` and `edge_name` index.
    version
        Names network and weights.
    """

    def __init__(
        self,
        arrays: NetworkArrays,
        modes: Sequence[Mode],
        classes: Sequence[str],
        names: Sequence[str],
        version: str,
    ) -> None:
        self.arrays = arrays
        self.classes = tuple(classes)
        self.names = tuple(names)
        self.version = version
        self._rows: Mapping[Mode, int] = {mode: row for row, mode in enumerate(modes)}
        self._graphs: dict[Mode, ModeGraph] = {}

    @property
    def modes(self) -> frozenset[Mode]:
        """Modes that have at least one usable edge."""
        return frozenset(m for m, row in self._rows.items() if self.arrays.time_ds[row].any())

    @property
    def node_count(self) -> int:
        """How many nodes all modes together use."""
        return len(self.arrays.node_e7)

    @property
    def edge_count(self) -> int:
        """How many edges all modes together use."""
        return len(self.arrays.edge_nodes)

    def times_ds(self, mode: Mode) -> NDArray[np.int32]:
        """Return the times of a mode along and against every edge, int32 (2, E).

        Raises
        ------
        UnknownModeError
            The network has no usable edge for the mode.
        """
        row = self._rows.get(mode)
        if row is None or not self.arrays.time_ds[row].any():
            raise UnknownModeError(
                f"this city has no roads for mode '{mode}'; it knows "
                f"{', '.join(sorted(self.modes)) or 'none'}"
            )
        times: NDArray[np.int32] = self.arrays.time_ds[row]
        return times

    def graph(self, mode: Mode) -> ModeGraph:
        """Return the directed graph of a mode, built at first use."""
        graph = self._graphs.get(mode)
        if graph is None:
            graph = self._graphs[mode] = self._build_graph(mode)
        return graph

    def _build_graph(self, mode: Mode) -> ModeGraph:
        along, against = self.times_ds(mode)
        first, last = self.arrays.edge_nodes.T
        edges = np.arange(self.edge_count, dtype=np.int32)
        use_along, use_against = along > 0, against > 0
        tail = np.concatenate([first[use_along], last[use_against]])
        head = np.concatenate([last[use_along], first[use_against]])
        time = np.concatenate([along[use_along], against[use_against]])
        edge = np.concatenate([edges[use_along], edges[use_against]])
        forward = np.arange(len(edge)) < np.count_nonzero(use_along)
        order = np.lexsort((~forward, edge, time, head, tail))
        new = np.ones(len(order), dtype=bool)
        new[1:] = (np.diff(tail[order]) != 0) | (np.diff(head[order]) != 0)
        order = order[new]
        indptr = np.searchsorted(tail[order], np.arange(self.node_count + 1)).astype(np.int32)
        return ModeGraph(
            indptr=indptr,
            head=head[order].astype(np.int32),
            time_ds=time[order].astype(np.float64),
            length_dm=self.arrays.edge_length_dm[edge[order]].astype(np.int32),
            arc_edge=edge[order],
            arc_forward=forward[order],
        )

    def line(self, edge: int) -> NDArray[np.float64]:
        """Return the line of an edge as drawn, float64 (points, 2) in degrees."""
        start, stop = self.arrays.point_start[edge : edge + 2]
        return self.arrays.point_e7[start:stop] / E7

    def name(self, edge: int) -> str:
        """Return the street name of an edge, empty where it has none."""
        return self.names[int(self.arrays.edge_name[edge])]

    # --- from a place to the road ----------------------------------------------------------------

    @cached_property
    def _segments(self) -> _Segments:
        return _Segments.of(self.arrays)

    def snap(self, place: LonLat, mode: Mode) -> Snap:
        """Return where a place is reached from the road.

        Parameters
        ----------
        place
            Degrees, longitude first.
        mode
            Only edges that this mode may use in either direction are considered.

        Raises
        ------
        TooFarFromRoadError
            No such edge within `SNAP_LIMIT_M`.
        UnknownModeError
            The network has no such mode.
        """
        if not (abs(place[0]) <= LON_LIMIT and abs(place[1]) <= LAT_LIMIT):  # NaN fails as well
            raise TooFarFromRoadError(
                f"({place[1]}, {place[0]}) is no place on Earth; give latitude -90 to 90 and "
                "longitude -180 to 180"
            )
        times = self.times_ds(mode)
        for radius_m in (_NEAR_M, SNAP_LIMIT_M):
            found = self._segments.nearest(place, radius_m, times)
            if found is not None:
                edge, fraction, distance_m = found
                return Snap(edge, fraction, *_access(distance_m))
        raise TooFarFromRoadError(
            f"({place[1]:.5f}, {place[0]:.5f}) is more than {SNAP_LIMIT_M:.0f} m from every road "
            f"for mode '{mode}'{self._distance_hint(place, times)}; choose a place nearer to a road"
        )

    def _distance_hint(self, place: LonLat, times: NDArray[np.int32]) -> str:
        radius_m = SNAP_LIMIT_M
        while radius_m < math.pi * EARTH_RADIUS_M:
            radius_m *= 4
            if (found := self._segments.nearest(place, radius_m, times)) is not None:
                return f" (the nearest is {found[2]:.0f} m away)"
        return ""


def _access(distance_m: float) -> tuple[int, int]:
    return round(distance_m * 10), round(distance_m / (ACCESS_KMH / 3.6) * 10)


@dataclass(frozen=True, slots=True, eq=False)
class _Segments:
    """Every straight piece of every edge, in a search tree over degrees."""

    tree: shapely.STRtree
    start: NDArray[np.float64]
    step: NDArray[np.float64]
    edge: NDArray[np.int32]
    begin_m: NDArray[np.float64]
    length_m: NDArray[np.float64]
    edge_length_m: NDArray[np.float64]
    avoid: NDArray[np.bool_]

    @classmethod
    def of(cls, arrays: NetworkArrays) -> _Segments:
        points = arrays.point_e7 / E7
        counts = np.diff(arrays.point_start)
        edge_of_point = np.repeat(np.arange(len(counts), dtype=np.int32), counts)
        inside = np.flatnonzero(edge_of_point[1:] == edge_of_point[:-1])
        start, step = points[inside], points[inside + 1] - points[inside]
        length_m = flat_length_m(start, start + step)
        edge = edge_of_point[inside]
        before = np.concatenate([[0.0], np.cumsum(length_m)])
        first = np.searchsorted(edge, np.arange(len(counts) + 1))
        lines = shapely.linestrings(np.stack([start, start + step], axis=1))
        return cls(
            tree=shapely.STRtree(lines),
            start=start,
            step=step,
            edge=edge,
            begin_m=before[:-1] - before[first[edge]],
            length_m=length_m,
            edge_length_m=before[first[1:]] - before[first[:-1]],
            avoid=(arrays.edge_flags & FLAG_AVOID_SNAP).astype(bool),
        )

    def nearest(
        self, place: LonLat, radius_m: float, times: NDArray[np.int32]
    ) -> tuple[int, float, float] | None:
        """Return (edge, fraction, distance in metres) of the nearest usable point, if any."""
        lon, lat = place
        shrink = max(math.cos(math.radians(lat)), 1e-6)
        dy, dx = radius_m / M_PER_DEGREE, radius_m / (M_PER_DEGREE * shrink)
        hits = self.tree.query(shapely.box(lon - dx, lat - dy, lon + dx, lat + dy))
        edges = self.edge[hits]
        hits = hits[(times[0][edges] > 0) | (times[1][edges] > 0)]
        if not len(hits):
            return None
        scale = np.array([M_PER_DEGREE * shrink, M_PER_DEGREE])
        offset = (np.array([lon, lat]) - self.start[hits]) * scale
        step = self.step[hits] * scale
        square = np.einsum("ij,ij->i", step, step)
        along = np.einsum("ij,ij->i", offset, step) / np.where(square > 0, square, 1.0)
        along = np.clip(along, 0.0, 1.0)
        distance = np.hypot(*(offset - along[:, None] * step).T)
        near = distance <= radius_m
        if not near.any():
            return None
        hits, along, distance = hits[near], along[near], distance[near]
        edges = self.edge[hits]
        felt = distance + np.where(self.avoid[edges], UNDERPASS_PENALTY_M, 0.0)
        best = int(np.lexsort((hits, felt))[0])
        edge, hit = int(edges[best]), hits[best]
        whole = self.edge_length_m[edge]
        done = self.begin_m[hit] + along[best] * self.length_m[hit]
        return edge, float(min(done / whole, 1.0) if whole > 0 else 0.0), float(distance[best])


def flat_length_m(start: NDArray[np.float64], end: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the lengths of short straight pieces in metres.

    Parameters
    ----------
    start, end
        float64 (n, 2), degrees, longitude first.

    Notes
    -----
    On the plane that touches the sphere between the two points: for pieces of a street (up to
    some kilometres) the same as the great circle to better than a millimetre per kilometre.
    """
    middle = np.radians((start[:, 1] + end[:, 1]) / 2)
    across = (end[:, 0] - start[:, 0]) * np.cos(middle)
    return np.asarray(np.hypot(across, end[:, 1] - start[:, 1]) * M_PER_DEGREE)


# --- on disk -------------------------------------------------------------------------------------


def save_arrays(arrays: NetworkArrays, folder: Path) -> None:
    """Write each array as one `.npy` file into an existing folder."""
    for one in fields(arrays):
        np.save(folder / f"{one.name}.npy", np.ascontiguousarray(getattr(arrays, one.name)))


def load_arrays(folder: Path) -> NetworkArrays:
    """Map the arrays into memory, shared between processes.

    Raises
    ------
    CityError
        A file is missing or not an array.
    """
    loaded = {}
    for one in fields(NetworkArrays):
        path = folder / f"{one.name}.npy"
        try:
            loaded[one.name] = np.load(path, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise CityError(
                f"{path} cannot be read as an array; build the city again: samehour city build"
            ) from error
    return NetworkArrays(**loaded)
