"""The solver's process: busy, killed, stopped; nobody waits for what will never come."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import threading
import time
from collections.abc import Iterator

import pytest
from conftest import BOOT_S

from api.problems import Problem
from api.solve_reading import Limits
from api.solver import SolveDesk
from geo.city import find_city, load_city
from geo.travel import NetworkTravelTimes

LIMITS = Limits(tasks=100, vehicles=10, places=100, seconds=30.0)
SIZE = 40


def problem(rounds: int) -> bytes:
    table = [[abs(a - b) * 7 % 41 + 1 if a != b else 0 for a in range(SIZE)] for b in range(SIZE)]
    body = {
        "vehicles": [{"id": 1, "start_index": 0, "end_index": 0}],
        "jobs": [{"id": number, "location_index": number} for number in range(1, SIZE)],
        "matrices": {"car": {"durations": table}},
        "samehour": {"rounds": rounds},
    }
    return json.dumps(body).encode()


SHORT, ENDLESS = problem(5), problem(10_000_000)


@pytest.fixture(scope="module")
def travel() -> NetworkTravelTimes:
    return NetworkTravelTimes(load_city(find_city("helsinki")).network)


class Desk:
    """A desk that takes one problem and one more, and its event loop."""

    def __init__(self, travel: NetworkTravelTimes) -> None:
        self.desk = SolveDesk(LIMITS, waiting=2, zone_id="helsinki")
        self.travel = travel
        self.gone = threading.Event()

    async def ask(self, raw: bytes) -> bytes:
        return await self.desk.solve(raw, self.travel, 0, self.gone)

    async def begin(self, raw: bytes) -> asyncio.Task[bytes]:
        """Return a problem that is being solved: the worker is up and has it."""
        until = time.monotonic() + BOOT_S
        while not await self._is_up():
            assert time.monotonic() < until
        return asyncio.create_task(self.ask(raw))

    async def _is_up(self) -> bool:
        try:
            await self.ask(SHORT)
        except Problem as error:
            if error.code != "not_ready":
                raise
            return False
        return True

    @property
    def pid(self) -> int:
        process = self.desk._solver._process
        assert process is not None
        assert process.pid is not None
        return process.pid


@pytest.fixture
def desk(travel: NetworkTravelTimes) -> Iterator[Desk]:
    made = Desk(travel)
    yield made
    made.desk.close()


def test_a_worker_that_is_killed_is_an_error_and_the_next_one_answers(desk: Desk) -> None:
    async def play() -> None:
        running = await desk.begin(ENDLESS)
        await asyncio.sleep(0)
        os.kill(desk.pid, signal.SIGKILL)
        with pytest.raises(Problem) as caught:
            await running
        assert caught.value.code == "internal_error"
        assert json.loads(await desk.ask(SHORT))["code"] == 0

    asyncio.run(play())


def test_more_than_may_wait_are_told_to_come_again(desk: Desk) -> None:
    async def play() -> None:
        running = await desk.begin(ENDLESS)
        waiting = asyncio.create_task(desk.ask(SHORT))
        await asyncio.sleep(0)
        with pytest.raises(Problem) as caught:
            await desk.ask(SHORT)
        assert caught.value.code == "solver_busy"
        assert caught.value.http_status == 429
        assert "Retry-After" in caught.value.headers
        # Whoever is solved for goes: who waits has long been forgotten by the same sign.
        desk.gone.set()
        for one in (running, waiting):
            with pytest.raises(Problem):
                await one
        desk.gone.clear()
        assert json.loads(await desk.ask(SHORT))["code"] == 0

    asyncio.run(play())


def test_a_service_that_stops_says_so_to_whoever_waits(desk: Desk) -> None:
    async def play() -> None:
        running = await desk.begin(ENDLESS)
        await asyncio.sleep(0)
        await asyncio.to_thread(desk.desk.close)
        with pytest.raises(Problem) as caught:
            await running
        assert caught.value.code == "not_ready"

    asyncio.run(play())
