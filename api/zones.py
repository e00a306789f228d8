"""Every zone of the service: one ledger under them, one start, one end, and whose they are."""

from __future__ import annotations

import asyncio
import gc
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from fastapi import Request

from api.doorman import Doorman
from api.external_ids import ExternalIds
from api.logs import logger
from api.osrm import OsrmDesk
from api.problems import Problem
from api.rights import Principal
from api.settings import DEFAULT_TENANT, Settings
from api.storage.access import AccessStore
from api.storage.ledger import Ledger
from api.storage.records import Batch
from api.tries import Tries
from api.warmup import WarmUp
from dispatch.planning.warming import warm_up_answers
from dispatch.state import State
from geo.city import City
from geo.tiles import Tiles
from geo.warming import warm_up as warm_up_travel_times

if TYPE_CHECKING:
    from api.bootstrap import Service

_log = logger("boot")

ZONE_HEADER: Final = "Samehour-Zone"
ZONE_QUERY: Final = "zone"

_WRONG_KEYS: Final = 10
"""Wrong keys at the sign-in from one address before it must wait."""


@dataclass(frozen=True, slots=True)
class Map:
    """What zones in one city share."""

    city: City
    tiles: Tiles
    osrm: OsrmDesk


@dataclass(slots=True)
class Zones:
    """The zones of one process, each with a service of its own over one ledger.

    Attributes
    ----------
    all
        In the order of the settings.
    maps
        What zones in one city share, by the city's name.
    """

    settings: Settings
    ledger: Ledger
    store: AccessStore
    all: Sequence[Service]
    maps: Mapping[str, Map]
    warm_up: WarmUp = field(default_factory=WarmUp)
    on_open: Callable[[], None] = field(default=lambda: None)
    """Called once, when the service is ready for work."""
    on_fatal: Callable[[], None] = field(default=lambda: None)
    """Called when the service cannot go on."""
    external_ids: ExternalIds = field(default_factory=ExternalIds)
    sign_ins: Tries = field(default_factory=lambda: Tries(_WRONG_KEYS))
    doorman: Doorman = field(init=False)

    def __post_init__(self) -> None:
        key = self.settings.api_key
        env_key = None if key is None else (key.get_secret_value(), DEFAULT_TENANT)
        self.doorman = Doorman(self.store, self._ask_state, env_key, self.settings.requests_per_s)

    # --- life ----------------------------------------------------------------------------------

    async def start(self) -> None:
        """Begin work; on an empty ledger each city's stores are registered first."""
        for each in self.all:
            each.live.on_fatal = self._on_fatal
        self.ledger.on_written = self._on_written
        self.ledger.on_failure = self._on_ledger_failure
        with self.warm_up.phase("travel_times", "the travel times are being compiled"):
            await asyncio.to_thread(warm_up_travel_times)
        # Quotes are decided in this process; the planners' compile meanwhile, or wait for us.
        with self.warm_up.phase("decisions", "the decisions are being compiled"):
            await asyncio.to_thread(warm_up_answers)
        with self.warm_up.phase("planner", "the planner is starting"):
            await asyncio.gather(*(each.start() for each in self.all))
        self.warm_up.done()
        # What boot made stays for good; without it a full collection is too short to be felt.
        gc.collect()
        gc.freeze()
        took = {f"{name}_s": round(took, 2) for name, took in self.warm_up.took_s.items()}
        for each in self.all:
            live = each.live
            _log.info(
                "started",
                zone=live.zone_id,
                tenant=each.tenant,
                seq=live.engine.state.seq,
                stores=len(live.engine.state.stores),
                speed=live.clock.speed,
                ledger=self.ledger.where,
                pid=os.getpid(),
                planner_pid=live.planner.pid,
                **took,
            )

    async def stop(self) -> None:
        """End work; nothing that was answered is lost."""
        await asyncio.gather(*(each.stop() for each in self.all))
        await asyncio.to_thread(self.ledger.close)

    def close(self) -> None:
        """Let go of planners and ledger, whether the service was started or not."""
        for each in self.all:
            each.close()
        for drawn in self.maps.values():
            drawn.osrm.close()
        self.ledger.close()

    def let_go(self) -> None:
        """Let everyone go who follows events: streams would keep a stopping server waiting."""
        for each in self.all:
            each.live.feed.close()

    def fail(self) -> None:
        """Take every zone for failed, and end the service."""
        for each in self.all:
            each.live.failed = True
        self.on_fatal()

    @property
    def failed(self) -> bool:
        """Whether a zone has failed for good."""
        return any(each.live.failed for each in self.all)

    # --- the ledger's news, on its writer's thread ------------------------------------------------

    def _on_written(self, batches: Sequence[Batch]) -> None:
        for each in self.all:
            theirs = [batch for batch in batches if batch.zone_id == each.live.zone_id]
            if theirs:
                each.live.on_written(theirs)

    def _on_ledger_failure(self, error: Exception) -> None:
        for each in self.all:
            each.live.on_ledger_failure(error)

    def _on_fatal(self) -> None:
        self.on_fatal()

    # --- whose zone it is ------------------------------------------------------------------------

    def of_tenant(self, tenant: str | None) -> list[Service]:
        """Return the zones of a tenant; all of them for None."""
        return [each for each in self.all if tenant is None or each.tenant == tenant]

    @staticmethod
    def named_by(request: Request) -> str | None:
        """Return the zone that a request names, by header or query."""
        return request.headers.get(ZONE_HEADER) or request.query_params.get(ZONE_QUERY) or None

    def of(self, principal: Principal, request: Request) -> Service:
        """Return the zone that a request is for.

        Raises
        ------
        Problem
            `unknown_zone`, the same for one there is not and another tenant's; `zone_needed` where
            the tenant has several and none is named.
        """
        theirs = self.of_tenant(principal.tenant)
        named = self.named_by(request)
        names = [each.live.zone_id for each in theirs]
        if named is not None:
            for each in theirs:
                if each.live.zone_id == named:
                    return each
            known = f"there is {', '.join(names)}" if names else "there is none for this key"
            raise Problem("unknown_zone", f"There is no zone {named[:64]!r}; {known}.")
        if len(theirs) != 1:
            raise Problem(
                "zone_needed",
                f"Name one with the header {ZONE_HEADER} or ?{ZONE_QUERY}=: "
                + (", ".join(names) or "this key's tenant has none")
                + ".",
                {"zones": names},
            )
        return theirs[0]

    async def _ask_state(
        self, who: Principal, request: Request, ask: Callable[[State], Any]
    ) -> Any:
        live = self.of(who, request).live
        return await live.run(lambda: ask(live.engine.state))

    def map_of(self, city: str | None) -> Map:
        """Return a city's map; the only one where none is named.

        Raises
        ------
        Problem
            `not_found`.
        """
        if city is None and len(self.maps) == 1:
            return next(iter(self.maps.values()))
        found = self.maps.get(city or "")
        if found is None:
            raise Problem("not_found", "There is no map of this city here; name one with ?city=.")
        return found

    def named(self, by_zone: Mapping[str, Sequence[str]]) -> list[str]:
        """Return problems of zones as sentences, with the zone's name where there are several."""
        return [
            problem if len(self.all) == 1 else f"zone {zone_id}: {problem}"
            for zone_id, problems in by_zone.items()
            for problem in problems
        ]
