"""Which thing an event speaks of: an order, a courier, a store and so on.

The number of an event in its zone's log rises for each of them as well, so it says which of two
messages about one thing is the newer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, Final

from api.shapes.events import ObjectKind
from dispatch.events import EVENT_TYPES, Event


@dataclass(frozen=True, slots=True)
class EventObject:
    """What an event speaks of; things of the whole zone have its kind and no id."""

    kind: ObjectKind
    object_id: str | None = None


_WAYS: Final[tuple[tuple[ObjectKind, str, Callable[[Any], str]], ...]] = (
    # An order first: what couriers and stores do for it is what happens to it.
    ("order", "order_id", lambda event: event.order_id),
    ("order", "order", lambda event: event.order.order_id),
    ("order", "stop", lambda event: event.stop.order_id),
    ("courier", "courier_id", lambda event: event.courier_id),
    ("courier", "courier", lambda event: event.courier.courier_id),
    ("store", "store_id", lambda event: event.store_id),
    ("store", "store", lambda event: event.store.store_id),
    ("quote", "quote", lambda event: event.quote.quote_id),
    ("plan", "plan_id", lambda event: event.plan_id),
    ("action", "action", lambda event: event.action.action_id),
    ("action", "action_id", lambda event: event.action_id),
    ("control", "control", lambda event: event.control.control_id),
    ("control", "control_id", lambda event: event.control_id),
    ("closure", "closure", lambda event: event.closure.closure_id),
    ("closure", "closure_id", lambda event: event.closure_id),
)
"""Kind, the field that names it, and how it is read; the first that an event has is taken."""


def _way_of(event_type: type[Any]) -> tuple[ObjectKind, Callable[[Any], str]] | None:
    names = {field.name for field in fields(event_type)}
    return next(((kind, read) for kind, name, read in _WAYS if name in names), None)


_BY_TYPE: Final = {event_type: _way_of(event_type) for event_type in EVENT_TYPES.values()}


def object_of(event: Event) -> EventObject:
    """Return what an event speaks of."""
    way = _BY_TYPE[type(event)]
    if way is None:
        return EventObject("zone")
    kind, read = way
    return EventObject(kind, read(event))
