"""Surge controls over HTTP: previewed, set, felt by quotes and orders, over by themselves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from conftest import Town, over, until

from dispatch.codec import from_rfc3339, to_rfc3339


@pytest.fixture(scope="module")
def surge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """One service with a courier and a few orders of the last hour."""
    made = Town(tmp_path_factory.mktemp("surge"), speed=20).start()
    stores = made.stock()
    for _ in range(2):
        made.courier(stores[0]["location"])
    made.ids = [
        made.post("/v1/orders", made.basket(basket_cents=cents), 201)["id"]
        for cents in (500, 2500, 0)
    ]
    yield made
    over(made)


@pytest.fixture(autouse=True)
def _uncontrolled(surge: Town) -> Iterator[None]:
    """Whatever a test does: the next one finds no control."""
    yield
    for control in surge.get("/v1/controls")["data"]:
        ended(surge, control["id"])


def asked(surge: Town, kind: str, value: int, *, minutes: int = 60, **more: Any) -> dict[str, Any]:
    now = from_rfc3339(surge.get("/v1/zones")["data"][0]["now"])
    expires_at = to_rfc3339(now + 60 * minutes)
    who = {"owner": "ops:maria", "reason": "rain"}
    return {"kind": kind, "value": value, "expires_at": expires_at, **who, **more}


def ended(surge: Town, control_id: str, expect: int = 200) -> Any:
    answer = surge.http.delete(f"/v1/controls/{control_id}", params={"owner": "ops:maria"})
    assert answer.status_code == expect, answer.text
    return answer.json()


def quote(surge: Town, expect: int = 201, **more: Any) -> Any:
    body = surge.basket(**more)
    body.pop("basket_cents", None) if "basket_cents" not in more else None
    return surge.post("/v1/quotes", body, expect)


def names(surge: Town) -> list[str]:
    """Return the names of all events, but for plans and what couriers were told by them."""
    events = surge.get("/v1/events", after=0, limit=1000)["data"]
    plans = {"PlanPublished", "StopCommitted", "OrderResourced"}
    return [event["type"] for event in events if event["type"] not in plans]


def test_a_preview_says_what_would_have_been_lost_and_changes_nothing(surge: Town) -> None:
    before = names(surge)
    found = surge.post("/v1/controls/preview", asked(surge, "minimum_basket", 1000))
    assert found["orders"] == 3
    assert [row["order_id"] for row in found["turned_away"]] == surge.ids[:1]
    assert found["turned_away"][0]["reason"] == "below_minimum_basket"
    assert (found["lost"], found["lost_basket_cents"], found["unstated"]) == (1, 500, 1)
    assert found["open_orders"] == 3
    assert sum(row["turned_away"] for row in found["stores"]) == 1
    assert found["sample"]["order_id"] == surge.ids[2]
    assert found["sample"]["present"]["promise"] is not None
    assert found["notes"]
    assert surge.get("/v1/controls")["data"] == []
    assert names(surge) == before


def test_a_small_basket_is_refused_while_the_minimum_holds(surge: Town) -> None:
    made = surge.post("/v1/controls", asked(surge, "minimum_basket", 1000), 201)
    assert surge.get("/v1/controls")["data"] == [made]
    refused = surge.post("/v1/orders", surge.basket(basket_cents=999), 422)
    assert refused["code"] == "below_minimum_basket"
    assert "must be 10.00 or more (rain)" in refused["detail"]
    ended(surge, made["id"])
    ended(surge, made["id"], 404)
    surge.post("/v1/orders", surge.basket(basket_cents=999), 201)
    assert [name for name in names(surge) if name.startswith("Control")] == [
        "ControlSet",
        "ControlEnded",
    ]


def test_promises_end_later_while_the_control_holds(surge: Town) -> None:
    before = from_rfc3339(quote(surge)["promise"]["latest"])
    made = surge.post("/v1/controls", asked(surge, "promise", 1200), 201)
    later = from_rfc3339(quote(surge)["promise"]["latest"])
    assert 900 <= later - before <= 1800  # a quote of another minute differs by itself
    ended(surge, made["id"])


def test_a_throttle_refuses_and_its_undo_lets_orders_in_again(surge: Town) -> None:
    surge.post("/v1/controls", asked(surge, "throttle", 0), 201)
    assert quote(surge, 422)["code"] == "throttled"
    assert surge.post("/v1/orders", surge.basket(), 422)["code"] == "throttled"
    action = surge.get("/v1/actions", limit=1)["data"][0]
    assert (action["kind"], action["reason"]) == ("SetControl", "rain")
    surge.post(f"/v1/actions/{action['id']}/undo", {"owner": "ops:jussi"})
    assert surge.get("/v1/controls")["data"] == []
    quote(surge)


def test_a_radius_of_one_store_leaves_the_others(surge: Town) -> None:
    nearest = quote(surge)["store_id"]
    made = surge.post("/v1/controls", asked(surge, "radius", 1, store_ids=[nearest]), 201)
    assert quote(surge)["store_id"] != nearest
    ended(surge, made["id"])
    everywhere = surge.post("/v1/controls", asked(surge, "radius", 1), 201)
    assert quote(surge, 422)["code"] == "outside_radius"
    ended(surge, everywhere["id"])


def test_a_control_is_over_by_itself(surge: Town) -> None:
    made = surge.post("/v1/controls", asked(surge, "throttle", 0, minutes=1), 201)
    until(lambda: names(surge)[-1] == "ControlEnded", "the control is over")
    assert surge.get("/v1/controls")["data"] == []
    assert surge.get(f"/v1/controls/{made['id']}", 404)["code"] == "unknown_id"
    quote(surge)


def test_a_control_is_set_once_however_often_it_is_sent(surge: Town) -> None:
    body = asked(surge, "promise", 60)
    first = surge.post("/v1/controls", body, 201, Idempotency_Key="promise-once")
    again = surge.post("/v1/controls", body, 201, Idempotency_Key="promise-once")
    assert first == again
    assert len(surge.get("/v1/controls")["data"]) == 1
    tag = surge.http.get(f"/v1/controls/{first['id']}").headers["etag"]
    path = f"/v1/controls/{first['id']}"
    stale = surge.http.delete(path, params={"owner": "ops"}, headers={"If-Match": '"0"'})
    assert (stale.status_code, stale.headers["etag"]) == (412, tag)
    fresh = surge.http.delete(path, params={"owner": "ops"}, headers={"If-Match": tag})
    assert fresh.status_code == 200


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"kind": "weather"}, "/kind"),
        ({"value": 0}, "/value"),
        ({"value": -1}, "/value"),
        ({"store_ids": ["sto_none"]}, "/store_ids/0"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "/expires_at"),
        ({"expires_at": "2027-01-01T00:00:00Z"}, "/expires_at"),
        ({"expires_at": None}, "/expires_at"),
        ({"owner": ""}, "/owner"),
        ({"reason": ""}, "/reason"),
        ({"until": 3}, "/until"),
    ],
)
def test_a_control_that_cannot_be_is_refused(
    surge: Town, change: dict[str, Any], pointer: str
) -> None:
    body = {**asked(surge, "radius", 600), **change}
    for path in ("/v1/controls", "/v1/controls/preview"):
        assert surge.post(path, body, 422)["pointer"] == pointer
    assert surge.get("/v1/controls")["data"] == []
