"""What was asked for on the command line, checked, and the scenario as it will be played."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from simulations.errors import LoadError
from simulations.load.mix import Mix
from simulations.load.sla import Sla
from simulations.scenarios.settings import ClosureSettings, Scenario, StoreClosure, Surge

_Happens = TypeVar("_Happens", Surge, ClosureSettings, StoreClosure)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A load test.

    Attributes
    ----------
    variant
        Scenario and changes, as it was written.
    lasts_s, drain_s
        Wall seconds of load, and at most so many after it for open orders to end.
    speed
        Seconds of the customers' evening per second of the wall; None for the service's own clock.
    rate
        So many times the scenario's customers.
    zone
        Of a service with several; None for the only one in the scenario's city.
    is_now
        Move the scenario to the service's present.
    """

    url: str
    variant: str
    scenario: Scenario
    seed: int
    lasts_s: float
    drain_s: float
    speed: float | None
    rate: float
    folder: Path
    sla: Sla
    mix: Mix
    connections: int
    timeout_s: float
    api_key: str | None
    zone: str | None
    is_now: bool
    into_existing: bool
    is_fresh: bool
    is_json: bool

    def about(self) -> dict[str, Any]:
        """Return what a test must have in common with the one that it goes on with."""
        return {
            "url": self.url,
            "scenario": self.variant,
            "seed": self.seed,
            "speed": self.speed,
            "rate": self.rate,
            **({} if self.zone is None else {"zone": self.zone}),
        }

    @property
    def prefix(self) -> str:
        """What the external ids of all orders of the scenario begin with."""
        return f"{self.scenario.root}-"


def checked_url(text: str) -> str:
    """Return the address of a service without a slash at its end.

    Raises
    ------
    LoadError
        It is no address of a service.
    """
    wrong = LoadError(f"{text} is no address of a service; write http://localhost:8080")
    try:
        parts = urlsplit(text if "://" in text else f"http://{text}")
        is_whole = bool(parts.hostname) and parts.port != 0
    except ValueError as error:
        raise wrong from error
    if parts.scheme not in {"http", "https"} or not is_whole or parts.query:
        raise wrong
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"


def played(wanted: Wanted, starts_at: int, shift_s: int, time_zone: str, clock: float) -> Scenario:
    """Return the scenario as the service meets it.

    More customers are a Poisson stream of a higher rate, the same as several such towns one over
    the other: those of the scenario come (`simulations.worlds.demand.Demand`), and others besides.

    Parameters
    ----------
    starts_at
        When the load begins, in UTC epoch seconds.
    shift_s
        How much later everything happens than the scenario says.
    clock
        Speed of the service's clock.
    """
    scenario, zone = wanted.scenario, ZoneInfo(time_zone)

    def later(at: dt.datetime) -> dt.datetime:
        instant = at.replace(tzinfo=zone).timestamp() + shift_s
        return dt.datetime.fromtimestamp(instant, zone).replace(tzinfo=None)

    def moved(each: _Happens) -> _Happens:
        return replace(each, starts_at=later(each.starts_at), ends_at=later(each.ends_at))

    # The same customers at other times are other orders.
    family = scenario.root
    if wanted.speed not in {None, clock}:
        family += f"-s{wanted.speed:g}"
    per_hour = tuple(wanted.rate * rate for rate in scenario.demand.per_hour)
    return replace(
        scenario,
        family=family,
        starts_at=dt.datetime.fromtimestamp(starts_at, zone).replace(tzinfo=None),
        demand=replace(scenario.demand, per_hour=per_hour),
        surges=tuple(moved(each) for each in scenario.surges),
        closures=tuple(moved(each) for each in scenario.closures),
        store_closures=tuple(moved(each) for each in scenario.store_closures),
    )
