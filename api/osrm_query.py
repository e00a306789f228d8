"""What an OSRM client asks for: the path and options of OSRM's HTTP interface, version 1.

https://project-osrm.org/docs/ describes it.  What cannot be honoured is refused by name; what
makes no difference to the answer is taken and left alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from api.osrm_options import (
    NUMBER,
    Options,
    Osrm,
    OsrmProblem,
    alternatives,
    common,
    count_from_one,
    indices,
    not_offered,
    one_of,
    positive,
    route_annotations,
    subset,
    truth,
    word,
)
from geo.errors import PolylineError
from geo.plane import LAT_LIMIT, LON_LIMIT
from geo.polyline import POLYLINE, POLYLINE6, decode
from geo.types import LonLat, Mode

MAX_TABLE_CELLS: Final = 1_000_000
"""Pairs in one table: their JSON has about 15 MB."""

MAX_ROUTE_PLACES: Final = 500
"""Places on one route, as `osrm-routed` has it."""

MAX_NEAREST: Final = 100
"""Streets near one place, as `osrm-routed` has it."""

PROFILES: Final[Mapping[str, Mode]] = MappingProxyType(
    {
        **dict.fromkeys(("car", "driving", "auto"), Mode.CAR),
        **dict.fromkeys(("bike", "bicycle", "cycling", "cycle"), Mode.BIKE),
        **dict.fromkeys(("cargo_bike", "cargo-bike", "cargobike"), Mode.CARGO_BIKE),
        **dict.fromkeys(("scooter", "moped", "motor_scooter"), Mode.SCOOTER),
        **dict.fromkeys(("walk", "walking", "foot", "pedestrian"), Mode.WALK),
    }
)
"""Names that clients give to our modes."""

_LINE: Final = re.compile(r"polyline(6?)\((.*)\)", re.DOTALL)


class Overview(StrEnum):
    """How much of a route's line is told."""

    FULL = "full"
    SIMPLIFIED = "simplified"
    NONE = "false"


class Geometries(StrEnum):
    """How lines are told."""

    POLYLINE = "polyline"
    POLYLINE6 = "polyline6"
    GEOJSON = "geojson"


@dataclass(frozen=True, slots=True)
class Asked:
    """What every service is asked.

    Attributes
    ----------
    places
        At least one.
    radius_m
        How far each may be from the road; infinity where nothing was said.
    waypoints
        Whether to tell where the places were snapped to.
    """

    mode: Mode
    places: tuple[LonLat, ...]
    radius_m: tuple[float, ...]
    waypoints: bool


@dataclass(frozen=True, slots=True)
class TableAsked(Asked):
    """A table; `sources` and `destinations` are indices into `places`.

    Attributes
    ----------
    fallback_m_per_s
        Speed as the crow flies for pairs without a way; None to say that there is none.
    fallback_snapped
        Whether the crow flies from where places were snapped to.
    """

    sources: tuple[int, ...]
    destinations: tuple[int, ...]
    durations: bool
    distances: bool
    fallback_m_per_s: float | None
    fallback_snapped: bool
    scale_factor: float


@dataclass(frozen=True, slots=True)
class RouteAsked(Asked):
    """A route over all places, in order."""

    steps: bool
    annotations: frozenset[str]
    geometries: Geometries
    overview: Overview


@dataclass(frozen=True, slots=True)
class NearestAsked(Asked):
    """Streets near one place."""

    number: int


def table_asked(profile: str, coordinates: str, query: str) -> TableAsked:
    """Read what `/table/v1/{profile}/{coordinates}?{query}` asks for; raises `OsrmProblem`."""
    options = Options(query, _COMMON | _TABLE)
    mode, places = _mode(profile), _places(coordinates)
    everywhere = tuple(range(len(places)))
    sources = options.read("sources", everywhere, lambda text: indices(text, len(places)))
    destinations = options.read("destinations", everywhere, lambda t: indices(t, len(places)))
    if len(sources) * len(destinations) > MAX_TABLE_CELLS:
        raise OsrmProblem(
            Osrm.TOO_BIG,
            f"{len(sources)} sources and {len(destinations)} destinations make "
            f"{len(sources) * len(destinations)} pairs; ask for at most {MAX_TABLE_CELLS} at once",
        )
    told = options.read(
        "annotations", frozenset({"duration"}), subset("duration", "distance", or_truth=False)
    )
    scale_factor = options.read("scale_factor", 1.0, positive)
    speed = options.read("fallback_speed", None, positive)
    coordinate = options.read("fallback_coordinate", "input", one_of("input", "snapped"))
    if "duration" not in told and (scale_factor != 1.0 or speed is not None):
        raise OsrmProblem(
            Osrm.INVALID_OPTIONS,
            "scale_factor and fallback_speed are about durations; ask for annotations=duration",
        )
    return TableAsked(
        mode=mode,
        places=places,
        radius_m=common(options, places),
        waypoints=not options.read("skip_waypoints", False, truth),
        sources=sources,
        destinations=destinations,
        durations="duration" in told,
        distances="distance" in told,
        fallback_m_per_s=speed,
        fallback_snapped=coordinate == "snapped",
        scale_factor=scale_factor,
    )


