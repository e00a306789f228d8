"""The streets as they are today: what is closed, how fast it goes, what couriers' tracks teach.

A thread of its own owns the traffic.  It works out new weights beside those in force and swaps
them in as one; whoever is asking meanwhile is answered by the old ones to the end.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from api.clock import ServiceClock
from api.logs import logger
from api.storage.records import Position
from api.storage.streets import READINGS, SPEEDS, StreetStore
from dispatch.events import (
    DeliveryFailed,
    OrderDelivered,
    ParcelPickedUp,
    ParcelReturned,
    Recorded,
    StopArrived,
    StreetClosed,
    StreetReopened,
)
from dispatch.street_news import StreetNews
from geo.city import City
from geo.closures import Closure
from geo.errors import GeoError, ProfileError, TrafficError
from geo.learning import LearnedSpeeds
from geo.observations import Observation, Track, TrackPoint
from geo.profiles import read_profile
from geo.traffic import Traffic
from geo.travel import NetworkTravelTimes
from geo.types import Mode

_log = logger("streets")
_T = TypeVar("_T")

_LEARN_EVERY_S: Final = 300
"""Service seconds that a courier's track grows before it is matched to the streets."""

_KEEP_EVERY_S: Final = 600
"""Service seconds between two looks at what was learned, which is also kept then."""

_MOST_POINTS: Final = 600
_LEAST_POINTS: Final = 10
_DESCRIBED_KEPT: Final = 256
_DIGITS: Final = 6


@dataclass(frozen=True, slots=True)
class ClosedStreets:
    """A closure with the streets it means.

    Attributes
    ----------
    streets
        Their names, without repetition.
    lines
        Their lines, [longitude, latitude] pairs as GeoJSON has them.
    """

    closure: Closure
    streets: tuple[str, ...]
    length_m: int
    lines: list[list[list[float]]]


