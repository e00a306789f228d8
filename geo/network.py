"""The road network: nodes, edges, classes, names, geometry and times per mode.

An edge is a stretch of street between two junctions, stored once for both directions; a time of
0 means that the mode may not go that way.  What a mode is searched on (which turns it may take,
in which order its junctions are gone through) is made from the arrays, or comes from disk.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from geo.arrays import (
    FLAG_AVOID_SNAP,
    FLAG_FREE_AGAINST,
    FLAG_FREE_ALONG,
    NODE_SIGNALS,
    NetworkArrays,
    load_arrays,
    save_arrays,
)
from geo.errors import TooFarFromRoadError, UnknownModeError
from geo.hierarchy import Topology, build_topology
from geo.plane import E7, EARTH_RADIUS_M, LAT_LIMIT, LON_LIMIT, M_PER_DEGREE, flat_length_m
from geo.snapping import (
    ACCESS_KMH,
    FOUND,
    NOT_ON_EARTH,
    SNAP_LIMIT_M,
    UNDERPASS_PENALTY_M,
    Grid,
    Snaps,
    build_grid,
    distance_m,
    nearest,
)
from geo.turns import ModeGraph, mode_graph
from geo.types import LonLat, Mode

# What the arrays are made of is told here too: whoever has a network has all of it at hand.
__all__ = [
    "ACCESS_KMH",
    "E7",
    "EARTH_RADIUS_M",
    "FLAG_AVOID_SNAP",
    "FLAG_FREE_AGAINST",
    "FLAG_FREE_ALONG",
    "LAT_LIMIT",
    "LON_LIMIT",
    "M_PER_DEGREE",
    "NODE_SIGNALS",
    "SNAP_LIMIT_M",
    "UNDERPASS_PENALTY_M",
    "ModeRoads",
    "NetworkArrays",
    "RoadNetwork",
    "Snap",
    "flat_length_m",
    "load_arrays",
    "save_arrays",
]


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


class ModeRoads(NamedTuple):
    """What a mode is searched on: its states and links, and the order they are contracted in."""

    graph: ModeGraph
    topology: Topology


StoredRoads = Callable[[Mode], ModeRoads | None]
"""Opens what was stored for a mode; None when nothing was."""


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
    drive_left
        Whether traffic keeps to the left.
    stored
        Opens a mode's roads from disk, asked once per mode; without it they are built at their
        first use, which takes seconds in a city.
    """

    def __init__(
        self,
        arrays: NetworkArrays,
        modes: Sequence[Mode],
        classes: Sequence[str],
        names: Sequence[str],
        version: str,
        *,
        drive_left: bool = False,
        stored: StoredRoads | None = None,
    ) -> None:
        self.arrays = arrays
        self.classes = tuple(classes)
        self.names = tuple(names)
        self.version = version
        self.drive_left = drive_left
        self._stored = stored
        self._rows: Mapping[Mode, int] = {mode: row for row, mode in enumerate(modes)}
        self._modes = frozenset(m for m, row in self._rows.items() if arrays.time_ds[row].any())
        self._lock = threading.Lock()
        self._roads: dict[Mode, ModeRoads] = {}
        self._grids: dict[Mode, Grid] = {}

    @property
    def modes(self) -> frozenset[Mode]:
        """Modes that have at least one usable edge."""
        return self._modes

    @property
    def node_count(self) -> int:
        """How many nodes all modes together use."""
        return len(self.arrays.node_e7)

    @property
    def edge_count(self) -> int:
        """How many edges all modes together use."""
        return len(self.arrays.edge_nodes)

    def check_mode(self, mode: Mode) -> None:
        """Do nothing for a mode that can travel here.

        Raises
        ------
        UnknownModeError
            The network has no usable edge for the mode.
        """
        if mode not in self._modes:
            raise UnknownModeError(
                f"this city has no roads for mode '{mode}'; it knows "
                f"{', '.join(sorted(self._modes)) or 'none'}"
            )

    def times_ds(self, mode: Mode) -> NDArray[np.int32]:
        """Return the times of a mode along and against every edge, int32 (2, E).

        Raises
        ------
        UnknownModeError
            The network has no usable edge for the mode.
        """
        self.check_mode(mode)
        times: NDArray[np.int32] = self.arrays.time_ds[self._rows[mode]]
        return times

    def roads(self, mode: Mode) -> ModeRoads:
        """Return what a mode is searched on, opened or built at first use.

        Raises
        ------
        UnknownModeError
            The network has no usable edge for the mode.
        """
        found = self._roads.get(mode)
        if found is None:
            self.check_mode(mode)
            with self._lock:
                found = self._roads.get(mode)
                if found is None:
                    found = self._roads[mode] = self._open(mode)
        return found

    def _open(self, mode: Mode) -> ModeRoads:
        stored = self._stored(mode) if self._stored is not None else None
        if stored is not None:
            return stored
        graph = mode_graph(self.arrays, mode, self.classes, drive_left=self.drive_left)
        place = self.arrays.node_e7[graph.state_node] / E7
        topology = build_topology(
            len(graph.state_node), graph.link_tail, graph.link_head, place[:, 0], place[:, 1]
        )
        return ModeRoads(graph, topology)

    def graph(self, mode: Mode) -> ModeGraph:
        """Return the states and links of a mode."""
        return self.roads(mode).graph

    def topology(self, mode: Mode) -> Topology:
        """Return the contraction order of a mode's states."""
        return self.roads(mode).topology

    def line(self, edge: int) -> NDArray[np.float64]:
        """Return the line of an edge as drawn, float64 (points, 2) in degrees."""
        start, stop = self.arrays.point_start[edge : edge + 2]
        return self.arrays.point_e7[start:stop] / E7

    def name(self, edge: int) -> str:
        """Return the street name of an edge, empty where it has none."""
        return self.names[int(self.arrays.edge_name[edge])]

    # --- from a place to the road ----------------------------------------------------------------

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
        found = self.snap_all([place], mode)
        return Snap(
            int(found.edge[0]),
            float(found.fraction[0]),
            int(found.access_dm[0]),
            int(found.access_ds[0]),
        )

    def snap_all(self, places: Sequence[LonLat], mode: Mode) -> Snaps:
        """Return where places are reached from the road.

        Raises
        ------
        TooFarFromRoadError
            One of them has no such edge within `SNAP_LIMIT_M`; names the first and its distance.
        UnknownModeError
            The network has no such mode.
        """
        degrees = np.fromiter(
            chain.from_iterable(places), dtype=np.float64, count=2 * len(places)
        ).reshape(-1, 2)
        snaps = self.snap_points(degrees, mode)
        if snaps.state.any():
            first = int(np.argmax(snaps.state != FOUND))
            self._refuse(degrees[first, 0], degrees[first, 1], int(snaps.state[first]), mode)
        return snaps

    def snap_points(self, degrees: NDArray[np.float64], mode: Mode) -> Snaps:
        """Return where points are reached from the road; those that are not say so in `state`.

        Parameters
        ----------
        degrees
            float64 (n, 2), longitude first.

        Raises
        ------
        UnknownModeError
            The network has no such mode.
        """
        return nearest(self._grid(mode), np.ascontiguousarray(degrees, dtype=np.float64))

    def _refuse(self, lon: float, lat: float, state: int, mode: Mode) -> None:
        if state == NOT_ON_EARTH:
            raise TooFarFromRoadError(
                f"({lat}, {lon}) is no place on Earth; give latitude -90 to 90 and "
                "longitude -180 to 180"
            )
        away_m = distance_m(self._grid(mode), lon, lat)
        raise TooFarFromRoadError(
            f"({lat:.5f}, {lon:.5f}) is more than {SNAP_LIMIT_M:.0f} m from every road for mode "
            f"'{mode}' (the nearest is {away_m:.0f} m away); choose a place nearer to a road"
        )

    def _grid(self, mode: Mode) -> Grid:
        grid = self._grids.get(mode)
        if grid is None:
            along, against = self.times_ds(mode)
            with self._lock:
                grid = self._grids.get(mode)
                if grid is None:
                    grid = self._grids[mode] = build_grid(
                        self.arrays.point_start,
                        self.arrays.point_e7 / E7,
                        (along > 0) | (against > 0),
                        self._avoided(mode),
                    )
        return grid

    def _avoided(self, mode: Mode) -> NDArray[np.bool_]:
        """Return the edges that a place is not reached from if another is near, bool (E,).

        Motorways and tunnels; and where a bicycle is pushed, for who would come on slower than on
        foot leaves it at the street and walks.
        """
        under = (self.arrays.edge_flags & FLAG_AVOID_SNAP).astype(bool)
        if mode is Mode.WALK:
            return under
        slowest_ds = self.times_ds(mode).max(axis=0)
        return np.asarray(under | (slowest_ds > self.arrays.edge_length_dm * 3.6 / ACCESS_KMH))
