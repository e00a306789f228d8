"""From OpenStreetMap's ways to the arrays of a road network.

Ways are cut where they meet, where what the tags mean changes, at signals and where turns are
restricted; what is left of chains of nodes that only join two pieces alike becomes one edge with
geometry.  Of each mode the largest strongly connected part is kept, turns counted, so that every
place on the map can be reached from, and can reach, every other; what is left out is counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from geo.arrays import (
    FLAG_AVOID_SNAP,
    FLAG_FREE_AGAINST,
    FLAG_FREE_ALONG,
    NODE_SIGNALS,
    NetworkArrays,
)
from geo.osm import OsmMap, Tags, Way
from geo.osm_access import (
    CAR_KMH,
    CLASSES,
    CLOSED,
    MODES,
    RULE_TAGS,
    Signals,
    Speeds,
    blocked_modes,
    signals,
    speeds,
)
from geo.plane import E7, M_PER_DEGREE, flat_length_m
from geo.restrictions import Arm, RuleBook, Turns
from geo.turns import mode_graph, strongly_connected
from geo.types import LonLat, Mode

SIGNALS_APART_M: Final = 30.0
"""Signals of a crossing and of a junction that are nearer to each other are one set of signals."""

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
    """A network ready to be written, and what became of the input.

    Attributes
    ----------
    signals, restrictions
        How many nodes have signals that somebody waits for; how many turn restrictions were used.
    left_out
        What of the map could not be used, besides roads: how many, by what it is and why.
    """

    arrays: NetworkArrays
    names: tuple[str, ...]
    counts: Mapping[Mode, ModeCounts]
    signals: int = 0
    restrictions: int = 0
    left_out: Mapping[str, int] = field(default_factory=dict)


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


class _End(NamedTuple):
    """The way that a stretch ends with, and whether that way is drawn away from the end."""

    way_id: int
    drawn_away: bool


class _Stretch(NamedTuple):
    """A piece of street between two nodes that matter; of one way, or of several joined."""

    nodes: tuple[int, ...]
    meaning: _Meaning
    way_id: int
    first: _End
    last: _End


def build_graph(osm: OsmMap) -> Graph:
    """Build the network of all modes.

    Parameters
    ----------
    osm
        Ways, positions, barriers, signals and turn restrictions.

    Returns
    -------
    Graph
        Without edges when no way is usable by any mode.
    """
    rules = RuleBook(osm.restrictions, osm.ways)
    lights = _lights(osm)
    crossings = {node for node, light in lights.items() if light is Signals.CROSSING}
    cut_at = rules.nodes | (lights.keys() - crossings)
    stretches = _join_chains(list(_cut(osm, cut_at)), cut_at)
    whole, node_ids, names = _to_arrays(stretches, osm)
    whole = _with_signals(whole, node_ids, stretches, lights)
    turns = rules.turns(_arms(stretches, rules.nodes), _open_to(whole.time_ds))
    whole = replace(whole, **turns._asdict())

    time_ds = whole.time_ds.copy()
    counts = {}
    for row, mode in enumerate(MODES):
        inside = strongly_connected(mode_graph(whole, mode, CLASSES))
        time_ds[row][~inside.reshape(-1, 2).T] = 0
        counts[mode] = _counts(whole, whole.time_ds[row], time_ds[row])
    arrays, names = _used(replace(whole, time_ds=time_ds), names)
    return Graph(
        arrays,
        names,
        counts,
        signals=int(np.count_nonzero(arrays.node_flags & NODE_SIGNALS)),
        restrictions=rules.used,
        left_out=dict(sorted((rules.left_out + Counter(osm.unread)).items())),
    )


# --- from ways to stretches ----------------------------------------------------------------------


class _Meanings:
    """What ways mean; asked once for each combination of tags that matter."""

    def __init__(self) -> None:
        self._speeds: dict[tuple[str | None, ...], tuple[Speeds, ...]] = {}

    def of(self, tags: Tags) -> _Meaning | None:
        key = tuple(map(tags.get, RULE_TAGS))
        of_modes = self._speeds.get(key)
        if of_modes is None:
            of_modes = self._speeds[key] = speeds(tags)
        if all(speed == CLOSED for speed in of_modes):
            return None
        under = tags.get("tunnel", "no") != "no" or tags["highway"] in ("motorway", "motorway_link")
        name = " ".join((tags.get("name") or tags.get("ref") or "").split())
        flags = FLAG_AVOID_SNAP if under else 0
        return _Meaning(_CLASS_INDEX[tags["highway"]], name, flags, of_modes)


def _cut(osm: OsmMap, cut_at: Collection[int]) -> Iterator[_Stretch]:
    """Cut the usable ways at junctions, at the extract's edge, at barriers and where told."""
    meanings_of = _Meanings()
    usable = [(way, found) for way in osm.ways if (found := meanings_of.of(way.tags)) is not None]
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
        first, final = _End(way_id, drawn_away=True), _End(way_id, drawn_away=False)
        for index in range(1, len(run)):
            node = run[index]
            if (
                index == len(run) - 1
                or uses[node] > 1
                or node in cut_at
                or meanings[index] != meanings[index - 1]
            ):
                nodes = run[start : index + 1]
                yield _Stretch(nodes, meanings[index - 1], way_id, first, final)
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


