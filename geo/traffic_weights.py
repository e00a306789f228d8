"""One version of the traffic as times of every edge: what a search runs on, immutable."""

from __future__ import annotations

import hashlib
import threading
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Hashable, Mapping, Sequence
from types import MappingProxyType
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from geo.network import RoadNetwork
from geo.observations import TOP_KMH
from geo.osm_access import MODES
from geo.profiles import SpeedProfile, hour_of_week, hour_start
from geo.snapping import ACCESS_KMH
from geo.types import UNREACHABLE_S, Mode

FORGOTTEN_TRUST: Final = 0.05
"""A reading trusted less than this is forgotten."""

_SLOWEST_DS: Final = UNREACHABLE_S // 10
_NEVER: Final = -1
_KEPT: Final = 32
"""Pairs of mode and period whose times are kept: a day of hours for the modes in use."""


class Live(NamedTuple):
    """What was seen lately of one mode, arrays of one entry per arc, ascending.

    Attributes
    ----------
    arc
        int64 (k,).
    at
        int64 (k,), when it was last seen, UTC epoch seconds.
    trust
        float64 (k,), 0 to 1, at that moment.
    ratio
        float64 (k,), time seen over time at free flow.
    """

    arc: NDArray[np.int64]
    at: NDArray[np.int64]
    trust: NDArray[np.float64]
    ratio: NDArray[np.float64]


class Closed(NamedTuple):
    """Edges closed to some modes, until a moment or for good (None)."""

    edges: NDArray[np.int64]
    modes: frozenset[Mode]
    until: int | None


class Makings(NamedTuple):
    """All that a version's times are worked out from, beside the network's own.

    Attributes
    ----------
    zone
        Name of the time zone of the profile's hours.
    closed
        Those that end first come first.
    """

    zone: str
    profile: SpeedProfile
    applied_at: int
    half_life_s: int
    live: Mapping[Mode, Live]
    closed: tuple[Closed, ...]


class Period(NamedTuple):
    """A span in which times do not change.

    Attributes
    ----------
    hour
        Hour of the week whose profile counts.
    fade_at
        The moment to which readings have faded, -1 when none is left.
    ended
        How many of the closures are over.
    """

    hour: int
    fade_at: int
    ended: int


