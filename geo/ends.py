"""The two ends of a trip: how a place is left by road, and how it is come to.

A place stands on an edge.  It is left for either end of that edge, which costs the rest of the
edge that way; it is come to by any link that enters the edge from either end, which costs the
turn into the edge and the stretch up to the place.  Two places on one edge may also go straight
from one to the other.  The walk between place and road counts at both ends.
"""

from __future__ import annotations

from typing import Final, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from geo.compiled import kernel
from geo.hierarchy import Seeds
from geo.snapping import Snaps
from geo.turns import ModeGraph
from geo.types import UNREACHABLE_S


class Stretches(NamedTuple):
    """What the ends of trips are worked out with; E edges, S states, L links.

    Attributes
    ----------
    access_ds
        int32 (2, E), time along and against each edge; 0 or `UNREACHABLE_S` where there is no way.
    length_dm
        int32 (E,).
    arc_state, entry_start, link_tail, link_turn_ds
        Of the mode's `ModeGraph`.
    """

    access_ds: NDArray[np.int32]
    length_dm: NDArray[np.int32]
    arc_state: NDArray[np.int32]
    entry_start: NDArray[np.int32]
    link_tail: NDArray[np.int32]
    link_turn_ds: NDArray[np.int32]

    @classmethod
    def of(
        cls, graph: ModeGraph, access_ds: NDArray[np.int32], length_dm: NDArray[np.int32]
    ) -> Stretches:
        """Return them for a mode's graph."""
        return cls(
            *(
                read_only(array)
                for array in (
                    access_ds,
                    length_dm,
                    graph.arc_state,
                    graph.entry_start,
                    graph.link_tail,
                    graph.link_turn_ds,
                )
            )
        )


class Ends(NamedTuple):
    """One end of many trips.

    Attributes
    ----------
    seeds
        The states of each place with the time and length between it and them.
    arc
        int32, the arc of the place's own edge that belongs to each seed.
    """

    seeds: Seeds
    arc: NDArray[np.int32]


Scalar = TypeVar("Scalar", bound=np.generic)


def read_only(array: NDArray[Scalar]) -> NDArray[Scalar]:
    """Return an array of one kind, mapped from disk or not, so that kernels compile only once."""
    view = np.ascontiguousarray(np.asarray(array)).view()
    view.flags.writeable = False
    return view


def leaving(snaps: Snaps, stretches: Stretches) -> Ends:
    """Return how places are left."""
    start, state, time_ds, length_dm, arc = _leaving(
        snaps.edge,
        snaps.fraction,
        snaps.access_ds,
        snaps.access_dm,
        stretches.access_ds,
        stretches.length_dm,
        stretches.arc_state,
    )
    return Ends(Seeds(start, state, time_ds, length_dm), arc)


def coming(snaps: Snaps, stretches: Stretches) -> Ends:
    """Return how places are come to."""
    start, state, time_ds, length_dm, arc = _coming(
        snaps.edge, snaps.fraction, snaps.access_ds, snaps.access_dm, *stretches
    )
    return Ends(Seeds(start, state, time_ds, length_dm), arc)


_NO_LENGTHS: Final = np.empty((0, 0), np.int32)


def go_straight(
    origins: Snaps,
    destinations: Snaps,
    stretches: Stretches,
    time_ds: NDArray[np.int32],
    length_dm: NDArray[np.int32] = _NO_LENGTHS,
) -> bool:
    """Put the ways along one edge into a table where they are faster, or as fast and not longer.

    A way from a place to itself is put in with 0.

    Parameters
    ----------
    time_ds, length_dm
        int32 (origins, destinations), changed in place; without lengths times alone are.

    Returns
    -------
    bool
        Whether any was put in.
    """
    order = np.argsort(destinations.edge, kind="stable")
    return _go_straight(
        *origins[:5],
        *destinations[1:5],
        order,
        destinations.edge[order],
        stretches.access_ds,
        stretches.length_dm,
        time_ds,
        length_dm,
    )


@kernel
def _parts(total: int, fraction: float) -> tuple[int, int]:
    """Return a whole cut in two at a fraction, both integers."""
    first = int(np.rint(fraction * total))
    return first, total - first


