from __future__ import annotations

from dataclasses import replace

from dispatch.model import Policy
from dispatch.rules.context import Timer
from dispatch.state import State
from dispatch.timers import Timers


def test_a_timer_is_asked_once_of_a_state_and_again_of_another_or_under_another_policy() -> None:
    asked: list[tuple[State, Policy]] = []

    def next_at(state: State, policy: Policy) -> int | None:
        asked.append((state, policy))
        return len(asked) if len(asked) > 1 else None

    timer, timers = Timer(next_at, lambda _state, _context: ()), Timers()
    first, other = State("zone"), State("zone")
    policy, calmer = Policy(), Policy(name="calm")
    assert [timers.next_at(timer, first, policy) for _ in range(2)] == [None, None]
    assert [timers.next_at(timer, other, policy) for _ in range(2)] == [2, 2]
    assert [timers.next_at(timer, other, calmer) for _ in range(2)] == [3, 3]
    assert len(asked) == 3


def test_a_timer_is_not_asked_again_because_of_a_quote() -> None:
    asked: list[State] = []

    def next_at(state: State, _policy: Policy) -> int | None:
        asked.append(state)
        return state.at

    timer, timers, policy = Timer(next_at, lambda _state, _context: ()), Timers(), Policy()
    state = State("zone", at=60)
    quoted = replace(state, seq=1, quotes={})
    later = replace(quoted, at=61)
    known = [timers.next_at(timer, each, policy) for each in (state, quoted, later)]
    assert known == [60, 60, 61]
    assert asked == [state, later]
