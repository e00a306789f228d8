"""Ledgers written in one go: from events, from another kind of database, or as a backup."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from sqlalchemy import Connection, Table, func, insert, select

from api.storage.databases import POSTGRESQL, begin_writing, connect, file_of, shown
from api.storage.errors import LedgerError
from api.storage.ledger import Ledger
from api.storage.migrations import all_tables
from api.storage.records import Batch
from api.storage.tables import schema_version
from dispatch.events import Recorded

_AT_ONCE: Final = 1000


def write_events(where: str, events: Sequence[Recorded]) -> None:
    """Append events to a ledger, as a service would."""
    with Ledger(where) as ledger:
        for start in range(0, len(events), _AT_ONCE):
            some = events[start : start + _AT_ONCE]
            ledger.submit(Batch(some[0].zone_id, some)).result()


def copy(source: str, target: str) -> dict[str, int]:
    """Copy a ledger that no service has into an empty one; returns the rows of each table.

    All of it or nothing is copied.  The source is brought up to date first, as at a start.

    Raises
    ------
    LedgerError
        One of them cannot be opened or is in use, the source is not there, or the target has
        something already.
    """
    path = file_of(source)
    if path is not None and not path.is_file():
        raise LedgerError(f"The ledger {source} is not there; name one that a service has written.")
    with Ledger(source), Ledger(target):
        reading, writing = connect(source), connect(target)
        try:
            with reading.connect() as old, begin_writing(writing) as new, new.begin():
                copied = {
                    table.name: _copy_table(table, old, new, shown(target))
                    for table in all_tables()
                    if table is not schema_version
                }
        finally:
            reading.dispose()
            writing.dispose()
    return copied


def _copy_table(table: Table, old: Connection, new: Connection, target: str) -> int:
    if new.execute(select(table).limit(1)).first() is not None:
        raise LedgerError(
            f"The ledger {target} is not empty: its table {table.name} has rows. Name a new one."
        )
    rows = old.execution_options(yield_per=_AT_ONCE).execute(
        select(table).order_by(*table.primary_key)
    )
    count = 0
    for some in rows.mappings().partitions():
        new.execute(insert(table), [dict(row) for row in some])
        count += len(some)
    column = table.autoincrement_column
    if new.dialect.name == POSTGRESQL and column is not None and count:
        last: Any = select(func.max(column)).scalar_subquery()
        new.execute(select(func.setval(func.pg_get_serial_sequence(table.name, column.name), last)))
    return count


def backup(ledger: str, to: Path) -> None:
    """Copy a ledger's file as it is at one moment, also while a service writes it.

    Raises
    ------
    LedgerError
        It is in no file, is not there, is damaged, or there is something at `to` already.
    """
    path = file_of(ledger)
    if path is None:
        raise LedgerError(
            f"The ledger {shown(ledger)} is in no file of ours: back it up with pg_dump."
        )
    if not path.is_file():
        raise LedgerError(f"The ledger {ledger} is not there.")
    if to.exists():
        raise LedgerError(f"{to} is there already; name another file.")
    try:
        with (
            closing(
                sqlite3.connect(f"file:{quote(str(path.absolute()))}?mode=ro", uri=True)
            ) as old,
            closing(sqlite3.connect(to)) as new,
        ):
            old.backup(new)
            new.execute("PRAGMA journal_mode=DELETE")  # so that the copy is one file
            (said,) = new.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.Error as error:
        to.unlink(missing_ok=True)
        raise LedgerError(f"The ledger {ledger} cannot be copied to {to}: {error}.") from error
    if said != "ok":
        to.unlink()
        raise LedgerError(f"The ledger {ledger} is damaged: {said}. Use an older backup.")
