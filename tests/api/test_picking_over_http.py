"""A store over HTTP: what to pick, what is missing, labels, scans, and where things are from."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import segno
from conftest import Town, until

KEFIR = {"sku": "kefir", "name": "Kefir 1 l", "barcode": "6408430000012", "shelf": "C01"}
RYE = {"sku": "rye", "name": "Rye bread", "barcode": "6411200000025", "shelf": "A02"}
OAT = {"sku": "oat/1l", "name": "Oat drink", "barcode": "7394376616038"}
ALE = {"sku": "ale", "name": "Ale 0.33 l", "barcode": "6410405082657", "shelf": "B07"}
ARTICLES = [
    {**KEFIR, "price_cents": 120, "chilled": True},
    {**RYE, "price_cents": 290},
    {**OAT, "price_cents": 219},
    {**ALE, "price_cents": 180, "age_limit": 18},
]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """One service whose first store alone has these goods, and a courier who stands there."""
    town = Town(tmp_path_factory.mktemp("picking")).start()
    town.put("/v1/catalogue", {"articles": ARTICLES})
    store = town.get("/v1/stores")["data"][0]
    items = [{"sku": article["sku"], "on_hand": 100} for article in ARTICLES]
    town.put(f"/v1/stores/{store['id']}/stock", {"items": items})
    town.put(f"/v1/stores/{store['id']}/shelves", {"items": [{"sku": "oat/1l", "shelf": "A01"}]})
    town.courier(store["location"])
    yield town
    assert town.stop() == 0, town.log()
    assert "level=ERROR" not in town.log()


def order(town: Town, **lines: int) -> str:
    """Order something; returns the id."""
    wanted = [{"sku": sku, "quantity": quantity} for sku, quantity in lines.items()]
    placed = town.post("/v1/orders", town.basket(lines=wanted), 201)
    return str(placed["id"])


def picking(town: Town, **lines: int) -> str:
    order_id = order(town, **lines)
    town.post(f"/v1/orders/{order_id}/picking", {"event": "started"})
    return order_id


def heard(town: Town, order_id: str) -> list[str]:
    """Return the names of an order's events in the log, in order; plans and offers left out."""
    names: list[str] = []
    after = 0
    while page := town.get("/v1/events", after=after, limit=1000)["data"]:
        names += [
            row["type"]
            for row in page
            if row["data"].get("order_id") == order_id
            or row["data"].get("order", {}).get("order_id") == order_id
        ]
        after = page[-1]["seq"]
    return names


def refused(answer: httpx.Response, status: int, code: str, pointer: str | None = None) -> Any:
    assert answer.status_code == status, answer.text
    document = answer.json()
    assert document["code"] == code, document
    if pointer is not None:
        assert document["pointer"] == pointer, document
    return document


def queued(town: Town, order_id: str) -> dict[str, Any]:
    store_id = town.order(order_id)["store_id"]
    rows = town.get(f"/v1/stores/{store_id}/picks")["data"]
    (row,) = [row for row in rows if row["order_id"] == order_id]
    found: dict[str, Any] = row
    return found


def reserved(town: Town, order_id: str, sku: str) -> tuple[int, int]:
    """Return what is on the shelf and what is promised of an SKU, at an order's store."""
    store_id = town.order(order_id)["store_id"]
    rows = town.get(f"/v1/stores/{store_id}/stock", sku=sku)["data"]
    (row,) = [row for row in rows if row["sku"] == sku]
    return row["on_hand"], row["reserved"]


# --- the queue ---------------------------------------------------------------------------------


def test_the_queue_says_where_to_walk_what_to_take_and_by_when(shop: Town) -> None:
    order_id = order(shop, kefir=2, rye=1, ale=3, **{"oat/1l": 1})
    row = queued(shop, order_id)
    assert [(line["shelf"], line["name"]) for line in row["lines"]] == [
        ("A01", "Oat drink"),  # the store's own shelf; the others are the catalogue's
        ("A02", "Rye bread"),
        ("B07", "Ale 0.33 l"),
        ("C01", "Kefir 1 l"),
    ]
    assert [line["age_limit"] for line in row["lines"]] == [0, 0, 18, 0]
    assert [line["chilled"] for line in row["lines"]] == [False, False, False, True]
    assert (row["chilled"], row["age_limit"], row["customer"]) == (True, 18, None)
    assert row["fulfilment"] == "delivery"
    assert row["status"] == "sourced"
    assert row["start_by"] <= row["ready_by"]
    latest = shop.order(order_id)["delivery"]["promise"]["latest"]
    assert row["needed_by"] < latest
    shop.post(f"/v1/orders/{order_id}/cancel", {"reason": "seen"})


