"""Attempts at messages, counted and as rows of the delivery log."""

from __future__ import annotations

from dataclasses import dataclass

from api.webhooks.messages import message_id
from api.webhooks.posting import Answer
from api.webhooks.records import Delivery, DeliveryKind


@dataclass(slots=True)
class Counts:
    """Of one endpoint since the service started."""

    delivered: int = 0
    failed: int = 0
    given_up: int = 0


def delivery_of(
    endpoint_id: str,
    seq: int,
    event_type: str,
    kind: DeliveryKind,
    answer: Answer,
    at: int,
    *,
    attempt: int = 1,
    next_at: float | None = None,
    sent_id: str | None = None,
) -> Delivery:
    """Return an attempt as a row of the delivery log."""
    return Delivery(
        endpoint_id=endpoint_id,
        message_id=sent_id or message_id(endpoint_id, seq),
        kind=kind,
        seq=seq,
        type=event_type,
        attempt=attempt,
        at=at,
        delivered=answer.is_success,
        status=answer.status,
        error=answer.error,
        answer=answer.text,
        latency_ms=answer.latency_ms,
        next_at=None if next_at is None else round(next_at),
    )
