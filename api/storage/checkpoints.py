"""What was folded from a zone's log, as a ledger keeps it: bytes, and what they were made of."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select

from api.storage import tables


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Folds of a log up to `seq`, by the program and policy that `digest` stands for."""

    seq: int
    digest: str
    body: bytes


def keep(connection: Connection, zone: str, made: Checkpoint) -> None:
    """Keep a zone's checkpoint instead of the one before it."""
    c = tables.checkpoints
    connection.execute(delete(c).where(c.c.zone == zone))
    row = {
        "zone": zone,
        "seq": made.seq,
        "digest": made.digest,
        "checksum": _checksum(made),
        "body": made.body,
    }
    connection.execute(insert(c).values(row))


def kept(connection: Connection, zone: str) -> tuple[Checkpoint, bool] | None:
    """Return a zone's checkpoint and whether it is whole; None where there is none."""
    c = tables.checkpoints
    query = select(c.c.seq, c.c.digest, c.c.body, c.c.checksum).where(c.c.zone == zone)
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    found = Checkpoint(row.seq, row.digest, bytes(row.body))
    return found, _checksum(found) == row.checksum


def _checksum(made: Checkpoint) -> str:
    return hashlib.sha256(f"{made.seq}\0{made.digest}\0".encode() + made.body).hexdigest()
