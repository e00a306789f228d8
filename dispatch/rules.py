"""What each command does to a state: events, or a refusal that changes nothing.  Pure.

Commands that need a decision (a quote, an order to place) are the engine's; all others are here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from dispatch import commands as c
from dispatch import events as e
from dispatch.errors import ConflictError, InvalidValueError, WrongStateError
from dispatch.model import DeliveryStatus, OrderStatus, StopKind
from dispatch.state import CLOSED, UNPICKED, Commitment, OrderState, State

# --- stores and couriers -----------------------------------------------------------------------


def _register_store(_state: State, command: c.RegisterStore) -> Sequence[e.Event]:
    return [e.StoreRegistered(command.store)]


def _set_stock(state: State, command: c.SetStock) -> Sequence[e.Event]:
    state.store(command.store_id)
    for sku, on_hand in command.on_hand.items():
        if on_hand < 0:
            raise InvalidValueError(f"items.{sku}.on_hand", f"is {on_hand}; 0 is the least")
    return [e.StockSet(command.store_id, dict(command.on_hand))]


def _pause_store(state: State, command: c.PauseStore) -> Sequence[e.Event]:
    if state.store(command.store_id).paused is not None:
        return []
    return [e.StorePaused(command.store_id, command.reason)]


def _resume_store(state: State, command: c.ResumeStore) -> Sequence[e.Event]:
    if state.store(command.store_id).paused is None:
        return []
    return [e.StoreResumed(command.store_id)]


def _register_courier(state: State, command: c.RegisterCourier) -> Sequence[e.Event]:
    known = state.couriers.get(command.courier.courier_id)
    if known is not None and known.courier == command.courier:
        return []
    if known is not None and known.busy and known.courier.mode is not command.courier.mode:
        raise ConflictError(
            f"courier {command.courier.courier_id} is under way; change the mode at rest"
        )
    return [e.CourierRegistered(command.courier)]


def _start_shift(state: State, command: c.StartShift) -> Sequence[e.Event]:
    state.courier(command.courier_id)
    if command.ends_at <= command.starts_at:
        raise InvalidValueError("ends_at", "is not after starts_at; a shift needs a length")
    return [e.ShiftStarted(command.courier_id, command.starts_at, command.ends_at)]


def _end_shift(state: State, command: c.EndShift) -> Sequence[e.Event]:
    courier = state.courier(command.courier_id)
    if courier.shift_end is None or courier.shift_end <= command.occurred_at:
        return []
    return [e.ShiftEnded(command.courier_id, command.occurred_at)]


def _sign_on(state: State, command: c.SignOn) -> Sequence[e.Event]:
    if state.courier(command.courier_id).operator == command.operator:
        return []
    return [e.OperatorChanged(command.courier_id, command.operator)]


# --- orders and picking ------------------------------------------------------------------------


def _cancel_order(state: State, command: c.CancelOrder) -> Sequence[e.Event]:
    order = _open_order(state, command.order_id, "cancelled")
    if order.status is OrderStatus.CANCELLED:
        raise WrongStateError(
            f"order {order.order_id}", order.status.value, "cancelled", (order.delivery.value,)
        )
    released = [
        e.StopReleased(courier_id, order.order_id, command.reason)
        for courier_id, courier in sorted(state.couriers.items())
        if courier.commitment is not None
        and courier.commitment.stop.order_id == order.order_id
        and courier.commitment.stop.kind is not StopKind.RETURN
    ]
    return [*released, e.OrderCancelled(order.order_id, command.reason, command.occurred_at)]


def _start_pick(state: State, command: c.StartPick) -> Sequence[e.Event]:
    order = _open_order(state, command.order_id, "picking")
    if order.status not in UNPICKED:
        raise WrongStateError(f"order {order.order_id}", order.status.value, "picking", ())
    return [e.PickStarted(order.order_id, order.store_id, command.occurred_at)]


def _complete_pick(state: State, command: c.CompletePick) -> Sequence[e.Event]:
    order = _open_order(state, command.order_id, "ready")
    if order.status is not OrderStatus.PICKING:
        allowed = ("picking",) if order.status in UNPICKED else ()
        raise WrongStateError(f"order {order.order_id}", order.status.value, "ready", allowed)
    at = max(command.occurred_at, order.pick_started_at or 0)
    return [e.PickCompleted(order.order_id, order.store_id, at)]


def _open_order(state: State, order_id: str, wanted: str) -> OrderState:
    order = state.order(order_id)
    if order.delivery in CLOSED:
        raise WrongStateError(f"order {order_id}", order.delivery.value, wanted, ())
    return order


# --- stops -------------------------------------------------------------------------------------


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


def _arrive_at_stop(state: State, command: c.ArriveAtStop) -> Sequence[e.Event]:
    commitment = _commitment(state, command.courier_id, command.stop_id)
    return _arrival(command.courier_id, commitment, command.occurred_at)


def _complete_stop(state: State, command: c.CompleteStop) -> Sequence[e.Event]:
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


def _fail_stop(state: State, command: c.FailStop) -> Sequence[e.Event]:
    commitment = _commitment(state, command.courier_id, command.stop_id)
    if commitment.stop.kind is not StopKind.DROPOFF:
        raise ConflictError(f"only a drop-off can fail, and {command.stop_id} is none")
    events = _arrival(command.courier_id, commitment, command.occurred_at)
    at = max(command.occurred_at, commitment.arrived_at or commitment.committed_at)
    order_id = commitment.stop.order_id
    return [*events, e.DeliveryFailed(command.courier_id, order_id, command.reason, at)]


def _decline_stop(state: State, command: c.DeclineStop) -> Sequence[e.Event]:
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


# --- streets -----------------------------------------------------------------------------------


def _close_street(state: State, command: c.CloseStreet) -> Sequence[e.Event]:
    if state.closures.get(command.closure.closure_id) == command.closure:
        return []
    return [e.StreetClosed(command.closure)]


def _reopen_street(state: State, command: c.ReopenStreet) -> Sequence[e.Event]:
    state.closure(command.closure_id)
    return [e.StreetReopened(command.closure_id)]


RULES: Final[Mapping[type[Any], Callable[[State, Any], Sequence[e.Event]]]] = MappingProxyType(
    {
        c.RegisterStore: _register_store,
        c.SetStock: _set_stock,
        c.PauseStore: _pause_store,
        c.ResumeStore: _resume_store,
        c.RegisterCourier: _register_courier,
        c.StartShift: _start_shift,
        c.EndShift: _end_shift,
        c.SignOn: _sign_on,
        c.CancelOrder: _cancel_order,
        c.StartPick: _start_pick,
        c.CompletePick: _complete_pick,
        c.ArriveAtStop: _arrive_at_stop,
        c.CompleteStop: _complete_stop,
        c.FailStop: _fail_stop,
        c.DeclineStop: _decline_stop,
        c.CloseStreet: _close_street,
        c.ReopenStreet: _reopen_street,
    }
)
"""The rule of each command; all raise `DispatchError` when the command does not fit."""