@kernel
def _leaving(
    edge: NDArray[np.int32],
    fraction: NDArray[np.float64],
    walk_ds: NDArray[np.int32],
    walk_dm: NDArray[np.int32],
    access_ds: NDArray[np.int32],
    length_dm: NDArray[np.int32],
    arc_state: NDArray[np.int32],
) -> tuple[
    NDArray[np.int64], NDArray[np.int32], NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]
]:
    places = len(edge)
    start = np.zeros(places + 1, np.int64)
    node, time = np.empty(2 * places, np.int32), np.empty(2 * places, np.int32)
    length, arcs = np.empty(2 * places, np.int32), np.empty(2 * places, np.int32)
    seeds = 0
    for place in range(places):
        e = edge[place]
        behind_dm, ahead_dm = _parts(length_dm[e], fraction[place])
        for against in range(2):
            state = arc_state[2 * e + against]
            whole_ds = access_ds[against, e]
            if state < 0 or whole_ds <= 0 or whole_ds >= UNREACHABLE_S:
                continue
            behind_ds, ahead_ds = _parts(whole_ds, fraction[place])
            node[seeds] = state
            time[seeds] = walk_ds[place] + (behind_ds if against else ahead_ds)
            length[seeds] = walk_dm[place] + (behind_dm if against else ahead_dm)
            arcs[seeds] = 2 * e + against
            seeds += 1
        start[place + 1] = seeds
    return start, node[:seeds], time[:seeds], length[:seeds], arcs[:seeds]


@kernel
def _coming(
    edge: NDArray[np.int32],
    fraction: NDArray[np.float64],
    walk_ds: NDArray[np.int32],
    walk_dm: NDArray[np.int32],
    access_ds: NDArray[np.int32],
    length_dm: NDArray[np.int32],
    arc_state: NDArray[np.int32],
    entry_start: NDArray[np.int32],
    link_tail: NDArray[np.int32],
    link_turn_ds: NDArray[np.int32],
) -> tuple[
    NDArray[np.int64], NDArray[np.int32], NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]
]:
    places = len(edge)
    most = 0
    for place in range(places):
        most += entry_start[2 * edge[place] + 2] - entry_start[2 * edge[place]]
    start = np.zeros(places + 1, np.int64)
    node, time = np.empty(most, np.int32), np.empty(most, np.int32)
    length, arcs = np.empty(most, np.int32), np.empty(most, np.int32)
    seeds = 0
    for place in range(places):
        e = edge[place]
        behind_dm, ahead_dm = _parts(length_dm[e], fraction[place])
        for against in range(2):
            arc = 2 * e + against
            whole_ds = access_ds[against, e]
            if arc_state[arc] < 0 or whole_ds <= 0 or whole_ds >= UNREACHABLE_S:
                continue
            behind_ds, ahead_ds = _parts(whole_ds, fraction[place])
            for link in range(entry_start[arc], entry_start[arc + 1]):
                node[seeds] = link_tail[link]
                time[seeds] = (
                    walk_ds[place] + link_turn_ds[link] + (ahead_ds if against else behind_ds)
                )
                length[seeds] = walk_dm[place] + (ahead_dm if against else behind_dm)
                arcs[seeds] = arc
                seeds += 1
        start[place + 1] = seeds
    return start, node[:seeds], time[:seeds], length[:seeds], arcs[:seeds]


@kernel
def _go_straight(
    from_edge: NDArray[np.int32],
    from_fraction: NDArray[np.float64],
    from_dm: NDArray[np.int32],
    from_ds: NDArray[np.int32],
    from_place: NDArray[np.float64],
    to_fraction: NDArray[np.float64],
    to_dm: NDArray[np.int32],
    to_ds: NDArray[np.int32],
    to_place: NDArray[np.float64],
    order: NDArray[np.int64],
    ordered_edge: NDArray[np.int32],
    access_ds: NDArray[np.int32],
    edge_dm: NDArray[np.int32],
    time_ds: NDArray[np.int32],
    length_dm: NDArray[np.int32],
) -> bool:
    with_lengths = length_dm.size > 0
    put = False
    for origin in range(len(from_edge)):
        e = from_edge[origin]
        at = np.searchsorted(ordered_edge, e)
        while at < len(order) and ordered_edge[at] == e:
            goal = order[at]
            at += 1
            a, b = from_fraction[origin], to_fraction[goal]
            whole_ds = access_ds[0, e] if b >= a else access_ds[1, e]
            if b == a and not 0 < whole_ds < UNREACHABLE_S:
                whole_ds = access_ds[1, e]
            if not 0 < whole_ds < UNREACHABLE_S:
                continue
            way_ds = abs(_parts(whole_ds, b)[0] - _parts(whole_ds, a)[0])
            way_dm = abs(_parts(edge_dm[e], b)[0] - _parts(edge_dm[e], a)[0])
            way_ds += from_ds[origin] + to_ds[goal]
            way_dm += from_dm[origin] + to_dm[goal]
            if (
                from_place[origin, 0] == to_place[goal, 0]
                and from_place[origin, 1] == to_place[goal, 1]
            ):
                way_ds = way_dm = 0
            known_ds = time_ds[origin, goal]
            if way_ds > known_ds:
                continue
            if with_lengths:
                if way_ds == known_ds and way_dm > length_dm[origin, goal]:
                    continue
                length_dm[origin, goal] = way_dm
            time_ds[origin, goal] = way_ds
            put = True
    return put
