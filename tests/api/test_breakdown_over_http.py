"""A courier who cannot go on, and a bag handed over: somebody else fetches it and brings it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from conftest import Town, until


@pytest.fixture
def crew(town: Town) -> Iterator[list[str]]:
    """Two couriers with room for one parcel each; the others go home meanwhile."""
    known = town.get("/v1/couriers")["data"]
    others = [courier for courier in known if courier["on_shift"]]
    for courier in others:
        off_shift(town, courier["id"])
    home = town.get("/v1/stores")["data"][0]["location"]
    made = [town.courier(home), town.courier(home)]
    for courier_id in made:
        small = {"name": "Aino", "mode": "bike", "home": home, "capacity_parcels": 1}
        town.put(f"/v1/couriers/{courier_id}", small)
    yield made
    for order in town.get("/v1/orders")["data"]:
        if order["status"] != "cancelled":
            town.post(f"/v1/orders/{order['id']}/cancel", {"reason": "the test is over"})
    for courier_id in made:
        off_shift(town, courier_id)
    for courier in others:
        on_shift(town, courier["id"])


def carried(town: Town) -> tuple[str, str]:
    """Let somebody pick an order up and leave; returns order and courier."""
    order_id = town.post("/v1/orders", town.basket(), 201)["id"]
    town.pick(order_id)
    courier_id = town.told(order_id, "enroute_to_pickup")["delivery"]["courier_id"]
    town.report(courier_id, "completed")
    town.told(order_id, "enroute_to_dropoff")
    return order_id, courier_id


def off_shift(town: Town, courier_id: str) -> None:
    town.post(f"/v1/couriers/{courier_id}/shift/end")


def on_shift(town: Town, courier_id: str) -> None:
    now = town.get("/v1/zones")["data"][0]["now"]
    town.post("/v1/shifts", {"courier_id": courier_id, "ends_at": f"{now[:11]}23:59:00Z"}, 201)


def log_of(town: Town, order_id: str) -> list[dict[str, Any]]:
    """Return what the log says of an order, plans apart."""
    found = [row for row in town.events() if row["type"] != "PlanPublished"]
    return [row for row in found if order_id in str(row["data"])]


def brought(town: Town, courier_id: str, order_id: str) -> None:
    """Let a courier fetch and bring what they are told to."""
    assert town.told(order_id, "enroute_to_pickup")["delivery"]["courier_id"] == courier_id
    town.report(courier_id, "completed")
    town.told(order_id, "enroute_to_dropoff")
    town.report(courier_id, "completed")


def test_after_a_breakdown_another_courier_fetches_the_bag_and_brings_it(
    town: Town, crew: list[str]
) -> None:
    first, second = crew
    off_shift(town, second)
    order_id, _ = carried(town)
    off_shift(town, first)
    on_shift(town, second)
    bystander, _ = carried(town)
    on_shift(town, first)
    here = town.get("/v1/stores")["data"][3]["location"]
    town.post(f"/v1/couriers/{first}/position", {"location": here}, 202)
    store_id = town.order(order_id)["store_id"]

    said = {"reason": "the chain broke"}
    path = f"/v1/couriers/{first}/strand"
    stranded = town.post(path, said, Idempotency_Key="strand-1")
    assert (stranded["stranded"], stranded["activity"]) == ("the chain broke", "stranded")
    assert stranded["on_board"] == []
    assert town.post(path, said, Idempotency_Key="strand-1") == stranded
    again = town.post(path, said, 409)
    assert (again["code"], again["allowed"]) == ("wrong_state", ["recover"])
    assert town.get(f"/v1/couriers/{first}/route")["stops"] == []
    assert town.get(f"/v1/orders/{order_id}/explanation")["sentence"]
    needs_a_person = [row["text"] for row in town.get("/v1/board")["attention"]]
    assert "Aino cannot go on: the chain broke" in needs_a_person
    # Able to go on at once: it is still not for whoever had it before.
    assert town.post(f"/v1/couriers/{first}/recover")["stranded"] is None

    town.report(second, "completed")
    town.told(order_id, "enroute_to_pickup")
    stop = town.get(f"/v1/couriers/{second}/route")["stops"][0]
    assert (stop["kind"], stop["order_id"]) == ("pickup", order_id)
    assert stop["name"] == "bag of Aino"
    assert stop["location"] == here
    shops = [store["id"] for store in town.get("/v1/stores")["data"]]
    assert stop["store_id"] not in shops
    brought(town, second, order_id)
    done = town.order(order_id)
    assert done["delivery"]["status"] == "delivered"
    assert (done["delivery"]["courier_id"], done["store_id"]) == (second, store_id)

    log = [row for row in log_of(town, order_id) if row["type"] in KINDS]
    assert [row["type"] for row in log] == [*CARRIED, "CourierStranded", *CARRIED[1:], DONE]
    left = next(row["data"] for row in log if row["type"] == "CourierStranded")
    assert (left["courier_id"], left["order_ids"]) == (first, [order_id])
    assert left["point"]["location"] == here
    told = [row["data"]["courier_id"] for row in log if row["type"] == "StopCommitted"]
    assert told == [first, first, second, second]
    # Nobody else's order was touched.
    kinds = [row["type"] for row in log_of(town, bystander) if row["type"] in KINDS]
    assert kinds == [*CARRIED, DONE]


CARRIED = ["OrderReceived", "StopCommitted", "ParcelPickedUp", "StopCommitted"]
DONE = "OrderDelivered"
KINDS = {
    "OrderReceived",
    "StopCommitted",
    "ParcelPickedUp",
    "CourierStranded",
    "OrderDelivered",
    "BagHandedOver",
    "OrderLocked",
}


def test_on_the_way_to_a_store_the_pickup_is_given_back(town: Town, crew: list[str]) -> None:
    order_id = town.post("/v1/orders", town.basket(), 201)["id"]
    town.pick(order_id)
    first = town.told(order_id, "enroute_to_pickup")["delivery"]["courier_id"]
    town.post(f"/v1/couriers/{first}/strand", {"reason": "a fall"})

    def told() -> Any:
        delivery = town.order(order_id)["delivery"]
        return delivery["status"] == "enroute_to_pickup" and delivery["courier_id"] != first

    until(told, "somebody else is told to fetch it")
    given_back = [row for row in log_of(town, order_id) if row["type"] == "StopDeclined"]
    assert [row["data"]["reason"] for row in given_back] == ["a fall"]
    town.post(f"/v1/couriers/{first}/recover")


def test_a_bag_handed_over_is_fetched_by_the_named_courier(town: Town, crew: list[str]) -> None:
    order_id, giver = carried(town)
    taker = next(courier_id for courier_id in crew if courier_id != giver)
    here = town.get("/v1/stores")["data"][2]["location"]
    said = {
        "to_courier_id": taker,
        "order_ids": [order_id],
        "owner": "ops:maria",
        "reason": "a lift home",
        "location": here,
    }
    path = f"/v1/couriers/{giver}/hand-over"
    for changed, code, status in (
        ({"to_courier_id": giver}, "invalid_value", 422),
        ({"order_ids": []}, "invalid_request", 422),
        ({"order_ids": ["ord_none"]}, "unknown_id", 404),
        ({"to_courier_id": "cou_none"}, "unknown_id", 404),
        ({"location": {"lat": 0.0, "lng": 0.0}}, "outside_radius", 422),
    ):
        assert town.post(path, {**said, **changed}, status)["code"] == code
    missing = town.post(path, {key: said[key] for key in said if key != "owner"}, 422)
    assert missing["pointer"] == "/owner"
    assert town.order(order_id)["delivery"]["courier_id"] == giver

    handed = town.post(path, said)
    assert (handed["on_board"], handed["stranded"]) == ([], None)
    assert town.post(path, said, 409)["code"] == "conflict"
    brought(town, taker, order_id)
    kinds = [row["type"] for row in log_of(town, order_id) if row["type"] in KINDS]
    assert kinds == [*CARRIED, "BagHandedOver", "OrderLocked", *CARRIED[1:], DONE]


def test_a_breakdown_that_cannot_be_is_refused(town: Town, crew: list[str]) -> None:
    path = f"/v1/couriers/{crew[0]}"
    assert town.post(f"{path}/strand", {}, 422)["pointer"] == "/reason"
    at_sea = {"reason": "a fall", "location": {"lat": 0.0, "lng": 0.0}}
    assert town.post(f"{path}/strand", at_sea, 422)["code"] == "outside_radius"
    future = {"reason": "a fall", "occurred_at": "2026-12-24T18:00:00Z"}
    assert town.post(f"{path}/strand", future, 422)["pointer"] == "/occurred_at"
    assert town.post(f"{path}/recover", None, 409)["allowed"] == ["strand"]
    assert town.post("/v1/couriers/cou_none/strand", {"reason": "a fall"}, 404)
    assert town.get(path)["stranded"] is None


def test_a_failed_delivery_is_tried_again_when_a_dispatcher_says_so(
    town: Town, crew: list[str]
) -> None:
    order_id, courier_id = carried(town)
    path = f"/v1/orders/{order_id}/retry"
    said = {"owner": "ops:maria", "reason": "they called back"}
    early = town.post(path, said, 409)
    assert (early["code"], early["allowed"]) == ("wrong_state", ["failed"])
    assert town.post(path, {"reason": "x"}, 422)["pointer"] == "/owner"
    assert town.post("/v1/orders/ord_none/retry", said, 404)
    town.report(courier_id, "failed", reason="nobody at home")
    town.told(order_id, "returning")
    assert town.post(path, said)["reason"] == "they called back"
    town.told(order_id, "enroute_to_dropoff")
    town.report(courier_id, "completed")
    wanted = {"DeliveryFailed", "StopReleased", "ActionTaken", "RetryGranted", "OrderDelivered"}
    kinds = [row["type"] for row in log_of(town, order_id) if row["type"] in wanted]
    assert kinds == [
        "DeliveryFailed",
        "ActionTaken",
        "StopReleased",
        "RetryGranted",
        "OrderDelivered",
    ]
