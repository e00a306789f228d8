"""`samehour replay` and `explain`: their command lines; the rest is imported when they run."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from simulations.arguments import whole

if TYPE_CHECKING:
    from dispatch.recording import Recording

ReadLedger = Callable[[str, "str | None"], "Recording"]
"""Reads a ledger; raises `dispatch.recording.RecordingError`."""

_REPLICATIONS: Final = 5


def add_replay(commands: Any, read_ledger: ReadLedger) -> None:
    """Add `replay` to the command line.

    Parameters
    ----------
    read_ledger
        Handed in by the front door: this room knows no ledger.
    """
    parser: argparse.ArgumentParser = commands.add_parser(
        "replay",
        help="live a real day from a ledger again: the same, or under another policy or fleet",
        description="Read a service's ledger, live its days again under the same engine and hold "
        "every event against the log; say how forecasts held; learn from it; and say what another "
        "policy or fleet would have changed. The ledger is only read, also while a service writes "
        "it. Ctrl-C stops; the same command goes on from there. Exit code 0: done, and what could "
        "be replayed was identical; 1: something differed, or stopped; 2: wrong use.",
    )
    parser.add_argument("ledger", metavar="LEDGER", help="a ledger's file, or its database URL")
    parser.add_argument(
        "--zone", metavar="NAME", help="of a ledger with several, and of the service of --push"
    )
    parser.add_argument(
        "--city", metavar="NAME", help="a city in the box, or its folder (what the ledger says)"
    )
    parser.add_argument(
        "--from", dest="since", metavar="TIME", help="begin there: 2026-11-20T17:00, local time"
    )
    parser.add_argument("--to", dest="until", metavar="TIME", help="end there")
    what_if = parser.add_argument_group("what if (any of these)")
    what_if.add_argument("--policy", metavar="NEW", help="a policy in the box, or a .toml file")
    what_if.add_argument(
        "--couriers",
        action="append",
        default=[],
        metavar="ENTRY",
        help="'+2 bike', '+1 car@17:00-21:00', '-cou_aino' (written --couriers=-cou_aino), several "
        "with commas, or a file of them; may be given again",
    )
    what_if.add_argument(
        "--reach",
        type=whole(1, 7200, "seconds on the way"),
        metavar="SECONDS",
        help="how far every store delivers, in seconds on the way",
    )
    what_if.add_argument(
        "--replications",
        type=whole(1, 1000),
        default=_REPLICATIONS,
        metavar="N",
        help=f"draws of what nobody saw that day ({_REPLICATIONS})",
    )
    learning = parser.add_argument_group("learning")
    learning.add_argument(
        "--learn",
        type=Path,
        metavar="FILE",
        help="write what the log teaches of picks, hand-overs and paces to a .toml file, and the "
        "paces beside it as a speed profile for samehour serve",
    )
    learning.add_argument(
        "--push",
        metavar="URL",
        help="tell a running service the learned picking times (SAMEHOUR_API_KEY is its key)",
    )
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="keep it there (in .samehour/replays)"
    )
    parser.add_argument("--fresh", action="store_true", help="begin anew, forget what is there")
    parser.add_argument(
        "--no-report", dest="report", action="store_false", help="write no report.html"
    )
    parser.add_argument("--json", action="store_true", help="the last line is a JSON object")
    parser.set_defaults(handler=lambda arguments: _run(arguments, read_ledger))


def add_explain(commands: Any, read_ledger: ReadLedger) -> None:
    """Add `explain` to the command line."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "explain",
        help="say why an order of a ledger went as it went: store, courier, times, costs",
        description="Read a service's ledger up to a moment and explain an order as the engine saw "
        "it then: the chosen store and courier, what it waits for, what it costs, what else was "
        "weighed and why not, and the smallest change that would help. The ledger is only read. "
        "Without --at: an open order as of the end, a closed one as of the last moment before its "
        "courier was told, and how it went. Exit code 0: done; 2: wrong use.",
    )
    parser.add_argument("ledger", metavar="LEDGER", help="a ledger's file, or its database URL")
    parser.add_argument("order", metavar="ORDER", help="its id, or the shop's own")
    parser.add_argument("--at", metavar="TIME", help="as of then: 2026-11-20T17:00, local time")
    parser.add_argument("--zone", metavar="NAME", help="of a ledger with several")
    parser.add_argument(
        "--city", metavar="NAME", help="a city in the box, or its folder (what the ledger says)"
    )
    parser.add_argument("--json", action="store_true", help="print a JSON object instead")
    parser.set_defaults(handler=lambda arguments: _explain(arguments, read_ledger))


def _explain(arguments: argparse.Namespace, read_ledger: ReadLedger) -> int:
    from simulations.replays.explaining import run  # noqa: PLC0415

    return run(arguments, read_ledger)


def _run(arguments: argparse.Namespace, read_ledger: ReadLedger) -> int:
    from simulations.replays.replaying import run  # noqa: PLC0415

    return run(arguments, read_ledger)
