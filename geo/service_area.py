"""A store's service area as plain data, and its JSON form: what the API takes and gives.

Nothing here knows shapes or streets; `geo.areas` says which doors an area serves.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final, NamedTuple, TypeAlias, TypeVar

from geo.errors import AreaError
from geo.types import LonLat, Metres, Mode, Seconds

MOST_DISTANCE_M: Final = 100_000
MOST_DURATION_S: Final = 14_400
"""Beyond these a courier does not deliver within the hour: it is a slip of the keyboard."""

MOST_POINTS: Final = 10_000
"""Points of all rings of one area together."""

_LON_LIMIT: Final = 180.0
_LAT_LIMIT: Final = 90.0
_LEAST_RING: Final = 4
_POSITION_SIZES: Final = (2, 3)
_KILOMETRE_M: Final = 1000
_MINUTE_S: Final = 60

Ring: TypeAlias = tuple[LonLat, ...]
"""A closed line: its last point is its first; at least four points."""

Polygon: TypeAlias = tuple[Ring, ...]
"""The outer ring, then the holes."""


class AreaKind(StrEnum):
    """How an area is told.

    `road_distance` and `road_time` ask the travel times of every door, so they follow the
    traffic.  An `isochrone` is the shape that a courier reaches in time, drawn once in a while;
    a `polygon` is drawn by hand.
    """

    ROAD_DISTANCE = "road_distance"
    ROAD_TIME = "road_time"
    ISOCHRONE = "isochrone"
    POLYGON = "polygon"


_Choice = TypeVar("_Choice", AreaKind, Mode)

_FIELDS: Final[Mapping[AreaKind, frozenset[str]]] = MappingProxyType(
    {
        AreaKind.ROAD_DISTANCE: frozenset({"distance_m", "mode"}),
        AreaKind.ROAD_TIME: frozenset({"duration_s", "mode"}),
        AreaKind.ISOCHRONE: frozenset({"duration_s", "mode"}),
        AreaKind.POLYGON: frozenset({"shape"}),
    }
)
"""What each kind needs, and what the other kinds must not have."""


@dataclass(frozen=True, slots=True)
class ServiceArea:
    """Where a store delivers to.

    A door on the edge of the area is inside; one on the edge of an exclusion is excluded.

    Attributes
    ----------
    distance_m
        Of `road_distance`: the longest way from store to door along the mode's fastest way, 1 to
        `MOST_DISTANCE_M`.
    duration_s
        Of `road_time` and `isochrone`: the longest time from store to door, 1 to
        `MOST_DURATION_S`.
    mode
        By which the way is measured; a `polygon` has none.
    shape
        Of `polygon`: one or more polygons.
    exclusions
        Polygons whose doors are not served, whatever the kind.

    Raises
    ------
    AreaError
        A field is missing, of another kind, or out of range; names it.
    """

    kind: AreaKind
    distance_m: Metres | None = None
    duration_s: Seconds | None = None
    mode: Mode | None = None
    shape: tuple[Polygon, ...] = ()
    exclusions: tuple[Polygon, ...] = ()

    def __post_init__(self) -> None:
        given = {
            "distance_m": self.distance_m is not None,
            "duration_s": self.duration_s is not None,
            "mode": self.mode is not None,
            "shape": bool(self.shape),
        }
        for field, there in given.items():
            if there and field not in _FIELDS[self.kind]:
                raise AreaError(f"/{field}", f"has no meaning for kind {self.kind}; leave it out")
            if not there and field in _FIELDS[self.kind]:
                raise AreaError(f"/{field}", f"is missing; kind {self.kind} needs it")
        _check_figure("/distance_m", self.distance_m, MOST_DISTANCE_M, "metres")
        _check_figure("/duration_s", self.duration_s, MOST_DURATION_S, "seconds")
        points = 0
        for field, polygons in (("/shape", self.shape), ("/exclusions", self.exclusions)):
            for polygon in polygons:
                if not polygon:
                    raise AreaError(field, "has a polygon without a ring; give its outer ring")
                for ring in polygon:
                    points += len(ring)
                    _check_ring(field, ring)
        if points > MOST_POINTS:
            raise AreaError(
                "/shape" if self.shape else "/exclusions",
                f"and exclusions have {points} points; simplify them to {MOST_POINTS} at most",
            )

    def describe(self) -> str:
        """Return the area in a few words, for people who were refused."""
        by = ""
        if self.mode is not None:
            by = "on foot" if self.mode is Mode.WALK else f"by {self.mode.value.replace('_', ' ')}"
        words = {
            AreaKind.ROAD_DISTANCE: f"{(self.distance_m or 0) / _KILOMETRE_M:.3g} km of road {by}",
            AreaKind.ROAD_TIME: f"{_minutes(self.duration_s)} {by}",
            AreaKind.ISOCHRONE: f"the {_minutes(self.duration_s)} isochrone {by}",
            AreaKind.POLYGON: "a drawn polygon",
        }[self.kind]
        if not self.exclusions:
            return words
        count = len(self.exclusions)
        return f"{words} less {count} exclusion{'s' if count > 1 else ''}"


class Site(NamedTuple):
    """A store's place, and where it delivers to."""

    place: LonLat
    area: ServiceArea


