"""The front door: one command line over the four rooms.

Only the room that a command needs is imported, and only its command line at first: `--help` and
wrong use answer at once.  Exit codes: 0 done, 1 failed, 2 wrong use or input.
"""

from __future__ import annotations

import argparse
import sys
from importlib.metadata import version
from typing import TYPE_CHECKING

import api.cli
import api.keys_cli
import geo.cli
import simulations.cli

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dispatch.events import Recorded
    from dispatch.recording import Recording


def build_parser() -> argparse.ArgumentParser:
    """Return the whole command line; each command sets `handler(arguments) -> exit code`."""
    parser = argparse.ArgumentParser(
        prog="samehour",
        description="The engine that lets a town's supermarkets deliver within the hour.",
        epilog="Start with: samehour demo",
    )
    parser.add_argument("--version", action="version", version=f"samehour {version('samehour')}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    simulations.cli.add_parser(commands, _read_ledger, _write_ledger)
    api.cli.add_parser(commands)
    api.keys_cli.add_parser(commands)
    geo.cli.add_parser(commands)
    return parser


def _read_ledger(where: str, zone: str | None) -> Recording:
    from api.storage.reading import read_recording  # noqa: PLC0415 - with it comes the database

    return read_recording(where, zone)


def _write_ledger(where: str, events: Sequence[Recorded]) -> None:
    from api.storage.copying import write_events  # noqa: PLC0415

    write_events(where, events)


def main(argv: list[str] | None = None) -> int:
    """Run one command; returns 0 done, 1 failed, 2 wrong use or input."""
    arguments = build_parser().parse_args(argv)
    code: int = arguments.handler(arguments)
    return code


if __name__ == "__main__":
    sys.exit(main())
