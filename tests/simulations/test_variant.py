from __future__ import annotations

import datetime as dt
import shutil
from pathlib import Path

import pytest

from dispatch.model import Policy
from simulations.errors import ScenarioError
from simulations.scenarios.policies import load_policy
from simulations.scenarios.scenario import find_scenario
from simulations.scenarios.variant import SYNTAX, Variant, load_variant

BOX = find_scenario("helsinki-tuesday").parent


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a copy of the box to work in."""
    for path in BOX.iterdir():
        shutil.copy(path, tmp_path / path.name)
    return tmp_path


def test_a_variant_is_a_scenario_with_a_policy_and_keys_set() -> None:
    variant = Variant.parse(
        "helsinki-tuesday@meals-fast,couriers.0.shift=['10:00', '18:00'],seed=3"
    )
    assert variant.scenario == "helsinki-tuesday"
    assert variant.policy == "meals-fast"
    assert [(c.key, c.value) for c in variant.changes] == [
        ("couriers.0.shift", ["10:00", "18:00"]),
        ("seed", 3),
    ]


def test_a_bare_name_is_a_variant_too() -> None:
    assert Variant.parse("helsinki-tuesday") == Variant(
        "helsinki-tuesday", "helsinki-tuesday", None, ()
    )


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("8", 8),
        ("0.5", 0.5),
        ("true", True),
        ("05:00", "05:00"),
        ("lognormal", "lognormal"),
        ("1h30m", "1h30m"),
        ("'two words'", "two words"),
        ("{ bike = 1.3 }", {"bike": 1.3}),
        ("[1, 2]", [1, 2]),
        ("2026-11-20T17:00:00", dt.datetime(2026, 11, 20, 17)),  # noqa: DTZ001 - local
    ],
)
def test_a_value_is_toml_or_a_bare_word(written: str, value: object) -> None:
    assert Variant.parse(f"x,a.b={written}").changes[0].value == value


def test_everything_that_cannot_be_read_is_told_at_once() -> None:
    with pytest.raises(ScenarioError) as caught:
        Variant.parse("@,seed,=3,title=two words")
    told = "\n".join(caught.value.problems)
    for part in (
        "no scenario",
        "no policy",
        "'seed' sets nothing",
        "'=3' sets",
        "two words",
        SYNTAX,
    ):
        assert part in told


def test_keys_set_are_read_like_the_file_s_own() -> None:
    scenario, policy = load_variant(
        "la-serena-tuesday,couriers.0.count=3,mishaps.absent_share=0,"
        "demand.tiers={15m = 1.0},measure.lasts=30m,surges=[]"
    )
    assert sum(courier.name.startswith("Scooter") for courier in scenario.couriers) == 3
    assert scenario.mishaps.absent_share == 0
    assert [(tier.window_id, tier.share) for tier in scenario.demand.tiers] == [("15m", 1.0)]
    assert scenario.measure.lasts_s == 1800
    assert policy == Policy()


def test_fewer_couriers_are_the_first_of_more() -> None:
    few, _ = load_variant("la-serena-tuesday,couriers.0.count=3")
    many, _ = load_variant("la-serena-tuesday")
    assert set(few.couriers) < set(many.couriers)
    assert few.root == many.root


def test_the_policy_after_the_at_beats_the_scenario_s_own(folder: Path) -> None:
    path = folder / "helsinki-tuesday.toml"
    path.write_text('policy = "meals-fast"\n' + path.read_text(encoding="utf-8"), encoding="utf-8")
    own, policy = load_variant(str(path))
    assert (own.policy, policy) == ("meals-fast", load_policy("meals-fast"))
    other, policy = load_variant(f"{path}@balanced")
    assert (other.policy, policy) == ("balanced", load_policy("balanced"))


def test_a_policy_beside_the_scenario_is_found(folder: Path) -> None:
    (folder / "thrifty.toml").write_text('name = "thrifty"\nwaiting_cost = 0.0\n', encoding="utf-8")
    path = folder / "helsinki-tuesday.toml"
    path.write_text(
        'policy = "thrifty.toml"\n' + path.read_text(encoding="utf-8"), encoding="utf-8"
    )
    _, policy = load_variant(str(path))
    assert policy.waiting_cost == 0.0


@pytest.mark.parametrize(
    ("variant", "told"),
    [
        ("helsinki-tuesday@thrify", "there is no such file; name a .toml file or one of: balanced"),
        ("helsinki-tuesday,couriers.9.count=3", "has 6 entries, numbered from 0; '9' is none"),
        ("helsinki-tuesday,seed.high=3", "seed is 1, there is nothing inside it"),
        ("helsinki-tuesday,demand.per_hour.0=-1", "demand.per_hour[0] is -1; it must be 0 or more"),
        (
            f"helsinki-tuesday,demand.per_hour=[{', '.join('0' * 24)}]",
            "demand.per_hour is 0 in every hour, so nobody ever orders",
        ),
        ("helsinki-tuesday,demand.perhour=1", "demand.perhour is not known here"),
        ("helsinki-tuesday,demand..x=1", "'demand..x' is no key"),
        ("helsinki-tewsday", "there is no such file"),
    ],
)
def test_what_is_wrong_with_a_variant_is_told_with_its_remedy(variant: str, told: str) -> None:
    with pytest.raises(ScenarioError, match="problem") as caught:
        load_variant(variant)
    assert told in str(caught.value)


def test_a_wrong_policy_and_wrong_keys_are_told_together() -> None:
    with pytest.raises(ScenarioError) as caught:
        load_variant("helsinki-tuesday@thrify,seed=-1,city=atlantis")
    assert len(caught.value.problems) == 3
    assert any(problem.startswith("seed=-1: seed is -1") for problem in caught.value.problems)
