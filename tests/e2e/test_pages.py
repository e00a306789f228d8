"""The pages in a real browser, against a real service: what people see and press."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator

import pytest
from browsing import CONTRAST, PHONE, Service, Watched, until
from playwright.sync_api import Browser, Page, expect

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    started = Service(tmp_path_factory.mktemp("pages"))
    yield started
    started.stop()


# --- looking -----------------------------------------------------------------------------------

COUNT_COLOURS = """async (png) => {
  const image = new Image();
  image.src = 'data:image/png;base64,' + png;
  await image.decode();
  const canvas = document.createElement('canvas');
  canvas.width = image.width;
  canvas.height = image.height;
  const brush = canvas.getContext('2d');
  brush.drawImage(image, 0, 0);
  const { data } = brush.getImageData(0, 0, image.width, image.height);
  const seen = new Set();
  for (let i = 0; i < data.length; i += 4) seen.add(data[i] << 16 | data[i + 1] << 8 | data[i + 2]);
  return seen.size;
}"""


def colours_of_the_map(page: Page) -> int:
    """Return how many colours the map itself shows, without what stands on it."""
    page.evaluate(
        "() => { for (const e of document.querySelectorAll('.overlay, .feed, .key')) "
        "e.hidden = true; }"
    )
    picture = base64.b64encode(page.locator("#map").screenshot()).decode()
    count: int = page.evaluate(COUNT_COLOURS, picture)
    return count


def sign_in(watched: Watched, service: Service, name: str) -> Page:
    page = watched.page
    page.goto(f"{service.base}/courier")
    page.get_by_role("button", name=re.compile(name)).click()
    expect(page.locator("#me")).to_have_text(name)
    return page


# --- the board ---------------------------------------------------------------------------------


def test_the_board_shows_its_figures_and_never_leaves_the_host(
    desk: Watched, service: Service
) -> None:
    page = desk.page
    with page.expect_response("**/tiles/**") as tile:
        page.goto(f"{service.base}/ops")
    assert tile.value.ok
    expect(page.locator("#clock")).to_have_text(re.compile(r"^\d\d:\d\d$"))
    expect(page.locator("#speed")).to_have_text("60\u00d7")
    labels = page.locator(".figure dt").all_inner_texts()
    assert labels == [
        "Open orders",
        "At risk",
        "On time",
        "Click to door, median",
        "Couriers busy",
    ]
    open_orders = page.locator("[data-figure=open] .value")
    expect(open_orders).to_have_text(re.compile(r"^\d+$"))
    attribution = page.locator(".attribution")
    expect(attribution).to_be_visible()
    expect(attribution).to_contain_text("OpenStreetMap contributors")
    expect(page.locator(".marker.store")).to_have_count(len(service.stores))
    assert desk.complaints == []
    assert desk.foreign(service.base) == []


def test_the_board_draws_the_city(desk: Watched, service: Service) -> None:
    desk.page.goto(f"{service.base}/ops")
    expect(desk.page.locator(".overlay")).to_be_attached()
    until(lambda: colours_of_the_map(desk.page) > 100, "the map shows a city", 30)
    assert desk.complaints == []


def test_an_order_opens_with_its_promise_and_its_reason(desk: Watched, service: Service) -> None:
    service.courier("cou_opens", "Oona")
    order_id = service.order()
    page = desk.page
    page.goto(f"{service.base}/ops")
    page.locator(f'#orders [data-key="{order_id}"] button').click()
    details = page.locator("#details")
    expect(details).to_contain_text("Testikatu")
    expect(details).to_contain_text(re.compile(r"Promised \d\d:\d\d\W\d\d:\d\d"))
    expect(details.locator(".sentence")).to_have_text(re.compile(r"\w+ .+"))
    expect(details.locator(".timeline")).to_contain_text("Ordered, promise made")
    assert page.url.endswith(f"#order:{order_id}")
    page.keyboard.press("Escape")
    expect(details).to_be_hidden()
    assert desk.complaints == []
    service.post(f"/v1/orders/{order_id}/cancel", {"reason": "the test is over"})


def test_the_board_says_when_it_lost_the_service_and_when_it_is_back(
    desk: Watched, service: Service
) -> None:
    page = desk.page
    page.goto(f"{service.base}/ops")
    expect(page.locator("#clock")).to_have_text(re.compile(r"^\d\d:\d\d$"))
    banner = page.locator("#banner")
    expect(banner).to_be_hidden()
    page.context.set_offline(True)
    expect(banner).to_contain_text(re.compile(r"No contact since \d\d:\d\d"))
    expect(page.get_by_role("button", name="Try now")).to_be_visible()
    page.context.set_offline(False)
    expect(banner).to_be_hidden()


# --- the courier -------------------------------------------------------------------------------


def test_a_person_brings_an_order_and_a_basement_loses_nothing(
    phone: Watched, service: Service
) -> None:
    courier_id = service.courier("cou_brings", "Kaisa")
    page = sign_in(phone, service, "Kaisa")
    assert service.get(f"/v1/couriers/{courier_id}")["operator"] == "person"
    expect(page.locator("#now")).to_contain_text("Wait here")

    order_id = service.order()
    action = page.locator("#action")
    expect(action).to_have_text(re.compile("^Arrived at "))
    assert service.get(f"/v1/orders/{order_id}")["delivery"]["courier_id"] == courier_id
    assert page.evaluate(CONTRAST, "#action") >= 7
    box = action.bounding_box()
    assert box is not None
    assert box["height"] >= 44
    assert box["y"] > PHONE["height"] * 0.6  # in reach of the thumb

    action.click()
    service.wait_for(order_id, "arrived_at_pickup")
    expect(action).to_have_text("Picked up")
    expect(action).to_be_disabled()
    expect(page.locator("#hint")).to_contain_text("still being picked")

    for event in ("started", "ready"):
        service.post(f"/v1/orders/{order_id}/picking", {"event": event})
    expect(action).to_be_enabled()
    action.click()
    service.wait_for(order_id, "enroute_to_dropoff")
    expect(action).to_have_text("Arrived at the door")
    expect(page.locator("#now")).to_contain_text("Door code 1234")
    assert phone.complaints == []
    assert phone.foreign(service.base) == []

    page.context.set_offline(True)
    action.click()
    expect(action).to_have_text("Delivered")
    action.click()
    expect(page.locator("#contact")).to_contain_text("waiting to send: 2")
    assert service.delivery(order_id) == "enroute_to_dropoff"
    page.context.set_offline(False)
    service.wait_for(order_id, "delivered")
    expect(page.locator("#contact")).to_be_hidden()
    expect(page.locator("#now")).to_contain_text("Wait here")

    page.locator("#menu summary").click()
    page.locator("#sign-out").click()
    expect(page.locator("#sign-in")).to_be_visible()
    assert service.get(f"/v1/couriers/{courier_id}")["operator"] == "simulation"
    service.post(f"/v1/couriers/{courier_id}/shift/end")


def test_the_courier_page_keeps_its_contrast_at_night(browser: Browser, service: Service) -> None:
    page = browser.new_page(viewport=PHONE, color_scheme="dark")
    page.goto(f"{service.base}/courier")
    page.evaluate("() => { document.querySelector('#work').hidden = false; }")
    page.evaluate("() => { document.querySelector('#action').hidden = false; }")
    assert page.evaluate(CONTRAST, "#action") >= 7
    page.evaluate("() => { document.querySelector('#action').disabled = true; }")
    assert page.evaluate(CONTRAST, "#action") >= 7
    page.close()


# --- what the pages reckon with ----------------------------------------------------------------


def test_what_glides_follows_the_street_round_the_corner(desk: Watched, service: Service) -> None:
    page = desk.page
    page.goto(f"{service.base}/courier")
    # East for 0.002 degrees, then north for 0.001: at 60 degrees north both are 111.3 m long.
    places = page.evaluate(
        """async () => {
          const { Glide } = await import('/assets/glide.js');
          const glide = new Glide();
          glide.hear([24, 60], [[24, 60], [24.002, 60], [24.002, 60.001]], 0, false);
          glide.hear([24.002, 60.001], [], 1000, false);
          return [1000, 1550, 1825, 2100].map((ms) => glide.at(ms).at);
        }"""
    )
    # It takes 1.1 times the second between the two: 1100 ms from 1000 on.
    start, corner, up, end = places
    assert start == [24, 60]
    assert corner == pytest.approx([24.002, 60], abs=2e-6)
    assert up == pytest.approx([24.002, 60.0005], abs=2e-6)
    assert end == [24.002, 60.001]


def test_times_are_those_of_the_zone_not_of_the_machine(desk: Watched, service: Service) -> None:
    page = desk.page
    page.goto(f"{service.base}/courier")
    said = page.evaluate(
        """async () => {
          const { ZoneTime, relative, percent } = await import('/assets/format.js');
          const zone = new ZoneTime('Europe/Helsinki');
          const at = '2026-11-20T16:42:00Z';
          const now = Date.parse('2026-11-20T16:36:10Z');
          return [zone.clock(at), relative(at, now), relative(now, Date.parse(at)), percent(0.964)];
        }"""
    )
    assert said == ["18:42", "in 6 min", "6 min ago", "96 %"]
