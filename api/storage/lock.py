"""One process per ledger file: an operating-system lock that dies with its holder."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from api.storage.errors import LedgerError, LedgerInUseError

if TYPE_CHECKING:
    from typing import BinaryIO


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
