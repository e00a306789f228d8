"""The plan as a whole: every order once, every holder respected, every store able to serve."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator

from dispatch.checking.facts import Facts, is_fixed
from dispatch.checking.violation import Kind, Violation
from dispatch.model import Fulfilment, OrderInPlay, Plan, Reason, StopKind, StoreInPlay


def origin(plan: Plan, facts: Facts) -> Iterator[Violation]:
    """Hold that a plan was made for this snapshot."""
    seq, version = facts.snapshot.seq, facts.snapshot.travel.version
    if plan.snapshot_seq != seq:
        yield Violation(Kind.SNAPSHOT, plan.plan_id, f"is for {plan.snapshot_seq}, not {seq}")
    if plan.travel_version != version:
        detail = f"counts on travel times {plan.travel_version}, not {version}"
        yield Violation(Kind.SNAPSHOT, plan.plan_id, detail)


def orders(plan: Plan, facts: Facts) -> Iterator[Violation]:
    """Hold that every order is there once: on one route, or unassigned with a reason."""
    visits = [visit for route in facts.routes.values() for visit in route.visits]
    stops = Counter((visit.stop.kind, visit.stop.order_id) for visit in visits)
    for (kind, order_id), times in stops.items():
        if times > 1:
            detail = f"is in the plan {times} times as a {kind.value}"
            yield Violation(Kind.DUPLICATE_STOP, order_id, detail)
    yield from _twice(Kind.DUPLICATE_ROUTE, (route.courier_id for route in plan.routes))
    yield from _twice(Kind.DUPLICATE_UNASSIGNED, (entry.order_id for entry in plan.unassigned))
    for route in plan.routes:
        if route.courier_id not in facts.couriers:
            yield Violation(Kind.UNKNOWN_COURIER, route.courier_id, "is not in the snapshot")
        elif not route.visits:
            yield Violation(Kind.EMPTY_ROUTE, route.courier_id, "has a route without stops")
    routed = {order_id for _, order_id in stops}
    yield from _unassigned(plan, facts, routed)
    left_out = {entry.order_id for entry in plan.unassigned}
    for order_id, order in facts.orders.items():
        if order.order.fulfilment is Fulfilment.DELIVERY:
            if order_id not in routed and order_id not in left_out:
                yield Violation(Kind.UNACCOUNTED, order_id, "is neither routed nor unassigned")
        elif order_id in routed or order_id in left_out:
            detail = f"is for {order.order.fulfilment.value}"
            yield Violation(Kind.NOT_A_DELIVERY, order_id, detail)


def _unassigned(plan: Plan, facts: Facts, routed: set[str]) -> Iterator[Violation]:
    for entry in plan.unassigned:
        key = entry.order_id
        if key not in facts.orders:
            yield Violation(Kind.UNKNOWN_ORDER, key, "is unassigned, not in the snapshot")
        if key in routed:
            yield Violation(Kind.ROUTED_AND_UNASSIGNED, key, "is on a route as well")
        if not isinstance(entry.reason, Reason):
            yield Violation(Kind.NO_REASON, key, f"is unassigned for {entry.reason!r}, no reason")
        if not entry.detail.strip():
            yield Violation(Kind.NO_DETAIL, key, "is unassigned without a word why")


def _twice(kind: Kind, names: Iterable[str]) -> Iterator[Violation]:
    for name, times in Counter[Hashable](names).items():
        if times > 1:
            yield Violation(kind, str(name), f"is in the plan {times} times")


def holders(facts: Facts) -> Iterator[Violation]:
    """Hold that what is committed or in a bag stays with its courier."""
    for courier_id, bound in facts.bound.items():
        route = facts.routes.get(courier_id)
        own = () if route is None else route.visits
        if [visit.stop for visit in own[: len(bound)]] != bound:
            told = ", ".join(stop.stop_id for stop in bound)
            yield Violation(Kind.COMMITTED, courier_id, f"does not begin with {told}")
    for courier_id, bag in facts.bags.items():
        route = facts.routes.get(courier_id)
        own = () if route is None else route.visits
        ends = {visit.stop.order_id for visit in own if visit.stop.kind is not StopKind.PICKUP}
        for order_id in bag:
            if order_id not in ends:
                detail = f"is in the bag of {courier_id}, who has no stop for it"
                yield Violation(Kind.ON_BOARD, order_id, detail)


def stores(plan: Plan, facts: Facts) -> Iterator[Violation]:
    """Hold that stores are there, keep what is fixed, and can serve what is moved to them."""
    taken: Counter[tuple[str, str]] = Counter()
    fetched = {stop.order_id for stops in facts.bound.values() for stop in stops}
    for order_id, store_id in plan.sourcing.items():
        order = facts.orders.get(order_id)
        store = facts.stores.get(store_id)
        if order is None:
            yield Violation(Kind.UNKNOWN_ORDER, order_id, "is sourced but not in the snapshot")
        elif store is None:
            yield Violation(Kind.UNKNOWN_STORE, order_id, f"is sourced at {store_id}")
        elif order.store_id != store_id:
            if order.store_id is not None and is_fixed(order):
                detail = f"moved from {order.store_id} to {store_id}"
                yield Violation(Kind.FIXED_STORE, order_id, detail)
            # Where somebody was told to fetch it, the question is settled.
            if order_id not in fetched:
                yield from _moved(order, store, taken, facts)


def _moved(
    order: OrderInPlay, store: StoreInPlay, taken: Counter[tuple[str, str]], facts: Facts
) -> Iterator[Violation]:
    """Hold that a store takes orders, reaches the door and has the goods; adds to `taken`."""
    order_id, store_id = order.order_id, store.store_id
    if store.paused:
        yield Violation(Kind.PAUSED_STORE, order_id, f"moved to {store_id}, which is paused")
    if facts.on_map(order.place):
        trip_s, reach_s = facts.fastest_s(store.place, order.place), store.store.reach_s
        if trip_s > reach_s:
            detail = f"is {trip_s} s from {store_id}, reach {reach_s} s"
            yield Violation(Kind.REACH, order_id, detail)
    if store_id in order.excluded_stores:
        yield Violation(Kind.EXCLUDED_STORE, order_id, f"moved to {store_id}, which is ruled out")
    if store.area is not None and order.place not in store.area.serves:
        detail = f"moved to {store_id}, whose service area it is outside"
        yield Violation(Kind.AREA, order_id, detail)
    for line in order.order.lines:
        taken[store_id, line.sku] += line.quantity
    for sku in {line.sku for line in order.order.lines}:
        free, needed = store.available.get(sku, 0), taken[store_id, sku]
        if needed > free:
            detail = f"{store_id} has {free} of {sku}, not {needed}"
            yield Violation(Kind.STOCK, order_id, detail)
