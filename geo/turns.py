"""One mode's directed graph with its turns: what a search runs on.

A search over nodes cannot know where a vehicle came from, so it cannot forbid a turn or charge
for it.  A search over arcs can, but has three times as much to do.  So a node is split, into one
state per arc that leads to it, only where it matters: at turn restrictions, at junctions with a
street of some size, and so near behind both that a free U-turn would cheat (Geisberger & Vetter
2011, "Efficient routing in road networks with turn costs", doi:10.1007/978-3-642-20662-7_9,
weigh the two forms).  A restriction that runs over a way between two junctions has a state of
its own: "on this street, come from that one".

Facts used here and where they stand:

* Waiting at signals 2 s, turning round 20 s, a turn at a right angle 5.4 s across the oncoming
  traffic and 2.1 s to the near side by car, 8.4 s and 4.3 s by bicycle: what OSRM's car and bicycle
  profiles work out from their defaults (7.5 s with bias 1.075; 6 s with bias 1.4).  A smaller
  angle costs by its square, as in the bicycle profile; a sharper one as much as a right angle.
* OSRM and Valhalla let cars turn round at dead ends only, GraphHopper everywhere for 60 s (its
  documentation of turn restrictions, `u_turn_costs`).  Here 20 s where nothing else is left, and
  60 s where one could go on: no street becomes one without a way back.
* On foot 2 s at signals, 2 s for turning back, and turns are free: OSRM's foot profile.
* A scooter turns like a car, a cargo bike like a bicycle.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from geo.arrays import FLAG_FREE_AGAINST, FLAG_FREE_ALONG, NODE_SIGNALS, NetworkArrays
from geo.osm_access import MODES
from geo.plane import E7, flat_length_m
from geo.types import Mode

if TYPE_CHECKING:
    from scipy.sparse import csr_array


class TurnCosts(NamedTuple):
    """What a mode pays at a node, in seconds.

    Attributes
    ----------
    signal_s
        For waiting at traffic signals, whichever way one goes on.
    u_turn_s, turn_back_s
        For turning round where there is no other way, and where there is one.
    near_s, across_s
        For a turn at a right angle to the near side, and across the oncoming traffic.
    """

    signal_s: float
    u_turn_s: float
    turn_back_s: float
    near_s: float
    across_s: float

    def turning_s(self, angle: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the time of turns by their angle.

        Parameters
        ----------
        angle
            float64 (n,), degrees from straight on, -180 to 180: above 0 to the near side (right
            where one drives on the right), below 0 across the oncoming traffic.
        """
        side_s = np.where(angle > 0, self.near_s, self.across_s)
        return np.asarray(side_s * np.minimum(np.abs(angle) / _RIGHT_ANGLE, 1.0) ** 2)


_RIGHT_ANGLE: Final = 90.0
_CAR: Final = TurnCosts(2.0, u_turn_s=20.0, turn_back_s=60.0, near_s=2.1, across_s=5.4)
_BICYCLE: Final = TurnCosts(2.0, u_turn_s=20.0, turn_back_s=20.0, near_s=4.3, across_s=8.4)

TURN_COSTS: Final[Mapping[Mode, TurnCosts]] = {
    Mode.WALK: TurnCosts(2.0, u_turn_s=2.0, turn_back_s=2.0, near_s=0.0, across_s=0.0),
    Mode.BIKE: _BICYCLE,
    Mode.CARGO_BIKE: _BICYCLE,
    Mode.SCOOTER: _CAR,
    Mode.CAR: _CAR,
}

BUSY_CLASSES: Final = frozenset(
    name + link
    for name in ("motorway", "trunk", "primary", "secondary", "tertiary")
    for link in ("", "_link")
)
"""A junction with one of these is one where turning takes time."""

DETOUR_S: Final = 120.0
"""Within so much driving there and back around a turn restriction, turning round costs time.

Who may not turn left can drive on, turn round and come back.  Where turning round were free, that
would be taken before the way round the block; farther off than this every block is shorter."""

