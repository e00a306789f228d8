"""Ledgers read by others than their service: only read, and never waited for by it."""

from __future__ import annotations

import heapq
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from cattrs import BaseValidationError
from sqlalchemy import Connection, Engine, Select, create_engine, func, inspect, select
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.pool import NullPool

from api.storage import queries, tables
from dispatch.codec import event_from_json, input_from_json
from dispatch.errors import DispatchError
from dispatch.events import Recorded
from dispatch.journal import Began, Noted, Reported
from dispatch.recording import Recording, RecordingError
from geo.errors import GeoError
from geo.types import LonLat

_AT_ONCE: Final = 10_000
_WAITS_S: Final = 5.0
_MAIN_MAGIC: Final = b"SQLite format 3\x00"

_UNREADABLE: Final = (
    DispatchError,
    GeoError,
    BaseValidationError,
    AttributeError,
    KeyError,
    TypeError,
    ValueError,
)
"""What comes of fields that are not those of their event or input."""


def read_recording(where: str, zone: str | None = None) -> Recording:
    """Read a zone's ledger as it is now, also while a service writes it.

    Parameters
    ----------
    where
        A file, or an SQLAlchemy URL.
    zone
        Of a ledger with several; None for the only one.

    Raises
    ------
    RecordingError
        It cannot be read, is no ledger, is empty, or has no such zone.
    """
    source = _Source(where)
    with source.connected() as connection:
        source.check(connection)
        chosen = _zone(connection, source.name, zone)
        has_journal = inspect(connection).has_table(tables.journal.name)
        ends = [queries.last_seq(chosen), *(queries.last_noted(chosen) if has_journal else ())]
        # In one statement, so that no batch lies between them.
        seq, *numbers = connection.execute(select(*ends)).one()
        last = max((n for n in numbers if n is not None), default=0)
        began: list[Noted] = []
        if has_journal:
            of_beginnings = _told(chosen, last).where(tables.journal.c.kind == Began.__name__)
            began = [_noted(source.name, *row) for row in connection.execute(of_beginnings)]
        events = list(_events(connection, source.name, chosen, seq or 0))
    return Recording(
        where=source.name,
        zone=chosen,
        events=events,
        began=began,
        inputs=_Inputs(source, chosen, last),
        travel=_Versions(source, chosen, has_journal),
        last=last,
    )


@dataclass(frozen=True, slots=True)
class ZoneInLedger:
    """What a ledger has of a zone; times are UTC epoch seconds."""

    zone: str
    events: int
    last_seq: int
    last_at: int


def examine(where: str) -> list[ZoneInLedger]:
    """Return what a ledger has of each zone, also while a service writes it.

    Raises
    ------
    RecordingError
        It cannot be read, is damaged or no ledger, or lacks events in the midst of a zone.
    """
    source, e = _Source(where), tables.events
    columns = (e.c.zone, func.count(), func.max(e.c.seq), func.max(e.c.at))
    with source.connected() as connection:
        source.check(connection)
        if connection.dialect.name == "sqlite":
            said = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar_one()
            if said != "ok":
                raise RecordingError(
                    f"The ledger {source.name} is damaged: {said}. Use a whole copy."
                )
        rows = connection.execute(select(*columns).group_by(e.c.zone).order_by(e.c.zone))
        found = [ZoneInLedger(*row) for row in rows]
    for zone in found:
        if zone.events != zone.last_seq:
            raise _missing(
                source.name, f"{zone.last_seq - zone.events} of {zone.last_seq} events", zone.zone
            )
    return found


