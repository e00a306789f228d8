"""The choice from the pool beside the search alone: the same problem, every way to plan."""

from __future__ import annotations

import argparse
from dataclasses import replace

import pytest

from dispatch.model import Policy, Snapshot
from dispatch.planning.problem import pose
from dispatch.planning.situation import read
from geo.city import City
from geo.travel import NetworkTravelTimes
from geo.types import Mode
from simulations.benchmarks.pool import Table, measure, told, with_short_shifts
from simulations.benchmarks.pool_cli import add_pool
from simulations.benchmarks.tick_snapshots import Rush, scaled
from simulations.benchmarks.tick_town import Age, Crew
from simulations.scenarios.settings import Scenario

RUSH = Rush(
    tuple(Age(age_s=60 * minutes, promise_s=2400, trip_s=200) for minutes in (0, 2, 5, 9)),
    (Crew(Mode.BIKE, 15_000, 3, 18_000, None, False, 0),),
)


@pytest.fixture(scope="module")
def moment(helsinki: City, roads: NetworkTravelTimes, friday: Scenario) -> Snapshot:
    return scaled(helsinki, roads, friday, RUSH, orders=20, policy=Policy())


def test_every_way_is_measured_against_the_longest_search(moment: Snapshot) -> None:
    rows = measure(pose(read(moment)), rounds=30, seeds=2)
    assert rows[-1].over == pytest.approx(0.0)
    assert [row.columns > 0 for row in rows] == [False, True, False, True, False, False]
    assert all(row.took_s > 0 for row in rows)
    alone, chosen = rows[0], rows[1]
    # The same rounds come to the same plan; a choice can only save.
    assert chosen.over <= alone.over + 1e-9
    text = told(Table("helsinki", 20, 20, 7, 40, rows))
    assert text.count("\n") == 2 + len(rows)
    assert "search, 30 rounds" in text


def test_short_shifts_end_in_the_second_half_of_the_time(moment: Snapshot) -> None:
    short = with_short_shifts(moment, 40)
    ends = [courier.shift_end - moment.now for courier in short.couriers]
    assert min(ends) == 20 * 60
    assert max(ends) == 40 * 60
    assert replace(short, couriers=moment.couriers).orders == moment.orders


def test_numbers_must_be_whole_and_above_0(capsys: pytest.CaptureFixture[str]) -> None:
    parser = argparse.ArgumentParser()
    add_pool(parser.add_subparsers())
    assert parser.parse_args(["pool", "--rounds", "7"]).rounds == 7
    with pytest.raises(SystemExit):
        parser.parse_args(["pool", "--rounds", "0"])
    assert "whole number from 1" in capsys.readouterr().err