_ARMS: Final = 3
_BEARING_M: Final = 10.0
_DS_PER_S: Final = 10


class ModeGraph(NamedTuple):
    """One mode's directed graph of S states and L links; E edges, so 2E arcs.

    Attributes
    ----------
    state_node
        int32 (S,), the network node at which each state stands.
    arc_state
        int32 (2E,), the state reached at the end of an arc; -1 where the mode may not go.
    link_tail, link_head
        int32 (L,), states.
    link_arc
        int32 (L,), the arc that is driven, ascending, then by tail.
    link_turn_ds
        int32 (L,), the cost of signals and turn before it, tenths of a second; a link takes this
        and the time of its arc.
    entry_start
        int32 (2E + 1,): the links of arc `a` are `entry_start[a]:entry_start[a + 1]`.
    """

    state_node: NDArray[np.int32]
    arc_state: NDArray[np.int32]
    link_tail: NDArray[np.int32]
    link_head: NDArray[np.int32]
    link_arc: NDArray[np.int32]
    link_turn_ds: NDArray[np.int32]
    entry_start: NDArray[np.int32]


class _Turns(NamedTuple):
    """The forbidden turns that concern one mode, arcs int64; `via` is -1 at a node."""

    origin: NDArray[np.int64]
    via: NDArray[np.int64]
    to: NDArray[np.int64]


class _Arcs(NamedTuple):
    """Every arc's ends and time; `usable` where the time is above 0."""

    tail: NDArray[np.int32]
    head: NDArray[np.int32]
    time_ds: NDArray[np.int32]
    usable: NDArray[np.bool_]


class _Split(NamedTuple):
    """Nodes that have a state per incoming arc, and those of them where turning costs."""

    nodes: NDArray[np.bool_]
    junctions: NDArray[np.bool_]


class _States(NamedTuple):
    """States by node and incoming arc (-1 for the one state of a node that is not split).

    Those of via arcs come last; the i-th of them is for `via_key[i]`, ascending: the arc before
    times the number of arcs, plus the via arc.
    """

    node: NDArray[np.int32]
    arc: NDArray[np.int64]
    of_arc: NDArray[np.int32]
    via_key: NDArray[np.int64]


def mode_graph(
    arrays: NetworkArrays, mode: Mode, classes: Sequence[str], *, drive_left: bool = False
) -> ModeGraph:
    """Build the graph of a mode.

    Parameters
    ----------
    arrays
        The network; the modes of `time_ds` in the order of `geo.osm_access.MODES`.
    mode
        Whose graph; without usable edges it is empty.
    classes
        What `edge_class` indexes.
    drive_left
        Whether one drives on the left.

    Notes
    -----
    O(A log A) for A arcs, all of it in whole-array steps.  The same input gives the same arrays.
    """
    arcs = _arcs(arrays, mode)
    turns = _turns(arrays, mode, arcs)
    costs = TURN_COSTS[mode]
    split = _split(arrays, arcs, turns, costs, classes)
    states = _states(arcs, turns, split, len(arrays.node_e7))
    tail, arc = _steps(arcs, states, len(arrays.node_e7))
    allowed = ~_forbidden(tail, arc, states, turns, len(arcs.tail))
    tail, arc = tail[allowed], arc[allowed]
    order = np.lexsort((tail, arc))
    tail, arc = tail[order], arc[order]
    return ModeGraph(
        state_node=states.node,
        arc_state=states.of_arc,
        link_tail=tail.astype(np.int32),
        link_head=_heads(tail, arc, states, len(arcs.tail)),
        link_arc=arc.astype(np.int32),
        link_turn_ds=_turn_ds(arrays, tail, arc, states, split, costs, drive_left=drive_left),
        entry_start=np.searchsorted(arc, np.arange(len(arcs.tail) + 1)).astype(np.int32),
    )


