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

from dispatch.codec import from_rfc3339
from dispatch.policies import policy_to_toml
from geo.city import City, find_city, load_city
from geo.errors import GeoError
from simulations.benchmarks.api_events import HOST, order_events, receiver
from simulations.benchmarks.api_figures import HEAD, Load, failures_of, lines_of, load_of
from simulations.benchmarks.api_load import Asked, Json, Town, quote_of
from simulations.benchmarks.postgres import SQLITE, new_ledger
from simulations.errors import LoadError, ServiceError
from simulations.load.generator import Generator, now
from simulations.load.wire import Sending
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

_STEEP_LADDER: Final = (50, 100, 200, 300, 400, 500)
"""The same of orders that cite a quote."""

_ASKING: Final = 4
"""Customers at a time who ask for the quotes that are cited."""

_MOST_LATE_MS: Final = 150.0
_CONNECTIONS: Final = 512
_TIMEOUT_S: Final = 30.0
_BATCH: Final = 100
_FAILED: Final = 1
_WRONG_INPUT: Final = 2
_NEVER_S: Final = 86_400
_BARE: Final = "sqlite, bare"


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
        if not loads or loads[-1].ledger != load.ledger:
            sys.stdout.write(f"ledger: {load.ledger}\n{HEAD}")
        loads.append(load)
        sys.stdout.write(lines_of(load))
        sys.stdout.flush()

    async with receiver() as hooked:
        for kind in dict.fromkeys(arguments.ledger or [SQLITE]):
            for planned in (False, True):
                async with _service(arguments, city, folder, kind, planned, hooked.port) as under:
                    words = "replanning" if planned else "without replanning"
                    told(await _quotes(under, arguments, f"quotes, {words}"))
                    told(await _positions(under, arguments, f"positions, {words}"))
                    if planned:
                        per_s, seconds = arguments.orders_per_s, arguments.seconds
                        town, sender = under.town, under.sender
                        for load in await order_events(town, sender, hooked, kind, per_s, seconds):
                            told(load)
                        for load in await _orders(under, seconds):
                            told(load)
    async with _bare(folder) as sender:
        bare = _Under(Town(city, 0), sender, _BARE)
        for load in await _climbed(
            bare, arguments.seconds, "bare handler", _LADDER, bare.town.order
        ):
            told(load)
    return loads


# --- services ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Under:
    """What is measured: a service with a town's life in it, and who sends to it."""

    town: Town
    sender: Generator
    ledger: str


@asynccontextmanager
async def _service(
    arguments: argparse.Namespace,
    city: City,
    folder: Path,
    kind: str,
    planned: bool,
    receiver_port: int,
) -> AsyncIterator[_Under]:
    """Start a service with open orders and couriers, and a sender."""
    home = folder / f"{kind}-{'planned' if planned else 'unplanned'}"
    home.mkdir()
    policy = home / "policy.toml"
    told = replace(
        load_policy("balanced"),
        replan_every_s=1 if planned else _NEVER_S,
        # However full the town gets, nobody is turned away: that would be quicker.
        promise_max_s=_NEVER_S,
        # Nor is what was quoted weighed again: that is for the orders without a quote.
        quote_valid_s=_NEVER_S,
        quote_firm_s=_NEVER_S,
        quote_firm_crowd=float(_NEVER_S),
    )
    policy.write_text(policy_to_toml(told))
    with new_ledger(kind, home) as ledger:
        options = ServiceOptions(
            _CITY,
            home,
            0,
            _CLOCK_START,
            1.0,
            1,
            ledger,
            policy,
            webhook_allow=f"{HOST}:{receiver_port}",
        )
        service = ServiceProcess(options)
        try:
            address = await service.ready(lambda: False, None)
            if address is None:
                raise ServiceError(service.last_words("the service did not start"))
            town = Town(city, arguments.couriers)
            town.address = address
            async with httpx.AsyncClient(base_url=address, timeout=_TIMEOUT_S) as http:
                await _fill(town, http, arguments.orders)
            await asyncio.sleep(_SETTLED_S)
            async with _sender(address, home) as sender:
                yield _Under(town, sender, kind)
        finally:
            service.stop()


