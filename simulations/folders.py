"""A folder one process works in, and files that are there whole or not at all."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from simulations.errors import SimulationError

if TYPE_CHECKING:
    from typing import TextIO

LOCK: Final = ".lock"
"""Name of the file that stands in a folder that is, or was, held."""


@contextmanager
def held(
    folder: Path, option: str, error: type[SimulationError] = SimulationError
) -> Iterator[None]:
    """Hold a folder, made when it is not there, for as long as it is worked in.

    Parameters
    ----------
    option
        Of the command line, with which another folder is named.

    Raises
    ------
    SimulationError
        Of the kind `error`: it cannot be written, or another process works in it.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / LOCK).open("w", encoding="ascii")
    except OSError as refused:
        raise error(
            f"{folder} cannot be written: {refused.strerror}; name another folder with {option}"
        ) from refused
    with lock:
        try:
            _hold(lock)
        except OSError as refused:
            raise error(
                f"another samehour works in {folder}; wait for it, or name another folder with "
                f"{option}"
            ) from refused
        yield


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Write a file all or nothing: yields where to write, and puts it in its place at the end.

    Whoever reads meanwhile sees what was there before; after a failure it is still there.
    """
    draft = path.with_name(f".{path.name}.part")
    try:
        yield draft
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def write_json(path: Path, value: object) -> None:
    """Write a JSON file, all or nothing."""
    with whole(path) as draft:
        draft.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", "utf-8")


if sys.platform == "win32":  # pragma: no cover
    import msvcrt

    def _hold(file: TextIO) -> None:
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _hold(file: TextIO) -> None:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
