"""What a dispatcher fixes for a while: who brings an order, and the order of a courier's stops."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from dispatch import commands as c
from dispatch import events as e
from dispatch.bags import load_of, room_of
from dispatch.codec import LOG
from dispatch.errors import ConflictError, InvalidValueError
from dispatch.model import UNREACHABLE_S, Fulfilment, OrderStatus, Policy, Stop, StopKind
from dispatch.records import OrderLock, RouteLock
from dispatch.rules.context import Context, Rule, Timer, open_order
from dispatch.rules.desk import audited, refuse_past, taken_back, unfit
from dispatch.snapshot import SHIFT_AHEAD_S
from dispatch.state import CourierState, OrderState, State
from dispatch.views import fixed_stops

MOST_S: Final = 8 * 3600
"""Longest time that a person may fix something for."""

# --- who brings an order -----------------------------------------------------------------------


def _lock_order(state: State, command: c.LockOrder, context: Context) -> Sequence[e.Event]:
    order = open_order(state, command.order_id, "assigned")
    refuse_past("expires_at", command.expires_at, context.now, MOST_S)
    _refuse_unassignable(order)
    who = command.courier_id
    courier = state.couriers.get(who)
    if courier is None:
        raise InvalidValueError("courier_id", f"{who} names nobody")
    _refuse_unable(order, courier, context)
    events: list[e.Event] = [
        audited(context, command, order.order_id, {"lock": LOG.unstructure(order.lock)})
    ]
    if order.courier_id not in {None, who}:
        events += taken_back(state, order, command.reason)
    lock = OrderLock(who, command.owner, command.reason, command.expires_at)
    return [*events, e.OrderLocked(order.order_id, lock, context.now)]


def _refuse_unassignable(order: OrderState) -> None:
    """Raise `WrongStateError` unless someone else may still fetch the order."""
    if order.order.fulfilment is not Fulfilment.DELIVERY:
        raise unfit(order, "assigned", "which the customer collects")
    if order.is_carried_outside and order.carriage is not None:
        raise unfit(order, "assigned", f"which {order.carriage.carrier} carries")
    if order.on_board:
        raise unfit(order, "assigned", f"which is in the bag of {order.courier_id}")
    if order.returning or order.status is OrderStatus.CANCELLED:
        raise unfit(order, "assigned")


def _refuse_unable(order: OrderState, courier: CourierState, context: Context) -> None:
    """Raise unless a courier can fetch the order and bring it; says why not."""
    who, name, now = courier.courier.courier_id, courier.courier.name, context.now
    if courier.stranded is not None:
        raise ConflictError(f"{name} ({who}) cannot go on: {courier.stranded}")
    start, end = courier.shift_start, courier.shift_end
    if start is None or end is None or not start - SHIFT_AHEAD_S <= now < end:
        raise ConflictError(f"{name} ({who}) is off shift; start a shift first")
    if who in order.declined_by:
        raise ConflictError(f"{name} ({who}) declined order {order.order_id}; ask another courier")
    too_much = load_of([order.order]).too_much_for(room_of(courier.courier))
    if too_much:
        raise InvalidValueError("courier_id", f"{who} carries {too_much}")
    snap = context.snapshot(None)
    door = next((o.place for o in snap.orders if o.order_id == order.order_id), None)
    store = next((s.place for s in snap.stores if s.store_id == order.store_id), None)
    place = next((k.place for k in snap.couriers if k.courier_id == who), None)
    table = snap.travel.duration_s.get(courier.courier.mode)
    if door is None or store is None or place is None or table is None:
        return
    if max(table.item((place, store)), table.item((store, door))) >= UNREACHABLE_S:
        mode = courier.courier.mode.value
        raise InvalidValueError("courier_id", f"{who} has no way there by {mode}")


def _unlock_order(state: State, command: c.UnlockOrder, context: Context) -> Sequence[e.Event]:
    order = open_order(state, command.order_id, "unlocked")
    if order.lock is None:
        raise ConflictError(f"order {order.order_id} is not locked to a courier")
    return [
        audited(context, command, order.order_id, {"lock": LOG.unstructure(order.lock)}),
        e.OrderUnlocked(order.order_id, command.reason or f"unlocked by {command.owner}"),
    ]


# --- in which order a courier does the stops ---------------------------------------------------


def _lock_route(state: State, command: c.LockRoute, context: Context) -> Sequence[e.Event]:
    courier = state.courier(command.courier_id)
    refuse_past("expires_at", command.expires_at, context.now, MOST_S)
    present = stops_ahead(courier)
    if not present:
        raise ConflictError(f"courier {command.courier_id} has no stop ahead")
    stops = _named(command.stop_ids, present)
    commitment = courier.commitment
    if commitment is not None and stops[0] != commitment.stop:
        raise InvalidValueError(
            "stop_ids.0",
            f"is {stops[0].stop_id}; {commitment.stop.stop_id} is under way and stays first",
        )
    refuse_impossible(state, courier, stops, context.policy)
    lock = RouteLock(command.stop_ids, command.owner, command.reason, command.expires_at)
    before = {"route_lock": LOG.unstructure(courier.route_lock)}
    return [
        audited(context, command, command.courier_id, before),
        e.RouteLocked(command.courier_id, lock, context.now),
    ]


def stops_ahead(courier: CourierState) -> dict[str, Stop]:
    """Return the stops a courier was told, by id, the one under way first."""
    stops = [visit.stop for visit in courier.route.visits] if courier.route is not None else []
    if courier.commitment is not None:
        stops = [courier.commitment.stop, *stops]
    return {stop.stop_id: stop for stop in stops}


def _named(stop_ids: tuple[str, ...], present: Mapping[str, Stop]) -> list[Stop]:
    """Return the stops of some ids; raises `InvalidValueError` for the first that fits not."""
    if not stop_ids:
        raise InvalidValueError("stop_ids", "is empty; name the stops in the order to be done")
    stops: list[Stop] = []
    for index, stop_id in enumerate(stop_ids):
        if stop_id not in present:
            raise InvalidValueError(f"stop_ids.{index}", f"{stop_id} is no stop of this route")
        if present[stop_id] in stops:
            raise InvalidValueError(f"stop_ids.{index}", f"{stop_id} is named twice")
        stops.append(present[stop_id])
    return stops


def refuse_impossible(
    state: State, courier: CourierState, stops: Sequence[Stop], policy: Policy
) -> None:
    """Raise `InvalidValueError`, naming the stop, unless the stops can be done in this order."""
    who = courier.courier
    bag = list(courier.on_board)
    counter = courier.counter
    for index, stop in enumerate(stops):
        key, field = stop.order_id, f"stop_ids.{index}"
        if stop.kind is not StopKind.PICKUP:
            if key not in bag:
                raise InvalidValueError(
                    field,
                    f"{stop.stop_id} brings order {key}, which is not picked up before it",
                )
            bag.remove(key)
            counter = None
            continue
        elsewhere = bool(bag) and counter != stop.store_id
        bag.append(key)
        counter = stop.store_id
        if index == 0 and courier.commitment is not None:
            continue
        if policy.one_store_per_trip and elsewhere:
            raise InvalidValueError(
                field,
                f"{stop.stop_id} is at {stop.store_id}, with goods of another store in the bag",
            )
        load = load_of(state.order(order_id).order for order_id in bag)
        too_much = load.too_much_for(room_of(who))
        if too_much:
            raise InvalidValueError(
                field,
                f"{stop.stop_id} makes {len(bag)} parcels of {load.weight_g} g in the bag; "
                f"{who.name} carries {too_much}",
            )


def _unlock_route(state: State, command: c.UnlockRoute, context: Context) -> Sequence[e.Event]:
    courier = state.courier(command.courier_id)
    if courier.route_lock is None:
        raise ConflictError(f"nobody fixed the order of stops of courier {command.courier_id}")
    before = {"route_lock": LOG.unstructure(courier.route_lock)}
    return [
        audited(context, command, command.courier_id, before),
        e.RouteUnlocked(command.courier_id, command.reason or f"unlocked by {command.owner}"),
    ]


# --- what ends by itself -----------------------------------------------------------------------


def _is_done(state: State, courier: CourierState) -> bool:
    """Tell whether nothing is left of an order of stops that somebody fixed."""
    return not fixed_stops(state, courier)


def _ends(state: State) -> Iterator[int]:
    for order in state.orders.values():
        if order.lock is not None:
            yield order.lock.expires_at
    for courier in state.couriers.values():
        if courier.route_lock is not None:
            yield 0 if _is_done(state, courier) else courier.route_lock.expires_at


def _next_end(state: State, _policy: Policy) -> int | None:
    return min(_ends(state), default=None)


def _end_locks(state: State, context: Context) -> Sequence[e.Event]:
    events: list[e.Event] = [
        e.OrderUnlocked(order_id, "its time is over")
        for order_id, order in sorted(state.orders.items())
        if order.lock is not None and order.lock.expires_at <= context.now
    ]
    for courier_id, courier in sorted(state.couriers.items()):
        if courier.route_lock is None:
            continue
        if _is_done(state, courier):
            events.append(e.RouteUnlocked(courier_id, "its stops are done"))
        elif courier.route_lock.expires_at <= context.now:
            events.append(e.RouteUnlocked(courier_id, "its time is over"))
    return events


RULES: Final[Mapping[type[Any], Rule]] = MappingProxyType(
    {
        c.LockOrder: _lock_order,
        c.UnlockOrder: _unlock_order,
        c.LockRoute: _lock_route,
        c.UnlockRoute: _unlock_route,
    }
)
"""The rule of each command; all raise `DispatchError` when the command does not fit."""

TIMERS: Final[tuple[Timer, ...]] = (Timer(_next_end, _end_locks),)
"""What happens by itself."""