def _arcs(arrays: NetworkArrays, mode: Mode) -> _Arcs:
    time_ds = np.ascontiguousarray(arrays.time_ds[MODES.index(mode)].T).reshape(-1)
    return _Arcs(
        tail=np.ascontiguousarray(arrays.edge_nodes).reshape(-1),
        head=np.ascontiguousarray(arrays.edge_nodes[:, ::-1]).reshape(-1),
        time_ds=time_ds,
        usable=time_ds > 0,
    )


def _turns(arrays: NetworkArrays, mode: Mode, arcs: _Arcs) -> _Turns:
    origin, via, to = (
        np.asarray(one, dtype=np.int64)
        for one in (arrays.turn_from, arrays.turn_via, arrays.turn_to)
    )
    concerned = (arrays.turn_modes >> MODES.index(mode)) & 1 > 0
    concerned &= arcs.usable[origin] & arcs.usable[to] & ((via < 0) | arcs.usable[via])
    return _Turns(origin[concerned], via[concerned], to[concerned])


# --- which nodes are split -----------------------------------------------------------------------


def _split(
    arrays: NetworkArrays,
    arcs: _Arcs,
    turns: _Turns,
    costs: TurnCosts,
    classes: Sequence[str],
) -> _Split:
    count = len(arrays.node_e7)
    restricted = np.zeros(count, dtype=bool)
    restricted[arcs.head[turns.origin]] = True
    restricted[arcs.head[turns.via[turns.via >= 0]]] = True
    junctions = np.zeros(count, dtype=bool)
    if costs.across_s > 0:
        busy_class = np.array([name in BUSY_CLASSES for name in classes], dtype=bool)
        usable = arcs.usable[0::2] | arcs.usable[1::2]
        busy = usable & busy_class[arrays.edge_class]
        arms = np.bincount(arrays.edge_nodes[usable].ravel(), minlength=count)
        has_busy = np.bincount(arrays.edge_nodes[busy].ravel(), minlength=count) > 0
        junctions = (arms >= _ARMS) & has_busy
    nodes = restricted | junctions
    worth_s = ((restricted, DETOUR_S), (junctions, costs.across_s))
    searched = [(around, saved_s) for around, saved_s in worth_s if around.any() and saved_s > 0]
    if searched:
        graph = _node_graph(arcs, count)
        for around, saved_s in searched:
            # Going there and back takes twice as long as getting there.
            nodes |= _within(graph, around, saved_s / 2 * _DS_PER_S)
    return _Split(nodes, junctions)


def _node_graph(arcs: _Arcs, count: int) -> csr_array:
    """Return the fastest arc between any two nodes as a matrix."""
    # Its import takes a third of a second, and only who builds a city wants it; so below.
    from scipy.sparse import csr_array  # noqa: PLC0415

    tail, head = arcs.tail[arcs.usable], arcs.head[arcs.usable]
    time = arcs.time_ds[arcs.usable]
    order = np.lexsort((time, head, tail))
    tail, head, time = tail[order], head[order], time[order]
    first = np.ones(len(order), dtype=bool)
    first[1:] = (np.diff(tail) != 0) | (np.diff(head) != 0)
    return csr_array(
        (time[first].astype(np.float64), (tail[first], head[first])), shape=(count, count)
    )


def _within(graph: csr_array, around: NDArray[np.bool_], limit_ds: float) -> NDArray[np.bool_]:
    """Return the nodes that are less than a limit behind one of some nodes."""
    from scipy.sparse.csgraph import dijkstra  # noqa: PLC0415

    sources = np.flatnonzero(around)
    reached = dijkstra(graph, indices=sources, limit=limit_ds, min_only=True)
    return np.asarray(reached < limit_ds)


# --- states and links ----------------------------------------------------------------------------


