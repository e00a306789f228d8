"""Safe retries: a key or an external id makes a second request harmless."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
from conftest import Town


def order_with_key(town: Town, key: str, body: dict[str, Any]) -> httpx.Response:
    return town.http.post("/v1/orders", json=body, headers={"Idempotency-Key": key})


def cancel(town: Town, order_id: str) -> None:
    town.post(f"/v1/orders/{order_id}/cancel", {"reason": "test over"})


def test_the_same_key_and_body_get_the_same_answer(town: Town) -> None:
    body = town.basket()
    first = order_with_key(town, "again-1", body)
    second = order_with_key(town, "again-1", body)
    assert first.status_code == second.status_code == 201
    assert first.json() == second.json()
    assert "idempotency-replayed" not in first.headers
    assert second.headers["idempotency-replayed"] == "true"
    cancel(town, first.json()["id"])


def test_a_quote_asked_for_again_is_the_same_quote(town: Town) -> None:
    basket = town.basket()
    asked = {key: basket[key] for key in ("dropoff", "lines", "weight_g")}
    headers = {"Idempotency-Key": "quote-1"}
    first, second = (town.http.post("/v1/quotes", json=asked, headers=headers) for _ in range(2))
    assert first.status_code == second.status_code == 201
    assert first.json() == second.json()
    assert second.headers["idempotency-replayed"] == "true"
    unkeyed = town.post("/v1/quotes", asked, 201)
    assert unkeyed["id"] != first.json()["id"]


def test_the_same_key_with_another_body_is_refused(town: Town) -> None:
    first = order_with_key(town, "other-1", town.basket())
    second = order_with_key(town, "other-1", town.basket(weight_g=3_000))
    assert second.status_code == 422
    assert second.json()["code"] == "idempotency_mismatch"
    cancel(town, first.json()["id"])


def test_a_refusal_is_replayed_too_under_its_own_trace(town: Town) -> None:
    body = town.basket(lines=[{"sku": "moon-cheese", "quantity": 1}])
    first, second = (order_with_key(town, "refused-1", body) for _ in range(2))
    assert first.status_code == second.status_code == 422
    assert first.json()["code"] == second.json()["code"] == "no_stock"
    assert second.headers["idempotency-replayed"] == "true"
    assert second.json()["trace_id"] == second.headers["trace-id"] != first.json()["trace_id"]


def test_many_at_once_under_one_key_make_one_order(town: Town) -> None:
    body = town.basket(external_id="crowd-1")
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: order_with_key(town, "crowd-1", body), range(16)))
    seen = Counter(answer.status_code for answer in answers)
    assert set(seen) <= {201, 409}
    assert seen[201] >= 1
    assert {a.json()["id"] for a in answers if a.status_code == 201}.__len__() == 1
    assert {a.json()["code"] for a in answers if a.status_code == 409} <= {"idempotency_running"}
    cancel(town, town.post("/v1/orders", body, 200)["id"])


def test_many_at_once_with_one_external_id_make_one_order(town: Town) -> None:
    body = town.basket(external_id="crowd-2")
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: town.http.post("/v1/orders", json=body), range(16)))
    assert Counter(answer.status_code for answer in answers) == {201: 1, 200: 15}
    assert len({answer.json()["id"] for answer in answers}) == 1
    cancel(town, answers[0].json()["id"])


def test_an_external_id_belongs_to_one_order(town: Town) -> None:
    order = town.post("/v1/orders", town.basket(external_id="mine"), 201)
    taken = town.post("/v1/orders", town.basket(external_id="mine", weight_g=1), 409)
    assert taken["code"] == "external_id_taken"
    assert order["id"] in taken["detail"]
    cancel(town, order["id"])


def test_stock_is_never_promised_twice_however_many_ask_at_once(town: Town) -> None:
    stores = town.get("/v1/stores")["data"]
    for store in stores[:3]:
        items = [{"sku": "rare-cheese", "on_hand": 1}]
        town.put(f"/v1/stores/{store['id']}/stock", {"items": items})
    body = town.basket(lines=[{"sku": "rare-cheese", "quantity": 1}])
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: town.http.post("/v1/orders", json=body), range(8)))
    taken = [answer.json()["id"] for answer in answers if answer.status_code == 201]
    refused = {answer.json()["code"] for answer in answers if answer.status_code == 422}
    assert 1 <= len(taken) <= 3
    assert refused == {"no_stock"}
    for order_id in taken:
        cancel(town, order_id)
