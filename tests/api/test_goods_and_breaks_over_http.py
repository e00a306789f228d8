"""Volumes, chilled bags and planned breaks over HTTP, and what the API makes of what cannot be."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from conftest import Town, over, until

from geo.integrity import meta_checksum

HELSINKI = Path(__file__).resolve().parents[2] / "data" / "helsinki"

NIGHT = "2026-11-21T12:00:00Z"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """Return a service with two couriers: one by bike with the usual bag, one with a small one."""
    made = Town(tmp_path_factory.mktemp("goods"), speed=20).start()
    made.stock()
    articles = [
        {"sku": "milk", "name": "Milk", "weight_g": 1000, "volume_ml": 1100, "chilled": True},
        {"sku": "bread", "name": "Bread", "weight_g": 500, "volume_ml": 2500},
    ]
    made.put("/v1/catalogue", {"articles": articles})
    yield made
    over(made)


@pytest.fixture
def town(shop: Town) -> Iterator[Town]:
    """The service, with nobody on shift before and after."""
    yield shop
    for order in shop.get("/v1/orders")["data"]:
        shop.post(f"/v1/orders/{order['id']}/cancel", {"reason": "the test is over"})
    for courier in shop.get("/v1/couriers")["data"]:
        shop.post(f"/v1/couriers/{courier['id']}/shift/end")


def on_shift(town: Town, **more: Any) -> str:
    home = town.get("/v1/stores")["data"][0]["location"]
    courier_id = town.courier(home)
    town.put(f"/v1/couriers/{courier_id}", {"name": "Aino", "mode": "bike", "home": home, **more})
    return courier_id


def later(town: Town, seconds: int) -> str:
    now = datetime.fromisoformat(town.get("/v1/zones")["data"][0]["now"])
    return (now + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


# --- goods -------------------------------------------------------------------------------------


def test_an_order_takes_the_room_its_articles_say_unless_the_shop_says_another(town: Town) -> None:
    on_shift(town)
    lines = [{"sku": "milk", "quantity": 2}, {"sku": "bread", "quantity": 1, "volume_ml": 900}]
    said = town.basket(lines=lines)
    del said["weight_g"]
    order = town.post("/v1/orders", said, 201)
    assert (order["weight_g"], order["volume_ml"], order["chilled"]) == (2500, 3100, True)
    changed = town.http.patch(f"/v1/orders/{order['id']}", json={"volume_ml": 7000})
    assert changed.status_code == 200, changed.text
    assert changed.json()["volume_ml"] == 7000
    other = town.post("/v1/orders", town.basket(volume_ml=5000), 201)
    assert other["volume_ml"] == 5000
    assert town.get("/v1/catalogue/milk")["volume_ml"] == 1100


def test_the_same_order_sent_again_must_be_of_the_same_size(town: Town) -> None:
    on_shift(town)
    said = town.basket(external_id="size-1", volume_ml=5000)
    first = town.post("/v1/orders", said, 201)
    assert town.post("/v1/orders", said, 200)["id"] == first["id"]
    again = town.post("/v1/orders", {**said, "volume_ml": 6000}, 409)
    assert again["code"] == "external_id_taken"


def test_a_courier_has_the_bag_that_goes_with_the_mode_unless_one_is_named(town: Town) -> None:
    home = town.get("/v1/stores")["data"][0]["location"]
    known = {"name": "Aino", "home": home}
    bags = {}
    for mode in ("walk", "bike"):
        row = town.put("/v1/couriers/cou_bag", {**known, "mode": mode})
        bags[mode] = (row["capacity_ml"], row["chilled_bags"])
    assert bags == {"walk": (40_000, 1), "bike": (60_000, 2)}
    named = {"capacity_ml": 90_000, "chilled_bags": 0}
    row = town.put("/v1/couriers/cou_bag", {**known, "mode": "bike", **named})
    assert {key: row[key] for key in named} == named


@pytest.mark.parametrize(
    ("order", "bag", "code", "detail"),
    [
        ({"volume_ml": 60_001}, {}, "too_large", "room for more than 60000 ml"),
        ({}, {"chilled_bags": 0}, "no_chilled_bag", "has a chilled bag"),
    ],
)
def test_what_fits_into_no_bag_is_refused_at_the_quote_and_as_an_order(
    town: Town, order: dict[str, Any], bag: dict[str, Any], code: str, detail: str
) -> None:
    on_shift(town, **bag)
    said = town.basket(**order)
    asked = {key: said[key] for key in ("dropoff", "lines", "weight_g", *order)}
    for path, body in (("/v1/quotes", asked), ("/v1/orders", said)):
        problem = town.post(path, body, 422)
        assert (problem["code"], detail in problem["detail"]) == (code, True)
    fits = {"lines": [{"sku": "milk", "quantity": 2, "chilled": False}], "volume_ml": 60_000}
    assert town.post("/v1/orders", town.basket(**fits), 201)["volume_ml"] == 60_000


@pytest.mark.parametrize("size", [-1, 10**12, 1.5, "big", None])
def test_a_size_that_is_none_is_named(town: Town, size: object) -> None:
    assert town.post("/v1/orders", town.basket(volume_ml=size), 422)["pointer"] == "/volume_ml"


# --- planned breaks ----------------------------------------------------------------------------


def test_a_planned_break_is_seen_before_it_begins_by_itself_and_ends(town: Town) -> None:
    courier_id = on_shift(town)
    planned = {"earliest": later(town, 40), "latest": later(town, 100), "duration_s": 60}
    shift = {"courier_id": courier_id, "ends_at": NIGHT, "break": planned}
    row = town.post("/v1/shifts", shift, 201)
    assert (row["shift"]["break"], row["break"]) == (planned, None)
    (seen,) = (r for r in town.get("/v1/board")["couriers"] if r["id"] == courier_id)
    assert seen["shift"]["break"] == planned

    def courier() -> Any:
        return town.get(f"/v1/couriers/{courier_id}")

    until(lambda: courier()["activity"] == "on_break", "the break begins")
    assert courier()["shift"]["break"] is None

    def told() -> list[dict[str, Any]]:
        return [event for event in town.events() if event["data"].get("courier_id") == courier_id]

    until(lambda: told()[-1]["type"] == "BreakEnded", "it is over")
    assert told()[-2]["type"] == "BreakStarted"
    assert courier()["break"] is None
    started = [event["data"] for event in told() if event["type"] == "ShiftStarted"]
    assert [data["pause"] for data in started] == [None, planned]


@pytest.mark.parametrize(
    ("begins", "ends", "lasts", "pointer"),
    [
        (-3600, 600, 900, "/break/earliest"),
        (600, 90 * 3600, 900, "/break/latest"),
        (900, 600, 900, "/break/latest"),
        (600, 900, 59, "/break/duration_s"),
        (600, 900, 5 * 3600, "/break/duration_s"),
    ],
)
def test_a_break_that_cannot_be_is_named_and_no_shift_begins(
    town: Town, begins: int, ends: int, lasts: int, pointer: str
) -> None:
    home = town.get("/v1/stores")["data"][0]["location"]
    town.put("/v1/couriers/cou_rest", {"name": "Aino", "mode": "bike", "home": home})
    planned = {"earliest": later(town, begins), "latest": later(town, ends), "duration_s": lasts}
    shift = {"courier_id": "cou_rest", "ends_at": NIGHT, "break": planned}
    assert town.post("/v1/shifts", shift, 422)["pointer"] == pointer
    assert town.get("/v1/couriers/cou_rest")["on_shift"] is False


# --- what cannot be ----------------------------------------------------------------------------


def test_stock_below_zero_is_named_and_taken_by_no_way_in(town: Town) -> None:
    store_id = town.get("/v1/stores")["data"][0]["id"]
    path = f"/v1/stores/{store_id}/stock"
    before = town.get(path, sku="milk")
    problem = town.put(path, {"items": [{"sku": "milk", "on_hand": -1}]}, 422)
    assert problem["pointer"] == "/items/0/on_hand"
    answer = town.http.put(
        path, content="sku,on_hand\nmilk,-1\n", headers={"Content-Type": "text/csv"}
    )
    assert (answer.status_code, "-1" in answer.text) == (422, True)
    assert town.get(path, sku="milk") == before


def test_a_store_without_pickers_is_passed_over(town: Town) -> None:
    on_shift(town)
    first = town.post("/v1/orders", town.basket(), 201)
    store = town.get(f"/v1/stores/{first['store_id']}")
    known = {"name": store["name"], "location": store["location"]}
    town.put(f"/v1/stores/{store['id']}", {**known, "pickers": 0})
    try:
        assert town.post("/v1/orders", town.basket(), 201)["store_id"] != store["id"]
        named = town.post("/v1/orders", town.basket(store_id=store["id"]), 422)
        assert (named["code"], "has no pickers" in named["detail"]) == ("store_paused", True)
    finally:
        town.put(f"/v1/stores/{store['id']}", known)


def without_cars(folder: Path) -> Path:
    """Return Helsinki without the way of cars."""
    city = Path(shutil.copytree(HELSINKI, folder / "helsinki"))
    path = city / "city.json"
    described = json.loads(path.read_text(encoding="utf-8"))
    described["modes"].remove("car")
    described["checksum"] = meta_checksum(described)
    path.write_text(json.dumps(described), encoding="utf-8")
    return city


def test_couriers_by_a_mode_that_the_city_lacks_are_named_and_the_others_work(
    own_town: Town,
) -> None:
    town = own_town.start("--port", "0")
    town.stock()
    drivers = [on_shift(town, mode="car") for _ in range(2)]
    town.stop()
    city = without_cars(town.folder)
    town.start("--port", "0", "--city", str(city))
    home = town.get("/v1/stores")["data"][0]["location"]
    known = {"name": "C", "mode": "car", "home": home}
    problem = town.put("/v1/couriers/cou_car", known, 422)
    assert (problem["code"], problem["pointer"]) == ("invalid_value", "/mode")
    assert "car is not in this city; it has" in problem["detail"]
    # Those of another day are there still, and are no help to anybody.
    refused = town.post("/v1/orders", town.basket(), 422)
    assert refused["code"] == "no_courier_on_shift"
    cyclist = on_shift(town)
    order_id = town.post("/v1/orders", town.basket(), 201)["id"]
    assert town.told(order_id, "enroute_to_pickup")["delivery"]["courier_id"] == cyclist
    seen = {row["id"]: row["activity"] for row in town.get("/v1/board")["couriers"]}
    assert {seen[driver] for driver in drivers} == {"idle"}
    spot = town.post(f"/v1/couriers/{drivers[0]}/position", {"location": home}, 422)
    assert "car" in spot["detail"]
    assert town.stop() == 0, town.log()
    assert "level=ERROR" not in town.log()


def test_an_order_whose_hour_is_over_already_is_refused_with_the_reason(town: Town) -> None:
    on_shift(town)
    problem = town.post("/v1/orders", town.basket(created_at=later(town, -3 * 3600)), 422)
    assert problem["code"] == "no_courier_before_deadline"
    assert "later than the" in problem["detail"]
