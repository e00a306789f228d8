"""Reports: every section there, the figures those of the study, nothing that could be fetched."""

from __future__ import annotations

import base64
import gzip
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from made_study import LATE_S, STARTS_AT, TO_DOOR_S, made_study, scenario_with_events
from town import Town, at

from dispatch import commands as c
from geo.city import City
from simulations.reports import course as report_course
from simulations.reports.course import courses, worst
from simulations.reports.film import packed, tracks_of, varints
from simulations.reports.head import policy_of
from simulations.reports.hurt import gather, size_of
from simulations.reports.map import paper
from simulations.reports.orders import orders_of
from simulations.reports.pairs import change_rows, pair, worst_changed
from simulations.reports.report import write_comparison, write_study
from simulations.reports.study import ENDINGS
from simulations.scenarios.settings import Scenario
from simulations.studies.compare import compared
from simulations.studies.outcome import Ending, OrderRow
from simulations.studies.rows import evening_of
from simulations.studies.study import Playback, Study, Track

EVIL = "</script><img src=x onerror=alert(1)>&\"'"
SECTIONS = [
    "figures",
    "distributions",
    "map",
    "evening",
    "worst",
    "couriers",
    "playback",
    "all",
    "grounds",
]
_ALONE = {"br", "col", "hr", "input", "meta"}


