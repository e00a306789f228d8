"""From what a search finds to the arcs that are driven, one after the other."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from geo.ends import Ends
from geo.hierarchy import Path
from geo.laying import Laid
from geo.snapping import Snaps


class Way(NamedTuple):
    """A way of K arcs.

    Attributes
    ----------
    arc
        int32 (K,).
    begin, end
        float64 (K,): from which to which part of its edge each is driven, 0.0 and 1.0 the ends of
        the edge as drawn.
    time_ds, length_dm
        int64 (K,): of what is driven of each, turns and signals before it included.
    """

    arc: NDArray[np.int32]
    begin: NDArray[np.float64]
    end: NDArray[np.float64]
    time_ds: NDArray[np.int64]
    length_dm: NDArray[np.int64]


class Walks(NamedTuple):
    """The ways on foot between places and road at both ends, time and length."""

    from_ds: int
    from_dm: int
    to_ds: int
    to_dm: int


def found_way(
    laid: Laid,
    start: Snaps,
    goal: Snaps,
    from_ends: Ends,
    to_ends: Ends,
    found: Path,
    walks: Walks,
) -> Way:
    """Return the way that was found between two places.

    Parameters
    ----------
    start, goal
        The two places on the network, one each.
    from_ends, to_ends
        How they are left and come to: what `found` was searched between.
    """
    out, into = found.origin_seed, found.destination_seed
    arc = np.concatenate(
        [
            from_ends.arc[out : out + 1],
            laid.graph.link_arc[found.links],
            to_ends.arc[into : into + 1],
        ]
    )
    against = arc & 1
    begin = against.astype(np.float64)
    end = 1.0 - begin
    begin[0], end[-1] = start.fraction[0], goal.fraction[0]
    time_ds = np.empty(len(arc), np.int64)
    time_ds[0] = from_ends.seeds.time_ds[out] - walks.from_ds
    time_ds[1:-1] = laid.link_ds[found.links]
    time_ds[-1] = to_ends.seeds.time_ds[into] - walks.to_ds
    length_dm = laid.stretches.length_dm[arc >> 1].astype(np.int64)
    length_dm[0] = from_ends.seeds.length_dm[out] - walks.from_dm
    length_dm[-1] = to_ends.seeds.length_dm[into] - walks.to_dm
    return Way(arc, begin, end, time_ds, length_dm)


def straight_way(start: Snaps, goal: Snaps, time_ds: int, length_dm: int, walks: Walks) -> Way:
    """Return the way along one edge."""
    begin, end = start.fraction[:1], goal.fraction[:1]
    return Way(
        (2 * start.edge[:1] + (end < begin)).astype(np.int32),
        begin,
        end,
        np.array([time_ds - walks.from_ds - walks.to_ds]),
        np.array([length_dm - walks.from_dm - walks.to_dm]),
    )
