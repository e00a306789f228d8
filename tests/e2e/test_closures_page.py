"""Closing a street on the board: the couriers' ways bend and the forecasts change, and back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, Literal

import pytest
from browsing import CLOCK_START, CONTRAST, PHONE, Service, Watched, until
from playwright.sync_api import Browser, Page, expect

pytestmark = pytest.mark.browser

START_STORE, GOAL_STORE = "sto_2743riwfgz", "sto_d2qzdedemb"
"""From K-Market Esplanadi to Pick a Deli a bicycle takes 169 s; with the street at `CLOSED` shut
to it 276 s, by the city in the box."""
CLOSED = (24.945491, 60.16936)
ON_WATER = (24.942, 60.179)
DETOUR_S = 60
NEAR_DEG = 0.00003  # 3 m

WATCH_MAP = """(() => {
  let library;
  Object.defineProperty(window, 'maplibregl', {
    configurable: true,
    get: () => library,
    set: (given) => {
      const Watched = class extends given.Map {
        constructor(...settings) {
          super(...settings);
          window.shownMap = this;
        }
      };
      library = { ...given, Map: Watched };
    },
  });
})()"""
"""Keeps the page's map where a test can ask it what it draws."""

LINES = """([source, kind]) => window.shownMap.getSource(source).serialize().data.features
  .filter((feature) => feature.properties.kind === kind)
  .map((feature) => feature.geometry.coordinates)"""

IS_DRAWN = "() => Boolean(window.shownMap?.getSource('ways')) && window.shownMap.areTilesLoaded()"

ON_SCREEN = """(place) => {
  const { x, y } = window.shownMap.project(place);
  const box = window.shownMap.getCanvas().getBoundingClientRect();
  return [x + box.x, y + box.y];
}"""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    started = Service(tmp_path_factory.mktemp("closures"), speed=1)
    yield started
    started.stop()


@pytest.fixture(autouse=True)
def nothing_closed(service: Service) -> Iterator[None]:
    yield
    for closure in service.get("/v1/closures")["data"]:
        service.http.delete(f"/v1/closures/{closure['id']}").raise_for_status()


def ride(service: Service, courier_id: str, name: str) -> str:
    """Put a courier at one store and the goods into the other; returns the order's id."""
    places = {store["id"]: store["location"] for store in service.stores}
    for store in service.stores:
        stock = 99 if store["id"] == GOAL_STORE else 0
        service.put(
            f"/v1/stores/{store['id']}/stock", {"items": [{"sku": "milk", "on_hand": stock}]}
        )
    home = places[START_STORE]
    service.put(f"/v1/couriers/{courier_id}", {"name": name, "mode": "bike", "home": home})
    shift = {"courier_id": courier_id, "ends_at": f"{CLOCK_START[:10]}T23:59:00Z"}
    service.post("/v1/shifts", shift)
    door = {"location": places[GOAL_STORE], "address": "Testikatu 7", "note": ""}
    basket = {"dropoff": door, "lines": [{"sku": "milk", "quantity": 1}], "weight_g": 1000}
    order_id: str = service.post("/v1/orders", basket)["id"]
    service.post(
        "/v1/couriers/positions", {"positions": [{"courier_id": courier_id, "location": home}]}
    )
    for event in ("started", "ready"):
        service.post(f"/v1/orders/{order_id}/picking", {"event": event})
    service.wait_for(order_id, "enroute_to_pickup")
    return order_id


def end_ride(service: Service, courier_id: str, order_id: str) -> None:
    service.post(f"/v1/orders/{order_id}/cancel", {"reason": "the test is over"})
    service.post(f"/v1/couriers/{courier_id}/shift/end")


def watch(watched: Watched, url: str) -> Page:
    page = watched.page
    page.add_init_script(WATCH_MAP)
    page.goto(url)
    return page


def wait_for_map(page: Page) -> None:
    until(lambda: page.evaluate(IS_DRAWN), "the map is drawn", 30)


def bring_into_view(page: Page, place: tuple[float, float]) -> None:
    page.evaluate("(center) => window.shownMap.jumpTo({ center, zoom: 17 })", place)
    wait_for_map(page)


def press_on_map(page: Page, place: tuple[float, float]) -> None:
    x, y = page.evaluate(ON_SCREEN, place)
    page.mouse.click(x, y)


def runs_over(lines: list[list[list[float]]], place: tuple[float, float]) -> bool:
    """Tell whether a line passes within 3 m of a place."""
    return any(
        _gap(start, end, place) < NEAR_DEG for line in lines for start, end in pairwise(line)
    )