def _states(arcs: _Arcs, turns: _Turns, split: _Split, node_count: int) -> _States:
    used = np.zeros(node_count, dtype=bool)
    used[arcs.tail[arcs.usable]] = True
    used[arcs.head[arcs.usable]] = True
    whole = np.flatnonzero(used & ~split.nodes)
    incoming = np.flatnonzero(arcs.usable & split.nodes[arcs.head])
    node = np.concatenate([whole, arcs.head[incoming]])
    arc = np.concatenate([np.full(len(whole), -1), incoming])
    order = np.lexsort((arc, node))
    node, arc = node[order], arc[order]

    of_arc = np.full(len(arcs.tail), -1, dtype=np.int32)
    of_node = np.full(node_count, -1, dtype=np.int32)
    of_node[node[arc < 0]] = np.flatnonzero(arc < 0)
    into_whole = arcs.usable & ~split.nodes[arcs.head]
    of_arc[into_whole] = of_node[arcs.head[into_whole]]
    of_arc[arc[arc >= 0]] = np.flatnonzero(arc >= 0)

    over = turns.via >= 0
    via_key = np.unique(turns.origin[over] * len(arcs.tail) + turns.via[over])
    via = via_key % max(len(arcs.tail), 1)
    return _States(
        node=np.concatenate([node, arcs.head[via]]).astype(np.int32),
        arc=np.concatenate([arc, via]),
        of_arc=of_arc,
        via_key=via_key,
    )