async def _fill(town: Town, http: httpx.AsyncClient, orders: int) -> None:
    """Bring couriers to work, and place the orders that are open before anything is measured."""
    town.opens_at = from_rfc3339((await http.get("/v1/zones")).json()["data"][0]["now"])
    for method, path, body in town.opening():
        (await http.request(method, path, json=body)).raise_for_status()
    for _ in range(orders):
        (await http.post("/v1/orders", json=town.order())).raise_for_status()


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


async def _quotes(under: _Under, arguments: argparse.Namespace, name: str) -> Load:
    def quote() -> Asked:
        return "/v1/quotes", under.town.quote()

    return await _sent(under, name, arguments.quotes_per_s, arguments.seconds, quote)


async def _positions(under: _Under, arguments: argparse.Namespace, name: str) -> Load:
    def batch() -> Asked:
        return "/v1/couriers/positions", under.town.positions(_BATCH)

    per_s = arguments.positions_per_s / _BATCH
    return await _sent(under, name, per_s, arguments.seconds, batch)


async def _orders(under: _Under, seconds: float) -> list[Load]:
    """Send orders without a quote, and then such as cite one each."""
    # Asked before the town fills: among a thousand orders that nobody can bring quotes are slow.
    count = sum(round(per_s * seconds) for per_s in _STEEP_LADDER)
    quoted = iter(await _quoted(under, max(1, count)))
    weighed = await _climbed(under, seconds, "orders, replanning", _LADDER, under.town.order)
    name = "orders by quote, replanning"
    return weighed + await _climbed(under, seconds, name, _STEEP_LADDER, lambda: next(quoted))


async def _climbed(
    under: _Under, seconds: float, name: str, ladder: Sequence[int], order: Callable[[], Json]
) -> list[Load]:
    """Send ever more orders a second; returns the last that was kept up with, and the next."""
    kept: list[Load] = []
    for per_s in ladder:
        load = await _sent(under, name, per_s, seconds, lambda: ("/v1/orders", order()))
        kept = [*kept[-1:], load]
        if load.failed or load.p99_ms > _MOST_LATE_MS:
            break
    return kept


async def _quoted(under: _Under, count: int) -> list[Json]:
    """Return orders that cite a quote each, given just now."""
    found: list[Json] = []

    async def ask(http: httpx.AsyncClient) -> None:
        while len(found) < count:
            asked = under.town.order()
            found.append(asked)
            given = await http.post("/v1/quotes", json=quote_of(asked))
            given.raise_for_status()
            asked["quote_id"] = given.json()["id"]

    async with httpx.AsyncClient(base_url=under.town.address, timeout=_TIMEOUT_S) as http:
        await asyncio.gather(*(ask(http) for _ in range(_ASKING)))
    return found


async def _sent(
    under: _Under, name: str, per_s: float, seconds: float, asked: Callable[[], Asked]
) -> Load:
    """Send at a rate for so long, each request at its moment."""
    count = max(1, round(per_s * seconds))
    begins = now() + _LEAD_S
    waiting = []
    for nth in range(count):
        at = begins + nth / per_s
        await asyncio.sleep(max(0.0, at - now() - _AHEAD_S))
        path, body = asked()
        waiting.append((at, under.sender.send(at, "POST", path, path, body=json.dumps(body))))
    answers = [(at, await answer) for at, answer in waiting]
    return load_of(
        name,
        under.ledger,
        per_s,
        [at for at, _ in answers],
        [answer.done for _, answer in answers],
        lag_s=[answer.sent - at for at, answer in answers],
        failures=failures_of([answer for _, answer in answers]),
    )
