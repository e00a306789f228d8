"""Returns over HTTP: at a desk, and fetched by a courier at the customer's door."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from conftest import Town

ARTICLES = [
    {"sku": "lamp", "name": "Lamp", "weight_g": 900, "price_cents": 1990},
    {"sku": "cream", "name": "Cream", "weight_g": 250, "price_cents": 150, "chilled": True},
]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """One service whose first store alone has these goods, and one courier who stands there."""
    town = Town(tmp_path_factory.mktemp("returns")).start()
    town.put("/v1/catalogue", {"articles": ARTICLES})
    store = town.get("/v1/stores")["data"][0]
    items = [{"sku": article["sku"], "on_hand": 100} for article in ARTICLES]
    town.put(f"/v1/stores/{store['id']}/stock", {"items": items})
    town.courier(store["location"])
    yield town
    assert town.stop() == 0, town.log()
    assert "level=ERROR" not in town.log()


def run(town: Town, order_id: str) -> list[dict[str, Any]]:
    """Do what the courier is told until an order is delivered; returns the stops done for it."""
    done: list[dict[str, Any]] = []
    for status in ("enroute_to_pickup", "enroute_to_dropoff"):
        courier_id = town.told(order_id, status)["delivery"]["courier_id"]
        stop = town.get(f"/v1/couriers/{courier_id}/route")["stops"][0]
        assert stop["order_id"] == order_id
        done.append(stop)
        town.report(courier_id, "arrived")
        town.report(courier_id, "completed")
    assert town.order(order_id)["delivery"]["status"] == "delivered"
    return done


def delivered(town: Town, **lines: int) -> str:
    wanted = [{"sku": sku, "quantity": quantity} for sku, quantity in lines.items()]
    order_id = str(town.post("/v1/orders", town.basket(lines=wanted, paid_cents=9_000), 201)["id"])
    town.pick(order_id)
    run(town, order_id)
    return order_id


def on_hand(town: Town, store_id: str, sku: str) -> int:
    rows = town.get(f"/v1/stores/{store_id}/stock", sku=sku)["data"]
    return int(next((row["on_hand"] for row in rows if row["sku"] == sku), 0))


def facts(town: Town, name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    after = 0
    while page := town.get("/v1/events", after=after, limit=1000)["data"]:
        found += [row["data"] for row in page if row["type"] == name]
        after = page[-1]["seq"]
    return found


def refused(answer: httpx.Response, status: int, code: str, pointer: str | None = None) -> Any:
    assert answer.status_code == status, answer.text
    document = answer.json()
    assert document["code"] == code, document
    if pointer is not None:
        assert document["pointer"] == pointer, document
    return document


def test_goods_come_back_at_any_desk_into_stock_or_written_off(shop: Town) -> None:
    order_id = delivered(shop, lamp=2, cream=1)
    elsewhere = shop.get("/v1/stores")["data"][1]["id"]
    before = on_hand(shop, elsewhere, "lamp")
    path = f"/v1/orders/{order_id}/returns"
    told = shop.post(
        path,
        {
            "store_id": elsewhere,
            "restocked": [{"sku": "lamp", "quantity": 1}],
            "written_off": [{"sku": "cream", "quantity": 1}],
            "refund_cents": 2140,
            "reason": "does not fit",
        },
        201,
    )
    assert {row["sku"]: row["quantity"] for row in told["returned"]} == {"lamp": 1, "cream": 1}
    assert {row["sku"]: row["quantity"] for row in told["returnable"]} == {"lamp": 1}
    assert told["refund_cents"] == 2140
    assert shop.get(path) == told
    assert on_hand(shop, elsewhere, "lamp") == before + 1
    assert on_hand(shop, elsewhere, "cream") == 0
    (fact,) = [fact for fact in facts(shop, "ReturnSettled") if fact["order_id"] == order_id]
    assert (fact["store_id"], fact["return_id"]) == (elsewhere, None)
    assert (fact["restocked"], fact["written_off"]) == ({"lamp": 1}, {"cream": 1})
    assert shop.order(order_id)["refund_cents"] == 2140


def test_a_courier_fetches_goods_at_the_door_and_brings_them_to_the_store(shop: Town) -> None:
    order_id = delivered(shop, lamp=2, cream=1)
    home = shop.order(order_id)["store_id"]
    before = on_hand(shop, home, "lamp")
    asked = {"lines": [{"sku": "lamp", "quantity": 2}], "reason": "wrong colour"}
    errand = shop.post(f"/v1/orders/{order_id}/return-pickup", asked, 201)
    return_id = errand["return_id"]
    assert (errand["order_id"], errand["store_id"]) == (order_id, home)
    assert errand["pickup"]["address"] == "Testikatu 1 A 2"
    (coming,) = shop.get(f"/v1/stores/{home}/returns")["coming"]
    assert coming["return_id"] == return_id

    pickup, dropoff = run(shop, return_id)
    store = shop.get(f"/v1/stores/{home}")
    assert (pickup["kind"], dropoff["kind"]) == ("pickup", "dropoff")
    assert (pickup["name"], pickup["address"]) == ("Testikatu 1 A 2", "Testikatu 1 A 2")
    assert pickup["location"] == shop.order(order_id)["dropoff"]["location"]
    assert pickup["note"] == "wrong colour"
    assert dropoff["name"] == store["name"]
    assert dropoff["location"] == store["location"]
    assert dropoff["address"] == (store["address"] or "")

    # It lies at the desk and is no stock until somebody has looked at it.
    assert on_hand(shop, home, "lamp") == before
    told = shop.get(f"/v1/stores/{home}/returns")
    assert told["coming"] == []
    (waiting,) = told["waiting"]
    assert waiting["return_id"] == return_id
    assert [(row["name"], row["quantity"]) for row in waiting["lines"]] == [("Lamp", 2)]
    settled = shop.post(
        f"/v1/returns/{return_id}/settle",
        {
            "restocked": [{"sku": "lamp", "quantity": 1}],
            "written_off": [{"sku": "lamp", "quantity": 1}],
            "refund_cents": 3980,
            "reason": "one is broken",
        },
    )
    assert settled["settled_at"] is not None
    assert on_hand(shop, home, "lamp") == before + 1
    assert shop.get(f"/v1/stores/{home}/returns")["waiting"] == []
    (fact,) = [fact for fact in facts(shop, "ReturnSettled") if fact["order_id"] == order_id]
    assert (fact["return_id"], fact["store_id"]) == (return_id, home)
    taken = [
        fact for fact in facts(shop, "OrderReceived") if fact["order"]["order_id"] == return_id
    ]
    assert taken[0]["order"]["return_of"] == order_id
    assert taken[0]["order"]["weight_g"] == 2 * 900
    assert [f["order_id"] for f in facts(shop, "OrderDelivered")].count(return_id) == 1
    assert all(row["id"] != taken[0]["store_id"] for row in shop.get("/v1/stores")["data"])
    again = shop.http.post(f"/v1/returns/{return_id}/settle", json={"reason": "once more"})
    assert refused(again, 409, "wrong_state")["state"] == "settled"


def test_goods_on_their_way_back_cannot_come_back_twice(shop: Town) -> None:
    order_id = delivered(shop, lamp=1)
    home = shop.order(order_id)["store_id"]
    path = f"/v1/orders/{order_id}"
    asked = {"lines": [{"sku": "lamp", "quantity": 1}], "reason": "too bright"}
    return_id = shop.post(f"{path}/return-pickup", asked, 201)["return_id"]
    twice = shop.http.post(f"{path}/return-pickup", json=asked)
    refused(twice, 422, "invalid_value", "/lines/0/quantity")
    desk = {"store_id": home, "restocked": [{"sku": "lamp", "quantity": 1}], "reason": "here"}
    refused(shop.http.post(f"{path}/returns", json=desk), 422, "invalid_value")
    early = shop.http.post(f"/v1/returns/{return_id}/settle", json={"reason": "early"})
    assert refused(early, 409, "wrong_state")["allowed"] == ["delivered"]
    shop.post(f"/v1/orders/{return_id}/cancel", {"reason": "comes to the desk"})
    shop.post(f"{path}/returns", desk, 201)


@pytest.mark.parametrize(
    ("changes", "status", "code", "pointer"),
    [
        (
            {"restocked": [{"sku": "cream", "quantity": 1}]},
            422,
            "invalid_value",
            "/restocked/0/quantity",
        ),
        (
            {"written_off": [{"sku": "lamp", "quantity": 1}, {"sku": "cream", "quantity": 2}]},
            422,
            "invalid_value",
            "/written_off/1/quantity",
        ),
        (
            {"written_off": [{"sku": "caviar", "quantity": 1}]},
            422,
            "invalid_value",
            "/written_off/0/quantity",
        ),
        (
            {"written_off": [{"sku": "lamp", "quantity": 1}] * 2},
            422,
            "invalid_request",
            "/written_off/1/sku",
        ),
        ({"written_off": []}, 422, "invalid_value", "/restocked"),
        (
            {"written_off": [{"sku": "lamp", "quantity": 0}]},
            422,
            "invalid_request",
            "/written_off/0/quantity",
        ),
        ({"refund_cents": 9_001}, 422, "invalid_value", "/refund_cents"),
        ({"refund_cents": -1}, 422, "invalid_request", "/refund_cents"),
        ({"reason": ""}, 422, "invalid_request", "/reason"),
        ({"store_id": "sto_none"}, 404, "unknown_id", None),
        ({"occurred_at": "2026-12-24T18:00:00Z"}, 422, "time_in_future", "/occurred_at"),
        ({"resold": []}, 422, "invalid_request", "/resold"),
    ],
)
def test_a_return_that_cannot_be_meant_is_pointed_at_and_changes_nothing(
    shop: Town,
    one_order: str,
    changes: dict[str, Any],
    status: int,
    code: str,
    pointer: str | None,
) -> None:
    path = f"/v1/orders/{one_order}/returns"
    before = shop.get(path)
    body = {
        "store_id": shop.order(one_order)["store_id"],
        "written_off": [{"sku": "lamp", "quantity": 1}],
        "reason": "x",
        **changes,
    }
    refused(shop.http.post(path, json=body), status, code, pointer)
    assert shop.get(path) == before


@pytest.fixture(scope="module")
def one_order(shop: Town) -> str:
    """Return a delivered order that nothing comes back of."""
    return delivered(shop, lamp=1, cream=1)


def test_a_return_out_of_turn_names_the_moves_allowed(shop: Town, one_order: str) -> None:
    store_id = shop.order(one_order)["store_id"]
    lines = [{"sku": "lamp", "quantity": 1}]
    open_id = shop.post("/v1/orders", shop.basket(lines=lines), 201)["id"]
    desk = {"store_id": store_id, "restocked": lines, "reason": "x"}
    fetch = {"lines": lines, "reason": "x"}
    for path, body in (("returns", desk), ("return-pickup", fetch)):
        answer = shop.http.post(f"/v1/orders/{open_id}/{path}", json=body)
        assert refused(answer, 409, "wrong_state")["allowed"] == ["delivered"]
        refused(shop.http.post(f"/v1/orders/ord_none/{path}", json=body), 404, "unknown_id")
    shop.post(f"/v1/orders/{open_id}/cancel", {"reason": "seen"})
    settle = {"restocked": lines, "reason": "x"}
    refused(shop.http.post(f"/v1/returns/{one_order}/settle", json=settle), 404, "unknown_id")
    refused(shop.http.post("/v1/returns/ord_none/settle", json=settle), 404, "unknown_id")
    refused(shop.http.get("/v1/stores/sto_none/returns"), 404, "unknown_id")
    nothing = shop.http.post(
        f"/v1/orders/{one_order}/return-pickup", json={"lines": [], "reason": "x"}
    )
    refused(nothing, 422, "invalid_request", "/lines")
