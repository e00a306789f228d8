"""One endpoint at work: what it is sent, in which order, and when again.

Of each thing that events speak of, one message is under way at a time, and a later one only once
the earlier one was taken.  Things do not wait for each other: whatever stands behind a message that
failed goes on waiting, while the rest passes.
"""

from __future__ import annotations

import asyncio
import contextvars
import heapq
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Final

from api import metrics
from api.event_objects import EventObject
from api.logs import logger
from api.notify import Feed
from api.webhooks.attempts import Counts, delivery_of
from api.webhooks.messages import (
    Message,
    encoded,
    headers,
    message_id,
    message_of,
    wanted_types,
)
from api.webhooks.posting import Answer, Poster
from api.webhooks.records import (
    Delivery,
    DeliveryKind,
    Endpoint,
    EndpointStatus,
    Progress,
    Waiting,
)
from api.webhooks.schedule import (
    FAILING_AFTER,
    MOST_RETRY_AFTER_S,
    failing_pause_s,
    pause_s,
)
from api.webhooks.timing import Timer

_log = logger("webhooks")

AT_ONCE: Final = 8
"""Messages under way to one endpoint at most, each of another thing."""

MOST_UNSETTLED: Final = 1000
"""Messages taken from the log and not settled; the log is read no further meanwhile."""

_PAGE: Final = 500
_AFTER_FAULT_S: Final = 1.0
_STOP_S: Final = 2.0
"""What is under way when the service stops may take so long to end well."""


