"""What commands from the dispatcher's desk do: events, or a refusal that changes nothing.

Whatever a person decides is put in the log twice: as the action (who, why, and what it takes to
take it back), and as the facts that follow from it.  `audited` makes the action, here and in the
rules of stores and orders.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from dispatch import commands as c
from dispatch import events as e
from dispatch.codec import LOG
from dispatch.errors import ConflictError, InvalidValueError, WrongStateError
from dispatch.model import Fulfilment, OrderStatus, Policy
from dispatch.records import SLOT, Action, Hold
from dispatch.rules.context import Context, Rule, Timer, open_order
from dispatch.state import OrderState, State


def audited(
    context: Context, command: c.Command, subject: str, before: Mapping[str, Any] | None = None
) -> e.ActionTaken:
    """Return the action to put in the log before the facts that follow from a command.

    Parameters
    ----------
    command
        What was asked; its class gives the action's name, its `owner` and `reason` the rest.
    subject
        Id of the order, courier, store or control it is about.
    before
        What it takes to take it back, as plain JSON; None where it cannot be.  By command:

        - `PauseStore`, `ResumeStore`: `{"paused": <reason it was paused for, or null>}`
        - `PinStore`: `{"pinned_store_id": <id, or null>}`
        - `HoldOrder`, `ReleaseHold`: `{"hold": ...}`; `LockOrder`, `UnlockOrder`: `{"lock": ...}`
        - `LockRoute`, `UnlockRoute`: `{"route_lock": ...}`
        - `SetControl`, `EndControl`: `{"control": ...}`
    """
    return e.ActionTaken(
        Action(
            action_id=context.new_id("act"),
            kind=type(command).__name__,
            subject=subject,
            owner=getattr(command, "owner", ""),
            reason=getattr(command, "reason", ""),
            taken_at=context.now,
            before="" if before is None else json.dumps(before, sort_keys=True),
        )
    )


def moves(order: OrderState) -> tuple[str, ...]:
    """Return what a dispatcher may do with an order as it is, by the names on the wire."""
    if order.is_closed:
        return ()
    found = []
    free = not order.on_board and not order.is_carried_outside and not order.returning
    if free and order.status is not OrderStatus.CANCELLED:
        found.append("hold" if order.courier_id is None else "hold with recall")
        if order.order.fulfilment is Fulfilment.DELIVERY:
            found.append("assign")
    if order.on_board and not order.is_carried_outside:
        found.append("hand the bag over")
    if order.hold is not None:
        found.append("release")
    if order.lock is not None:
        found.append("unlock")
    if order.status is not OrderStatus.CANCELLED:
        found.append("cancel")
    return tuple(found)


def unfit(order: OrderState, wanted: str, words: str = "") -> WrongStateError:
    """Return the refusal of a move that an order as it is does not allow."""
    delivered = order.order.fulfilment is Fulfilment.DELIVERY
    at = order.delivery if delivered else order.status
    name = f"order {order.order_id}{f', {words},' if words else ''}"
    return WrongStateError(name, at.value, wanted, moves(order))


def refuse_past(field: str, at: int, now: int, most_s: int | None = None) -> None:
    """Raise `InvalidValueError` unless a moment is to come, and not too far off."""
    if at <= now:
        raise InvalidValueError(field, "is past; name a time to come")
    if most_s is not None and at > now + most_s:
        raise InvalidValueError(field, f"is more than {most_s // 3600} h ahead; name a sooner time")


def taken_back(state: State, order: OrderState, reason: str) -> Iterator[e.StopReleased]:
    """Yield what takes an order from the courier who was told, or asked, to fetch it."""
    for courier_id, courier in sorted(state.couriers.items()):
        commitment = courier.commitment
        if commitment is not None and commitment.stop.order_id == order.order_id:
            yield e.StopReleased(courier_id, order.order_id, reason)


def _hold_order(state: State, command: c.HoldOrder, context: Context) -> Sequence[e.Event]:
    order = open_order(state, command.order_id, "held")
    if command.until is not None:
        refuse_past("until", command.until, context.now)
    if order.is_carried_outside and order.carriage is not None:
        raise unfit(order, "held", f"which {order.carriage.carrier} carries")
    if order.on_board or order.returning or order.status is OrderStatus.CANCELLED:
        raise unfit(order, "held")
    if order.courier_id is not None and not command.recall:
        raise unfit(order, "held", f"which {order.courier_id} was told to fetch")
    slot = order.hold if order.hold is not None and order.hold.owner == SLOT else None
    if slot is not None and slot.until is not None and (command.until or slot.until) < slot.until:
        raise InvalidValueError(
            "until", "is before the slot that it waits for anyway; name a later time, or none"
        )
    hold = Hold(command.owner, command.reason, command.until)
    return [
        audited(context, command, order.order_id, {"hold": LOG.unstructure(order.hold)}),
        *taken_back(state, order, command.reason),
        e.OrderHeld(order.order_id, hold, context.now),
    ]


def _release_hold(state: State, command: c.ReleaseHold, context: Context) -> Sequence[e.Event]:
    order = open_order(state, command.order_id, "released")
    if order.hold is None:
        raise ConflictError(f"order {order.order_id} is not held")
    return [
        audited(context, command, order.order_id, {"hold": LOG.unstructure(order.hold)}),
        *released(state, order, context.now),
    ]


def released(state: State, order: OrderState, now: int) -> Sequence[e.Event]:
    """Return what ends a hold; an order that waited for its slot before waits for it again."""
    events: list[e.Event] = [e.HoldReleased(order.order_id, now)]
    slot = None if order.hold is None or order.hold.owner == SLOT else _slot(state, order)
    if slot is not None and (slot.until or 0) > now:
        events.append(e.OrderHeld(order.order_id, slot, now))
    return events


def _slot(state: State, order: OrderState) -> Hold | None:
    """Return the slot's hold that people's holds were put over, None if there is none."""
    for action in reversed(tuple(state.actions.values())):
        if action.subject != order.order_id or action.undone_by is not None:
            continue
        if action.kind == c.ReleaseHold.__name__:
            return None
        if action.kind == c.HoldOrder.__name__:
            before = recorded_hold(action)
            if before is None or before.owner == SLOT:
                return before
    return None


def recorded_hold(action: Action) -> Hold | None:
    """Return the hold that there was before an action."""
    said = json.loads(action.before).get("hold") if action.before else None
    return None if said is None else LOG.structure(said, Hold)


# --- what ends by itself -----------------------------------------------------------------------


def _next_end(state: State, _policy: Policy) -> int | None:
    ends = [
        order.hold.until
        for order in state.orders.values()
        if order.hold is not None and order.hold.until is not None
    ]
    return min(ends, default=None)


def _end_holds(state: State, context: Context) -> Sequence[e.Event]:
    return [
        event
        for _, order in sorted(state.orders.items())
        if order.hold is not None
        and order.hold.until is not None
        and order.hold.until <= context.now
        for event in released(state, order, context.now)
    ]


RULES: Final[Mapping[type[Any], Rule]] = MappingProxyType(
    {
        c.HoldOrder: _hold_order,
        c.ReleaseHold: _release_hold,
    }
)
"""The rule of each command; all raise `DispatchError` when the command does not fit."""

TIMERS: Final[tuple[Timer, ...]] = (Timer(_next_end, _end_holds),)
"""What happens by itself."""
