"""What is kept of endpoints and of what was sent to them.

Times are UTC epoch seconds by the machine's clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class EndpointStatus(StrEnum):
    """Whether an endpoint is called."""

    ACTIVE = "active"
    DISABLED = "disabled"
    """A person wants it so."""
    PARKED = "parked"
    """It was dead for too long, or says that it is gone; a person must look."""


FAILING: Final = "failing"
"""Shown of an endpoint that is called and does not answer well."""


class DeliveryKind(StrEnum):
    """Why something was sent."""

    EVENT = "event"
    TEST = "test"
    AGAIN = "again"
    """A person asked for one message once more."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Somebody who wants to be called.

    Attributes
    ----------
    events
        Patterns of event types: `Order*`.
    secret, old_secret
        What messages are signed with; the old one as well until `old_secret_until`.
    cursor
        Up to this number of the zone's log all is settled, but for what is in `webhook_waiting`.
    status_reason, status_at
        Why it is not called, in words, and since when.
    failing_since, delivered_at
        Of the first failure after the last success, and of that success; None for neither.
    """

    endpoint_id: str
    url: str
    events: tuple[str, ...]
    description: str
    secret: str
    created_at: int
    cursor: int
    old_secret: str | None = None
    old_secret_until: int | None = None
    status: EndpointStatus = EndpointStatus.ACTIVE
    status_reason: str = ""
    status_at: int = 0
    failing_since: int | None = None
    delivered_at: int | None = None

    def secrets_at(self, moment: float) -> tuple[str, ...]:
        """Return what a message is signed with, the present secret first."""
        old = self.old_secret
        if old is None or self.old_secret_until is None or moment >= self.old_secret_until:
            return (self.secret,)
        return (self.secret, old)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A message behind the cursor that is not settled: it failed, or stands behind one that did."""

    seq: int
    attempts: int
    first_at: int | None
    next_at: int


@dataclass(frozen=True, slots=True)
class Delivery:
    """One attempt: a row of the delivery log.

    Attributes
    ----------
    delivery_id
        A number that rises; 0 until it is kept.
    seq, type
        Of the event, 0 for a test.
    attempt
        1 for the first.
    status
        HTTP status of the answer, None without one; `error` says why then.
    answer
        How the answer began, or what went wrong, in words.
    next_at
        When it will be tried again, None when it will not.
    """

    endpoint_id: str
    message_id: str
    kind: DeliveryKind
    seq: int
    type: str
    attempt: int
    at: int
    delivered: bool
    status: int | None
    error: str | None
    answer: str
    latency_ms: int
    next_at: int | None = None
    delivery_id: int = 0


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an endpoint is, written at once.

    Attributes
    ----------
    waiting, settled
        Messages that wait from now on or wait otherwise than before, and numbers of those that
        wait no more.
    deliveries
        New rows of the delivery log.
    """

    endpoint_id: str
    cursor: int
    status: EndpointStatus
    status_reason: str
    status_at: int
    failing_since: int | None
    delivered_at: int | None
    waiting: tuple[Waiting, ...]
    settled: tuple[int, ...]
    deliveries: tuple[Delivery, ...]
