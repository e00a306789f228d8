"""What commands about couriers at work do: events, or a refusal that changes nothing.  Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from dispatch import commands as c
from dispatch import events as e
from dispatch.errors import ConflictError, WrongStateError
from dispatch.model import DeliveryStatus, OrderStatus, StopKind
from dispatch.rules.context import Context, Rule, Timer
from dispatch.state import Commitment, State


def _commitment(state: State, courier_id: str, stop_id: str) -> Commitment:
    commitment = state.courier(courier_id).commitment
    if commitment is None:
        raise ConflictError(
            f"courier {courier_id} was not told to do any stop now, so not {stop_id} either"
        )
    if commitment.stop.stop_id != stop_id:
        raise ConflictError(
            f"stop {stop_id} is not what courier {courier_id} is doing; "
            f"that is {commitment.stop.stop_id}"
        )
    return commitment


def _arrival(courier_id: str, commitment: Commitment, occurred_at: int) -> list[e.Event]:
    """Return the arrival, unless it is known: work done at a stop implies it."""
    if commitment.arrived_at is not None:
        return []
    at = max(occurred_at, commitment.committed_at)
    return [e.StopArrived(courier_id, commitment.stop, at)]


def _arrive_at_stop(state: State, command: c.ArriveAtStop, _context: Context) -> Sequence[e.Event]:
    commitment = _commitment(state, command.courier_id, command.stop_id)
    return _arrival(command.courier_id, commitment, command.occurred_at)


def _complete_stop(state: State, command: c.CompleteStop, _context: Context) -> Sequence[e.Event]:
    courier_id = command.courier_id
    commitment = _commitment(state, courier_id, command.stop_id)
    stop = commitment.stop
    order = state.order(stop.order_id)
    events = _arrival(courier_id, commitment, command.occurred_at)
    at = max(command.occurred_at, commitment.arrived_at or commitment.committed_at)
    if stop.kind is StopKind.PICKUP:
        if order.status is not OrderStatus.READY or order.ready_at is None:
            raise WrongStateError(
                f"order {order.order_id}", order.status.value, "picked_up", ("ready",)
            )
        at = max(at, order.ready_at)
        events.append(e.ParcelPickedUp(courier_id, order.order_id, stop.store_id, at))
    elif stop.kind is StopKind.DROPOFF:
        events.append(e.OrderDelivered(courier_id, order.order_id, at))
    else:
        events.append(e.ParcelReturned(courier_id, order.order_id, stop.store_id, at))
    return events


def _fail_stop(state: State, command: c.FailStop, _context: Context) -> Sequence[e.Event]:
    commitment = _commitment(state, command.courier_id, command.stop_id)
    if commitment.stop.kind is not StopKind.DROPOFF:
        raise ConflictError(f"only a drop-off can fail, and {command.stop_id} is none")
    events = _arrival(command.courier_id, commitment, command.occurred_at)
    at = max(command.occurred_at, commitment.arrived_at or commitment.committed_at)
    order_id = commitment.stop.order_id
    return [*events, e.DeliveryFailed(command.courier_id, order_id, command.reason, at)]


def _decline_stop(state: State, command: c.DeclineStop, _context: Context) -> Sequence[e.Event]:
    commitment = _commitment(state, command.courier_id, command.stop_id)
    order = state.order(commitment.stop.order_id)
    if order.delivery is not DeliveryStatus.ENROUTE_TO_PICKUP:
        raise WrongStateError(
            f"order {order.order_id}",
            order.delivery.value,
            "declined",
            (DeliveryStatus.ENROUTE_TO_PICKUP.value,),
        )
    return [e.StopDeclined(command.courier_id, order.order_id, command.reason, command.occurred_at)]


RULES: Final[Mapping[type[Any], Rule]] = MappingProxyType(
    {
        c.ArriveAtStop: _arrive_at_stop,
        c.CompleteStop: _complete_stop,
        c.FailStop: _fail_stop,
        c.DeclineStop: _decline_stop,
    }
)
"""The rule of each command; all raise `DispatchError` when the command does not fit."""

TIMERS: Final[tuple[Timer, ...]] = ()
"""What happens by itself."""
