"""What was seen of the traffic: a speed on an edge, a way or a stretch drawn, or a whole track.

Every class here checks what it is given; what cannot have been observed is refused by an
`ObservationError` that names it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, NamedTuple, TypeAlias

from geo.errors import ObservationError
from geo.osm_access import CAR_TOP_KMH, MODES, SCOOTER_TOP_KMH
from geo.plane import LAT_LIMIT, LON_LIMIT
from geo.types import LonLat, Mode

_SPEEDOMETER: Final = 1.25
"""Room above a mode's top speed for what satellites and speedometers add."""

TOP_KMH: Final[Mapping[Mode, float]] = {
    Mode.WALK: 12.0,  # a steady run
    Mode.BIKE: 45.0,  # where a pedelec of the fast class is cut off: Regulation (EU) No 168/2013
    Mode.CARGO_BIKE: 45.0,
    Mode.SCOOTER: SCOOTER_TOP_KMH * _SPEEDOMETER,
    Mode.CAR: CAR_TOP_KMH * _SPEEDOMETER,
}
"""Faster than this nobody goes: such a speed is refused, and no street is ever taken faster."""

SLOWEST_KMH: Final = 1.0
"""Slower is a street that should be closed instead."""

ACCURACY_LIMIT_M: Final = 10_000.0
_TRACK_POINTS: Final = 2
_LINE_POINTS: Final = 2


class Direction(StrEnum):
    """Along a way as drawn, against it, or both."""

    ALONG = "along"
    AGAINST = "against"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class EdgeSpeed:
    """A speed on one edge of this network, in one direction.

    Attributes
    ----------
    edge, against
        Index of the edge; whether it was gone along against the way it is drawn.
    speed_kmh, observed_at
        How fast, and when (UTC epoch seconds).
    modes
        Who went so fast.
    """

    edge: int
    against: bool
    speed_kmh: float
    observed_at: int
    modes: tuple[Mode, ...]

    def __post_init__(self) -> None:
        check_speed(self.speed_kmh, self.modes, f"edge {self.edge}")


@dataclass(frozen=True, slots=True)
class WaySpeed:
    """A speed on every edge of an OpenStreetMap way, otherwise as `EdgeSpeed`."""

    way_id: int
    direction: Direction
    speed_kmh: float
    observed_at: int
    modes: tuple[Mode, ...]

    def __post_init__(self) -> None:
        check_speed(self.speed_kmh, self.modes, f"way {self.way_id}")


@dataclass(frozen=True, slots=True)
class StretchSpeed:
    """A speed along a line drawn in the direction of travel, otherwise as `EdgeSpeed`."""

    points: tuple[LonLat, ...]
    speed_kmh: float
    observed_at: int
    modes: tuple[Mode, ...]

    def __post_init__(self) -> None:
        if len(self.points) < _LINE_POINTS:
            raise ObservationError(
                f"a stretch has {len(self.points)} points; draw at least {_LINE_POINTS}"
            )
        for number, place in enumerate(self.points):
            check_place(place, f"point {number} of the stretch")
        check_speed(self.speed_kmh, self.modes, "the stretch")

    @classmethod
    def of_geojson(cls, feature: Mapping[str, Any]) -> StretchSpeed:
        """Read a GeoJSON Feature (RFC 7946).

        Parameters
        ----------
        feature
            A `LineString` with the properties `speed_kmh`, `observed_at` (epoch seconds, or RFC
            3339 with an offset) and `mode` or `modes`.

        Raises
        ------
        ObservationError
            Something is missing or wrong; the message names it.
        """
        geometry, properties = feature.get("geometry"), feature.get("properties")
        if not isinstance(geometry, Mapping) or geometry.get("type") != "LineString":
            raise ObservationError("geometry must be a LineString; draw the stretch as one line")
        if not isinstance(properties, Mapping):
            raise ObservationError("properties must hold speed_kmh, observed_at and mode")
        modes = properties.get("modes", [properties.get("mode")])
        if not isinstance(modes, Sequence) or isinstance(modes, str):
            raise ObservationError("properties.modes must be a list; for one use properties.mode")
        speed = properties.get("speed_kmh")
        if not isinstance(speed, int | float) or isinstance(speed, bool):
            raise ObservationError(f"properties.speed_kmh must be a number, not {speed!r}")
        return cls(
            _coordinates(geometry.get("coordinates")),
            float(speed),
            _moment(properties.get("observed_at")),
            tuple(_mode(mode) for mode in modes),
        )


