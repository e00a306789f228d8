"""What commands about couriers do: events, or a refusal that changes nothing.  Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from dispatch import commands as c
from dispatch import events as e
from dispatch.errors import ConflictError, InvalidValueError, StaleVersionError, WrongStateError
from dispatch.model import Policy
from dispatch.rules.context import Context, Rule, Timer
from dispatch.state import CourierState, State


def _register_courier(
    state: State, command: c.RegisterCourier, _context: Context
) -> Sequence[e.Event]:
    courier = command.courier
    known = state.couriers.get(courier.courier_id)
    if known is not None and known.courier == courier:
        return []
    if known is not None and known.busy and known.courier.mode is not courier.mode:
        raise ConflictError(f"courier {courier.courier_id} is under way; change the mode at rest")
    if courier.phone:
        for other_id, other in state.couriers.items():
            # A text message says who sent it by the number alone.
            if other.courier.phone == courier.phone and other_id != courier.courier_id:
                raise ConflictError(f"the phone number belongs to courier {other_id} already")
    return [e.CourierRegistered(courier)]


def _start_shift(state: State, command: c.StartShift, _context: Context) -> Sequence[e.Event]:
    state.courier(command.courier_id)
    if command.ends_at <= command.starts_at:
        raise InvalidValueError("ends_at", "is not after starts_at; a shift needs a length")
    pause = command.pause
    if pause is not None and pause.earliest < command.starts_at:
        raise InvalidValueError("break.earliest", "is before starts_at; the shift begins first")
    if pause is not None and pause.latest + pause.duration_s > command.ends_at:
        raise InvalidValueError(
            "break.latest", "is so late that the break outlasts the shift; it must end by ends_at"
        )
    return [e.ShiftStarted(command.courier_id, command.starts_at, command.ends_at, pause)]


def _end_shift(state: State, command: c.EndShift, _context: Context) -> Sequence[e.Event]:
    courier = state.courier(command.courier_id)
    if courier.shift_end is None or courier.shift_end <= command.occurred_at:
        return []
    ended = e.ShiftEnded(command.courier_id, command.occurred_at)
    if courier.break_wanted_s is None and courier.break_until is None:
        return [ended]
    return [e.BreakEnded(command.courier_id, command.occurred_at), ended]


def _sign_on(state: State, command: c.SignOn, _context: Context) -> Sequence[e.Event]:
    if state.courier(command.courier_id).operator == command.operator:
        return []
    return [e.OperatorChanged(command.courier_id, command.operator)]


def _acknowledge_route(
    state: State, command: c.AcknowledgeRoute, _context: Context
) -> Sequence[e.Event]:
    courier = state.courier(command.courier_id)
    if command.version > courier.route_version:
        raise InvalidValueError(
            "version", f"is {command.version}; the newest is {courier.route_version}"
        )
    if command.version < courier.route_version:
        raise StaleVersionError(
            f"the route of courier {command.courier_id}", command.version, courier.route_version
        )
    if courier.acknowledged == command.version:
        return []
    return [e.RouteAcknowledged(command.courier_id, command.version, command.occurred_at)]


# --- breaks ------------------------------------------------------------------------------------


def _take_break(state: State, command: c.TakeBreak, context: Context) -> Sequence[e.Event]:
    courier = state.courier(command.courier_id)
    subject = f"courier {command.courier_id}"
    if command.duration_s < 1:
        raise InvalidValueError("duration_s", f"is {command.duration_s}; it must be 1 or more")
    if courier.stranded is not None:
        raise WrongStateError(subject, "stranded", "on a break", ("recover",))
    if courier.break_until is not None or courier.break_wanted_s is not None:
        now_is = "on_break" if courier.break_until is not None else "break_wanted"
        raise WrongStateError(subject, now_is, "on another break", ("break/end",))
    if not courier.on_shift(context.now) or courier.shift_end is None:
        raise WrongStateError(subject, "off_shift", "on a break", ())
    ends_at = command.occurred_at + command.duration_s
    if ends_at > courier.shift_end:
        raise ConflictError(
            f"a break of {command.duration_s} s ends {ends_at - courier.shift_end} s after the "
            f"shift of {subject}; end the shift instead"
        )
    if courier.busy:
        return [e.BreakWanted(command.courier_id, command.duration_s, command.occurred_at)]
    return [e.BreakStarted(command.courier_id, ends_at, command.occurred_at)]


def _end_break(state: State, command: c.EndBreak, context: Context) -> Sequence[e.Event]:
    courier = state.courier(command.courier_id)
    if courier.break_until is None and courier.break_wanted_s is None:
        doing = "on_shift" if courier.on_shift(context.now) else "off_shift"
        raise WrongStateError(
            f"courier {command.courier_id}", doing, "back from a break", ("break",)
        )
    return [e.BreakEnded(command.courier_id, command.occurred_at)]


def _next_break(state: State, _policy: Policy) -> int | None:
    times = []
    for courier in state.couriers.values():
        if courier.break_until is not None:
            times.append(courier.break_until)
        elif courier.break_wanted_s is not None and not courier.busy:
            times.append(state.at)
        elif courier.pause is not None and _may_pause(courier, state.at):
            times.append(courier.pause.earliest)
    return min(times, default=None)


def _may_pause(courier: CourierState, at: int) -> bool:
    """Tell whether the planned break of a courier can begin as soon as it is due."""
    is_over = courier.shift_end is None or courier.shift_end <= at
    return not is_over and not courier.busy and not courier.rests


def _turn_breaks(state: State, context: Context) -> Sequence[e.Event]:
    events: list[e.Event] = []
    for courier_id, courier in sorted(state.couriers.items()):
        if courier.break_until is not None and courier.break_until <= context.now:
            events.append(e.BreakEnded(courier_id, courier.break_until))
        elif courier.break_wanted_s is not None and not courier.busy:
            events.append(_begun(courier_id, courier, courier.break_wanted_s, context.now))
        elif (
            courier.pause is not None
            and courier.pause.earliest <= context.now
            and _may_pause(courier, state.at)
        ):
            events.append(_begun(courier_id, courier, courier.pause.duration_s, context.now))
    return events


def _begun(courier_id: str, courier: CourierState, duration_s: int, now: int) -> e.Event:
    """Return the break that a courier is due, as far as the shift has room for it."""
    ends_at = now + duration_s
    if courier.shift_end is not None:
        ends_at = min(ends_at, courier.shift_end)
    if ends_at <= now:
        return e.BreakEnded(courier_id, now)
    return e.BreakStarted(courier_id, ends_at, now)


RULES: Final[Mapping[type[Any], Rule]] = MappingProxyType(
    {
        c.RegisterCourier: _register_courier,
        c.StartShift: _start_shift,
        c.EndShift: _end_shift,
        c.SignOn: _sign_on,
        c.TakeBreak: _take_break,
        c.EndBreak: _end_break,
        c.AcknowledgeRoute: _acknowledge_route,
    }
)
"""The rule of each command; all raise `DispatchError` when the command does not fit."""

TIMERS: Final[tuple[Timer, ...]] = (Timer(_next_break, _turn_breaks),)
"""What happens by itself."""
