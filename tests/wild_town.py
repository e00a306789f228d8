"""Towns no one would build, for property tests, and the answers worked out by Dijkstra.

Unlike a town that was built from a map, one of these may have islands, dead ends of one-ways,
signals and forbidden turns anywhere.  The oracle shares the graph of turns with what it tests,
and nothing else: places are put on it here, and ways are searched by scipy.
"""

from __future__ import annotations

import math
from itertools import product
from typing import Any, NamedTuple

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from geo.network import M_PER_DEGREE, NetworkArrays, RoadNetwork, flat_length_m
from geo.osm_access import CLASSES, MODES
from geo.turns import ModeGraph
from geo.types import UNREACHABLE_S, LonLat, Mode
from geo.weights import FreeFlow

CELL_M = 100.0
LON, LAT = 24.94, 60.17
_SHRINK = math.cos(math.radians(LAT))
_PACK = 1 << 24  # time above, length below: both together stay exact in a float
_WALK_DS_PER_DM = 3.6 / 5.0  # 5 km/h


def at(x_m: float, y_m: float) -> LonLat:
    """Return the place so many metres east and north of the town's corner."""
    lon = LON + x_m / (M_PER_DEGREE * _SHRINK)
    return LonLat(round(lon, 7), round(LAT + y_m / M_PER_DEGREE, 7))


class Street(NamedTuple):
    """A straight edge between two nodes of the grid, times along and against it."""

    first: int
    last: int
    along_ds: int
    against_ds: int
    road_class: str = "residential"


