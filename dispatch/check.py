"""An independent verifier: what is wrong with a plan, judged by its snapshot alone.

It shares no code with the planner.  Every limit that a plan must keep is looked at anew, from the
snapshot's own tables; the planner's figures are never taken on trust.  What happened before the
plan (a committed stop that is late, a bag that is too heavy) is no fault of the plan, and what a
snapshot contradicts itself about binds nobody.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

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


@dataclass(frozen=True, slots=True)
class Violation:
    """One thing wrong.

    Attributes
    ----------
    kind
        Stable name of the rule that is broken.
    subject
        Id of the order, stop or courier it is about.
    detail
        A sentence with the figures.
    """

    kind: str
    subject: str
    detail: str


def check(plan: Plan, snapshot: Snapshot) -> list[Violation]:
    """Return everything wrong with a plan; an empty list means it may be published.

    Complexity is linear in the number of stops and orders.
    """
    known = _Known(snapshot, plan)
    found = [*_accounts(plan, known), *_holders(plan, known), *_sources(plan, known)]
    found += _forecasts(plan, known)
    for route in plan.routes:
        if route.courier_id in known.couriers:
            found += _route(route, known.couriers[route.courier_id], plan, known)
        else:
            found.append(Violation("unknown_courier", route.courier_id, "is not in the snapshot"))
    return found


class _Known:
    """The snapshot by id, and who is bound to what.

    Attributes
    ----------
    bags
        The deliveries in each courier's bag.
    bound
        The committed stops of each courier that can be carried out: a route begins with these.
    lost
        Orders in a bag or committed that nobody can be blamed for leaving out.
    """

    def __init__(self, snapshot: Snapshot, plan: Plan) -> None:
        self.snapshot = snapshot
        # Of two with the same id the first counts.
        self.orders = {order.order_id: order for order in reversed(snapshot.orders)}
        stores = {store.store_id: store for store in reversed(snapshot.stores)}
        self.stores = {key: store for key, store in stores.items() if self._on_map(store.place)}
        modes = snapshot.travel.duration_s
        couriers = {courier.courier_id: courier for courier in reversed(snapshot.couriers)}
        self.couriers = {
            key: courier
            for key, courier in couriers.items()
            if self._on_map(courier.place) and courier.courier.mode in modes
        }
        self.carriers = self._carriers()
        self.holders = self._holders()
        left_out = {entry.order_id for entry in plan.unassigned}
        self.bags: dict[str, list[str]] = {key: [] for key in self.couriers}
        self.bound: dict[str, list[Stop]] = {key: [] for key in self.couriers}
        self.lost: set[str] = set()
        for key in self.couriers:
            self._bind(key, left_out)

    def place(self, stop: Stop) -> int:
        """Return the index of a stop's place."""
        if stop.kind is StopKind.DROPOFF:
            return self.orders[stop.order_id].place
        return self.stores[stop.store_id].place

    def service_s(self, stop: Stop) -> int:
        """Return how long a stop takes."""
        if stop.kind is StopKind.DROPOFF:
            return self.orders[stop.order_id].order.service_s
        return self.stores[stop.store_id].store.pickup_service_s

    def _on_map(self, place: int) -> bool:
        tables = self.snapshot.travel.duration_s.values()
        sizes: list[int] = [len(self.snapshot.places), *(min(table.shape) for table in tables)]
        return 0 <= place < min(sizes)

    def in_bag(self, order: OrderInPlay) -> bool:
        """Return whether an order is in anybody's bag."""
        return order.on_board or order.order_id in self.carriers

    def _holders(self) -> dict[str, str]:
        holders: dict[str, str] = {}
        for key in sorted(self.couriers, reverse=True):
            for stop in self.couriers[key].committed:
                holders[stop.order_id] = key
        for order_id, order in self.orders.items():
            if order.courier_id is not None:
                holders[order_id] = order.courier_id
        return holders | self.carriers

    def _carriers(self) -> dict[str, str]:
        carried: dict[str, str] = {}
        for key in sorted(self.couriers):
            for order_id in self.couriers[key].on_board:
                carried.setdefault(order_id, key)
        for order_id, order in self.orders.items():
            if order.on_board and order.courier_id in self.couriers:
                carried[order_id] = order.courier_id or ""
        return carried

    def _bind(self, key: str, left_out: set[str]) -> None:
        bag = [
            order_id
            for order_id, order in sorted(self.orders.items())
            if self.carriers.get(order_id) == key and order.order.fulfilment is Fulfilment.DELIVERY
        ]
        in_hand = set(bag)
        bound: list[Stop] = []
        for stop in self.couriers[key].committed:
            if self._makes_sense(stop, key, in_hand, bound):
                bound.append(stop)
                if stop.kind is StopKind.PICKUP:
                    in_hand.add(stop.order_id)
                else:
                    in_hand.discard(stop.order_id)
        needs = [*bag, *(stop.order_id for stop in bound)]
        cut_off = self._is_cut_off(key, needs)
        for order_id in needs:
            if order_id in left_out and (cut_off or self._goal(order_id) is None):
                self.lost.add(order_id)
        self.bags[key] = [order_id for order_id in bag if order_id not in self.lost]
        self.bound[key] = [stop for stop in bound if stop.order_id not in self.lost]

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
                and self._on_map(order.place)
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
            return order.place if self._on_map(order.place) else None
        store = self.stores.get(order.store_id or "")
        return None if store is None else store.place

    def _is_cut_off(self, key: str, order_ids: list[str]) -> bool:
        """Return whether some place that a courier must go to has no way to or from another."""
        courier = self.couriers[key]
        goals = {self._goal(order_id) for order_id in order_ids}
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


