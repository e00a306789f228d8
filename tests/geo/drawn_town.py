"""A town drawn by hand: nodes in metres on a plane, ways between them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from geo.graph import Graph, build_graph
from geo.network import M_PER_DEGREE, RoadNetwork
from geo.osm import Feature, Member, OsmMap, Restriction, Way
from geo.osm_access import CLASSES, MODES
from geo.types import LonLat

LON, LAT = 24.94, 60.17
_SHRINK = math.cos(math.radians(LAT))


def at(x_m: float, y_m: float) -> LonLat:
    """Return the place so many metres east and north of the town's corner."""
    lon = LON + x_m / (M_PER_DEGREE * _SHRINK)
    return LonLat(round(lon, 7), round(LAT + y_m / M_PER_DEGREE, 7))


def turn(
    kind: str,
    origin: int,
    via: int,
    to: int,
    *,
    over: str = "node",
    key: str = "restriction",
    **tags: str,
) -> Restriction:
    """Return a turn restriction between two ways over a node, or over a way (`over="way"`).

    Ways are numbered from 1 in the order in which they are drawn; relations by their members.
    """
    return Restriction(
        origin * 10_000 + via * 100 + to,
        {"type": "restriction", key: kind, **tags},
        (Member("way", origin, "from"), Member(over, via, "via"), Member("way", to, "to")),
    )


def town(
    nodes: Mapping[int, tuple[float, float]],
    ways: Sequence[tuple[Sequence[int], Mapping[str, str]]],
    *,
    node_tags: Mapping[int, Mapping[str, str]] | None = None,
    features: Sequence[Feature] = (),
    restrictions: Sequence[Restriction] = (),
) -> OsmMap:
    """Return a map; ways are residential streets unless their tags say otherwise."""
    drawn = tuple(
        Way(number, tuple(line), {"highway": "residential", **tags})
        for number, (line, tags) in enumerate(ways, start=1)
    )
    positions = {node: at(*place) for node, place in nodes.items()}
    return OsmMap(drawn, positions, node_tags or {}, tuple(features), tuple(restrictions))


def network_of(graph: Graph) -> RoadNetwork:
    """Return a network as a city on disk would give it."""
    return RoadNetwork(graph.arrays, MODES, CLASSES, graph.names, version="town-1")


def roads(
    nodes: Mapping[int, tuple[float, float]],
    ways: Sequence[tuple[Sequence[int], Mapping[str, str]]],
    *,
    node_tags: Mapping[int, Mapping[str, str]] | None = None,
    restrictions: Sequence[Restriction] = (),
) -> RoadNetwork:
    """Return the network of a hand-drawn map."""
    osm = town(nodes, ways, node_tags=node_tags, restrictions=restrictions)
    return network_of(build_graph(osm))
