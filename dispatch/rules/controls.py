"""Surge controls: put in force by a person for a while, and over by themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from dispatch import commands as c
from dispatch import events as e
from dispatch.codec import LOG
from dispatch.errors import InvalidValueError, UnknownIdError
from dispatch.model import Policy
from dispatch.records import Control, ControlKind
from dispatch.rules.context import Context, Rule, Timer
from dispatch.rules.desk import audited, refuse_past
from dispatch.state import State

MOST_S: Final = 24 * 3600
"""Longest time that a control may be in force for."""

_LIMITS: Final[Mapping[ControlKind, tuple[int, int, str]]] = MappingProxyType(
    {
        ControlKind.RADIUS: (1, 7200, "seconds of the longest way to a door"),
        ControlKind.PROMISE: (1, 7200, "seconds by which promises end later"),
        ControlKind.THROTTLE: (0, 10_000, "orders in any ten minutes"),
        ControlKind.MINIMUM_BASKET: (1, 10_000_000, "cents that a basket must be worth"),
    }
)
"""Least and most value of each kind, and what it is."""


def control_of(state: State, command: c.SetControl, control_id: str, now: int) -> Control:
    """Return the control that a command asks for.

    Raises
    ------
    InvalidValueError
        A value, a store or a time that cannot be.
    """
    least, most, what = _LIMITS[command.kind]
    if not least <= command.value <= most:
        raise InvalidValueError("value", f"is {command.value}; {what} go from {least} to {most}")
    for index, store_id in enumerate(command.store_ids):
        store = state.stores.get(store_id)
        if store is None or store.store.is_point:
            raise InvalidValueError(f"store_ids.{index}", f"{store_id} names no store")
    refuse_past("expires_at", command.expires_at, now, MOST_S)
    return Control(
        control_id=control_id,
        kind=command.kind,
        value=command.value,
        store_ids=tuple(dict.fromkeys(command.store_ids)),
        owner=command.owner,
        reason=command.reason,
        starts_at=now,
        expires_at=command.expires_at,
    )


def _set_control(state: State, command: c.SetControl, context: Context) -> Sequence[e.Event]:
    control = control_of(state, command, context.new_id("ctl"), context.now)
    before = {"control": None}
    return [audited(context, command, control.control_id, before), e.ControlSet(control)]


def _end_control(state: State, command: c.EndControl, context: Context) -> Sequence[e.Event]:
    control = state.controls.get(command.control_id)
    if control is None:
        raise UnknownIdError(f"no control {command.control_id} is in force")
    before = {"control": LOG.unstructure(control)}
    return [
        audited(context, command, control.control_id, before),
        e.ControlEnded(control.control_id, command.reason or f"ended by {command.owner}"),
    ]


def _next_end(state: State, _policy: Policy) -> int | None:
    return min((control.expires_at for control in state.controls.values()), default=None)


def _end_controls(state: State, context: Context) -> Sequence[e.Event]:
    return [
        e.ControlEnded(control_id, "its time is over")
        for control_id, control in sorted(state.controls.items())
        if control.expires_at <= context.now
    ]


RULES: Final[Mapping[type[Any], Rule]] = MappingProxyType(
    {
        c.SetControl: _set_control,
        c.EndControl: _end_control,
    }
)
"""The rule of each command; all raise `DispatchError` when the command does not fit."""

TIMERS: Final[tuple[Timer, ...]] = (Timer(_next_end, _end_controls),)
"""What happens by itself."""
