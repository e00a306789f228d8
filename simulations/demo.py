"""`samehour demo`: the service in a process, the simulated city in this one, HTTP in between."""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, Final

from dispatch.codec import to_rfc3339
from geo.city import City, find_city, load_city
from geo.errors import GeoError
from geo.travel import NetworkTravelTimes
from simulations.client import Client, http_client
from simulations.compiling import compile_travel_times
from simulations.demo_folder import DEFAULT, demo_folder
from simulations.errors import (
    LedgerMismatchError,
    ScenarioError,
    ServiceError,
    SimulationError,
    ZoneError,
)
from simulations.figures import chosen, minutes, percent
from simulations.live import LiveWorld
from simulations.scenarios.scenario import load_scenario
from simulations.scenarios.settings import Scenario
from simulations.service import ServiceOptions, ServiceProcess
from simulations.summary import EVERY_S, Summary
from simulations.worlds.world import World
from simulations.zones import meant

_SPEED: Final = 10.0
_HEADLESS_SPEED: Final = 120.0
_HEADLESS_FOR_S: Final = 3600
_PORT: Final = 8080
_BOOT_S: Final = 2.5
"""Wall seconds the service's clock starts before the scenario, for both sides to get ready."""


class Stopping:
    """Ctrl-C, SIGTERM and a closed terminal as a question, so that nothing ends half-way."""

    def __init__(self) -> None:
        self._is_wanted = False
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):
            if hasattr(signal, name):
                signal.signal(getattr(signal, name), self._want)

    def __call__(self) -> bool:
        """Tell whether we were asked to stop."""
        return self._is_wanted

    def _want(self, _number: int, _frame: FrameType | None) -> None:
        self._is_wanted = True


@dataclass(frozen=True, slots=True)
class Demo:
    """What was asked for, with everything in place to begin.

    Attributes
    ----------
    duration_s
        Of service time, None to go on until stopped.
    goes_on
        The ledger is from before.
    zone
        Of a service whose settings, in the environment, have several; None for the city's own.
    """

    scenario: Scenario
    city: City
    seed: int
    speed: float
    port: int
    duration_s: int | None
    is_headless: bool
    is_json: bool
    folder: Path
    goes_on: bool
    api_key: str | None
    zone: str | None


