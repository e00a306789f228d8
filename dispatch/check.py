"""An independent verifier: what is wrong with a plan, judged by its snapshot alone.

It shares no code with the planner.  Every limit that a plan must keep is looked at anew, from the
snapshot's own tables; the planner's figures are never taken on trust.  What happened before the
plan (a committed stop that is late, a bag that is too heavy) is no fault of the plan.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

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
        Id of the order, stop, courier or store it is about.
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
    known = _Known(snapshot)
    found = list(_whole(plan, known))
    for route in plan.routes:
        courier = known.couriers.get(route.courier_id)
        if courier is None:
            found.append(Violation("unknown_courier", route.courier_id, "is not in the snapshot"))
            continue
        found += _route(route, courier, plan, known)
    return found


class _Known:
    """The snapshot by id."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.orders = {order.order_id: order for order in snapshot.orders}
        self.stores = {store.store_id: store for store in snapshot.stores}
        self.couriers = {courier.courier_id: courier for courier in snapshot.couriers}

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


# --- the plan as a whole -----------------------------------------------------------------------


def _whole(plan: Plan, known: _Known) -> Iterator[Violation]:
    yield from _accounts(plan, known)
    yield from _holders(plan, known)
    yield from _sources(plan, known)


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
        if not entry.detail:
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
    routes = {route.courier_id: route for route in plan.routes}
    for courier_id, courier in sorted(known.couriers.items()):
        route = routes.get(courier_id)
        visits = route.visits if route is not None else ()
        head = tuple(visit.stop for visit in visits[: len(courier.committed)])
        if head != courier.committed:
            told = ", ".join(stop.stop_id for stop in courier.committed)
            yield Violation("committed", courier_id, f"does not begin with {told}")
        ends = {visit.stop.order_id for visit in visits if visit.stop.kind is not StopKind.PICKUP}
        for order_id in courier.on_board:
            if order_id not in ends:
                yield Violation("on_board", order_id, f"is in the bag of {courier_id}, no stop")


def _sources(plan: Plan, known: _Known) -> Iterator[Violation]:
    """Hold that stores keep what is fixed, are there, and have the goods."""
    taken: Counter[tuple[str, str]] = Counter()
    for order_id, store_id in sorted(plan.sourcing.items()):
        order = known.orders.get(order_id)
        if order is None:
            yield Violation("unknown_order", order_id, "is sourced but not in the snapshot")
            continue
        if store_id not in known.stores:
            yield Violation("unknown_store", order_id, f"is sourced at {store_id}")
            continue
        if order.store_id == store_id:
            continue
        if _is_fixed(order):
            yield Violation("fixed_store", order_id, f"moved from {order.store_id} to {store_id}")
        if known.stores[store_id].paused:
            yield Violation("paused_store", order_id, f"moved to {store_id}, which is paused")
        for line in order.order.lines:
            taken[store_id, line.sku] += line.quantity
    for (store_id, sku), quantity in sorted(taken.items()):
        free = known.stores[store_id].available.get(sku, 0)
        if quantity > free:
            yield Violation("stock", store_id, f"has {free} of {sku}, the plan takes {quantity}")


def _is_fixed(order: OrderInPlay) -> bool:
    begun = order.status not in {OrderStatus.RECEIVED, OrderStatus.SOURCED}
    return order.store_fixed or begun or order.on_board


# --- one route ---------------------------------------------------------------------------------


def _route(route: Route, courier: CourierInPlay, plan: Plan, known: _Known) -> list[Violation]:
    unknown = [
        Violation("unknown_stop", visit.stop.stop_id, "names an order or store not in the snapshot")
        for visit in route.visits
        if visit.stop.order_id not in known.orders or visit.stop.store_id not in known.stores
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
    bag = set(courier.on_board)
    for index, visit in enumerate(route.visits):
        stop = visit.stop
        order = known.orders[stop.order_id]
        committed = index < len(courier.committed)
        if order.courier_id not in {None, courier.courier_id}:
            yield Violation("taken", stop.order_id, f"is held by {order.courier_id}")
        if stop.kind is StopKind.PICKUP:
            if stop.order_id in bag or order.on_board:
                yield Violation("picked_twice", stop.order_id, "is in a bag already")
            if courier.courier_id in order.declined_by and not committed:
                yield Violation("declined", stop.order_id, f"{courier.courier_id} declined it")
            bag.add(stop.order_id)
        else:
            if stop.order_id not in bag:
                yield Violation("precedence", stop.order_id, "is dropped before it is picked up")
            if order.returning != (stop.kind is StopKind.RETURN):
                way = "goes back to its store" if order.returning else "does not go back"
                yield Violation("direction", stop.order_id, f"{way}, not {stop.kind.value}")
            bag.discard(stop.order_id)
        if plan.sourcing.get(stop.order_id) != stop.store_id:
            yield Violation(
                "store", stop.stop_id, f"is for {stop.store_id}, the plan chose another"
            )
    for order_id in sorted(bag):
        yield Violation("never_dropped", order_id, f"stays in the bag of {courier.courier_id}")


def _loads(route: Route, courier: CourierInPlay, known: _Known) -> Iterator[Violation]:
    bag = [known.orders[key] for key in courier.on_board if key in known.orders]
    load_g = sum(order.order.weight_g for order in bag)
    parcels = len(bag)
    for index, visit in enumerate(route.visits):
        sign = 1 if visit.stop.kind is StopKind.PICKUP else -1
        load_g += sign * known.orders[visit.stop.order_id].order.weight_g
        parcels += sign
        if sign < 0 or index < len(courier.committed):
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
    now = known.snapshot.now
    earliest = courier.available_at
    if not courier.committed:
        earliest = max(earliest, now)
        if not courier.on_board:
            earliest = max(earliest, courier.shift_start)
    if route.leave_at < earliest:
        yield Violation(
            "leaves_early", route.courier_id, f"leaves {earliest - route.leave_at} s too early"
        )
    place, at = courier.place, route.leave_at
    for index, visit in enumerate(route.visits):
        here = known.place(visit.stop)
        standing = index == 0 and courier.arrived and bool(courier.committed)
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
        committed = index < len(courier.committed)
        yield from _visit(visit, courier, plan, known, committed=committed)
        place, at = here, visit.depart_at


def _visit(
    visit: Visit, courier: CourierInPlay, plan: Plan, known: _Known, *, committed: bool
) -> Iterator[Violation]:
    stop_id = visit.stop.stop_id
    if visit.begin_at < visit.arrive_at:
        yield Violation("begin", stop_id, "begins before the courier is there")
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
    if not _is_open(store, visit.begin_at):
        yield Violation("closed", stop_id, f"{store.store.name} is closed at {visit.begin_at}")


def _is_open(store: StoreInPlay, at: int) -> bool:
    return any(start <= at < end for start, end in store.open_windows)
