"""Work heard of afterwards: each stated rule, from both sides."""

from __future__ import annotations

import pytest
from town import NOW, Town, at

from dispatch import commands as c
from dispatch import events as e
from dispatch.errors import InvalidValueError, UnknownIdError
from dispatch.model import DeliveryStatus, OrderLine, OrderStatus
from dispatch.records import Proof, ProofKind, StopOutcome, WorkReport
from dispatch.rules.late import Result, settle

O = StopOutcome  # noqa: E741  one letter keeps the tables below readable


def stop(order_id: str, letter: str) -> str:
    return f"stp_{order_id.removeprefix('ord_')}_{letter}"


def report(
    order_id: str, letter: str, outcome: StopOutcome, occurred_at: int, *proofs: Proof
) -> WorkReport:
    return WorkReport(stop(order_id, letter), outcome, occurred_at, "nobody home", proofs)


def heard(town: Town, courier_id: str, *reports: WorkReport) -> list[str]:
    """Take reports in; returns the rules, and checks that the same again changes nothing."""
    command = c.TakeInWork(courier_id, reports)
    engine = town.engine
    settled, facts = settle(engine.state, command, town.clock.now(), town.policy)
    assert tuple(town.give(command)) == facts
    before = engine.state
    assert town.give(command) == []
    assert engine.state == before
    assert town.restarted().state == engine.state
    return [str(one.rule) for one in settled]


def names(town: Town, order_id: str) -> list[str]:
    return [name for _, name in town.engine.state.order(order_id).timeline]


def noted(town: Town, order_id: str) -> list[str]:
    return [said.partition(":")[0] for said in town.engine.state.order(order_id).conflicts]


@pytest.fixture
def town() -> Town:
    return Town()


def told(town: Town) -> tuple[str, str]:
    """Return an order that is picked and the courier who was told to fetch it."""
    order_id = town.order(at(3, 0))
    town.picked(order_id)
    courier_id, stop_id = town.wait_for_commitment()
    assert stop_id == stop(order_id, "p")
    return order_id, courier_id


def fetched(town: Town) -> tuple[str, str]:
    order_id, courier_id = told(town)
    town.do(courier_id, stop(order_id, "p"))
    return order_id, courier_id


def test_a_whole_trip_without_network_is_taken_in_by_device_time(town: Town) -> None:
    order_id, who = told(town)
    began = town.clock.now()
    town.clock.time += 1800
    rules = heard(
        town,
        who,
        report(order_id, "d", O.COMPLETED, began + 600),
        report(order_id, "p", O.COMPLETED, began + 120),
        report(order_id, "d", O.ARRIVED, began + 540),
        report(order_id, "p", O.ARRIVED, began + 60),
    )
    assert rules == ["in_order", "in_order", "implied_commitment", "in_order"]
    order = town.engine.state.order(order_id)
    assert order.delivery is DeliveryStatus.DELIVERED
    assert (order.picked_up_at, order.closed_at) == (began + 120, began + 600)
    assert noted(town, order_id) == ["implied_commitment"]
    assert town.engine.state.courier(who).on_board == ()


def test_what_was_heard_live_is_known_already(town: Town) -> None:
    order_id, who = fetched(town)
    command = c.TakeInWork(who, (report(order_id, "p", O.COMPLETED, NOW),))
    assert town.give(command) == []


def test_goods_the_store_never_called_ready_are_picked_for_it(town: Town) -> None:
    order_id = town.order(at(3, 0))
    town.give(c.StartPick(order_id, NOW))
    who, _ = town.wait_for_commitment()
    rules = heard(town, who, report(order_id, "p", O.COMPLETED, town.clock.now()))
    assert rules == ["implied_pick"]
    assert names(town, order_id)[-4:] == [
        "StopArrived",
        "PickCompleted",
        "ParcelPickedUp",
        "ConflictNoted",
    ]
    store = town.engine.state.store(town.engine.state.order(order_id).store_id)
    assert (store.on_hand["milk"], store.reserved.get("milk", 0)) == (9, 0)


