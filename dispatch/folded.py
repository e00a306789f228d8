"""What was folded from a log, as bytes and back, so that a start need not fold all of it again.

Reading executes nothing: bytes become the types that the annotations name, or an error.  Entries of
long mappings are lines of their own, so that writing them lets other threads in between.
"""

from __future__ import annotations

import json
import zlib
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from functools import cache
from typing import Any, Final, TypeVar, get_args, get_origin, get_type_hints

from cattrs import Converter

from dispatch.codec import log_converter
from dispatch.demand import DemandFold
from dispatch.errors import InvalidValueError
from dispatch.experience import ExperienceFold
from dispatch.state import State

_T = TypeVar("_T")

_LEVEL: Final = 1
"""Of compression: higher ones take longer than they save."""


@dataclass(frozen=True, slots=True)
class Folded:
    """All that an engine knows from its log up to `state.seq`."""

    state: State
    demand: DemandFold
    experience: ExperienceFold


def copied(fold: _T) -> _T:
    """Return a fold that does not change when the one given goes on; what never changes is shared.

    Of the mutable types folds are made of: dataclasses, lists, dicts and deques.
    """
    made: Any = fold
    match fold:
        case list() | deque():
            made = fold.copy()
        case dict():
            is_deep = fold and _changes(next(iter(fold.values())))
            made = {k: copied(v) for k, v in fold.items()} if is_deep else fold.copy()
        case _ if _changes(fold):
            made = object.__new__(type(fold))
            for each in fields(fold):  # type: ignore[arg-type]  # `_changes` says it is one
                setattr(made, each.name, copied(getattr(fold, each.name)))
    return made  # type: ignore[no-any-return]


def packed(folds: object) -> bytes:
    """Return a dataclass of folds as bytes."""
    packer = zlib.compressobj(_LEVEL)
    lines = (packer.compress(json.dumps(line).encode() + b"\n") for line in _lines(folds))
    return b"".join(lines) + packer.flush()


def unpacked(data: bytes, kind: type[_T]) -> _T:
    """Return the dataclass of folds that `packed` made bytes of.

    Raises
    ------
    InvalidValueError
        The bytes are damaged, or of another kind.
    """
    try:
        lines = zlib.decompress(data).splitlines()
        found: dict[str, dict[str, Any]] = {each.name: {} for each in fields(kind)}  # type: ignore[arg-type]
        for fold, name, key, value in json.loads(b"[" + b",".join(lines) + b"]"):
            if key is None:
                found[fold][name] = value
            else:
                found[fold].setdefault(name, {})[key] = value
        hints = get_type_hints(kind)
        parts = {name: _converter().structure(part, hints[name]) for name, part in found.items()}
        return kind(**parts)
    except (zlib.error, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvalidValueError("folds", f"cannot be read: {error!r}") from error


def _changes(value: object) -> bool:
    """Tell whether something is a dataclass that is not frozen."""
    parameters: Any = getattr(type(value), "__dataclass_params__", None)
    return parameters is not None and not parameters.frozen


def _lines(folds: object) -> Iterator[tuple[str, str, str | None, Any]]:
    """Yield (fold, field, key or None, value), entries of mappings by text one by one."""
    write = _converter().unstructure
    for part in fields(folds):  # type: ignore[arg-type]  # a dataclass of folds
        fold = getattr(folds, part.name)
        for name, hint in _hints(type(fold)).items():
            value = getattr(fold, name)
            arguments = get_args(hint)
            if get_origin(hint) in {dict, Mapping} and arguments[0] is str:
                for key, entry in value.items():
                    yield part.name, name, key, write(entry, unstructure_as=arguments[1])
                if value:
                    continue
            yield part.name, name, None, write(value, unstructure_as=hint)


def _hints(kind: Any) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {each.name: hints[each.name] for each in fields(kind)}


@cache
def _converter() -> Converter:
    return log_converter(detailed_validation=False, omit_if_default=True)
