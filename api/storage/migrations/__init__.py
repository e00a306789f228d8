"""The tables of older ledgers brought up to date, by Alembic.

A change of the tables is one file in `versions/`, named after its revision, beside the change in
the code that defines them.  A ledger of any age is upgraded when a service opens it, as one
transaction: it has all of it or nothing.  Ledgers from before Alembic say their version in
`schema_version`; they are taken for the revision that made the same tables.
"""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path
from typing import Final

import sqlalchemy as sa
from sqlalchemy import Connection

from api.logs import logger
from api.storage import tables

_log = logger("ledger")

HERE: Final = Path(__file__).resolve().parent

BEFORE_ALEMBIC: Final = {1: "r0001_log", 2: "r0002_pictures", 3: "r0003_journal"}
"""What ledgers that only say a number are, by that number."""

REVISIONS: Final = tuple(sorted(path.stem for path in (HERE / "versions").glob("r*.py")))
"""All versions of a ledger, the oldest first."""

_ALEMBIC: Final = sa.table("alembic_version", sa.column("version_num", sa.String))


def version(connection: Connection) -> str | None:
    """Return the version of the ledger behind a connection; None where there is no ledger.

    What this program does not know is returned as it is found.
    """
    known = sa.inspect(connection)
    if known.has_table(tables.schema_version.name):
        number = connection.execute(sa.select(tables.schema_version.c.version)).scalar()
        if number in BEFORE_ALEMBIC:
            return BEFORE_ALEMBIC[number]
        if number is not None and number != tables.SCHEMA_VERSION:
            return str(number)
    if known.has_table(_ALEMBIC.name):
        return connection.execute(sa.select(_ALEMBIC.c.version_num)).scalar()
    return None


def all_tables() -> list[sa.Table]:
    """Return the tables of a ledger, whichever module of `api.storage` they are defined in."""
    for module in pkgutil.iter_modules([str(HERE.parent)]):
        importlib.import_module(f"{__package__.rpartition('.')[0]}.{module.name}")
    return tables.metadata.sorted_tables


def upgrade(connection: Connection) -> None:
    """Bring the ledger up to date in the transaction that is under way; a new one gets all tables.

    Raises whatever the database says; what it said before is for the caller to look at.
    """
    found = version(connection)
    if found == REVISIONS[-1]:
        return
    # Its import takes longer than the rest of opening a ledger, and is seldom wanted.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(HERE).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    if found is not None and not sa.inspect(connection).has_table(_ALEMBIC.name):
        command.stamp(config, found)
    command.upgrade(config, "head")
    if found is not None:
        _log.info("ledger_upgraded", before=found, now=REVISIONS[-1])
