"""What time it is: of the machine, or of a service that runs faster than the world.

The only file of this room that reads a clock for anything the domain decides on.
"""

from __future__ import annotations

import time
from typing import Protocol

from api.storage.errors import LedgerError
from dispatch.codec import to_rfc3339


class ServiceClock(Protocol):
    """A clock of the service, with its pace."""

    @property
    def speed(self) -> float:
        """Service seconds per second of the world."""
        ...

    def now(self) -> int:
        """Return UTC epoch seconds of the service."""
        ...

    def moment(self) -> float:
        """Return the same with fractions."""
        ...

    def run(self) -> None:
        """Let time pass; a clock of its own pace stands still until then."""
        ...


class SystemClock:
    """The machine's clock."""

    speed = 1.0

    def now(self) -> int:
        """Return UTC epoch seconds."""
        return int(time.time())

    def moment(self) -> float:
        """Return UTC epoch seconds with fractions."""
        return time.time()

    def run(self) -> None:
        """Do nothing: the machine's time passes anyway."""


class ScaledClock:
    """A clock that starts at a moment of its own and runs at a pace of its own.

    It stands still until `run`, so that no service time is lost while a service boots.

    Parameters
    ----------
    start
        UTC epoch seconds it shows until it runs.
    speed
        Service seconds per second of the world.
    """

    def __init__(self, start: int, speed: float) -> None:
        self._start = start
        self._speed = speed
        self._anchor: float | None = None

    @property
    def speed(self) -> float:
        """Service seconds per second of the world."""
        return self._speed

    def now(self) -> int:
        """Return UTC epoch seconds of the service."""
        return int(self.moment())

    def moment(self) -> float:
        """Return the same with fractions."""
        if self._anchor is None:
            return float(self._start)
        return self._start + (time.monotonic() - self._anchor) * self._speed

    def run(self) -> None:
        """Let time pass from now on."""
        # Monotonic, so that a correction of the machine's clock is not a leap of `speed` times it.
        if self._anchor is None:
            self._anchor = time.monotonic()


def open_clock(clock_start: int | None, speed: float, last_moment: int | None) -> ServiceClock:
    """Return the clock a service runs on; a ledger goes on where it was.

    Parameters
    ----------
    clock_start
        Moment asked for, None for the present (or the ledger's end).
    last_moment
        The last moment recorded in the ledger, None when it is empty.

    Raises
    ------
    LedgerError
        The ledger ends after the machine's present, so the machine's clock cannot go on with it.
    """
    present = int(time.time())
    if clock_start is None and speed == 1.0:
        if last_moment is not None and last_moment > present:
            raise LedgerError(
                f"The ledger ends at {to_rfc3339(last_moment)}, after the present "
                f"({to_rfc3339(present)}): it was written under a scaled clock. Go on with it by "
                "--clock-start or --speed, or name another one with --ledger."
            )
        return SystemClock()
    if clock_start is None:
        start = present if last_moment is None else last_moment
    else:
        start = clock_start if last_moment is None else max(clock_start, last_moment)
    return ScaledClock(start, speed)
