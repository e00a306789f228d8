"""The text of a scenario before anybody reads meaning into it: tables, and where each key stands.

A sheet may be laid upon another (`based_on`), and single keys may be set from the command line;
each key goes on knowing the file and line it was written on.
"""

from __future__ import annotations

import copy
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from simulations.errors import ScenarioError

_TABLE_LIST: Final = re.compile(r"^\s*\[\[\s*([^\]]+?)\s*\]\]")
_TABLE: Final = re.compile(r"^\s*\[\s*([^\]]+?)\s*\]\s*(#.*)?$")
_KEY: Final = re.compile(r"^\s*([A-Za-z0-9_.\"'-]+)\s*=")
_LAST_STEP: Final = re.compile(r"(\.[^.\[\]]+|\[\d+\]|^[^.\[\]]+)$")
BASED_ON: Final = "based_on"


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where something is written: how far the file is from the one asked for, and its line."""

    rank: int
    line: int
    source: str
    path: Path

    def __str__(self) -> str:
        return f"{self.source} line {self.line}" if self.line else self.source


@dataclass(slots=True)
class Sheet:
    """Tables as TOML gives them, with the place of every key (`couriers[2].shift`)."""

    values: dict[str, Any]
    places: dict[str, Place]
    home: Place
    bases: tuple[Path, ...] = field(default=())
    """The files it is laid upon, the nearest first."""

    def place(self, key: str) -> Place:
        """Return where a key is written; of a missing one, where it should be."""
        while key:
            if key in self.places:
                return self.places[key]
            key = _LAST_STEP.sub("", key)
        return self.home


def read_sheet(path: Path, find: Callable[[str, Path], Path]) -> Sheet:
    """Read a file with all that it is based on.

    Parameters
    ----------
    find
        Returns the file that `based_on` names in a file; `ScenarioError` when there is none.

    Raises
    ------
    ScenarioError
        A file is no readable TOML, is based on none that there is, or in the end upon itself.
    """
    sheets: list[Sheet] = []
    seen: list[Path] = []
    here: Path | None = path
    while here is not None:
        if here.resolve() in seen:
            told = f"{sheets[-1].place(BASED_ON)}: {BASED_ON} is {here.stem!r}, which is based on "
            told += "this file itself; one of them must stand on its own"
            raise ScenarioError(str(path), [told])
        seen.append(here.resolve())
        sheet = _read_one(here, rank=len(sheets) + 1)
        base = sheet.values.pop(BASED_ON, None)
        sheets.append(sheet)
        here = None if base is None else _base(path, sheet, base, find)
    merged = sheets.pop()
    while sheets:
        merged = laid_upon(merged, sheets.pop())
    merged.bases = tuple(seen[1:])
    return merged


def _base(path: Path, sheet: Sheet, base: object, find: Callable[[str, Path], Path]) -> Path:
    where = sheet.place(BASED_ON)
    if not isinstance(base, str) or not base.strip():
        raise ScenarioError(
            str(path), [f"{where}: {BASED_ON} is {base!r}; it must be the name of a scenario"]
        )
    try:
        return find(base, where.path)
    except ScenarioError as error:
        raise ScenarioError(
            str(path), [f"{where}: {BASED_ON} is {base!r}: {'; '.join(error.problems)}"]
        ) from error


def _read_one(path: Path, rank: int) -> Sheet:
    try:
        text = path.read_text(encoding="utf-8")
        values = tomllib.loads(text)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ScenarioError(str(path), [f"it is not readable TOML: {error}"]) from error
    places = {key: Place(rank, line, path.name, path) for key, line in lines_of_keys(text).items()}
    return Sheet(values, places, Place(rank, 0, path.name, path))


def laid_upon(below: Sheet, above: Sheet) -> Sheet:
    """Return one sheet of two: tables key by key; anything else, lists too, from above."""
    places = dict(below.places)
    values = _merged(below.values, above.values, "", places)
    places.update(above.places)
    return Sheet(values, places, above.home, above.bases)


def _merged(
    below: Mapping[str, Any], above: Mapping[str, Any], path: str, places: dict[str, Place]
) -> dict[str, Any]:
    merged = dict(below)
    for name, value in above.items():
        key = _inside(path, name)
        if isinstance(value, dict) and isinstance(below.get(name), dict):
            merged[name] = _merged(below[name], value, key, places)
        else:
            merged[name] = value
            _drop(places, key)
    return merged


def _drop(places: dict[str, Place], key: str) -> None:
    """Forget where a key and all below it stand: they are replaced as a whole."""
    for other in list(places):
        if other == key or other.startswith((f"{key}.", f"{key}[")):
            del places[other]


def set_key(sheet: Sheet, dotted: str, value: object, source: str) -> str | None:
    """Set one key (`couriers.0.count`); returns what is wrong with it, None when it is set."""
    steps = dotted.split(".")
    if not all(steps):
        return f"{source}: {dotted!r} is no key; write for instance couriers.0.count"
    values = copy.deepcopy(sheet.values)
    key = ""
    target: Any = values
    for step in steps[:-1]:
        problem = _misstep(target, key, step, dotted)
        if problem:
            return f"{source}: {problem}"
        if isinstance(target, list):
            key, target = f"{key}[{step}]", target[int(step)]
        else:
            key, target = _inside(key, step), target.setdefault(step, {})
    problem = _misstep(target, key, steps[-1], dotted)
    if problem:
        return f"{source}: {problem}"
    if isinstance(target, list):
        key = f"{key}[{steps[-1]}]"
        target[int(steps[-1])] = value
    else:
        key = _inside(key, steps[-1])
        target[steps[-1]] = value
    sheet.values = values
    _drop(sheet.places, key)
    sheet.places[key] = Place(0, 0, source, sheet.home.path)
    return None


def _inside(key: str, step: str) -> str:
    return f"{key}.{step}" if key else step


def _misstep(target: object, key: str, step: str, dotted: str) -> str:
    """Return why a step cannot be taken from here; empty when it can."""
    if isinstance(target, dict):
        return ""
    if not isinstance(target, list):
        return f"{dotted}: {key} is {target!r}, there is nothing inside it"
    if step.isascii() and step.isdigit() and int(step) < len(target):
        return ""
    return f"{dotted}: {key} has {len(target)} entries, numbered from 0; {step!r} is none of them"


def lines_of_keys(text: str) -> dict[str, int]:
    """Return the line (from 1) of each table and key, like `couriers[2].shift`.

    The standard parser says nothing of lines, so they are found by the look of the text; inside
    an array that fills several lines its first line counts.
    """
    lines: dict[str, int] = {}
    counts: dict[str, int] = {}
    prefix = ""
    for number, line in enumerate(text.splitlines(), start=1):
        if match := _TABLE_LIST.match(line):
            name = _full(match.group(1), counts)
            index = counts.get(name, 0)
            counts[name] = index + 1
            prefix = f"{name}[{index}]"
            lines[prefix] = number
        elif match := _TABLE.match(line):
            prefix = _full(match.group(1), counts)
            lines[prefix] = number
        elif match := _KEY.match(line):
            key = match.group(1).replace('"', "").replace("'", "")
            lines.setdefault(f"{prefix}.{key}" if prefix else key, number)
    return lines


def _full(name: str, counts: Mapping[str, int]) -> str:
    """Return the name of a table inside lists: `surges.pace` is that of the last surge so far."""
    full = ""
    for step in name.replace('"', "").replace("'", "").split("."):
        if full in counts:
            full = f"{full}[{counts[full] - 1}]"
        full = f"{full}.{step}" if full else step
    return full
