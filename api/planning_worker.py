"""What a planner's process does: it gets snapshots and answers with plans.

A module of its own, which imports little: the process gets ready while the service still imports.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from dispatch.model import Plan, Snapshot

READY: Final = "ready"
"""A worker's first word."""

_PRIORITY: Final = 5
"""Added to the worker's niceness: answers to people go before better plans."""


class Answer(NamedTuple):
    """The last of the plans found, and whether the limit ended the search."""

    plan: Plan
    cut_short: bool


def best_within(snapshot: Snapshot, is_over: Callable[[], bool]) -> Answer:
    """Return the best plan found until a limit is over: always one, which is valid."""
    # Imported where it is used: the service, which only sends snapshots, shares this module.
    from dispatch.planning.plan import plans  # noqa: PLC0415

    cut_short = False

    def go_on() -> bool:
        nonlocal cut_short
        cut_short = cut_short or is_over()
        return not cut_short

    *_, last = plans(snapshot, go_on)
    return Answer(last, cut_short)


def _limit(limit_s: float) -> Callable[[], bool]:
    """Return what tells whether a time, from now on, is over."""
    until = time.perf_counter() + limit_s
    return lambda: time.perf_counter() >= until


def work(pipe: Connection, limit_ms: int) -> None:
    """Answer snapshots until the service hangs up."""
    # Signals reach the whole group of processes; the service decides when we end.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    if hasattr(os, "nice"):
        os.nice(_PRIORITY)
    from dispatch.planning.warming import warm_up  # noqa: PLC0415  as above

    warm_up()
    said: Any = READY
    while True:
        try:
            pipe.send(said)
            snapshot = pipe.recv()
        except (BrokenPipeError, EOFError):
            return
        try:
            said = best_within(snapshot, _limit(limit_ms / 1000))
        except Exception as error:  # noqa: BLE001  whatever it is, the service must know and go on
            said = f"{type(error).__name__}: {error}"
