"""OSRM's HTTP interface over the service: by its own clients, unchanged, and by hand."""

from __future__ import annotations

import itertools
import json
import socket
from collections.abc import Iterator
from contextlib import closing
from typing import Any
from urllib.parse import quote

import numpy as np
import pytest
import routingpy
import shapely
from conftest import Town, until

from api.osrm_answer import simplified
from geo.city import find_city, load_city
from geo.errors import TooFarFromRoadError
from geo.external import PinnedServers
from geo.external_osrm import OsrmTravelTimes
from geo.travel import NetworkTravelTimes
from geo.types import LonLat, Mode

# In the middle of Helsinki, in an order that is none of theirs.
DOORS = [
    LonLat(24.9362, 60.1685),
    LonLat(24.9450, 60.1700),
    LonLat(24.9410, 60.1655),
    LonLat(24.9391, 60.1691),
]
FAR = LonLat(25.5, 60.2)


@pytest.fixture(scope="session")
def own() -> NetworkTravelTimes:
    """Return the same travel times without a service."""
    return NetworkTravelTimes(load_city(find_city("helsinki")).network)


def said(places: list[LonLat]) -> str:
    return ";".join(f"{lon:.6f},{lat:.6f}" for lon, lat in places)


def ask(town: Town, address: str, expect: int = 200) -> Any:
    """Ask for an address as it stands, query and all."""
    answer = town.http.get(address)
    assert answer.status_code == expect, f"{answer.status_code}: {answer.text}"
    return answer.json()


def host(town: Town) -> str:
    return f"127.0.0.1:{town.http.base_url.port}"


# --- their clients, unchanged --------------------------------------------------------------------


@pytest.fixture
def osrm(town: Town) -> Iterator[routingpy.OSRM]:
    made = routingpy.OSRM(base_url=f"http://{host(town)}")
    yield made
    made.client._session.close()


def test_routingpy_gets_the_engine_s_matrix(osrm: routingpy.OSRM, own: NetworkTravelTimes) -> None:
    expected = own.matrix(DOORS, DOORS, Mode.BIKE, 0)
    matrix = osrm.matrix([list(door) for door in DOORS], profile="cycling")
    assert matrix.durations == expected.duration_s.tolist()
    assert matrix.distances == expected.length_m.tolist()
    part = osrm.matrix(
        [list(door) for door in DOORS], profile="bike", sources=[3, 0], destinations=[1]
    )
    assert part.durations == expected.duration_s[[3, 0]][:, [1]].tolist()


@pytest.mark.parametrize("geometries", [None, "polyline", "polyline6", "geojson"])
def test_routingpy_gets_the_engine_s_route(
    geometries: str | None, osrm: routingpy.OSRM, own: NetworkTravelTimes
) -> None:
    legs = [own.route(a, b, Mode.CAR, 0) for a, b in itertools.pairwise(DOORS)]
    found = osrm.directions(
        [list(door) for door in DOORS],
        profile="driving",
        steps=True,
        annotations=True,
        overview="full",
        geometries=geometries,
        radiuses=[200] * len(DOORS),
        continue_straight=False,
        alternatives=False,
    )
    assert found.duration == sum(leg.duration_s for leg in legs)
    assert found.distance == sum(leg.length_m for leg in legs)
    line = [legs[0].points[0], *(point for leg in legs for point in leg.points[1:])]
    assert np.array(found.geometry) == pytest.approx(np.array(line), abs=6e-6)
    for told, leg in zip(found.raw["routes"][0]["legs"], legs, strict=True):
        names = [(step["maneuver"]["type"], step["name"]) for step in told["steps"]]
        assert names == [(step.maneuver, step.street) for step in leg.steps]
        assert sum(step["duration"] for step in told["steps"]) == told["duration"]
        assert sum(told["annotation"]["duration"]) == told["duration"]
        assert sum(told["annotation"]["distance"]) == pytest.approx(told["distance"], rel=0.01)
        assert len(told["summary"].split(", ")) == 2


def test_routingpy_asks_for_alternatives_and_gets_the_one_there_is(osrm: routingpy.OSRM) -> None:
    assert len(osrm.directions([list(door) for door in DOORS[:2]], alternatives=2)) == 1


