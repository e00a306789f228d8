"""Units and shapes every room shares: places, seconds, metres, modes and the travel-time port.

Times are integers in UTC epoch seconds, durations integer seconds, lengths integer metres,
places WGS 84 degrees with longitude first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple, NewType, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from geo.modes import Mode as Mode  # noqa: PLC0414 - to be had from here as well

if TYPE_CHECKING:
    from geo.reach import Reach

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


Maneuver: TypeAlias = Literal["depart", "turn", "new name", "continue", "arrive"]
"""What one does where a step begins, in OSRM's words."""

Modifier: TypeAlias = Literal[
    "",
    "straight",
    "slight right",
    "right",
    "sharp right",
    "uturn",
    "sharp left",
    "left",
    "slight left",
]
"""Which way, in OSRM's words; empty where one departs or arrives."""


@dataclass(frozen=True, slots=True)
class RoadStep:
    """A part of a route that needs no telling: along one street until something is to be done.

    Attributes
    ----------
    maneuver, modifier
        What is done where the step begins, and which way one turns there.
    street
        Name of the street followed then; empty where it has none.
    duration_s, length_m
        From there to the next step; those of all steps add up to the route's.
    point
        Index into the route's `points` of the place where the step begins.
    location
        That place.
    bearing_before, bearing_after
        Degrees clockwise from north, 0 to 359, in which one comes and goes on; 0 where one
        departs or arrives.
    """

    maneuver: Maneuver
    modifier: Modifier
    street: str
    duration_s: Seconds
    length_m: Metres
    point: int
    location: LonLat
    bearing_before: int
    bearing_after: int


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
    steps
        What to do on the way, from `depart` to `arrive`; empty where the source tells none.
    """

    duration_s: Seconds
    length_m: Metres
    points: tuple[LonLat, ...]
    offset_s: tuple[Seconds, ...]
    streets: tuple[str, ...] = ()
    steps: tuple[RoadStep, ...] = ()


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

    def pinned(self) -> TravelTimes:
        """Return the version in force now: its answers stay, whatever the traffic does next."""
        ...

    def matrix(
        self, origins: Sequence[LonLat], destinations: Sequence[LonLat], mode: Mode, at: int
    ) -> Matrix:
        """Return times and lengths between all pairs when leaving at `at` (UTC epoch seconds)."""
        ...

    def route(self, origin: LonLat, destination: LonLat, mode: Mode, at: int) -> RoadRoute:
        """Return the way itself; raises `geo.errors.NoRouteError` when there is none."""
        ...

    def reachable(self, origin: LonLat, seconds: Seconds, mode: Mode, at: int) -> Reach:
        """Return all that can be reached from a place within some seconds."""
        ...
