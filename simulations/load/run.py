"""`samehour loadtest`: a scenario as traffic on a running service, and what came of it."""

from __future__ import annotations

import argparse
import asyncio
import datetime as dt
import importlib.util
import math
import os
import sys
from pathlib import Path
from typing import Final

from geo.city import City, find_city, load_city
from geo.errors import GeoError
from geo.progress import Report, shown, stage
from geo.travel import NetworkTravelTimes
from simulations.client import Client, Zone, http_client
from simulations.compiling import compile_travel_times
from simulations.demo import Stopping
from simulations.errors import LoadError, ServiceError, SimulationError
from simulations.load.folder import (
    DONE,
    INTERRUPTED,
    SENDER_GONE,
    SERVICE_GONE,
    Session,
    State,
    load_folder,
    save_state,
)
from simulations.load.generator import Generator, now
from simulations.load.mix import mix_of
from simulations.load.outcome import Deliveries, deliveries_of, told
from simulations.load.play import LoadWorld, Span
from simulations.load.preflight import look, refuse_strangers
from simulations.load.rows import Rows
from simulations.load.sla import sla_of
from simulations.load.wanted import Wanted, checked_url, played
from simulations.load.wire import Sending
from simulations.scenarios.settings import DAY_S
from simulations.scenarios.variant import Variant, load_variant
from simulations.worlds.world import World

_GONE_AFTER_S: Final = 60.0
_LEAD_S: Final = 2.0
"""Wall seconds before the load in which shops open and couriers come to work."""

_LONGEST_WAIT_S: Final = 120.0
_OUT: Final = Path(".samehour") / "loadtest"


def run(arguments: argparse.Namespace) -> int:
    """Run a load test; returns 0 SLA met, 1 missed or broken off, 2 wrong use."""
    stopping = Stopping()
    try:
        wanted = _wanted(arguments)
        city = load_city(find_city(wanted.scenario.city))
        with load_folder(wanted) as state:
            return _run(wanted, city, state, stopping)
    except ServiceError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except (SimulationError, GeoError) as error:
        sys.stderr.write(f"{error}\n")
        return 2


def _wanted(arguments: argparse.Namespace) -> Wanted:
    if importlib.util.find_spec("locust") is None:
        raise LoadError("samehour loadtest needs Locust: pip install 'samehour[load]'")
    scenario, _ = load_variant(arguments.scenario)
    problems, sla, mix = [], sla_of([]), mix_of([])
    if Variant.parse(arguments.scenario).policy is not None:
        problems.append(
            f"--scenario {arguments.scenario}: the service has its own policy; leave out the @"
        )
    try:
        sla = sla_of(arguments.sla)
    except LoadError as error:
        problems.append(str(error))
    try:
        mix = mix_of(arguments.mix)
    except LoadError as error:
        problems.append(str(error))
    if problems:
        raise LoadError("\n".join(problems))
    return Wanted(
        url=checked_url(arguments.url),
        variant=arguments.scenario,
        scenario=scenario,
        seed=scenario.seed if arguments.seed is None else arguments.seed,
        lasts_s=float(arguments.duration_s),
        drain_s=float(arguments.drain_s),
        speed=arguments.speed,
        rate=arguments.rate,
        folder=arguments.out or _OUT / scenario.name,
        sla=sla,
        mix=mix,
        connections=arguments.connections,
        timeout_s=arguments.timeout,
        api_key=arguments.api_key or os.environ.get("SAMEHOUR_API_KEY") or None,
        zone=arguments.zone,
        is_now=arguments.now,
        into_existing=arguments.into_existing,
        is_fresh=arguments.fresh,
        is_json=arguments.json,
    )


def _run(wanted: Wanted, city: City, state: State, stopping: Stopping) -> int:
    deliveries: Deliveries | None = None
    if state.done_s < wanted.lasts_s:
        compile_travel_times(sys.stderr)
        found = look(wanted.url, wanted.api_key, city.name, wanted.prefix, wanted.zone)
        if not wanted.into_existing:
            refuse_strangers(wanted.url, found, wanted.scenario.name)
        if not state.sessions:
            _check_time(wanted, city, found.zone)
        with shown(), stage(f"load on {wanted.url}") as report:
            zone_id = found.zone.zone_id
            deliveries = asyncio.run(_play(wanted, city, state, zone_id, stopping, report))
    else:
        sys.stderr.write(
            f"The load test in {wanted.folder} is complete; its report is made again "
            "(--fresh begins anew, a longer --for goes on).\n"
        )
    return told(wanted, state, deliveries, city)


