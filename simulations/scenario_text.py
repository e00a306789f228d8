"""Reading a scenario's TOML so that every problem is found at once, each with its line and key."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_TABLE_LIST = re.compile(r"^\s*\[\[\s*([^\]]+?)\s*\]\]")
_TABLE = re.compile(r"^\s*\[\s*([^\]]+?)\s*\]\s*(#.*)?$")
_KEY = re.compile(r"^\s*([A-Za-z0-9_.\"'-]+)\s*=")
_CLOCK = re.compile(r"^([01]\d|2[0-3]):([0-5]\d)$")

MINUTE_S = 60
HOUR_S = 3600


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
            name = match.group(1)
            index = counts.get(name, 0)
            counts[name] = index + 1
            prefix = f"{name}[{index}]"
            lines[prefix] = number
        elif match := _TABLE.match(line):
            prefix = match.group(1)
            lines[prefix] = number
        elif match := _KEY.match(line):
            key = match.group(1).strip("\"'")
            lines.setdefault(f"{prefix}.{key}" if prefix else key, number)
    return lines


class Problems:
    """What is wrong with a text, each with the line it is on."""

    def __init__(self, lines: Mapping[str, int]) -> None:
        self._lines = lines
        self.found: list[tuple[int, str]] = []

    def add(self, key: str, problem: str) -> None:
        """Record a problem with a key."""
        line = self._line(key)
        where = f"line {line}: " if line else ""
        self.found.append((line, f"{where}{key} {problem}"))

    def sorted(self) -> list[str]:
        """Return all problems in the order of their lines."""
        return [text for _, text in sorted(self.found)]

    def _line(self, key: str) -> int:
        while key:
            if key in self._lines:
                return self._lines[key]
            key = re.sub(r"(\.[^.\[\]]+|\[\d+\]|^[^.\[\]]+)$", "", key)
        return 0


class Section:
    """One table of the text; reading a key that is wrong records it and returns a stand-in.

    The stand-ins never reach anyone: a text with problems becomes an error, not a scenario.
    """

    def __init__(self, values: object, path: str, problems: Problems) -> None:
        self._problems = problems
        self._path = path
        self._read: set[str] = set()
        self._values: dict[str, Any] = values if isinstance(values, dict) else {}
        if not isinstance(values, dict):
            problems.add(path, "is missing; it must be a table")

    def key(self, name: str) -> str:
        """Return the full name of a key."""
        return f"{self._path}.{name}" if self._path else name

    def problem(self, name: str, text: str) -> None:
        """Record a problem with a key of this table."""
        self._problems.add(self.key(name), text)

    def names(self) -> tuple[str, ...]:
        """Return the keys present, all of them now counted as known."""
        self._read.update(self._values)
        return tuple(self._values)

    def number(self, name: str, *, low: float, high: float = float("inf")) -> float:
        """Return a number between two bounds, both allowed."""
        value = self._take(name, "a number")
        if value is None:
            return low
        return self._checked(name, value, low, high)

    def integer(self, name: str, *, low: int, high: float = float("inf")) -> int:
        """Return a whole number between two bounds, both allowed."""
        value = self._take(name, "a whole number")
        if value is None:
            return low
        if not isinstance(value, int) or isinstance(value, bool):
            self.problem(name, f"is {value!r}; it must be a whole number")
            return low
        return int(self._checked(name, value, low, high))

    def numbers(self, name: str, *, count: int, low: float) -> tuple[float, ...]:
        """Return a list of a certain length, each at least `low`."""
        value = self._take(name, f"a list of {count} numbers")
        if value is None:
            return (low,) * count
        if not isinstance(value, list) or len(value) != count:
            size = f"has {len(value)} entries" if isinstance(value, list) else f"is {value!r}"
            self.problem(name, f"{size}; it must be a list of {count} numbers")
            return (low,) * count
        return tuple(
            self._checked(f"{name}[{i}]", item, low, float("inf")) for i, item in enumerate(value)
        )

    def span(self, name: str, *, low: int) -> tuple[int, int]:
        """Return two whole numbers, from and to."""
        value = self._take(name, "[from, to]")
        if value is None:
            return low, low
        whole = isinstance(value, list) and all(
            isinstance(item, int) and not isinstance(item, bool) for item in value
        )
        if not whole or len(value) != 2:  # noqa: PLR2004 - from and to
            self.problem(name, f"is {value!r}; it must be two whole numbers, [from, to]")
            return low, low
        first, last = value
        if not low <= first <= last:
            self.problem(name, f"is {value!r}; it must ascend and start at {low} or more")
        return first, last

    def text(self, name: str) -> str:
        """Return a text that is not empty."""
        value = self._take(name, "a text")
        if value is None:
            return ""
        if not isinstance(value, str) or not value.strip():
            self.problem(name, f"is {value!r}; it must be a text")
            return ""
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        """Return a list of texts with at least one entry, none twice."""
        value = self._take(name, "a list of texts")
        if value is None:
            return ()
        if (
            not isinstance(value, list)
            or not value
            or not all(isinstance(item, str) and item.strip() for item in value)
        ):
            self.problem(name, f"is {value!r}; it must be a list of texts, one at least")
            return ()
        return tuple(value)

    def moment(self, name: str) -> dt.datetime:
        """Return a local date and time, without an offset."""
        value = self._take(name, "a local date and time such as 2026-11-20T17:00:00")
        if isinstance(value, dt.datetime) and value.tzinfo is None:
            return value
        if value is not None:
            self.problem(
                name,
                f"is {value}; it must be a local date and time without quotes and without an "
                "offset, such as 2026-11-20T17:00:00",
            )
        return dt.datetime(2000, 1, 1)  # noqa: DTZ001 - local time of a city not known here

    def clock(self, name: str) -> int:
        """Return a time of day as seconds after midnight."""
        value = self._take(name, 'a time of day such as "07:30"')
        return 0 if value is None else self._clock(name, value)

    def clocks(self, name: str) -> tuple[int, int]:
        """Return two times of day as seconds after midnight; the second may be on the morrow."""
        value = self._take(name, 'two times of day such as ["15:00", "23:00"]')
        if value is None:
            return 0, 0
        if not isinstance(value, list) or len(value) != 2:  # noqa: PLR2004 - from and to
            self.problem(name, f'is {value!r}; it must be two times, such as ["15:00", "23:00"]')
            return 0, 0
        return self._clock(f"{name}[0]", value[0]), self._clock(f"{name}[1]", value[1])

    def section(self, name: str) -> Section:
        """Return a table inside this one."""
        self._read.add(name)
        return Section(self._values.get(name), self.key(name), self._problems)

    def sections(self, name: str) -> Iterator[Section]:
        """Return a list of tables, one at least."""
        self._read.add(name)
        value = self._values.get(name)
        if not isinstance(value, list) or not value:
            self.problem(name, f"are missing; write one [[{self.key(name)}]] or more")
            return
        for index, item in enumerate(value):
            yield Section(item, f"{self.key(name)}[{index}]", self._problems)

    def end(self) -> None:
        """Record every key that nobody asked for: a slip of the pen must not pass silently."""
        for name in self._values:
            if name not in self._read:
                known = ", ".join(sorted(self._read))
                self.problem(name, f"is not known here; known are {known}")

    def _take(self, name: str, wanted: str) -> Any:
        self._read.add(name)
        if name not in self._values:
            self.problem(name, f"is missing; it must be {wanted}")
            return None
        return self._values[name]

    def _checked(self, name: str, value: object, low: float, high: float) -> float:
        if not isinstance(value, int | float) or isinstance(value, bool):
            self.problem(name, f"is {value!r}; it must be a number")
            return low
        if not low <= value <= high:
            bounds = f"{low:g} or more" if high == float("inf") else f"{low:g} to {high:g}"
            self.problem(name, f"is {value:g}; it must be {bounds}")
        return value

    def _clock(self, name: str, value: object) -> int:
        match = _CLOCK.match(value) if isinstance(value, str) else None
        if match is None:
            self.problem(name, f'is {value!r}; it must be a time of day such as "07:30"')
            return 0
        return int(match.group(1)) * HOUR_S + int(match.group(2)) * MINUTE_S


def repeated(items: Sequence[str]) -> list[str]:
    """Return what occurs more than once, in the order of its second occurrence."""
    seen: set[str] = set()
    again: list[str] = []
    for item in items:
        if item in seen and item not in again:
            again.append(item)
        seen.add(item)
    return again
