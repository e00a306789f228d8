"""Surge controls: what they refuse, when they end, and what they would have done."""

from __future__ import annotations

from dataclasses import replace

import pytest
from town import BLOCK_S, NOW, Town, at

from dispatch import commands as c
from dispatch import events as e
from dispatch.errors import InvalidValueError, RefusedError
from dispatch.model import OrderLine, Promise, Quote, Reason
from dispatch.records import ControlKind

MINUTE_S = 60
HOUR_S = 3600


def asked(kind: ControlKind, value: int, *store_ids: str, for_s: int = HOUR_S) -> c.SetControl:
    return c.SetControl(kind, value, store_ids, "ops:maria", "rain", NOW + for_s)


def put(town: Town, kind: ControlKind, value: int, *store_ids: str) -> e.ControlSet:
    taken, placed = town.give(asked(kind, value, *store_ids))
    assert isinstance(taken, e.ActionTaken)
    assert isinstance(placed, e.ControlSet)
    assert taken.action.subject == placed.control.control_id
    return placed


def ordered(town: Town, x: int, basket_cents: int = 1000) -> e.Event:
    """Order milk to a door x blocks east; returns the order or the refusal."""
    events = town.give(
        c.PlaceOrder(
            door=at(x, 0),
            address=f"Block {x}",
            lines=(OrderLine("milk", 1),),
            weight_g=1000,
            occurred_at=town.clock.now(),
            basket_cents=basket_cents,
        )
    )
    return events[0]


def quoted(town: Town, x: int, basket_cents: int | None = None) -> Quote:
    return town.engine.quote(
        c.RequestQuote(at(x, 0), f"Block {x}", (OrderLine("milk", 1),), 1000, 0, None, basket_cents)
    )


def test_a_smaller_radius_refuses_doors_beyond_it_and_no_others() -> None:
    town = Town()
    put(town, ControlKind.RADIUS, 5 * BLOCK_S)
    assert isinstance(ordered(town, 5), e.OrderReceived)
    refused = ordered(town, 10)
    assert isinstance(refused, e.OrderRefused)
    assert refused.reason == Reason.OUTSIDE_RADIUS
    assert "delivers up to 3 min" in refused.detail


def test_a_wider_radius_than_the_store_s_own_changes_nothing() -> None:
    town = Town()
    before = quoted(town, 10)
    put(town, ControlKind.RADIUS, 7200)
    assert quoted(town, 10).promise == before.promise


def test_a_radius_for_one_store_leaves_the_other_one_as_it_is() -> None:
    town = Town()
    assert quoted(town, 9).store_id == "sto_west"
    put(town, ControlKind.RADIUS, 5 * BLOCK_S, "sto_west")
    assert quoted(town, 9).store_id == "sto_east"


def test_promises_end_later_by_what_the_control_says() -> None:
    town = Town()
    before = quoted(town, 3).promise
    put(town, ControlKind.PROMISE, 10 * MINUTE_S)
    later = quoted(town, 3).promise
    assert later == Promise(before.earliest + 600, before.latest + 600, NOW)


def test_promises_of_one_store_end_later() -> None:
    town = Town()
    west, east = quoted(town, 3), quoted(town, 18)
    assert (west.store_id, east.store_id) == ("sto_west", "sto_east")
    put(town, ControlKind.PROMISE, 10 * MINUTE_S, "sto_west")
    assert quoted(town, 3).promise.latest == west.promise.latest + 600
    assert quoted(town, 18).promise == east.promise


def test_of_two_later_promises_the_latest_counts() -> None:
    town = Town()
    before = quoted(town, 3).promise.latest
    put(town, ControlKind.PROMISE, 10 * MINUTE_S)
    put(town, ControlKind.PROMISE, 15 * MINUTE_S, "sto_west")
    assert quoted(town, 3).promise.latest == before + 900


