"""The composition root: from settings to a service, or to one clear sentence why not."""

from __future__ import annotations

import asyncio
import gc
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from fastapi import Request

from api.board import Board
from api.clock import open_clock
from api.idempotency import Idempotency
from api.live import Live
from api.logs import logger
from api.osrm import OsrmDesk
from api.overflow_desk import OverflowDesk
from api.overflow_http import HttpCourierCompany
from api.planner import Planner
from api.settings import Settings, read_policy
from api.solve_reading import Limits
from api.solver import SolveDesk
from api.storage.journal import ZoneJournal
from api.storage.ledger import Ledger, ZoneLog
from api.streets import StreetDesk
from api.tokens import Tokens
from api.travel_servers import served
from api.tries import Tries
from api.warmup import WarmUp
from dispatch.commands import RegisterStore
from dispatch.engine import Engine
from dispatch.journal import Began
from dispatch.model import Store
from dispatch.planning.warming import warm_up as warm_up_decisions
from geo.city import City, CityStore, find_city, load_city
from geo.edition import edition
from geo.external import ServedTravelTimes
from geo.external_http import Remembered
from geo.tiles import Tiles
from geo.travel import NetworkTravelTimes
from geo.warming import warm_up as warm_up_travel_times

_log = logger("boot")

_PICKERS: Final = {"supermarket": 3, "convenience": 1}
_PICKERS_OTHERWISE: Final = 2


@dataclass(slots=True)
class Service:
    """Everything the routes need."""

    settings: Settings
    city: City
    live: Live
    board: Board
    idempotency: Idempotency
    tiles: Tiles
    warm_up: WarmUp
    osrm: OsrmDesk
    servers: ServedTravelTimes | None
    tokens: Tokens
    overflow: OverflowDesk
    solving: SolveDesk
    tries: Tries = field(default_factory=Tries)
    sms_replies: Remembered[str, str] = field(default_factory=Remembered)
    """Answers to text messages, by what their gateway calls them."""
    on_open: Callable[[], None] = field(default=lambda: None)
    """Called once, when the service is ready for work."""

    async def start(self) -> None:
        """Begin work; on an empty ledger the city's stores are registered first."""
        with self.warm_up.phase("travel_times", "the travel times are being compiled"):
            await asyncio.to_thread(warm_up_travel_times)
        # Quotes are decided in this process; the planner's compiles meanwhile, or waits for us.
        with self.warm_up.phase("decisions", "the decisions are being compiled"):
            await asyncio.to_thread(warm_up_decisions)
        with self.warm_up.phase("planner", "the planner is starting"):
            await self.live.start(_registrations(self.city))
        self.overflow.start()
        self.warm_up.done()
        # What boot made stays for good; without it a full collection is too short to be felt.
        gc.collect()
        gc.freeze()
        _log.info(
            "started",
            zone=self.live.zone_id,
            seq=self.live.engine.state.seq,
            stores=len(self.live.engine.state.stores),
            speed=self.live.clock.speed,
            ledger=self.settings.ledger,
            pid=os.getpid(),
            **{f"{name}_s": round(took, 2) for name, took in self.warm_up.took_s.items()},
        )

    async def stop(self) -> None:
        """End work; nothing that was answered is lost."""
        await self.overflow.stop()
        await self.live.stop()
        _log.info("stopped", zone=self.live.zone_id, seq=self.live.feed.seq)

    def close(self) -> None:
        """Let go of the planner and the ledger, whether the service was started or not."""
        self.osrm.close()
        self.overflow.close()
        self.solving.close()
        self.live.planner.close()
        self.live.ledger.close()
        if self.servers is not None:
            self.servers.close()


def of_request(request: Request) -> Service:
    """Return the service a request came to."""
    service: Service = request.app.state.service
    return service


def build(settings: Settings) -> Service:
    """Put a service together; starts the planner's process, so that it warms up meanwhile.

    Raises
    ------
    SettingsError, CityError, LedgerError
        What the service cannot start with, and what to do.
    """
    policy = read_policy(settings.policy)
    city = load_city(find_city(settings.city))
    ledger = Ledger(settings.ledger)
    planner = Planner(settings.plan_limit_ms)
    try:
        planner.start()
        clock = open_clock(settings.clock_start, settings.speed, ledger.last_moment(city.name))
        history = ledger.read(city.name)
        roads = NetworkTravelTimes(city.network)
        servers = served(roads, settings.travel_servers)
        log = ZoneLog(city.name, history)
        journal = ZoneJournal(ledger.last_input(city.name))
        engine = Engine(
            zone_id=city.name,
            clock=clock,
            travel=roads if servers is None else servers,
            log=log,
            policy=policy,
            time_zone=city.time_zone,
            seed=settings.seed,
            journal=journal,
        )
        journal.note(
            engine.state.seq,
            Began(
                at=clock.now(),
                city=city.name,
                checksum=city.checksum,
                time_zone=city.time_zone,
                policy=policy,
                seed=settings.seed,
                edition=edition(),
                travel_servers=tuple(
                    f"{spec.mode}={spec.kind}:{spec.host}:{spec.port}"
                    for spec in settings.travel_servers
                ),
            ),
        )
        streets = StreetDesk(city, roads, clock, _beside(settings.ledger), settings.speed_profile)
        streets.open(engine.state.closures.values())
        live = Live(
            city=city,
            streets=streets,
            clock=clock,
            engine=engine,
            log=log,
            journal=journal,
            ledger=ledger,
            planner=planner,
            history=history,
            positions=ledger.positions(city.name),
        )
    except BaseException:
        planner.close()
        ledger.close()
        raise
    return Service(
        settings,
        city,
        live,
        Board(live),
        Idempotency(live),
        Tiles(city),
        WarmUp(),
        OsrmDesk(city.network),
        servers,
        Tokens(ledger.secret("tokens")),
        OverflowDesk(
            live, {spec.name: HttpCourierCompany(spec) for spec in settings.courier_companies}
        ),
        SolveDesk(
            Limits(
                tasks=settings.solve_tasks,
                vehicles=settings.solve_vehicles,
                places=settings.solve_places,
                seconds=settings.solve_limit_s,
            ),
            settings.solve_waiting,
        ),
    )


def _beside(ledger: str) -> Path | None:
    """Return the ledger's file, None where it is none."""
    return None if ledger == ":memory:" or "://" in ledger else Path(ledger)


def _registrations(city: City) -> list[RegisterStore]:
    return [RegisterStore(_store(known)) for known in city.stores]


def _store(known: CityStore) -> Store:
    """Return a city's shop as a micro-warehouse; how many pick there goes by its kind."""
    return Store(
        store_id=known.store_id,
        name=known.name,
        location=known.location,
        opening_hours=known.opening_hours,
        pickers=_PICKERS.get(known.kind, _PICKERS_OTHERWISE),
    )
