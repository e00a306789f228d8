"""Faults of stores, forecasts, loads, times and standbys."""

from __future__ import annotations

from dataclasses import replace

from sound_plan import (
    LATER,
    NORTH,
    SOUTH,
    Case,
    courier,
    mapped,
    no_way,
    order,
    place_of,
    plants,
    rerouted,
    sound,
    standby,
    store,
    with_visit,
)
from street import HOUR_S, NOW, PICK_S

from dispatch.check import Kind
from dispatch.model import (
    AreaInPlay,
    Order,
    Pause,
    Snapshot,
    Standby,
    Stop,
    StopKind,
)

# --- where the goods come from -------------------------------------------------------------------


def moved(**of_store: object) -> Case:
    """Return a plan in which h, which is on no route, was moved to South."""
    snapshot, plan = sound()
    return store(snapshot, SOUTH, **of_store), mapped(plan, "sourcing", "ord_h", SOUTH)


@plants(Kind.STORE)
def fetched_elsewhere_than_chosen() -> Case:
    # North then picks three at once, for which it has the people.
    snapshot, plan = sound()
    return store(snapshot, NORTH, pickers=3), mapped(plan, "sourcing", "ord_f", NORTH)


@plants(Kind.STORE)
def fetched_where_nobody_chose() -> Case:
    snapshot, plan = sound()
    return snapshot, mapped(plan, "sourcing", "ord_f", None)


@plants(Kind.STORE)
def taken_back_to_another_store() -> Case:
    back = Stop(StopKind.RETURN, "ord_r", SOUTH)
    snapshot, plan = rerouted(sound(), "cou_ole", "dropoff e", "dropoff k", back)
    return snapshot, mapped(plan, "sourcing", "ord_r", None)


@plants(Kind.FIXED_STORE)
def fixed_store() -> Case:
    snapshot, plan = moved()
    return order(snapshot, "ord_h", store_fixed=True), plan


@plants(Kind.FIXED_STORE)
def moved_while_being_picked() -> Case:
    snapshot, plan = moved()
    return order(snapshot, "ord_h", pick_started_at=NOW), plan


@plants(Kind.PAUSED_STORE)
def paused_store() -> Case:
    return moved(paused=True)


@plants(Kind.REACH)
def reach() -> Case:
    # 140 s from 560 to 700.
    return moved(reach_s=139)


@plants(Kind.AREA)
def area() -> Case:
    return moved(area=AreaInPlay("a drawn polygon", frozenset()))


@plants(Kind.EXCLUDED_STORE)
def excluded_store() -> Case:
    snapshot, plan = moved()
    return order(snapshot, "ord_h", excluded_stores=frozenset({SOUTH})), plan


@plants(Kind.STOCK)
def stock() -> Case:
    return moved(available={"milk": 0})


@plants(Kind.STOCK)
def stock_given_twice() -> Case:
    """Both g and h take the last milk of South."""
    snapshot, plan = moved(available={"milk": 1}, pickers=3)
    return snapshot, mapped(plan, "sourcing", "ord_g", SOUTH)


@plants(Kind.FORECAST)
def ready_before_it_can_be() -> Case:
    snapshot, plan = sound()
    return snapshot, mapped(plan, "ready_at", "ord_f", NOW + PICK_S - 1)


@plants(Kind.FORECAST)
def ready_before_a_begun_pick_can_be_over() -> Case:
    snapshot, plan = sound()
    snapshot = order(snapshot, "ord_h", pick_started_at=NOW - 20)
    return snapshot, mapped(plan, "ready_at", "ord_h", NOW + PICK_S - 21)


@plants(Kind.FORECAST)
def ready_in_the_past() -> Case:
    snapshot, plan = sound()
    snapshot = order(snapshot, "ord_h", pick_started_at=NOW - HOUR_S)
    return snapshot, mapped(plan, "ready_at", "ord_h", NOW - 1)


@plants(Kind.FORECAST)
def ready_when_it_was_not() -> Case:
    snapshot, plan = sound()
    return snapshot, mapped(plan, "ready_at", "ord_a", NOW - 11)


@plants(Kind.PICK_QUEUE)
def nobody_picks() -> Case:
    snapshot, plan = sound()
    return store(snapshot, SOUTH, pickers=0), plan


@plants(Kind.PICK_QUEUE)
def one_picker_picks_two_at_once() -> Case:
    snapshot, plan = sound()
    return store(snapshot, NORTH, pickers=1), plan