class Page(HTMLParser):
    """What a page is made of."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.html = path.read_text(encoding="utf-8")
        self.open: list[str] = []
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.section = ""
        self.texts: dict[str, str] = {}
        self.feed(self.html)
        assert self.open == [], "every element is closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        self.found.append((tag, attributes))
        if tag == "section":
            self.section = attributes["id"] or ""
        if tag not in _ALONE:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"{tag} closes what is open"

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in {"script", "style"}:
            self.texts[self.section] = self.texts.get(self.section, "") + " " + data

    def values(self, name: str) -> list[str]:
        return [value for _, attributes in self.found if (value := attributes.get(name))]

    def all_of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.found if name == tag]

    def block(self, name: str) -> Any:
        found = re.search(rf'<script type="text/plain" id="{name}">([^<]+)</script>', self.html)
        assert found is not None
        return gzip.decompress(base64.b64decode(found[1]))


@pytest.fixture(scope="module")
def study(friday: Scenario, helsinki: City, tmp_path_factory: pytest.TempPathFactory) -> Study:
    folder = tmp_path_factory.mktemp("study")
    return made_study(scenario_with_events(friday), helsinki, folder)


@pytest.fixture(scope="module")
def page(study: Study) -> Page:
    path = study.folder / "report.html"
    write_study(study, path)
    return Page(path)


# --- a study -------------------------------------------------------------------------------------


def test_a_study_page_has_every_section_and_a_link_to_each(page: Page) -> None:
    assert [each["id"] for each in page.all_of("section")] == SECTIONS
    assert [each["href"] for each in page.all_of("a")] == [f"#{each}" for each in SECTIONS]
    ids = page.values("id")
    assert len(ids) == len(set(ids))


def test_the_figures_are_those_of_the_study(page: Page) -> None:
    # 80, 90, 100 by seed: mean 90; t(0.975, 2) = 4.303, times 10 / sqrt(3) = 24.8; 100 at most.
    words = " ".join(page.texts["figures"].split())
    assert "in time, of 100 asked for 90.0 95 %: 65.2 to 100.0" in words
    assert "90.0 came in time (95 % interval 65.2 to 100.0, from 3 evenings)" in page.texts[""]
    # 3 evenings of 30 orders, all delivered.
    assert "90 (100.0 %)" in words
    # Every fifth of 90 is late, by 1500 + 600 - 1800 s = 5 min.
    late = " ".join(page.texts["distributions"].split())
    assert "Late deliveries, how late 18 5.0 (5.0 to 5.0)" in late


def test_a_page_says_what_it_was_made_from(page: Page) -> None:
    head = " ".join(page.texts[""].split())
    for told in (
        "helsinki-friday@balanced",
        "Policy balanced",
        "Friday, 20 November 2026, measured 17:00 to 18:00",
        "7 to 9 (3 evenings)",
        "OpenStreetMap contributors",
        "samehour 0.1.0",
    ):
        assert told in head + " ".join(page.texts["grounds"].split())


def test_a_policy_is_not_read_from_a_value_with_an_at_sign(
    friday: Scenario, helsinki: City, tmp_path: Path
) -> None:
    study = made_study(friday, helsinki, tmp_path, seeds=(7,), orders=1)
    study = replace(study, variant='helsinki-friday,stores.0.name="a@b"')
    assert policy_of(study) == "balanced"


def test_nothing_is_fetched(page: Page) -> None:
    assert "://" not in page.html
    assert "url(" not in page.html
    assert "@import" not in page.html
    assert page.values("src") == []
    assert all(each.startswith("#") for each in page.values("href"))
    (policy,) = [each["content"] for each in page.all_of("meta") if "http-equiv" in each]
    assert policy is not None
    assert policy.startswith("default-src 'none';")
    assert policy.count("sha256-") == 5


def test_what_happened_meanwhile_is_named_in_the_timeline(page: Page) -> None:
    for name in ("Rain", "Roadworks", "Corner 0 closed", "cool-down"):
        assert name in page.texts["evening"]


def test_texts_from_outside_stay_texts(
    friday: Scenario, helsinki: City, tmp_path: Path, page: Page
) -> None:
    def evil(seed: int, nth: int, row: OrderRow) -> OrderRow:
        return replace(row, address=EVIL, code=EVIL)

    scenario = replace(friday, title=EVIL)
    bad = made_study(scenario, helsinki, tmp_path, change=evil, store_name=EVIL)
    bad = replace(bad, variant=EVIL, failed={3: EVIL}, attribution=EVIL)
    write_study(bad, tmp_path / "report.html")
    found = Page(tmp_path / "report.html")
    assert not found.all_of("img")
    assert len(found.all_of("script")) == len(page.all_of("script"))
    assert EVIL in found.texts["worst"]
    assert json.loads(found.block("film"))["orders"]["address"][0] == EVIL


def test_the_worst_are_the_latest_and_nobody_home_is_not_late(study: Study) -> None:
    evening = study.load_evening(8)
    assert [late_s for _, late_s in worst(evening)] == [TO_DOOR_S + LATE_S - 1800] * 6 + [0] * 4
    back = replace(
        evening.orders[0],
        ending=Ending.RETURNED,
        ended_at=STARTS_AT + 9000,
        delivered_at=None,
        lateness_s=None,
    )
    rows = (back, *evening.orders[1:])
    assert back.order_id not in {
        row.order_id for row, late_s in worst(replace(evening, orders=rows)) if late_s
    }


def test_an_order_is_told_by_its_log(monkeypatch: pytest.MonkeyPatch) -> None:
    town = Town()
    order_id = town.order(at(4, 0))
    town.engine.replan()
    town.give(c.StartPick(order_id, town.clock.now()))
    town.clock.time += 900  # the picker takes a quarter of an hour
    town.give(c.CompletePick(order_id, town.clock.now()))
    courier, stop = town.wait_for_commitment()
    town.clock.time += 60
    town.do(courier, stop)
    courier, stop = town.wait_for_commitment()
    town.clock.time += 1200
    town.do(courier, stop)
    evening = evening_of(
        town.log.entries, seed=1, starts_at=town.log.entries[0].at, ends_at=town.clock.now()
    )
    (course,) = courses(evening, town.log.entries, ZoneInfo("UTC"))
    first = course.stretches[0]
    assert first.began_at == evening.orders[0].asked_at
    assert sum(each.took_s for each in course.stretches) == evening.orders[0].click_to_door_s
    assert course.said[0].startswith("Clicked at 15:00, promised for 15:")
    assert "at West" in course.said[0]
    assert any("20 min instead of the 2 min first foreseen, 18 min more" in s for s in course.said)
    # Plans are cut to the orders told of; with the whole of them the same is told.
    monkeypatch.setattr(report_course, "about", lambda recorded, _: recorded)
    assert courses(evening, town.log.entries, ZoneInfo("UTC")) == [course]


def test_one_evening_has_no_interval(friday: Scenario, helsinki: City, tmp_path: Path) -> None:
    one = made_study(friday, helsinki, tmp_path, seeds=(7,))
    write_study(one, tmp_path / "report.html")
    found = Page(tmp_path / "report.html")
    assert "no interval from one evening" in found.texts["figures"]
    assert "One evening only" in found.texts["distributions"]
    assert "95 %:" not in found.texts["figures"]


def test_an_evening_without_orders_or_couriers_has_a_page(
    friday: Scenario, helsinki: City, tmp_path: Path
) -> None:
    write_study(
        made_study(friday, helsinki, tmp_path, orders=0, couriers=0), tmp_path / "report.html"
    )
    found = Page(tmp_path / "report.html")
    assert "No delivery was asked for." in found.texts["map"]
    assert "Nothing was to be delivered." in found.texts["worst"]
    assert "No courier was on shift." in found.texts["couriers"]


def test_an_evening_without_a_late_order_says_so(
    friday: Scenario, helsinki: City, tmp_path: Path
) -> None:
    def on_time(seed: int, nth: int, row: OrderRow) -> OrderRow:
        return replace(row, promise_latest=row.asked_at + 9000, lateness_s=0)

    write_study(made_study(friday, helsinki, tmp_path, change=on_time), tmp_path / "report.html")
    found = Page(tmp_path / "report.html")
    assert "No delivery was late." in found.texts["distributions"]
    assert "No order was late; these took longest." in found.texts["worst"]


def test_a_breach_of_the_audit_is_the_first_thing_said(study: Study, tmp_path: Path) -> None:
    first = replace(study.replications[0], breaches=("ord_1 ended twice",))
    write_study(
        replace(study, replications=(first, *study.replications[1:])), tmp_path / "report.html"
    )
    found = Page(tmp_path / "report.html")
    assert "found a breach: do not trust these figures" in found.texts["figures"]
    assert "Seed 7: ord_1 ended twice" in found.texts["figures"]


def test_the_same_study_gives_the_same_bytes(study: Study, page: Page, tmp_path: Path) -> None:
    write_study(study, tmp_path / "again.html")
    assert (tmp_path / "again.html").read_text(encoding="utf-8") == page.html


def test_a_report_that_cannot_be_made_leaves_the_old_one(
    study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "report.html"
    path.write_text("old")
    monkeypatch.setattr(Path, "replace", _disk_full)
    with pytest.raises(OSError, match="disk full"):
        write_study(study, path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def _disk_full(*_: object) -> None:
    raise OSError("disk full")


# --- the map -------------------------------------------------------------------------------------


def test_every_order_is_in_the_cell_around_it(study: Study, helsinki: City) -> None:
    orders = orders_of(study.load_orders())
    on = paper(helsinki, orders.places)
    cells = gather(orders, on)
    assert sum(each.asked for each in cells.values()) == len(orders)
    assert sum(each.late for each in cells.values()) == 18
    units = on.frame.px(np.stack([orders.lng, orders.lat], axis=1))
    middles = np.array([(each.x, each.y) for each in cells.values()])
    nearest = np.hypot(*(units[:, None] - middles[None]).transpose(2, 0, 1)).min(axis=1)
    # A corner of a hexagon is its inner radius times 2 / sqrt(3) from its middle.
    assert nearest.max() <= size_of(on) / 2 * 2 / np.sqrt(3) + 1e-6


def test_an_order_without_a_place_is_on_no_map(study: Study, helsinki: City) -> None:
    orders = orders_of(study.load_orders())
    orders.lng[0] = np.nan
    on = paper(helsinki, orders.places)
    assert sum(each.asked for each in gather(orders, on).values()) == len(orders) - 1


# --- the playback --------------------------------------------------------------------------------


def test_numbers_of_any_size_come_back() -> None:
    values = np.array([0, -1, 1, 63, -64, 64, 8191, -(2**31), 2**31 - 1], dtype=np.int64)
    assert _read(varints(values)) == values.tolist()


def _read(data: bytes) -> list[int]:
    found, value, shift = [], 0, 0
    for byte in data:
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            found.append(value >> 1 if not value & 1 else -((value + 1) >> 1))
            value, shift = 0, 0
    return found


def test_the_playback_holds_every_place_to_the_metre(
    study: Study, page: Page, helsinki: City
) -> None:
    playback = study.load_playback()
    values = _read(page.block("tracks"))
    counts, rest = values[:3], values[3:]
    assert counts == [len(each.at) for each in playback.tracks]
    whole = sum(counts)
    times, xs, ys = (np.cumsum(rest[k * whole :][: counts[0]]) for k in range(3))
    assert times.tolist() == [t - playback.begins_at for t in playback.tracks[0].at]
    orders = orders_of(study.load_orders())
    on = paper(helsinki, [*orders.places, *(each.location for each in playback.stores)])
    first = playback.tracks[0]
    exact = on.frame.px(np.stack([np.array(first.lng), np.array(first.lat)], axis=1))
    far = np.hypot(xs * on.frame.px_per_m - exact[:, 0], ys * on.frame.px_per_m - exact[:, 1])
    assert far.max() / on.frame.px_per_m <= np.sqrt(0.5) + 1e-9


def test_a_large_evening_stays_small(study: Study, helsinki: City) -> None:
    # 100 couriers for six hours, seen every 15 seconds: 144,000 places, a third of La Serena's.
    playback = study.load_playback()
    draw = np.random.default_rng(1)
    tracks, cards = [], []
    for nth in range(100):
        card = replace(playback.couriers[0], courier_id=f"cou_{nth}")
        steps = draw.normal(0, 60, (1440, 2)) / 111_000
        places = np.array(playback.stores[0].location) + np.cumsum(steps, axis=0)
        times = tuple(range(STARTS_AT, STARTS_AT + 6 * 3600, 15))
        lng, lat = places[:, 0].tolist(), places[:, 1].tolist()
        tracks.append(Track(card.courier_id, times, tuple(lng), tuple(lat)))
        cards.append(card)
    large = Playback(1, 15, STARTS_AT, STARTS_AT + 6 * 3600, playback.stores, tuple(cards), ())
    on = paper(helsinki, [each.location for each in playback.stores])
    assert len(packed(tracks_of(tracks, large, on))) < 800_000


def test_a_page_of_helsinki_is_small(page: Page) -> None:
    assert len(page.html.encode()) < 500_000


# --- a comparison --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def second(friday: Scenario, helsinki: City, tmp_path_factory: pytest.TempPathFactory) -> Study:
    """B: every order five minutes sooner, but number 3 refused and number 0 an hour later."""

    def change(seed: int, nth: int, row: OrderRow) -> OrderRow:
        took_s = (row.click_to_door_s or 0) + (3600 if nth == 0 else -300)
        if nth == 3:
            return replace(
                row,
                ending=Ending.REFUSED,
                code="no_stock",
                address="",
                click_to_door_s=None,
                delivered_at=None,
                lateness_s=None,
            )
        done_at = row.asked_at + took_s
        return replace(
            row,
            click_to_door_s=took_s,
            delivered_at=done_at,
            ended_at=done_at,
            lateness_s=max(0, done_at - (row.promise_latest or 0)),
        )

    folder = tmp_path_factory.mktemp("second")
    figures = {"in_time_per_100_orders": 95.0}
    return made_study(friday, helsinki, folder, change=change, figures=figures)


def test_the_same_customers_are_matched(study: Study, second: Study) -> None:
    pairs = pair(orders_of(study.load_orders()), orders_of(second.load_orders()))
    assert len(pairs.brought) == 3 * 29
    assert pairs.alone == 0
    assert change_rows(pairs, ENDINGS) == [("delivered", "refused", 3)]
    changes = worst_changed(pairs)
    assert [round(each.change_min) for each in changes] == [60] * 3 + [-5] * 10
    assert {each.address for each in changes[:3]} == {"Testikatu 0"}


def test_a_comparison_page_says_the_verdict_first(
    study: Study, second: Study, tmp_path: Path
) -> None:
    comparison = compared(study, second, tmp_path)
    write_comparison(comparison, tmp_path / "report.html")
    found = Page(tmp_path / "report.html")
    assert [each["id"] for each in found.all_of("section")] == [
        "verdict",
        "differences",
        "distributions",
        "map",
        "customers",
        "evenings",
        "grounds",
    ]
    words = " ".join(found.texts["verdict"].split())
    for sentence in comparison.verdict:
        assert sentence in words
    # 95 less 80, 90, 100: 15, 5 and -5, mean 5; 4.303 * 10 / sqrt(3) = 24.8 about it.
    assert "+5.0 (\N{MINUS SIGN}19.8 to +29.8)" in words
    assert "7 to 9 (3 evenings)" in found.texts[""]
    assert "27 more than a minute" not in found.texts["customers"]
    assert "84 more than a minute sooner in B, 3 more than a minute later" in " ".join(
        found.texts["customers"].split()
    )
    assert "://" not in found.html
    assert found.values("src") == []


def test_two_studies_that_are_the_same_have_nothing_to_show(study: Study, tmp_path: Path) -> None:
    write_comparison(compared(study, study, tmp_path), tmp_path / "report.html")
    found = Page(tmp_path / "report.html")
    assert "For nobody did anything change." in found.texts["customers"]
    assert "Every order ended the same way in both." in found.texts["customers"]
    assert "exactly the same on all 3 evenings" in found.texts["verdict"]
