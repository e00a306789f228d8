"""Offers: a courier is asked, and only a yes binds them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from town import NOW, Town, at

from dispatch import commands as c
from dispatch import events as e
from dispatch.errors import ConflictError, OfferExpiredError, WrongStateError
from dispatch.model import DeliveryStatus, StopKind


def asked(*, both: bool = False) -> Town:
    """Return a town whose couriers take offers; only Anna is on shift unless both are."""
    town = Town()
    for courier_id, known in town.engine.state.couriers.items():
        town.give(c.RegisterCourier(replace(known.courier, takes_offers=True)))
        if courier_id == "cou_ben" and not both:
            town.give(c.EndShift(courier_id, NOW))
    return town


def offered(town: Town) -> tuple[str, str, str]:
    """Let an order be offered; returns order, courier and stop."""
    order_id = town.order(at(5, 0))
    town.picked(order_id)
    courier_id, stop_id = town.wait_for_commitment()
    return order_id, courier_id, stop_id


def test_a_courier_who_takes_offers_is_asked_in_time_to_answer() -> None:
    town = asked()
    order_id = town.order(at(5, 0))
    town.engine.replan()
    # Picked in 145 s, one block (30 s) away: told 30 s ahead of leaving, asked 45 s before that.
    assert town.engine.next_commit_at() == NOW + 145 - 30 - 30 - 45
    town.clock.time = NOW + 40
    (made,) = (recorded.event for recorded in town.engine.commit_due())
    assert isinstance(made, e.OfferMade)
    assert (made.courier_id, made.stop.kind) == ("cou_anna", StopKind.PICKUP)
    assert (made.expected_at, made.expires_at) == (NOW + 145, NOW + 40 + 45)
    order = town.engine.state.order(order_id)
    assert (order.delivery, order.courier_id) == (DeliveryStatus.OFFERED, "cou_anna")


def test_a_yes_is_a_commitment_in_one_breath() -> None:
    town = asked()
    order_id, courier_id, stop_id = offered(town)
    town.clock.time += 20
    now = town.clock.time
    said = town.give(c.AcceptOffer(courier_id, stop_id, now))
    assert [type(event) for event in said] == [e.OfferAccepted, e.StopCommitted]
    told = said[1]
    assert isinstance(told, e.StopCommitted)
    # One block away: nobody is there sooner than 30 s from now.
    assert told.expected_at >= now + 30
    assert town.engine.state.order(order_id).delivery is DeliveryStatus.ENROUTE_TO_PICKUP
    assert town.give(c.AcceptOffer(courier_id, stop_id, now)) == []
    town.do(courier_id, stop_id)
    assert town.engine.state.order(order_id).on_board


def test_while_it_thinks_a_courier_is_bound_and_gets_no_second_offer() -> None:
    town = asked(both=True)
    order_id, courier_id, _ = offered(town)
    second = town.order(at(5, 0))
    town.picked(second)
    for _ in range(3):
        town.clock.time += 10
        made = [r.event for r in town.engine.replan() if isinstance(r.event, e.OfferMade)]
        assert all(event.courier_id != courier_id for event in made)
        plan = town.engine.state.plan
        assert plan is not None
        assert plan.violations == ()
        assert plan.dropped == ()
    route = town.engine.state.courier(courier_id).route
    assert route is not None
    assert route.visits[0].stop.order_id == order_id
    # Nobody leaves before they have said yes.
    assert route.leave_at >= town.clock.time


def test_silence_is_a_no_and_the_same_order_never_comes_again() -> None:
    town = asked(both=True)
    order_id, courier_id, stop_id = offered(town)
    commitment = town.engine.state.courier(courier_id).commitment
    assert commitment is not None
    until = commitment.offered_until
    assert until is not None
    assert town.engine.next_commit_at() == until
    town.clock.time = until
    with pytest.raises(OfferExpiredError, match="the time to answer is over"):
        town.give(c.AcceptOffer(courier_id, stop_id, until - 1))
    lapsed = [recorded.event for recorded in town.engine.commit_due()]
    assert e.OfferLapsed(courier_id, order_id, until) in lapsed
    assert town.engine.state.order(order_id).declined_by == {courier_id}
    with pytest.raises(OfferExpiredError, match="not offered to courier"):
        town.give(c.AcceptOffer(courier_id, stop_id, until - 1))
    other, again = town.wait_for_commitment()
    assert (other != courier_id, again) == (True, stop_id)
    town.clock.time += 60
    for _ in range(20):
        town.engine.replan()
        town.clock.time += 30
    made = [r.event for r in town.log.entries if isinstance(r.event, e.OfferMade)]
    # Each was asked once; then there is nobody left to ask.
    assert [event.courier_id for event in made] == [courier_id, other]
    assert town.engine.state.order(order_id).delivery is DeliveryStatus.CONFIRMED


def test_a_no_with_its_reason_frees_the_order_for_others() -> None:
    town = asked(both=True)
    order_id, courier_id, stop_id = offered(town)
    now = town.clock.time
    assert town.give(c.DeclineStop(courier_id, stop_id, "too far", now)) == [
        e.StopDeclined(courier_id, order_id, "too far", now)
    ]
    assert town.give(c.DeclineStop(courier_id, stop_id, "too far", now)) == []
    assert town.engine.state.courier(courier_id).commitment is None
    other, _ = town.wait_for_commitment()
    assert other != courier_id


def test_nothing_is_done_at_a_stop_that_is_only_offered() -> None:
    town = asked()
    _, courier_id, stop_id = offered(town)
    now = town.clock.time
    for command in (
        c.ArriveAtStop(courier_id, stop_id, now),
        c.CompleteStop(courier_id, stop_id, now),
        c.FailStop(courier_id, stop_id, "no", now),
    ):
        with pytest.raises(WrongStateError) as wrong:
            town.give(command)
        assert (wrong.value.state, wrong.value.allowed) == ("offered", ("accept", "decline"))


def test_a_cancelled_order_takes_its_offer_back() -> None:
    town = asked()
    order_id, courier_id, stop_id = offered(town)
    events = town.give(c.CancelOrder(order_id, "changed my mind", town.clock.time))
    assert [type(event) for event in events] == [e.StopReleased, e.OrderCancelled]
    assert town.engine.state.courier(courier_id).commitment is None
    with pytest.raises(OfferExpiredError, match="its order is cancelled"):
        town.give(c.AcceptOffer(courier_id, stop_id, town.clock.time))
    town.clock.time += 600
    assert not any(isinstance(r.event, e.OfferLapsed) for r in town.engine.commit_due())


def test_what_was_never_offered_cannot_be_accepted() -> None:
    town = asked(both=True)
    _, courier_id, stop_id = offered(town)
    other = ({"cou_anna", "cou_ben"} - {courier_id}).pop()
    with pytest.raises(ConflictError, match=f"is not offered to courier {other}"):
        town.give(c.AcceptOffer(other, stop_id, town.clock.time))
    with pytest.raises(ConflictError, match="is not offered"):
        town.give(c.AcceptOffer(courier_id, "stp_none_p", town.clock.time))


def test_drop_offs_are_told_not_offered() -> None:
    town = asked()
    _, courier_id, stop_id = offered(town)
    town.give(c.AcceptOffer(courier_id, stop_id, town.clock.time))
    town.do(courier_id, stop_id)
    _, door = town.wait_for_commitment()
    commitment = town.engine.state.courier(courier_id).commitment
    assert commitment is not None
    assert (commitment.stop.stop_id, commitment.offered_until) == (door, None)


def test_whoever_wants_a_break_may_still_answer_and_rests_after() -> None:
    town = asked()
    _, courier_id, stop_id = offered(town)
    now = town.clock.time
    assert town.give(c.TakeBreak(courier_id, 600, now)) == [e.BreakWanted(courier_id, 600, now)]
    town.give(c.DeclineStop(courier_id, stop_id, "a break", now))
    assert [r.event for r in town.engine.commit_due()] == [
        e.BreakStarted(courier_id, now + 600, now)
    ]
