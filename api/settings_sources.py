"""Where settings come from: flags over the environment over a TOML file, each with its place."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

_FLAGS: Final = {"travel_servers": "travel-server", "courier_companies": "courier-company"}
"""Flags that are not called as their setting is, because each gives one of several."""

_NO_FLAG: Final = frozenset({"api_key", "allowed_hosts"})
_FILE_ONLY: Final = frozenset({"zones"})
_PATHS: Final = frozenset({"city", "ledger", "policy", "port_file", "speed_profile"})
_ALIKE: Final = 0.75
"""How like a setting's name a variable must be to be taken for a slip of the pen."""

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Source:
    """Where one setting was given, in words."""

    text: str


@dataclass(slots=True)
class Sources:
    """The settings of all sources, before they are checked.

    Attributes
    ----------
    values
        By name, the strongest source's.
    problems
        What is wrong with the sources themselves, a sentence each.
    """

    prefix: str
    values: Json = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    file: Path | None = None
    text: str = ""
    from_file: set[str] = field(default_factory=set)

    def of(self, name: str, *inside: str) -> Source:
        """Return where a setting came from; `inside` leads into a table of the file."""
        if self.file is not None and name in self.from_file:
            way = [name, *(part for part in inside if not part.isdecimal())]
            line = _line(self.text, way)
            at = "" if line is None else f", line {line}"
            return Source(f"{self.file}{at}: {'.'.join(way)}")
        variable = f"{self.prefix}{name.upper()}"
        if name in _NO_FLAG:
            return Source(variable)
        return Source(f"--{_FLAGS.get(name, name.replace('_', '-'))} or {variable}")


def read_sources(
    known: Iterable[str],
    lists: Iterable[str],
    given: Mapping[str, Any],
    environ: Mapping[str, str],
    prefix: str,
) -> Sources:
    """Return what flags (`given`), environment and the file that either names have to say."""
    names = [name for name in known if name not in _FILE_ONLY]
    found = Sources(prefix)
    file = given.get("settings") or environ.get(f"{prefix}SETTINGS")
    if file:
        _read_file(found, Path(str(file)))
    for name in names:
        variable = environ.get(prefix + name.upper())
        if variable:
            found.values[name] = variable.split(",") if name in lists else variable
            found.from_file.discard(name)
        if given.get(name) is not None:
            found.values[name] = given[name]
            found.from_file.discard(name)
    for variable in sorted(environ):
        name = variable.removeprefix(prefix).lower()
        if variable.startswith(prefix) and name not in names:
            slips = difflib.get_close_matches(name, names, 1, _ALIKE)
            found.problems += [
                f"{variable}: there is no such setting; did you mean {prefix}{slip.upper()}?"
                for slip in slips
            ]
    return found


def nearest(name: str, known: Iterable[str]) -> str:
    """Return a sentence's end that says what somebody may have meant."""
    names = sorted(known)
    alike = difflib.get_close_matches(name, names, 1)
    return f"did you mean {alike[0]}" if alike else f"there are {', '.join(names)}"


def _read_file(found: Sources, file: Path) -> None:
    found.file = file
    try:
        found.text = file.read_text(encoding="utf-8")
        said = tomllib.loads(found.text)
    except OSError as error:
        found.problems.append(f"--settings: {file} cannot be read: {error.strerror}.")
    except UnicodeDecodeError:
        found.problems.append(f"--settings: {file} is not UTF-8 text.")
    except tomllib.TOMLDecodeError as error:
        found.problems.append(f"--settings: {file} is not TOML: {error}.")
    else:
        if "settings" in said:
            del said["settings"]
            found.problems.append(f"{file}: settings: a settings file cannot name another one.")
        found.values = _placed(said, file.parent)
        zones = said.get("zones")
        if isinstance(zones, dict):
            found.values["zones"] = {
                name: _placed(zone, file.parent) if isinstance(zone, dict) else zone
                for name, zone in zones.items()
            }
        found.from_file = set(said)


def _placed(said: Json, folder: Path) -> Json:
    """Return a table whose paths are taken from the folder that the file is in."""
    return {
        name: str(folder / value) if name in _PATHS and _is_path(name, value) else value
        for name, value in said.items()
    }


def _is_path(name: str, value: object) -> bool:
    if not isinstance(value, str) or not value or "://" in value or value == ":memory:":
        return False
    # A bare word is a city in the box.
    return name != "city" or "/" in value or "\\" in value


def _line(text: str, way: list[str]) -> int | None:
    """Return the line where a key of a TOML text is given, or its table; None when unseen."""
    table: list[str] = []
    seen = None
    for number, line in enumerate(text.splitlines(), 1):
        header = re.match(r"\s*\[+([^\]]+)\]", line)
        if header:
            table = [part.strip().strip("\"'") for part in header[1].split(".")]
            if way[: len(table)] == table:
                seen = number
        key = re.match(r"\s*([\w.\"'-]+)\s*=", line)
        if key and [*table, *(part.strip("\"'") for part in key[1].split("."))] == way:
            return number
    return seen