def test_a_later_promise_may_end_later_than_the_policy_s_most() -> None:
    town = Town(replace(Town().policy, promise_max_s=1500))
    assert isinstance(ordered(town, 3), e.OrderReceived)
    put(town, ControlKind.PROMISE, 30 * MINUTE_S)
    received = ordered(town, 3)
    assert isinstance(received, e.OrderReceived)
    assert received.promise.latest > NOW + 1500


def test_small_baskets_are_refused_and_unknown_ones_are_not() -> None:
    town = Town()
    put(town, ControlKind.MINIMUM_BASKET, 2000)
    refused = ordered(town, 3, basket_cents=1999)
    assert isinstance(refused, e.OrderRefused)
    assert refused.reason == Reason.BELOW_MINIMUM_BASKET
    assert "worth 19.99; for now it must be 20.00 or more (rain)" in refused.detail
    assert isinstance(ordered(town, 3, basket_cents=2000), e.OrderReceived)
    assert isinstance(ordered(town, 3, basket_cents=0), e.OrderReceived)
    quoted(town, 3)


def test_a_minimum_at_one_store_sends_small_baskets_to_the_other() -> None:
    town = Town()
    put(town, ControlKind.MINIMUM_BASKET, 2000, "sto_west")
    small = ordered(town, 9, basket_cents=500)
    assert isinstance(small, e.OrderReceived)
    assert small.store_id == "sto_east"
    put(town, ControlKind.MINIMUM_BASKET, 2000, "sto_east")
    refused = ordered(town, 9, basket_cents=500)
    assert isinstance(refused, e.OrderRefused)
    assert refused.reason == Reason.BELOW_MINIMUM_BASKET


def test_a_throttle_counts_the_orders_of_any_ten_minutes() -> None:
    town = Town()
    put(town, ControlKind.THROTTLE, 2)
    assert isinstance(ordered(town, 3), e.OrderReceived)
    town.clock.time += 300
    cancelled = ordered(town, 4)
    assert isinstance(cancelled, e.OrderReceived)
    # A cancelled order was taken all the same.
    town.give(c.CancelOrder(cancelled.order.order_id, "changed mind", town.clock.now()))
    refused = ordered(town, 5)
    assert isinstance(refused, e.OrderRefused)
    assert refused.reason == Reason.THROTTLED
    assert "2 orders were taken in the last 10 minutes" in refused.detail
    with pytest.raises(RefusedError, match="2 are the most"):
        quoted(town, 5)
    town.clock.time = NOW + 600
    assert isinstance(ordered(town, 5), e.OrderReceived)


def test_a_throttled_store_takes_no_more_while_the_other_does() -> None:
    town = Town()
    put(town, ControlKind.THROTTLE, 1, "sto_west")
    stores = [event.store_id for event in (ordered(town, 9), ordered(town, 9)) if is_taken(event)]
    assert stores == ["sto_west", "sto_east"]


def is_taken(event: e.Event) -> bool:
    return isinstance(event, e.OrderReceived)


def test_the_reason_is_the_control_s_only_where_it_is_the_control() -> None:
    town = Town()
    put(town, ControlKind.THROTTLE, 0, "sto_west")
    town.give(c.SetStock("sto_east", {"milk": 0}))
    refused = ordered(town, 3)
    assert isinstance(refused, e.OrderRefused)
    assert refused.reason == Reason.THROTTLED
    town.give(c.SetStock("sto_west", {"milk": 0}))
    refused = ordered(town, 3)
    assert isinstance(refused, e.OrderRefused)
    assert refused.reason == Reason.NO_STOCK


