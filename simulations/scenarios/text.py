"""Reading a scenario's tables so that every problem is found at once, each with its line."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

from geo.types import LonLat
from simulations.scenarios.sheet import Place, Sheet

_CLOCK: Final = re.compile(r"^([01]\d|2[0-3]):([0-5]\d)$")
_DURATION: Final = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")
MINUTE_S: Final = 60
HOUR_S: Final = 3600
REQUIRED: Final = object()
"""The default of a key that must be there."""


class Problems:
    """What is wrong with a sheet, each with the place it is on; and what there is to say in it."""

    def __init__(self, sheet: Sheet) -> None:
        self._sheet = sheet
        self._found: list[tuple[Place, str]] = []
        self._keys: set[str] = set()
        self.known: dict[str, object] = {}
        """Every key that was asked for, list numbers left out, with its default."""

    def add(self, key: str, problem: str) -> None:
        """Record a problem with a key."""
        self._keys.add(key)
        self.add_at(self._sheet.place(key), f"{key} {problem}")

    def add_at(self, place: Place, problem: str) -> None:
        """Record a problem with something that is no key of the sheet."""
        if (place, problem) not in self._found:
            self._found.append((place, problem))

    def place(self, key: str) -> Place:
        """Return where a key is written."""
        return self._sheet.place(key)

    def is_sound(self, key: str) -> bool:
        """Tell whether nothing is wrong with a key, nor with what is inside it."""
        return not any(
            wrong == key or wrong.startswith((f"{key}.", f"{key}[")) for wrong in self._keys
        )

    def __bool__(self) -> bool:
        return bool(self._found)

    def told(self) -> list[str]:
        """Return all problems, in the order of files and lines."""
        return [f"{place}: {text}" for place, text in sorted(self._found)]


class Section:
    """One table of the sheet; reading a key that is wrong records it and returns a stand-in.

    The stand-ins never reach anyone: a sheet with problems becomes an error, not a scenario.
    Every reader takes a default for a key that may be left out.
    """

    def __init__(
        self, values: object, path: str, problems: Problems, *, optional: bool = False
    ) -> None:
        self._problems = problems
        self._path = path
        self._read: set[str] = set()
        self._values: dict[str, Any] = values if isinstance(values, dict) else {}
        if values is None and optional:
            return
        if values is None:
            problems.add(path, "is missing; it must be a table")
        elif not isinstance(values, dict):
            problems.add(path, f"is {values!r}; it must be a table")

    def key(self, name: str) -> str:
        """Return the full name of a key."""
        return f"{self._path}.{name}" if self._path else name

    def problem(self, name: str, text: str) -> None:
        """Record a problem with a key of this table."""
        self._problems.add(self.key(name), text)

    def has(self, name: str) -> bool:
        """Tell whether a key is there."""
        return name in self._values

    def place(self, name: str) -> Place:
        """Return where a key is written."""
        return self._problems.place(self.key(name))

    def is_sound(self, name: str) -> bool:
        """Tell whether nothing is wrong with a key so far."""
        return self._problems.is_sound(self.key(name))

    def allow(self, name: str) -> None:
        """Take note of a key that may be there though it is not read."""
        self._read.add(name)

    def names(self) -> tuple[str, ...]:
        """Return the keys present, all of them now counted as known."""
        self._read.update(self._values)
        return tuple(self._values)

    # --- figures -------------------------------------------------------------------------------

    def number(
        self, name: str, *, low: float = 0, high: float = float("inf"), default: Any = REQUIRED
    ) -> float:
        """Return a number between two bounds, both allowed."""
        value = self._take(name, "a number", default)
        return low if value is None else self._checked(name, value, low, high)

    def share(self, name: str, *, default: Any = REQUIRED) -> float:
        """Return a number from 0 to 1."""
        return self.number(name, low=0, high=1, default=default)

    def integer(
        self, name: str, *, low: int = 0, high: float = float("inf"), default: Any = REQUIRED
    ) -> int:
        """Return a whole number between two bounds, both allowed."""
        value = self._take(name, "a whole number", default)
        return low if value is None else self._whole(name, value, low, high)

    def numbers(
        self, name: str, *, count: int, low: float = 0, default: Any = REQUIRED
    ) -> tuple[float, ...]:
        """Return a list of a certain length, each at least `low`."""
        value = self._take(name, f"a list of {count} numbers", default)
        if not self._is_list(name, value, count, f"a list of {count} numbers"):
            return (low,) * count
        return tuple(
            self._checked(f"{name}[{i}]", item, low, float("inf")) for i, item in enumerate(value)
        )

    def integers(
        self, name: str, *, low: int, high: float = float("inf"), default: Any = REQUIRED
    ) -> tuple[int, ...]:
        """Return a list of whole numbers, of any length."""
        value = self._take(name, "a list of whole numbers", default)
        if not self._is_list(name, value, None, "a list of whole numbers"):
            return ()
        return tuple(self._whole(f"{name}[{i}]", v, low, high) for i, v in enumerate(value))

    def hourly(self, name: str, *, low: int) -> tuple[int, ...]:
        """Return a whole number for each hour of the day; written once when all are the same."""
        wanted = "a whole number, or a list of 24, one for each hour of the day"
        value = self._take(name, wanted, REQUIRED)
        if isinstance(value, list):
            if not self._is_list(name, value, 24, wanted):
                return (low,) * 24
            return tuple(self._whole(f"{name}[{i}]", v, low) for i, v in enumerate(value))
        return (low if value is None else self._whole(name, value, low),) * 24

    def span(self, name: str, *, low: int = 0, default: Any = REQUIRED) -> tuple[int, int]:
        """Return two whole numbers, from and to."""
        value = self._take(name, "[from, to]", default)
        if value is None:
            return low, low
        whole = isinstance(value, list | tuple) and all(
            isinstance(item, int) and not isinstance(item, bool) for item in value
        )
        if not whole or len(value) != 2:  # noqa: PLR2004 - from and to
            self.problem(name, f"is {value!r}; it must be two whole numbers, [from, to]")
            return low, low
        first, last = value
        if not low <= first <= last:
            self.problem(name, f"is {value!r}; it must ascend and start at {low} or more")
        return first, last

    def weights(self, name: str, *, what: str, default: Any = REQUIRED) -> dict[str, float]:
        """Return a table of numbers by names that are not keys: modes, articles, tiers."""
        value = self._take(name, f"a table of numbers by {what}", default)
        if not isinstance(value, dict):
            if value is not None:
                self.problem(name, f"is {value!r}; it must be a table of numbers by {what}")
            return {}
        return {
            key: self._checked(f"{name}.{key}", item, 0, float("inf"))
            for key, item in value.items()
        }

    def truth(self, name: str, *, default: Any = REQUIRED) -> bool:
        """Return true or false."""
        value = self._take(name, "true or false", default)
        if value is not None and not isinstance(value, bool):
            self.problem(name, f"is {value!r}; it must be true or false")
        return value is True

    # --- texts ---------------------------------------------------------------------------------

    def text(self, name: str, *, default: Any = REQUIRED) -> str:
        """Return a text that is not empty."""
        value = self._take(name, "a text", default)
        if value is None or value is default:
            return value or ""
        if not isinstance(value, str) or not value.strip():
            self.problem(name, f"is {value!r}; it must be a text")
            return ""
        return value

    def choice(self, name: str, options: Sequence[str], *, default: Any = REQUIRED) -> str:
        """Return one of some texts; the first of them when it is none."""
        value = self.text(name, default=default)
        if value in options:
            return value
        if value:
            self.problem(name, f"is {value!r}; it must be one of {', '.join(options)}")
        return options[0]

    def texts(self, name: str) -> tuple[str, ...]:
        """Return a list of texts with at least one entry."""
        value = self._take(name, "a list of texts", REQUIRED)
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

    # --- times and places ----------------------------------------------------------------------

    def moment(self, name: str, *, day: dt.date | None = None) -> dt.datetime:
        """Return a local date and time, without an offset.

        Parameters
        ----------
        day
            A time of day alone is one of this day; None: a date is needed.
        """
        example = "2026-11-20T17:00:00" + (' or "18:30"' if day else "")
        value = self._take(name, f"a local date and time such as {example}", REQUIRED)
        if isinstance(value, dt.datetime) and value.tzinfo is None:
            return value
        if day is not None:
            if isinstance(value, str) and (match := _CLOCK.match(value)):
                value = dt.time(int(match.group(1)), int(match.group(2)))
            if isinstance(value, dt.time):
                return dt.datetime.combine(day, value)
        if value is not None:
            self.problem(
                name,
                f"is {value}; it must be a local date and time without quotes and without an "
                f"offset, such as {example}",
            )
        return dt.datetime(2000, 1, 1)  # noqa: DTZ001 - local time of a city not known here

    def duration(self, name: str, *, low: int = 0, default: Any = REQUIRED) -> int:
        """Return seconds from a length of time such as `1h30m`."""
        value = self._take(name, 'a length of time such as "1h30m"', default)
        if value is None or value is default:
            return value or 0
        match = _DURATION.fullmatch(value) if isinstance(value, str) and value else None
        if match is None:
            self.problem(name, f'is {value!r}; it must be a length of time such as "1h30m"')
            return low
        hours, minutes, seconds = (int(part or 0) for part in match.groups())
        total_s = hours * HOUR_S + minutes * MINUTE_S + seconds
        if total_s < low:
            self.problem(name, f"is {value!r}; the least is {low} s")
        return total_s

    def clock_list(self, name: str) -> tuple[int, ...]:
        """Return one or more times of day, ascending, as seconds after midnight."""
        value = self._take(name, 'a time of day such as "07:30", or a list of them', REQUIRED)
        if value is None:
            return ()
        if not isinstance(value, list):
            return (self._clock(name, value),)
        if not value:
            self.problem(name, "is empty; name one time of day at least")
        return tuple(sorted({self._clock(f"{name}[{i}]", item) for i, item in enumerate(value)}))

    def clocks(self, name: str) -> tuple[int, int]:
        """Return two times of day as seconds after midnight; the second may be on the morrow."""
        value = self._take(name, 'two times of day such as ["15:00", "23:00"]', REQUIRED)
        if value is None:
            return 0, 0
        if not isinstance(value, list) or len(value) != 2:  # noqa: PLR2004 - from and to
            self.problem(name, f'is {value!r}; it must be two times, such as ["15:00", "23:00"]')
            return 0, 0
        return self._clock(f"{name}[0]", value[0]), self._clock(f"{name}[1]", value[1])

    def point(self, name: str, *, default: Any = REQUIRED) -> LonLat | None:
        """Return a place on earth, None for none."""
        wanted = "a place such as { lat = 60.170, lng = 24.941 }"
        value = self._take(name, wanted, default)
        if value is None:
            return None
        is_place = isinstance(value, dict) and set(value) == {"lat", "lng"}
        if not is_place or not all(
            isinstance(item, int | float) and not isinstance(item, bool) for item in value.values()
        ):
            self.problem(name, f"is {value!r}; it must be {wanted}")
            return None
        return LonLat(float(value["lng"]), float(value["lat"]))

    # --- tables --------------------------------------------------------------------------------

    def section(self, name: str, *, optional: bool = False) -> Section:
        """Return a table inside this one."""
        self._read.add(name)
        return Section(self._values.get(name), self.key(name), self._problems, optional=optional)

    def sections(self, name: str, *, optional: bool = False) -> Iterator[Section]:
        """Return a list of tables, one at least unless they are optional."""
        self._read.add(name)
        value = self._values.get(name, [] if optional else None)
        if optional and value == []:
            return
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

    # --- inside --------------------------------------------------------------------------------

    def _take(self, name: str, wanted: str, default: Any) -> Any:
        self._read.add(name)
        self._problems.known[re.sub(r"\[\d+\]", "", self.key(name))] = default
        if name in self._values:
            return self._values[name]
        if default is REQUIRED:
            self.problem(name, f"is missing; it must be {wanted}")
            return None
        return default

    def _is_list(self, name: str, value: object, count: int | None, wanted: str) -> bool:
        if isinstance(value, list | tuple) and count in (None, len(value)):
            return True
        if value is not None:
            is_list = isinstance(value, list)
            size = f"has {len(value)} entries" if is_list else f"is {value!r}"  # type: ignore[arg-type]
            self.problem(name, f"{size}; it must be {wanted}")
        return False

    def _whole(self, name: str, value: object, low: int, high: float = float("inf")) -> int:
        if not isinstance(value, int) or isinstance(value, bool):
            self.problem(name, f"is {value!r}; it must be a whole number")
            return low
        return int(self._checked(name, value, low, high))

    def _checked(self, name: str, value: object, low: float, high: float) -> float:
        if not isinstance(value, int | float) or isinstance(value, bool):
            self.problem(name, f"is {value!r}; it must be a number")
            return low
        if not low <= value <= high or value == float("inf"):
            bounds = f"{low:g} or more" if high == float("inf") else f"{low:g} to {high:g}"
            self.problem(name, f"is {value:g}; it must be {bounds}")
        return value

    def _clock(self, name: str, value: object) -> int:
        if isinstance(value, dt.time):
            return value.hour * HOUR_S + value.minute * MINUTE_S + value.second
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
