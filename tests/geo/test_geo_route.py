"""Ways as they are drawn and told: lines, times along them, steps in OSRM's words."""

from __future__ import annotations

import pickle

import pytest
from drawn_town import at, roads
from wild_town import Street, grid

from geo.travel import NetworkTravelTimes
from geo.types import LonLat, Mode, RoadRoute, RoadStep

Told = tuple[str, str, str]


def told(route: RoadRoute) -> list[Told]:
    """Return a route's steps in short."""
    return [(step.maneuver, step.modifier, step.street) for step in route.steps]


def way(
    network_nodes: dict[int, tuple[float, float]],
    ways: list[tuple[list[int], dict[str, str]]],
    origin: LonLat,
    destination: LonLat,
    mode: Mode = Mode.WALK,
) -> RoadRoute:
    return NetworkTravelTimes(roads(network_nodes, ways)).route(origin, destination, mode, 0)


#      6
#      |
# 1 -- 2 -- 3 -- 4
#      |
#      5
CROSS = {1: (0, 0), 2: (100, 0), 3: (200, 0), 4: (300, 0), 5: (100, -100), 6: (100, 100)}
STREETS: list[tuple[list[int], dict[str, str]]] = [
    ([1, 2, 3], {"name": "Long Street"}),
    ([3, 4], {"name": "Far Street"}),
    ([5, 2, 6], {"name": "Cross Street"}),
]


def test_a_turn_is_told_with_its_side_and_street() -> None:
    right = way(CROSS, STREETS, at(10, 0), at(100, -60))
    assert told(right) == [
        ("depart", "", "Long Street"),
        ("turn", "right", "Cross Street"),
        ("arrive", "", "Cross Street"),
    ]
    # 90 m and 60 m at 5 km/h: 64.8 s and 43.2 s
    assert [step.duration_s for step in right.steps] == [65, 43, 0]
    assert [step.length_m for step in right.steps] == [90, 60, 0]
    turn = right.steps[1]
    assert (turn.bearing_before, turn.bearing_after) == (90, 180)
    assert turn.location == right.points[turn.point] == at(100, 0)
    assert (right.steps[0].bearing_after, right.steps[-1].bearing_before) == (90, 180)
    left = way(CROSS, STREETS, at(10, 0), at(100, 60))
    assert told(left)[1] == ("turn", "left", "Cross Street")


def test_straight_over_a_crossing_nothing_is_told() -> None:
    straight = way(CROSS, STREETS, at(10, 0), at(190, 0))
    assert told(straight) == [("depart", "", "Long Street"), ("arrive", "", "Long Street")]
    assert straight.streets == ("Long Street",)


def test_another_name_straight_on_is_told() -> None:
    renamed = way(CROSS, STREETS, at(150, 0), at(290, 0))
    assert told(renamed)[1] == ("new name", "straight", "Far Street")
    assert renamed.streets == ("Long Street", "Far Street")


def test_a_bend_without_a_choice_is_not_told() -> None:
    bend = {1: (0, 0), 2: (100, 0), 3: (100, 100)}
    streets: list[tuple[list[int], dict[str, str]]] = [
        ([1, 2], {"name": "Bend", "maxspeed": "30"}),
        ([2, 3], {"name": "Bend", "maxspeed": "50"}),
    ]
    assert told(way(bend, streets, at(10, 0), at(100, 90), Mode.CAR)) == [
        ("depart", "", "Bend"),
        ("arrive", "", "Bend"),
    ]


def test_a_street_that_keeps_its_name_round_a_corner_is_continued() -> None:
    streets: list[tuple[list[int], dict[str, str]]] = [
        ([1, 2, 5], {"name": "Corner"}),
        ([2, 3], {"name": "Ahead"}),
    ]
    nodes = {key: CROSS[key] for key in (1, 2, 3, 5)}
    assert told(way(nodes, streets, at(10, 0), at(100, -90)))[1] == ("continue", "right", "Corner")


def test_an_unnamed_link_is_told_where_one_turns_into_it_only() -> None:
    streets: list[tuple[list[int], dict[str, str]]] = [
        ([1, 2], {"name": "Long Street"}),
        ([2, 3], {}),
        ([3, 4], {"name": "Long Street"}),
        ([5, 2, 6], {}),
    ]
    assert len(way(CROSS, streets, at(10, 0), at(290, 0)).steps) == 2
    assert told(way(CROSS, streets, at(10, 0), at(100, 90)))[1] == ("turn", "left", "")


def test_round_the_block_without_a_choice_only_the_names_are_told() -> None:
    nodes = {1: (0, 0), 2: (200, 0), 3: (200, 100)}
    streets: list[tuple[list[int], dict[str, str]]] = [
        ([1, 2], {"name": "South"}),
        ([2, 3], {"name": "East", "oneway": "yes"}),
        ([3, 1], {"name": "Back"}),
    ]
    route = way(nodes, streets, at(200, 60), at(200, 10), Mode.CAR)
    assert told(route) == [
        ("depart", "", "East"),
        ("new name", "left", "Back"),
        ("new name", "sharp left", "South"),
        ("new name", "left", "East"),
        ("arrive", "", "East"),
    ]


