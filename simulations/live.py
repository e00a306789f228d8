"""The same world as a client of a running service, on the service's clock.

Three things go on side by side: events are heard as they are recorded, whoever is due acts, and
positions are reported.  Requests about one order, courier or store follow one another; those
about different ones overlap.

Each request has a moment at which it was meant: when its agent was due, or, for whoever reacts to
news, when the news was heard.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Final, NamedTuple

from dispatch.commands import Command, PlaceOrder
from dispatch.events import Recorded
from simulations.client import EVENTS_AT_ONCE, Asked, Client, request_of
from simulations.errors import ServiceError
from simulations.worlds.customers import PATIENCE_S
from simulations.worlds.world import World

LEFT_AFTER_S: Final = 180.0
"""Longer than a browser may keep a page in the background silent."""

_LOOKS_BEFORE_LEFT: Final = 6
_SYNC_EVERY_S: Final = 5.0
_POSITIONS_EVERY_S: Final = 0.4
_SLOWEST_LOOK_S: Final = 0.5
_LONG_POLL_S: Final = 20.0
_RETRY_S: Final = 0.5
_JITTER_S: Final = 0.02
_HALF: Final = 0.5


class FollowedClock:
    """The service's clock as seen from here: synchronised now and then, running in between."""

    def __init__(self) -> None:
        self._moment = 0.0
        self._seen_at = 0.0
        self.speed = 1.0

    async def synchronise(self, client: Client, zone_id: str) -> None:
        """Ask the service; the answer is from the middle of the time it took."""
        began = time.monotonic()
        zone = await client.zone(zone_id)
        ended = time.monotonic()
        # The service says whole seconds, cut off: half a second more is right on average.
        asked_at = zone.now + _HALF + _HALF * (ended - began) * zone.speed
        drift = abs(asked_at - (self._moment + (ended - self._seen_at) * self.speed))
        # Small differences are the cutting off and the way; following them would make time jitter.
        if drift > max(1.0, _JITTER_S * zone.speed) or zone.speed != self.speed:
            self._moment, self._seen_at, self.speed = asked_at, ended, zone.speed

    def moment(self) -> float:
        """Return the service's time in UTC epoch seconds."""
        return self._moment + (time.monotonic() - self._seen_at) * self.speed

    def now(self) -> int:
        """Return the service's time in whole UTC epoch seconds."""
        return int(self.moment())

    def wait_s(self, until: float) -> float:
        """Return the wall seconds until a moment, 0 when it is past."""
        return max(0.0, (until - self.moment()) / self.speed)

    def wall(self, moment: float) -> float:
        """Return a moment of the service on the monotonic clock of this machine, in seconds."""
        return self._seen_at + (moment - self._moment) / self.speed


class Due(NamedTuple):
    """A command and when it was meant.

    Attributes
    ----------
    at
        When its agent was due, in UTC epoch seconds of the service.
    heard_at
        When the news was heard that it answers to, on this machine's monotonic clock; None for
        what was due by the clock alone.
    """

    command: Command
    at: int
    heard_at: float | None


class Heard(NamedTuple):
    """A person's last sign of life: the position's own time, and since when we know it."""

    seen_at: int | None
    since: float


