"""`samehour bench`: its command line; the rest is imported when run."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, Final

from geo.modes import Mode
from simulations.arguments import seed, whole
from simulations.benchmarks.api_cli import add_api
from simulations.benchmarks.decision_cli import add_decision
from simulations.benchmarks.evening_cli import add_evening
from simulations.benchmarks.lilim_cli import add_lilim
from simulations.benchmarks.pool_cli import add_pool
from simulations.benchmarks.quote_cli import add_quote
from simulations.benchmarks.solve_cli import add_solve
from simulations.benchmarks.start_cli import WriteLedger, add_start
from simulations.benchmarks.tick_cli import add_tick

DEFAULT_CITY: Final = "la-serena"
DEFAULT_ROUNDS: Final = 5
MOST_TILES: Final = 100
DEFAULT_JOBS: Final = 2
DEFAULT_AHEAD_MIN: Final = 75
DEFAULT_PERFECT_ROUNDS: Final = 20_000


def add_parser(commands: Any, write_ledger: WriteLedger) -> None:
    """Add `bench` to a command line; `write_ledger` is what `bench start` writes its log by."""
    bench = commands.add_parser("bench", help="measure speed beside the best peers there are")
    kinds = bench.add_subparsers(dest="bench_command", metavar="WHAT", required=True)
    matrix = kinds.add_parser(
        "matrix",
        help="travel times: tables, updates, snapping, loading, routes",
        description="Measure travel times on a city beside scipy, routingkit-cch, shapely and "
        "OSMnx: one process, medians, answers compared before they are timed. Exit code 1 when "
        "an answer differs or a gate is missed.",
    )
    matrix.add_argument(
        "--city", default=DEFAULT_CITY, metavar="DIR|NAME", help=f"a city ({DEFAULT_CITY})"
    )
    matrix.add_argument(
        "--mode",
        choices=[mode.value for mode in Mode],
        default=Mode.CAR.value,
        help="how one travels (car)",
    )
    matrix.add_argument(
        "--tiles",
        type=whole(1, MOST_TILES),
        default=1,
        metavar="N",
        help="lay the city's roads out N times, joined at the borders: 23 times La Serena is a "
        "city of 200,000 junctions",
    )
    matrix.add_argument(
        "--rounds",
        type=whole(1, 1000),
        default=DEFAULT_ROUNDS,
        metavar="N",
        help=f"how often each is timed; the median counts ({DEFAULT_ROUNDS})",
    )
    matrix.add_argument("--seed", type=seed, default=1, metavar="N", help="draws the places (1)")
    matrix.add_argument("--json", action="store_true", help="the last line is a JSON object")
    matrix.add_argument(
        "--osrm",
        metavar="PYTHON",
        type=Path,
        help="a Python 3.12 with OSRM's own wheel, to be measured beside",
    )
    matrix.set_defaults(handler=_matrix)
    add_api(kinds)
    _add_mdrp(kinds)
    add_tick(kinds)
    add_pool(kinds)
    add_decision(kinds)
    add_evening(kinds)
    add_lilim(kinds)
    add_solve(kinds)
    add_quote(kinds)
    add_start(kinds, write_ledger)


def _add_mdrp(kinds: Any) -> None:
    mdrp = kinds.add_parser(
        "mdrp",
        help="whole days of meals: the Grubhub instances, beside the baselines",
        description="Run the engine over meal-delivery instances with our policies and the "
        "baselines, write and verify their solutions, and print the published measures. Exit "
        "code 1 when a rule is broken or, over all instances, a gate is missed.",
    )
    mdrp.add_argument(
        "folder", type=Path, metavar="DIR", help="a folder of instances, or one instance"
    )
    mdrp.add_argument(
        "--policy",
        action="append",
        metavar="NAME|FILE",
        help="balanced, fast, nearest, reyes-5, reyes-2, insertion, vroom or a policy's .toml; "
        "again for more (all but vroom)",
    )
    mdrp.add_argument(
        "--instances", default="*", metavar="GLOB", help="only those with such names (all)"
    )
    mdrp.add_argument(
        "--every",
        type=whole(1, 60),
        metavar="MIN",
        help="minutes between two decisions of our policies (what the policy says)",
    )
    mdrp.add_argument(
        "--jobs",
        type=whole(1, 256),
        default=DEFAULT_JOBS,
        metavar="N",
        help=f"processes ({DEFAULT_JOBS})",
    )
    mdrp.add_argument("--seed", type=seed, default=1, metavar="N", help="handed to plans (1)")
    mdrp.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        help="write there, by policy and instance, what the published evaluator reads, and "
        "instances.csv and undelivered.csv",
    )
    mdrp.add_argument("--json", action="store_true", help="the last line is a JSON object")
    mdrp.add_argument(
        "--perfect",
        action="store_true",
        help="beside them the balanced policy with orders known ahead, and with all orders of "
        "the day known from the start and one long plan",
    )
    mdrp.add_argument(
        "--perfect-ahead",
        type=whole(1, 10_000),
        default=DEFAULT_AHEAD_MIN,
        metavar="MIN",
        help=f"minutes before its placement that an order is known ({DEFAULT_AHEAD_MIN})",
    )
    mdrp.add_argument(
        "--perfect-rounds",
        type=whole(0, 1_000_000_000),
        default=DEFAULT_PERFECT_ROUNDS,
        metavar="N",
        help=f"effort of the one long plan ({DEFAULT_PERFECT_ROUNDS})",
    )
    mdrp.add_argument(
        "--ablate",
        action="store_true",
        help="beside them the fast policy with one idea switched at a time",
    )
    mdrp.set_defaults(handler=_mdrp)


def _matrix(arguments: argparse.Namespace) -> int:
    from simulations.benchmarks.matrix import run  # noqa: PLC0415

    return run(arguments)


def _mdrp(arguments: argparse.Namespace) -> int:
    from simulations.benchmarks.mdrp import run  # noqa: PLC0415

    return run(arguments)
