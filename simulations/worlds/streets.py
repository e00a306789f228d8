"""The streets of an evening: as they are, and as the engine foresees them.

Both come from what the scenario says of traffic, surges and closures.  What is true goes into
the world's travel times, what is foreseen into the engine's.  Hours and surges change how long a
way takes, for all of a way what they were when it was begun; closures change which way it is.
"""

from __future__ import annotations

import datetime as dt
import math
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final, TypeAlias
from zoneinfo import ZoneInfo

import numpy as np

from dispatch.events import Recorded, StreetClosed, StreetReopened
from dispatch.street_news import StreetNews
from geo.city import City
from geo.closures import Closure, ClosureShape
from geo.errors import ClosureError
from geo.nearby import Streets
from geo.osm_access import MODES
from geo.plane import M_PER_DEGREE
from geo.profiles import DAYS, FASTEST_FACTOR, SLOWEST_FACTOR, SpeedProfile
from geo.traffic import LIVE_HALF_LIFE_S, Traffic
from geo.traffic_weights import Closed, TrafficWeights
from geo.travel import NetworkTravelTimes, PinnedTravelTimes
from geo.types import LonLat, Mode
from simulations.errors import ScenarioError
from simulations.scenarios.settings import ClosureSettings, Scenario, Surge

IN_TRAFFIC: Final = {Mode.CAR: 1.0, Mode.SCOOTER: 0.5}
"""How much of the traffic's delay meets a mode: scooters pass half of every queue, bicycles and
people on foot all of it."""

_Key: TypeAlias = tuple[tuple[int, ...], tuple[int, ...]]
"""Surges and closures in force, by number."""

_RING: Final = 16
_DIGITS: Final = 6
_VERSIONS_KEPT: Final = 8


@dataclass(frozen=True, slots=True)
class Span:
    """Something in force from `begins_at` on and before `ends_at`, None for no end."""

    begins_at: int
    ends_at: int | None

    def holds(self, at: int) -> bool:
        """Tell whether it is in force."""
        return self.begins_at <= at and (self.ends_at is None or at < self.ends_at)


def ring(around: LonLat, radius_m: int) -> tuple[LonLat, ...]:
    """Return the corners of a round area, as many digits as are sent over the wire."""
    north = radius_m / M_PER_DEGREE
    east = north / math.cos(math.radians(around.lat))
    turns = [2 * math.pi * k / _RING for k in range(_RING)]
    return tuple(
        LonLat(
            round(around.lon + east * math.sin(turn), _DIGITS),
            round(around.lat + north * math.cos(turn), _DIGITS),
        )
        for turn in turns
    )


def closure_of(settings: ClosureSettings, zone: dt.tzinfo) -> Closure:
    """Return a closure of a scenario as operations tell the engine of it."""
    return Closure(
        closure_id="",
        shape=ClosureShape.POLYGON,
        points=ring(settings.around, settings.radius_m),
        reason=settings.name,
        until=utc(settings.ends_at, zone),
    )


class Paces:
    """So many times the network's own way times, by mode and moment.

    Parameters
    ----------
    foresees
        Only what the engine is told of it.
    """

    def __init__(
        self, scenario: Scenario, classes: Sequence[str], zone: dt.tzinfo, *, foresees: bool
    ) -> None:
        self._classes = tuple(classes)
        known = scenario.travel.foreseen if foresees else 1.0
        delay = np.array(scenario.travel.per_hour) - 1
        share = np.array([[IN_TRAFFIC.get(mode, 0.0)] for mode in MODES])
        self._by_hour = 1 + known * share * delay
        self._surges = [
            (Span(utc(surge.starts_at, zone), utc(surge.ends_at, zone)), pace)
            for surge in scenario.surges
            if (pace := _surge_pace(surge, foresees=foresees))
        ]

    def surges(self, at: int) -> tuple[int, ...]:
        """Return which surges that change paces are on."""
        return tuple(k for k, (span, _) in enumerate(self._surges) if span.holds(at))

    def changes(self) -> set[int]:
        """Return when surges begin and end; the hours strike besides."""
        spans = [span for span, _ in self._surges]
        return {at for span in spans for at in (span.begins_at, span.ends_at) if at is not None}

    def profile(
        self, surges: Sequence[int], learned: Mapping[Mode, float] = MappingProxyType({})
    ) -> SpeedProfile:
        """Return the speeds of all hours of the week under some surges.

        `learned` is so many times as long besides, by mode.

        What no speed profile can say is cut: a twentieth of the usual speed, and twice it.
        """
        pace = self._by_hour.copy()
        for surge in surges:
            for mode, times in self._surges[surge][1].items():
                pace[MODES.index(mode)] *= times
        for mode, times in learned.items():
            pace[MODES.index(mode)] *= times
        speed = np.clip(1 / pace, SLOWEST_FACTOR, FASTEST_FACTOR)
        week = np.tile(speed, (1, len(DAYS)))
        return SpeedProfile(
            np.repeat(week[:, np.newaxis, :], len(self._classes), axis=1), self._classes
        )


def _surge_pace(surge: Surge, *, foresees: bool) -> dict[Mode, float]:
    known = surge.foreseen if foresees else 1.0
    paces = {mode: 1 + known * (pace - 1) for mode, pace in surge.pace.items()}
    return {mode: pace for mode, pace in paces.items() if pace != 1}


