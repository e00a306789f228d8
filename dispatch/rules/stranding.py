"""Couriers who cannot go on, and goods that wait at a point for another courier.  Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from dispatch import commands as c
from dispatch import events as e
from dispatch.errors import ConflictError, InvalidValueError, WrongStateError
from dispatch.model import LonLat, StopKind, Store
from dispatch.records import OrderLock
from dispatch.rules.context import Context, Rule, Timer
from dispatch.rules.desk import audited
from dispatch.state import CourierState, State

_HAND_OVER_S: Final = 60
"""Time to find each other and pass a parcel on."""

_POINT_REACH_S: Final = 86_400
"""Goods that lie at a point already must come from there, however far it is."""

_LOCK_S: Final = 3600
"""So long a bag handed over is for the named courier alone."""


def _strand_courier(state: State, command: c.StrandCourier, context: Context) -> Sequence[e.Event]:
    courier_id = command.courier_id
    courier = state.courier(courier_id)
    if courier.stranded is not None:
        raise WrongStateError(f"courier {courier_id}", "stranded", "stranded again", ("recover",))
    events: list[e.Event] = []
    commitment = courier.commitment
    if commitment is not None and commitment.stop.kind is StopKind.PICKUP:
        order_id = commitment.stop.order_id
        events.append(e.StopDeclined(courier_id, order_id, command.reason, command.occurred_at))
    left = tuple(key for key in courier.on_board if not state.order(key).returning)
    point = bag_point(context.new_id("pnt"), courier, command.place) if left else None
    events.append(e.CourierStranded(courier_id, command.reason, left, point, command.occurred_at))
    return events


def _recover_courier(
    state: State, command: c.RecoverCourier, _context: Context
) -> Sequence[e.Event]:
    if state.courier(command.courier_id).stranded is None:
        raise WrongStateError(
            f"courier {command.courier_id}", "able to go on", "recovered", ("strand",)
        )
    return [e.CourierRecovered(command.courier_id, command.occurred_at)]


def _hand_over_bag(state: State, command: c.HandOverBag, context: Context) -> Sequence[e.Event]:
    giver, taker = state.courier(command.courier_id), state.courier(command.to_courier_id)
    if command.courier_id == command.to_courier_id:
        raise InvalidValueError("to_courier_id", "is the courier who has the goods already")
    if giver.stranded is not None:
        raise WrongStateError(f"courier {command.courier_id}", "stranded", "handing over", ())
    if taker.rests or not taker.on_shift(context.now):
        raise ConflictError(
            f"courier {command.to_courier_id} is off shift, on a break or stranded; "
            "name somebody who can come"
        )
    if not command.order_ids or len(set(command.order_ids)) != len(command.order_ids):
        raise InvalidValueError("order_ids", "must name each order once, and one at least")
    for order_id in command.order_ids:
        order = state.order(order_id)
        if order_id not in giver.on_board:
            raise ConflictError(
                f"order {order_id} is not in the bag of courier {command.courier_id}"
            )
        if order.returning:
            raise WrongStateError(f"order {order_id}", "going back", "handed over", ())
    lock = OrderLock(command.to_courier_id, command.owner, command.reason, context.now + _LOCK_S)
    return [
        audited(context, command, command.courier_id),
        e.BagHandedOver(
            command.courier_id,
            command.to_courier_id,
            command.order_ids,
            bag_point(context.new_id("pnt"), giver, command.place),
            command.owner,
            command.reason,
            command.occurred_at,
        ),
        *(e.OrderLocked(order_id, lock, command.occurred_at) for order_id in command.order_ids),
    ]


def bag_point(store_id: str, courier: CourierState, place: LonLat) -> Store:
    """Return where a courier's goods wait to be fetched."""
    return Store(
        store_id=store_id,
        name=f"bag of {courier.courier.name}",
        location=place,
        pickers=0,
        pickup_service_s=_HAND_OVER_S,
        reach_s=_POINT_REACH_S,
        is_point=True,
    )


RULES: Final[Mapping[type[Any], Rule]] = MappingProxyType(
    {
        c.StrandCourier: _strand_courier,
        c.RecoverCourier: _recover_courier,
        c.HandOverBag: _hand_over_bag,
    }
)
"""The rule of each command; all raise `DispatchError` when the command does not fit."""

TIMERS: Final[tuple[Timer, ...]] = ()
"""What happens by itself."""
