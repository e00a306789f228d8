"""What commands about couriers at work do: events, or a refusal that changes nothing.  Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from dispatch import commands as c
from dispatch import events as e
from dispatch.errors import ConflictError, ProofRequiredError, WrongStateError
from dispatch.model import DeliveryStatus, OrderStatus, Stop, StopKind
from dispatch.records import ParcelScan, Proof, ProofKind, ScanStep, StopOutcome
from dispatch.rules.context import Context, Rule, Timer, open_order
from dispatch.rules.desk import audited
from dispatch.rules.reports import reported
from dispatch.state import Commitment, OrderState, State

_D = DeliveryStatus

MOST_TRIES: Final = 3
"""So often a courier stands at a door in vain; then the goods go back."""

_SCANNED_AT: Final = {StopKind.PICKUP: ScanStep.HANDOVER, StopKind.DROPOFF: ScanStep.DOOR}


def _arrival(courier_id: str, commitment: Commitment, occurred_at: int) -> list[e.Event]:
    """Return the arrival, unless it is known: work done at a stop implies it."""
    if commitment.arrived_at is not None:
        return []
    at = max(occurred_at, commitment.committed_at)
    return [e.StopArrived(courier_id, commitment.stop, at)]


def _arrive_at_stop(state: State, command: c.ArriveAtStop, _context: Context) -> Sequence[e.Event]:
    commitment = reported(state, command.courier_id, command.stop_id, StopOutcome.ARRIVED)
    if commitment is None:
        return []
    return _arrival(command.courier_id, commitment, command.occurred_at)


def _complete_stop(state: State, command: c.CompleteStop, _context: Context) -> Sequence[e.Event]:
    courier_id = command.courier_id
    commitment = reported(state, courier_id, command.stop_id, StopOutcome.COMPLETED)
    if commitment is None:
        return []
    stop = commitment.stop
    order = state.order(stop.order_id)
    at = max(command.occurred_at, commitment.arrived_at or commitment.committed_at)
    done: e.Event
    if stop.kind is StopKind.PICKUP:
        is_packed = order.status is OrderStatus.READY or order.waits_at_point
        if not is_packed or order.ready_at is None:
            raise WrongStateError(
                f"order {order.order_id}", order.status.value, "picked_up", ("ready",)
            )
        at = max(at, order.ready_at)
        done = e.ParcelPickedUp(courier_id, order.order_id, stop.store_id, at)
    elif stop.kind is StopKind.DROPOFF:
        _ask_for_proof(order, stop, command.proofs)
        done = e.OrderDelivered(courier_id, order.order_id, at)
    else:
        done = e.ParcelReturned(courier_id, order.order_id, stop.store_id, at)
    arrival = _arrival(courier_id, commitment, command.occurred_at)
    return [*arrival, *_shown(courier_id, order, stop, command.proofs, at), done]


def _ask_for_proof(order: OrderState, stop: Stop, proofs: Sequence[Proof]) -> None:
    given = {proof.kind for proof in proofs}
    lacking = [kind.value for kind in required_proofs(order) if kind not in given]
    if lacking:
        raise ProofRequiredError(stop.stop_id, tuple(lacking))


def required_proofs(order: OrderState) -> tuple[ProofKind, ...]:
    """Return what must be shown before an order may be left at its door."""
    wanted = ((ProofKind.PIN, order.order.pin_required), (ProofKind.AGE, order.order.age_limit > 0))
    return tuple(kind for kind, is_wanted in wanted if is_wanted)


def _shown(
    courier_id: str, order: OrderState, stop: Stop, proofs: Sequence[Proof], at: int
) -> list[e.Event]:
    """Return what was shown at a stop; a scanned parcel is one more link of its chain."""
    events: list[e.Event] = []
    step = _SCANNED_AT.get(stop.kind)
    known = {(scan.step, scan.by) for scan in order.scans}
    for proof in proofs:
        events.append(e.ProofTaken(courier_id, stop, proof, at))
        if proof.kind is ProofKind.QR and step is not None and (step, courier_id) not in known:
            known.add((step, courier_id))
            scan = ParcelScan(order.parcel_id, step, courier_id, at)
            events.append(e.ParcelScanned(order.order_id, scan))
    return events


def _fail_stop(state: State, command: c.FailStop, _context: Context) -> Sequence[e.Event]:
    courier_id = command.courier_id
    commitment = reported(state, courier_id, command.stop_id, StopOutcome.FAILED)
    if commitment is None:
        return []
    stop = commitment.stop
    if stop.kind is not StopKind.DROPOFF:
        raise ConflictError(f"only a drop-off can fail, and {command.stop_id} is none")
    at = max(command.occurred_at, commitment.arrived_at or commitment.committed_at)
    return [
        *_arrival(courier_id, commitment, command.occurred_at),
        *_shown(courier_id, state.order(stop.order_id), stop, command.proofs, at),
        e.DeliveryFailed(courier_id, stop.order_id, command.reason, at),
    ]


def _decline_stop(state: State, command: c.DeclineStop, _context: Context) -> Sequence[e.Event]:
    commitment = reported(state, command.courier_id, command.stop_id, StopOutcome.DECLINED)
    if commitment is None:
        return []
    order = state.order(commitment.stop.order_id)
    if order.delivery not in {_D.OFFERED, _D.ENROUTE_TO_PICKUP}:
        raise WrongStateError(
            f"order {order.order_id}",
            order.delivery.value,
            "declined",
            (_D.OFFERED.value, _D.ENROUTE_TO_PICKUP.value),
        )
    return [e.StopDeclined(command.courier_id, order.order_id, command.reason, command.occurred_at)]


def _retry_delivery(state: State, command: c.RetryDelivery, context: Context) -> Sequence[e.Event]:
    order = open_order(state, command.order_id, "tried again")
    courier = state.couriers.get(order.courier_id or "")
    goes_back = order.returning and order.delivery in {_D.FAILED, _D.RETURNING}
    if courier is None or order.order_id not in courier.on_board or not goes_back:
        raise WrongStateError(
            f"order {order.order_id}", order.delivery.value, "tried again", (_D.FAILED.value,)
        )
    if courier.stranded is not None:
        raise ConflictError(
            f"order {order.order_id} is with courier {order.courier_id}, who is stranded"
        )
    if order.status is OrderStatus.CANCELLED:
        raise WrongStateError(f"order {order.order_id}", "cancelled", "tried again", ())
    if order.tries >= MOST_TRIES:
        raise ConflictError(
            f"order {order.order_id} was tried {order.tries} times, which is the most; "
            "its goods go back"
        )
    commitment = courier.commitment
    mine = commitment if commitment and commitment.stop.order_id == order.order_id else None
    if mine is not None and mine.arrived_at is not None:
        raise WrongStateError(f"order {order.order_id}", "back at the store", "tried again", ())
    granted = e.RetryGranted(order.order_id, command.owner, command.reason, command.occurred_at)
    action = audited(context, command, order.order_id)
    if mine is None:
        return [action, granted]
    released = e.StopReleased(courier.courier.courier_id, order.order_id, command.reason)
    return [action, released, granted]


RULES: Final[Mapping[type[Any], Rule]] = MappingProxyType(
    {
        c.ArriveAtStop: _arrive_at_stop,
        c.CompleteStop: _complete_stop,
        c.FailStop: _fail_stop,
        c.DeclineStop: _decline_stop,
        c.RetryDelivery: _retry_delivery,
    }
)
"""The rule of each command; all raise `DispatchError` when the command does not fit."""

TIMERS: Final[tuple[Timer, ...]] = ()
"""What happens by itself."""
