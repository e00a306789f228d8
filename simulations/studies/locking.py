"""Only one process at a time works in a folder."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import TextIO

if sys.platform == "win32":  # pragma: no cover
    import msvcrt

    def hold(file: TextIO) -> None:
        """Hold an open file until it is closed; raises `OSError` while another process does."""
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def hold(file: TextIO) -> None:
        """Hold an open file until it is closed; raises `OSError` while another process does."""
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
