"""`samehour bench pool`: its command line; the rest is imported when run."""

from __future__ import annotations

import argparse
from typing import Any, Final

from simulations.arguments import whole

CITIES: Final = ("helsinki", "la-serena")
DEFAULT_ORDERS: Final = 100
DEFAULT_ROUNDS: Final = 800
DEFAULT_SEEDS: Final = 3
_count: Final = whole(1, 1_000_000)


def add_pool(kinds: Any) -> None:
    """Add `pool` to the kinds of benchmarks."""
    pool = kinds.add_parser(
        "pool",
        help="the exact choice from a pool of routes, beside ruin and recreate alone",
        description="Plan a rush hour's moment with the compiled search alone, with the exact "
        "choice at its end, and with several starts joined by the choice: cost and processor "
        "time of each, mean over seeds.",
    )
    pool.add_argument(
        "--city",
        action="append",
        metavar="DIR|NAME",
        help=f"a city; may be given again ({' and '.join(CITIES)})",
    )
    pool.add_argument(
        "--orders",
        type=_count,
        default=DEFAULT_ORDERS,
        metavar="N",
        help=f"open orders ({DEFAULT_ORDERS})",
    )
    pool.add_argument(
        "--rounds",
        type=_count,
        default=DEFAULT_ROUNDS,
        metavar="N",
        help=f"of ruin and recreate; the longest run has four times as many ({DEFAULT_ROUNDS})",
    )
    pool.add_argument(
        "--seeds",
        type=_count,
        default=DEFAULT_SEEDS,
        metavar="N",
        help=f"how many runs to average ({DEFAULT_SEEDS})",
    )
    pool.add_argument(
        "--candidates", type=_count, metavar="N", help="stores weighed for an order (the policy's)"
    )
    pool.add_argument(
        "--shift-min",
        type=_count,
        metavar="N",
        help="end all shifts within so many minutes (as they are)",
    )
    pool.add_argument("--json", action="store_true", help="the last line is a JSON object")
    pool.set_defaults(handler=_pool)


def _pool(arguments: argparse.Namespace) -> int:
    from simulations.benchmarks.pool import run  # noqa: PLC0415

    arguments.city = arguments.city or list(CITIES)
    return run(arguments)