class LiveWorld:
    """A world at work on a service.

    Parameters
    ----------
    zone_id
        The zone whose events are heard.
    left_after_s
        Wall seconds of silence after which a courier is taken back from a person.
    """

    def __init__(
        self, world: World, client: Client, zone_id: str, left_after_s: float = LEFT_AFTER_S
    ) -> None:
        self.world = world
        self.clock = FollowedClock()
        self._client = client
        self._zone_id = zone_id
        self._left_after_s = left_after_s
        self._heard: dict[str, Heard] = {}
        self._seq = 0
        self._news = asyncio.Event()
        self._clicks: set[str] = set()
        self._lanes: dict[str, asyncio.Task[None]] = {}
        self._failed: asyncio.Future[None]

    @property
    def is_asking(self) -> bool:
        """Whether a customer's click is still to be answered."""
        return self.world.is_clicking or bool(self._clicks)

    async def join(self) -> None:
        """Learn the time and everything that happened before; nobody acts yet.

        Raises
        ------
        ServiceError
            The service does not answer, or serves another city.
        """
        zone = await self._client.zone(self._zone_id)
        if zone.city != self.world.city_name:
            raise ServiceError(
                f"the service is for {zone.city}, the scenario for {self.world.city_name}"
            )
        await self.clock.synchronise(self._client, self._zone_id)
        history = await self._history()
        self.world.catch_up(history, self.clock.now())
        self._note(history)
        await self._find_the_lost()

    async def _history(self) -> list[Recorded]:
        history: list[Recorded] = []
        while True:
            page = await self._client.events(self._zone_id, self._seq, 0)
            history.extend(page)
            if page:
                self._seq = page[-1].seq
            if len(page) < EVENTS_AT_ONCE:
                return history

    async def run(self, until: Callable[[], bool]) -> None:
        """Live until told to end; requests under way are given up then."""
        self._failed = asyncio.get_running_loop().create_future()
        tasks = [asyncio.create_task(self._forever(step)) for step in self._steps()]
        try:
            while not until():
                done, _ = await asyncio.wait([*tasks, self._failed], timeout=0.05)
                for task in done:
                    task.result()
        finally:
            left = [*tasks, *self._lanes.values(), self._failed]
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)

    def _steps(self) -> tuple[Callable[[], Coroutine[Any, Any, None]], ...]:
        """Return what goes on side by side, each again and again."""
        return self._listen, self._act, self._report, self._synchronise, self._look_after_people

    async def _forever(self, step: Callable[[], Coroutine[Any, Any, None]]) -> None:
        while True:
            try:
                await step()
            except ServiceError:
                # It may come back; whoever started it watches whether it lives.
                await asyncio.sleep(_RETRY_S)

    async def _synchronise(self) -> None:
        await asyncio.sleep(_SYNC_EVERY_S)
        await self.clock.synchronise(self._client, self._zone_id)

    # --- hearing -------------------------------------------------------------------------------

    async def _listen(self) -> None:
        page = await self._client.events(self._zone_id, self._seq, _LONG_POLL_S)
        if not page:
            return
        heard_at = time.monotonic()
        # Whoever was due before the news came did not wait for it.
        self._let_act()
        for recorded in page:
            self.world.hear(recorded)
            self._seq = recorded.seq
        self._note(page)
        await self._find_the_lost()
        self._let_act(heard_at)
        self._news.set()

    def _note(self, page: Sequence[Recorded]) -> None:
        """Take note of events that the world has heard; for whoever builds on this class."""

    async def _find_the_lost(self) -> None:
        for courier_id in self.world.lost():
            seen = await self._client.last_seen(courier_id)
            self.world.found(courier_id, seen.place if seen else None, self.clock.now())

    async def _look_after_people(self) -> None:
        """Take back couriers whose person has closed the page: it reports as long as it is open."""
        await asyncio.sleep(self._left_after_s / _LOOKS_BEFORE_LEFT)
        driven = self.world.driven_by_people()
        self._heard = {key: heard for key, heard in self._heard.items() if key in driven}
        for courier_id in driven:
            seen = await self._client.last_seen(courier_id)
            now, at = time.monotonic(), seen.at if seen else None
            if courier_id not in self._heard or self._heard[courier_id].seen_at != at:
                self._heard[courier_id] = Heard(at, now)
            elif now - self._heard[courier_id].since >= self._left_after_s:
                await self._client.take_back(courier_id)

    # --- acting --------------------------------------------------------------------------------

    def _let_act(self, heard_at: float | None = None) -> None:
        """Send whatever is due; what news made due was meant when it was heard."""
        now = self.clock.now()
        while (at := self.world.next_at()) is not None and at <= now:
            # What is older than people's patience is asked for now: the world gives up on it.
            is_old = now - at > PATIENCE_S
            for command in self.world.act(now if is_old else at):
                self._send(Due(command, at, heard_at))

    async def _act(self) -> None:
        self._let_act()
        at = self.world.next_at()
        wait_s = _SLOWEST_LOOK_S if at is None else min(self.clock.wait_s(at), _SLOWEST_LOOK_S)
        self._news.clear()
        try:
            async with asyncio.timeout(wait_s):
                await self._news.wait()
        except TimeoutError:
            return

    def _send(self, due: Due) -> None:
        command = due.command
        asked = request_of(command)
        if isinstance(command, PlaceOrder):
            self._clicks.add(asked.lane)
        before = self._lanes.get(asked.lane)
        ask = self._asking(due, asked)

        async def send() -> None:
            if before is not None:
                await asyncio.wait([before])
            code = await ask()
            if code is not None:
                self.world.refused(command, code)
                self._news.set()

        task = asyncio.create_task(send())
        self._lanes[asked.lane] = task
        task.add_done_callback(lambda done: self._sent(asked.lane, done))

    def _asking(self, _due: Due, asked: Asked) -> Callable[[], Coroutine[Any, Any, str | None]]:
        """Return how to make a request until it is answered: None, or the code of the refusal.

        It is called when the request before it in the lane has been answered.
        """
        return lambda: self._client.ask(asked)

    def _sent(self, lane: str, done: asyncio.Task[None]) -> None:
        if self._lanes.get(lane) is done:
            del self._lanes[lane]
            self._clicks.discard(lane)
        error = None if done.cancelled() else done.exception()
        if error is not None and not self._failed.done():
            self._failed.set_exception(error)

    # --- being seen ----------------------------------------------------------------------------

    async def _report(self) -> None:
        began = time.monotonic()
        seen = self.world.positions(self.clock.now())
        if seen:
            await self._client.report(seen)
        await asyncio.sleep(max(0.0, _POSITIONS_EVERY_S - (time.monotonic() - began)))
