"""Decisions compared on tiny evenings; who is better is for the benchmark itself to say."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from made_study import made_study

import samehour
from geo.city import City
from simulations.benchmarks import decision
from simulations.scenarios.policies import load_policy
from simulations.scenarios.scenario import load_scenario
from simulations.scenarios.settings import Scenario

TINY = """based_on = "helsinki-rainy-friday"
title = "A tiny evening"
starts_at = 2026-11-20T17:20:00
[measure]
warm_up = "1m"
cool_down = "3m"
"""


def test_a_tiny_evening_is_compared_and_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(decision, "PEERS", decision.PEERS[:1])
    monkeypatch.setattr(decision, "POLICIES", decision.POLICIES[:1])
    Path("tiny.toml").write_text(TINY)
    run = ["bench", "decision", "tiny.toml", "--replications", "1", "--jobs", "1", "--for", "3m"]
    run += ["--beside", "rules", "crew", "policies"]
    assert samehour.main([*run, "--json"]) == 0
    out = capsys.readouterr().out
    assert "A tiny evening: 1 evenings, orders of 3 min from six on, everybody promised 30" in out
    told, said = out.split("{", 1)
    found = json.loads("{" + said)["tiny.toml"]
    assert list(found) == [
        one.name for one in (*decision.PEERS, decision.FEWER, *decision.POLICIES)
    ]
    for name, one in found.items():
        assert f"\n  {name} " in told
        assert one["breaches"] == 0
    # The same evening for all: the same couriers at work, but for the smaller crew.
    assert [one["courier_hours"]["difference"] < 0 for one in found.values()] == [
        False,
        True,
        False,
    ]
    # What was run is not run again.
    assert samehour.main(run) == 0
    assert capsys.readouterr().out == told


def test_what_the_joint_decision_saves_is_told_with_its_interval(
    friday: Scenario, helsinki: City, tmp_path: Path
) -> None:
    late = {"late_min_per_100_orders": 30.0}, {"late_min_per_100_orders": 40.0}
    first, other = (
        made_study(friday, helsinki, tmp_path / str(nth), figures=figures)
        for nth, figures in enumerate(late)
    )
    found = decision.beside(decision.PEERS[0], first, other)
    assert found.saved == pytest.approx(0.25)
    lines = decision.table(friday, first, [found], 1800).splitlines()
    assert lines[2].split()[-10:-8] == ["30", "90.0"]
    assert lines[3].split()[4:9] == ["40", "+10", "[+10", "+10]", "+25"]
    assert decision.beside(decision.PEERS[0], first, first).saved == 0


def test_a_scenario_that_is_none_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert samehour.main(["bench", "decision", "atlantis"]) == 2
    assert "atlantis" in capsys.readouterr().err


def test_every_contender_has_the_same_promises() -> None:
    scenario, policy = load_scenario("helsinki-rainy-friday"), load_policy("balanced")
    for contender in (
        *(decision.JOINT, *decision.PEERS, decision.FEWER),
        *(*decision.POLICIES, *decision.CERTAIN),
    ):
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
