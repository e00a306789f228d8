"""All webhook endpoints of one zone: who is called, how far they are, what was sent."""

from __future__ import annotations

import asyncio
import random
import secrets
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar

import httpx

from api.logs import logger
from api.notify import Feed
from api.storage.webhooks import WebhookStore
from api.webhooks.attempts import Counts, delivery_of
from api.webhooks.messages import TEST_TYPE, encoded, headers, message_id, test_body
from api.webhooks.posting import Poster, PostLimits
from api.webhooks.records import FAILING, Delivery, DeliveryKind, Endpoint, EndpointStatus, Progress
from api.webhooks.runner import Runner
from api.webhooks.signing import new_secret
from api.webhooks.targets import Targets
from api.webhooks.timing import Timer, WallTimer
from dispatch.errors import ConflictError, UnknownIdError, WrongStateError

_log = logger("webhooks")
_T = TypeVar("_T")

MOST_ENDPOINTS: Final = 50
"""Of one zone."""

_KEEP_EVERY_S: Final = 0.5
"""What a crash may let happen twice: as much as is sent in so long."""

_PRUNE_EVERY_S: Final = 600.0
_HEARTBEAT_S: Final = 15.0
_AFTER_FAULT_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class EndpointFigures:
    """How an endpoint is doing; counts are since the service started.

    Attributes
    ----------
    state
        `active`, `failing`, `disabled` or `parked`.
    behind
        Events of the zone's log after its cursor.
    waiting
        Messages taken from the log and not settled.
    under_way
        Messages sent at this moment that no answer has come to.
    """

    endpoint: Endpoint
    state: str
    cursor: int
    behind: int
    waiting: int
    under_way: int
    counts: Counts


