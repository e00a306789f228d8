"""Events as JSON objects and back: one form for the log, one for the wire; and a journal's inputs.

The log writes moments as integers; the wire writes them as RFC 3339 UTC.  Places are
`{"lat": ..., "lng": ...}` in both, and a service area has the JSON form of `geo.service_area`.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from datetime import UTC, datetime
from typing import Any, Final

from cattrs import Converter

from dispatch.commands import COMMAND_TYPES, Command
from dispatch.errors import InvalidValueError
from dispatch.events import EVENT_TYPES, Event
from dispatch.journal import INPUT_TYPES, Handled, Input
from geo.service_area import ServiceArea
from geo.service_area import as_json as area_as_json
from geo.service_area import from_json as area_from_json
from geo.types import EpochS, LonLat


def to_rfc3339(moment: int) -> str:
    """Return `2026-11-20T16:30:00Z` for UTC epoch seconds."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def from_rfc3339(text: str) -> int:
    """Return UTC epoch seconds; a text without an offset is refused."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidValueError("time", f"{text!r} is not RFC 3339") from error
    if moment.tzinfo is None:
        raise InvalidValueError("time", f"{text!r} has no offset; end it with Z for UTC")
    return int(moment.timestamp())


def log_converter(*, detailed_validation: bool = True, omit_if_default: bool = False) -> Converter:
    """Return a new converter of any model type for the log.

    Parameters
    ----------
    detailed_validation
        Without it is quicker, and errors do not say where they are.
    omit_if_default
        Fields that are as they begin are not written: quicker, where no other program reads it.
    """
    converter = Converter(
        prefer_attrib_converters=True,
        detailed_validation=detailed_validation,
        omit_if_default=omit_if_default,
        # JSON knows no sets; in order, so that the same fields are the same text.
        unstruct_collection_overrides={AbstractSet: sorted},
    )
    converter.register_unstructure_hook(LonLat, lambda p: {"lat": p.lat, "lng": p.lon})
    converter.register_structure_hook(LonLat, lambda d, _: LonLat(d["lng"], d["lat"]))
    converter.register_unstructure_hook(ServiceArea, area_as_json)
    converter.register_structure_hook(ServiceArea, lambda d, _: area_from_json(d))
    return converter


def _wire_converter() -> Converter:
    converter = log_converter()
    converter.register_unstructure_hook_func(lambda kind: kind is EpochS, to_rfc3339)
    converter.register_structure_hook_func(
        lambda kind: kind is EpochS, lambda text, _: from_rfc3339(text)
    )
    return converter


LOG: Final = log_converter()
"""Converts any model type for the log."""

WIRE: Final = _wire_converter()
"""Converts any model type for the wire."""


def event_to_json(event: Event, converter: Converter = LOG) -> dict[str, Any]:
    """Return the event's fields; its name is kept beside them, not inside."""
    fields: dict[str, Any] = converter.unstructure(event)
    return fields


def event_from_json(name: str, fields: dict[str, Any], converter: Converter = LOG) -> Event:
    """Rebuild an event; an unknown name is refused, so that nothing is skipped silently."""
    kind = EVENT_TYPES.get(name)
    if kind is None:
        raise InvalidValueError("event", f"{name!r} is not a known event")
    return converter.structure(fields, kind)


def input_to_json(entry: Input, converter: Converter = LOG) -> dict[str, Any]:
    """Return the input's fields; its name and its `at` are kept beside them, not inside.

    A command lies under its own name: `{"PlaceOrder": {...}}`.
    """
    if isinstance(entry, Handled):
        fields: dict[str, Any] = converter.unstructure(entry.command)
        return {type(entry.command).__name__: fields}
    fields = converter.unstructure(entry)
    del fields["at"]
    return fields


def input_from_json(
    name: str, at: int, fields: dict[str, Any], converter: Converter = LOG
) -> Input:
    """Rebuild an input; one that is unknown is refused, so that nothing is skipped silently."""
    kind = INPUT_TYPES.get(name)
    if kind is None:
        raise InvalidValueError("input", f"{name!r} is not a known input")
    if kind is Handled:
        ((command_name, inside),) = fields.items()
        return Handled(at, command_from_json(command_name, inside, converter))
    return converter.structure({**fields, "at": at}, kind)


def command_from_json(name: str, fields: dict[str, Any], converter: Converter = LOG) -> Command:
    """Rebuild a command; an unknown name is refused."""
    kind = COMMAND_TYPES.get(name)
    if kind is None:
        raise InvalidValueError("command", f"{name!r} is not a known command")
    return converter.structure(fields, kind)
