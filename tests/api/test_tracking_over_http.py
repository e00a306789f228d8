"""The customer's link over HTTP: an honest range, the dot only when it is theirs, and answers."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from conftest import Town, over, until
from databases import rows

DOOR_STEP = 0.0004
"""Degrees of latitude between doors of the same street, 44 m."""


KEY = "Yl3nS0pivaKauppaTestiAvain-31c"


def started(town: Town, *more: str) -> Town:
    """Start a service that asks the shop for a key."""
    town.start("--port", "0", *more, environ={"SAMEHOUR_API_KEY": KEY})
    town.http.headers["Authorization"] = f"Bearer {KEY}"
    return town


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """Return a service with one courier, so that two orders share a bag."""
    made = Town(tmp_path_factory.mktemp("shop"), speed=20)
    try:
        started(made)
        made.courier(made.stock()[0]["location"])
        yield made
        over(made)
    finally:
        made.kill()


def ordered(town: Town, north: float = 0.0, **more: Any) -> tuple[dict[str, Any], str]:
    """Order at the first store's door; returns the order and the token of its link."""
    store = town.get("/v1/stores")["data"][0]
    at = store["location"]
    door = {"lat": at["lat"] + 0.002 + north, "lng": at["lng"]}
    wanted = town.basket(store_id=store["id"], **more)
    wanted["dropoff"]["location"] = door
    order = town.post("/v1/orders", wanted, 201)
    return order, order["tracking_url"].rpartition("/")[2]


def give_up(town: Town, order: dict[str, Any]) -> None:
    town.post(f"/v1/orders/{order['id']}/cancel", {"reason": "test over"})


def patch(town: Town, token: str, body: Any, expect: int = 200) -> Any:
    answer = town.http.patch(f"/v1/track/{token}", json=body)
    assert answer.status_code == expect, answer.text
    return answer.json()


def test_the_shop_is_given_the_link_and_only_on_asking_the_pin(shop: Town) -> None:
    order, token = ordered(shop, pin_required=True)
    link = shop.get(f"/v1/orders/{order['id']}/tracking")
    assert link["token"] == token
    assert link["url"] == order["tracking_url"]
    assert re.fullmatch(r"\d{4}", link["pin"])
    assert shop.get(f"/v1/track/{token}")["pin"] == link["pin"]
    # Nowhere else: not in the order, not in the log.
    for path in (f"/v1/orders/{order['id']}", "/v1/orders", "/v1/events?after=0&limit=500"):
        said = shop.http.get(path).text
        assert not re.search(rf'"{link["pin"]}"', said)
        assert token not in said
    assert shop.get("/v1/orders/ord_nothing/tracking", 404)["code"] == "unknown_id"
    give_up(shop, order)


def test_a_wrong_link_says_nothing(shop: Town) -> None:
    order, token = ordered(shop)
    order_id = order["id"]
    for wrong in ("x", order_id, f"{order_id}.", token[:-1], f"{token}x", "ord_nothing.AAAA"):
        problem = shop.get(f"/v1/track/{wrong}", 404)
        assert problem["code"] == "unknown_id"
        assert order_id not in problem["detail"]
        assert shop.http.get(f"/t/{wrong}").status_code == 404
        patch(shop, wrong, {"note": "let me in"}, 404)
        shop.post(f"/v1/track/{wrong}/here", {}, 404)
        shop.post(f"/v1/track/{wrong}/substitutions/milk", {"accepted": True}, 404)
    assert shop.order(order_id)["dropoff"]["note"] == ""
    give_up(shop, order)


