"""Webhook endpoints of one zone, what waits for them, and the log of what was sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from sqlalchemy import ColumnElement, Engine, Row, delete, func, insert, select, update

from api.storage import tables
from api.webhooks.records import (
    Delivery,
    DeliveryKind,
    Endpoint,
    EndpointStatus,
    Progress,
    Waiting,
)

KEPT_S: Final = 3 * 86_400
"""How long the delivery log reaches back."""

KEPT_ROWS: Final = 100_000
"""Most rows of it for one endpoint."""

_AT_ONCE: Final = 500
"""Most numbers named in one statement."""


class WebhookStore:
    """Endpoints and deliveries of one zone; every call is one transaction and may block.

    Parameters
    ----------
    engine
        The ledger's database.
    """

    def __init__(self, engine: Engine, zone_id: str) -> None:
        self._engine = engine
        self._zone = zone_id

    # --- endpoints -----------------------------------------------------------------------------

    def endpoints(self) -> list[Endpoint]:
        """Return every endpoint, the oldest first."""
        e = tables.webhook_endpoints
        query = select(e).where(e.c.zone == self._zone).order_by(e.c.created_at, e.c.endpoint_id)
        with self._engine.connect() as connection:
            return [_endpoint(row) for row in connection.execute(query)]

    def add(self, endpoint: Endpoint) -> None:
        """Keep a new endpoint."""
        row = {**_settings(endpoint), "zone": self._zone, "endpoint_id": endpoint.endpoint_id}
        row |= {"cursor": endpoint.cursor, "created_at": endpoint.created_at, **_health(endpoint)}
        with self._engine.begin() as connection:
            connection.execute(insert(tables.webhook_endpoints).values(row))

    def change(self, endpoint: Endpoint) -> None:
        """Keep what a person changed of an endpoint: where, what, its secrets and its status."""
        e = tables.webhook_endpoints
        row = {**_settings(endpoint), **_health(endpoint)}
        with self._engine.begin() as connection:
            connection.execute(update(e).where(*self._of(e, endpoint.endpoint_id)).values(row))

    def rewind(self, endpoint_id: str, cursor: int) -> None:
        """Set an endpoint back (or forward) to a number of the log; nothing waits after it."""
        e, w = tables.webhook_endpoints, tables.webhook_waiting
        with self._engine.begin() as connection:
            connection.execute(
                update(e).where(*self._of(e, endpoint_id)).values({"cursor": cursor})
            )
            connection.execute(delete(w).where(*self._of(w, endpoint_id), w.c.seq > cursor))

    def remove(self, endpoint_id: str) -> None:
        """Forget an endpoint with all that was sent to it."""
        with self._engine.begin() as connection:
            for table in (
                tables.webhook_waiting,
                tables.webhook_deliveries,
                tables.webhook_endpoints,
            ):
                connection.execute(delete(table).where(*self._of(table, endpoint_id)))

    # --- progress ------------------------------------------------------------------------------

    def waiting(self, endpoint_id: str) -> list[Waiting]:
        """Return what waits for an endpoint, in order of the log."""
        w = tables.webhook_waiting
        query = select(w.c.seq, w.c.attempts, w.c.first_at, w.c.next_at).where(
            *self._of(w, endpoint_id)
        )
        with self._engine.connect() as connection:
            return [Waiting(*row) for row in connection.execute(query.order_by(w.c.seq))]

    def write(self, progress: Sequence[Progress]) -> None:
        """Keep how far endpoints are, all or nothing."""
        e, w = tables.webhook_endpoints, tables.webhook_waiting
        with self._engine.begin() as connection:
            rows = [
                self._delivery_row(delivery) for each in progress for delivery in each.deliveries
            ]
            if rows:
                connection.execute(insert(tables.webhook_deliveries), rows)
            for each in progress:
                where = self._of(e, each.endpoint_id)
                row = {"cursor": each.cursor, **_health(each)}
                connection.execute(update(e).where(*where).values(row))
                gone = sorted({*each.settled, *(one.seq for one in each.waiting)})
                for start in range(0, len(gone), _AT_ONCE):
                    some = gone[start : start + _AT_ONCE]
                    connection.execute(
                        delete(w).where(*self._of(w, each.endpoint_id), w.c.seq.in_(some))
                    )
                if each.waiting:
                    connection.execute(
                        insert(w), [self._waiting_row(each, one) for one in each.waiting]
                    )

    # --- the delivery log ----------------------------------------------------------------------

    def log(self, delivery: Delivery) -> Delivery:
        """Keep one delivery; returns it with its id."""
        with self._engine.begin() as connection:
            done = connection.execute(
                insert(tables.webhook_deliveries).values(self._delivery_row(delivery))
            )
            (delivery_id,) = done.inserted_primary_key or (0,)
        return replace(delivery, delivery_id=int(delivery_id))

    def deliveries(
        self,
        endpoint_id: str,
        limit: int,
        *,
        before: int | None = None,
        delivered: bool | None = None,
        seq: int | None = None,
    ) -> list[Delivery]:
        """Return deliveries to an endpoint, the newest first.

        Parameters
        ----------
        before
            Only those with smaller ids.
        delivered, seq
            Only those that were taken (or were not), and of one event.
        """
        d = tables.webhook_deliveries
        query = select(d).where(*self._of(d, endpoint_id))
        if before is not None:
            query = query.where(d.c.id < before)
        if delivered is not None:
            query = query.where(d.c.delivered.is_(delivered))
        if seq is not None:
            query = query.where(d.c.seq == seq)
        with self._engine.connect() as connection:
            found = connection.execute(query.order_by(d.c.id.desc()).limit(limit))
            return [_delivery(row) for row in found]

    def delivery(self, endpoint_id: str, delivery_id: int) -> Delivery | None:
        """Return one delivery, None where it is unknown or forgotten."""
        d = tables.webhook_deliveries
        query = select(d).where(*self._of(d, endpoint_id), d.c.id == delivery_id)
        with self._engine.connect() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else _delivery(row)

    def prune(self, endpoint_ids: Sequence[str], now: int) -> None:
        """Forget deliveries that are too old or too many."""
        d = tables.webhook_deliveries
        with self._engine.begin() as connection:
            connection.execute(delete(d).where(d.c.zone == self._zone, d.c.at < now - KEPT_S))
            for endpoint_id in endpoint_ids:
                where = self._of(d, endpoint_id)
                query = select(d.c.id).where(*where).order_by(d.c.id.desc())
                oldest = connection.execute(query.offset(KEPT_ROWS).limit(1)).scalar()
                if oldest is not None:
                    connection.execute(delete(d).where(*where, d.c.id <= oldest))

    def seq_since(self, moment: int) -> int:
        """Return the number of the last event that was recorded before a moment of the service."""
        e = tables.events
        query = select(func.max(e.c.seq)).where(e.c.zone == self._zone, e.c.at < moment)
        with self._engine.connect() as connection:
            return connection.execute(query).scalar() or 0

    # --- rows ----------------------------------------------------------------------------------

    def _of(self, table: Any, endpoint_id: str) -> tuple[ColumnElement[bool], ...]:
        return (table.c.zone == self._zone, table.c.endpoint_id == endpoint_id)

    def _waiting_row(self, progress: Progress, waiting: Waiting) -> Mapping[str, Any]:
        return {
            "zone": self._zone,
            "endpoint_id": progress.endpoint_id,
            "seq": waiting.seq,
            "attempts": waiting.attempts,
            "first_at": waiting.first_at,
            "next_at": waiting.next_at,
        }

    def _delivery_row(self, delivery: Delivery) -> Mapping[str, Any]:
        return {
            "zone": self._zone,
            "endpoint_id": delivery.endpoint_id,
            "message_id": delivery.message_id,
            "kind": str(delivery.kind),
            "seq": delivery.seq,
            "type": delivery.type,
            "attempt": delivery.attempt,
            "at": delivery.at,
            "delivered": delivery.delivered,
            "status": delivery.status,
            "error": delivery.error,
            "answer": delivery.answer,
            "latency_ms": delivery.latency_ms,
            "next_at": delivery.next_at,
        }


def _settings(endpoint: Endpoint) -> dict[str, Any]:
    return {
        "url": endpoint.url,
        "events": list(endpoint.events),
        "description": endpoint.description,
        "secret": endpoint.secret,
        "old_secret": endpoint.old_secret,
        "old_secret_until": endpoint.old_secret_until,
    }


def _health(found: Endpoint | Progress) -> dict[str, Any]:
    return {
        "status": str(found.status),
        "status_reason": found.status_reason,
        "status_at": found.status_at,
        "failing_since": found.failing_since,
        "delivered_at": found.delivered_at,
    }


def _endpoint(row: Row[Any]) -> Endpoint:
    return Endpoint(
        endpoint_id=row.endpoint_id,
        url=row.url,
        events=tuple(row.events),
        description=row.description,
        secret=row.secret,
        created_at=row.created_at,
        cursor=row.cursor,
        old_secret=row.old_secret,
        old_secret_until=row.old_secret_until,
        status=EndpointStatus(row.status),
        status_reason=row.status_reason,
        status_at=row.status_at,
        failing_since=row.failing_since,
        delivered_at=row.delivered_at,
    )


def _delivery(row: Row[Any]) -> Delivery:
    return Delivery(
        endpoint_id=row.endpoint_id,
        message_id=row.message_id,
        kind=DeliveryKind(row.kind),
        seq=row.seq,
        type=row.type,
        attempt=row.attempt,
        at=row.at,
        delivered=row.delivered,
        status=row.status,
        error=row.error,
        answer=row.answer,
        latency_ms=row.latency_ms,
        next_at=row.next_at,
        delivery_id=row.id,
    )
