"""Quotes over HTTP: windows with prices, refusals with codes, and what an order makes of them."""

from __future__ import annotations

from typing import Any

from conftest import Town


def question(town: Town, **more: Any) -> dict[str, Any]:
    basket = town.basket()
    return {key: basket[key] for key in ("dropoff", "lines", "weight_g")} | more


def logged(town: Town, after: int) -> list[str]:
    """Return the names of what was recorded after a sequence number, but for plans."""
    events = town.get("/v1/events", after=after, limit=500)["data"]
    return [event["type"] for event in events if event["type"] != "PlanPublished"]


def seq(town: Town) -> int:
    """Return the last sequence number."""
    after = 0
    while page := town.get("/v1/events", after=after, limit=500)["data"]:
        after = page[-1]["seq"]
    return after


def give_up(town: Town, order: dict[str, Any]) -> None:
    town.post(f"/v1/orders/{order['id']}/cancel", {"reason": "test over"})


def test_a_quote_has_windows_with_the_parts_of_their_prices(town: Town) -> None:
    before = seq(town)
    quote = town.post("/v1/quotes", question(town), 201)
    assert "QuoteGiven" in logged(town, before)
    windows = {window["id"]: window for window in quote["windows"]}
    assert list(windows)[:3] == ["15m", "30m", "60m"]
    slots = [key for key in windows if key.startswith("slot-")]
    assert len(slots) == town.get("/v1/zones/helsinki")["policy"]["slots_ahead"]
    sixty, slot = windows["60m"], windows[slots[0]]
    assert sixty["available"]
    assert slot["available"]
    for priced in (quote, sixty, slot):
        assert priced["fare_cents"] == sum(priced["fare"].values())
    assert slot["fare"]["tier_cents"] < 0 == sixty["fare"]["tier_cents"]
    assert quote["fare_cents"] == sixty["fare_cents"]
    assert slot["promise"]["earliest"].endswith("00:00Z")
    for window in windows.values():
        told = {"promise", "fare", "fare_cents", "store_id"}
        assert set(window) == {"id", "available"} | (
            told if window["available"] else {"code", "detail"}
        )


def test_an_order_that_cites_a_window_gets_exactly_that(town: Town) -> None:
    quote = town.post("/v1/quotes", question(town), 201)
    window = next(w for w in quote["windows"] if w["id"] == "60m")
    cited = {"quote_id": quote["id"], "window": "60m"}
    before = seq(town)
    order = town.post("/v1/orders", town.basket(**cited), 201)
    assert order["promise"] == window["promise"]
    assert order["fare_cents"] == window["fare_cents"]
    assert order["quote"] == {
        "id": quote["id"],
        "window": "60m",
        "held": True,
        "reason": None,
        "promised": {"promise": window["promise"], "fare_cents": window["fare_cents"]},
        "now": {"promise": window["promise"], "fare_cents": window["fare_cents"]},
        "difference_s": 0,
        "fare_difference_cents": 0,
    }
    assert town.order(order["id"])["quote"] == order["quote"]
    received = next(
        event["data"]
        for event in town.get("/v1/events", after=before, limit=100)["data"]
        if event["type"] == "OrderReceived"
    )
    assert received["quote_id"] == quote["id"]
    assert received["cited"]["held"] is True
    give_up(town, order)


def test_an_order_for_other_goods_than_quoted_is_told_the_difference(town: Town) -> None:
    quote = town.post("/v1/quotes", question(town), 201)
    more = [{"sku": "milk", "quantity": 2}, {"sku": "bread", "quantity": 5}]
    order = town.post("/v1/orders", town.basket(quote_id=quote["id"], lines=more), 201)
    told = order["quote"]
    assert (told["held"], told["reason"]) == (False, "it was quoted for other goods")
    assert told["promised"]["promise"] == quote["promise"]
    assert told["now"] == {"promise": order["promise"], "fare_cents": order["fare_cents"]}
    assert told["fare_difference_cents"] == order["fare_cents"] - quote["fare_cents"]
    give_up(town, order)