def _gap(start: list[float], end: list[float], place: tuple[float, float]) -> float:
    """Return the gap between a stretch and a place, in degrees of latitude, at 60 degrees north."""
    (ax, ay), (bx, by) = (((x - place[0]) / 2, y - place[1]) for x, y in (start, end))
    square = (bx - ax) ** 2 + (by - ay) ** 2
    share = -(ax * (bx - ax) + ay * (by - ay)) / square if square else 0.0
    share = min(1.0, max(0.0, share))
    gap: float = ((ax + share * (bx - ax)) ** 2 + (ay + share * (by - ay)) ** 2) ** 0.5
    return gap


def drawn_way(page: Page) -> list[list[list[float]]]:
    found: list[list[list[float]]] = page.evaluate(LINES, ["ways", "chosen"])
    return found


def forecast_min(page: Page) -> int:
    """Return the order's expected arrival as the page shows it, in minutes of the day."""
    said = page.locator("#details .headline").inner_text()
    hours, minutes = re.findall(r"\d\d", said)[:2]
    return int(hours) * 60 + int(minutes)


def leg(service: Service, courier_id: str) -> dict[str, Any]:
    found: dict[str, Any] = service.get(f"/v1/couriers/{courier_id}/route")["legs"][0]
    return found


def test_a_street_closed_on_the_map_bends_the_way_and_moves_the_forecast_and_back(
    desk: Watched, service: Service
) -> None:
    order_id = ride(service, "cou_bends", "Bertta")
    usual_s = leg(service, "cou_bends")["duration_s"]
    page = watch(desk, f"{service.base}/ops#order:{order_id}")
    wait_for_map(page)
    until(lambda: runs_over(drawn_way(page), CLOSED), "the way runs over the street", 20)
    expect(page.locator("#details")).to_contain_text("Bertta")
    forecast = forecast_min(page)

    tool = page.get_by_role("button", name="Close a street")
    tool.click()
    expect(tool).to_have_attribute("aria-pressed", "true")
    panel = page.get_by_role("form", name="Close a street")
    expect(panel).to_contain_text("Which street?")
    close = panel.get_by_role("button", name="Close the street")
    expect(close).to_be_disabled()
    cursor = "() => getComputedStyle(window.shownMap.getCanvasContainer()).cursor"
    assert page.evaluate(cursor).endswith("crosshair")
    bring_into_view(page, CLOSED)
    press_on_map(page, CLOSED)
    expect(close).to_be_enabled()
    expect(panel).to_contain_text(re.compile(r"\d+ m will be closed"))
    assert runs_over(page.evaluate(LINES, ["closing", "closing"]), CLOSED)
    street = panel.locator(".title").inner_text()
    assert service.get("/v1/closures")["data"] == []

    panel.get_by_label("Why").fill("A burst pipe")
    panel.get_by_label("Opened again").check()
    close.click()
    expect(panel).to_be_hidden()
    expect(tool).to_be_focused()
    (closure,) = service.get("/v1/closures")["data"]
    assert closure["reason"] == "A burst pipe"
    assert closure["until"] is None
    until(lambda: not runs_over(drawn_way(page), CLOSED), "the way goes round it", 10)
    assert drawn_way(page) != []
    assert runs_over(page.evaluate(LINES, ["closed", "closed"]), CLOSED)
    expect(page.locator(".marker.closed")).to_have_count(1)
    assert leg(service, "cou_bends")["duration_s"] >= usual_s + DETOUR_S
    until(lambda: forecast_min(page) > forecast, "the forecast is later", 10)
    longest = forecast_min(page)

    page.keyboard.press("Escape")
    listed = page.locator("#closed li")
    expect(listed).to_contain_text(street)
    expect(listed).to_contain_text("A burst pipe \u00b7 until opened again")
    listed.get_by_role("button", name=re.compile(f"^Open {re.escape(street)} again")).click()
    listed.get_by_role("button", name="Keep closed").click()
    assert len(service.get("/v1/closures")["data"]) == 1
    listed.get_by_role("button", name=re.compile("^Open .* again")).click()
    listed.get_by_role("button", name="Open", exact=True).click()
    expect(listed).to_have_count(0)
    expect(page.locator(".marker.closed")).to_have_count(0)
    assert service.get("/v1/closures")["data"] == []
    assert leg(service, "cou_bends")["duration_s"] == usual_s
    page.locator(f'#orders [data-key="{order_id}"] button').click()
    until(lambda: runs_over(drawn_way(page), CLOSED), "the way is the usual one", 10)
    until(lambda: forecast_min(page) < longest, "the forecast is earlier again", 10)
    assert desk.complaints == []
    assert desk.foreign(service.base) == []
    end_ride(service, "cou_bends", order_id)


