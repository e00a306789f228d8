"""`samehour bench quote`: its command line; the rest is imported when run."""

from __future__ import annotations

import argparse
from typing import Any, Final

from simulations.arguments import number, seed, whole

ORDERS: Final = 300
COURIERS: Final = 100
PER_HOUR: Final = 1200.0
QUOTES: Final = 300
_MOST_ORDERS: Final = 5000
_MOST_COURIERS: Final = 2000
_MOST_PER_HOUR: Final = 10_000.0
_MOST_QUOTES: Final = 100_000
_MOST_SECONDS: Final = 3600.0


def add_quote(kinds: Any) -> None:
    """Add `quote` to the kinds of benchmarks."""
    quote = kinds.add_parser(
        "quote",
        help="how long a customer's quote takes, and how good a plan is after 0.3 s",
        description="Simulate an evening in La Serena until so many orders are open, then ask the "
        "engine for quotes: with nothing changed since the last one, and with a position, a "
        "second and a store's stock changed before each. Beside it the same decision without a "
        "standing plan, and a rule of thumb. Exit code 1 when the two decisions differ.",
    )
    quote.add_argument(
        "--orders",
        type=whole(1, _MOST_ORDERS),
        default=ORDERS,
        metavar="N",
        help=f"open when quotes are asked for ({ORDERS})",
    )
    quote.add_argument(
        "--couriers",
        type=whole(1, _MOST_COURIERS),
        default=COURIERS,
        metavar="N",
        help=f"on shift ({COURIERS})",
    )
    quote.add_argument(
        "--per-hour",
        type=number(0, _MOST_PER_HOUR, "orders an hour"),
        default=PER_HOUR,
        metavar="N",
        help=f"clicks an hour until then ({PER_HOUR:g})",
    )
    quote.add_argument(
        "--quotes",
        type=whole(1, _MOST_QUOTES),
        default=QUOTES,
        metavar="N",
        help=f"of each kind ({QUOTES})",
    )
    quote.add_argument(
        "--plan-seconds",
        type=number(0, _MOST_SECONDS, "seconds"),
        default=0.0,
        metavar="S",
        help="also plan that moment, ever longer up to S seconds on one core, and say how much "
        "dearer the plan after 0.3 s is (leave it out)",
    )
    quote.add_argument("--seed", type=seed, default=1, metavar="N", help="of the evening (1)")
    quote.add_argument("--json", action="store_true", help="the last line is a JSON object")
    quote.set_defaults(handler=_quote)


def _quote(arguments: argparse.Namespace) -> int:
    from simulations.benchmarks.quote import run  # noqa: PLC0415

    return run(arguments)
