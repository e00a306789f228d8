"""What commands about streets do: events, or a refusal that changes nothing.  Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final

from dispatch import commands as c
from dispatch import events as e
from dispatch.errors import InvalidValueError
from dispatch.model import Policy
from dispatch.rules.context import Context, Rule, Timer
from dispatch.state import State


def _close_street(state: State, command: c.CloseStreet, context: Context) -> Sequence[e.Event]:
    closure = command.closure
    if closure.until is not None and closure.until <= context.now:
        raise InvalidValueError("until", "is past; name a time to come, or none")
    if not closure.closure_id:
        closure = replace(closure, closure_id=context.new_id("clo"))
    if state.closures.get(closure.closure_id) == closure:
        return []
    return [e.StreetClosed(closure)]


def _reopen_street(state: State, command: c.ReopenStreet, _context: Context) -> Sequence[e.Event]:
    state.closure(command.closure_id)
    return [e.StreetReopened(command.closure_id)]


def _next_opening(state: State, _policy: Policy) -> int | None:
    return min(
        (known.until for known in state.closures.values() if known.until is not None), default=None
    )


def _open_streets(state: State, context: Context) -> Sequence[e.Event]:
    return [
        e.StreetReopened(closure_id)
        for closure_id, closure in sorted(state.closures.items())
        if closure.until is not None and closure.until <= context.now
    ]


RULES: Final[Mapping[type[Any], Rule]] = MappingProxyType(
    {
        c.CloseStreet: _close_street,
        c.ReopenStreet: _reopen_street,
    }
)
"""The rule of each command; all raise `DispatchError` when the command does not fit."""

TIMERS: Final[tuple[Timer, ...]] = (Timer(_next_opening, _open_streets),)
"""What happens by itself."""
