"""`samehour bench tick`: its command line; the rest is imported when run."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, Final

from simulations.arguments import number, whole

CITIES: Final = ("helsinki", "la-serena")
SIZES: Final = (100, 300, 1000, 3000)
SECONDS: Final = 60.0
_size: Final = whole(10, 5000)
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
        type=number(0, _MOST_SECONDS, "seconds"),
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
    return tuple(_size(part) for part in text.split(","))


def _tick(arguments: argparse.Namespace) -> int:
    from simulations.benchmarks.tick import run  # noqa: PLC0415

    arguments.city = arguments.city or list(CITIES)
    return run(arguments)