class TrueStreets:
    """How long ways really take, at any moment, past ones included.

    What the log says is closed is closed here too, from when it says so: somebody outside the
    world did it.  A closure of the scenario itself holds at its own times, whatever operations
    know of it.

    Parameters
    ----------
    travel
        Travel times of the world's own: the truth is put in force in them.

    Raises
    ------
    ScenarioError
        A closure of the scenario means no street of the city.
    """

    def __init__(self, scenario: Scenario, city: City, travel: NetworkTravelTimes) -> None:
        self._network = city.network
        self._zone = ZoneInfo(city.time_zone)
        self._travel = travel
        self._paces = Paces(scenario, city.network.classes, self._zone, foresees=False)
        self._streets: Streets | None = None
        self._told: dict[str, int] = {}
        self._closed: list[tuple[Span, Closed]] = []
        self._versions: OrderedDict[_Key, PinnedTravelTimes] = OrderedDict()
        self._own = frozenset(closure_of(closure, self._zone) for closure in scenario.closures)
        problems = []
        for settings in scenario.closures:
            span = Span(utc(settings.starts_at, self._zone), utc(settings.ends_at, self._zone))
            try:
                self._close(span, closure_of(settings, self._zone))
            except ClosureError as error:
                problems.append(f"closures: {settings.name}: {error}")
        if problems:
            raise ScenarioError(f"scenario {scenario.name} with city {city.name}", problems)
        self._changes = sorted(
            at for span, _ in self._closed for at in (span.begins_at, span.ends_at) if at
        )
        self.usual = self._made(SpeedProfile.flat(city.network.classes), ())
        """Ways as they are in empty streets."""

    def at(self, moment: int) -> PinnedTravelTimes:
        """Return the travel times that hold for whoever sets out at a moment."""
        closed = tuple(k for k, (span, _) in enumerate(self._closed) if span.holds(moment))
        surges = self._paces.surges(moment)
        return self._version((surges, closed))

    def next_change(self, after: int) -> int | None:
        """Return when streets of the scenario next close or open, None for never again."""
        return next((at for at in self._changes if at > after), None)

    def hear(self, recorded: Recorded) -> bool:
        """Take note of streets closed and opened by others; returns whether any were."""
        match recorded.event:
            case StreetClosed(closure=closure) if not self.is_own(closure):
                self._reopen(closure.closure_id, recorded.at)
                if closure.until is None or closure.until > recorded.at:
                    self._told[closure.closure_id] = len(self._closed)
                    self._close(Span(recorded.at, closure.until), closure)
            case StreetReopened(closure_id=closure_id) if closure_id in self._told:
                self._reopen(closure_id, recorded.at)
            case _:
                return False
        self.at(recorded.at)
        return True

    def is_own(self, closure: Closure) -> bool:
        """Tell whether a closure is what operations were to tell of one of the scenario's."""
        return replace(closure, closure_id="") in self._own

    def _close(self, span: Span, closure: Closure) -> None:
        if self._streets is None:
            self._streets = Streets(self._network)
        ways = np.asarray(self._network.arrays.edge_way)
        edges = self._streets.closed_by(closure, ways)
        self._closed.append((span, Closed(edges, frozenset(closure.modes), None)))

    def _reopen(self, closure_id: str, at: int) -> None:
        number = self._told.pop(closure_id, None)
        if number is not None:
            span, closed = self._closed[number]
            ends_at = at if span.ends_at is None else min(at, span.ends_at)
            self._closed[number] = (Span(span.begins_at, ends_at), closed)

    def _version(self, key: _Key) -> PinnedTravelTimes:
        made = self._versions.get(key)
        if made is None:
            surges, closed = key
            made = self._made(self._paces.profile(surges), [self._closed[k][1] for k in closed])
            self._versions[key] = made
            if len(self._versions) > _VERSIONS_KEPT:
                self._versions.popitem(last=False)
        else:
            self._versions.move_to_end(key)
        return made

    def _made(self, profile: SpeedProfile, closed: Sequence[Closed]) -> PinnedTravelTimes:
        weights = TrafficWeights(
            self._network, self._zone, profile, 0, LIVE_HALF_LIFE_S, {}, closed
        )
        self._travel.use(weights, 0)
        return self._travel.pinned()


class ForeseenStreets:
    """Keeps an engine's travel times to what is foreseen, and to what its log says is closed.

    Parameters
    ----------
    travel
        The engine's, and nobody else's.
    at
        When it begins, UTC epoch seconds.
    learned
        So many times what is foreseen ways are taken to need, by mode.
    """

    def __init__(
        self,
        scenario: Scenario,
        city: City,
        travel: NetworkTravelTimes,
        at: int,
        learned: Mapping[Mode, float] = MappingProxyType({}),
    ) -> None:
        self._city = city
        self._learned = learned
        zone = ZoneInfo(city.time_zone)
        self._paces = Paces(scenario, city.network.classes, zone, foresees=True)
        self._changes = sorted(self._paces.changes())
        self._surges = self._paces.surges(at)
        self._news = self._beginning(travel)
        # Also takes back what somebody else may have left in force.
        self._news.refresh(at)

    def next_change(self, after: int) -> int | None:
        """Return when something foreseen next begins or ends, hours aside; None for never."""
        return next((at for at in self._changes if at > after), None)

    def turn(self, now: int) -> None:
        """Let what is foreseen for this moment come into force."""
        surges = self._paces.surges(now)
        if surges == self._surges:
            return
        self._surges = surges
        closures = self._news.traffic.closures
        self._news = self._beginning(self._news.travel)
        self._news.begin(closures, now)

    def hear(self, recorded: Recorded) -> None:
        """Put a closure or its end in force."""
        self._news.hear(recorded)

    def _beginning(self, travel: NetworkTravelTimes) -> StreetNews:
        profile = self._paces.profile(self._surges, self._learned)
        city = self._city
        return StreetNews(travel, Traffic(city.network, city.time_zone, profile))


def utc(moment: dt.datetime, zone: dt.tzinfo) -> int:
    """Return a moment on a city's clocks in UTC epoch seconds."""
    return int(moment.replace(tzinfo=zone).timestamp())