def test_a_range_is_shown_until_it_came_and_the_dot_only_on_the_last_way(shop: Town) -> None:
    first, first_token = ordered(shop)
    second, second_token = ordered(shop, north=DOOR_STEP)
    view = shop.get(f"/v1/track/{first_token}")
    assert view["status"] == "received"
    assert view["expected"]["earliest"] < view["expected"]["latest"]
    assert view["now"] <= view["expected"]["latest"]
    assert (view["late"], view["pin"], view["parcels"][0]["courier"]) == (False, None, None)
    for order in (first, second):
        shop.pick(order["id"])
    assert shop.get(f"/v1/track/{first_token}")["status"] == "ready"
    courier_id = shop.get("/v1/couriers")["data"][0]["id"]

    def told() -> bool:
        return shop.get(f"/v1/couriers/{courier_id}")["activity"] == "to_pickup"

    until(told, "the courier is on the way to the store")
    here = shop.get("/v1/stores")["data"][0]["location"]
    position = {"courier_id": courier_id, "location": here}
    shop.post("/v1/couriers/positions", {"positions": [position]}, 202)
    # On the way to the store is nobody's business.
    for token in (first_token, second_token):
        assert shop.get(f"/v1/track/{token}")["parcels"][0]["courier"] is None

    def fetched() -> bool:
        stops = shop.get(f"/v1/couriers/{courier_id}/route")["stops"]
        told = [s for s in stops if s["status"] in {"committed", "arrived"}]
        if told and told[0]["kind"] == "pickup":
            shop.report(courier_id, "completed")
        return all(
            shop.order(o["id"])["delivery"]["status"].endswith(("_up", "_dropoff"))
            for o in (first, second)
        )

    until(fetched, "both are in the bag")

    def seen(token: str) -> dict[str, Any]:
        return shop.get(f"/v1/track/{token}")["parcels"][0]["courier"] or {}

    both = {first["id"]: first_token, second["id"]: second_token}
    until(lambda: {seen(t).get("stops_before") for t in both.values()} == {0, 1}, "one is next")
    (next_id,) = (o for o, t in both.items() if seen(t)["stops_before"] == 0)
    (other_id,) = both.keys() - {next_id}
    assert seen(both[next_id])["name"] == "Aino"
    shop.post("/v1/couriers/positions", {"positions": [position]}, 202)
    assert seen(both[next_id])["position"]["location"] == here
    assert seen(both[other_id])["position"] is None
    shop.told(next_id, "enroute_to_dropoff")
    shop.report(courier_id, "arrived")
    assert shop.get(f"/v1/track/{both[next_id]}")["status"] == "at_the_door"
    shop.report(courier_id, "completed")
    view = shop.get(f"/v1/track/{both[next_id]}")
    assert (view["status"], view["expected"]) == ("delivered", None)
    # Theirs is done: where the courier goes now is the other customer's matter.
    assert view["parcels"][0]["courier"] is None
    assert seen(both[other_id])["position"]["location"] == here
    shop.told(other_id, "enroute_to_dropoff")
    shop.report(courier_id, "completed")


def test_the_customer_tells_the_courier_how_to_find_the_door(shop: Town) -> None:
    order, token = ordered(shop)
    view = patch(shop, token, {"note": "blue door"})
    assert view["dropoff"]["note"] == "blue door"
    assert view["can"]["note"] is True
    amended = [
        event["data"]
        for event in shop.get("/v1/events", after=0, limit=500)["data"]
        if event["type"] == "OrderAmended" and event["data"]["order"]["order_id"] == order["id"]
    ]
    assert [(a["owner"], a["changed"]) for a in amended] == [("customer", ["note"])]
    for body, pointer in (({}, "/note"), ({"note": "x" * 501}, "/note"), ({"door": 1}, "/note")):
        assert patch(shop, token, body, 422)["pointer"] == pointer
    give_up(shop, order)
    assert patch(shop, token, {"note": "too late"}, 409)["code"] == "wrong_state"
    view = shop.get(f"/v1/track/{token}")
    assert (view["status"], view["can"]) == ("cancelled", {"note": False, "here": False})


def test_the_customer_answers_what_is_offered_instead(shop: Town) -> None:
    order, token = ordered(shop, lines=[{"sku": "bread", "quantity": 2}])
    order_id = order["id"]
    shop.post(f"/v1/orders/{order_id}/picking", {"event": "started"})
    short = {
        "sku": "bread",
        "missing": 2,
        "substitute": {"sku": "milk", "quantity": 1},
    }
    shop.post(f"/v1/orders/{order_id}/short", short)
    view = shop.get(f"/v1/track/{token}")
    assert view["status"] == "question"
    (asked,) = view["substitutions"]
    assert (asked["sku"], asked["substitute_sku"], asked["pending"]) == ("bread", "milk", True)
    shop.post(f"/v1/track/{token}/substitutions/tea", {"accepted": True}, 404)
    problem = shop.post(f"/v1/track/{token}/substitutions/bread", {"accepted": "yes"}, 422)
    assert problem["pointer"] == "/accepted"
    view = shop.post(f"/v1/track/{token}/substitutions/bread", {"accepted": True})
    assert view["substitutions"][0]["answer"] == "accepted"
    assert [line["sku"] for line in view["parcels"][0]["lines"]] == ["milk"]
    problem = shop.post(f"/v1/track/{token}/substitutions/bread", {"accepted": False}, 409)
    assert problem["code"] == "wrong_state"
    give_up(shop, order)


