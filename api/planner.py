"""A planner in a process of its own: it gets a snapshot, returns a plan, and may be killed.

It yields a plan at once and better ones until its wall limit; the last one stands, and whether the
limit ended the search is told.  The service never waits for it on its own thread, and never goes
without a plan: when the worker dies or hangs it is started again, and cheapest insertion answers in
its place.
"""

from __future__ import annotations

import multiprocessing
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import TYPE_CHECKING, Any, Final

from api import metrics
from api.logs import logger
from api.planning_worker import Answer, work

if TYPE_CHECKING:
    from dispatch.model import Plan, Snapshot

_log = logger("planner")

_LIMIT_MS: Final = 1000
_GRACE_S: Final = 9.0
"""Wall seconds over its limit after which a worker is taken to hang."""

_GREETING_S: Final = 60.0
"""Wall limit of a new worker's first word: it imports the solver and loads what is compiled."""

_COMPILING_S: Final = 600.0
"""The same on a machine where it may have to be compiled first."""


class PlannerError(Exception):
    """The worker gave no plan; the message says why."""


@dataclass(frozen=True, slots=True)
class Solved:
    """A plan, the wall time it took, and how it came about.

    Attributes
    ----------
    by_worker
        The worker made it; else it is by insertion.
    cut_short
        The worker's limit ended its search for a better one.
    """

    plan: Plan
    solve_ms: float
    by_worker: bool
    cut_short: bool = False


class Planner:
    """One worker process, and what to do when it fails.

    Parameters
    ----------
    limit_ms
        Wall time after which the worker looks for no better plan.
    grace_s
        A worker that is over its limit by more is given up.

    Attributes
    ----------
    zone_id
        Whose planner it is, for the log.
    """

    def __init__(self, limit_ms: int = _LIMIT_MS, grace_s: float = _GRACE_S) -> None:
        self.zone_id = ""
        self._limit_ms = limit_ms
        self._hangs_after_s = limit_ms / 1000 + grace_s
        self._context = multiprocessing.get_context("spawn")
        self._guard = threading.Lock()
        self._process: BaseProcess | None = None
        self._pipe: Connection | None = None
        self._warm = False
        self._closed = False

    @property
    def is_up(self) -> bool:
        """Whether the worker runs and was ready."""
        process = self._process
        return self._warm and process is not None and process.is_alive()

    @property
    def pid(self) -> int | None:
        """Process id of the worker."""
        return self._process.pid if self._process is not None else None

    def start(self) -> None:
        """Start the worker; it begins to get ready."""
        with self._guard:
            self._start()

    def warm_up(self) -> None:
        """Wait until the worker is ready, which may take compiling; blocks.

        One that fails is started again, and asked for its first plan once it is ready.
        """
        with self._guard:
            if self._closed:
                return
            try:
                self._greet(_COMPILING_S)
            except PlannerError as error:
                if not self._closed:
                    self._replace(error)

    def solve(self, snapshot: Snapshot) -> Solved:
        """Return a plan for a snapshot, by the worker or else by insertion; blocks."""
        began = time.perf_counter()
        with self._guard:
            if self._closed:
                raise PlannerError("the planner was closed")
            by_worker, cut_short = True, False
            try:
                plan, cut_short = self._ask(snapshot)
            except PlannerError as error:
                if self._closed:
                    raise
                self._replace(error)
                plan, by_worker = _by_insertion(snapshot), False
        solve_ms = round((time.perf_counter() - began) * 1000, 1)
        return Solved(plan, solve_ms, by_worker, cut_short)

    def close(self) -> None:
        """End the worker, even in the middle of a plan."""
        self._closed = True
        process = self._process
        if process is not None and process.is_alive():
            process.kill()
        with self._guard:
            self._stop()

    # --- the worker's life ---------------------------------------------------------------------

    def _start(self) -> None:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(
            target=work, args=(theirs, self._limit_ms), name="samehour-planner", daemon=True
        )
        process.start()
        theirs.close()
        self._process, self._pipe, self._warm = process, ours, False

    def _stop(self) -> None:
        if self._pipe is not None:
            self._pipe.close()
        if self._process is not None:
            self._process.kill()
            self._process.join()
        self._process, self._pipe, self._warm = None, None, False

    def _replace(self, error: PlannerError) -> None:
        _log.warning("planner_failed", zone=self.zone_id, reason=str(error), answer="insertion")
        metrics.PLANNER_RESTARTS.inc()
        self._stop()
        self._start()

    def _greet(self, limit_s: float) -> None:
        """Wait for a new worker's first word."""
        if not self._warm:
            self._hear("not ready", limit_s)
            self._warm = True

    def _ask(self, snapshot: Snapshot) -> tuple[Plan, bool]:
        self._greet(_GREETING_S)
        if self._pipe is None:
            raise PlannerError("the worker is not running")
        try:
            self._pipe.send(snapshot)
        except OSError as error:
            raise PlannerError("the worker died") from error
        answer = self._hear("no plan", self._hangs_after_s)
        if isinstance(answer, Answer):
            return answer.plan, answer.cut_short
        raise PlannerError(str(answer))

    def _hear(self, silence: str, limit_s: float) -> Any:
        """Return the worker's next word; raises `PlannerError` when it says nothing in time."""
        if self._pipe is None:
            raise PlannerError("the worker is not running")
        try:
            if not self._pipe.poll(limit_s):
                raise PlannerError(f"{silence} within {limit_s:g} s")
            return self._pipe.recv()
        except (EOFError, OSError) as error:
            raise PlannerError("the worker died") from error


@contextmanager
def planners(limits_ms: Mapping[str | None, int]) -> Iterator[dict[str | None, Planner]]:
    """Start a planner for each zone, by its name and wall limit; they end with the context."""
    found = {name: Planner(limit_ms) for name, limit_ms in limits_ms.items()}
    try:
        for planner in found.values():
            planner.start()
        yield found
    finally:
        for planner in found.values():
            planner.close()


def _by_insertion(snapshot: Snapshot) -> Plan:
    # Imported where it is used: the solver behind it takes a second to load.
    from dispatch.planning.plan import plan_by_insertion  # noqa: PLC0415

    return plan_by_insertion(snapshot)
