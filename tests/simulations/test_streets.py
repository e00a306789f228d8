"""The streets as they are, and as the engine foresees them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from quiet_town import MINUTE_S, Town, carried

from dispatch import events as e
from dispatch.commands import ArriveAtStop, CloseStreet
from dispatch.model import Mode, StopKind
from geo.city import City
from geo.closures import Closure, ClosureShape
from geo.travel import NetworkTravelTimes, PinnedTravelTimes
from geo.types import LonLat
from simulations.errors import ScenarioError
from simulations.loop import Simulation
from simulations.scenarios.settings import ClosureSettings, Scenario, Surge
from simulations.worlds.streets import ForeseenStreets, TrueStreets, closure_of
from simulations.worlds.world import World

HOUR_S = 3600
BUSY = tuple(2.0 if hour == 17 else 1.0 for hour in range(24))
"""Twice as slow from five to six, when the Friday begins."""


@pytest.fixture
def start(friday: Scenario) -> int:
    return friday.start("Europe/Helsinki")


@pytest.fixture
def mid(helsinki: City) -> LonLat:
    return helsinki.stores[3].location


def after(friday: Scenario, minutes: int) -> dt.datetime:
    return friday.starts_at + dt.timedelta(minutes=minutes)


def rain(friday: Scenario, pace: Mapping[Mode, float], foreseen: float = 0.0) -> Surge:
    """Return rain from ten past five to half past."""
    return Surge("rain", after(friday, 10), after(friday, 30), pace=pace, foreseen=foreseen)


def truth(scenario: Scenario, city: City) -> TrueStreets:
    return TrueStreets(scenario, city, NetworkTravelTimes(city.network))


def way_s(travel: PinnedTravelTimes | NetworkTravelTimes, city: City, mode: Mode, at: int) -> int:
    """Return the sum of ways from a store to all others."""
    places = [store.location for store in city.stores]
    return int(travel.durations(places[:1], places, mode, at).sum())


def drive_ds(travel: PinnedTravelTimes, mode: Mode, at: int) -> int:
    """Return the sum of the times through all streets; the walks to and from them not counted."""
    times = travel.weights.times_ds(mode, travel.weights.period(at))
    return int(times.sum(dtype=np.int64))


def slow(scenario: Scenario, city: City, mode: Mode, at: int) -> float:
    """Return how many times the usual times the streets take, in truth."""
    streets = truth(scenario, city)
    return drive_ds(streets.at(at), mode, at) / drive_ds(streets.usual, mode, at)


def test_the_traffic_of_the_hour_slows_cars_fully_scooters_half_and_nobody_else(
    friday: Scenario, helsinki: City, start: int
) -> None:
    busy = replace(friday, travel=replace(friday.travel, per_hour=BUSY))
    assert slow(busy, helsinki, Mode.CAR, start) == pytest.approx(2.0, rel=0.01)
    assert slow(busy, helsinki, Mode.SCOOTER, start) == pytest.approx(1.5, rel=0.01)
    assert slow(busy, helsinki, Mode.BIKE, start) == 1
    assert slow(busy, helsinki, Mode.WALK, start) == 1
    assert slow(busy, helsinki, Mode.CAR, start + HOUR_S) == 1


def test_rain_slows_the_modes_it_names_while_it_rains(
    friday: Scenario, helsinki: City, start: int
) -> None:
    wet = replace(friday, surges=(rain(friday, {Mode.BIKE: 1.4}),))
    for minute, pace in ((9, 1.0), (10, 1.4), (29, 1.4), (30, 1.0)):
        at = start + minute * MINUTE_S
        assert slow(wet, helsinki, Mode.BIKE, at) == pytest.approx(pace, rel=0.01)
        assert slow(wet, helsinki, Mode.CAR, at) == 1


def test_what_is_slower_than_any_profile_can_say_is_cut(
    friday: Scenario, helsinki: City, start: int
) -> None:
    jammed = replace(friday, travel=replace(friday.travel, per_hour=(15.0,) * 24))
    both = replace(jammed, surges=(rain(friday, {Mode.CAR: 10.0}),))
    assert slow(both, helsinki, Mode.CAR, start + 15 * MINUTE_S) == pytest.approx(20, rel=0.01)


@pytest.mark.parametrize("foreseen", [0.0, 0.5, 1.0])
def test_the_engine_knows_of_the_traffic_what_is_foreseen(
    friday: Scenario, helsinki: City, start: int, foreseen: float
) -> None:
    travel = replace(friday.travel, per_hour=BUSY, foreseen=foreseen)
    wet = replace(
        friday, travel=travel, surges=(rain(friday, {Mode.BIKE: 1.4}, foreseen=foreseen),)
    )
    engines = NetworkTravelTimes(helsinki.network)
    streets = ForeseenStreets(wet, helsinki, engines, start)
    usual = truth(wet, helsinki).usual
    times = []
    for at in (start, start + 10 * MINUTE_S, start + 30 * MINUTE_S):
        streets.turn(at)
        times.append(
            [
                drive_ds(engines.pinned(), mode, at) / drive_ds(usual, mode, at)
                for mode in (Mode.CAR, Mode.BIKE)
            ]
        )
    dry, raining, over = times
    assert dry == pytest.approx([1 + foreseen, 1], rel=0.01)
    assert raining == pytest.approx([1 + foreseen, 1 + foreseen * 0.4], rel=0.01)
    assert over == dry


def test_an_engine_that_foresees_all_reckons_with_the_very_truth(
    friday: Scenario, helsinki: City, start: int
) -> None:
    wet = replace(
        friday,
        travel=replace(friday.travel, per_hour=BUSY, foreseen=1.0),
        surges=(rain(friday, {Mode.BIKE: 1.4, Mode.WALK: 1.1}, foreseen=1.0),),
    )
    engines = NetworkTravelTimes(helsinki.network)
    streets, true = ForeseenStreets(wet, helsinki, engines, start), truth(wet, helsinki)
    for at in (start, start + 15 * MINUTE_S, start + HOUR_S):
        streets.turn(at)
        assert engines.version == true.at(at).version
        for mode in (Mode.CAR, Mode.SCOOTER, Mode.BIKE, Mode.WALK):
            assert way_s(engines, helsinki, mode, at) == way_s(true.at(at), helsinki, mode, at)


def test_an_engine_s_streets_begin_without_what_another_run_left_in_them(
    friday: Scenario, helsinki: City, start: int
) -> None:
    engines = NetworkTravelTimes(helsinki.network)
    fresh = engines.version
    busy = replace(friday, travel=replace(friday.travel, per_hour=BUSY))
    ForeseenStreets(busy, helsinki, engines, start)
    assert engines.version != fresh
    ForeseenStreets(friday, helsinki, engines, start)
    assert engines.version == fresh


# --- closures ----------------------------------------------------------------------------------


def closed(friday: Scenario, around: LonLat, **changes: Any) -> Scenario:
    """Return a Friday with a closure from ten past five to half past, told five minutes later."""
    closure = ClosureSettings("market", after(friday, 10), after(friday, 30), around, 120, 300)
    return replace(friday, closures=(replace(closure, **changes),))


def test_a_closure_of_the_scenario_holds_at_its_own_times(
    friday: Scenario, helsinki: City, start: int, mid: LonLat
) -> None:
    streets = truth(closed(friday, mid), helsinki)
    ways = [
        way_s(streets.at(start + minute * MINUTE_S), helsinki, Mode.BIKE, start)
        for minute in (9, 10, 29, 30)
    ]
    usual = way_s(streets.usual, helsinki, Mode.BIKE, start)
    assert ways[0] == ways[3] == usual
    assert ways[1] == ways[2] > usual
    assert streets.next_change(start) == start + 10 * MINUTE_S
    assert streets.next_change(start + 10 * MINUTE_S) == start + 30 * MINUTE_S
    assert streets.next_change(start + 30 * MINUTE_S) is None


def test_the_past_can_be_asked_for_after_the_streets_have_changed(
    friday: Scenario, helsinki: City, start: int, mid: LonLat
) -> None:
    streets = truth(closed(friday, mid), helsinki)
    shut = way_s(streets.at(start + 900), helsinki, Mode.BIKE, start)
    assert way_s(streets.at(start + HOUR_S), helsinki, Mode.BIKE, start) < shut
    assert way_s(streets.at(start + 900), helsinki, Mode.BIKE, start) == shut


def test_a_street_closed_by_others_is_closed_from_then_until_it_is_opened(
    friday: Scenario, helsinki: City, start: int, mid: LonLat
) -> None:
    streets = truth(friday, helsinki)
    ring = closure_of(closed(friday, mid).closures[0], dt.UTC)
    told = replace(ring, closure_id="clo_1", reason="somebody said so", until=None)
    assert streets.hear(e.Recorded("helsinki", 1, start + 60, e.StreetClosed(told)))
    assert streets.hear(e.Recorded("helsinki", 2, start + 120, e.StreetReopened("clo_1")))
    assert not streets.hear(e.Recorded("helsinki", 3, start + 120, e.StreetReopened("clo_1")))
    usual = way_s(streets.usual, helsinki, Mode.BIKE, start)
    ways = [
        way_s(streets.at(start + s), helsinki, Mode.BIKE, start) > usual for s in (59, 60, 119, 120)
    ]
    assert ways == [False, True, True, False]


def test_operations_tell_of_a_closure_some_time_after_and_it_ends_by_itself(
    friday: Scenario, helsinki: City, start: int, mid: LonLat
) -> None:
    town = Town(closed(friday, mid), helsinki, NetworkTravelTimes(helsinki.network))
    town.open_up()
    command = town.only(CloseStreet)
    assert town.now == start + 15 * MINUTE_S
    assert command.closure.until == start + 30 * MINUTE_S
    assert command.closure.shape is ClosureShape.POLYGON
    told = replace(command.closure, closure_id="clo_1")
    town.tell(e.StreetClosed(told))
    again = World(town.world.scenario, helsinki, NetworkTravelTimes(helsinki.network), seed=1)
    again.catch_up(town.log, town.now)
    assert not any(isinstance(asked, CloseStreet) for asked in again.act(town.now))


def test_what_is_over_before_operations_hear_of_it_they_do_not_tell(
    friday: Scenario, helsinki: City, mid: LonLat
) -> None:
    scenario = closed(friday, mid, told_after_s=HOUR_S)
    town = Town(scenario, helsinki, NetworkTravelTimes(helsinki.network))
    town.open_up()
    assert not any(isinstance(command, CloseStreet) for command in town.act(2 * HOUR_S))


def test_couriers_meet_a_closure_that_nobody_was_told_of_and_go_round(
    friday: Scenario, helsinki: City, start: int
) -> None:
    quiet = replace(friday, customers=replace(friday.customers, nobody_home_share=0))

    def bring(scenario: Scenario) -> tuple[Town, int]:
        town = Town(scenario, helsinki, NetworkTravelTimes(helsinki.network))
        town.open_up()
        order = carried(town)
        left_at = town.now
        town.commit(order, StopKind.DROPOFF)
        return town, left_at

    town, left_at = bring(quiet)
    trip = town.world._fleet._agents["cou_aino"].trip
    assert trip is not None
    usual = town.only(ArriveAtStop).occurred_at
    ahead = trip.road.points[len(trip.road.points) // 2]
    begins = dt.timedelta(seconds=left_at + 20 - start)
    closure = ClosureSettings(
        "fire", friday.starts_at + begins, after(friday, 120), ahead, 15, told_after_s=HOUR_S
    )
    town, left_at = bring(replace(quiet, closures=(closure,)))
    before = town.world._fleet._agents["cou_aino"].trip
    assert before is not None
    assert before.road.points == trip.road.points
    here = before.place(left_at + 20)
    town.act(20)
    assert town.seen() == here
    assert town.only(ArriveAtStop).occurred_at > usual


def test_closures_that_mean_no_street_are_all_named(
    friday: Scenario, helsinki: City, mid: LonLat
) -> None:
    nowhere = ClosureSettings(
        "in the sea", after(friday, 1), after(friday, 2), LonLat(24.0, 59.0), 50
    )
    too_small = replace(nowhere, name="a pebble")
    with pytest.raises(ScenarioError, match=r"(?s)in the sea.*a pebble"):
        truth(replace(friday, closures=(nowhere, too_small)), helsinki)


def test_in_a_simulation_the_engine_learns_of_a_closure_when_it_is_told(
    friday: Scenario, helsinki: City, start: int, mid: LonLat
) -> None:
    engines = NetworkTravelTimes(helsinki.network)
    simulation = Simulation(closed(friday, mid), helsinki, travel=engines, demand_until=start)
    fresh = engines.version
    versions = []
    for minute in (11, 16, 31):
        simulation.run(start + minute * MINUTE_S)
        versions.append(engines.version == fresh)
    assert versions == [True, False, True]


def test_a_told_closure_stays_in_force_when_the_rain_begins(
    friday: Scenario, helsinki: City, start: int, mid: LonLat
) -> None:
    wet = replace(friday, surges=(rain(friday, {Mode.BIKE: 1.4}, foreseen=1.0),))
    engines = NetworkTravelTimes(helsinki.network)
    streets = ForeseenStreets(wet, helsinki, engines, start)
    car = way_s(engines, helsinki, Mode.CAR, start)
    ring = closure_of(closed(friday, mid).closures[0], dt.UTC).points
    shut = Closure("clo_1", ClosureShape.POLYGON, ring)
    streets.hear(e.Recorded("helsinki", 1, start, e.StreetClosed(shut)))
    assert way_s(engines, helsinki, Mode.CAR, start) > car
    at = start + 10 * MINUTE_S
    streets.turn(at)
    assert way_s(engines, helsinki, Mode.CAR, at) > car
    streets.hear(e.Recorded("helsinki", 2, at, e.StreetReopened("clo_1")))
    assert way_s(engines, helsinki, Mode.CAR, at) == car
