"""`POST /v1/solve` over a real service: by openrouteservice's client, unchanged, and by hand."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import openrouteservice
import pytest
from conftest import Town, until
from openrouteservice.optimization import Job, Shipment, ShipmentStep, Vehicle
from test_metrics_over_http import of, scraped

from geo.city import find_city, load_city
from geo.travel import NetworkTravelTimes
from geo.types import LonLat, Mode

FIRST_S = 180
"""On a new machine the first problem waits for the solver to be compiled."""

DEPOT = [24.9362, 60.1685]
DOORS = [[24.9450, 60.1700], [24.9410, 60.1655], [24.9391, 60.1691]]


@pytest.fixture
def ready(town: Town) -> Town:
    """Return the town with its solver at work."""
    problem = {"vehicles": [{"id": 1, "start": DEPOT}], "jobs": [{"id": 1, "location": DOORS[0]}]}

    def is_ready() -> bool:
        return town.http.post("/v1/solve", json=problem, timeout=FIRST_S).status_code == 200

    until(is_ready, "the solver is ready", FIRST_S)
    return town


@pytest.fixture
def client(ready: Town) -> Iterator[openrouteservice.Client]:
    made = openrouteservice.Client(base_url=f"{str(ready.http.base_url).rstrip('/')}/v1")
    yield made
    made._session.close()


def test_openrouteservice_s_client_gets_tours_on_our_own_roads(
    client: openrouteservice.Client,
) -> None:
    jobs = [
        Job(id=number, location=door, service=60, amount=[1], priority=number)
        for number, door in enumerate(DOORS)
    ]
    fetched = ShipmentStep(id=8, location=DOORS[0], service=30)
    brought = ShipmentStep(id=9, location=DOORS[2], time_windows=[[0, 36_000]])
    vehicles = [
        Vehicle(
            id=number,
            profile="cycling-regular",
            start=DEPOT,
            end=DEPOT,
            capacity=[3],
            skills=[1],
            time_window=[0, 36_000],
        )
        for number in (1, 2)
    ]
    answer = client.optimization(
        jobs=jobs,
        shipments=[Shipment(fetched, brought, amount=[1], skills=[1], priority=5)],
        vehicles=vehicles,
        geometry=True,
    )
    assert answer["code"] == 0
    assert answer["unassigned"] == []
    own = NetworkTravelTimes(load_city(find_city("helsinki")).network)
    for route in answer["routes"]:
        places = [LonLat(*step["location"]) for step in route["steps"]]
        legs = [own.route(here, there, Mode.BIKE, 0) for here, there in pairwise(places)]
        assert route["duration"] == sum(leg.duration_s for leg in legs)
        assert route["distance"] == sum(leg.length_m for leg in legs)
        line = openrouteservice.convert.decode_polyline(route["geometry"])["coordinates"]
        assert line[0] == pytest.approx(DEPOT, abs=2e-3)
        assert len(line) > len(places)


def test_openrouteservice_s_client_may_bring_a_matrix(client: openrouteservice.Client) -> None:
    answer = client.optimization(
        jobs=[Job(id=1, location_index=1), Job(id=2, location_index=2)],
        vehicles=[Vehicle(id=1, start_index=0, end_index=0)],
        matrix=[[0, 5, 9], [5, 0, 2], [9, 2, 0]],
    )
    assert answer["summary"]["cost"] == 16


def test_openrouteservice_s_client_is_told_what_is_refused(
    client: openrouteservice.Client,
) -> None:
    with pytest.raises(openrouteservice.exceptions.ApiError) as caught:
        client.optimization(
            jobs=[Job(id=1, location=[2.35, 48.85])], vehicles=[Vehicle(id=1, start=DEPOT)]
        )
    assert caught.value.status == 422
    assert caught.value.message["code"] == "place_unusable"
    assert "48.85" in caught.value.message["error"]


def test_the_example_of_the_api_document_is_solved(ready: Town) -> None:
    document = ready.get("/openapi.json")
    for path in ("/v1/solve", "/v1/optimization"):
        body = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]
        answer = ready.post(path, body["example"])
        assert answer["unassigned"] == []
        assert answer["summary"]["cost"] == 270  # out to the store, on to the door, and back


def test_an_unknown_field_is_a_problem_with_a_pointer(ready: Town) -> None:
    body: dict[str, Any] = {
        "vehicles": [{"id": 1, "start": DEPOT, "wings": 2}],
        "jobs": [{"id": 1}],
    }
    told = ready.post("/v1/solve", body, 422)
    assert told["code"] == "invalid_request"
    assert told["pointer"] == "/vehicles/0/wings"
    assert "wings" in told["detail"]


def test_what_is_no_json_is_said_so(ready: Town) -> None:
    answer = ready.http.post(
        "/v1/solve", content=b"{", headers={"content-type": "application/json"}
    )
    assert answer.status_code == 400
    assert answer.json()["code"] == "malformed_body"


def test_the_service_answers_while_it_solves_and_forgets_who_went(ready: Town) -> None:
    size = 60
    table = [[abs(a - b) * 7 % 97 + 1 if a != b else 0 for a in range(size)] for b in range(size)]
    problem = {
        "vehicles": [{"id": 1, "start_index": 0, "end_index": 0}],
        "jobs": [{"id": number, "location_index": number} for number in range(1, size)],
        "matrices": {"car": {"durations": table}},
        "samehour": {"rounds": 10_000_000},
    }
    body = json.dumps(problem).encode()
    port = ready.http.base_url.port
    assert port is not None
    with socket.create_connection(("127.0.0.1", port)) as gone:
        head = f"POST /v1/solve HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n"
        gone.sendall(head.encode() + body)
        assert ready.get("/v1/zones")["data"]
    # Whoever went is given up long before the limit of ten seconds: the next one is not behind it.
    told = ready.post("/v1/solve", {**problem, "samehour": {"rounds": 10}})
    assert told["summary"]["samehour"]["cut_short"] is False


def test_a_limit_of_time_is_kept_and_told(ready: Town) -> None:
    problem = {
        "vehicles": [{"id": 1, "start": DEPOT, "end": DEPOT}],
        "jobs": [{"id": n, "location": door} for n, door in enumerate(DOORS)],
        "options": {"l": 0.2},
        "samehour": {"rounds": 10_000_000},
    }
    summary = ready.post("/v1/solve", problem)["summary"]
    assert summary["samehour"]["cut_short"] is True
    assert summary["unassigned"] == 0


def test_problems_are_counted_refused_ones_by_their_code(ready: Town) -> None:
    good = {"vehicles": [{"id": 1, "start": DEPOT}], "jobs": [{"id": 1, "location": DOORS[0]}]}
    before = scraped(ready)
    ready.post("/v1/solve", good)
    ready.post("/v1/solve", {**good, "vehicles": [{"id": 1, "wings": 2}]}, 422)
    after = scraped(ready)

    def grown(name: str, **labels: str) -> float:
        sample = of(name, zone="helsinki", **labels)
        return after[sample] - before.get(sample, 0)

    assert grown("samehour_solves_total") == 2
    assert grown("samehour_solves_refused_total", code="invalid_request") == 1
    assert grown("samehour_solve_duration_seconds_count") == 2
    assert grown("samehour_solve_wait_seconds_count") == 2
    assert after[of("samehour_solves_running", zone="helsinki")] == 0


def test_a_problem_that_is_being_solved_and_one_that_waits_are_told(ready: Town) -> None:
    long = {
        "vehicles": [{"id": 1, "start": DEPOT, "end": DEPOT}],
        "jobs": [{"id": n, "location": door} for n, door in enumerate(DOORS)],
        "options": {"l": 8},
        "samehour": {"rounds": 10_000_000},
    }
    body = json.dumps(long).encode()
    head = f"POST /v1/solve HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n"
    port = ready.http.base_url.port
    assert port is not None
    running = of("samehour_solves_running", zone="helsinki")
    waiting = of("samehour_solves_waiting", zone="helsinki")
    with (
        socket.create_connection(("127.0.0.1", port)) as first,
        socket.create_connection(("127.0.0.1", port)) as second,
    ):
        for each in (first, second):
            each.sendall(head.encode() + body)

        def both() -> bool:
            found = scraped(ready)
            return (found[running], found[waiting]) == (1, 1)

        until(both, "one is being solved and one waits")

    def none() -> bool:
        found = scraped(ready)
        return (found[running], found[waiting]) == (0, 0)

    until(none, "both are forgotten with their clients")