def test_goods_fetched_unasked_and_unpicked_are_in_the_bag_all_the_same(town: Town) -> None:
    order_id = town.order(at(3, 0))
    rules = heard(town, "cou_ben", report(order_id, "p", O.COMPLETED, NOW))
    assert rules == ["implied_commitment"]
    assert noted(town, order_id) == ["implied_commitment", "implied_pick"]
    assert names(town, order_id)[1:6] == [
        "StopCommitted",
        "StopArrived",
        "PickStarted",
        "PickCompleted",
        "ParcelPickedUp",
    ]
    assert town.engine.state.courier("cou_ben").on_board == (order_id,)


def test_a_pickup_nobody_sent_is_implied_by_what_came_of_it(town: Town) -> None:
    order_id, who = told(town)
    rules = heard(town, who, report(order_id, "d", O.COMPLETED, town.clock.now()))
    assert rules == ["implied_pickup"]
    assert "ParcelPickedUp" in names(town, order_id)
    assert town.engine.state.order(order_id).delivery is DeliveryStatus.DELIVERED


def test_a_cancelled_order_that_was_brought_all_the_same_is_delivered(town: Town) -> None:
    order_id, who = told(town)
    began = town.clock.now()
    town.clock.time += 60
    town.give(c.CancelOrder(order_id, "changed my mind", town.clock.now()))
    town.clock.time += 1800
    rules = heard(
        town,
        who,
        report(order_id, "p", O.COMPLETED, began + 120),
        report(order_id, "d", O.COMPLETED, began + 600),
    )
    assert rules == ["cancelled_meanwhile", "implied_commitment"]
    assert town.engine.state.order(order_id).delivery is DeliveryStatus.DELIVERED
    shelf = town.engine.state.store("sto_west").on_hand["milk"]
    assert shelf + town.engine.state.store("sto_east").on_hand["milk"] == 19


def test_a_cancelled_order_that_is_in_a_bag_goes_back(town: Town) -> None:
    order_id, who = told(town)
    town.give(c.CancelOrder(order_id, "changed my mind", town.clock.now()))
    rules = heard(town, who, report(order_id, "p", O.COMPLETED, town.clock.now()))
    assert rules == ["cancelled_meanwhile"]
    order = town.engine.state.order(order_id)
    assert (order.status, order.delivery) == (OrderStatus.CANCELLED, DeliveryStatus.RETURNING)
    assert town.engine.state.courier(who).on_board == (order_id,)
    assert town.wait_for_commitment() == (who, stop(order_id, "r"))
    town.do(who, stop(order_id, "r"))
    assert town.engine.state.order(order_id).delivery is DeliveryStatus.RETURNED


def test_goods_cancelled_in_the_bag_and_brought_before_we_knew_are_delivered(town: Town) -> None:
    order_id, who = fetched(town)
    town.give(c.CancelOrder(order_id, "changed my mind", town.clock.now()))
    town.clock.time += 600
    rules = heard(town, who, report(order_id, "d", O.COMPLETED, town.clock.now()))
    assert rules == ["cancelled_meanwhile"]
    order = town.engine.state.order(order_id)
    assert (order.delivery, order.returning) == (DeliveryStatus.DELIVERED, False)
    assert order.picked_up_at is not None
    assert order.picked_up_at < (order.closed_at or 0)


def test_an_order_told_to_somebody_else_meanwhile_stays_with_who_fetched_it(town: Town) -> None:
    order_id, other = told(town)
    who = "cou_ben" if other == "cou_anna" else "cou_anna"
    rules = heard(town, who, report(order_id, "p", O.COMPLETED, town.clock.now()))
    assert rules == ["reassigned_meanwhile"]
    state = town.engine.state
    assert state.courier(other).commitment is None
    assert state.courier(who).on_board == (order_id,)
    released = [r.event for r in town.log.entries if isinstance(r.event, e.StopReleased)]
    assert [event.courier_id for event in released] == [other]


