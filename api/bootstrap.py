"""The composition root: from settings to a service, or to one clear sentence why not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from fastapi import Request

from api.board import Board
from api.checkpoints import Checkpoints
from api.clock import open_clock
from api.garbage import without_collections
from api.idempotency import Idempotency
from api.live import Live
from api.logs import logger
from api.osrm import OsrmDesk
from api.overflow_desk import OverflowDesk
from api.overflow_http import HttpCourierCompany
from api.planner import Planner
from api.problems import Problem
from api.rights import principal_of
from api.settings import Settings, SettingsError, reachable, read_policy
from api.solve_reading import Limits
from api.solver import SolveDesk
from api.storage.access import AccessStore
from api.storage.journal import ZoneJournal
from api.storage.ledger import Ledger, ZoneLog
from api.storage.streets import StreetStore
from api.storage.webhooks import WebhookStore
from api.streets import StreetDesk
from api.tokens import Tokens
from api.travel_servers import served
from api.tries import Tries
from api.webhooks.notifier import Notifier
from api.webhooks.targets import Targets
from api.zones import Map, Zones
from dispatch.commands import RegisterStore
from dispatch.engine import Engine
from dispatch.journal import Began
from dispatch.model import Policy, Store
from dispatch.rules.custody import order_of_parcel
from dispatch.state import knows
from geo.city import City, CityStore, find_city, load_city
from geo.edition import edition
from geo.errors import GeoError
from geo.external import ServedTravelTimes
from geo.external_http import Remembered
from geo.tiles import Tiles
from geo.travel import NetworkTravelTimes

_log = logger("boot")

_PICKERS: Final = {"supermarket": 3, "convenience": 1}
_PICKERS_OTHERWISE: Final = 2


@dataclass(slots=True)
class Service:
    """One zone, and everything that routes need of it."""

    tenant: str
    settings: Settings
    city: City
    live: Live
    board: Board
    idempotency: Idempotency
    tiles: Tiles
    osrm: OsrmDesk
    servers: ServedTravelTimes | None
    tokens: Tokens
    overflow: OverflowDesk
    webhooks: Notifier
    solving: SolveDesk
    tries: Tries = field(default_factory=Tries)
    sms_replies: Remembered[str, str] = field(default_factory=Remembered)
    """Answers to text messages, by what their gateway calls them."""

    async def start(self) -> None:
        """Begin work; on an empty ledger the city's stores are registered first."""
        await self.live.start(_registrations(self.city))
        self.overflow.start()
        await self.webhooks.start()

    async def stop(self) -> None:
        """End work; what was answered is with the ledger."""
        await self.overflow.stop()
        await self.webhooks.stop()
        await self.live.stop()
        _log.info("stopped", zone=self.live.zone_id, seq=self.live.feed.seq)

    def close(self) -> None:
        """Let go of the planner, whether the zone was started or not."""
        self.overflow.close()
        self.webhooks.close()
        self.solving.close()
        self.live.planner.close()
        if self.servers is not None:
            self.servers.close()


def _zones(request: Request) -> Zones:
    zones: Zones = request.app.state.zones
    return zones


# Coroutines all of them, though none waits: others would each take a turn on a thread.
async def of_all(request: Request) -> Zones:
    """Return every zone of the service a request came to."""
    return _zones(request)


async def of_request(request: Request) -> Service:
    """Return the zone a request is for: by whose key it has, and which one it names.

    Raises
    ------
    Problem
        `unknown_zone`, `zone_needed`.
    """
    return _zones(request).of(principal_of(request), request)


async def of_token(token: str, request: Request) -> Service:
    """Return the zone whose customer has a tracking link.

    Raises
    ------
    Problem
        `unknown_id` for a link that nobody was given.
    """
    for each in _zones(request).all:
        order_id = each.tokens.order_of(token)
        if order_id is not None and knows(each.live.engine.state, order_id):
            return each
    raise Problem("unknown_id", "There is no such tracking link.")


async def of_parcel(parcel_id: str, request: Request) -> Service:
    """Return the zone that a parcel is of.

    Raises
    ------
    Problem
        `unknown_id`.
    """
    for each in _zones(request).all:
        if knows(each.live.engine.state, order_of_parcel(parcel_id)):
            return each
    raise Problem("unknown_id", f"There is no parcel {parcel_id}.")


@dataclass(frozen=True, slots=True)
class _Told:
    """A zone as the settings have it, with what they name read."""

    name: str | None
    tenant: str
    settings: Settings
    policy: Policy
    city: City

    @property
    def zone_id(self) -> str:
        return self.name or self.city.name


def build(settings: Settings, planners: Mapping[str | None, Planner]) -> Zones:
    """Put the service together.

    Parameters
    ----------
    planners
        Of each zone by its name, begun; None is the only one's.

    Raises
    ------
    SettingsError, LedgerError
        What the service cannot start with, and what to do.
    """
    with without_collections():
        return _built(settings, planners)


