"""Fields hold what they say: types are checked where an object is made, not where it is used.

What a class wants is read once from its annotations.  After that the types of all plain fields
are looked up as one tuple among those found good before, so that an object costs well under a
microsecond; only the items of tuples, sets and mappings are looked at one by one.
"""

from __future__ import annotations

import reprlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from operator import attrgetter
from types import NoneType, UnionType
from typing import Any, Final, NamedTuple, TypeVar, Union, get_args, get_origin, get_type_hints

import numpy as np
from numpy.typing import NDArray

from dispatch.errors import InvalidValueError

_WORDS: Mapping[type, str] = {
    int: "a whole number",
    float: "a number",
    str: "a text",
    bool: "True or False",
    NoneType: "None",
}
MOST: Final = 1 << 40
"""More than any time, weight or cost: millions of them still add up within 64 bits."""

_Thing = TypeVar("_Thing")

_INT32 = np.dtype(np.int32)
_IDS = ("order_id", "store_id", "courier_id", "zone_id", "name")


@dataclass(frozen=True, slots=True, eq=False)
class _Wanted:
    """What a field or an item must be.

    Attributes
    ----------
    types
        Any of these, or a class derived from one; `bool` counts as no number.
    items
        What each item of a tuple, set or mapping must be; for a mapping keys and values.
    length
        Of a tuple that has a fixed one; -1 for any.
    good
        Exact types that were found good before.
    """

    types: tuple[type, ...]
    words: str
    items: tuple[_Wanted, ...] = ()
    length: int = -1
    good: set[type] = field(default_factory=set)

    def fits(self, value: object) -> bool:
        """Return whether a value is of the type, its items not looked at."""
        kind = type(value)
        if kind in self.good:
            return True
        if not isinstance(value, self.types) or (kind is bool and bool not in self.types):
            return False
        self.good.add(kind)
        return True

    def misfits(self, value: Any) -> list[object]:
        """Return the items of a container that do not fit, or parts of them that do not."""
        found: list[object] = []
        parts = (value, value.values()) if len(self.items) > 1 else (value,)
        for wanted, items in zip(self.items, parts, strict=True):
            # Mostly all types were met before: one look at each, without leaving C.
            if not wanted.items and wanted.good.issuperset(map(type, items)):
                continue
            for item in items:
                if not wanted.fits(item) or (0 <= wanted.length != len(item)):
                    found.append(item)
                elif wanted.items:
                    found += wanted.misfits(item)
        return found


class _Slots(NamedTuple):
    """How to read all fields of an object in one go, and what writes each of them."""

    values: Callable[[object], tuple[Any, ...]]
    setters: tuple[Callable[[object, object], None], ...]
    setter_of: dict[str, Callable[[object, object], None]]


class _Rules(NamedTuple):
    """What a class wants, and how to read it in one go.

    Attributes
    ----------
    wanted
        By field: the plain ones first, then those with items.
    plain
        How many are plain.
    values
        Reads all fields of an object, in this order.
    good
        Exact types of all fields that were found good before.
    """

    wanted: tuple[tuple[str, _Wanted], ...]
    plain: int
    values: Callable[[object], tuple[Any, ...]]
    good: set[tuple[type, ...]]


def check_types(thing: object) -> None:
    """Hold that every field of a dataclass is of the type it is annotated with.

    A whole number will do for a float; `True` is no number.

    Raises
    ------
    InvalidValueError
        Naming the field, the object and what it must be.
    """
    rules = _RULES.get(type(thing)) or _rules(type(thing))
    values = rules.values(thing)
    types = tuple(map(type, values))
    if types not in rules.good:
        for (name, wanted), value in zip(rules.wanted, values, strict=True):
            if not wanted.fits(value):
                raise refusal(thing, name, value, wanted.words)
        rules.good.add(types)
    for index in range(rules.plain, len(values)):
        value = values[index]
        if value:
            name, wanted = rules.wanted[index]
            misfits = wanted.misfits(value)
            if misfits:
                problem = f"{_of(thing)} holds {reprlib.repr(misfits[0])}; give {wanted.words}"
                raise InvalidValueError(name, problem)


def revised(thing: _Thing, **changes: object) -> _Thing:
    """Return a frozen, slotted dataclass with other values in some fields, unchecked.

    It is the very same where the values are.

    For whoever has made `thing` and knows that the values fit: `dataclasses.replace` checks
    everything again and takes several times as long.
    """
    if all(getattr(thing, name) == value for name, value in changes.items()):
        return thing
    kind = type(thing)
    values, setters, setter_of = _SLOTS.get(kind) or _slots(kind)
    made = object.__new__(kind)
    for put, value in zip(setters, values(thing), strict=True):
        put(made, value)
    for name, value in changes.items():
        setter_of[name](made, value)
    return made