def _minutes(duration_s: int | None) -> str:
    return f"{(duration_s or 0) / _MINUTE_S:.3g} min"


def _check_figure(pointer: str, figure: object, most: int, unit: str) -> None:
    if figure is None:
        return
    if not isinstance(figure, int) or isinstance(figure, bool):
        raise AreaError(pointer, f"is {_say(figure)}; give whole {unit}, 1 to {most}")
    if not 1 <= figure <= most:
        raise AreaError(pointer, f"is {figure} {unit}; give 1 to {most}")


def _check_ring(pointer: str, ring: Ring) -> None:
    if len(ring) < _LEAST_RING:
        raise AreaError(
            pointer, f"has a ring of {len(ring)} points; give three corners and the first again"
        )
    for lon, lat in ring:
        if not (abs(lon) <= _LON_LIMIT and abs(lat) <= _LAT_LIMIT):
            raise AreaError(
                pointer, f"has the point [{lon}, {lat}], off the Earth; give [lon, lat] in degrees"
            )
    if ring[0] != ring[-1]:
        raise AreaError(pointer, "has a ring that is not closed; end it with its first point")
    west, east = min(lon for lon, _ in ring), max(lon for lon, _ in ring)
    if east - west > _LON_LIMIT:
        raise AreaError(
            pointer, "crosses the 180th meridian or half the Earth; cut it there into two polygons"
        )


# --- JSON --------------------------------------------------------------------------------------


def as_json(area: ServiceArea) -> dict[str, Any]:
    """Return an area in its JSON form: figures with units, shapes as GeoJSON geometries."""
    found: dict[str, Any] = {"kind": area.kind.value}
    if area.distance_m is not None:
        found["distance_m"] = area.distance_m
    if area.duration_s is not None:
        found["duration_s"] = area.duration_s
    if area.mode is not None:
        found["mode"] = area.mode.value
    if area.shape:
        found["shape"] = geometry_as_json(area.shape)
    if area.exclusions:
        found["exclusions"] = [geometry_as_json((polygon,)) for polygon in area.exclusions]
    return found


def geometry_as_json(polygons: tuple[Polygon, ...]) -> dict[str, Any]:
    """Return polygons as a GeoJSON geometry (RFC 7946): a Polygon, or a MultiPolygon of several."""
    lines = [[[list(point) for point in ring] for ring in polygon] for polygon in polygons]
    if len(lines) == 1:
        return {"type": "Polygon", "coordinates": lines[0]}
    return {"type": "MultiPolygon", "coordinates": lines}


