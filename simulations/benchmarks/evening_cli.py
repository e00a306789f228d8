"""`samehour bench evening`: its command line; the rest is imported when run."""

from __future__ import annotations

import argparse
import sys
from typing import Any, Final

from simulations.arguments import number, seed, whole

ORDERS: Final = 4000
COURIERS: Final = 300
PER_HOUR: Final = 1000.0
_LEAST_ORDERS: Final = 10
_MOST_ORDERS: Final = 50_000
_MOST_COURIERS: Final = 2000
_MOST_PER_HOUR: Final = 10_000.0
_MOST_REPEATS: Final = 100
_WRONG_INPUT: Final = 2


def add_evening(kinds: Any) -> None:
    """Add `evening` to the kinds of benchmarks."""
    evening = kinds.add_parser(
        "evening",
        help="a whole evening under a simulated clock: times real time, cost per order, memory",
        description="Simulate an evening in La Serena with the engine of the live service and "
        "say how many times faster than life it ran, what an order cost as the evening grew "
        "longer and denser, where the time went, and what a bare event loop takes. Exit code 1 "
        "when a plan broke a rule or an order was left open.",
    )
    evening.add_argument(
        "--orders",
        type=whole(_LEAST_ORDERS, _MOST_ORDERS),
        default=ORDERS,
        metavar="N",
        help=f"clicked ({ORDERS})",
    )
    evening.add_argument(
        "--couriers",
        type=whole(1, _MOST_COURIERS),
        default=COURIERS,
        metavar="N",
        help=f"at work ({COURIERS})",
    )
    evening.add_argument(
        "--per-hour",
        type=number(1, _MOST_PER_HOUR, "orders an hour"),
        default=PER_HOUR,
        metavar="N",
        help=f"orders an hour: with --orders it says how long the evening is ({PER_HOUR:g})",
    )
    evening.add_argument("--seed", type=seed, default=1, metavar="N", help="of the evening (1)")
    evening.add_argument(
        "--repeat",
        type=whole(1, _MOST_REPEATS),
        default=1,
        metavar="N",
        help="run the evening so often; the one of median time is told of (1)",
    )
    evening.add_argument(
        "--no-growth",
        dest="growth",
        action="store_false",
        help="without the shorter and the less dense evenings",
    )
    evening.add_argument(
        "--no-pair", dest="pair", action="store_false", help="without two evenings side by side"
    )
    evening.add_argument("--json", action="store_true", help="the last line is a JSON object")
    evening.set_defaults(handler=_evening)


def _evening(arguments: argparse.Namespace) -> int:
    try:
        from simulations.benchmarks.evening import measure  # noqa: PLC0415
    except ModuleNotFoundError as error:
        sys.stderr.write(
            f"samehour: a benchmark beside its peers needs {error.name}, which is not installed; "
            "install it: pip install 'samehour[dev]'\n"
        )
        return _WRONG_INPUT
    return measure(arguments)
