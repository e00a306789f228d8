"""When each request of a load test is meant, and what becomes of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple, cast

import pytest

from dispatch import events as e
from dispatch.commands import CancelOrder, CollectOrder, Command, PlaceOrder
from dispatch.model import Order, OrderLine, Promise
from geo.types import LonLat
from simulations.client import Asked, Client
from simulations.live import FollowedClock
from simulations.load.crowd import Crowd
from simulations.load.generator import Generator, now
from simulations.load.mix import Mix
from simulations.load.play import LoadWorld, Span
from simulations.load.rows import Rows
from simulations.load.wire import Answer
from simulations.rng import Streams
from simulations.worlds.couriers import Seen
from simulations.worlds.world import World

DOOR = LonLat(24.94, 60.17)
DAY = 1_800_000_000
"""When the service's clock was 0 seconds of the tests."""


class Sent(NamedTuple):
    at: float
    method: str
    path: str
    body: Any
    answer: asyncio.Future[Answer]


class Records:
    """A generator that sends nothing: the test answers."""

    def __init__(self) -> None:
        self.sent: list[Sent] = []
        self.is_alive = True
        self.under_way = 0

    def send(
        self,
        at: float,
        method: str,
        path: str,
        endpoint: str,
        *,
        body: str | None = None,
        headers: object = None,
        wants: tuple[str, ...] = (),
    ) -> asyncio.Future[Answer]:
        waiting: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        said = None if body is None else json.loads(body)
        self.sent.append(Sent(at, method, path, said, waiting))
        return waiting


class Wishes:
    """A world that wants what the test says, and is told what was refused."""

    def __init__(self, wishes: Sequence[tuple[int, Command]]) -> None:
        self.streams = Streams(1)
        self.is_clicking = False
        self.starts_at = DAY
        self.refusals: list[str] = []
        self._wishes = sorted(wishes, key=lambda wish: wish[0])

    def next_at(self) -> int | None:
        return self._wishes[0][0] if self._wishes else None

    def act(self, at: int) -> list[Command]:
        due = [command for when, command in self._wishes if when <= at]
        self._wishes = self._wishes[len(due) :]
        return due

    def positions(self, _: int) -> list[Seen]:
        return []

    def refused(self, _: Command, code: str) -> None:
        self.refusals.append(code)


def clock_at(moment: float, speed: float = 1.0) -> FollowedClock:
    clock = FollowedClock()
    clock.speed, clock._moment, clock._seen_at = speed, moment, now()
    return clock


def order(number: int, at: int) -> PlaceOrder:
    return PlaceOrder(
        door=DOOR,
        address="Mannerheimintie 1",
        lines=(OrderLine("milk-1l", 1),),
        weight_g=1000,
        occurred_at=at,
        basket_cents=100,
        service_s=120,
        external_id=f"eve-{number}",
    )


def playing(folder: Path, wishes: Wishes, records: Records, at: float) -> LoadWorld:
    live = LoadWorld(
        cast("World", wishes),
        cast("Client", None),
        "helsinki",
        generator=cast("Generator", records),
        rows=Rows(folder, 1),
        mix=Mix(quotes_per_order=0, healthz_per_s=0),
        prefix="eve-",
        session=1,
    )
    live.clock = clock_at(at)
    begins = live.clock.wall(DAY)
    live.begin(Span(begins, begins + 100, begins), lambda: None)
    live._failed = asyncio.get_running_loop().create_future()
    return live


async def answered(sent: Sent, status: int, code: str = "", took_s: float = 0.1) -> None:
    found = {"id": "ord_1", "tracking_url": "http://here/t/abc"} if status == 201 else {}
    sent.answer.set_result(
        Answer(1, sent.at, sent.at + took_s, status, 10, code, "", "", found=found)
    )
    for _ in range(4):
        await asyncio.sleep(0)


def test_customers_of_one_second_click_all_over_it_and_not_at_its_stroke(tmp_path: Path) -> None:
    async def clicks() -> list[float]:
        records = Records()
        wishes = Wishes([(DAY + 5, order(n, DAY + 5)) for n in range(40)])
        live = playing(tmp_path, wishes, records, DAY - 1)
        live.clock = clock_at(DAY + 5)
        live._joined = 0.0
        live._let_act()
        await asyncio.sleep(0)
        stroke = live.clock.wall(DAY + 5)
        return [sent.at - stroke for sent in records.sent]

    after = asyncio.run(clicks())
    assert len(after) == 40
    assert all(0 <= each < 1 for each in after)
    # Even over the second: each quarter has some of them.
    assert {int(4 * each) for each in after} == {0, 1, 2, 3}


