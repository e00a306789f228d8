"""A report opened from disk in a real Chromium: nothing fetched, and all of it alive."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from browsing import DESK, PHONE, Watched
from made_study import EVERY_S, made_study, scenario_with_events
from playwright.sync_api import Browser, Page, expect

from geo.city import load_city
from simulations.reports.map import paper
from simulations.reports.orders import orders_of
from simulations.reports.report import write_comparison, write_study
from simulations.scenarios.scenario import load_scenario
from simulations.studies.compare import compared
from simulations.studies.study import Study

pytestmark = pytest.mark.browser

LOOK_MS = 20_000
PICTURE = """() => {
  const small = document.createElement("canvas");
  small.width = small.height = 128;
  const all = document.querySelector(".film canvas");
  small.getContext("2d").drawImage(all, 0, 0, 128, 128);
  return small.toDataURL();
}"""


@dataclass(frozen=True)
class Opened:
    """A report in a browser."""

    watched: Watched
    study: Study
    folder: Path

    @property
    def page(self) -> Page:
        return self.watched.page

    def state(self, what: str) -> Any:
        return self.page.evaluate(f"() => samehour.player.{what}")

    def go(self, t: int) -> None:
        self.page.evaluate("(t) => samehour.player.go(t)", t)


@pytest.fixture(scope="module")
def opened(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    folder = tmp_path_factory.mktemp("report")
    city, scenario = load_city("helsinki"), load_scenario("helsinki-friday")
    study = made_study(scenario_with_events(scenario), city, folder)
    write_study(study, folder / "report.html")
    write_comparison(compared(study, study, folder), folder / "compare.html")
    page = browser.new_page(viewport=DESK)
    page.set_default_timeout(LOOK_MS)
    watched = Watched(page)
    page.goto((folder / "report.html").as_uri())
    expect(page.locator(".film")).to_be_visible()
    yield Opened(watched, study, folder)
    assert watched.complaints == []
    page.close()


def test_it_opens_from_disk_and_asks_for_nothing(opened: Opened) -> None:
    assert opened.watched.requests == [(opened.folder / "report.html").as_uri()]
    assert opened.page.locator(".film-missing").is_hidden()


def test_couriers_are_drawn_where_they_were_recorded(opened: Opened) -> None:
    playback, orders = opened.study.load_playback(), orders_of(opened.study.load_orders())
    places = [*orders.places, *(each.location for each in playback.stores)]
    on = paper(load_city("helsinki"), places)
    track = playback.tracks[1]
    metres = on.metres(track.lng, track.lat)
    for k in (0, 7, 100):
        at = opened.state(f"film.place(1, {k * EVERY_S}, true)")
        assert (at["x"], at["y"]) == tuple(metres[k].tolist())
    # A third of the way between two places.
    at = opened.state(f"film.place(1, {7 * EVERY_S + EVERY_S / 3}, true)")
    assert at["x"] == pytest.approx(metres[7][0] + (metres[8][0] - metres[7][0]) / 3)
    assert opened.state(f"film.place(1, {len(track.at) * EVERY_S + 1}, true)") is None


def test_playing_moves_time_couriers_and_the_picture(opened: Opened) -> None:
    page = opened.page
    opened.go(600)
    page.wait_for_function("() => document.querySelector('.clock').textContent === '17:10:00'")
    before, place = page.evaluate(PICTURE), opened.state("film.place(0, 600, true)")
    page.get_by_role("button", name="Play", exact=True).click()
    page.wait_for_function("() => samehour.player.state.t > 615")
    page.get_by_role("button", name="Pause").click()
    t = opened.state("state.t")
    assert opened.state(f"film.place(0, {t}, true)") != place
    assert page.evaluate(PICTURE) != before
    page.wait_for_timeout(100)
    assert opened.state("state.t") == t, "paused"


def test_the_playback_works_by_keyboard(opened: Opened) -> None:
    page = opened.page
    page.locator(".film canvas").focus()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("ArrowLeft")
    assert opened.state("state.t") == 310
    page.keyboard.press("Space")
    assert opened.state("state.isPlaying") is True
    page.keyboard.press("Space")
    assert opened.state("state.isPlaying") is False
    # The slider follows with the next picture; at its beginning already, it would have no news.
    slider = page.locator("[data-time]")
    expect(slider).not_to_have_value("0")
    slider.focus()
    page.keyboard.press("Home")
    page.wait_for_function("() => samehour.player.state.t === 0")


def test_it_tells_what_is_the_case(opened: Opened) -> None:
    # At 17:35:01, orders 0 to 35 (30 in all) are clicked; those up to number 9 but 9 are brought
    # (1500 s, 2100 s for 4 and 9): 10 to 29 and 9 are open, and 9 is past its 1800 s.
    opened.go(2101)
    expect(opened.page.locator(".counts")).to_contain_text("21 orders open, 1 late")
    opened.go(1201)
    expect(opened.page.locator(".film .now")).to_have_text("Roadworks, Corner 0 closed")


def test_a_courier_or_an_order_can_be_followed(opened: Opened) -> None:
    page = opened.page
    page.locator("[data-follow]").select_option("ccou_1")
    expect(page.locator(".followed")).to_contain_text("Courier 1, bike:")
    page.locator("[data-watch]").first.click()
    expect(page.locator(".followed")).to_contain_text("Testikatu")
    assert opened.state("state.isPlaying") is True
    page.locator(".film canvas").press("Space")
    page.locator(".film canvas").press("Escape")
    expect(page.locator(".followed")).to_have_text("")


def test_the_map_has_layers_and_tells_numbers(opened: Opened) -> None:
    page = opened.page
    layers = page.locator("[data-symbols]")
    assert [each.is_visible() for each in layers.all()] == [True, False, False]
    page.get_by_role("button", name="Time at the door").click()
    assert [each.is_visible() for each in layers.all()] == [False, False, True]
    assert page.locator("[data-legend=door]").is_visible()
    readout = page.locator(".symbol-map .readout")
    first = page.locator("[data-symbols=door] .symbol").first
    first.focus()
    expect(readout).to_contain_text("orders in 3 evenings")
    told = readout.text_content()
    for key in ("ArrowRight", "ArrowDown"):
        page.keyboard.press(key)
    assert readout.text_content() != told
    page.get_by_role("button", name="Look closer").first.click()
    assert page.locator("svg.map.closer").count() == 1
    page.get_by_role("button", name="Show the whole map").first.click()
    assert page.locator("svg.map.closer").count() == 0


def test_couriers_can_be_sorted_and_read_by_keyboard(opened: Opened) -> None:
    page = opened.page
    busy = "() => [...document.querySelectorAll('.gantt tbody tr')].map((r) => +r.dataset.busy)"
    names = "() => [...document.querySelectorAll('.gantt tbody th')].map((c) => c.textContent)"
    fleet = page.evaluate(names)
    page.get_by_role("button", name="Busiest first").click()
    found = page.evaluate(busy)
    assert found == sorted(found, reverse=True)
    page.get_by_role("button", name="By name").click()
    assert page.evaluate(names) == fleet
    readout = page.locator("#couriers .readout")
    page.locator(".gantt .day").first.focus()
    expect(readout).to_have_text("Courier 0: to a store 17:00 to 17:15 (15 min).")
    page.keyboard.press("ArrowRight")
    expect(readout).to_have_text("Courier 0: at a store 17:15 to 17:30 (15 min).")


def test_less_motion_is_honoured(opened: Opened) -> None:
    page = opened.page
    page.emulate_media(reduced_motion="reduce")
    seen = []
    for t in (605, 625, 635):
        opened.go(t)
        page.evaluate("() => new Promise((done) => requestAnimationFrame(() => done()))")
        page.evaluate("() => new Promise((done) => requestAnimationFrame(() => done()))")
        seen.append(page.evaluate(PICTURE))
    assert seen[0] == seen[1] != seen[2], "a picture every 30 seconds, nothing glides"
    page.emulate_media(reduced_motion="no-preference")


def test_it_fits_a_phone_and_a_finger(opened: Opened) -> None:
    page = opened.page
    page.set_viewport_size(PHONE)
    assert page.evaluate("() => document.documentElement.scrollWidth") <= PHONE["width"]
    small = page.evaluate(
        """() => [...document.querySelectorAll("button, select, summary, nav a, input")]
          .filter((each) => each.offsetParent && each.getBoundingClientRect().height < 44)
          .map((each) => each.outerHTML)"""
    )
    assert small == []
    page.set_viewport_size(DESK)


def test_it_prints_on_several_pages(opened: Opened) -> None:
    paper_pages = opened.page.pdf(format="A4", print_background=True)
    assert len(re.findall(rb"/Type\s*/Page\b", paper_pages)) >= 5


def test_a_comparison_opens_as_well(opened: Opened) -> None:
    page = opened.page
    page.goto((opened.folder / "compare.html").as_uri())
    page.get_by_role("button", name="Refused").click()
    expect(page.locator("[data-symbols=refused]")).to_be_visible()
    assert all(each.startswith("file:") for each in opened.watched.requests)
