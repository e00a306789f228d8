"""What may come in about the traffic: closures and observed speeds."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import Field, StringConstraints, model_validator

from api.schemas import Body, Moment, PlaceIn
from geo.closures import Closure, ClosureShape
from geo.observations import (
    Direction,
    Observation,
    StretchSpeed,
    Track,
    TrackPoint,
    WaySpeed,
)
from geo.types import Mode

_MOST_POINTS: Final = 2_000
_MOST_WAYS: Final = 500
_MOST_OBSERVATIONS: Final = 5_000

Points = Annotated[list[PlaceIn], Field(min_length=2, max_length=_MOST_POINTS)]
Modes = Annotated[
    list[Annotated[Mode, Field(strict=False)]], Field(min_length=1, max_length=len(Mode))
]
WayId = Annotated[int, Field(ge=1, le=2**62)]
Kmh = Annotated[float, Field(gt=0, le=200, allow_inf_nan=False)]


class ClosureIn(Body):
    """A street to be closed: a point on it, a line along it, a polygon over it, or way numbers."""

    point: PlaceIn | None = None
    """A point on the street that is closed."""
    line: Points | None = None
    """A line drawn along the streets that are closed."""
    polygon: Points | None = None
    """The corners of a shape whose streets are closed."""
    way_ids: Annotated[list[WayId], Field(min_length=1, max_length=_MOST_WAYS)] | None = None
    """Numbers of the closed ways in OpenStreetMap."""
    modes: Modes = Field(default_factory=lambda: list(Mode))
    """Whom it keeps out; everybody when left out."""
    reason: Annotated[str, StringConstraints(max_length=200, strip_whitespace=True)] = ""
    """Why the street is closed, in words."""
    until: Moment | None = None
    """When it opens by itself; left out, when the closure is deleted."""

    @model_validator(mode="after")
    def _one_shape(self) -> ClosureIn:
        given = [n for n in ("point", "line", "polygon", "way_ids") if getattr(self, n) is not None]
        if len(given) != 1:
            said = " and ".join(given) or "none"
            raise ValueError(f"give one of point, line, polygon and way_ids, not {said}")
        return self

    def closure(self, closure_id: str) -> Closure:
        """Return the model's closure."""
        shape, points = ClosureShape.WAYS, []
        if self.point is not None:
            shape, points = ClosureShape.POINT, [self.point]
        elif self.line is not None:
            shape, points = ClosureShape.LINE, self.line
        elif self.polygon is not None:
            shape, points = ClosureShape.POLYGON, self.polygon
        return Closure(
            closure_id=closure_id,
            shape=shape,
            points=tuple(point.lonlat() for point in points),
            way_ids=tuple(self.way_ids or ()),
            modes=tuple(mode for mode in Mode if mode in self.modes),
            reason=self.reason,
            until=self.until,
        )


class SpeedIn(Body):
    """A speed seen on a street."""

    speed_kmh: Kmh
    """How fast somebody went, in kilometres an hour."""
    observed_at: Moment | None = None
    """When it was seen; now when left out."""
    modes: Modes
    """Whose speed it is: the modes it counts for."""


class WaySpeedIn(SpeedIn):
    """A speed seen on a way of OpenStreetMap."""

    way_id: WayId
    """Number of the way in OpenStreetMap."""
    direction: Annotated[Direction, Field(strict=False)] = Direction.BOTH
    """Along the way as it is drawn, against it, or both."""

    def observation(self, now: int) -> Observation:
        """Return the model's observation."""
        at = now if self.observed_at is None else self.observed_at
        return WaySpeed(self.way_id, self.direction, self.speed_kmh, at, tuple(self.modes))


class StretchSpeedIn(SpeedIn):
    """A speed seen along a line drawn on a street, in the direction of travel."""

    line: Points
    """Points along the street, in the direction of travel."""

    def observation(self, now: int) -> Observation:
        """Return the model's observation."""
        at = now if self.observed_at is None else self.observed_at
        line = tuple(point.lonlat() for point in self.line)
        return StretchSpeed(line, self.speed_kmh, at, tuple(self.modes))


class FeatureIn(Body):
    """The same as a GeoJSON Feature (RFC 7946): a LineString with its speed in the properties."""

    type: Literal["Feature"]
    """GeoJSON's own word: always `Feature`."""
    geometry: dict[str, Any]
    """A LineString along the street, longitude first, in the direction of travel."""
    properties: dict[str, Any]
    """`speed_kmh` and `modes`, and `observed_at` unless it is now."""

    def observation(self, now: int) -> Observation:
        """Return the model's observation."""
        told = {"observed_at": now, **self.properties}
        return StretchSpeed.of_geojson({"geometry": self.geometry, "properties": told})


class TrackPointIn(Body):
    """Where and when a device was."""

    location: PlaceIn
    """Where the device was then."""
    at: Moment
    """When, by the device's clock."""
    accuracy_m: Annotated[float, Field(ge=0, le=10_000, allow_inf_nan=False)] | None = None
    """How far off the place may be in metres; left out when the device does not say."""


class TrackIn(Body):
    """Where a device went: matched to the streets, its speeds count for them."""

    track: Annotated[list[TrackPointIn], Field(min_length=2, max_length=_MOST_POINTS)]
    """The device's places, as it went."""
    mode: Annotated[Mode, Field(strict=False)]
    """How it went: the mode its speeds count for."""

    def observation(self, now: int) -> Observation:  # noqa: ARG002 - every point has its time
        """Return the model's observation."""
        points = tuple(TrackPoint(p.at, p.location.lonlat(), p.accuracy_m) for p in self.track)
        return Track(points, self.mode)


class ObservationsIn(Body):
    """What was seen of the traffic; all of it is taken, or none."""

    observations: Annotated[
        list[WaySpeedIn | StretchSpeedIn | FeatureIn | TrackIn],
        Field(min_length=1, max_length=_MOST_OBSERVATIONS),
    ]
    """Speeds on ways, speeds along lines, GeoJSON Features or whole tracks, mixed as you like."""
