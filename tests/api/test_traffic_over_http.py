"""Closing streets and reporting speeds on a running service: times go round at once."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import Town, over

from dispatch.codec import from_rfc3339
from geo.city import City, load_city
from geo.network import RoadNetwork
from geo.travel import NetworkTravelTimes
from geo.types import LonLat, Mode


@pytest.fixture(scope="module")
def city() -> City:
    return load_city("helsinki")


@pytest.fixture
def slow_town(tmp_path: Path) -> Iterator[Town]:
    """Return a service whose clock runs as ours does, so that two quotes can be compared."""
    made = Town(tmp_path, speed=1).start()
    yield made
    made.kill()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    made = Town(tmp_path_factory.mktemp("traffic"), speed=1).start()
    yield made
    over(made)


def quote(town: Town) -> dict[str, Any]:
    basket = town.basket()
    asked = {key: basket[key] for key in ("dropoff", "lines", "weight_g")}
    answer: dict[str, Any] = town.post("/v1/quotes", asked, 201)
    return answer


def way_there(city: City, store: dict[str, Any], door: dict[str, float]) -> LonLat:
    """Return a place half-way between a store and a door, on the bicycle's street."""
    travel = NetworkTravelTimes(city.network)
    origin = LonLat(store["location"]["lng"], store["location"]["lat"])
    route = travel.route(origin, LonLat(door["lng"], door["lat"]), Mode.BIKE, 0)
    return route.points[len(route.points) // 2]


def area_around(place: LonLat, reach: float = 0.0006) -> list[dict[str, float]]:
    return [
        {"lat": place.lat + dy * reach, "lng": place.lon + dx * 2 * reach}
        for dx, dy in ((-1, -1), (1, -1), (1, 1), (-1, 1))
    ]


def test_a_closure_changes_the_promise_and_its_end_changes_it_back(
    slow_town: Town, city: City
) -> None:
    town = slow_town
    stores = {store["id"]: store for store in town.stock()}
    town.courier(next(iter(stores.values()))["location"])
    before = quote(town)
    door = town.basket()["dropoff"]["location"]
    middle = way_there(city, stores[before["store_id"]], door)
    free = town.get("/v1/traffic")

    asked = {"polygon": area_around(middle), "modes": ["bike"], "reason": "a burst main"}
    preview = town.post("/v1/closures/preview", asked)
    assert preview["length_m"] > 0
    assert town.get("/v1/closures")["data"] == []
    assert town.get("/v1/traffic")["version"] == free["version"]

    closed = town.post("/v1/closures", asked, 201)
    assert closed["streets"] == preview["streets"]
    assert closed["lines"] == preview["lines"]
    assert town.get("/v1/closures")["data"] == [closed]
    assert town.get("/v1/traffic")["version"] != free["version"]
    during = quote(town)
    assert from_rfc3339(during["eta"]) >= from_rfc3339(before["eta"]) + 15

    town.kill()
    town.start()
    assert town.get("/v1/closures")["data"] == [closed]
    assert town.get("/v1/traffic")["closures"] == 1

    opened = town.http.delete(f"/v1/closures/{closed['id']}")
    assert opened.json() == closed
    assert town.get("/v1/closures")["data"] == []
    assert town.get("/v1/traffic")["version"] == free["version"]


@pytest.fixture
def slow_town_on(tmp_path: Path, ledger_name: str) -> Iterator[Town]:
    made = Town(tmp_path, ledger=ledger_name, speed=1).start()
    yield made
    made.kill()


def test_speeds_that_were_seen_count_at_once_and_survive_a_restart(
    slow_town_on: Town, city: City
) -> None:
    town = slow_town_on
    free = town.get("/v1/traffic")
    ways = some_ways(city.network)
    told = town.post(
        "/v1/traffic/observations",
        {
            "observations": [
                {"way_id": way, "speed_kmh": 4, "modes": ["bike", "car"]} for way in ways
            ]
        },
    )
    assert told["readings"] >= len(ways)
    assert told["version"] != free["version"]
    assert town.get("/v1/traffic")["readings"] == told["readings"]
    town.stop()
    town.start()
    assert town.get("/v1/traffic")["readings"] == told["readings"]


def some_ways(network: RoadNetwork) -> list[int]:
    both = (network.times_ds(Mode.BIKE) > 0).all(axis=0) & (network.times_ds(Mode.CAR) > 0).all(
        axis=0
    )
    return sorted(set(network.arrays.edge_way[both].tolist()))[:20]


@pytest.mark.parametrize(
    ("asked", "code", "words"),
    [
        ({}, "invalid_request", "one of point, line, polygon and way_ids, not none"),
        ({"point": {"lat": 10.0, "lng": 24.9}}, "closure_refused", "farther than 30 m"),
        ({"way_ids": [5]}, "closure_refused", "way 5"),
        ({"point": {"lat": 60.17, "lng": 24.94}, "modes": []}, "invalid_request", "at least 1"),
        (
            {"point": {"lat": 60.17, "lng": 24.94}, "until": "2020-01-01T00:00:00Z"},
            "invalid_value",
            "is past",
        ),
    ],
)
def test_a_closure_that_cannot_be_is_refused_with_the_remedy(
    shared: Town, asked: dict[str, Any], code: str, words: str
) -> None:
    answer = shared.post("/v1/closures", asked, 422)
    assert answer["code"] == code
    assert words in answer["detail"]
    assert shared.get("/v1/closures")["data"] == []


@pytest.mark.parametrize(
    ("seen", "code", "words"),
    [
        ({"way_id": 5, "speed_kmh": 10, "modes": ["car"]}, "observation_refused", "way 5"),
        ({"way_id": 5, "speed_kmh": -1, "modes": ["car"]}, "invalid_request", "greater than 0"),
        (
            {
                "type": "Feature",
                "geometry": {"type": "Point", "coordinates": [24.94, 60.17]},
                "properties": {"speed_kmh": 10, "mode": "car"},
            },
            "observation_refused",
            "must be a linestring",
        ),
        (
            {
                "line": [{"lat": 60.17, "lng": 24.94}, {"lat": 60.171, "lng": 24.94}],
                "speed_kmh": 150,
                "modes": ["bike"],
            },
            "observation_refused",
            "150",
        ),
    ],
)
def test_a_speed_that_cannot_be_is_refused_and_nothing_is_taken(
    shared: Town, seen: dict[str, Any], code: str, words: str
) -> None:
    answer = shared.post("/v1/traffic/observations", {"observations": [seen]}, 422)
    assert answer["code"] == code
    assert words in str(answer).lower()
    assert shared.get("/v1/traffic")["readings"] == 0


def test_an_unknown_closure_cannot_be_opened(shared: Town) -> None:
    answer = shared.http.delete("/v1/closures/clo_nowhere")
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_id")


def test_a_speed_may_come_as_a_geojson_feature(slow_town: Town, city: City) -> None:
    line = main_street(city.network)
    feature = {
        "type": "Feature",
        "geometry": {"type": "LineString", "coordinates": line},
        "properties": {"speed_kmh": 5, "modes": ["car"]},
    }
    told = slow_town.post("/v1/traffic/observations", {"observations": [feature]})
    assert told["readings"] >= 1
    track = {
        "mode": "car",
        "track": [
            {"location": {"lat": lat, "lng": lng}, "at": f"2026-11-20T13:{minute:02}:00Z"}
            for minute, (lng, lat) in enumerate(line)
        ],
    }
    slow_town.post("/v1/traffic/observations", {"observations": [track]})


def main_street(network: RoadNetwork) -> list[list[float]]:
    """Return the line of the longest two-way edge for cars."""
    usable = (network.times_ds(Mode.CAR) > 0).all(axis=0)
    edge = int((network.arrays.edge_length_dm * usable).argmax())
    line: list[list[float]] = network.line(edge).tolist()
    return line


def test_usual_speeds_are_read_at_start_or_refused_with_every_problem(
    tmp_path: Path, own_town: Town
) -> None:
    profile = tmp_path / "rush-hour.toml"
    profile.write_text(PROFILE.format(factor=0.5), encoding="utf-8")
    own_town.start("--port", "0", "--speed-profile", str(profile))
    assert "+t" in own_town.get("/v1/traffic")["version"]
    own_town.stop()
    profile.write_text(PROFILE.format(factor=-1), encoding="utf-8")
    done = subprocess.run(
        own_town.command("--port", "0", "--speed-profile", str(profile)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "rush-hour.toml" in done.stderr


PROFILE = """\
title = "Rush hour"
source = "a test"

[[speeds]]
modes = ["car"]
by_hour = [{factor}, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]
"""