def grid(
    streets: list[Street],
    size: int,
    *,
    signals: tuple[int, ...] = (),
    turns: tuple[tuple[int, int, int], ...] = (),
) -> RoadNetwork:
    """Return a network on a square grid, the same for every mode.

    Parameters
    ----------
    signals
        Nodes with traffic lights.
    turns
        Forbidden ones as (from arc, via arc or -1, to arc).
    """
    points = np.array([at((n % size) * CELL_M, (n // size) * CELL_M) for n in range(size * size)])
    e7 = np.rint(points * 1e7).astype(np.int32)
    ends = np.array([street[:2] for street in streets], dtype=np.int32).reshape(-1, 2)
    times = np.array([street[2:4] for street in streets], dtype=np.int32).reshape(-1, 2)
    count = len(streets)
    flags = np.zeros(size * size, dtype=np.uint8)
    flags[list(signals)] = 1
    forbidden = np.array(turns, dtype=np.int32).reshape(-1, 3)
    arrays = NetworkArrays(
        node_e7=e7,
        edge_nodes=ends,
        edge_length_dm=np.rint(flat_length_m(points[ends[:, 0]], points[ends[:, 1]]) * 10).astype(
            np.int32
        ),
        edge_class=np.array([CLASSES.index(s.road_class) for s in streets], dtype=np.uint8),
        edge_name=np.zeros(count, dtype=np.int32),
        edge_flags=np.zeros(count, dtype=np.uint8),
        edge_way=np.arange(count, dtype=np.int64),
        point_start=np.arange(0, 2 * count + 1, 2, dtype=np.int32),
        point_e7=e7[ends].reshape(-1, 2),
        time_ds=np.ascontiguousarray(np.stack([times.T] * len(MODES))),
        node_flags=flags,
        turn_from=forbidden[:, 0].copy(),
        turn_via=forbidden[:, 1].copy(),
        turn_to=forbidden[:, 2].copy(),
        turn_modes=np.full(len(forbidden), (1 << len(MODES)) - 1, dtype=np.uint8),
    )
    return RoadNetwork(arrays, MODES, CLASSES, [""], version="grid-1")


@st.composite
def networks(draw: Any) -> RoadNetwork:
    """Draw a town of up to sixteen crossings."""
    size = draw(st.integers(2, 4))
    nodes = range(size * size)
    pairs = [(a, a + 1) for a in nodes if (a + 1) % size] + [(a, a + size) for a in nodes]
    pairs = [(a, b) for a, b in pairs if b < size * size]
    chosen = draw(st.lists(st.sampled_from(pairs), min_size=1, max_size=20, unique=True))
    times = st.sampled_from((0, 0, 1, 90, 100, 120, 200, 400))
    classes = st.sampled_from(("residential", "residential", "primary"))
    streets = []
    for a, b in chosen:
        along, against = draw(times), draw(times)
        first, last = (a, b) if draw(st.booleans()) else (b, a)
        along, against = (along, against) if along or against else (7, 0)
        streets.append(Street(first, last, along, against, draw(classes)))
    signals = tuple(draw(st.sets(st.sampled_from(list(nodes)), max_size=4)))
    every = _possible_turns(streets)
    turns = draw(st.lists(st.sampled_from(every), max_size=6, unique=True)) if every else []
    return grid(streets, size, signals=signals, turns=tuple(turns))


def _possible_turns(streets: list[Street]) -> list[tuple[int, int, int]]:
    """Return turns over one node, and some over a street between two."""
    ends = {}
    for edge, street in enumerate(streets):
        ends[2 * edge] = (street.first, street.last, street.along_ds)
        ends[2 * edge + 1] = (street.last, street.first, street.against_ds)
    arcs = [arc for arc, (_, _, time) in ends.items() if time]
    pairs = [(a, b) for a, b in product(arcs, arcs) if ends[a][1] == ends[b][0] and a != b ^ 1]
    over = [(a, b, d) for (a, b), (c, d) in product(pairs, pairs) if b == c]
    return [(a, -1, b) for a, b in pairs] + over[:40]


places = st.lists(
    st.tuples(st.integers(-10, 310), st.integers(-10, 310)), min_size=2, max_size=5, unique=True
)
"""Metres east and north of the corner."""


class Changed(FreeFlow):
    """A version of the traffic: some streets slower or faster, some closed."""

    def __init__(
        self, network: RoadNetwork, version: str, percent: NDArray[np.int64], closed: list[int]
    ) -> None:
        super().__init__(network)
        self._name = version
        self._percent = percent
        self._closed = closed
        self._length_dm = network.arrays.edge_length_dm

    @property
    def version(self) -> str:
        return self._name

    def _open_ds(self, mode: Mode) -> NDArray[np.int32]:
        times = super().times_ds(mode, "always").astype(np.int64)
        return np.where(times > 0, np.maximum(times * self._percent // 100, 1), 0).astype(np.int32)

    def times_ds(self, mode: Mode, period: object) -> NDArray[np.int32]:
        times = self._open_ds(mode)
        closed = times[:, self._closed]
        times[:, self._closed] = np.where(closed > 0, UNREACHABLE_S, 0)
        return times

    def access_ds(self, mode: Mode, period: object) -> NDArray[np.int32]:
        times = self._open_ds(mode)
        walk = np.rint(self._length_dm[self._closed] * _WALK_DS_PER_DM).astype(np.int32)
        closed = times[:, self._closed]
        times[:, self._closed] = np.where(closed > 0, np.maximum(closed, walk), 0)
        return times


def changes(draw: Any, network: RoadNetwork, version: str) -> Changed:
    """Draw a version of the traffic."""
    edges = network.edge_count
    percent = draw(st.lists(st.sampled_from((50, 100, 300)), min_size=edges, max_size=edges))
    closed = draw(st.sets(st.integers(0, edges - 1), max_size=2))
    return Changed(network, version, np.array(percent), sorted(closed))


class Oracle:
    """Times and lengths between places by Dijkstra over the states."""

    def __init__(self, network: RoadNetwork, mode: Mode, weights: FreeFlow | None = None) -> None:
        weights = weights or FreeFlow(network)
        self.network, self.mode = network, mode
        self.graph: ModeGraph = network.graph(mode)
        self.access = weights.access_ds(mode, "always")
        time = weights.times_ds(mode, "always").T.reshape(-1).astype(np.int64)
        graph = self.graph
        link = time[graph.link_arc] + graph.link_turn_ds
        packed = link * _PACK + network.arrays.edge_length_dm[graph.link_arc >> 1]
        is_open = time[graph.link_arc] < UNREACHABLE_S
        best: dict[tuple[int, int], int] = {}
        for tail, head, weight in zip(
            graph.link_tail[is_open].tolist(),
            graph.link_head[is_open].tolist(),
            packed[is_open].tolist(),
            strict=True,
        ):
            best[tail, head] = min(weight, best.get((tail, head), weight))
        states = len(graph.state_node)
        ends = np.array(list(best), dtype=np.int64).reshape(-1, 2)
        self._matrix = csr_array(
            (np.array(list(best.values()), dtype=np.float64), (ends[:, 0], ends[:, 1])),
            shape=(states, states),
        )
        self._from: dict[int, NDArray[np.float64]] = {}

    def _way(self, tail: int, head: int) -> float:
        if tail not in self._from:
            self._from[tail] = dijkstra(self._matrix, indices=tail)
        return float(self._from[tail][head])

    def _ways_out(self, place: LonLat) -> list[tuple[int, int, int]]:
        """Return (state, time, length) for each way off a place's street."""
        snap = self.network.snap(place, self.mode)
        found = []
        length = int(self.network.arrays.edge_length_dm[snap.edge])
        for against in (0, 1):
            whole = int(self.access[against, snap.edge])
            if whole:
                done, behind = round(snap.fraction * whole), round(snap.fraction * length)
                time = done if against else whole - done
                rest = behind if against else length - behind
                state = int(self.graph.arc_state[2 * snap.edge + against])
                found.append((state, snap.access_ds + time, snap.access_dm + rest))
        return found

    def _ways_in(self, place: LonLat) -> list[tuple[int, int, int]]:
        snap = self.network.snap(place, self.mode)
        found = []
        length = int(self.network.arrays.edge_length_dm[snap.edge])
        for against in (0, 1):
            whole = int(self.access[against, snap.edge])
            if whole:
                done, behind = round(snap.fraction * whole), round(snap.fraction * length)
                time = whole - done if against else done
                way = length - behind if against else behind
                arc = 2 * snap.edge + against
                found += [
                    (
                        int(self.graph.link_tail[link]),
                        snap.access_ds + time + int(self.graph.link_turn_ds[link]),
                        snap.access_dm + way,
                    )
                    for link in np.flatnonzero(self.graph.link_arc == arc).tolist()
                ]
        return found

    def _straight(self, origin: LonLat, destination: LonLat) -> list[tuple[int, int]]:
        a, b = (self.network.snap(place, self.mode) for place in (origin, destination))
        if a.edge != b.edge:
            return []
        length = int(self.network.arrays.edge_length_dm[a.edge])
        walk_ds, walk_dm = a.access_ds + b.access_ds, a.access_dm + b.access_dm
        metres = abs(round(a.fraction * length) - round(b.fraction * length))
        found = []
        for against in (0, 1):
            whole = int(self.access[against, a.edge])
            ahead = b.fraction <= a.fraction if against else b.fraction >= a.fraction
            if whole and ahead:
                time = abs(round(a.fraction * whole) - round(b.fraction * whole))
                found.append((walk_ds + time, walk_dm + metres))
        return found

    def trip(self, origin: LonLat, destination: LonLat) -> tuple[int, int]:
        """Return whole seconds and metres; `UNREACHABLE_S` where there is no way."""
        if origin == destination:
            return 0, 0
        best = min(self._straight(origin, destination), default=None)
        for (out, out_ds, out_dm), (into, in_ds, in_dm) in product(
            self._ways_out(origin), self._ways_in(destination)
        ):
            way = self._way(out, into)
            if math.isfinite(way):
                whole = (
                    out_ds + int(way) // _PACK + in_ds,
                    out_dm + int(way) % _PACK + in_dm,
                )
                best = whole if best is None else min(best, whole)
        if best is None:
            return UNREACHABLE_S, UNREACHABLE_S
        return (best[0] + 5) // 10, (best[1] + 5) // 10

    def matrix(self, spots: list[LonLat]) -> tuple[list[list[int]], list[list[int]]]:
        """Return times and lengths between all of some places."""
        trips = [[self.trip(a, b) for b in spots] for a in spots]
        return [[s for s, _ in row] for row in trips], [[m for _, m in row] for row in trips]
