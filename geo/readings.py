"""From what was seen to readings: which streets an observation means, how slow each was."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from geo.errors import ObservationError
from geo.learning import Driven
from geo.matching import Match, Matcher
from geo.nearby import Streets
from geo.network import RoadNetwork
from geo.observations import (
    SLOWEST_KMH,
    TOP_KMH,
    Direction,
    EdgeSpeed,
    Observation,
    StretchSpeed,
    Track,
    TrackPoint,
    WaySpeed,
)
from geo.profiles import hour_of_week
from geo.traffic_weights import FORGOTTEN_TRUST, Live
from geo.types import LonLat, Mode

CLOCK_AHEAD_S: Final = 120
"""So far a device's clock may be ahead of ours."""

OLDEST_TRACK_S: Final = 30 * 86_400
"""An older track teaches nothing any more: devices send within days."""

TRACK_WEIGHT: Final = 0.5
TRACK_FULL_M: Final = 50.0
"""One courier's passage of a street of this length is trusted half, two are trusted wholly: it
may have been the courier.  Noise counts more on a shorter street, so it is trusted less."""

_STATED_WEIGHT: Final = 1.0
_DRAWN_STEP_M: Final = 10.0
_HALF: Final = 0.5
_KMH: Final = 3.6


class Reading(NamedTuple):
    """All that was seen of one arc and mode, as of the last moment it was seen.

    Attributes
    ----------
    at
        That moment, UTC epoch seconds.
    weight
        Sum of the weights of what was seen, each faded to that moment.
    ratio
        Sum of weight times ratio: time taken over time at free flow.
    """

    at: int
    weight: float
    ratio: float

    def plus(self, other: Reading, half_life_s: int) -> Reading:
        """Return both together; the order does not matter."""
        at = max(self.at, other.at)
        mine, theirs = (_HALF ** ((at - one.at) / half_life_s) for one in (self, other))
        return Reading(
            at,
            self.weight * mine + other.weight * theirs,
            self.ratio * mine + other.ratio * theirs,
        )


class Prepared(NamedTuple):
    """An observation resolved to streets, not yet taken in."""

    readings: tuple[tuple[Mode, int, Reading], ...] = ()
    driven: Driven | None = None
    track: Track | None = None
    match: Match | None = None