def _built(settings: Settings, planners: Mapping[str | None, Planner]) -> Zones:
    told = _read_zones(settings)
    ledger = Ledger(settings.ledger)
    services: list[Service] = []
    maps: dict[str, Map] = {}
    try:
        store = AccessStore(ledger.engine)
        check_reach(settings, store)
        tokens = Tokens(ledger.secret("tokens"))
        for each in told:
            if each.city.name not in maps:
                drawn = Map(each.city, Tiles(each.city), OsrmDesk(each.city.network))
                maps[each.city.name] = drawn
            planner = planners[each.name]
            planner.zone_id = each.zone_id
            services.append(_service(each, ledger, maps[each.city.name], tokens, planner))
        return Zones(settings, ledger, store, services, maps)
    except BaseException:
        for service in services:
            service.close()
        for drawn in maps.values():
            drawn.osrm.close()
        ledger.close()
        raise


def check_reach(settings: Settings, store: AccessStore) -> None:
    """Say whether anybody is asked for a key.

    Raises
    ------
    SettingsError
        Nobody is, and other machines reach the service.
    """
    if settings.api_key is not None or store.has_keys():
        count = len(store.keys()) + (settings.api_key is not None)
        _log.info("access", door="closed", keys=count)
    elif settings.on_loopback:
        why = "no key was ever made; make one with: samehour keys create"
        _log.warning("access", door="open", reason=why)
    else:
        raise SettingsError([reachable(settings.host)])


def _read_zones(settings: Settings) -> list[_Told]:
    """Return every zone with its policy and city read.

    Raises
    ------
    SettingsError
        What cannot be read, of all zones.
    """
    found: list[_Told] = []
    problems: list[str] = []
    cities: dict[Path, City] = {}
    for name, (tenant, zone) in settings.for_zones().items():
        where = "" if name is None else f"zone {name}: "
        try:
            policy = read_policy(zone.policy)
            path = find_city(zone.city)
            if path not in cities:
                cities[path] = load_city(path)
            city = cities[path]
        except SettingsError as error:
            problems += [where + problem for problem in error.problems]
        except GeoError as error:
            problems.append(f"{where}{error}")
        else:
            found.append(_Told(name, tenant, zone, policy, city))
    named: dict[str, City] = {}
    for each in found:
        if named.setdefault(each.city.name, each.city) is not each.city:
            problems.append(
                f"zone {each.zone_id}: its city {each.city.name} is another one of that name than "
                "a zone before it has; give one of the two another name."
            )
    if problems:
        raise SettingsError(problems)
    return found


def _service(told: _Told, ledger: Ledger, drawn: Map, tokens: Tokens, planner: Planner) -> Service:
    """Put one zone together."""
    settings, city, zone_id = told.settings, told.city, told.zone_id
    clock = open_clock(settings.clock_start, settings.speed, ledger.last_moment(zone_id))
    checkpoints = Checkpoints(ledger, zone_id, told.policy)
    known = checkpoints.last()
    history = ledger.read(zone_id, after=0 if known is None else known.state.seq)
    roads = NetworkTravelTimes(city.network)
    servers = served(roads, settings.travel_servers)
    log = ZoneLog(zone_id, history, 0 if known is None else known.state.seq)
    journal = ZoneJournal(ledger.last_input(zone_id))
    engine = Engine(
        zone_id=zone_id,
        clock=clock,
        travel=roads if servers is None else servers,
        log=log,
        policy=told.policy,
        time_zone=city.time_zone,
        seed=settings.seed,
        journal=journal,
        known=None if known is None else known.folded,
    )
    journal.note(
        engine.state.seq,
        Began(
            at=clock.now(),
            city=city.name,
            checksum=city.checksum,
            time_zone=city.time_zone,
            policy=told.policy,
            seed=settings.seed,
            edition=edition(),
            travel_servers=tuple(
                f"{spec.mode}={spec.kind}:{spec.host}:{spec.port}"
                for spec in settings.travel_servers
            ),
        ),
    )
    store = StreetStore(ledger.engine, zone_id)
    streets = StreetDesk(city, roads, clock, store, settings.speed_profile)
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
        checkpoints=checkpoints,
        known=known,
        history=history,
        positions=ledger.positions(zone_id),
    )
    return Service(
        told.tenant,
        settings,
        city,
        live,
        Board(live),
        Idempotency(live),
        drawn.tiles,
        drawn.osrm,
        servers,
        tokens,
        OverflowDesk(
            live, {spec.name: HttpCourierCompany(spec) for spec in settings.courier_companies}
        ),
        Notifier(
            live.zone_id,
            live.feed,
            WebhookStore(ledger.engine, live.zone_id),
            Targets(settings.webhook_allow),
        ),
        SolveDesk(
            Limits(
                tasks=settings.solve_tasks,
                vehicles=settings.solve_vehicles,
                places=settings.solve_places,
                seconds=settings.solve_limit_s,
            ),
            settings.solve_waiting,
            live.zone_id,
        ),
    )


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
