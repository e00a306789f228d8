from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from simulations.errors import ScenarioError
from simulations.scenario import find_scenario, load_scenario
from simulations.settings import Scenario

BOX = find_scenario("helsinki-friday").parent


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a copy of the box to spoil."""
    for path in BOX.iterdir():
        shutil.copy(path, tmp_path / path.name)
    return tmp_path


def spoilt(folder: Path, *changes: tuple[str, str]) -> Path:
    path = folder / "helsinki-friday.toml"
    text = path.read_text(encoding="utf-8")
    for old, new in changes:
        assert text.count(old) >= 1, old
        text = text.replace(old, new, 1)
    path.write_text(text, encoding="utf-8")
    return path


def test_a_friday_at_five_in_helsinki_is_three_in_utc(friday: Scenario) -> None:
    # 2026-11-20T15:00:00Z; Finland is two hours ahead in winter.
    assert friday.start("Europe/Helsinki") == 1_795_186_800


def test_a_shift_over_midnight_ends_on_the_morrow(friday: Scenario) -> None:
    night = next(courier for courier in friday.couriers if courier.name == "Veikko")
    # 22:30 is 81,000 s after midnight; 07:30 the next day 86,400 + 27,000.
    assert night.shift == (81_000, 113_400)


def test_couriers_have_ids_made_from_their_names(friday: Scenario) -> None:
    assert friday.couriers[0].courier_id == "cou_aino"
    assert len({courier.courier_id for courier in friday.couriers}) == len(friday.couriers)


def test_a_name_that_is_not_in_the_box_lists_those_that_are() -> None:
    with pytest.raises(ScenarioError, match="helsinki-friday"):
        load_scenario("helsinki-fryday")


def test_a_scenario_is_found_by_its_path_too(folder: Path) -> None:
    assert load_scenario(str(folder / "helsinki-friday.toml")).name == "helsinki-friday"


@pytest.mark.parametrize(
    ("old", "new", "key", "remedy"),
    [
        ("  3, 1, 0, 0", "  3, -1, 0, 0", "demand.per_hour[1] is -1", "0 or more"),
        ("  3, 1, 0, 0,", "  3, 1, 0,", "demand.per_hour has 23 entries", "24 numbers"),
        ("cancel_share = 0.025", "cancel_share = 1.2", "customers.cancel_share is 1.2", "0 to 1"),
        ("cancel_share = 0.025", "", "customers.cancel_share is missing", "a number"),
        ("[60, 900]", "[900, 60]", "customers.cancel_within_s is [900, 60]", "ascend"),
        ("lines_max = 14", "lines_max = 1.5", "baskets.lines_max is 1.5", "whole number"),
        ("lines_max = 14", "lines_max = 99", "baskets.lines_max is more than the 64", "articles"),
        ("pickers = 3", "picker = 3", "stores.supermarket.picker is not known", "pickers"),
        ("pickers = 3", "pickers = 0", "stores.supermarket.pickers is 0", "1 or more"),
        ('"05:00"', '"5 am"', "picking.restock_at is '5 am'", "07:30"),
        ('["15:30", "23:30"]', '["15:30"]', "couriers[0].shift is", "two times"),
        ('["15:30", "23:30"]', '["15:30", "15:30"]', "couriers[0].shift ends when", "last"),
        ('mode = "walk"', 'mode = "swim"', "couriers[2].mode is 'swim'", "cargo_bike"),
        ('"Urho"', '"Saimi"', "couriers[1].names give 'cou_saimi' a second time", "differ"),
        ('city = "helsinki"', 'city = "atlantis"', "city is 'atlantis'", "no city"),
        ("2026-11-20T17:00:00", '"friday"', "starts_at is friday", "without quotes"),
        ("2026-11-20T17:00:00", "2026-11-20T17:00:00Z", "starts_at is", "without an offset"),
        ('"groceries.csv"', '"food.csv"', "catalogue is 'food.csv'", "no such file"),
        ("[travel]", "[trave]", "travel is missing", "table"),
        ("seed = 1", "seed = -1", "seed is -1", "0 or more"),
    ],
)
def test_what_is_wrong_is_named_with_its_line_and_remedy(
    folder: Path, old: str, new: str, key: str, remedy: str
) -> None:
    path = spoilt(folder, (old, new))
    with pytest.raises(ScenarioError) as caught:
        load_scenario(str(path))
    told = [problem for problem in caught.value.problems if key in problem]
    assert len(told) == 1
    assert remedy in told[0]
    if "is missing" not in told[0] or "." in key:
        assert told[0].startswith("line ")


def test_the_line_is_the_one_to_look_at(folder: Path) -> None:
    path = spoilt(folder, ("more_share = 0.22", "more_share = 7"))
    lines = path.read_text(encoding="utf-8").splitlines()
    number = next(i for i, line in enumerate(lines, start=1) if line.startswith("more_share"))
    with pytest.raises(ScenarioError, match=f"line {number}: baskets.more_share is 7"):
        load_scenario(str(path))


def test_all_problems_are_told_at_once_in_the_order_of_the_file(folder: Path) -> None:
    path = spoilt(
        folder,
        ("spread = 0.30", "spread = -1"),
        ("seed = 1", 'seed = "one"'),
        ('mode = "car"', 'mode = "boat"'),
    )
    catalogue = folder / "groceries.csv"
    text = catalogue.read_text(encoding="utf-8")
    text = text.replace("milk-1l,Milk 1 l,1040", "milk-1l,Milk 1 l,heavy")
    catalogue.write_text(text.replace("tofu-270,", "milk-1l,"), encoding="utf-8")
    with pytest.raises(ScenarioError) as caught:
        load_scenario(str(path))
    keys = [problem.split(": ", 1)[1].split(" ")[0] for problem in caught.value.problems[:3]]
    assert keys == ["seed", "picking.spread", "couriers[4].mode"]
    assert caught.value.problems[3] == (
        "groceries.csv line 2: weight_g is 'heavy'; it must be a whole number, 1 or more"
    )
    assert "4 problems" in str(caught.value)


def test_an_article_listed_twice_is_told(folder: Path) -> None:
    catalogue = folder / "groceries.csv"
    text = catalogue.read_text(encoding="utf-8")
    catalogue.write_text(text.replace("tofu-270,", "milk-1l,"), encoding="utf-8")
    with pytest.raises(ScenarioError, match="'milk-1l' is listed twice"):
        load_scenario(str(folder / "helsinki-friday.toml"))


def test_a_text_that_is_no_toml_says_where(folder: Path) -> None:
    path = spoilt(folder, ("[demand]", "[demand"))
    with pytest.raises(ScenarioError, match="line"):
        load_scenario(str(path))
