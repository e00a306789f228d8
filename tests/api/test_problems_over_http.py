"""Bad input: a problem document that names the offender, and nothing half done."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from conftest import Town

DOOR = {"lat": 60.1655, "lng": 24.9400}
LINES = [{"sku": "milk", "quantity": 1}]
GOOD: dict[str, Any] = {
    "dropoff": {"location": DOOR, "address": "Testikatu 1"},
    "lines": LINES,
    "weight_g": 1_000,
}


def is_problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    document: dict[str, Any] = answer.json()
    assert document["code"] == code, document
    assert document["status"] == status
    assert document["trace_id"] == answer.headers["trace-id"]
    assert document["type"] == f"/docs#{code}"
    assert document["title"]
    assert document["detail"]
    return document


def changed(path: str, value: Any) -> dict[str, Any]:
    """Return a good order with one thing changed."""
    body: dict[str, Any] = {**GOOD, "dropoff": {**GOOD["dropoff"], "location": dict(DOOR)}}
    at: Any = body
    *way, last = path.split(".")
    for name in way:
        at = at[name]
    at[last] = value
    return body


@pytest.mark.parametrize(
    ("path", "value", "pointer"),
    [
        ("weight_g", -1, "/weight_g"),
        ("weight_g", 10**12, "/weight_g"),
        ("weight_g", "heavy", "/weight_g"),
        ("weight_g", 1.5, "/weight_g"),
        ("weight_g", None, "/weight_g"),
        ("weight_g", True, "/weight_g"),
        ("lines", [], "/lines"),
        ("lines", LINES * 201, "/lines"),
        ("lines", [{"sku": "", "quantity": 1}], "/lines/0/sku"),
        ("lines", [{"sku": "a b", "quantity": 1}], "/lines/0/sku"),
        ("lines", [{"sku": "milk", "quantity": 0}], "/lines/0/quantity"),
        ("lines", [*LINES, {"sku": "milk", "quantity": 1000}], "/lines/1/quantity"),
        ("lines", "milk", "/lines"),
        ("dropoff.location.lat", 91, "/dropoff/location/lat"),
        ("dropoff.location.lng", -181, "/dropoff/location/lng"),
        ("dropoff.location", {"lat": 60, "lon": 25}, "/dropoff/location/lng"),
        ("dropoff.address", "", "/dropoff/address"),
        ("dropoff.address", "x" * 201, "/dropoff/address"),
        ("dropoff.address", "Street\x00", "/dropoff/address"),
        ("dropoff.note", "x" * 501, "/dropoff/note"),
        ("dropoff", [], "/dropoff"),
        ("external_id", "", "/external_id"),
        ("external_id", "x" * 129, "/external_id"),
        ("created_at", "yesterday", "/created_at"),
        ("created_at", "2026-11-20T16:30:00", "/created_at"),
        ("created_at", 1_795_192_200, "/created_at"),
        ("created_at", "1066-10-14T09:00:00Z", "/created_at"),
        ("basket_cents", -5, "/basket_cents"),
        ("service_s", 100_000, "/service_s"),
        ("tip", 100, "/tip"),
    ],
)
def test_a_field_that_cannot_be_meant_is_pointed_at(
    town: Town, path: str, value: Any, pointer: str
) -> None:
    document = is_problem(
        town.http.post("/v1/orders", json=changed(path, value)), 422, "invalid_request"
    )
    assert pointer in [error["pointer"] for error in document["errors"]]


def test_every_offender_is_listed(town: Town) -> None:
    body = {**changed("dropoff.location.lat", 91), "weight_g": -1, "lines": []}
    document = is_problem(town.http.post("/v1/orders", json=body), 422, "invalid_request")
    assert {error["pointer"] for error in document["errors"]} == {
        "/dropoff/location/lat",
        "/weight_g",
        "/lines",
    }


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"{", 400, "malformed_body"),
        (b"", 422, "invalid_request"),
        (b"[]", 422, "invalid_request"),
        (b"null", 422, "invalid_request"),
        (b"\xff\xfe{}", 400, "malformed_body"),
        (b"[" * 100_000, 400, "malformed_body"),
        (b'{"weight_g": NaN}', 400, "malformed_body"),
        (b'{"dropoff": {"address": "\\ud800"}}', 400, "malformed_body"),
        (b'{"weight_g": ' + b"9" * 5000 + b"}", 400, "malformed_body"),
        (b" " * 1_000_001, 413, "body_too_large"),
    ],
)
def test_a_body_that_is_no_order_is_refused(
    town: Town, content: bytes, status: int, code: str
) -> None:
    headers = {"Content-Type": "application/json"}
    is_problem(town.http.post("/v1/orders", content=content, headers=headers), status, code)


def test_a_body_that_grows_past_the_limit_without_saying_its_length_is_refused(
    town: Town,
) -> None:
    answer = town.http.post(
        "/v1/orders",
        content=(b" " * 100_000 for _ in range(11)),
        headers={"Content-Type": "application/json"},
    )
    is_problem(answer, 413, "body_too_large")


@pytest.mark.parametrize(
    "said",
    [
        "text/plain",
        "application/xml",
        "application/x-www-form-urlencoded",
        "application/jsonp",
        "text/json+json",
        "application/x/y+json",
        "nonsense",
        None,
    ],
)
def test_a_body_of_another_type_is_not_taken_for_json(town: Town, said: str | None) -> None:
    headers = {"Content-Type": said} if said else {}
    answer = town.http.post("/v1/orders", content=json.dumps(GOOD).encode(), headers=headers)
    document = is_problem(answer, 415, "unsupported_media_type")
    assert "application/json" in document["detail"]
    assert (said or "without a Content-Type") in document["detail"]
    assert answer.headers["accept"] == "application/json"


@pytest.mark.parametrize(
    "said",
    [
        "application/json",
        "Application/JSON",
        "application/json; charset=utf-8",
        "application/vnd.shop.order+json",
        "application/merge-patch+JSON;charset=UTF-8",
    ],
)
def test_json_by_any_of_its_names_is_read(town: Town, said: str) -> None:
    """The order is refused for what it says, so its body was read."""
    body = json.dumps(changed("weight_g", -1)).encode()
    answer = town.http.post("/v1/orders", content=body, headers={"Content-Type": said})
    assert is_problem(answer, 422, "invalid_request")["pointer"] == "/weight_g"


def test_no_body_needs_no_type(town: Town) -> None:
    answer = town.http.post("/v1/orders", headers={"Content-Type": "text/plain"})
    is_problem(answer, 422, "invalid_request")


def test_what_takes_other_types_goes_on_taking_them(town: Town) -> None:
    answer = town.http.put(
        "/v1/stores/sto_none/stock",
        content=b"sku,on_hand\nmilk,3\n",
        headers={"Content-Type": "text/csv"},
    )
    is_problem(answer, 404, "unknown_id")


def test_every_operation_with_a_json_body_says_that_it_takes_no_other(town: Town) -> None:
    document = town.get("/openapi.json")
    order, stock = (
        document["paths"][path][method]
        for path, method in (("/v1/orders", "post"), ("/v1/stores/{store_id}/stock", "put"))
    )
    refusal, any_other = (
        order["responses"][status]["content"]["application/problem+json"]["schema"]
        for status in ("415", "4XX")
    )
    assert refusal == any_other
    assert "415" not in stock["responses"]


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("GET", "/v1/nothing", None, 404, "not_found"),
        ("GET", "/nothing.html", None, 404, "not_found"),
        ("GET", "/assets/../bootstrap.py", None, 404, "not_found"),
        ("GET", "/assets/..%2Fbootstrap.py", None, 404, "not_found"),
        ("GET", "/assets/%2e%2e%5cbootstrap.py", None, 404, "not_found"),
        ("GET", "/tiles/14/99999/1.mvt", None, 404, "not_found"),
        ("GET", "/tiles/99/1/1.mvt", None, 422, "invalid_request"),
        ("DELETE", "/v1/orders", None, 405, "method_not_allowed"),
        ("GET", "/v1/zones/atlantis", None, 404, "unknown_id"),
        ("GET", "/v1/orders/ord_none", None, 404, "unknown_id"),
        ("POST", "/v1/orders/ord_none/cancel", {"reason": "x"}, 404, "unknown_id"),
        ("POST", "/v1/orders/ord_none/picking", {"event": "started"}, 404, "unknown_id"),
        ("POST", "/v1/orders/ord_none/picking", {"event": "eaten"}, 422, "invalid_request"),
        ("GET", "/v1/orders/ord_none/explanation", None, 404, "unknown_id"),
        ("GET", "/v1/orders?status=lost", None, 422, "invalid_request"),
        ("GET", "/v1/orders?limit=0", None, 422, "invalid_request"),
        ("GET", "/v1/orders?cursor=%21%21", None, 422, "invalid_request"),
        ("GET", "/v1/orders?cursor=abc", None, 422, "invalid_request"),
        ("GET", "/v1/stores/sto_none", None, 404, "unknown_id"),
        ("GET", "/v1/stores/sto_none/picks", None, 404, "unknown_id"),
        ("GET", "/v1/stores/sto_none/stock", None, 404, "unknown_id"),
        ("PUT", "/v1/stores/sto_none/stock", {"items": []}, 422, "invalid_request"),
        (
            "PUT",
            "/v1/stores/sto_none/stock",
            {"items": [{"sku": "milk", "on_hand": 1}, {"sku": "milk", "on_hand": 2}]},
            422,
            "invalid_request",
        ),
        (
            "PUT",
            "/v1/stores/sto_none/stock",
            {"items": [{"sku": "milk", "on_hand": 1}]},
            404,
            "unknown_id",
        ),
        ("POST", "/v1/stores/sto_none/pause", {"reason": "x"}, 404, "unknown_id"),
        ("POST", "/v1/stores/sto_none/resume", None, 404, "unknown_id"),
        (
            "PUT",
            "/v1/stores/sto_new",
            {"name": "New", "location": DOOR, "opening_hours": "whenever"},
            422,
            "bad_opening_hours",
        ),
        (
            "PUT",
            "/v1/stores/sto_new",
            {"name": "At sea", "location": {"lat": 0, "lng": 0}},
            422,
            "outside_radius",
        ),
        ("GET", "/v1/couriers/cou_none", None, 404, "unknown_id"),
        ("GET", "/v1/couriers/cou_none/route", None, 404, "unknown_id"),
        (
            "PUT",
            "/v1/couriers/cou_new",
            {"name": "A", "mode": "rocket", "home": DOOR},
            422,
            "invalid_request",
        ),
        (
            "PUT",
            "/v1/couriers/a b",
            {"name": "A", "mode": "bike", "home": DOOR},
            422,
            "invalid_request",
        ),
        (
            "PUT",
            "/v1/couriers/cou_new",
            {"name": "A", "mode": "bike", "home": {"lat": 0, "lng": 0}},
            422,
            "outside_radius",
        ),
        (
            "POST",
            "/v1/shifts",
            {"courier_id": "cou_none", "ends_at": "2026-11-20T20:00:00Z"},
            404,
            "unknown_id",
        ),
        ("POST", "/v1/couriers/cou_none/shift/end", None, 404, "unknown_id"),
        ("POST", "/v1/couriers/cou_none/operator", {"operator": "me"}, 404, "unknown_id"),
        ("POST", "/v1/couriers/cou_none/stops/stp_1/arrived", None, 404, "unknown_id"),
        ("POST", "/v1/couriers/cou_t1/stops/stp_1/arrived", None, 409, "conflict"),
        ("POST", "/v1/couriers/cou_t1/stops/stp_1/failed", None, 422, "invalid_request"),
        ("POST", "/v1/couriers/cou_t1/stops/stp_1/danced", None, 422, "invalid_request"),
        ("POST", "/v1/couriers/positions", {"positions": []}, 422, "invalid_request"),
        ("GET", "/v1/events?after=-1", None, 422, "invalid_request"),
        ("GET", "/v1/events?limit=100000", None, 422, "invalid_request"),
        ("GET", "/v1/events?wait=nan", None, 422, "invalid_request"),
        ("GET", "/v1/kpis?window_s=0", None, 422, "invalid_request"),
    ],
)
def test_a_request_that_cannot_be_met_says_why(
    town: Town, method: str, path: str, body: Any, status: int, code: str
) -> None:
    is_problem(town.http.request(method, path, json=body), status, code)


def test_a_door_far_from_every_road_is_refused_with_the_distance(town: Town) -> None:
    body = changed("dropoff.location", {"lat": 60.0, "lng": 24.0})
    document = is_problem(town.http.post("/v1/orders", json=body), 422, "outside_radius")
    assert any(character.isdigit() for character in document["detail"])
    is_problem(town.http.post("/v1/quotes", json=body), 422, "outside_radius")


def test_a_quote_nobody_gave_is_refused(town: Town) -> None:
    answer = town.http.post("/v1/orders", json={**GOOD, "quote_id": "quo_never"})
    is_problem(answer, 422, "quote_expired")


def test_a_time_in_the_future_is_refused_with_how_far(town: Town) -> None:
    body = {**GOOD, "created_at": "2026-12-24T18:00:00Z"}
    document = is_problem(town.http.post("/v1/orders", json=body), 422, "time_in_future")
    assert document["pointer"] == "/created_at"


def test_a_move_out_of_turn_names_the_moves_allowed(town: Town) -> None:
    order = town.post("/v1/orders", town.basket(), 201)
    path = f"/v1/orders/{order['id']}/picking"
    document = is_problem(town.http.post(path, json={"event": "ready"}), 409, "wrong_state")
    assert document["state"] == "sourced"
    assert document["allowed"] == ["picking"]
    town.post(f"/v1/orders/{order['id']}/cancel", {"reason": "test over"})
    again = town.http.post(f"/v1/orders/{order['id']}/cancel", json={"reason": "twice"})
    assert is_problem(again, 409, "wrong_state")["allowed"] == []


def test_a_bad_request_records_nothing(town: Town) -> None:
    def orders() -> list[str]:
        return [order["id"] for order in town.get("/v1/orders", status="all")["data"]]

    before = orders()
    town.http.post("/v1/orders", json=changed("weight_g", -1))
    town.http.post("/v1/orders", json={**GOOD, "created_at": "2026-12-24T18:00:00Z"})
    assert orders() == before


def test_positions_that_cannot_be_used_are_named_and_the_others_taken(town: Town) -> None:
    good = town.get("/v1/stores")["data"][0]["location"]
    positions = [
        {"courier_id": "cou_t1", "location": good},
        {"courier_id": "cou_none", "location": good},
        {"courier_id": "cou_t1", "location": {"lat": 0, "lng": 0}},
        {"courier_id": "cou_t1", "location": good, "at": "2026-12-24T18:00:00Z"},
        {"courier_id": "cou_t1", "location": good, "at": "2026-11-20T13:00:00Z"},
    ]
    town.post("/v1/couriers/positions", {"positions": positions[:1]}, 202)
    answer = town.post("/v1/couriers/positions", {"positions": positions}, 202)
    # The older one belongs to the track.
    assert (answer["accepted"], answer["late"]) == (2, 1)
    assert [(row["pointer"], row["reason"]) for row in answer["ignored"]] == [
        ("/positions/1/courier_id", "unknown_id"),
        ("/positions/2/location", "too_far_from_road"),
        ("/positions/3/at", "time_in_future"),
    ]
    assert town.get("/v1/couriers/cou_t1")["position"]["location"] == good


def test_every_code_a_problem_may_have_is_published(town: Town) -> None:
    published = {row["code"] for row in town.get("/openapi.json")["x-problem-codes"]}
    assert {"invalid_request", "no_stock", "wrong_state", "idempotency_mismatch"} <= published