# --- the plan as a whole -----------------------------------------------------------------------


def _accounts(plan: Plan, known: _Known) -> Iterator[Violation]:
    """Hold that every order is there once: on one route, or unassigned with a reason."""
    stops = [visit.stop.stop_id for route in plan.routes for visit in route.visits]
    unassigned = [entry.order_id for entry in plan.unassigned]
    yield from _twice("duplicate_stop", stops)
    yield from _twice("duplicate_route", [route.courier_id for route in plan.routes])
    yield from _twice("duplicate_unassigned", unassigned)
    routed = {visit.stop.order_id for route in plan.routes for visit in route.visits}
    for entry in plan.unassigned:
        if entry.order_id not in known.orders:
            yield Violation("unknown_order", entry.order_id, "is unassigned, not in the snapshot")
        if entry.order_id in routed:
            yield Violation("routed_and_unassigned", entry.order_id, "is on a route as well")
        if not entry.detail.strip():
            yield Violation("no_detail", entry.order_id, "is unassigned without a word why")
    for order_id, order in sorted(known.orders.items()):
        if order.order.fulfilment is not Fulfilment.DELIVERY:
            if order_id in routed:
                kind = order.order.fulfilment.value
                yield Violation("not_a_delivery", order_id, f"is for {kind}")
        elif order_id not in routed and order_id not in unassigned:
            yield Violation("unaccounted", order_id, "is neither routed nor unassigned")


def _twice(kind: str, names: list[str]) -> Iterator[Violation]:
    for name, times in sorted(Counter(names).items()):
        if times > 1:
            yield Violation(kind, name, f"is in the plan {times} times")


def _holders(plan: Plan, known: _Known) -> Iterator[Violation]:
    """Hold that what is committed or in a bag stays with its courier."""
    visits = {route.courier_id: route.visits for route in plan.routes}
    for courier_id in sorted(known.couriers):
        bound = known.bound[courier_id]
        own = visits.get(courier_id, ())
        if [visit.stop for visit in own[: len(bound)]] != bound:
            told = ", ".join(stop.stop_id for stop in bound)
            yield Violation("committed", courier_id, f"does not begin with {told}")
        ends = {visit.stop.order_id for visit in own if visit.stop.kind is not StopKind.PICKUP}
        for order_id in known.bags[courier_id]:
            if order_id not in ends:
                yield Violation("on_board", order_id, f"is in the bag of {courier_id}, no stop")


def _sources(plan: Plan, known: _Known) -> Iterator[Violation]:
    """Hold that stores are there, keep what is fixed, and can serve what is moved to them."""
    taken: Counter[tuple[str, str]] = Counter()
    fetched = {stop.order_id for stops in known.bound.values() for stop in stops}
    for order_id, store_id in sorted(plan.sourcing.items()):
        order = known.orders.get(order_id)
        store = known.stores.get(store_id)
        if order is None:
            yield Violation("unknown_order", order_id, "is sourced but not in the snapshot")
        elif store is None:
            yield Violation("unknown_store", order_id, f"is sourced at {store_id}")
        elif order.store_id != store_id:
            if order.store_id is not None and _is_fixed(order):
                yield Violation(
                    "fixed_store", order_id, f"moved from {order.store_id} to {store_id}"
                )
            # Where somebody was told to fetch it, the question is settled.
            if order_id not in fetched:
                yield from _moved(order, store, taken, known)


