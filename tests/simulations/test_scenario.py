from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from geo.types import Mode
from simulations.errors import ScenarioError
from simulations.scenarios.scenario import find_scenario, load_scenario, scenarios_in_the_box
from simulations.scenarios.settings import WEEKDAYS, MeasureSettings, MishapSettings, Scenario, Tier
from simulations.scenarios.sheet import lines_of_keys
from simulations.scenarios.variant import load_variant
from simulations.scenarios.writing import scenario_to_toml

BOX = find_scenario("helsinki-friday").parent

WEEK = (
    "monday = 0.72, tuesday = 0.70, wednesday = 0.74, thursday = 0.82, friday = 1.0, "
    "saturday = 0.95, sunday = 0.80"
)
QUIET_WEEK = ", ".join(f"{day} = 0" for day in WEEKDAYS)


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
        (WEEK, QUIET_WEEK, "demand.weekday_factor is 0 on every day", "one day"),
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
        assert told[0].startswith("helsinki-friday.toml line ")


def test_one_slip_is_told_once(folder: Path) -> None:
    path = spoilt(folder, ('["15:30", "23:30"]', '["15:30"]'))
    with pytest.raises(ScenarioError) as caught:
        load_scenario(str(path))
    assert len(caught.value.problems) == 1


def test_the_line_is_the_one_to_look_at(folder: Path) -> None:
    path = spoilt(folder, ("more_share = 0.22", "more_share = 7"))
    lines = path.read_text(encoding="utf-8").splitlines()
    number = next(i for i, line in enumerate(lines, start=1) if line.startswith("more_share"))
    with pytest.raises(ScenarioError, match=f"line {number}: baskets.more_share is 7"):
        load_scenario(str(path))


def test_a_catalogue_that_is_no_text_is_told(folder: Path) -> None:
    (folder / "groceries.csv").write_bytes(
        b"sku,name,weight_g,price_cents,popularity\na,\xe4,1,1,1\n"
    )
    with pytest.raises(ScenarioError) as caught:
        load_scenario(str(folder / "helsinki-friday.toml"))
    assert any("groceries.csv: cannot be read as CSV" in told for told in caught.value.problems)


def test_an_article_is_named_by_its_own_line_after_one_of_two_lines(folder: Path) -> None:
    catalogue = folder / "groceries.csv"
    header, first, *others = catalogue.read_text(encoding="utf-8").splitlines()
    lines = [header, 'two,"of two\nlines",1,1,1', "bad,Bad,heavy,1,1", first, *others]
    catalogue.write_text("\n".join(lines) + "\n", encoding="utf-8")
    with pytest.raises(ScenarioError, match=r"groceries\.csv line 4: weight_g is 'heavy'"):
        load_scenario(str(folder / "helsinki-friday.toml"))


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


# --- what may be left out, and what a scenario is based on ---------------------------------------


def test_what_is_left_out_has_the_default_of_the_settings(friday: Scenario) -> None:
    assert friday.mishaps == MishapSettings()
    assert friday.measure == MeasureSettings()
    assert friday.demand.tiers == (Tier(None, 1.0),)
    assert friday.stores["supermarket"].pickers == (3,) * 24
    assert friday.policy is None
    assert friday.root == "helsinki-friday"


def test_a_scenario_says_only_what_is_different_from_another(folder: Path) -> None:
    tuesday = load_scenario("helsinki-tuesday")
    (folder / "mine.toml").write_text(
        'based_on = "helsinki-tuesday"\ntitle = "Mine"\n'
        "[mishaps]\nlate_share = 0.5\n[[couriers]]\nmode = 'walk'\nnames = ['Lumi']\n"
        "shift = ['16:00', '21:00']\ncapacity_g = 9000\ncapacity_parcels = 2\n",
        encoding="utf-8",
    )
    mine = load_scenario(str(folder / "mine.toml"))
    # Tables are merged key by key, lists of tables are replaced.
    assert mine.mishaps == replace(tuesday.mishaps, late_share=0.5)
    assert [courier.name for courier in mine.couriers] == ["Lumi"]
    assert mine.demand == tuesday.demand
    assert mine.catalogue == tuesday.catalogue
    # It meets the same customers.
    assert (mine.name, mine.root) == ("mine", "helsinki-tuesday")