class _Source:
    """Where a ledger is, and how it is opened to be read."""

    def __init__(self, where: str) -> None:
        self._path: Path | None = None
        self._engine: Engine
        if "://" not in where:
            self._path = Path(where)
            self.name = where
        else:
            url = _url(where)
            self.name = url.render_as_string(hide_password=True)
            if url.get_backend_name() == "sqlite":
                self._path = Path(url.database or "")
        if self._path is not None:
            _check_file(self.name, self._path)
            self._engine = create_engine("sqlite://", creator=self._open, poolclass=NullPool)
        else:
            try:
                self._engine = create_engine(url, poolclass=NullPool)
            except (NoSuchModuleError, ModuleNotFoundError) as error:
                raise RecordingError(
                    f"The ledger {self.name} needs a driver that is not installed ({error}); "
                    "install it, or name a file."
                ) from error

    @contextmanager
    def connected(self) -> Iterator[Connection]:
        """Connect, and say what goes wrong as a `RecordingError`."""
        was_written = self._is_written
        try:
            with self._engine.connect() as connection:
                yield connection
            if self._is_written and not was_written:
                raise RecordingError(
                    f"A service began to write {self.name} while it was read; read it again."
                )
        except (DBAPIError, sqlite3.Error) as error:
            cause = error.orig if isinstance(error, DBAPIError) else error
            said = str(cause).strip().splitlines()[0]
            raise RecordingError(f"{self.name} cannot be read: {said}. {_remedy(said)}") from error
        except ValueError as error:  # of JSON that is cut or was changed by hand
            raise RecordingError(
                f"{self.name} cannot be read: a row is damaged ({error}). Use a whole copy."
            ) from error

    def check(self, connection: Connection) -> None:
        """Raise `RecordingError` unless there is a ledger that this version reads."""
        known = inspect(connection).get_table_names()
        if not {"events", "schema_version"} <= set(known):
            raise RecordingError(
                f"{self.name} is a database, but no ledger of samehour: it has no table of events. "
                "Name the file that a service was given by --ledger."
            )
        found = connection.execute(select(tables.schema_version.c.version)).scalar()
        if found is None or found > tables.SCHEMA_VERSION:
            raise RecordingError(
                f"The ledger {self.name} has schema version {found}; this samehour reads up to "
                f"version {tables.SCHEMA_VERSION}. Use the samehour that wrote it."
            )

    def _open(self) -> sqlite3.Connection:
        assert self._path is not None  # noqa: S101 - made for files only
        uri = f"file:{quote(str(self._path.absolute()))}?mode=ro"
        # Whoever writes it has a file of that name beside it.  Without one nothing is left behind
        # beside the ledger either, and its folder need not be ours to write to.
        return sqlite3.connect(
            uri if self._is_written else f"{uri}&immutable=1", uri=True, timeout=_WAITS_S
        )

    @property
    def _is_written(self) -> bool:
        path = self._path
        return path is not None and path.with_name(path.name + "-wal").exists()


class _Inputs:
    """The journal, and the positions that belong to it, in order."""

    def __init__(self, source: _Source, zone: str, last: int) -> None:
        self._source = source
        self._zone = zone
        self._last = last

    def after(self, n: int) -> Iterator[Noted]:
        """Yield inputs numbered above `n`."""
        if self._last <= n:
            return
        with self._source.connected() as told, self._source.connected() as seen:
            inputs = heapq.merge(self._told(told, n), self._seen(seen, n), key=attrgetter("n"))
            for expected, noted in enumerate(inputs, start=n + 1):
                if noted.n != expected:
                    raise _missing(self._source.name, f"input {expected}", self._zone)
                yield noted

    def _told(self, connection: Connection, n: int) -> Iterator[Noted]:
        query = _told(self._zone, self._last).where(tables.journal.c.n > n)
        for row in connection.execute(query.execution_options(yield_per=_AT_ONCE)):
            yield _noted(self._source.name, *row)

    def _seen(self, connection: Connection, n: int) -> Iterator[Noted]:
        t = tables.tracks
        # By the row's own number, which has an index, and ascends with `n`.
        query = (
            select(t.c.n, t.c.received_at, t.c.courier_id, t.c.lng, t.c.lat, t.c.at)
            .where(t.c.zone == self._zone, t.c.n > n, t.c.n <= self._last)
            .order_by(t.c.id)
            .execution_options(yield_per=_AT_ONCE)
        )
        for number, heard_at, courier_id, lng, lat, at in connection.execute(query):
            # Nothing a position does depends on where the log ended.
            yield Noted(number, 0, Reported(heard_at, courier_id, LonLat(lng, lat), at))


