"""Studies for tests of reports, made by hand in the city of Helsinki: every figure is known.

Each evening has one order a minute from 17:00 on, to doors of the city in turn.  A delivery takes
`TO_DOOR_S`; the promise is half an hour, so that every fifth order, which takes `LATE_S` longer,
is late.  The couriers go to and fro between two stores.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from dispatch.events import Recorded
from dispatch.model import Fulfilment, Policy
from geo.city import City
from geo.types import LonLat, Mode
from simulations.scenarios.settings import ClosureSettings, Scenario, StoreClosure, Surge
from simulations.studies import parquet
from simulations.studies.measures import FIGURES
from simulations.studies.outcome import Activity, CourierSpan, Ending, Evening, OrderRow
from simulations.studies.rows import minutes_of
from simulations.studies.study import CourierCard, Playback, Replication, StoreCard, Study, Track
from simulations.studies.summing_up import distributions_of, estimates_of

STARTS_AT = 1_795_186_800  # 2026-11-20, 17:00 in Helsinki
HOUR_S = 3600
EVERY_S = 15
TO_DOOR_S = 1500
PROMISE_S = 1800
LATE_S = 600
IN_TIME = {7: 80.0, 8: 90.0, 9: 100.0}
"""In time of 100 orders, by seed: mean 90, standard deviation 10."""

Rows = Callable[[int, int, OrderRow], OrderRow | None]


def scenario_with_events(scenario: Scenario) -> Scenario:
    """Return a scenario with rain, a closed street and a closed store."""
    at = [dt.datetime(2026, 11, 20, 17, minute) for minute in (10, 20, 40)]  # noqa: DTZ001
    return replace(
        scenario,
        surges=(Surge("Rain", at[0], at[1]),),
        closures=(ClosureSettings("Roadworks", at[1], at[2], LonLat(24.94, 60.17), 150),),
        store_closures=(StoreClosure("Corner 0", at[0], at[2]),),
    )


def made_study(
    scenario: Scenario,
    city: City,
    folder: Path,
    *,
    orders: int = 30,
    couriers: int = 3,
    seeds: Sequence[int] = tuple(IN_TIME),
    change: Rows | None = None,
    figures: Mapping[str, float] | None = None,
    log: tuple[Recorded, ...] = (),
    store_name: str = "Corner",
) -> Study:
    """Return a study.

    Parameters
    ----------
    change
        Returns another row (or None: no such order) for seed, number and row.
    figures
        Of each evening, instead of 1.0.
    """
    stores = tuple(
        StoreCard(one.store_id, f"{store_name} {nth}", one.location)
        for nth, one in enumerate(city.stores[:2])
    )
    fleet = tuple(
        CourierCard(f"cou_{nth}", f"Courier {nth}", list(Mode)[nth % len(Mode)])
        for nth in range(couriers)
    )
    evenings = {
        seed: _evening(city, seed, orders, fleet, stores, change, figures or {}) for seed in seeds
    }
    tables = [parquet.table_of(one.orders, parquet.ORDERS) for one in evenings.values()]
    done = tuple(_replication(one) for one in evenings.values())
    middle = list(seeds)[len(seeds) // 2]
    return Study(
        folder=folder,
        variant="helsinki-friday@balanced",
        scenario=replace(scenario, policy="balanced"),
        policy=Policy(),
        city=city.name,
        city_title=city.title,
        time_zone=city.time_zone,
        attribution=city.attribution,
        version="0.1.0",
        code="c0de",
        digest="d16e57" * 8,
        wanted=len(done),
        replications=done,
        failed={},
        estimates=estimates_of(done),
        distributions=distributions_of(tables),
        middle=middle,
        load_evening=evenings.__getitem__,
        load_log=lambda: log,
        load_playback=lambda: _playback(evenings[middle], fleet, stores),
        load_orders=lambda: parquet.merged(tables, list(evenings)),
    )


def _evening(
    city: City,
    seed: int,
    orders: int,
    fleet: Sequence[CourierCard],
    stores: Sequence[StoreCard],
    change: Rows | None,
    figures: Mapping[str, float],
) -> Evening:
    rows = []
    for nth in range(orders):
        row: OrderRow | None = _row(city, seed, nth, fleet, stores)
        if change is not None and row is not None:
            row = change(seed, nth, row)
        if row is not None:
            rows.append(row)
    ends_at = STARTS_AT + 2 * HOUR_S
    spans = tuple(
        CourierSpan(card.courier_id, activity, begin, begin + HOUR_S // 4, None, None)
        for card in fleet
        for begin, activity in zip(
            range(STARTS_AT, ends_at, HOUR_S // 4),
            [*Activity][: 2 * HOUR_S // (HOUR_S // 4)],
            strict=True,
        )
    )
    return Evening(
        seed=seed,
        starts_at=STARTS_AT,
        measured_from=STARTS_AT,
        measured_until=STARTS_AT + HOUR_S,
        ends_at=ends_at,
        orders=tuple(rows),
        spans=spans,
        minutes=minutes_of(rows, spans, STARTS_AT, ends_at),
        figures={
            name: figures.get(name, IN_TIME.get(seed) if "in_time" in name else 1.0)
            for name in FIGURES
        },
        refused_commands={},
        breaches=(),
    )


def _row(
    city: City, seed: int, nth: int, fleet: Sequence[CourierCard], stores: Sequence[StoreCard]
) -> OrderRow:
    late_s = LATE_S if nth % 5 == 4 else 0
    asked_at = STARTS_AT + 60 * nth
    took_s = TO_DOOR_S + late_s
    door = city.doors.location((nth * 37) % len(city.doors))
    return OrderRow(
        order_id=f"ord_{seed}_{nth}",
        external_id=f"click-{nth}",
        is_measured=True,
        ending=Ending.DELIVERED,
        code=None,
        fulfilment=Fulfilment.DELIVERY.value,
        tier="30m",
        part_of=None,
        asked_at=asked_at,
        ended_at=asked_at + took_s,
        lng=door.lon,
        lat=door.lat,
        address=f"Testikatu {nth}",
        store_id=stores[nth % 2].store_id,
        courier_id=fleet[nth % len(fleet)].courier_id if fleet else None,
        promise_earliest=asked_at,
        promise_latest=asked_at + PROMISE_S,
        first_eta=asked_at + TO_DOOR_S,
        pick_started_at=asked_at + 60,
        ready_at=asked_at + 300,
        expected_ready_at=asked_at + 300,
        picked_up_at=asked_at + 600,
        arrived_at=asked_at + took_s - 120,
        delivered_at=asked_at + took_s,
        lateness_s=max(0, took_s - PROMISE_S),
        click_to_door_s=took_s,
        travel_s=600,
        expected_travel_s=600,
        pick_s=240,
        expected_pick_s=240,
        fare_cents=490,
        basket_cents=3000,
        tries=0,
    )


def _replication(one: Evening) -> Replication:
    return Replication(
        seed=one.seed,
        starts_at=one.starts_at,
        measured_from=one.measured_from,
        measured_until=one.measured_until,
        ends_at=one.ends_at,
        figures=one.figures,
        refused_commands={"StartPick wrong_state": 2},
        breaches=(),
        took_s=3.0,
        plan_p95_ms=20.0,
        peak_memory_mb=300.0,
    )


def _playback(
    evening: Evening, fleet: Sequence[CourierCard], stores: Sequence[StoreCard]
) -> Playback:
    (west, south), (east, north) = stores[0].location, stores[1].location
    tracks = []
    for nth, card in enumerate(fleet):
        times = tuple(range(evening.starts_at, evening.ends_at, EVERY_S))
        shares = [abs((k + 10 * nth) % 80 - 40) / 40 for k in range(len(times))]
        tracks.append(
            Track(
                card.courier_id,
                times,
                tuple(west + share * (east - west) for share in shares),
                tuple(south + share * (north - south) for share in shares),
            )
        )
    return Playback(
        evening.seed,
        EVERY_S,
        evening.starts_at,
        evening.ends_at,
        tuple(stores),
        tuple(fleet),
        tuple(tracks),
    )