def test_a_base_beside_the_file_comes_before_one_in_the_box(folder: Path) -> None:
    path = folder / "helsinki-tuesday.toml"
    path.write_text(path.read_text(encoding="utf-8").replace("seed = 1", "seed = 77"), "utf-8")
    assert load_scenario(str(folder / "helsinki-half-ill.toml")).seed == 77


def test_a_problem_is_told_with_the_file_it_is_in(folder: Path) -> None:
    path = folder / "helsinki-tuesday.toml"
    path.write_text(
        path.read_text(encoding="utf-8").replace("lines_max = 14", "lines_max = 0"), "utf-8"
    )
    ill = folder / "helsinki-half-ill.toml"
    ill.write_text(ill.read_text(encoding="utf-8").replace("= 0.5", "= 1.5"), "utf-8")
    with pytest.raises(ScenarioError) as caught:
        load_scenario(str(ill))
    below = next(
        i for i, line in enumerate(path.read_text("utf-8").splitlines(), 1) if "lines_max" in line
    )
    above = next(
        i for i, line in enumerate(ill.read_text("utf-8").splitlines(), 1) if "1.5" in line
    )
    assert [problem.split(";")[0] for problem in caught.value.problems] == [
        f"helsinki-half-ill.toml line {above}: mishaps.absent_share is 1.5",
        f"helsinki-tuesday.toml line {below}: baskets.lines_max is 0",
    ]


@pytest.mark.parametrize(
    ("base", "told"),
    [
        ('"nowhere"', "mine.toml line 1: based_on is 'nowhere': there is no such file"),
        ('"mine"', "mine.toml line 1: based_on is 'mine', which is based on this file itself"),
        ("3", "mine.toml line 1: based_on is 3; it must be the name of a scenario"),
    ],
)
def test_a_base_that_cannot_be_is_told(folder: Path, base: str, told: str) -> None:
    (folder / "mine.toml").write_text(f"based_on = {base}\n", encoding="utf-8")
    with pytest.raises(ScenarioError) as caught:
        load_scenario(str(folder / "mine.toml"))
    assert told in str(caught.value)


def test_a_key_inside_a_list_of_tables_has_its_own_line() -> None:
    text = "[[surges]]\nname = 1\n[surges.pace]\nbike = 2\n[[surges]]\n[surges.pace]\nbike = 3\n"
    lines = lines_of_keys(text)
    assert lines["surges[0].pace.bike"] == 4
    assert lines["surges[1].pace.bike"] == 7


# --- every scenario that cannot be ---------------------------------------------------------------

SURGE = '[[surges]]\nname = "x"\nstarts_at = "18:00"\nends_at = "19:00"\n'
STREET = '[[closures]]\nname = "x"\nstarts_at = "18:00"\nends_at = "19:00"\n'
SHUT = '[[store_closures]]\nstore = "Lidl"\nstarts_at = "18:00"\nends_at = "19:00"\n'
LINNANMAKI = "around = { lat = 60.19, lng = 24.94 }\nradius_m = 300\n"


@pytest.mark.parametrize(
    ("added", "key", "remedy"),
    [
        (SURGE + "popularity = { beer = 2 }", "surges[0].popularity.beer is neither", "its groups"),
        (SURGE + LINNANMAKI, "surges[0].around is outside helsinki", "from lat 60.16"),
        (SURGE + "radius_m = 5", "surges[0].around and radius_m go together", "neither"),
        (SURGE + "demand = -1", "surges[0].demand is -1", "0 or more"),
        (SURGE + "pace = { bike = 0 }", "surges[0].pace.bike is 0", "above 0"),
        (SURGE + "pace = { tram = 2 }", "surges[0].pace.tram is not a mode", "cargo_bike"),
        (SURGE + "foreseen = 2", "surges[0].foreseen is 2", "0 to 1"),
        (SURGE.replace("19:00", "17:30"), "surges[0].ends_at is", "not after its beginning"),
        (SURGE.replace('"1', '"0'), "surges[0].starts_at is", "wholly outside the run"),
        (STREET + LINNANMAKI, "closures[0].around is outside helsinki", "from lng 24.93"),
        (STREET + "radius_m = 60", "closures[0].around is missing", "lat = 60"),
        (SHUT.replace("Lidl", "Aldi"), "store_closures[0].store is 'Aldi'", "Alepa Kluuvi"),
        (SHUT + "loses_stock = 1", "store_closures[0].loses_stock is 1", "true or false"),
        ("[planning]\npause_s = 0", "planning.pause_s is 0", "1 or more"),
        ('[measure]\nlasts = "soon"', "measure.lasts is 'soon'", "1h30m"),
        ('[measure]\nlasts = "10s"', "measure.lasts is '10s'", "60"),
        ("[mishaps]\nabsent_share = 2", "mishaps.absent_share is 2", "0 to 1"),
        ("[mishaps]\nbreakdowns_per_hour = -1", "mishaps.breakdowns_per_hour is -1", "0 or more"),
    ],
)
def test_what_cannot_be_on_that_day_in_that_city_is_told(
    folder: Path, added: str, key: str, remedy: str
) -> None:
    path = folder / "helsinki-friday.toml"
    path.write_text(path.read_text(encoding="utf-8") + "\n" + added + "\n", encoding="utf-8")
    with pytest.raises(ScenarioError) as caught:
        load_scenario(str(path))
    assert len(caught.value.problems) == 1
    assert key in caught.value.problems[0]
    assert remedy in caught.value.problems[0]
    assert "line " in caught.value.problems[0]


