"""Webhook endpoints and what was sent to them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from api.shapes.words import Moment, one_of
from api.webhooks.records import FAILING, DeliveryKind, EndpointStatus

EndpointState = Annotated[
    str, Field(json_schema_extra={"enum": [*map(str, EndpointStatus), FAILING]})
]


class Counts(TypedDict):
    """Messages since the service started."""

    delivered: int
    failed: int
    given_up: int


class Endpoint(TypedDict):
    """A webhook endpoint with how it is doing; `behind` and `waiting` are events."""

    id: str
    url: str
    events: list[str]
    description: str
    created_at: Moment
    status: EndpointState
    status_reason: str
    status_at: Moment
    old_secret_until: Moment | None
    delivered_at: Moment | None
    failing_since: Moment | None
    cursor: int
    behind: int
    waiting: int
    since_start: Counts


class EndpointWithSecret(Endpoint):
    """A webhook endpoint and what its messages are signed with, shown this once."""

    secret: str


class Endpoints(TypedDict):
    """Every webhook endpoint, the oldest first; `next` is null."""

    data: list[Endpoint]
    next: None


class WebhookDelivery(TypedDict):
    """One attempt to send a message; `seq` is 0 for a test."""

    id: int
    endpoint_id: str
    message_id: str
    kind: Annotated[str, one_of(DeliveryKind)]
    seq: int
    type: str
    attempt: int
    at: Moment
    delivered: bool
    status: int | None
    error: str | None
    answer: str
    latency_ms: int
    next_at: Moment | None


class WebhookDeliveryPage(TypedDict):
    """A page of the delivery log; `next` is the cursor of the following page, null on the last."""

    data: list[WebhookDelivery]
    next: str | None
