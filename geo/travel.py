"""Travel times on our own network: searched backwards once per destination, then looked up.

A search from a destination against the direction of travel (Dijkstra, in scipy) gives the time
from every node to it.  Trees are kept, so couriers who move all the time towards the same stores
and doors cost two look-ups each.  All sums are integers (tenths of a second, decimetres): a matrix
and a route over the same pair agree exactly.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Final, Generic, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from geo.errors import NoRouteError
from geo.network import ModeGraph, RoadNetwork, Snap
from geo.trip import Trip
from geo.types import UNREACHABLE_S, LonLat, Matrix, Mode, RoadRoute

TREE_CACHE_BYTES: Final = 256_000_000
"""Room for the trees of destinations; the least recently used go first."""

SNAP_CACHE_PLACES: Final = 100_000
"""How many snapped places are remembered."""

_FAR: Final = np.int64(1) << 40
_NO_ARC: Final = -1
_DS_PER_S: Final = 10
_DM_PER_M: Final = 10
_TREE_BYTES_PER_NODE: Final = 12

Key = TypeVar("Key")
Value = TypeVar("Value")


class _Recent(Generic[Key, Value]):
    """A bounded memory of what was computed; threads may compute the same thing twice."""

    def __init__(self, size: int) -> None:
        self._size = max(size, 1)
        self._lock = threading.Lock()
        self._items: OrderedDict[Key, Value] = OrderedDict()

    def get(self, key: Key, compute: Callable[[], Value]) -> Value:
        """Return what is remembered under a key, computed if it is not."""
        with self._lock:
            if key in self._items:
                self._items.move_to_end(key)
                return self._items[key]
        value = compute()
        with self._lock:
            self._items[key] = value
            while len(self._items) > self._size:
                self._items.popitem(last=False)
        return value

    def __len__(self) -> int:
        return len(self._items)


class _Tree(NamedTuple):
    """Fastest ways from every node to one place on the network.

    Attributes
    ----------
    time_ds, length_dm
        int32 (N,), `UNREACHABLE_S` where there is no way.
    next_arc
        int32 (N,): the arc to take from each node; -1 where the destination's edge is entered,
        or where there is no way.
    """

    time_ds: NDArray[np.int32]
    length_dm: NDArray[np.int32]
    next_arc: NDArray[np.int32]


class _Place(NamedTuple):
    """A snapped place with its edge's ends; all times in ds, lengths in dm, integers.

    `_FAR` stands for a direction that the mode may not take.
    """

    snap: Snap
    first: int
    last: int
    to_last_ds: int
    to_first_ds: int
    from_first_ds: int
    from_last_ds: int
    first_dm: int
    last_dm: int
    along_ds: int
    against_ds: int

    @property
    def whole(self) -> tuple[int, ...]:
        """All integers, in the order of `_Columns`."""
        return (*self[1:], self.snap.edge, self.snap.access_dm, self.snap.access_ds)


class NetworkTravelTimes:
    """`geo.types.TravelTimes` over a city's own road network.

    Times do not depend on the time of day.  Safe to use from several threads.

    Parameters
    ----------
    network
        The roads.
    tree_cache_bytes
        Room for the trees of destinations.
    """

    def __init__(self, network: RoadNetwork, tree_cache_bytes: int = TREE_CACHE_BYTES) -> None:
        self._network = network
        self._places: _Recent[tuple[LonLat, Mode], _Place] = _Recent(SNAP_CACHE_PLACES)
        tree_bytes = _TREE_BYTES_PER_NODE * max(network.node_count, 1)
        self._trees: _Recent[tuple[Mode, int, float], _Tree] = _Recent(
            tree_cache_bytes // tree_bytes
        )
        self._backward: _Recent[Mode, _BackwardGraph] = _Recent(len(Mode))

    @property
    def version(self) -> str:
        """Name of the network and weights in force."""
        return self._network.version

    @property
    def modes(self) -> frozenset[Mode]:
        """Modes this network can answer for."""
        return self._network.modes

    def check_place(self, place: LonLat, mode: Mode) -> None:
        """Do nothing for a place that can be travelled to.

        Raises
        ------
        TooFarFromRoadError
            No road of the mode is near enough; states the distance.
        UnknownModeError
            The network has no such mode.
        """
        self._place(place, mode)

    def matrix(
        self,
        origins: Sequence[LonLat],
        destinations: Sequence[LonLat],
        mode: Mode,
        at: int,  # noqa: ARG002 - the port's; our weights do not depend on it yet
    ) -> Matrix:
        """Return times and lengths between all pairs.

        Parameters
        ----------
        origins, destinations
            Places; a destination met before costs look-ups only.
        mode
            How the courier moves.
        at
            Departure; not used by this network.

        Returns
        -------
        Matrix
            int32 of shape (origins, destinations), whole seconds and metres, rounded once per
            trip; `UNREACHABLE_S` where there is no way.  A trip from a place to itself is 0.

        Raises
        ------
        TooFarFromRoadError
            A place is not on the mode's network; the message names it.
        UnknownModeError
            The network has no such mode.

        Notes
        -----
        O(D (E + N log N)) for D destinations not in the cache, O(O D) otherwise.
        """
        starts = [self._place(place, mode) for place in origins]
        goals = [self._place(place, mode) for place in destinations]
        if not starts or not goals:
            nothing = np.zeros((len(starts), len(goals)), dtype=np.int32)
            return Matrix(nothing, nothing.copy())
        trips = _trips(starts, goals, [self._tree(goal, mode) for goal in goals])
        duration_s = _rounded(trips.time_ds, _DS_PER_S)
        length_m = _rounded(trips.length_dm, _DM_PER_M)
        columns_of: dict[LonLat, list[int]] = {}
        for column, place in enumerate(destinations):
            columns_of.setdefault(place, []).append(column)
        for row, place in enumerate(origins):
            for column in columns_of.get(place, ()):
                duration_s[row, column] = length_m[row, column] = 0
        return Matrix(duration_s, length_m)

    def route(
        self,
        origin: LonLat,
        destination: LonLat,
        mode: Mode,
        at: int,  # noqa: ARG002 - the port's; our weights do not depend on it yet
    ) -> RoadRoute:
        """Return the way itself, with the same time and length as `matrix`.

        Raises
        ------
        NoRouteError
            There is no way.
        TooFarFromRoadError
            A place is not on the mode's network; the message names it.
        UnknownModeError
            The network has no such mode.
        """
        if origin == destination:
            here = LonLat(*origin)
            return RoadRoute(0, 0, (here, here), (0, 0), ())
        start, goal = self._place(origin, mode), self._place(destination, mode)
        tree = self._tree(goal, mode)
        found = _trips([start], [goal], [tree])
        if found.time_ds[0, 0] >= _FAR:
            raise NoRouteError(
                f"no way for mode '{mode}' leads from {_say(origin)} to {_say(destination)}; "
                "the network keeps connected roads only, so build the city again"
            )
        trip = Trip(self._network, mode)
        trip.walk_to(origin, start.snap)
        choice = int(found.choice[0, 0])
        if choice == _DIRECT:
            trip.along(start.snap.edge, start.snap.fraction, goal.snap.fraction)
        else:
            forward = choice == _BY_LAST
            trip.along(start.snap.edge, start.snap.fraction, 1.0 if forward else 0.0)
            node = start.last if forward else start.first
            graph = self._network.graph(mode)
            while (arc := int(tree.next_arc[node])) != _NO_ARC:
                taken_forward = bool(graph.arc_forward[arc])
                trip.along(int(graph.arc_edge[arc]), *((0.0, 1.0) if taken_forward else (1.0, 0.0)))
                node = int(graph.head[arc])
            by_first = goal.first == node and (
                goal.last != node or goal.from_first_ds <= goal.from_last_ds
            )
            trip.along(goal.snap.edge, 0.0 if by_first else 1.0, goal.snap.fraction)
        trip.walk_from(destination, goal.snap)
        return trip.finish(
            int(_rounded(found.time_ds, _DS_PER_S)[0, 0]),
            int(_rounded(found.length_dm, _DM_PER_M)[0, 0]),
        )

    # --- searches, remembered --------------------------------------------------------------------

    def _place(self, place: LonLat, mode: Mode) -> _Place:
        return self._places.get((place, mode), lambda: self._find_place(place, mode))

    def _find_place(self, place: LonLat, mode: Mode) -> _Place:
        snap = self._network.snap(LonLat(*place), mode)
        along, against = self._network.times_ds(mode)[:, snap.edge].tolist()
        first, last = self._network.arrays.edge_nodes[snap.edge].tolist()
        length_dm = int(self._network.arrays.edge_length_dm[snap.edge])
        first_dm = round(snap.fraction * length_dm)
        done_ds, done_back_ds = round(snap.fraction * along), round(snap.fraction * against)
        far = int(_FAR)
        return _Place(
            snap,
            first,
            last,
            to_last_ds=along - done_ds if along else far,
            to_first_ds=done_back_ds if against else far,
            from_first_ds=done_ds if along else far,
            from_last_ds=against - done_back_ds if against else far,
            first_dm=first_dm,
            last_dm=length_dm - first_dm,
            along_ds=along,
            against_ds=against,
        )

    def _tree(self, goal: _Place, mode: Mode) -> _Tree:
        key = (mode, goal.snap.edge, goal.snap.fraction)
        return self._trees.get(key, lambda: self._grow(goal, mode))

    def _grow(self, goal: _Place, mode: Mode) -> _Tree:
        graph = self._network.graph(mode)
        backward = self._backward.get(mode, lambda: _BackwardGraph.of(graph))
        return backward.tree(goal)


class _BackwardGraph(NamedTuple):
    """A mode's graph with every arc turned round, and room for one destination as a node."""

    graph: ModeGraph
    indptr: NDArray[np.int32]
    head: NDArray[np.int32]
    time_ds: NDArray[np.float64]
    arc_key: NDArray[np.int64]

    @classmethod
    def of(cls, graph: ModeGraph) -> _BackwardGraph:
        nodes = len(graph.indptr) - 1
        tail = np.repeat(np.arange(nodes, dtype=np.int64), np.diff(graph.indptr))
        order = np.lexsort((tail, graph.head))
        indptr = np.searchsorted(graph.head[order], np.arange(nodes + 1)).astype(np.int32)
        return cls(
            graph,
            indptr,
            tail[order].astype(np.int32),
            graph.time_ds[order],
            tail * nodes + graph.head,
        )

    def tree(self, goal: _Place) -> _Tree:
        """Search from a destination against the direction of travel.

        The destination becomes node N with an arc to each end of its edge.  Those arcs carry one
        tenth too much, taken off afterwards: a sparse matrix would drop an arc of length 0.
        """
        nodes = len(self.indptr) - 1
        entries = {goal.first: (goal.from_first_ds, goal.first_dm)} if goal.along_ds else {}
        if goal.against_ds and (
            goal.last not in entries or goal.from_last_ds < entries[goal.last][0]
        ):
            entries[goal.last] = (goal.from_last_ds, goal.last_dm)
        ends = sorted(entries)
        matrix = csr_array(
            (
                np.concatenate([self.time_ds, [entries[end][0] + 1.0 for end in ends]]),
                np.concatenate([self.head, np.array(ends, dtype=np.int32)]),
                np.append(self.indptr, np.int32(len(self.head) + len(ends))),
            ),
            shape=(nodes + 1, nodes + 1),
        )
        distance, before = dijkstra(matrix, indices=nodes, return_predecessors=True)
        distance, before = distance[:nodes], before[:nodes]
        reached = np.isfinite(distance)
        time_ds = np.full(nodes, UNREACHABLE_S, dtype=np.int32)
        time_ds[reached] = distance[reached] - 1
        inner = np.flatnonzero(reached & (before < nodes))
        next_arc = np.full(nodes, _NO_ARC, dtype=np.int32)
        next_arc[inner] = np.searchsorted(self.arc_key, inner * np.int64(nodes) + before[inner])
        length_dm = np.zeros(nodes + 1, dtype=np.int64)
        for end in ends:
            length_dm[end] = entries[end][1]
        length_dm[inner] = self.graph.length_dm[next_arc[inner]]
        up = np.full(nodes + 1, nodes, dtype=np.int64)
        up[inner] = before[inner]
        _add_up(length_dm, up)
        lengths = np.where(reached, length_dm[:nodes], UNREACHABLE_S).astype(np.int32)
        return _Tree(time_ds, lengths, next_arc)


