"""What commands about couriers do: events, or a refusal that changes nothing.  Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from dispatch import commands as c
from dispatch import events as e
from dispatch.errors import ConflictError, InvalidValueError
from dispatch.rules.context import Context, Rule, Timer
from dispatch.state import State


def _register_courier(
    state: State, command: c.RegisterCourier, _context: Context
) -> Sequence[e.Event]:
    known = state.couriers.get(command.courier.courier_id)
    if known is not None and known.courier == command.courier:
        return []
    if known is not None and known.busy and known.courier.mode is not command.courier.mode:
        raise ConflictError(
            f"courier {command.courier.courier_id} is under way; change the mode at rest"
        )
    return [e.CourierRegistered(command.courier)]


def _start_shift(state: State, command: c.StartShift, _context: Context) -> Sequence[e.Event]:
    state.courier(command.courier_id)
    if command.ends_at <= command.starts_at:
        raise InvalidValueError("ends_at", "is not after starts_at; a shift needs a length")
    return [e.ShiftStarted(command.courier_id, command.starts_at, command.ends_at)]


def _end_shift(state: State, command: c.EndShift, _context: Context) -> Sequence[e.Event]:
    courier = state.courier(command.courier_id)
    if courier.shift_end is None or courier.shift_end <= command.occurred_at:
        return []
    return [e.ShiftEnded(command.courier_id, command.occurred_at)]


def _sign_on(state: State, command: c.SignOn, _context: Context) -> Sequence[e.Event]:
    if state.courier(command.courier_id).operator == command.operator:
        return []
    return [e.OperatorChanged(command.courier_id, command.operator)]


RULES: Final[Mapping[type[Any], Rule]] = MappingProxyType(
    {
        c.RegisterCourier: _register_courier,
        c.StartShift: _start_shift,
        c.EndShift: _end_shift,
        c.SignOn: _sign_on,
    }
)
"""The rule of each command; all raise `DispatchError` when the command does not fit."""

TIMERS: Final[tuple[Timer, ...]] = ()
"""What happens by itself."""