class _Versions:
    """Versions of the travel times that the ledger keeps."""

    def __init__(self, source: _Source, zone: str, has_any: bool) -> None:
        self._source = source
        self._zone = zone
        self._has_any = has_any

    def get(self, version: str) -> bytes | None:
        """Return one, None where there is none of the name."""
        if not self._has_any:
            return None
        v = tables.travel_times
        query = select(v.c.data).where(v.c.zone == self._zone, v.c.version == version)
        with self._source.connected() as connection:
            found = connection.execute(query).scalar()
        return None if found is None else bytes(found)


def _zone(connection: Connection, name: str, wanted: str | None) -> str:
    e = tables.events
    zones = list(connection.execute(select(e.c.zone).distinct().order_by(e.c.zone)).scalars())
    if not zones:
        raise RecordingError(f"The ledger {name} is empty: nothing has happened yet.")
    if wanted is None and len(zones) > 1:
        raise RecordingError(
            f"The ledger {name} has {len(zones)} zones, {', '.join(zones)}; name one with --zone."
        )
    if wanted is not None and wanted not in zones:
        raise RecordingError(
            f"The ledger {name} has no zone {wanted!r}; it has {', '.join(zones)}."
        )
    return zones[0] if wanted is None else wanted


def _events(connection: Connection, name: str, zone: str, last: int) -> Iterator[Recorded]:
    query = queries.recorded(zone).where(tables.events.c.seq <= last)
    rows = connection.execute(query.execution_options(yield_per=_AT_ONCE))
    for expected, (seq, at, kind, data) in enumerate(rows, start=1):
        if seq != expected:
            raise _missing(name, f"event {expected}", zone)
        try:
            yield Recorded(zone, seq, at, event_from_json(kind, data))
        except _UNREADABLE as error:
            raise RecordingError(
                f"Event {seq} ({kind}) of the ledger {name} cannot be read ({_said(error)}); use "
                "the samehour that wrote it, or a whole copy."
            ) from error


def _told(zone: str, last: int) -> Select[Any]:
    """Ask for a zone's journal up to a number, but for the positions, in order."""
    j = tables.journal
    return (
        select(j.c.n, j.c.after_seq, j.c.at, j.c.kind, j.c.data)
        .where(j.c.zone == zone, j.c.n <= last)
        .order_by(j.c.n)
    )


def _noted(name: str, n: int, after: int, at: int, kind: str, data: Any) -> Noted:
    try:
        return Noted(n, after, input_from_json(kind, at, data))
    except _UNREADABLE as error:
        raise RecordingError(
            f"Input {n} ({kind}) of the ledger {name} cannot be read ({_said(error)}); use the "
            "samehour that wrote it, or a whole copy."
        ) from error


def _missing(name: str, what: str, zone: str) -> RecordingError:
    return RecordingError(
        f"The ledger {name} has no {what} of {zone}: it was cut or changed by hand. "
        "Use a whole copy."
    )


def _check_file(name: str, path: Path) -> None:
    if not path.is_file():
        what = "a folder" if path.is_dir() else "not there"
        raise RecordingError(
            f"The ledger {name} is {what}; name the file that a service was given by --ledger."
        )
    try:
        with path.open("rb") as file:
            head = file.read(len(_MAIN_MAGIC))
    except OSError as error:
        raise RecordingError(f"{name} cannot be read: {error.strerror}.") from error
    if head != _MAIN_MAGIC:
        raise RecordingError(
            f"{name} is no ledger: it is no SQLite file. Name the file that a service was given by "
            "--ledger."
        )


def _url(where: str) -> URL:
    try:
        return make_url(where)
    except ArgumentError as error:
        raise RecordingError(
            f"The ledger {where!r} is neither a file nor a database URL such as "
            "postgresql+psycopg://user@host/name."
        ) from error


def _remedy(said: str) -> str:
    if "locked" in said:
        return "Another program holds it for itself: close that one, or copy the file."
    if "malformed" in said or "not a database" in said:
        return "The file is damaged or cut short: use a whole copy (with its -wal file, if any)."
    return "Check the file or the URL."


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0]
