"""Which courier, in which order, and when to leave; times are worked out in the comments."""

from __future__ import annotations

from dataclasses import replace

from street import HAND_OVER_S, HOUR_S, NOW, PICK_S, Street, stops

from dispatch.check import check
from dispatch.model import (
    Fulfilment,
    Mode,
    OrderStatus,
    Plan,
    Reason,
    Route,
    Snapshot,
    Spread,
    Stop,
    StopKind,
)
from dispatch.planning.plan import plan, plan_by_insertion


def planned(snapshot: Snapshot) -> Plan:
    found = plan(snapshot)
    assert check(found, snapshot) == []
    return found


def only_route(snapshot: Snapshot) -> Route:
    (route,) = planned(snapshot).routes
    return route


def pickup_of(order_id: str, store_id: str) -> Stop:
    return Stop(StopKind.PICKUP, order_id, store_id)


def test_a_courier_leaves_just_in_time_for_the_goods() -> None:
    street = Street()
    street.store("north", at=500)
    street.order("a", at=600, store_id="sto_north")
    street.courier("ida", at=480)
    route = only_route(street.snapshot())
    pickup, dropoff = route.visits
    # Ready after 120 s of picking; 20 s on the way, so 100 s are spent at home, not at the store.
    assert route.leave_at == NOW + PICK_S - 20
    assert (pickup.arrive_at, pickup.begin_at) == (NOW + PICK_S, NOW + PICK_S)
    assert pickup.depart_at == NOW + PICK_S + HAND_OVER_S
    assert (dropoff.travel_s, dropoff.length_m) == (100, 500)
    assert dropoff.depart_at == NOW + PICK_S + HAND_OVER_S + 100 + HAND_OVER_S


def test_who_was_told_to_go_goes_at_once_and_waits_there() -> None:
    street = Street()
    store = street.store("north", at=500)
    order = street.order("a", at=600, store_id=store, courier_id="cou_ida", store_fixed=True)
    street.courier("ida", at=480, committed=(pickup_of(order, store),))
    route = only_route(street.snapshot())
    assert route.leave_at == NOW
    # There after 20 s, the goods after 120 s.
    assert (route.visits[0].arrive_at, route.visits[0].begin_at) == (NOW + 20, NOW + PICK_S)


def test_who_stands_at_a_stop_has_no_way_to_it() -> None:
    street = Street()
    store = street.store("north", at=500)
    order = street.order("a", at=600, store_id=store, courier_id="cou_ida", ready_at=NOW - 90)
    street.courier(
        "ida",
        at=503,
        available_at=NOW - 30,
        committed=(pickup_of(order, store),),
        arrived=True,
    )
    pickup, dropoff = only_route(street.snapshot()).visits
    # Began 30 s ago and takes 60; the way to the door then starts at the store.
    assert (pickup.travel_s, pickup.begin_at, pickup.depart_at) == (0, NOW - 30, NOW + 30)
    assert dropoff.arrive_at == NOW + 30 + 100


def test_the_nearest_courier_fetches_it() -> None:
    street = Street()
    street.store("north", at=500)
    street.order("a", at=600, ready_at=NOW, store_id="sto_north")
    street.courier("far", at=0)
    street.courier("near", at=450)
    assert only_route(street.snapshot()).courier_id == "cou_near"


def test_a_busy_courier_who_passes_the_store_is_better_than_an_idle_one_far_away() -> None:
    street = Street()
    store = street.store("north", at=500)
    carried = street.order(
        "b", at=510, store_id=store, courier_id="cou_busy", on_board=True, ready_at=NOW - 300
    )
    street.order("a", at=600, store_id=store, ready_at=NOW)
    street.courier("busy", at=480, on_board=(carried,))
    street.courier("idle", at=0)
    route = only_route(street.snapshot())
    # Busy: 20 s to the store; idle: 500 s.
    assert route.courier_id == "cou_busy"
    assert stops(route) == ["pickup a", "dropoff b", "dropoff a"] or stops(route) == [
        "dropoff b",
        "pickup a",
        "dropoff a",
    ]


def test_two_orders_of_one_store_to_one_side_share_a_trip() -> None:
    street = Street()
    store = street.store("north", at=500)
    street.order("a", at=900, store_id=store, ready_at=NOW)
    street.order("b", at=950, store_id=store, ready_at=NOW)
    street.courier("ida", at=500)
    # One trip of 450 s instead of 400 + 400 + 450.
    assert stops(only_route(street.snapshot())) in (
        ["pickup a", "pickup b", "dropoff a", "dropoff b"],
        ["pickup b", "pickup a", "dropoff a", "dropoff b"],
    )


