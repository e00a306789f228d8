"""What a zone has seen of its streets, as a ledger keeps it: the latest text of each kind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sqlalchemy import Engine, delete, insert, select

from api.storage import tables
from api.storage.databases import begin_writing

READINGS: Final = "readings"
SPEEDS: Final = "speeds"


class StreetStore:
    """The memory of one zone's streets.

    Parameters
    ----------
    engine
        The ledger's database.
    """

    def __init__(self, engine: Engine, zone_id: str) -> None:
        self._engine = engine
        self._zone_id = zone_id

    def keep(self, said: Mapping[str, str], at: int) -> None:
        """Keep texts by kind instead of those before, all or none; durable when this returns."""
        s = tables.streets_seen
        rows = [
            {"zone": self._zone_id, "kind": kind, "at": at, "body": body}
            for kind, body in said.items()
        ]
        with begin_writing(self._engine) as connection, connection.begin():
            connection.execute(delete(s).where(s.c.zone == self._zone_id, s.c.kind.in_(list(said))))
            connection.execute(insert(s), rows)

    def kept(self) -> dict[str, str]:
        """Return the texts kept last, by kind."""
        s = tables.streets_seen
        query = select(s.c.kind, s.c.body).where(s.c.zone == self._zone_id)
        with self._engine.connect() as connection:
            return {row.kind: row.body for row in connection.execute(query)}
