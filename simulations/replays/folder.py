"""A replay on disk: how far it is, and what came of it.

replay.json             what it is and everything that was found
progress.json           how far the exact replay is, to go on from after an interruption
runs/NAME-seed-7.json   one run of the day's model
orders.parquet          the orders as they were
model-orders.parquet    the same of every run of the model, where there was one
report.html
"""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
from cattrs import BaseValidationError

from dispatch.codec import LOG, event_to_json
from dispatch.events import Recorded
from simulations.errors import SimulationError
from simulations.folders import LOCK, held, whole, write_json
from simulations.replays.replay import Mark
from simulations.studies import parquet
from simulations.studies.folder import read_json
from simulations.studies.outcome import Evening

HOME: Final = Path(".samehour") / "replays"
"""Where replays are kept unless a folder is named."""

_KEEP_EVERY: Final = 200
"""Inputs between two notes of how far it is."""

_ABOUT: Final = "replay.json"
_PROGRESS: Final = "progress.json"
_RUNS: Final = "runs"
_DIGITS: Final = 10


def digest_of(*parts: object) -> str:
    """Return a short name for what decides what comes out."""
    text = json.dumps(parts, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]


class _Fingerprint:
    """Of the first events of a log; of more and more of them at little cost."""

    def __init__(self, events: Sequence[Recorded]) -> None:
        self._events = events
        self._digest = hashlib.sha256()
        self._taken = 0

    def upto(self, count: int) -> str:
        """Return that of the first `count`; never fewer than before."""
        for recorded in self._events[self._taken : count]:
            fields = json.dumps(event_to_json(recorded.event), sort_keys=True)
            name = type(recorded.event).__name__
            self._digest.update(f"{recorded.seq} {recorded.at} {name} {fields}\n".encode())
        self._taken = max(self._taken, count)
        return self._digest.hexdigest()


class ReplayFolder:
    """A folder that one process writes a replay into.

    Parameters
    ----------
    key
        Names the ledger and the engine; what is there under another key is begun anew.
    events
        Of the ledger: what was found about other events does not count.
    """

    def __init__(self, path: Path, key: str, events: Sequence[Recorded]) -> None:
        self.path = path
        self._key = key
        self._fingerprint = _Fingerprint(events)
        self._steps = 0

    @contextmanager
    def held(self, *, fresh: bool) -> Iterator[None]:
        """Hold the folder for as long as it is worked in.

        Raises
        ------
        SimulationError
            It cannot be written, another process works in it, or it holds something else.
        """
        with held(self.path, "--out"):
            ours = {_ABOUT, _PROGRESS, _RUNS, LOCK, "report.html"}
            others = [
                found.name
                for found in self.path.iterdir()
                if found.name not in ours and found.suffix != ".parquet"
            ]
            if others:
                raise SimulationError(
                    f"{self.path} has other things in it ({min(others)}); name an empty folder "
                    "with --out"
                )
            (self.path / _RUNS).mkdir(exist_ok=True)
            if fresh:
                (self.path / _PROGRESS).unlink(missing_ok=True)
                for run in (self.path / _RUNS).iterdir():
                    run.unlink()
            yield

    # --- the exact replay ------------------------------------------------------------------------

    def mark(self) -> Mark | None:
        """Return where to go on, None to begin."""
        path = self.path / _PROGRESS
        if not path.is_file():
            return None
        try:
            found = read_json(path)
            if found["key"] != self._key:
                return None
            mark = LOG.structure(found["mark"], Mark)
            return mark if self._fingerprint.upto(mark.seq) == found["events"] else None
        except (SimulationError, BaseValidationError, KeyError, TypeError, ValueError):
            return None  # half-written by an older one: begin anew

    def keep(self, mark: Mark) -> None:
        """Note how far it is, now and then."""
        self._steps += 1
        if self._steps % _KEEP_EVERY == 0:
            self.finish(mark)

    def finish(self, mark: Mark) -> None:
        """Note how far it is."""
        found = {
            "key": self._key,
            "events": self._fingerprint.upto(mark.seq),
            "mark": LOG.unstructure(mark),
        }
        write_json(self.path / _PROGRESS, found)

    # --- runs of the model -----------------------------------------------------------------------

    def run(self, name: str, seed: int) -> Evening | None:
        """Return a run of the model that is done, None for one that is not."""
        path = self._run(name, seed)
        if not path.is_file():
            return None
        try:
            return LOG.structure(json.loads(gzip.decompress(path.read_bytes())), Evening)
        except (OSError, EOFError, BaseValidationError, ValueError, KeyError, TypeError):
            return None

    def keep_run(self, name: str, evening: Evening) -> None:
        """Keep a run; it is there whole or not at all."""
        text = json.dumps(LOG.unstructure(evening))
        with whole(self._run(name, evening.seed)) as draft:
            draft.write_bytes(gzip.compress(text.encode(), mtime=0))

    def _run(self, name: str, seed: int) -> Path:
        return self.path / _RUNS / f"{name}-seed-{seed}.json.gz"

    # --- the end ---------------------------------------------------------------------------------

    def write(self, found: dict[str, Any]) -> None:
        """Write all that was found."""
        write_json(self.path / _ABOUT, found)

    def write_orders(self, was: Evening, runs: Sequence[tuple[str, Evening]]) -> None:
        """Write the orders as they were, and as they were in every run of the model."""
        parquet.write(parquet.table_of(was.orders, parquet.ORDERS), self.path / "orders.parquet")
        if not runs:
            return
        tables = []
        for name, evening in runs:
            table = parquet.table_of(evening.orders, parquet.ORDERS)
            columns = [
                pa.array([name] * table.num_rows, pa.string()),
                pa.array([evening.seed] * table.num_rows, pa.int64()),
                *table.columns,
            ]
            fields = [pa.field("run", pa.string()), pa.field("seed", pa.int64()), *table.schema]
            tables.append(pa.Table.from_arrays(columns, schema=pa.schema(fields)))
        parquet.write(pa.concat_tables(tables), self.path / "model-orders.parquet")