def test_vroom_plans_on_the_engine_s_times(town: Town, own: NetworkTravelTimes) -> None:
    vroom = pytest.importorskip("vroom")
    problem = vroom.Input(servers={"car": host(town)}, geometry=True)
    start, *jobs = (vroom.LocationCoordinates(list(door)) for door in DOORS)
    problem.add_vehicle([vroom.Vehicle(1, start=start, end=start, profile="car")])
    problem.add_job([vroom.Job(number, location=job) for number, job in enumerate(jobs, 1)])
    solution = problem.solve(exploration_level=5, nb_threads=1)
    order = [0, *(int(job) for job in solution.routes["id"].dropna()), 0]
    matrix = own.matrix(DOORS, DOORS, Mode.CAR, 0)
    legs = list(itertools.pairwise(order))
    assert sorted(order) == [0, 0, 1, 2, 3]
    assert solution.summary.duration == sum(int(matrix.duration_s[leg]) for leg in legs)
    assert solution.summary.distance == sum(int(matrix.length_m[leg]) for leg in legs)


def test_vroom_s_own_words_are_answered_in_a_form_that_it_can_read(town: Town) -> None:
    """VROOM reads to the end of the connection and takes what stands between the first and last
    brace, headers and all: so no chunks, no braces in headers."""
    request = (
        f"GET /table/v1/car/{said(DOORS)}?annotations=duration,distance"
        f"&radiuses={';'.join(['35000'] * len(DOORS))} HTTP/1.1\r\n"
        "Host: 127.0.0.1\r\nAccept: */*\r\nConnection: close\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", town.http.base_url.port or 0), 20) as connection:
        connection.sendall(request.encode())
        answer = b"".join(iter(lambda: connection.recv(512), b"")).decode()
    found = json.loads(answer[answer.index("{") : answer.rindex("}") + 1])
    assert found["code"] == "Ok"
    assert len(found["durations"]) == len(found["distances"]) == len(DOORS)
    assert "transfer-encoding" not in answer.lower()


def test_our_own_client_gets_exactly_what_the_engine_has(
    town: Town, own: NetworkTravelTimes
) -> None:
    with closing(OsrmTravelTimes(own, f"http://{host(town)}")) as travel:
        check_same(travel.pinned(), own, host(town))


def check_same(travel: PinnedServers, own: NetworkTravelTimes, server: str) -> None:
    for mode in sorted(own.modes):
        for door in DOORS:
            travel.check_place(door, mode)
        theirs, ours = (source.matrix(DOORS, DOORS, mode, 0) for source in (travel, own))
        assert np.array_equal(theirs.duration_s, ours.duration_s)
        assert np.array_equal(theirs.length_m, ours.length_m)
        there, here = (source.route(DOORS[0], DOORS[1], mode, 0) for source in (travel, own))
        assert (there.duration_s, there.length_m) == (here.duration_s, here.length_m)
        assert there.streets == here.streets
        assert [(s.maneuver, s.modifier) for s in there.steps] == [
            (s.maneuver, s.modifier) for s in here.steps
        ]
        assert np.array(there.points[1:-1]) == pytest.approx(np.array(here.points[1:-1]), abs=6e-7)
    assert travel.version.count(f"=osrm:{server}@{own.version}") == len(own.modes)
    with pytest.raises(TooFarFromRoadError):
        travel.matrix([FAR], DOORS, Mode.CAR, 0)


# --- by hand -------------------------------------------------------------------------------------


def test_a_table_says_what_was_asked_and_no_more(town: Town, own: NetworkTravelTimes) -> None:
    expected = own.matrix(DOORS, DOORS, Mode.CAR, 0).duration_s
    plain = town.get(f"/table/v1/car/{said(DOORS)}")
    assert plain["durations"] == expected.tolist()
    assert "distances" not in plain
    assert plain["data_version"] == own.version
    assert plain["samehour"] == {"counts_access": True}
    doubled = town.get(
        f"/table/v1/driving/{said(DOORS)}.json",
        sources="all",
        destinations="2;0",
        scale_factor=2.5,
        fallback_speed=10,
        fallback_coordinate="snapped",
        skip_waypoints="true",
        generate_hints="false",
        hints=";;;",
        bearings=";0,180;;",
        approaches=";unrestricted;;",
        radiuses="unlimited;;200;",
        snapping="default",
        exclude="",
    )
    assert doubled["durations"] == (2.5 * expected[:, [2, 0]]).tolist()
    assert doubled["fallback_speed_cells"] == []
    assert "sources" not in doubled
    lengths = town.get(f"/table/v1/car/{said(DOORS)}", annotations="distance")
    assert "durations" not in lengths