class Reader:
    """Resolves observations to streets; safe to use from several threads.

    Parameters
    ----------
    network, streets
        The roads, and their edges on a plane.
    zone
        Time zone of the hours of the week.
    half_life_s
        Of readings: how old an observation may be follows from it.
    """

    def __init__(
        self, network: RoadNetwork, streets: Streets, zone: ZoneInfo, half_life_s: int
    ) -> None:
        self.network = network
        self.streets = streets
        self._zone = zone
        self._half_life_s = half_life_s
        self._matcher = Matcher(network, streets)
        self._free: dict[Mode, NDArray[np.int32]] = {}

    def read(self, seen: Observation, now: int) -> Prepared:
        """Return what an observation says, without taking it in.

        Raises
        ------
        ObservationError
            It is in the future, too old, or on no street of its mode.
        UnknownModeError
            The network has no roads for the mode.
        """
        if isinstance(seen, Track):
            return self._of_track(seen, now)
        oldest = now - int(self._half_life_s * np.log2(_STATED_WEIGHT / FORGOTTEN_TRUST))
        if not oldest <= seen.observed_at <= now + CLOCK_AHEAD_S:
            raise ObservationError(
                f"the speed of {seen.speed_kmh:g} km/h was observed at {seen.observed_at}, but "
                f"only {oldest} to {now + CLOCK_AHEAD_S} counts; check the clock, and send at once"
            )
        at = min(seen.observed_at, now)
        readings = []
        for mode in seen.modes:
            free_ds = self._free_ds(mode)
            arcs = np.array(self._arcs(seen, mode, free_ds), dtype=np.int64)
            for arc, ratio in zip(
                arcs.tolist(), self._ratio(arcs, free_ds, seen.speed_kmh).tolist(), strict=True
            ):
                reading = Reading(at, _STATED_WEIGHT, _STATED_WEIGHT * ratio)
                readings.append((mode, arc, reading))
        return Prepared(tuple(readings))

    def _free_ds(self, mode: Mode) -> NDArray[np.int32]:
        """Return the free-flow times by arc, int32 (2E,)."""
        if mode not in self._free:
            self._free[mode] = np.asarray(self.network.times_ds(mode)).T.reshape(-1)
        return self._free[mode]

    def _ratio(
        self, arcs: NDArray[np.int64], free_ds: NDArray[np.int32], speed_kmh: float
    ) -> NDArray[np.float64]:
        length_dm = np.asarray(self.network.arrays.edge_length_dm)[arcs >> 1]
        return np.asarray(length_dm * _KMH / speed_kmh / free_ds[arcs])

    def _arcs(
        self,
        seen: EdgeSpeed | WaySpeed | StretchSpeed,
        mode: Mode,
        free_ds: NDArray[np.int32],
    ) -> list[int]:
        """Return the arcs that an observation means for a mode."""
        if isinstance(seen, StretchSpeed):
            return self._along(seen, mode)
        if isinstance(seen, EdgeSpeed):
            if not 0 <= seen.edge < self.network.edge_count:
                raise ObservationError(
                    f"there is no edge {seen.edge}; this city has 0 to "
                    f"{self.network.edge_count - 1}"
                )
            wanted, where = [2 * seen.edge + seen.against], f"edge {seen.edge}"
        else:
            edges = np.flatnonzero(np.asarray(self.network.arrays.edge_way) == seen.way_id)
            sides = [
                side
                for side, direction in enumerate((Direction.ALONG, Direction.AGAINST))
                if seen.direction in (direction, Direction.BOTH)
            ]
            wanted = [2 * edge + side for edge in edges.tolist() for side in sides]
            where = f"way {seen.way_id}"
            if not wanted:
                raise ObservationError(
                    f"{where} is not in this city (or was joined to a neighbour alike); send the "
                    "stretch as a line instead"
                )
        usable = [arc for arc in wanted if free_ds[arc] > 0]
        if not usable:
            raise ObservationError(
                f"mode '{mode}' may not use {where} that way; check mode and direction"
            )
        return usable

    def _along(self, seen: StretchSpeed, mode: Mode) -> list[int]:
        """Return the arcs that a drawn line runs along: those that it would be matched to."""
        line = self.streets.plane(np.array(seen.points, dtype=np.float64))
        steps_m = np.hypot(*np.diff(line, axis=0).T)
        along_m = np.concatenate([[0.0], np.cumsum(steps_m)])
        whole_m = float(along_m[-1])
        if whole_m <= 0:
            raise ObservationError("the stretch has no length; draw it along the street")
        at_m = np.linspace(0.0, whole_m, int(np.ceil(whole_m / _DRAWN_STEP_M)) + 1)
        places = np.stack(
            [np.interp(at_m, along_m, axis) for axis in np.array(seen.points).T], axis=1
        )
        points = tuple(
            TrackPoint(at * _KMH / seen.speed_kmh, LonLat(*place))
            for at, place in zip(at_m.tolist(), places.tolist(), strict=True)
        )
        match = self._matcher.match(Track(points, mode))
        length_dm = np.asarray(self.network.arrays.edge_length_dm)
        arcs = {
            one.arc
            for piece in match.pieces
            for one in piece
            if one.length_m >= _HALF * min(int(length_dm[one.arc >> 1]) / 10, whole_m)
        }
        if not arcs:
            raise ObservationError(
                f"the stretch from ({seen.points[0][1]:.5f}, {seen.points[0][0]:.5f}) follows no "
                f"street that mode '{mode}' may use that way; draw it on the street, in the "
                "direction of travel"
            )
        return sorted(arcs)

    def _of_track(self, track: Track, now: int) -> Prepared:
        first, last = (pick(point.at for point in track.points) for pick in (min, max))
        if last > now + CLOCK_AHEAD_S or first < now - OLDEST_TRACK_S:
            raise ObservationError(
                f"the track runs from {first:.0f} to {last:.0f}, but only {now - OLDEST_TRACK_S} "
                f"to {now + CLOCK_AHEAD_S} counts; check the device's clock"
            )
        match = self._matcher.match(track)
        top_kmh = TOP_KMH[track.mode]
        told = [
            one
            for piece in match.pieces
            for one in piece
            if one.tells_speed and SLOWEST_KMH <= one.speed_kmh <= top_kmh
        ]
        if not told:
            return Prepared(track=track, match=match)
        arcs = np.array([one.arc for one in told])
        length_m = np.array([one.length_m for one in told])
        took_s = np.array([one.left_at - one.entered_at for one in told])
        share = np.array([one.stop - one.start for one in told])
        free_s = self._free_ds(track.mode)[arcs] / 10 * share
        readings = tuple(
            (track.mode, arc, Reading(min(round(one.left_at), now), weight, weight * ratio))
            for one, arc, weight, ratio in zip(
                told,
                arcs.tolist(),
                (TRACK_WEIGHT * np.minimum(length_m / TRACK_FULL_M, 1.0)).tolist(),
                (took_s / free_s).tolist(),
                strict=True,
            )
        )
        driven = Driven(
            road=np.asarray(self.network.arrays.edge_class)[arcs >> 1],
            hour=np.array([hour_of_week(int(one.entered_at), self._zone) for one in told]),
            length_m=length_m,
            driven_s=took_s,
            free_s=free_s,
        )
        return Prepared(readings, driven, track, match)


def live(of_mode: Mapping[int, Reading]) -> Live:
    """Return one mode's readings by arc as arrays."""
    arcs = sorted(of_mode)
    readings = [of_mode[arc] for arc in arcs]
    return Live(
        arc=np.array(arcs, dtype=np.int64),
        at=np.array([one.at for one in readings], dtype=np.int64),
        trust=np.array([min(one.weight, 1.0) for one in readings]),
        ratio=np.array([one.ratio / one.weight for one in readings]),
    )
