"""`samehour bench solve`: its command line; the rest is imported when run."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, Final

from simulations.arguments import number, seed, whole

SECONDS: Final = 5.0
TASKS: Final = 100
INSTANCES: Final = 2
_MOST_SECONDS: Final = 3600.0
_MOST_TASKS: Final = 2000
_MOST_INSTANCES: Final = 100


def add_solve(kinds: Any) -> None:
    """Add `solve` to the kinds of benchmarks."""
    solve = kinds.add_parser(
        "solve",
        help="what stands behind POST /v1/solve, beside VROOM and OR-Tools",
        description="Solve made problems (time windows, pairs, skills, breaks, several loads), and "
        "Li and Lim's where a folder has them, beside VROOM and OR-Tools' routing model in the "
        "same time on one core. Exit code 1 when an answer of ours is not sound.",
    )
    solve.add_argument(
        "folder", type=Path, nargs="?", metavar="DIR", help="Li and Lim's problems (none)"
    )
    solve.add_argument("--only", nargs="+", default=[], metavar="NAME", help="of these (all)")
    solve.add_argument(
        "--seconds",
        type=number(0, _MOST_SECONDS, "seconds"),
        default=SECONDS,
        metavar="N",
        help=f"of wall time for each problem and solver ({SECONDS:g})",
    )
    solve.add_argument(
        "--tasks",
        type=whole(2, _MOST_TASKS),
        default=TASKS,
        metavar="N",
        help=f"in a made problem ({TASKS})",
    )
    solve.add_argument(
        "--instances",
        type=whole(0, _MOST_INSTANCES),
        default=INSTANCES,
        metavar="N",
        help=f"made problems of each kind ({INSTANCES})",
    )
    solve.add_argument("--seed", type=seed, default=1, metavar="N", help="of all draws (1)")
    solve.add_argument("--no-peers", dest="peers", action="store_false", help="ours alone")
    solve.add_argument("--json", action="store_true", help="print a JSON object at the end")
    solve.set_defaults(handler=run)


def run(arguments: argparse.Namespace) -> int:
    """Measure and print."""
    from simulations.benchmarks.solve import run as measure  # noqa: PLC0415  solvers take seconds

    return measure(arguments)
