"""Orders over HTTP: taken with all that a shop says, split, changed, found again, given up."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from conftest import Town, over, until


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """Return a service of which milk is everywhere, and some things are only here or there."""
    made = Town(tmp_path_factory.mktemp("shop"), speed=20).start()
    stores = made.stock()
    for sku, store in (("tea", stores[0]), ("cake", stores[1])):
        items = [{"sku": sku, "on_hand": 20}]
        made.put(f"/v1/stores/{store['id']}/stock", {"items": items})
    articles = [
        {"sku": "beer", "name": "Beer", "weight_g": 500, "age_limit": 18},
        {"sku": "milk", "name": "Milk", "weight_g": 1000, "chilled": True},
    ]
    made.put("/v1/catalogue", {"articles": articles})
    made.put(f"/v1/stores/{stores[0]['id']}/stock", {"items": [{"sku": "beer", "on_hand": 50}]})
    for store in stores[:2]:
        made.courier(store["location"])
    yield made
    over(made)


def facts(town: Town, order_id: str) -> list[str]:
    """Return what the log says of an order, by name, but for plans."""
    events = (e for e in town.events() if e["type"] != "PlanPublished")
    return [e["type"] for e in events if names(e, order_id)]


def names(event: dict[str, Any], order_id: str) -> bool:
    data = event["data"]
    about = (data.get("order_id"), data.get("order", {}).get("order_id"))
    stop = data.get("stop")
    return order_id in about or (stop is not None and stop["order_id"] == order_id)


def patch(town: Town, order_id: str, body: Any, expect: int = 200, etag: str | None = None) -> Any:
    headers = {} if etag is None else {"If-Match": etag}
    answer = town.http.patch(f"/v1/orders/{order_id}", json=body, headers=headers)
    assert answer.status_code == expect, answer.text
    return answer.json()


def give_up(town: Town, order_id: str) -> Any:
    return town.post(f"/v1/orders/{order_id}/cancel", {"reason": "test over"})


def basket(town: Town, *skus: str, **more: Any) -> dict[str, Any]:
    lines = [{"sku": sku, "quantity": 1} for sku in skus or ("milk",)]
    return town.basket(lines=lines, **more)


# --- taking ------------------------------------------------------------------------------------


def test_an_order_keeps_all_that_the_shop_says(shop: Town) -> None:
    said = {
        "external_id": "shop-1",
        "phone": "+358401234567",
        "priority": 2,
        "tip_cents": 200,
        "paid_cents": 1_800,
        "pin_required": True,
    }
    order = shop.post("/v1/orders", basket(shop, **said), 201)
    assert {key: order[key] for key in said} == said
    assert order["overall_status"] == "confirmed"
    assert [parcel["order_id"] for parcel in order["parcels"]] == [order["id"]]
    assert order["warnings"] == []
    (listed,) = shop.get("/v1/orders", external_id="shop-1")["data"]
    assert listed["id"] == order["id"]
    assert shop.get("/v1/orders", external_id="shop-none")["data"] == []
    again = shop.post("/v1/orders", basket(shop, **said))
    assert again["id"] == order["id"]
    for change in ({"tip_cents": 1}, {"paid_cents": 1}, {"priority": 0}, {"phone": ""}):
        shop.post("/v1/orders", basket(shop, **{**said, **change}), 409)
    cancelled = give_up(shop, order["id"])
    assert (cancelled["status"], cancelled["refund_cents"]) == ("cancelled", 1_800)
    said_of = facts(shop, order["id"])
    assert (said_of[0], said_of[-1]) == ("OrderReceived", "OrderCancelled")
    assert said_of.count("OrderReceived") == 1
    (listed,) = shop.get("/v1/orders", external_id="shop-1")["data"]
    assert listed["status"] == "cancelled"


def test_weight_cold_and_age_come_from_the_catalogue(shop: Town) -> None:
    wanted = basket(shop, "beer", "milk")
    del wanted["weight_g"]
    order = shop.post("/v1/orders", wanted, 201)
    assert (order["weight_g"], order["chilled"], order["age_limit"]) == (1_500, True, 18)
    give_up(shop, order["id"])
    wanted["lines"].append({"sku": "bread", "quantity": 2, "weight_g": 400})
    order = shop.post("/v1/orders", wanted, 201)
    assert order["weight_g"] == 2_300
    give_up(shop, order["id"])
    del wanted["lines"][-1]["weight_g"]
    problem = shop.post("/v1/orders", wanted, 422)
    assert (problem["code"], problem["pointer"]) == ("invalid_value", "/weight_g")


def test_a_pin_beside_the_address_is_the_door_and_one_far_off_is_warned_of(shop: Town) -> None:
    wanted = basket(shop)
    address = wanted["dropoff"]["location"]
    # 0.001 degrees of latitude are 111 m.
    for north, warned in ((0.001, []), (0.003, ["pin_far_from_address"])):
        pin = {"lat": address["lat"] + north, "lng": address["lng"]}
        order = shop.post(
            "/v1/orders", {**wanted, "dropoff": {**wanted["dropoff"], "pin": pin}}, 201
        )
        assert order["dropoff"]["location"] == pin
        assert order["dropoff"]["address_location"] == address
        assert [warning["code"] for warning in order["warnings"]] == warned
        back = patch(shop, order["id"], {"dropoff": {"pin": None}})
        assert back["dropoff"]["location"] == address
        assert back["dropoff"]["address_location"] is None
        give_up(shop, order["id"])


def test_what_no_courier_can_carry_is_refused(shop: Town) -> None:
    problem = shop.post("/v1/orders", basket(shop, weight_g=900_000), 422)
    assert problem["code"] == "too_heavy"


def test_an_order_from_a_named_store_comes_from_there_or_not_at_all(shop: Town) -> None:
    store_id = shop.get("/v1/stores")["data"][1]["id"]
    order = shop.post("/v1/orders", basket(shop, store_id=store_id), 201)
    assert (order["store_id"], order["pinned_store_id"]) == (store_id, store_id)
    give_up(shop, order["id"])
    problem = shop.post("/v1/orders", basket(shop, "tea", store_id=store_id), 422)
    assert problem["code"] == "no_stock"


# --- split -------------------------------------------------------------------------------------


def test_an_order_that_no_store_has_all_of_comes_in_parcels(shop: Town) -> None:
    wanted = basket(shop, "tea", "cake", external_id="split-1", paid_cents=999)
    order = shop.post("/v1/orders", wanted, 201)
    first, second = order["parcels"]
    assert [line["sku"] for line in order["lines"]] == [
        *(line["sku"] for line in first["lines"]),
        *(line["sku"] for line in second["lines"]),
    ]
    assert second["order_id"] == f"{order['id']}.2"
    assert first["store_id"] != second["store_id"]
    assert order["paid_cents"] == 999
    part = shop.order(second["order_id"])
    assert (part["part_of"], part["promise"]) == (order["id"], order["promise"])
    assert shop.post("/v1/orders", wanted)["id"] == order["id"]
    # One parcel is picked, the other is not: the whole is where the last one is.
    shop.pick(order["id"])
    assert (
        shop.order(order["id"])["overall_status"]
        == shop.order(second["order_id"])["delivery"]["status"]
    )
    problem = patch(shop, second["order_id"], {"phone": "+3581234567"}, 409)
    assert problem["code"] == "conflict"
    cancelled = give_up(shop, second["order_id"])
    assert cancelled["overall_status"] in {"cancelled", "returning"}
    assert shop.order(order["id"])["refund_cents"] == 999
    for one in (order["id"], second["order_id"]):
        assert facts(shop, one).count("OrderCancelled") == 1
    assert shop.post("/v1/orders", basket(shop, "tea", "cake", may_split=False), 422)["code"] == (
        "no_stock"
    )
    assert shop.post("/v1/orders", basket(shop, "tea", "cake", "gold"), 422)["code"] == "no_stock"


# --- changing ----------------------------------------------------------------------------------


def test_everything_may_change_before_picking_and_instructions_until_the_door(shop: Town) -> None:
    order = shop.post("/v1/orders", basket(shop), 201)
    order_id, door = order["id"], order["dropoff"]["location"]
    moved = {"lat": door["lat"] + 0.001, "lng": door["lng"]}
    changed = patch(
        shop,
        order_id,
        {
            "dropoff": {"location": moved, "address": "Toinen katu 2", "note": "side door"},
            "lines": [{"sku": "milk", "quantity": 3}],
            "tip_cents": 150,
            "owner": "Aino",
        },
    )
    assert changed["amended"]["changed"] == [
        *("address", "lines", "location", "note", "tip_cents", "weight_g")
    ]
    assert changed["dropoff"] == {
        "location": moved,
        "address": "Toinen katu 2",
        "address_location": None,
        "note": "side door",
    }
    assert changed["lines"] == [{"sku": "milk", "quantity": 3}]
    # The catalogue knows the weight of milk.
    assert (changed["weight_g"], changed["tip_cents"]) == (3_000, 150)
    store = changed["store_id"]
    reserved = {row["sku"]: row["reserved"] for row in stock(shop, store)}
    assert reserved["milk"] >= 3
    shop.post(f"/v1/orders/{order_id}/picking", {"event": "started"})
    for refused in (
        {"lines": [{"sku": "milk", "quantity": 1}]},
        {"dropoff": {"location": door}},
        {"dropoff": {"address": "Kolmas katu 3"}},
        {"tip_cents": 0},
        {"phone": "+3581234567", "tip_cents": 0},
    ):
        problem = patch(shop, order_id, refused, 409)
        assert (problem["code"], problem["state"]) == ("wrong_state", "picking")
        assert problem["allowed"] == ["note", "phone"]
    assert shop.order(order_id)["phone"] == ""
    said = patch(shop, order_id, {"phone": "+3581234567", "dropoff": {"note": "ring twice"}})
    assert (said["phone"], said["dropoff"]["note"]) == ("+3581234567", "ring twice")
    give_up(shop, order_id)
    problem = patch(shop, order_id, {"phone": ""}, 409)
    assert problem["allowed"] == []
    # Between them a plan may move it, or send a courier for it.
    of_people = {"OrderReceived", "OrderAmended", "PickStarted", "OrderCancelled"}
    assert [fact for fact in facts(shop, order_id) if fact in of_people] == [
        *("OrderReceived", "OrderAmended", "PickStarted", "OrderAmended", "OrderCancelled")
    ]


def stock(town: Town, store_id: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = town.get(f"/v1/stores/{store_id}/stock", limit=500)["data"]
    return rows


def test_goods_that_the_store_lacks_move_the_order(shop: Town) -> None:
    order = shop.post("/v1/orders", basket(shop), 201)
    with_tea, with_cake = (store["id"] for store in shop.get("/v1/stores")["data"][:2])
    wanted, to = ("cake", with_cake) if order["store_id"] == with_tea else ("tea", with_tea)
    lines = [{"sku": wanted, "quantity": 1, "weight_g": 300}]
    changed = patch(shop, order["id"], {"lines": lines})
    assert changed["store_id"] == to
    said = facts(shop, order["id"])
    assert said.index("OrderReceived") < said.index("OrderResourced") < said.index("OrderAmended")
    problem = patch(
        shop,
        order["id"],
        {"lines": [{"sku": "gold", "quantity": 1, "weight_g": 300}]},
        422,
    )
    assert problem["code"] == "no_stock"
    give_up(shop, order["id"])


def test_an_edit_of_what_has_changed_since_is_refused(shop: Town) -> None:
    answer = shop.http.post("/v1/orders", json=basket(shop))
    order_id, etag = answer.json()["id"], answer.headers["etag"]
    assert shop.http.get(f"/v1/orders/{order_id}").headers["etag"] == etag
    patch(shop, order_id, {"phone": "+3581234567"}, etag=etag)
    problem = patch(shop, order_id, {"phone": "+3587654321"}, 412, etag=etag)
    assert problem["code"] == "stale_version"
    assert shop.order(order_id)["phone"] == "+3581234567"
    give_up(shop, order_id)


def test_a_change_that_cannot_be_meant_is_pointed_at(shop: Town) -> None:
    order_id = shop.post("/v1/orders", basket(shop), 201)["id"]
    before = facts(shop, order_id)
    for body, pointer in (
        ({}, ""),
        ({"owner": "Aino"}, ""),
        ({"dropoff": {}}, ""),
        ({"dropoff": {"location": {"lat": 91, "lng": 0}}}, "/dropoff/location/lat"),
        ({"lines": []}, "/lines"),
        ({"weight_g": None}, "/weight_g"),
        ({"lines": None}, "/lines"),
        ({"dropoff": {"address": None}}, "/dropoff/address"),
        ({"phone": "040 123"}, "/phone"),
        ({"tip_cents": -1}, "/tip_cents"),
        ({"priority": 3}, "/priority"),
        ({"lines": [{"sku": "bread", "quantity": 1}]}, "/weight_g"),
    ):
        assert patch(shop, order_id, body, 422)["pointer"] == pointer
    far = {"dropoff": {"location": {"lat": 60.9, "lng": 24.9}, "address": "Far"}}
    assert patch(shop, order_id, far, 422)["code"] == "outside_radius"
    assert patch(shop, "ord_nothing", {"phone": ""}, 404)["code"] == "unknown_id"
    assert facts(shop, order_id) == before
    give_up(shop, order_id)


def test_an_order_that_cannot_be_meant_is_pointed_at(shop: Town) -> None:
    for change, pointer in (
        ({"priority": 4}, "/priority"),
        ({"fulfilment": "teleport"}, "/fulfilment"),
        ({"phone": "0401234567"}, "/phone"),
        ({"paid_cents": -5}, "/paid_cents"),
        ({"pin_required": "yes"}, "/pin_required"),
        ({"store_id": "sto_nowhere"}, "/store_id"),
        ({"dropoff": None}, "/dropoff"),
    ):
        problem = shop.post("/v1/orders", basket(shop, **change), 422)
        assert problem["pointer"] == pointer, problem


# --- giving up ---------------------------------------------------------------------------------


def test_goods_in_the_bag_of_a_cancelled_order_come_back(shop: Town) -> None:
    order = shop.post("/v1/orders", basket(shop, paid_cents=700), 201)
    order_id = order["id"]
    shop.pick(order_id)
    courier_id = shop.told(order_id, "enroute_to_pickup")["delivery"]["courier_id"]
    shop.report(courier_id, "arrived")
    shop.report(courier_id, "completed")
    cancelled = give_up(shop, order_id)
    assert (cancelled["status"], cancelled["refund_cents"]) == ("cancelled", 700)
    assert cancelled["delivery"]["status"] == "returning"
    assert cancelled["overall_status"] == "returning"
    problem = shop.post(f"/v1/orders/{order_id}/cancel", {"reason": "again"}, 409)
    assert problem["code"] == "wrong_state"

    def return_told() -> Any:
        stops = shop.get(f"/v1/couriers/{courier_id}/route")["stops"]
        return [s for s in stops if s["kind"] == "return" and s["status"] != "planned"]

    until(return_told, "the courier is told to bring it back")
    shop.report(courier_id, "completed")
    done = shop.order(order_id)
    assert (done["delivery"]["status"], done["overall_status"]) == ("returned", "returned")
    said = facts(shop, order_id)
    assert said.index("ParcelPickedUp") < said.index("OrderCancelled")
    assert said[-1] == "ParcelReturned"


def test_the_shop_sees_what_its_orders_bring_each_store(shop: Town) -> None:
    order = shop.post("/v1/orders", basket(shop, paid_cents=1_500, tip_cents=100), 201)
    store_id = order["store_id"]
    period = {"from": order["created_at"], "to": "2026-11-21T00:00:00Z"}
    own = shop.get(f"/v1/stores/{store_id}/sales", **period)
    assert (own["orders"], own["open"], own["paid_cents"], own["tip_cents"]) == (1, 1, 1_500, 100)
    everywhere = shop.get("/v1/sales", **period)
    assert everywhere["total"]["orders"] == 1
    row = next(row for row in everywhere["data"] if row["store_id"] == store_id)
    assert row["fare_cents"] == order["fare_cents"]
    give_up(shop, order["id"])
    own = shop.get(f"/v1/stores/{store_id}/sales", **period)
    assert (own["cancelled"], own["open"], own["refund_cents"]) == (1, 0, 1_500)
    assert (
        shop.get("/v1/sales", **{"from": "2026-11-22T00:00:00Z", "to": "2026-11-23T00:00:00Z"})[
            "total"
        ]["orders"]
        == 0
    )
    assert shop.get("/v1/stores/sto_nowhere/sales", 404)["code"] == "unknown_id"
    backwards = {"from": "2026-11-22T00:00:00Z", "to": "2026-11-21T00:00:00Z"}
    assert shop.get("/v1/sales", 422, **backwards)["pointer"] == "/from"
    assert shop.get("/v1/sales", 422, **{"from": "yesterday"})["code"] == "invalid_request"
