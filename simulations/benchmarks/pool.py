"""`samehour bench pool`: what the exact choice adds to ruin and recreate, and for how much time.

Every way to plan has the same problem, seeds and first plan.  Time is the processor's, so that
other work on the machine counts for nobody.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from typing import Final

import numpy as np

from dispatch.model import Policy, Snapshot
from dispatch.planning.arrays import JOB_BAG
from dispatch.planning.improve import Search
from dispatch.planning.problem import Posed, pose
from dispatch.planning.selection import Selected, select
from dispatch.planning.situation import read
from dispatch.planning.starts import improve_in_starts
from geo.city import load_city
from geo.errors import GeoError
from geo.travel import NetworkTravelTimes
from simulations.benchmarks.tick_snapshots import Rush, TooFewStoresError, rush_hour, scaled
from simulations.errors import ScenarioError
from simulations.scenarios.scenario import load_scenario
from simulations.scenarios.settings import Scenario

SCENARIO: Final = "helsinki-friday"
NEIGHBOURHOODS: Final = 8
ROUTES: Final = 4_000
LIMIT: Final = 1.0
_POOLED: Final = 5
"""Routes met in a round, about."""

_WARM_UP: Final = 60
_WRONG_INPUT: Final = 2

Way = Callable[[Search, int], list[Selected]]


@dataclass(frozen=True, slots=True)
class Row:
    """What a way to plan comes to, mean over seeds.

    Attributes
    ----------
    over
        Cost above the longest run of the search alone, as a share of it.
    took_s
        Processor time.
    saved
        By choices, as a share of the cost.
    gap
        What the first choice could have saved at most, likewise.
    columns
        Routes the first choice was made from; 0 without a choice.
    proven
        Share of models whose best choice is known to be the best.
    """

    way: str
    over: float
    unrouted: float
    took_s: float
    saved: float
    gap: float
    columns: float
    proven: float


@dataclass(frozen=True, slots=True)
class Table:
    """All ways on one problem."""

    city: str
    orders: int
    free: int
    couriers: int
    stores: int
    rows: tuple[Row, ...]


def run(arguments: argparse.Namespace) -> int:
    """Measure and print; returns 0, or 2 for wrong input."""
    try:
        tables = [_measured(snapshot, arguments) for snapshot in _snapshots(arguments)]
    except (GeoError, ScenarioError, TooFewStoresError) as error:
        sys.stderr.write(f"samehour: {error}\n")
        return _WRONG_INPUT
    if arguments.json:
        sys.stdout.write(json.dumps([asdict(table) for table in tables]) + "\n")
    return 0


def ways(rounds: int) -> dict[str, tuple[Way, bool]]:
    """Return the ways to plan by name, and whether each needs a pool; the last is the measure."""
    return {
        f"search, {rounds} rounds": (_alone(1), False),
        "the same, then a choice": (_then_choice, True),
        "two starts of half, the better": (_better_of_two, False),
        "two starts, a choice, half again, a choice": (_in_starts, True),
        f"search, {2 * rounds} rounds": (_alone(2), False),
        f"search, {4 * rounds} rounds": (_alone(4), False),
    }


def measure(posed: Posed, rounds: int, seeds: int) -> tuple[Row, ...]:
    """Return what every way comes to on one problem."""
    found = {
        name: [_one(posed, way, rounds, seed, pooled=pooled) for seed in range(1, seeds + 1)]
        for name, (way, pooled) in ways(rounds).items()
    }
    best = np.array([one[0] for one in list(found.values())[-1]])
    return tuple(_row(name, runs, best) for name, runs in found.items())


def _one(
    posed: Posed, way: Way, rounds: int, seed: int, *, pooled: bool
) -> tuple[float, int, float, list[Selected]]:
    began = time.process_time()
    pool = 2 * _POOLED * rounds if pooled else 0
    search = Search(posed.problem, posed.routes, seed, pool=pool)
    search.settle()
    search.fill()
    choices = way(search, rounds)
    return search.cost(), search.unrouted, time.process_time() - began, choices


def _row(name: str, runs: list[tuple[float, int, float, list[Selected]]], best: np.ndarray) -> Row:
    costs = np.array([run[0] for run in runs])
    first = [run[3][0] for run in runs if run[3]]
    models = sum(choice.models for run in runs for choice in run[3])
    proven = sum(choice.proven for run in runs for choice in run[3])
    saved = np.array([sum(choice.saved for choice in run[3]) for run in runs])
    return Row(
        way=name,
        over=float((costs / best).mean() - 1.0),
        unrouted=float(np.mean([run[1] for run in runs])),
        took_s=float(np.mean([run[2] for run in runs])),
        saved=float((saved / costs).mean()),
        gap=float(np.mean([c.gap for c in first]) / costs.mean()) if first else 0.0,
        columns=float(np.mean([c.columns for c in first])) if first else 0.0,
        proven=proven / models if models else 0.0,
    )


def _alone(times: int) -> Way:
    def way(search: Search, rounds: int) -> list[Selected]:
        search.improve(times * rounds)
        return []

    return way


def _choice(search: Search) -> Selected:
    return select(search, neighbourhoods=NEIGHBOURHOODS, routes=ROUTES, deterministic_limit=LIMIT)


def _then_choice(search: Search, rounds: int) -> list[Selected]:
    search.improve(rounds)
    return [_choice(search)]


def _better_of_two(search: Search, rounds: int) -> list[Selected]:
    first = search.mark()
    search.improve(rounds // 2)
    cost, one = search.cost(), search.mark()
    search.back_to(first)
    search.improve(rounds // 2)
    if search.cost() > cost:
        search.back_to(one)
    return []


def _in_starts(search: Search, rounds: int) -> list[Selected]:
    steps = improve_in_starts(
        search,
        rounds * 3 // 2,
        starts=2,
        neighbourhoods=NEIGHBOURHOODS,
        routes=ROUTES,
        deterministic_limit=LIMIT,
    )
    return [step for step in steps if step is not None]


def _snapshots(arguments: argparse.Namespace) -> Iterator[Snapshot]:
    scenario = load_scenario(SCENARIO)
    sys.stderr.write(f"simulating {scenario.title} up to its rush hour ...\n")
    rush = rush_hour(scenario, load_city(scenario.city))
    policy = Policy()
    if arguments.candidates is not None:
        policy = replace(policy, sourcing_candidates=arguments.candidates)
    for name in arguments.city:
        snapshot = _drawn(name, scenario, rush, arguments.orders, policy)
        if arguments.shift_min is not None:
            snapshot = with_short_shifts(snapshot, arguments.shift_min)
        yield snapshot


def _drawn(name: str, scenario: Scenario, rush: Rush, orders: int, policy: Policy) -> Snapshot:
    city = load_city(name)
    roads = NetworkTravelTimes(city.network)
    return scaled(city, roads, scenario, rush, orders=orders, policy=policy)


def with_short_shifts(snapshot: Snapshot, minutes: int) -> Snapshot:
    """End shifts evenly over the second half of the time left."""
    couriers = []
    for rank, courier in enumerate(snapshot.couriers):
        left_s = 30 * minutes * (1 + rank / max(1, len(snapshot.couriers) - 1))
        end = min(courier.shift_end, snapshot.now + round(left_s))
        couriers.append(replace(courier, shift_end=max(courier.shift_start, end)))
    return replace(snapshot, couriers=tuple(couriers))


def _measured(snapshot: Snapshot, arguments: argparse.Namespace) -> Table:
    posed = pose(read(snapshot))
    # Compiled code is there before anything is measured.
    measure(posed, _WARM_UP, 1)
    table = Table(
        city=snapshot.zone_id,
        orders=len(snapshot.orders),
        free=int((posed.problem.jobs[: posed.problem.job_count, JOB_BAG] < 0).sum()),
        couriers=len(snapshot.couriers),
        stores=len(snapshot.stores),
        rows=measure(posed, arguments.rounds, arguments.seeds),
    )
    sys.stdout.write(told(table))
    sys.stdout.flush()
    return table


def told(table: Table) -> str:
    """Return a table as text."""
    head = (
        f"{table.city}: {table.orders} open orders, {table.free} of them in no bag, "
        f"{table.couriers} couriers, {table.stores} stores"
    )
    lines = [
        head,
        f"{'':44}{'cost':>8}{'without':>9}{'s':>8}{'saved':>8}{'gap':>8}{'routes':>8}{'proven':>8}",
    ]
    for row in table.rows:
        line = f"{row.way:44}{row.over:+8.2%}{row.unrouted:9.1f}{row.took_s:8.2f}"
        if row.columns:
            line += f"{row.saved:8.2%}{row.gap:8.2%}{row.columns:8.0f}{row.proven:8.0%}"
        lines.append(line)
    return "\n".join(lines) + "\n"
