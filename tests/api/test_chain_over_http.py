"""The main chain over HTTP: from the question whether it can come to the door."""

from __future__ import annotations

from typing import Any

from conftest import Town
from databases import rows


def deliver(town: Town, order_id: str) -> dict[str, Any]:
    """Take an order from the shelf to the door, acting for whichever courier gets it."""
    town.pick(order_id)
    courier_id = town.told(order_id, "enroute_to_pickup")["delivery"]["courier_id"]
    town.report(courier_id, "arrived")
    town.report(courier_id, "completed")
    town.told(order_id, "enroute_to_dropoff")
    town.report(courier_id, "arrived")
    town.report(courier_id, "completed")
    order: dict[str, Any] = town.order(order_id)
    return order


def test_an_order_goes_from_quote_to_door(town: Town) -> None:
    basket = town.basket()
    asked = {
        "dropoff": basket["dropoff"],
        "lines": basket["lines"],
        "weight_g": basket["weight_g"],
    }
    quote = town.post("/v1/quotes", asked, 201)
    assert quote["promise"]["earliest"] <= quote["promise"]["latest"]
    assert quote["fare_cents"] > 0

    order = town.post("/v1/orders", {**basket, "quote_id": quote["id"]}, 201)
    assert order["status"] == "sourced"
    assert order["fare_cents"] == quote["fare_cents"]
    assert order["delivery"]["promise"] == quote["promise"]

    done = deliver(town, order["id"])
    assert done["delivery"]["status"] == "delivered"
    steps = [step["event"] for step in done["timeline"]]
    # A courier may be told to leave before or after the last article is picked.
    assert steps.index("PickStarted") < steps.index("PickCompleted")
    assert steps.index("PickCompleted") < steps.index("ParcelPickedUp")
    assert [step for step in steps if not step.startswith("Pick")] == [
        "OrderReceived",
        "StopCommitted",
        "StopArrived",
        "ParcelPickedUp",
        "StopCommitted",
        "StopArrived",
        "OrderDelivered",
    ]
    times = [step["at"] for step in done["timeline"]]
    assert times == sorted(times)


def test_a_route_leads_along_streets_from_where_the_courier_is(town: Town) -> None:
    order = town.post("/v1/orders", town.basket(), 201)
    town.pick(order["id"])
    courier_id = town.told(order["id"], "enroute_to_pickup")["delivery"]["courier_id"]
    route = town.get(f"/v1/couriers/{courier_id}/route")
    assert [stop["kind"] for stop in route["stops"]] == ["pickup", "dropoff"]
    assert [stop["status"] for stop in route["stops"]] == ["committed", "planned"]
    assert route["stops"][1]["promise"]["latest"] >= route["stops"][1]["promise"]["earliest"]
    last = route["legs"][-1]
    assert last["stop_id"] == route["stops"][1]["id"]
    assert last["length_m"] > 0
    assert len(last["line"]) > 2
    door = order["dropoff"]["location"]
    assert abs(last["line"][-1][0] - door["lng"]) < 0.01
    deliver_rest(town, order["id"], courier_id)


def deliver_rest(town: Town, order_id: str, courier_id: str) -> None:
    town.report(courier_id, "arrived")
    town.report(courier_id, "completed")
    town.told(order_id, "enroute_to_dropoff")
    town.report(courier_id, "completed")
    assert town.order(order_id)["delivery"]["status"] == "delivered"


def test_an_undelivered_order_goes_back_to_its_store(town: Town) -> None:
    order = town.post("/v1/orders", town.basket(), 201)
    town.pick(order["id"])
    courier_id = town.told(order["id"], "enroute_to_pickup")["delivery"]["courier_id"]
    town.report(courier_id, "completed")
    town.told(order["id"], "enroute_to_dropoff")
    town.report(courier_id, "arrived")
    failed = town.report(courier_id, "failed", reason="nobody at home")
    assert "DeliveryFailed" in failed["events"]
    town.told(order["id"], "returning")
    town.report(courier_id, "arrived")
    town.report(courier_id, "completed")
    done = town.order(order["id"])
    assert done["delivery"]["status"] == "returned"
    assert done["reason"] == "nobody at home"


