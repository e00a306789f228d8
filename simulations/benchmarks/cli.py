"""`samehour bench`: its command line; the rest is imported when run."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, Final

from geo.modes import Mode

DEFAULT_CITY: Final = "la-serena"
DEFAULT_ROUNDS: Final = 5
MOST_TILES: Final = 100


def add_parser(commands: Any) -> None:
    """Add `bench` to a command line."""
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
        type=_tiles,
        default=1,
        metavar="N",
        help="lay the city's roads out N times, joined at the borders: 23 times La Serena is a "
        "city of 200,000 junctions",
    )
    matrix.add_argument(
        "--rounds",
        type=_rounds,
        default=DEFAULT_ROUNDS,
        metavar="N",
        help=f"how often each is timed; the median counts ({DEFAULT_ROUNDS})",
    )
    matrix.add_argument("--seed", type=int, default=1, metavar="N", help="draws the places (1)")
    matrix.add_argument("--json", action="store_true", help="the last line is a JSON object")
    matrix.add_argument(
        "--osrm",
        metavar="PYTHON",
        type=Path,
        help="a Python 3.12 with OSRM's own wheel, to be measured beside",
    )
    matrix.set_defaults(handler=_matrix)


def _tiles(text: str) -> int:
    return _whole(text, 1, MOST_TILES)


def _rounds(text: str) -> int:
    return _whole(text, 1, 1000)


def _whole(text: str, least: int, most: int) -> int:
    if not (text.isascii() and text.isdigit() and least <= int(text) <= most):
        raise argparse.ArgumentTypeError(
            f"{text!r} will not do; write a whole number from {least} to {most}"
        )
    return int(text)


def _matrix(arguments: argparse.Namespace) -> int:
    from simulations.benchmarks.matrix import run  # noqa: PLC0415

    return run(arguments)
