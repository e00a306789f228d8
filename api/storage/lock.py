"""One process per ledger: a lock that dies with its holder."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError

from api.storage.errors import LedgerError, LedgerInUseError

if TYPE_CHECKING:
    from typing import BinaryIO

_WAITS_MS: Final = 3000
"""Where a service was killed, its server may take a moment to notice."""


def lock_database(connection: Connection, ledger: str) -> None:
    """Take the ledger in a PostgreSQL database, or in a schema of it, for a connection.

    It is held until the connection ends, however it ends: whoever writes by this connection and by
    no other knows with each write that nobody else has the ledger.

    Raises
    ------
    LedgerInUseError
        Another connection holds it.
    """
    try:
        with connection.begin():
            connection.execute(text(f"SET LOCAL lock_timeout = {_WAITS_MS}"))
            connection.execute(
                text(
                    "SELECT pg_advisory_lock(hashtextextended('samehour ' || current_schema(), 0))"
                )
            )
    except OperationalError as error:
        if getattr(error.orig, "sqlstate", None) != _LOCK_NOT_AVAILABLE:
            raise
        raise LedgerInUseError(
            f"The ledger {ledger} is in use by another samehour. "
            "Stop that one, or name another database with --ledger."
        ) from error


_LOCK_NOT_AVAILABLE: Final = "55P03"


class FileLock:
    """Held from construction to `release`, or to the end of the process, however it ends.

    Raises
    ------
    LedgerInUseError
        Another process holds it.
    """

    def __init__(self, ledger: Path) -> None:
        path = ledger.with_name(ledger.name + ".lock")
        try:
            self._file: BinaryIO = path.open("a+b")
        except OSError as error:
            raise LedgerError(
                f"The ledger {ledger} cannot be written: {error.strerror}. "
                "Name a file in a folder of your own with --ledger."
            ) from error
        try:
            _lock(self._file)
        except OSError as error:
            self._file.close()
            raise LedgerInUseError(
                f"The ledger {ledger} is in use by another samehour. "
                "Stop that one, or name another file with --ledger."
            ) from error
        self._file.truncate(0)
        self._file.write(str(os.getpid()).encode())
        self._file.flush()

    def release(self) -> None:
        """Let another process have the ledger."""
        self._file.close()


if sys.platform == "win32":  # pragma: no cover
    import msvcrt

    def _lock(file: BinaryIO) -> None:
        file.seek(0)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(file: BinaryIO) -> None:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
