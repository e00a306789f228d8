"""What many answers have: moments, places, and words out of a list."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Union

from pydantic import Field, GetPydanticSchema
from typing_extensions import TypedDict

Moment = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
"""RFC 3339 in UTC: `2026-11-20T16:30:00Z`."""

Line = list[list[float]]
"""[longitude, latitude] pairs, as GeoJSON has them."""


def one_of(*kinds: type[StrEnum]) -> Any:
    """Return what describes a text that is one of the words of some lists."""
    words: Any = Union[tuple(kinds)]  # noqa: UP007  of a tuple
    return GetPydanticSchema(lambda _source, handler: handler.generate_schema(words))


class Place(TypedDict):
    """A place in WGS 84 degrees."""

    lat: float
    lng: float


class SeenAt(TypedDict):
    """Where somebody was seen last, and when."""

    location: Place
    at: Moment
