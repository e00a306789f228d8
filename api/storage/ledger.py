"""The ledger: an append-only event log per zone, with positions and kept answers beside it.

One thread writes, in groups: whatever is waiting when a transaction begins is committed by it,
so one flush to disk serves many requests.  A batch is one atom: its events and the answer kept
for a retry are written together or not at all.
"""

from __future__ import annotations

import queue
import secrets
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any, Final, Self

from sqlalchemy import Connection, Engine, func, insert, select
from sqlalchemy.exc import DBAPIError, IntegrityError

from api import metrics
from api.logs import logger
from api.storage import checkpoints, migrations, queries, tables
from api.storage.checkpoints import Checkpoint
from api.storage.databases import POSTGRESQL, begin_writing, connect, file_of, plain, shown
from api.storage.errors import LedgerError, LedgerFailedError
from api.storage.lock import FileLock, lock_database
from api.storage.records import Batch, Blob, KeptAnswer, Position
from api.storage.writing import TravelKeeper, write
from dispatch.codec import event_from_json
from dispatch.errors import SequenceError
from dispatch.events import Recorded
from geo.types import LonLat

_log = logger("ledger")

_GROUP: Final = 512
"""Most batches in one transaction: bounds how long the first of them waits."""

_LOOKS_AFTER_S: Final = 5.0
"""With nothing to write a connection that was lost is noticed after so long."""


