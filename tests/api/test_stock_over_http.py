"""Articles and stock, in bulk and by count, against a real service."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from conftest import Town, over

SHOP = "/v1/stores/sto_shop"
STOCK = f"{SHOP}/stock"
CSV = {"Content-Type": "text/csv"}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """Return a service with a shop of our own that has many pickers, and couriers before it."""
    made = Town(tmp_path_factory.mktemp("shop"), speed=1).start()
    place = made.get("/v1/stores")["data"][0]["location"]
    made.put(SHOP, {"name": "Shop", "location": place, "pickers": 30})
    for _ in range(12):
        made.courier(place)
    yield made
    over(made)


def send(town: Town, path: str, text: str | bytes, expect: int = 200) -> Any:
    body = text if isinstance(text, bytes) else text.encode()
    return town._body(town.http.put(path, content=body, headers=CSV), expect)


def on_hand(town: Town, *skus: str) -> dict[str, int]:
    rows = town.get(STOCK, sku=list(skus))["data"]
    return {row["sku"]: row["on_hand"] for row in rows}


def basket(town: Town, sku: str, quantity: int = 1) -> dict[str, Any]:
    place = town.get(SHOP)["location"]
    return town.basket(
        dropoff={"location": place, "address": "Testikatu 1"},
        lines=[{"sku": sku, "quantity": quantity}],
    )


def last_seq(town: Town) -> int:
    seq = 0
    while True:
        page = town.get("/v1/events", after=seq, limit=1000)
        if not page["data"]:
            return seq
        seq = page["next"]


def recorded(town: Town, after: int, *leave_out: str) -> list[dict[str, Any]]:
    """Return what was recorded, other than by plans."""
    events: list[dict[str, Any]] = town.get("/v1/events", after=after)["data"]
    return [event for event in events if event["type"] not in {"PlanPublished", *leave_out}]


# --- stock in bulk -----------------------------------------------------------------------------


def test_fifty_thousand_skus_are_one_file_and_one_event(shop: Town) -> None:
    after = last_seq(shop)
    lines = [f"art-{number:05},{number % 50}" for number in range(50_000)]
    answer = send(shop, STOCK, "sku,on_hand\n" + "\n".join(lines))
    assert (answer["skus"], answer["changed"]) == (50_000, 50_000)
    assert "data" not in answer
    event = shop.get("/v1/events", after=after)["data"][0]
    assert (event["type"], len(event["data"]["on_hand"])) == ("StockSet", 50_000)
    again = send(shop, STOCK, "sku,on_hand\n" + "\n".join(lines))
    assert (again["skus"], again["changed"]) == (50_000, 0)
    items = [{"sku": f"art-{number:05}", "on_hand": 7} for number in range(50_000)]
    answer = shop.put(STOCK, {"items": items})
    assert (answer["skus"], answer["changed"]) == (50_000, 49_000)
    assert on_hand(shop, "art-00000", "art-49999") == {"art-00000": 7, "art-49999": 7}
    send(shop, f"{STOCK}?mode=replace", "sku,on_hand\nart-00000,1\n")
    assert on_hand(shop, "art-00000", "art-49999") == {"art-00000": 1, "art-49999": 0}
    # A page of the log ends before the second file of this size, and the next one goes on there.
    page = shop.get("/v1/events", after=after)
    assert [len(event["data"]["on_hand"]) for event in page["data"]] == [50_000, 0]
    page = shop.get("/v1/events", after=page["next"])
    assert [len(event["data"]["on_hand"]) for event in page["data"]] == [49_000]


def test_a_file_with_a_broken_line_changes_nothing(shop: Town) -> None:
    send(shop, STOCK, "sku,on_hand\nsalt,5\npepper,5\n")
    after = last_seq(shop)
    problem = send(shop, STOCK, "sku,on_hand\nsalt,9\npepper,many\nsalt,1\n", 422)
    assert problem["code"] == "stock_file_refused"
    assert problem["pointer"] == "/items/1/on_hand"
    assert problem["errors_total"] == 2
    assert [(error["line"], error["column"]) for error in problem["errors"]] == [
        (3, "on_hand"),
        (4, "sku"),
    ]
    assert on_hand(shop, "salt", "pepper") == {"salt": 5, "pepper": 5}
    assert recorded(shop, after) == []


@pytest.mark.parametrize(
    ("path", "text", "status", "code"),
    [
        ("/v1/stores/sto_none/stock", "sku,on_hand\nsalt,1\n", 404, "unknown_id"),
        (f"{STOCK}?mode=some", "sku,on_hand\nsalt,1\n", 422, "invalid_request"),
        (STOCK, "sku,amount\nsalt,1\n", 422, "stock_file_refused"),
        (STOCK, " " * 32_000_001, 413, "body_too_large"),
        ("/v1/catalogue", "sku,colour\nsalt,white\n", 422, "catalogue_file_refused"),
    ],
)
def test_a_file_that_cannot_be_meant_is_refused(
    shop: Town, path: str, text: str, status: int, code: str
) -> None:
    after = last_seq(shop)
    assert send(shop, path, text, status)["code"] == code
    assert recorded(shop, after) == []


def test_only_files_of_a_whole_shop_may_be_large(shop: Town) -> None:
    body = b" " * 1_000_001
    answer = shop.http.post(f"{STOCK}/corrections", content=body)
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


def test_a_short_list_is_answered_with_its_rows(shop: Town) -> None:
    items = [{"sku": "tea", "on_hand": 8, "safety_stock": 3, "shelf": "T1"}]
    answer = shop.put(STOCK, {"items": items})
    row = {
        "sku": "tea",
        "on_hand": 8,
        "reserved": 0,
        "available": 5,
        "safety_stock": 3,
        "shelf": "T1",
    }
    assert answer["data"] == [row]
    assert shop.get(STOCK, sku="tea") == {"data": [row], "next": None}
    moved = shop.put(f"{SHOP}/shelves", {"items": [{"sku": "tea", "shelf": "T2"}]})
    assert moved["data"] == [{**row, "shelf": "T2"}]


def test_stock_is_read_in_pages_by_sku(shop: Town) -> None:
    send(shop, STOCK, "sku,on_hand\nzz-a,1\nzz-b,2\nzz-c,3\n")
    wanted = ["zz-c", "zz-a", "zz-b", "zz-none"]
    first = shop.get(STOCK, sku=wanted, limit=2)
    assert [row["sku"] for row in first["data"]] == ["zz-a", "zz-b"]
    second = shop.get(STOCK, sku=wanted, limit=2, cursor=first["next"])
    assert [row["sku"] for row in second["data"]] == ["zz-c"]
    assert second["next"] is None
    for query in ({"cursor": "!!"}, {"limit": 0}, {"sku": "a b"}):
        problem = shop.get(STOCK, 422, **query)
        assert problem["code"] == "invalid_request"


# --- the catalogue -----------------------------------------------------------------------------


def test_the_catalogue_is_taken_whole_and_read_by_page_and_sku(shop: Town) -> None:
    text = "sku,name,weight_g,price_cents,chilled,age_limit,barcode,shelf\n"
    text += "c/oat,Oat drink,1050,219,true,0,7394376616037,C2\nc/beer,Beer,520,310,,18,,\n"
    assert send(shop, "/v1/catalogue", text)["changed"] == 2
    oat = shop.get("/v1/catalogue/c/oat")
    assert oat == {
        "sku": "c/oat",
        "name": "Oat drink",
        "weight_g": 1050,
        "volume_ml": 0,
        "price_cents": 219,
        "chilled": True,
        "age_limit": 0,
        "barcode": "7394376616037",
        "shelf": "C2",
    }
    articles = [{**oat, "price_cents": 199}, {"sku": "c/jam", "name": "Jam"}]
    answer = shop.put("/v1/catalogue", {"articles": articles})
    assert answer == {"articles": 2, "changed": 2, "known": 3}
    first = shop.get("/v1/catalogue", limit=2)
    assert [row["sku"] for row in first["data"]] == ["c/beer", "c/jam"]
    last = shop.get("/v1/catalogue", limit=2, cursor=first["next"])
    assert (last["data"], last["next"]) == ([{**oat, "price_cents": 199}], None)
    assert shop.get("/v1/catalogue/nothing", 404)["code"] == "unknown_id"
    # Where a store says nothing of its own, an SKU stands where it usually does.
    send(shop, STOCK, "sku,on_hand\nc/oat,4\n")
    assert shop.get(STOCK, sku="c/oat")["data"][0]["shelf"] == "C2"


def test_a_barcode_that_is_another_article_s_is_named_by_line(shop: Town) -> None:
    send(shop, "/v1/catalogue", "sku,barcode\nb-first,4006381333931\n")
    after = last_seq(shop)
    problem = send(shop, "/v1/catalogue", "sku,barcode\nb-x,\nb-y,4006381333931\n", 422)
    assert problem["code"] == "catalogue_file_refused"
    (error,) = problem["errors"]
    assert (error["line"], error["column"], error["pointer"]) == (
        3,
        "barcode",
        "/articles/1/barcode",
    )
    assert "that of b-first" in error["detail"]
    body = {"articles": [{"sku": "b-y", "barcode": "4006381333931"}]}
    problem = shop.put("/v1/catalogue", body, 422)
    assert (problem["code"], problem["pointer"]) == ("invalid_value", "/articles/0/barcode")
    body = {"articles": [{"sku": "b-z"}, {"sku": "b-z"}]}
    problem = shop.put("/v1/catalogue", body, 422)
    assert (problem["code"], problem["pointer"]) == ("invalid_request", "/articles/1/sku")
    assert recorded(shop, after) == []


# --- promises ----------------------------------------------------------------------------------


def test_sixty_who_ask_at_once_get_the_twenty_pieces_there_are(shop: Town) -> None:
    shop.put(STOCK, {"items": [{"sku": "cup", "on_hand": 23, "safety_stock": 3}]})
    body = basket(shop, "cup")
    address = str(shop.http.base_url)

    def ask(_: int) -> httpx.Response:
        return httpx.post(f"{address}/v1/orders", json=body, timeout=60)

    with ThreadPoolExecutor(60) as pool:
        answers = list(pool.map(ask, range(60)))
    outcomes = Counter(
        "taken" if answer.status_code == 201 else answer.json()["code"] for answer in answers
    )
    assert outcomes == {"taken": 20, "no_stock": 40}
    row = shop.get(STOCK, sku="cup")["data"][0]
    assert (row["on_hand"], row["reserved"], row["available"]) == (23, 20, 0)
    taken = [answer.json()["id"] for answer in answers if answer.status_code == 201]
    assert len(set(taken)) == 20
    shop.post(f"/v1/orders/{taken.pop()}/cancel", {"reason": "test over"})
    # What one gives back, one more may have.
    assert ask(0).status_code == 201
    assert ask(0).json()["code"] == "no_stock"
    assert shop.get(STOCK, sku="cup")["data"][0]["reserved"] == 20


def test_what_a_store_keeps_back_of_everything_is_not_sold(shop: Town) -> None:
    store = shop.get(SHOP)
    body = {"name": "Shop", "location": store["location"], "pickers": 30}
    shop.put(STOCK, {"items": [{"sku": "rare", "on_hand": 4}]})
    assert shop.put(SHOP, {**body, "safety_stock": 4})["safety_stock"] == 4
    assert shop.post("/v1/orders", basket(shop, "rare"), 422)["code"] == "no_stock"
    shop.put(SHOP, body)
    order = shop.post("/v1/orders", basket(shop, "rare", 4), 201)
    shop.post(f"/v1/orders/{order['id']}/cancel", {"reason": "test over"})
    problem = shop.put(SHOP, {**body, "safety_stock": -1}, 422)
    assert problem["pointer"] == "/safety_stock"
    stale = shop.http.put(SHOP, json=body, headers={"If-Match": '"another"'})
    assert (stale.status_code, stale.json()["code"]) == (412, "stale_version")


# --- corrections -------------------------------------------------------------------------------


def correction(*changes: tuple[str, int], **more: Any) -> dict[str, Any]:
    said = [{"sku": sku, "change": change} for sku, change in changes]
    return {"changes": said, "reason": "broken glass", "owner": "Maija", **more}


def minute(shop: Town, before: int) -> str:
    """Return the moment some minutes before now."""
    now = datetime.fromisoformat(shop.get("/v1/zones")["data"][0]["now"])
    return (now - timedelta(minutes=before)).strftime("%Y-%m-%dT%H:%M:%SZ")


def test_a_correction_is_told_once_and_names_the_orders_now_short(shop: Town) -> None:
    shop.put(STOCK, {"items": [{"sku": "wine", "on_hand": 2}]})
    clicks = [minute(shop, before) for before in (3, 1)]
    orders = [
        shop.post("/v1/orders", {**basket(shop, "wine"), "created_at": at}, 201)["id"]
        for at in clicks
    ]
    after = last_seq(shop)
    headers = {"Idempotency-Key": "count-1"}
    answers = [
        shop.http.post(f"{STOCK}/corrections", json=correction(("wine", -1)), headers=headers)
        for _ in range(2)
    ]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    answer = answers[0].json()
    assert answer["data"][0]["on_hand"] == 1
    assert answer["moved"] == []
    # The younger one goes short: no other store has wine.
    assert [(row["order_id"], row["missing"]) for row in answer["short"]] == [
        (orders[1], {"wine": 1})
    ]
    assert "lacks 1 x wine" in answer["short"][0]["detail"]
    kinds = [event["type"] for event in recorded(shop, after)]
    assert kinds == ["ActionTaken", "StockCorrected", "OrderNotMoved"]
    answer = send(shop, STOCK, "sku,on_hand\nwine,0\n")
    assert answer["below_reserved"] == [{"sku": "wine", "on_hand": 0, "reserved": 2}]
    assert {row["order_id"] for row in answer["short"]} == set(orders)
    send(shop, STOCK, "sku,on_hand\nwine,2\n")
    for order_id in orders:
        shop.post(f"/v1/orders/{order_id}/cancel", {"reason": "test over"})


@pytest.mark.parametrize(
    ("body", "status", "code", "pointer"),
    [
        (correction(("gin", -1)), 422, "invalid_value", "/changes/0/change"),
        (correction(("salt", 1), ("rum", -6)), 422, "invalid_value", "/changes/1/change"),
        (correction(("rum", 1), ("rum", 2)), 422, "invalid_request", "/changes/1/sku"),
        (correction(("rum", 0)), 422, "invalid_request", "/changes/0/change"),
        (correction(), 422, "invalid_request", "/changes"),
        ({**correction(("rum", 1)), "owner": ""}, 422, "invalid_request", "/owner"),
        (
            correction(("rum", 1), occurred_at="2026-11-21T14:00:00Z"),
            422,
            "time_in_future",
            "/occurred_at",
        ),
    ],
)
def test_a_correction_that_cannot_be_is_refused_whole(
    shop: Town, body: dict[str, Any], status: int, code: str, pointer: str
) -> None:
    shop.put(STOCK, {"items": [{"sku": "rum", "on_hand": 5}]})
    after = last_seq(shop)
    problem = shop.post(f"{STOCK}/corrections", body, status)
    assert (problem["code"], problem["pointer"]) == (code, pointer)
    assert recorded(shop, after) == []
    assert on_hand(shop, "rum") == {"rum": 5}


def test_a_correction_below_nothing_names_the_article(shop: Town) -> None:
    shop.put(STOCK, {"items": [{"sku": "rum", "on_hand": 5}]})
    problem = shop.post(f"{STOCK}/corrections", correction(("rum", -6)), 422)
    assert problem["detail"].startswith("rum takes 6 off the shelf of Shop, where 5 are")
    body = correction(("rum", 1))
    assert shop.post("/v1/stores/sto_none/stock/corrections", body, 404)["code"] == "unknown_id"
