"""The tables, in SQLAlchemy Core, so that SQLite and PostgreSQL are the same code."""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)

SCHEMA_VERSION: Final = 4
"""What `schema_version` says for good: since then Alembic counts, see `api.storage.migrations`."""

metadata: Final = MetaData()

# SQLite numbers rows by itself only in a column that is INTEGER, not BIGINT.
_row_id = BigInteger().with_variant(Integer, "sqlite")

schema_version: Final = Table(
    "schema_version",
    metadata,
    Column("version", Integer, primary_key=True, autoincrement=False),
)

events: Final = Table(
    "events",
    metadata,
    Column("zone", String(64), primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),
    Column("type", String(64), nullable=False),
    Column("data", JSON, nullable=False),
)

courier_positions: Final = Table(
    "courier_positions",
    metadata,
    Column("zone", String(64), primary_key=True),
    Column("courier_id", String(64), primary_key=True),
    Column("lng", Float, nullable=False),
    Column("lat", Float, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("received_at", BigInteger, nullable=False),
)

tracks: Final = Table(
    "tracks",
    metadata,
    Column("id", _row_id, primary_key=True, autoincrement=True),
    Column("zone", String(64), nullable=False),
    Column("courier_id", String(64), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("lng", Float, nullable=False),
    Column("lat", Float, nullable=False),
    # Its place in the journal, of a position that became the courier's latest, and when that was.
    Column("n", BigInteger, nullable=True),
    Column("received_at", BigInteger, nullable=True),
    Index("tracks_by_courier", "zone", "courier_id", "at"),
)

idempotency_keys: Final = Table(
    "idempotency_keys",
    metadata,
    Column("zone", String(64), primary_key=True),
    Column("key", String(255), primary_key=True),
    Column("request_hash", String(64), nullable=False),
    Column("status", Integer, nullable=False),
    Column("body", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)

blobs: Final = Table(
    "blobs",
    metadata,
    Column("zone", String(64), primary_key=True),
    Column("blob_id", String(64), primary_key=True),
    Column("content_type", String(64), nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)

secrets: Final = Table(
    "secrets",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("value", LargeBinary, nullable=False),
)

journal: Final = Table(
    "journal",
    metadata,
    Column("zone", String(64), primary_key=True),
    Column("n", BigInteger, primary_key=True, autoincrement=False),
    # The number of the last event before it.
    Column("after_seq", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("kind", String(64), nullable=False),
    Column("data", JSON, nullable=False),
)
"""What the engine was told, in the order in which it took effect; positions are in `tracks`."""

travel_times: Final = Table(
    "travel_times",
    metadata,
    Column("zone", String(64), primary_key=True),
    Column("version", String(255), primary_key=True),
    Column("data", LargeBinary, nullable=False),
)
"""Versions of the travel times that were in force, as `geo.traffic_record` packs them."""

checkpoints: Final = Table(
    "checkpoints",
    metadata,
    Column("zone", String(64), primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("checksum", String(64), nullable=False),
    Column("body", LargeBinary, nullable=False),
)
"""What was folded from a zone's log up to a number, by the code and policy of a digest."""

streets_seen: Final = Table(
    "streets_seen",
    metadata,
    Column("zone", String(64), primary_key=True),
    # What of it: `readings`, `speeds`.
    Column("kind", String(16), primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("body", Text, nullable=False),
)
"""What was read of the traffic and what tracks taught, as of a moment of the service's time."""

# --- who may do what -----------------------------------------------------------------------------

api_keys: Final = Table(
    "api_keys",
    metadata,
    Column("key_id", String(32), primary_key=True),
    Column("tenant", String(64), nullable=False),
    Column("role", String(16), nullable=False),
    Column("scopes", JSON, nullable=False),
    Column("name", String(128), nullable=False),
    # The one courier or store that a key of such a role is for.
    Column("bound_to", String(64), nullable=True),
    # SHA-256 of the whole key, in hex.
    Column("hash", String(64), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=True),
    Column("revoked_at", BigInteger, nullable=True),
    Column("last_used_at", BigInteger, nullable=True),
)
"""Wall times are of the machine, not of a scaled clock: UTC epoch seconds."""

sessions: Final = Table(
    "sessions",
    metadata,
    # SHA-256 of what the browser's cookie says, in hex.
    Column("hash", String(64), primary_key=True),
    # The one it had before it was last changed; good for a moment more.
    Column("previous_hash", String(64), nullable=True, index=True),
    Column("key_id", String(64), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("rotated_at", BigInteger, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
)

# --- webhooks; moments are by the machine's clock ------------------------------------------------

webhook_endpoints: Final = Table(
    "webhook_endpoints",
    metadata,
    Column("zone", String(64), primary_key=True),
    Column("endpoint_id", String(64), primary_key=True),
    Column("url", Text, nullable=False),
    Column("events", JSON, nullable=False),
    Column("description", Text, nullable=False),
    # As they are: what is signed with them must be signed again by the receiver.
    Column("secret", String(255), nullable=False),
    Column("old_secret", String(255), nullable=True),
    Column("old_secret_until", BigInteger, nullable=True),
    Column("created_at", BigInteger, nullable=False),
    Column("cursor", BigInteger, nullable=False),
    Column("status", String(16), nullable=False),
    Column("status_reason", Text, nullable=False),
    Column("status_at", BigInteger, nullable=False),
    Column("failing_since", BigInteger, nullable=True),
    Column("delivered_at", BigInteger, nullable=True),
)

webhook_waiting: Final = Table(
    "webhook_waiting",
    metadata,
    Column("zone", String(64), primary_key=True),
    Column("endpoint_id", String(64), primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("attempts", Integer, nullable=False),
    Column("first_at", BigInteger, nullable=True),
    Column("next_at", BigInteger, nullable=False),
)
"""Messages behind an endpoint's cursor that are not settled."""

webhook_deliveries: Final = Table(
    "webhook_deliveries",
    metadata,
    Column("id", _row_id, primary_key=True, autoincrement=True),
    Column("zone", String(64), nullable=False),
    Column("endpoint_id", String(64), nullable=False),
    Column("message_id", String(128), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("type", String(64), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("delivered", Boolean, nullable=False),
    Column("status", Integer, nullable=True),
    Column("error", String(32), nullable=True),
    Column("answer", Text, nullable=False),
    Column("latency_ms", Integer, nullable=False),
    Column("next_at", BigInteger, nullable=True),
    Index("webhook_deliveries_by_endpoint", "zone", "endpoint_id", "id"),
    Index("webhook_deliveries_by_age", "zone", "at"),
)
"""Every attempt, for a bounded time."""
