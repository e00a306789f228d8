"""The same snapshot gives the same plan in any process, whatever the order of its hashes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

SCRIPT = """
from dataclasses import replace
from random import Random
from snapshots import POLICIES, Town
from dispatch.planning.plan import plan
for seed in range(40):
    town = Town(Random(seed), stores=3, orders=12, couriers=5)
    policy = replace(POLICIES[0], routing_min_stops=2, improve_rounds=seed % 2 * 60)
    found = plan(town.snapshot(policy))
    routes = [(r.courier_id, r.leave_at, r.visits) for r in found.routes]
    print(found.plan_id, found.method, routes, sorted(found.sourcing.items()), found.unassigned)
"""


def planned(hash_seed: str) -> str:
    tests = Path(__file__).parents[1]
    path = os.pathsep.join([str(tests.parent), str(tests), str(tests / "property")])
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env={**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    return done.stdout


def test_two_processes_with_other_hashes_come_to_the_same_plans() -> None:
    first = planned("1")
    assert first.count("\n") == 40
    assert "routing" in first
    assert planned("2") == first