def run(arguments: argparse.Namespace) -> int:
    """Run the demo; returns 0 done or stopped, 1 failed, 2 wrong input."""
    stopping = Stopping()
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="replace")
    try:
        scenario = load_scenario(arguments.scenario)
        seed = scenario.seed if arguments.seed is None else arguments.seed
        folder = arguments.data_dir or (None if arguments.headless else DEFAULT)
        with demo_folder(folder, scenario.name, seed, fresh=arguments.fresh) as (path, goes_on):
            city = load_city(find_city(scenario.city))
            demo = _demo(arguments, scenario, city, seed, path, goes_on=goes_on)
            return asyncio.run(_run(demo, stopping))
    except (ScenarioError, LedgerMismatchError, ZoneError, GeoError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except SimulationError as error:
        sys.stderr.write(f"{error}\n")
        return 1


def _demo(
    arguments: argparse.Namespace,
    scenario: Scenario,
    city: City,
    seed: int,
    folder: Path,
    *,
    goes_on: bool,
) -> Demo:
    headless = arguments.headless
    return Demo(
        scenario=scenario,
        city=city,
        seed=seed,
        speed=arguments.speed or (_HEADLESS_SPEED if headless else _SPEED),
        port=(0 if headless else _PORT) if arguments.port is None else arguments.port,
        duration_s=arguments.duration_s or (_HEADLESS_FOR_S if headless else None),
        is_headless=headless,
        is_json=headless or arguments.json,
        folder=folder,
        goes_on=goes_on,
        api_key=os.environ.get("SAMEHOUR_API_KEY") or None,
        zone=arguments.zone,
    )


async def _run(demo: Demo, stopping: Stopping) -> int:
    starts_at = demo.scenario.start(demo.city.time_zone)
    service = ServiceProcess(
        ServiceOptions(
            city=demo.scenario.city,
            folder=demo.folder,
            port=demo.port,
            clock_start=to_rfc3339(starts_at - math.ceil(_BOOT_S * demo.speed)),
            speed=demo.speed,
            seed=demo.seed,
        )
    )
    try:
        # While the service starts, whose planner compiles the decisions meanwhile on a new machine.
        compile_travel_times(sys.stdout)
        travel = NetworkTravelTimes(demo.city.network)
        world = World(demo.scenario, demo.city, travel, demo.seed)
        address = await service.ready(stopping, demo.api_key)
        if address is None:
            return 0
        _welcome(demo, address)
        zone_id = await _zone_id(demo, address)
        async with http_client(address, demo.api_key, zone_id) as http:
            figures = await _live(demo, world, Client(http), zone_id, service, stopping)
        if figures is None and not service.is_alive:
            sys.stderr.write(service.last_words("\nthe service ended on its own") + "\n")
            return 1
    finally:
        service.stop()
    _farewell(demo, figures)
    return 0


async def _zone_id(demo: Demo, address: str) -> str:
    """Return the zone to live in; raises `ZoneError` where several could be meant."""
    async with http_client(address, demo.api_key) as http:
        zones = await Client(http).zones()
    return str(meant(address, zones, demo.city.name, demo.zone)["id"])


async def _live(
    demo: Demo,
    world: World,
    client: Client,
    zone_id: str,
    service: ServiceProcess,
    stopping: Stopping,
) -> dict[str, Any] | None:
    """Let the world live on the service; returns the figures, None when the service is gone."""
    live = LiveWorld(world, client, zone_id)
    try:
        await live.join()
        ends_at = None
        if demo.duration_s is not None:
            begins_at = live.clock.now() if demo.goes_on else world.starts_at
            ends_at = begins_at + demo.duration_s
            world.end_demand(ends_at)

        def is_over() -> bool:
            if stopping() or not service.is_alive:
                return True
            # The last clicks are still answered, so that the same seed counts the same orders.
            return ends_at is not None and live.clock.now() >= ends_at and not live.is_asking

        showing = asyncio.create_task(_show(Summary(demo.city.time_zone), client))
        try:
            await live.run(is_over)
        finally:
            showing.cancel()
            with suppress(asyncio.CancelledError):
                await showing
        return await client.kpis()
    except ServiceError:
        if service.is_alive and not stopping():
            raise
        return None


async def _show(summary: Summary, client: Client) -> None:
    while True:
        began = time.monotonic()
        with suppress(ServiceError):  # a picture less; whoever started the service watches it
            summary.show(await client.board())
        await asyncio.sleep(max(0.0, EVERY_S - (time.monotonic() - began)))


def _welcome(demo: Demo, address: str) -> None:
    say: Callable[[str], int] = sys.stdout.write
    port = address.rsplit(":", 1)[1]
    if demo.port not in (0, int(port)):
        say(f"Port {demo.port} is taken; using {port}.\n")
    say(f"{demo.scenario.title}, seed {demo.seed}, {demo.speed:g} times as fast as life\n")
    if demo.goes_on:
        say("  going on where the last demo stopped (--fresh begins anew)\n")
    if not demo.is_headless:
        say(f"\n  Board    {address}/ops\n  Courier  {address}/courier\n\n")
        say("Ctrl-C stops everything; starting again goes on from there.\n\n")
    sys.stdout.flush()


def _farewell(demo: Demo, figures: dict[str, Any] | None) -> None:
    if figures is None:
        return
    # A terminal shows ^C where the cursor was: begin a line of our own.
    sys.stdout.write("\n" if sys.stdout.isatty() else "")
    sys.stdout.write(
        f"Stopped. {figures['orders']} orders: {figures['delivered']} delivered, "
        f"{figures['open']} open, {figures['rejected']} rejected, "
        f"{figures['cancelled']} cancelled; {percent(figures['on_time_share'])} on time, "
        f"click to door {minutes(figures['click_to_door_p50_s'])}\n"
    )
    if demo.is_json:
        sys.stdout.write(json.dumps(chosen(figures)) + "\n")
    sys.stdout.flush()
