"""Where a ledger is and how it is connected to: SQLite in a file, or PostgreSQL by URL."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

from api.storage.errors import LedgerError

POSTGRESQL: Final = "postgresql"

_POSTGRESQL_NAMES: Final = (POSTGRESQL, "postgres")
"""What a URL may begin with where it names no driver."""

_POSTGRESQL_DEFAULTS: Final = {
    "application_name": "samehour",
    "connect_timeout": 10,
    # A server that is gone without a word is noticed within half a minute.
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
"""What libpq is told unless the URL says otherwise."""

_WRITES: Final = "samehour_writes"


def ledger_url(where: str) -> URL:
    """Return the URL of a ledger named by a file or a URL; raises `ArgumentError`."""
    if "://" not in where:
        return URL.create("sqlite", database=where)
    url = make_url(where)
    return url.set(drivername="postgresql+psycopg") if url.drivername in _POSTGRESQL_NAMES else url


def shown(where: str) -> str:
    """Return a ledger's name as it may be shown and logged: without the password."""
    try:
        return where if "://" not in where else make_url(where).render_as_string()
    except ArgumentError:
        return where


def file_of(where: str) -> Path | None:
    """Return the file a ledger is in; None where it is in no file."""
    try:
        url = ledger_url(where)
    except ArgumentError:
        return None
    is_file = url.get_backend_name() == "sqlite" and url.database not in {None, "", ":memory:"}
    return Path(str(url.database)) if is_file else None


def connect(where: str) -> Engine:
    """Return what connects to a ledger.

    Raises
    ------
    LedgerError
        It is neither a file nor the URL of a database that can be used, or its driver is missing.
    """
    name = shown(where)
    try:
        url = ledger_url(where)
        kind = url.get_backend_name()
    except ArgumentError as error:
        raise LedgerError(
            f"The ledger {name!r} is neither a file nor a database URL such as "
            "postgresql+psycopg://user@host/name."
        ) from error
    except NoSuchModuleError as error:
        raise _no_driver(name, error) from error
    path = file_of(where)
    if kind == "sqlite" and path is None:
        raise LedgerError(f"The ledger {name} is in memory, where nothing lasts: name a file.")
    if path is not None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise LedgerError(
                f"The folder of the ledger {name} cannot be made: {error.strerror}. "
                "Name a file in a folder of your own with --ledger."
            ) from error
    try:
        return _engine(url, kind)
    except (NoSuchModuleError, ImportError) as error:
        raise _no_driver(name, error) from error


def begin_writing(engine: Engine) -> Connection:
    """Return a connection whose transactions may write from their first statement on."""
    return engine.connect().execution_options(**{_WRITES: True})


def plain(error: Exception) -> str:
    """Return what a database said, in one line."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    return str(cause).strip().splitlines()[0] if str(cause).strip() else type(error).__name__


def _engine(url: URL, kind: str) -> Engine:
    if kind == POSTGRESQL:
        defaults = {k: v for k, v in _POSTGRESQL_DEFAULTS.items() if k not in url.query}
        # A server may be started again between two reads; whoever writes must notice that.
        engine = create_engine(url, connect_args=defaults, pool_pre_ping=True)
        event.listen(engine, "connect", _postgresql_settings)
        return engine
    engine = create_engine(url)
    if kind == "sqlite":
        event.listen(engine, "connect", _sqlite_settings)
        event.listen(engine, "begin", _sqlite_begin)
    return engine


def _no_driver(name: str, error: Exception) -> LedgerError:
    remedy = "Install it, or name a file with --ledger."
    if any(name.startswith(f"{known}:") or f"{known}+" in name for known in _POSTGRESQL_NAMES):
        remedy = (
            'For PostgreSQL: pip install "samehour[postgres]", and a URL such as '
            "postgresql+psycopg://user@host/name."
        )
    return LedgerError(
        f"The ledger {name} needs a driver that is not installed ({error}). {remedy}"
    )


def _sqlite_settings(connection: Any, _record: object) -> None:
    # The driver would begin transactions at the first change only, and not at all for tables.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA busy_timeout=5000")
    cursor.close()


def _sqlite_begin(connection: Connection) -> None:
    # Whoever reads first and writes then may find that another was quicker.
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _postgresql_settings(connection: Any, _record: object) -> None:
    """Hold that what was committed is on disk, whatever the server does otherwise."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('synchronous_commit', 'on', false) "
            "WHERE current_setting('synchronous_commit') = 'off'"
        )
    connection.commit()
