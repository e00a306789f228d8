"""Couriers at rest and at work: breaks, acknowledged routes, and what is done twice."""

from __future__ import annotations

from dataclasses import replace

import pytest
from town import NOW, Town, at

from dispatch import commands as c
from dispatch import events as e
from dispatch.errors import (
    ConflictError,
    InvalidValueError,
    ProofRequiredError,
    StaleVersionError,
    WrongStateError,
)
from dispatch.model import Courier, DeliveryStatus, Mode, StopKind
from dispatch.planning.plan import plan
from dispatch.records import Proof, ProofKind, ScanStep

BREAK_S = 900


def alone(courier_id: str = "cou_anna") -> Town:
    """Return a town where only one courier is on shift."""
    town = Town()
    for other in set(town.engine.state.couriers) - {courier_id}:
        town.give(c.EndShift(other, NOW))
    return town


def carrying(town: Town) -> tuple[str, str]:
    """Let a courier pick an order up; returns courier and order."""
    order_id = town.order(at(5, 0))
    town.picked(order_id)
    courier_id, stop_id = town.wait_for_commitment()
    town.do(courier_id, stop_id)
    return courier_id, order_id


def refused(town: Town, command: c.Command, error: type[Exception], match: str) -> None:
    """Ask for what must be refused, and hold that nothing was recorded."""
    before = town.engine.state
    with pytest.raises(error, match=match):
        town.give(command)
    assert town.engine.state is before


# --- breaks ------------------------------------------------------------------------------------


def test_a_break_begins_at_once_with_nothing_to_do_and_ends_by_itself() -> None:
    town = Town()
    assert town.give(c.TakeBreak("cou_anna", BREAK_S, NOW)) == [
        e.BreakStarted("cou_anna", NOW + BREAK_S, NOW)
    ]
    assert town.engine.next_commit_at() == NOW + BREAK_S
    town.clock.time = NOW + BREAK_S - 1
    assert town.engine.commit_due() == ()
    town.clock.time = NOW + BREAK_S + 20
    ended = [recorded.event for recorded in town.engine.commit_due()]
    assert ended == [e.BreakEnded("cou_anna", NOW + BREAK_S)]
    assert town.engine.next_commit_at() is None


def test_on_a_break_nothing_is_to_be_picked_up_before_its_end() -> None:
    town = alone()
    town.give(c.TakeBreak("cou_anna", BREAK_S, NOW))
    order_id = town.order(at(5, 0))
    town.picked(order_id)
    town.engine.replan()
    route = town.engine.state.courier("cou_anna").route
    assert route is not None
    assert route.visits[0].stop.order_id == order_id
    # One block to the store; not left for before the break is over.
    assert route.visits[0].begin_at >= NOW + BREAK_S + 30
    town.wait_for_commitment()
    assert town.clock.time >= NOW + BREAK_S
    kinds = [type(recorded.event) for recorded in town.log.entries]
    assert kinds.index(e.BreakEnded) < kinds.index(e.StopCommitted)


def test_with_goods_in_the_bag_a_break_waits_until_they_are_delivered() -> None:
    town = alone()
    courier_id, order_id = carrying(town)
    second = town.order(at(5, 0))
    assert town.give(c.TakeBreak(courier_id, BREAK_S, town.clock.time)) == [
        e.BreakWanted(courier_id, BREAK_S, town.clock.time)
    ]
    town.picked(second)
    town.engine.replan()
    route = town.engine.state.courier(courier_id).route
    assert route is not None
    assert {visit.stop.order_id for visit in route.visits} == {order_id}
    _, stop_id = town.wait_for_commitment()
    town.do(courier_id, stop_id)
    begun = [recorded.event for recorded in town.engine.commit_due()]
    now = town.clock.time
    assert begun == [e.BreakStarted(courier_id, now + BREAK_S, now)]
    town.wait_for_commitment()
    assert town.clock.time >= now + BREAK_S
    assert town.engine.state.order(second).courier_id == courier_id


def test_what_was_only_planned_is_not_told_to_who_wants_a_break() -> None:
    town = alone()
    courier_id, order_id = carrying(town)
    later = town.order(at(5, 0))
    town.engine.replan()
    courier = town.engine.state.courier(courier_id)
    assert courier.commitment is None
    assert courier.route is not None
    assert later in {visit.stop.order_id for visit in courier.route.visits}
    town.give(c.TakeBreak(courier_id, BREAK_S, town.clock.time))
    town.clock.time += 600
    town.engine.commit_due()
    told = town.engine.state.courier(courier_id).commitment
    assert told is not None
    assert (told.stop.kind, told.stop.order_id) == (StopKind.DROPOFF, order_id)


