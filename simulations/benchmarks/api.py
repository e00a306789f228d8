"""`samehour bench api`: how the live service holds up when much is asked of it at once.

Requests go out in an open loop by the sending process of `simulations.load`: each has its moment,
whatever became of others, and its latency runs from that moment to the last byte.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import httpx
import numpy as np

from dispatch.codec import from_rfc3339
from dispatch.policies import policy_to_toml
from geo.city import City, find_city, load_city
from geo.errors import GeoError
from simulations.benchmarks.api_load import Asked, Town
from simulations.errors import LoadError, ServiceError
from simulations.load.generator import Generator, now
from simulations.load.wire import Answer, Sending
from simulations.scenarios.policies import load_policy
from simulations.service import ServiceOptions, ServiceProcess, environment

_CITY: Final = "la-serena"
_CLOCK_START: Final = "2026-11-20T20:00:00Z"
"""A Friday, 17:00 in La Serena: every store is open for hours."""

_SETTLED_S: Final = 3.0
_LEAD_S: Final = 0.3
_AHEAD_S: Final = 1.0
"""So long before its moment the sender is given a request."""

_LADDER: Final = (12, 25, 50, 75, 100, 150, 200, 300, 400, 600, 800, 1000, 1400, 2000)
"""Orders a second that are tried, one after the other, until one is too many."""

_MOST_LATE_MS: Final = 150.0
_CONNECTIONS: Final = 512
_TIMEOUT_S: Final = 30.0
_EVENTS_PER_S: Final = 10.0
_BATCH: Final = 100
_FAILED: Final = 1
_WRONG_INPUT: Final = 2
_NEVER_S: Final = 86_400
_OK: Final = range(200, 300)


@dataclass(frozen=True, slots=True)
class Load:
    """What came of one load; milliseconds from the moment each request was meant.

    Attributes
    ----------
    sent_per_s
        Requests a second; of positions each carries a hundred.
    failed
        Requests without an answer, or with an error.
    sender_p99_ms
        How late our own side sent: what latencies may be too long by.
    """

    name: str
    sent_per_s: float
    count: int
    failed: int
    p50_ms: float
    p90_ms: float
    p99_ms: float
    sender_p99_ms: float


def run(arguments: argparse.Namespace) -> int:
    """Measure and print; returns 0, 1 when requests failed, 2 for wrong input."""
    try:
        city = load_city(find_city(_CITY))
        with TemporaryDirectory(prefix="samehour-bench-") as folder:
            loads = asyncio.run(_measured(arguments, city, Path(folder)))
    except GeoError as error:
        sys.stderr.write(f"samehour: {error}\n")
        return _WRONG_INPUT
    except (LoadError, ServiceError, httpx.HTTPError) as error:
        sys.stderr.write(f"samehour: {error}\n")
        return _FAILED
    if arguments.json:
        sys.stdout.write(json.dumps([asdict(load) for load in loads]) + "\n")
    return _FAILED if any(load.failed for load in loads) else 0


async def _measured(arguments: argparse.Namespace, city: City, folder: Path) -> list[Load]:
    loads: list[Load] = []

    def told(load: Load) -> None:
        if not loads:
            sys.stdout.write(_HEAD)
        loads.append(load)
        sys.stdout.write(_line(load))
        sys.stdout.flush()

    for planned in (False, True):
        async with _service(arguments, city, folder, planned) as (town, sender):
            words = "replanning" if planned else "without replanning"
            told(await _quotes(town, sender, arguments, f"quotes, {words}"))
            told(await _positions(town, sender, arguments, f"positions, {words}"))
            if planned:
                told(await _events(town, sender, arguments.seconds))
                for load in await _orders(town, sender, arguments.seconds, "orders, replanning"):
                    told(load)
    async with _bare(folder) as sender:
        for load in await _orders(Town(city, 0), sender, arguments.seconds, "bare handler"):
            told(load)
    return loads


# --- services ----------------------------------------------------------------------------------


@asynccontextmanager
async def _service(
    arguments: argparse.Namespace, city: City, folder: Path, planned: bool
) -> AsyncIterator[tuple[Town, Generator]]:
    """Start a service with open orders and couriers, and a sender."""
    home = folder / ("planned" if planned else "unplanned")
    home.mkdir()
    policy = home / "policy.toml"
    told = replace(
        load_policy("balanced"),
        replan_every_s=1 if planned else _NEVER_S,
        # However full the town gets, nobody is turned away: that would be quicker.
        promise_max_s=_NEVER_S,
    )
    policy.write_text(policy_to_toml(told))
    options = ServiceOptions(_CITY, home, 0, _CLOCK_START, 1.0, 1, arguments.ledger, policy)
    service = ServiceProcess(options)
    try:
        address = await service.ready(lambda: False, None)
        if address is None:
            raise ServiceError(service.last_words("the service did not start"))
        town = Town(city, arguments.couriers)
        async with httpx.AsyncClient(base_url=address, timeout=_TIMEOUT_S) as http:
            town.opens_at = from_rfc3339((await http.get("/v1/zones")).json()["data"][0]["now"])
            for method, path, body in town.opening():
                (await http.request(method, path, json=body)).raise_for_status()
            for _ in range(arguments.orders):
                (await http.post("/v1/orders", json=town.order())).raise_for_status()
        await asyncio.sleep(_SETTLED_S)
        async with _sender(address, home) as sender:
            town.address = address
            yield town, sender
    finally:
        service.stop()


@asynccontextmanager
async def _bare(folder: Path) -> AsyncIterator[Generator]:
    """Start the handler that only writes, and a sender."""
    port_file = folder / "bare-port"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "simulations.benchmarks.api_bare"),
        *(str(folder / "bare.db"), str(port_file)),
        stdin=subprocess.PIPE,
        env=environment(),
    )
    try:
        give_up_at = time.monotonic() + _TIMEOUT_S
        while not port_file.exists() or not port_file.read_text():
            if process.returncode is not None or time.monotonic() > give_up_at:
                raise ServiceError("the bare handler did not start")
            await asyncio.sleep(0.05)
        async with _sender(f"http://127.0.0.1:{port_file.read_text()}", folder) as sender:
            yield sender
    finally:
        process.kill()
        await process.wait()


@asynccontextmanager
async def _sender(address: str, folder: Path) -> AsyncIterator[Generator]:
    sender = Generator(Sending(address, None, _CONNECTIONS, _TIMEOUT_S), folder / "sender.log")
    await sender.start()
    try:
        yield sender
    finally:
        await sender.stop()


# --- loads -------------------------------------------------------------------------------------


async def _quotes(town: Town, sender: Generator, arguments: argparse.Namespace, name: str) -> Load:
    return await _sent(
        sender,
        name,
        arguments.quotes_per_s,
        arguments.seconds,
        lambda: ("/v1/quotes", town.quote()),
    )


async def _positions(
    town: Town, sender: Generator, arguments: argparse.Namespace, name: str
) -> Load:
    def batch() -> Asked:
        return "/v1/couriers/positions", town.positions(_BATCH)

    return await _sent(sender, name, arguments.positions_per_s / _BATCH, arguments.seconds, batch)


async def _orders(town: Town, sender: Generator, seconds: float, name: str) -> list[Load]:
    """Send ever more orders a second; returns the last that was kept up with, and the next."""
    kept: list[Load] = []
    for per_s in _LADDER:
        load = await _sent(sender, name, per_s, seconds, lambda: ("/v1/orders", town.order()))
        kept = [*kept[-1:], load]
        if load.failed or load.p99_ms > _MOST_LATE_MS:
            break
    return kept


async def _events(town: Town, sender: Generator, seconds: float) -> Load:
    """Follow the stream of events while orders are placed: from sending one to its event."""
    heard: dict[str, float] = {}
    following, more = asyncio.Event(), asyncio.Event()

    async def follow() -> None:
        try:
            await listen()
        finally:
            more.set()

    async def listen() -> None:
        async with (
            httpx.AsyncClient(base_url=town.address, timeout=_TIMEOUT_S) as http,
            http.stream("GET", "/v1/events", headers={"Accept": "text/event-stream"}) as stream,
        ):
            following.set()
            async for line in stream.aiter_lines():
                if line.startswith("data:") and '"OrderReceived"' in line:
                    order = json.loads(line[5:])["data"]["order"]
                    heard[str(order["external_id"])] = now()
                    more.set()

    task = asyncio.create_task(follow())
    try:
        async with asyncio.timeout(_TIMEOUT_S):
            await following.wait()
        sent: dict[str, Answer] = {}

        async def one(at: float) -> Answer:
            order = town.order()
            answer = await sender.send(
                at, "POST", "/v1/orders", "/v1/orders", body=json.dumps(order)
            )
            sent[order["external_id"]] = answer
            return answer

        count = max(1, round(_EVENTS_PER_S * seconds))
        begins = now() + _LEAD_S
        answers = await asyncio.gather(*(one(begins + n / _EVENTS_PER_S) for n in range(count)))
        taken = sum(answer.status in _OK for answer in answers)
        async with asyncio.timeout(_TIMEOUT_S):
            while len(heard) < taken and not task.done():
                more.clear()
                await more.wait()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    late_s = [heard[key] - answer.sent for key, answer in sent.items() if key in heard]
    # Not taken, or never heard of.
    failed = count - len(late_s)
    return _load("order to its event on a stream", _EVENTS_PER_S, late_s, failed, [0.0])


async def _sent(
    sender: Generator, name: str, per_s: float, seconds: float, asked: Callable[[], Asked]
) -> Load:
    """Send at a rate for so long, each request at its moment."""
    count = max(1, round(per_s * seconds))
    begins = now() + _LEAD_S
    waiting = []
    for nth in range(count):
        at = begins + nth / per_s
        await asyncio.sleep(max(0.0, at - now() - _AHEAD_S))
        path, body = asked()
        waiting.append((at, sender.send(at, "POST", path, path, body=json.dumps(body))))
    answers = [(at, await answer) for at, answer in waiting]
    late_s = [answer.done - at for at, answer in answers]
    failed = sum(answer.status not in _OK for _, answer in answers)
    return _load(name, per_s, late_s, failed, [answer.sent - at for at, answer in answers])


def _load(
    name: str, per_s: float, late_s: Sequence[float], failed: int, lag_s: Sequence[float]
) -> Load:
    p50, p90, p99 = 1000 * np.percentile(late_s or [0.0], [50, 90, 99])
    lag = 1000 * float(np.percentile(lag_s, 99))
    return Load(name, per_s, len(late_s), failed, float(p50), float(p90), float(p99), lag)


_HEAD: Final = (
    f"{'latency, ms':34} {'a second':>8} {'count':>6} {'failed':>6}  "
    f"{'p50':>7} {'p90':>7} {'p99':>7}   {'sender p99':>10}\n"
)


def _line(load: Load) -> str:
    return (
        f"{load.name:34} {load.sent_per_s:8g} {load.count:6} {load.failed:6}  "
        f"{load.p50_ms:7.1f} {load.p90_ms:7.1f} {load.p99_ms:7.1f}   {load.sender_p99_ms:10.1f}\n"
    )
