"""Travel times on the plane of a meal-delivery instance, in whole minutes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from geo.errors import PlaceError, QuestionError, UnknownModeError
from geo.reach import Reach
from geo.types import LonLat, Matrix, Mode, RoadRoute
from simulations.benchmarks.mdrp_instance import Instance, distances_m

MINUTE_S: Final = 60
_PER_DEGREE: Final = 10_000
_HALF: Final = 32


class PlaneTravelTimes:
    """The travel times of one instance; as a `geo.types.TravelTimes`.

    A place in degrees only names a row of the instance's table: metres do not fit into degrees,
    and two places with the same coordinates are still two.
    """

    modes = frozenset({Mode.CAR})

    def __init__(self, instance: Instance) -> None:
        self.version = f"plane of {instance.name}"
        # Time and length of a pair side by side: a decision picks its pairs from all over a
        # table that no cache holds.
        self._pairs = np.rint(distances_m(instance.xy_m)).astype(np.int64)
        self._pairs |= (instance.travel_min.astype(np.int64) * MINUTE_S) << _HALF
        self.places = tuple(
            LonLat(index / _PER_DEGREE, 0.0) for index in range(len(instance.travel_min))
        )
        self._index = {place: index for index, place in enumerate(self.places)}

    def pinned(self) -> PlaneTravelTimes:
        """Return itself: there is no traffic on a plane."""
        return self

    def check_place(self, place: LonLat, mode: Mode) -> None:
        """Raise `PlaceError` for what is no place of the instance."""
        self._check_mode(mode)
        if place not in self._index:
            raise PlaceError(f"{tuple(place)} is no place of {self.version}; use its `places`")

    def matrix(
        self, origins: Sequence[LonLat], destinations: Sequence[LonLat], mode: Mode, at: int
    ) -> Matrix:
        """Return times and lengths between all pairs, whenever one leaves."""
        del at
        self._check_mode(mode)
        try:
            rows = [self._index[place] for place in origins]
            columns = [self._index[place] for place in destinations]
        except KeyError as error:
            raise PlaceError(f"{error} is no place of {self.version}; use its `places`") from error
        pairs = self._pairs[np.ix_(rows, columns)]
        return Matrix((pairs >> _HALF).astype(np.int32), pairs.astype(np.int32))

    def route(self, origin: LonLat, destination: LonLat, mode: Mode, at: int) -> RoadRoute:
        """Return the straight line."""
        found = self.matrix([origin], [destination], mode, at)
        duration_s = int(found.duration_s[0, 0])
        length_m = int(found.length_m[0, 0])
        return RoadRoute(duration_s, length_m, (origin, destination), (0, duration_s))

    def reachable(self, origin: LonLat, seconds: int, mode: Mode, at: int) -> Reach:
        """Refuse: a plane has no streets to go along."""
        del origin, seconds, mode, at
        raise QuestionError(f"{self.version} has no streets to be reached; ask a city instead")

    def _check_mode(self, mode: Mode) -> None:
        if mode not in self.modes:
            raise UnknownModeError(f"{mode} is not on {self.version}; it has car")
