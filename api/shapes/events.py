"""Events of the log, and the messages that tell of them."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Union

from pydantic import Field, GetPydanticSchema
from typing_extensions import TypedDict

from api.shapes.wire import shape_of, shape_with
from api.shapes.words import Moment
from dispatch.events import EVENT_TYPES

ObjectKind = Literal[
    "order", "courier", "store", "quote", "plan", "action", "control", "closure", "zone"
]


class EventObject(TypedDict):
    """What an event speaks of; `id` is null for what is of the whole zone."""

    type: ObjectKind
    id: str | None


class Event(TypedDict):
    """An event in its wire form; the document has one such for each type."""

    seq: int
    zone: str
    at: Moment
    type: str
    object: EventObject
    data: Any


def _each_type() -> Any:
    """Return what describes an event: which `type` it is says which `data` it has."""
    frame = {name: Event.__annotations__[name] for name in ("seq", "zone", "at", "object")}
    kinds = [
        shape_with(f"{name}Event", {**frame, "type": Literal[name], "data": shape_of(kind)})
        for name, kind in EVENT_TYPES.items()
    ]
    return Annotated[Union[tuple(kinds)], Field(discriminator="type")]  # noqa: UP007  of a tuple


AnyEvent = Annotated[
    Event, GetPydanticSchema(lambda _source, handler: handler.generate_schema(_each_type()))
]


class LeftOutEvent(TypedDict):
    """An event too large for a message: `href` is where it is read."""

    seq: int
    zone: str
    at: Moment
    type: str
    object: EventObject
    data: None
    left_out_bytes: int
    href: str


class WebhookTestObject(TypedDict):
    """The endpoint that a test is sent to."""

    type: Literal["webhook_endpoint"]
    id: str


class WebhookTestData(TypedDict):
    """That it is a test."""

    detail: str


class WebhookTestEvent(TypedDict):
    """A test of a webhook endpoint; nothing happened, so it has the number 0."""

    seq: Literal[0]
    zone: str
    at: Moment
    type: Literal["WebhookTest"]
    object: WebhookTestObject
    data: WebhookTestData


class Message(TypedDict):
    """What a webhook endpoint is sent, by Standard Webhooks."""

    type: str
    timestamp: Moment
    data: AnyEvent | LeftOutEvent | WebhookTestEvent


class EventPage(TypedDict):
    """Events in order; `next` is the number to ask for what comes after them."""

    data: list[AnyEvent]
    next: int