def _check_time(wanted: Wanted, city: City, zone: Zone) -> None:
    """Refuse a service that lives at another time than the scenario.

    Raises
    ------
    LoadError
        Says how to start one that does not.
    """
    planned = wanted.scenario.start(city.time_zone)
    wait_s = (planned - zone.now) / zone.speed
    if wanted.is_now or (wait_s <= _LONGEST_WAIT_S and zone.now < planned + DAY_S):
        return
    utc = dt.datetime.fromtimestamp(planned, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    there = dt.datetime.fromtimestamp(zone.now, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    raise LoadError(
        f"at {wanted.url} it is {there}, and {wanted.scenario.name} begins at {utc}. Start the "
        f"service with --clock-start {utc} on a new ledger, or say --now: the scenario is "
        "then moved to the service's present"
    )


def _begin(wanted: Wanted, city: City, state: State, zone: Zone) -> None:
    """Decide when the first customer may click, and whether the scenario is moved."""
    planned = wanted.scenario.start(city.time_zone)
    soonest = zone.now + math.ceil((_LEAD_S + 1) * zone.speed)
    state.clock = zone.speed
    state.starts_at = soonest if wanted.is_now else max(planned, soonest)
    state.shift_s = soonest - planned if wanted.is_now else 0


async def _play(
    wanted: Wanted, city: City, state: State, zone_id: str, stopping: Stopping, report: Report
) -> Deliveries:
    """Play what is left of a test."""
    travel = NetworkTravelTimes(city.network)
    number = len(state.sessions) + 1
    sending = Sending(wanted.url, wanted.api_key, wanted.connections, wanted.timeout_s, zone_id)
    generator = Generator(sending, wanted.folder / "worker.log")
    async with http_client(wanted.url, wanted.api_key, zone_id) as http:
        client = Client(http)
        await generator.start()
        try:
            zone = await client.zone(zone_id)
            if not state.sessions:
                _begin(wanted, city, state, zone)
            scenario = played(wanted, state.starts_at, state.shift_s, city.time_zone, zone.speed)
            hurry = 1.0 if wanted.speed is None else wanted.speed / zone.speed
            live = LoadWorld(
                World(scenario, city, travel, wanted.seed, hurry=hurry),
                client,
                zone_id,
                generator=generator,
                rows=Rows(wanted.folder, number),
                mix=wanted.mix,
                prefix=wanted.prefix,
                session=number,
            )
            await live.join()
            until = await _session(wanted, state, live, generator, stopping, report)
        finally:
            await generator.stop()
    ends_at = live.clock.now() if state.sessions[-1].ended != SERVICE_GONE else live.heard_until
    return deliveries_of(wanted, state, live.log, (state.starts_at, until), ends_at)


async def _session(
    wanted: Wanted,
    state: State,
    live: LoadWorld,
    generator: Generator,
    stopping: Stopping,
    report: Report,
) -> int:
    """Load the service until it is enough; returns when the load ended, in service time."""
    clock = live.clock
    first_at = clock.moment() + _LEAD_S * clock.speed
    begins_at = first_at if state.sessions else max(first_at, float(state.starts_at))
    begins = clock.wall(begins_at)
    ends = begins + wanted.lasts_s - state.done_s
    span = Span(begins, ends, begins - state.done_s)
    live.world.end_demand(math.ceil(begins_at + (ends - begins) * clock.speed))
    began = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    session = Session(began, state.done_s, state.done_s, INTERRUPTED)
    state.sessions.append(session)

    def keep() -> None:
        session.until_s = max(session.from_s, min(now(), ends) - span.origin)
        state.done_s = session.until_s
        save_state(wanted.folder, state)

    live.begin(span, keep)
    try:
        session.ended = await _live(wanted, live, generator, span, stopping, report)
    finally:
        until = math.ceil(clock.moment() - max(0.0, now() - ends) * clock.speed)
        keep()
        await live.settle()
    return until


async def _live(
    wanted: Wanted,
    live: LoadWorld,
    generator: Generator,
    span: Span,
    stopping: Stopping,
    report: Report,
) -> str:
    """Let the world live; returns why it ended."""
    why = INTERRUPTED
    drained = span.ends + wanted.drain_s
    whole_s = drained - span.origin

    def is_over() -> bool:
        nonlocal why
        report((now() - span.origin) / whole_s)
        if stopping():
            why = INTERRUPTED
        elif not generator.is_alive:
            why = SENDER_GONE
        elif live.is_gone(_GONE_AFTER_S):
            why = SERVICE_GONE
        elif now() >= drained or (now() >= span.ends and live.is_at_rest):
            live.rest()
            why = DONE
            return not live.is_awaited or now() >= drained + wanted.timeout_s
        else:
            return False
        return True

    try:
        await live.run(is_over)
    except LoadError:
        return SENDER_GONE
    return why