def test_a_full_bag_takes_two_trips() -> None:
    street = Street()
    store = street.store("north", at=500)
    street.order("a", at=900, store_id=store, ready_at=NOW, weight_g=6000)
    street.order("b", at=950, store_id=store, ready_at=NOW, weight_g=6000)
    street.courier("ida", at=500, capacity_g=10_000)
    kinds = [stop.split()[0] for stop in stops(only_route(street.snapshot()))]
    assert kinds == ["pickup", "dropoff", "pickup", "dropoff"]


def test_one_parcel_at_a_time_where_the_bag_has_one_place() -> None:
    street = Street()
    store = street.store("north", at=500)
    for name in "abc":
        street.order(name, at=700, store_id=store, ready_at=NOW)
    street.courier("ida", at=500, capacity_parcels=1)
    kinds = [stop.split()[0] for stop in stops(only_route(street.snapshot()))]
    assert kinds == ["pickup", "dropoff"] * 3


def test_an_urgent_order_goes_first_though_it_is_farther() -> None:
    street = Street()
    store = street.store("north", at=500)
    street.order("patient", at=400, store_id=store, ready_at=NOW, due_s=HOUR_S)
    street.order("urgent", at=900, store_id=store, ready_at=NOW, due_s=900)
    street.courier("ida", at=500, capacity_parcels=1)
    # By certain times it would be in time all the same; nobody is that certain.
    street.spread = Spread({"": 0.35}, {Mode.BIKE: 0.25}, 60.0, 60.0)
    assert stops(only_route(street.snapshot()))[1] == "dropoff urgent"


def test_a_decliner_is_never_given_the_order_again() -> None:
    street = Street()
    street.store("north", at=500)
    street.order(
        "a", at=600, store_id="sto_north", ready_at=NOW, declined_by=frozenset({"cou_near"})
    )
    street.courier("near", at=500)
    street.courier("far", at=0)
    assert only_route(street.snapshot()).courier_id == "cou_far"


def test_when_all_declined_the_order_waits_and_says_so() -> None:
    street = Street()
    street.store("north", at=500)
    street.order(
        "a", at=600, store_id="sto_north", ready_at=NOW, declined_by=frozenset({"cou_ida"})
    )
    street.courier("ida", at=500)
    (left,) = planned(street.snapshot()).unassigned
    assert left.reason is Reason.NO_COURIER_ON_SHIFT
    assert "declined" in left.detail


def test_no_pickup_begins_after_the_shift_but_the_bag_is_still_brought() -> None:
    street = Street()
    store = street.store("north", at=500)
    carried = street.order(
        "b", at=900, store_id=store, courier_id="cou_ida", on_board=True, ready_at=NOW - 300
    )
    street.order("a", at=600, store_id=store, ready_at=NOW)
    street.courier("ida", at=400, on_board=(carried,), shift_end=NOW - 1)
    found = planned(street.snapshot())
    assert [stops(route) for route in found.routes] == [["dropoff b"]]
    assert [(u.order_id, u.reason) for u in found.unassigned] == [
        ("ord_a", Reason.NO_COURIER_BEFORE_DEADLINE)
    ]


def test_the_last_pickup_may_begin_in_the_last_second_of_the_shift() -> None:
    street = Street()
    street.store("north", at=500)
    street.order("a", at=600, store_id="sto_north", ready_at=NOW)
    street.courier("ida", at=400, shift_end=NOW + 100)
    assert only_route(street.snapshot()).visits[0].begin_at == NOW + 100
    street.couriers = []
    street.courier("ida", at=399, shift_end=NOW + 100)
    assert planned(street.snapshot()).routes == ()


def test_a_courier_whose_shift_starts_soon_is_planned_for_from_then() -> None:
    street = Street()
    street.store("north", at=500)
    street.order("a", at=600, store_id="sto_north", ready_at=NOW)
    street.courier("ida", at=500, available_at=NOW, shift_start=NOW + 600)
    assert only_route(street.snapshot()).leave_at == NOW + 600


def test_goods_that_go_back_are_brought_to_their_store() -> None:
    street = Street()
    store = street.store("north", at=500)
    back = street.order(
        "a",
        at=600,
        store_id=store,
        courier_id="cou_ida",
        on_board=True,
        returning=True,
        ready_at=NOW - 900,
        status=OrderStatus.CANCELLED,
    )
    street.courier("ida", at=600, on_board=(back,))
    assert stops(only_route(street.snapshot())) == ["return a"]