def _join_chains(stretches: Sequence[_Stretch], cut_at: Collection[int]) -> list[_Stretch]:
    """Join stretches that meet in a node where nothing else does and nothing changes."""
    ends: dict[int, list[int]] = {}
    for index, stretch in enumerate(stretches):
        ends.setdefault(stretch.nodes[0], []).append(index)
        ends.setdefault(stretch.nodes[-1], []).append(index)

    def joins(node: int, index: int) -> int | None:
        """Return the other stretch to be joined at a node, if there is one."""
        here = ends[node]
        if len(here) != _CHAIN_ENDS or here[0] == here[1] or node in cut_at:
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
        outer = [stretch.first, stretch.last]
        for at_front in (False, True):
            current = index
            while True:
                node = nodes[0] if at_front else nodes[-1]
                other = joins(node, current)
                if other is None or done[other]:
                    break
                done[other] = True
                more = stretches[other]
                way_id = min(way_id, more.way_id)
                begins_here = more.nodes[0] == node
                outer[0 if at_front else 1] = more.last if begins_here else more.first
                added = more.nodes if begins_here else more.nodes[::-1]
                if at_front:
                    nodes[:0] = added[:0:-1]
                else:
                    nodes += added[1:]
                current = other
        joined.append(_Stretch(tuple(nodes), stretch.meaning, way_id, *outer))
    return joined


# --- signals and turns ---------------------------------------------------------------------------


def _lights(osm: OsmMap) -> dict[int, Signals]:
    """Return the nodes with signals.

    Where people cross a street away from any junction, the signals of the crossing hold up the
    street as well.  Near a junction with signals they do not: who drives there has waited.
    """
    found = {
        node: light
        for node, tags in osm.node_tags.items()
        if node in osm.positions and (light := signals(tags)) is not None
    }
    crossings = [node for node, light in found.items() if light is Signals.CROSSING]
    junctions = [node for node, light in found.items() if light is not Signals.CROSSING]
    distance_m = np.full(len(crossings), np.inf)
    if crossings and junctions:
        places = np.array([osm.positions[node] for node in (*crossings, *junctions)])
        places[:, 0] *= np.cos(np.radians(places[:, 1].mean()))
        places *= M_PER_DEGREE
        # Only who builds a city wants it, and its import takes a tenth of a second.
        from scipy.spatial import cKDTree  # noqa: PLC0415

        tree = cKDTree(places[len(crossings) :])
        distance_m, _ = tree.query(places[: len(crossings)])
    for node, metres in zip(crossings, distance_m, strict=True):
        if metres > SIGNALS_APART_M:
            found[node] = Signals.ALL
    return found


def _with_signals(
    arrays: NetworkArrays,
    node_ids: NDArray[np.int64],
    stretches: Sequence[_Stretch],
    lights: Mapping[int, Signals],
) -> NetworkArrays:
    """Mark the nodes with signals, and the streets that leave them without waiting."""
    waits = np.zeros(len(node_ids), dtype=bool)
    edge_flags = arrays.edge_flags.copy()
    for edge, stretch in enumerate(stretches):
        for side, flag in enumerate((FLAG_FREE_ALONG, FLAG_FREE_AGAINST)):
            light = lights.get(stretch.nodes[-side])
            if light is None:
                continue
            if _holds_up(light, stretch, stretch.last if side else stretch.first):
                waits[arrays.edge_nodes[edge, side]] = True
            else:
                edge_flags[edge] |= flag
    node_flags = np.where(waits, NODE_SIGNALS, 0).astype(np.uint8)
    return replace(arrays, node_flags=node_flags, edge_flags=edge_flags)


