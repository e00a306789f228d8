"""`samehour ledger`: its command line; what is heavy is imported when it runs."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

Do = Callable[[argparse.Namespace], str]


def add_ledger(commands: Any) -> None:
    """Add `ledger` to a command line."""
    ledger = commands.add_parser("ledger", help="upgrade, back up or move what a service has kept")
    kinds = ledger.add_subparsers(dest="ledger_command", metavar="WHAT", required=True)
    version = kinds.add_parser("version", help="say which version a ledger has")
    version.add_argument("ledger", metavar="FILE|URL")
    version.set_defaults(handler=lambda arguments: _run(arguments, _version))
    upgrade = kinds.add_parser(
        "upgrade", help="bring a ledger up to date now instead of at the next start"
    )
    upgrade.add_argument("ledger", metavar="FILE|URL")
    upgrade.set_defaults(handler=lambda arguments: _run(arguments, _upgrade))
    backup = kinds.add_parser("backup", help="copy a ledger's file, also while a service writes it")
    backup.add_argument("ledger", metavar="FILE")
    backup.add_argument("to", type=Path, metavar="FILE")
    backup.set_defaults(handler=lambda arguments: _run(arguments, _backup))
    copy = kinds.add_parser(
        "copy",
        help="copy a ledger into another database, such as from SQLite to PostgreSQL",
        description="Copy all that a ledger has into an empty one, while no service has either.",
    )
    copy.add_argument("ledger", metavar="FROM")
    copy.add_argument("to", metavar="TO")
    copy.set_defaults(handler=lambda arguments: _run(arguments, _copy))


def _run(arguments: argparse.Namespace, do: Do) -> int:
    from api.logs import log_to_stderr  # noqa: PLC0415
    from api.storage.errors import LedgerError  # noqa: PLC0415
    from dispatch.recording import RecordingError  # noqa: PLC0415

    log_to_stderr(level="WARNING")
    try:
        sys.stdout.write(f"{do(arguments)}\n")
    except (LedgerError, RecordingError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


def _version(arguments: argparse.Namespace) -> str:
    from api.storage.migrations import REVISIONS  # noqa: PLC0415
    from api.storage.reading import read_version  # noqa: PLC0415

    found = read_version(arguments.ledger)
    return f"{found}: up to date" if found == REVISIONS[-1] else f"{found}, of {REVISIONS[-1]}"


def _upgrade(arguments: argparse.Namespace) -> str:
    from api.storage.ledger import Ledger  # noqa: PLC0415
    from api.storage.reading import read_version  # noqa: PLC0415

    before = read_version(arguments.ledger)
    Ledger(arguments.ledger).close()
    return f"{before} -> {read_version(arguments.ledger)}"


def _backup(arguments: argparse.Namespace) -> str:
    from api.storage.copying import backup  # noqa: PLC0415

    backup(arguments.ledger, arguments.to)
    return f"{arguments.to}: {arguments.to.stat().st_size} bytes"


def _copy(arguments: argparse.Namespace) -> str:
    from api.storage.copying import copy  # noqa: PLC0415

    copied = copy(arguments.ledger, arguments.to)
    return "\n".join(f"{name:<20}{rows:>10}" for name, rows in sorted(copied.items()))
