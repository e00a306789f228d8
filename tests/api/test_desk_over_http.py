"""A dispatcher overrules the engine over HTTP: held, assigned, reordered, taken back, audited."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from conftest import Town, over, until

from dispatch.codec import from_rfc3339, to_rfc3339

WHO = {"owner": "ops:maria", "reason": "customer called"}


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """One service with two couriers beside the first store."""
    made = Town(tmp_path_factory.mktemp("desk"), speed=20).start()
    first = made.stock()[0]["location"]
    made.anna, made.ben = made.courier(first), made.courier(first)
    yield made
    over(made)


def ordered(desk: Town, *, ready: bool = True) -> str:
    # Long to pick, so that nobody is told to leave for it yet.
    body = desk.basket() if ready else desk.basket(pick_s=1500)
    order_id: str = desk.post("/v1/orders", body, 201)["id"]
    if ready:
        desk.pick(order_id)
    return order_id


def given_up(desk: Town, order_id: str) -> None:
    """Leave nothing behind for the next test."""
    if desk.order(order_id)["status"] not in {"collected", "cancelled"}:
        desk.post(f"/v1/orders/{order_id}/cancel", {"reason": "test over"})


def facts(desk: Town, *ids: str) -> list[str]:
    """Return the names of the events in the log that name any of some ids, but for plans."""
    return [
        event["type"]
        for event in desk.events()
        if event["type"] != "PlanPublished" and any(each in str(event["data"]) for each in ids)
    ]


def tag(desk: Town, path: str) -> str:
    answer = desk.http.get(path)
    assert answer.status_code == 200, answer.text
    return str(answer.headers["etag"])


def test_an_order_is_held_and_released_and_both_are_on_record(desk: Town) -> None:
    order_id = ordered(desk, ready=False)
    held = desk.post(f"/v1/orders/{order_id}/hold", WHO)
    assert held["hold"] == {**WHO, "until": None}
    assert "release" in held["moves"]
    told = desk.get(f"/v1/orders/{order_id}/explanation")
    assert told["reason"] == "held"
    assert "Held by ops:maria: customer called." in told["sentence"]
    assert told["changes"][0]["what"] == "released"
    store_id = desk.order(order_id)["store_id"]
    picks = desk.get(f"/v1/stores/{store_id}/picks")["data"]
    assert order_id not in [row["order_id"] for row in picks]
    released = desk.post(f"/v1/orders/{order_id}/release", {"owner": "ops:maria"})
    assert released["hold"] is None
    assert facts(desk, order_id)[:5] == [
        "OrderReceived",
        "ActionTaken",
        "OrderHeld",
        "ActionTaken",
        "HoldReleased",
    ]
    given_up(desk, order_id)


def test_a_hold_ends_by_itself(desk: Town) -> None:
    order_id = ordered(desk)
    now = from_rfc3339(desk.get("/v1/zones")["data"][0]["now"])
    until_at = to_rfc3339(now + 60)
    desk.post(f"/v1/orders/{order_id}/hold", {**WHO, "until": until_at, "recall": True})
    until(lambda: "HoldReleased" in facts(desk, order_id), "the hold is over")
    assert desk.get(f"/v1/orders/{order_id}/desk")["hold"] is None
    given_up(desk, order_id)


def test_a_courier_on_the_way_is_called_back_only_if_asked_for(desk: Town) -> None:
    order_id = ordered(desk)
    courier_id = desk.told(order_id, "enroute_to_pickup")["delivery"]["courier_id"]
    refused = desk.post(f"/v1/orders/{order_id}/hold", WHO, 409)
    assert refused["code"] == "wrong_state"
    assert refused["state"] == "enroute_to_pickup"
    assert refused["allowed"] == ["hold with recall", "assign", "cancel"]
    desk.post(f"/v1/orders/{order_id}/hold", {**WHO, "recall": True})
    assert desk.get(f"/v1/couriers/{courier_id}/route")["stops"] == []
    assert desk.order(order_id)["delivery"]["status"] == "confirmed"
    names = facts(desk, order_id)
    assert names[names.index("StopReleased") :][:2] == ["StopReleased", "OrderHeld"]
    given_up(desk, order_id)


def test_an_order_is_given_to_another_courier_who_is_told(desk: Town) -> None:
    order_id = ordered(desk)
    first = desk.told(order_id, "enroute_to_pickup")["delivery"]["courier_id"]
    other = desk.ben if first == desk.anna else desk.anna
    found = desk.post(f"/v1/orders/{order_id}/assign", {**WHO, "courier_id": other})
    assert found["lock"]["courier_id"] == other
    assert desk.get(f"/v1/couriers/{first}/route")["stops"] == []
    second = desk.told(order_id, "enroute_to_pickup")["delivery"]["courier_id"]
    assert second == other
    explained = desk.get(f"/v1/orders/{order_id}/explanation")
    assert [decision["kind"] for decision in explained["decisions"]] == ["lock"]
    desk.report(other, "completed")
    desk.told(order_id, "enroute_to_dropoff")
    refused = desk.post(f"/v1/orders/{order_id}/assign", {**WHO, "courier_id": first}, 409)
    assert "hand the bag over" in refused["allowed"]
    undo = desk.post(f"/v1/actions/{found['action_id']}/undo", {"owner": "ops:jussi"}, 409)
    assert "is picked up already" in undo["detail"]
    desk.report(other, "completed")
    closed = desk.get(f"/v1/orders/{order_id}/explanation")
    assert [turn["event"] for turn in closed["turns"]] == ["OrderLocked"]
    assert closed["turns"][0]["owner"] == "ops:maria"
    assert {"waiting for the courier", "the way to the door"} <= {
        stretch["name"] for stretch in closed["stretches"]
    }


def test_the_order_of_stops_is_fixed_and_freed(desk: Town) -> None:
    first = ordered(desk, ready=False)
    second = ordered(desk, ready=False)
    for order_id in (first, second):
        desk.post(f"/v1/orders/{order_id}/assign", {**WHO, "courier_id": desk.anna})
    path = f"/v1/couriers/{desk.anna}/route/order"
    present = until(
        lambda: (found := desk.get(path)) and len(found["stop_ids"]) == 4 and found, "both planned"
    )
    stops = [row["id"] for row in desk.get(f"/v1/couriers/{desk.anna}/route")["stops"]]
    assert present["stop_ids"] == stops
    held = desk.get(f"/v1/couriers/{desk.anna}/route")["stops"][0]["status"] != "planned"
    pickups = [row for row in stops if row.endswith("_p")]
    doors = [row for row in stops if row.endswith("_d")]
    wanted = [*(pickups if held else pickups[::-1]), *doors[::-1]]
    backwards = desk.post(path, {**WHO, "stop_ids": [*pickups[:1], *doors]}, 422)
    assert backwards["pointer"] in {"/stop_ids/1", "/stop_ids/2"}
    fixed = desk.post(path, {**WHO, "stop_ids": wanted})
    assert fixed["lock"]["stop_ids"] == wanted
    until(lambda: desk.get(path)["stop_ids"] == wanted, "the plan follows")
    plan = desk.get("/v1/plans/latest")
    assert plan["violations"] == []
    told = desk.get(f"/v1/orders/{first}/explanation")
    assert {decision["kind"] for decision in told["decisions"]} == {"lock", "route_lock"}
    freed = desk.http.delete(path, params={"owner": "ops:maria", "reason": "no need"})
    assert freed.status_code == 200
    assert freed.json()["lock"] is None
    kinds = [row["kind"] for row in desk.get("/v1/actions", subject=desk.anna)["data"]]
    assert kinds == ["UnlockRoute", "LockRoute"]
    for order_id in (first, second):
        given_up(desk, order_id)


def test_an_edit_of_what_has_changed_since_is_refused(desk: Town) -> None:
    order_id = ordered(desk, ready=False)
    path = f"/v1/orders/{order_id}"
    stale = tag(desk, f"{path}/desk")
    assert tag(desk, path) == stale
    first = desk.http.post(f"{path}/hold", json=WHO, headers={"If-Match": stale})
    assert first.status_code == 200
    second = desk.http.post(
        f"{path}/release", json={"owner": "ops:maria"}, headers={"If-Match": stale}
    )
    assert second.status_code == 412
    assert second.json()["code"] == "stale_version"
    assert second.headers["etag"] == first.headers["etag"] == tag(desk, f"{path}/desk")
    assert desk.get(f"{path}/desk")["hold"] is not None
    fresh = second.headers["etag"]
    weak = desk.http.post(f"{path}/release", json=WHO, headers={"If-Match": f"W/{fresh}"})
    assert weak.status_code == 412
    broken = desk.http.post(f"{path}/release", json=WHO, headers={"If-Match": "17"})
    assert broken.status_code == 422
    several = {"If-Match": f'"0", {fresh}'}
    assert desk.http.post(f"{path}/release", json=WHO, headers=several).status_code == 200
    any_version = desk.http.post(f"{path}/hold", json=WHO, headers={"If-Match": "*"})
    assert any_version.status_code == 200
    route = f"/v1/couriers/{desk.anna}/route/order"
    stale_route = desk.http.post(
        route, json={**WHO, "stop_ids": ["stp_x_p"]}, headers={"If-Match": '"0-0"'}
    )
    assert stale_route.status_code == 412
    given_up(desk, order_id)


def test_a_retry_with_its_key_is_one_action(desk: Town) -> None:
    order_id = ordered(desk, ready=False)
    path = f"/v1/orders/{order_id}/hold"
    before = tag(desk, f"/v1/orders/{order_id}/desk")
    headers = {"If-Match": before, "Idempotency-Key": "hold-once"}
    first = desk.http.post(path, json=WHO, headers=headers)
    again = desk.http.post(path, json=WHO, headers=headers)
    assert first.json() == again.json()
    assert again.headers["idempotency-replayed"] == "true"
    assert len(desk.get("/v1/actions", subject=order_id)["data"]) == 1
    given_up(desk, order_id)


def test_what_was_done_is_taken_back_and_the_audit_has_pages(desk: Town) -> None:
    order_id = ordered(desk, ready=False)
    action_id = desk.post(f"/v1/orders/{order_id}/hold", WHO)["action_id"]
    undone = desk.post(f"/v1/actions/{action_id}/undo", {"owner": "ops:jussi"})
    assert (undone["undone_by"], undone["undo"]["possible"]) == ("ops:jussi", False)
    assert undone["events"][:2] == ["ActionUndone", "HoldReleased"]
    again = desk.post(f"/v1/actions/{action_id}/undo", {"owner": "ops:jussi"}, 409)
    assert "was taken back by ops:jussi" in again["detail"]
    desk.post(f"/v1/orders/{order_id}/assign", {**WHO, "courier_id": desk.anna})
    lock = desk.http.delete(f"/v1/orders/{order_id}/lock", params={"owner": "ops:maria"})
    assert lock.status_code == 200
    first = desk.get("/v1/actions", subject=order_id, limit=2)
    rest = desk.get("/v1/actions", subject=order_id, limit=2, cursor=first["next"])
    kinds = [row["kind"] for row in [*first["data"], *rest["data"]]]
    assert kinds == ["UnlockOrder", "LockOrder", "HoldOrder"]
    assert rest["next"] is None
    assert first["data"][0]["undo"]["possible"]
    names = facts(desk, order_id, action_id)
    assert names[1:5] == ["ActionTaken", "OrderHeld", "ActionUndone", "HoldReleased"]
    given_up(desk, order_id)


BAD: list[tuple[str, str, Any, int, str, str | None]] = [
    ("POST", "/v1/orders/{order}/hold", {"owner": "ops"}, 422, "invalid_request", "/reason"),
    ("POST", "/v1/orders/{order}/hold", {**WHO, "owner": "slot"}, 422, "invalid_request", "/owner"),
    ("POST", "/v1/orders/{order}/hold", {**WHO, "x": 1}, 422, "invalid_request", "/x"),
    (
        "POST",
        "/v1/orders/{order}/hold",
        {**WHO, "until": "2001-01-01T00:00:00Z"},
        422,
        "invalid_value",
        "/until",
    ),
    ("POST", "/v1/orders/ord_none/hold", WHO, 404, "unknown_id", None),
    ("POST", "/v1/orders/{order}/release", {"owner": "ops"}, 409, "conflict", None),
    ("POST", "/v1/orders/{order}/unlock", {"owner": "ops"}, 409, "conflict", None),
    ("DELETE", "/v1/orders/{order}/lock?owner=ops", None, 409, "conflict", None),
    ("DELETE", "/v1/orders/{order}/hold", None, 422, "invalid_request", "/owner"),
    (
        "POST",
        "/v1/orders/{order}/assign",
        {**WHO, "courier_id": "cou_none"},
        422,
        "invalid_value",
        "/courier_id",
    ),
    (
        "POST",
        "/v1/orders/{order}/assign",
        {**WHO, "courier_id": "{anna}", "expires_at": "2027-01-01T00:00:00Z"},
        422,
        "invalid_value",
        "/expires_at",
    ),
    (
        "POST",
        "/v1/couriers/{anna}/route/order",
        {**WHO, "stop_ids": []},
        422,
        "invalid_request",
        "/stop_ids",
    ),
    (
        "POST",
        "/v1/couriers/cou_none/route/order",
        {**WHO, "stop_ids": ["stp_a_p"]},
        404,
        "unknown_id",
        None,
    ),
    ("DELETE", "/v1/couriers/{anna}/route/order?owner=ops", None, 409, "conflict", None),
    ("POST", "/v1/actions/act_none/undo", {"owner": "ops"}, 404, "unknown_id", None),
    ("GET", "/v1/actions?cursor=act_none", None, 422, "invalid_request", "/cursor"),
    ("GET", "/v1/actions?limit=0", None, 422, "invalid_request", "/limit"),
    ("GET", "/v1/orders/ord_none/desk", None, 404, "unknown_id", None),
    ("GET", "/v1/orders/ord_none/explanation", None, 404, "unknown_id", None),
]


def test_bad_input_changes_nothing_and_names_the_field(desk: Town) -> None:
    order_id = ordered(desk, ready=False)
    desk.post(f"/v1/orders/{order_id}/hold", WHO)
    desk.post(f"/v1/orders/{order_id}/release", {"owner": "ops:maria"})
    before = facts(desk, order_id)
    for method, path, body, status, code, pointer in BAD:
        at = path.format(order=order_id, anna=desk.anna)
        said = body
        if isinstance(body, dict) and body.get("courier_id") == "{anna}":
            said = {**body, "courier_id": desk.anna}
        answer = desk.http.request(method, at, json=said)
        found = answer.json()
        assert (answer.status_code, found["code"]) == (status, code), f"{at}: {answer.text}"
        assert found.get("pointer") == pointer, f"{at}: {answer.text}"
    ours = [name for name in facts(desk, order_id) if not name.startswith("Stop")]
    assert ours == [name for name in before if not name.startswith("Stop")]
    given_up(desk, order_id)
