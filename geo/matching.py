"""Which streets a track was driven on, and how long each took: a hidden Markov matcher.

After Newson & Krumm 2009, "Hidden Markov map matching through noise and sparseness",
doi:10.1145/1653771.1653818.  Every point may lie on any street near it, the nearer the likelier
(normal distribution); between two points the way along the streets is about as long as the
straight line (exponential distribution of the difference); the likeliest sequence of all is found
by Viterbi's algorithm.  Ways along the streets come from the city's own hierarchy, turns that are
forbidden left out.

Before that, a track is put in order and cut where the courier stood still (`geo.tracks`).
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from geo import hierarchy
from geo.nearby import Streets
from geo.network import RoadNetwork
from geo.observations import TOP_KMH, Track
from geo.tracks import SIGMA_M, THIN_SIGMAS, Points, cut, ordered, thinned
from geo.turns import ModeGraph
from geo.types import UNREACHABLE_S, Mode

BETA_M: Final = 3.0
"""Mean difference between way and straight line, as in Valhalla's matcher; on simulated tracks
anything from 3 to 8 recovers as much."""

RADIUS_SIGMAS: Final = 4.0
LEAST_RADIUS_M: Final = 35.0
MOST_RADIUS_M: Final = 120.0
MOST_CANDIDATES: Final = 32
"""How far from a point its street may be, and how many edges are looked at."""

OBSERVED_GAP_S: Final = 60.0
"""Streets passed in a silence longer than this were passed, but nobody knows how fast."""

DETOUR_LIMIT_M: Final = 2000.0
"""A way this much longer than the straight line was not taken (Newson & Krumm)."""

JUMPS: Final = 4
"""This many points in a row that cannot be reached are not noise: the track begins anew there."""

TURN_ROUND: Final = 10.0
"""Turning round in a street is unlikely by this logarithm, so that noise does not turn anybody."""

SPUR_M: Final = 15.0
"""Into a side street this far and back is noise."""

FULL_SHARE: Final = 0.8
"""A street passed to this share says how fast it is."""

HURRY: Final = 3.0
"""Being faster than free flow is unlikely, by this power: of a cycleway and the footway beside it
a cyclist at speed is on the cycleway (time as evidence: Lou et al. 2009, "Map-matching for
low-sampling-rate GPS trajectories", doi:10.1145/1653771.1653820)."""

_DM: Final = 10.0
_DS: Final = 10.0
_KMH: Final = 3.6
_NO_WAY: Final = -np.inf


class Passage(NamedTuple):
    """A street passed through, wholly or in part.

    Attributes
    ----------
    arc
        Twice the edge, plus 1 against the way it is drawn.
    start, stop
        Where it was entered and left, as shares of its length in the direction of travel.
    entered_at, left_at
        UTC epoch seconds.
    silence_s
        The longest time without a signal on it.
    length_m
        Of the part passed.
    """

    arc: int
    start: float
    stop: float
    entered_at: float
    left_at: float
    silence_s: float
    length_m: float

    @property
    def speed_kmh(self) -> float:
        """Speed, infinite where it took no time at all."""
        took_s = self.left_at - self.entered_at
        return self.length_m / took_s * _KMH if took_s > 0 else np.inf

    @property
    def tells_speed(self) -> bool:
        """Whether it was passed nearly whole, with signals, at a speed that can be."""
        whole = self.stop - self.start >= FULL_SHARE
        return whole and self.silence_s <= OBSERVED_GAP_S and self.left_at > self.entered_at


@dataclass(frozen=True, slots=True)
class Match:
    """Where a track went.

    Attributes
    ----------
    pieces
        Unbroken ways, each in the order passed.
    points
        How many points the track had.
    used, stood, strayed
        How many of them the pieces rest on, how many were at stops, and how many had no street
        near or none that could be reached.  The rest were too near to their neighbours.
    """

    pieces: tuple[tuple[Passage, ...], ...]
    points: int
    used: int
    stood: int
    strayed: int


class _Candidates(NamedTuple):
    """Where points may be; `start[i]:start[i + 1]` are those of point i.

    `done_dm` is how far along its arc each lies, `emission` the logarithm of its likelihood.
    """

    start: NDArray[np.int64]
    arc: NDArray[np.int64]
    done_dm: NDArray[np.int32]
    emission: NDArray[np.float64]


class _Roads(NamedTuple):
    """What matching needs of one mode; arrays by arc."""

    graph: ModeGraph
    metric: hierarchy.Metric
    usable: NDArray[np.bool_]
    length_dm: NDArray[np.int32]
    time_ds: NDArray[np.int32]
    top_m_s: float


class Matcher:
    """Matches tracks to the streets of a network; safe to use from several threads.

    Parameters
    ----------
    network
        The roads, with their free-flow times.
    streets
        Its edges on the plane; made here when not given.
    """

    def __init__(self, network: RoadNetwork, streets: Streets | None = None) -> None:
        self._network = network
        self._streets = streets or Streets(network)
        self._roads: dict[Mode, _Roads] = {}
        self._lock = threading.Lock()

    def match(self, track: Track) -> Match:
        """Return the streets that a track was driven on.

        Parameters
        ----------
        track
            Points in any order; of several at the same moment the most accurate counts.

        Returns
        -------
        Match
            Without pieces when no street of the mode is near.

        Raises
        ------
        UnknownModeError
            The network has no roads for the mode.

        Notes
        -----
        One table of at most 64 by 64 places for each pair of neighbouring points.
        """
        roads = self._of_mode(track.mode)
        points = ordered(track.points, self._streets)
        parts, stood = cut(points, track.stops)
        pieces: list[tuple[Passage, ...]] = []
        used = strayed = 0
        for part in parts:
            thin = thinned(part)
            found, lost = self._piece(roads, thin)
            used += len(thin.at) - lost
            strayed += lost
            pieces += found
        return Match(tuple(pieces), len(track.points), used, stood, strayed)

    # --- the streets -----------------------------------------------------------------------------

    def _of_mode(self, mode: Mode) -> _Roads:
        with self._lock:
            if (roads := self._roads.get(mode)) is None:
                roads = self._roads[mode] = self._prepare(mode)
            return roads

    def _prepare(self, mode: Mode) -> _Roads:
        graph = self._network.graph(mode)
        time_ds = np.ascontiguousarray(np.asarray(self._network.times_ds(mode)).T).reshape(-1)
        length_dm = np.repeat(np.asarray(self._network.arrays.edge_length_dm), 2)
        # Newson & Krumm compare lengths, so the shortest way counts and not the fastest.
        metric = hierarchy.customize(
            self._network.topology(mode), length_dm[graph.link_arc], time_ds[graph.link_arc]
        )
        return _Roads(graph, metric, time_ds > 0, length_dm, time_ds, TOP_KMH[mode] / _KMH)

    def _candidates(self, roads: _Roads, points: Points) -> _Candidates:
        radius_m = np.clip(points.sigma_m * RADIUS_SIGMAS, LEAST_RADIUS_M, MOST_RADIUS_M)
        usable = roads.usable[0::2] | roads.usable[1::2]
        near = self._streets.near(points.place, radius_m, usable)
        nth = np.arange(len(near.place)) - np.searchsorted(near.place, near.place)
        few = nth < MOST_CANDIDATES
        place, edge, fraction = near.place[few], near.edge[few], near.fraction[few]
        distance = near.distance_m[few]
        both = np.concatenate([2 * edge, 2 * edge + 1])
        share = np.concatenate([fraction, 1.0 - fraction])
        place, distance = np.tile(place, 2), np.tile(distance, 2)
        keep = np.flatnonzero(roads.usable[both])
        keep = keep[np.lexsort((both[keep], place[keep]))]
        arc, place = both[keep], place[keep]
        return _Candidates(
            start=np.searchsorted(place, np.arange(len(points.at) + 1)),
            arc=arc,
            done_dm=np.rint(share[keep] * roads.length_dm[arc]).astype(np.int32),
            emission=-0.5 * (distance[keep] / points.sigma_m[place]) ** 2,
        )

    # --- the likeliest way -----------------------------------------------------------------------

    def _piece(self, roads: _Roads, points: Points) -> tuple[list[tuple[Passage, ...]], int]:
        """Return the ways of one piece of track, and how many points had no part in them."""
        cands = self._candidates(roads, points)
        near = np.flatnonzero(np.diff(cands.start) > 0)
        lost = len(points.at) - len(near)
        found: list[tuple[Passage, ...]] = []
        rest: Sequence[int] = near.tolist()
        while rest:
            chain, strays, rest = _viterbi(roads, points, cands, rest)
            if len(chain) > 1:
                found.append(_passages(roads, points, cands, chain))
                lost += strays
            else:
                lost += strays + len(chain)
        return found, lost


def _viterbi(
    roads: _Roads, points: Points, cands: _Candidates, rest: Sequence[int]
) -> tuple[list[tuple[int, int]], int, Sequence[int]]:
    """Return the likeliest chain from the first point on, as (point, candidate).

    Besides, how many points between were left out, and the points after a break, if there is one.
    """
    begin, end = cands.start[rest[0]], cands.start[rest[0] + 1]
    score = cands.emission[begin:end]
    steps: list[tuple[int, NDArray[np.int64]]] = [(rest[0], np.zeros(0, dtype=np.int64))]
    jumped: list[int] = []
    strays = 0
    for position, point in enumerate(rest[1:], start=1):
        ways = score[:, None] + _transition(roads, points, cands, steps[-1][0], point)
        before = np.argmax(ways, axis=0)
        best = ways[before, np.arange(ways.shape[1])]
        if not np.isfinite(best).any():
            jumped.append(position)
            if len(jumped) == JUMPS:
                break
            continue
        strays += len(jumped)
        jumped = []
        score = best + cands.emission[cands.start[point] : cands.start[point + 1]]
        steps.append((point, before))
    chosen = int(np.argmax(score))
    chain: list[tuple[int, int]] = []
    for point, before in reversed(steps):
        chain.append((point, int(cands.start[point]) + chosen))
        if len(before):
            chosen = int(before[chosen])
    broken = len(jumped) == JUMPS
    after = rest[jumped[0] :] if broken else ()
    return chain[::-1], strays + (0 if broken else len(jumped)), after


def _transition(
    roads: _Roads, points: Points, cands: _Candidates, one: int, other: int
) -> NDArray[np.float64]:
    """Return the logarithms of the likelihoods to go from each candidate of a point to the next."""
    origins = slice(int(cands.start[one]), int(cands.start[one + 1]))
    goals = slice(int(cands.start[other]), int(cands.start[other + 1]))
    way_dm, free_ds = hierarchy.table(
        roads.metric, _leaving(roads, cands, origins), _entering(roads, cands, goals)
    )
    way_m = np.where(way_dm >= UNREACHABLE_S, np.inf, way_dm / _DM)
    free_s = free_ds / _DS
    noise_m = points.sigma_m[one] + points.sigma_m[other]
    arc, done_dm = cands.arc[origins, None], cands.done_dm[origins, None]
    s_per_m = roads.time_ds[arc] / np.maximum(roads.length_dm[arc], 1)
    ahead_m = (cands.done_dm[goals] - done_dm) / _DM
    same = arc == cands.arc[goals]
    # A little backwards on the same street is noise, not a way round the block.
    stays = same & (ahead_m >= -THIN_SIGMAS * noise_m)
    way_m = np.where(stays, np.maximum(ahead_m, 0.0), way_m)
    free_s = np.where(stays, way_m * s_per_m, free_s)
    turns = arc == cands.arc[goals] ^ 1
    round_m = np.abs(roads.length_dm[arc] - done_dm - cands.done_dm[goals]) / _DM
    way_m = np.where(turns, round_m, way_m)
    free_s = np.where(turns, round_m * s_per_m, free_s)
    line_m = float(np.hypot(*(points.place[other] - points.place[one])))
    took_s = float(points.at[other] - points.at[one])
    possible = way_m <= line_m + DETOUR_LIMIT_M
    possible &= way_m <= roads.top_m_s * took_s + THIN_SIGMAS * noise_m
    # The straight line is as wrong as its ends.
    beta_m = BETA_M * max(noise_m / (2 * SIGMA_M), 1.0)
    unlike = np.abs(way_m - line_m) / beta_m
    hurry = HURRY * np.log(np.maximum(free_s / took_s, 1.0))
    return np.where(possible, -unlike - hurry - TURN_ROUND * turns, _NO_WAY)


def _leaving(roads: _Roads, cands: _Candidates, which: slice) -> hierarchy.Seeds:
    """Return candidates as origins: the end of the arc, and the rest of it still to go."""
    arc, done_dm = cands.arc[which], cands.done_dm[which]
    left_dm = roads.length_dm[arc] - done_dm
    return hierarchy.Seeds(
        np.arange(len(arc) + 1, dtype=np.int64),
        roads.graph.arc_state[arc],
        left_dm,
        _share_ds(roads, arc, left_dm),
    )


def _entering(roads: _Roads, cands: _Candidates, which: slice) -> hierarchy.Seeds:
    """Return candidates as destinations: the states their arc is entered from."""
    arc, done_dm = cands.arc[which], cands.done_dm[which]
    first, after = roads.graph.entry_start[arc], roads.graph.entry_start[arc + 1]
    start = np.concatenate([[0], np.cumsum(after - first)]).astype(np.int64)
    link = np.repeat(first - start[:-1], after - first) + np.arange(start[-1])
    done_dm = np.repeat(done_dm, after - first)
    return hierarchy.Seeds(
        start,
        roads.graph.link_tail[link],
        done_dm,
        _share_ds(roads, np.repeat(arc, after - first), done_dm),
    )


def _share_ds(
    roads: _Roads, arc: NDArray[np.int64], part_dm: NDArray[np.int32]
) -> NDArray[np.int32]:
    share = part_dm / np.maximum(roads.length_dm[arc], 1)
    return np.rint(share * roads.time_ds[arc]).astype(np.int32)


# --- the way, street by street -------------------------------------------------------------------


class _Leg(NamedTuple):
    """A part of one arc."""

    arc: int
    start_dm: int
    stop_dm: int


def _passages(
    roads: _Roads, points: Points, cands: _Candidates, chain: Sequence[tuple[int, int]]
) -> tuple[Passage, ...]:
    """Return the streets of a chain with the times at which they were entered and left.

    Between two points time passes as it would at free flow, scaled to what it took.
    """
    passed: list[Passage] = []
    done_dm = int(cands.done_dm[chain[0][1]])
    for step in itertools.pairwise(chain):
        (one, _), (other, _) = step
        legs = _legs(roads, points, cands, step, done_dm)
        done_dm = legs[-1].stop_dm
        free = [
            (leg.stop_dm - leg.start_dm)
            * int(roads.time_ds[leg.arc])
            / max(int(roads.length_dm[leg.arc]), 1)
            for leg in legs
        ]
        since, took_s = float(points.at[one]), float(points.at[other] - points.at[one])
        # Points left out between the two have no part in the way, so they are silence as well.
        silence_s = float(points.silence_s[other]) if other == one + 1 else took_s
        total = sum(free)
        for leg, free_ds in zip(legs, free, strict=True):
            until = since + took_s * (free_ds / total if total > 0 else 1 / len(legs))
            _append(roads, passed, leg, (since, until, silence_s))
            since = until
    return _without_spurs(one for one in passed if one.stop > one.start)


def _without_spurs(passed: Iterable[Passage]) -> tuple[Passage, ...]:
    """Leave out a few metres into a side street and back: noise at its corner."""
    kept: list[Passage] = []
    for one in passed:
        spur = kept and kept[-1].arc == one.arc ^ 1 and kept[-1].start == 0.0 and one.stop == 1.0
        if spur and one.length_m <= SPUR_M:
            kept.pop()
        else:
            kept.append(one)
    return tuple(kept)


def _append(
    roads: _Roads, passed: list[Passage], leg: _Leg, when: tuple[float, float, float]
) -> None:
    """Add a leg to the passages, to the last one where it goes on along the same arc."""
    since, until, silence_s = when
    whole_dm = max(int(roads.length_dm[leg.arc]), 1)
    start, stop = leg.start_dm / whole_dm, leg.stop_dm / whole_dm
    if passed and passed[-1].arc == leg.arc and passed[-1].stop == start:
        last = passed.pop()
        start, since = last.start, last.entered_at
        silence_s = max(silence_s, last.silence_s)
    length_m = (stop - start) * whole_dm / _DM
    passed.append(Passage(leg.arc, start, stop, since, until, silence_s, length_m))


def _legs(
    roads: _Roads,
    points: Points,
    cands: _Candidates,
    step: tuple[tuple[int, int], tuple[int, int]],
    done_dm: int,
) -> list[_Leg]:
    """Return the parts of arcs from one candidate to the next, the first from `done_dm` on.

    The same choices as in `_transition`.
    """
    (one, here), (other, there) = step
    arc, goal = int(cands.arc[here]), int(cands.arc[there])
    whole_dm, goal_dm = int(roads.length_dm[arc]), int(cands.done_dm[there])
    noise_m = float(points.sigma_m[one] + points.sigma_m[other])
    if arc == goal and (goal_dm - int(cands.done_dm[here])) / _DM >= -THIN_SIGMAS * noise_m:
        # Noise backwards: the courier stays where they were until they are past it again.
        return [_Leg(arc, done_dm, max(goal_dm, done_dm))]
    if arc == goal ^ 1:
        turn_dm = max(done_dm, whole_dm - goal_dm)
        return [_Leg(arc, done_dm, turn_dm), _Leg(goal, whole_dm - turn_dm, goal_dm)]
    found = hierarchy.path(
        roads.metric,
        _leaving(roads, cands, slice(here, here + 1)),
        _entering(roads, cands, slice(there, there + 1)),
    )
    if found is None:
        raise AssertionError("a way that the table knows of has no path")
    between = [int(passed) for passed in roads.graph.link_arc[found.links]]
    return [
        _Leg(arc, done_dm, whole_dm),
        *(_Leg(passed, 0, int(roads.length_dm[passed])) for passed in between),
        _Leg(goal, 0, goal_dm),
    ]
