"""Routing servers that fail, and what our own network does then: no figure from two sources."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from plane_server import (  # noqa: F401  fixtures are used by their names
    BY_PLANE,
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
from stand_in import Reply, StandIn, as_json, stand_in

from geo.errors import TravelServerError
from geo.external import ServedTravelTimes
from geo.external_http import ServerLimits
from geo.external_osrm import OsrmServer, OsrmTravelTimes
from geo.travel import NetworkTravelTimes
from geo.types import Mode

NONSENSE: dict[str, Callable[[dict[str, Any]], Any]] = {
    "a page": lambda _: Reply(b"<html>It works!</html>"),
    "nothing": lambda _: Reply(b""),
    "half an answer": lambda answer: Reply(json.dumps(answer).encode()[:-9]),
    "another page": lambda _: Reply(b"<html>not here</html>", 404),
    "a way elsewhere": lambda _: Reply(b"", 302, (("Location", "http://127.0.0.1:1/"),)),
    "not a number": lambda answer: Reply(
        re.sub(r'"durations": \[\[0\.0', '"durations": [[NaN', json.dumps(answer)).encode()
    ),
    "a negative time": lambda answer: {**answer, "durations": [[-1.0] * 3] * 3},
    "an endless time": lambda answer: {**answer, "durations": [[1e12] * 3] * 3},
    "words for times": lambda answer: {**answer, "durations": [["1"] * 3] * 3},
    "a row too few": lambda answer: {**answer, "durations": answer["durations"][:2]},
    "a cell too few": lambda answer: {**answer, "distances": [[0.0, 1.0]] * 3},
    "no lengths": lambda answer: {k: v for k, v in answer.items() if k != "distances"},
    "a source too few": lambda answer: {**answer, "sources": answer["sources"][:2]},
    "a refusal": lambda _: as_json({"code": "TooBig", "message": "Too many coordinates"}, 400),
    "a list": lambda _: as_json([1, 2, 3]),
    "brackets": lambda _: Reply(b"[" * 100_000),
}


@pytest.mark.parametrize("kind", NONSENSE)
def test_nonsense_counts_as_a_failure_and_our_own_network_answers(
    kind: str, own: NetworkTravelTimes, travel: OsrmTravelTimes, plane: Plane, server: StandIn
) -> None:
    plane.change = NONSENSE[kind]
    snapshot = travel.pinned()
    assert seconds(snapshot) == seconds(own)
    assert snapshot.version == "town-1+car=built-in"
    assert len(server.asked) == 1  # asking again would not make it better
    assert travel.servers()[0].condition == "failing"
    assert server.name in travel.servers()[0].last_failure


@pytest.mark.parametrize(
    "geometry", ["_ibE_ibE_", "", {"type": "LineString", "coordinates": [[999.0, 60.0]]}, 7]
)
def test_a_route_whose_line_is_none_counts_as_a_failure(
    geometry: Any, own: NetworkTravelTimes, travel: OsrmTravelTimes, plane: Plane
) -> None:
    def spoilt(answer: dict[str, Any]) -> dict[str, Any]:
        answer["routes"][0]["legs"][0]["steps"][0]["geometry"] = geometry
        return answer

    plane.change = spoilt
    assert travel.route(WEST, EAST, Mode.CAR, 0) == own.route(WEST, EAST, Mode.CAR, 0)
    assert "geometry" in travel.servers()[0].last_failure


def test_a_server_that_stumbles_is_asked_again_after_a_pause(
    own: NetworkTravelTimes, plane: Plane, server: StandIn, clock: Clock
) -> None:
    pauses: list[float] = []
    travel = OsrmTravelTimes(
        own,
        {Mode.CAR: server.url},
        limits=ServerLimits(attempts=3, pause_s=0.05),
        sleep=pauses.append,
        clock=clock,
    )
    stumbles = iter([Reply(b"", 503), Reply(b"", 429)])
    plane.change = lambda answer: next(stumbles, answer)
    assert seconds(travel) == BY_PLANE
    assert len(server.asked) == 3
    assert pauses == pytest.approx([0.05, 0.1])
    assert travel.servers()[0].condition == "answering"


def test_a_silent_server_is_given_up(
    own: NetworkTravelTimes, plane: Plane, server: StandIn, clock: Clock
) -> None:
    over = threading.Event()

    def silent(answer: dict[str, Any]) -> dict[str, Any]:
        over.wait()
        return answer

    plane.change = silent
    travel = by_server(own, server, clock, read_s=0.05)
    try:
        assert seconds(travel) == seconds(own)
        assert "was silent for longer than 0.05 s" in travel.servers()[0].last_failure
        assert len(server.asked) == 2
    finally:
        over.set()


def test_a_question_has_its_time_whatever_its_parts_take(
    own: NetworkTravelTimes, plane: Plane, server: StandIn, clock: Clock
) -> None:
    def slow(answer: dict[str, Any]) -> dict[str, Any]:
        clock.now += 2.0
        return answer

    plane.change = slow
    travel = by_server(own, server, clock, table_cells=1, whole_s=7.0)
    assert seconds(travel) == seconds(own)
    assert len(server.asked) == 4  # of nine parts
    assert "took longer than 7 s" in travel.servers()[0].last_failure


def test_an_endless_answer_is_given_up(
    own: NetworkTravelTimes, server: StandIn, clock: Clock
) -> None:
    travel = by_server(own, server, clock, answer_bytes=100)
    assert seconds(travel) == seconds(own)
    assert "more than 100 bytes" in travel.servers()[0].last_failure


def test_a_server_that_is_down_is_left_alone_and_taken_back_when_it_is_up(
    own: NetworkTravelTimes, server: StandIn, travel: OsrmTravelTimes, clock: Clock
) -> None:
    def condition() -> str:
        return travel.servers()[0].condition

    assert condition() == "not asked yet"
    assert seconds(travel) == BY_PLANE
    assert travel.version == f"town-1+car=osrm:{server.name}@plane-1"
    server.down()
    assert seconds(travel) == seconds(own)
    assert condition() == "failing"
    assert seconds(travel) == seconds(own)
    assert condition() == "left alone"
    assert travel.version == "town-1+car=built-in"
    server.up()
    asked = len(server.asked)
    clock.now += 29.0
    assert seconds(travel) == seconds(own)
    assert len(server.asked) == asked
    clock.now += 1.5
    assert seconds(travel) == BY_PLANE
    assert condition() == "answering"


def test_places_that_are_remembered_do_not_hide_that_a_server_fails(
    own: NetworkTravelTimes, plane: Plane, server: StandIn, travel: OsrmTravelTimes, clock: Clock
) -> None:
    travel.check_place(WEST, Mode.CAR)
    plane.change = NONSENSE["a page"]
    for _ in range(2):
        snapshot = travel.pinned()
        snapshot.check_place(WEST, Mode.CAR)
        assert seconds(snapshot) == seconds(own)
    assert travel.servers()[0].condition == "left alone"
    clock.now += 30.5
    travel.check_place(WEST, Mode.CAR)
    assert travel.servers()[0].condition == "left alone"


def test_a_failed_trial_leaves_the_server_alone_again(
    own: NetworkTravelTimes, plane: Plane, server: StandIn, travel: OsrmTravelTimes, clock: Clock
) -> None:
    plane.change = NONSENSE["a page"]
    for _ in range(2):
        seconds(travel)
    clock.now += 30.5
    asked = len(server.asked)
    assert seconds(travel) == seconds(own)
    assert len(server.asked) == asked + 1
    plane.change = lambda answer: answer
    assert seconds(travel) == seconds(own)
    assert len(server.asked) == asked + 1


# --- one source for one snapshot -----------------------------------------------------------------


def test_a_snapshot_that_fell_back_stays_with_our_own_network(
    own: NetworkTravelTimes, plane: Plane, travel: OsrmTravelTimes
) -> None:
    snapshot = travel.pinned()
    plane.change = NONSENSE["a page"]
    snapshot.check_place(WEST, Mode.CAR)
    plane.change = lambda answer: answer
    assert seconds(snapshot) == seconds(own)
    assert snapshot.route(WEST, EAST, Mode.CAR, 0) == own.route(WEST, EAST, Mode.CAR, 0)
    assert snapshot.version == "town-1+car=built-in"
    assert seconds(travel.pinned()) == BY_PLANE


def test_a_snapshot_that_has_the_server_s_figures_gets_no_others(
    plane: Plane, travel: OsrmTravelTimes
) -> None:
    snapshot = travel.pinned()
    assert seconds(snapshot) == BY_PLANE
    plane.change = NONSENSE["a page"]
    with pytest.raises(TravelServerError, match="not mixed with others"):
        seconds(snapshot)
    plane.change = lambda answer: answer
    plane.data = "plane-2"
    with pytest.raises(TravelServerError, match="changed its map from 'plane-1' to 'plane-2'"):
        snapshot.route(WEST, EAST, Mode.CAR, 0)
    anew = travel.pinned()
    assert seconds(anew) == BY_PLANE
    assert anew.version.endswith("@plane-2")


def test_a_table_of_two_maps_is_not_put_together(
    own: NetworkTravelTimes, plane: Plane, server: StandIn, clock: Clock
) -> None:
    versions = iter(f"plane-{number}" for number in range(100))
    plane.change = lambda answer: {**answer, "data_version": next(versions)}
    travel = by_server(own, server, clock, table_cells=4)
    assert seconds(travel) == seconds(own)
    assert "changed its map" in travel.servers()[0].last_failure


def test_each_mode_has_its_own_source(own: NetworkTravelTimes, server: StandIn) -> None:
    with stand_in(Plane()) as other:
        other.down()
        travel = ServedTravelTimes(
            own,
            {
                Mode.CAR: OsrmServer(server.url, Mode.CAR, profile="fast car"),
                Mode.BIKE: OsrmServer(other.url, Mode.BIKE, sleep=lambda _: None),
            },
        ).pinned()
        assert seconds(travel, Mode.CAR) == BY_PLANE
        assert seconds(travel, Mode.BIKE) == seconds(own, Mode.BIKE)
        assert seconds(travel, Mode.WALK) == seconds(own, Mode.WALK)
    assert server.asked[0].path.startswith("/table/v1/fast%20car/")
    assert travel.version == f"town-1+bike=built-in+car=osrm:{server.name}@plane-1"


def test_threads_that_share_a_snapshot_share_its_source(
    own: NetworkTravelTimes, plane: Plane, server: StandIn, clock: Clock
) -> None:
    lock, count = threading.Lock(), iter(range(10_000))

    def unreliable(answer: dict[str, Any]) -> Any:
        with lock:
            fails = next(count) % 3 == 0
        return NONSENSE["a page"](answer) if fails else answer

    plane.change = unreliable
    travel = by_server(own, server, clock, failures=10_000)

    def ask(snapshot: Any) -> str:
        try:
            return str(seconds(snapshot))
        except TravelServerError:
            return "no answer"

    with ThreadPoolExecutor(4) as pool:
        for _ in range(10):
            snapshot = travel.pinned()
            answers = set(pool.map(ask, [snapshot] * 8)) - {"no answer"}
            assert answers in ({str(BY_PLANE)}, {str(seconds(own))})