def test_what_must_be_ready_first_comes_first_after_what_is_begun(shop: Town) -> None:
    third, second, first = (order(shop, rye=1) for _ in range(3))
    shop.post(f"/v1/orders/{first}/picking", {"event": "started"})
    store_id = shop.order(first)["store_id"]
    rows = shop.get(f"/v1/stores/{store_id}/picks")["data"]
    assert rows[0]["order_id"] == first
    waiting = [row for row in rows if row["status"] == "sourced"]
    assert {row["order_id"] for row in waiting} == {second, third}
    assert waiting == sorted(waiting, key=lambda row: row["needed_by"])
    for order_id in (first, second, third):
        shop.post(f"/v1/orders/{order_id}/cancel", {"reason": "seen"})
    assert shop.get(f"/v1/stores/{store_id}/picks")["data"] == []


# --- short and substituted ---------------------------------------------------------------------


def test_what_is_missing_is_off_the_order_refunded_and_off_the_shelf(shop: Town) -> None:
    other = order(shop, kefir=3)
    order_id = picking(shop, kefir=2, rye=1)
    before = reserved(shop, order_id, "kefir")
    answer = shop.post(f"/v1/orders/{order_id}/short", {"sku": "kefir", "missing": 2})
    assert [line["sku"] for line in answer["lines"]] == ["rye"]
    assert (answer["status"], answer["refund_cents"]) == ("picking", 240)
    on_hand, promised = reserved(shop, order_id, "kefir")
    assert promised == before[1] - 2
    assert on_hand == promised  # what is left is what others were promised, and not one more
    assert queued(shop, other)["lines"][0]["quantity"] == 3
    shop.post(f"/v1/orders/{order_id}/picking", {"event": "ready"})
    assert heard(shop, order_id)[:4] == [
        "OrderReceived",
        "PickStarted",
        "LineShort",
        "PickCompleted",
    ]
    for closing in (order_id, other):
        shop.post(f"/v1/orders/{closing}/cancel", {"reason": "seen"})
    refill(shop)


def refill(town: Town) -> None:
    store = town.get("/v1/stores")["data"][0]
    items = [{"sku": article["sku"], "on_hand": 100} for article in ARTICLES]
    town.put(f"/v1/stores/{store['id']}/stock", {"items": items})


def test_an_order_of_which_nothing_is_left_is_cancelled_in_the_same_breath(shop: Town) -> None:
    order_id = picking(shop, kefir=1)
    answer = shop.post(f"/v1/orders/{order_id}/short", {"sku": "kefir", "missing": 1})
    assert answer["status"] == "cancelled"
    done = shop.order(order_id)
    assert done["status"] == "cancelled"
    assert done["reason"] == "nothing left to deliver"
    assert [name for name in heard(shop, order_id) if name != "StopReleased"] == [
        "OrderReceived",
        "PickStarted",
        "LineShort",
        "OrderCancelled",
    ]
    assert reserved(shop, order_id, "kefir") == (0, 0)
    refill(shop)


