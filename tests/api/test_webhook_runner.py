"""When a message is sent, in which order, and what happens when nobody takes it.

The receivers are real servers, the log and what is kept are a real database; only time is ours.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from receiver import Heard, Receiver, Reply, receiving
from structlog.testing import capture_logs

from api.notify import Feed
from api.storage.ledger import Ledger
from api.storage.records import Batch
from api.storage.webhooks import WebhookStore
from api.webhooks.notifier import EndpointFigures, Notifier
from api.webhooks.posting import PostLimits
from api.webhooks.runner import AT_ONCE
from api.webhooks.schedule import FAILING_AFTER, PAUSES_S, failing_pause_s, pause_s
from api.webhooks.targets import AllowedHost, Targets
from dispatch.events import Event, Recorded, StorePaused, StoreResumed

ZONE = "town"
START = 1_763_650_800
EVEN = 0.5
"""A draw that makes a pause as long as the table says."""


class HandTimer:
    """Time that passes when a test says so."""

    def __init__(self) -> None:
        self._now = float(START)
        self._moved = asyncio.Event()

    def now(self) -> float:
        return self._now

    def advance(self, seconds: float) -> None:
        self._now += seconds
        moved, self._moved = self._moved, asyncio.Event()
        moved.set()

    async def wait(self, wake: asyncio.Event, until: float | None) -> None:
        while not wake.is_set() and (until is None or self._now < until):
            waits = [asyncio.ensure_future(wake.wait()), asyncio.ensure_future(self._moved.wait())]
            _, left = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)


class Bench:
    """A ledger, its feed and its notifier, in this process."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.timer = HandTimer()
        self.feed = Feed(lambda after, limit: ledger.read(ZONE, after, limit), ledger.read(ZONE))
        self.store = WebhookStore(ledger.engine, ZONE)
        self.notifier = Notifier(
            ZONE,
            self.feed,
            self.store,
            Targets([AllowedHost("127.0.0.1")]),
            timer=self.timer,
            limits=PostLimits(whole_s=5.0),
            draw=lambda: EVEN,
        )

    async def happen(self, *events: Event) -> None:
        """Make events durable, and tell the feed."""
        first = self.feed.seq + 1
        recorded = [Recorded(ZONE, seq, START, each) for seq, each in enumerate(events, first)]
        await asyncio.wrap_future(self.ledger.submit(Batch(ZONE, events=recorded)))
        self.feed.add(recorded)

    async def add(self, receiver: Receiver, *events: str, path: str = "/hook") -> str:
        made = self.notifier.register(receiver.url(path), events or ("*",), "", None)
        await self.notifier.take_in()
        return made.endpoint.endpoint_id

    async def comes_to(
        self, endpoint_id: str, holds: Callable[[EndpointFigures], bool], passing_s: float = 0
    ) -> None:
        """Wait until an endpoint is so; between two looks so much of its time passes."""
        async with asyncio.timeout(30):
            while not holds(self.notifier.one(endpoint_id)):
                if passing_s:
                    self.timer.advance(passing_s)
                await asyncio.sleep(0.005)

    async def heard(self, receiver: Receiver, enough: int) -> list[Heard]:
        return await asyncio.to_thread(receiver.wait, lambda found: len(found) >= enough)


@asynccontextmanager
async def bench(ledger: Ledger) -> AsyncIterator[Bench]:
    made = Bench(ledger)
    await made.notifier.start()
    try:
        yield made
    finally:
        await made.notifier.stop()
        made.notifier.close()


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger(tmp_path / "ledger.db") as made:
        yield made


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


def paused(number: int = 1, reason: str = "flood") -> StorePaused:
    return StorePaused(f"sto_{number}", reason)


def resumed(number: int = 1) -> StoreResumed:
    return StoreResumed(f"sto_{number}")


def seqs(heard: list[Heard]) -> list[int]:
    return [each.event["seq"] for each in heard]


def no(*wanted: int) -> Callable[[Heard], Reply]:
    """Refuse events of these numbers, and take the others."""
    return lambda heard: Reply(500 if heard.event["seq"] in wanted else 200)