def _moved(
    order: OrderInPlay, store: StoreInPlay, taken: Counter[tuple[str, str]], known: _Known
) -> Iterator[Violation]:
    """Hold that a store takes orders, reaches the door and has the goods; adds to `taken`."""
    order_id, store_id = order.order_id, store.store_id
    if store.paused:
        yield Violation("paused_store", order_id, f"moved to {store_id}, which is paused")
    trip_s, reach_s = _trip_s(store, order, known), store.store.reach_s
    if trip_s > reach_s:
        yield Violation("reach", order_id, f"is {trip_s} s from {store_id}, reach {reach_s} s")
    if store.area is not None and order.place not in store.area.serves:
        yield Violation("area", order_id, f"moved to {store_id}, whose service area it is outside")
    for line in order.order.lines:
        taken[store_id, line.sku] += line.quantity
        free, needed = store.available.get(line.sku, 0), taken[store_id, line.sku]
        if needed > free:
            yield Violation("stock", order_id, f"{store_id} has {free} of {line.sku}, not {needed}")


def _trip_s(store: StoreInPlay, order: OrderInPlay, known: _Known) -> int:
    """Return the way from store to door by the fastest mode that anybody has, 0 for no fleet."""
    modes = {courier.courier.mode for courier in known.couriers.values()}
    tables = known.snapshot.travel.duration_s
    return min((int(tables[mode][store.place, order.place]) for mode in modes), default=0)


def _is_fixed(order: OrderInPlay) -> bool:
    begun = order.status not in {OrderStatus.RECEIVED, OrderStatus.SOURCED}
    return order.store_fixed or begun or order.on_board


def _forecasts(plan: Plan, known: _Known) -> Iterator[Violation]:
    """Hold that goods known to be ready are so, and that others are not forecast in the past."""
    for order_id, ready_at in sorted(plan.ready_at.items()):
        order = known.orders.get(order_id)
        if order is None:
            yield Violation("unknown_order", order_id, "has a ready time, not in the snapshot")
        elif order.ready_at is not None:
            if ready_at != order.ready_at:
                yield Violation("forecast", order_id, f"was ready at {order.ready_at} in truth")
        elif ready_at < known.snapshot.now:
            yield Violation("forecast", order_id, "is not ready, but forecast in the past")


# --- one route ---------------------------------------------------------------------------------


def _route(route: Route, courier: CourierInPlay, plan: Plan, known: _Known) -> list[Violation]:
    unknown = [
        Violation("unknown_stop", visit.stop.stop_id, "names an order or store not in the snapshot")
        for visit in route.visits
        if visit.stop.order_id not in known.orders
        or (visit.stop.kind is not StopKind.DROPOFF and visit.stop.store_id not in known.stores)
    ]
    if unknown:
        return unknown
    if not route.visits:
        return [Violation("empty_route", route.courier_id, "has a route without stops")]
    return [
        *_precedence(route, courier, plan, known),
        *_loads(route, courier, known),
        *_times(route, courier, plan, known),
    ]


def _precedence(
    route: Route, courier: CourierInPlay, plan: Plan, known: _Known
) -> Iterator[Violation]:
    bag = set(known.bags[courier.courier_id])
    for visit in route.visits:
        stop = visit.stop
        order = known.orders[stop.order_id]
        holder = known.holders.get(stop.order_id)
        if holder not in {None, courier.courier_id}:
            yield Violation("taken", stop.order_id, f"is held by {holder}")
        if stop.kind is StopKind.PICKUP:
            if stop.order_id in bag or known.in_bag(order):
                yield Violation("picked_twice", stop.order_id, "is in a bag already")
            if courier.courier_id in order.declined_by and holder is None:
                yield Violation("declined", stop.order_id, f"{courier.courier_id} declined it")
            bag.add(stop.order_id)
        else:
            if stop.order_id not in bag:
                yield Violation("precedence", stop.order_id, "is dropped before it is picked up")
            if order.returning != (stop.kind is StopKind.RETURN):
                way = "goes back to its store" if order.returning else "does not go back"
                yield Violation("direction", stop.order_id, f"{way}, not {stop.kind.value}")
            bag.discard(stop.order_id)
        if plan.sourcing.get(stop.order_id, stop.store_id) != stop.store_id:
            yield Violation(
                "store", stop.stop_id, f"is for {stop.store_id}, the plan chose another"
            )
    for order_id in sorted(bag - set(known.bags[courier.courier_id])):
        yield Violation("never_dropped", order_id, f"stays in the bag of {courier.courier_id}")