class TrackPoint(NamedTuple):
    """Where a device was, as it saw it.

    Attributes
    ----------
    at
        UTC epoch seconds by the device's clock.
    place
        Degrees.
    accuracy_m
        Radius that the truth lies in two times out of three, None where the device did not say.
    """

    at: float
    place: LonLat
    accuracy_m: float | None = None


@dataclass(frozen=True, slots=True)
class Track:
    """A courier's way as recorded by a phone.

    Attributes
    ----------
    points
        In any order; they are put in that of the device's clock.
    mode
        How the courier moved.
    stops
        Spans of time (from, to) known to be spent at a store or a door; they count as no traffic.
        Others are found where the track stands still.
    """

    points: tuple[TrackPoint, ...]
    mode: Mode
    stops: tuple[tuple[float, float], ...] = ()

    def __post_init__(self) -> None:
        if len(self.points) < _TRACK_POINTS:
            raise ObservationError(
                f"a track has {len(self.points)} points; send at least {_TRACK_POINTS}"
            )
        for number, (at, place, accuracy_m) in enumerate(self.points):
            if not math.isfinite(at):
                raise ObservationError(f"point {number} of the track has time {at}; leave it out")
            check_place(place, f"point {number} of the track")
            if accuracy_m is not None and not 0 <= accuracy_m <= ACCURACY_LIMIT_M:
                raise ObservationError(
                    f"point {number} of the track has accuracy {accuracy_m} m; give 0 to "
                    f"{ACCURACY_LIMIT_M:.0f}, or leave it out"
                )


Observation: TypeAlias = EdgeSpeed | WaySpeed | StretchSpeed | Track


def check_speed(speed_kmh: float, modes: Sequence[Mode], where: str) -> None:
    """Raise `ObservationError` for a speed that a mode cannot go."""
    if not modes:
        raise ObservationError(f"the speed on {where} names no mode; say who was observed")
    if not math.isfinite(speed_kmh) or speed_kmh <= 0:
        raise ObservationError(
            f"the speed on {where} is {speed_kmh} km/h; give one above 0, or close the street"
        )
    if speed_kmh < SLOWEST_KMH:
        raise ObservationError(
            f"the speed on {where} is {speed_kmh:g} km/h, below {SLOWEST_KMH:g}; close the street "
            "instead"
        )
    for mode in modes:
        if speed_kmh > TOP_KMH[mode]:
            raise ObservationError(
                f"the speed on {where} is {speed_kmh:g} km/h, but mode '{mode}' never goes faster "
                f"than {TOP_KMH[mode]:g}; check the unit and the mode"
            )


def check_place(place: LonLat, where: str) -> None:
    """Raise `ObservationError` for a place that is not on Earth."""
    lon, lat = place
    if not (abs(lon) <= LON_LIMIT and abs(lat) <= LAT_LIMIT):  # NaN fails as well
        raise ObservationError(
            f"{where}: ({lat}, {lon}) is no place on Earth; give latitude -90 to 90 and longitude "
            "-180 to 180"
        )


def _coordinates(values: Any) -> tuple[LonLat, ...]:
    points: list[LonLat] = []
    for number, pair in enumerate(values if isinstance(values, Sequence) else ()):
        numbers = pair if isinstance(pair, Sequence) else ()
        if len(numbers) < len(LonLat._fields) or not all(
            isinstance(value, int | float) and not isinstance(value, bool) for value in numbers
        ):
            raise ObservationError(
                f"geometry.coordinates[{number}] is {pair!r}; give [longitude, latitude]"
            )
        points.append(LonLat(float(numbers[0]), float(numbers[1])))
    return tuple(points)


def _moment(value: Any) -> int:
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return round(value)
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            moment = None
        if moment is not None and moment.tzinfo is not None:
            return round(moment.timestamp())
    raise ObservationError(
        f"properties.observed_at is {value!r}; give epoch seconds or RFC 3339 with an offset, such "
        "as 2026-05-01T08:00:00Z"
    )


def _mode(value: Any) -> Mode:
    if value not in tuple(MODES):
        raise ObservationError(
            f"properties.mode is {value!r}; it must be one of {', '.join(MODES)}"
        )
    return Mode(value)
