"""Zones: where and when the service works."""

from __future__ import annotations

from typing import Annotated, Any

from typing_extensions import TypedDict

from api.shapes.wire import written
from api.shapes.words import Moment
from dispatch.policy import Policy


class Zone(TypedDict):
    """A zone with its clock, bounds (west, south, east, north) and policy."""

    id: str
    city: str
    title: str
    now: Moment
    speed: float
    time_zone: str
    bounds: list[float]
    attribution: str
    policy: Annotated[Any, written(Policy)]


class Zones(TypedDict):
    """Every zone of the tenant."""

    data: list[Zone]
