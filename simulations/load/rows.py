"""Every request of a load test as a row, at full resolution; Parquet on disk.

Seconds are counted from the beginning of the load; a test that was interrupted goes on counting
where it stopped.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from dispatch.model import Reason
from simulations.folders import whole
from simulations.load.wire import Answer

SETUP: Final = "setup"
"""Opening shops, shifts, and whatever was due before the load began."""

LOAD: Final = "load"
"""What is measured."""

DRAIN: Final = "drain"
"""After the last customer: what was begun is brought to its end."""

ANSWERED: Final = "answered"
REFUSED: Final = "refused"
"""A no of the business, as `no_courier_before_deadline`: an answer, not an error."""

ERROR: Final = "error"

NO_ANSWER: Final = "unanswered"
"""The code of a request that the end of the test cut off."""

_REASONS: Final = frozenset(str(reason) for reason in Reason)
_UNPROCESSABLE: Final = 422
_OVERTAKEN: Final = frozenset({409, 412})
"""The state had moved on, as when a customer cancels what has just been handed over."""

_FIRST_ERROR: Final = 400
_WAITED_LONG: Final = frozenset({"timeout", NO_ANSWER})


@dataclass(frozen=True, slots=True)
class Row:
    """One request.

    Attributes
    ----------
    endpoint
        Method and path without ids.
    attempt
        1, or more when what failed was sent again; all attempts were intended at the same moment.
    intended_s
        When it was meant: latency counts from here, waiting in a queue of ours included.
    ready_s
        When nothing but we ourselves kept it from being sent: the request before it about the
        same order or courier was answered.
    sent_s
        NaN when it never was.
    done_s
        The last byte, or when it was given up.
    status
        0 without an answer.
    waited
        All our connections were taken.
    """

    session: int
    phase: str
    endpoint: str
    attempt: int
    intended_s: float
    ready_s: float
    sent_s: float
    done_s: float
    status: int
    size: int
    outcome: str
    code: str
    detail: str
    trace_id: str
    waited: bool


_SCHEMA: Final = pa.schema(
    [
        ("session", pa.int16()),
        ("phase", pa.dictionary(pa.int8(), pa.string())),
        ("endpoint", pa.dictionary(pa.int16(), pa.string())),
        ("attempt", pa.int16()),
        ("intended_s", pa.float64()),
        ("ready_s", pa.float64()),
        ("sent_s", pa.float64()),
        ("done_s", pa.float64()),
        ("status", pa.int16()),
        ("size", pa.int64()),
        ("outcome", pa.dictionary(pa.int8(), pa.string())),
        ("code", pa.string()),
        ("detail", pa.string()),
        ("trace_id", pa.string()),
        ("waited", pa.bool_()),
    ]
)
_PARTS: Final = b"parts"
"""In the metadata of the whole file: the parts that were last put into it."""

_NAMES: Final = tuple(each.name for each in fields(Row))


def outcome_of(answer: Answer) -> str:
    """Return whether an answer is one, a no of the business, or an error."""
    if 0 < answer.status < _FIRST_ERROR:
        return ANSWERED
    if answer.status in _OVERTAKEN:
        return REFUSED
    if answer.status == _UNPROCESSABLE and answer.code in _REASONS:
        return REFUSED
    return ERROR


def is_timed(status: int, code: str) -> bool:
    """Tell whether a row's latency means something.

    A refused connection fails at once and would make a dying service look quick; a time-out or a
    cut off request took at least as long as it was waited for.
    """
    return status > 0 or code in _WAITED_LONG


class Rows:
    """The rows of a folder: parts while the test runs, one file when it ends.

    Parameters
    ----------
    folder
        Of the test.
    session
        1, or more after interruptions.
    """

    def __init__(self, folder: Path, session: int) -> None:
        self._parts = folder / "parts"
        self._whole = folder / "requests.parquet"
        self._session = session
        self._kept: list[Row] = []
        self._written = 0

    def add(self, row: Row) -> None:
        """Keep a row."""
        self._kept.append(row)

    def flush(self) -> None:
        """Write what is kept as a part of its own, so that a sudden end loses little."""
        if not self._kept:
            return
        kept, self._kept = self._kept, []
        self._parts.mkdir(parents=True, exist_ok=True)
        self._written += 1
        name = f"{self._session:04d}-{self._written:06d}.parquet"
        _write(_table(kept), self._parts / name)

    def merge(self) -> pa.Table:
        """Put all parts, of this session and those before, into one file and return it."""
        parts = sorted(self._parts.glob("*.parquet")) if self._parts.is_dir() else []
        there, merged = [], set[str]()
        if self._whole.exists():
            there = [self._whole]
            # Parts that a sudden end left behind after they had been put in.
            metadata = pq.read_schema(self._whole).metadata or {}
            merged = set(metadata.get(_PARTS, b"").decode().split())
        there += [path for path in parts if path.name not in merged]
        tables = [pq.read_table(path, schema=_SCHEMA) for path in there]
        table = pa.concat_tables(tables).unify_dictionaries() if tables else _SCHEMA.empty_table()
        names = " ".join(path.name for path in parts)
        _write(table.replace_schema_metadata({_PARTS: names}), self._whole)
        for path in parts:
            path.unlink()
        if self._parts.is_dir():
            self._parts.rmdir()
        return table


def table_of(rows: Iterable[Row]) -> pa.Table:
    """Return rows as a table."""
    return _table(list(rows))


def _table(rows: list[Row]) -> pa.Table:
    columns = {name: [getattr(row, name) for row in rows] for name in _NAMES}
    return pa.table(columns, schema=_SCHEMA)


def _write(table: pa.Table, path: Path) -> None:
    with whole(path) as draft:
        pq.write_table(table, draft, compression="zstd")


def unanswered(ended: float) -> Answer:
    """Return what came of a request that the end of the test, at a moment, cut off."""
    detail = "no answer by the end of the test"
    return Answer(0, math.nan, ended, 0, 0, NO_ANSWER, detail)


def row_of(
    answer: Answer,
    *,
    session: int,
    phase: str,
    endpoint: str,
    attempt: int,
    intended_s: float,
    ready_s: float,
    origin: float,
) -> Row:
    """Return the row of a request.

    Parameters
    ----------
    origin
        Second 0 on the monotonic clock.
    """
    return Row(
        session=session,
        phase=phase,
        endpoint=endpoint,
        attempt=attempt,
        intended_s=intended_s,
        ready_s=ready_s,
        sent_s=answer.sent - origin,
        done_s=answer.done - origin,
        status=answer.status,
        size=answer.size,
        outcome=outcome_of(answer),
        code=answer.code,
        detail=answer.detail,
        trace_id=answer.trace_id,
        waited=answer.waited,
    )
