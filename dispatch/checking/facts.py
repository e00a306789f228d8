"""A snapshot by id, and who is bound to what: worked out once for all rules.

Of two things with the same id the first counts, and what contradicts itself binds nobody.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np

from dispatch.model import (
    UNREACHABLE_S,
    CourierInPlay,
    Fulfilment,
    OrderInPlay,
    OrderStatus,
    Plan,
    Route,
    Snapshot,
    Stop,
    StopKind,
    StoreInPlay,
    Visit,
)

_UNPICKED: Final = frozenset({OrderStatus.RECEIVED, OrderStatus.SOURCED})


class Facts:
    """What the rules look things up in.

    Attributes
    ----------
    orders, stores, couriers
        By id; stores and couriers only where the travel table has their place (and mode).
    routes
        The plan's first route of each courier that is known.
    carriers
        Who has an order in the bag, by order.
    holders
        Who carries it or is committed to it, by order.
    bags
        The deliveries in each courier's bag, by order id; couriers without any are missing.
    bound
        The committed stops of each courier that can be carried out: a route begins with these.
    awaited
        Orders that a courier was told to do something about.
    """

    def __init__(self, plan: Plan, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        modes = snapshot.travel.duration_s
        sizes: list[int] = [len(snapshot.places), *(min(t.shape) for t in modes.values())]
        self.places = min(sizes)
        self.orders = {order.order_id: order for order in reversed(snapshot.orders)}
        self.stores = {
            key: store
            for key, store in {s.store_id: s for s in reversed(snapshot.stores)}.items()
            if self.on_map(store.place)
        }
        self.couriers = {
            key: courier
            for key, courier in {c.courier_id: c for c in reversed(snapshot.couriers)}.items()
            if self.on_map(courier.place) and courier.courier.mode in modes
        }
        fleet = {courier.courier.mode for courier in self.couriers.values()}
        self._fleet = [modes[mode] for mode in sorted(fleet)]
        self.routes: dict[str, Route] = {
            route.courier_id: route
            for route in reversed(plan.routes)
            if route.courier_id in self.couriers
        }
        self.carriers = self._carriers()
        self.holders = self._holders()
        self.bags: dict[str, list[str]] = {}
        self.bound: dict[str, list[Stop]] = {}
        self.awaited: set[str] = set()
        self._bind({entry.order_id for entry in plan.unassigned})

    def on_map(self, place: int) -> bool:
        """Return whether the travel table has a place."""
        return 0 <= place < self.places

    def in_bag(self, order: OrderInPlay) -> bool:
        """Return whether an order is in anybody's bag."""
        return order.on_board or order.order_id in self.carriers

    def is_bound(self, courier_id: str) -> bool:
        """Return whether a courier has goods in the bag or something to carry out."""
        return courier_id in self.bags or courier_id in self.bound

    def is_standing(self, courier: CourierInPlay) -> bool:
        """Return whether a courier is at the first stop of the route already."""
        bound = self.bound.get(courier.courier_id)
        return courier.arrived and bound is not None and bound[0] == courier.committed[0]

    def earliest(self, courier: CourierInPlay) -> int:
        """Return when a courier can leave, but for a break."""
        earliest = courier.available_at
        if courier.courier_id not in self.bound:
            earliest = max(earliest, self.snapshot.now)
            if courier.courier_id not in self.bags:
                earliest = max(earliest, courier.shift_start)
        return earliest

    def first_break(
        self, courier: CourierInPlay, visits: Sequence[Visit]
    ) -> tuple[int, int] | None:
        """Return (the visit before it, its beginning) of a courier's break; -1 for the start.

        It is at the first moment from which it is due on with an empty bag and nothing committed;
        None for no break or no such moment.
        """
        if courier.pause is None:
            return None
        committed = len(self.bound.get(courier.courier_id, ()))
        parcels = len(self.bags.get(courier.courier_id, ()))
        at = self.earliest(courier)
        for index in range(-1, len(visits)):
            if index >= 0:
                parcels += 1 if visits[index].stop.kind is StopKind.PICKUP else -1
                at = visits[index].depart_at
            if not parcels and index + 1 >= committed and at >= courier.pause.earliest:
                return index, at
        return None

    def fastest_s(self, here: int, there: int) -> int:
        """Return the way by the fastest mode that anybody has; 0 for no fleet."""
        return min((table.item((here, there)) for table in self._fleet), default=0)

    def _carriers(self) -> dict[str, str]:
        carried: dict[str, str] = {}
        for key in sorted(self.couriers):
            for order_id in self.couriers[key].on_board:
                carried.setdefault(order_id, key)
        for order_id, order in self.orders.items():
            if order.on_board and order.courier_id in self.couriers:
                carried[order_id] = order.courier_id or ""
        return carried

    def _holders(self) -> dict[str, str]:
        holders: dict[str, str] = {}
        for key in sorted(self.couriers, reverse=True):
            for stop in self.couriers[key].committed:
                holders[stop.order_id] = key
        for order_id, order in self.orders.items():
            if order.courier_id is not None:
                holders[order_id] = order.courier_id
        return holders | self.carriers

    def _bind(self, left_out: set[str]) -> None:
        bags: dict[str, list[str]] = {}
        for order_id in sorted(self.orders.keys() & self.carriers.keys()):
            if self.orders[order_id].order.fulfilment is Fulfilment.DELIVERY:
                bags.setdefault(self.carriers[order_id], []).append(order_id)
        for key, courier in self.couriers.items():
            bag = bags.get(key, [])
            bound = self._sound(courier, bag) if courier.committed else []
            self.awaited.update(stop.order_id for stop in bound)
            lost = self._lost(courier, [*bag, *(stop.order_id for stop in bound)], left_out)
            bag = [order_id for order_id in bag if order_id not in lost]
            bound = [stop for stop in bound if stop.order_id not in lost]
            if bag:
                self.bags[key] = bag
            if bound:
                self.bound[key] = bound

    def _sound(self, courier: CourierInPlay, bag: Iterable[str]) -> list[Stop]:
        """Return the committed stops that make sense."""
        in_hand = set(bag)
        bound: list[Stop] = []
        for stop in courier.committed:
            if self._makes_sense(stop, courier.courier_id, in_hand, bound):
                bound.append(stop)
                if stop.kind is StopKind.PICKUP:
                    in_hand.add(stop.order_id)
                else:
                    in_hand.discard(stop.order_id)
        return bound

    def _makes_sense(self, stop: Stop, key: str, in_hand: set[str], before: list[Stop]) -> bool:
        order = self.orders.get(stop.order_id)
        if (
            order is None
            or order.order.fulfilment is not Fulfilment.DELIVERY
            or self.holders.get(stop.order_id) != key
            or stop.kind is StopKind.BREAK
            or order.store_id not in {None, stop.store_id}
        ):
            return False
        if stop.kind is StopKind.PICKUP:
            return (
                not self.in_bag(order)
                and not order.returning
                and stop.store_id in self.stores
                and self.on_map(order.place)
                and stop not in before
            )
        goes_back = stop.kind is StopKind.RETURN
        return (
            stop.order_id in in_hand
            and order.returning == goes_back
            and (not goes_back or order.store_id is not None)
            and self._goal(stop.order_id) is not None
        )

    def _goal(self, order_id: str) -> int | None:
        """Return where an order in a bag must go, None if there is no such place."""
        order = self.orders[order_id]
        if not order.returning:
            return order.place if self.on_map(order.place) else None
        store = self.stores.get(order.store_id or "")
        return None if store is None else store.place

    def _lost(self, courier: CourierInPlay, held: list[str], left_out: set[str]) -> set[str]:
        """Return held orders that nobody can be blamed for leaving out."""
        missing = left_out.intersection(held)
        if not missing or self._is_cut_off(courier, held):
            return missing
        return {order_id for order_id in missing if self._goal(order_id) is None}

    def _is_cut_off(self, courier: CourierInPlay, held: list[str]) -> bool:
        """Return whether some place that a courier must go to has no way to or from another."""
        goals = {self._goal(order_id) for order_id in held}
        goals |= {
            self.stores[stop.store_id].place
            for stop in courier.committed
            if stop.store_id in self.stores
        }
        ends = sorted(goal for goal in goals if goal is not None)
        if not ends:
            return False
        starts = sorted({*ends, courier.place})
        table = self.snapshot.travel.duration_s[courier.courier.mode]
        return bool(np.any(table[np.ix_(starts, ends)] >= UNREACHABLE_S))


def is_fixed(order: OrderInPlay) -> bool:
    """Return whether an order must stay at its store."""
    begun = order.pick_started_at is not None or order.ready_at is not None
    return order.store_fixed or order.status not in _UNPICKED or begun or order.on_board


def picking_s(order: OrderInPlay, store: StoreInPlay) -> int:
    """Return the expected picking time of an order in a store."""
    if order.order.pick_s is not None:
        return order.order.pick_s
    return store.store.pick_base_s + store.store.pick_line_s * len(order.order.lines)
