"""What holds for every plan, whatever the snapshot."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from hypothesis import given, settings
from snapshots import NOW, contradictory_snapshots, snapshots

from dispatch.check import check
from dispatch.model import (
    DeliveryStatus,
    Fulfilment,
    LonLat,
    Order,
    OrderInPlay,
    OrderLine,
    OrderStatus,
    Promise,
    Snapshot,
)
from dispatch.planning.plan import plan, plan_by_insertion, plans
from dispatch.planning.quote import Offer, quote

quick = settings(max_examples=200, deadline=None, derandomize=True)


@quick
@given(snapshots())
def test_every_plan_passes_the_check(snapshot: Snapshot) -> None:
    assert check(plan(snapshot), snapshot) == []


@quick
@given(snapshots())
def test_the_fall_back_passes_the_check(snapshot: Snapshot) -> None:
    assert check(plan_by_insertion(snapshot), snapshot) == []


@settings(max_examples=600, deadline=None, derandomize=True)
@given(contradictory_snapshots())
def test_a_contradictory_snapshot_gets_a_plan_for_its_sound_part(snapshot: Snapshot) -> None:
    assert check(plan(snapshot), snapshot) == []


@quick
@given(snapshots())
def test_every_delivery_is_on_one_route_or_unassigned(snapshot: Snapshot) -> None:
    found = plan(snapshot)
    routed = Counter(
        visit.stop.order_id
        for route in found.routes
        for visit in route.visits
        if visit.stop.kind != "pickup"
    )
    unassigned = Counter(entry.order_id for entry in found.unassigned)
    deliveries = Counter(
        order.order_id for order in snapshot.orders if order.order.fulfilment is Fulfilment.DELIVERY
    )
    assert routed + unassigned == deliveries


@settings(max_examples=40, deadline=None, derandomize=True)
@given(snapshots())
def test_the_same_snapshot_gives_the_same_plan(snapshot: Snapshot) -> None:
    assert plan(snapshot) == plan(snapshot)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(snapshots())
def test_the_plan_is_the_last_of_the_plans_and_all_pass_the_check(snapshot: Snapshot) -> None:
    *before, last = plans(snapshot)
    assert last == plan(snapshot)
    assert all(check(one, snapshot) == [] for one in before)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(snapshots())
def test_a_plan_does_not_depend_on_the_order_of_what_it_is_given(snapshot: Snapshot) -> None:
    turned = replace(
        snapshot,
        orders=snapshot.orders[::-1],
        stores=snapshot.stores[::-1],
        couriers=snapshot.couriers[::-1],
        routes=snapshot.routes[::-1],
    )
    assert plan(turned) == plan(snapshot)


@quick
@given(snapshots())
def test_the_whole_method_is_never_worse_than_the_fall_back(snapshot: Snapshot) -> None:
    best, fall_back = plan(snapshot), plan_by_insertion(snapshot)
    assert len(best.unassigned) <= len(fall_back.unassigned)
    if len(best.unassigned) == len(fall_back.unassigned):
        assert best.objective.total <= fall_back.objective.total + 1e-3


@quick
@given(snapshots())
def test_an_accepted_order_is_on_a_route_of_the_next_plan(snapshot: Snapshot) -> None:
    order = Order("ord_new", NOW, LonLat(25.0, 60.0), "a door", (OrderLine("milk", 1),), 800, 60)
    asked = OrderInPlay(
        order,
        snapshot.orders[0].place if snapshot.orders else 0,
        Promise(NOW, NOW, NOW),
        OrderStatus.RECEIVED,
        DeliveryStatus.CREATED,
    )
    offer = quote(snapshot, asked)
    if not isinstance(offer, Offer):
        assert offer.detail
        return
    assert NOW <= offer.promise.earliest <= offer.promise.latest
    assert offer.eta + snapshot.policy.promise_margin_s <= offer.promise.latest
    assert offer.promise.latest <= NOW + snapshot.policy.promise_max_s
    taken = replace(
        asked, promise=offer.promise, store_id=offer.store_id, status=OrderStatus.SOURCED
    )
    found = plan(replace(snapshot, orders=(*snapshot.orders, taken)))
    assert any(visit.stop.order_id == "ord_new" for r in found.routes for visit in r.visits)
