"""Where this user's caches are kept: what can be made again at the cost of time."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


def cache_folder() -> Path | None:
    """Return samehour's folder in the user's caches, which need not exist yet.

    In `$XDG_CACHE_HOME`, else in `~/.cache`, as the XDG Base Directory Specification has it; None
    for a user without a home.
    """
    cache = os.environ.get("XDG_CACHE_HOME", "")
    if not os.path.isabs(cache):  # noqa: PTH117 - the standard has us pass over relative ones
        home = os.path.expanduser("~")  # noqa: PTH111 - which does not raise without a home
        if not os.path.isabs(home):  # noqa: PTH117
            return None
        cache = f"{home}/.cache"
    return Path(cache, "samehour")


@contextmanager
def in_turn(task: str) -> Iterator[None]:
    """Do a task in one process at a time: the next one finds what the first left in the cache.

    Where no cache can be written nothing is left for anybody, and nobody waits.
    """
    file = _lock_file(task)
    if file is None:
        yield
        return
    with file:
        _lock(file)  # ends with the file, or with the process, however it ends
        yield


def _lock_file(task: str) -> BinaryIO | None:
    folder = cache_folder()
    if folder is None:
        return None
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return (folder / f"{task}.lock").open("a+b")
    except OSError:
        return None


if sys.platform == "win32":  # pragma: no cover
    import msvcrt
    import time

    def _lock(file: BinaryIO) -> None:
        file.seek(0)
        while True:
            try:
                msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
            except OSError:
                time.sleep(0.1)
            else:
                return

else:
    import fcntl

    def _lock(file: BinaryIO) -> None:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX)
