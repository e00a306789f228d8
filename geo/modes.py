"""How couriers move; apart from the rest, so that a command line need not import arrays."""

from __future__ import annotations

from enum import StrEnum


class Mode(StrEnum):
    """How a courier moves; each has its own access rules and speeds."""

    WALK = "walk"
    BIKE = "bike"
    CARGO_BIKE = "cargo_bike"
    SCOOTER = "scooter"
    CAR = "car"
