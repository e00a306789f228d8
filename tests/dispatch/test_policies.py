"""Policies are read from TOML, and every mistake is named at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from dispatch.errors import InvalidValueError
from dispatch.model import Policy
from dispatch.policies import policy_from_toml, policy_to_toml

POLICIES = Path(__file__).parents[2] / "data" / "policies"


def test_the_policy_in_the_box_is_the_default() -> None:
    assert policy_from_toml((POLICIES / "balanced.toml").read_text()) == Policy()


BOX = sorted(POLICIES.glob("*.toml"))


@pytest.mark.parametrize("name", ["balanced", "fast", "thrifty"])
def test_a_policy_in_the_box_says_the_unit_and_the_effect_of_every_key(name: str) -> None:
    text = (POLICIES / f"{name}.toml").read_text()
    title, _, rest = text.partition("\n")
    assert title.startswith("# ")
    assert rest == policy_to_toml(policy_from_toml(text))
    assert policy_from_toml(text).name == name


@pytest.mark.parametrize("path", BOX, ids=lambda path: path.stem)
def test_every_policy_in_the_box_can_be_used(path: Path) -> None:
    assert policy_from_toml(path.read_text()).name == path.stem


def test_what_nobody_can_mean_together_is_named_with_a_remedy() -> None:
    with pytest.raises(InvalidValueError) as refused:
        policy_from_toml(
            "promise_min_s = 4000\nslot_s = 0\nselection_neighbourhoods = 1\n"
            "selection_routes = 0\nassign_nearest = true"
        )
    message = str(refused.value)
    for part in (
        "promise_min_s is 4000 and promise_max_s 3600",
        "slots_ahead offers slots of no length",
        "selection_neighbourhoods chooses among no routes",
        "assign_nearest leaves no choice of stores",
    ):
        assert part in message


def test_shares_are_at_most_one_and_a_misspelt_key_is_told_its_likeness() -> None:
    with pytest.raises(InvalidValueError, match="hold_match is 2; a share is at most 1"):
        policy_from_toml("hold_match = 2.0")
    with pytest.raises(InvalidValueError, match=r"late_costs is unknown; did you mean late_cost\?"):
        policy_from_toml("late_costs = 2.0")


def test_keys_left_out_keep_their_defaults() -> None:
    policy = policy_from_toml("late_cost = 5\nreplan_every_s = 10")
    assert (policy.late_cost, policy.replan_every_s) == (5.0, 10)
    assert policy.buffer_s == Policy().buffer_s


def test_all_problems_are_named_in_one_message() -> None:
    with pytest.raises(InvalidValueError) as refused:
        policy_from_toml('lateness = 3\nbuffer_s = "long"\nlate_cost = -1\nreplan_every_s = 1.5')
    message = str(refused.value)
    for part in ("lateness is unknown", "buffer_s must be", "late_cost is -1", "replan_every_s"):
        assert part in message


def test_text_that_is_not_toml_is_said() -> None:
    with pytest.raises(InvalidValueError, match="not TOML"):
        policy_from_toml("late_cost = ")