@pytest.mark.soak
def test_a_street_is_closed_with_the_keyboard_alone(desk: Watched, service: Service) -> None:
    page = watch(desk, f"{service.base}/ops")
    wait_for_map(page)
    bring_into_view(page, CLOSED)
    tool = page.get_by_role("button", name="Close a street")
    box = tool.bounding_box()
    assert box is not None
    assert box["height"] >= 44
    tool.focus()
    page.keyboard.press("Enter")
    panel = page.locator("#closing")
    expect(panel).to_be_focused()
    page.locator("#map canvas").focus()
    page.keyboard.press("Enter")
    close = panel.get_by_role("button", name="Close the street")
    expect(close).to_be_enabled()
    for who in ("On foot", "Bicycle", "Cargo bike"):
        panel.get_by_label(who, exact=True).focus()
        page.keyboard.press("Space")
    expect(close).to_be_enabled()
    close.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#closed li")).to_contain_text("closed to scooters, cars")
    expect(page.locator("#said")).to_contain_text(re.compile(r"^Closed until \d\d:\d\d: "))
    (closure,) = service.get("/v1/closures")["data"]
    assert closure["modes"] == ["scooter", "car"]
    assert desk.complaints == []


@pytest.mark.soak
def test_escape_lays_the_tool_down_and_closes_nothing(desk: Watched, service: Service) -> None:
    page = watch(desk, f"{service.base}/ops")
    wait_for_map(page)
    bring_into_view(page, CLOSED)
    tool = page.get_by_role("button", name="Close a street")
    tool.click()
    panel = page.locator("#closing")
    press_on_map(page, CLOSED)
    expect(panel.locator(".length")).to_be_visible()
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    expect(tool).to_have_attribute("aria-pressed", "false")
    assert page.evaluate(LINES, ["closing", "closing"]) == []
    assert service.get("/v1/closures")["data"] == []


@pytest.mark.soak
def test_a_click_beside_every_street_is_answered_in_words(desk: Watched, service: Service) -> None:
    page = watch(desk, f"{service.base}/ops")
    wait_for_map(page)
    bring_into_view(page, ON_WATER)
    page.get_by_role("button", name="Close a street").click()
    panel = page.locator("#closing")
    press_on_map(page, ON_WATER)
    expect(panel.get_by_role("alert").last).to_contain_text("30 m from every street")
    expect(panel.get_by_role("button", name="Close the street")).to_be_disabled()
    assert page.evaluate(LINES, ["closing", "closing"]) == []
    # The next click is another try.
    bring_into_view(page, CLOSED)
    press_on_map(page, CLOSED)
    expect(panel.get_by_role("button", name="Close the street")).to_be_enabled()


def test_a_courier_is_told_the_next_turn_and_the_new_way(phone: Watched, service: Service) -> None:
    order_id = ride(service, "cou_turns", "Tuuli")
    page = watch(phone, f"{service.base}/courier")
    page.get_by_role("button", name=re.compile("Tuuli")).click()
    step = page.locator("#step")
    expect(step.locator(".in")).to_have_text(re.compile(r"^\d+ m$|^now$"))
    expect(step.locator(".do")).to_have_text(re.compile(r"^(Left|Right|Keep|Sharp|Straight|Turn)"))
    wait_for_map(page)
    until(lambda: runs_over(drawn_way(page), CLOSED), "the way runs over the street", 20)

    lng, lat = CLOSED
    service.post("/v1/closures", {"point": {"lat": lat, "lng": lng}, "reason": "A burst pipe"})
    until(lambda: not runs_over(drawn_way(page), CLOSED), "the way goes round it", 10)
    expect(step).to_contain_text("Your way has changed.")
    until(
        lambda: runs_over(page.evaluate(LINES, ["closed", "closed"]), CLOSED),
        "the closed street is drawn",
        15,
    )
    assert phone.complaints == []
    assert phone.foreign(service.base) == []

    page.context.set_offline(True)
    expect(page.locator("#contact")).to_contain_text("No contact")
    expect(step).to_be_visible()
    page.context.set_offline(False)
    end_ride(service, "cou_turns", order_id)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_next_turn_can_be_read_in_sunlight_and_at_night(
    browser: Browser, service: Service, scheme: Literal["light", "dark"]
) -> None:
    page = browser.new_page(viewport=PHONE, color_scheme=scheme)
    page.goto(f"{service.base}/courier")
    for name in ("work", "step"):
        page.evaluate("(id) => { document.getElementById(id).hidden = false; }", name)
    page.evaluate("() => { document.getElementById('step').classList.add('is-new'); }")
    assert page.evaluate(CONTRAST, "#step") >= 7
    page.close()