def _holds_up(light: Signals, stretch: _Stretch, end: _End) -> bool:
    """Tell whether who leaves a node by this end of a stretch waits there."""
    if light is Signals.CROSSING:
        return CLASSES[stretch.meaning.road_class] not in CAR_KMH
    if light is Signals.ALL:
        return True
    return end.drawn_away is (light is Signals.FORWARD)


def _arms(stretches: Sequence[_Stretch], nodes: Collection[int]) -> dict[int, list[Arm]]:
    """Return the streets that leave each of some nodes."""
    arms: dict[int, list[Arm]] = {node: [] for node in nodes}
    for edge, stretch in enumerate(stretches):
        first, last = stretch.nodes[0], stretch.nodes[-1]
        if first in arms:
            arms[first].append(Arm(stretch.first.way_id, 2 * edge, last))
        if last in arms:
            arms[last].append(Arm(stretch.last.way_id, 2 * edge + 1, first))
    return arms


def _open_to(time_ds: NDArray[np.int32]) -> NDArray[np.int64]:
    """Return for each arc one bit for each mode that may drive it, int64 (2E,)."""
    bits = (np.int64(1) << np.arange(len(MODES), dtype=np.int64))[:, None, None]
    return np.asarray(((time_ds > 0) * bits).sum(axis=0).T.reshape(-1))


# --- arrays --------------------------------------------------------------------------------------


def _to_arrays(
    stretches: Sequence[_Stretch], osm: OsmMap
) -> tuple[NetworkArrays, NDArray[np.int64], tuple[str, ...]]:
    """Return the arrays of all stretches, the number of each node on the map, and the names."""
    flat_nodes = [node for stretch in stretches for node in stretch.nodes]
    points = np.array([osm.positions[node] for node in flat_nodes], dtype=np.float64)
    points_e7 = np.rint(points.reshape(-1, 2) * E7).astype(np.int32)
    sizes = np.array([len(stretch.nodes) for stretch in stretches], dtype=np.int64)
    start = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32)
    length_m = _lengths(points_e7, start)

    ids = np.array([(s.nodes[0], s.nodes[-1]) for s in stretches], dtype=np.int64).reshape(-1, 2)
    node_ids, ends = np.unique(ids, return_inverse=True)
    edge_nodes = ends.reshape(-1, 2).astype(np.int32)
    node_e7 = np.empty((len(node_ids), 2), dtype=np.int32)
    node_e7[edge_nodes[:, 0]] = points_e7[start[:-1]]
    node_e7[edge_nodes[:, 1]] = points_e7[start[1:] - 1]

    names = ("", *sorted({s.meaning.name for s in stretches} - {""}))
    name_index = {name: index for index, name in enumerate(names)}
    nothing = np.zeros(0, dtype=np.int32)
    arrays = NetworkArrays(
        node_e7=node_e7,
        edge_nodes=edge_nodes,
        edge_length_dm=np.maximum(np.rint(length_m * 10), 1).astype(np.int32),
        edge_class=np.array([s.meaning.road_class for s in stretches], dtype=np.uint8),
        edge_name=np.array([name_index[s.meaning.name] for s in stretches], dtype=np.int32),
        edge_flags=np.array([s.meaning.flags for s in stretches], dtype=np.uint8),
        edge_way=np.array([s.way_id for s in stretches], dtype=np.int64),
        point_start=start,
        point_e7=points_e7,
        time_ds=_times(stretches, length_m),
        node_flags=np.zeros(len(node_ids), dtype=np.uint8),
        turn_from=nothing,
        turn_via=nothing,
        turn_to=nothing,
        turn_modes=nothing.astype(np.uint8),
    )
    return arrays, node_ids, names


