"""What of a scenario cannot be in its city, on its day, or with itself."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np

from geo.city import City, CityStore
from geo.hours import open_windows
from geo.types import LonLat
from simulations.scenarios.settings import (
    DAY_S,
    WEEKDAYS,
    ClosureSettings,
    Scenario,
    StoreClosure,
    Surge,
)
from simulations.worlds.around import metres_from

_HOUR_S: Final = 3600


class Misfit(NamedTuple):
    """A key, and what is wrong with it."""

    key: str
    problem: str


IsSound = Callable[[str], bool]
"""Tells whether a key could be read, so that nothing is concluded from what was not."""


def _everything(_key: str) -> bool:
    return True


def misfits(scenario: Scenario, city: City, is_sound: IsSound = _everything) -> tuple[Misfit, ...]:
    """Return everything in a scenario that its city or its day cannot be like."""
    is_timed = is_sound("starts_at") and is_sound("measure")
    return (
        *_kinds(scenario, city),
        *_modes(scenario, city),
        *_goods(scenario, city),
        *(_spans(scenario, is_sound) if is_timed else ()),
        *_surges(scenario, city, is_sound),
        *_closures(scenario, city, is_sound),
        *_store_closures(scenario, city, is_sound),
        *(_opening(scenario, city) if is_timed and is_sound("store_closures") else ()),
        *(_crew(scenario) if is_timed and is_sound("demand") and is_sound("couriers") else ()),
    )


def store_named(city: City, name_or_id: str) -> tuple[CityStore, ...]:
    """Return the stores of a city that a name or an id means: one if all is well."""
    by_id = tuple(store for store in city.stores if store.store_id == name_or_id)
    return by_id or tuple(store for store in city.stores if store.name == name_or_id)


def run_of(scenario: Scenario) -> tuple[dt.datetime, dt.datetime]:
    """Return the local times at which a run begins and at latest ends."""
    _, until = clicking_of(scenario)
    return scenario.starts_at, until + dt.timedelta(seconds=scenario.measure.cool_down_s)


def clicking_of(scenario: Scenario) -> tuple[dt.datetime, dt.datetime]:
    """Return the local times between which those customers click whom a run is about."""
    measure = scenario.measure
    lasts = dt.timedelta(seconds=measure.warm_up_s + measure.lasts_s)
    return scenario.starts_at, scenario.starts_at + lasts


def is_anybody_clicking(scenario: Scenario) -> bool:
    """Tell whether anybody orders during a run."""
    at, end = clicking_of(scenario)
    demand = scenario.demand
    while at < end:
        if demand.per_hour[at.hour] * demand.weekday_factor[at.weekday()] > 0:
            return True
        at = at.replace(minute=0, second=0) + dt.timedelta(hours=1)
    return False


def _kinds(scenario: Scenario, city: City) -> Iterator[Misfit]:
    if not scenario.stores:
        return
    for kind in sorted({shop.kind for shop in city.stores} - set(scenario.stores)):
        yield Misfit(
            f"stores.{kind}", f"is missing, and {city.name} has shops of that kind; describe it"
        )


def _modes(scenario: Scenario, city: City) -> Iterator[Misfit]:
    known = sorted(city.network.modes)
    for mode in sorted({courier.mode for courier in scenario.couriers} - set(known)):
        yield Misfit(
            "couriers",
            f"go by {mode.value}, for which {city.name} has no roads; it has roads for "
            f"{', '.join(known)}",
        )


def _goods(scenario: Scenario, city: City) -> Iterator[Misfit]:
    if scenario.catalogue and scenario.baskets.lines_max > len(scenario.catalogue):
        yield Misfit(
            "baskets.lines_max",
            f"is more than the {len(scenario.catalogue)} articles of the catalogue",
        )
    here = [scenario.stores[k] for k in {s.kind for s in city.stores} & set(scenario.stores)]
    if here and not any(
        s.assortment > 0 and s.stock_mean > 0 and s.sold_out_share < 1 for s in here
    ):
        yield Misfit(
            "stores",
            "have none of the catalogue: for every kind of shop assortment or stock_mean is 0, or "
            "sold_out_share is 1",
        )
    if not len(city.doors):
        yield Misfit("city", f"is {city.name!r}, which has no door to deliver to")


def _spans(scenario: Scenario, is_sound: IsSound) -> Iterator[Misfit]:
    """Tell of what ends before it begins, or is wholly outside the run."""
    happening: tuple[tuple[str, Sequence[Surge | ClosureSettings | StoreClosure]], ...] = (
        ("surges", scenario.surges),
        ("closures", scenario.closures),
        ("store_closures", scenario.store_closures),
    )
    begins, ends = run_of(scenario)
    for name, every in happening:
        for index, one in enumerate(every):
            key = f"{name}[{index}]"
            if not (is_sound(f"{key}.starts_at") and is_sound(f"{key}.ends_at")):
                continue
            if one.ends_at <= one.starts_at:
                yield Misfit(
                    f"{key}.ends_at",
                    f"is {one.ends_at}, not after its beginning at {one.starts_at}",
                )
            elif one.ends_at <= begins or one.starts_at >= ends:
                yield Misfit(
                    f"{key}.starts_at",
                    f"is {one.starts_at}, and it ends at {one.ends_at}: wholly outside the run, "
                    f"which is from {begins} to {ends}",
                )


def _surges(scenario: Scenario, city: City, is_sound: IsSound) -> Iterator[Misfit]:
    articles = {article.sku for article in scenario.catalogue}
    groups = {article.group for article in scenario.catalogue} - {""}
    for index, surge in enumerate(scenario.surges):
        key = f"surges[{index}]"
        if surge.around is not None and is_sound(f"{key}.around"):
            if not _is_inside(city, surge.around):
                yield Misfit(f"{key}.around", _outside(city))
            elif not _has_doors(city, surge.around, surge.radius_m):
                yield Misfit(
                    f"{key}.radius_m",
                    f"is {surge.radius_m}; nobody lives so near, so nothing surges",
                )
        for wanted in surge.popularity:
            if scenario.catalogue and wanted not in articles | groups:
                yield Misfit(
                    f"{key}.popularity.{wanted}",
                    "is neither a SKU nor a group of the catalogue; its groups are "
                    f"{', '.join(sorted(groups)) or '(none)'}",
                )
        for mode in sorted(set(surge.pace) - set(city.network.modes)):
            yield Misfit(f"{key}.pace.{mode.value}", f"is for a mode that {city.name} lacks")


def _closures(scenario: Scenario, city: City, is_sound: IsSound) -> Iterator[Misfit]:
    for index, closure in enumerate(scenario.closures):
        key = f"closures[{index}]"
        if is_sound(f"{key}.around") and not _is_inside(city, closure.around):
            yield Misfit(f"{key}.around", _outside(city))


def _store_closures(scenario: Scenario, city: City, is_sound: IsSound) -> Iterator[Misfit]:
    for index, closure in enumerate(scenario.store_closures):
        key = f"store_closures[{index}]"
        if not is_sound(f"{key}.store"):
            continue
        meant = store_named(city, closure.store)
        if not meant:
            names = ", ".join(sorted(store.name for store in city.stores))
            yield Misfit(
                f"{key}.store", f"is {closure.store!r}; {city.name} has no such store, but {names}"
            )
        elif len(meant) > 1:
            ids = ", ".join(store.store_id for store in meant)
            yield Misfit(
                f"{key}.store", f"is {closure.store!r}, as {len(meant)} stores are; name one: {ids}"
            )


def _is_inside(city: City, place: LonLat) -> bool:
    west, south, east, north = city.bounds
    return west <= place.lon <= east and south <= place.lat <= north


def _outside(city: City) -> str:
    west, south, east, north = city.bounds
    return (
        f"is outside {city.name}, which is from lat {south:.4f} to {north:.4f} and from lng "
        f"{west:.4f} to {east:.4f}"
    )


def _has_doors(city: City, around: LonLat, radius_m: int) -> bool:
    return bool(np.any(metres_from(around, city.doors.lon, city.doors.lat) <= radius_m))


def _opening(scenario: Scenario, city: City) -> Iterator[Misfit]:
    """Tell of a run in which no store is ever open."""
    if not city.stores:
        yield Misfit("city", f"is {city.name!r}, which has no store")
        return
    zone = ZoneInfo(city.time_zone)

    def utc(moment: dt.datetime) -> int:
        return int(moment.replace(tzinfo=zone).timestamp())

    start, end = (utc(moment) for moment in clicking_of(scenario))
    shut: dict[str, list[tuple[int, int]]] = {}
    for closure in scenario.store_closures:
        for store in store_named(city, closure.store):
            shut.setdefault(store.store_id, []).append(
                (utc(closure.starts_at), utc(closure.ends_at))
            )
    for store in city.stores:
        windows = list(open_windows(store.opening_hours, city.time_zone, start, end))
        for since, until in shut.get(store.store_id, []):
            windows = [
                part
                for opens, shuts in windows
                for part in ((opens, min(shuts, since)), (max(opens, until), shuts))
                if part[0] < part[1]
            ]
        if windows:
            return
    begins, ends = clicking_of(scenario)
    yield Misfit(
        "starts_at",
        f"is {scenario.starts_at}: closed stores, none of the {len(city.stores)} of {city.name} is "
        f"open between {begins} and {ends}; begin when they are, or close fewer",
    )


def _crew(scenario: Scenario) -> Iterator[Misfit]:
    """Tell of a run with deliveries and nobody to bring them."""
    demand = scenario.demand
    is_delivering = demand.collection_share + demand.curbside_share < 1
    if not (is_delivering and is_anybody_clicking(scenario)):
        return
    begins, ends = clicking_of(scenario)
    midnight = dt.datetime.combine(begins.date(), dt.time())
    start_s, end_s = ((moment - midnight).total_seconds() for moment in (begins, ends))
    days = range(-1, math.ceil(end_s / DAY_S) + 1)
    for courier in scenario.couriers:
        first, last = courier.shift
        if any(first + d * DAY_S < end_s and last + d * DAY_S > start_s for d in days):
            return
    weekday = WEEKDAYS[begins.weekday()]
    yield Misfit(
        "couriers",
        f"have no shift between {begins} and {ends} ({weekday}), and deliveries are asked for; "
        "give one of them a shift then",
    )