def test_a_parcel_in_somebody_elses_bag_stays_there_whoever_was_first(town: Town) -> None:
    order_id, first = fetched(town)
    other = "cou_ben" if first == "cou_anna" else "cou_anna"
    rules = heard(
        town,
        other,
        report(order_id, "p", O.COMPLETED, NOW),
        report(order_id, "d", O.COMPLETED, NOW + 60),
    )
    assert rules == ["taken_by_other", "taken_by_other"]
    assert town.engine.state.courier(first).on_board == (order_id,)
    assert town.engine.state.courier(other).on_board == ()
    assert first in town.engine.state.order(order_id).conflicts[0]


def test_an_order_that_somebody_else_delivered_is_only_noted(town: Town) -> None:
    order_id, first = fetched(town)
    town.wait_for_commitment()
    town.do(first, stop(order_id, "d"))
    other = "cou_ben" if first == "cou_anna" else "cou_anna"
    rules = heard(town, other, report(order_id, "d", O.COMPLETED, town.clock.now()))
    assert rules == ["done_by_other"]
    assert town.engine.state.order(order_id).courier_id == first


def test_goods_nobody_fetched_are_not_delivered(town: Town) -> None:
    order_id = town.order(at(3, 0))
    rules = heard(town, "cou_ben", report(order_id, "d", O.COMPLETED, NOW))
    assert rules == ["not_in_bag"]
    assert town.engine.state.order(order_id).delivery is DeliveryStatus.CONFIRMED


def test_two_doors_done_in_another_order_leave_the_bag_empty(town: Town) -> None:
    one, two = town.order(at(3, 0)), town.order(at(5, 0))
    town.picked(one)
    town.picked(two)
    who, stop_id = town.wait_for_commitment()
    town.do(who, stop_id)
    while len(town.engine.state.courier(who).on_board) < 2:
        who, stop_id = town.wait_for_commitment()
        town.do(who, stop_id)
    who, stop_id = town.wait_for_commitment()
    first = one if stop_id == stop(one, "d") else two
    last = two if first == one else one
    now = town.clock.now()
    assert heard(town, who, report(last, "d", O.COMPLETED, now)) == ["implied_commitment"]
    commitment = town.engine.state.courier(who).commitment
    assert commitment is not None
    assert commitment.stop.order_id == first
    town.do(who, stop_id)
    assert town.engine.state.courier(who).on_board == ()


def test_who_stands_at_another_door_is_not_on_the_way_to_the_first(town: Town) -> None:
    order_id, who = fetched(town)
    town.wait_for_commitment()
    new = town.order(at(2, 2))
    town.picked(new)
    now = town.clock.now()
    rules = heard(town, who, report(new, "p", O.ARRIVED, now), report(new, "p", O.COMPLETED, now))
    assert rules == ["implied_commitment", "in_order"]
    state = town.engine.state
    assert set(state.courier(who).on_board) == {order_id, new}
    commitment = state.courier(who).commitment
    assert commitment is not None
    assert commitment.stop.order_id == order_id


def test_a_failure_and_a_second_try_without_network(town: Town) -> None:
    order_id, who = fetched(town)
    town.wait_for_commitment()
    now = town.clock.now()
    town.clock.time += 3600
    rules = heard(
        town,
        who,
        report(order_id, "d", O.FAILED, now + 60),
        report(order_id, "d", O.COMPLETED, now + 900),
    )
    assert rules == ["in_order", "implied_commitment"]
    assert town.engine.state.order(order_id).closed_at == now + 900


def test_a_delivery_without_its_pin_is_taken_and_noted() -> None:
    town = Town()
    received = town.give(
        c.PlaceOrder(
            door=at(3, 0),
            address="Corner",
            lines=(OrderLine("milk", 1),),
            weight_g=500,
            occurred_at=NOW,
            pin_required=True,
        )
    )[0]
    assert isinstance(received, e.OrderReceived)
    order_id = received.order.order_id
    town.picked(order_id)
    who, stop_id = town.wait_for_commitment()
    town.do(who, stop_id)
    rules = heard(town, who, report(order_id, "d", O.COMPLETED, town.clock.now()))
    assert rules == ["implied_commitment"]
    assert noted(town, order_id) == ["unproven", "implied_commitment"]
    assert town.engine.state.order(order_id).delivery is DeliveryStatus.DELIVERED


