"""Areas: where a store delivers to."""

from __future__ import annotations

from typing import Annotated, Any, Literal, NotRequired

from typing_extensions import TypedDict

from api.shapes.words import one_of
from geo.service_area import AreaKind
from geo.types import Mode


class Geometry(TypedDict):
    """A GeoJSON geometry (RFC 7946); coordinates are longitude and latitude."""

    type: Literal["Polygon", "MultiPolygon"]
    coordinates: list[Any]


class Area(TypedDict):
    """A service area: a distance, a duration or a drawn shape, less its exclusions."""

    kind: Annotated[str, one_of(AreaKind)]
    distance_m: NotRequired[int]
    duration_s: NotRequired[int]
    mode: NotRequired[Annotated[str, one_of(Mode)]]
    shape: NotRequired[Geometry]
    exclusions: NotRequired[list[Geometry]]