def from_json(value: object) -> ServiceArea:
    """Read an area from its JSON form.

    Parameters
    ----------
    value
        What a JSON parser returned: `{"kind": "road_time", "duration_s": 600, "mode": "bike"}`,
        `{"kind": "polygon", "shape": {"type": "Polygon", ...}, "exclusions": [{...}]}`.  A
        geometry is a GeoJSON Polygon or MultiPolygon (RFC 7946): closed rings of [lon, lat].

    Raises
    ------
    AreaError
        It is no such form; says where, with a JSON pointer, and what to write instead.  Whether
        rings cross themselves is for `geo.areas.check_shapes` to say.
    """
    fields = _object("", value)
    known = ("kind", "distance_m", "duration_s", "mode", "shape", "exclusions")
    for name in fields:
        if name not in known:
            raise AreaError(f"/{name}", f"is not known; an area has {', '.join(known)}")
    kind = _choice("/kind", fields.get("kind"), AreaKind)
    mode = fields.get("mode")
    shape = fields.get("shape")
    exclusions = fields.get("exclusions")
    if exclusions is not None and not isinstance(exclusions, list):
        raise AreaError("/exclusions", "is no list; give a list of GeoJSON polygons")
    return ServiceArea(
        kind=kind,
        distance_m=fields.get("distance_m"),
        duration_s=fields.get("duration_s"),
        mode=None if mode is None else _choice("/mode", mode, Mode),
        shape=() if shape is None else _geometry("/shape", shape),
        exclusions=tuple(
            polygon
            for index, each in enumerate(exclusions or [])
            for polygon in _geometry(f"/exclusions/{index}", each)
        ),
    )


def _object(pointer: str, value: object) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise AreaError(pointer, f"is {_say(value)}; give a JSON object")
    return value


def _choice(pointer: str, value: object, choices: type[_Choice]) -> _Choice:
    names = [str(choice) for choice in choices]
    if not isinstance(value, str) or value not in names:
        raise AreaError(pointer, f"is {_say(value)}; choose one of {', '.join(names)}")
    return choices(value)


def _geometry(pointer: str, value: object) -> tuple[Polygon, ...]:
    fields = _object(pointer, value)
    kind, coordinates = fields.get("type"), fields.get("coordinates")
    if kind not in ("Polygon", "MultiPolygon"):
        raise AreaError(
            f"{pointer}/type", f"is {_say(kind)}; give a GeoJSON Polygon or MultiPolygon"
        )
    inside = f"{pointer}/coordinates"
    if kind == "Polygon":
        return (_polygon(inside, coordinates),)
    polygons = _filled(inside, coordinates, "polygons")
    return tuple(_polygon(f"{inside}/{i}", each) for i, each in enumerate(polygons))


def _polygon(pointer: str, value: object) -> Polygon:
    rings = _filled(pointer, value, "rings")
    return tuple(_ring(f"{pointer}/{i}", each) for i, each in enumerate(rings))


def _ring(pointer: str, value: object) -> Ring:
    ring = tuple(
        _position(f"{pointer}/{i}", each)
        for i, each in enumerate(_filled(pointer, value, "positions"))
    )
    _check_ring(pointer, ring)
    return ring


def _position(pointer: str, value: object) -> LonLat:
    """Read a position; its height, if it has one, is of no use here."""
    if (
        not isinstance(value, list | tuple)
        or len(value) not in _POSITION_SIZES
        or not all(_is_number(part) for part in value)
    ):
        raise AreaError(pointer, f"is {_say(value)}; give [lon, lat] in degrees")
    return LonLat(float(value[0]), float(value[1]))


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _filled(pointer: str, value: object, what: str) -> list[Any] | tuple[Any, ...]:
    if not isinstance(value, list | tuple) or not value:
        raise AreaError(pointer, f"is {_say(value)}; give a list of {what} as GeoJSON has it")
    return value


_MOST_SAID: Final = 60


def _say(value: object) -> str:
    if value is None:
        return "missing"
    text = repr(value)
    return text if len(text) <= _MOST_SAID else f"{text[: _MOST_SAID - 3]}..."