def test_waypoints_are_where_trips_begin(town: Town, own: NetworkTravelTimes) -> None:
    table = town.get(f"/table/v1/car/{said(DOORS)}", sources="1")
    assert [len(table["sources"]), len(table["destinations"])] == [1, 4]
    route = town.get(f"/route/v1/car/{said(DOORS[:2])}")
    assert route["waypoints"] == table["destinations"][:2]
    (nearest,) = town.get(f"/nearest/v1/car/{said(DOORS[1:2])}")["waypoints"]
    assert nearest == table["sources"][0]
    way = own.route(DOORS[1], DOORS[0], Mode.CAR, 0)
    assert nearest["location"] == pytest.approx(way.points[1], abs=1e-6)
    assert nearest["name"] == way.streets[0]
    again = town.get(f"/nearest/v1/car/{nearest['location'][0]},{nearest['location'][1]}")
    assert again["waypoints"][0]["distance"] < 0.2


def test_the_streets_near_a_place_are_told_nearest_first(town: Town) -> None:
    found = town.get(f"/nearest/v1/foot/{said(DOORS[:1])}", number=5)["waypoints"]
    away = [waypoint["distance"] for waypoint in found]
    assert len(found) == 5
    assert away == sorted(away)
    near = town.get(f"/nearest/v1/foot/{said(DOORS[:1])}", number=100, radiuses=away[2])
    assert 2 <= len(near["waypoints"]) <= 5


def test_coordinates_may_come_as_a_polyline(town: Town) -> None:
    for form in ("polyline", "polyline6"):
        told = town.get(f"/route/v1/bike/{said(DOORS)}", overview="full", geometries=form)
        line = told["routes"][0]["geometry"]
        answer = town.get(f"/table/v1/bike/{form}({quote(line, safe='')})", sources="0")
        assert answer["durations"][0][0] == 0


def test_an_overview_is_simplified_unless_it_is_wanted_whole_or_not_at_all(town: Town) -> None:
    def line(overview: str) -> Any:
        route = town.get(f"/route/v1/bike/{said(DOORS)}", overview=overview, geometries="geojson")[
            "routes"
        ][0]
        return route["geometry"]["coordinates"] if "geometry" in route else None

    full, short = line("full"), line("simplified")
    assert line("false") is None
    assert len(short) < len(full)
    assert (short[0], short[-1]) == (full[0], full[-1])


def test_a_simplified_line_is_off_by_less_than_a_pixel() -> None:
    angle = np.linspace(0, np.pi, 500)
    line = np.stack([24.9 + 0.02 * np.cos(angle), 60.0 + 0.01 * np.sin(angle)], axis=1)
    short = simplified(line)
    assert len(short) < 50
    off = shapely.hausdorff_distance(shapely.LineString(short), shapely.LineString(line))
    assert off < 0.04 / 1000


def test_steps_join_up_and_say_where_to_turn(town: Town, own: NetworkTravelTimes) -> None:
    told = town.get(
        f"/route/v1/car/{said(DOORS[:2])}", steps="true", overview="full", geometries="geojson"
    )["routes"][0]
    steps = told["legs"][0]["steps"]
    lines = [step["geometry"]["coordinates"] for step in steps]
    assert all(a[-1] == b[0] for a, b in itertools.pairwise(lines))
    assert all(len(line) >= 2 for line in lines)
    assert lines[-1][0] == lines[-1][1] == told["geometry"]["coordinates"][-1]
    assert [step["maneuver"]["type"] for step in steps][:: len(steps) - 1] == ["depart", "arrive"]
    for step in steps:
        assert step["maneuver"]["location"] == step["geometry"]["coordinates"][0]
        first = step["intersections"][0]
        assert first["location"] == step["maneuver"]["location"]
        assert len(first["bearings"]) == len(first["entry"])
        if "out" in first:
            assert first["bearings"][first["out"]] == step["maneuver"]["bearing_after"]
    turns = [step["maneuver"] for step in steps if step["maneuver"]["type"] == "turn"]
    assert turns
    assert all("modifier" in turn for turn in turns)