def _loads(route: Route, courier: CourierInPlay, known: _Known) -> Iterator[Violation]:
    bag = known.bags[courier.courier_id]
    load_g = sum(known.orders[key].order.weight_g for key in bag)
    parcels = len(bag)
    for index, visit in enumerate(route.visits):
        sign = 1 if visit.stop.kind is StopKind.PICKUP else -1
        load_g += sign * known.orders[visit.stop.order_id].order.weight_g
        parcels += sign
        if sign < 0 or index < len(known.bound[courier.courier_id]):
            continue
        if load_g > courier.courier.capacity_g:
            most = courier.courier.capacity_g
            yield Violation("weight", visit.stop.stop_id, f"makes {load_g} g, the limit is {most}")
        if parcels > courier.courier.capacity_parcels:
            most = courier.courier.capacity_parcels
            yield Violation("parcels", visit.stop.stop_id, f"makes {parcels}, the limit is {most}")


def _times(route: Route, courier: CourierInPlay, plan: Plan, known: _Known) -> Iterator[Violation]:
    duration_s = known.snapshot.travel.duration_s[courier.courier.mode]
    length_m = known.snapshot.travel.length_m[courier.courier.mode]
    bound = known.bound[courier.courier_id]
    yield from _leaving(route, courier, known)
    arrived = courier.arrived and bool(bound) and bound[0] == courier.committed[0]
    place, at = courier.place, route.leave_at
    for index, visit in enumerate(route.visits):
        here = known.place(visit.stop)
        standing = index == 0 and arrived
        leg_s = 0 if standing else int(duration_s[place, here])
        leg_m = 0 if standing else int(length_m[place, here])
        if leg_s >= UNREACHABLE_S:
            yield Violation("unreachable", visit.stop.stop_id, "there is no way to it")
        elif visit.travel_s != leg_s or visit.length_m != leg_m:
            yield Violation(
                "travel", visit.stop.stop_id, f"takes {leg_s} s and {leg_m} m, not as planned"
            )
        elif visit.arrive_at != at + leg_s:
            yield Violation(
                "travel", visit.stop.stop_id, f"arrives at {visit.arrive_at}, not {at + leg_s}"
            )
        yield from _visit(visit, courier, plan, known, committed=index < len(bound))
        place, at = here, visit.depart_at


def _leaving(route: Route, courier: CourierInPlay, known: _Known) -> Iterator[Violation]:
    earliest = courier.available_at
    if known.bound[courier.courier_id]:
        if route.leave_at > earliest:
            late_s = route.leave_at - earliest
            yield Violation("leaves_late", route.courier_id, f"was told to go {late_s} s sooner")
    else:
        earliest = max(earliest, known.snapshot.now)
        if not known.bags[courier.courier_id]:
            earliest = max(earliest, courier.shift_start)
    if route.leave_at < earliest:
        early_s = earliest - route.leave_at
        yield Violation("leaves_early", route.courier_id, f"leaves {early_s} s too early")


def _visit(
    visit: Visit, courier: CourierInPlay, plan: Plan, known: _Known, *, committed: bool
) -> Iterator[Violation]:
    stop_id = visit.stop.stop_id
    if visit.begin_at < visit.arrive_at:
        yield Violation("begin", stop_id, "begins before the courier is there")
    # Whoever is overdue at a stop is done at this moment, not in the past.
    depart_at = max(visit.begin_at + known.service_s(visit.stop), known.snapshot.now)
    if visit.depart_at != depart_at:
        yield Violation("service", stop_id, f"ends at {visit.depart_at}, not {depart_at}")
    if visit.stop.kind is not StopKind.PICKUP:
        return
    order = known.orders[visit.stop.order_id]
    ready_at = order.ready_at if order.ready_at is not None else plan.ready_at.get(order.order_id)
    if ready_at is None:
        yield Violation("ready", stop_id, "no forecast says when the goods are ready")
    elif visit.begin_at < ready_at:
        yield Violation("ready", stop_id, f"begins {ready_at - visit.begin_at} s too early")
    if committed:
        return
    if visit.begin_at > courier.shift_end:
        late_s = visit.begin_at - courier.shift_end
        yield Violation("shift_end", stop_id, f"begins {late_s} s after the shift")
    store = known.stores[visit.stop.store_id]
    if not any(start <= visit.begin_at < end for start, end in store.open_windows):
        yield Violation("closed", stop_id, f"{store.store.name} is closed at {visit.begin_at}")