class TrafficWeights:
    """Times of every edge under one version of the traffic; safe to share between threads.

    Parameters
    ----------
    network
        The roads and their free-flow times.
    zone
        Time zone of the profile's hours.
    profile
        What is usual.
    applied_at
        The moment of this version, UTC epoch seconds; readings have faded to it.
    half_life_s
        Of the readings.
    live
        Readings by mode; modes without any are left out.
    closed
        Closures in force at `applied_at`.
    """

    def __init__(
        self,
        network: RoadNetwork,
        zone: ZoneInfo,
        profile: SpeedProfile,
        applied_at: int,
        half_life_s: int,
        live: Mapping[Mode, Live],
        closed: Sequence[Closed],
    ) -> None:
        self._network = network
        self._zone = zone
        self._profile = profile
        self._flat = profile.is_flat
        self._applied_at = applied_at
        self._half_life_s = half_life_s
        self._live = dict(live)
        # Those that end first come first; those that never end come last and never count as over.
        self._closed = sorted(closed, key=lambda one: (one.until is None, one.until))
        self._ends = [one.until for one in self._closed if one.until is not None]
        self._forgotten_at = self._when_forgotten()
        self._kept: OrderedDict[
            tuple[Mode, Hashable], tuple[NDArray[np.int32], NDArray[np.int32]]
        ] = OrderedDict()
        self._lock = threading.Lock()
        self.version = self._name()

    @property
    def makings(self) -> Makings:
        """What the times are worked out from: the same of the same network make the same times."""
        return Makings(
            self._zone.key,
            self._profile,
            self._applied_at,
            self._half_life_s,
            MappingProxyType(self._live),
            tuple(self._closed),
        )

    def period(self, at: int) -> Period:
        """Return the period that a moment lies in.

        Parameters
        ----------
        at
            Departure, UTC epoch seconds.

        Returns
        -------
        Period
            Moments with equal periods have equal times, for every mode.  Readings fade in steps:
            for the hour under way to the moment of this version, for a later hour to its beginning.
        """
        fade_at = _NEVER
        if self._live:
            fade_at = max(self._applied_at, hour_start(at, self._zone))
            fade_at = fade_at if fade_at < self._forgotten_at else _NEVER
        return Period(
            hour=0 if self._flat else hour_of_week(at, self._zone),
            fade_at=fade_at,
            ended=bisect_right(self._ends, max(at, self._applied_at)),
        )

    def times_ds(self, mode: Mode, period: Hashable) -> NDArray[np.int32]:
        """Return the times to drive through every edge.

        Returns
        -------
        int32 (2, E)
            Tenths of a second along and against; 0 where the mode may never go, `UNREACHABLE_S`
            where it is closed.  Read only.

        Raises
        ------
        UnknownModeError
            The network has no usable edge for the mode.
        """
        return self._of(mode, period)[0]

    def access_ds(self, mode: Mode, period: Hashable) -> NDArray[np.int32]:
        """Return the times to go along every edge to or from a place on it.

        As `times_ds`, but a closed edge is walked, and never faster than it was driven.
        """
        return self._of(mode, period)[1]

    def _of(self, mode: Mode, period: Hashable) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        key = (mode, period)
        with self._lock:
            if (found := self._kept.get(key)) is not None:
                self._kept.move_to_end(key)
                return found
        if not isinstance(period, Period):
            raise TypeError(f"{period!r} is no period of these weights; ask period() for one")
        made = self._make(mode, period)
        with self._lock:
            self._kept[key] = made
            if len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return made

    def _make(self, mode: Mode, period: Period) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        free_ds = np.asarray(self._network.times_ds(mode))
        arrays = self._network.arrays
        usable = free_ds > 0
        by_class = self._profile.factor[MODES.index(mode), :, period.hour]
        exact = free_ds / by_class[arrays.edge_class]
        if period.fade_at != _NEVER and (live := self._live.get(mode)) is not None:
            trust = self._faded(live, period.fade_at)
            place = (live.arc & 1, live.arc >> 1)
            exact[place] += trust * (free_ds[place] * live.ratio - exact[place])
        length_dm = np.asarray(arrays.edge_length_dm)
        # The free-flow time itself may be a rounding below what the top speed allows.
        least = np.minimum(free_ds, np.maximum(np.ceil(length_dm * 3.6 / TOP_KMH[mode]), 1))
        open_ds = np.clip(np.rint(exact), least, _SLOWEST_DS)
        open_ds = np.where(usable, open_ds, 0).astype(np.int32)
        shut = np.zeros(self._network.edge_count, dtype=bool)
        for one in self._closed[period.ended :]:
            if mode in one.modes:
                shut[one.edges] = True
        times_ds = np.where(usable & shut, UNREACHABLE_S, open_ds).astype(np.int32)
        walked = np.ceil(length_dm * 3.6 / ACCESS_KMH)
        access_ds = np.where(usable & shut, np.maximum(open_ds, walked), open_ds).astype(np.int32)
        for made in (times_ds, access_ds):
            made.setflags(write=False)
        return times_ds, access_ds

    def _faded(self, live: Live, at: int) -> NDArray[np.float64]:
        trust = live.trust * 0.5 ** (np.maximum(at - live.at, 0) / self._half_life_s)
        return np.where(trust < FORGOTTEN_TRUST, 0.0, trust)

    def _when_forgotten(self) -> float:
        """Return the moment from which no reading is trusted any more."""
        moments = [
            np.max(live.at + np.log2(live.trust / FORGOTTEN_TRUST) * self._half_life_s)
            for live in self._live.values()
        ]
        return float(max(moments, default=0.0))

    def _name(self) -> str:
        """Return the version: the network's own name when times are nothing but its own."""
        if self._flat and not self._live and not self._closed:
            return self._network.version
        digest = hashlib.sha256()
        if not self._flat:
            digest.update(f"{self._zone.key} {self._profile.digest()}".encode())
        if self._live:
            digest.update(f"live {self._applied_at} {self._half_life_s}".encode())
            for mode in sorted(self._live):
                digest.update(mode.encode())
                for values in self._live[mode]:
                    digest.update(values.tobytes())
        for text in sorted(
            f"{one.until} {sorted(one.modes)} {one.edges.tolist()}" for one in self._closed
        ):
            digest.update(text.encode())
        return f"{self._network.version}+t{digest.hexdigest()[:12]}"