def check_least(thing: object, least: int, *names: str) -> None:
    """Hold that numbers are not below `least` and below `MOST`; None is left alone.

    Raises
    ------
    InvalidValueError
        Naming the first field that is.
    """
    values = _READERS.get(names) or _reader(names)
    for name, value in zip(names, values(thing), strict=True):
        if value is not None and not least <= value < MOST:
            wanted = f"{least} or more" if value < least else f"less than {MOST}"
            raise refusal(thing, name, value, wanted)


def check_tables(thing: object, *names: str) -> None:
    """Hold that mappings to arrays have the same keys and fit each other.

    Each array must be int32 of shape (places, places), without a number below 0; `places` is the
    same for all.

    Raises
    ------
    InvalidValueError
        Naming the first field that does not fit.
    """
    first = getattr(thing, names[0])
    places: int | None = None
    for name in names:
        tables = getattr(thing, name)
        if tables.keys() != first.keys():
            wanted, found = (", ".join(sorted(keys)) or "none" for keys in (first, tables))
            raise InvalidValueError(name, f"is for {found}, {names[0]} for {wanted}; give both")
        for key, table in tables.items():
            places = _check_table(name, str(key), table, places)


def _check_table(name: str, key: str, table: NDArray[Any], places: int | None) -> int:
    """Hold that an array is what `check_tables` asks for; returns its number of rows."""
    if table.dtype != _INT32:
        raise InvalidValueError(name, f"of {key} is of {table.dtype}; give an int32 array")
    rows = len(table) if table.ndim else 0
    if table.shape != (rows, rows) or rows != (rows if places is None else places):
        wanted = "(places, places)" if places is None else f"({places}, {places})"
        raise InvalidValueError(name, f"of {key} has the shape {table.shape}; give {wanted}")
    if table.size and int(table.min()) < 0:
        raise InvalidValueError(name, f"of {key} holds {table.min()}; 0 is the least")
    return rows


def refusal(thing: object, name: str, value: object, wanted: str) -> InvalidValueError:
    """Return the error for a field that does not hold what it must."""
    return InvalidValueError(name, f"{_of(thing)} is {reprlib.repr(value)}; give {wanted}")


def _of(thing: object) -> str:
    names = (getattr(thing, name, None) for name in _IDS)
    name = next((name for name in names if isinstance(name, str) and name), "")
    return f"of {type(thing).__name__} {name}".rstrip()


_RULES: dict[type, _Rules] = {}
_SLOTS: dict[type, _Slots] = {}
_READERS: dict[tuple[str, ...], Callable[[object], tuple[Any, ...]]] = {}


def _rules(kind: type) -> _Rules:
    """Read what a class wants from its annotations, once."""
    hints = get_type_hints(kind)
    wanted = [(entry.name, _wanted(hints[entry.name])) for entry in fields(kind)]
    wanted.sort(key=lambda pair: bool(pair[1].items))
    plain = sum(not want.items for _, want in wanted)
    values = _reader(tuple(name for name, _ in wanted))
    _RULES[kind] = _Rules(tuple(wanted), plain, values, set())
    return _RULES[kind]


def _slots(kind: type) -> _Slots:
    """Read which fields a class has, once."""
    names = tuple(entry.name for entry in fields(kind))
    setter_of = {name: getattr(kind, name).__set__ for name in names}
    _SLOTS[kind] = _Slots(_reader(names), tuple(setter_of.values()), setter_of)
    return _SLOTS[kind]


def _reader(names: tuple[str, ...]) -> Callable[[object], tuple[Any, ...]]:
    """Return what reads fields as a tuple, even where there is only one."""
    if len(names) > 1:
        _READERS[names] = attrgetter(*names)
    else:
        _READERS[names] = lambda thing: tuple(getattr(thing, name) for name in names)
    return _READERS[names]


def _wanted(hint: Any) -> _Wanted:
    """Return what an annotation asks for."""
    hint = getattr(hint, "__supertype__", hint)
    origin, inner = get_origin(hint), get_args(hint)
    if origin is np.ndarray:
        return _Wanted((np.ndarray,), "an array")
    if origin in {Union, UnionType}:
        parts = [_wanted(part) for part in inner]
        types = tuple(kind for part in parts for kind in part.types)
        return _Wanted(types, " or ".join(part.words for part in parts))
    if origin is None:
        types = (float, int) if hint is float else (hint,)
        return _Wanted(types, _WORDS.get(hint, _article(hint.__name__)))
    items = tuple(_wanted(part) for part in inner if part is not Ellipsis)
    words = " to ".join(dict.fromkeys(item.words for item in items))
    if origin is tuple and Ellipsis not in inner:
        return _Wanted((tuple,), f"{len(items)} in a tuple, each {words}", items[:1], len(items))
    each = "from" if len(items) > 1 else "each"
    return _Wanted((origin,), f"{_article(origin.__name__.lower())}, {each} {words}", items)


def _article(name: str) -> str:
    return f"{'an' if name[0] in 'AEIOUaeiou' else 'a'} {name}"
