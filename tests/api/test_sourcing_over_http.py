"""Where an order comes from, against a real service: pins, exclusions and moves by themselves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from conftest import Town, over, until

NEAR, FAR = "sto_near", "sto_far"
OWNER = {"owner": "Leo", "reason": "customer asked"}


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """Return a service with two shops that have jam, one near the couriers and one far off.

    Picking takes long there, so nobody is sent for goods that nobody picks.
    """
    made = Town(tmp_path_factory.mktemp("street")).start()
    places = [store["location"] for store in made.get("/v1/stores")["data"]]
    near = places[0]
    far = max(places, key=lambda place: abs(place["lat"] - near["lat"]))
    for store_id, place in ((NEAR, near), (FAR, far)):
        shop = {"name": store_id[4:].title(), "location": place, "pick_base_s": 900}
        made.put(f"/v1/stores/{store_id}", shop)
        stocked(made, store_id, jam=50)
    for _ in range(3):
        made.courier(near)
    yield made
    over(made)


def stocked(town: Town, store_id: str, **on_hand: int) -> Any:
    items = [{"sku": sku, "on_hand": count} for sku, count in on_hand.items()]
    return town.put(f"/v1/stores/{store_id}/stock", {"items": items})


def available(town: Town, store_id: str, sku: str = "jam") -> int:
    row: dict[str, int] = town.get(f"/v1/stores/{store_id}/stock", sku=sku)["data"][0]
    return row["available"]


def ordered(town: Town, sku: str = "jam") -> Any:
    door = town.get(f"/v1/stores/{NEAR}")["location"]
    body = town.basket(
        dropoff={"location": door, "address": "Testikatu 1"},
        lines=[{"sku": sku, "quantity": 1}],
        weight_g=500,
    )
    return town.post("/v1/orders", body, 201)


def cancelled(town: Town, *orders: Any) -> None:
    for order in orders:
        town.post(f"/v1/orders/{order['id']}/cancel", {"reason": "test over"})


def told_of(town: Town, order_id: str) -> list[dict[str, Any]]:
    """Return the log's events about where an order comes from, in order."""
    kinds = {"StorePinned", "StoreExcluded", "OrderResourced", "OrderNotMoved"}
    found: list[dict[str, Any]] = []
    after = 0
    while True:
        page = town.get("/v1/events", after=after, limit=1000)
        if not page["data"]:
            return found
        found += [
            event
            for event in page["data"]
            if event["type"] in kinds and event["data"]["order_id"] == order_id
        ]
        after = page["next"]


def kinds_of(events: list[dict[str, Any]]) -> list[str]:
    return [event["type"] for event in events]


def plans_pass(town: Town) -> None:
    """Wait until the engine has decided anew, twice: the first may have been under way."""
    for _ in range(2):
        known = plan_id(town)
        until(lambda known=known: plan_id(town) != known, "another plan")


def plan_id(town: Town) -> str | None:
    """Return which plan is in force, None before the first."""
    found: str | None = town.http.get("/v1/plans/latest").json().get("id")
    return found


def test_a_pin_moves_an_order_and_holds_it_there(street: Town) -> None:
    order = ordered(street)
    assert order["store_id"] == NEAR
    path = f"/v1/orders/{order['id']}"
    weighed = street.get(f"{path}/candidates")
    assert (weighed["store_id"], weighed["movable"]) == (NEAR, True)
    verdicts = {row["store_id"]: row for row in weighed["data"]}
    assert verdicts[NEAR]["chosen"]
    assert verdicts[FAR]["can_serve"]
    assert verdicts[FAR]["trip_s"] > verdicts[NEAR]["trip_s"]
    others = {row["reason"] for key, row in verdicts.items() if key not in {NEAR, FAR}}
    assert others == {"no_stock"}
    pinned = street.post(f"{path}/store", {"store_id": FAR, **OWNER})
    assert (pinned["store_id"], pinned["pinned_store_id"]) == (FAR, FAR)
    assert (available(street, NEAR), available(street, FAR)) == (50, 49)
    plans_pass(street)
    assert street.order(order["id"])["store_id"] == FAR
    events = told_of(street, order["id"])
    assert kinds_of(events) == ["StorePinned", "OrderResourced"]
    assert events[0]["data"]["owner"] == "Leo"
    assert events[1]["data"]["reason"] == "pinned"
    free = street.post(f"{path}/store", {"store_id": None, **OWNER})
    assert free["pinned_store_id"] is None
    # Without the pin the plan takes it back to the store that is better.
    until(lambda: street.order(order["id"])["store_id"] == NEAR, "it is near again")
    cancelled(street, order)


