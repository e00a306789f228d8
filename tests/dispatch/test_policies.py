"""Policies are read from TOML, and every mistake is named at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from dispatch.errors import InvalidValueError
from dispatch.model import Policy
from dispatch.policies import policy_from_toml

POLICIES = Path(__file__).parents[2] / "data" / "policies"


def test_the_policy_in_the_box_is_the_default() -> None:
    assert policy_from_toml((POLICIES / "balanced.toml").read_text()) == Policy()


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
