"""From OpenStreetMap's ways to the arrays of a road network.

Ways are cut where they meet and where what the tags mean changes; what is left of chains of nodes
that only join two pieces alike becomes one edge with geometry.  Of each mode the largest strongly
connected part is kept, so that every place on the map can be reached from, and can reach, every
other; what is left out is counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from geo.network import E7, FLAG_AVOID_SNAP, NetworkArrays, flat_length_m
from geo.osm import OsmMap, Tags, Way
from geo.osm_access import CLASSES, CLOSED, MODES, Speeds, blocked_modes, speeds
from geo.types import LonLat, Mode

_CLASS_INDEX: Final = {name: index for index, name in enumerate(CLASSES)}
_CHAIN_ENDS: Final = 2


@dataclass(frozen=True, slots=True)
class ModeCounts:
    """What was kept of one mode's roads, and what was left out as unconnected."""

    nodes: int
    edges: int
    length_m: int
    left_out_nodes: int
    left_out_edges: int
    left_out_length_m: int


@dataclass(frozen=True, slots=True)
class Graph:
    """A network ready to be written, and what became of the input."""

    arrays: NetworkArrays
    names: tuple[str, ...]
    counts: Mapping[Mode, ModeCounts]


class _Meaning(NamedTuple):
    """All that tells one stretch of street from the next; stretches alike are joined."""

    road_class: int
    name: str
    flags: int
    speeds: tuple[Speeds, ...]

    def reversed(self) -> _Meaning:
        return self._replace(
            speeds=tuple(Speeds(s.backward_kmh, s.forward_kmh) for s in self.speeds)
        )


class _Stretch(NamedTuple):
    """A piece of one way between two nodes that matter; `nodes` in the order drawn."""

    nodes: tuple[int, ...]
    meaning: _Meaning
    way_id: int


def build_graph(osm: OsmMap) -> Graph:
    """Build the network of all modes.

    Parameters
    ----------
    osm
        Ways, positions and barriers.

    Returns
    -------
    Graph
        Without edges when no way is usable by any mode.
    """
    stretches = _join_chains(list(_cut(osm)))
    return _to_arrays(stretches, osm)


def _meaning(tags: Tags) -> _Meaning | None:
    of_modes = speeds(tags)
    if all(speed == CLOSED for speed in of_modes):
        return None
    under = tags.get("tunnel", "no") != "no" or tags["highway"] in ("motorway", "motorway_link")
    name = " ".join((tags.get("name") or tags.get("ref") or "").split())
    return _Meaning(_CLASS_INDEX[tags["highway"]], name, FLAG_AVOID_SNAP if under else 0, of_modes)


def _cut(osm: OsmMap) -> Iterator[_Stretch]:
    """Cut the usable ways at junctions, at the extract's edge and at barriers."""
    usable = [(way, meaning) for way in osm.ways if (meaning := _meaning(way.tags)) is not None]
    blocked = {
        node: stopped for node, tags in osm.node_tags.items() if (stopped := blocked_modes(tags))
    }
    runs = [
        (run, meaning, way.way_id) for way, meaning in usable for run in _inside(way, osm.positions)
    ]
    uses = Counter(node for run, _, _ in runs for node in run)
    for run, meaning, way_id in runs:
        start = 0
        meanings = _with_barriers(run, meaning, blocked)
        for index in range(1, len(run)):
            last = index == len(run) - 1
            if last or uses[run[index]] > 1 or meanings[index] != meanings[index - 1]:
                yield _Stretch(run[start : index + 1], meanings[index - 1], way_id)
                start = index


def _inside(way: Way, positions: Mapping[int, object]) -> Iterator[tuple[int, ...]]:
    """Yield the runs of at least two different nodes that lie in the extract."""
    run: list[int] = []
    for node in way.nodes:
        if node not in positions:
            if len(run) > 1:
                yield tuple(run)
            run = []
        elif not run or run[-1] != node:
            run.append(node)
    if len(run) > 1:
        yield tuple(run)


