"""One route: what is fetched before it is brought, what fits in the bag, and when."""

from __future__ import annotations

from collections.abc import Iterator

from dispatch.checking.facts import Facts
from dispatch.checking.violation import Kind, Violation
from dispatch.model import (
    UNREACHABLE_S,
    CourierInPlay,
    Plan,
    Route,
    Stop,
    StopKind,
    StoreInPlay,
    Visit,
)


def routes(plan: Plan, facts: Facts) -> Iterator[Violation]:
    """Hold every route against its courier, the stores and the doors."""
    planned = _doors_in_order(facts) if facts.snapshot.policy.one_store_per_trip else {}
    for courier_id, route in facts.routes.items():
        unknown = list(_unknown(route, facts))
        yield from unknown
        if unknown:
            continue
        courier = facts.couriers[courier_id]
        yield from _precedence(route, courier, plan, facts)
        yield from _loads(route, courier, facts)
        yield from _times(route, courier, plan, facts)
        if facts.snapshot.policy.one_store_per_trip:
            yield from _trips(route, courier, facts)
            yield from _bag_order(route, planned.get(courier_id, []), facts)


def _unknown(route: Route, facts: Facts) -> Iterator[Violation]:
    for visit in route.visits:
        stop = visit.stop
        order = facts.orders.get(stop.order_id)
        if stop.kind is StopKind.DROPOFF:
            sound = order is not None and facts.on_map(order.place)
        else:
            sound = (
                order is not None
                and stop.kind is not StopKind.BREAK
                and stop.store_id in facts.stores
            )
        if not sound:
            detail = "names an order, a door or a store that is not in the snapshot"
            yield Violation(Kind.UNKNOWN_STOP, stop.stop_id, detail)


def _precedence(
    route: Route, courier: CourierInPlay, plan: Plan, facts: Facts
) -> Iterator[Violation]:
    own = facts.bags.get(courier.courier_id, ())
    bag = set(own)
    seen: set[tuple[StopKind, str]] = set()
    for visit in route.visits:
        stop = visit.stop
        if (stop.kind, stop.order_id) in seen:
            continue
        seen.add((stop.kind, stop.order_id))
        order = facts.orders[stop.order_id]
        holder = facts.holders.get(stop.order_id)
        if holder not in {None, courier.courier_id}:
            yield Violation(Kind.TAKEN, stop.order_id, f"is held by {holder}")
        if stop.kind is StopKind.PICKUP:
            if facts.in_bag(order):
                yield Violation(Kind.PICKED_TWICE, stop.order_id, "is in a bag already")
            if courier.courier_id in order.declined_by and holder is None:
                detail = f"{courier.courier_id} declined it"
                yield Violation(Kind.DECLINED, stop.order_id, detail)
            bag.add(stop.order_id)
        else:
            if stop.order_id not in bag:
                detail = "is dropped before it is picked up"
                yield Violation(Kind.PRECEDENCE, stop.order_id, detail)
            if order.returning != (stop.kind is StopKind.RETURN):
                way = "goes back to its store" if order.returning else "does not go back"
                detail = f"{way}, not {stop.kind.value}"
                yield Violation(Kind.DIRECTION, stop.order_id, detail)
            bag.discard(stop.order_id)
        yield from _place_named(stop, plan, facts)
    for order_id in sorted(bag.difference(own)):
        detail = f"stays in the bag of {courier.courier_id}"
        yield Violation(Kind.NEVER_DROPPED, order_id, detail)


def _place_named(stop: Stop, plan: Plan, facts: Facts) -> Iterator[Violation]:
    """Hold that a stop is at the store which the plan names, a return at the order's own."""
    order = facts.orders[stop.order_id]
    chosen = plan.sourcing.get(stop.order_id)
    if stop.kind is StopKind.RETURN and order.returning:
        chosen = order.store_id
    elif chosen is None and stop.kind is not StopKind.PICKUP:
        return
    if chosen != stop.store_id:
        detail = f"is for {stop.store_id}, the order's store is {chosen or 'none'}"
        yield Violation(Kind.STORE, stop.stop_id, detail)


