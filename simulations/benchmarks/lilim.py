"""`samehour bench lilim`: Li & Lim's problems, ours beside OR-Tools and VROOM in the same time.

Fewer vehicles come first, then less distance, in double precision, as the literature counts.
Every solution is checked, and measured, by code that knows the instance alone.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from importlib.util import find_spec
from multiprocessing import get_context
from typing import Final

from dispatch.solving.warming import warm_up
from geo.progress import stage
from simulations.benchmarks.lilim_check import distance, violations
from simulations.benchmarks.lilim_files import (
    Best,
    Instance,
    instance_files,
    read_best,
    read_instance,
)
from simulations.benchmarks.lilim_solvers import OURS, SOLVERS, Budget
from simulations.errors import SimulationError

MOST_VEHICLES_MORE: Final = 1
MEAN_GAP: Final = 0.02
"""Targets: vehicles more than best known, on every instance; mean gap in distance, below."""

_MISSED: Final = 1
_WRONG_INPUT: Final = 2
_MOST_SHOWN: Final = 5


@dataclass(frozen=True, slots=True)
class Row:
    """What a solver made of an instance.

    Attributes
    ----------
    unserved
        Tasks that no tour visits.
    broken
        Limits broken besides.
    gap
        Of the distance to the best known, as a share of that.
    """

    instance: str
    solver: str
    vehicles: int
    distance: float
    best_vehicles: int
    best_distance: float
    unserved: int
    broken: tuple[str, ...]
    wall_s: float
    rounds: int

    @property
    def is_feasible(self) -> bool:
        """Whether it serves everything and breaks nothing."""
        return not self.unserved and not self.broken

    @property
    def more(self) -> int:
        """Vehicles more than best known."""
        return self.vehicles - self.best_vehicles

    @property
    def gap(self) -> float:
        """Of the distance to the best known, as a share of that."""
        return self.distance / self.best_distance - 1.0


@dataclass(frozen=True, slots=True)
class Summary:
    """A solver over all instances; gaps of feasible solutions only, None where there is none.

    Attributes
    ----------
    feasible
        Instances with everything served and nothing broken.
    more, most_more
        Vehicles more than best known: of all feasible ones together, and of the worst.
    mean_gap
        In distance, whatever the vehicles.
    mean_gap_alike
        In distance, where the vehicles are as few as best known.
    """

    solver: str
    instances: int
    feasible: int
    as_few: int
    more: int
    most_more: int
    mean_gap: float | None
    mean_gap_alike: float | None
    worst_gap: float | None
    mean_wall_s: float
    worst_wall_s: float


def measure(instance: Instance, best: Best, solver: str, budget: Budget) -> Row:
    """Let a solver have an instance, and check what it says."""
    answer = SOLVERS[solver](instance, budget)
    visited = {task for tour in answer.tours for task in tour}
    unserved = len(instance.nodes) - 1 - len(visited)
    broken = violations(instance, answer.tours)
    if unserved:
        broken = [what for what in broken if not what.endswith("is visited 0 times")]
    return Row(
        instance=instance.name,
        solver=solver,
        vehicles=sum(bool(tour) for tour in answer.tours),
        distance=distance(instance, answer.tours),
        best_vehicles=best.vehicles,
        best_distance=best.distance,
        unserved=unserved,
        broken=tuple(broken),
        wall_s=answer.wall_s,
        rounds=answer.rounds,
    )


def summarise(solver: str, rows: Sequence[Row]) -> Summary:
    """Return what a solver did over all instances."""
    sound = [row for row in rows if row.is_feasible]
    alike = [row.gap for row in sound if row.more <= 0]
    gaps = [row.gap for row in sound]
    return Summary(
        solver=solver,
        instances=len(rows),
        feasible=len(sound),
        as_few=len(alike),
        more=sum(row.more for row in sound),
        most_more=max((row.more for row in sound), default=0),
        mean_gap=_mean(gaps),
        mean_gap_alike=_mean(alike),
        worst_gap=max(gaps, default=None),
        mean_wall_s=_mean([row.wall_s for row in rows]) or 0.0,
        worst_wall_s=max((row.wall_s for row in rows), default=0.0),
    )


def missed(rows: Sequence[Row]) -> list[str]:
    """Return the targets that our solutions miss, and the limits they break, in words."""
    found: list[str] = []
    for row in rows:
        if row.unserved:
            found.append(f"{row.instance}: {row.unserved} tasks are not served")
        found += [f"{row.instance}: {what}" for what in row.broken[:_MOST_SHOWN]]
        if row.more > MOST_VEHICLES_MORE:
            found.append(f"{row.instance}: {row.vehicles} vehicles, best known {row.best_vehicles}")
    mean = _mean([row.gap for row in rows])
    if mean is not None and mean >= MEAN_GAP:
        found.append(f"mean gap in distance {mean:.2%}, target below {MEAN_GAP:.0%}")
    return found


def run(arguments: argparse.Namespace) -> int:
    """Measure and print; returns 0, 1 for a broken limit or a missed target, 2 for wrong input."""
    try:
        files = instance_files(arguments.folder, arguments.only)
        instances = [read_instance(path) for path in files]
        best = read_best(arguments.folder, [one.name for one in instances])
    except SimulationError as error:
        sys.stderr.write(f"samehour: {error}\n")
        return _WRONG_INPUT
    solvers = list(SOLVERS) if arguments.peers else [OURS]
    if "VROOM" in solvers and find_spec("vroom") is None:
        solvers.remove("VROOM")
        sys.stderr.write(
            "samehour: VROOM is left out, pyvroom is not installed; "
            "install it: pip install 'samehour[dev]'\n"
        )
    budget = Budget(arguments.seconds, arguments.seed, arguments.rounds)
    with stage("compiling"):
        warm_up()
    _print_head(solvers)
    rows: list[Row] = []
    for found in _measured(instances, best, solvers, budget, arguments.jobs):
        rows += found
        sys.stdout.write(_line(found) + "\n")
        sys.stdout.flush()
    summaries = [summarise(solver, [r for r in rows if r.solver == solver]) for solver in solvers]
    sys.stdout.write("\n" + "\n".join(_told(summaries)) + "\n")
    misses = missed([row for row in rows if row.solver == OURS])
    for miss in misses:
        sys.stdout.write(f"missed: {miss}\n")
    if arguments.json:
        sys.stdout.write(json.dumps(_figures(rows, summaries, misses, budget)) + "\n")
    return _MISSED if misses else 0


def _measured(
    instances: Sequence[Instance],
    best: dict[str, Best],
    solvers: Sequence[str],
    budget: Budget,
    jobs: int,
) -> Iterator[list[Row]]:
    """Yield the rows of each instance, in order."""
    bests = [best[instance.name] for instance in instances]
    one = partial(_all_of, solvers=solvers, budget=budget)
    if jobs == 1:
        yield from map(one, instances, bests)
        return
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=warm_up) as pool:
        yield from pool.map(one, instances, bests)


def _all_of(instance: Instance, best: Best, solvers: Sequence[str], budget: Budget) -> list[Row]:
    return [measure(instance, best, solver, budget) for solver in solvers]


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


# --- in words -----------------------------------------------------------------------------------


def _print_head(solvers: Sequence[str]) -> None:
    head = f"{'instance':<12}{'best known':>14}"
    head += "".join(f"{solver:>26}" for solver in solvers)
    sys.stdout.write(f"{head}\n")


def _line(rows: Sequence[Row]) -> str:
    first = rows[0]
    line = f"{first.instance:<12}{first.best_vehicles:>4}{first.best_distance:>10.2f}"
    for row in rows:
        line += f"{_cell(row):>26}"
    return line


def _cell(row: Row) -> str:
    if row.broken:
        return f"breaks {len(row.broken)} limits"
    if row.unserved:
        return f"{row.unserved} tasks left out"
    return f"{row.vehicles:>4}{row.distance:>10.2f}{row.gap:>+9.2%}"


def _told(summaries: Sequence[Summary]) -> list[str]:
    lines = [f"{'':<44}" + "".join(f"{one.solver:>12}" for one in summaries)]

    def add(name: str, values: Sequence[str]) -> None:
        lines.append(f"{name:<44}" + "".join(f"{value:>12}" for value in values))

    def share(value: float | None) -> str:
        return "-" if value is None else f"{value:.2%}"

    add("instances", [str(one.instances) for one in summaries])
    add("all served, no limit broken", [str(one.feasible) for one in summaries])
    add("  with as few vehicles as best known", [str(one.as_few) for one in summaries])
    add("  vehicles more, all together", [f"{one.more:+d}" for one in summaries])
    add("  vehicles more, worst instance", [f"{one.most_more:+d}" for one in summaries])
    add("  distance to best known, mean", [share(one.mean_gap) for one in summaries])
    add("    where vehicles are as few", [share(one.mean_gap_alike) for one in summaries])
    add("    worst instance", [share(one.worst_gap) for one in summaries])
    add("wall time, mean", [f"{one.mean_wall_s:.1f} s" for one in summaries])
    add("  worst instance", [f"{one.worst_wall_s:.1f} s" for one in summaries])
    return lines


def _figures(
    rows: Sequence[Row], summaries: Sequence[Summary], misses: Sequence[str], budget: Budget
) -> dict[str, object]:
    return {
        "seconds": budget.seconds,
        "rounds": budget.rounds,
        "seed": budget.seed,
        "targets": {"most_vehicles_more": MOST_VEHICLES_MORE, "mean_gap": MEAN_GAP},
        "missed": list(misses),
        "summary": {one.solver: asdict(one) for one in summaries},
        "instances": [{**asdict(row), "gap": row.gap, "more": row.more} for row in rows],
    }
