"""The travel times of a recorded day, as they came into force."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from dispatch.events import Recorded
from dispatch.recording import TravelVersions
from dispatch.street_news import StreetNews
from geo.city import City
from geo.errors import TrafficError
from geo.traffic import Traffic
from geo.traffic_record import base_of, unpack
from geo.traffic_weights import TrafficWeights
from geo.travel import NetworkTravelTimes
from geo.weights import FreeFlow, Weights
from simulations.errors import ReplayError

_VERSIONS_KEPT: Final = 8


class RecordedStreets:
    """Makes the versions of a recording anew."""

    def __init__(self, versions: TravelVersions, city: City) -> None:
        self._versions = versions
        self._network = city.network
        self._kept: dict[str, TrafficWeights] = {}

    def weights(self, version: str) -> Weights:
        """Return the weights of a version; raises `ReplayError` when they cannot be had."""
        if version == self._network.version:
            return FreeFlow(self._network)
        if version in self._kept:
            return self._kept[version]
        data = self._versions.get(version)
        if data is None:
            raise ReplayError(
                f"the ledger does not hold the travel times {version}; use a whole copy"
            )
        try:
            name = base_of(data)
            base = None if name is None else self.weights(name)
            made = unpack(data, self._network, base if isinstance(base, TrafficWeights) else None)
        except TrafficError as error:
            raise ReplayError(str(error)) from error
        if isinstance(made, TrafficWeights):
            self._kept[version] = made
            while len(self._kept) > _VERSIONS_KEPT:
                del self._kept[next(iter(self._kept))]
        return made


class Turning:
    """Puts recorded versions in force when they were; without any, what the log says is closed.

    Parameters
    ----------
    travel
        Which they are put in force in.
    due
        When which version came into force, ascending.
    """

    def __init__(
        self,
        streets: RecordedStreets,
        city: City,
        travel: NetworkTravelTimes,
        due: Sequence[tuple[int, str]],
    ) -> None:
        self._streets = streets
        self._travel = travel
        self._due = due
        self._done = 0
        self._news: StreetNews | None = None
        if not due:
            self._news = StreetNews(travel, Traffic(city.network, city.time_zone))

    def next_change(self, after: int) -> int | None:  # noqa: ARG002 - the port's
        """Return when they next change; what is due already comes first."""
        return self._due[self._done][0] if self._done < len(self._due) else None

    def turn(self, now: int) -> None:
        """Let what is due come into force."""
        last: str | None = None
        while self._done < len(self._due) and self._due[self._done][0] <= now:
            last = self._due[self._done][1]
            self._done += 1
        if last is not None and last != self._travel.version:
            self._travel.use(self._streets.weights(last), now)

    def hear(self, recorded: Recorded) -> None:
        """Close what is closed, where no version says so."""
        if self._news is not None:
            self._news.hear(recorded)
