"""Ways through the streets."""

from __future__ import annotations

from typing_extensions import TypedDict

from api.shapes.words import Line, Place
from geo.types import Maneuver, Modifier


class Step(TypedDict):
    """What to do on a leg; `point` is the index of its place in the leg's line."""

    maneuver: Maneuver
    modifier: Modifier
    street: str
    length_m: int
    duration_s: int
    location: Place
    point: int


class Leg(TypedDict):
    """A way along the streets."""

    duration_s: int
    length_m: int
    streets: list[str]
    line: Line
    steps: list[Step]


class StopLeg(Leg):
    """The way to a stop."""

    stop_id: str
