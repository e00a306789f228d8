"""The customer's page on a small phone: the time, the answers, the dot, and wrong links."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from browsing import Service, Watched, until
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

SMALL = {"width": 360, "height": 740}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    started = Service(tmp_path_factory.mktemp("track"), speed=20)
    started.courier("cou_aino", "Aino Virtanen")
    bread = {"items": [{"sku": "bread", "on_hand": 99}]}
    for store in started.stores:
        started.put(f"/v1/stores/{store['id']}/stock", bread)
    yield started
    started.stop()


def ordered(service: Service, **more: Any) -> dict[str, Any]:
    """Order bread from the first store to a door beside it."""
    store = service.stores[0]
    at = store["location"]
    basket = {
        "store_id": store["id"],
        "dropoff": {
            "location": {"lat": at["lat"] + 0.003, "lng": at["lng"] + 0.002},
            "address": "Testikatu 1 A 2",
            "note": "Door code 1234",
        },
        "lines": [{"sku": "bread", "quantity": 2}],
        "weight_g": 1000,
        **more,
    }
    order: dict[str, Any] = service.post("/v1/orders", basket)
    return order


def opened(phone: Watched, url: str) -> Page:
    phone.page.set_viewport_size(SMALL)
    phone.page.goto(url)
    return phone.page


def test_a_customer_answers_instructs_and_watches_the_courier_come(
    service: Service, phone: Watched
) -> None:
    order = ordered(service)
    page = opened(phone, order["tracking_url"])
    expect(page.locator("#status")).to_have_text("We have your order")
    expect(page.locator("#range")).to_have_text(re.compile(r"^\d\d:\d\d.\d\d:\d\d$"))
    expect(page.locator("#pin-card")).to_be_hidden()
    page.locator("#note").fill("Blue door")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("button", name="Saved")).to_be_visible()
    path = f"/v1/orders/{order['id']}"
    assert service.get(path)["dropoff"]["note"] == "Blue door"

    service.post(f"{path}/picking", {"event": "started"})
    instead = {"sku": "milk", "quantity": 1}
    service.post(f"{path}/short", {"sku": "bread", "missing": 2, "substitute": instead})
    page.get_by_role("button", name="Yes, take it").click()
    expect(page.locator("#questions")).to_be_hidden()
    expect(page.locator("#lines")).to_contain_text("milk")
    service.post(f"{path}/picking", {"event": "ready"})

    service.wait_for(order["id"], "enroute_to_pickup", "arrived_at_pickup")
    # Where the courier is before the pickup is nobody's business.
    expect(page.locator(".courier-mark")).to_have_count(0)
    stop = service.get("/v1/couriers/cou_aino/route")["stops"][0]["id"]
    service.post(f"/v1/couriers/cou_aino/stops/{stop}/completed")
    position = {"courier_id": "cou_aino", "location": service.stores[0]["location"]}
    service.post("/v1/couriers/positions", {"positions": [position]})
    expect(page.locator("#status")).to_have_text("Aino is on the way to you")
    expect(page.locator(".courier-mark")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    service.wait_for(order["id"], "enroute_to_dropoff")
    stop = service.get("/v1/couriers/cou_aino/route")["stops"][0]["id"]
    service.post(f"/v1/couriers/cou_aino/stops/{stop}/completed")
    expect(page.locator("#status")).to_have_text(re.compile("Delivered at"))
    expect(page.locator("#stage")).to_be_hidden()
    assert phone.complaints == []
    assert phone.foreign(service.base) == []


def test_a_customer_at_the_kerb_says_where_and_shows_the_code(
    service: Service, phone: Watched
) -> None:
    order: dict[str, Any] = service.post(
        "/v1/orders",
        {
            "fulfilment": "curbside",
            "store_id": service.stores[1]["id"],
            "lines": [{"sku": "bread", "quantity": 1}],
            "weight_g": 500,
        },
    )
    page = opened(phone, order["tracking_url"])
    link = service.get(f"/v1/orders/{order['id']}/tracking")
    expect(page.locator("#pin")).to_have_text(link["pin"])
    page.get_by_label(re.compile("Bay")).fill("blue car, bay 2")
    page.get_by_role("button", name=re.compile("m here")).click()
    expect(page.locator("#here-hint")).to_contain_text("blue car, bay 2")

    def heard() -> bool:
        bay: str = service.get(f"/v1/orders/{order['id']}")["collection"]["bay"]
        return bay == "blue car, bay 2"

    until(heard, "the store knows", 5)
    assert phone.complaints == []


def test_a_wrong_link_says_what_to_do(service: Service, phone: Watched) -> None:
    page = opened(phone, f"{service.base}/t/ord_nothing.AAAA")
    expect(page.locator("#nothing-title")).to_have_text("This link does not work")
    expect(page.locator("#order")).to_be_hidden()
