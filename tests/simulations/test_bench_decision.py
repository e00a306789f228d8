"""Decisions compared on tiny evenings; who is better is for the benchmark itself to say."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

import samehour
from simulations.benchmarks import decision
from simulations.scenarios.policies import load_policy
from simulations.scenarios.scenario import load_scenario

TINY = """based_on = "helsinki-rainy-friday"
title = "A tiny evening"
starts_at = 2026-11-20T17:20:00
[measure]
warm_up = "1m"
cool_down = "3m"
"""


def test_tiny_evenings_are_compared_and_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("tiny.toml").write_text(TINY)
    run = [
        "bench",
        "decision",
        "tiny.toml",
        "--replications",
        "2",
        "--jobs",
        "1",
        "--certain",
        "--for",
        "3m",
    ]
    assert samehour.main([*run, "--json"]) == 0
    out = capsys.readouterr().out
    assert (
        "A tiny evening: 2 evenings, orders of 3 min from six on, everybody promised 30 min" in out
    )
    found = json.loads(out.splitlines()[-1])["tiny.toml"]
    others = [*decision.PEERS, decision.FEWER, *decision.CERTAIN]
    assert list(found) == [other.name for other in others]
    for name, one in found.items():
        assert f"\n  {name} " in out
        assert set(decision.FIGURES) < set(one)
        assert one["breaches"] == 0
    # The same evenings for all: the same couriers at work, but for the smaller crew.
    hours = {name: one["courier_hours"]["difference"] for name, one in found.items()}
    assert hours[decision.FEWER.name] < 0
    assert hours[decision.PEERS[0].name] == hours[decision.PEERS[1].name] == 0
    # What was run is not run again.
    assert samehour.main(run) == 0
    assert capsys.readouterr().out == out[: out.rindex("{")]


def test_a_scenario_that_is_none_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert samehour.main(["bench", "decision", "atlantis"]) == 2
    assert "atlantis" in capsys.readouterr().err


def test_every_contender_has_the_same_promises() -> None:
    scenario, policy = load_scenario("helsinki-rainy-friday"), load_policy("balanced")
    for contender in (decision.JOINT, *decision.PEERS, decision.FEWER, *decision.CERTAIN):
        changed, own = decision.prepared(scenario, load_policy(contender.policy), contender, 1800)
        assert own.promise_fixed_s == 1800
        assert [tier.window_id for tier in changed.demand.tiers] == [None]
        assert changed.family == scenario.family
    # The peers differ in the rule alone.
    store, nearest = (load_policy(peer.policy) for peer in decision.PEERS)
    assert replace(store, name="balanced", sourcing_nearest=False) == policy
    both = replace(nearest, name="balanced", sourcing_nearest=False, assign_nearest=False)
    assert both == policy


def test_what_is_certain_is_certain_in_the_world_and_in_the_policy() -> None:
    scenario, policy = load_scenario("la-serena-rainy-friday"), load_policy("balanced")
    changed, knows = decision.prepared(scenario, policy, decision.CERTAIN[-1], 1800)
    assert changed.picking.distribution == "fixed"
    assert (changed.picking.delay_share, changed.picking.short_share) == (0, 0)
    assert (changed.travel.spread, changed.travel.trip_spread, changed.travel.foreseen) == (0, 0, 1)
    assert {surge.foreseen for surge in changed.surges} == {1.0}
    assert (changed.handover.spread, changed.customers.nobody_home_share) == (0, 0)
    assert (changed.mishaps.absent_share, changed.mishaps.breakdowns_per_hour) == (0, 0)
    assert {one.accept_share for one in changed.couriers} == {1.0}
    assert (knows.pick_spread, knows.travel_spread) == (0, 0)
    assert (knows.counter_spread_s, knows.door_spread_s) == (0, 0)