def _steps(
    arcs: _Arcs, states: _States, node_count: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return every pair of a state and an arc that leaves its node."""
    leaving = np.flatnonzero(arcs.usable)
    leaving = leaving[np.argsort(arcs.tail[leaving], kind="stable")]
    start = np.searchsorted(arcs.tail[leaving], np.arange(node_count + 1))
    count = np.diff(start)[states.node]
    tail = np.repeat(np.arange(len(states.node)), count)
    nth = np.arange(len(tail)) - np.repeat(np.cumsum(count) - count, count)
    return tail, leaving[start[states.node[tail]] + nth]


def _forbidden(
    tail: NDArray[np.int64],
    arc: NDArray[np.int64],
    states: _States,
    turns: _Turns,
    arc_count: int,
) -> NDArray[np.bool_]:
    at_node, over = turns.via < 0, turns.via >= 0
    before = states.arc[tail]
    refused = np.asarray(
        np.isin(before * arc_count + arc, turns.origin[at_node] * arc_count + turns.to[at_node])
    )
    refused &= before >= 0
    key = turns.origin[over] * arc_count + turns.via[over]
    state = len(states.node) - len(states.via_key) + np.searchsorted(states.via_key, key)
    refused |= np.isin(tail * arc_count + arc, state * arc_count + turns.to[over])
    return refused


def _heads(
    tail: NDArray[np.int64], arc: NDArray[np.int64], states: _States, arc_count: int
) -> NDArray[np.int32]:
    head = states.of_arc[arc]
    if len(states.via_key):
        key = states.arc[tail] * arc_count + arc
        nth = np.searchsorted(states.via_key, key)
        nth[nth == len(states.via_key)] = 0
        over = (states.via_key[nth] == key) & (states.arc[tail] >= 0)
        head[over] = len(states.node) - len(states.via_key) + nth[over]
    return head


def _turn_ds(
    arrays: NetworkArrays,
    tail: NDArray[np.int64],
    arc: NDArray[np.int64],
    states: _States,
    split: _Split,
    costs: TurnCosts,
    *,
    drive_left: bool,
) -> NDArray[np.int32]:
    seconds = np.zeros(len(tail))
    before, node = states.arc[tail], states.node[tail]
    back = (before >= 0) & (arc == before ^ 1)
    ways = np.bincount(tail)[tail]
    seconds[back] = np.where(ways[back] > 1, costs.turn_back_s, costs.u_turn_s)
    turning = np.flatnonzero((before >= 0) & split.junctions[node] & ~back)
    if len(turning):
        bearing = bearings(arrays)
        angle = bearing[arc[turning]] - (bearing[before[turning] ^ 1] + 180.0)
        angle = (angle + 180.0) % 360.0 - 180.0
        seconds[turning] = costs.turning_s(-angle if drive_left else angle)
    signals = (arrays.node_flags[node] & NODE_SIGNALS) > 0
    free = np.where(arc & 1, FLAG_FREE_AGAINST, FLAG_FREE_ALONG)
    signals &= (arrays.edge_flags[arc >> 1] & free) == 0
    seconds[signals] += costs.signal_s
    return np.asarray(np.rint(seconds * _DS_PER_S), dtype=np.int32)


def bearings(arrays: NetworkArrays) -> NDArray[np.float64]:
    """Return the direction in which each arc leaves its first node.

    Returns
    -------
    float64 (2E,)
        Degrees clockwise from north, -180 to 180, seen over the first 10 m of the street (or all
        of it, where it is shorter), so that a kerb drawn with care does not count as a turn.
    """
    if not len(arrays.edge_nodes):
        return np.zeros(0)
    points = arrays.point_e7 / E7
    start, last = arrays.point_start[:-1], arrays.point_start[1:] - 1
    step_m = flat_length_m(points[:-1], points[1:])
    step_m[last[:-1]] = 0.0  # from the end of one edge to the beginning of the next
    along_m = np.concatenate([[0.0], np.cumsum(step_m)])
    reach_m = np.minimum(along_m[last] - along_m[start], _BEARING_M)

    def place(at_m: NDArray[np.float64]) -> NDArray[np.float64]:
        piece = np.clip(np.searchsorted(along_m, at_m, side="right") - 1, start, last - 1)
        length_m = step_m[piece]
        share = (at_m - along_m[piece]) / np.where(length_m > 0, length_m, 1.0)
        share = np.clip(share, 0.0, 1.0)[:, None]
        return np.asarray(points[piece] + share * (points[piece + 1] - points[piece]))

    bearing = np.empty(2 * len(start))
    for side, node, ahead in (
        (0, start, place(along_m[start] + reach_m)),
        (1, last, place(along_m[last] - reach_m)),
    ):
        step = ahead - points[node]
        step[:, 0] *= np.cos(np.radians(points[node, 1]))
        bearing[side::2] = np.degrees(np.arctan2(step[:, 0], step[:, 1]))
    return bearing


# --- what can be reached from everywhere ---------------------------------------------------------


def strongly_connected(graph: ModeGraph) -> NDArray[np.bool_]:
    """Return the arcs of the largest part in which every place reaches every other.

    Returns
    -------
    bool (2E,)
        The part with the most nodes, turns counted; of equally large ones that with the smallest
        node.  A place on one of these arcs can be reached from all the others, and left to them.
    """
    arc_count = len(graph.arc_state)
    inside = np.zeros(arc_count, dtype=bool)
    size = len(graph.state_node)
    if not len(graph.link_arc):
        return inside
    from scipy.sparse import csr_array  # noqa: PLC0415
    from scipy.sparse.csgraph import connected_components  # noqa: PLC0415

    ones = np.ones(len(graph.link_arc), dtype=np.int8)
    matrix = csr_array((ones, (graph.link_tail, graph.link_head)), shape=(size, size))
    _, label = connected_components(matrix, directed=True, connection="strong")
    pairs = np.unique(np.stack([label, graph.state_node], axis=1), axis=0)
    nodes = np.bincount(pairs[:, 0])
    # By node, so that the choice does not depend on how the parts are numbered.
    largest = label[graph.state_node.argsort(kind="stable")]
    chosen = largest[int(np.argmax(nodes[largest] == nodes.max()))]
    within = (label[graph.link_tail] == chosen) & (label[graph.link_head] == chosen)
    inside[graph.link_arc[within]] = True
    return inside
