"""When timers are due: each is asked once of a state, and no quote changes what it says."""

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
        if self._asked is None or not _is_as(self._asked, (state, policy)):
            self._due.clear()
        self._asked = state, policy
        if timer not in self._due:
            self._due[timer] = timer.next_at(state, policy)
        return self._due[timer]


def _is_as(before: tuple[State, Policy], asked: tuple[State, Policy]) -> bool:
    (state, policy), (known, its_policy) = asked, before
    return policy is its_policy and state.at == known.at and state.is_as(known)
