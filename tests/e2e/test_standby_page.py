"""A courier without work is told where to wait, on the phone and on the board."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from browsing import Service, Watched, until
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

POLICY = """
standby_horizon_s = 3600
waiting_cost = 20.0
travel_cost = 0.1
"""
"""A standby is worth any way."""

BERRIES = {"items": [{"sku": "berries", "on_hand": 99}]}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    # Slow enough for the phone to be looked at while the courier is under way.
    started = Service(tmp_path_factory.mktemp("standby"), speed=15, policy=POLICY)
    yield started
    started.stop()


def busy_store(service: Service) -> tuple[str, str]:
    """Let the last store be asked for again and again; returns its id and name."""
    store = service.stores[-1]
    service.put(f"/v1/stores/{store['id']}/stock", BERRIES)
    for number in range(8):
        basket = {
            "dropoff": {"location": store["location"], "address": f"Testikatu {number}"},
            "lines": [{"sku": "berries", "quantity": 1}],
            "weight_g": 500,
            "pick_s": 0,
        }
        order_id = service.post("/v1/orders", basket)["id"]
        service.post(f"/v1/orders/{order_id}/cancel", {"reason": "changed my mind"})
    return store["id"], store["name"]


def test_a_courier_goes_where_orders_will_come_and_waits_nearby(
    desk: Watched, phone: Watched, service: Service
) -> None:
    # Somebody must be there for orders to be taken; the forecast is ready when Wilma begins.
    before = service.courier("cou_before", "Veli")
    store_id, name = busy_store(service)
    service.post(f"/v1/couriers/{before}/shift/end")
    courier_id = service.courier("cou_waits", "Wilma")

    def told() -> bool:
        standby = service.get(f"/v1/couriers/{courier_id}")["standby"]
        return standby is not None and standby["store_id"] == store_id

    until(told, "the courier is told where to wait", 60)
    assert service.get(f"/v1/couriers/{courier_id}/route")["stops"] == []
    way = service.get(f"/v1/couriers/{courier_id}/standby")
    assert way["standby"]["name"] == name
    assert len(way["leg"]["line"]) > 1

    board = desk.page
    board.goto(f"{service.base}/ops#courier:{courier_id}")
    details = board.locator("#details")
    expect(details).to_contain_text(f"Goes to wait near {name}")

    page = phone.page
    page.goto(f"{service.base}/courier")
    page.get_by_role("button", name=re.compile("Wilma")).click()
    now = page.locator("#now")
    expect(now).to_contain_text(f"Go to {name} and wait nearby")
    expect(now).to_contain_text(re.compile(r"There at \d\d:\d\d"))
    expect(page.locator("#step")).to_be_visible()
    expect(page.locator("#action")).to_be_hidden()

    expect(now).to_contain_text(f"Wait near {name}", timeout=90_000)
    expect(details).to_contain_text(f"Waits near {name}")
    assert service.get(f"/v1/couriers/{courier_id}/standby")["leg"] is None
    assert phone.complaints == []
    assert desk.complaints == []
    assert phone.foreign(service.base) == []
