"""State folded from events: `apply` is the only way it changes, and it changes nothing in place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from dispatch.errors import SequenceError, WrongStateError
from dispatch.events import (
    CourierRegistered,
    DeliveryFailed,
    Event,
    OperatorChanged,
    OrderCancelled,
    OrderDelivered,
    OrderReceived,
    OrderRefused,
    OrderResourced,
    ParcelPickedUp,
    ParcelReturned,
    PickCompleted,
    PickStarted,
    PlanPublished,
    QuoteGiven,
    Recorded,
    ShiftEnded,
    ShiftStarted,
    StandbyGiven,
    StockSet,
    StopArrived,
    StopCommitted,
    StopDeclined,
    StopReleased,
    StorePaused,
    StoreRegistered,
    StoreResumed,
    StreetClosed,
    StreetReopened,
)
from dispatch.model import DeliveryStatus, Order, OrderStatus, Route, StopKind
from dispatch.state import (
    CLOSED,
    Commitment,
    CourierState,
    OrderState,
    StandbyState,
    State,
    StoreState,
    leave_at,
    moved,
)

_D = DeliveryStatus


def apply(state: State, recorded: Recorded) -> State:
    """Return the state after one more event; raises `SequenceError` when one is missing."""
    if recorded.seq != state.seq + 1:
        raise SequenceError(f"event {recorded.seq} does not follow {state.seq} in the log")
    handler = _HANDLERS[type(recorded.event)]
    after = handler(state, recorded.event, recorded.at)
    return replace(after, seq=recorded.seq, at=max(state.at, recorded.at))


# --- pieces the handlers share -----------------------------------------------------------------


def _note(order: OrderState, at: int, event: Event) -> OrderState:
    return replace(order, timeline=(*order.timeline, (at, type(event).__name__)))


def _with_order(state: State, order: OrderState) -> State:
    if order.delivery in CLOSED:
        still_open = {key: value for key, value in state.orders.items() if key != order.order_id}
        closed = {**state.closed, order.order_id: order}
        return replace(state, orders=still_open, closed=closed)
    return replace(state, orders={**state.orders, order.order_id: order})


def _with_courier(state: State, courier: CourierState) -> State:
    return replace(state, couriers={**state.couriers, courier.courier.courier_id: courier})


def _with_store(state: State, store: StoreState) -> State:
    return replace(state, stores={**state.stores, store.store.store_id: store})


def _added(amounts: Mapping[str, int], order: Order, sign: int) -> dict[str, int]:
    result = dict(amounts)
    for line in order.lines:
        left = result.get(line.sku, 0) + sign * line.quantity
        if left:
            result[line.sku] = left
        else:
            result.pop(line.sku, None)
    return result


def _reserve(state: State, store_id: str, order: Order, sign: int) -> State:
    store = state.store(store_id)
    return _with_store(state, replace(store, reserved=_added(store.reserved, order, sign)))


def _restock(state: State, store_id: str, order: Order, sign: int) -> State:
    store = state.store(store_id)
    return _with_store(state, replace(store, on_hand=_added(store.on_hand, order, sign)))


def _without(route: Route | None, order_id: str, kinds: frozenset[StopKind]) -> Route | None:
    """Return the route without some stops of an order, its start moved to what is left."""
    if route is None:
        return None
    visits = tuple(
        v for v in route.visits if v.stop.order_id != order_id or v.stop.kind not in kinds
    )
    if visits == route.visits:
        return route
    return replace(route, visits=visits, leave_at=leave_at(visits, route.leave_at))


_ALL_KINDS: Final = frozenset(StopKind)


def _freed(courier: CourierState, order_id: str) -> CourierState:
    """Return the courier without anything of an order: commitment, bag and route."""
    commitment = courier.commitment
    if commitment is not None and commitment.stop.order_id == order_id:
        commitment = None
    return replace(
        courier,
        commitment=commitment,
        on_board=tuple(o for o in courier.on_board if o != order_id),
        route=_without(courier.route, order_id, _ALL_KINDS),
    )


# --- one handler per event ---------------------------------------------------------------------


def _store_registered(state: State, event: StoreRegistered, _at: int) -> State:
    known = state.stores.get(event.store.store_id)
    store = replace(known, store=event.store) if known else StoreState(event.store)
    return _with_store(state, store)


def _stock_set(state: State, event: StockSet, _at: int) -> State:
    store = state.store(event.store_id)
    return _with_store(state, replace(store, on_hand={**store.on_hand, **event.on_hand}))


def _store_paused(state: State, event: StorePaused, _at: int) -> State:
    return _with_store(state, replace(state.store(event.store_id), paused=event.reason))


def _store_resumed(state: State, event: StoreResumed, _at: int) -> State:
    return _with_store(state, replace(state.store(event.store_id), paused=None))


def _courier_registered(state: State, event: CourierRegistered, at: int) -> State:
    known = state.couriers.get(event.courier.courier_id)
    if known is None:
        return _with_courier(state, CourierState(event.courier, event.courier.home, at))
    return _with_courier(state, replace(known, courier=event.courier))


def _shift_started(state: State, event: ShiftStarted, at: int) -> State:
    courier = state.courier(event.courier_id)
    # Where somebody was told to wait yesterday is no news of where they are today.
    standby = courier.standby if courier.on_shift(at) else None
    return _with_courier(
        state,
        replace(courier, shift_start=event.starts_at, shift_end=event.ends_at, standby=standby),
    )


def _shift_ended(state: State, event: ShiftEnded, _at: int) -> State:
    courier = state.courier(event.courier_id)
    courier = replace(courier, shift_end=event.occurred_at, standby=None)
    return _with_courier(state, courier)


def _operator_changed(state: State, event: OperatorChanged, _at: int) -> State:
    return _with_courier(state, replace(state.courier(event.courier_id), operator=event.operator))


def _quote_given(state: State, event: QuoteGiven, at: int) -> State:
    alive = {key: quote for key, quote in state.quotes.items() if quote.expires_at > at}
    return replace(state, quotes={**alive, event.quote.quote_id: event.quote})


def _order_received(state: State, event: OrderReceived, _at: int) -> State:
    order = _note(
        OrderState(event.order, event.promise, event.store_id), event.order.created_at, event
    )
    state = _reserve(_with_order(state, order), event.store_id, event.order, +1)
    if event.order.external_id is not None:
        ids = {**state.external_ids, event.order.external_id: event.order.order_id}
        state = replace(state, external_ids=ids)
    return state


def _order_refused(state: State, _event: OrderRefused, _at: int) -> State:
    return state


def _order_resourced(state: State, event: OrderResourced, at: int) -> State:
    order = state.order(event.order_id)
    state = _reserve(state, event.from_store_id, order.order, -1)
    state = _reserve(state, event.to_store_id, order.order, +1)
    return _with_order(state, _note(replace(order, store_id=event.to_store_id), at, event))


def _pick_started(state: State, event: PickStarted, _at: int) -> State:
    order = replace(
        state.order(event.order_id),
        status=OrderStatus.PICKING,
        pick_started_at=event.occurred_at,
    )
    return _with_order(state, _note(order, event.occurred_at, event))


def _pick_completed(state: State, event: PickCompleted, _at: int) -> State:
    order = replace(
        state.order(event.order_id), status=OrderStatus.READY, ready_at=event.occurred_at
    )
    # Picked goods have left the shelf: off the stock and off the reservation alike.
    state = _reserve(state, event.store_id, order.order, -1)
    state = _restock(state, event.store_id, order.order, -1)
    return _with_order(state, _note(order, event.occurred_at, event))


_ENROUTE: Final = {
    StopKind.PICKUP: _D.ENROUTE_TO_PICKUP,
    StopKind.DROPOFF: _D.ENROUTE_TO_DROPOFF,
    StopKind.RETURN: _D.RETURNING,
}
_ARRIVED: Final = {
    StopKind.PICKUP: _D.ARRIVED_AT_PICKUP,
    StopKind.DROPOFF: _D.ARRIVED_AT_DROPOFF,
}


def _stop_committed(state: State, event: StopCommitted, _at: int) -> State:
    order = state.order(event.stop.order_id)
    if not (event.stop.kind is StopKind.RETURN and order.delivery is _D.RETURNING):
        order = moved(order, _ENROUTE[event.stop.kind])
    order = replace(order, courier_id=event.courier_id)
    if event.stop.kind is StopKind.DROPOFF:
        order = replace(order, eta=event.expected_at)
    courier = replace(
        _at_standby(state, state.courier(event.courier_id), event.occurred_at),
        commitment=Commitment(event.stop, event.occurred_at, event.expected_at),
        standby=None,
    )
    return _with_courier(_with_order(state, _note(order, event.occurred_at, event)), courier)


def _at_standby(state: State, courier: CourierState, at: int) -> CourierState:
    """Return the courier where the standby is, if it must have been reached by now."""
    standby = courier.standby
    if standby is None or at < standby.expected_at:
        return courier
    place = state.store(standby.store_id).store.location
    return replace(courier, place=place, place_at=standby.expected_at, counter=None)


def _standby_given(state: State, event: StandbyGiven, _at: int) -> State:
    courier = _at_standby(state, state.courier(event.courier_id), event.occurred_at)
    standby = StandbyState(event.store_id, event.occurred_at, event.expected_at)
    return _with_courier(state, replace(courier, standby=standby, counter=None))


def _stop_arrived(state: State, event: StopArrived, _at: int) -> State:
    order = state.order(event.stop.order_id)
    if event.stop.kind in _ARRIVED:
        order = moved(order, _ARRIVED[event.stop.kind])
    courier = state.courier(event.courier_id)
    if courier.commitment is None:
        raise WrongStateError(f"courier {event.courier_id}", "uncommitted", "arrived", ())
    courier = replace(
        courier,
        commitment=replace(courier.commitment, arrived_at=event.occurred_at),
        place=state.place_of(event.stop),
        place_at=event.occurred_at,
        counter=None,
    )
    return _with_courier(_with_order(state, _note(order, event.occurred_at, event)), courier)


def _parcel_picked_up(state: State, event: ParcelPickedUp, _at: int) -> State:
    order = replace(
        moved(state.order(event.order_id), _D.PICKED_UP),
        on_board=True,
        picked_up_at=event.occurred_at,
        courier_id=event.courier_id,
    )
    courier = state.courier(event.courier_id)
    courier = replace(
        courier,
        commitment=None,
        on_board=(*courier.on_board, event.order_id),
        route=_without(courier.route, event.order_id, frozenset({StopKind.PICKUP})),
        place_at=event.occurred_at,
        counter=event.store_id,
    )
    return _with_courier(_with_order(state, _note(order, event.occurred_at, event)), courier)


def _order_delivered(state: State, event: OrderDelivered, _at: int) -> State:
    order = replace(
        moved(state.order(event.order_id), _D.DELIVERED),
        status=OrderStatus.COLLECTED,
        on_board=False,
        closed_at=event.occurred_at,
        eta=event.occurred_at,
    )
    courier = replace(
        _freed(state.courier(event.courier_id), event.order_id), place_at=event.occurred_at
    )
    return _with_courier(_with_order(state, _note(order, event.occurred_at, event)), courier)


def _delivery_failed(state: State, event: DeliveryFailed, _at: int) -> State:
    order = replace(
        moved(state.order(event.order_id), _D.FAILED),
        returning=True,
        eta=None,
        note=event.reason,
    )
    courier = state.courier(event.courier_id)
    courier = replace(
        courier,
        commitment=None,
        route=_without(courier.route, event.order_id, _ALL_KINDS),
        place_at=event.occurred_at,
    )
    return _with_courier(_with_order(state, _note(order, event.occurred_at, event)), courier)


def _parcel_returned(state: State, event: ParcelReturned, _at: int) -> State:
    order = replace(
        moved(state.order(event.order_id), _D.RETURNED),
        on_board=False,
        closed_at=event.occurred_at,
    )
    courier = replace(
        _freed(state.courier(event.courier_id), event.order_id), place_at=event.occurred_at
    )
    state = _restock(state, event.store_id, order.order, +1)
    return _with_courier(_with_order(state, _note(order, event.occurred_at, event)), courier)


def _stop_declined(state: State, event: StopDeclined, _at: int) -> State:
    order = moved(state.order(event.order_id), _D.CONFIRMED)
    order = replace(
        order, courier_id=None, declined_by=order.declined_by | {event.courier_id}, eta=None
    )
    courier = _freed(state.courier(event.courier_id), event.order_id)
    return _with_courier(_with_order(state, _note(order, event.occurred_at, event)), courier)


def _stop_released(state: State, event: StopReleased, _at: int) -> State:
    courier = state.courier(event.courier_id)
    commitment = courier.commitment
    if commitment is not None and commitment.stop.order_id == event.order_id:
        courier = replace(courier, commitment=None)
    route = _without(courier.route, event.order_id, _ALL_KINDS)
    return _with_courier(state, replace(courier, route=route))


def _order_cancelled(state: State, event: OrderCancelled, _at: int) -> State:
    order = state.order(event.order_id)
    if order.status is OrderStatus.READY and not order.on_board:
        state = _restock(state, order.store_id, order.order, +1)
    elif order.status is not OrderStatus.READY:
        state = _reserve(state, order.store_id, order.order, -1)
    order = replace(order, status=OrderStatus.CANCELLED, note=event.reason, eta=None)
    if order.on_board:
        order = replace(order, returning=True)
        if order.delivery is not _D.RETURNING:
            order = moved(order, _D.RETURNING)
    else:
        order = replace(moved(order, _D.CANCELLED), closed_at=event.occurred_at, courier_id=None)
    state = _with_order(state, _note(order, event.occurred_at, event))
    for courier in state.couriers.values():
        route = _without(courier.route, event.order_id, _ALL_KINDS)
        if route is not courier.route:
            state = _with_courier(state, replace(courier, route=route))
    return state


def _street_closed(state: State, event: StreetClosed, _at: int) -> State:
    return replace(state, closures={**state.closures, event.closure.closure_id: event.closure})


def _street_reopened(state: State, event: StreetReopened, _at: int) -> State:
    left = {key: value for key, value in state.closures.items() if key != event.closure_id}
    return replace(state, closures=left)


def _plan_published(state: State, event: PlanPublished, _at: int) -> State:
    couriers = dict(state.couriers)
    for route in event.routes:
        courier = couriers[route.courier_id]
        couriers[route.courier_id] = replace(
            courier,
            route=route if route.visits else None,
            route_version=max(route.version, courier.route_version),
        )
    etas = {
        visit.stop.order_id: visit.arrive_at
        for courier in couriers.values()
        if courier.route is not None
        for visit in courier.route.visits
        if visit.stop.kind is StopKind.DROPOFF
    }
    orders = dict(state.orders)
    for key, order in state.orders.items():
        eta, ready_at = etas.get(key), event.ready_at.get(key, order.ready_forecast)
        if (order.eta, order.ready_forecast) != (eta, ready_at):
            orders[key] = replace(order, eta=eta, ready_forecast=ready_at)
    return replace(state, couriers=couriers, orders=orders, plan=event)


_HANDLERS: Final[dict[type[Any], Callable[[State, Any, int], State]]] = {
    StoreRegistered: _store_registered,
    StockSet: _stock_set,
    StorePaused: _store_paused,
    StoreResumed: _store_resumed,
    CourierRegistered: _courier_registered,
    ShiftStarted: _shift_started,
    ShiftEnded: _shift_ended,
    OperatorChanged: _operator_changed,
    QuoteGiven: _quote_given,
    OrderReceived: _order_received,
    OrderRefused: _order_refused,
    OrderResourced: _order_resourced,
    PickStarted: _pick_started,
    PickCompleted: _pick_completed,
    StopCommitted: _stop_committed,
    StandbyGiven: _standby_given,
    StopArrived: _stop_arrived,
    ParcelPickedUp: _parcel_picked_up,
    OrderDelivered: _order_delivered,
    DeliveryFailed: _delivery_failed,
    ParcelReturned: _parcel_returned,
    StopDeclined: _stop_declined,
    StopReleased: _stop_released,
    OrderCancelled: _order_cancelled,
    StreetClosed: _street_closed,
    StreetReopened: _street_reopened,
    PlanPublished: _plan_published,
}
