"""The traffic: speeds seen lately, streets closed, and what is usual at this hour of the week.

A speed seen on a street holds at once and then fades: its trust halves every half-life, and the
time of the street goes back from what was seen to what the profile says.  Several on one street
combine, each weighted by its age.  A closure holds until it is over.  `Traffic` belongs to one
worker; what it hands out is immutable.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import cached_property
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from geo.closures import Closure, ClosureShape
from geo.errors import (
    ClosureError,
    ProfileError,
    TrafficError,
    UnknownClosureError,
    UnknownModeError,
)
from geo.hours import check_time_zone
from geo.learning import LearnedSpeeds
from geo.matching import Match
from geo.nearby import Streets
from geo.network import RoadNetwork
from geo.observations import Observation, Track
from geo.profiles import SpeedProfile
from geo.readings import Prepared, Reader, Reading, live
from geo.traffic_weights import FORGOTTEN_TRUST, Closed, TrafficWeights
from geo.types import LonLat, Mode

LIVE_HALF_LIFE_S: Final = 1200
"""A reading is trusted half after twenty minutes and forgotten after an hour and a half.  A choice,
not a measurement: what lasts longer is the hour's habit, and the profile learns it."""

FADE_STEP_S: Final = 60
"""Readings fade in whole minutes, so that versions within a minute are the same."""

_FORMAT: Final = "samehour-traffic"
_FORMAT_VERSION: Final = 1


class Observed(NamedTuple):
    """What became of an observation.

    Attributes
    ----------
    arcs
        How many arcs of how many modes it was read on.
    learned_m
        Length of street that its track taught something about.
    match
        Where the track went, None for other observations.
    """

    arcs: int
    learned_m: float
    match: Match | None


