"""What was seen on the streets and what tracks taught outlives the service, on both databases."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from databases import change, rows

from api.clock import ScaledClock
from api.storage.ledger import Ledger
from api.storage.records import Position
from api.storage.streets import READINGS, SPEEDS, StreetStore
from api.streets import StreetDesk
from geo.city import City, load_city
from geo.observations import Direction, WaySpeed
from geo.travel import NetworkTravelTimes
from geo.types import Mode

ZONE = "helsinki"
AT = 1_795_000_000


@pytest.fixture(scope="module")
def city() -> City:
    return load_city("helsinki")


class Desk:
    """The streets of a service that begins so many seconds after the first one."""

    def __init__(self, city: City, ledger: Ledger, later_s: int = 0, zone: str = ZONE) -> None:
        self.city = city
        self.travel = NetworkTravelTimes(city.network)
        store = StreetStore(ledger.engine, zone)
        self.desk = StreetDesk(city, self.travel, ScaledClock(AT + later_s, 1.0), store)
        self.desk.open(())

    def drive(self, courier_id: str, slowness: float) -> None:
        """Report a car on its way between two stores, every ten seconds, slower than free."""
        origin, destination = (
            store.location for store in (self.city.stores[0], self.city.stores[4])
        )
        route = self.travel.route(origin, destination, Mode.CAR, AT)
        every = max(1, round(route.duration_s * slowness / 10))
        shown = [route.points[n * (len(route.points) - 1) // every] for n in range(every + 1)]
        began = AT - 900
        for n, place in enumerate(shown):
            at = began + 10 * n
            self.desk.track(Position(courier_id, place, at, at), Mode.CAR)
        # The next word of a courier who stands there ends the track.
        at = began + 600
        self.desk.track(Position(courier_id, shown[-1], at, at), Mode.CAR)

    async def settled(self) -> dict[str, Any]:
        await self.desk.settle()
        return self.desk.figures()

    def slow(self) -> WaySpeed:
        network = self.city.network
        open_to_bikes = (network.times_ds(Mode.BIKE) > 0).all(axis=0)
        way = int(network.arrays.edge_way[open_to_bikes][0])
        return WaySpeed(way, Direction.BOTH, 4.0, AT, (Mode.BIKE,))


def test_readings_and_learned_speeds_are_there_after_a_stop(ledger_name: str, city: City) -> None:
    async def life() -> None:
        with Ledger(ledger_name) as ledger:
            first = Desk(city, ledger)
            first.drive("cou_1", 2.0)
            assert await first.desk.observe([first.slow()]) > 0
            seen = await first.settled()
            await first.desk.close(keep=True)
        assert seen["learned_km"] != 0
        assert seen["readings"] != 0
        with Ledger(ledger_name) as ledger:
            again = await Desk(city, ledger, later_s=60).settled()
            assert again["learned_km"] == seen["learned_km"]
            assert again["readings"] == seen["readings"]
            # Another zone has seen streets of its own.
            other = await Desk(city, ledger, zone="espoo").settled()
            assert (other["learned_km"], other["readings"]) == (0, 0)

    asyncio.run(life())


def test_what_was_seen_last_is_kept_instead_of_what_was_seen_before(
    ledger_name: str, city: City
) -> None:
    async def life() -> None:
        with Ledger(ledger_name) as ledger:
            learned_km = [0.0]
            for later_s in (0, 60):
                desk = Desk(city, ledger, later_s)
                desk.drive(f"cou_{later_s}", 1.5)
                learned_km.append((await desk.settled())["learned_km"])
                await desk.desk.close(keep=True)
            last = await Desk(city, ledger, 120).settled()
        assert learned_km == sorted(set(learned_km))  # each drive adds to what was known
        assert last["learned_km"] == learned_km[-1]

    asyncio.run(life())
    kept = rows(ledger_name, "select kind from streets_seen order by kind")
    assert kept == [(READINGS,), (SPEEDS,)]


def test_a_service_whose_ledger_failed_keeps_nothing_more(ledger_name: str, city: City) -> None:
    async def life() -> None:
        with Ledger(ledger_name) as ledger:
            desk = Desk(city, ledger)
            desk.drive("cou_1", 1.5)
            await desk.desk.close(keep=False)

    asyncio.run(life())
    assert rows(ledger_name, "select count(*) from streets_seen") == [(0,)]


def test_what_is_damaged_is_left_out_and_said(
    ledger_name: str, city: City, capsys: pytest.CaptureFixture[str]
) -> None:
    async def life() -> None:
        with Ledger(ledger_name) as ledger:
            desk = Desk(city, ledger)
            desk.drive("cou_1", 2.0)
            await desk.desk.observe([desk.slow()])
            await desk.desk.close(keep=True)
        change(
            ledger_name,
            "update streets_seen set body = :body where kind = 'readings'",
            body="[" + json.dumps("cut"),
        )
        change(
            ledger_name,
            "update streets_seen set body = replace(body, '\"as_of\"', '\"as of\"') "
            "where kind = 'speeds'",
        )
        with Ledger(ledger_name) as ledger:
            left = await Desk(city, ledger, later_s=60).settled()
        assert (left["learned_km"], left["readings"]) == (0, 0)

    asyncio.run(life())
    said = capsys.readouterr()
    assert "the learned speeds were changed or damaged" in said.out + said.err
    assert "the readings are damaged" in said.out + said.err