def test_a_control_ends_by_itself_or_by_a_person() -> None:
    town = Town()
    first = put(town, ControlKind.THROTTLE, 0).control
    second = put(town, ControlKind.RADIUS, 30).control
    ended = town.give(c.EndControl(second.control_id, "ops:maria"))
    assert ended[1:] == [e.ControlEnded(second.control_id, "ended by ops:maria")]
    assert town.engine.next_commit_at() == NOW + HOUR_S
    town.clock.time = NOW + HOUR_S
    # Even before anybody noted its end it is over.
    assert is_taken(ordered(town, 3))
    recorded = [r.event for r in town.engine.commit_due()]
    assert e.ControlEnded(first.control_id, "its time is over") in recorded
    assert town.engine.state.controls == {}


def test_a_control_is_taken_back_and_put_back() -> None:
    town = Town()
    taken, placed = town.give(asked(ControlKind.THROTTLE, 0))
    assert isinstance(taken, e.ActionTaken)
    assert isinstance(placed, e.ControlSet)
    key = placed.control.control_id
    undone = town.give(c.UndoAction(taken.action.action_id, "ops:jussi"))
    assert undone[1:] == [e.ControlEnded(key, "taken back")]
    put(town, ControlKind.THROTTLE, 0)
    (key,) = town.engine.state.controls
    ended = town.give(c.EndControl(key, "ops:maria"))[0]
    assert isinstance(ended, e.ActionTaken)
    again = town.give(c.UndoAction(ended.action.action_id, "ops:jussi"))
    assert isinstance(again[1], e.ControlSet)
    assert set(town.engine.state.controls) == {key}


@pytest.mark.parametrize(
    ("command", "problem"),
    [
        (asked(ControlKind.RADIUS, 0), "value is 0; seconds of the longest way"),
        (asked(ControlKind.PROMISE, 7201), "value is 7201"),
        (asked(ControlKind.THROTTLE, -1), "value is -1; orders in any ten minutes"),
        (asked(ControlKind.MINIMUM_BASKET, 0), "value is 0; cents"),
        (asked(ControlKind.RADIUS, 60, "sto_none"), r"store_ids\.0 sto_none names no store"),
        (asked(ControlKind.RADIUS, 60, for_s=0), "expires_at is past"),
        (asked(ControlKind.RADIUS, 60, for_s=25 * HOUR_S), "more than 24 h ahead"),
    ],
)
def test_a_control_that_cannot_be_is_refused(command: c.SetControl, problem: str) -> None:
    town = Town()
    seq = town.engine.state.seq
    with pytest.raises(InvalidValueError, match=problem):
        town.give(command)
    with pytest.raises(InvalidValueError, match=problem):
        town.engine.preview(command)
    assert town.engine.state.seq == seq


# --- before it is put in force -----------------------------------------------------------------


def an_hour(town: Town) -> dict[int, str]:
    """Order four times within half an hour; returns the ids by the blocks east of the door."""
    found = {}
    for x, basket_cents in ((9, 0), (1, 800), (2, 2500), (18, 1200)):
        event = ordered(town, x, basket_cents)
        assert isinstance(event, e.OrderReceived)
        found[x] = event.order.order_id
        town.clock.time += 10 * MINUTE_S
    return found


def test_a_preview_changes_nothing_and_says_from_how_many_orders() -> None:
    town = Town()
    an_hour(town)
    seq = town.engine.state.seq
    found = town.engine.preview(asked(ControlKind.MINIMUM_BASKET, 1000))
    assert town.engine.state.seq == seq
    assert (found.orders, found.open_orders, found.unstated) == (4, 4, 1)
    assert found.until - found.since == HOUR_S


def test_a_minimum_would_have_turned_away_the_small_baskets() -> None:
    town = Town()
    small = an_hour(town)[1]
    found = town.engine.preview(asked(ControlKind.MINIMUM_BASKET, 1000))
    (away,) = found.turned_away
    assert (away.order_id, away.reason, away.basket_cents) == (
        small,
        Reason.BELOW_MINIMUM_BASKET,
        800,
    )
    assert (found.lost, found.lost_basket_cents) == (1, 800)
    assert [(s.store_id, s.orders, s.turned_away) for s in found.stores] == [
        ("sto_east", 1, 0),
        ("sto_west", 3, 1),
    ]


