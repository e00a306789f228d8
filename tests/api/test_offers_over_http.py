"""Offers, acknowledged routes and breaks over HTTP, and what the log says of them afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from conftest import Town, over, until

SPEED = 20
TIMEOUT_S = 100
POLICY = f"offer_timeout_s = {TIMEOUT_S}\n"


@pytest.fixture(scope="module")
def asking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """One service whose couriers have five wall seconds to answer."""
    folder = tmp_path_factory.mktemp("offers")
    (folder / "policy.toml").write_text(POLICY)
    made = Town(folder, speed=SPEED)
    made.start("--port", "0", "--policy", str(folder / "policy.toml"))
    made.stock()
    yield made
    over(made)


@pytest.fixture
def town(asking: Town) -> Iterator[Town]:
    """The service, with nobody on shift before and after."""
    yield asking
    for order in asking.get("/v1/orders")["data"]:
        asking.post(f"/v1/orders/{order['id']}/cancel", {"reason": "the test is over"})
    for courier in asking.get("/v1/couriers")["data"]:
        asking.post(f"/v1/couriers/{courier['id']}/shift/end")


def on_shift(town: Town, *, takes_offers: bool = True) -> str:
    home = town.get("/v1/stores")["data"][0]["location"]
    courier_id = town.courier(home)
    known = {"name": "Aino", "mode": "bike", "home": home, "takes_offers": takes_offers}
    town.put(f"/v1/couriers/{courier_id}", known)
    return courier_id


def placed(town: Town) -> str:
    """Order, and pick it: whoever comes first is asked at once."""
    order_id: str = town.post("/v1/orders", town.basket(), 201)["id"]
    town.pick(order_id)
    return order_id


def offered(town: Town, courier_id: str) -> dict[str, Any]:
    def there() -> Any:
        return town.get(f"/v1/couriers/{courier_id}/offer")["offer"]

    found: dict[str, Any] = until(there, f"{courier_id} has an offer")
    return found


def events_of(town: Town, subject: str) -> list[dict[str, Any]]:
    """Return what the log says of an order or a courier, plans apart."""
    found = [row for row in town.events() if row["type"] != "PlanPublished"]
    return [row for row in found if subject in str(row["data"])]


def kinds_of(town: Town, subject: str, *wanted: str) -> list[str]:
    return [row["type"] for row in events_of(town, subject) if row["type"] in wanted]


# --- offers ------------------------------------------------------------------------------------


def test_an_offer_is_seen_accepted_and_brought(town: Town) -> None:
    courier_id = on_shift(town)
    order_id = placed(town)
    offer = offered(town, courier_id)
    assert offer["order_id"] == order_id
    assert offer["allowed"] == ["accept", "decline"]
    assert town.order(order_id)["delivery"]["status"] == "offered"
    assert town.get(f"/v1/orders/{order_id}/explanation")["sentence"]
    courier = town.get(f"/v1/couriers/{courier_id}")
    assert courier["activity"] == "offered"
    assert courier["offer"] == {"stop_id": offer["stop_id"], "expires_at": offer["expires_at"]}
    stop = town.get(f"/v1/couriers/{courier_id}/route")["stops"][0]
    assert (stop["id"], stop["status"]) == (offer["stop_id"], "offered")
    assert stop["offer_expires_at"] == offer["expires_at"]

    for done in ("arrived", "completed"):
        problem = town.report(courier_id, done, 409)
        assert problem["code"] == "wrong_state"
        assert (problem["state"], problem["allowed"]) == ("offered", ["accept", "decline"])

    path = f"/v1/couriers/{courier_id}/offers/{offer['stop_id']}/accept"
    said = town.post(path)
    assert said["events"][:2] == ["OfferAccepted", "StopCommitted"]
    assert said["route"]["stops"][0]["status"] == "committed"
    assert town.post(path)["already"] is True
    assert town.get(f"/v1/couriers/{courier_id}/offer")["offer"] is None
    town.report(courier_id, "completed")
    town.told(order_id, "enroute_to_dropoff")
    town.report(courier_id, "completed")
    wanted = ("OfferMade", "OfferAccepted", "StopCommitted", "ParcelPickedUp", "OrderDelivered")
    assert kinds_of(town, order_id, *wanted) == [
        "OfferMade",
        "OfferAccepted",
        "StopCommitted",
        "ParcelPickedUp",
        "StopCommitted",
        "OrderDelivered",
    ]


def test_what_was_declined_is_offered_to_others_and_never_again(town: Town) -> None:
    first, second = on_shift(town), on_shift(town)
    order_id = placed(town)

    def asked() -> Any:
        return town.order(order_id)["delivery"]["courier_id"]

    who = until(asked, "somebody is asked")
    other = ({first, second} - {who}).pop()
    stop_id = offered(town, who)["stop_id"]
    path = f"/v1/couriers/{who}/offers/{stop_id}/decline"
    missing = town.post(path, {}, 422)
    assert missing["pointer"] == "/reason"
    town.post(path, {"reason": "too far for me"})
    assert town.post(path, {"reason": "too far for me"})["already"] is True
    assert offered(town, other)["order_id"] == order_id
    town.post(f"/v1/couriers/{other}/offers/{stop_id}/decline", {"reason": "a flat tyre"})
    # Whatever is planned from now on, nobody is left to ask.
    before = plans(town)
    until(lambda: plans(town) > before + 1, "it was thought over")
    made = [row for row in events_of(town, order_id) if row["type"] == "OfferMade"]
    assert [row["data"]["courier_id"] for row in made] == [who, other]
    declined = [row for row in events_of(town, order_id) if row["type"] == "StopDeclined"]
    assert [row["data"]["reason"] for row in declined] == ["too far for me", "a flat tyre"]
    accept = town.post(f"/v1/couriers/{who}/offers/{stop_id}/accept", None, 409)
    assert accept["code"] == "offer_expired"


def plans(town: Town) -> int:
    found: int = town.get("/v1/kpis")["replans"]
    return found


def test_an_offer_that_nobody_answers_lapses_and_cannot_be_accepted(town: Town) -> None:
    courier_id = on_shift(town)
    order_id = placed(town)
    stop_id = offered(town, courier_id)["stop_id"]
    until(lambda: kinds_of(town, order_id, "OfferLapsed"), "the offer lapsed", 30)
    late = town.post(f"/v1/couriers/{courier_id}/offers/{stop_id}/accept", None, 409)
    assert late["code"] == "offer_expired"
    assert town.order(order_id)["delivery"]["status"] == "confirmed"
    before = plans(town)
    until(lambda: plans(town) > before, "it was planned again")
    assert kinds_of(town, order_id, "OfferMade", "StopCommitted") == ["OfferMade"]


def test_a_cancelled_order_takes_its_offer_back(town: Town) -> None:
    courier_id = on_shift(town)
    order_id = placed(town)
    stop_id = offered(town, courier_id)["stop_id"]
    town.post(f"/v1/orders/{order_id}/cancel", {"reason": "changed my mind"})
    assert town.get(f"/v1/couriers/{courier_id}/offer")["offer"] is None
    assert town.get(f"/v1/couriers/{courier_id}/route")["stops"] == []
    late = town.post(f"/v1/couriers/{courier_id}/offers/{stop_id}/accept", None, 409)
    assert late["code"] == "offer_expired"
    wanted = ("OfferMade", "StopReleased", "OrderCancelled")
    assert kinds_of(town, order_id, *wanted) == list(wanted)


def test_an_answer_that_cannot_be_is_refused_and_changes_nothing(town: Town) -> None:
    first = on_shift(town)
    order_id = placed(town)
    stop_id = offered(town, first)["stop_id"]
    second = on_shift(town)
    path = f"/v1/couriers/{second}/offers/{stop_id}"
    assert town.post(f"{path}/accept", None, 409)["code"] == "conflict"
    assert town.post(f"{path}/decline", {"reason": "no"}, 409)["code"] == "conflict"
    assert town.post(f"/v1/couriers/cou_none/offers/{stop_id}/accept", None, 404)
    assert town.get("/v1/couriers/cou_none/offer", 404)["code"] == "unknown_id"
    path = f"/v1/couriers/{first}/offers/{stop_id}/accept"
    future = town.post(path, {"occurred_at": "2026-12-24T18:00:00Z"}, 422)
    assert (future["code"], future["pointer"]) == ("time_in_future", "/occurred_at")
    unknown = town.post(path, {"price": 3}, 422)
    assert unknown["pointer"] == "/price"
    assert town.order(order_id)["delivery"]["courier_id"] == first
    town.post(path)


# --- routes that were seen ---------------------------------------------------------------------


def test_a_route_is_acknowledged_at_the_version_it_has(town: Town) -> None:
    courier_id = on_shift(town, takes_offers=False)
    order_id = placed(town)
    town.told(order_id, "enroute_to_pickup")
    answer = town.http.get(f"/v1/couriers/{courier_id}/route")
    route = answer.json()
    assert answer.headers["etag"] == f'"{route["version"]}"'
    assert (route["version"] > 0, route["acknowledged"]) == (True, False)
    path = f"/v1/couriers/{courier_id}/route/ack"
    newer = town.post(path, {"version": route["version"] + 1}, 422)
    assert newer["pointer"] == "/version"
    older = town.post(path, {"version": route["version"] - 1}, 412)
    assert (older["code"], older["version"]) == ("stale_version", route["version"])
    for _ in range(2):
        town.post(path, {"version": route["version"]})
    assert town.get(f"/v1/couriers/{courier_id}/route")["acknowledged"] is True
    seen = town.get(f"/v1/couriers/{courier_id}")["acknowledged_version"]
    assert seen == route["version"]
    assert kinds_of(town, courier_id, "RouteAcknowledged") == ["RouteAcknowledged"]


# --- breaks ------------------------------------------------------------------------------------


def test_a_break_begins_when_the_bag_is_empty_and_ends_by_itself(town: Town) -> None:
    courier_id = on_shift(town, takes_offers=False)
    order_id = placed(town)
    town.told(order_id, "enroute_to_pickup")
    path = f"/v1/couriers/{courier_id}/break"
    wanted = town.post(path, {"duration_s": 60})
    assert wanted["break"] == {"wanted_s": 60, "ends_at": None}
    assert town.post(path, {"duration_s": 60}, 409)["state"] == "break_wanted"
    town.report(courier_id, "completed")
    town.told(order_id, "enroute_to_dropoff")
    town.report(courier_id, "completed")
    resting = town.get(f"/v1/couriers/{courier_id}")
    assert resting["activity"] == "on_break"
    assert resting["break"]["ends_at"] is not None
    until(lambda: town.get(f"/v1/couriers/{courier_id}")["break"] is None, "it is over")
    kinds = ("BreakWanted", "BreakStarted", "BreakEnded", "OrderDelivered")
    assert kinds_of(town, courier_id, *kinds) == [
        "BreakWanted",
        "OrderDelivered",
        "BreakStarted",
        "BreakEnded",
    ]


def test_a_break_that_cannot_be_is_refused(town: Town) -> None:
    courier_id = on_shift(town)
    path = f"/v1/couriers/{courier_id}/break"
    assert town.post(path, {"duration_s": 5}, 422)["pointer"] == "/duration_s"
    assert town.post(f"{path}/end", None, 409)["allowed"] == ["break"]
    assert town.post("/v1/couriers/cou_none/break", {"duration_s": 600}, 404)
    now = town.get("/v1/zones")["data"][0]["now"]
    town.post("/v1/shifts", {"courier_id": courier_id, "ends_at": f"{now[:11]}23:59:00Z"}, 201)
    town.post(path, {"duration_s": 600})
    assert town.post(f"{path}/end")["break"] is None
    town.post(f"/v1/couriers/{courier_id}/shift/end")
    assert town.post(path, {"duration_s": 600}, 409)["state"] == "off_shift"


# --- who they are and where --------------------------------------------------------------------


def test_a_phone_number_is_shown_masked_and_belongs_to_one(town: Town) -> None:
    courier_id = on_shift(town)
    home = town.get(f"/v1/couriers/{courier_id}")["home"]
    known = {"name": "Aino", "mode": "bike", "home": home}
    said = town.put(f"/v1/couriers/{courier_id}", {**known, "phone": "+358401234567"})
    assert said["phone"] == "+358…67"
    other = on_shift(town)
    path = f"/v1/couriers/{other}"
    assert town.put(path, {**known, "phone": "+358401234567"}, 409)["code"] == "conflict"
    assert town.put(path, {**known, "phone": "0401234567"}, 422)["pointer"] == "/phone"
    assert town.get(path)["phone"] is None


def test_a_position_is_taken_singly_and_an_older_one_moves_nobody(town: Town) -> None:
    courier_id = on_shift(town)
    here, there = (store["location"] for store in town.get("/v1/stores")["data"][:2])
    path = f"/v1/couriers/{courier_id}/position"
    assert town.post(path, {"location": here}, 202) == {"accepted": 1, "late": 0}
    old = {"location": there, "at": "2026-11-20T13:00:00Z"}
    assert town.post(path, old, 202) == {"accepted": 1, "late": 1}
    assert town.get(f"/v1/couriers/{courier_id}")["position"]["location"] == here
    future = town.post(path, {"location": here, "at": "2026-12-24T18:00:00Z"}, 422)
    assert (future["code"], future["pointer"]) == ("time_in_future", "/at")
    at_sea = town.post(path, {"location": {"lat": 0, "lng": 0}}, 422)
    assert at_sea["pointer"] == "/location"
    assert town.post("/v1/couriers/cou_none/position", {"location": here}, 404)
