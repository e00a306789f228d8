"""Breaks planned in a shift: known from its beginning, planned around, begun when due."""

from __future__ import annotations

import pytest
from town import NOW, Town, at

from dispatch import commands as c
from dispatch import events as e
from dispatch.apply import apply
from dispatch.codec import LOG, WIRE, event_from_json, event_to_json, to_rfc3339
from dispatch.errors import InvalidValueError
from dispatch.model import Pause
from dispatch.state import State

ENDS = NOW + 4 * 3600
DUE = NOW + 1200
REST = Pause(DUE, DUE + 600, 900)


def alone(pause: Pause | None = REST) -> Town:
    """Return a town where Anna alone is on shift, with a break planned."""
    town = Town()
    town.give(c.EndShift("cou_ben", NOW))
    town.give(c.StartShift("cou_anna", NOW, ENDS, pause))
    return town


def due(town: Town) -> list[e.Event]:
    return [recorded.event for recorded in town.engine.commit_due()]


def test_a_planned_break_begins_by_itself_when_it_is_due_and_ends_by_itself() -> None:
    town = alone()
    assert town.engine.next_commit_at() == DUE
    town.clock.time = DUE - 1
    assert due(town) == []
    town.clock.time = DUE
    assert due(town) == [e.BreakStarted("cou_anna", DUE + 900, DUE)]
    assert town.engine.state.courier("cou_anna").pause is None
    assert town.engine.next_commit_at() == DUE + 900
    town.clock.time = DUE + 900
    assert due(town) == [e.BreakEnded("cou_anna", DUE + 900)]
    assert town.engine.next_commit_at() is None


def test_decisions_know_of_a_break_to_come_from_the_beginning_of_the_shift() -> None:
    town = alone()
    (courier,) = town.engine.snapshot().couriers
    assert courier.pause == REST
    town.clock.time = DUE
    due(town)
    (courier,) = town.engine.snapshot().couriers
    assert (courier.pause, courier.available_at) == (None, DUE + 900)


def test_with_goods_in_the_bag_a_planned_break_waits_until_they_are_delivered() -> None:
    town = alone()
    town.clock.time = DUE - 300
    order_id = town.order(at(5, 0))
    town.picked(order_id)
    courier_id, stop_id = town.wait_for_commitment()
    town.clock.time = DUE + 60
    # At the counter still: nothing is begun, and nobody is asked again and again.
    assert due(town) == []
    assert town.engine.next_commit_at() is None
    town.do(courier_id, stop_id)
    _, stop_id = town.wait_for_commitment()
    town.do(courier_id, stop_id)
    now = town.clock.time
    assert due(town) == [e.BreakStarted(courier_id, now + 900, now)]


def test_nobody_is_told_to_leave_before_a_break_that_comes_first() -> None:
    town = alone()
    town.clock.time = DUE
    order_id = town.order(at(5, 0))
    town.picked(order_id)
    town.engine.replan()
    route = town.engine.state.courier("cou_anna").route
    assert route is not None
    assert route.break_at == DUE
    assert route.leave_at >= DUE + 900
    # Begun by now; it was planned around, so what comes after it stands as it was told.
    begun = town.log.entries[-1].event
    assert begun == e.BreakStarted("cou_anna", DUE + 900, DUE)
    assert town.engine.state.courier("cou_anna").route_version == 1
    town.wait_for_commitment()
    assert town.clock.time >= DUE + 900 - town.policy.departure_lead_s
    kinds = [type(recorded.event) for recorded in town.log.entries]
    assert kinds.index(e.BreakEnded) < kinds.index(e.StopCommitted)


def test_a_break_of_the_courier_s_own_stands_for_the_planned_one() -> None:
    town = alone()
    town.give(c.TakeBreak("cou_anna", 300, NOW))
    assert town.engine.state.courier("cou_anna").pause is None
    town.clock.time = NOW + 300
    assert due(town) == [e.BreakEnded("cou_anna", NOW + 300)]
    assert town.engine.next_commit_at() is None


def test_a_break_asked_for_and_taken_back_leaves_the_planned_one() -> None:
    town = alone()
    order_id = town.order(at(5, 0))
    town.picked(order_id)
    courier_id, _ = town.wait_for_commitment()
    town.give(c.TakeBreak(courier_id, 300, town.clock.time))
    town.give(c.EndBreak(courier_id, town.clock.time))
    assert town.engine.state.courier(courier_id).pause == REST


def test_going_home_takes_the_break_along() -> None:
    town = alone()
    town.give(c.EndShift("cou_anna", NOW))
    assert town.engine.state.courier("cou_anna").pause is None
    assert town.engine.next_commit_at() is None


def test_a_break_that_nobody_looked_after_until_the_shift_was_over_is_none() -> None:
    town = alone()
    town.clock.time = ENDS + 60
    assert due(town) == [e.BreakEnded("cou_anna", ENDS + 60)]
    assert town.engine.state.courier("cou_anna").pause is None
    assert town.engine.next_commit_at() is None


def test_who_cannot_go_on_has_the_break_when_they_can_again() -> None:
    town = alone()
    town.give(c.StrandCourier("cou_anna", at(1, 0), "chain broke", NOW))
    town.clock.time = DUE + 60
    assert due(town) == []
    assert town.engine.next_commit_at() is None
    town.give(c.RecoverCourier("cou_anna", town.clock.time))
    assert due(town) == [e.BreakStarted("cou_anna", DUE + 960, DUE + 60)]


@pytest.mark.parametrize(
    ("pause", "match"),
    [
        (Pause(NOW - 1, NOW, 900), "break.earliest is before starts_at"),
        (Pause(ENDS - 1200, ENDS - 899, 900), "break.latest is so late that the break outlasts"),
    ],
)
def test_a_break_that_the_shift_has_no_room_for_is_refused(pause: Pause, match: str) -> None:
    town = Town()
    with pytest.raises(InvalidValueError, match=match):
        town.give(c.StartShift("cou_anna", NOW, ENDS, pause))
    assert town.give(c.StartShift("cou_anna", NOW, ENDS, Pause(NOW, ENDS - 900, 900)))


def test_a_log_with_breaks_reads_back_and_one_without_still_does() -> None:
    event = e.ShiftStarted("cou_anna", NOW, ENDS, REST)
    assert event_from_json("ShiftStarted", event_to_json(event)) == event
    old = event_to_json(event)
    del old["pause"]
    assert event_from_json("ShiftStarted", old, LOG) == e.ShiftStarted("cou_anna", NOW, ENDS)
    assert event_to_json(event, WIRE)["pause"] == {
        "earliest": to_rfc3339(DUE),
        "latest": to_rfc3339(DUE + 600),
        "duration_s": 900,
    }


def test_the_log_alone_says_what_a_break_made_of_the_day() -> None:
    town = alone()
    town.clock.time = DUE
    due(town)
    town.clock.time = DUE + 900
    due(town)
    state = State("town")
    for recorded in town.log.read(0):
        state = apply(state, recorded)
    assert state == town.engine.state
    assert town.restarted().state == state
