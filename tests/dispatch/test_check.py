"""The verifier finds each planted fault, and nothing else."""

from __future__ import annotations

from dataclasses import replace

import planted_accounts  # noqa: F401  puts its faults in PLANTED
import planted_routes  # noqa: F401  likewise
import pytest
from sound_plan import (
    NORTH,
    PLANTED,
    SOUTH,
    Case,
    Fault,
    courier,
    mapped,
    order,
    priced,
    rerouted,
    sound,
    standby,
    store,
    with_visit,
)
from street import NOW, PICK_S, Street

from dispatch.check import KINDS, Kind, Violation, check, cost_of
from dispatch.model import Objective, OrderStatus, Policy, Route, Stop, StopKind, Visit


def kinds(found: list[Violation]) -> set[str]:
    assert all(violation.subject for violation in found)
    assert all(violation.detail for violation in found)
    return {violation.kind for violation in found}


def test_a_sound_plan_has_no_violation() -> None:
    snapshot, plan = sound()
    assert check(plan, snapshot) == []


@pytest.mark.parametrize(
    ("kind", "fault"), [(kind, fault) for kind, faults in PLANTED.items() for fault in faults]
)
def test_a_planted_fault_is_found_and_nothing_else(kind: Kind, fault: Fault) -> None:
    snapshot, plan = fault()
    if kind is not Kind.OBJECTIVE:
        # What the plan with the fault costs, so that its cost is not a second fault.
        plan = priced(snapshot, plan)
    assert kinds(check(plan, snapshot)) == {kind}


def test_every_kind_of_violation_is_planted() -> None:
    assert set(PLANTED) == set(KINDS)


# --- what is no fault ----------------------------------------------------------------------------


def no_fault(case: Case) -> bool:
    snapshot, plan = case
    return check(priced(snapshot, plan), snapshot) == []


def test_what_was_so_before_the_plan_is_no_fault_of_it() -> None:
    """Ida's bag is over its limits and her told pickup is after the shift, at a closed store."""
    snapshot, plan = sound()
    stops = ("pickup c", "dropoff b", "dropoff c")
    snapshot, plan = rerouted((snapshot, plan), "cou_ida", *stops)
    left = replace(plan.unassigned[0], order_id="ord_a")
    plan = replace(plan, unassigned=(*plan.unassigned, left))
    snapshot = courier(snapshot, "cou_ida", capacity_g=1, capacity_parcels=1, shift_end=NOW - 60)
    snapshot = store(snapshot, NORTH, open_windows=((NOW, NOW + 1),), paused=True)
    plan = mapped(mapped(plan, "ready_at", "ord_g", None), "ready_at", "ord_h", None)
    assert no_fault((snapshot, plan))


def test_what_was_told_or_carried_may_break_a_limit_of_a_bag_by_itself() -> None:
    """Ida carries b and was told to fetch c: nothing new rides with them."""
    snapshot, plan = sound()
    snapshot = replace(snapshot, policy=replace(snapshot.policy, stack_detour_max_s=1))
    snapshot, plan = rerouted(
        (snapshot, plan), "cou_ida", "pickup c", "dropoff c", "dropoff b", leave_at=NOW
    )
    left = replace(plan.unassigned[0], order_id="ord_a")
    assert no_fault((snapshot, replace(plan, unassigned=(*plan.unassigned, left))))


def test_any_order_of_work_that_the_pickers_can_keep_will_do() -> None:
    snapshot, plan = sound()
    snapshot = store(snapshot, NORTH, pickers=1)
    for first, second in (("ord_g", "ord_h"), ("ord_h", "ord_g")):
        waits = mapped(plan, "ready_at", second, NOW + 2 * PICK_S)
        assert no_fault((snapshot, mapped(waits, "ready_at", first, NOW + PICK_S)))


def test_a_pick_may_begin_when_one_of_too_many_is_over() -> None:
    """One picker is said to be at two orders; the next begins when both are done."""
    snapshot, plan = sound()
    snapshot = store(snapshot, NORTH, pickers=1)
    for key, started_s in (("ord_g", 100), ("ord_c", 40)):
        begun = {"pick_started_at": NOW - started_s, "ready_at": None}
        snapshot = order(snapshot, key, status=OrderStatus.PICKING, **begun)
        plan = mapped(plan, "ready_at", key, NOW - started_s + PICK_S)
    plan = mapped(plan, "ready_at", "ord_h", NOW + 80 + PICK_S)
    assert "pick_queue" not in kinds(check(plan, snapshot))
    early = mapped(plan, "ready_at", "ord_h", NOW + 79 + PICK_S)
    assert "pick_queue" in kinds(check(early, snapshot))


def test_what_somebody_was_told_to_fetch_is_picked_without_a_picker() -> None:
    snapshot, plan = sound()
    snapshot = courier(snapshot, "cou_una", committed=(Stop(StopKind.PICKUP, "ord_f", SOUTH),))
    snapshot, plan = rerouted((snapshot, plan), "cou_una", "pickup f", "dropoff f", leave_at=NOW)
    assert no_fault((store(snapshot, SOUTH, pickers=0, open_windows=()), plan))


def test_a_courier_at_the_counter_may_fetch_more_there_with_goods_in_the_bag() -> None:
    snapshot, plan = sound()
    stops = ("pickup a", "dropoff a", "dropoff e", "dropoff k", "return r")
    case = rerouted((snapshot, plan), "cou_ole", *stops)
    case = rerouted(case, "cou_ida", "pickup c", "dropoff b", "dropoff c")
    assert kinds(check(priced(*case), case[0])) == {"second_store"}
    there = courier(case[0], "cou_ole", at_store=NORTH)
    assert no_fault((there, case[1]))