class StreetDesk:
    """Hears of the traffic and keeps the travel times true to it.

    Parameters
    ----------
    store
        Where readings and learned speeds are kept between runs.
    profile
        A file of usual speeds by hour of the week, believed before anything was learned.

    Raises
    ------
    ProfileError
        The profile cannot be read.
    """

    def __init__(
        self,
        city: City,
        travel: NetworkTravelTimes,
        clock: ServiceClock,
        store: StreetStore,
        profile: Path | None = None,
    ) -> None:
        self.travel = travel
        self.on_change: Callable[[], None] = lambda: None
        """Called on the worker's thread when travel times have changed."""
        self._network = city.network
        self._clock = clock
        self._store = store
        before = store.kept()
        self._readings_before = before.get(READINGS)
        self._traffic = Traffic(
            city.network,
            city.time_zone,
            None if profile is None else read_profile(profile, city.network.classes),
            self._learned(before.get(SPEEDS)),
        )
        self._news = StreetNews(travel, self._traffic)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="streets")
        self._described: dict[Closure, ClosedStreets] = {}
        self._tracks: dict[str, list[TrackPoint]] = {}
        self._arrived_at: dict[str, int] = {}
        self._stops: dict[str, list[tuple[float, float]]] = {}
        self._applied_at = clock.now()
        self._saved_at = clock.now()

    # --- life ----------------------------------------------------------------------------------

    def open(self, closures: Iterable[Closure]) -> None:
        """Put in force what the log says is closed, and what was seen before the last stop."""
        now = self._clock.now()
        left_out = list(self._restore(now))
        left_out += self._news.begin(closures, now)
        for reason in left_out:
            _log.warning("left_out", reason=reason)

    async def close(self, *, keep: bool) -> None:
        """Finish what was begun, and keep what was seen and learned."""
        if keep:
            self._submit(self._save)
        await asyncio.to_thread(self._thread.shutdown, wait=True)

    # --- in ------------------------------------------------------------------------------------

    def hear(self, recorded: Recorded) -> None:
        """Take an event; closures come into force soon after, `settle` waits for it."""
        match recorded.event:
            case StreetClosed() | StreetReopened():
                self._submit(lambda: self._news.hear(recorded))
            case StopArrived(courier_id=courier_id, occurred_at=at):
                self._arrived_at[courier_id] = at
            case (
                ParcelPickedUp(courier_id=courier_id, occurred_at=at)
                | OrderDelivered(courier_id=courier_id, occurred_at=at)
                | DeliveryFailed(courier_id=courier_id, occurred_at=at)
                | ParcelReturned(courier_id=courier_id, occurred_at=at)
            ) if courier_id in self._arrived_at:
                stop = (self._arrived_at.pop(courier_id), at)
                self._stops.setdefault(courier_id, []).append(stop)
            case _:
                pass

    async def settle(self) -> None:
        """Return when all that was heard is in force."""
        await asyncio.wrap_future(self._submit(lambda: None))

    async def observe(self, observations: Sequence[Observation]) -> int:
        """Take in observed speeds, all or none; returns how many edges they tell of.

        Raises
        ------
        ObservationError
            One of them cannot be; nothing was taken in.
        """

        def work() -> int:
            taken = self._traffic.observe(observations, self._clock.now())
            self._refresh()
            return sum(one.arcs for one in taken)

        return await asyncio.wrap_future(self._submit(work))

    def track(self, position: Position, mode: Mode) -> None:
        """Take a courier's position; long enough tracks are matched and learned from."""
        points = self._tracks.setdefault(position.courier_id, [])
        points.append(TrackPoint(position.at, position.place))
        is_long = position.at - points[0].at >= _LEARN_EVERY_S or len(points) >= _MOST_POINTS
        if is_long:
            del self._tracks[position.courier_id]
            stops = tuple(self._stops.pop(position.courier_id, ()))
            if len(points) >= _LEAST_POINTS:
                track = Track(tuple(points), mode, stops)
                self._submit(lambda: self._traffic.learn(track, self._clock.now()))

    def refresh(self) -> None:
        """Let observations fade and the hour strike; in the background."""
        self._submit(self._refresh)

    # --- out -----------------------------------------------------------------------------------

    def describe(self, closure: Closure) -> ClosedStreets:
        """Return the streets a closure means.

        Raises
        ------
        ClosureError
            It means none; the message says what to do.
        """
        found = self._described.get(closure)
        if found is None:
            if len(self._described) >= _DESCRIBED_KEPT:
                self._described.clear()
            found = self._described[closure] = self._describe(closure)
        return found

    def _describe(self, closure: Closure) -> ClosedStreets:
        edges = self._traffic.streets.closed_by(closure, self._network.arrays.edge_way).tolist()
        names = dict.fromkeys(name for edge in edges if (name := self._network.name(edge)))
        length_dm = int(self._network.arrays.edge_length_dm[edges].sum())
        lines = [self._network.line(edge).round(_DIGITS).tolist() for edge in edges]
        return ClosedStreets(closure, tuple(names), round(length_dm / 10), lines)

    def figures(self) -> dict[str, Any]:
        """Return what the traffic rests on now."""
        return {
            "version": self.travel.version,
            "applied_at": self._applied_at,
            "readings": self._traffic.reading_count,
            "closures": len(self._traffic.closures),
            "learned_km": round(self._traffic.learned.driven_km, 1),
        }

    # --- on the worker's thread ----------------------------------------------------------------

    def _submit(self, work: Callable[[], _T]) -> Future[_T]:
        def done() -> _T:
            before = self.travel.version
            try:
                return work()
            finally:
                if self.travel.version != before:
                    self._applied_at = self._clock.now()
                    self.on_change()

        future = self._thread.submit(done)
        future.add_done_callback(_log_failure)
        return future

    def _refresh(self) -> None:
        now = self._clock.now()
        is_time = now - self._saved_at >= _KEEP_EVERY_S
        if is_time:
            self._saved_at = now
            self._traffic.apply_learned()
        self._news.refresh(now)
        if is_time:
            self._save()

    # --- kept between runs ---------------------------------------------------------------------

    def _learned(self, text: str | None) -> LearnedSpeeds | None:
        if text is None:
            return None
        try:
            return LearnedSpeeds.from_json(text, self._network.classes)
        except ProfileError as error:
            _log.warning("left_out", reason=str(error))
            return None

    def _restore(self, now: int) -> tuple[str, ...]:
        text, self._readings_before = self._readings_before, None
        if text is None:
            return ()
        try:
            # What is closed stands in the log.
            return self._traffic.restore({**json.loads(text), "closures": []}, now)
        except (ValueError, KeyError, TypeError, TrafficError) as error:
            return (f"the readings are damaged ({error}); what was seen before is lost",)

    def _save(self) -> None:
        readings = json.dumps(self._traffic.state())
        self._store.keep(
            {READINGS: readings, SPEEDS: self._traffic.learned.to_json()}, self._clock.now()
        )


def _log_failure(future: Future[Any]) -> None:
    error = future.exception()
    if error is not None and not isinstance(error, GeoError):  # those are the asker's to hear
        _log.error("streets_failed", error=repr(error), exc_info=error)
