"""Orders that an outside courier company carries.  Pure.

The company says how far it is in our delivery words.  What it says comes twice, late or out of
order, so a report counts only when it is ahead of what is known: a delivery never goes backwards.
A step that is left out is made up for, at the time of the one that implies it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from dispatch import commands as c
from dispatch import events as e
from dispatch.errors import ConflictError, InvalidValueError, UnknownIdError, WrongStateError
from dispatch.model import DeliveryStatus, Fulfilment, OrderStatus
from dispatch.records import Carriage
from dispatch.rules.context import Context, Rule, Timer, open_order
from dispatch.rules.desk import audited
from dispatch.rules.implied import implied_pick
from dispatch.state import OrderState, State

_D = DeliveryStatus

RANK: Final[Mapping[str, int]] = MappingProxyType(
    {
        "booked": 0,
        _D.ASSIGNED.value: 1,
        _D.ENROUTE_TO_PICKUP.value: 2,
        _D.ARRIVED_AT_PICKUP.value: 3,
        _D.PICKED_UP.value: 4,
        _D.ENROUTE_TO_DROPOFF.value: 5,
        _D.ARRIVED_AT_DROPOFF.value: 6,
        _D.FAILED.value: 7,
        _D.RETURNING.value: 8,
        _D.RETURNED.value: 9,
        _D.DELIVERED.value: 9,
    }
)
"""How far each status is; a report that is not further changes nothing but the forecast."""

STATUSES: Final = frozenset(RANK) - {"booked"} | {_D.CANCELLED.value}
"""What a company may say."""


def refuse_unbookable(order: OrderState) -> None:
    """Raise `ConflictError` unless an order may be given to an outside company now."""
    subject = f"order {order.order_id}"
    if order.order.fulfilment is not Fulfilment.DELIVERY:
        raise WrongStateError(subject, order.status.value, "carried", ())
    if order.delivery is not _D.CONFIRMED or order.on_board:
        state = "carried" if order.is_carried_outside else order.delivery.value
        raise WrongStateError(subject, state, "carried", (_D.CONFIRMED.value,))
    if order.hold is not None:
        raise ConflictError(f"{subject} is held by {order.hold.owner}; release it first")
    if order.lock is not None:
        raise ConflictError(
            f"{subject} is locked to courier {order.lock.courier_id} by {order.lock.owner}; "
            "unlock it first"
        )


def _book(state: State, command: c.BookCarriage, context: Context) -> Sequence[e.Event]:
    order = open_order(state, command.order_id, "carried")
    refuse_unbookable(order)
    if command.cost_cents < 0:
        raise InvalidValueError("cost_cents", f"is {command.cost_cents}; 0 is the least")
    carriage = Carriage(
        command.carrier,
        command.reference,
        command.cost_cents,
        booked_at=context.now,
        eta=command.eta,
    )
    return [
        audited(context, command, order.order_id),
        e.CarriageBooked(order.order_id, carriage),
    ]


def _carried(state: State, order_id: str, carrier: str, reference: str) -> OrderState:
    """Return the order that a company's reference is about; raises `UnknownIdError`."""
    order = state.order(order_id)
    known = order.carriage
    if known is None or (known.carrier, known.reference) != (carrier, reference):
        raise UnknownIdError(f"{carrier} has no job {reference} for order {order_id}")
    return order


def _report(state: State, command: c.ReportCarriage, context: Context) -> Sequence[e.Event]:
    order = _carried(state, command.order_id, command.carrier, command.reference)
    if command.status not in STATUSES:
        known = ", ".join(sorted(STATUSES))
        raise InvalidValueError("status", f"{command.status!r} is none of {known}")
    carriage = order.carriage
    if carriage is None or carriage.ended or order.is_closed:
        return []
    given_up = command.status == _D.CANCELLED.value or (
        command.status in {_D.FAILED.value, _D.RETURNING.value, _D.RETURNED.value}
    )
    if given_up and not order.on_board:
        reason = command.detail or f"{command.carrier} gave it up"
        at = command.occurred_at
        return [e.CarriageEnded(order.order_id, command.carrier, reason, at)]
    # Whoever gives up with the goods in hand brings them back.
    gone = command.status == _D.CANCELLED.value
    status = _D.RETURNING.value if gone else command.status
    return _further(order, carriage, command, status, context)


def _further(
    order: OrderState, carriage: Carriage, command: c.ReportCarriage, status: str, context: Context
) -> Sequence[e.Event]:
    """Return the news in a report: a step ahead, or another forecast for the same one."""
    at, eta = command.occurred_at, command.eta if command.eta is not None else carriage.eta

    def said(what: str, detail: str) -> e.Event:
        who, reference = command.carrier, command.reference
        return e.CarriageReported(order.order_id, who, reference, what, detail, eta, at)

    if RANK[status] <= RANK[carriage.status]:
        newer = carriage.reported_at is None or at > carriage.reported_at
        same = status == carriage.status and newer and eta != carriage.eta
        return [said(status, command.detail)] if same else []
    events: list[e.Event] = []
    if RANK[status] >= RANK[_D.PICKED_UP.value] and not order.on_board:
        if order.status is not OrderStatus.READY:
            accepts = context.policy.silence_accepts
            events += implied_pick(order, at, silence_accepts=accepts)
        if status != _D.PICKED_UP.value:
            events.append(said(_D.PICKED_UP.value, ""))
    return [*events, said(status, command.detail)]


def _end(state: State, command: c.EndCarriage, context: Context) -> Sequence[e.Event]:
    order = open_order(state, command.order_id, "taken back")
    carriage = order.carriage
    if carriage is None or carriage.ended:
        raise WrongStateError(f"order {order.order_id}", order.delivery.value, "taken back", ())
    if order.on_board:
        raise WrongStateError(
            f"order {order.order_id}, which {carriage.carrier} has in hand,",
            order.delivery.value,
            "taken back",
            (),
        )
    return [
        audited(context, command, order.order_id),
        e.CarriageEnded(order.order_id, carriage.carrier, command.reason, command.occurred_at),
    ]


RULES: Final[Mapping[type[Any], Rule]] = MappingProxyType(
    {
        c.BookCarriage: _book,
        c.ReportCarriage: _report,
        c.EndCarriage: _end,
    }
)
"""The rule of each command; all raise `DispatchError` when the command does not fit."""

TIMERS: Final[tuple[Timer, ...]] = ()
"""What happens by itself."""