def _loads(route: Route, courier: CourierInPlay, facts: Facts) -> Iterator[Violation]:
    bag = facts.bags.get(courier.courier_id, ())
    committed = len(facts.bound.get(courier.courier_id, ()))
    who = courier.courier
    limits = (
        (Kind.WEIGHT, "g", who.capacity_g),
        (Kind.VOLUME, "ml", who.capacity_ml),
        (Kind.CHILLED, "chilled", who.chilled_bags),
        (Kind.PARCELS, "parcels", who.capacity_parcels),
    )
    load = [0, 0, 0, 0]
    for key in bag:
        load = [sum(pair) for pair in zip(load, _load(facts, key), strict=True)]
    for index, visit in enumerate(route.visits):
        sign = 1 if visit.stop.kind is StopKind.PICKUP else -1
        change = _load(facts, visit.stop.order_id)
        load = [now + sign * more for now, more in zip(load, change, strict=True)]
        if index < committed or sign < 0:
            continue
        for (kind, unit, most), loaded in zip(limits, load, strict=True):
            if loaded > most:
                detail = f"makes {loaded} {unit}, the limit is {most}"
                yield Violation(kind, visit.stop.stop_id, detail)


def _load(facts: Facts, order_id: str) -> tuple[int, int, int, int]:
    """Return weight, volume, chilled bags and parcels of an order."""
    order = facts.orders[order_id].order
    return order.weight_g, order.volume_ml, int(order.chilled), 1


def _times(route: Route, courier: CourierInPlay, plan: Plan, facts: Facts) -> Iterator[Violation]:
    duration_s = facts.snapshot.travel.duration_s[courier.courier.mode]
    length_m = facts.snapshot.travel.length_m[courier.courier.mode]
    committed = len(facts.bound.get(courier.courier_id, ()))
    yield from _leaving(route, courier, facts)
    standing = facts.is_standing(courier)
    place, at = courier.place, route.leave_at
    yield from _break(route, courier, facts)
    for index, visit in enumerate(route.visits):
        stop = visit.stop
        here = (
            facts.orders[stop.order_id].place
            if stop.kind is StopKind.DROPOFF
            else facts.stores[stop.store_id].place
        )
        leg_s = leg_m = 0
        if index or not standing:
            leg_s, leg_m = duration_s.item((place, here)), length_m.item((place, here))
        if leg_s >= UNREACHABLE_S:
            yield Violation(Kind.UNREACHABLE, stop.stop_id, "there is no way to it")
        elif visit.travel_s != leg_s or visit.length_m != leg_m:
            detail = f"takes {leg_s} s and {leg_m} m, not as planned"
            yield Violation(Kind.TRAVEL, stop.stop_id, detail)
        elif visit.arrive_at != at + leg_s:
            detail = f"arrives at {visit.arrive_at}, not {at + leg_s}"
            yield Violation(Kind.TRAVEL, stop.stop_id, detail)
        yield from _visit(visit, courier, plan, facts, committed=index < committed)
        place, at = here, visit.depart_at
        if courier.pause is not None and route.break_at == at:
            at += courier.pause.duration_s


def _break(route: Route, courier: CourierInPlay, facts: Facts) -> Iterator[Violation]:
    """Hold that a break begins at the first moment it can, if it keeps anything waiting."""
    first = facts.first_break(courier, route.visits)
    wanted = None if first is None or first[0] == len(route.visits) - 1 else first[1]
    if route.break_at != wanted:
        detail = f"its break begins at {route.break_at}, not {wanted}"
        yield Violation(Kind.BREAK, courier.courier_id, detail)


def _leaving(route: Route, courier: CourierInPlay, facts: Facts) -> Iterator[Violation]:
    earliest = facts.earliest(courier)
    if courier.courier_id in facts.bound:
        if route.leave_at > earliest:
            detail = f"was told to go {route.leave_at - earliest} s sooner"
            yield Violation(Kind.LEAVES_LATE, route.courier_id, detail)
    elif courier.pause is not None and route.break_at == earliest:
        earliest += courier.pause.duration_s
    if route.visits and route.leave_at < earliest:
        detail = f"leaves {earliest - route.leave_at} s too early"
        yield Violation(Kind.LEAVES_EARLY, route.courier_id, detail)


