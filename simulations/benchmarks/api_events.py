"""From an order that is sent to whoever hears of it: by its answer, a stream, and a webhook."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

import httpx

from simulations.benchmarks.api_figures import OK, Load, failures_of, load_of
from simulations.benchmarks.api_load import Town
from simulations.errors import ServiceError
from simulations.load.generator import Generator, now
from simulations.load.wire import Answer
from simulations.service import environment

HOST: Final = "127.0.0.1"
_EVENT: Final = "OrderReceived"
_TIMEOUT_S: Final = 30.0
_LEAD_S: Final = 0.3


class Heard:
    """When orders were first heard of, by their external ids."""

    def __init__(self) -> None:
        self.at: dict[str, float] = {}
        self._news = asyncio.Event()

    def note(self, external_id: str, at: float) -> None:
        """Keep a moment; a message may come twice."""
        self.at.setdefault(external_id, at)
        self._news.set()

    async def wait(self, wanted: set[str]) -> None:
        """Wait until all were heard of, or so long that the others never will be."""
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                while not wanted <= self.at.keys():
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            return


@dataclass(frozen=True, slots=True)
class Receiver:
    """A process that takes webhooks on a port of this machine, and says what it took."""

    port: int
    lines: asyncio.StreamReader


@asynccontextmanager
async def receiver() -> AsyncIterator[Receiver]:
    """Run the process.

    Raises
    ------
    ServiceError
        It does not start.
    """
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "simulations.benchmarks.api_receiver"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment(),
    )
    try:
        async with asyncio.timeout(_TIMEOUT_S):
            first = b"" if process.stdout is None else await process.stdout.readline()
        if process.stdout is None or not first:
            raise ServiceError("the receiver of webhooks did not start")
        yield Receiver(int(first), process.stdout)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def order_events(
    town: Town, sender: Generator, hooked: Receiver, ledger: str, per_s: float, seconds: float
) -> list[Load]:
    """Place orders at a rate; returns how long answers, events and messages of them took.

    Each runs from the moment the order was to be sent: what taking it in took is part of it.
    """
    async with (
        httpx.AsyncClient(base_url=town.address, timeout=_TIMEOUT_S) as http,
        _streamed(http) as streamed,
        _called(http, hooked) as called,
    ):
        sent: dict[str, tuple[float, Answer]] = {}

        async def one(at: float) -> None:
            order = town.order()
            body = json.dumps(order)
            answer = await sender.send(at, "POST", "/v1/orders", "/v1/orders", body=body)
            sent[order["external_id"]] = (at, answer)

        count = max(1, round(per_s * seconds))
        begins = now() + _LEAD_S
        await asyncio.gather(*(one(begins + n / per_s) for n in range(count)))
        taken = {key for key, (_, answer) in sent.items() if answer.status in OK}
        await asyncio.gather(streamed.wait(taken), called.wait(taken))
    lag_s = [answer.sent - at for at, answer in sent.values()]

    def load(name: str, at: Mapping[str, float], failures: dict[str, int]) -> Load:
        known = [key for key in sent if key in at and key in taken]
        missing = len(taken) - len(known)
        if missing:
            failures = {**failures, f"not heard of within {_TIMEOUT_S:g} s": missing}
        meant, done = [sent[key][0] for key in known], [at[key] for key in known]
        return load_of(name, ledger, per_s, meant, done, lag_s=lag_s, failures=failures)

    answered = {key: answer.done for key, (_, answer) in sent.items()}
    refused = failures_of([answer for _, answer in sent.values()])
    return [
        load("order to its answer", answered, refused),
        load("order to its event on a stream", streamed.at, {}),
        load("order to its webhook", called.at, {}),
    ]


@asynccontextmanager
async def _streamed(http: httpx.AsyncClient) -> AsyncIterator[Heard]:
    """Follow the stream of events."""
    heard = Heard()
    async with http.stream("GET", "/v1/events", headers={"Accept": "text/event-stream"}) as stream:
        stream.raise_for_status()

        async def follow() -> None:
            async for line in stream.aiter_lines():
                if line.startswith("data:") and f'"{_EVENT}"' in line:
                    order = json.loads(line[5:])["data"]["order"]
                    heard.note(order["external_id"], now())

        task = asyncio.create_task(follow())
        try:
            yield heard
        finally:
            await _ended(task)


@asynccontextmanager
async def _called(http: httpx.AsyncClient, hooked: Receiver) -> AsyncIterator[Heard]:
    """Let the service call the receiver."""
    heard = Heard()

    async def listen() -> None:
        while line := await hooked.lines.readline():
            at, external_id = line.decode().split()
            heard.note(external_id, float(at))

    wanted = {"url": f"http://{HOST}:{hooked.port}/hook", "events": [_EVENT]}
    made = await http.post("/v1/webhook-endpoints", json=wanted)
    made.raise_for_status()
    task = asyncio.create_task(listen())
    try:
        yield heard
    finally:
        await _ended(task)
        (await http.delete(f"/v1/webhook-endpoints/{made.json()['id']}")).raise_for_status()


async def _ended(task: asyncio.Task[None]) -> None:
    """End a task that listens; what it fell over before is raised here."""
    task.cancel()
    (outcome,) = await asyncio.gather(task, return_exceptions=True)
    if isinstance(outcome, Exception):
        raise outcome