def test_a_substitute_is_offered_taken_picked_and_traced(shop: Town) -> None:
    order_id = picking(shop, kefir=2, rye=1)
    path = f"/v1/orders/{order_id}"
    offer = {"sku": "oat/1l", "quantity": 1}
    asked = {"sku": "kefir", "missing": 2, "substitute": offer}
    answer = shop.post(f"{path}/short", asked)
    assert answer["status"] == "substituting"
    (pending,) = answer["substitutions"]
    assert (pending["answer"], pending["accepted"]) == ("pending", None)
    assert pending["substitute"] == offer
    row = queued(shop, order_id)
    assert row["status"] == "substituting"
    (asked_about,) = [line for line in row["lines"] if line["sku"] == "kefir"]
    assert asked_about["substitution"] == pending
    assert reserved(shop, order_id, "oat/1l") == (100, 1)

    early = shop.http.post(f"{path}/picking", json={"event": "ready"})
    document = refused(early, 409, "wrong_state")
    assert (document["state"], document["allowed"]) == ("substituting", ["picking"])
    again = shop.http.post(f"{path}/short", json=asked)
    document = refused(again, 409, "wrong_state", "/sku")
    assert (document["state"], document["allowed"]) == ("pending", ["accepted", "refused"])

    answer = shop.post(f"{path}/substitutions/kefir", {"accepted": True})
    assert (answer["status"], answer["refund_cents"]) == ("picking", 2 * 120 - 219)
    (instead,) = [line for line in answer["lines"] if line["sku"] == "oat/1l"]
    assert instead["instead_of"] == "kefir"
    # The same answer once more is no news; another one comes too late.
    shop.post(f"{path}/substitutions/kefir", {"accepted": True})
    late = shop.http.post(f"{path}/substitutions/kefir", json={"accepted": False})
    assert refused(late, 409, "wrong_state")["state"] == "accepted"

    item = {"barcode": "07394376616038", "batch": "L7", "origin": "FI", "best_before": "2027-01-31"}
    told = shop.post(f"{path}/items", item, 201)
    assert told["items"][0]["name"] == "Oat drink"
    assert told["left"] == [{"sku": "rye", "quantity": 1}]
    shop.post(f"{path}/picking", {"event": "ready"})
    assert [name for name in heard(shop, order_id) if not name.startswith("Stop")] == [
        "OrderReceived",
        "PickStarted",
        "LineShort",
        "SubstitutionOffered",
        "SubstitutionAnswered",
        "ItemPicked",
        "PickCompleted",
    ]
    traced = shop.get(f"/v1/trace/{told['parcel_id']}/7394376616038")
    assert traced["items"][0]["batch"] == "L7"
    assert traced["items"][0]["origin"] == "FI"
    assert traced["article"]["sku"] == "oat/1l"
    for wrong in (f"{told['parcel_id']}/6408430000012", "pcl_none/7394376616038"):
        refused(shop.http.get(f"/v1/trace/{wrong}"), 404, "unknown_id")
    shop.post(f"{path}/cancel", {"reason": "seen"})
    refill(shop)


def test_whoever_says_nothing_is_answered_for_when_the_time_is_over(shop: Town) -> None:
    order_id = picking(shop, kefir=1, rye=1)
    offer = {"sku": "oat/1l", "quantity": 1}
    shop.post(f"/v1/orders/{order_id}/short", {"sku": "kefir", "missing": 1, "substitute": offer})
    until(lambda: shop.order(order_id)["status"] == "picking", "silence was taken for a no")
    row = queued(shop, order_id)
    assert (row["substitutions"][0]["answer"], row["substitutions"][0]["accepted"]) == (
        "silent",
        False,
    )
    assert [line["sku"] for line in row["lines"]] == ["rye"]
    assert row["refund_cents"] == 120
    assert reserved(shop, order_id, "oat/1l")[1] == 0
    shop.post(f"/v1/orders/{order_id}/cancel", {"reason": "seen"})
    refill(shop)


@pytest.mark.parametrize(
    ("body", "status", "code", "pointer"),
    [
        ({"sku": "caviar", "missing": 1}, 422, "invalid_value", "/sku"),
        ({"sku": "kefir", "missing": 3}, 422, "invalid_value", "/missing"),
        ({"sku": "kefir", "missing": 0}, 422, "invalid_request", "/missing"),
        ({"sku": "kefir"}, 422, "invalid_request", "/missing"),
        ({"sku": "kefir", "missing": 1, "why": "x"}, 422, "invalid_request", "/why"),
        (
            {"sku": "kefir", "missing": 1, "substitute": {"sku": "kefir", "quantity": 1}},
            422,
            "invalid_value",
            "/substitute/sku",
        ),
        (
            {"sku": "kefir", "missing": 1, "substitute": {"sku": "caviar", "quantity": 1}},
            422,
            "invalid_value",
            "/substitute/sku",
        ),
        (
            {"sku": "kefir", "missing": 1, "substitute": {"sku": "rye", "quantity": 999}},
            422,
            "invalid_value",
            "/substitute/quantity",
        ),
        (
            {"sku": "kefir", "missing": 1, "occurred_at": "2026-12-24T18:00:00Z"},
            422,
            "time_in_future",
            "/occurred_at",
        ),
    ],
)
def test_a_short_pick_that_cannot_be_meant_is_pointed_at_and_changes_nothing(
    shop: Town, body: dict[str, Any], status: int, code: str, pointer: str
) -> None:
    order_id = picking(shop, kefir=2, rye=1)
    before = queued(shop, order_id)["lines"]
    refused(shop.http.post(f"/v1/orders/{order_id}/short", json=body), status, code, pointer)
    assert queued(shop, order_id)["lines"] == before
    assert "LineShort" not in heard(shop, order_id)
    shop.post(f"/v1/orders/{order_id}/cancel", {"reason": "seen"})


