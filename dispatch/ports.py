"""What the engine needs from outside, and nothing more."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from dispatch.events import Event, Recorded


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> int:
        """Return UTC epoch seconds."""
        ...


class EventLog(Protocol):
    """The append-only log of one zone."""

    def append(self, expected_seq: int, at: int, events: Sequence[Event]) -> tuple[Recorded, ...]:
        """Append after `expected_seq`; raises `SequenceError` if the log ends elsewhere."""
        ...

    def read(self, after: int) -> Sequence[Recorded]:
        """Return everything after a sequence number, in order."""
        ...