def test_a_radius_would_have_turned_away_the_far_doors() -> None:
    town = Town()
    far = an_hour(town)[9]
    found = town.engine.preview(asked(ControlKind.RADIUS, 5 * BLOCK_S))
    (away,) = found.turned_away
    # 9 blocks from one store, 11 from the other; 18 is 2 from the other.
    assert (away.order_id, away.elsewhere) == (far, False)
    assert "Ways are as long as they are now" in " ".join(found.notes)
    one_store = town.engine.preview(asked(ControlKind.RADIUS, 5 * BLOCK_S, "sto_west"))
    (away,) = one_store.turned_away
    assert (away.order_id, away.elsewhere) == (far, True)
    assert (one_store.orders, one_store.lost) == (3, 0)


def test_a_throttle_is_replayed_order_by_order() -> None:
    town = Town()
    ids = []
    for x in (1, 2, 3, 4):
        event = ordered(town, x)
        assert isinstance(event, e.OrderReceived)
        ids.append(event.order.order_id)
        town.clock.time += 4 * MINUTE_S
    # Clicks at 0, 4, 8, 12 min; two in ten minutes: the third is refused, the fourth is not, for
    # by then only the second counts.
    found = town.engine.preview(asked(ControlKind.THROTTLE, 2))
    assert [entry.order_id for entry in found.turned_away] == [ids[2]]


def test_what_came_before_the_hour_counts_against_a_throttle_as_it_was() -> None:
    town = Town()
    ordered(town, 1)
    town.clock.time += 5 * MINUTE_S
    second = ordered(town, 2)
    assert isinstance(second, e.OrderReceived)
    town.clock.time = NOW + HOUR_S + MINUTE_S
    command = replace(asked(ControlKind.THROTTLE, 1), expires_at=town.clock.now() + HOUR_S)
    found = town.engine.preview(command)
    assert found.orders == 1
    assert [entry.order_id for entry in found.turned_away] == [second.order.order_id]


def test_later_promises_would_have_kept_more_of_them() -> None:
    town = Town()
    order_id = ordered(town, 3)
    assert isinstance(order_id, e.OrderReceived)
    key, latest = order_id.order.order_id, order_id.promise.latest
    town.picked(key)
    courier_id, stop_id = town.wait_for_commitment()
    town.do(courier_id, stop_id)
    town.clock.time = latest + 5 * MINUTE_S
    town.engine.replan()
    town.do(courier_id, f"stp_{key.removeprefix('ord_')}_d")
    command = replace(
        asked(ControlKind.PROMISE, 10 * MINUTE_S), expires_at=town.clock.now() + HOUR_S
    )
    found = town.engine.preview(command)
    assert (found.orders, found.promised_later, found.later_s) == (1, 1, 600)
    assert (found.late, found.late_under) == (1, 0)


def test_the_sample_is_the_last_door_asked_for_again() -> None:
    town = Town()
    last = an_hour(town)[18]
    town.clock.time += 1
    found = town.engine.preview(
        replace(asked(ControlKind.PROMISE, 600), expires_at=town.clock.now() + 60)
    )
    assert found.sample is not None
    assert found.sample.order_id == last
    present, under = found.sample.present.promise, found.sample.under.promise
    assert present is not None
    assert under is not None
    assert under.latest == present.latest + 600
    found = town.engine.preview(
        replace(asked(ControlKind.THROTTLE, 0), expires_at=town.clock.now() + 60)
    )
    assert found.sample is not None
    assert found.sample.under.reason is Reason.THROTTLED


def test_without_an_order_there_is_nothing_to_say() -> None:
    found = Town().engine.preview(asked(ControlKind.RADIUS, 60))
    assert (found.orders, found.turned_away, found.sample, found.stores) == (0, (), None, ())