def route_asked(profile: str, coordinates: str, query: str) -> RouteAsked:
    """Read what `/route/v1/{profile}/{coordinates}?{query}` asks for; raises `OsrmProblem`."""
    options = Options(query, _COMMON | _ROUTE)
    mode, places = _mode(profile), _places(coordinates)
    if len(places) < 2:  # noqa: PLR2004  a way has two ends
        raise OsrmProblem(Osrm.INVALID_OPTIONS, "Number of coordinates needs to be at least two.")
    if len(places) > MAX_ROUTE_PLACES:
        raise OsrmProblem(
            Osrm.TOO_BIG,
            f"Number of entries {len(places)} is higher than current maximum ({MAX_ROUTE_PLACES})",
        )
    # None are offered, as OSRM does where it finds none.
    options.read("alternatives", 0, alternatives)
    straight = options.read("continue_straight", "default", one_of("default", "true", "false"))
    if straight == "true" and len(places) > 2:  # noqa: PLR2004  nothing is passed on the way
        raise not_offered("continue_straight=true", "every leg begins in any direction")
    if options.read("waypoints", None, lambda text: indices(text, len(places))) not in (
        None,
        tuple(range(len(places))),
    ):
        raise not_offered("waypoints", "every place begins a leg")
    return RouteAsked(
        mode=mode,
        places=places,
        radius_m=common(options, places),
        waypoints=not options.read("skip_waypoints", False, truth),
        steps=options.read("steps", False, truth),
        annotations=options.read("annotations", frozenset(), route_annotations),
        geometries=options.read("geometries", Geometries.POLYLINE, word(Geometries)),
        overview=options.read("overview", Overview.SIMPLIFIED, word(Overview)),
    )


def nearest_asked(profile: str, coordinates: str, query: str) -> NearestAsked:
    """Read what `/nearest/v1/{profile}/{coordinates}?{query}` asks for; raises `OsrmProblem`."""
    options = Options(query, _COMMON | _NEAREST)
    mode, places = _mode(profile), _places(coordinates)
    if len(places) != 1:
        raise OsrmProblem(
            Osrm.INVALID_OPTIONS, f"nearest takes one coordinate, not {len(places)}; ask for each"
        )
    number = options.read("number", 1, count_from_one)
    if number > MAX_NEAREST:
        raise OsrmProblem(
            Osrm.TOO_BIG,
            f"Number of results {number} is higher than current maximum ({MAX_NEAREST})",
        )
    return NearestAsked(
        mode=mode,
        places=places,
        radius_m=common(options, places),
        waypoints=not options.read("skip_waypoints", False, truth),
        number=number,
    )


_COMMON: Final = frozenset(
    {
        "approaches",
        "bearings",
        "exclude",
        "generate_hints",
        "hints",
        "radiuses",
        "skip_waypoints",
        "snapping",
    }
)
_TABLE: Final = frozenset(
    {
        "annotations",
        "destinations",
        "fallback_coordinate",
        "fallback_speed",
        "scale_factor",
        "sources",
    }
)
_ROUTE: Final = frozenset(
    {
        "alternatives",
        "annotations",
        "continue_straight",
        "geometries",
        "overview",
        "steps",
        "waypoints",
    }
)
_NEAREST: Final = frozenset({"number"})


# --- profile and coordinates ---------------------------------------------------------------------


def _mode(profile: str) -> Mode:
    mode = PROFILES.get(profile.lower())
    if mode is None:
        raise OsrmProblem(
            Osrm.INVALID_OPTIONS,
            f"profile '{profile}' is not known; there are {', '.join(sorted(PROFILES))}",
        )
    return mode


def _places(coordinates: str) -> tuple[LonLat, ...]:
    text = coordinates
    if text.endswith(".flatbuffers"):
        raise OsrmProblem(Osrm.INVALID_OPTIONS, "flatbuffers are not offered; ask for .json")
    text = text.removesuffix(".json")
    line = _LINE.fullmatch(text)
    if line is not None:
        try:
            pairs = decode(line[2], POLYLINE6 if line[1] else POLYLINE).tolist()
        except PolylineError as error:
            raise OsrmProblem(Osrm.INVALID_QUERY, f"Query string malformed: {error}") from error
        places = tuple(LonLat(*pair) for pair in pairs)
    else:
        places = tuple(_place(index, pair) for index, pair in enumerate(text.split(";")))
    for index, (lon, lat) in enumerate(places):
        if not (abs(lon) <= LON_LIMIT and abs(lat) <= LAT_LIMIT):
            raise OsrmProblem(
                Osrm.INVALID_VALUE,
                f"Invalid coordinate value: coordinate {index} is longitude {lon:g}, latitude "
                f"{lat:g}",
            )
    if not places:
        raise OsrmProblem(Osrm.INVALID_QUERY, "Query string malformed: there is no coordinate")
    return places


def _place(index: int, pair: str) -> LonLat:
    parts = pair.split(",")
    if len(parts) != 2 or not all(NUMBER.fullmatch(part) for part in parts):  # noqa: PLR2004
        raise OsrmProblem(
            Osrm.INVALID_QUERY,
            f"Query string malformed: coordinate {index} is {pair[:60]!r}, not longitude,latitude",
        )
    return LonLat(float(parts[0]), float(parts[1]))
