"""The machine's time, for whoever sends: a service's own clock may run faster than its receivers'.

The only file of this room that reads a clock for what is sent when.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import Final, Protocol

_MOST_S: Final = 60.0
"""Longest wait in one piece, so that a clock that was put right is noticed."""


class Timer(Protocol):
    """Tells the time and waits for it."""

    def now(self) -> float:
        """Return UTC epoch seconds, with fractions."""
        ...

    async def wait(self, wake: asyncio.Event, until: float | None) -> None:
        """Return once somebody wakes us, or at a moment; None waits for the former only."""
        ...


class WallTimer:
    """The machine's clock."""

    def now(self) -> float:
        """Return UTC epoch seconds, with fractions."""
        return time.time()

    async def wait(self, wake: asyncio.Event, until: float | None) -> None:
        """Return once somebody wakes us, or at a moment at the latest."""
        left_s = _MOST_S if until is None else min(max(until - self.now(), 0.0), _MOST_S)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(left_s):
                await wake.wait()
