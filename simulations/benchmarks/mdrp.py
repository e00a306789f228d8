"""`samehour bench mdrp`: whole days of meals under the engine, beside the baselines.

Every solution is written in the published exchange format, read again and held against the
published rules before a figure of it counts.
"""

from __future__ import annotations

import argparse
import csv
import json
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, astuple, dataclass, fields
from fnmatch import fnmatchcase
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final

from simulations.benchmarks.mdrp_contenders import (
    DEFAULT,
    OURS,
    REYES,
    Contender,
    ContenderError,
    ablated,
    contender,
    foreseeing,
)
from simulations.benchmarks.mdrp_left import Left, Why
from simulations.benchmarks.mdrp_measures import Figures, means, ratio
from simulations.benchmarks.mdrp_run import Outcome, Task, carry_out
from simulations.errors import SimulationError

_FAILED: Final = 1
_WRONG_INPUT: Final = 2
_MOST_SHOWN: Final = 20

GATES: Final = (
    ("balanced", "excess_min", 0.42),
    ("balanced", "driving_min", 1.04),
    ("balanced", "late_beyond_pct", 0.24),
    ("fast", "excess_min", 0.36),
    ("fast", "driving_min", 1.26),
    ("fast", "late_beyond_pct", 0.24),
)
"""Of a measure, what share of the Reyes-style policy's a policy of ours may have at most.

Excess and lateness beyond the unavoidable against the better of the two settings, driving against
the paper's own (every 5 minutes); over all instances, so never judged on some of them.
"""

_ROWS: Final = (
    ("delivered", "delivered_pct", "{:.2f} %"),
    ("undelivered, orders", "undelivered", "{:.0f}"),
    ("click-to-door, mean", "click_to_door_min", "{:.2f}"),
    ("  p50", "click_to_door_p50_min", "{:.1f}"),
    ("  p95", "click_to_door_p95_min", "{:.1f}"),
    ("  over the target", "over_target_pct", "{:.1f} %"),
    ("  over the maximum", "over_most_pct", "{:.2f} %"),
    ("  overage", "overage_min", "{:.2f}"),
    ("ready-to-door", "ready_to_door_min", "{:.2f}"),
    ("ready-to-pickup", "ready_to_pickup_min", "{:.2f}"),
    ("pay", "pay", "{:.0f}"),
    ("utilisation", "utilisation_pct", "{:.1f} %"),
    ("driving per order", "driving_min", "{:.2f}"),
    ("  to Reyes-style every 5", "driving_ratio", "{:.3f}"),
    ("orders per trip", "orders_per_trip", "{:.3f}"),
    ("unavoidable", "bound_min", "{:.2f}"),
    ("excess", "excess_min", "{:.2f}"),
    ("  to Reyes-style", "excess_ratio", "{:.3f}"),
    ("late beyond unavoidable", "late_beyond_pct", "{:.2f} %"),
    ("  to Reyes-style", "late_ratio", "{:.3f}"),
    ("tick p50, ms", "tick_p50_ms", "{:.2f}"),
    ("  p95", "tick_p95_ms", "{:.2f}"),
    ("  p95 of the worst day", "worst_tick_p95_ms", "{:.2f}"),
    ("replan p50, ms", "replan_p50_ms", "{:.2f}"),
    ("  p95", "replan_p95_ms", "{:.2f}"),
    ("engine, ms a minute", "engine_ms", "{:.2f}"),
)


@dataclass(frozen=True, slots=True)
class Gate:
    """What was asked of a policy, and what it reached."""

    policy: str
    measure: str
    most: float
    ratio: float

    @property
    def is_missed(self) -> bool:
        """Whether the ratio is above the gate, or is none."""
        return not self.ratio <= self.most