def test_an_order_never_comes_back_to_a_store_that_was_ruled_out(street: Town) -> None:
    order = ordered(street)
    path = f"/v1/orders/{order['id']}"
    moved = street.post(f"{path}/excluded-stores", {"store_id": NEAR, **OWNER})
    assert (moved["store_id"], moved["excluded_stores"]) == (FAR, [NEAR])
    plans_pass(street)
    assert street.order(order["id"])["store_id"] == FAR
    events = told_of(street, order["id"])
    assert kinds_of(events) == ["StoreExcluded", "OrderResourced"]
    assert events[1]["data"] == {
        "order_id": order["id"],
        "from_store_id": NEAR,
        "to_store_id": FAR,
        "reason": "excluded",
    }
    verdicts = {row["store_id"]: row for row in street.get(f"{path}/candidates")["data"]}
    assert verdicts[NEAR]["reason"] == "store_excluded"
    # The last one that can serve is not ruled out, and nothing changes.
    body = {"store_id": FAR, **OWNER}
    problem = street.post(f"{path}/excluded-stores", body, 422)
    assert (problem["code"], "lacks 1 x jam" in problem["detail"]) == ("no_stock", True)
    assert len(told_of(street, order["id"])) == 2
    cancelled(street, order)


@pytest.mark.parametrize(
    ("path", "body", "status", "code", "pointer"),
    [
        ("store", {"store_id": "sto_none", **OWNER}, 404, "unknown_id", None),
        ("store", OWNER, 422, "invalid_request", "/store_id"),
        ("store", {"store_id": FAR, "reason": "x"}, 422, "invalid_request", "/owner"),
        ("store", {"store_id": FAR, "owner": "Leo"}, 422, "invalid_request", "/reason"),
        ("store", {"store_id": "a b", **OWNER}, 422, "invalid_request", "/store_id"),
        ("excluded-stores", {"store_id": "sto_none", **OWNER}, 404, "unknown_id", None),
        ("excluded-stores", {"store_id": None, **OWNER}, 422, "invalid_request", "/store_id"),
    ],
)
def test_what_cannot_be_meant_moves_nothing(
    street: Town, path: str, body: dict[str, Any], status: int, code: str, pointer: str | None
) -> None:
    order = ordered(street)
    problem = street.post(f"/v1/orders/{order['id']}/{path}", body, status)
    assert (problem["code"], problem.get("pointer")) == (code, pointer)
    assert told_of(street, order["id"]) == []
    cancelled(street, order)
    over = street.post(f"/v1/orders/{order['id']}/{path}", {"store_id": FAR, **OWNER}, 409)
    assert (over["code"], over["state"]) == ("wrong_state", "cancelled")
    assert street.get(f"/v1/orders/{order['id']}/candidates", 409)["code"] == "wrong_state"


def test_unknown_orders_have_no_stores(street: Town) -> None:
    assert street.get("/v1/orders/ord_none/candidates", 404)["code"] == "unknown_id"
    for path in ("store", "excluded-stores"):
        body = {"store_id": FAR, **OWNER}
        assert street.post(f"/v1/orders/ord_none/{path}", body, 404)["code"] == "unknown_id"


def test_a_store_that_cannot_serve_is_not_pinned_and_a_begun_order_stays(street: Town) -> None:
    order = ordered(street)
    path = f"/v1/orders/{order['id']}"
    other = next(s["id"] for s in street.get("/v1/stores")["data"] if s["id"] not in {NEAR, FAR})
    problem = street.post(f"{path}/store", {"store_id": other, **OWNER}, 422)
    assert problem["code"] == "no_stock"
    assert "lacks 1 x jam" in problem["detail"]
    stale = street.http.post(
        f"{path}/store", json={"store_id": FAR, **OWNER}, headers={"If-Match": '"0"'}
    )
    assert (stale.status_code, stale.json()["code"]) == (412, "stale_version")
    street.post(f"{path}/picking", {"event": "started"})
    for end in ("store", "excluded-stores"):
        problem = street.post(f"{path}/{end}", {"store_id": NEAR, **OWNER}, 409)
        assert (problem["code"], problem["state"]) == ("wrong_state", "picking")
        assert problem["allowed"] == ["ready", "cancelled"]
    weighed = street.get(f"{path}/candidates")
    assert (weighed["movable"], weighed["data"]) == (False, [])
    assert told_of(street, order["id"]) == []
    cancelled(street, order)