def _add_up(values: NDArray[np.int64], up: NDArray[np.int64]) -> None:
    """Add to each value those of all its ancestors, in place; the last entry is the root.

    Pointer doubling: O(N log depth), each round in whole arrays.
    """
    root = len(up) - 1
    values[root] = 0
    while (up != root).any():
        values += values[up]
        up[:] = up[up]


# Of ways equally fast the first is taken: straight along the edge rather than round its end.
_DIRECT: Final = 0
_BY_LAST: Final = 1
_BY_FIRST: Final = 2


class _Trips(NamedTuple):
    """The fastest ways between all pairs, int64 (origins, destinations) each.

    Attributes
    ----------
    time_ds, length_dm
        Access to the road at both ends included; `_FAR` where there is no way.
    choice
        How the origin is left: `_DIRECT` along its edge, `_BY_LAST` or `_BY_FIRST` over an end.
    """

    time_ds: NDArray[np.int64]
    length_dm: NDArray[np.int64]
    choice: NDArray[np.int64]


def _trips(starts: Sequence[_Place], goals: Sequence[_Place], trees: Sequence[_Tree]) -> _Trips:
    """Look all pairs up in the trees of the destinations."""
    start, goal = _columns(starts), _columns(goals)
    shape = (len(goals), len(starts))
    time_last, time_first = np.empty(shape, np.int32), np.empty(shape, np.int32)
    length_last, length_first = np.empty(shape, np.int32), np.empty(shape, np.int32)
    for row, tree in enumerate(trees):
        np.take(tree.time_ds, start.last, out=time_last[row])
        np.take(tree.time_ds, start.first, out=time_first[row])
        np.take(tree.length_dm, start.last, out=length_last[row])
        np.take(tree.length_dm, start.first, out=length_first[row])
    to = _Columns._make(column[:, None] for column in goal)
    times = [
        _direct_ds(start, to),
        start.to_last_ds + time_last,
        start.to_first_ds + time_first,
    ]
    lengths = [
        np.abs(to.first_dm - start.first_dm),
        start.last_dm + length_last,
        start.first_dm + length_first,
    ]
    best, length, choice = times[_DIRECT], lengths[_DIRECT], np.zeros(shape, dtype=np.int64)
    for option in (_BY_LAST, _BY_FIRST):
        better = times[option] < best
        best = np.where(better, times[option], best)
        length = np.where(better, lengths[option], length)
        choice[better] = option
    no_way = best >= UNREACHABLE_S
    time_ds = np.where(no_way, _FAR, best + start.access_ds + to.access_ds)
    length_dm = np.where(no_way, _FAR, length + start.access_dm + to.access_dm)
    return _Trips(time_ds.T, length_dm.T, choice.T)