def run(arguments: argparse.Namespace) -> int:
    """Run and print; returns 0, 1 for a broken rule or a missed gate, 2 for wrong input."""
    try:
        folders = instance_folders(arguments.folder, arguments.instances)
        contenders = _contenders(arguments)
        tasks = [
            Task(folder, one, arguments.seed, arguments.out)
            for folder in folders
            for one in contenders
        ]
        outcomes = list(_carried_out(tasks, arguments.jobs))
    except SimulationError as error:
        sys.stderr.write(f"samehour: {error}\n")
        return _WRONG_INPUT
    except KeyboardInterrupt:
        sys.stderr.write("\nstopped before the end; nothing to show\n")
        return _FAILED
    names = [one.name for one in contenders]
    by_name = {
        name: [outcome for outcome in outcomes if outcome.figures.policy == name] for name in names
    }
    table = compared({name: [o.figures for o in found] for name, found in by_name.items()})
    gates = judged(table) if arguments.instances == "*" else []
    left = [entry for outcome in outcomes for entry in outcome.left]
    breaches = [
        f"{outcome.figures.policy}, {outcome.figures.instance}: {breach}"
        for outcome in outcomes
        for breach in outcome.breaches
    ]
    _print(table, len(folders), gates, left, breaches)
    if arguments.out is not None:
        _write(arguments.out, [outcome.figures for outcome in outcomes], left)
    if arguments.json:
        said = {
            "instances": len(folders),
            "policies": {
                name: {key: _known(value) for key, value in mine.items()}
                for name, mine in table.items()
            },
            "gates": [{**asdict(gate), "missed": gate.is_missed} for gate in gates],
            "breaches": len(breaches),
        }
        sys.stdout.write(json.dumps(said) + "\n")
    return _FAILED if breaches or any(gate.is_missed for gate in gates) else 0


def instance_folders(folder: Path, pattern: str) -> list[Path]:
    """Return the instances in a folder (or itself, if it is one) whose names fit a pattern.

    Raises
    ------
    SimulationError
        There is none.
    """
    if (folder / "orders.txt").is_file():
        return [folder]
    found = [
        path.parent
        for path in sorted(folder.glob("*/orders.txt"))
        if fnmatchcase(path.parent.name, pattern)
    ]
    if not found:
        raise SimulationError(
            f"no instance {pattern} is in {folder}; name a folder of folders with an orders.txt"
        )
    return found


def _contenders(arguments: argparse.Namespace) -> list[Contender]:
    names = arguments.policy or list(DEFAULT)
    found = [contender(name, arguments.every) for name in names]
    if arguments.ablate:
        found += ablated(contender("fast", arguments.every))
    if arguments.perfect:
        base = contender("balanced", arguments.every)
        found += foreseeing(base, arguments.perfect_ahead, arguments.perfect_rounds)
    twice = sorted({one.name for one in found if [o.name for o in found].count(one.name) > 1})
    if twice:
        raise ContenderError(f"policy {', '.join(twice)} is there twice; name each once")
    return found


# --- running -----------------------------------------------------------------------------------


def _carried_out(tasks: Sequence[Task], jobs: int) -> Iterator[Outcome]:
    """Yield the outcomes in the order of the tasks, however many processes share them."""
    began = time.perf_counter()
    if jobs == 1:
        for index, task in enumerate(tasks, start=1):
            yield carry_out(task)
            _progress(index, len(tasks), began)
        return
    # The longest days first, so that no process is left with one at the end.
    size = {task.folder: (task.folder / "orders.txt").stat().st_size for task in tasks}
    largest_first = sorted(range(len(tasks)), key=lambda i: (-size[tasks[i].folder], i))
    found: dict[int, Outcome] = {}
    pool = ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=_ignore_ctrl_c)
    try:
        futures = {pool.submit(carry_out, tasks[index]): index for index in largest_first}
        for future in as_completed(futures):
            found[futures[future]] = future.result()
            _progress(len(found), len(tasks), began)
    except BaseException:
        for process in list((pool._processes or {}).values()):  # noqa: SLF001 - no other way
            process.terminate()
        pool.shutdown(cancel_futures=True)
        raise
    pool.shutdown()
    yield from (found[index] for index in range(len(tasks)))