def test_a_plan_made_before_the_break_was_wanted_tells_nothing_new() -> None:
    town = alone()
    order_id = town.order(at(5, 0))
    town.picked(order_id)
    carried = town.wait_for_commitment()
    second = town.order(at(5, 0))
    town.picked(second)
    made_for = town.engine.snapshot()
    late = plan(made_for)
    town.give(c.TakeBreak("cou_anna", BREAK_S, town.clock.time))
    town.engine.publish(late, made_for, solve_ms=1.0)
    route = town.engine.state.courier("cou_anna").route
    assert route is not None
    assert second in {visit.stop.order_id for visit in route.visits}
    town.do(*carried)
    town.engine.commit_due()
    assert town.engine.state.courier("cou_anna").commitment is None
    town.wait_for_commitment()
    commitment = town.engine.state.courier("cou_anna").commitment
    assert commitment is not None
    assert (commitment.stop.kind, commitment.stop.order_id) == (StopKind.DROPOFF, order_id)


def test_a_break_that_had_to_wait_is_cut_at_the_shift_s_end() -> None:
    town = Town()
    courier_id, _ = carrying(town)
    town.give(c.TakeBreak(courier_id, BREAK_S, town.clock.time))
    _, stop_id = town.wait_for_commitment()
    town.clock.time = NOW + 4 * 3600 - 60
    town.do(courier_id, stop_id)
    begun = [recorded.event for recorded in town.engine.commit_due()]
    assert begun == [e.BreakStarted(courier_id, NOW + 4 * 3600, town.clock.time)]


def test_a_break_that_had_to_wait_past_the_shift_is_none() -> None:
    town = Town()
    courier_id, _ = carrying(town)
    town.give(c.TakeBreak(courier_id, BREAK_S, town.clock.time))
    _, stop_id = town.wait_for_commitment()
    town.clock.time = NOW + 5 * 3600
    town.do(courier_id, stop_id)
    assert [r.event for r in town.engine.commit_due()] == [
        e.BreakEnded(courier_id, town.clock.time)
    ]
    assert town.engine.next_commit_at() is None


def test_a_break_ends_early_or_is_done_without() -> None:
    town = Town()
    town.give(c.TakeBreak("cou_anna", BREAK_S, NOW))
    town.clock.time += 60
    assert town.give(c.EndBreak("cou_anna", NOW + 60)) == [e.BreakEnded("cou_anna", NOW + 60)]
    courier_id, _ = carrying(town)
    town.give(c.TakeBreak(courier_id, BREAK_S, town.clock.time))
    town.give(c.EndBreak(courier_id, town.clock.time))
    assert town.engine.state.courier(courier_id).break_wanted_s is None
    refused(town, c.EndBreak(courier_id, town.clock.time), WrongStateError, "allowed: break")


def test_breaks_that_cannot_be_are_refused() -> None:
    town = alone()
    refused(town, c.TakeBreak("cou_ben", BREAK_S, NOW), WrongStateError, "off_shift")
    refused(town, c.TakeBreak("cou_anna", 5 * 3600, NOW), ConflictError, "3600 s after the shift")
    refused(town, c.TakeBreak("cou_anna", 0, NOW), InvalidValueError, "duration_s")
    town.give(c.TakeBreak("cou_anna", BREAK_S, NOW))
    refused(town, c.TakeBreak("cou_anna", BREAK_S, NOW), WrongStateError, "on_break")


def test_going_home_ends_the_break() -> None:
    town = Town()
    town.give(c.TakeBreak("cou_anna", BREAK_S, NOW))
    ended = town.give(c.EndShift("cou_anna", NOW + 60))
    assert ended == [e.BreakEnded("cou_anna", NOW + 60), e.ShiftEnded("cou_anna", NOW + 60)]


def test_whoever_rests_is_sent_to_no_standby() -> None:
    town = Town()
    for command in (
        c.TakeBreak("cou_anna", BREAK_S, NOW),
        c.StrandCourier("cou_ben", at(19, 0), "chain broke", NOW),
    ):
        town.give(command)
    state = town.engine.state
    assert state.courier("cou_anna").rests
    assert state.courier("cou_ben").rests


# --- who they are ------------------------------------------------------------------------------


