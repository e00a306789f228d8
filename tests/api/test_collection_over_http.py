"""Collection and curbside over HTTP: here, ready, code, handed over, or back on the shelf."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from conftest import Town, until


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """One service without a single courier: nobody needs one who comes for the goods."""
    folder = tmp_path_factory.mktemp("collection")
    policy = folder / "policy.toml"
    policy.write_text("collection_hold_s = 60\n")
    town = Town(folder, speed=150).start("--port", "0", "--policy", str(policy))
    town.stock()
    ale = {"sku": "ale", "name": "Ale", "age_limit": 18}
    town.put("/v1/catalogue", {"articles": [ale]})
    town.put(f"/v1/stores/{store_of(town)}/stock", {"items": [{"sku": "ale", "on_hand": 50}]})
    yield town
    assert town.stop() == 0, town.log()
    assert "level=ERROR" not in town.log()


def store_of(town: Town) -> str:
    return str(town.get("/v1/stores")["data"][0]["id"])


def to_collect(town: Town, fulfilment: str = "collection", sku: str = "milk") -> str:
    body = {
        "fulfilment": fulfilment,
        "store_id": store_of(town),
        "lines": [{"sku": sku, "quantity": 2}],
        "weight_g": 2000,
        "paid_cents": 500,
    }
    return str(town.post("/v1/orders", body, 201)["id"])


def ready(town: Town, fulfilment: str = "collection", sku: str = "milk") -> str:
    order_id = to_collect(town, fulfilment, sku)
    town.pick(order_id)
    return order_id


def code(town: Town, order_id: str) -> str:
    return str(town.get(f"/v1/orders/{order_id}/tracking")["pin"])


def wrong(town: Town, order_id: str) -> str:
    return f"{(int(code(town, order_id)) + 1) % 10_000:04d}"


def counter(town: Town) -> Any:
    return town.get(f"/v1/stores/{store_of(town)}/counter")


def on_hand(town: Town, sku: str) -> int:
    rows = town.get(f"/v1/stores/{store_of(town)}/stock", sku=sku)["data"]
    (row,) = [row for row in rows if row["sku"] == sku]
    return int(row["on_hand"])


def heard(town: Town, order_id: str) -> list[str]:
    return [
        row["type"]
        for row in town.events()
        if row["data"].get("order_id") == order_id
        or row["data"].get("order", {}).get("order_id") == order_id
    ]


def refused(answer: httpx.Response, status: int, problem: str, pointer: str | None = None) -> Any:
    assert answer.status_code == status, answer.text
    document = answer.json()
    assert document["code"] == problem, document
    if pointer is not None:
        assert document["pointer"] == pointer, document
    return document


def test_an_order_is_picked_announced_and_handed_over_by_its_code(shop: Town) -> None:
    before = on_hand(shop, "milk")
    order_id = to_collect(shop)
    early = shop.http.post(f"/v1/orders/{order_id}/collect", json={"code": code(shop, order_id)})
    document = refused(early, 409, "wrong_state")
    assert (document["state"], document["allowed"]) == ("sourced", ["ready"])
    (waiting,) = counter(shop)["not_ready"]
    assert (waiting["order_id"], waiting["expires_at"]) == (order_id, None)
    shop.pick(order_id)
    (row,) = counter(shop)["ready"]
    assert row["order_id"] == order_id
    assert row["expires_at"] > row["promise"]["latest"]
    assert row["pieces"] == 2
    done = shop.post(f"/v1/orders/{order_id}/collect", {"code": code(shop, order_id)})
    assert done["status"] == "collected"
    assert [name for name in heard(shop, order_id) if name != "StorePinned"] == [
        "OrderReceived",
        "PickStarted",
        "PickCompleted",
        "OrderCollected",
    ]
    assert on_hand(shop, "milk") == before - 2
    assert counter(shop)["ready"] == []
    assert shop.order(order_id)["delivery"] is None
    again = shop.http.post(f"/v1/orders/{order_id}/collect", json={"code": code(shop, order_id)})
    assert refused(again, 409, "wrong_state")["state"] == "collected"


def test_whoever_stands_at_the_kerb_is_picked_for_first_and_seen_with_the_bay(shop: Town) -> None:
    first, second = to_collect(shop, "curbside"), to_collect(shop, "curbside")
    late = shop.http.post(f"/v1/orders/{second}/here", json={"bay": ""})
    refused(late, 422, "invalid_value", "/bay")
    shop.post(f"/v1/orders/{second}/here", {"bay": "3"})
    rows = shop.get(f"/v1/stores/{store_of(shop)}/picks")["data"]
    assert [row["order_id"] for row in rows] == [second, first]
    assert rows[0]["customer"]["bay"] == "3"
    assert rows[0]["customer"]["here_since"] is not None
    assert rows[1]["customer"] == {"bay": None, "here_since": None}
    (here,) = counter(shop)["here"]
    assert (here["order_id"], here["bay"], here["status"]) == (second, "3", "sourced")
    assert here["waiting_s"] >= 0
    shop.pick(second)
    (here,) = counter(shop)["here"]
    assert (here["status"], here["expires_at"]) == ("ready", None)
    shop.post(f"/v1/orders/{second}/collect", {"code": code(shop, second)})
    assert counter(shop)["here"] == []
    names = [name for name in heard(shop, second) if name != "StorePinned"]
    assert names == [
        "OrderReceived",
        "CustomerArrived",
        "PickStarted",
        "PickCompleted",
        "OrderCollected",
    ]
    shop.post(f"/v1/orders/{first}/cancel", {"reason": "seen"})


def test_a_wrong_code_hands_nothing_over_and_too_many_are_not_listened_to(shop: Town) -> None:
    order_id = ready(shop)
    path = f"/v1/orders/{order_id}/collect"
    for left in (4, 3, 2, 1, 0):
        answer = shop.http.post(path, json={"code": wrong(shop, order_id)})
        document = refused(answer, 409, "wrong_code", "/code")
        assert document["tries_left"] == left
        assert code(shop, order_id) not in answer.text
    right = shop.http.post(path, json={"code": code(shop, order_id)})
    refused(right, 429, "too_many_tries")
    assert int(right.headers["retry-after"]) > 0
    # Somebody else's order is handed over meanwhile.
    other = ready(shop)
    shop.post(f"/v1/orders/{other}/collect", {"code": code(shop, other)})
    assert "OrderCollected" not in heard(shop, order_id)
    assert code(shop, order_id) not in shop.http.get("/v1/events", params={"limit": 1000}).text
    shop.post(f"/v1/orders/{order_id}/no-show", {"reason": "somebody tried codes"})


def test_goods_with_an_age_limit_are_handed_over_after_a_look_at_a_document(shop: Town) -> None:
    order_id = ready(shop, sku="ale")
    path = f"/v1/orders/{order_id}/collect"
    said = {"code": code(shop, order_id)}
    document = refused(shop.http.post(path, json=said), 422, "invalid_value", "/age_checked")
    assert "18" in document["detail"]
    shop.post(path, {**said, "age_checked": True})
    events = shop.get("/v1/events", after=0, limit=1000)["data"]
    (fact,) = [
        row["data"]
        for row in events
        if row["type"] == "OrderCollected" and row["data"]["order_id"] == order_id
    ]
    assert fact["age_checked"] is True


def test_goods_nobody_came_for_go_back_by_hand_or_by_themselves(shop: Town) -> None:
    before = on_hand(shop, "milk")
    order_id = ready(shop)
    assert on_hand(shop, "milk") == before - 2
    done = shop.post(f"/v1/orders/{order_id}/no-show")
    assert done["status"] == "cancelled"
    assert on_hand(shop, "milk") == before
    order = shop.order(order_id)
    assert (order["reason"], order["refund_cents"]) == ("nobody came", 500)

    forgotten = ready(shop)
    # A quarter of an hour and a minute, a hundred and fifty times as fast as life.
    until(lambda: heard(shop, forgotten)[-1] == "OrderNotCollected", "time was over", 60)
    assert shop.order(forgotten)["status"] == "cancelled"
    assert shop.order(forgotten)["reason"] == "nobody came in time"
    assert on_hand(shop, "milk") == before


def test_what_is_delivered_is_not_collected(shop: Town) -> None:
    courier_id = shop.courier(shop.get("/v1/stores")["data"][0]["location"])
    order_id = shop.post("/v1/orders", shop.basket(), 201)["id"]
    for done, body in (("here", {}), ("collect", {"code": "0000"}), ("no-show", {})):
        refused(shop.http.post(f"/v1/orders/{order_id}/{done}", json=body), 409, "conflict")
    shop.post(f"/v1/orders/{order_id}/cancel", {"reason": "seen"})
    shop.post(f"/v1/couriers/{courier_id}/shift/end")


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "problem"),
    [
        ("POST", "/v1/orders/ord_none/here", {"bay": "1"}, 404, "unknown_id"),
        ("POST", "/v1/orders/ord_none/collect", {"code": "1234"}, 404, "unknown_id"),
        ("POST", "/v1/orders/ord_none/collect", {}, 422, "invalid_request"),
        ("POST", "/v1/orders/ord_none/collect", {"code": ""}, 422, "invalid_request"),
        ("POST", "/v1/orders/ord_none/collect", {"code": 1234}, 422, "invalid_request"),
        ("POST", "/v1/orders/ord_none/no-show", {"reason": ""}, 422, "invalid_request"),
        ("POST", "/v1/orders/ord_none/no-show", None, 404, "unknown_id"),
        ("POST", "/v1/orders/ord_none/here", {"bay": "x" * 81}, 422, "invalid_request"),
        (
            "POST",
            "/v1/orders/ord_none/here",
            {"occurred_at": "2026-12-24T18:00:00Z"},
            422,
            "time_in_future",
        ),
        ("GET", "/v1/stores/sto_none/counter", None, 404, "unknown_id"),
    ],
)
def test_a_request_that_cannot_be_met_says_why(
    shop: Town, method: str, path: str, body: Any, status: int, problem: str
) -> None:
    refused(shop.http.request(method, path, json=body), status, problem)
