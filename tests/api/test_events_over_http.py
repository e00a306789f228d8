"""The event log over HTTP: pages, waiting, streams that resume where they were."""

from __future__ import annotations

import contextlib
import json
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from conftest import Town, until


def pause(town: Town) -> None:
    """Make two events."""
    store_id = town.get("/v1/stores")["data"][0]["id"]
    town.post(f"/v1/stores/{store_id}/pause", {"reason": "wet floor"})
    town.post(f"/v1/stores/{store_id}/resume")


def stream(town: Town, after: int | None = None, **headers: str) -> Iterator[dict[str, Any]]:
    """Follow the stream; yields the events as they come."""
    said = {"Accept": "text/event-stream"}
    said |= {name.replace("_", "-"): value for name, value in headers.items()}
    query = {} if after is None else {"after": str(after)}
    with town.http.stream("GET", "/v1/events", params=query, headers=said) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        fields: dict[str, str] = {}
        for line in answer.iter_lines():
            name, _, value = line.partition(": ")
            if line == "" and fields:
                found = json.loads(fields["data"])
                assert fields["id"] == str(found["seq"])
                assert fields["event"] == found["type"]
                yield found
                fields = {}
            elif name:
                fields[name] = value


def test_pages_follow_each_other_without_gaps(town: Town) -> None:
    pause(town)
    seen: list[int] = []
    after = 0
    while True:
        page = town.get("/v1/events", after=after, limit=7)
        seen += [event["seq"] for event in page["data"]]
        after = page["next"]
        if len(page["data"]) < 7:
            break
    assert seen == list(range(1, len(seen) + 1))


def test_events_have_their_wire_form(town: Town) -> None:
    first = town.get("/v1/events", limit=1)["data"][0]
    assert first["zone"] == "helsinki"
    assert first["type"] == "StoreRegistered"
    assert first["at"].endswith("Z")
    assert set(first["data"]["store"]["location"]) == {"lat", "lng"}
    assert first["object"] == {"type": "store", "id": first["data"]["store"]["store_id"]}


def test_who_waits_is_answered_when_something_happens(town: Town) -> None:
    after = last_seq(town)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(town.get, "/v1/events", after=after, wait=20)
        began = time.monotonic()
        pause(town)
        page = waiting.result()
    assert page["data"][0]["seq"] == after + 1
    assert time.monotonic() - began < 10


def test_who_waits_in_vain_is_answered_with_nothing(town: Town) -> None:
    far = 10**9
    page = town.get("/v1/events", after=far, wait=0.05)
    assert page == {"data": [], "next": far}


def test_a_stream_starts_after_what_was_asked_and_goes_on_live(town: Town) -> None:
    after = last_seq(town)
    pause(town)
    events = stream(town, after=after)
    assert [next(events)["seq"] for _ in range(2)] == [after + 1, after + 2]
    pause(town)
    assert next(events)["seq"] == after + 3
    events.close()  # type: ignore[attr-defined]


def test_a_stream_resumes_after_the_last_event_its_client_saw(town: Town) -> None:
    events = stream(town, after=0)
    seen = [next(events)["seq"] for _ in range(5)]
    events.close()  # type: ignore[attr-defined]
    assert seen == [1, 2, 3, 4, 5]
    resumed = stream(town, Last_Event_ID="5")
    assert [next(resumed)["seq"] for _ in range(2)] == [6, 7]
    resumed.close()  # type: ignore[attr-defined]


def test_a_stream_loses_nothing_over_a_restart(own_town: Town) -> None:
    town = own_town.start()
    town.stock()
    events = stream(town, after=0)
    seen = [next(events)["seq"] for _ in range(3)]
    events.close()  # type: ignore[attr-defined]
    assert town.stop() == 0
    town.start()
    rest = stream(town, Last_Event_ID=str(seen[-1]))
    last = last_seq(town)
    seen += [next(rest)["seq"] for _ in range(last - seen[-1])]
    rest.close()  # type: ignore[attr-defined]
    assert seen == list(range(1, last + 1))


def test_who_resumes_a_stream_or_pages_misses_nothing_when_the_service_is_killed(
    own_town: Town,
) -> None:
    town = own_town
    streamed: list[dict[str, Any]] = []
    paged: list[dict[str, Any]] = []

    def follow() -> None:
        seen = streamed[-1]["seq"] if streamed else 0
        with contextlib.suppress(httpx.TransportError):  # the service is killed
            streamed.extend(stream(town, Last_Event_ID=str(seen)))

    def page() -> None:
        with contextlib.suppress(httpx.TransportError):
            while True:
                after = paged[-1]["seq"] if paged else 0
                paged.extend(town.get("/v1/events", after=after, wait=20)["data"])

    for _ in range(2):
        town.start()
        known = last_seq(town)
        with ThreadPoolExecutor(3) as pool:
            following, paging = pool.submit(follow), pool.submit(page)
            pauses = pool.submit(lambda: [pause(town) for _ in range(50)])
            try:
                enough = known + 10
                until(lambda n=enough: min(len(streamed), len(paged)) > n, "more is seen")  # type: ignore[misc]
            finally:
                assert town.process is not None
                town.process.send_signal(signal.SIGKILL)
            assert isinstance(pauses.exception(), httpx.TransportError | None)
            following.result()
            paging.result()
        town.kill()
    town.start()
    log = town.events()
    rest = stream(town, Last_Event_ID=str(streamed[-1]["seq"]))
    streamed += [next(rest) for _ in range(len(log) - len(streamed))]
    rest.close()  # type: ignore[attr-defined]
    paged += town.events(after=paged[-1]["seq"])
    assert [event["seq"] for event in log] == list(range(1, len(log) + 1))
    assert streamed == log
    assert paged == log


def test_a_stream_does_not_keep_the_service_from_ending(own_town: Town) -> None:
    town = own_town.start()
    events = stream(town, after=0)
    assert next(events)["seq"] == 1
    assert town.process is not None
    town.process.terminate()
    began = time.monotonic()
    assert town.process.wait(timeout=20) == 0
    assert time.monotonic() - began < 5
    events.close()  # type: ignore[attr-defined]
    assert "level=ERROR" not in town.log()
    assert "Traceback" not in town.log()
    assert not (town.folder / "port").exists()
    with pytest.raises(httpx.ConnectError):
        town.http.get("/healthz")


def last_seq(town: Town) -> int:
    """Return the log's end once it has come to rest."""

    def rested() -> int | None:
        first, second = (town.get("/v1/board")["seq"] for _ in range(2))
        return int(second) if first == second else None

    return until(rested, "the log is at rest")
