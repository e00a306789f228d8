"""No decision waits for a compiler: after warming up, a rush hour needs nothing new."""

from __future__ import annotations

import json
import subprocess
import sys
from io import StringIO
from typing import Any

from simulations.compiling import compile_all

COMPILED = """
import json, sys
import numba
from dataclasses import replace
from dispatch.model import Policy
from geo.city import load_city
from simulations.loop import Simulation
from simulations.scenarios.scenario import load_scenario

def compiled():
    return {
        f"{room}.{name}": len(kernel.signatures)
        for room, module in sorted(sys.modules.items())
        if room.startswith("dispatch.")
        for name, kernel in vars(module).items()
        if isinstance(kernel, numba.core.registry.CPUDispatcher)
    }
"""

RUSH_HOUR = (
    COMPILED
    + """
from dispatch.planning.warming import warm_up

warm_up()
before = compiled()
evening = Simulation(
    load_scenario("helsinki-friday"),
    load_city("helsinki"),
    policy=Policy(standby_horizon_s=3600, waiting_cost=5.0, travel_cost=0.1, hold_match=0.3),
)
evening.run(evening.now + 480)
engine = evening.engine
engine.policy = replace(engine.policy, selection_neighbourhoods=2, selection_limit=0.01)
engine.replan()
explained = [engine.explain(order_id) for order_id in sorted(engine.state.orders)]
standbys = sum(type(entry.event).__name__ == "StandbyGiven" for entry in evening.log.events)
print(json.dumps([before, compiled(), len(explained), standbys]))
"""
)

WITHOUT_PLANNER = (
    COMPILED
    + """
import simulations.loop
from dispatch.planning.plan import plan_by_insertion
from dispatch.planning.warming import warm_up_answers

warm_up_answers()
before = compiled()
simulations.loop.solve_plan = plan_by_insertion  # as a service does whose planner has failed
evening = Simulation(load_scenario("helsinki-friday"), load_city("helsinki"), policy=Policy())
evening.run(evening.now + 480)
engine = evening.engine
explained = [engine.explain(order_id) for order_id in sorted(engine.state.orders)]
solvers = sorted({"ortools", "pandas"} & sys.modules.keys())
print(json.dumps([before, compiled(), len(explained), solvers]))
"""
)


def told_by(program: str) -> Any:
    # In a process of its own: what other tests compiled would hide what is missing.
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_after_warming_up_a_rush_hour_needs_no_more_compiling() -> None:
    before, after, explained, standbys = told_by(RUSH_HOUR)
    assert sum(before.values()) > 20
    assert after == before
    assert explained > 0
    assert standbys > 0


def test_who_leaves_plans_to_another_process_needs_no_more_compiling_and_no_solver() -> None:
    before, after, explained, solvers = told_by(WITHOUT_PLANNER)
    assert sum(before.values()) > 20
    assert after == before
    assert explained > 0
    assert solvers == []


def test_what_is_compiled_already_is_not_worth_a_word() -> None:
    compile_all(StringIO())
    said = StringIO()
    compile_all(said)
    assert said.getvalue() == ""