def _with_barriers(
    run: tuple[int, ...], meaning: _Meaning, blocked: Mapping[int, frozenset[Mode]]
) -> list[_Meaning]:
    """Return the meaning of each piece between neighbours; next to a barrier one is closed.

    One piece is enough to keep a mode from passing, and leaves it the street up to the barrier.
    """
    meanings = [meaning] * (len(run) - 1)
    for index, node in enumerate(run):
        if stopped := blocked.get(node):
            piece = min(index, len(meanings) - 1)
            meanings[piece] = meanings[piece]._replace(
                speeds=tuple(
                    CLOSED if mode in stopped else speed
                    for mode, speed in zip(MODES, meanings[piece].speeds, strict=True)
                )
            )
    return meanings


def _join_chains(stretches: Sequence[_Stretch]) -> list[_Stretch]:
    """Join stretches that meet in a node where nothing else does and nothing changes."""
    ends: dict[int, list[int]] = {}
    for index, stretch in enumerate(stretches):
        ends.setdefault(stretch.nodes[0], []).append(index)
        ends.setdefault(stretch.nodes[-1], []).append(index)

    def joins(node: int, index: int) -> int | None:
        """Return the other stretch to be joined at a node, if there is one."""
        here = ends[node]
        if len(here) != _CHAIN_ENDS or here[0] == here[1]:
            return None
        other = here[0] if here[1] == index else here[1]
        first, second = stretches[index], stretches[other]
        same_way_round = (first.nodes[-1] == node) == (second.nodes[0] == node)
        meaning = second.meaning if same_way_round else second.meaning.reversed()
        return other if first.meaning == meaning else None

    joined: list[_Stretch] = []
    done = [False] * len(stretches)
    for index, stretch in enumerate(stretches):
        if done[index]:
            continue
        done[index] = True
        nodes = list(stretch.nodes)
        way_id = stretch.way_id
        for at_front in (False, True):
            current = index
            while True:
                node = nodes[0] if at_front else nodes[-1]
                other = joins(node, current)
                if other is None or done[other]:
                    break
                done[other] = True
                more = stretches[other].nodes
                way_id = min(way_id, stretches[other].way_id)
                if at_front:
                    nodes[:0] = more[:-1] if more[-1] == node else tuple(reversed(more))[:-1]
                else:
                    nodes += more[1:] if more[0] == node else tuple(reversed(more))[1:]
                current = other
        joined.append(_Stretch(tuple(nodes), stretch.meaning, way_id))
    return joined


def _to_arrays(stretches: Sequence[_Stretch], osm: OsmMap) -> Graph:
    flat_nodes = [node for stretch in stretches for node in stretch.nodes]
    points = np.array([osm.positions[node] for node in flat_nodes], dtype=np.float64)
    points_e7 = np.rint(points.reshape(-1, 2) * E7).astype(np.int32)
    sizes = np.array([len(stretch.nodes) for stretch in stretches], dtype=np.int64)
    start = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32)
    length_m = _lengths(points_e7, start)

    ids = np.array([(s.nodes[0], s.nodes[-1]) for s in stretches], dtype=np.int64).reshape(-1, 2)
    distinct, edge_nodes = np.unique(ids, return_inverse=True)
    edge_nodes = edge_nodes.reshape(-1, 2).astype(np.int32)
    time_ds = _times(stretches, length_m)
    length_dm = np.maximum(np.rint(length_m * 10), 1).astype(np.int32)

    counts = {}
    for row, mode in enumerate(MODES):
        counts[mode] = _keep_largest(time_ds[row], edge_nodes, len(distinct), length_dm)

    kept: NDArray[np.bool_] = np.asarray(time_ds.any(axis=(0, 1)))
    used, edge_nodes = np.unique(edge_nodes[kept], return_inverse=True)
    at = {int(node): osm.positions[int(node)] for node in distinct[used]}
    names = sorted(
        {stretch.meaning.name for stretch, keep in zip(stretches, kept, strict=True) if keep}
    )
    names = ["", *(name for name in names if name)]
    name_index = {name: index for index, name in enumerate(names)}
    chosen = [stretch for stretch, keep in zip(stretches, kept, strict=True) if keep]
    point_kept = np.repeat(kept, sizes)
    arrays = NetworkArrays(
        node_e7=np.rint(np.array(list(at.values())).reshape(-1, 2) * E7).astype(np.int32),
        edge_nodes=edge_nodes.reshape(-1, 2).astype(np.int32),
        edge_length_dm=length_dm[kept],
        edge_class=np.array([s.meaning.road_class for s in chosen], dtype=np.uint8),
        edge_name=np.array([name_index[s.meaning.name] for s in chosen], dtype=np.int32),
        edge_flags=np.array([s.meaning.flags for s in chosen], dtype=np.uint8),
        edge_way=np.array([s.way_id for s in chosen], dtype=np.int64),
        point_start=np.concatenate([[0], np.cumsum(sizes[kept])]).astype(np.int32),
        point_e7=points_e7[point_kept],
        time_ds=np.ascontiguousarray(time_ds[:, :, kept]),
    )
    return Graph(arrays, tuple(names), counts)