def test_a_delivery_with_its_pin_needs_no_note(town: Town) -> None:
    order_id, who = fetched(town)
    town.wait_for_commitment()
    proof = Proof(ProofKind.PIN)
    heard(town, who, report(order_id, "d", O.COMPLETED, town.clock.now(), proof))
    assert noted(town, order_id) == []
    assert town.engine.state.order(order_id).proofs[0][1].kind is ProofKind.PIN


def test_an_unknown_stop_stops_nobody(town: Town) -> None:
    order_id, who = told(town)
    command = c.TakeInWork(
        who,
        (
            WorkReport("stp_nowhere_p", O.COMPLETED, NOW),
            report(order_id, "p", O.COMPLETED, town.clock.now()),
        ),
    )
    settled, _ = settle(town.engine.state, command, town.clock.now(), town.policy)
    assert [one.result for one in settled] == [Result.UNKNOWN, Result.TAKEN]
    town.give(command)
    assert town.engine.state.courier(who).on_board == (order_id,)


def test_nothing_is_taken_of_a_batch_with_a_time_to_come(town: Town) -> None:
    order_id, who = told(town)
    before = town.engine.state
    now = town.clock.now()
    reports = (
        report(order_id, "p", O.COMPLETED, now),
        report(order_id, "d", O.COMPLETED, now + 3600),
    )
    with pytest.raises(InvalidValueError) as refused:
        town.give(c.TakeInWork(who, reports))
    assert refused.value.field == "reports.1.occurred_at"
    with pytest.raises(UnknownIdError):
        town.give(c.TakeInWork("cou_nobody", reports[:1]))
    assert town.engine.state == before


def test_what_was_done_long_ago_does_not_move_the_courier_back(town: Town) -> None:
    order_id, who = fetched(town)
    new = town.order(at(4, 0))
    town.picked(new)
    town.clock.time += 1800
    where = town.engine.state.courier(who)
    # Fetched and brought before what we know last: the place known last stays.
    early = where.place_at - 600
    heard(town, who, report(new, "p", O.COMPLETED, early), report(new, "d", O.COMPLETED, early))
    after = town.engine.state.courier(who)
    assert (after.place, after.place_at) == (where.place, where.place_at)
    assert order_id in after.on_board


def test_an_outside_company_is_called_off_for_goods_our_courier_has(town: Town) -> None:
    order_id = town.order(at(3, 0))
    town.picked(order_id)
    town.give(c.BookCarriage(order_id, "swift", "job-1", 700, None, "ops:maria", "no courier"))
    rules = heard(town, "cou_ben", report(order_id, "p", O.COMPLETED, NOW))
    assert rules == ["reassigned_meanwhile"]
    carriage = town.engine.state.order(order_id).carriage
    assert carriage is not None
    assert carriage.ended


def test_goods_cancelled_in_a_stranded_bag_and_fetched_unheard_still_go_back(town: Town) -> None:
    order_id, who = fetched(town)
    town.give(c.StrandCourier(who, at(2, 0), "the chain broke", town.clock.now()))
    town.give(c.CancelOrder(order_id, "changed my mind", town.clock.now()))
    other = next(key for key in town.engine.state.couriers if key != who)
    town.clock.time += 600
    rules = heard(town, other, report(order_id, "p", O.COMPLETED, town.clock.now() - 60))
    assert rules == ["implied_commitment"]
    # They were picked once, at their store; at the point nobody picks anything.
    assert names(town, order_id).count("PickCompleted") == 1
    order = town.engine.state.order(order_id)
    assert order.status is OrderStatus.CANCELLED
    assert order.returning
    assert order_id in town.engine.state.courier(other).on_board