class Runner:
    """Delivers to one endpoint; belongs to the event loop's thread.

    Parameters
    ----------
    endpoint
        As it is kept.
    poster
        Its own.
    draw
        Returns a number from 0 to 1, at random.
    on_progress
        Called whenever there is something to keep.
    """

    def __init__(
        self,
        zone_id: str,
        endpoint: Endpoint,
        feed: Feed,
        poster: Poster,
        *,
        timer: Timer,
        draw: Callable[[], float],
        on_progress: Callable[[], None],
    ) -> None:
        self.endpoint = endpoint
        self.poster = poster
        self.counts = Counts()
        self._zone_id = zone_id
        self._feed = feed
        self._timer = timer
        self._draw = draw
        self._on_progress = on_progress
        self._wanted = wanted_types(endpoint.events)
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        # What was taken from the log and is not settled, by what it speaks of; all of it in order.
        self._taken = endpoint.cursor
        self._lanes: dict[EventObject, deque[Message]] = {}
        self._unsettled = 0
        # First messages of lanes, by when they may be sent, and those that may be, by their number.
        # What was overtaken by events stays in there, and is passed over when its turn comes.
        self._later: list[tuple[float, int, EventObject]] = []
        self._ready: list[tuple[int, EventObject]] = []
        self._under_way: dict[EventObject, asyncio.Task[None]] = {}
        # Of those the ones that no row of `webhook_waiting` keeps: the cursor stays before them.
        self._fresh: dict[int, Message] = {}
        # Messages that waited when the service started; the log is read past them once more.
        self._loaded: set[int] = set()
        # Health.
        self._failed: set[int] = set()
        self._rounds = 0
        self._not_before = 0.0
        # What is to be kept.
        self._changed: dict[int, Message] = {}
        self._settled: set[int] = set()
        self._deliveries: list[Delivery] = []
        self._is_dirty = False

    # --- life ----------------------------------------------------------------------------------

    def start(self, waiting: Iterable[Waiting]) -> None:
        """Begin, with what waited when the service ended."""
        name = f"webhook-{self.endpoint.endpoint_id}"
        # In a context of its own: whoever's request adds it is over soon.
        running = self._run(deque(waiting))
        self._task = asyncio.create_task(running, name=name, context=contextvars.Context())

    async def stop(self) -> None:
        """End; what is under way may still end well, and is sent again later otherwise."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        under_way = list(self._under_way.values())
        if under_way:
            _, late = await asyncio.wait(under_way, timeout=_STOP_S)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        await self.poster.close()

    def wake(self) -> None:
        """Look again: there is more in the log, or something else has changed."""
        self._wake.set()

    async def _run(self, waiting: deque[Waiting]) -> None:
        while True:
            self._wake.clear()
            try:
                await self._load(waiting)
                if self.endpoint.status is EndpointStatus.ACTIVE:
                    await self._read_ahead()
                    self._send_what_is_due()
            except Exception:  # noqa: BLE001  whatever it is, it is logged and tried again
                # The ledger did not answer: it ends the service, or does so again.
                _log.exception("webhook_stalled", endpoint=self._name)
                await self._timer.wait(asyncio.Event(), self._timer.now() + _AFTER_FAULT_S)
            else:
                await self._timer.wait(self._wake, self._next_at())

    async def _load(self, waiting: deque[Waiting]) -> None:
        """Take in what waited when the service ended, in order of the log."""
        while waiting:
            one = waiting[0]
            (recorded,) = await self._feed.after(one.seq - 1, 1)
            waiting.popleft()
            message = message_of(recorded)
            message.attempts, message.first_at = one.attempts, one.first_at
            message.next_at, message.waits = one.next_at, True
            self._loaded.add(message.seq)
            self._append(message)
            if message.attempts and self.endpoint.failing_since is not None:
                self._failed.add(message.seq)

    # --- what is to be sent --------------------------------------------------------------------

    @property
    def is_failing(self) -> bool:
        """Whether the endpoint as a whole takes nothing at present."""
        return len(self._failed) >= FAILING_AFTER

    @property
    def waiting(self) -> int:
        """How many messages are taken from the log and not settled."""
        return self._unsettled

    @property
    def under_way(self) -> int:
        """How many messages are sent at this moment."""
        return len(self._under_way)

    @property
    def cursor(self) -> int:
        """Up to where all is settled, but for what waits in rows of its own."""
        return next(iter(self._fresh), self._taken + 1) - 1

    async def _read_ahead(self) -> None:
        while self._unsettled < MOST_UNSETTLED:
            begun_at = self._taken
            page = await self._feed.after(begun_at, min(_PAGE, MOST_UNSETTLED - self._unsettled))
            if begun_at != self._taken:
                continue  # it was set back meanwhile
            if not page:
                return
            for recorded in page:
                self._taken = recorded.seq
                if type(recorded.event) in self._wanted:
                    self._enter(message_of(recorded))
            self._note()

    def _enter(self, message: Message) -> None:
        """Take an event from the log, unless it was dealt with before the service last ended."""
        lane = self._lanes.get(message.about)
        if message.seq in self._loaded or (lane and lane[-1].seq > message.seq):
            return
        self._append(message)
        if lane and lane[0].waits:
            self._hold(message)
        else:
            self._fresh[message.seq] = message

    def _append(self, message: Message) -> None:
        lane = self._lanes.setdefault(message.about, deque())
        lane.append(message)
        self._unsettled += 1
        if lane[0] is message:
            self._queue(message)

    def _queue(self, first: Message) -> None:
        """Send the first message of a lane when its time has come."""
        # Objects are compared only where numbers are equal, which are those of one message.
        heapq.heappush(self._later, (first.next_at, first.seq, first.about))

    def _queue_all(self) -> None:
        self._later = [(lane[0].next_at, lane[0].seq, about) for about, lane in self._lanes.items()]
        heapq.heapify(self._later)
        self._ready.clear()

    def _hold(self, message: Message) -> None:
        """Let a message wait in a row of its own, so that the cursor can pass it."""
        message.waits = True
        self._fresh.pop(message.seq, None)
        self._changed[message.seq] = message

    def _send_what_is_due(self) -> None:
        now = self._timer.now()
        while self._later and self._later[0][0] <= now:
            _, seq, about = heapq.heappop(self._later)
            heapq.heappush(self._ready, (seq, about))
        if now < self._not_before:
            return
        while self._ready and self._has_room:
            seq, about = heapq.heappop(self._ready)
            lane = self._lanes.get(about)
            if lane and lane[0].seq == seq and lane[0].next_at <= now:
                if about in self._under_way:
                    continue  # it is queued again once that is over
                self._under_way[about] = asyncio.create_task(self._deliver(lane[0]))

    @property
    def _has_room(self) -> bool:
        return len(self._under_way) < (1 if self.is_failing else AT_ONCE)

    def _next_at(self) -> float | None:
        """Return when something may be sent next; None when only news changes that."""
        if self.endpoint.status is not EndpointStatus.ACTIVE or not self._has_room:
            return None
        if self._ready:
            return self._not_before
        return max(self._later[0][0], self._not_before) if self._later else None

    async def _deliver(self, message: Message) -> None:
        try:
            answer, began = await self._post(message)
            self._settle(message, answer, began)
        finally:
            self._under_way.pop(message.about, None)
            lane = self._lanes.get(message.about)
            if lane:
                self._queue(lane[0])
            self.wake()

    async def _post(self, message: Message) -> tuple[Answer, float]:
        began = self._timer.now()
        try:
            body = await encoded(message.recorded)
            sent_id = message_id(self.endpoint.endpoint_id, message.seq)
            sent = headers(self.endpoint.secrets_at(began), sent_id, began, body)
            return await self.poster.post(self.endpoint.url, sent, body), began
        except Exception as error:  # noqa: BLE001  logged, and a failed attempt like any other
            _log.exception("webhook_broken", endpoint=self._name, seq=message.seq)
            return Answer(None, "internal_error", type(error).__name__, 0), began

    # --- what came of it -----------------------------------------------------------------------

    def _settle(self, message: Message, answer: Answer, began: float) -> None:
        message.attempts += 1
        if message.first_at is None:
            message.first_at = began
        lane = self._lanes.get(message.about)
        # It is not when the endpoint was set back meanwhile.
        is_current = lane is not None and lane[0] is message
        next_at = None
        took = metrics.WEBHOOK_ATTEMPTS.labels(self._zone_id, self._name, answer.is_success)
        took.observe(answer.latency_ms / 1000)
        if answer.is_success:
            self.counts.delivered += 1
            if is_current:
                self._leave(message)
            self._on_success()
        else:
            self.counts.failed += 1
            if is_current:
                next_at = self._on_failure(message, answer)
        self._deliveries.append(
            delivery_of(
                self.endpoint.endpoint_id,
                message.seq,
                type(message.recorded.event).__name__,
                DeliveryKind.EVENT,
                answer,
                int(began),
                attempt=message.attempts,
                next_at=next_at,
            )
        )
        self._note()

    def _leave(self, message: Message) -> None:
        lane = self._lanes[message.about]
        lane.popleft()
        if not lane:
            del self._lanes[message.about]
        self._unsettled -= 1
        self._fresh.pop(message.seq, None)
        if message.waits:
            self._changed.pop(message.seq, None)
            self._settled.add(message.seq)

    def _on_success(self) -> None:
        now = self._timer.now()
        if self.is_failing:
            _log.info("webhook_recovered", endpoint=self._name)
            for lane in self._lanes.values():
                lane[0].next_at = min(lane[0].next_at, now)
            self._queue_all()
        self._be_well()
        self.endpoint = replace(self.endpoint, failing_since=None, delivered_at=int(now))

    def _on_failure(self, message: Message, answer: Answer) -> float | None:
        """Return when the message is tried again; None when it is not."""
        now = self._timer.now()
        if self.endpoint.failing_since is None:
            self.endpoint = replace(self.endpoint, failing_since=int(now))
        self._failed.add(message.seq)
        for each in self._lanes[message.about]:
            self._hold(each)
        if answer.is_gone:
            self._park("it answered 410: nothing is wanted there any more")
            return None
        wait_s = pause_s(message.attempts, self._draw())
        if wait_s is None:
            self._on_exhausted(message)
            return None
        if answer.retry_after_s is not None:
            asked_s = min(answer.retry_after_s, MOST_RETRY_AFTER_S)
            self._not_before = max(self._not_before, now + asked_s)
            wait_s = max(wait_s, asked_s)
        message.next_at = now + wait_s
        if self.is_failing:
            if self._rounds == 0:
                said = answer.error or answer.status
                _log.warning("webhook_failing", endpoint=self._name, last=said)
            self._rounds += 1
            self._not_before = max(self._not_before, now + failing_pause_s(self._rounds))
        return message.next_at

    def _on_exhausted(self, message: Message) -> None:
        taken_at, first_at = self.endpoint.delivered_at, message.first_at
        if taken_at is None or first_at is None or taken_at < first_at:
            self._park(f"it took nothing in all {message.attempts} attempts at one message")
            return
        # Others were taken meanwhile: it is this one that the receiver cannot take.
        self.counts.given_up += 1
        metrics.WEBHOOKS_GIVEN_UP.labels(self._zone_id, self._name).inc()
        _log.warning("webhook_given_up", endpoint=self._name, seq=message.seq)
        self._failed.discard(message.seq)
        self._leave(message)

    def _park(self, reason: str) -> None:
        _log.warning("webhook_parked", endpoint=self._name, reason=reason)
        self.endpoint = replace(
            self.endpoint,
            status=EndpointStatus.PARKED,
            status_reason=reason,
            status_at=int(self._timer.now()),
        )
        self._note()

    def _be_well(self) -> None:
        self._failed.clear()
        self._rounds = 0
        self._not_before = 0.0

    @property
    def _name(self) -> str:
        return self.endpoint.endpoint_id

    # --- what people change --------------------------------------------------------------------

    def change(self, endpoint: Endpoint) -> None:
        """Take over what a person changed; whatever waits is due at once."""
        self.endpoint = endpoint
        self._wanted = wanted_types(endpoint.events)
        self._be_well()
        for lane in self._lanes.values():
            for message in lane:
                message.attempts, message.first_at, message.next_at = 0, None, 0.0
                if message.waits:
                    self._changed[message.seq] = message
        self._queue_all()
        self._note()
        self.wake()

    def rewind(self, cursor: int) -> None:
        """Go on after a number of the log, whatever was sent of it before."""
        for about in list(self._lanes):
            kept = deque(each for each in self._lanes[about] if each.seq <= cursor)
            self._unsettled -= len(self._lanes[about]) - len(kept)
            if kept:
                self._lanes[about] = kept
            else:
                del self._lanes[about]
        for seq in [seq for seq in self._fresh if seq > cursor]:
            del self._fresh[seq]
        for seq in [seq for seq in self._changed if seq > cursor]:
            del self._changed[seq]
        self._queue_all()
        self._loaded.clear()
        self._taken = cursor
        self._note()
        self.wake()

    # --- what is to be kept --------------------------------------------------------------------

    def _note(self) -> None:
        self._is_dirty = True
        self._on_progress()

    def take_progress(self) -> Progress | None:
        """Return what is to be kept since the last time, None when there is nothing."""
        if not self._is_dirty:
            return None
        known = self.endpoint
        progress = Progress(
            endpoint_id=known.endpoint_id,
            cursor=self.cursor,
            status=known.status,
            status_reason=known.status_reason,
            status_at=known.status_at,
            failing_since=known.failing_since,
            delivered_at=known.delivered_at,
            waiting=tuple(_row(message) for _, message in sorted(self._changed.items())),
            settled=tuple(sorted(self._settled)),
            deliveries=tuple(self._deliveries),
        )
        self._changed.clear()
        self._settled.clear()
        self._deliveries.clear()
        self._is_dirty = False
        return progress


def _row(message: Message) -> Waiting:
    first_at = None if message.first_at is None else int(message.first_at)
    return Waiting(message.seq, message.attempts, first_at, int(message.next_at))