def _lengths(points_e7: NDArray[np.int32], start: NDArray[np.int32]) -> NDArray[np.float64]:
    degrees = points_e7 / E7
    pieces = flat_length_m(degrees[:-1], degrees[1:])
    before = np.concatenate([[0.0], np.cumsum(pieces)])
    # Pieces between the last point of one edge and the first of the next fall out of the sums.
    return np.asarray(before[np.maximum(start[1:] - 1, 0)] - before[start[:-1]])


def _times(stretches: Sequence[_Stretch], length_m: NDArray[np.float64]) -> NDArray[np.int32]:
    kmh = np.array(
        [[(s.forward_kmh, s.backward_kmh) for s in stretch.meaning.speeds] for stretch in stretches]
    ).reshape(-1, len(MODES), 2)
    with np.errstate(divide="ignore"):
        seconds = np.where(kmh > 0, length_m[:, None, None] * 3.6 / kmh, 0.0)
    tenths = np.where(kmh > 0, np.maximum(np.rint(seconds * 10), 1), 0).astype(np.int32)
    return np.ascontiguousarray(tenths.transpose(1, 2, 0))


def _keep_largest(
    times: NDArray[np.int32],
    edge_nodes: NDArray[np.integer],
    node_count: int,
    length_dm: NDArray[np.int32],
) -> ModeCounts:
    """Set to 0 every time outside the mode's largest strongly connected part; count both."""
    first, last = edge_nodes.T
    along, against = times[0] > 0, times[1] > 0
    tail = np.concatenate([first[along], last[against]])
    head = np.concatenate([last[along], first[against]])
    ones = np.ones(len(tail), dtype=np.int8)
    matrix = csr_array((ones, (tail, head)), shape=(node_count, node_count))
    usable = along | against
    touched = np.unique(edge_nodes[usable])
    if not len(touched):
        return ModeCounts(0, 0, 0, 0, 0, 0)
    _, label = connected_components(matrix, directed=True, connection="strong")
    sizes = np.bincount(label[touched])
    # Of equally large parts the one with the smallest node is kept, whatever the labels are.
    largest = label[next(node for node in touched if sizes[label[node]] == sizes.max())]
    inside = (label[first] == largest) & (label[last] == largest)
    times[:, ~inside] = 0
    kept, left = usable & inside, usable & ~inside
    kept_nodes = len(np.unique(edge_nodes[kept]))
    return ModeCounts(
        nodes=kept_nodes,
        edges=int(kept.sum()),
        length_m=int(length_dm[kept].sum() // 10),
        left_out_nodes=len(touched) - kept_nodes,
        left_out_edges=int(left.sum()),
        left_out_length_m=int(length_dm[left].sum() // 10),
    )


def street_pieces(osm: OsmMap) -> Iterator[tuple[Way, list[LonLat]]]:
    """Yield every known way with the lines of it that lie in the extract, for the map."""
    for way in osm.ways:
        if way.tags.get("highway") not in _CLASS_INDEX:
            continue
        for run in _inside(way, osm.positions):
            yield way, [osm.positions[node] for node in run]
