"""What tags mean to a courier."""

from __future__ import annotations

import pytest

from geo.osm_access import (
    BIKE_KMH,
    MODES,
    PUSH_KMH,
    PUSH_ON_STEPS_KMH,
    SCOOTER_TOP_KMH,
    WALK_KMH,
    Signals,
    Speeds,
    blocked_modes,
    limit_kmh,
    signals,
    speeds,
)
from geo.types import Mode

BOTH, ALONG, AGAINST, NEITHER = (True, True), (True, False), (False, True), (False, False)


def of(mode: Mode, **tags: str) -> Speeds:
    return speeds({key.replace("__", ":"): value for key, value in tags.items()})[MODES.index(mode)]


def ways(mode: Mode, **tags: str) -> tuple[bool, bool]:
    along, against = of(mode, **tags)
    return along > 0, against > 0


@pytest.mark.parametrize(
    ("mode", "tags", "expected"),
    [
        (Mode.CAR, {"highway": "residential"}, BOTH),
        (Mode.CAR, {"highway": "residential", "oneway": "yes"}, ALONG),
        (Mode.CAR, {"highway": "residential", "oneway": "-1"}, AGAINST),
        (Mode.CAR, {"highway": "residential", "oneway": "reversible"}, NEITHER),
        (Mode.CAR, {"highway": "residential", "junction": "roundabout"}, ALONG),
        (Mode.CAR, {"highway": "motorway"}, ALONG),
        (Mode.CAR, {"highway": "motorway", "oneway": "no"}, BOTH),
        (Mode.WALK, {"highway": "residential", "oneway": "yes"}, BOTH),
        (Mode.BIKE, {"highway": "residential", "oneway": "yes"}, ALONG),
        (Mode.BIKE, {"highway": "residential", "oneway": "yes", "oneway__bicycle": "no"}, BOTH),
        (Mode.BIKE, {"highway": "residential", "oneway": "yes", "cycleway": "opposite"}, BOTH),
        (
            Mode.CARGO_BIKE,
            {"highway": "residential", "oneway": "yes", "cycleway__left": "opposite_lane"},
            BOTH,
        ),
        (
            Mode.BIKE,
            {"highway": "residential", "oneway": "yes", "cycleway__left__oneway": "-1"},
            BOTH,
        ),
        (
            Mode.BIKE,
            {"highway": "residential", "oneway": "yes", "cycleway__left": "lane"},
            ALONG,
        ),
        (Mode.CAR, {"highway": "residential", "oneway": "yes", "cycleway": "opposite"}, ALONG),
    ],
)
def test_one_ways_bind_vehicles_and_let_contraflow_through(
    mode: Mode, tags: dict[str, str], expected: tuple[bool, bool]
) -> None:
    assert ways(mode, **tags) == expected


@pytest.mark.parametrize(
    ("mode", "tags", "usable"),
    [
        (Mode.CAR, {"highway": "service", "access": "private"}, False),
        (Mode.CAR, {"highway": "service", "access": "destination"}, True),
        (Mode.CAR, {"highway": "service", "motor_vehicle": "delivery", "access": "no"}, True),
        (Mode.WALK, {"highway": "service", "access": "no", "foot": "yes"}, True),
        (Mode.BIKE, {"highway": "service", "access": "no", "foot": "yes"}, False),
        (Mode.CAR, {"highway": "residential", "vehicle": "no"}, False),
        (Mode.WALK, {"highway": "residential", "vehicle": "no"}, True),
        (Mode.SCOOTER, {"highway": "residential", "motor_vehicle": "no", "moped": "yes"}, True),
        (Mode.CAR, {"highway": "residential", "motor_vehicle": "no", "moped": "yes"}, False),
        (Mode.CAR, {"highway": "footway"}, False),
        (Mode.CAR, {"highway": "footway", "access": "yes"}, False),
        (Mode.CAR, {"highway": "pedestrian", "motor_vehicle": "delivery"}, True),
        (Mode.CAR, {"highway": "track"}, False),
        (Mode.WALK, {"highway": "motorway"}, False),
        (Mode.SCOOTER, {"highway": "motorway"}, False),
        (Mode.SCOOTER, {"highway": "trunk", "motorroad": "yes"}, False),
        (Mode.CAR, {"highway": "trunk", "motorroad": "yes"}, True),
        (Mode.WALK, {"highway": "steps"}, True),
        (Mode.BIKE, {"highway": "steps"}, False),
        (Mode.BIKE, {"highway": "steps", "ramp__bicycle": "yes"}, True),
        (Mode.CARGO_BIKE, {"highway": "steps", "ramp__bicycle": "yes"}, False),
        (Mode.BIKE, {"highway": "cycleway", "bicycle": "designated"}, True),
        (Mode.BIKE, {"highway": "primary", "bicycle": "use_sidepath"}, False),
        (Mode.WALK, {"highway": "construction"}, False),
        (Mode.WALK, {"highway": "proposed", "foot": "yes"}, False),
        (Mode.WALK, {"building": "yes"}, False),
        *((mode, {"highway": "service", "route": "ferry"}, False) for mode in Mode),
        *(
            (mode, {"route": "ferry", "foot": "yes", "motor_vehicle": "yes"}, False)
            for mode in Mode
        ),
        (Mode.WALK, {"highway": "path", "smoothness": "impassable"}, True),
        (Mode.BIKE, {"highway": "path", "smoothness": "impassable"}, False),
        (Mode.CAR, {"highway": "residential", "smoothness": "impassable"}, False),
        *((mode, {"highway": "living_street"}, True) for mode in Mode),
    ],
)
def test_the_most_specific_access_tag_decides(
    mode: Mode, tags: dict[str, str], usable: bool
) -> None:
    assert any(ways(mode, **tags)) is usable