def test_a_declined_pickup_is_free_again_and_not_for_that_courier(town: Town) -> None:
    order = town.post("/v1/orders", town.basket(), 201)
    town.pick(order["id"])
    courier_id = town.told(order["id"], "enroute_to_pickup")["delivery"]["courier_id"]
    town.report(courier_id, "declined", reason="flat tyre")
    after = town.order(order["id"])
    assert after["delivery"]["courier_id"] != courier_id
    cancelled = town.post(f"/v1/orders/{order['id']}/cancel", {"reason": "no courier"})
    assert cancelled["delivery"]["status"] == "cancelled"


def test_a_cancelled_order_gives_its_stock_back(town: Town) -> None:
    order = town.post("/v1/orders", town.basket(), 201)
    stock_path = f"/v1/stores/{order['store_id']}/stock"
    reserved = {row["sku"]: row["reserved"] for row in town.get(stock_path)["data"]}
    town.post(f"/v1/orders/{order['id']}/cancel", {"reason": "changed my mind"})
    after = {row["sku"]: row["reserved"] for row in town.get(stock_path)["data"]}
    assert reserved["milk"] - after["milk"] == 2
    assert town.order(order["id"])["reason"] == "changed my mind"


def test_the_pick_queue_shows_what_to_do_until_it_is_done(town: Town) -> None:
    order = town.post("/v1/orders", town.basket(), 201)
    path = f"/v1/stores/{order['store_id']}/picks"
    mine = [row for row in town.get(path)["data"] if row["order_id"] == order["id"]]
    assert mine[0]["status"] == "sourced"
    assert [(line["sku"], line["quantity"]) for line in mine[0]["lines"]] == [("milk", 2)]
    town.post(f"/v1/orders/{order['id']}/picking", {"event": "started"})
    # At work, so no replan can have moved it to another store meanwhile.
    path = f"/v1/stores/{town.order(order['id'])['store_id']}/picks"
    assert order["id"] in [row["order_id"] for row in town.get(path)["data"]]
    town.post(f"/v1/orders/{order['id']}/picking", {"event": "ready"})
    assert order["id"] not in [row["order_id"] for row in town.get(path)["data"]]
    town.post(f"/v1/orders/{order['id']}/cancel", {"reason": "test over"})


def test_every_order_can_be_explained_open_or_closed(town: Town) -> None:
    order = town.post("/v1/orders", town.basket(), 201)
    found = town.get(f"/v1/orders/{order['id']}/explanation")
    assert found["order_id"] == order["id"]
    assert found["sentence"]
    town.post(f"/v1/orders/{order['id']}/cancel", {"reason": "test over"})
    closed = town.get(f"/v1/orders/{order['id']}/explanation")
    assert closed["sentence"] == "Cancelled: test over."


def test_what_was_answered_survives_a_power_cut(town_on: Town) -> None:
    town = town_on.start()
    town.courier(town.stock()[0]["location"])
    order = town.post("/v1/orders", town.basket(external_id="shop-1"), 201, Idempotency_Key="k")
    town.pick(order["id"])
    position = {"courier_id": "cou_t1", "location": town.get("/v1/stores")["data"][1]["location"]}
    assert town.post("/v1/couriers/positions", {"positions": [position]}, 202)["accepted"] == 1
    before = town.get("/v1/zones")["data"][0]["now"]
    town.kill()

    town = town_on.start()
    assert town.get("/v1/zones")["data"][0]["now"] >= before[:17] + "00Z"
    again = town.order(order["id"])
    assert again["status"] == "ready"
    assert again["delivery"]["promise"] == order["delivery"]["promise"]
    assert town.get("/v1/couriers/cou_t1")["position"]["location"] == position["location"]
    # The same order again is known by its key and by its id; nothing is bought twice.
    body = town.basket(external_id="shop-1")
    assert town.post("/v1/orders", body, 201, Idempotency_Key="k") == order
    assert town.post("/v1/orders", body, 200)["id"] == order["id"]
    courier_id = town.told(order["id"], "enroute_to_pickup")["delivery"]["courier_id"]
    deliver_rest(town, order["id"], courier_id)
    assert town.stop() == 0

    seqs = [seq for (seq,) in rows(town.ledger, "select seq from events order by seq")]
    assert seqs == list(range(1, len(seqs) + 1))