def down(_: Heard) -> Reply:
    return Reply(503)


def test_the_pauses_grow_from_seconds_to_hours_and_end_after_a_day() -> None:
    assert PAUSES_S[0] == 5
    assert list(PAUSES_S) == sorted(PAUSES_S)
    # 5 s + 30 s + 2 min + 10 min + 30 min + 1 h + 2 h + 4 h + 8 h + 8 h
    assert sum(PAUSES_S) == 35 + 42 * 60 + 23 * 3600
    assert pause_s(1, EVEN) == 5
    assert pause_s(len(PAUSES_S), EVEN) == 8 * 3600
    assert pause_s(len(PAUSES_S) + 1, EVEN) is None


def test_no_two_receivers_are_called_in_step() -> None:
    drawn = [pause_s(3, draw) for draw in (0.0, 0.25, 1.0)]
    assert drawn == [pytest.approx(108), pytest.approx(114), pytest.approx(132)]


def test_an_endpoint_that_fails_as_a_whole_is_asked_once_a_minute_at_most() -> None:
    assert [failing_pause_s(rounds) for rounds in (1, 2, 3, 40)] == [5, 30, 60, 60]


def test_what_is_refused_comes_again_when_its_pause_is_over(
    ledger: Ledger, receiver: Receiver
) -> None:
    async def go() -> None:
        async with bench(ledger) as found:
            endpoint = await found.add(receiver)
            receiver.answer = down
            await found.happen(paused())
            await found.comes_to(endpoint, lambda figures: figures.counts.failed == 1)
            found.timer.advance(4.9)
            await found.happen(resumed())  # stands behind it
            await found.comes_to(endpoint, lambda figures: figures.waiting == 2)
            assert seqs(receiver.heard) == [1]
            receiver.answer = no()
            found.timer.advance(0.1)
            heard = await found.heard(receiver, 3)
            assert seqs(heard) == [1, 1, 2]
            assert heard[0].message_id == heard[1].message_id
            assert int(heard[1].headers["webhook-timestamp"]) == START + 5

    asyncio.run(go())


def test_one_that_is_refused_holds_up_its_own_store_only(
    ledger: Ledger, receiver: Receiver
) -> None:
    async def go() -> None:
        async with bench(ledger) as found:
            endpoint = await found.add(receiver)
            receiver.answer = no(1)
            await found.happen(paused(1), paused(2), resumed(2), resumed(1), paused(3))
            await found.comes_to(endpoint, lambda figures: figures.counts.delivered == 3)
            told = seqs(receiver.heard)
            assert 4 not in told
            assert told.index(2) < told.index(3)
            # The cursor has passed what waits, so that a restart sends none of the rest again.
            figures = found.notifier.one(endpoint)
            assert (figures.cursor, figures.waiting) == (5, 2)
            receiver.answer = no()
            found.timer.advance(PAUSES_S[0])
            heard = await found.heard(receiver, 6)
            assert seqs(heard)[-2:] == [1, 4]

    asyncio.run(go())


def test_what_waits_is_known_after_a_restart_and_nothing_else_is_sent_twice(
    ledger: Ledger, receiver: Receiver
) -> None:
    async def go() -> None:
        receiver.answer = no(1)
        async with bench(ledger) as found:
            endpoint = await found.add(receiver)
            await found.happen(paused(1), paused(2), resumed(1))
            await found.comes_to(endpoint, lambda figures: figures.counts.delivered == 1)
        receiver.answer = no()
        async with bench(ledger) as again:
            await again.comes_to(endpoint, lambda figures: figures.waiting == 2)
            again.timer.advance(PAUSES_S[0])
            heard = await again.heard(receiver, 4)
            assert seqs(heard)[2:] == [1, 3]
            await again.comes_to(endpoint, lambda figures: figures.waiting == 0)
        assert again.store.waiting(endpoint) == []

    asyncio.run(go())