def test_a_bicycle_is_pushed_where_it_may_not_be_ridden() -> None:
    assert of(Mode.BIKE, highway="pedestrian").forward_kmh == PUSH_KMH
    assert of(Mode.BIKE, highway="pedestrian", bicycle="yes").forward_kmh == BIKE_KMH
    assert of(Mode.BIKE, highway="residential", bicycle="dismount").forward_kmh == PUSH_KMH
    for mode in (Mode.BIKE, Mode.CARGO_BIKE):
        for closed in ({"bicycle": "no"}, {"vehicle": "no"}):
            assert of(mode, highway="footway", **closed) == (PUSH_KMH, PUSH_KMH)
    for shut in (
        {"highway": "footway", "bicycle": "no", "bicycle:pushing": "no"},
        {"highway": "footway", "bicycle": "no", "foot": "no"},
        {"highway": "footway", "bicycle": "private"},
        {"highway": "footway", "access": "no"},
        {"highway": "footway", "access": "private", "bicycle": "no"},
        {"highway": "residential", "bicycle": "no"},
        {"highway": "steps", "bicycle": "no"},
    ):
        assert not any(speeds(shut)[MODES.index(Mode.BIKE)])
    assert not any(ways(Mode.SCOOTER, highway="footway", vehicle="no"))


def test_motor_vehicles_drive_four_fifths_of_the_limit_and_a_scooter_tops_out() -> None:
    # 50 x 0.8 = 40; 80 x 0.8 = 64, held to 45 on a scooter
    assert of(Mode.CAR, highway="secondary", maxspeed="50") == (40.0, 40.0)
    assert of(Mode.CAR, highway="secondary", maxspeed="80").forward_kmh == 64.0
    assert of(Mode.SCOOTER, highway="secondary", maxspeed="80").forward_kmh == SCOOTER_TOP_KMH
    forward, backward = of(Mode.CAR, highway="tertiary", maxspeed__forward="30", maxspeed="40")
    assert (forward, backward) == (24.0, 32.0)
    assert of(Mode.WALK, highway="secondary", maxspeed="80").forward_kmh == WALK_KMH


def test_a_service_road_stays_slow_whatever_its_limit_says() -> None:
    assert of(Mode.CAR, highway="service", maxspeed="50").forward_kmh == 15.0


@pytest.mark.parametrize(
    ("text", "kmh"),
    [
        ("50", 50.0),
        ("50 km/h", 50.0),
        ("30 mph", 48.28032),
        ("FI:urban", 50.0),
        ("DE:zone30", 30.0),
        ("DE:zone:20", 20.0),
        ("walk", 7.0),
        ("none", 150.0),
        ("30;50", 30.0),
        ("signals", None),
        ("variable", None),
        ("fast", None),
        ("0", None),
        ("-5", None),
        ("", None),
        (None, None),
    ],
)
def test_speed_limits_are_read_in_every_spelling(text: str | None, kmh: float | None) -> None:
    assert limit_kmh(text) == (None if kmh is None else pytest.approx(kmh))


