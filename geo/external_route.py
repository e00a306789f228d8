"""A route in OSRM's words, which Valhalla speaks too when asked, as our own `RoadRoute`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal, TypeVar, get_args

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, PlainValidator, TypeAdapter

from geo.errors import PolylineError
from geo.plane import LAT_LIMIT, LON_LIMIT, flat_length_m
from geo.polyline import POLYLINE6, decode
from geo.snapping import ACCESS_KMH
from geo.types import (
    UNREACHABLE_S,
    LonLat,
    Maneuver,
    Modifier,
    RoadRoute,
    RoadStep,
)

Figure = Annotated[float, Field(ge=0, lt=UNREACHABLE_S, allow_inf_nan=False, strict=True)]
"""Seconds or metres of a trip that can be made."""

Place = tuple[
    Annotated[float, Field(ge=-180, le=180, strict=True)],
    Annotated[float, Field(ge=-90, le=90, strict=True)],
]
"""Degrees, longitude first."""

Bearing = Annotated[int, Field(ge=0, le=360)]

Walk = TypeVar("Walk", float, NDArray[np.float64])

_GOING_ON: Final = frozenset({"notification", "use lane"})
"""What OSRM says where there is nothing to do; whatever else we have no word for is a turn."""

_CIRCLE: Final = 360


def _read_line(said: Any) -> NDArray[np.float64]:
    """Return a line, float64 (n, 2) with n >= 1: GeoJSON as OSRM sends it, or `polyline6`."""
    if isinstance(said, str):
        try:
            line = decode(said, POLYLINE6)
        except PolylineError as error:
            raise ValueError(str(error)) from error
    else:
        line = np.array(_GEOJSON.validate_python(said).coordinates, dtype=np.float64)
    if not len(line) or (np.abs(line) > (LON_LIMIT, LAT_LIMIT)).any():
        raise ValueError("a line without points, or beyond the Earth")
    return line


class _GeoJson(BaseModel):
    type: Literal["LineString"]
    coordinates: list[Place]


_GEOJSON: Final = TypeAdapter(_GeoJson)


class _Maneuver(BaseModel):
    type: str
    modifier: str = ""
    bearing_before: Bearing = 0
    bearing_after: Bearing = 0


class _Step(BaseModel):
    model_config = ConfigDict(arbitrary_types_allowed=True)

    maneuver: _Maneuver
    name: str = ""
    duration: Figure
    distance: Figure
    geometry: Annotated[NDArray[np.float64], PlainValidator(_read_line)]


class _Leg(BaseModel):
    steps: Annotated[list[_Step], Field(min_length=1)]


class _Route(BaseModel):
    duration: Figure
    distance: Figure
    legs: Annotated[list[_Leg], Field(min_length=1, max_length=1)]


class Waypoint(BaseModel):
    """Where a place was snapped to; older servers do not say how far that is."""

    location: Place
    distance: Figure | None = None

    def away_m(self, place: LonLat) -> float:
        """Return the distance between a place and where it was snapped to."""
        if self.distance is not None:
            return self.distance
        ends = np.array([place, self.location], dtype=np.float64)
        return float(flat_length_m(ends[:1], ends[1:])[0])


class Extras(BaseModel):
    """What `samehour serve` says beside OSRM's own.

    Attributes
    ----------
    counts_access
        The walks between places and road are in its times and lengths already.
    """

    counts_access: bool = False


class RouteAnswer(BaseModel):
    """The answer of a route service."""

    code: Literal["Ok"]
    routes: Annotated[list[_Route], Field(min_length=1)]
    waypoints: Annotated[list[Waypoint], Field(min_length=2, max_length=2)]
    data_version: str = ""
    samehour: Extras = Extras()


class Refused(BaseModel):
    """The answer of a server that will not, or cannot."""

    code: str
    message: str = ""


ROUTE: Final = TypeAdapter(RouteAnswer)
REFUSED: Final = TypeAdapter(Refused)


def rounded(values: Any) -> NDArray[np.int32]:
    """Return figures as whole numbers, halves up."""
    return np.floor(np.asarray(values, dtype=np.float64) + 0.5).astype(np.int32)


def road_route(
    answer: RouteAnswer, origin: LonLat, destination: LonLat, walk_m: tuple[float, float]
) -> RoadRoute:
    """Return the first route of an answer as our own.

    Parameters
    ----------
    walk_m
        Metres on foot between the places and the road, at the beginning and at the end, that the
        answer does not count.

    Notes
    -----
    Between the points of a step time passes evenly with the length.
    """
    found = answer.routes[0]
    steps = found.legs[0].steps
    ends = steps[-1].maneuver.type == "arrive"
    walk_s = (walking_s(walk_m[0]), walking_s(walk_m[1]))
    duration_s = int(rounded(found.duration + sum(walk_s)))
    length_m = int(rounded(found.distance + sum(walk_m)))
    begin_s = _begins([step.duration for step in steps], walk_s, ends=ends)
    begin_m = _begins([step.distance for step in steps], walk_m, ends=ends)
    driven_s = walk_s[0] + _running([step.duration for step in steps])
    points = np.concatenate([[origin], *(step.geometry for step in steps), [destination]])
    elapsed_s = np.concatenate(
        [
            [0.0],
            *(
                before + _share(step.geometry) * step.duration
                for step, before in zip(steps, driven_s[:-1], strict=True)
            ),
            begin_s[-1:],
        ]
    )
    # A step begins where the one before ended: such points are told once, with the later time.
    last = np.append((np.diff(points, axis=0) != 0).any(axis=1), True)
    if last.sum() == 1:
        last[0] = True
    place_of = np.cumsum(last) - last
    places = tuple(LonLat(*pair) for pair in points[last].tolist())
    first = 1 + np.cumsum([0, *(len(step.geometry) for step in steps[:-1])])
    at = place_of[first].tolist()
    at[0] = 0
    if ends:
        at[-1] = len(places) - 1
    offset_s = _ending(elapsed_s, duration_s)[last]
    offset_s[0] = 0
    step_s = np.diff(_ending(begin_s, duration_s)).tolist()
    step_m = np.diff(_ending(begin_m, length_m)).tolist()
    return RoadRoute(
        duration_s,
        length_m,
        places,
        tuple(offset_s.tolist()),
        tuple(dict.fromkeys(step.name for step in steps if step.name)),
        tuple(
            RoadStep(
                maneuver=_maneuver(step.maneuver),
                modifier=_modifier(step.maneuver),
                street=step.name,
                duration_s=step_s[index],
                length_m=step_m[index],
                point=at[index],
                location=places[at[index]],
                bearing_before=step.maneuver.bearing_before % _CIRCLE,
                bearing_after=step.maneuver.bearing_after % _CIRCLE,
            )
            for index, step in enumerate(steps)
        ),
    )


def walking_s(away_m: Walk) -> Walk:
    """Return how long the way between a place and its road takes on foot, float or array."""
    return away_m / (ACCESS_KMH / 3.6)


def _begins(
    parts: Sequence[float], walks: tuple[float, float], *, ends: bool
) -> NDArray[np.float64]:
    """Return where each step begins, walks included, and the whole; `ends` with an arrival."""
    begins = _running(parts) + walks[0]
    begins[0] = 0.0
    begins[-1] += walks[1]
    if ends:
        begins[-2] = begins[-1]
    return begins


def _running(parts: Sequence[float]) -> NDArray[np.float64]:
    """Return the sums before each part, and the whole: one figure more than parts."""
    return np.concatenate([[0.0], np.cumsum(parts)])


def _ending(values: NDArray[np.float64], whole: int) -> NDArray[np.int32]:
    """Return ascending figures as whole numbers, stretched so that the last one is `whole`."""
    last = float(values[-1])
    result = rounded(values * (whole / last if last > 0 else 0.0))
    result[-1] = whole
    return np.minimum(result, whole)


def _share(line: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how far along a line each of its points is, 0.0 to 1.0."""
    after = np.concatenate([[0.0], np.cumsum(flat_length_m(line[:-1], line[1:]))])
    return np.asarray(after / after[-1] if after[-1] > 0 else after)


def _maneuver(said: _Maneuver) -> Maneuver:
    known: dict[str, Maneuver] = {word: word for word in get_args(Maneuver)}
    return known.get(said.type, "continue" if said.type in _GOING_ON else "turn")


def _modifier(said: _Maneuver) -> Modifier:
    if said.type in ("depart", "arrive"):
        return ""
    known: dict[str, Modifier] = {word: word for word in get_args(Modifier) if word}
    return known.get(said.modifier, "straight")