def test_a_phone_number_belongs_to_one_courier() -> None:
    town = Town()
    anna = Courier("cou_anna", "anna", Mode.BIKE, at(1, 0), phone="+358401234567")
    assert town.give(c.RegisterCourier(anna)) == [e.CourierRegistered(anna)]
    assert town.give(c.RegisterCourier(anna)) == []
    ben = Courier("cou_ben", "ben", Mode.BIKE, at(19, 0), phone=anna.phone)
    refused(town, c.RegisterCourier(ben), ConflictError, "belongs to courier cou_anna")


def test_the_mode_changes_at_rest_only() -> None:
    town = Town()
    courier_id, _ = carrying(town)
    on_foot = replace(town.engine.state.courier(courier_id).courier, mode=Mode.WALK)
    refused(town, c.RegisterCourier(on_foot), ConflictError, "change the mode at rest")
    _, stop_id = town.wait_for_commitment()
    town.do(courier_id, stop_id)
    assert town.give(c.RegisterCourier(on_foot)) == [e.CourierRegistered(on_foot)]


# --- the route is seen -------------------------------------------------------------------------


def test_a_route_is_acknowledged_once_at_its_present_version() -> None:
    town = Town()
    courier_id, _ = carrying(town)
    now = town.clock.time
    version = town.engine.state.courier(courier_id).route_version
    assert version > 0
    seen = c.AcknowledgeRoute(courier_id, version, now)
    assert town.give(seen) == [e.RouteAcknowledged(courier_id, version, now)]
    assert town.give(seen) == []
    newer = c.AcknowledgeRoute(courier_id, version + 1, now)
    refused(town, newer, InvalidValueError, f"the newest is {version}")
    with pytest.raises(StaleVersionError, match=f"is at version {version} now") as stale:
        town.give(c.AcknowledgeRoute(courier_id, version - 1, now))
    assert stale.value.present == version


# --- stops done twice --------------------------------------------------------------------------


def test_what_was_done_already_is_no_news_and_nothing_else_can_be_done() -> None:
    town = alone()
    order_id = town.order(at(5, 0))
    town.picked(order_id)
    courier_id, pickup = town.wait_for_commitment()
    town.do(courier_id, pickup)
    now = town.clock.time
    assert town.give(c.CompleteStop(courier_id, pickup, now)) == []
    assert town.give(c.ArriveAtStop(courier_id, pickup, now)) == []
    refused(town, c.DeclineStop(courier_id, pickup, "no", now), WrongStateError, "is completed")
    refused(town, c.CompleteStop("cou_ben", pickup, now), ConflictError, "was not told")
    _, door = town.wait_for_commitment()
    town.do(courier_id, door)
    assert town.give(c.CompleteStop(courier_id, door, now)) == []
    refused(town, c.FailStop(courier_id, door, "no", now), WrongStateError, "is completed")


def test_a_delivery_that_failed_already_cannot_be_completed() -> None:
    town = alone()
    courier_id, _ = carrying(town)
    _, door = town.wait_for_commitment()
    now = town.clock.time
    town.give(c.FailStop(courier_id, door, "nobody home", now))
    assert town.give(c.FailStop(courier_id, door, "nobody home", now)) == []
    refused(town, c.CompleteStop(courier_id, door, now), WrongStateError, "is failed")


# --- proof -------------------------------------------------------------------------------------


def at_the_door(**wants: object) -> tuple[Town, str, str, str]:
    """Return a town where a courier is told to deliver an order that asks for proof."""
    town = alone()
    courier_id, order_id = carrying(town)
    known = town.engine.state.order(order_id)
    # The rules that take such orders are another subject's.
    asked = replace(known, order=replace(known.order, **wants))  # type: ignore[arg-type]
    orders = {**town.engine.state.orders, order_id: asked}
    town.engine._state = replace(town.engine.state, orders=orders)
    _, stop_id = town.wait_for_commitment()
    return town, courier_id, order_id, stop_id


def test_without_the_proof_it_asks_for_an_order_is_not_left() -> None:
    town, courier_id, order_id, stop_id = at_the_door(pin_required=True, age_limit=18)
    now = town.clock.time
    before = town.engine.state
    with pytest.raises(ProofRequiredError) as lacking:
        town.give(c.CompleteStop(courier_id, stop_id, now, (Proof(ProofKind.NOTE, "ok"),)))
    assert lacking.value.required == ("pin", "age")
    assert town.engine.state is before
    proofs = (Proof(ProofKind.PIN), Proof(ProofKind.AGE, "passport"))
    done = town.give(c.CompleteStop(courier_id, stop_id, now, proofs))
    assert [type(event) for event in done] == [
        e.StopArrived,
        e.ProofTaken,
        e.ProofTaken,
        e.OrderDelivered,
    ]
    kept = town.engine.state.order(order_id).proofs
    assert [(proof.kind, proof.detail, proof.taken_at) for _, proof in kept] == [
        (ProofKind.PIN, "", now),
        (ProofKind.AGE, "passport", now),
    ]


