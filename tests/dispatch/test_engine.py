"""One order's life through the engine, and everything that may come between."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace

import numpy as np
import pytest
from town import NOW, Town, at

from dispatch import commands as c
from dispatch import events as e
from dispatch.check import Kind, Violation
from dispatch.errors import (
    ConflictError,
    ExternalIdTakenError,
    InvalidValueError,
    RefusedError,
    WrongStateError,
)
from dispatch.model import DeliveryStatus, LonLat, OrderLine, OrderStatus, Reason, Snapshot
from dispatch.planning.plan import plan
from geo.errors import TooFarFromRoadError


def carried_order() -> tuple[Town, str, str]:
    """Return a town where a courier has an order in the bag."""
    town = Town()
    order_id = town.order(at(5, 0))
    town.picked(order_id)
    courier_id, stop_id = town.wait_for_commitment()
    town.do(courier_id, stop_id)
    return town, order_id, courier_id


def test_an_order_goes_from_click_to_door() -> None:
    town, order_id, courier_id = carried_order()
    courier_id, stop_id = town.wait_for_commitment()
    assert town.engine.state.order(order_id).delivery is DeliveryStatus.ENROUTE_TO_DROPOFF
    done = town.do(courier_id, stop_id)
    assert done == [e.OrderDelivered(courier_id, order_id, town.clock.now())]
    order = town.engine.state.order(order_id)
    assert (order.delivery, order.status) == (DeliveryStatus.DELIVERED, OrderStatus.COLLECTED)
    assert order_id not in town.engine.state.orders
    assert [name for _, name in order.timeline] == [
        "OrderReceived",
        "PickStarted",
        "PickCompleted",
        "StopCommitted",
        "StopArrived",
        "ParcelPickedUp",
        "StopCommitted",
        "StopArrived",
        "OrderDelivered",
    ]


def test_the_nearer_store_with_the_goods_gets_the_order() -> None:
    town = Town()
    near_east = town.order(at(15, 0))
    assert town.engine.state.order(near_east).store_id == "sto_east"
    town.give(c.SetStock("sto_east", {"bread": 0}))
    without_bread = town.order(at(15, 0), "bread")
    assert town.engine.state.order(without_bread).store_id == "sto_west"


def test_stock_is_reserved_taken_off_and_given_back() -> None:
    town = Town()
    store = "sto_west"
    order_id = town.order(at(2, 0), "milk")
    assert town.engine.state.store(store).available("milk") == 9
    town.picked(order_id)
    held = town.engine.state.store(store)
    assert (held.on_hand["milk"], held.reserved.get("milk", 0)) == (9, 0)
    town.give(c.CancelOrder(order_id, "changed my mind", town.clock.now()))
    assert town.engine.state.store(store).available("milk") == 10


def test_the_last_piece_is_promised_once() -> None:
    town = Town()
    for store in ("sto_west", "sto_east"):
        town.give(c.SetStock(store, {"milk": 1}))
    first, second = town.order(at(10, 0)), town.order(at(10, 0))
    stores = {town.engine.state.order(o).store_id for o in (first, second)}
    assert stores == {"sto_west", "sto_east"}
    refused = town.give(
        c.PlaceOrder(at(10, 0), "Corner", (OrderLine("milk", 1),), 1000, town.clock.now())
    )
    assert isinstance(refused[0], e.OrderRefused)
    assert refused[0].reason == Reason.NO_STOCK


def test_a_courier_is_told_to_leave_just_in_time_not_before() -> None:
    town = Town()
    order_id = town.order(at(5, 0))
    town.engine.replan()
    # Picking takes 120 + 25 s; Anna is one block (30 s) away, and is told 30 s ahead of leaving.
    due_at = town.engine.next_commit_at()
    assert due_at == NOW + 145 - 30 - 30
    town.clock.time = due_at - 1
    assert town.engine.commit_due() == ()
    town.clock.time = due_at
    told = [recorded.event for recorded in town.engine.commit_due()]
    assert [type(event) for event in told] == [e.StopCommitted]
    assert town.engine.state.order(order_id).courier_id == "cou_anna"


def test_nobody_is_sent_for_goods_that_nobody_picks() -> None:
    town = Town()
    town.order(at(5, 0))
    for _ in range(60):
        town.engine.replan()
        town.clock.time += 30
    assert all(courier.commitment is None for courier in town.engine.state.couriers.values())


def test_goods_cannot_be_picked_up_before_they_are_ready() -> None:
    town = Town()
    order_id = town.order(at(5, 0))
    town.give(c.StartPick(order_id, town.clock.now()))
    courier_id, stop_id = town.wait_for_commitment()
    town.give(c.ArriveAtStop(courier_id, stop_id, town.clock.now()))
    before = len(town.log.entries)
    with pytest.raises(WrongStateError, match="allowed: ready"):
        town.give(c.CompleteStop(courier_id, stop_id, town.clock.now()))
    assert len(town.log.entries) == before
    town.give(c.CompletePick(order_id, town.clock.now()))
    assert any(
        isinstance(event, e.ParcelPickedUp)
        for event in town.give(c.CompleteStop(courier_id, stop_id, town.clock.now()))
    )


def test_a_declined_order_never_comes_back_to_who_declined_it() -> None:
    town = Town()
    order_id = town.order(at(5, 0))
    town.give(c.StartPick(order_id, town.clock.now()))
    courier_id, stop_id = town.wait_for_commitment()
    town.give(c.DeclineStop(courier_id, stop_id, "too far", town.clock.now()))
    assert town.engine.state.order(order_id).delivery is DeliveryStatus.CONFIRMED
    other, _ = town.wait_for_commitment()
    assert {courier_id, other} == {"cou_anna", "cou_ben"}


def test_a_failed_delivery_goes_back_and_into_stock() -> None:
    town, order_id, courier_id = carried_order()
    _, stop_id = town.wait_for_commitment()
    town.give(c.FailStop(courier_id, stop_id, "nobody home", town.clock.now()))
    _, back = town.wait_for_commitment()
    assert town.engine.state.order(order_id).delivery is DeliveryStatus.RETURNING
    done = town.do(courier_id, back)
    assert done == [e.ParcelReturned(courier_id, order_id, "sto_west", town.clock.now())]
    assert town.engine.state.order(order_id).delivery is DeliveryStatus.RETURNED
    assert town.engine.state.store("sto_west").available("milk") == 10


def test_nobody_is_sent_for_goods_while_what_failed_still_fills_the_bag() -> None:
    town, order_id, courier_id = carried_order()
    anna = town.engine.state.courier(courier_id).courier
    town.give(c.RegisterCourier(replace(anna, capacity_parcels=1)))
    town.give(c.EndShift("cou_ben", town.clock.now()))
    _, stop_id = town.wait_for_commitment()
    second = town.order(at(5, 0))
    town.picked(second)
    town.engine.replan()  # after the door, the bag is empty: then the second one
    route = town.engine.state.courier(courier_id).route
    assert route is not None
    assert [visit.stop.order_id for visit in route.visits] == [order_id, second, second]
    town.clock.time += 1000
    town.give(c.ArriveAtStop(courier_id, stop_id, town.clock.now()))
    town.give(c.FailStop(courier_id, stop_id, "nobody home", town.clock.now()))
    town.engine.commit_due()
    assert town.engine.state.courier(courier_id).commitment is None
    _, back = town.wait_for_commitment()
    assert town.engine.state.order(order_id).delivery is DeliveryStatus.RETURNING
    town.do(courier_id, back)
    town.wait_for_commitment()
    commitment = town.engine.state.courier(courier_id).commitment
    assert commitment is not None
    assert commitment.stop.order_id == second


def test_a_cancelled_order_in_the_bag_comes_back() -> None:
    town, order_id, courier_id = carried_order()
    town.wait_for_commitment()
    town.give(c.CancelOrder(order_id, "too late", town.clock.now()))
    assert town.engine.state.courier(courier_id).commitment is None
    _, back = town.wait_for_commitment()
    town.do(courier_id, back)
    order = town.engine.state.order(order_id)
    assert (order.status, order.delivery) == (OrderStatus.CANCELLED, DeliveryStatus.RETURNED)
    assert town.engine.state.store("sto_west").available("milk") == 10


def test_cancelling_frees_the_courier_on_the_way() -> None:
    town = Town()
    order_id = town.order(at(5, 0))
    town.give(c.StartPick(order_id, town.clock.now()))
    courier_id, _ = town.wait_for_commitment()
    events = town.give(c.CancelOrder(order_id, "changed my mind", town.clock.now()))
    assert [type(event) for event in events] == [e.StopReleased, e.OrderCancelled]
    courier = town.engine.state.courier(courier_id)
    assert courier.commitment is None
    assert courier.route is None or not courier.route.visits
    with pytest.raises(WrongStateError):
        town.give(c.CancelOrder(order_id, "again", town.clock.now()))


def test_a_quote_gives_the_promise_it_made() -> None:
    town = Town()
    request = c.RequestQuote(at(5, 0), "Corner", (OrderLine("milk", 1),), 1000)
    quote = town.engine.quote(request)
    town.clock.time += 60
    events = town.give(
        c.PlaceOrder(
            at(5, 0),
            "Corner",
            (OrderLine("milk", 1),),
            1000,
            town.clock.now(),
            quote_id=quote.quote_id,
        )
    )
    received = events[0]
    assert isinstance(received, e.OrderReceived)
    assert (received.promise, received.order.fare_cents) == (quote.promise, quote.fare_cents)


def test_a_quote_that_expired_is_refused_by_name() -> None:
    town = Town()
    lines = (OrderLine("milk", 1),)
    quote = town.engine.quote(c.RequestQuote(at(5, 0), "Corner", lines, 1000))
    town.clock.time = quote.expires_at
    events = town.give(
        c.PlaceOrder(at(5, 0), "Corner", lines, 1000, town.clock.now(), quote_id=quote.quote_id)
    )
    assert isinstance(events[0], e.OrderRefused)
    assert events[0].reason == Reason.QUOTE_EXPIRED


@pytest.mark.parametrize(
    ("door", "sku", "reason"),
    [
        (at(60, 0), "milk", Reason.OUTSIDE_RADIUS),
        (at(5, 0), "caviar", Reason.NO_STOCK),
    ],
)
def test_refusals_say_why(door: LonLat, sku: str, reason: Reason) -> None:
    town = Town()
    with pytest.raises(RefusedError) as refused:
        town.engine.quote(c.RequestQuote(door, "Corner", (OrderLine(sku, 1),), 1000))
    assert refused.value.reason == reason


def test_no_one_on_shift_is_said() -> None:
    town = Town()
    for courier_id in ("cou_anna", "cou_ben"):
        town.give(c.EndShift(courier_id, town.clock.now()))
    with pytest.raises(RefusedError) as refused:
        town.engine.quote(c.RequestQuote(at(5, 0), "Corner", (OrderLine("milk", 1),), 1000))
    assert refused.value.reason == Reason.NO_COURIER_ON_SHIFT


def test_a_paused_store_takes_no_orders_until_it_resumes() -> None:
    town = Town()
    town.give(c.PauseStore("sto_west", "no power"))
    paused = town.order(at(2, 0))
    assert town.engine.state.order(paused).store_id == "sto_east"
    town.give(c.ResumeStore("sto_west"))
    resumed = town.order(at(2, 0))
    assert town.engine.state.order(resumed).store_id == "sto_west"


def test_an_external_id_names_one_order() -> None:
    town = Town()
    first = town.order(at(5, 0), external_id="A-1")
    with pytest.raises(ExternalIdTakenError) as taken:
        town.order(at(5, 0), external_id="A-1")
    assert taken.value.order_id == first


def test_a_plan_made_for_yesterday_takes_nothing_back() -> None:
    town = Town()
    first = town.order(at(5, 0))
    made_for = town.engine.snapshot()

    late = plan(made_for)
    town.give(c.StartPick(first, town.clock.now()))
    courier_id, stop_id = town.wait_for_commitment()
    town.give(c.CompletePick(first, town.clock.now()))
    town.do(courier_id, stop_id)
    town.engine.publish(late, made_for, solve_ms=1.0)
    courier = town.engine.state.courier(courier_id)
    assert courier.on_board == (first,)
    town.engine.replan()
    _, drop = town.wait_for_commitment()
    assert drop == town.engine.state.courier(courier_id).commitment.stop.stop_id


def test_what_is_asked_for_now_is_of_now_whenever_it_is_taken() -> None:
    town = Town()
    first = town.order(at(5, 0))
    expected = town.engine.snapshot()
    with ThreadPoolExecutor(max_workers=1) as thread:
        for _ in range(2):
            take = town.engine.asking()
            town.clock.time += 60
            second = town.order(at(7, 3), "bread")
            town.engine.report_position("cou_anna", at(3, 3), town.clock.now())
            town.give(c.PauseStore("sto_west", "the oven burns"))
            assert_same(thread.submit(take).result(), expected)
            # The next one knows what came in between.
            town.give(c.ResumeStore("sto_west"))
            expected = town.engine.snapshot()
            assert {order.order_id for order in expected.orders} >= {first, second}


def assert_same(found: Snapshot, expected: Snapshot) -> None:
    assert found.travel.version == expected.travel.version
    for ours, theirs in (
        (found.travel.duration_s, expected.travel.duration_s),
        (found.travel.length_m, expected.travel.length_m),
    ):
        assert ours.keys() == theirs.keys()
        for mode, table in ours.items():
            np.testing.assert_array_equal(table, theirs[mode])
    for field in fields(Snapshot):
        if field.name != "travel":
            assert getattr(found, field.name) == getattr(expected, field.name), field.name


def test_what_was_found_wrong_with_a_plan_before_is_held_against_it() -> None:
    town = Town()
    town.order(at(5, 0))
    made_for = town.engine.ask()
    made = plan(made_for)
    planned = made.routes[0].courier_id
    wrong = Violation(Kind.WEIGHT, planned, "40 kg in a bag for 10")
    published = town.engine.publish(made, made_for, 0.0, violations=[wrong])[0].event
    assert isinstance(published, e.PlanPublished)
    assert (published.routes, published.dropped) == ((), (planned,))
    assert published.violations == (f"{Kind.WEIGHT}: {planned}: 40 kg in a bag for 10",)


def test_a_courier_who_is_not_heard_of_gets_no_new_work() -> None:
    town = Town()
    first = town.order(at(5, 0))
    town.picked(first)
    silent, _ = town.wait_for_commitment()
    commitment = town.engine.state.courier(silent).commitment
    assert commitment is not None
    town.clock.time = commitment.expected_at + town.policy.overdue_after_s + 1
    second = town.order(at(5, 0))
    town.picked(second)
    town.engine.replan()
    holders = {
        visit.stop.order_id: courier_id
        for courier_id, courier in town.engine.state.couriers.items()
        if courier.route is not None
        for visit in courier.route.visits
    }
    assert holders[first] == silent
    assert holders[second] != silent


def test_an_order_can_be_explained_before_the_first_plan() -> None:
    town = Town()
    order_id = town.order(at(5, 0))
    explanation = town.engine.explain(order_id)
    assert explanation.sentence.startswith("Taken at West; the next plan")
    assert explanation.ready_at is None


def test_a_store_works_in_the_order_the_planner_forecasts() -> None:
    town = Town()
    first, second = town.order(at(5, 0)), town.order(at(2, 0))
    town.give(c.StartPick(second, town.clock.now()))
    assert [pick.order_id for pick in town.engine.work_order("sto_west")] == [second, first]


def test_two_orders_of_one_store_share_a_bag() -> None:
    town = Town()
    town.give(c.EndShift("cou_ben", town.clock.now()))
    first, second = town.order(at(5, 0)), town.order(at(6, 0))
    town.picked(first)
    town.picked(second)
    courier_id, stop_id = town.wait_for_commitment()
    town.do(courier_id, stop_id)
    _, stop_id = town.wait_for_commitment()
    town.do(courier_id, stop_id)
    assert set(town.engine.state.courier(courier_id).on_board) == {first, second}


def test_a_restart_folds_the_same_state() -> None:
    town, _, _ = carried_order()
    assert town.restarted().state == town.engine.state


def test_times_from_a_device_far_ahead_are_refused() -> None:
    town = Town()
    order_id = town.order(at(5, 0))
    with pytest.raises(InvalidValueError, match="in the future"):
        town.give(c.StartPick(order_id, town.clock.now() + 3600))


def test_positions_keep_the_freshest_and_refuse_the_impossible() -> None:
    town = Town()
    assert town.engine.report_position("cou_anna", at(3, 0), NOW + 10)
    assert not town.engine.report_position("cou_anna", at(4, 0), NOW + 5)
    assert town.engine.positions["cou_anna"].place == at(3, 0)
    with pytest.raises(TooFarFromRoadError):
        town.engine.report_position("cou_anna", at(400, 0), NOW + 20)


def test_a_courier_can_only_report_on_the_stop_being_done() -> None:
    town = Town()
    town.order(at(5, 0))
    with pytest.raises(ConflictError, match="was not told to do any stop"):
        town.give(c.ArriveAtStop("cou_anna", "stp_none_p", town.clock.now()))