@pytest.mark.parametrize(
    ("path", "code", "message"),
    [
        ("/route/v1/car/{a};{far}", "NoSegment", "segment for coordinate 1: (60.20000, 25.50000)"),
        ("/table/v1/car/{far};{a}", "NoSegment", "segment for coordinate 0: "),
        ("/table/v1/car/{a};{b}?radiuses=0.01;", "NoSegment", "coordinate 0: "),
        ("/nearest/v1/car/{far}", "NoSegment", "more than 250 m"),
        ("/route/v2/car/{a};{b}", "InvalidVersion", "v2"),
        ("/match/v1/car/{a};{b}", "InvalidService", "match"),
        ("/trip/v1/car/{a};{b}", "InvalidService", "trip"),
        ("/route/v1/truck/{a};{b}", "InvalidOptions", "profile 'truck' is not known"),
        ("/route/v1/car/{a}", "InvalidOptions", "at least two"),
        ("/route/v1/car", "InvalidUrl", "'v1/car'"),
        ("/route/v1/car/{a};{b}.flatbuffers", "InvalidOptions", "flatbuffers"),
        ("/route/v1/car/{a};oops", "InvalidQuery", "coordinate 1 is 'oops'"),
        ("/route/v1/car/{a};1,nan", "InvalidQuery", "coordinate 1"),
        ("/route/v1/car/{a};1,91", "InvalidValue", "Invalid coordinate value"),
        ("/route/v1/car/{a};1e999,9", "InvalidValue", "coordinate 1"),
        ("/route/v1/car/polyline(_p~iF)", "InvalidQuery", "middle of a point"),
        ("/route/v1/car/polyline()", "InvalidQuery", "no coordinate"),
        ("/route/v1/car/{a};{b}?steps=yes", "InvalidQuery", "steps=yes is neither true nor false"),
        ("/route/v1/car/{a};{b}?step=true", "InvalidQuery", "no option 'step'"),
        ("/route/v1/car/{a};{b}?steps=true&steps=false", "InvalidQuery", "'steps' is given twice"),
        ("/route/v1/car/{a};{b}?overview=all", "InvalidQuery", "full, simplified, false"),
        ("/route/v1/car/{a};{b}?geometries=wkt", "InvalidQuery", "geojson"),
        ("/route/v1/car/{a};{b}?alternatives=-1", "InvalidQuery", "alternatives"),
        ("/route/v1/car/{a};{b}?annotations=nodes", "InvalidOptions", "annotations=nodes is not"),
        ("/route/v1/car/{a};{b};{a}?continue_straight=true", "InvalidOptions", "not offered"),
        ("/route/v1/car/{a};{b};{a}?waypoints=0;2", "InvalidOptions", "waypoints is not offered"),
        ("/route/v1/car/{a};{b}?bearings=0,20;", "InvalidOptions", "bearings is not offered"),
        ("/route/v1/car/{a};{b}?bearings=x;", "InvalidQuery", "no pair of integers"),
        ("/route/v1/car/{a};{b}?bearings=400,20;", "InvalidOptions", "out of 0 to 360"),
        ("/route/v1/car/{a};{b}?approaches=curb;", "InvalidOptions", "approaches=curb is not"),
        ("/route/v1/car/{a};{b}?exclude=toll", "InvalidValue", "exclude is not offered"),
        ("/route/v1/car/{a};{b}?snapping=any", "InvalidOptions", "snapping=any is not offered"),
        ("/route/v1/car/{a};{b}?radiuses=5", "InvalidOptions", "size 1 does not match"),
        ("/route/v1/car/{a};{b}?radiuses=-5;5", "InvalidQuery", "radius '-5'"),
        ("/table/v1/car/{a};{b}?sources=0;2", "InvalidOptions", "index 2 is out of 0 to 1"),
        ("/table/v1/car/{a};{b}?sources=", "InvalidQuery", "sources= is neither"),
        ("/table/v1/car/{a};{b}?annotations=nodes", "InvalidQuery", "duration, distance"),
        ("/table/v1/car/{a};{b}?scale_factor=0", "InvalidOptions", "> 0"),
        ("/table/v1/car/{a};{b}?fallback_speed=fast", "InvalidQuery", "no number"),
        ("/table/v1/car/{a};{b}?annotations=distance&scale_factor=2", "InvalidOptions", "duration"),
        ("/nearest/v1/car/{a}?number=0", "InvalidOptions", ">= 1"),
        ("/nearest/v1/car/{a}?number=101", "TooBig", "maximum (100)"),
        ("/nearest/v1/car/{a};{b}", "InvalidOptions", "one coordinate, not 2"),
    ],
)
def test_what_cannot_be_answered_is_refused_in_osrm_s_form(
    path: str, code: str, message: str, town: Town
) -> None:
    names = {"a": said(DOORS[:1]), "b": said(DOORS[1:2]), "far": said([FAR])}
    answer = ask(town, path.format(**names), 400)
    assert set(answer) == {"code", "message"}
    assert answer["code"] == code
    assert message in answer["message"]