class Notifier:
    """The endpoints of one zone at work; belongs to the event loop's thread.

    Parameters
    ----------
    feed
        The durable end of the zone's log.
    targets
        What may be called.
    tls
        How certificates are checked; by the usual authorities when not given.
    draw
        Returns a number from 0 to 1, at random.
    """

    def __init__(
        self,
        zone_id: str,
        feed: Feed,
        store: WebhookStore,
        targets: Targets,
        *,
        timer: Timer | None = None,
        limits: PostLimits | None = None,
        tls: ssl.SSLContext | None = None,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self._zone_id = zone_id
        self._feed = feed
        self._store = store
        self.targets = targets
        self._timer = timer or WallTimer()
        self._limits = limits
        self._tls = tls
        self._draw = draw
        self._runners: dict[str, Runner] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._changed = asyncio.Event()
        self._one_at_a_time = asyncio.Lock()
        self._unwritten: list[Progress] = []
        self._prune_at = 0.0

    # --- life ----------------------------------------------------------------------------------

    async def start(self) -> None:
        """Go on where every endpoint was."""
        await self.take_in()
        self._tasks = [
            asyncio.create_task(self._follow(), name="webhooks-follow"),
            asyncio.create_task(self._keep_forever(), name="webhooks-keep"),
        ]

    async def stop(self) -> None:
        """End; whatever was not taken is sent when the service starts again."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(runner.stop() for runner in self._runners.values()))
        try:
            await self.keep()
        except Exception:  # noqa: BLE001  the ledger failed: some is sent twice, the rest must end
            _log.exception("webhooks_not_kept", zone=self._zone_id)
        self._runners.clear()

    def close(self) -> None:
        """Resolve no more names."""
        self.targets.close()

    async def _launch(self, endpoint: Endpoint) -> None:
        if self._tls is None:
            self._tls = await asyncio.to_thread(httpx.create_ssl_context)
        waiting = await asyncio.to_thread(self._store.waiting, endpoint.endpoint_id)
        runner = Runner(
            self._zone_id,
            endpoint,
            self._feed,
            Poster(self.targets, self._tls, self._limits),
            timer=self._timer,
            draw=self._draw,
            on_progress=self._changed.set,
        )
        self._runners[endpoint.endpoint_id] = runner
        runner.start(waiting)

    async def _follow(self) -> None:
        seq = self._feed.seq
        while not self._feed.closing:
            if await self._feed.wait(seq, _HEARTBEAT_S):
                seq = self._feed.seq
                for runner in self._runners.values():
                    runner.wake()

    async def _keep_forever(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            try:
                await self.keep()
                await self._prune()
            except Exception:  # noqa: BLE001  logged, and tried again
                # Without the ledger the service ends; nothing is lost but what was sent twice.
                _log.exception("webhooks_not_kept", zone=self._zone_id)
                self._changed.set()
                await asyncio.sleep(_AFTER_FAULT_S)
            await asyncio.sleep(_KEEP_EVERY_S)

    async def keep(self) -> None:
        """Make durable how far everybody is."""
        async with self._one_at_a_time:
            found = (runner.take_progress() for runner in self._runners.values())
            self._unwritten += [progress for progress in found if progress is not None]
            if self._unwritten:
                await asyncio.to_thread(self._store.write, tuple(self._unwritten))
                self._unwritten.clear()

    async def _prune(self) -> None:
        now = self._timer.now()
        if now >= self._prune_at:
            self._prune_at = now + _PRUNE_EVERY_S
            await asyncio.to_thread(self._store.prune, tuple(self._runners), int(now))

    # --- endpoints -----------------------------------------------------------------------------

    def figures(self) -> list[EndpointFigures]:
        """Return how every endpoint is doing, the oldest first."""
        return [_figures(runner, self._feed.seq) for runner in self._runners.values()]

    def one(self, endpoint_id: str) -> EndpointFigures:
        """Return how one endpoint is doing; raises `UnknownIdError`."""
        return _figures(self._runner(endpoint_id), self._feed.seq)

    def _runner(self, endpoint_id: str) -> Runner:
        found = self._runners.get(endpoint_id)
        if found is None:
            raise UnknownIdError(f"there is no webhook endpoint {endpoint_id}")
        return found

    def register(
        self, url: str, events: Sequence[str], description: str, after: int | None
    ) -> EndpointFigures:
        """Keep a new endpoint, with a secret of its own; it is called once it is taken in.

        May block, and may run on any thread.

        Parameters
        ----------
        after
            Number of the log after which it begins; what happens next where nobody says.

        Raises
        ------
        ConflictError
            There are too many.
        """
        if len(self._runners) >= MOST_ENDPOINTS:
            raise ConflictError(
                f"there are {MOST_ENDPOINTS} webhook endpoints already; delete one that is not used"
            )
        now = int(self._timer.now())
        endpoint = Endpoint(
            endpoint_id=f"whe_{secrets.token_hex(8)}",
            url=url,
            events=tuple(events),
            description=description,
            secret=new_secret(),
            created_at=now,
            cursor=self._feed.seq if after is None else min(after, self._feed.seq),
            status_at=now,
        )
        self._store.add(endpoint)
        behind = self._feed.seq - endpoint.cursor
        return EndpointFigures(
            endpoint, str(endpoint.status), endpoint.cursor, behind, 0, 0, Counts()
        )

    async def take_in(self) -> None:
        """Begin to call the endpoints that were registered."""
        async with self._one_at_a_time:
            for endpoint in await asyncio.to_thread(self._store.endpoints):
                if endpoint.endpoint_id not in self._runners:
                    await self._launch(endpoint)

    async def change(
        self,
        endpoint_id: str,
        *,
        url: str | None = None,
        events: Sequence[str] | None = None,
        description: str | None = None,
    ) -> EndpointFigures:
        """Change where an endpoint is, what it is told, or what it is called."""
        known = self._runner(endpoint_id).endpoint
        return await self._edit(
            endpoint_id,
            url=known.url if url is None else url,
            events=known.events if events is None else tuple(events),
            description=known.description if description is None else description,
        )

    async def rotate(self, endpoint_id: str, overlap_s: int) -> str:
        """Give an endpoint another secret; the present one signs too for so long.  Returns it."""
        now = int(self._timer.now())
        known = self._runner(endpoint_id).endpoint
        secret = new_secret()
        await self._edit(
            endpoint_id,
            secret=secret,
            old_secret=known.secret if overlap_s else None,
            old_secret_until=now + overlap_s if overlap_s else None,
        )
        return secret

    async def enable(self, endpoint_id: str) -> EndpointFigures:
        """Call an endpoint again, from where it stopped."""
        return await self._edit(
            endpoint_id,
            status=EndpointStatus.ACTIVE,
            status_reason="",
            status_at=int(self._timer.now()),
            failing_since=None,
        )

    async def disable(self, endpoint_id: str, reason: str) -> EndpointFigures:
        """Call an endpoint no more until a person says so."""
        return await self._edit(
            endpoint_id,
            status=EndpointStatus.DISABLED,
            status_reason=reason,
            status_at=int(self._timer.now()),
        )

    async def remove(self, endpoint_id: str) -> None:
        """Forget an endpoint."""
        runner = self._runner(endpoint_id)
        async with self._one_at_a_time:
            del self._runners[endpoint_id]
            await runner.stop()
            await self._stored(lambda: self._store.remove(endpoint_id))

    async def _edit(self, endpoint_id: str, **changes: Any) -> EndpointFigures:
        async with self._one_at_a_time:
            runner = self._runner(endpoint_id)
            await self._stored(lambda: self._store.change(replace(runner.endpoint, **changes)))
            # Once more, for it went on meanwhile.
            runner.change(replace(runner.endpoint, **changes))
        return self.one(endpoint_id)

    # --- once more -----------------------------------------------------------------------------

    async def replay(
        self, endpoint_id: str, *, after: int | None = None, since: int | None = None
    ) -> EndpointFigures:
        """Send everything again after a number of the log, or since a moment of the service."""
        if after is None:
            after = await asyncio.to_thread(self._store.seq_since, since or 0)
        cursor = min(after, self._feed.seq)
        async with self._one_at_a_time:
            runner = self._runner(endpoint_id)
            await self._stored(lambda: self._store.rewind(endpoint_id, cursor))
            runner.rewind(cursor)
        return self.one(endpoint_id)

    async def test(self, endpoint_id: str) -> Delivery:
        """Send a test, once and at once, whatever the endpoint's state; returns what came of it."""
        sent_id = f"{message_id(endpoint_id, 0)}_{secrets.token_hex(4)}"
        body = test_body(self._zone_id, endpoint_id, int(self._timer.now()))
        return await self._once(endpoint_id, 0, TEST_TYPE, DeliveryKind.TEST, sent_id, body)

    async def again(self, endpoint_id: str, delivery_id: int) -> Delivery:
        """Send the message of a delivery once more, at once; returns what came of it.

        Raises
        ------
        UnknownIdError
            There is no such delivery (any more).
        WrongStateError
            It was a test.
        """
        known = await self.delivery(endpoint_id, delivery_id)
        page = await self._feed.after(known.seq - 1, 1) if known.seq else ()
        if not page:
            raise WrongStateError(f"delivery {delivery_id}", "a test", "sent again", ())
        body = await encoded(page[0])
        return await self._once(
            endpoint_id, known.seq, known.type, DeliveryKind.AGAIN, known.message_id, body
        )

    async def _once(
        self,
        endpoint_id: str,
        seq: int,
        event_type: str,
        kind: DeliveryKind,
        sent_id: str,
        body: bytes,
    ) -> Delivery:
        runner = self._runner(endpoint_id)
        now = self._timer.now()
        answer = await runner.poster.post(
            runner.endpoint.url,
            headers(runner.endpoint.secrets_at(now), sent_id, now, body),
            body,
        )
        found = delivery_of(endpoint_id, seq, event_type, kind, answer, int(now), sent_id=sent_id)
        return await self._stored(lambda: self._store.log(found))

    # --- the delivery log ----------------------------------------------------------------------

    async def deliveries(
        self,
        endpoint_id: str,
        limit: int,
        *,
        before: int | None = None,
        delivered: bool | None = None,
        seq: int | None = None,
    ) -> list[Delivery]:
        """Return attempts at an endpoint, the newest first, the last moment's included."""
        self._runner(endpoint_id)
        await self.keep()
        return await asyncio.to_thread(
            lambda: self._store.deliveries(
                endpoint_id, limit, before=before, delivered=delivered, seq=seq
            )
        )

    async def delivery(self, endpoint_id: str, delivery_id: int) -> Delivery:
        """Return one attempt; raises `UnknownIdError`."""
        self._runner(endpoint_id)
        found = await asyncio.to_thread(self._store.delivery, endpoint_id, delivery_id)
        if found is None:
            raise UnknownIdError(
                f"there is no delivery {delivery_id} to {endpoint_id}; it may be forgotten by now"
            )
        return found

    async def _stored(self, job: Callable[[], _T]) -> _T:
        """Do a job of the store, to its end even when whoever asked goes away."""
        return await asyncio.shield(asyncio.to_thread(job))


def _figures(runner: Runner, last_seq: int) -> EndpointFigures:
    state = str(runner.endpoint.status)
    if runner.endpoint.status is EndpointStatus.ACTIVE and runner.is_failing:
        state = FAILING
    return EndpointFigures(
        runner.endpoint,
        state,
        runner.cursor,
        max(last_seq - runner.cursor, 0),
        runner.waiting,
        runner.under_way,
        replace(runner.counts),
    )
