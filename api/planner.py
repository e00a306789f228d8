"""A planner in a process of its own: it gets a snapshot, returns a plan, and may be killed.

The service never waits for it on its own thread, and never goes without a plan: when the worker
dies or is too slow it is started again, and cheapest insertion answers in its place.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import threading
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any, Final

from dispatch.model import Plan, Snapshot

_log = logging.getLogger("samehour.planner")

_FIRST_PLAN_S: Final = 60.0
"""Wall limit of a worker's first answer: it imports the solver."""

_PRIORITY: Final = 5
"""Added to the worker's niceness: answers to people go before better plans."""


class PlannerError(Exception):
    """The worker gave no plan; the message says why."""


@dataclass(frozen=True, slots=True)
class Solved:
    """A plan, the wall time it took, and whether the worker made it."""

    plan: Plan
    solve_ms: float
    by_worker: bool


class Planner:
    """One worker process, and what to do when it fails.

    Parameters
    ----------
    wall_limit_s
        A plan that takes longer is given up.
    """

    def __init__(self, wall_limit_s: float = 10.0) -> None:
        self._wall_limit_s = wall_limit_s
        self._context = multiprocessing.get_context("spawn")
        self._guard = threading.Lock()
        self._process: BaseProcess | None = None
        self._pipe: Connection | None = None
        self._warm = False
        self._closed = False

    @property
    def is_up(self) -> bool:
        """Whether the worker runs and has answered."""
        process = self._process
        return self._warm and process is not None and process.is_alive()

    @property
    def pid(self) -> int | None:
        """Process id of the worker."""
        return self._process.pid if self._process is not None else None

    def start(self) -> None:
        """Start the worker; it answers once its solver is imported."""
        with self._guard:
            self._start()

    def solve(self, snapshot: Snapshot) -> Solved:
        """Return a plan for a snapshot, by the worker or else by insertion; blocks."""
        began = time.perf_counter()
        with self._guard:
            if self._closed:
                raise PlannerError("the planner was closed")
            try:
                plan, by_worker = self._ask(snapshot), True
            except PlannerError as error:
                if self._closed:
                    raise
                _log.warning("planner_failed reason=%r answer=insertion", str(error))
                self._stop()
                self._start()
                plan, by_worker = _by_insertion(snapshot), False
        return Solved(plan, round((time.perf_counter() - began) * 1000, 1), by_worker)

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
            target=_work, args=(theirs,), name="samehour-planner", daemon=True
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

    def _ask(self, snapshot: Snapshot) -> Plan:
        if self._pipe is None:
            raise PlannerError("the worker is not running")
        limit_s = self._wall_limit_s if self._warm else max(self._wall_limit_s, _FIRST_PLAN_S)
        try:
            self._pipe.send(snapshot)
            if not self._pipe.poll(limit_s):
                raise PlannerError(f"no plan within {limit_s:g} s")
            answer: Any = self._pipe.recv()
        except (EOFError, OSError) as error:
            raise PlannerError("the worker died") from error
        if isinstance(answer, Plan):
            self._warm = True
            return answer
        raise PlannerError(str(answer))


def _by_insertion(snapshot: Snapshot) -> Plan:
    # Imported where it is used: the solver behind it takes a second to load.
    from dispatch.planning.plan import plan_by_insertion  # noqa: PLC0415

    return plan_by_insertion(snapshot)


def _work(pipe: Connection) -> None:
    """Answer snapshots until the service hangs up; runs in the worker."""
    # Signals reach the whole group of processes; the service decides when we end.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    if hasattr(os, "nice"):
        os.nice(_PRIORITY)
    from dispatch.planning.plan import plan  # noqa: PLC0415  as above

    while True:
        try:
            snapshot = pipe.recv()
        except EOFError:
            return
        try:
            answer: Plan | str = plan(snapshot)
        except Exception as error:  # noqa: BLE001  whatever it is, the service must know and go on
            answer = f"{type(error).__name__}: {error}"
        try:
            pipe.send(answer)
        except BrokenPipeError:
            return
