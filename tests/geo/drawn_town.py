"""A town drawn by hand: nodes in metres on a plane, ways between them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from geo.graph import Graph, build_graph
from geo.network import M_PER_DEGREE, RoadNetwork
from geo.osm import Feature, OsmMap, Way
from geo.osm_access import CLASSES, MODES
from geo.types import LonLat

LON, LAT = 24.94, 60.17
_SHRINK = math.cos(math.radians(LAT))


def at(x_m: float, y_m: float) -> LonLat:
    """Return the place so many metres east and north of the town's corner."""
    lon = LON + x_m / (M_PER_DEGREE * _SHRINK)
    return LonLat(round(lon, 7), round(LAT + y_m / M_PER_DEGREE, 7))


def town(
    nodes: Mapping[int, tuple[float, float]],
    ways: Sequence[tuple[Sequence[int], Mapping[str, str]]],
    *,
    node_tags: Mapping[int, Mapping[str, str]] | None = None,
    features: Sequence[Feature] = (),
) -> OsmMap:
    """Return a map; ways are residential streets unless their tags say otherwise."""
    drawn = tuple(
        Way(number, tuple(line), {"highway": "residential", **tags})
        for number, (line, tags) in enumerate(ways, start=1)
    )
    positions = {node: at(*place) for node, place in nodes.items()}
    return OsmMap(drawn, positions, node_tags or {}, tuple(features))


def network_of(graph: Graph) -> RoadNetwork:
    """Return a network as a city on disk would give it."""
    return RoadNetwork(graph.arrays, MODES, CLASSES, graph.names, version="town-1")


def roads(
    nodes: Mapping[int, tuple[float, float]],
    ways: Sequence[tuple[Sequence[int], Mapping[str, str]]],
    *,
    node_tags: Mapping[int, Mapping[str, str]] | None = None,
) -> RoadNetwork:
    """Return the network of a hand-drawn map."""
    return network_of(build_graph(town(nodes, ways, node_tags=node_tags)))