def test_a_failed_delivery_is_proved_as_well() -> None:
    town, courier_id, order_id, stop_id = at_the_door(pin_required=True)
    photo = Proof(ProofKind.PHOTO, blob_id="blb_door")
    failed = town.give(c.FailStop(courier_id, stop_id, "no answer", town.clock.time, (photo,)))
    kinds = [type(event) for event in failed]
    assert kinds == [e.StopArrived, e.ProofTaken, e.DeliveryFailed]
    assert town.engine.state.order(order_id).tries == 1


def test_a_scanned_parcel_is_a_link_of_its_chain_of_custody() -> None:
    town = alone()
    order_id = town.order(at(5, 0))
    town.picked(order_id)
    courier_id, pickup = town.wait_for_commitment()
    parcel_id = town.engine.state.order(order_id).parcel_id
    code = (Proof(ProofKind.QR, parcel_id), Proof(ProofKind.QR, parcel_id))
    town.give(c.CompleteStop(courier_id, pickup, town.clock.time, code))
    _, door = town.wait_for_commitment()
    town.give(c.CompleteStop(courier_id, door, town.clock.time, code[:1]))
    scans = town.engine.state.order(order_id).scans
    assert [(scan.parcel_id, scan.step, scan.by) for scan in scans] == [
        (parcel_id, ScanStep.HANDOVER, courier_id),
        (parcel_id, ScanStep.DOOR, courier_id),
    ]


# --- a second try ------------------------------------------------------------------------------


def test_a_second_try_brings_the_goods_to_the_door_again() -> None:
    town = alone()
    courier_id, order_id = carrying(town)
    _, door = town.wait_for_commitment()
    town.give(c.FailStop(courier_id, door, "nobody home", town.clock.time))
    town.wait_for_commitment()
    assert town.engine.state.order(order_id).delivery is DeliveryStatus.RETURNING
    again = c.RetryDelivery(order_id, "ops:maria", "they called", town.clock.time)
    action, *granted = town.give(again)
    assert isinstance(action, e.ActionTaken)
    assert (action.action.kind, action.action.owner) == ("RetryDelivery", "ops:maria")
    assert granted == [
        e.StopReleased(courier_id, order_id, "they called"),
        e.RetryGranted(order_id, "ops:maria", "they called", town.clock.time),
    ]
    told, stop_id = town.wait_for_commitment()
    assert (told, stop_id) == (courier_id, door)
    town.do(courier_id, door)
    assert town.engine.state.order(order_id).delivery is DeliveryStatus.DELIVERED


def test_a_third_try_is_the_last() -> None:
    town = alone()
    courier_id, order_id = carrying(town)
    for number in (1, 2, 3):
        _, door = town.wait_for_commitment()
        town.give(c.FailStop(courier_id, door, "nobody home", town.clock.time))
        again = c.RetryDelivery(order_id, "ops:maria", "they called", town.clock.time)
        assert town.engine.state.order(order_id).tries == number
        if number < 3:
            town.give(again)
    refused(town, again, ConflictError, "tried 3 times, which is the most")


def test_a_second_try_is_for_failed_goods_in_a_bag_only() -> None:
    town = alone()
    courier_id, order_id = carrying(town)
    again = c.RetryDelivery(order_id, "ops:maria", "they called", town.clock.time)
    refused(town, again, WrongStateError, "allowed: failed")
    _, door = town.wait_for_commitment()
    town.give(c.FailStop(courier_id, door, "nobody home", town.clock.time))
    _, back = town.wait_for_commitment()
    town.give(c.ArriveAtStop(courier_id, back, town.clock.time))
    again = replace(again, occurred_at=town.clock.time)
    refused(town, again, WrongStateError, "back at the store")
    town.give(c.CompleteStop(courier_id, back, town.clock.time))
    refused(town, again, WrongStateError, "is returned")


def test_a_cancelled_order_is_not_tried_again() -> None:
    town = alone()
    courier_id, order_id = carrying(town)
    town.give(c.CancelOrder(order_id, "changed my mind", town.clock.time))
    again = c.RetryDelivery(order_id, "ops:maria", "they called", town.clock.time)
    refused(town, again, WrongStateError, "is cancelled")
    assert order_id in town.engine.state.courier(courier_id).on_board