def _ignore_ctrl_c() -> None:
    """Leave it to the parent to end the children, in order."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _progress(done: int, of: int, began: float) -> None:
    took_s = time.perf_counter() - began
    left_min = took_s / done * (of - done) / 60
    end = "\n" if done == of else "\r"
    if end == "\n" or sys.stderr.isatty():
        sys.stderr.write(f"{done} of {of} days, {left_min:.0f} min to go   {end}")
        sys.stderr.flush()


# --- saying ------------------------------------------------------------------------------------


def compared(rows: dict[str, list[Figures]]) -> dict[str, dict[str, float]]:
    """Return each policy's means with its ratios to the Reyes-style policy, NaN without it."""
    table = {name: means(found) for name, found in rows.items()}
    peers = [table[name] for name in REYES if name in table]
    every_5 = [table[name] for name in REYES[:1] if name in table]
    for mine in table.values():
        mine["excess_ratio"] = ratio(mine, peers, "excess_min")
        mine["late_ratio"] = ratio(mine, peers, "late_beyond_pct")
        mine["driving_ratio"] = ratio(mine, every_5, "driving_min")
    return table


def judged(table: dict[str, dict[str, float]]) -> list[Gate]:
    """Return the gates of the policies that took part, if both Reyes-style settings did."""
    if not all(name in table for name in REYES):
        return []
    column = {
        "excess_min": "excess_ratio",
        "driving_min": "driving_ratio",
        "late_beyond_pct": "late_ratio",
    }
    return [
        Gate(name, measure, most, table[name][column[measure]])
        for name, measure, most in GATES
        if name in table
    ]


def _print(
    table: dict[str, dict[str, float]],
    instances: int,
    gates: Sequence[Gate],
    left: Sequence[Left],
    breaches: Sequence[str],
) -> None:
    write = sys.stdout.write
    days = "1 instance" if instances == 1 else f"{instances} instances, means of instances"
    write(f"{days}; times in minutes where nothing else is said\n")
    width = max(12, *(len(name) + 2 for name in table))
    first = max(len(title) for title, _, _ in _ROWS) + 2
    write(" " * first + "".join(name.rjust(width) for name in table) + "\n")
    for title, column, form in _ROWS:
        cells = (_cell(form, mine[column]).rjust(width) for mine in table.values())
        write(title.ljust(first) + "".join(cells) + "\n")
    for gate in gates:
        verdict = "MISSED" if gate.is_missed else "met"
        write(f"gate: {gate.policy}, {gate.measure} {gate.ratio:.3f} of Reyes-style, ")
        write(f"at most {gate.most}: {verdict}\n")
    _print_left(table, left)
    for breach in breaches[:_MOST_SHOWN]:
        write(f"BROKEN RULE: {breach}\n")
    if len(breaches) > _MOST_SHOWN:
        write(f"BROKEN RULES: {len(breaches) - _MOST_SHOWN} more\n")


def _print_left(table: dict[str, dict[str, float]], left: Sequence[Left]) -> None:
    for name in table:
        mine = [entry for entry in left if entry.policy == name]
        if not mine:
            continue
        counts = [(why, sum(entry.why is why for entry in mine)) for why in Why]
        said = ", ".join(f"{count} {why.value}" for why, count in counts if count)
        sys.stdout.write(f"{name}: {len(mine)} undelivered: {said}\n")
        if name in REYES or (name not in OURS and len(mine) > _MOST_SHOWN):
            continue
        for entry in mine[:_MOST_SHOWN]:
            sys.stdout.write(f"  {entry.instance} {entry.order_id}: {entry.detail}\n")
        if len(mine) > _MOST_SHOWN:
            sys.stdout.write(f"  and {len(mine) - _MOST_SHOWN} more; --out writes them all\n")


def _cell(form: str, value: float) -> str:
    return "-" if value != value else form.format(value)  # noqa: PLR0124 - only NaN differs


def _known(value: float) -> float | None:
    return None if value != value else round(value, 6)  # noqa: PLR0124 - only NaN differs


def _write(folder: Path, rows: Sequence[Figures], left: Sequence[Left]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, kind, entries in (
        ("instances.csv", Figures, rows),
        ("undelivered.csv", Left, left),
    ):
        with (folder / name).open("w", newline="", encoding="utf-8") as file:
            lines = csv.writer(file)
            lines.writerow([column.name for column in fields(kind)])
            lines.writerows([_plain(value) for value in astuple(entry)] for entry in entries)


def _plain(value: Any) -> Any:
    return round(value, 4) if isinstance(value, float) else value
