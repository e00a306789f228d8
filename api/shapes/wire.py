"""Shapes of what the codec writes: model types that go out field by field, as in events."""

from __future__ import annotations

import types
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any, Union, get_args, get_origin, get_type_hints

from pydantic import GetPydanticSchema
from typing_extensions import TypedDict

from api.shapes.areas import Area
from api.shapes.words import Moment, Place
from dispatch.events import EVENT_TYPES
from geo.service_area import ServiceArea
from geo.types import EpochS, LonLat

_AS: dict[Any, Any] = {EpochS: Moment, LonLat: Place, ServiceArea: Area}
"""What the wire's codec writes in a way of its own; see `dispatch.codec`."""


def written(kind: Any) -> Any:
    """Return what describes a model type as the wire's codec writes it."""
    return GetPydanticSchema(lambda _source, handler: handler.generate_schema(shape_of(kind)))


def shape_of(kind: Any) -> Any:
    """Return the shape of a model type: of a class, a collection or a union.

    Raises
    ------
    TypeError
        It is of a kind that no model type was of until now.
    """
    if kind in _AS:
        return _AS[kind]
    if isinstance(kind, type) and is_dataclass(kind):
        return _fields(kind)
    origin, inside = get_origin(kind), get_args(kind)
    if origin in {Union, types.UnionType}:
        return Union[tuple(shape_of(one) for one in inside)]  # noqa: UP007  of a tuple
    if origin is None:
        return kind
    if issubclass(origin, Mapping):
        return dict[str, shape_of(inside[1])]  # type: ignore[misc]
    if issubclass(origin, Sequence | AbstractSet):
        return list[shape_of(inside[0])]  # type: ignore[misc]
    raise TypeError(f"no shape is known for {kind}")


@cache
def _fields(kind: Any) -> Any:
    """Return the shape of a dataclass: every field of it is written."""
    hints = get_type_hints(kind)
    # Answers have shapes of their own for orders, stores and the like.
    name = kind.__name__ if kind.__name__ in EVENT_TYPES else f"{kind.__name__}Record"
    keys = {each.name: shape_of(hints[each.name]) for each in fields(kind)}
    return shape_with(name, keys, kind.__doc__.partition("\n")[0])


def shape_with(name: str, keys: dict[str, Any], doc: str = "") -> Any:
    """Return a shape of some keys, for what is known only when the document is made."""
    made: Any = TypedDict
    shape = made(name, keys)
    shape.__doc__ = doc
    return shape
