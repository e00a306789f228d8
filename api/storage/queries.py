"""Questions to the tables that both the service and other readers of its ledger ask."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ScalarSelect, Select, func, select

from api.storage import tables


def recorded(zone: str) -> Select[Any]:
    """Ask for a zone's events in order: number, moment, type and fields."""
    e = tables.events
    return select(e.c.seq, e.c.at, e.c.type, e.c.data).where(e.c.zone == zone).order_by(e.c.seq)


def last_seq(zone: str) -> ScalarSelect[int | None]:
    """Ask for the number that a zone's log ends with; None when it is empty."""
    e = tables.events
    return select(func.max(e.c.seq)).where(e.c.zone == zone).scalar_subquery()


def last_noted(zone: str) -> tuple[ScalarSelect[int | None], ScalarSelect[int | None]]:
    """Ask for the last number in each of the two tables that make up a zone's journal.

    The journal ends with the greater one; None where a table has none of it.
    """
    j, t = tables.journal, tables.tracks
    told = select(func.max(j.c.n)).where(j.c.zone == zone)
    # By the row's own number: of positions only some stand in the journal, and none is indexed.
    seen = (
        select(t.c.n).where(t.c.zone == zone, t.c.n.is_not(None)).order_by(t.c.id.desc()).limit(1)
    )
    return told.scalar_subquery(), seen.scalar_subquery()