def test_a_receiver_that_asks_for_time_is_given_it_within_bounds(
    ledger: Ledger, receiver: Receiver
) -> None:
    async def go() -> None:
        async with bench(ledger) as found:
            endpoint = await found.add(receiver)
            receiver.answer = lambda _: Reply(429, {"Retry-After": "120"})
            await found.happen(paused(1))
            await found.comes_to(endpoint, lambda figures: figures.counts.failed == 1)
            await found.happen(paused(2))
            await found.comes_to(endpoint, lambda figures: figures.waiting == 2)
            found.timer.advance(119)
            receiver.answer = lambda _: Reply(503, {"Retry-After": "999999"})
            assert seqs(receiver.heard) == [1]
            found.timer.advance(1)
            await found.comes_to(endpoint, lambda figures: figures.counts.failed == 3)
            receiver.answer = no()
            found.timer.advance(3600)
            await found.comes_to(endpoint, lambda figures: figures.waiting == 0)

    asyncio.run(go())


def test_a_receiver_that_is_down_is_asked_by_one_message_at_a_time(
    ledger: Ledger, receiver: Receiver
) -> None:
    async def go() -> None:
        async with bench(ledger) as found:
            endpoint = await found.add(receiver)
            receiver.answer = down
            await found.happen(*(paused(number) for number in range(1, 41)))
            await found.comes_to(endpoint, lambda f: f.state == "failing" and f.under_way == 0)
            first = found.notifier.one(endpoint).counts.failed
            assert first <= AT_ONCE + FAILING_AFTER
            for failures in range(first + 1, first + 4):
                found.timer.advance(60)
                await found.comes_to(
                    endpoint,
                    lambda f, n=failures: f.counts.failed == n and f.under_way == 0,  # type: ignore[misc]
                )
            assert len(receiver.heard) == first + 3
            receiver.answer = no()
            found.timer.advance(60)
            await found.comes_to(endpoint, lambda f: f.waiting == 0 and f.state == "active")
            assert set(seqs(receiver.heard)) == set(range(1, 41))

    asyncio.run(go())


def test_a_dead_endpoint_is_parked_after_a_day_and_goes_on_where_it_stopped(
    ledger: Ledger, receiver: Receiver
) -> None:
    async def go() -> None:
        async with bench(ledger) as found:
            endpoint = await found.add(receiver)
            receiver.answer = down
            await found.happen(paused())
            for attempts, pause in enumerate(PAUSES_S, 1):
                await found.comes_to(
                    endpoint,
                    lambda f, n=attempts: f.counts.failed == n,  # type: ignore[misc]
                )
                assert found.notifier.one(endpoint).state == "active"
                found.timer.advance(pause)
            await found.comes_to(endpoint, lambda figures: figures.state == "parked")
            figures = found.notifier.one(endpoint)
            assert figures.endpoint.failing_since == START
            assert figures.endpoint.status_at == START + sum(PAUSES_S)
            assert "11 attempts" in figures.endpoint.status_reason
            await found.happen(resumed())
            found.timer.advance(10 * 86_400)
            assert len(receiver.heard) == len(PAUSES_S) + 1
        # It stays parked over a restart.
        async with bench(ledger) as again:
            assert again.notifier.one(endpoint).state == "parked"
            receiver.answer = no()
            await again.notifier.enable(endpoint)
            heard = await again.heard(receiver, len(PAUSES_S) + 3)
            assert seqs(heard)[-2:] == [1, 2]

    asyncio.run(go())


def test_a_message_that_only_it_is_refused_is_given_up_and_said(
    ledger: Ledger, receiver: Receiver
) -> None:
    async def go() -> None:
        async with bench(ledger) as found:
            endpoint = await found.add(receiver)
            receiver.answer = no(1)
            await found.happen(paused(1), resumed(1))
            for attempts, pause in enumerate(PAUSES_S, 1):
                await found.comes_to(
                    endpoint,
                    lambda f, n=attempts: f.counts.failed == n,  # type: ignore[misc]
                )
                await found.happen(paused(2))
                await found.comes_to(
                    endpoint,
                    lambda f, n=attempts: f.counts.delivered == n,  # type: ignore[misc]
                )
                found.timer.advance(pause)
            await found.comes_to(endpoint, lambda figures: figures.counts.given_up == 1)
            await found.comes_to(endpoint, lambda figures: figures.waiting == 0)
            assert found.notifier.one(endpoint).state == "active"
            assert seqs(receiver.heard)[-1] == 2
            rows = await found.notifier.deliveries(endpoint, 100, seq=1)
            assert [row.attempt for row in rows] == list(range(11, 0, -1))
            assert rows[0].next_at is None

    with capture_logs() as said:
        asyncio.run(go())
    given_up = [line for line in said if line["event"] == "webhook_given_up"]
    assert [(line["log_level"], line["seq"]) for line in given_up] == [("warning", 1)]