class Traffic:
    """Everything known of the traffic of one city; owned by one worker.

    Parameters
    ----------
    network
        The roads.
    time_zone
        IANA name; hours of the week are those of its clocks.
    profile
        What is usual; None means free flow at all hours.
    learned
        What couriers' tracks have taught so far; None begins anew.
    half_life_s
        Of live readings.
    streets
        The network's edges on a plane; made at first use when not given.

    Raises
    ------
    ProfileError
        Profile or learned speeds have other classes of street than the network.
    UnknownTimeZoneError
        There is no such time zone.
    """

    def __init__(
        self,
        network: RoadNetwork,
        time_zone: str,
        profile: SpeedProfile | None = None,
        learned: LearnedSpeeds | None = None,
        *,
        half_life_s: int = LIVE_HALF_LIFE_S,
        streets: Streets | None = None,
    ) -> None:
        check_time_zone(time_zone)
        self.network = network
        self._zone = ZoneInfo(time_zone)
        self._half_life_s = half_life_s
        self._given_streets = streets
        self._prior = profile or SpeedProfile.flat(network.classes)
        self._profile = self._prior
        self.learned = learned or LearnedSpeeds(network.classes)
        for classes in (self._prior.classes, self.learned.classes):
            if classes != network.classes:
                raise ProfileError(
                    "the profile has other classes of street than the network; read it for this "
                    "city"
                )
        self._readings: dict[Mode, dict[int, Reading]] = {}
        self._closures: dict[str, tuple[Closure, NDArray[np.int64]]] = {}
        self._issued: TrafficWeights | None = None
        if learned is not None:
            self.apply_learned()

    @cached_property
    def streets(self) -> Streets:
        """The network's edges on a plane."""
        return self._given_streets or Streets(self.network)

    @cached_property
    def _reader(self) -> Reader:
        return Reader(self.network, self.streets, self._zone, self._half_life_s)

    # --- what was seen ---------------------------------------------------------------------------

    def observe(self, observations: Sequence[Observation], now: int) -> tuple[Observed, ...]:
        """Take in what was seen, all of it or nothing.

        Parameters
        ----------
        observations
            Speeds on edges, ways and stretches, and tracks.
        now
            UTC epoch seconds.

        Raises
        ------
        ObservationError
            One is in the future, too old, or on no street of its mode; none is taken in.
        UnknownModeError
            The network has no roads for a mode.
        """
        prepared = [self._reader.read(one, now) for one in observations]
        return tuple(self._take(one) for one in prepared)

    def _take(self, prepared: Prepared) -> Observed:
        for mode, arc, reading in prepared.readings:
            of_mode = self._readings.setdefault(mode, {})
            old = of_mode.get(arc)
            of_mode[arc] = old.plus(reading, self._half_life_s) if old else reading
        learned_m = 0.0
        if prepared.driven is not None and prepared.track is not None:
            last = max(point.at for point in prepared.track.points)
            self.learned.add(prepared.track.mode, prepared.driven, round(last))
            learned_m = float(prepared.driven.length_m.sum())
        return Observed(len(prepared.readings), learned_m, prepared.match)

    def learn(self, track: Track, now: int) -> float:
        """Learn from a track how fast its streets usually are, without a reading of today's.

        A single courier is slow or quick for reasons of their own.

        Returns
        -------
        float
            Metres of street it taught something about.

        Raises
        ------
        ObservationError
            It is in the future or too old.
        """
        return self._take(self._reader.read(track, now)._replace(readings=())).learned_m

    @property
    def reading_count(self) -> int:
        """How many arcs have a reading, counted for each mode."""
        return sum(len(of_mode) for of_mode in self._readings.values())

    def apply_learned(self) -> SpeedProfile:
        """Make what was learned the profile from now on, and return it."""
        self._profile = self.learned.profile(self._prior)
        return self._profile

    # --- what is closed --------------------------------------------------------------------------

    @property
    def closures(self) -> tuple[Closure, ...]:
        """Closures in force or not yet found to be over, by id."""
        return tuple(self._closures[key][0] for key in sorted(self._closures))

    def close(self, closure: Closure, now: int) -> NDArray[np.int64]:
        """Close streets; a closure of the same id is replaced.

        Returns
        -------
        int64 (k,)
            The edges closed.

        Raises
        ------
        ClosureError
            It is over already, or means no street.
        """
        if closure.until is not None and closure.until <= now:
            raise ClosureError(
                f"closure '{closure.closure_id}' was over at {closure.until}, and it is {now}; "
                "give a later end, or none"
            )
        edges = self.streets.closed_by(closure, np.asarray(self.network.arrays.edge_way))
        self._closures[closure.closure_id] = (closure, edges)
        return edges

    def reopen(self, closure_id: str) -> None:
        """Take a closure back.

        Raises
        ------
        UnknownClosureError
            There is none of this id, or it is over.
        """
        if closure_id not in self._closures:
            known = ", ".join(sorted(self._closures)) or "none"
            raise UnknownClosureError(
                f"no street is closed under the id '{closure_id}'; closed are {known}"
            )
        del self._closures[closure_id]

    # --- what follows ----------------------------------------------------------------------------

    def weights(self, now: int) -> TrafficWeights:
        """Return the times that follow from all this.

        Parameters
        ----------
        now
            UTC epoch seconds; what is over or forgotten by then is dropped.

        Returns
        -------
        TrafficWeights
            The same object as last time if nothing has changed.
        """
        self._forget(now)
        readings = {
            mode: live(of_mode) for mode, of_mode in sorted(self._readings.items()) if of_mode
        }
        made = TrafficWeights(
            self.network,
            self._zone,
            self._profile,
            now - now % FADE_STEP_S,
            self._half_life_s,
            readings,
            [
                Closed(edges, frozenset(closure.modes), closure.until)
                for closure, edges in self._closures.values()
            ],
        )
        if self._issued is None or made.version != self._issued.version:
            self._issued = made
        return self._issued

    def _forget(self, now: int) -> None:
        for of_mode in self._readings.values():
            for arc in [arc for arc, one in of_mode.items() if self._trust(one, now) is None]:
                del of_mode[arc]
        for key in [
            key
            for key, (closure, _) in self._closures.items()
            if closure.until is not None and closure.until <= now
        ]:
            del self._closures[key]

    def _trust(self, reading: Reading, now: int) -> float | None:
        trust = min(reading.weight, 1.0) * 0.5 ** (max(now - reading.at, 0) / self._half_life_s)
        return trust if trust >= FORGOTTEN_TRUST else None

    # --- kept between runs -----------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """Return readings and closures as JSON types, for `restore`."""
        return {
            "format": _FORMAT,
            "format_version": _FORMAT_VERSION,
            "network": self.network.version,
            "readings": [
                [mode.value, arc, *reading]
                for mode, of_mode in sorted(self._readings.items())
                for arc, reading in sorted(of_mode.items())
            ],
            "closures": [_closure_to_json(closure) for closure in self.closures],
        }

    def restore(self, state: Mapping[str, Any], now: int) -> tuple[str, ...]:
        """Take in what `state` returned, in this run or an earlier one.

        Returns
        -------
        tuple of str
            What could not be taken over, and why: readings of another version of the city,
            closures that are over or whose street is gone.

        Raises
        ------
        TrafficError
            It is no state of a traffic of this version; nothing is taken in.
        """
        if (state.get("format"), state.get("format_version")) != (_FORMAT, _FORMAT_VERSION):
            raise TrafficError(
                f"this is no state of the traffic of format version {_FORMAT_VERSION}; start "
                "without it"
            )
        left_out = []
        try:
            readings = tuple(
                (Mode(mode), int(arc), Reading(int(at), float(weight), float(ratio)))
                for mode, arc, at, weight, ratio in state["readings"]
            )
            closures = [_closure_of_json(one) for one in state["closures"]]
            same = state["network"] == self.network.version
        except (KeyError, TypeError, ValueError) as error:
            raise TrafficError(
                f"the state of the traffic is damaged ({error!r}); start without it"
            ) from error
        wrong = [arc for _, arc, _ in readings if not 0 <= arc < 2 * self.network.edge_count]
        if same and wrong:
            raise TrafficError(
                f"the state of the traffic is damaged (there is no arc {wrong[0]}); start without "
                "it"
            )
        if same:
            self._take(Prepared(readings))
        elif readings:
            left_out.append(
                f"{len(readings)} readings are of {state['network']}, another version of the city"
            )
        for closure in closures:
            try:
                self.close(closure, now)
            except (ClosureError, UnknownModeError) as error:
                left_out.append(str(error))
        return tuple(left_out)


def _closure_to_json(closure: Closure) -> dict[str, Any]:
    return {
        **asdict(closure),
        "shape": closure.shape.value,
        "points": [list(point) for point in closure.points],
        "way_ids": list(closure.way_ids),
        "modes": [mode.value for mode in closure.modes],
    }


def _closure_of_json(values: Mapping[str, Any]) -> Closure:
    return Closure(
        closure_id=values["closure_id"],
        shape=ClosureShape(values["shape"]),
        points=tuple(LonLat(lon, lat) for lon, lat in values["points"]),
        way_ids=tuple(values["way_ids"]),
        modes=tuple(Mode(mode) for mode in values["modes"]),
        reason=values["reason"],
        until=values["until"],
    )