@plants(Kind.PICK_QUEUE)
def picked_while_another_is_under_way() -> Case:
    snapshot, plan = sound()
    snapshot = order(store(snapshot, NORTH, pickers=1), "ord_g", pick_started_at=NOW - 60)
    plan = mapped(plan, "ready_at", "ord_g", NOW + 60)
    # Begun at NOW + 59, a second before the picker is free.
    return snapshot, mapped(plan, "ready_at", "ord_h", NOW + 59 + PICK_S)


@plants(Kind.PICK_QUEUE)
def picked_while_closed() -> Case:
    snapshot, plan = sound()
    return store(snapshot, SOUTH, open_windows=((NOW + 1, LATER),)), plan


def bought(snapshot: Snapshot, order_id: str) -> Order:
    return next(one.order for one in snapshot.orders if one.order_id == order_id)


# --- loads and times -----------------------------------------------------------------------------


@plants(Kind.WEIGHT)
def weight() -> Case:
    snapshot, plan = sound()
    return courier(snapshot, "cou_una", capacity_g=999), plan


@plants(Kind.PARCELS)
def parcels() -> Case:
    # b is in the bag, c is committed, a makes three.
    snapshot, plan = sound()
    return courier(snapshot, "cou_ida", capacity_parcels=2), plan


@plants(Kind.VOLUME)
def volume() -> Case:
    snapshot, plan = sound()
    snapshot = order(snapshot, "ord_f", order=replace(bought(snapshot, "ord_f"), volume_ml=60_001))
    return courier(snapshot, "cou_una", capacity_ml=60_000), plan


@plants(Kind.CHILLED)
def chilled() -> Case:
    snapshot, plan = sound()
    snapshot = order(snapshot, "ord_f", order=replace(bought(snapshot, "ord_f"), chilled=True))
    return courier(snapshot, "cou_una", chilled_bags=0), plan


# Ida has b in the bag from now on and goes by a (700) to it (650): 20 s to North, two hand-overs,
# 200 s to 700, a hand-over, 50 s back; straight from North it is 150 s.


def by_way_of_another(**limits: int) -> Case:
    snapshot, plan = sound()
    snapshot = replace(snapshot, policy=replace(snapshot.policy, **limits))
    stops = ("pickup c", "pickup a", "dropoff a", "dropoff b", "dropoff c")
    return rerouted((snapshot, plan), "cou_ida", *stops)


@plants(Kind.STACKING)
def a_longer_detour_than_may_be() -> Case:
    return by_way_of_another(stack_detour_max_s=299)


@plants(Kind.STACKING)
def longer_in_the_bag_than_may_be() -> Case:
    return by_way_of_another(stack_bag_max_s=449)


@plants(Kind.STACKING)
def later_by_what_it_shares_a_bag_with_than_may_be() -> Case:
    snapshot, plan = by_way_of_another(stack_late_max_s=60)
    (b,) = (o for o in snapshot.orders if o.order_id == "ord_b")
    # Done at NOW + 510: 61 s late.
    promise = replace(b.promise, earliest=NOW, latest=NOW + 449)
    return order(snapshot, "ord_b", promise=promise), plan


@plants(Kind.NOT_BEFORE)
def at_a_door_whose_owner_is_out() -> Case:
    snapshot, plan = sound()
    return order(snapshot, "ord_f", not_before=NOW + HOUR_S), plan


@plants(Kind.BREAK)
def no_break_where_one_is_due() -> Case:
    # Una starts with an empty bag.
    snapshot, plan = sound()
    return courier(snapshot, "cou_una", pause=Pause(NOW - 60, NOW, 600)), plan


@plants(Kind.BREAK)
def a_break_nobody_has() -> Case:
    snapshot, plan = sound()
    routes = tuple(
        replace(route, break_at=NOW) if route.courier_id == "cou_una" else route
        for route in plan.routes
    )
    return snapshot, replace(plan, routes=routes)


@plants(Kind.LEAVES_EARLY)
def leaves_before_being_free() -> Case:
    snapshot, plan = sound()
    return courier(snapshot, "cou_ole", available_at=NOW + 1), plan


@plants(Kind.LEAVES_EARLY)
def leaves_before_the_shift() -> Case:
    snapshot, plan = sound()
    return courier(snapshot, "cou_una", shift_start=NOW + PICK_S), plan


@plants(Kind.LEAVES_EARLY)
def leaves_in_the_past() -> Case:
    return rerouted(sound(), "cou_ole", "dropoff e", "dropoff k", "return r", leave_at=NOW - 1)


