"""Compiling ahead: what a machine compiles once, it compiles before the first question."""

from __future__ import annotations

import contextlib
from typing import Final

import numpy as np

from geo import hierarchy
from geo.caching import in_turn
from geo.errors import TooFarFromRoadError
from geo.hierarchy_topology import topology_of_order
from geo.network import ModeRoads, NetworkArrays, RoadNetwork
from geo.osm_access import CLASSES, MODES
from geo.square_tables import SquareTables
from geo.travel import NetworkTravelTimes
from geo.turns import mode_graph
from geo.types import LonLat, Mode

_STREET_E7: Final = 10_000  # 0.001 degrees, 111 m


def warm_up() -> None:
    """Compile, or load from disk, all that travel times need; seconds on a new machine.

    Asks every kind of question of a town of one corner.  Of several processes that begin at the
    same time one compiles, and the others load what it has compiled.
    """
    with in_turn("travel-times"):
        _ask_everything()


def _ask_everything() -> None:
    hierarchy.warm_up()
    travel = NetworkTravelTimes(_corner())
    west, corner, north = LonLat(0.0002, 0.0), LonLat(0.001, 0.0), LonLat(0.001, 0.0008)
    for mode in (Mode.CAR, Mode.WALK):
        travel.matrix([west, corner], [north], mode, 0)
        travel.durations([west, corner], [north], mode, 0)
        travel.route(west, north, mode, 0)
        travel.route(west, corner, mode, 0)
        travel.reachable(west, 60, mode, 0).polygon()
    SquareTables().tables(travel.pinned(), [corner, west], 1, [Mode.CAR], 0)
    with contextlib.suppress(TooFarFromRoadError):  # says how far: one more kernel
        travel.check_place(LonLat(1.0, 1.0), Mode.CAR)


def _corner() -> RoadNetwork:
    """Return two streets that meet at a right angle."""
    points = np.array([[0, 0], [1, 0], [1, 1]], dtype=np.int32) * _STREET_E7
    ends = np.array([[0, 1], [1, 2]], dtype=np.int32)
    arrays = NetworkArrays(
        node_e7=points,
        edge_nodes=ends,
        edge_length_dm=np.full(2, 1112, dtype=np.int32),
        edge_class=np.zeros(2, dtype=np.uint8),
        edge_name=np.arange(2, dtype=np.int32),
        edge_flags=np.zeros(2, dtype=np.uint8),
        edge_way=np.zeros(2, dtype=np.int64),
        point_start=np.array([0, 2, 4], dtype=np.int32),
        point_e7=points[ends].reshape(-1, 2),
        time_ds=np.full((len(MODES), 2, 2), 100, dtype=np.int32),
        node_flags=np.zeros(3, dtype=np.uint8),
        turn_from=np.zeros(0, dtype=np.int32),
        turn_via=np.zeros(0, dtype=np.int32),
        turn_to=np.zeros(0, dtype=np.int32),
        turn_modes=np.zeros(0, dtype=np.uint8),
    )

    def stored(mode: Mode) -> ModeRoads:
        # Any order will do here; finding a good one takes kernels that only building needs.
        graph = mode_graph(arrays, mode, CLASSES)
        states = np.arange(len(graph.state_node), dtype=np.int32)
        return ModeRoads(graph, topology_of_order(states, graph.link_tail, graph.link_head))

    names = ["", "North Street"]
    return RoadNetwork(arrays, MODES, CLASSES, names, version="corner", stored=stored)