def test_picking_out_of_turn_names_the_moves_allowed(shop: Town) -> None:
    order_id = order(shop, kefir=1)
    path = f"/v1/orders/{order_id}"
    said = {"sku": "kefir", "missing": 1}
    assert refused(shop.http.post(f"{path}/short", json=said), 409, "wrong_state")["allowed"] == [
        "picking"
    ]
    item = shop.http.post(f"{path}/items", json={"barcode": "6408430000012"})
    assert refused(item, 409, "wrong_state")["allowed"] == ["picking"]
    for sku in ("kefir", "oat/1l"):
        answer = shop.http.post(f"{path}/substitutions/{sku}", json={"accepted": True})
        assert sku in refused(answer, 404, "unknown_id")["detail"]
    refused(shop.http.post("/v1/orders/ord_none/short", json=said), 404, "unknown_id")
    shop.post(f"{path}/cancel", {"reason": "seen"})


def test_a_short_pick_that_is_sent_twice_counts_once(shop: Town) -> None:
    order_id = picking(shop, kefir=3)
    headers = {"Idempotency-Key": f"short-{order_id}"}
    body = {"sku": "kefir", "missing": 1}
    answers = [
        shop.http.post(f"/v1/orders/{order_id}/short", json=body, headers=headers) for _ in range(2)
    ]
    assert answers[0].json() == answers[1].json()
    assert answers[1].headers["idempotency-replayed"] == "true"
    assert queued(shop, order_id)["lines"][0]["quantity"] == 2
    shop.post(f"/v1/orders/{order_id}/cancel", {"reason": "seen"})
    refill(shop)


@pytest.mark.parametrize(
    ("body", "status", "code", "pointer"),
    [
        ({"barcode": "6411200000025"}, 409, "wrong_article", "/barcode"),
        ({"barcode": "4006381333931"}, 409, "wrong_article", "/barcode"),
        (
            {"barcode": "6408430000012", "best_before": "2026-11-19"},
            422,
            "invalid_value",
            "/best_before",
        ),
        (
            {"barcode": "6408430000012", "best_before": "2026-02-30"},
            422,
            "invalid_value",
            "/best_before",
        ),
        (
            {"barcode": "6408430000012", "best_before": "soon"},
            422,
            "invalid_request",
            "/best_before",
        ),
        ({"barcode": ""}, 422, "invalid_request", "/barcode"),
    ],
)
def test_an_article_that_does_not_belong_is_refused(
    shop: Town, body: dict[str, Any], status: int, code: str, pointer: str
) -> None:
    order_id = picking(shop, kefir=1)
    path = f"/v1/orders/{order_id}"
    refused(shop.http.post(f"{path}/items", json=body), status, code, pointer)
    assert shop.get(f"{path}/items")["items"] == []
    shop.post(f"{path}/cancel", {"reason": "seen"})


# --- labels ------------------------------------------------------------------------------------


def dark(svg: str) -> set[tuple[int, int]]:
    """Return the dark modules that a QR code's path draws, as (row, column) with the quiet zone."""
    (path,) = re.findall(r' d="([^"]+)"', svg)
    found: set[tuple[int, int]] = set()
    x, y = 0.0, 0.0
    for command, first, second in re.findall(r"([Mmh])(-?[\d.]+)(?: ?(-?[\d.]+))?", path):
        if command == "M":
            x, y = float(first), float(second)
        elif command == "m":
            x, y = x + float(first), y + float(second or 0)
        else:
            found |= {(int(y - 0.5), int(x) + step) for step in range(int(first))}
            x += float(first)
    return found


def test_a_label_says_what_hands_must_know_and_no_more(shop: Town) -> None:
    order_id = order(shop, kefir=2, ale=1)
    parcel_id = shop.get(f"/v1/orders/{order_id}/custody")["parcel_id"]
    answer = shop.http.get(f"/v1/orders/{order_id}/label")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    text = answer.text
    for said in (order_id[-4:].upper(), "Testikatu 1 A 2", "Keep cold", "18+", "3 pieces"):
        assert said in text
    assert parcel_id in text
    assert "62mm 100mm" in text
    for loaded in ("<script", "src=", "http://", "@import", "url("):
        assert loaded not in text.replace('xmlns="http://www.w3.org/2000/svg"', "")
    svg = shop.http.get(f"/v1/orders/{order_id}/label.svg")
    assert svg.headers["content-type"] == "image/svg+xml"
    expected = {
        (row + 4, column + 4)
        for row, modules in enumerate(segno.make_qr(parcel_id, error="q").matrix)
        for column, module in enumerate(modules)
        if module
    }
    assert dark(svg.text) == expected
    shop.post(f"/v1/orders/{order_id}/cancel", {"reason": "seen"})
    refused(shop.http.get("/v1/orders/ord_none/label"), 404, "unknown_id")
    refused(shop.http.get("/v1/orders/ord_none/label.svg"), 404, "unknown_id")


