"""Who we are measured beside: each asked in its fairest and fastest way known to us."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from geo.network import E7, RoadNetwork
from geo.types import UNREACHABLE_S, Mode

Times = NDArray[np.int32]

_ROUTINGKIT_FAR: Final = 2_147_483_647


class Links:
    """The directed graph everybody searches: L links between N states.

    Attributes
    ----------
    tail, head, time_ds
        int32 (L,).
    lon, lat
        float64 (N,), degrees.
    """

    def __init__(self, network: RoadNetwork, mode: Mode) -> None:
        graph = network.graph(mode)
        arc = graph.link_arc
        along_against = network.times_ds(mode)
        self.tail, self.head = np.asarray(graph.link_tail), np.asarray(graph.link_head)
        self.time_ds = (along_against[arc & 1, arc >> 1] + graph.link_turn_ds).astype(np.int32)
        self.length_dm = network.arrays.edge_length_dm[arc >> 1].astype(np.int32)
        places = network.arrays.node_e7[graph.state_node] / E7
        self.lon, self.lat = places[:, 0].copy(), places[:, 1].copy()

    @property
    def states(self) -> int:
        """How many nodes the graph has, turns counted."""
        return len(self.lon)


class Scipy:
    """`scipy.sparse.csgraph.dijkstra`, compiled C++ on a CSR matrix."""

    name = "scipy Dijkstra"

    def __init__(self, links: Links) -> None:
        order = np.lexsort((links.time_ds, links.head, links.tail))
        tail, head = links.tail[order], links.head[order]
        first = np.ones(len(order), dtype=bool)
        first[1:] = (np.diff(tail) != 0) | (np.diff(head) != 0)
        first &= tail != head
        weights = links.time_ds[order][first].astype(np.float64)
        shape = (links.states, links.states)
        self._matrix = csr_array((weights, (tail[first], head[first])), shape=shape)

    def table(
        self, origins: NDArray[np.int32], destinations: NDArray[np.int32], limit_ds: float = np.inf
    ) -> Times:
        """Return times between nodes, int32 (n, m)."""
        found = dijkstra(self._matrix, indices=origins, limit=limit_ds)[:, destinations]
        return np.where(np.isfinite(found), found, UNREACHABLE_S).astype(np.int32)


class RoutingKit:
    """`routingkit-cch`: customizable contraction hierarchies in C++, targets pinned."""

    name = "routingkit-cch"

    def __init__(self, links: Links) -> None:
        import routingkit_cch as kit  # noqa: PLC0415 - a peer that need not be installed

        tail, head = links.tail.tolist(), links.head.tolist()
        order = kit.compute_order_inertial(
            links.states, tail, head, links.lat.tolist(), links.lon.tolist()
        )
        self._kit = kit
        self._cch = kit.CCH(order, tail, head, False)
        self._weights: list[int] = links.time_ds.tolist()
        self._metric = kit.CCHMetric(self._cch, self._weights)

    def table(self, origins: NDArray[np.int32], destinations: NDArray[np.int32]) -> Times:
        """Return times between nodes, int32 (n, m)."""
        pinned = self._kit.CCHOneToMany(self._metric, destinations.tolist())
        rows = [pinned.distances_from(origin) for origin in origins.tolist()]
        return np.array(
            [[UNREACHABLE_S if x is None else x for x in row] for row in rows], dtype=np.int32
        )

    def table_unread(self, origins: NDArray[np.int32], destinations: NDArray[np.int32]) -> None:
        """Search the same table and leave the answer in Python's lists, as it comes."""
        pinned = self._kit.CCHOneToMany(self._metric, destinations.tolist())
        for origin in origins.tolist():
            pinned.distances_from(origin)

    def update(self) -> None:
        """Take all weights anew into the buffers there are."""
        self._metric.reset(self._weights)


class Tree:
    """A shapely STRtree over the edges a mode may use."""

    name = "shapely STRtree"

    def __init__(self, network: RoadNetwork, mode: Mode) -> None:
        usable = np.flatnonzero(network.times_ds(mode).any(axis=0))
        start = network.arrays.point_start
        counts = np.diff(start)[usable]
        points = np.concatenate([np.arange(start[e], start[e + 1]) for e in usable])
        degrees = network.arrays.point_e7[points] / E7
        self._shrink = np.array([np.cos(np.radians(degrees[:, 1].mean())), 1.0])
        index = np.repeat(np.arange(len(usable)), counts)
        self._lines = shapely.linestrings(degrees * self._shrink, indices=index)
        self._tree = shapely.STRtree(self._lines)

    def snap(self, places: NDArray[np.float64]) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        """Return the nearest edge of each place and the fraction along it."""
        points = shapely.points(places * self._shrink)
        asked, edge = self._tree.query_nearest(points, all_matches=False)
        return edge, shapely.line_locate_point(self._lines[edge], points[asked], normalized=True)


def graphml_loader(network: RoadNetwork, mode: Mode, path: Any) -> Callable[[], object]:
    """Save a mode's roads as OSMnx does, and return what loads them."""
    import networkx as nx  # noqa: PLC0415 - peers that need not be installed
    import osmnx  # noqa: PLC0415

    graph = nx.MultiDiGraph(crs="epsg:4326", simplified=True)
    places = network.arrays.node_e7 / E7
    times = network.times_ds(mode)
    ends = network.arrays.edge_nodes
    both_ways = np.asarray(times.all(axis=0))
    for node in np.unique(ends[times.any(axis=0)]).tolist():
        graph.add_node(node, x=float(places[node, 0]), y=float(places[node, 1]), street_count=3)
    for edge in np.flatnonzero(times.any(axis=0)).tolist():
        line = shapely.LineString(network.line(edge))
        first, last = ends[edge].tolist()
        for against, (begin, end) in enumerate(((first, last), (last, first))):
            if times[against, edge]:
                graph.add_edge(
                    begin,
                    end,
                    osmid=int(network.arrays.edge_way[edge]),
                    highway=network.classes[network.arrays.edge_class[edge]],
                    name=network.name(edge),
                    oneway=not both_ways[edge],
                    reversed=bool(against),
                    length=float(network.arrays.edge_length_dm[edge] / 10),
                    geometry=line.reverse() if against else line,
                )
    osmnx.save_graphml(graph, path)
    return lambda: osmnx.load_graphml(path)