def _lengths(points_e7: NDArray[np.int32], start: NDArray[np.int32]) -> NDArray[np.float64]:
    degrees = points_e7 / E7
    pieces = flat_length_m(degrees[:-1], degrees[1:])
    before = np.concatenate([[0.0], np.cumsum(pieces)])
    # Pieces between the last point of one edge and the first of the next fall out of the sums.
    return np.asarray(before[np.maximum(start[1:] - 1, 0)] - before[start[:-1]])


def _times(stretches: Sequence[_Stretch], length_m: NDArray[np.float64]) -> NDArray[np.int32]:
    kmh = np.array([stretch.meaning.speeds for stretch in stretches]).reshape(-1, len(MODES), 2)
    with np.errstate(divide="ignore"):
        seconds = np.where(kmh > 0, length_m[:, None, None] * 3.6 / kmh, 0.0)
    tenths = np.where(kmh > 0, np.maximum(np.rint(seconds * 10), 1), 0).astype(np.int32)
    return np.ascontiguousarray(tenths.transpose(1, 2, 0))


def _counts(
    arrays: NetworkArrays, before: NDArray[np.int32], after: NDArray[np.int32]
) -> ModeCounts:
    """Count what was kept and what was left out, by a mode's times before and after."""
    usable, kept = (before > 0).any(axis=0), (after > 0).any(axis=0)
    left = usable & ~kept
    nodes = len(np.unique(arrays.edge_nodes[kept]))
    return ModeCounts(
        nodes=nodes,
        edges=int(kept.sum()),
        length_m=int(arrays.edge_length_dm[kept].sum() // 10),
        left_out_nodes=len(np.unique(arrays.edge_nodes[usable])) - nodes,
        left_out_edges=int(left.sum()),
        left_out_length_m=int(arrays.edge_length_dm[left].sum() // 10),
    )


def _used(arrays: NetworkArrays, names: Sequence[str]) -> tuple[NetworkArrays, tuple[str, ...]]:
    """Return the edges that some mode uses, with the nodes, names and turns that they need."""
    kept: NDArray[np.bool_] = np.asarray(arrays.time_ds.any(axis=(0, 1)))
    nodes, edge_nodes = np.unique(arrays.edge_nodes[kept], return_inverse=True)
    name_ids, edge_name = np.unique(np.append(arrays.edge_name[kept], 0), return_inverse=True)
    sizes = np.diff(arrays.point_start)
    used = NetworkArrays(
        node_e7=arrays.node_e7[nodes],
        edge_nodes=edge_nodes.reshape(-1, 2).astype(np.int32),
        edge_length_dm=arrays.edge_length_dm[kept],
        edge_class=arrays.edge_class[kept],
        edge_name=edge_name[:-1].astype(np.int32),
        edge_flags=arrays.edge_flags[kept],
        edge_way=arrays.edge_way[kept],
        point_start=np.concatenate([[0], np.cumsum(sizes[kept])]).astype(np.int32),
        point_e7=arrays.point_e7[np.repeat(kept, sizes)],
        time_ds=np.ascontiguousarray(arrays.time_ds[:, :, kept]),
        node_flags=arrays.node_flags[nodes],
        **_used_turns(arrays, kept)._asdict(),
    )
    return used, tuple(names[index] for index in name_ids)


def _used_turns(arrays: NetworkArrays, kept: NDArray[np.bool_]) -> Turns:
    """Return the forbidden turns that some mode could still make, with the new numbers of arcs."""
    arcs = np.stack([arrays.turn_from, arrays.turn_via, arrays.turn_to])
    open_to = np.where(arcs >= 0, _open_to(arrays.time_ds)[arcs], (1 << len(MODES)) - 1)
    modes = np.bitwise_and.reduce(open_to, axis=0) & arrays.turn_modes
    edge = np.cumsum(kept) - 1
    renumbered = np.where(arcs >= 0, 2 * edge[arcs >> 1] + (arcs & 1), -1)
    before, over, after = renumbered[:, modes > 0].astype(np.int32)
    return Turns(before, over, after, modes[modes > 0].astype(np.uint8))


def street_pieces(osm: OsmMap) -> Iterator[tuple[Way, list[LonLat]]]:
    """Yield every known way with the lines of it that lie in the extract, for the map."""
    for way in osm.ways:
        if way.tags.get("highway") not in _CLASS_INDEX:
            continue
        for run in _inside(way, osm.positions):
            yield way, [osm.positions[node] for node in run]
