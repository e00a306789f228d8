"""Shortest ways on a network whose weights change: a customizable contraction hierarchy.

The order of the nodes and the arcs that can arise depend on the streets alone and are found once
(`build_topology`); new weights are laid on in milliseconds (`customize`); then tables, single
ways and ways to everywhere are read off (Dibbelt, Strasser and Wagner 2016, "Customizable
Contraction Hierarchies", doi:10.1145/2886843; tables after Delling, Goldberg and Werneck 2011,
"Faster Batched Shortest Paths in Road Networks", doi:10.4230/OASIcs.ATMOS.2011.52).

Weights are pairs, compared by time first: the length is always that of a fastest way, the
shortest among the fastest.  So the table, the single way and Dijkstra agree whatever the ties.
Nothing here knows of streets or cities.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geo import hierarchy_kernels as kernels
from geo.hierarchy_kernels import Arcs, Climbers, Goals, Tables, Tree
from geo.hierarchy_lanes import LANE_BYTES
from geo.hierarchy_paths import Ends, Links, best_way
from geo.hierarchy_symbolic import Wedges
from geo.hierarchy_topology import Topology, build_topology, read_only
from geo.types import UNREACHABLE_S

__all__ = [
    "Buffers",
    "Metric",
    "Path",
    "Seeds",
    "Topology",
    "build_topology",
    "customize",
    "path",
    "reach",
    "reach_backwards",
    "table",
    "times",
    "warm_up",
]

Ints: TypeAlias = NDArray[np.int32]


class Seeds(NamedTuple):
    """Places, each a set of nodes with what it costs to get from the place to the node."""

    start: NDArray[np.int64]  # (n + 1,)
    node: Ints  # (k,)
    time_ds: Ints  # (k,)
    length_dm: Ints  # (k,)

    @classmethod
    def of_nodes(cls, nodes: ArrayLike) -> Seeds:
        """Make one place of each node, without any way to it."""
        node = np.ascontiguousarray(nodes, dtype=np.int32)
        nothing = np.zeros(len(node), np.int32)
        return cls(np.arange(len(node) + 1), node, nothing, nothing)


class Path(NamedTuple):
    """A way from one of the origin's seeds to one of the destination's."""

    time_ds: int  # with what the seeds cost
    length_dm: int
    origin_seed: int
    destination_seed: int
    links: Ints


class Buffers:
    """Room for a metric, to be used again once nobody reads the metric made in it."""

    def __init__(self, topology: Topology) -> None:
        arcs = len(topology.up_depth) + len(topology.down_depth)
        self.link = np.empty(topology.link_count, np.int64)
        self.weight = np.empty(arcs, np.int64)
        self.time_ds = np.empty(arcs, np.int32)


@dataclass(frozen=True, slots=True, eq=False)
class Metric:
    """A topology with weights; read by any number of threads."""

    topology: Topology
    up: Arcs
    down: Arcs
    up_time: Arcs
    down_time: Arcs
    up_wedges: Wedges
    down_wedges: Wedges
    tree: Tree
    links: Links


def customize(
    topology: Topology, time_ds: Ints, length_dm: Ints, into: Buffers | None = None
) -> Metric:
    """Lay weights on a topology.

    Parameters
    ----------
    time_ds : int32 (L,)
        Tenths of a second; UNREACHABLE_S or more closes the link.
    length_dm : int32 (L,)
        Decimetres.
    into : Buffers, optional
        Room whose former metric nobody reads any more.

    Raises
    ------
    ValueError
        If a weight is negative, the shapes do not fit, or all links together are too long.
    """
    time_ds = _weights(time_ds, "time_ds", topology.link_count)
    length_dm = _weights(length_dm, "length_dm", topology.link_count)
    room = into if into is not None else Buffers(topology)
    bad = kernels.load_weights(time_ds, length_dm, topology.link_slot, room.link, room.weight)
    if 0 <= bad < topology.link_count:
        raise ValueError(
            f"link {bad} has time_ds {time_ds[bad]} and length_dm {length_dm[bad]}: "
            "neither may be negative"
        )
    if bad >= 0:
        raise ValueError(
            f"the links' length_dm add up to more than {kernels.LINKS_LENGTH_LIMIT_DM}: "
            "split the network"
        )
    ups = len(topology.up_depth)
    kernels.relax(topology.triangles, room.weight, room.time_ds)
    return Metric(
        topology,
        Arcs(topology.up_start, topology.up_depth, room.weight[:ups]),
        Arcs(topology.down_start, topology.down_depth, room.weight[ups:]),
        Arcs(topology.up_start, topology.up_depth, room.time_ds[:ups]),
        Arcs(topology.down_start, topology.down_depth, room.time_ds[ups:]),
        topology.up_wedges,
        topology.down_wedges,
        Tree(topology.parent, topology.depth, topology.deepest),
        Links(topology.slot_start, topology.slot_link, room.link),
    )


def table(
    metric: Metric, origins: Seeds, destinations: Seeds, *, threads: int = 1
) -> tuple[Ints, Ints]:
    """Give the fastest ways between all origins and destinations.

    Returns
    -------
    time_ds, length_dm : int32 (n, m)
        Over the best seeds, with what these cost; UNREACHABLE_S where there is no way.

    Raises
    ------
    ValueError
        If seeds are malformed.
    """
    origins = _checked(metric.topology, origins, "origins")
    destinations = _checked(metric.topology, destinations, "destinations")
    # One piece of memory: large pieces come in large pages, which are quicker to fill first.
    both = np.empty((2, len(origins.start) - 1, len(destinations.start) - 1), np.int32)
    _fill(metric, origins, destinations, threads, both[0], both[1])
    return both[0], both[1]


def times(metric: Metric, origins: Seeds, destinations: Seeds, *, threads: int = 1) -> Ints:
    """Give what `table` gives, without the lengths and faster."""
    origins = _checked(metric.topology, origins, "origins")
    destinations = _checked(metric.topology, destinations, "destinations")
    time_ds = np.empty((len(origins.start) - 1, len(destinations.start) - 1), np.int32)
    _fill(metric, origins, destinations, threads, time_ds, np.empty((0, 0), np.int32))
    return time_ds


def path(metric: Metric, origin: Seeds, destination: Seeds) -> Path | None:
    """Give the fastest way between two places, None if there is none.

    Raises
    ------
    ValueError
        If seeds are malformed or there is more than one place at an end.
    """
    topology = metric.topology
    origin = _checked_single(topology, origin, "origin")
    destination = _checked_single(topology, destination, "destination")
    weight, origin_seed, destination_seed, links = best_way(
        Ends(*origin[1:]),
        Ends(*destination[1:]),
        topology.rank,
        metric.up,
        metric.down,
        metric.tree,
        metric.up_wedges,
        metric.down_wedges,
        metric.links,
    )
    if weight >= kernels.FAR:
        return None
    return Path(
        weight >> kernels.LENGTH_BITS,
        weight & kernels.LENGTH_MASK,
        origin_seed,
        destination_seed,
        links,
    )


def reach(metric: Metric, origin: Seeds, limit_ds: int) -> tuple[Ints, Ints]:
    """Give the ways from one place to every node.

    Returns
    -------
    time_ds, length_dm : int32 (N,)
        By node; UNREACHABLE_S where it takes longer than the limit.
    """
    return _reach(metric, origin, limit_ds, backwards=False)


def reach_backwards(metric: Metric, destination: Seeds, limit_ds: int) -> tuple[Ints, Ints]:
    """Give the ways from every node to one place, as `reach` does."""
    return _reach(metric, destination, limit_ds, backwards=True)


def warm_up() -> None:
    """Compile, or load from disk, all that answers need; not what ordering a city needs."""
    topology = Topology.of_arrays(
        {name: np.array(values, np.int32) for name, values in _THERE_AND_BACK.items()}
    )
    one = np.ones(2, np.int32)
    metric = customize(topology, one, one)
    place = Seeds.of_nodes([0])
    table(metric, place, place)
    times(metric, place, place)
    path(metric, place, Seeds.of_nodes([1]))
    reach(metric, place, 1)


# What build_topology makes of two nodes with a link each way.
_THERE_AND_BACK: dict[str, list[int]] = {
    "order": [0, 1],
    "rank": [0, 1],
    "parent": [1, -1],
    "depth": [1, 0],
    "up_start": [0, 1, 1],
    "up_depth": [0],
    "down_start": [0, 1, 1],
    "down_depth": [0],
    "up_wedge_start": [0, 0, 0],
    "up_wedge_arc": [],
    "up_wedge_first": [],
    "up_wedge_last": [],
    "down_wedge_start": [0, 0, 0],
    "down_wedge_arc": [],
    "down_wedge_first": [],
    "down_wedge_last": [],
    "link_slot": [0, 1],
    "slot_start": [0, 1, 2],
    "slot_link": [0, 1],
}


def _reach(metric: Metric, place: Seeds, limit_ds: int, *, backwards: bool) -> tuple[Ints, Ints]:
    topology = metric.topology
    place = _checked_single(topology, place, "place")
    time_ds = np.empty(topology.node_count, np.int32)
    length_dm = np.empty(topology.node_count, np.int32)
    rank = topology.rank[place.node]
    falling = np.argsort(-rank)
    up, down = (metric.down, metric.up) if backwards else (metric.up, metric.down)
    limit = (min(max(limit_ds, -1), UNREACHABLE_S - 1) + 1) << kernels.LENGTH_BITS
    kernels.sweep_all(
        up,
        down,
        metric.tree,
        topology.order,
        rank[falling],
        _packed(place)[falling],
        limit,
        time_ds,
        length_dm,
    )
    return time_ds, length_dm


def _fill(
    metric: Metric,
    origins: Seeds,
    destinations: Seeds,
    threads: int,
    time_ds: Ints,
    length_dm: Ints,
) -> None:
    """Fill a table; the side with fewer places climbs, the other is swept."""
    if not time_ds.size:
        return
    with_length = length_dm.size > 0
    up, down = (metric.up, metric.down) if with_length else (metric.up_time, metric.down_time)
    far = up.weight.dtype.type(kernels.FAR if with_length else UNREACHABLE_S)
    tables = Tables(time_ds, length_dm, len(destinations.start) < len(origins.start))
    if tables.across:
        up, down, origins, destinations = down, up, destinations, origins
    arguments = (
        up,
        down,
        metric.tree,
        _climbers(metric.topology, origins, far),
        _goals(metric, destinations, far),
        far,
        tables,
    )
    if threads == 1:
        kernels.sweep(*arguments, 0, 1)
        return
    with ThreadPoolExecutor(threads) as pool:
        parts = [pool.submit(kernels.sweep, *arguments, part, threads) for part in range(threads)]
        for part in parts:
            part.result()


def _climbers(topology: Topology, seeds: Seeds, far: np.integer[Any]) -> Climbers:
    """Sort places by rank, so that those of a block share most of their ancestors."""
    rank = topology.rank[seeds.node]
    if len(seeds.start) == 2:  # noqa: PLR2004 - one place, which shares its block with none
        falling = np.argsort(-rank)
        start, lane = np.array([0, len(rank)]), np.zeros(len(rank), np.int64)
        offset = _offsets(seeds, far)[falling]
        return Climbers(np.zeros(1, np.int64), start, rank[falling], lane, offset)
    count = np.diff(seeds.start)
    first = np.full(len(count), -1, np.int32)
    first[count > 0] = rank[seeds.start[:-1][count > 0]]
    line = np.argsort(first)
    position = np.empty(len(line), np.int64)
    position[line] = np.arange(len(line))
    width = LANE_BYTES // far.itemsize
    block, lane = np.divmod(np.repeat(position, count), width)
    by_block = np.argsort((block + 1) * topology.node_count - rank)
    blocks = np.arange((len(count) + width - 1) // width + 1)
    start = np.searchsorted(block[by_block], blocks)
    return Climbers(line, start, rank[by_block], lane[by_block], _offsets(seeds, far)[by_block])


def _goals(metric: Metric, seeds: Seeds, far: np.integer[Any]) -> Goals:
    rank = metric.topology.rank[seeds.node]
    falling = np.argsort(-rank)
    column_goal = np.empty(len(falling), np.int64)
    column_goal[falling] = np.arange(len(falling))
    rank = rank[falling]
    swept = kernels.ancestors(rank, metric.tree)
    return Goals(swept, rank, _offsets(seeds, far)[falling], seeds.start, column_goal)


def _offsets(seeds: Seeds, far: np.integer[Any]) -> NDArray[Any]:
    return _packed(seeds) if far.itemsize == kernels.PACKED_BYTES else seeds.time_ds


def _packed(seeds: Seeds) -> NDArray[np.int64]:
    return (seeds.time_ds.astype(np.int64) << kernels.LENGTH_BITS) + seeds.length_dm


def _weights(values: Ints, name: str, link_count: int) -> Ints:
    if values.dtype != np.int32 or values.shape != (link_count,):
        raise ValueError(
            f"{name} is {values.dtype} {values.shape}: give int32 for each of {link_count} links"
        )
    return read_only(values)


def _checked_single(topology: Topology, seeds: Seeds, name: str) -> Seeds:
    if len(seeds.start) != 2:  # noqa: PLR2004 - from where to where the one place's seeds run
        raise ValueError(f"{name} holds {len(seeds.start) - 1} places: give exactly one")
    return _checked(topology, seeds, name)


def _checked(topology: Topology, seeds: Seeds, name: str) -> Seeds:
    """Give seeds as kernels take them; ValueError if they are malformed."""
    count = len(seeds.node)
    for part, kind in zip(Seeds._fields, _SEED_TYPES, strict=True):
        values: NDArray[Any] = getattr(seeds, part)
        size = len(values) if part == "start" else count
        if values.dtype != kind or values.shape != (size,):
            raise ValueError(
                f"{name}: {part} is {values.dtype} {values.shape} instead of {kind} ({size},)"
            )
    start, node, time_ds, length_dm = (
        read_only(values) for values in (seeds.start, seeds.node, seeds.time_ds, seeds.length_dm)
    )
    fault, i = kernels.first_fault(start, node, time_ds, length_dm, topology.node_count)
    if fault == kernels.FAULTY_START:
        raise ValueError(f"{name}: start must rise from 0 to the number of seeds, {count}")
    if fault == kernels.FAULTY_NODE:
        raise ValueError(
            f"{name}: node {node[i]} is outside the network's 0 to {topology.node_count - 1}"
        )
    if fault == kernels.FAULTY_OFFSET:
        raise ValueError(
            f"{name}: seed {i} has time_ds {time_ds[i]} and length_dm {length_dm[i]}: they must be "
            f"at least 0, the time below {UNREACHABLE_S}, the length at most "
            f"{kernels.OFFSET_LENGTH_LIMIT_DM}"
        )
    return Seeds(start, node, time_ds, length_dm)


_SEED_TYPES = (np.dtype(np.int64), np.dtype(np.int32), np.dtype(np.int32), np.dtype(np.int32))