@plants(Kind.LEAVES_LATE)
def leaves_later_than_told() -> Case:
    snapshot, plan = sound()
    return courier(snapshot, "cou_ida", available_at=NOW - 1), plan


@plants(Kind.TRAVEL)
def shorter_way() -> Case:
    snapshot, plan = sound()
    return snapshot, with_visit(plan, "cou_ole", 0, length_m=-1)


@plants(Kind.TRAVEL)
def faster_way() -> Case:
    snapshot, plan = sound()
    return snapshot, with_visit(plan, "cou_ole", 0, arrive_at=-1)


@plants(Kind.UNREACHABLE)
def unreachable() -> Case:
    snapshot, plan = sound()
    ends = place_of(snapshot, "cou_una"), place_of(snapshot, SOUTH)
    return no_way(snapshot, *ends), plan


@plants(Kind.UNREACHABLE)
def unreachable_standby() -> Case:
    snapshot, plan = sound()
    ends = place_of(snapshot, "cou_zoe"), place_of(snapshot, SOUTH)
    return no_way(snapshot, *ends), plan


@plants(Kind.BEGIN)
def begins_before_arriving() -> Case:
    snapshot, plan = sound()
    return snapshot, with_visit(plan, "cou_una", 1, begin_at=-1, depart_at=-1)


@plants(Kind.SERVICE)
def in_a_hurry() -> Case:
    snapshot, plan = sound()
    return snapshot, with_visit(plan, "cou_una", 1, depart_at=-1)


@plants(Kind.READY)
def fetched_before_it_is_ready() -> Case:
    snapshot, plan = sound()
    return snapshot, mapped(plan, "ready_at", "ord_f", LATER)


@plants(Kind.READY)
def nobody_knows_when_it_is_ready() -> Case:
    snapshot, plan = sound()
    return snapshot, mapped(plan, "ready_at", "ord_f", None)


@plants(Kind.SHIFT_END)
def shift_end() -> Case:
    snapshot, plan = sound()
    return courier(snapshot, "cou_una", shift_end=NOW + PICK_S - 1), plan


@plants(Kind.CLOSED)
def closed() -> Case:
    # Closing on the second at which the pickup would begin; picking is just over.
    snapshot, plan = sound()
    return store(snapshot, SOUTH, open_windows=((NOW - HOUR_S, NOW + PICK_S),)), plan


# --- couriers without work -----------------------------------------------------------------------


@plants(Kind.STANDBY_BUSY)
def standby_with_a_route() -> Case:
    snapshot, plan = sound()
    # 40 s from 540 to 500.
    away = Standby("cou_una", NORTH, NOW + 40, 40, 200, gain=10.0)
    return snapshot, replace(plan, standbys=(away,))


@plants(Kind.STANDBY_SHIFT)
def standby_before_the_shift() -> Case:
    snapshot, plan = sound()
    return courier(snapshot, "cou_zoe", shift_start=NOW + 1), plan


@plants(Kind.STANDBY_SHIFT)
def standby_after_the_shift() -> Case:
    snapshot, plan = sound()
    return courier(snapshot, "cou_zoe", shift_end=NOW), plan


@plants(Kind.STANDBY_OFF)
def standby_against_the_policy() -> Case:
    snapshot, plan = sound()
    return replace(snapshot, policy=replace(snapshot.policy, standby_horizon_s=0)), plan


@plants(Kind.STANDBY_UNDER_WAY)
def standby_while_on_the_way_to_another() -> Case:
    snapshot, plan = sound()
    return courier(snapshot, "cou_zoe", standby=NORTH, under_way=True), plan


@plants(Kind.STANDBY_THERE)
def standby_where_one_is() -> Case:
    snapshot, plan = sound()
    snapshot = courier(snapshot, "cou_zoe", place=place_of(snapshot, SOUTH))
    return snapshot, standby(plan, arrive_at=NOW, travel_s=0, length_m=0)


@plants(Kind.STANDBY_TIMES)
def standby_too_soon() -> Case:
    snapshot, plan = sound()
    return courier(snapshot, "cou_zoe", available_at=NOW + 1), plan


@plants(Kind.STANDBY_TIMES)
def standby_at_the_counter() -> Case:
    # The last 30 s are the way to the counter; whoever waits on the street does not walk it.
    snapshot, plan = sound()
    return store(snapshot, SOUTH, access_s=30), plan
