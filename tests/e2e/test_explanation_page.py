"""The board says why: how sure a promise is, and on demand what it waits for and costs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from browsing import Service, Watched, until
from playwright.sync_api import expect

LOOK_MS = 20_000

pytestmark = pytest.mark.browser

PRICED = """\
name = "priced"
pick_spread = 0.4
travel_spread = 0.5
door_spread_s = 400
chilled_cost = 0.1
"""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    started = Service(tmp_path_factory.mktemp("why"), speed=1, policy=PRICED)
    started.courier("cou_anna", "Anna")
    started.courier("cou_ben", "Ben")
    yield started
    started.stop()


def planned(service: Service, orders: list[str]) -> str | None:
    """Return an order that has a place in somebody's route but is not committed."""
    for order_id in reversed(orders):
        delivery = service.get(f"/v1/orders/{order_id}")["delivery"]
        if delivery["eta"] is not None and delivery["status"] == "confirmed":
            return order_id
    return None


def test_waits_costs_and_others_are_there_for_who_asks(desk: Watched, service: Service) -> None:
    page = desk.page
    orders = [service.order() for _ in range(4)]
    # Nobody was told to go for it yet: then there are others to weigh.
    order_id = until(lambda: planned(service, orders), "an order is planned, no more", 20)
    page.goto(f"{service.base}/ops#order:{order_id}")
    expect(page.locator(".sentence")).to_contain_text("will fetch it at", timeout=LOOK_MS)
    expect(page.locator(".chance")).to_contain_text("holds with")
    reasons = page.locator(".reasons")
    expect(reasons.locator("table").first).to_be_hidden()
    page.locator(".reasons summary").click()
    expect(reasons).to_contain_text("It costs, in courier-seconds")
    expect(reasons).to_contain_text("Expected lateness")
    expect(reasons).to_contain_text("Others weighed")
    page.wait_for_timeout(5000)  # the panel asks again and is drawn again meanwhile
    expect(reasons.locator("table").first).to_be_visible()
    assert desk.complaints == []