def test_a_bag_may_be_emptied_in_any_order_where_several_stores_make_a_trip() -> None:
    snapshot, plan = rerouted(sound(), "cou_ole", "dropoff k", "dropoff e", "return r")
    policy = replace(snapshot.policy, one_store_per_trip=False)
    assert no_fault((replace(snapshot, policy=policy), plan))
    # Nor does it matter while the courier still stands at the counter.
    assert no_fault((courier(snapshot, "cou_ole", at_store=NORTH), plan))


def test_a_standby_is_on_the_street_not_at_the_counter() -> None:
    snapshot, plan = sound()
    # The table's leg of 4,440 s would hold 30 s between street and counter.
    snapshot = store(snapshot, SOUTH, access_s=30)
    assert no_fault((snapshot, standby(plan, travel_s=4410, arrive_at=NOW + 4410)))


# --- what a plan costs ---------------------------------------------------------------------------


def test_the_cost_of_a_plan_is_worked_out_by_the_policy() -> None:
    street = Street(
        late_cost=20.0, late_square_cost=0.5, buffer_s=300, buffer_cost=2.0, waiting_cost=0.25,
        travel_cost=1.0, length_cost=0.1, churn_cost=60.0, undelivered_cost=1000.0,
    )  # fmt: skip
    street.store("north", at=500)
    ready = {"store_id": NORTH, "ready_at": NOW - 10}
    street.order("a", at=600, due_s=320, created_at=NOW - 100, **ready)
    street.order("b", at=500, due_s=600, store_id="sto_other")
    street.order("r", at=0, courier_id="cou_ida", on_board=True, returning=True, **ready)
    street.courier("ida", at=400, on_board=("ord_r",))
    street.courier("ole", at=0)
    pickup, dropoff = Stop(StopKind.PICKUP, "ord_a", NORTH), Stop(StopKind.DROPOFF, "ord_a", NORTH)
    back = Stop(StopKind.RETURN, "ord_r", NORTH)
    told = Visit(pickup, NOW, NOW, NOW, 0, 0)
    street.routes = (Route("cou_ole", (told,), NOW),)
    snapshot = street.snapshot()
    visits = (
        Visit(pickup, NOW + 100, NOW + 100, NOW + 160, 100, 500),
        Visit(dropoff, NOW + 260, NOW + 260, NOW + 320 + 10, 100, 500),
        Visit(back, NOW + 430, NOW + 430, NOW + 490, 100, 500),
    )
    _, plan = sound()
    plan = replace(plan, routes=(Route("cou_ida", visits, NOW),))
    assert cost_of(plan, snapshot) == Objective(
        # One entry in `unassigned`.
        undelivered=1000.0,
        # a is there 10 s late: the whole buffer, 300 s at 2, 10 s at 20, 100 s^2 at a half.
        lateness=600.0 + 200.0 + 50.0,
        # a since the click 430 s ago, r since now.
        waiting=0.25 * (430 + 490),
        travel=300.0 + 150.0,
        # a was shown to Ole.
        churn=60.0,
    )


def test_an_order_that_leaves_its_store_is_churn_and_slack_used_up_costs() -> None:
    snapshot, plan = sound()
    before = cost_of(plan, snapshot)
    moved = order(snapshot, "ord_f", store_id=NORTH)
    assert cost_of(plan, moved).churn == before.churn + snapshot.policy.churn_cost
    # Una is done at NOW + 120 + 60 + 40 + 60; 20 s of 300 s slack are left.
    f = next(o for o in snapshot.orders if o.order_id == "ord_f")
    tight = order(snapshot, "ord_f", promise=replace(f.promise, latest=NOW + 300))
    assert cost_of(plan, tight).lateness == before.lateness + 280 * Policy().buffer_cost


def test_a_later_pickup_than_told_and_another_sequence_are_churn() -> None:
    snapshot, plan = sound()
    policy = replace(
        snapshot.policy, churn_store_cost=7.0, churn_store_s=60, churn_sequence_cost=3.0
    )
    # What is in force already is news to nobody.
    told = replace(snapshot, policy=policy, routes=plan.routes)
    before = cost_of(plan, told).churn
    sooner = with_visit(plan, "cou_una", 0, depart_at=-60)
    assert cost_of(plan, replace(told, routes=sooner.routes)).churn == before
    sooner = with_visit(plan, "cou_una", 0, depart_at=-61)
    assert cost_of(plan, replace(told, routes=sooner.routes)).churn == before + 7.0
    turned = rerouted((told, plan), "cou_ole", "dropoff k", "dropoff e", "return r")[1]
    assert cost_of(turned, told).churn == before + 3.0
    # The same with a stop more or less.
    fewer = rerouted((told, plan), "cou_ida", "pickup c", "dropoff b", "dropoff c")[1]
    assert cost_of(fewer, told).churn == before


def test_a_courier_who_stands_at_the_first_stop_pays_no_way_to_it() -> None:
    snapshot, plan = sound()
    # Ida's way to North is 20 s.
    there = courier(snapshot, "cou_ida", arrived=True)
    assert cost_of(plan, snapshot).travel - cost_of(plan, there).travel == 20.0