def test_who_waits_for_a_delivery_comes_before_goods_that_go_back() -> None:
    street = Street()
    store = street.store("north", at=0)
    back = street.order(
        "back", at=600, store_id=store, courier_id="cou_ida", on_board=True, returning=True
    )
    due = street.order(
        "due", at=900, store_id=store, courier_id="cou_ida", on_board=True, due_s=400
    )
    street.courier("ida", at=600, on_board=(back, due))
    assert stops(only_route(street.snapshot())) == ["dropoff due", "return back"]


def test_a_late_order_is_still_delivered() -> None:
    street = Street()
    street.store("north", at=500)
    # Two hours late: lateness alone costs more than leaving it would.
    street.order("a", at=600, store_id="sto_north", ready_at=NOW, due_s=-2 * HOUR_S)
    street.courier("ida", at=500)
    assert stops(only_route(street.snapshot())) == ["pickup a", "dropoff a"]


def test_a_collection_order_is_picked_but_not_carried() -> None:
    street = Street()
    street.store("north", at=500, pickers=1)
    street.order("gate", at=500, store_id="sto_north", fulfilment=Fulfilment.COLLECTION, due_s=600)
    street.order("a", at=600, store_id="sto_north")
    street.courier("ida", at=500)
    found = planned(street.snapshot())
    assert [stops(route) for route in found.routes] == [["pickup a", "dropoff a"]]
    # One picker: the collection order is due sooner and goes first.
    assert found.ready_at == {"ord_gate": NOW + PICK_S, "ord_a": NOW + 2 * PICK_S}


def test_a_route_that_was_shown_is_kept_for_a_small_gain() -> None:
    street = Street(churn_cost=60.0)
    store = street.store("north", at=500)
    street.order("a", at=600, store_id=store, ready_at=NOW)
    street.courier("ida", at=480)
    street.courier("ole", at=470)
    first = planned(street.snapshot())
    assert first.routes[0].courier_id == "cou_ida"
    # Ole has come a little nearer: 15 s less on the way are not worth telling two people.
    street.couriers = []
    street.courier("ida", at=480)
    street.courier("ole", at=495)
    later = replace(street.snapshot(), routes=first.routes)
    assert planned(later).routes[0].courier_id == "cou_ida"
    assert planned(later).objective.churn == 0.0
    # Far nearer is.
    street.couriers = []
    street.courier("ida", at=200)
    street.courier("ole", at=495)
    moved = planned(replace(street.snapshot(), routes=first.routes))
    assert moved.routes[0].courier_id == "cou_ole"
    assert moved.objective.churn == 60.0


def test_a_walker_is_as_slow_as_a_walker() -> None:
    street = Street()
    street.store("north", at=500)
    street.order("a", at=600, store_id="sto_north", ready_at=NOW)
    street.courier("ida", at=500, mode=Mode.WALK)
    assert only_route(street.snapshot()).visits[1].travel_s == 300


def test_the_objective_is_the_sum_of_what_the_policy_prices() -> None:
    street = Street(routing_min_orders=100, buffer_cost=2.0)
    street.store("north", at=500)
    street.order("a", at=600, store_id="sto_north", ready_at=NOW, due_s=300)
    street.courier("ida", at=400)
    found = planned(street.snapshot())
    # 100 s there, 60 s at the counter, 100 s to the door, 60 s at the door: done after 320 s.
    objective = found.objective
    assert objective.travel == 200.0
    assert objective.waiting == 0.25 * 320
    # 20 s late: the whole buffer of 300 s at 2, then 20 * 20 + 0.02 * 20².
    assert objective.lateness == 300 * 2.0 + 20 * 20.0 + 0.02 * 400
    assert objective.total == 200.0 + 80.0 + 600.0 + 408.0


def test_ortools_improves_on_insertion_and_says_so() -> None:
    street = Street()
    stores = [street.store("west", at=0), street.store("east", at=1500)]
    for number in range(10):
        street.order(
            f"{number:02}",
            at=(71 * number * number + 50 * number) % 1500,
            store_id=stores[number % 2],
            ready_at=NOW,
            due_s=1200 + 300 * (number % 5),
        )
    for number, at in enumerate((0, 700, 1500)):
        street.courier(f"c{number}", at=at)
    policy = replace(street.policy, improve_rounds=0)
    snapshot = replace(street.snapshot(), policy=policy)
    by_insertion, whole = plan_by_insertion(snapshot), planned(snapshot)
    assert by_insertion.method == "insertion"
    assert whole.method == "routing"
    assert whole.objective.total < by_insertion.objective.total


def test_nobody_and_nothing_gives_an_empty_plan() -> None:
    found = planned(Street().snapshot())
    assert (found.routes, found.unassigned, found.objective.total) == ((), (), 0.0)
    assert found.plan_id.startswith("pln_")