@pytest.mark.parametrize(
    ("variant", "told"),
    [
        # 23:30 to 15:30 is 16 hours: start and end are changed over.
        ("couriers.0.shift=['23:30','15:30']", "couriers[0].shift ends before it starts"),
        ("demand.tiers={15m=0.5,any=0.6}", "demand.tiers add up to 1.1; they must add up to 1"),
        ("demand.tiers={20m=1.0}", "demand.tiers.20m is not known here; known are 15m, 30m, 60m"),
        ("demand.curbside_share=0.95", "demand.collection_share and curbside_share are 1.05"),
        ("customers.silent_share=0.5", "accept_substitute_share and silent_share are 1.25"),
        ("customers.given_up_after_s=60", "given_up_after_s is 60, before the last of"),
        ("couriers.1.ignore_share=0.5", "couriers[1].accept_share and ignore_share are 1.4"),
        ("couriers.0.break_after=8h", "couriers[0].break_after is so late that the break outlasts"),
        ("couriers.0.break_spread=8h", "couriers[0].break_spread is so long that the last break"),
        ("couriers.0.chilled_bags=-1", "couriers[0].chilled_bags is -1; it must be 0 or more"),
        ("couriers.0.count=3", "couriers[0].count and names are both there; write one of them"),
        ("stores.supermarket.pickers=[1,2]", "stores.supermarket.pickers has 2 entries"),
        ("stores.supermarket.pickers=0", "stores.supermarket.pickers is 0; it must be 1 or more"),
        ("picking.distribution=normal", "must be one of lognormal, exponential, fixed"),
        ("picking.restock_at=[]", "picking.restock_at is empty"),
        ("policy=frugal", "policy is 'frugal': there is no such file"),
        ("stores={supermarket={}}", "stores.convenience is missing, and helsinki has shops"),
    ],
)
def test_what_does_not_go_together_is_told(variant: str, told: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        load_variant(f"helsinki-tuesday,{variant}")
    assert told in str(caught.value)


def test_a_run_in_which_no_store_is_open_is_impossible() -> None:
    with pytest.raises(ScenarioError, match="closed stores, none of the 40") as caught:
        load_variant("la-serena-tuesday,starts_at=2026-11-17T02:00:00")
    # Neither is anybody at work then, nor does anybody order: only the stores are told.
    assert len(caught.value.problems) == 1


def test_a_run_with_deliveries_and_nobody_to_bring_them_is_impossible() -> None:
    early = "starts_at=2026-11-17T09:00:00,measure.lasts=1h"
    with pytest.raises(ScenarioError, match="couriers have no shift between") as caught:
        load_variant(
            f"helsinki-tuesday,{early},couriers.4.shift=['20:00','22:00'],couriers.5.shift=['20:00','22:00']"
        )
    assert "give one of them a shift" in str(caught.value)


def test_a_catalogue_that_nobody_stocks_is_impossible() -> None:
    with pytest.raises(ScenarioError, match="stores have none of the catalogue"):
        load_variant("la-serena-tuesday,stores.supermarket.assortment=0")


def test_wrong_times_are_not_told_again_as_what_follows_from_them() -> None:
    with pytest.raises(ScenarioError) as caught:
        load_variant("helsinki-football,starts_at=soon")
    assert len(caught.value.problems) == 1


# --- the box -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", scenarios_in_the_box())
def test_every_scenario_of_the_box_can_be_used_and_written_out_whole(
    name: str, tmp_path: Path
) -> None:
    scenario = load_scenario(name)
    assert scenarios_in_the_box()[name] == scenario.title
    written = tmp_path / "whole.toml"
    written.write_text(scenario_to_toml(scenario), encoding="utf-8")
    assert load_scenario(str(written)) == scenario


def test_the_week_has_the_same_evenings_in_both_cities() -> None:
    names = set(scenarios_in_the_box())
    for city in ("helsinki", "la-serena"):
        for evening in ("tuesday", "rainy-friday", "rush", "football", "store-fire", "half-ill"):
            assert f"{city}-{evening}" in names


# --- bags and breaks ---------------------------------------------------------------------------


def test_the_breaks_of_a_crew_are_spread_over_an_hour_or_what_room_there_is() -> None:
    def breaks(change: str = "") -> list[int | None]:
        found = load_variant(f"helsinki-tuesday{change}")[0].couriers
        return [one.break_after_s for one in found[:8]]

    # In halves of halves, so that whoever is added changes nothing for the others.
    assert breaks() == [3 * 3600 + 450 * eighth for eighth in (0, 4, 2, 6, 1, 5, 3, 7)]
    assert breaks(",couriers.0.break_spread=0s") == [3 * 3600] * 8
    # Eight hours of shift, from which a break of 15 min after 7 h 30 min leaves as much again.
    assert breaks(",couriers.0.break_after=7h30m")[4] == 27_000 + 900 // 8


def test_a_bag_is_that_of_the_mode_unless_the_scenario_says_another() -> None:
    usual, named = (
        load_variant(f"helsinki-tuesday{change}")[0].couriers[0]
        for change in ("", ",couriers.0.capacity_ml=75000,couriers.0.chilled_bags=0")
    )
    assert (usual.mode, usual.capacity_ml, usual.chilled_bags) == (Mode.BIKE, 60_000, 2)
    assert (named.capacity_ml, named.chilled_bags) == (75_000, 0)


@pytest.mark.parametrize("name", ["helsinki-friday", "la-serena-tuesday"])
def test_evenings_in_the_box_have_goods_that_take_room_and_goods_kept_cold(name: str) -> None:
    scenario = load_scenario(name)
    articles = scenario.catalogue
    assert all(2 * a.volume_ml > a.weight_g for a in articles)
    sold = sum(a.popularity for a in articles)
    cold = sum(a.popularity for a in articles if a.chilled)
    assert 0.2 < cold / sold < 0.4
    # Every bag there is takes any one article and one chilled parcel.
    for courier in scenario.couriers:
        assert courier.capacity_ml >= max(a.volume_ml for a in articles)
        assert courier.chilled_bags >= 1


def test_articles_may_say_what_room_they_take_and_whether_they_are_kept_cold(
    folder: Path,
) -> None:
    catalogue = folder / "groceries.csv"
    plain, *rows = (
        ",".join(line.split(",")[:6]) for line in catalogue.read_text(encoding="utf-8").splitlines()
    )
    sized = [f"{plain},volume_ml,chilled", f"{rows[0]},1100,true", *(f"{r},," for r in rows[1:])]
    catalogue.write_text("\n".join(sized) + "\n", encoding="utf-8")
    first, second, *_ = load_scenario(str(folder / "helsinki-friday.toml")).catalogue
    assert (first.volume_ml, first.chilled) == (1100, True)
    assert (second.volume_ml, second.chilled) == (0, False)
    sized[1] = f"{rows[0]},-1,cold"
    catalogue.write_text("\n".join(sized) + "\n", encoding="utf-8")
    with pytest.raises(ScenarioError) as caught:
        load_scenario(str(folder / "helsinki-friday.toml"))
    assert [told.split(": ", 1)[1] for told in caught.value.problems] == [
        "chilled is 'cold'; it must be true or false",
        "volume_ml is '-1'; it must be a whole number, 0 or more",
    ]
