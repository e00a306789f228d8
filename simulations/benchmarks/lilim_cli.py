"""`samehour bench lilim`: its command line; the rest is imported when run."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, Final

from simulations.arguments import number, seed, whole

SECONDS: Final = 10.0
_MOST_SECONDS: Final = 3600.0
_MOST_ROUNDS: Final = 1_000_000_000
_MOST_JOBS: Final = 256


def add_lilim(kinds: Any) -> None:
    """Add `lilim` to the kinds of benchmarks."""
    lilim = kinds.add_parser(
        "lilim",
        help="Li and Lim's pickup-and-delivery problems: vehicles and distance to the best known",
        description="Solve Li and Lim's pickup-and-delivery problems with time windows, each on "
        "one core, beside OR-Tools' routing model alone and VROOM in the same time; fewer "
        "vehicles count before less distance. Exit code 1 when a solution of ours breaks a limit "
        "or a target is missed.",
    )
    lilim.add_argument(
        "folder",
        type=Path,
        metavar="DIR",
        help="the instances, *.txt in it or below, and BKS.json with the best known solutions",
    )
    lilim.add_argument(
        "--only", nargs="+", default=[], metavar="NAME", help="these instances (all)"
    )
    lilim.add_argument(
        "--seconds",
        type=number(0, _MOST_SECONDS, "seconds"),
        default=SECONDS,
        metavar="N",
        help=f"of wall time for each instance and solver ({SECONDS:g})",
    )
    lilim.add_argument(
        "--rounds",
        type=whole(1, _MOST_ROUNDS),
        metavar="N",
        help="rounds of ours instead of seconds: the same answer on every machine",
    )
    lilim.add_argument("--seed", type=seed, default=1, metavar="N", help="of ours (1)")
    lilim.add_argument(
        "--jobs",
        type=whole(1, _MOST_JOBS),
        default=1,
        metavar="N",
        help="instances side by side, a core each (1)",
    )
    lilim.add_argument(
        "--no-peers", dest="peers", action="store_false", help="ours alone, in a third of the time"
    )
    lilim.add_argument("--json", action="store_true", help="the last line is a JSON object")
    lilim.set_defaults(handler=_lilim)


def _lilim(arguments: argparse.Namespace) -> int:
    from simulations.benchmarks.lilim import run  # noqa: PLC0415

    return run(arguments)