def _visit(
    visit: Visit, courier: CourierInPlay, plan: Plan, facts: Facts, *, committed: bool
) -> Iterator[Violation]:
    stop = visit.stop
    order = facts.orders[stop.order_id]
    store = facts.stores.get(stop.store_id)
    if visit.begin_at < visit.arrive_at:
        yield Violation(Kind.BEGIN, stop.stop_id, "begins before the courier is there")
    if stop.kind is StopKind.DROPOFF or store is None:
        service_s = order.order.service_s
    else:
        service_s = store.store.pickup_service_s
    # Whoever is overdue at a stop is done at this moment, not in the past.
    depart_at = max(visit.begin_at + service_s, facts.snapshot.now)
    if visit.depart_at != depart_at:
        detail = f"ends at {visit.depart_at}, not {depart_at}"
        yield Violation(Kind.SERVICE, stop.stop_id, detail)
    sooner_s = 0 if order.not_before is None else order.not_before - visit.begin_at
    if stop.kind is StopKind.DROPOFF and sooner_s > 0:
        yield Violation(Kind.NOT_BEFORE, stop.stop_id, f"begins {sooner_s} s too early")
    if stop.kind is not StopKind.PICKUP or store is None:
        return
    ready_at = order.ready_at if order.ready_at is not None else plan.ready_at.get(order.order_id)
    if ready_at is None:
        detail = "no forecast says when the goods are ready"
        yield Violation(Kind.READY, stop.stop_id, detail)
    elif visit.begin_at < ready_at:
        detail = f"begins {ready_at - visit.begin_at} s too early"
        yield Violation(Kind.READY, stop.stop_id, detail)
    if not committed:
        yield from _hours(visit, courier, store)


def _hours(visit: Visit, courier: CourierInPlay, store: StoreInPlay) -> Iterator[Violation]:
    """Hold that a pickup nobody was told of yet begins in the shift and while the store is open."""
    if visit.begin_at > courier.shift_end:
        detail = f"begins {visit.begin_at - courier.shift_end} s after the shift"
        yield Violation(Kind.SHIFT_END, visit.stop.stop_id, detail)
    if not any(start <= visit.begin_at < end for start, end in store.open_windows):
        detail = f"{store.store.name} is closed at {visit.begin_at}"
        yield Violation(Kind.CLOSED, visit.stop.stop_id, detail)


# --- one store per trip ------------------------------------------------------------------------


def _trips(route: Route, courier: CourierInPlay, facts: Facts) -> Iterator[Violation]:
    """Hold that with goods in the bag nothing is fetched but at the counter one stands at."""
    committed = len(facts.bound.get(courier.courier_id, ()))
    parcels = len(facts.bags.get(courier.courier_id, ()))
    counter = courier.at_store
    for index, visit in enumerate(route.visits):
        stop = visit.stop
        if stop.kind is not StopKind.PICKUP:
            parcels -= 1
            counter = None
            continue
        if index >= committed and parcels > 0 and counter != stop.store_id:
            detail = f"is at {stop.store_id} with {parcels} in the bag from elsewhere"
            yield Violation(Kind.SECOND_STORE, stop.stop_id, detail)
        parcels += 1
        counter = stop.store_id


def _doors_in_order(facts: Facts) -> dict[str, list[str]]:
    """Return the doors each courier was told, in order; nothing where there are two tellings."""
    doors: dict[str, list[str]] = {}
    for route in facts.snapshot.routes:
        if route.courier_id in doors:
            doors[route.courier_id] = []
            continue
        told = (v.stop.order_id for v in route.visits if v.stop.kind is StopKind.DROPOFF)
        doors[route.courier_id] = list(dict.fromkeys(told))
    return doors


def _bag_order(route: Route, told: list[str], facts: Facts) -> Iterator[Violation]:
    """Hold that a bag is emptied in the order fixed on leaving the store."""
    courier = facts.couriers[route.courier_id]
    bound = facts.bound.get(route.courier_id, ())
    # At a counter, or with one next, it may be fixed anew.
    if courier.at_store is not None or (bound and bound[0].kind is StopKind.PICKUP):
        return
    committed = len(bound)
    bag = set(facts.bags.get(route.courier_id, ()))
    doors = [
        visit.stop.order_id
        for visit in route.visits[committed:]
        if visit.stop.kind is StopKind.DROPOFF and visit.stop.order_id in bag
    ]
    rank = {order_id: index for index, order_id in enumerate(told)}
    ranks = [rank[order_id] for order_id in doors if order_id in rank]
    if ranks != sorted(ranks):
        detail = f"was told another order of the doors than {', '.join(doors)}"
        yield Violation(Kind.BAG_ORDER, route.courier_id, detail)
