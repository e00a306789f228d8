"""Ways that couriers go: their line through the streets, and where they are on it at a time."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from geo.errors import GeoError
from geo.plane import M_PER_DEGREE, flat_length_m
from geo.types import LonLat, Mode, RoadRoute, TravelTimes

_ASTRAY_SHARE: Final = (0.1, 0.8)
"""Of a way's time, where somebody goes wrong."""

_ATTEMPTS: Final = 4
_NEARER: Final = 0.6
_QUARTER: Final = math.pi / 2


@dataclass(frozen=True, slots=True)
class Trip:
    """A courier's way along the streets.

    Attributes
    ----------
    started_at
        When they are in the street; until then they walk out from a counter.
    factor
        True duration by the network's.
    walk_in_s
        From the street to the counter at the end.
    """

    road: RoadRoute
    started_at: int
    factor: float
    walk_in_s: int = 0

    @property
    def arrive_at(self) -> int:
        """When it ends."""
        return self.started_at + math.ceil(self.road.duration_s * self.factor) + self.walk_in_s

    @property
    def rides(self) -> tuple[int, int]:
        """From when and until when they are on the street; the walks to and from it left out."""
        offsets = self.road.offset_s
        begins = self.started_at + math.ceil(offsets[1] * self.factor)
        return begins, self.started_at + math.floor(offsets[-2] * self.factor)

    def place(self, at: float) -> LonLat:
        """Return where the courier is, between two points of the street's line."""
        offsets, points = self.road.offset_s, self.road.points
        elapsed = (at - self.started_at) / self.factor
        after = bisect_right(offsets, elapsed)
        if after == 0:
            return points[0]
        if after == len(offsets):
            return points[-1]
        a, b = points[after - 1], points[after]
        share = (elapsed - offsets[after - 1]) / (offsets[after] - offsets[after - 1])
        return LonLat(a.lon + share * (b.lon - a.lon), a.lat + share * (b.lat - a.lat))


def astray(
    travel: TravelTimes,
    road: RoadRoute,
    mode: Mode,
    at: int,
    lost_s: int,
    draw: np.random.Generator,
) -> RoadRoute:
    """Return a way on which somebody goes wrong and takes so much longer than on the right one.

    They leave it somewhere, go to a place that is not theirs, look around and go on from there.
    Where the streets allow no such detour they stand and look at the map instead.
    """
    low, high = _ASTRAY_SHARE
    leaves_s = float(draw.uniform(low, high)) * road.duration_s
    bearing = float(draw.uniform(0, 2 * math.pi))
    last = len(road.points) - 1
    leaves = min(bisect_right(road.offset_s, leaves_s), last - 1)
    here, gone_s = road.points[leaves], road.offset_s[leaves]
    spare_s = lost_s + road.duration_s - gone_s
    reach_m = lost_s / 2 * road.length_m / max(road.duration_s, 1)
    for attempt in range(_ATTEMPTS if leaves > 0 else 0):
        wrong = _off(here, bearing + attempt * _QUARTER, reach_m * _NEARER**attempt)
        try:
            out = travel.route(here, wrong, mode, at)
            # The last piece leads from the street to the place itself: they turn before.
            turn, out_s = out.points[-2], out.offset_s[-2]
            back = travel.route(turn, road.points[-1], mode, at)
        except GeoError:
            continue
        needs_s = out_s + back.duration_s
        if out_s > 0 and needs_s <= spare_s:
            points = (*out.points[1:-1], *back.points[1:])
            offsets = (*out.offset_s[1:-1], *(out_s + s for s in back.offset_s[1:]))
            return _joined(road, leaves, points, [s * spare_s / needs_s for s in offsets])
    points = (here, *road.points[leaves + 1 :])
    offsets_s = [lost_s, *(lost_s + s - gone_s for s in road.offset_s[leaves + 1 :])]
    return _joined(road, leaves, points, offsets_s)


def _joined(
    road: RoadRoute, leaves: int, points: Sequence[LonLat], offsets_s: Sequence[float]
) -> RoadRoute:
    """Return a way up to one of its points, and another way from there."""
    gone_s = road.offset_s[leaves]
    offset_s = (*road.offset_s[: leaves + 1], *(gone_s + round(s) for s in offsets_s))
    line = (*road.points[: leaves + 1], *points)
    degrees = np.array(line)
    length_m = flat_length_m(degrees[:-1], degrees[1:]).sum()
    return RoadRoute(offset_s[-1], round(length_m), line, offset_s)


def _off(place: LonLat, bearing: float, metres: float) -> LonLat:
    """Return the place so far off in a direction, radians clockwise from north."""
    north = metres * math.cos(bearing) / M_PER_DEGREE
    east = metres * math.sin(bearing) / M_PER_DEGREE / math.cos(math.radians(place.lat))
    return LonLat(place.lon + east, place.lat + north)