def test_past_a_forbidden_turn_one_turns_round_and_is_told_so() -> None:
    # Left from 0-1 into 1-4 is forbidden: on to the dead end, 50 + 100 m, back, and right.
    streets = [Street(0, 1, 100, 100), Street(1, 2, 100, 100), Street(1, 4, 100, 100)]
    network = grid(streets, 3, turns=((0, -1, 4),))
    route = NetworkTravelTimes(network).route(at(50, 0), at(100, 50), Mode.CAR, 0)
    assert told(route) == [
        ("depart", "", ""),
        ("continue", "uturn", ""),
        ("turn", "right", ""),
        ("arrive", "", ""),
    ]
    assert [step.length_m for step in route.steps] == [150, 100, 50, 0]


def test_over_to_the_other_carriageway_the_name_is_kept() -> None:
    nodes = {1: (0, 0), 2: (300, 0), 3: (300, 8), 4: (0, 8)}
    streets: list[tuple[list[int], dict[str, str]]] = [
        ([1, 2], {"name": "Avenue", "oneway": "yes"}),
        ([2, 3], {}),
        ([3, 4], {"name": "Avenue", "oneway": "yes"}),
        ([4, 1], {}),
    ]
    route = way(nodes, streets, at(100, 0), at(100, 8), Mode.CAR)
    assert route.streets == ("Avenue",)
    # 200 m there, 8 m over, 200 m back
    assert route.length_m == 408


def test_the_line_follows_the_street_and_the_time_runs_evenly_along_it() -> None:
    winding = {1: (0, 0), 2: (100, 0), 3: (100, 50), 4: (200, 50)}
    route = way(winding, [([1, 2, 3, 4], {"name": "Winding"})], at(50, 0), at(150, 50), Mode.BIKE)
    assert route.points == (at(50, 0), at(100, 0), at(100, 50), at(150, 50))
    # 15 km/h: 12 s for each 50 m
    assert route.offset_s == (0, 12, 24, 36)
    assert told(route) == [("depart", "", "Winding"), ("arrive", "", "Winding")]
    back = way(winding, [([1, 2, 3, 4], {"name": "Winding"})], at(150, 50), at(50, 0), Mode.BIKE)
    assert back.points == route.points[::-1]


def test_the_walks_at_both_ends_belong_to_the_first_and_last_step() -> None:
    route = way(CROSS, STREETS, at(10, 30), at(130, -60))
    # 30 m to Long Street, 90 m along it; 60 m down Cross Street and 30 m to the door
    assert [step.length_m for step in route.steps] == [120, 90, 0]
    assert route.points[0] == at(10, 30)
    assert route.points[-1] == route.steps[-1].location == at(130, -60)
    assert [step.point for step in route.steps] == [0, 2, 4]


def test_a_way_from_a_place_to_itself_departs_and_arrives() -> None:
    route = way(CROSS, STREETS, at(10, 0), at(10, 0))
    assert (route.duration_s, route.length_m, route.points) == (0, 0, (at(10, 0), at(10, 0)))
    assert [step.maneuver for step in route.steps] == ["depart", "arrive"]


def test_two_doors_across_a_street_have_a_way() -> None:
    route = way(CROSS, STREETS, at(50, 10), at(50, -10))
    # 10 m on foot, twice; nothing along the street
    assert (route.duration_s, route.length_m) == (14, 20)
    assert route.points == (at(50, 10), at(50, 0), at(50, -10))
    assert route.streets == ()


@pytest.mark.parametrize("mode", [Mode.CAR, Mode.WALK])
def test_a_route_travels_between_processes_unchanged(mode: Mode) -> None:
    route = way(CROSS, STREETS, at(10, 5), at(100, 60), mode)
    again = pickle.loads(pickle.dumps(route))  # noqa: S301 - our own
    assert again == route
    assert all(isinstance(place, LonLat) for place in again.points)
    assert all(isinstance(step, RoadStep) for step in again.steps)


def test_a_crossing_passed_by_a_slight_bend_is_told_only_if_another_way_is_straighter() -> None:
    # The way taken bends by 30 degrees to the left; once a side street goes straight on.
    nodes = {1: (0, 0), 2: (100, 0), 3: (186.6, 50), 4: (200, 0), 5: (100, -100)}
    bending: tuple[list[int], dict[str, str]] = ([1, 2, 3], {"name": "Bending"})
    side: tuple[list[int], dict[str, str]] = ([2, 5], {"name": "Side"})
    ahead: tuple[list[int], dict[str, str]] = ([2, 4], {"name": "Ahead"})
    quiet = way(nodes, [bending, side], at(10, 0), at(160, 34.6))
    assert len(quiet.steps) == 2
    told_of = way(nodes, [bending, ahead], at(10, 0), at(160, 34.6))
    assert told(told_of)[1] == ("continue", "slight left", "Bending")
