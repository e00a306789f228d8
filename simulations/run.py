"""`samehour simulate`: a scenario under a simulated clock, and what came of it."""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import asdict
from pathlib import Path

from dispatch.errors import InvalidValueError
from dispatch.model import Policy
from dispatch.policies import policy_from_toml
from geo.city import find_city, load_city
from geo.errors import GeoError
from simulations.compiling import compile_all
from simulations.errors import SimulationError
from simulations.figures import chosen, minutes, percent
from simulations.loop import Result, simulate
from simulations.scenario import load_scenario


def run(arguments: argparse.Namespace) -> int:
    """Simulate and print; returns 0, or 2 when scenario, city or policy cannot be used."""
    try:
        scenario = load_scenario(arguments.scenario)
        city = load_city(find_city(scenario.city))
        policy = _policy(arguments.policy)
        compile_all(sys.stderr)
        began = time.perf_counter()
        result = simulate(
            scenario,
            city,
            duration_s=arguments.duration_s,
            seed=arguments.seed,
            policy=policy,
            stopwatch=time.perf_counter,
        )
    except (SimulationError, GeoError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except KeyboardInterrupt:
        sys.stderr.write("stopped before the end; nothing to show\n")
        return 1
    took_s = time.perf_counter() - began
    pace = arguments.duration_s / took_s
    sys.stdout.write(
        f"{scenario.title}, seed {result.world.streams.seed}: "
        f"{minutes(arguments.duration_s)} in {took_s:.1f} s ({pace:.0f} times life)\n"
    )
    sys.stdout.write(_text(result))
    if arguments.json:
        sys.stdout.write(json.dumps(chosen(asdict(result.kpis))) + "\n")
    return 0


def _policy(path: Path | None) -> Policy:
    if path is None:
        return Policy()
    try:
        return policy_from_toml(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise SimulationError(f"policy {path} cannot be read: {error}") from error
    except InvalidValueError as error:
        raise SimulationError(f"{path}: {error}") from error


def _text(result: Result) -> str:
    kpis = result.kpis
    refused = sum(result.refusals.values())
    return (
        f"  {kpis.orders} orders: {kpis.delivered} delivered, {kpis.open} open, "
        f"{kpis.rejected} rejected, {kpis.cancelled} cancelled, {kpis.failed} failed\n"
        f"  {percent(kpis.on_time_share)} on time; click to door "
        f"{minutes(kpis.click_to_door_p50_s)} median, {minutes(kpis.click_to_door_p90_s)} for "
        "nine in ten\n"
        f"  {kpis.replans} plans, {kpis.replan_p95_ms or 0:.0f} ms at most for 95 in 100, "
        f"{kpis.violations} violations; {refused} requests refused\n"
    )