def _direct_ds(start: _Columns, goal: _Columns) -> NDArray[np.int64]:
    """Return the times along the edge itself; `_FAR` on different edges or against a one-way."""
    ahead = goal.fraction - start.fraction
    along = goal.from_first_ds - (goal.along_ds - start.to_last_ds)
    against = goal.from_last_ds - (goal.against_ds - start.to_first_ds)
    same = goal.edge == start.edge
    return np.where(
        same & (ahead >= 0) & (goal.along_ds > 0),
        along,
        np.where(same & (ahead <= 0) & (goal.against_ds > 0), against, _FAR),
    )


class _Columns(NamedTuple):
    """Places as arrays, int64 each but `fraction`, which is float64."""

    first: NDArray[np.int64]
    last: NDArray[np.int64]
    to_last_ds: NDArray[np.int64]
    to_first_ds: NDArray[np.int64]
    from_first_ds: NDArray[np.int64]
    from_last_ds: NDArray[np.int64]
    first_dm: NDArray[np.int64]
    last_dm: NDArray[np.int64]
    along_ds: NDArray[np.int64]
    against_ds: NDArray[np.int64]
    edge: NDArray[np.int64]
    access_dm: NDArray[np.int64]
    access_ds: NDArray[np.int64]
    fraction: NDArray[np.float64]


def _columns(places: Sequence[_Place]) -> _Columns:
    whole = np.array([place.whole for place in places], dtype=np.int64)
    fraction = np.array([place.snap.fraction for place in places])
    return _Columns._make((*whole.T, fraction))


def _rounded(values: NDArray[np.int64], per_unit: int) -> NDArray[np.int32]:
    whole = (values + per_unit // 2) // per_unit
    return np.where(values >= _FAR, UNREACHABLE_S, whole).astype(np.int32)


def _say(place: LonLat) -> str:
    return f"({place[1]:.5f}, {place[0]:.5f})"