def test_whoever_reacts_to_news_means_it_when_the_news_is_heard(tmp_path: Path) -> None:
    async def reacts() -> tuple[float, float]:
        records = Records()
        wishes = Wishes([(DAY + 2, CancelOrder("ord_1", "no more", DAY + 2))])
        live = playing(tmp_path, wishes, records, DAY + 30)
        heard_at = now() - 0.2
        live._let_act(heard_at)
        await asyncio.sleep(0)
        return records.sent[0].at, heard_at

    at, heard_at = asyncio.run(reacts())
    assert at == heard_at


def test_what_fails_is_sent_again_and_keeps_the_moment_it_was_meant(tmp_path: Path) -> None:
    async def fails() -> tuple[LoadWorld, Records, Wishes]:
        records = Records()
        wishes = Wishes([(DAY + 5, order(1, DAY + 5))])
        live = playing(tmp_path, wishes, records, DAY + 5)
        live._let_act()
        await asyncio.sleep(0)
        await answered(records.sent[0], 0, "refused")
        await answered(records.sent[1], 503, "not_ready")
        await answered(records.sent[2], 422, "no_stock")
        return live, records, wishes

    live, records, wishes = asyncio.run(fails())
    first, second, third = live._rows._kept
    assert len(records.sent) == 3
    assert first.intended_s == second.intended_s == third.intended_s
    assert [row.attempt for row in (first, second, third)] == [1, 2, 3]
    assert [row.outcome for row in (first, second, third)] == ["error", "error", "refused"]
    # Each waits a little after the one before, which is no delay of ours.
    assert second.ready_s == pytest.approx(first.done_s + 0.1)
    assert third.ready_s == pytest.approx(second.done_s + 0.3)
    assert wishes.refusals == ["no_stock"]


def test_a_request_behind_another_one_of_its_lane_waits_and_the_wait_counts(
    tmp_path: Path,
) -> None:
    async def behind() -> LoadWorld:
        records = Records()
        cancel = CancelOrder("ord_1", "no more", DAY + 1)
        again = CancelOrder("ord_1", "really", DAY + 1)
        live = playing(tmp_path, Wishes([(DAY + 1, cancel), (DAY + 1, again)]), records, DAY + 9)
        live._let_act(live.clock.wall(DAY + 9))
        await asyncio.sleep(0)
        assert len(records.sent) == 1
        await answered(records.sent[0], 200, took_s=2.5)
        assert len(records.sent) == 2
        await answered(records.sent[1], 200, took_s=0.5)
        return live

    live = asyncio.run(behind())
    first, second = live._rows._kept
    assert first.intended_s == second.intended_s
    assert second.ready_s == pytest.approx(first.done_s)
    assert second.done_s - second.intended_s == pytest.approx(3.0)


def test_a_code_said_at_the_counter_is_looked_up_first_as_a_request_of_its_own(
    tmp_path: Path,
) -> None:
    async def collects() -> tuple[LoadWorld, list[Sent]]:
        records = Records()
        collect = CollectOrder("ord_1", DAY + 1)
        live = playing(tmp_path, Wishes([(DAY + 1, collect)]), records, DAY + 9)
        live._let_act(live.clock.wall(DAY + 9))
        await asyncio.sleep(0)
        looked = records.sent[0]
        found = {"pin": "4711"}
        looked.answer.set_result(
            Answer(1, looked.at, looked.at + 0.5, 200, 10, "", "", "", found=found)
        )
        for _ in range(4):
            await asyncio.sleep(0)
        await answered(records.sent[1], 200)
        return live, records.sent

    live, sent = asyncio.run(collects())
    assert [each.path for each in sent] == [
        "/v1/orders/ord_1/tracking",
        "/v1/orders/ord_1/collect",
    ]
    assert sent[1].body["code"] == "4711"
    looked, collected = live._rows._kept
    assert collected.intended_s == looked.intended_s
    assert collected.ready_s == pytest.approx(looked.done_s)


def test_a_request_that_the_end_cuts_off_is_written_down(tmp_path: Path) -> None:
    async def cut() -> LoadWorld:
        records = Records()
        wishes = Wishes([(DAY + 5, order(1, DAY + 5)), (DAY + 14, order(2, DAY + 14))])
        live = playing(tmp_path, wishes, records, DAY + 14.5)
        live.clock = clock_at(DAY + 14.5)
        live._joined = 0.0
        live._let_act()
        await asyncio.sleep(0)
        kept: list[Any] = []
        live._rows.flush = lambda: kept.extend(live._rows._kept)  # type: ignore[method-assign]
        live._history = lambda: asyncio.sleep(0, [])  # type: ignore[method-assign]
        await live.settle()
        assert live.is_awaited is False
        assert [row.code for row in kept] == ["unanswered"]
        return live

    # The second one has hardly waited, so nothing is known of it.
    (row,) = asyncio.run(cut())._rows._kept
    assert row.done_s - row.intended_s > 8