def test_the_customer_says_that_they_are_here(shop: Town) -> None:
    store_id = shop.get("/v1/stores")["data"][0]["id"]
    wanted = {
        "fulfilment": "curbside",
        "store_id": store_id,
        "lines": [{"sku": "milk", "quantity": 1}],
        "weight_g": 1000,
    }
    order = shop.post("/v1/orders", wanted, 201)
    token = order["tracking_url"].rpartition("/")[2]
    view = shop.get(f"/v1/track/{token}")
    assert view["dropoff"] is None
    assert view["store"]["name"]
    assert view["can"]["here"] is True
    assert re.fullmatch(r"\d{4}", view["pin"])
    assert shop.post(f"/v1/track/{token}/here", {}, 422)["pointer"] == "/bay"
    view = shop.post(f"/v1/track/{token}/here", {"bay": "blue car, bay 2"})
    assert (view["bay"], view["here_at"] is not None) == ("blue car, bay 2", True)
    assert "CustomerArrived" in [e["event"] for e in shop.order(order["id"])["timeline"]]
    give_up(shop, order)
    delivery, token = ordered(shop)
    assert shop.post(f"/v1/track/{token}/here", {"bay": "1"}, 409)["code"]
    give_up(shop, delivery)


def test_the_page_is_ours_alone_and_needs_no_key(shop: Town) -> None:
    order, token = ordered(shop)
    with httpx.Client(base_url=shop.http.base_url) as stranger:
        assert stranger.get("/v1/orders").status_code == 401
        page = stranger.get(f"/t/{token}")
        assert page.status_code == 200
        assert "default-src 'self'" in page.headers["content-security-policy"]
        assert page.headers["referrer-policy"] == "no-referrer"
        assert not re.search(r"(src|href)=\"(?!/)", page.text)
        assert "style=" not in page.text
        for name in re.findall(r'"(/assets/[^"]+)"', page.text):
            assert stranger.get(name).status_code == 200, name
        assert stranger.get("/tiles/12/2331/1185.mvt").status_code == 200
        answer = stranger.get(f"/v1/track/{token}")
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "no-store"
        said = stranger.patch(f"/v1/track/{token}", json={"note": "blue door"})
        assert said.status_code == 200
    give_up(shop, order)


def test_a_link_ends_a_day_after_its_order(shop: Town) -> None:
    order, token = ordered(shop)
    give_up(shop, order)
    assert shop.get(f"/v1/track/{token}")["status"] == "cancelled"
    assert shop.stop() == 0
    started(shop, "--clock-start", "2026-11-22T14:00:00Z")
    problem = shop.get(f"/v1/track/{token}", 404)
    assert problem["code"] == "link_expired"
    # The page is there and says so.
    assert shop.http.get(f"/t/{token}").status_code == 200


def link_of_old(town: Town, order_id: str) -> str:
    """Return the token an order's link had before links said when they expire."""
    ((secret,),) = rows(town.ledger, "SELECT value FROM secrets WHERE name = 'tokens'")
    digest = hmac.digest(secret, f"track:{order_id}".encode(), hashlib.sha256)[:15]
    return f"{order_id}.{base64.urlsafe_b64encode(digest).decode()}"


def test_a_link_to_an_order_that_never_ends_is_over_after_a_month(own_town: Town) -> None:
    own_town.start()
    own_town.courier(own_town.stock()[0]["location"])
    order, token = ordered(own_town)
    old = link_of_old(own_town, order["id"])
    for good in (token, old):
        assert own_town.get(f"/v1/track/{good}")["status"] == "received"
    order_id, expires, signature = token.split(".")
    put_off = f"{order_id}.{int(expires, 16) + 86_400:x}.{signature}"
    assert own_town.get(f"/v1/track/{put_off}", 404)["code"] == "unknown_id"
    assert own_town.stop() == 0
    # 30 days from the 20th of November are over on the 20th of December.
    own_town.start("--port", "0", "--clock-start", "2026-12-20T14:30:00Z")
    assert own_town.get(f"/v1/orders/{order['id']}")["status"] not in {"cancelled", "collected"}
    for late in (token, old):
        assert own_town.get(f"/v1/track/{late}", 404)["code"] == "link_expired"