def test_too_much_at_once_is_refused_before_it_is_worked_out(town: Town) -> None:
    many = ";".join(["0"] * 1001)
    answer = ask(town, f"/table/v1/car/{said(DOORS[:2])}?sources={many}&destinations={many}", 400)
    assert answer["code"] == "TooBig"
    assert "1002001 pairs; ask for at most 1000000" in answer["message"]
    # the shortest coordinates there are, to keep the address short
    places = ";".join(["9,9"] * 501)
    assert town.get(f"/route/v1/car/{places}", 400)["code"] == "TooBig"


def test_a_thousand_places_fit_into_one_table(town: Town, own: NetworkTravelTimes) -> None:
    places = [LonLat(24.935 + 1e-5 * n, 60.168) for n in range(1000)]
    query = "sources=0;999&annotations=duration,distance"
    answer = ask(town, f"/table/v1/foot/{said(places)}?{query}")
    expected = own.matrix([places[0], places[-1]], places, Mode.WALK, 0)
    assert answer["durations"] == expected.duration_s.tolist()
    assert answer["distances"] == expected.length_m.tolist()


def test_without_the_key_osrm_s_clients_are_told_so_in_words_they_read(own_town: Town) -> None:
    key = "a-key-for-these-tests-only"
    own_town.start(environ={"SAMEHOUR_API_KEY": key})
    path = f"/table/v1/car/{said(DOORS)}"
    refused = own_town.get(path, 401)
    assert (refused["code"], refused["message"]) == ("unauthorized", refused["detail"])
    headers = {"Authorization": f"Bearer {key}"}
    assert own_town.http.get(path, headers=headers).json()["code"] == "Ok"


# --- the service as the client of another --------------------------------------------------------


@pytest.fixture
def served_town(town: Town, own_town: Town) -> Iterator[Town]:
    """Return a service that asks another one for bicycles."""
    return own_town.start("--port", "0", "--travel-server", f"bike=osrm+http://{host(town)}")


def last_plan(town: Town) -> str:
    events = town.get("/v1/events", limit=1000)["data"]
    plans = [event for event in events if event["type"] == "PlanPublished"]
    return str(plans[-1]["data"]["travel_version"]) if plans else ""


def test_a_plan_records_the_server_that_answered(
    served_town: Town, town: Town, own: NetworkTravelTimes
) -> None:
    stores = served_town.stock()
    served_town.courier(stores[0]["location"])
    served_town.post("/v1/orders", served_town.basket(), 201)
    version = until(lambda: last_plan(served_town), "a plan is published")
    assert version == f"{own.version}+bike=osrm:{host(town)}@{own.version}"
    state = served_town.get("/readyz")["travel_servers"]
    assert state == [{"mode": "bike", "kind": "osrm", "condition": "answering"}]
