"""Durable events for those who follow: at hand when new, read again when old."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from api.notify import Feed
from dispatch.events import Recorded, StoreResumed


def events(first: int, last: int) -> list[Recorded]:
    return [Recorded("z", seq, seq, StoreResumed("sto_1")) for seq in range(first, last + 1)]


def seqs(found: Sequence[Recorded]) -> list[int]:
    return [event.seq for event in found]


def nothing(_after: int, _limit: int) -> Sequence[Recorded]:
    raise AssertionError("what is at hand must not be read again")


def test_what_is_at_hand_is_given_from_there() -> None:
    async def follow() -> None:
        feed = Feed(nothing, events(1, 3))
        assert seqs(await feed.after(0, 10)) == [1, 2, 3]
        assert seqs(await feed.after(1, 1)) == [2]
        assert seqs(await feed.after(3, 10)) == []
        feed.add(events(4, 5))
        assert seqs(await feed.after(3, 10)) == [4, 5]
        assert feed.seq == 5

    asyncio.run(follow())


def test_what_is_older_is_read_from_the_ledger() -> None:
    def read(after: int, limit: int) -> Sequence[Recorded]:
        return events(1, 9)[after : after + limit]

    async def follow() -> None:
        feed = Feed(read, events(8, 9))
        assert seqs(await feed.after(3, 2)) == [4, 5]
        assert seqs(await feed.after(7, 5)) == [8, 9]

    asyncio.run(follow())


def test_everyone_who_waits_is_woken_by_the_next_event() -> None:
    async def follow() -> None:
        feed = Feed(nothing, events(1, 1))
        waiting = [asyncio.create_task(feed.wait(1, 10)) for _ in range(3)]
        await asyncio.sleep(0)
        feed.add(events(2, 2))
        assert await asyncio.gather(*waiting) == [True, True, True]

    asyncio.run(follow())


def test_closing_lets_everyone_go_and_a_short_wait_ends_by_itself() -> None:
    async def follow() -> None:
        feed = Feed(nothing, [])
        assert await feed.wait(0, 0.001) is False
        waiting = asyncio.create_task(feed.wait(0, 10))
        await asyncio.sleep(0)
        feed.close()
        assert await waiting is False

    asyncio.run(follow())
