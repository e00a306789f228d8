"""Routing servers as travel times: what real ones answered, and tables and routes by hand."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import shapely
from drawn_town import at, roads
from plane_server import (  # noqa: F401  fixtures are used by their names
    DOORS,
    EAST,
    WEST,
    Clock,
    Plane,
    by_server,
    given_clock,
    given_own,
    given_plane,
    given_server,
    given_travel,
    seconds,
)
from stand_in import Asked, Reply, StandIn, as_json, recorded, stand_in

from geo.errors import (
    MatrixTooLargeError,
    NoPlacesError,
    NoRouteError,
    TooFarFromRoadError,
    UnknownModeError,
)
from geo.external_osrm import OsrmTravelTimes
from geo.external_valhalla import ValhallaTravelTimes
from geo.travel import NetworkTravelTimes
from geo.types import UNREACHABLE_S, LonLat, Mode, RoadRoute

# --- what real servers answer --------------------------------------------------------------------


def is_whole(route: RoadRoute, origin: LonLat, destination: LonLat) -> bool:
    """Tell whether a route has no loose ends."""
    steps = route.steps
    return (
        route.points[0] == origin
        and route.points[-1] == destination
        and len(route.points) == len(route.offset_s)
        and (route.offset_s[0], route.offset_s[-1]) == (0, route.duration_s)
        and list(route.offset_s) == sorted(route.offset_s)
        and sum(s.duration_s for s in steps) == route.duration_s
        and sum(s.length_m for s in steps) == route.length_m
        and all(route.points[s.point] == s.location for s in steps)
        and [s.point for s in steps] == sorted(s.point for s in steps)
        and (steps[0].maneuver, steps[-1].maneuver) == ("depart", "arrive")
    )


def test_what_osrm_answered_is_understood(own: NetworkTravelTimes) -> None:
    with stand_in(recorded("osrm")) as osrm:
        travel = OsrmTravelTimes(own, {Mode.CAR: osrm.url}).pinned()
        for door in DOORS:
            travel.check_place(door, Mode.CAR)
        matrix = travel.matrix(DOORS, DOORS, Mode.CAR, 0)
        # west to east: 83.2 s and 447.5 m by car, 13.63 m and 22.25 m on foot at 5 km/h
        assert matrix.duration_s.tolist() == [[0, 109, 143], [218, 0, 114], [341, 263, 0]]
        assert matrix.length_m.tolist() == [[0, 483, 729], [1025, 0, 560], [2252, 1924, 0]]
        route = travel.route(WEST, EAST, Mode.CAR, 0)
        assert travel.version == f"town-1+car=osrm:{osrm.name}"
    assert is_whole(route, WEST, EAST)
    assert (route.duration_s, route.length_m) == (109, 483)
    told = [(s.maneuver, s.modifier, s.street) for s in route.steps]
    assert told == [
        ("depart", "", ""),
        ("turn", "right", "Kaivokatu"),
        ("turn", "right", "Mikonkatu"),
        ("arrive", "", "Yliopistonkatu"),
    ]


def test_what_valhalla_answered_is_understood(own: NetworkTravelTimes) -> None:
    with stand_in(recorded("valhalla")) as valhalla:
        travel = ValhallaTravelTimes(own, {Mode.BIKE: valhalla.url}).pinned()
        for door in DOORS:
            travel.check_place(door, Mode.BIKE)
        matrix = travel.matrix(DOORS, DOORS, Mode.BIKE, 0)
        assert matrix.duration_s.tolist() == [[0, 124, 161], [190, 0, 133], [203, 131, 0]]
        assert matrix.length_m.tolist() == [[0, 473, 677], [683, 0, 520], [827, 520, 0]]
        route = travel.route(WEST, EAST, Mode.BIKE, 0)
        reach = travel.reachable(WEST, 300, Mode.BIKE, 0)
        assert travel.version == f"town-1+bike=valhalla:{valhalla.name}@1795308629"
    assert is_whole(route, WEST, EAST)
    # Valhalla's tables are in whole seconds, its routes are not
    assert route.duration_s == pytest.approx(124, abs=1)
    assert route.length_m == pytest.approx(473, abs=1)
    assert route.streets == ("Kaivokatu", "Yliopistonkatu")
    area = reach.polygon()
    assert area.is_valid
    assert area.contains(shapely.Point(EAST))
    assert not area.contains(shapely.Point(at(3000, 0)))


def test_valhalla_s_refusals_are_told_apart(own: NetworkTravelTimes, clock: Clock) -> None:
    answers = recorded("valhalla")
    refusal: dict[str, Any] = {}

    def behave(asked: Asked) -> Reply:
        return as_json(refusal, 400) if asked.path == "/isochrone" else answers(asked)

    with stand_in(behave) as valhalla:
        travel = ValhallaTravelTimes(own, {Mode.BIKE: valhalla.url}, clock=clock)
        refusal |= {"error_code": 171, "error": "No suitable edges near location"}
        with pytest.raises(TooFarFromRoadError, match="finds no road near"):
            travel.reachable(WEST, 300, Mode.BIKE, 0)
        refusal |= {"error_code": 442, "error": "No path could be found for input"}
        with pytest.raises(NoRouteError, match="knows no way for mode 'bike'"):
            travel.reachable(WEST, 300, Mode.BIKE, 0)
        refusal |= {"error_code": 125, "error": "No costing method found"}
        reach = travel.reachable(WEST, 300, Mode.BIKE, 0)
        assert reach.streets  # our own network's, which knows its streets
        assert "125 No costing method" in travel.servers()[0].last_failure


def test_osrm_cannot_say_what_is_in_reach_so_our_own_network_does(
    own: NetworkTravelTimes, travel: OsrmTravelTimes
) -> None:
    there = travel.reachable(WEST, 60, Mode.CAR, 0)
    assert np.array_equal(there.duration_s, own.reachable(WEST, 60, Mode.CAR, 0).duration_s)


# --- tables --------------------------------------------------------------------------------------


def test_other_modes_and_refusals_are_our_own_network_s(
    own: NetworkTravelTimes, travel: OsrmTravelTimes, server: StandIn
) -> None:
    assert seconds(travel, Mode.BIKE) == seconds(own, Mode.BIKE)
    with pytest.raises(NoPlacesError):
        travel.matrix([], DOORS, Mode.CAR, 0)
    with pytest.raises(MatrixTooLargeError):
        travel.matrix(DOORS * 2000, DOORS * 2000, Mode.CAR, 0)
    with pytest.raises(TooFarFromRoadError, match="no place on Earth"):
        travel.matrix([LonLat(math.nan, 60.0)], DOORS, Mode.CAR, 0)
    assert travel.route(WEST, WEST, Mode.CAR, 0).duration_s == 0
    assert server.asked == []
    assert travel.modes == own.modes


def test_a_server_for_a_mode_without_roads_is_refused() -> None:
    steps = NetworkTravelTimes(roads({1: (0, 0), 2: (9, 0)}, [([1, 2], {"highway": "steps"})]))
    with pytest.raises(UnknownModeError, match="nothing could take over; it knows walk"):
        OsrmTravelTimes(steps, {Mode.CAR: "http://127.0.0.1:1"})


def test_a_table_beyond_the_server_s_limit_is_asked_for_in_parts(
    own: NetworkTravelTimes, server: StandIn, clock: Clock
) -> None:
    spots = [at(60 * n, 0) for n in range(5)]
    whole = by_server(own, server, clock).matrix(spots, spots[:3], Mode.CAR, 0)
    assert len(server.asked) == 1
    parts = by_server(own, server, clock, table_cells=4).matrix(spots, spots[:3], Mode.CAR, 0)
    assert len(server.asked) == 1 + 6  # three times two blocks of two by two
    assert np.array_equal(whole.duration_s, parts.duration_s)
    assert np.array_equal(whole.length_m, parts.length_m)
    # 60 m at 10 m/s a step
    assert whole.duration_s.tolist()[4] == [24, 18, 12]


def test_the_walk_to_the_road_is_added_unless_the_server_counts_it(
    travel: OsrmTravelTimes, plane: Plane
) -> None:
    plane.away_m = 25.0  # 18 s at 5 km/h, at both ends
    assert travel.matrix([WEST], [EAST, WEST], Mode.CAR, 0).duration_s.tolist() == [[68, 0]]
    assert travel.matrix([WEST], [EAST], Mode.CAR, 0).length_m.tolist() == [[370]]
    route = travel.route(WEST, EAST, Mode.CAR, 0)
    assert (route.duration_s, route.length_m) == (68, 370)
    plane.change = lambda answer: {**answer, "samehour": {"counts_access": True}}
    assert travel.matrix([WEST], [EAST], Mode.CAR, 0).duration_s.tolist() == [[32]]
    assert travel.route(WEST, EAST, Mode.CAR, 0).duration_s == 32


def test_a_pair_without_a_way_is_unreachable(travel: OsrmTravelTimes, plane: Plane) -> None:
    def cut_off(answer: dict[str, Any]) -> dict[str, Any]:
        answer["durations"][0][1] = answer["distances"][0][1] = None
        return answer

    plane.change = cut_off
    matrix = travel.matrix(DOORS, DOORS, Mode.CAR, 0)
    assert matrix.duration_s[0, 1] == matrix.length_m[0, 1] == UNREACHABLE_S
    assert matrix.duration_s[1, 0] == 32
    plane.change = lambda _: as_json({"code": "NoRoute", "message": "Impossible route"}, 400)
    with pytest.raises(NoRouteError, match=r"no way for mode 'car' between \(60\.17000, 24\.94036"):
        travel.route(WEST, EAST, Mode.CAR, 0)
    assert travel.servers()[0].condition == "answering"


def test_a_place_too_far_from_the_server_s_roads_is_named_with_its_distance(
    travel: OsrmTravelTimes, plane: Plane
) -> None:
    plane.away_m = 251.0
    for ask in (
        lambda: travel.check_place(WEST, Mode.CAR),
        lambda: travel.matrix([WEST], DOORS, Mode.CAR, 0),
        lambda: travel.route(WEST, EAST, Mode.CAR, 0),
    ):
        with pytest.raises(TooFarFromRoadError, match=r"\(60\.17.*24\.94.*251 m from every road"):
            ask()
    plane.change = lambda _: as_json(
        {"code": "NoSegment", "message": "Could not find a matching segment for coordinate 1"}, 400
    )
    with pytest.raises(TooFarFromRoadError, match=r"\(60\.17000, 24\.94615\)"):
        travel.matrix([WEST], [EAST], Mode.CAR, 0)


def test_a_place_must_be_on_both_maps_and_is_asked_for_once(
    travel: OsrmTravelTimes, server: StandIn
) -> None:
    with pytest.raises(TooFarFromRoadError, match="every road for mode 'car'"):
        travel.check_place(at(180, -600), Mode.CAR)
    assert server.asked == []
    for _ in range(3):
        travel.check_place(WEST, Mode.CAR)
    assert len(server.asked) == 1