@pytest.mark.parametrize(
    ("mode", "tags", "kmh"),
    [
        # what OSRM's profiles say of each ground, where it is less than what is driven anyway
        (Mode.CAR, {"highway": "secondary", "maxspeed": "80", "surface": "asphalt"}, 64.0),
        (Mode.CAR, {"highway": "secondary", "maxspeed": "80", "surface": "gravel"}, 40.0),
        (Mode.CAR, {"highway": "residential", "surface": "gravel"}, 25.0),
        (Mode.CAR, {"highway": "residential", "surface": "mud"}, 10.0),
        (Mode.CAR, {"highway": "unclassified", "tracktype": "grade5"}, 20.0),
        (Mode.CAR, {"highway": "residential", "smoothness": "horrible"}, 10.0),
        (Mode.SCOOTER, {"highway": "residential", "surface": "sand"}, 20.0),
        (Mode.BIKE, {"highway": "residential", "surface": "sett"}, 9.0),
        (Mode.CARGO_BIKE, {"highway": "residential", "surface": "cobblestone"}, 7.0),
        (Mode.BIKE, {"highway": "residential", "surface": "paved;cobblestone"}, 7.0),
        (Mode.BIKE, {"highway": "pedestrian", "surface": "paving_stones"}, PUSH_KMH),
        (Mode.BIKE, {"highway": "track"}, 12.0),
        (Mode.BIKE, {"highway": "path"}, 13.0),
        (Mode.BIKE, {"highway": "steps", "ramp": "yes"}, PUSH_ON_STEPS_KMH),
        (Mode.WALK, {"highway": "path", "surface": "sand"}, 2.5),
        (Mode.WALK, {"highway": "path", "surface": "grass"}, WALK_KMH),
        (Mode.CAR, {"highway": "living_street", "maxspeed": "30"}, 10.0),
    ],
)
def test_the_ground_slows_each_mode_in_its_own_way(
    mode: Mode, tags: dict[str, str], kmh: float
) -> None:
    assert of(mode, **tags) == (kmh, kmh)


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ({"highway": "traffic_signals"}, Signals.ALL),
        ({"highway": "traffic_signals", "crossing": "traffic_signals"}, Signals.ALL),
        ({"highway": "traffic_signals", "traffic_signals:direction": "forward"}, Signals.FORWARD),
        ({"highway": "crossing", "crossing": "traffic_signals"}, Signals.CROSSING),
        ({"highway": "crossing", "crossing": "island;traffic_signals"}, Signals.CROSSING),
        ({"highway": "crossing", "crossing": "uncontrolled"}, None),
        ({"highway": "stop"}, None),
        ({}, None),
    ],
)
def test_signals_are_told_by_whom_they_hold_up(
    tags: dict[str, str], expected: Signals | None
) -> None:
    assert signals(tags) is expected


def test_a_locked_gate_stops_everyone_without_a_key_and_a_rising_bollard_nobody() -> None:
    assert blocked_modes({"barrier": "gate", "locked": "yes"}) == frozenset(Mode)
    assert blocked_modes({"barrier": "gate", "locked": "yes", "foot": "yes"}) == (
        frozenset(Mode) - {Mode.WALK}
    )
    assert blocked_modes({"barrier": "lift_gate"}) == frozenset()
    assert blocked_modes({"barrier": "bollard", "bollard": "rising"}) == frozenset()
    assert blocked_modes({"barrier": "swing_gate"}) == {Mode.CAR, Mode.SCOOTER}


def test_a_barrier_stops_those_it_is_for_unless_it_says_otherwise() -> None:
    assert blocked_modes({"barrier": "bollard"}) == {Mode.CAR}
    assert blocked_modes({"barrier": "bollard", "motor_vehicle": "yes"}) == frozenset()
    assert blocked_modes({"barrier": "gate"}) == frozenset()
    assert blocked_modes({"barrier": "gate", "access": "private"}) == frozenset(Mode)
    assert blocked_modes({"barrier": "gate", "access": "no", "foot": "yes"}) == frozenset(Mode) - {
        Mode.WALK
    }
    assert blocked_modes({"highway": "crossing"}) == frozenset()
