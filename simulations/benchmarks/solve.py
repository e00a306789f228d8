"""`samehour bench solve`: what stands behind `POST /v1/solve`, beside VROOM and OR-Tools.

All get the same problem in whole numbers, the same wall time and one core.  Whoever serves what in
which order is timed, priced and checked by the same code, whoever said it.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from typing import Final

from dispatch.tours.check import check
from dispatch.tours.model import Answer, Problem, Unserved, Why
from dispatch.tours.posing import pose
from dispatch.tours.solve import tour_in_time
from dispatch.tours.warming import warm_up
from geo.progress import stage
from simulations.benchmarks.lilim_files import instance_files, read_instance
from simulations.benchmarks.solve_cases import KINDS, of_li_lim
from simulations.benchmarks.solve_peers import OURS, SOLVERS, Budget, Found
from simulations.errors import SimulationError

_BROKEN: Final = 1
_WRONG_INPUT: Final = 2


@dataclass(frozen=True, slots=True)
class Row:
    """What a solver made of a problem.

    Attributes
    ----------
    broken
        What its answer breaks; the figures mean nothing then.
    """

    problem: str
    solver: str
    unserved: int
    vehicles: int
    cost: float
    wall_s: float
    broken: tuple[str, ...]


def measure(name: str, problem: Problem, solver: str, budget: Budget) -> Row:
    """Let a solver have a problem; time, price and check what it says."""
    found = SOLVERS[solver](problem, budget)
    answer, broken = judged(problem, found)
    return Row(
        name,
        solver,
        len(answer.unserved),
        len(answer.tours),
        round(answer.cost, 1),
        round(found.wall_s, 2),
        tuple(broken),
    )


def judged(problem: Problem, found: Found) -> tuple[Answer, list[str]]:
    """Return an order of tasks as an answer, and what it breaks."""
    posed = pose(problem)
    tours, broken = [], []
    for vehicle, tasks in found.orders.items():
        try:
            tours.append(tour_in_time(posed, vehicle, tasks))
        except AssertionError:
            broken.append(f"vehicle {vehicle} cannot keep its windows")
    served = {row for tasks in found.orders.values() for row, _ in tasks}
    left = tuple(
        Unserved(row, Why.NO_ROOM, "left out")
        for row in range(len(problem.requests))
        if row not in served
    )
    answer = Answer(tuple(tours), left)
    return answer, broken or check(problem, answer)


def run(arguments: argparse.Namespace) -> int:
    """Measure and print; returns 0, 1 when an answer of ours is not sound, 2 for wrong input."""
    try:
        problems = list(_problems(arguments))
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
    with stage("compiling"):
        warm_up()
    budget = Budget(arguments.seconds, arguments.seed)
    sys.stdout.write(f"{'problem':<16}" + "".join(f"{one:>28}" for one in solvers) + "\n")
    rows: list[Row] = []
    for name, problem in problems:
        found = [measure(name, problem, solver, budget) for solver in solvers]
        rows += found
        sys.stdout.write(f"{name:<16}" + "".join(f"{_cell(row):>28}" for row in found) + "\n")
        sys.stdout.flush()
    ratios = {solver: ratio(rows, solver) for solver in solvers if solver != OURS}
    for solver, (value, count) in ratios.items():
        told = "-" if value is None else f"{value:.3f}"
        sys.stdout.write(f"cost of ours to {solver}'s, geometric mean of {count}: {told}\n")
    if arguments.json:
        figures = {
            "seconds": budget.seconds,
            "seed": budget.seed,
            "ratios": {solver: value for solver, (value, _) in ratios.items()},
            "problems": [asdict(row) for row in rows],
        }
        sys.stdout.write(json.dumps(figures) + "\n")
    unsound = [row for row in rows if row.solver == OURS and row.broken]
    for row in unsound:
        sys.stdout.write(f"broken: {row.problem}: {row.broken[0]}\n")
    return _BROKEN if unsound else 0


def ratio(rows: Sequence[Row], solver: str) -> tuple[float | None, int]:
    """Return the mean of our costs to a solver's, where both serve as much and break nothing."""
    theirs = {row.problem: row for row in rows if row.solver == solver}
    logs = [
        math.log(row.cost / theirs[row.problem].cost)
        for row in rows
        if row.solver == OURS
        and not row.broken
        and not theirs[row.problem].broken
        and row.unserved == theirs[row.problem].unserved
        and row.cost > 0
        and theirs[row.problem].cost > 0
    ]
    return (math.exp(sum(logs) / len(logs)) if logs else None), len(logs)


def _problems(arguments: argparse.Namespace) -> Iterator[tuple[str, Problem]]:
    for kind, make in KINDS.items():
        for number in range(arguments.instances):
            yield f"{kind}-{number + 1}", make(arguments.tasks, arguments.seed + number)
    if arguments.folder is not None:
        for path in instance_files(arguments.folder, arguments.only):
            instance = read_instance(path)
            yield instance.name, of_li_lim(instance)


def _cell(row: Row) -> str:
    if row.broken:
        return f"breaks: {row.broken[0][:18]}"
    left = f" ({row.unserved} left)" if row.unserved else ""
    return f"{row.vehicles} {row.cost:.0f}{left} {row.wall_s:.1f} s"
