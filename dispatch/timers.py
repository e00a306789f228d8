"""When timers are due; a state never changes, so each is asked once of it."""

from __future__ import annotations

from dispatch.model import Policy
from dispatch.rules.context import Timer
from dispatch.state import State


class Timers:
    """What the timers said of the last state; for one thread."""

    def __init__(self) -> None:
        self._asked: tuple[State, Policy] | None = None
        self._due: dict[Timer, int | None] = {}

    def next_at(self, timer: Timer, state: State, policy: Policy) -> int | None:
        """Return when a timer next has something to do, None for never."""
        if self._asked is None or self._asked[0] is not state or self._asked[1] is not policy:
            self._asked = state, policy
            self._due.clear()
        if timer not in self._due:
            self._due[timer] = timer.next_at(state, policy)
        return self._due[timer]
