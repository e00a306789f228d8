"""What tags mean to a courier."""

from __future__ import annotations

import pytest

from geo.osm_access import (
    BIKE_KMH,
    MODES,
    PUSH_KMH,
    SCOOTER_TOP_KMH,
    WALK_KMH,
    Speeds,
    blocked_modes,
    limit_kmh,
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
    assert not any(ways(Mode.BIKE, highway="footway", bicycle="no"))


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


def test_a_barrier_stops_those_it_is_for_unless_it_says_otherwise() -> None:
    assert blocked_modes({"barrier": "bollard"}) == {Mode.CAR}
    assert blocked_modes({"barrier": "bollard", "motor_vehicle": "yes"}) == frozenset()
    assert blocked_modes({"barrier": "gate"}) == frozenset()
    assert blocked_modes({"barrier": "gate", "access": "private"}) == frozenset(Mode)
    assert blocked_modes({"barrier": "gate", "access": "no", "foot": "yes"}) == frozenset(Mode) - {
        Mode.WALK
    }
    assert blocked_modes({"highway": "crossing"}) == frozenset()
