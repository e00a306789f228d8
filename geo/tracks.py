"""A track before it is matched: put in order, cut where the courier stood, thinned.

Stops are found as stay points (Li et al. 2008, "Mining user similarity based on location
history", doi:10.1145/1463434.1463477): a minute and a half at a door says nothing about the
street.  Shorter stands, as at traffic lights, stay in: they are traffic.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from geo.nearby import Streets
from geo.observations import TrackPoint

SIGMA_M: Final = 4.07
"""Standard deviation of a good receiver's error: Newson & Krumm's own estimate."""

ACCURACY_TO_SIGMA: Final = 1.515
"""Radius that holds 68 of 100 points of a round normal distribution, in standard deviations."""

THIN_SIGMAS: Final = 2.0
"""A step back this short is noise."""

SPACING_SIGMAS: Final = 5.0
"""Points nearer than this to the last one kept say more about noise than about the way."""

LEAST_SIGMA: Final = 0.5
"""Averaging leaves at least this share of the error."""

STAND_S: Final = 90.0
STAND_M: Final = 25.0
STAND_SHARE: Final = 0.9
STRAYS: Final = 3
"""A stop is at least this long within this radius, a tenth of the points being free to stray, but
not as many as this in a row.  Red lights are shorter; who walks, leaves the circle in time."""

GAP_S: Final = 300.0
"""After silence as long as this the track begins anew."""


class Points(NamedTuple):
    """Points of one piece in order; float64 (n,), place (n, 2) in metres on the plane.

    `silence_s` is the longest time without a signal since the point before.
    """

    at: NDArray[np.float64]
    place: NDArray[np.float64]
    sigma_m: NDArray[np.float64]
    silence_s: NDArray[np.float64]

    def take(self, index: Sequence[int] | NDArray[np.integer] | slice) -> Points:
        """Return some of the points."""
        return Points(*(values[index] for values in self))


def ordered(points: Sequence[TrackPoint], streets: Streets) -> Points:
    """Return points in the order of their clock; of several at once the most accurate."""
    at = np.array([point.at for point in points])
    degrees = np.array([point.place for point in points], dtype=np.float64)
    said = np.array([point.accuracy_m or 0.0 for point in points])
    sigma = np.maximum(said / ACCURACY_TO_SIGMA, SIGMA_M)
    order = np.lexsort((sigma, at))
    first = np.ones(len(order), dtype=bool)
    first[1:] = np.diff(at[order]) > 0
    kept = order[first]
    silence = np.diff(at[kept], prepend=at[kept[0]])
    return Points(at[kept], streets.plane(degrees)[kept], sigma[kept], silence)


def cut(points: Points, stops: Sequence[tuple[float, float]]) -> tuple[list[Points], int]:
    """Return the parts between stops and silences, and how many points were at stops.

    The first and the last point of a stop belong to the parts before and after it as well.
    """
    stands = sorted([*_stands(points), *_known(points, stops)])
    parts: list[Points] = []
    stood = np.zeros(len(points.at), dtype=bool)
    begin = 0
    for first, last in stands:
        stood[first : last + 1] = True
        if first > begin:
            parts.append(points.take(slice(begin, first + 1)))
        begin = max(begin, last)
    parts.append(points.take(slice(begin, None)))
    whole: list[Points] = []
    for part in parts:
        breaks = np.flatnonzero(np.diff(part.at) > GAP_S) + 1
        bounds = [0, *breaks.tolist(), len(part.at)]
        whole += [part.take(slice(a, b)) for a, b in itertools.pairwise(bounds) if b - a > 1]
    return whole, int(stood.sum())


def _known(points: Points, stops: Sequence[tuple[float, float]]) -> Iterator[tuple[int, int]]:
    for begin, end in stops:
        first, after = np.searchsorted(points.at, [begin, end], side="left").tolist()
        if after > first:
            yield first, after - 1


def _stands(points: Points) -> Iterator[tuple[int, int]]:
    """Yield the first and last point of every stand."""
    at, place, count = points.at, points.place, len(points.at)
    until = np.searchsorted(at, at + STAND_S)
    radius_m = np.maximum(points.sigma_m * THIN_SIGMAS, STAND_M)
    first = 0
    while first < count and until[first] < count:
        last, reach_m = int(until[first]), float(radius_m[first])
        apart_m = math.hypot(*(place[last] - place[first]).tolist())
        if apart_m <= 2 * reach_m and _within(place[first : last + 1], reach_m):
            while more := [
                later
                for later in range(last + 1, min(last + 1 + STRAYS, count))
                if _within(place[first : later + 1], reach_m)
            ]:
                last = more[0]
            yield first, last
            first = last
        first += 1


def _within(places: NDArray[np.float64], radius_m: float) -> bool:
    """Return whether the last of the places is near their middle, and so are nearly all."""
    near = np.hypot(*(places - np.median(places, axis=0)).T) <= radius_m
    return bool(near[-1]) and bool(near.mean() >= STAND_SHARE)


def thinned(points: Points) -> Points:
    """Return the first point, the last, and those between that moved on, each with its neighbours.

    What is kept is the mean of the points around, as far as halfway to the next one
    kept: dense points of a slow courier are more noise than movement.
    """
    kept = [0]
    for index in range(1, len(points.at) - 1):
        step_m = math.hypot(*(points.place[index] - points.place[kept[-1]]).tolist())
        if step_m >= SPACING_SIGMAS * min(points.sigma_m[index], points.sigma_m[kept[-1]]):
            kept.append(index)
    kept.append(len(points.at) - 1)
    pivot = np.array(kept)
    begin, end = pivot.copy(), pivot + 1
    begin[1:-1] -= np.diff(pivot)[:-1] // 2
    end[1:-1] += np.diff(pivot)[1:] // 2
    count = (end - begin).astype(np.float64)

    def mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
        before = np.concatenate([np.zeros((1, *values.shape[1:])), np.cumsum(values, axis=0)])
        total = before[end] - before[begin]
        return np.asarray(total / (count[:, None] if values.ndim > 1 else count))

    # Errors of neighbouring points are alike, so the mean's is not smaller by the root of n.
    sigma_m = points.sigma_m[pivot] * np.maximum(count**-0.5, LEAST_SIGMA)
    silence_s = np.maximum.reduceat(points.silence_s, pivot[:-1] + 1)
    return Points(mean(points.at), mean(points.place), sigma_m, np.concatenate([[0.0], silence_s]))
