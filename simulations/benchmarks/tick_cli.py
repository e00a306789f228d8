"""`samehour bench tick`: its command line; the rest is imported when run."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, Final

CITIES: Final = ("helsinki", "la-serena")
SIZES: Final = (100, 300, 1000, 3000)
SECONDS: Final = 60.0
_LEAST_ORDERS: Final = 10
_MOST_ORDERS: Final = 5000
_MOST_SECONDS: Final = 3600.0


def add_tick(kinds: Any) -> None:
    """Add `tick` to the kinds of benchmarks."""
    tick = kinds.add_parser(
        "tick",
        help="one decision of a rush hour, beside OR-Tools' routing model and VROOM",
        description="Plan a rush hour's moment at several sizes: objective against time on one "
        "core for ours, for OR-Tools' routing model alone and for VROOM, all priced by one judge. "
        "Exit code 1 when a plan breaks a rule.",
    )
    tick.add_argument(
        "--city",
        action="append",
        metavar="DIR|NAME",
        help=f"a city; may be given again ({' and '.join(CITIES)})",
    )
    tick.add_argument(
        "--sizes",
        type=_sizes,
        default=SIZES,
        metavar="N,N,...",
        help=f"numbers of open orders ({','.join(map(str, SIZES))})",
    )
    tick.add_argument(
        "--seconds",
        type=_seconds,
        default=SECONDS,
        metavar="S",
        help=f"wall time for each contestant ({SECONDS:g}); VROOM has it for each of its calls",
    )
    tick.add_argument("--json", action="store_true", help="the last line is a JSON object")
    tick.add_argument(
        "--out", type=Path, metavar="DIR", help="a folder for an SVG plot of each snapshot"
    )
    tick.set_defaults(handler=_tick)


def _sizes(text: str) -> tuple[int, ...]:
    parts = text.split(",")
    if not all(
        part.isascii() and part.isdigit() and _LEAST_ORDERS <= int(part) <= _MOST_ORDERS
        for part in parts
    ):
        raise argparse.ArgumentTypeError(
            f"{text!r} will not do; write whole numbers from {_LEAST_ORDERS} to {_MOST_ORDERS} "
            "with commas between"
        )
    return tuple(int(part) for part in parts)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= _MOST_SECONDS:
        raise argparse.ArgumentTypeError(
            f"{text!r} will not do; write seconds, more than 0 and at most {_MOST_SECONDS:g}"
        )
    return seconds


def _tick(arguments: argparse.Namespace) -> int:
    from simulations.benchmarks.tick import run  # noqa: PLC0415

    arguments.city = arguments.city or list(CITIES)
    return run(arguments)