def test_what_a_customer_writes_is_never_markup(shop: Town) -> None:
    basket = shop.basket(lines=[{"sku": "rye", "quantity": 1}])
    basket["dropoff"]["address"] = "<script>alert(1)</script> & sons"
    order_id = shop.post("/v1/orders", basket, 201)["id"]
    text = shop.http.get(f"/v1/orders/{order_id}/label").text
    assert "<script" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; sons" in text
    assert "Keep cold" not in text
    assert "Check age" not in text
    shop.post(f"/v1/orders/{order_id}/cancel", {"reason": "seen"})


# --- custody -----------------------------------------------------------------------------------


def test_a_parcel_s_way_is_told_from_shelf_to_door_with_its_gaps(shop: Town) -> None:
    order_id = picking(shop, rye=1)
    custody = shop.get(f"/v1/orders/{order_id}/custody")
    parcel_id = custody["parcel_id"]
    assert (custody["chain"], custody["gaps"]) == ([], [])

    def scan(step: str, by: str, **more: Any) -> httpx.Response:
        body = {"parcel_id": parcel_id, "step": step, "by": by, **more}
        return shop.http.post("/v1/scans", json=body)

    assert scan("pick", "emp_7").status_code == 200
    assert scan("pick", "emp_7").json()["chain"][0]["by"] == "emp_7"
    refused(scan("pick", "emp_8"), 409, "conflict")
    refused(scan("handover", "cou_t1"), 409, "conflict")
    shop.post(f"/v1/orders/{order_id}/picking", {"event": "ready"})
    assert shop.get(f"/v1/orders/{order_id}/custody")["gaps"] == ["pack"]
    courier_id = shop.told(order_id, "enroute_to_pickup")["delivery"]["courier_id"]
    refused(scan("handover", "cou_none"), 404, "unknown_id")
    assert scan("handover", courier_id).status_code == 200
    document = refused(scan("pack", "emp_7"), 409, "wrong_state")
    assert (document["state"], document["allowed"]) == ("handover", ["door"])
    shop.report(courier_id, "completed")
    shop.told(order_id, "enroute_to_dropoff")

    # At this door another order's parcel is refused, and told which one belongs here.
    other = picking(shop, rye=1)
    shop.post(f"/v1/orders/{other}/picking", {"event": "ready"})
    wrong = {
        "parcel_id": shop.get(f"/v1/orders/{other}/custody")["parcel_id"],
        "step": "door",
        "by": courier_id,
    }
    document = refused(shop.http.post("/v1/scans", json=wrong), 409, "wrong_parcel")
    assert document["expected_parcel_id"] == parcel_id
    assert shop.get(f"/v1/orders/{other}/custody")["chain"] == []
    shop.post(f"/v1/orders/{other}/cancel", {"reason": "seen"})

    stop_id = shop.get(f"/v1/couriers/{courier_id}/route")["stops"][0]["id"]
    assert scan("door", courier_id, stop_id=stop_id).status_code == 200
    shop.report(courier_id, "completed")
    custody = shop.get(f"/v1/orders/{order_id}/custody")
    assert [row["step"] for row in custody["chain"]] == ["pick", "handover", "door"]
    assert custody["gaps"] == ["pack"]
    assert heard(shop, order_id).count("ParcelScanned") == 3


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"parcel_id": "pcl_none", "step": "pick", "by": "emp_1"}, 404, "unknown_id"),
        ({"parcel_id": "pcl_none", "step": "steal", "by": "emp_1"}, 422, "invalid_request"),
        ({"parcel_id": "pcl_none", "step": "pick"}, 422, "invalid_request"),
        (
            {
                "parcel_id": "pcl_none",
                "step": "pick",
                "by": "emp_1",
                "occurred_at": "2026-12-24T18:00:00Z",
            },
            422,
            "time_in_future",
        ),
    ],
)
def test_a_scan_of_nothing_we_know_is_refused(
    shop: Town, body: dict[str, Any], status: int, code: str
) -> None:
    refused(shop.http.post("/v1/scans", json=body), status, code)
