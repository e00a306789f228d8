"""The verifier finds each planted fault, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from street import HOUR_S, NOW, Street

from dispatch.check import Violation, check
from dispatch.model import (
    AreaInPlay,
    Fulfilment,
    Mode,
    Plan,
    Reason,
    Route,
    Snapshot,
    Stop,
    StopKind,
    Unassigned,
    Visit,
)
from dispatch.planning.plan import plan_by_insertion

Case = tuple[Snapshot, Plan]


def sound() -> Case:
    """Return a plan with a bit of everything, in which nothing is wrong.

    Ida carries b, is told to fetch c and fetches a as well; Ole brings r back; Una fetches f,
    which the others declined; Zoe is far away; g is a collection order, h too heavy for anybody.
    """
    street = Street()
    north = street.store("north", at=500)
    street.store("south", at=560)
    street.order("a", at=700, store_id=north, ready_at=NOW - 10)
    street.order("b", at=650, store_id=north, courier_id="cou_ida", on_board=True, ready_at=NOW)
    street.order("c", at=800, store_id=north, courier_id="cou_ida", ready_at=NOW - 10)
    street.order("r", at=300, store_id=north, courier_id="cou_ole", on_board=True, returning=True)
    others = frozenset({"cou_ida", "cou_ole", "cou_zoe"})
    street.order("f", at=560, store_id="sto_south", declined_by=others)
    street.order("g", at=0, store_id=north, fulfilment=Fulfilment.COLLECTION)
    street.order("h", at=700, store_id=north, weight_g=50_000)
    told = Stop(StopKind.PICKUP, "ord_c", north)
    street.courier("ida", at=480, on_board=("ord_b",), committed=(told,))
    street.courier("ole", at=300, on_board=("ord_r",))
    street.courier("una", at=540)
    street.courier("zoe", at=5000)
    snapshot = street.snapshot()
    return snapshot, plan_by_insertion(snapshot)


def order(snapshot: Snapshot, order_id: str, **changes: object) -> Snapshot:
    """Change what the snapshot says of an order, after the plan was made."""
    orders = tuple(replace(o, **changes) if o.order_id == order_id else o for o in snapshot.orders)
    return replace(snapshot, orders=orders)


def courier(snapshot: Snapshot, courier_id: str, **changes: object) -> Snapshot:
    couriers = tuple(
        replace(c, **changes) if c.courier_id == courier_id else c for c in snapshot.couriers
    )
    return replace(snapshot, couriers=couriers)


def store(snapshot: Snapshot, store_id: str, **changes: object) -> Snapshot:
    stores = tuple(replace(s, **changes) if s.store_id == store_id else s for s in snapshot.stores)
    return replace(snapshot, stores=stores)


def route_with(plan: Plan, order_id: str) -> Route:
    return next(
        route
        for route in plan.routes
        if any(visit.stop.order_id == order_id for visit in route.visits)
    )


def with_visits(plan: Plan, courier_id: str, change: Callable[[list[Visit]], None]) -> Plan:
    """Change the visits of one route, in place."""
    routes = []
    for route in plan.routes:
        visits = list(route.visits)
        if route.courier_id == courier_id:
            change(visits)
        routes.append(replace(route, visits=tuple(visits)))
    return replace(plan, routes=tuple(routes))


def with_route(plan: Plan, courier_id: str, **changes: object) -> Plan:
    routes = tuple(
        replace(route, **changes) if route.courier_id == courier_id else route
        for route in plan.routes
    )
    return replace(plan, routes=routes)


def shifted(visits: list[Visit], index: int, **by_s: int) -> None:
    """Move times of one visit."""
    visit = visits[index]
    visits[index] = replace(
        visit, **{name: getattr(visit, name) + seconds for name, seconds in by_s.items()}
    )


def where(plan: Plan, order_id: str, kind: StopKind) -> tuple[str, int]:
    """Return courier and index of a stop."""
    for route in plan.routes:
        for index, visit in enumerate(route.visits):
            if visit.stop.order_id == order_id and visit.stop.kind is kind:
                return route.courier_id, index
    raise AssertionError(f"{kind} of {order_id} is not in the plan")


def kinds(found: list[Violation]) -> set[str]:
    assert all(violation.subject for violation in found)
    assert all(violation.detail for violation in found)
    return {violation.kind for violation in found}


def test_a_sound_plan_has_no_violation() -> None:
    snapshot, plan = sound()
    assert check(plan, snapshot) == []
    assert [u.order_id for u in plan.unassigned] == ["ord_h"]
    assert len(plan.routes) >= 2


# --- the account of orders ----------------------------------------------------------------------


def duplicate_stop() -> Case:
    snapshot, plan = sound()
    key, index = where(plan, "ord_b", StopKind.DROPOFF)
    again = plan.routes[[r.courier_id for r in plan.routes].index(key)].visits[index]
    return snapshot, with_route(plan, key, visits=(*route_with(plan, "ord_b").visits, again))


def duplicate_route() -> Case:
    snapshot, plan = sound()
    return snapshot, replace(plan, routes=(*plan.routes, plan.routes[-1]))


def duplicate_unassigned() -> Case:
    snapshot, plan = sound()
    return snapshot, replace(plan, unassigned=plan.unassigned * 2)


def unknown_order() -> Case:
    snapshot, plan = sound()
    ghost = Unassigned("ord_ghost", Reason.NO_STOCK, "there is no such order")
    return snapshot, replace(plan, unassigned=(*plan.unassigned, ghost))


def unknown_stop() -> Case:
    snapshot, plan = sound()
    ghost = Stop(StopKind.PICKUP, "ord_ghost", "sto_north")
    visit = Visit(ghost, NOW, NOW, NOW, 0, 0)
    return snapshot, with_visits(plan, "cou_ole", lambda visits: visits.append(visit))


def unknown_courier() -> Case:
    snapshot, plan = sound()
    ghost = Route("cou_ghost", plan.routes[0].visits[:0], NOW)
    return snapshot, replace(plan, routes=(*plan.routes, ghost))


def unknown_store() -> Case:
    snapshot, plan = sound()
    return snapshot, replace(plan, sourcing={**plan.sourcing, "ord_h": "sto_ghost"})


def empty_route() -> Case:
    snapshot, plan = sound()
    return snapshot, replace(plan, routes=(*plan.routes, Route("cou_zoe", (), NOW)))


def routed_and_unassigned() -> Case:
    snapshot, plan = sound()
    left = Unassigned("ord_a", Reason.NO_STOCK, "and yet it is on a route")
    return snapshot, replace(plan, unassigned=(*plan.unassigned, left))


def no_detail() -> Case:
    snapshot, plan = sound()
    return snapshot, replace(plan, unassigned=(replace(plan.unassigned[0], detail=" "),))


def unaccounted() -> Case:
    snapshot, plan = sound()
    return snapshot, replace(plan, unassigned=())


def not_a_delivery() -> Case:
    snapshot, plan = sound()
    f = next(o for o in snapshot.orders if o.order_id == "ord_f")
    collected = replace(f.order, fulfilment=Fulfilment.CURBSIDE)
    return order(snapshot, "ord_f", order=collected), plan


# --- what is committed or carried ----------------------------------------------------------------


def committed() -> Case:
    snapshot, plan = sound()
    told = Stop(StopKind.PICKUP, "ord_a", "sto_north")
    first = route_with(plan, "ord_c").visits[0].stop
    assert first != told
    return courier(snapshot, "cou_ida", committed=(told,)), plan


def on_board() -> Case:
    snapshot, plan = sound()
    routes = tuple(route for route in plan.routes if route.courier_id != "cou_ole")
    left = Unassigned("ord_r", Reason.NO_COURIER_ON_SHIFT, "somebody else may bring it")
    return snapshot, replace(plan, routes=routes, unassigned=(*plan.unassigned, left))


def taken() -> Case:
    snapshot, plan = sound()
    return order(snapshot, "ord_f", courier_id="cou_zoe"), plan


def declined() -> Case:
    snapshot, plan = sound()
    key, _ = where(plan, "ord_f", StopKind.PICKUP)
    return order(snapshot, "ord_f", declined_by=frozenset({key})), plan


def never_dropped() -> Case:
    snapshot, plan = sound()
    key, index = where(plan, "ord_f", StopKind.DROPOFF)
    assert index == len(route_with(plan, "ord_f").visits) - 1
    return snapshot, with_visits(plan, key, lambda visits: visits.pop())


def precedence() -> Case:
    snapshot, plan = sound()
    key, index = where(plan, "ord_f", StopKind.PICKUP)
    visits = list(route_with(plan, "ord_f").visits)
    # The pickup is at the very door, so that no time changes when it is left out.
    gone = visits.pop(index)
    visits[index] = replace(
        visits[index],
        arrive_at=gone.arrive_at,
        begin_at=gone.depart_at,
        travel_s=gone.travel_s,
        length_m=gone.length_m,
    )
    return snapshot, with_route(plan, key, visits=tuple(visits))


def direction() -> Case:
    snapshot, plan = sound()
    return order(snapshot, "ord_r", returning=False), plan


# --- where the goods come from -------------------------------------------------------------------


def moved(**of_store: object) -> Case:
    """Return a plan in which h, which is on no route, was moved to South."""
    snapshot, plan = sound()
    plan = replace(plan, sourcing={**plan.sourcing, "ord_h": "sto_south"})
    return store(snapshot, "sto_south", **of_store), plan


def stock() -> Case:
    return moved(available={"milk": 0})


def paused_store() -> Case:
    return moved(paused=True)


def fixed_store() -> Case:
    snapshot, plan = moved()
    return order(snapshot, "ord_h", store_fixed=True), plan


def reach() -> Case:
    snapshot, plan = moved()
    south = next(s for s in snapshot.stores if s.store_id == "sto_south")
    # 140 s from 560 to 700.
    return store(snapshot, "sto_south", store=replace(south.store, reach_s=139)), plan


def area() -> Case:
    return moved(area=AreaInPlay("a drawn polygon", frozenset()))


def other_store() -> Case:
    snapshot, plan = sound()
    return snapshot, replace(plan, sourcing={**plan.sourcing, "ord_f": "sto_north"})


def forecast() -> Case:
    snapshot, plan = sound()
    return snapshot, replace(plan, ready_at={**plan.ready_at, "ord_h": NOW - 1})


# --- loads and times -----------------------------------------------------------------------------


def weight() -> Case:
    snapshot, plan = sound()
    key, _ = where(plan, "ord_f", StopKind.PICKUP)
    who = next(c for c in snapshot.couriers if c.courier_id == key)
    return courier(snapshot, key, courier=replace(who.courier, capacity_g=999)), plan


def parcels() -> Case:
    snapshot, plan = sound()
    key, index = where(plan, "ord_a", StopKind.PICKUP)
    before = route_with(plan, "ord_a").visits[:index]
    load = sum(1 if visit.stop.kind is StopKind.PICKUP else -1 for visit in before)
    load += len(next(c for c in snapshot.couriers if c.courier_id == key).on_board)
    who = next(c for c in snapshot.couriers if c.courier_id == key)
    assert load > 0
    return courier(snapshot, key, courier=replace(who.courier, capacity_parcels=load)), plan


def leaves_early() -> Case:
    snapshot, plan = sound()
    return courier(snapshot, "cou_ole", available_at=NOW + 1), plan


def leaves_late() -> Case:
    snapshot, plan = sound()
    return courier(snapshot, "cou_ida", available_at=NOW - 1), plan


def travel() -> Case:
    snapshot, plan = sound()

    def shorten(visits: list[Visit]) -> None:
        visits[0] = replace(visits[0], length_m=visits[0].length_m - 1)

    return snapshot, with_visits(plan, "cou_ole", shorten)


def travel_time() -> Case:
    snapshot, plan = sound()
    return snapshot, with_visits(plan, "cou_ole", lambda v: shifted(v, 0, arrive_at=-1))


def unreachable() -> Case:
    snapshot, plan = sound()
    key, _ = where(plan, "ord_f", StopKind.PICKUP)
    who = next(c for c in snapshot.couriers if c.courier_id == key)
    south = next(s for s in snapshot.stores if s.store_id == "sto_south")
    duration_s = snapshot.travel.duration_s[Mode.BIKE].copy()
    duration_s[who.place, south.place] = 1_000_000_000
    assert route_with(plan, "ord_f").visits[0].stop.order_id == "ord_f"
    tables = {**snapshot.travel.duration_s, Mode.BIKE: duration_s}
    return replace(snapshot, travel=replace(snapshot.travel, duration_s=tables)), plan


def begin() -> Case:
    snapshot, plan = sound()
    return snapshot, with_visits(
        plan, "cou_ole", lambda v: shifted(v, 0, begin_at=-1, depart_at=-1)
    )


def service() -> Case:
    snapshot, plan = sound()
    last = len(route_with(plan, "ord_b").visits) - 1
    return snapshot, with_visits(plan, "cou_ida", lambda v: shifted(v, last, depart_at=-1))


def ready() -> Case:
    snapshot, plan = sound()
    return snapshot, replace(plan, ready_at={**plan.ready_at, "ord_f": NOW + HOUR_S})


def no_forecast() -> Case:
    snapshot, plan = sound()
    rest = {key: at for key, at in plan.ready_at.items() if key != "ord_f"}
    return snapshot, replace(plan, ready_at=rest)


def shift_end() -> Case:
    snapshot, plan = sound()
    key, index = where(plan, "ord_f", StopKind.PICKUP)
    begins = route_with(plan, "ord_f").visits[index].begin_at
    return courier(snapshot, key, shift_end=begins - 1), plan


def shift_start() -> Case:
    snapshot, plan = sound()
    key, _ = where(plan, "ord_f", StopKind.PICKUP)
    leaves = route_with(plan, "ord_f").leave_at
    return courier(snapshot, key, shift_start=leaves + 1), plan


def closed() -> Case:
    snapshot, plan = sound()
    _, index = where(plan, "ord_f", StopKind.PICKUP)
    begins = route_with(plan, "ord_f").visits[index].begin_at
    return store(snapshot, "sto_south", open_windows=((NOW - HOUR_S, begins),)), plan


@pytest.mark.parametrize(
    ("planted", "kind"),
    [
        (duplicate_unassigned, "duplicate_unassigned"),
        (unknown_order, "unknown_order"),
        (unknown_stop, "unknown_stop"),
        (unknown_courier, "unknown_courier"),
        (unknown_store, "unknown_store"),
        (empty_route, "empty_route"),
        (routed_and_unassigned, "routed_and_unassigned"),
        (no_detail, "no_detail"),
        (unaccounted, "unaccounted"),
        (not_a_delivery, "not_a_delivery"),
        (on_board, "on_board"),
        (taken, "taken"),
        (declined, "declined"),
        (never_dropped, "never_dropped"),
        (precedence, "precedence"),
        (direction, "direction"),
        (stock, "stock"),
        (paused_store, "paused_store"),
        (fixed_store, "fixed_store"),
        (reach, "reach"),
        (area, "area"),
        (other_store, "store"),
        (forecast, "forecast"),
        (weight, "weight"),
        (parcels, "parcels"),
        (leaves_early, "leaves_early"),
        (leaves_late, "leaves_late"),
        (travel, "travel"),
        (travel_time, "travel"),
        (unreachable, "unreachable"),
        (begin, "begin"),
        (service, "service"),
        (ready, "ready"),
        (no_forecast, "ready"),
        (shift_end, "shift_end"),
        (shift_start, "leaves_early"),
        (closed, "closed"),
    ],
)
def test_a_planted_fault_is_found_and_nothing_else(planted: Callable[[], Case], kind: str) -> None:
    snapshot, plan = planted()
    assert kinds(check(plan, snapshot)) == {kind}


@pytest.mark.parametrize(
    ("planted", "kind"),
    [
        (duplicate_stop, "duplicate_stop"),
        (duplicate_route, "duplicate_route"),
        (committed, "committed"),
    ],
)
def test_a_fault_that_brings_others_with_it_is_found_too(
    planted: Callable[[], Case], kind: str
) -> None:
    snapshot, plan = planted()
    assert kind in kinds(check(plan, snapshot))