def test_no_more_is_taken_from_the_log_than_is_bounded(
    ledger: Ledger, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    most = 60
    monkeypatch.setattr("api.webhooks.runner.MOST_UNSETTLED", most)

    async def go() -> None:
        async with bench(ledger) as found:
            endpoint = await found.add(receiver)
            receiver.answer = down
            many = most + 100
            await found.happen(*(paused(number) for number in range(1, many + 1)))
            await found.comes_to(endpoint, lambda figures: figures.counts.failed >= AT_ONCE)
            assert found.notifier.one(endpoint).waiting == most
            assert found.notifier.one(endpoint).behind >= 100
            receiver.answer = no()
            # What was under way when it came up again fails later than the rest.
            await found.comes_to(endpoint, lambda figures: figures.behind == 0, passing_s=60)
            assert set(seqs(receiver.heard)) == set(range(1, many + 1))

    asyncio.run(go())


def test_a_slow_receiver_costs_no_other_anything(ledger: Ledger) -> None:
    async def go() -> None:
        with receiving() as slow, receiving() as quick:
            gate = asyncio.Event()
            loop = asyncio.get_running_loop()

            def when_opened(_: Heard) -> Reply:
                asyncio.run_coroutine_threadsafe(gate.wait(), loop).result()
                return Reply()

            slow.answer = when_opened
            async with bench(ledger) as found:
                await found.add(slow)
                endpoint = await found.add(quick)
                await found.happen(*(paused(number) for number in range(1, 101)))
                await found.comes_to(endpoint, lambda figures: figures.counts.delivered == 100)
                assert len(slow.heard) <= AT_ONCE
                gate.set()
                await found.heard(slow, 100)

    asyncio.run(go())


def test_of_each_store_the_order_is_kept_whatever_fails(ledger: Ledger, receiver: Receiver) -> None:
    async def go() -> None:
        turn = itertools.count(1)
        receiver.answer = lambda _: Reply(500 if next(turn) % 3 == 0 else 200)
        async with bench(ledger) as found:
            endpoint = await found.add(receiver)
            story = [
                each for _ in range(6) for n in (1, 2, 3, 4) for each in (paused(n), resumed(n))
            ]
            await found.happen(*story)
            async with asyncio.timeout(30):
                while found.notifier.one(endpoint).counts.delivered < len(story):
                    found.timer.advance(5)
                    await asyncio.sleep(0.005)
        taken = await asyncio.to_thread(found.store.deliveries, endpoint, 1000, delivered=True)
        told = [row.seq for row in reversed(taken)]
        assert sorted(told) == list(range(1, len(story) + 1))
        for number in (1, 2, 3, 4):
            own = [seq for seq in told if story[seq - 1] in (paused(number), resumed(number))]
            assert own == sorted(own)

    asyncio.run(go())


def test_the_delivery_log_forgets_what_is_old_and_what_is_too_much(
    ledger: Ledger, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def go() -> None:
        async with bench(ledger) as found:
            endpoint = await found.add(receiver)
            await found.happen(*(paused(number) for number in range(1, 11)))
            await found.comes_to(endpoint, lambda figures: figures.counts.delivered == 10)
            assert len(await found.notifier.deliveries(endpoint, 100)) == 10
            monkeypatch.setattr("api.storage.webhooks.KEPT_ROWS", 4)
            await asyncio.to_thread(found.store.prune, (endpoint,), START)
            assert len(await found.notifier.deliveries(endpoint, 100)) == 4
            await asyncio.to_thread(found.store.prune, (endpoint,), START + 4 * 86_400)
            assert await found.notifier.deliveries(endpoint, 100) == []

    asyncio.run(go())