class Ledger:
    """A ledger in SQLite (a file, or memory) or in PostgreSQL (by URL).

    Parameters
    ----------
    where
        A file path, or an SQLAlchemy URL.

    Raises
    ------
    LedgerError
        It cannot be opened, or was written by another version.
    LedgerInUseError
        Another process has it.
    """

    def __init__(self, where: str | Path) -> None:
        self.where = shown(str(where))
        self._engine = connect(str(where))
        path = file_of(str(where))
        self._lock = None if path is None else FileLock(path)
        try:
            self._connection = self._open()
        except DBAPIError as error:
            self._let_go()
            raise LedgerError(
                f"The ledger {self.where} cannot be opened: {plain(error)}. "
                "Check the file or the URL, or name another one with --ledger."
            ) from error
        except BaseException:
            self._let_go()
            raise
        is_remote = self._engine.dialect.name == POSTGRESQL
        self._looks_after_s = _LOOKS_AFTER_S if is_remote else None
        self._travel = TravelKeeper()
        self._queue: queue.SimpleQueue[Batch | None] = queue.SimpleQueue()
        self._failure: LedgerFailedError | SequenceError | None = None
        self._guard = threading.Lock()
        self._closed = False
        self.on_written: Callable[[Sequence[Batch]], None] = _ignore
        """Called on the writer's thread with what has just become durable, in order."""
        self.on_failure: Callable[[Exception], None] = _ignore
        """Called once, on the writer's thread, when a write has failed."""
        self._writer = threading.Thread(target=self._write_forever, name="ledger", daemon=True)
        self._writer.start()

    # --- writing -------------------------------------------------------------------------------

    def submit(self, batch: Batch) -> Future[None]:
        """Queue a batch; its future is done when it is durable, or carries why it is not.

        Batches of one zone become durable in the order they were submitted.  Whoever waits for
        one may stop waiting, but cannot call it off.
        """
        batch.done.set_running_or_notify_cancel()
        with self._guard:
            if self._failure is None and not self._closed:
                self._queue.put(batch)
                return batch.done
        batch.done.set_exception(
            self._failure or LedgerFailedError(f"The ledger {self.where} is closed.")
        )
        return batch.done

    @property
    def is_up(self) -> bool:
        """Whether writes are being taken."""
        return self._failure is None and not self._closed and self._writer.is_alive()

    @property
    def engine(self) -> Engine:
        """The database, for what is no part of a zone's log, and to read by."""
        return self._engine

    def close(self) -> None:
        """Write what is queued, then let go of the ledger."""
        with self._guard:
            if self._closed:
                return
            self._closed = True
            self._queue.put(None)
        self._writer.join()
        self._connection.close()
        self._let_go()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def _write_forever(self) -> None:
        while True:
            try:
                group, more = self._next_group()
            except DBAPIError as error:
                failure = LedgerFailedError(f"The ledger {self.where} was lost: {plain(error)}.")
                self._fail((), failure, error)
                return
            if group and not self._write_group(group):
                return
            if not more:
                return

    def _next_group(self) -> tuple[list[Batch], bool]:
        """Wait for work; return it and whether more may come."""
        group: list[Batch] = []
        item = self._first()
        while item is not None:
            group.append(item)
            if len(group) == _GROUP or self._queue.empty():
                return group, True
            item = self._queue.get()
        return group, False

    def _first(self) -> Batch | None:
        """Wait for the next batch; meanwhile look now and then whether the ledger is still ours."""
        while True:
            try:
                return self._queue.get(timeout=self._looks_after_s)
            except queue.Empty:
                with self._connection.begin():
                    self._connection.execute(select(1))

    def _write_group(self, group: Sequence[Batch]) -> bool:
        began = time.perf_counter()
        try:
            with self._connection.begin():
                write(self._connection, group, self._travel)
        except IntegrityError as error:
            self._fail(group, _sequence_error(self.where, group), error)
            return False
        except Exception as error:  # noqa: BLE001  whatever it is, nothing after it may be answered
            failure = LedgerFailedError(f"The ledger {self.where} did not write: {plain(error)}.")
            self._fail(group, failure, error)
            return False
        metrics.COMMITS.observe(time.perf_counter() - began)
        metrics.COMMITTED_TOGETHER.observe(len(group))
        self.on_written(group)
        for batch in group:
            batch.done.set_result(None)
        return True

    def _fail(
        self,
        group: Sequence[Batch],
        failure: LedgerFailedError | SequenceError,
        cause: Exception,
    ) -> None:
        failure.__cause__ = cause
        _log.critical("ledger_failed", ledger=self.where, error=str(failure))
        with self._guard:
            self._failure = failure
            left = list(group)
            while not self._queue.empty():
                item = self._queue.get()
                if item is not None:
                    left.append(item)
        for batch in left:
            batch.done.set_exception(failure)
        self.on_failure(failure)

    # --- reading -------------------------------------------------------------------------------

    def read(self, zone_id: str, after: int = 0, limit: int | None = None) -> list[Recorded]:
        """Return the durable events after a sequence number, in order."""
        query = queries.recorded(zone_id).where(tables.events.c.seq > after).limit(limit)
        with self._engine.connect() as connection:
            return [
                Recorded(zone_id, seq, at, event_from_json(kind, data))
                for seq, at, kind, data in connection.execute(query)
            ]

    def last_seq(self, zone_id: str) -> int:
        """Return the sequence number the zone's log ends with; 0 when it is empty."""
        with self._engine.connect() as connection:
            return connection.execute(select(queries.last_seq(zone_id))).scalar_one() or 0

    def positions(self, zone_id: str) -> list[Position]:
        """Return the latest position of each courier."""
        p = tables.courier_positions
        query = select(p.c.courier_id, p.c.lng, p.c.lat, p.c.at, p.c.received_at).where(
            p.c.zone == zone_id
        )
        with self._engine.connect() as connection:
            return [
                Position(courier_id, LonLat(lng, lat), at, received_at)
                for courier_id, lng, lat, at, received_at in connection.execute(
                    query.order_by(p.c.courier_id)
                )
            ]

    def last_moment(self, zone_id: str) -> int | None:
        """Return the service time of the last thing recorded, None for an empty zone."""
        e, p = tables.events, tables.courier_positions
        # By its number: time never goes back in a log, and the greatest is found by reading it all.
        last = select(e.c.at).where(e.c.zone == zone_id).order_by(e.c.seq.desc()).limit(1)
        seen = select(func.max(p.c.received_at)).where(p.c.zone == zone_id)
        with self._engine.connect() as connection:
            moments = [connection.execute(query).scalar() for query in (last, seen)]
        return max((moment for moment in moments if moment is not None), default=None)

    def last_input(self, zone_id: str) -> int:
        """Return the number the zone's journal ends with; 0 when it is empty."""
        with self._engine.connect() as connection:
            numbers = connection.execute(select(*queries.last_noted(zone_id))).one()
        return max((number for number in numbers if number is not None), default=0)

    def kept_answer(self, zone_id: str, key: str) -> KeptAnswer | None:
        """Return the answer kept under an idempotency key."""
        k = tables.idempotency_keys
        query = select(k.c.request_hash, k.c.status, k.c.body, k.c.created_at).where(
            k.c.zone == zone_id, k.c.key == key
        )
        with self._engine.connect() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else KeptAnswer(key, *row)

    def keep_checkpoint(self, zone_id: str, made: Checkpoint) -> None:
        """Keep what was folded from a zone's log, instead of what was kept before."""
        with begin_writing(self._engine) as connection, connection.begin():
            checkpoints.keep(connection, zone_id, made)

    def checkpoint(self, zone_id: str) -> tuple[Checkpoint, bool] | None:
        """Return the checkpoint of a zone, and whether it is whole; None where there is none."""
        with self._engine.connect() as connection:
            return checkpoints.kept(connection, zone_id)

    def keep_blob(self, zone_id: str, blob: Blob, at: int) -> None:
        """Keep a picture; durable when this returns.  The same one twice is kept once."""
        if self.has_blob(zone_id, blob.blob_id):
            return
        row = {
            "zone": zone_id,
            "blob_id": blob.blob_id,
            "content_type": blob.content_type,
            "body": blob.body,
            "created_at": at,
        }
        try:
            with begin_writing(self._engine) as connection, connection.begin():
                connection.execute(insert(tables.blobs).values(row))
        except IntegrityError:
            # Somebody sent the same at the same time.
            if not self.has_blob(zone_id, blob.blob_id):
                raise

    def has_blob(self, zone_id: str, blob_id: str) -> bool:
        """Tell whether a picture was kept."""
        b = tables.blobs
        query = select(b.c.blob_id).where(b.c.zone == zone_id, b.c.blob_id == blob_id)
        with self._engine.connect() as connection:
            return connection.execute(query).first() is not None

    def blob(self, zone_id: str, blob_id: str) -> Blob | None:
        """Return a picture that was kept."""
        b = tables.blobs
        query = select(b.c.content_type, b.c.body).where(
            b.c.zone == zone_id, b.c.blob_id == blob_id
        )
        with self._engine.connect() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else Blob(blob_id, *row)

    def secret(self, name: str) -> bytes:
        """Return 32 random bytes that are this ledger's own: drawn once, then always the same."""
        s = tables.secrets
        with begin_writing(self._engine) as connection, connection.begin():
            known = connection.execute(select(s.c.value).where(s.c.name == name)).scalar()
            if known is None:
                known = secrets.token_bytes(32)
                connection.execute(insert(s).values(name=name, value=known))
        return bytes(known)

    # --- opening -------------------------------------------------------------------------------

    def _open(self) -> Connection:
        """Return the connection that writes, by which nobody else has the ledger."""
        connection = begin_writing(self._engine)
        try:
            if self._engine.dialect.name == POSTGRESQL:
                lock_database(connection, self.where)
            with connection.begin():
                self._check_version(connection)
                migrations.upgrade(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _check_version(self, connection: Connection) -> None:
        found = migrations.version(connection)
        if found is not None and found not in migrations.REVISIONS:
            raise LedgerError(
                f"The ledger {self.where} has schema version {found}; this samehour reads "
                f"up to version {migrations.REVISIONS[-1]}. Use the samehour that wrote it, or "
                "name another ledger with --ledger."
            )

    def _let_go(self) -> None:
        self._engine.dispose()
        if self._lock is not None:
            self._lock.release()


class ZoneLog:
    """The engine's `EventLog` of one zone: numbers events at once, hands them over in batches.

    `append` only numbers; `take` returns what was appended since, to be submitted as one batch.
    Not thread-safe: it belongs to the thread that runs the engine.

    Parameters
    ----------
    history
        The events to start from; given to whoever first reads, and not kept.
    seq
        Where the log ends when there is no history.
    """

    def __init__(self, zone_id: str, history: Sequence[Recorded], seq: int = 0) -> None:
        self.zone_id = zone_id
        self._history = history
        self._seq = history[-1].seq if history else seq
        self._pending: list[Recorded] = []

    def append(self, expected_seq: int, at: int, events: Sequence[Any]) -> tuple[Recorded, ...]:
        """Give the events the numbers after `expected_seq`."""
        if expected_seq != self._seq:
            raise SequenceError(
                f"The log of {self.zone_id} ends at {self._seq}, not at {expected_seq}: "
                "read what happened since and decide again."
            )
        recorded = tuple(
            Recorded(self.zone_id, expected_seq + n, at, fact) for n, fact in enumerate(events, 1)
        )
        self._seq += len(recorded)
        self._pending.extend(recorded)
        return recorded

    def read(self, after: int) -> Sequence[Recorded]:
        """Return the history after a sequence number, once; later reads go to the ledger."""
        history, self._history = self._history, ()
        return [recorded for recorded in history if recorded.seq > after]

    def take(self) -> tuple[Recorded, ...]:
        """Return what was appended since the last call."""
        taken = tuple(self._pending)
        self._pending.clear()
        return taken


def open_database(where: str) -> Engine:
    """Return the database of a ledger, without the lock that its log needs.

    A ledger that is not there yet is made, an older one brought up to date.

    Raises
    ------
    LedgerError
        It is neither a file nor a URL, its driver is not installed, it does not answer, or it is
        an older one that a service has.
    """
    engine = connect(where)
    try:
        with engine.connect() as connection:
            is_new = migrations.version(connection) == migrations.REVISIONS[-1]
    except DBAPIError as error:
        engine.dispose()
        raise LedgerError(f"The ledger {shown(where)} cannot be opened: {plain(error)}.") from error
    if not is_new:
        Ledger(where).close()
    return engine


def _sequence_error(where: str, group: Sequence[Batch]) -> SequenceError:
    first = next((r for batch in group for r in batch.events), None)
    place = f"{first.zone_id} from {first.seq} on" if first else "an idempotency key"
    return SequenceError(
        f"Another writer was first in the ledger {where} ({place}): this one must stop, "
        "read the log and start again."
    )


def _ignore(_what: object) -> None:
    """Nobody listens yet."""
