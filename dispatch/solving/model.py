"""What is asked and what is answered: shipments, vehicles, routes.

Places are rows of the travel tables.  Times are whole numbers of any unit, the same everywhere;
so are weights and volumes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dispatch.planning.arrays import NEVER

ENOUGH: Final = 1 << 40
"""A capacity that nothing fills."""


@dataclass(frozen=True, slots=True)
class Visit:
    """One end of a shipment: it begins from `earliest` to `latest`, both included."""

    place: int
    earliest: int = 0
    latest: int = NEVER
    service_s: int = 0


@dataclass(frozen=True, slots=True)
class Shipment:
    """What is fetched at one place and brought to another, by one vehicle.

    Attributes
    ----------
    vehicles
        Who may take it; None for all.
    """

    shipment_id: str
    pickup: Visit
    delivery: Visit
    weight_g: int = 0
    volume_ml: int = 0
    vehicles: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Vehicle:
    """Who may be sent.

    Attributes
    ----------
    end
        Where it must come back to; None for wherever its last stop is.
    latest
        When it must be there, or be done.
    fixed_cost
        Of having a route at all.
    mode
        Key of the travel tables.
    """

    vehicle_id: str
    start: int
    end: int | None = None
    earliest: int = 0
    latest: int = NEVER
    capacity_g: int = ENOUGH
    capacity_ml: int = ENOUGH
    capacity_parcels: int = ENOUGH
    fixed_cost: float = 0.0
    mode: str = "car"


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """What is to be solved.

    Attributes
    ----------
    duration_s : int32 (places, places) by mode
    length_m : int32 (places, places) by mode
        None where lengths have no price.
    travel_cost, length_cost
        Per unit of time under way, and of length.
    """

    shipments: tuple[Shipment, ...]
    vehicles: tuple[Vehicle, ...]
    duration_s: Mapping[str, NDArray[np.int32]]
    length_m: Mapping[str, NDArray[np.int32]] | None = None
    travel_cost: float = 1.0
    length_cost: float = 0.0


@dataclass(frozen=True, slots=True)
class Stop:
    """A visit as planned: it begins, after any waiting, and is over."""

    shipment_id: str
    is_pickup: bool
    begin: int
    over: int


@dataclass(frozen=True, slots=True)
class Route:
    """The stops of one vehicle, in their order."""

    vehicle_id: str
    stops: tuple[Stop, ...]


@dataclass(frozen=True, slots=True)
class Solution:
    """An answer.

    Attributes
    ----------
    routes
        Of the vehicles that are needed.
    unserved
        Shipments that found no place.
    cost
        Of the vehicles and their ways.
    rounds
        Ruins it took.
    """

    routes: tuple[Route, ...]
    unserved: tuple[str, ...]
    cost: float
    rounds: int


@dataclass(frozen=True, slots=True)
class Effort:
    """How long to go on.

    Attributes
    ----------
    rounds
        Ruins, at most: counted so, an answer is the same wherever it is worked out.
    spent
        Share of another limit (of wall time) that is used up, which ends the search at 1; None
        for none.
    """

    rounds: int
    spent: Callable[[], float] | None = None

    def share(self, done: int) -> float:
        """Return which share of the whole is used up after so many rounds."""
        share = done / max(1, self.rounds)
        if self.spent is not None:
            share = max(share, self.spent())
        return min(1.0, share)