def test_an_order_for_a_slot_is_held_until_its_work_begins(town: Town) -> None:
    quote = town.post("/v1/quotes", question(town), 201)
    slot = next(w for w in quote["windows"] if w["id"].startswith("slot-") and w["available"])
    before = seq(town)
    order = town.post("/v1/orders", town.basket(quote_id=quote["id"], window=slot["id"]), 201)
    assert order["promise"] == slot["promise"]
    assert order["hold"]["owner"] == "slot"
    assert order["created_at"] < order["hold"]["until"] < slot["promise"]["earliest"]
    said = logged(town, before)
    assert said[said.index("OrderReceived") + 1] == "OrderHeld"
    give_up(town, order)


def test_what_is_collected_is_quoted_where_it_is_nearest(town: Town) -> None:
    quote = town.post("/v1/quotes", question(town, fulfilment="collection"), 201)
    assert (quote["fare_cents"], quote["fulfilment"]) == (0, "collection")
    assert quote["eta"] <= quote["promise"]["latest"]
    store_id = quote["store_id"]
    there = {
        "fulfilment": "curbside",
        "store_id": store_id,
        "lines": [{"sku": "milk", "quantity": 1}],
        "weight_g": 1000,
    }
    # A named store is place enough.
    assert town.post("/v1/quotes", there, 201)["store_id"] == store_id
    order = town.post("/v1/orders", there, 201)
    assert (order["delivery"], order["store_id"]) == (None, store_id)
    assert order["collection"] == {"here_at": None, "bay": ""}
    give_up(town, order)


def test_a_question_that_cannot_be_meant_is_pointed_at(town: Town) -> None:
    before = seq(town)
    for change, pointer in (
        ({"fulfilment": "drone"}, "/fulfilment"),
        ({"store_id": "sto_nowhere"}, "/store_id"),
        ({"dropoff": None}, "/dropoff"),
        ({"dropoff": None, "fulfilment": "collection"}, "/dropoff"),
        (
            {"dropoff": None, "fulfilment": "collection", "store_id": "sto_nowhere"},
            "/store_id",
        ),
        ({"basket_cents": -1}, "/basket_cents"),
        ({"lines": [{"sku": "milk", "quantity": 1, "age_limit": 200}]}, "/lines/0/age_limit"),
        ({"lines": [{"sku": "milk", "quantity": 1, "cold": True}]}, "/lines/0/cold"),
        ({"weight_g": None}, "/weight_g"),
        ({"colour": "red"}, "/colour"),
    ):
        problem = town.post("/v1/quotes", question(town, **change), 422)
        assert problem["pointer"] == pointer, problem
    without = {key: value for key, value in question(town).items() if key != "weight_g"}
    problem = town.post("/v1/quotes", without, 422)
    assert (problem["code"], problem["pointer"]) == ("invalid_value", "/weight_g")
    problem = town.post("/v1/quotes", question(town, lines=[{"sku": "caviar", "quantity": 1}]), 422)
    assert problem["code"] == "no_stock"
    assert "QuoteGiven" not in logged(town, before)


def test_a_window_that_cannot_be_had_is_refused_by_its_field(town: Town) -> None:
    quote = town.post("/v1/quotes", question(town), 201)
    for window in ("20m", "slot-12x", "soon"):
        problem = town.post("/v1/orders", town.basket(window=window), 422)
        assert (problem["code"], problem["pointer"]) == ("invalid_request", "/window")
    for cited in ({"quote_id": quote["id"], "window": "slot-12"}, {"window": "slot-12"}):
        problem = town.post("/v1/orders", town.basket(**cited), 422)
        assert (problem["code"], problem["pointer"]) == ("invalid_value", "/window")
    problem = town.post("/v1/orders", town.basket(quote_id="quo_unknown"), 422)
    assert problem["code"] == "quote_expired"
