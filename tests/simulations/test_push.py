"""What is learned is told to a running service, store by store."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from simulations.errors import ServiceError
from simulations.replays import push as pushing
from simulations.replays.learned import Learned, LearnedStore, Value

NEW = Value(50.0, 40.0, 60.0, 9)
NOTHING = Value(0.0, 0.0, 0.0, 0)


def learned(*store_ids: str) -> Learned:
    store = LearnedStore("", NEW, NOTHING, NOTHING)
    return Learned(
        source="a test",
        every_store=store,
        pick_spread=0.0,
        door_s=NOTHING,
        return_s=NOTHING,
        handover_spread=0.0,
        trip_spread=0.0,
        stores=dict.fromkeys(store_ids, store),
    )


def store(store_id: str) -> dict[str, Any]:
    place = {"lat": 60.17, "lng": 24.94}
    picks = {"pick_base_s": 30, "pick_line_s": 10, "pickup_service_s": 60}
    return {"id": store_id, "name": store_id.upper(), "location": place, **picks}


def served(
    monkeypatch: pytest.MonkeyPatch, statuses: dict[str, int], *zones: str
) -> list[httpx.Request]:
    """Let a service with these stores answer so when one is changed; returns the changes."""
    put: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        store_id = request.url.path.rpartition("/")[2]
        if request.method == "PUT":
            put.append(request)
            return httpx.Response(statuses[store_id], json={})
        if store_id == "zones":
            rows = [{"id": zone} for zone in zones or ("helsinki",)]
            return httpx.Response(200, json={"data": rows})
        if store_id == "stores":
            return httpx.Response(200, json={"data": [store(each) for each in statuses]})
        return httpx.Response(200, json=store(store_id), headers={"ETag": f'"{store_id}"'})

    def client(url: str, _key: str | None) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=url, transport=httpx.MockTransport(answer))

    monkeypatch.setattr(pushing, "http_client", client)
    return put


def test_a_store_that_somebody_else_changes_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    put = served(monkeypatch, {"a": 200, "b": 412, "c": 200, "d": 200})
    said = pushing.push(learned("a", "b", "c"), "http://here", None, "north")
    counted, *changed = said.splitlines()
    assert counted.startswith("  2 stores of http://here changed, 0 were so already, 1 were never")
    assert counted.endswith(", 1 somebody else was changing: say it again")
    assert changed == [
        "    A: 30 + 10 s a line, now 50 + 10 s",
        "    C: 30 + 10 s a line, now 50 + 10 s",
    ]
    assert [request.headers["If-Match"] for request in put] == ['"a"', '"b"', '"c"']


def test_what_a_service_will_not_do_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    served(monkeypatch, {"a": 500})
    with pytest.raises(ServiceError, match="PUT /v1/stores/a: 500"):
        pushing.push(learned("a"), "http://here", None, "north")


def test_of_several_zones_the_ledger_s_own_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    put = served(monkeypatch, {"a": 200}, "east", "north")
    pushing.push(learned("a"), "http://here", None, "north")
    assert [request.headers["Samehour-Zone"] for request in put] == ["north"]


def test_the_only_zone_is_told_whatever_it_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    put = served(monkeypatch, {"a": 200}, "helsinki")
    pushing.push(learned("a"), "http://here", None, "north")
    assert [request.headers["Samehour-Zone"] for request in put] == ["helsinki"]


def test_a_zone_that_the_service_has_not_is_told_with_those_it_has(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    put = served(monkeypatch, {"a": 200}, "east", "west")
    with pytest.raises(ServiceError, match="zones east, west, and the ledger's is north: name one"):
        pushing.push(learned("a"), "http://here", None, "north")
    assert put == []
