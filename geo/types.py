"""Units and shapes every room shares: places, seconds, metres, modes and the travel-time port.

Times are integers in UTC epoch seconds, durations integer seconds, lengths integer metres,
places WGS 84 degrees with longitude first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple, NewType, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

Seconds: TypeAlias = int
Metres: TypeAlias = int

if TYPE_CHECKING:
    EpochS: TypeAlias = int
else:
    # A type of its own at run time, so that the wire can write it as RFC 3339.
    EpochS = NewType("EpochS", int)

UNREACHABLE_S = 1_000_000_000
"""Duration and length of a trip that cannot be made; two of them still add up within int32."""


class LonLat(NamedTuple):
    """A place in WGS 84 degrees, longitude first."""

    lon: float
    lat: float


class Mode(StrEnum):
    """How a courier moves; each has its own access rules and speeds."""

    WALK = "walk"
    BIKE = "bike"
    CARGO_BIKE = "cargo_bike"
    SCOOTER = "scooter"
    CAR = "car"


@dataclass(frozen=True, slots=True, eq=False)
class Matrix:
    """Travel between all pairs; time and length come from the same path.

    Attributes
    ----------
    duration_s, length_m
        int32 arrays of shape (origins, destinations); `UNREACHABLE_S` where there is no way.
    """

    duration_s: NDArray[np.int32]
    length_m: NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class RoadRoute:
    """One way through the streets.

    Attributes
    ----------
    duration_s, length_m
        Of the whole way, access to the road at both ends included.
    points
        The line along the streets, from origin to destination, at least two points.
    offset_s
        For each point, whole seconds after the start; same length as `points`, non-decreasing.
    streets
        Names of the streets taken, in order, without repetition; unnamed ways are left out.
    """

    duration_s: Seconds
    length_m: Metres
    points: tuple[LonLat, ...]
    offset_s: tuple[Seconds, ...]
    streets: tuple[str, ...] = ()


class TravelTimes(Protocol):
    """Where travel times come from: our own network, or a routing server."""

    @property
    def version(self) -> str:
        """Name of the network and weights in force; a plan records the one it used."""
        ...

    @property
    def modes(self) -> frozenset[Mode]:
        """Modes this network can answer for."""
        ...

    def check_place(self, place: LonLat, mode: Mode) -> None:
        """Raise `geo.errors.TooFarFromRoadError` when no road of the mode is near enough."""
        ...

    def matrix(
        self, origins: Sequence[LonLat], destinations: Sequence[LonLat], mode: Mode, at: int
    ) -> Matrix:
        """Return times and lengths between all pairs when leaving at `at` (UTC epoch seconds)."""
        ...

    def route(self, origin: LonLat, destination: LonLat, mode: Mode, at: int) -> RoadRoute:
        """Return the way itself; raises `geo.errors.NoRouteError` when there is none."""
        ...
