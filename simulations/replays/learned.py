"""What a log has taught about picking, hand-overs and ways: as values, and as a readable file."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import isfinite
from pathlib import Path
from typing import Any, Final

from dispatch.model import Store
from geo.types import Mode
from simulations.errors import ReplayError

_MOST_BASE_S: Final = 3600
_MOST_LINE_S: Final = 600
"""The service takes no more (`api.schemas.StoreIn`)."""

_NUMBERS: Final = 3
"""The value and its interval."""

_PACES: Final = (0.5, 20.0)
"""What a speed profile can say: twice the usual speed, and a twentieth of it."""


@dataclass(frozen=True, slots=True)
class Value:
    """A learned figure with its 95 % interval, and how many cases of its own it rests on."""

    value: float
    low: float
    high: float
    cases: int


@dataclass(frozen=True, slots=True)
class LearnedStore:
    """What is known of a store now: seconds."""

    name: str
    pick_base_s: Value
    pick_line_s: Value
    pickup_service_s: Value


@dataclass(frozen=True, slots=True)
class LearnedCourier:
    """How many times the forecast way time a courier takes."""

    mode: Mode
    pace: Value


@dataclass(frozen=True, slots=True)
class Learned:
    """All of it.

    Attributes
    ----------
    source
        What it was learned from, in words.
    every_store
        For stores of which nothing was seen.
    pick_spread, trip_spread
        Standard deviation of the logarithm of true by expected times, of one pick or trip.
    paces
        By mode, times the forecasts that were made.
    """

    source: str
    every_store: LearnedStore
    pick_spread: float
    door_s: Value
    return_s: Value
    handover_spread: float
    trip_spread: float
    stores: Mapping[str, LearnedStore] = field(default_factory=dict)
    paces: Mapping[Mode, Value] = field(default_factory=dict)
    couriers: Mapping[str, LearnedCourier] = field(default_factory=dict)

    def store(self, store: Store) -> Store:
        """Return a store with the times that were learned; points are left as they are."""
        known = self.stores.get(store.store_id)
        if known is None or store.is_point:
            return store
        return replace(
            store,
            pick_base_s=_whole(known.pick_base_s, _MOST_BASE_S, store.pick_base_s),
            pick_line_s=_whole(known.pick_line_s, _MOST_LINE_S, store.pick_line_s),
            pickup_service_s=_whole(known.pickup_service_s, _MOST_BASE_S, store.pickup_service_s),
        )

    def pace_of(self, mode: Mode) -> float:
        """Return how many times the forecast way times of a mode are to be taken."""
        known = self.paces.get(mode)
        low, high = _PACES
        return 1.0 if known is None or not known.cases else min(high, max(low, known.value))


def _whole(value: Value, most: int, otherwise: int) -> int:
    return otherwise if not value.cases else min(most, max(0, round(value.value)))


# --- as a file -----------------------------------------------------------------------------------

_HEAD: Final = """\
# What samehour learned from {source}
#
# Seconds; a pace is how many times the forecast a way took: above 1 it went slower.
# `interval` is where the value lies with 95 %, `cases` how often it was seen there itself:
# what was seen little is drawn towards what holds everywhere.
#
#   samehour simulate SCENARIO --learned THIS_FILE     the engine forecasts with it
#   samehour replay LEDGER --push URL                  a running service picks with it
"""


def to_toml(learned: Learned) -> str:
    """Return the text of a file that people can read, and `from_toml`."""
    lines = [_HEAD.format(source=learned.source)]
    lines += [f"source = {_text(learned.source)}", ""]
    lines += ["[spread]  # of the logarithm of true by expected times"]
    lines += [f"pick = {learned.pick_spread:.4f}", f"handover = {learned.handover_spread:.4f}"]
    lines += [f"trip = {learned.trip_spread:.4f}", "", "[door]"]
    lines += [f"service_s = {_value(learned.door_s)}", f"return_s = {_value(learned.return_s)}"]
    lines += ["", "[every_store]  # where nothing was seen", *_store(learned.every_store)]
    for key, store in sorted(learned.stores.items()):
        lines += ["", f"[stores.{_text(key)}]", *_store(store)]
    for mode, pace in sorted(learned.paces.items()):
        lines += ["", f"[modes.{_text(mode.value)}]", f"pace = {_value(pace, 4)}"]
    for key, courier in sorted(learned.couriers.items()):
        lines += ["", f"[couriers.{_text(key)}]", f"mode = {_text(courier.mode.value)}"]
        lines += [f"pace = {_value(courier.pace, 4)}"]
    return "\n".join(lines) + "\n"


def speeds_toml(learned: Learned) -> str | None:
    """Return the paces as a speed profile for `samehour serve --speed-profile`, None without any.

    The paces are times the forecasts of that day: a service that had a profile needs both in one.
    """
    tables = []
    for mode, pace in sorted(learned.paces.items()):
        if pace.cases:
            factor = round(1 / learned.pace_of(mode), 4)
            hours = ", ".join([f"{factor:g}"] * 24)
            tables.append(f'[[speeds]]\nmodes = ["{mode.value}"]\nby_hour = [{hours}]\n')
    if not tables:
        return None
    head = f'title = "Paces learned by samehour"\nsource = {_text(learned.source)}\n\n'
    return head + "\n".join(tables)


def read_learned(path: Path) -> Learned:
    """Read a file that `to_toml` wrote, perhaps changed by hand.

    Raises
    ------
    ReplayError
        It cannot be read; the message says every problem.
    """
    try:
        text = path.read_text(encoding="utf-8")
        values = tomllib.loads(text)
    except OSError as error:
        raise ReplayError(f"{path} cannot be read: {error.strerror}") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ReplayError(f"{path} is no TOML: {error}") from error
    reading = _Reading(values)
    learned = reading.learned()
    if reading.problems:
        listed = "".join(f"\n  {problem}" for problem in reading.problems)
        raise ReplayError(f"{path} is not what samehour replay --learn writes:{listed}")
    return learned


class _Reading:
    """Reads a file's values, and remembers everything that is wrong with them."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values
        self.problems: list[str] = []

    def learned(self) -> Learned:
        stores = self._table(self._values, "stores", "")
        modes = self._table(self._values, "modes", "")
        couriers = self._table(self._values, "couriers", "")
        spread = self._table(self._values, "spread", "")
        door = self._table(self._values, "door", "")
        every = self._table(self._values, "every_store", "")
        known = {"source", "stores", "modes", "couriers", "spread", "door", "every_store"}
        self.problems += [f"{key} is unknown" for key in sorted(set(self._values) - known)]
        return Learned(
            source=str(self._values.get("source", "")),
            every_store=self._store(every, "every_store"),
            pick_spread=self._number(spread, "pick", "spread"),
            door_s=self._value(door, "service_s", "door"),
            return_s=self._value(door, "return_s", "door"),
            handover_spread=self._number(spread, "handover", "spread"),
            trip_spread=self._number(spread, "trip", "spread"),
            stores={
                key: self._store(self._table(stores, key, "stores"), f"stores.{key}")
                for key in stores
            },
            paces={
                mode: self._value(self._table(modes, key, "modes"), "pace", f"modes.{key}")
                for key in modes
                if (mode := self._mode(key, f"modes.{key}")) is not None
            },
            couriers={
                key: LearnedCourier(mode, self._value(one, "pace", f"couriers.{key}"))
                for key in couriers
                if (one := self._table(couriers, key, "couriers")) is not None
                and (mode := self._mode(one.get("mode"), f"couriers.{key}.mode")) is not None
            },
        )

    def _store(self, table: Mapping[str, Any], where: str) -> LearnedStore:
        return LearnedStore(
            str(table.get("name", "")),
            self._value(table, "pick_base_s", where),
            self._value(table, "pick_line_s", where),
            self._value(table, "pickup_service_s", where),
        )

    def _table(self, values: Mapping[str, Any], key: str, where: str) -> Mapping[str, Any]:
        found = values.get(key, {})
        if isinstance(found, Mapping):
            return found
        self.problems.append(f"{where}.{key}".lstrip(".") + " must be a table")
        return {}

    def _value(self, values: Mapping[str, Any], key: str, where: str) -> Value:
        found = self._table(values, key, where)
        if not found:
            self.problems.append(f"{where}.{key} is missing; write {{ value = ..., cases = ... }}")
            return Value(0.0, 0.0, 0.0, 0)
        value, cases = found.get("value"), found.get("cases", 1)
        interval = found.get("interval", [value, value])
        numbers = [value, *(interval if isinstance(interval, list) else [])]
        is_whole = len(numbers) == _NUMBERS and isinstance(cases, int)
        if is_whole and all(_is_number(one) for one in numbers):
            return Value(float(numbers[0]), float(numbers[1]), float(numbers[2]), int(cases))
        form = "{ value, interval = [low, high], cases }"
        self.problems.append(f"{where}.{key} must be {form}")
        return Value(0.0, 0.0, 0.0, 0)

    def _number(self, values: Mapping[str, Any], key: str, where: str) -> float:
        found: Any = values.get(key)
        if _is_number(found) and found >= 0:
            return float(found)
        self.problems.append(f"{where}.{key} is {found!r}; it must be a number, 0 or more")
        return 0.0

    def _mode(self, name: object, where: str) -> Mode | None:
        if name in set(Mode):
            return Mode(str(name))
        self.problems.append(f"{where} is {name!r}; it must be one of {', '.join(Mode)}")
        return None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


def _store(store: LearnedStore) -> list[str]:
    name = [f"name = {_text(store.name)}"] if store.name else []
    return [
        *name,
        f"pick_base_s = {_value(store.pick_base_s)}",
        f"pick_line_s = {_value(store.pick_line_s)}",
        f"pickup_service_s = {_value(store.pickup_service_s)}",
    ]


def _value(value: Value, digits: int = 1) -> str:
    low, high = round(value.low, digits), round(value.high, digits)
    shown = f"value = {round(value.value, digits)}, interval = [{low}, {high}]"
    return f"{{ {shown}, cases = {value.cases} }}"


def _text(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{"".join(c if c.isprintable() else " " for c in escaped)}"'
