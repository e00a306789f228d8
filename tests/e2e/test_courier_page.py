"""The courier's page beyond the plain way: offers, the door's PIN, breaks and a breakdown."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from browsing import CLOCK_START, CONTRAST, PHONE, Service, Watched, until
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

POLICY = "offer_timeout_s = 120\n"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    # Half a minute to answer an offer.
    started = Service(tmp_path_factory.mktemp("courier"), speed=4, policy=POLICY)
    yield started
    started.stop()


def at_work(phone: Watched, service: Service, name: str, **known: Any) -> tuple[Page, str]:
    """Register a courier and sign in as them; returns the page and the id."""
    courier_id = service.courier(f"cou_{name.lower()}", name)
    home = service.stores[0]["location"]
    service.put(f"/v1/couriers/{courier_id}", {"name": name, "mode": "bike", "home": home, **known})
    page = phone.page
    page.goto(f"{service.base}/courier")
    page.get_by_role("button", name=re.compile(name)).click()
    expect(page.locator("#now")).to_contain_text("Wait here")
    return page, courier_id


def order(service: Service, **wants: Any) -> str:
    """Order milk, picked already; returns the order's id."""
    dropoff = {"location": service.stores[-1]["location"], "address": "Testikatu 7 A 2"}
    lines = [{"sku": "milk", "quantity": 1, **wants.pop("line", {})}]
    basket = {"dropoff": dropoff, "lines": lines, "weight_g": 1000, **wants}
    order_id: str = service.post("/v1/orders", basket)["id"]
    for event in ("started", "ready"):
        service.post(f"/v1/orders/{order_id}/picking", {"event": event})
    return order_id


def home(service: Service, courier_id: str) -> None:
    service.post(f"/v1/couriers/{courier_id}/shift/end")


def types(service: Service) -> list[str]:
    return [row["type"] for row in service.get("/v1/events?after=0&limit=1000")["data"]]


def test_an_offer_is_taken_and_the_door_asks_for_pin_age_and_a_picture(
    phone: Watched, service: Service
) -> None:
    page, courier_id = at_work(phone, service, "Kaisa", takes_offers=True)
    order_id = order(service, pin_required=True, line={"age_limit": 18})
    action = page.locator("#action")
    expect(action).to_have_text("Take it")
    expect(page.locator("#now")).to_contain_text("Will you take it?")
    expect(page.locator("#hint")).to_have_text(re.compile(r"^\d+ s to answer$"))
    expect(page.locator("#other")).to_have_text("Decline")
    assert page.evaluate(CONTRAST, "#action") >= 7
    box = action.bounding_box()
    assert box is not None
    assert box["y"] > PHONE["height"] * 0.6  # in reach of the thumb

    action.click()
    expect(action).to_have_text(re.compile("^Arrived at "))
    action.click()
    expect(action).to_have_text("Picked up")
    action.click()
    expect(action).to_have_text("Arrived at the door")
    until(
        lambda: service.get(f"/v1/couriers/{courier_id}/route")["acknowledged"], "it was seen", 10
    )
    assert phone.complaints == []
    assert phone.foreign(service.base) == []

    # In the staircase there is no signal: what is done there is sent from the street.
    page.context.set_offline(True)
    action.click()
    expect(action).to_have_text("Delivered")
    picture = {"name": "door.png", "mimeType": "image/png", "buffer": page.screenshot()}
    page.locator("#photo-input").set_input_files([picture])
    expect(page.locator("#photo")).to_contain_text("1 taken")
    action.click()
    done = page.locator("#door .action")
    expect(done).to_be_disabled()
    page.get_by_label("PIN, four digits").fill("0000")
    page.get_by_text("Passport").click()
    done.click()
    expect(page.locator("#contact")).to_contain_text("waiting to send: 2")
    page.context.set_offline(False)
    notice = page.locator("#notice")
    expect(notice).to_contain_text("not the customer's PIN")
    assert service.delivery(order_id) == "arrived_at_dropoff"
    expect(page.locator("#photo")).to_contain_text("1 taken")

    action.click()
    pin = service.get(f"/v1/orders/{order_id}/tracking")["pin"]
    page.get_by_label("PIN, four digits").fill(pin)
    page.get_by_text("Passport").click()
    done.click()
    service.wait_for(order_id, "delivered")
    expect(notice).to_be_hidden()
    shown = service.get(f"/v1/orders/{order_id}/proofs")["data"]
    assert [row["kind"] for row in shown] == ["pin", "age", "photo"]
    taken = service.http.get(shown[2]["picture"])
    assert taken.headers["content-type"] == "image/jpeg"
    assert {"OfferMade", "OfferAccepted", "RouteAcknowledged"} <= set(types(service))
    home(service, courier_id)


def test_a_break_that_is_planned_is_seen_before_it_comes(
    phone: Watched, desk: Watched, service: Service
) -> None:
    page, courier_id = at_work(phone, service, "Lauri")
    day = CLOCK_START[:10]
    planned = {"earliest": f"{day}T20:00:00Z", "latest": f"{day}T20:30:00Z", "duration_s": 1800}
    shift = {"courier_id": courier_id, "ends_at": f"{day}T23:59:00Z", "break": planned}
    service.post("/v1/shifts", shift)
    # Helsinki is two hours ahead.
    words = "30 min, begins 22:00\N{EN DASH}22:30"
    expect(page.locator("#hint")).to_have_text(f"Your break: {words}.")
    board = desk.page
    board.goto(f"{service.base}/ops#courier:{courier_id}")
    expect(board.locator("#details")).to_contain_text(words)
    service.post(f"/v1/couriers/{courier_id}/shift/end")
    expect(board.locator("#details")).not_to_contain_text(words)
    assert phone.complaints == desk.complaints == []


def test_a_courier_rests_breaks_down_and_goes_on(phone: Watched, service: Service) -> None:
    page, courier_id = at_work(phone, service, "Veli")
    action, now = page.locator("#action"), page.locator("#now")
    page.get_by_role("button", name="Take a break").click()
    page.get_by_role("button", name="20 minutes").click()
    expect(now).to_contain_text(re.compile(r"Until \d\d:\d\d"))
    order_id = order(service)
    assert service.get(f"/v1/couriers/{courier_id}")["activity"] == "on_break"
    expect(action).to_have_text("I'm back")
    action.click()

    expect(action).to_have_text(re.compile("^Arrived at "))
    action.click()
    expect(action).to_have_text("Picked up")
    action.click()
    expect(action).to_have_text("Arrived at the door")
    page.locator("#menu summary").click()
    page.get_by_role("button", name="I can't go on").click()
    page.get_by_role("button", name="My bike or car broke down").click()
    expect(now).to_contain_text("Stay safe")
    stranded = service.get(f"/v1/couriers/{courier_id}")
    assert (stranded["stranded"], stranded["on_board"]) == ("My bike or car broke down", [])
    action.click()
    expect(now).to_contain_text("Wait here")
    # It is somebody else's now.
    assert service.delivery(order_id) == "confirmed"
    other = service.courier("cou_bertta", "Bertta")
    service.wait_for(order_id, "enroute_to_pickup")
    stop = service.get(f"/v1/couriers/{other}/route")["stops"][0]
    assert stop["name"] == "bag of Veli"
    assert phone.complaints == []
    assert CLOCK_START[:10] in stop["arrive_at"]
    for who in (courier_id, other):
        home(service, who)