def test_a_store_that_closes_early_hands_on_what_others_can_serve(street: Town) -> None:
    stocked(street, NEAR, figs=5)
    begun, waiting, only_here = ordered(street), ordered(street), ordered(street, "figs")
    street.post(f"/v1/orders/{begun['id']}/picking", {"event": "started"})
    path = f"/v1/stores/{NEAR}"
    stale = street.http.post(
        f"{path}/pause", json={"reason": "flood"}, headers={"If-Match": '"no"'}
    )
    assert stale.status_code == 412
    body = {"reason": "flood", "owner": "Maija", "moves_orders": True}
    answer = street.post(f"{path}/pause", body)
    assert (answer["paused"], answer["paused_reason"]) == (True, "flood")
    assert [(row["order_id"], row["to_store_id"]) for row in answer["moved"]] == [
        (waiting["id"], FAR)
    ]
    left = {row["order_id"]: row["detail"] for row in answer["left"]}
    assert left[begun["id"]] == "its picking has begun"
    assert "lacks 1 x figs" in left[only_here["id"]]
    assert kinds_of(told_of(street, waiting["id"])) == ["StoreExcluded", "OrderResourced"]
    assert kinds_of(told_of(street, only_here["id"])) == ["OrderNotMoved"]
    assert told_of(street, begun["id"]) == []
    assert street.post(f"{path}/resume", {"owner": "Maija"})["paused"] is False
    assert street.post(f"{path}/pause", {"reason": "x", "owner": ""}, 422)["pointer"] == "/owner"
    cancelled(street, begun, waiting, only_here)


def test_orders_whose_goods_are_gone_move_youngest_first(street: Town) -> None:
    stocked(street, NEAR, nuts=3)
    stocked(street, FAR, nuts=0)
    orders = [ordered(street, "nuts") for _ in range(3)]
    stocked(street, FAR, nuts=5)
    body = {"changes": [{"sku": "nuts", "change": -2}], **OWNER}
    answer = street.post(f"/v1/stores/{NEAR}/stock/corrections", body, 201)
    moved = [row["order_id"] for row in answer["moved"]]
    # Three were clicked within moments: which is the youngest, the click and the id say.
    assert sorted(moved) == sorted(
        order["id"]
        for order in sorted(orders, key=lambda order: (order["created_at"], order["id"]))[1:]
    )
    assert answer["short"] == []
    assert {row["reason"] for row in answer["moved"]} == {"lacking"}
    stays = next(order for order in orders if order["id"] not in moved)
    assert street.order(stays["id"])["store_id"] == NEAR
    cancelled(street, *orders)


def test_the_plan_moves_an_order_to_a_better_store_that_gets_the_goods(street: Town) -> None:
    stocked(street, FAR, honey=5)
    order = ordered(street, "honey")
    assert order["store_id"] == FAR
    stocked(street, NEAR, honey=5)
    until(lambda: street.order(order["id"])["store_id"] == NEAR, "the plan has moved it")
    (event,) = told_of(street, order["id"])
    assert event["data"]["reason"] == ""
    assert (available(street, FAR, "honey"), available(street, NEAR, "honey")) == (5, 4)
    cancelled(street, order)


def test_an_order_that_nobody_picks_moves_to_another_store(street: Town) -> None:
    order = ordered(street)
    until(lambda: told_of(street, order["id"]), "it has moved", deadline_s=40)
    excluded, moved = told_of(street, order["id"])
    assert (excluded["type"], excluded["data"]["owner"]) == ("StoreExcluded", "engine")
    assert excluded["data"]["reason"].startswith("Near has not begun to pick it")
    assert (moved["type"], moved["data"]["reason"]) == ("OrderResourced", "stalled")
    assert street.order(order["id"])["store_id"] == FAR
    cancelled(street, order)
