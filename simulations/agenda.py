"""What is due when: a heap keyed (time, priority, id), so that ties are never random."""

from __future__ import annotations

import heapq
from typing import NamedTuple


class Due(NamedTuple):
    """One thing to do.

    Attributes
    ----------
    priority
        Lower goes first among things due at the same time.
    kind, subject
        What it is and whom it concerns; at most one of a kind per subject is ever due.
    """

    at: int
    priority: int
    kind: str
    subject: str


class Agenda:
    """A heap of things due; setting one again moves it.

    `put` and `pop` cost O(log n); moved entries are skipped when they surface.
    """

    def __init__(self) -> None:
        self._heap: list[Due] = []
        self._current: dict[tuple[str, str], Due] = {}

    def put(self, at: int, priority: int, kind: str, subject: str = "") -> None:
        """Make something due at a time, instead of when it was due before."""
        due = Due(at, priority, kind, subject)
        if self._current.get((kind, subject)) == due:
            return
        self._current[kind, subject] = due
        heapq.heappush(self._heap, due)

    def drop(self, kind: str, subject: str = "") -> None:
        """Make something not due any more; nothing happens if it was not."""
        self._current.pop((kind, subject), None)

    def next_at(self) -> int | None:
        """Return when the next thing is due, None if nothing is."""
        while self._heap:
            due = self._heap[0]
            if self._current.get((due.kind, due.subject)) == due:
                return due.at
            heapq.heappop(self._heap)
        return None

    def due_at(self, kind: str, subject: str = "") -> int | None:
        """Return when something is due, None if it is not."""
        due = self._current.get((kind, subject))
        return None if due is None else due.at

    def pop(self, now: int) -> Due | None:
        """Take the first thing due at or before `now`, None if there is none."""
        at = self.next_at()
        if at is None or at > now:
            return None
        due = heapq.heappop(self._heap)
        del self._current[due.kind, due.subject]
        return due
