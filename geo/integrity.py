"""A city's files: whole and unchanged, or refused.

The sizes of all files are checked at every load.  Their SHA-256 is checked once for each state of
the files, and remembered by a stamp in the user's cache folder (`$XDG_CACHE_HOME`, else
`~/.cache`), because it takes longer than all the rest of loading.  The state is what the file
system says of each file: size, inode, and when it was written and changed last.  Where no cache
folder can be written everything is checked at every load.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from geo.caching import cache_folder
from geo.errors import CityError

META: Final = "city.json"
SAME_TICK_NS: Final = 20_000_000
"""A file written this shortly before its stamp may be written again without a later time: clocks
of file systems tick every few milliseconds.  Such a stamp does not count."""

_FILE_MODE: Final = 0o644


def file_checksum(path: Path) -> str:
    """Return the SHA-256 of a file, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def listing(folder: Path) -> dict[str, dict[str, Any]]:
    """Return size and SHA-256 of every file below a folder but `city.json`, by its name."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {
        name: {"bytes": path.stat().st_size, "sha256": file_checksum(path)}
        for path in files
        if (name := path.relative_to(folder).as_posix()) != META
    }


def check_files(folder: Path, files: Mapping[str, Mapping[str, Any]], remedy: str) -> None:
    """Do nothing for files that are as they were when they were listed.

    Parameters
    ----------
    folder
        Where they are.
    files
        What `listing` returned.
    remedy
        What to do, for the message.

    Raises
    ------
    CityError
        A file is missing, cut short or changed; the message names it.
    """
    root = os.path.realpath(folder)
    state, newest_ns = _state(root, files, folder, remedy)
    stamp = _stamp(root)
    if stamp is not None and _remembers(stamp, root, state, newest_ns):
        return
    for name, entry in files.items():
        if file_checksum(folder / name) != entry["sha256"]:
            raise CityError(
                f"{folder / name} was changed or damaged: its checksum differs; {remedy}"
            )
    if stamp is not None:
        _remember(stamp, root, state)


def _state(
    root: str, files: Mapping[str, Mapping[str, Any]], folder: Path, remedy: str
) -> tuple[str, int]:
    """Return a digest of the state of files, and when the newest was changed."""
    seen: list[object] = []
    newest_ns = 0
    for name, entry in files.items():
        try:
            found = os.stat(f"{root}/{name}")  # noqa: PTH116 - a Path takes four times as long
        except OSError as error:
            raise CityError(f"{folder / name} is missing; {remedy}") from error
        if found.st_size != entry["bytes"]:
            raise CityError(
                f"{folder / name} has {found.st_size} bytes instead of {entry['bytes']}: it was "
                f"cut short or changed; {remedy}"
            )
        seen += (name, entry["sha256"], found.st_size, found.st_ino)
        seen += (found.st_mtime_ns, found.st_ctime_ns)
        newest_ns = max(newest_ns, found.st_mtime_ns, found.st_ctime_ns)
    return hashlib.sha256(repr(seen).encode()).hexdigest(), newest_ns


def _stamp(root: str) -> Path | None:
    """Return where the stamp of a folder is kept; None where the user has no home."""
    cache = cache_folder()
    if cache is None:
        return None
    digest = hashlib.sha256(root.encode(errors="surrogateescape")).hexdigest()
    return cache / "cities" / digest[:32]


def _remembers(stamp: Path, root: str, state: str, newest_ns: int) -> bool:
    try:
        with stamp.open("rb") as file:
            written_ns = os.fstat(file.fileno()).st_mtime_ns
            content = file.read()
    except OSError:  # no stamp, or none that may be read: nothing is remembered
        return False
    return written_ns > newest_ns + SAME_TICK_NS and content == _content(root, state)


def _remember(stamp: Path, root: str, state: str) -> None:
    """Write a stamp, whole or not at all; clear away those of folders that are gone."""
    with contextlib.suppress(OSError):  # no room for stamps: the next load checks again
        stamp.parent.mkdir(parents=True, exist_ok=True)
        for other in stamp.parent.iterdir():
            folder = other.read_bytes().partition(b"\n")[2]
            if other != stamp and not os.path.isdir(folder):  # noqa: PTH112 - bytes
                other.unlink(missing_ok=True)
        replace_file(stamp, _content(root, state))


def _content(root: str, state: str) -> bytes:
    return f"{state}\n".encode() + os.fsencode(root)


def replace_file(path: Path, content: bytes) -> None:
    """Write a file so that at any moment readers see either the old one or the new one whole."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    fresh = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        fresh.chmod(path.stat().st_mode if path.exists() else _FILE_MODE)
        fresh.replace(path)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise


# --- city.json -----------------------------------------------------------------------------------


def meta_checksum(meta: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a city: of `city.json` without this very figure."""
    rest = {key: value for key, value in meta.items() if key != "checksum"}
    text = json.dumps(rest, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def sealed(meta: Mapping[str, Any]) -> dict[str, Any]:
    """Return a description as a reader will see it, with its checksum."""
    whole: dict[str, Any] = json.loads(json.dumps(meta, ensure_ascii=False))
    return {**whole, "checksum": meta_checksum(whole)}


def meta_text(meta: Mapping[str, Any]) -> bytes:
    """Return a description as it stands in `city.json`."""
    return (json.dumps(meta, ensure_ascii=False, indent=1) + "\n").encode()
