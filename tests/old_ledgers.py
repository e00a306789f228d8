"""Ledgers as programs before Alembic made them, table by table; never changed again."""

from __future__ import annotations

from typing import Final

from databases import connected
from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    insert,
)

ZONE: Final = "helsinki"
AT: Final = 1_800_000_000
VERSIONS: Final = (1, 2, 3)


def old_tables(version: int) -> MetaData:
    """Return the tables of a version."""
    made = MetaData()
    Table(
        "schema_version",
        made,
        Column("version", Integer, primary_key=True, autoincrement=False),
    )
    Table(
        "events",
        made,
        Column("zone", String(64), primary_key=True),
        Column("seq", BigInteger, primary_key=True, autoincrement=False),
        Column("at", BigInteger, nullable=False),
        Column("type", String(64), nullable=False),
        Column("data", JSON, nullable=False),
    )
    Table(
        "courier_positions",
        made,
        Column("zone", String(64), primary_key=True),
        Column("courier_id", String(64), primary_key=True),
        Column("lng", Float, nullable=False),
        Column("lat", Float, nullable=False),
        Column("at", BigInteger, nullable=False),
        Column("received_at", BigInteger, nullable=False),
    )
    tracks = Table(
        "tracks",
        made,
        Column(
            "id",
            BigInteger().with_variant(Integer, "sqlite"),
            primary_key=True,
            autoincrement=True,
        ),
        Column("zone", String(64), nullable=False),
        Column("courier_id", String(64), nullable=False),
        Column("at", BigInteger, nullable=False),
        Column("lng", Float, nullable=False),
        Column("lat", Float, nullable=False),
        Index("tracks_by_courier", "zone", "courier_id", "at"),
    )
    Table(
        "idempotency_keys",
        made,
        Column("zone", String(64), primary_key=True),
        Column("key", String(255), primary_key=True),
        Column("request_hash", String(64), nullable=False),
        Column("status", Integer, nullable=False),
        Column("body", Text, nullable=False),
        Column("created_at", BigInteger, nullable=False),
    )
    if version > 1:
        Table(
            "blobs",
            made,
            Column("zone", String(64), primary_key=True),
            Column("blob_id", String(64), primary_key=True),
            Column("content_type", String(64), nullable=False),
            Column("body", LargeBinary, nullable=False),
            Column("created_at", BigInteger, nullable=False),
        )
        Table(
            "secrets",
            made,
            Column("name", String(64), primary_key=True),
            Column("value", LargeBinary, nullable=False),
        )
    if version > 2:
        tracks.append_column(Column("n", BigInteger, nullable=True))
        tracks.append_column(Column("received_at", BigInteger, nullable=True))
        Table(
            "journal",
            made,
            Column("zone", String(64), primary_key=True),
            Column("n", BigInteger, primary_key=True, autoincrement=False),
            Column("after_seq", BigInteger, nullable=False),
            Column("at", BigInteger, nullable=False),
            Column("kind", String(64), nullable=False),
            Column("data", JSON, nullable=False),
        )
        Table(
            "travel_times",
            made,
            Column("zone", String(64), primary_key=True),
            Column("version", String(255), primary_key=True),
            Column("data", LargeBinary, nullable=False),
        )
    return made


def write_old(ledger: str, version: int) -> MetaData:
    """Write a ledger of a version with one event and one position; returns its tables."""
    made = old_tables(version)
    place = {"zone": ZONE, "courier_id": "cou_1", "lng": 24.93, "lat": 60.16, "at": AT}
    paused = {"store_id": "sto_1", "reason": "flood"}
    with connected(ledger) as connection:
        made.create_all(connection)
        for table, row in (
            ("schema_version", {"version": version}),
            ("events", {"zone": ZONE, "seq": 1, "at": AT, "type": "StorePaused", "data": paused}),
            ("courier_positions", {**place, "received_at": AT + 1}),
            ("tracks", place),
            (
                "idempotency_keys",
                {
                    "zone": ZONE,
                    "key": "key-1",
                    "request_hash": "hash",
                    "status": 201,
                    "body": "{}",
                    "created_at": AT,
                },
            ),
        ):
            connection.execute(insert(made.tables[table]).values(row))
        if version > 1:
            known = {"name": "tokens", "value": b"x" * 32}
            connection.execute(insert(made.tables["secrets"]).values(known))
        connection.commit()
    return made
