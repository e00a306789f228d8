"""What the folds share: new states with one thing changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final, TypeAlias

from dispatch.amounts import Amounts
from dispatch.events import Event
from dispatch.model import Order, OrderLine, Route, StopKind
from dispatch.state import CourierState, OrderState, State, StoreState, leave_at

Fold: TypeAlias = Callable[[State, Any, int], State]
"""Makes the state after an event that was recorded at a time."""

ALL_KINDS: Final = frozenset(StopKind)


def noted(order: OrderState, at: int, event: Event) -> OrderState:
    """Return the order with one more line in its timeline."""
    return replace(order, timeline=(*order.timeline, (at, type(event).__name__)))


def homeward(order: OrderState) -> OrderState:
    """Return the order at the store its goods belong to, not at a point where they waited."""
    return replace(order, store_id=order.shelf_store_id, origin_store_id=None)


def with_order(state: State, order: OrderState) -> State:
    """Return the state with an order as it is now, among the open or the closed ones."""
    key = order.order_id
    if order.is_closed:
        point, order = order.store_id, homeward(order)
        still_open = {k: value for k, value in state.orders.items() if k != key}
        state = replace(state, orders=still_open, closed={**state.closed, key: order})
        return _without_point(state, point)
    if key in state.closed:
        state = replace(state, closed={k: v for k, v in state.closed.items() if k != key})
    before = state.orders.get(key)
    state = replace(state, orders={**state.orders, key: order})
    if before is None or before.store_id == order.store_id:
        return state
    return _without_point(state, before.store_id)


def _without_point(state: State, store_id: str) -> State:
    """Return the state without a point where nothing waits any more."""
    store = state.stores.get(store_id)
    if store is None or not store.store.is_point:
        return state
    if any(order.store_id == store_id for order in state.orders.values()):
        return state
    return replace(state, stores={k: v for k, v in state.stores.items() if k != store_id})


def with_courier(state: State, courier: CourierState) -> State:
    """Return the state with a courier as they are now."""
    return replace(state, couriers={**state.couriers, courier.courier.courier_id: courier})


def with_store(state: State, store: StoreState) -> State:
    """Return the state with a store as it is now."""
    return replace(state, stores={**state.stores, store.store.store_id: store})


def counted(state: State, store_id: str, on_hand: Mapping[str, int]) -> State:
    """Return the state with the stock on a store's shelf as somebody found it, for some SKUs.

    What is promised to orders and is not there is noted in `StoreState.lacking`.
    """
    store = state.store(store_id)
    shelf = Amounts.of(store.on_hand).set_to(on_hand)
    promised = (sku for sku in (*on_hand, *store.lacking) if sku in store.reserved)
    lacking = frozenset(sku for sku in promised if shelf.get(sku, 0) < store.reserved[sku])
    return with_store(state, replace(store, on_hand=shelf, lacking=lacking))


def changed_by(amounts: Mapping[str, int], changes: Mapping[str, int]) -> Mapping[str, int]:
    """Return amounts by SKU after changes.

    What comes to nothing is left out, but stays listed on a whole store's shelves (`Amounts`).
    """
    if isinstance(amounts, Amounts):
        return amounts.set_to({sku: amounts.get(sku, 0) + n for sku, n in changes.items()})
    result = dict(amounts)
    for sku, change in changes.items():
        left = result.get(sku, 0) + change
        if left:
            result[sku] = left
        else:
            result.pop(sku, None)
    return result


def amounts(lines: tuple[OrderLine, ...], sign: int = 1) -> dict[str, int]:
    """Return the quantity of each SKU, lines of the same SKU added up."""
    total: dict[str, int] = {}
    for line in lines:
        total[line.sku] = total.get(line.sku, 0) + sign * line.quantity
    return total


def reserve(state: State, store_id: str, order: Order, sign: int) -> State:
    """Return the state with an order's goods reserved (+1) or released (-1) at a store."""
    store = state.store(store_id)
    if store.store.is_point:
        return state
    reserved = changed_by(store.reserved, amounts(order.lines, sign))
    return with_store(state, replace(store, reserved=reserved))


def restock(state: State, store_id: str, order: Order, sign: int) -> State:
    """Return the state with an order's goods put on (+1) or taken off (-1) a store's shelf.

    What a courier fetched back from a door is left alone: it is no stock until it was looked at.
    """
    store = state.store(store_id)
    if store.store.is_point or order.return_of is not None:
        return state
    shelf = Amounts.of(store.on_hand)
    changes = amounts(order.lines, sign)
    # What was picked was there, whatever the figures said: a shelf never holds less than nothing.
    left = {sku: max(0, shelf.get(sku, 0) + change) for sku, change in changes.items()}
    return with_store(state, replace(store, on_hand=shelf.set_to(left)))


def without_stops(route: Route | None, order_id: str, kinds: frozenset[StopKind]) -> Route | None:
    """Return the route without some stops of an order, its start moved to what is left."""
    if route is None:
        return None
    visits = tuple(
        v for v in route.visits if v.stop.order_id != order_id or v.stop.kind not in kinds
    )
    if visits == route.visits:
        return route
    return replace(route, visits=visits, leave_at=leave_at(visits, route.leave_at))


def off_all_routes(state: State, order_id: str) -> State:
    """Return the state without any stop of an order on any route."""
    for courier in state.couriers.values():
        route = without_stops(courier.route, order_id, ALL_KINDS)
        if route is not courier.route:
            state = with_courier(state, replace(courier, route=route))
    return state


def freed(courier: CourierState, order_id: str) -> CourierState:
    """Return the courier without anything of an order: commitment, bag and route."""
    commitment = courier.commitment
    if commitment is not None and commitment.stop.order_id == order_id:
        commitment = None
    return replace(
        courier,
        commitment=commitment,
        on_board=tuple(o for o in courier.on_board if o != order_id),
        route=without_stops(courier.route, order_id, ALL_KINDS),
    )