def test_an_order_that_is_carried_after_all_is_open_again(tmp_path: Path) -> None:
    async def revived() -> list[bool]:
        live = playing(tmp_path, Wishes([]), Records(), DAY)
        told = [
            e.OrderReceived(
                Order(
                    "ord_1",
                    DAY,
                    DOOR,
                    "A 1",
                    (OrderLine("milk-1l", 1),),
                    1000,
                    90,
                    external_id="eve-1",
                ),
                Promise(DAY, DAY + 1800, DAY),
                "sto_1",
            ),
            e.OrderCancelled("ord_1", "no more", DAY + 1),
            e.OrderRevived("ord_1", "cou_1", DAY + 2),
            e.OrderRevived("ord_of_others", "cou_1", DAY + 2),
            e.OrderDelivered("cou_1", "ord_1", DAY + 9),
        ]
        rests = []
        for number, event in enumerate(told, start=1):
            live._note([e.Recorded("helsinki", number, DAY, event)])
            rests.append(live.is_at_rest)
        return rests

    assert asyncio.run(revived()) == [False, True, False, False, True]


# --- the crowd -----------------------------------------------------------------------------------


def crowd(mix: Mix, seen: Sequence[Seen] = (), speed: float = 10.0) -> tuple[Crowd, list[Any]]:
    said: list[Any] = []

    def say(at: float, method: str, path: str, body: str | None = None) -> None:
        said.append((round(at, 6), method, path, None if body is None else json.loads(body)))

    return Crowd(mix, Streams(1), clock_at(DAY, speed), lambda _: list(seen), say), said


QUIET = Mix(boards=0, quotes_per_order=0, healthz_per_s=0, track_share=0)


def test_a_page_asks_by_its_timetable_until_its_order_ends() -> None:
    # Every 20 s of a service that lives ten times as fast: every 2 s of the wall.
    people, said = crowd(Mix(boards=0, quotes_per_order=0, healthz_per_s=0, track_share=1))
    people.taken("ord_1", "eve-1", "abc", 100.0)
    people.act(105.0)
    assert [each[:3] for each in said] == [
        (100.0, "GET", "/v1/track/abc"),
        (102.0, "GET", "/v1/track/abc"),
        (104.0, "GET", "/v1/track/abc"),
    ]
    people.ended("ord_1")
    people.act(200.0)
    assert len(said) == 3
    assert people.next_at() is None


def test_devices_report_in_batches_over_their_period() -> None:
    seen = [Seen(f"cou_{n}", DOOR, DAY) for n in range(5)]
    mix = Mix(boards=0, healthz_per_s=0, positions_batch=2, positions_every_s=30)
    people, said = crowd(mix, seen)
    people.begin(10.0)
    people.act(12.5)
    assert [(at, len(body["positions"])) for at, _, _, body in said] == [(10, 2), (11, 2), (12, 1)]
    people.act(13.5)
    assert said[3][0] == 13.0


def test_people_look_at_what_others_buy() -> None:
    people, said = crowd(Mix(boards=0, healthz_per_s=0, quotes_per_order=3))
    body = {
        "external_id": "eve-1",
        "dropoff": {"location": {"lat": 60.0, "lng": 24.0}, "address": "A 1", "note": "ring"},
        "lines": [{"sku": "milk-1l", "quantity": 1}],
        "created_at": "2026-11-20T15:00:00Z",
    }
    for number in range(100):
        asked = Asked("POST", "/v1/orders", f"eve-{number}", body)
        people.ordered(f"eve-{number}", asked, 50.0)
    people.act(1000.0)
    # Three for each on average, within a minute of the service: six seconds of the wall.
    assert 240 < len(said) < 360
    assert all(50 <= at < 56.000001 for at, *_ in said)
    assert said[0][1:3] == ("POST", "/v1/quotes")
    assert set(said[0][3]) == {"dropoff", "lines"}
    assert set(said[0][3]["dropoff"]) == {"location", "address"}


def test_boards_take_turns_and_the_floor_is_asked_at_random() -> None:
    people, said = crowd(Mix(boards=2, board_every_s=40, healthz_per_s=50, positions_every_s=1e5))
    people.begin(0.0)
    people.act(20.0)
    boards = [at for at, _, path, _ in said if path == "/v1/board"]
    assert boards == [0, 2, 4, 6, 8, 10, 12, 14, 16, 18]
    floor = [at for at, _, path, _ in said if path == "/healthz"]
    assert 850 < len(floor) < 1150
    assert len({round(b - a, 4) for a, b in pairwise(floor)}) > 300


def test_a_quiet_crowd_says_nothing() -> None:
    people, said = crowd(QUIET)
    people.taken("ord_1", "eve-1", "abc", 1.0)
    people.ordered("eve-1", Asked("POST", "/v1/orders", "eve-1", {}), 1.0)
    people.act(1e6)
    assert said == []
