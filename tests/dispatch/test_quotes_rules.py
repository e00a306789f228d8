"""Quotes with windows, collection, and orders that cite a quote."""

from __future__ import annotations

from typing import Any

import pytest
from ordering import (
    COUNTER_S,
    DOOR_S,
    HOUR_S,
    PICK_S,
    asked,
    names,
    order_of,
    placed,
    set_stock,
    windows,
)
from town import BLOCK_S, NOW, Town, at

from dispatch import commands as c
from dispatch import events as e
from dispatch.errors import InvalidValueError, RefusedError
from dispatch.model import (
    DeliveryStatus,
    Fare,
    Fulfilment,
    OrderLine,
    Policy,
    Promise,
    Reason,
)

# --- quotes ------------------------------------------------------------------------------------


def test_a_quote_has_a_price_for_each_window_and_a_reason_for_each_that_is_none() -> None:
    town = Town()
    quote = town.engine.quote(asked(town))
    # Picked, fetched, 5 blocks, at the door: 145 + 60 + 150 + 120 s.
    assert quote.eta == NOW + PICK_S + COUNTER_S + 5 * BLOCK_S + DOOR_S == NOW + 475
    # 500 m: one started kilometre.
    assert quote.fare == Fare(290, 60, 0, 0)
    assert quote.fare_cents == 350
    # The shifts end four hours from now, as the last slot begins.
    assert windows(quote) == {
        "15m": 350 + 300,
        "30m": 350 + 150,
        "60m": 350,
        f"slot-{NOW + HOUR_S}": 350 - 100,
        f"slot-{NOW + 2 * HOUR_S}": 350 - 100,
        f"slot-{NOW + 3 * HOUR_S}": 350 - 100,
        f"slot-{NOW + 4 * HOUR_S}": Reason.NO_COURIER_ON_SHIFT,
    }
    fifteen = quote.window("15m")
    assert fifteen is not None
    assert fifteen.promise == Promise(NOW, NOW + 900, NOW)


def test_a_third_of_a_near_window_is_kept_for_what_the_forecast_gets_wrong() -> None:
    # A third of 15 min are 5: what comes within 10 min is promised, what takes 625 s is not.
    town = Town()
    near = town.engine.quote(asked(town, door=at(9, 0)))
    assert near.eta == NOW + 475 + 4 * BLOCK_S == NOW + 595
    assert windows(near)["15m"] == 350 + 300
    far = town.engine.quote(asked(town, door=at(9, 1)))
    assert far.eta == NOW + 625
    assert windows(far)["15m"] is Reason.NO_COURIER_BEFORE_DEADLINE


def test_a_slot_begins_in_step_with_the_local_clock() -> None:
    town = Town(Policy(slot_s=7200, slots_ahead=2))
    town.clock.time = NOW + 60
    begins = [w.window_id for w in town.engine.quote(asked(town)).windows[3:]]
    # 17:01 in Helsinki: the first slot of two hours from 18:01 on begins at 20:00.
    assert begins == [f"slot-{NOW + 3 * HOUR_S}", f"slot-{NOW + 5 * HOUR_S}"]


def test_without_slots_in_the_policy_there_are_none() -> None:
    for policy in (Policy(slot_s=0), Policy(slots_ahead=0)):
        town = Town(policy)
        assert len(town.engine.quote(asked(town)).windows) == 3


def test_where_nothing_can_come_now_a_slot_still_may() -> None:
    town = Town(Policy(promise_max_s=1200, promise_min_s=600))
    # 10 blocks to a store: 145 + 60 + 600 + 120 s and a margin of 600 s end after 20 min.
    quote = town.engine.quote(asked(town, door=at(0, 20)))
    assert (quote.promise, quote.fare_cents, quote.eta, quote.store_id) == (None, None, None, None)
    assert windows(quote)["60m"] is Reason.NO_COURIER_BEFORE_DEADLINE
    assert windows(quote)[f"slot-{NOW + HOUR_S}"] == 290 + 2 * 60 - 100
    with pytest.raises(InvalidValueError, match="window is missing"):
        placed(town, door=at(0, 20), quote_id=quote.quote_id)


def test_a_fixed_promise_follows_from_the_click_alone() -> None:
    town = Town(Policy(promise_fixed_s=900, promise_extra_s=60, promise_max_s=1200))
    # 145 + 60 + 600 + 120 s: it would be late, and is promised all the same.
    promise = town.engine.quote(asked(town, door=at(0, 20))).promise
    assert promise is not None
    assert promise.latest == NOW + 960
    assert town.engine.quote(asked(town, door=at(0, 40))).promise is None


def test_where_nothing_can_ever_come_there_is_no_quote() -> None:
    town = Town()
    with pytest.raises(RefusedError) as refused:
        town.engine.quote(asked(town, lines=(OrderLine("caviar", 1),)))
    assert refused.value.reason == Reason.NO_STOCK
    assert not [entry for entry in town.log.entries if isinstance(entry.event, e.QuoteGiven)]


def test_a_slot_takes_no_more_orders_than_its_couriers_have_time_for() -> None:
    town = Town(Policy(slots_ahead=1))
    town.give(c.EndShift("cou_ben", NOW))
    town.give(c.SetStock("sto_west", {"milk": 100}))
    slot = f"slot-{NOW + HOUR_S}"
    # There and back 2 x (60 + 20 blocks), and at the door: 1440 s each, two in an hour.
    for _ in range(2):
        assert names(placed(town, door=at(0, 20), window_id=slot))[0] == "OrderReceived"
    refused = placed(town, door=at(0, 20), window_id=slot)[0]
    assert isinstance(refused, e.OrderRefused)
    assert refused.reason == Reason.NO_COURIER_BEFORE_DEADLINE
    assert "2 orders are promised" in refused.detail


def test_the_price_rises_when_couriers_are_in_demand_and_not_before() -> None:
    town = Town(Policy(surge_from_load=1.0, surge_step_cents=70))
    town.give(c.EndShift("cou_ben", NOW))
    assert town.engine.quote(asked(town)).fare == Fare(290, 60, 0, 0)
    for _ in range(2):
        order_of(town)
    # Two deliveries and one courier: one whole delivery more than 1.0.
    assert town.engine.quote(asked(town)).fare == Fare(290, 60, 0, 70)
    assert order_of(town).order.fare_cents == 420


# --- collection --------------------------------------------------------------------------------


def test_what_is_collected_needs_no_courier_and_costs_nothing() -> None:
    town = Town()
    for courier_id in ("cou_anna", "cou_ben"):
        town.give(c.EndShift(courier_id, NOW))
    quote = town.engine.quote(asked(town, door=at(18, 0), fulfilment=Fulfilment.COLLECTION))
    # East is nearest; ready when picked, and promised with a margin, up to a full minute.
    assert (quote.store_id, quote.eta, quote.fare_cents) == ("sto_east", NOW + PICK_S, 0)
    assert quote.promise is not None
    assert quote.promise.latest == NOW + 780  # 145 + 600 s
    assert windows(quote)["15m"] == 0
    order = order_of(
        town, door=at(18, 0), fulfilment=Fulfilment.COLLECTION, quote_id=quote.quote_id
    )
    assert (order.store_id, order.delivery) == ("sto_east", DeliveryStatus.CREATED)
    assert order.promise == quote.promise


def test_goods_are_collected_where_they_are_all_there() -> None:
    town = Town()
    set_stock(town, west={"milk": 5, "bread": 5}, east={"milk": 5})
    lines = (OrderLine("milk", 1), OrderLine("bread", 1))
    wanted = {"door": at(19, 0), "lines": lines, "fulfilment": Fulfilment.CURBSIDE}
    assert town.engine.quote(asked(town, **wanted)).store_id == "sto_west"
    refused = placed(town, store_id="sto_east", **wanted)[0]
    assert isinstance(refused, e.OrderRefused)
    assert refused.reason == Reason.NO_STOCK


def test_a_collection_for_later_is_ready_as_its_slot_begins() -> None:
    town = Town()
    slot = f"slot-{NOW + HOUR_S}"
    events = placed(town, fulfilment=Fulfilment.COLLECTION, store_id="sto_west", window_id=slot)
    assert names(events) == ["OrderReceived", "StorePinned", "OrderHeld"]
    received, _, held = events
    assert isinstance(received, e.OrderReceived)
    assert received.promise.latest == NOW + HOUR_S
    assert isinstance(held, e.OrderHeld)
    # Picked with the policy's margin to spare.
    assert held.hold.until == NOW + HOUR_S - PICK_S - 600


# --- orders by a quote -------------------------------------------------------------------------


def test_an_order_gets_the_window_it_cites_at_its_price() -> None:
    town = Town()
    quote = town.engine.quote(asked(town))
    town.clock.time += 120
    order = order_of(town, quote_id=quote.quote_id, window_id="15m")
    assert order.promise == Promise(NOW, NOW + 900, NOW)
    assert order.order.fare_cents == 650
    assert order.cited is not None
    assert order.cited.held
    assert not order.cited.reason


def test_a_quote_that_cannot_be_kept_any_more_is_answered_with_another_promise() -> None:
    town = Town(Policy(promise_min_s=0, promise_margin_s=0))
    quote = town.engine.quote(asked(town))
    assert quote.promise is not None
    for courier_id in ("cou_anna", "cou_ben"):
        town.give(c.EndShift(courier_id, NOW))
    town.give(c.StartShift("cou_ben", NOW + 600, NOW + 4 * HOUR_S))
    order = order_of(town, quote_id=quote.quote_id)
    assert order.cited is not None
    assert not order.cited.held
    assert "after the end of what was quoted" in order.cited.reason
    assert order.cited.promised == quote.promise
    assert order.promise.latest > quote.promise.latest


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"door": at(9, 0)}, "another door"),
        ({"lines": (OrderLine("milk", 2),)}, "other goods"),
        ({"weight_g": 1001}, "a lighter parcel"),
        ({"fulfilment": Fulfilment.COLLECTION}, "quoted for delivery"),
    ],
)
def test_a_quote_is_not_held_for_what_was_not_asked(change: dict[str, Any], reason: str) -> None:
    town = Town()
    quote = town.engine.quote(asked(town))
    order = order_of(town, quote_id=quote.quote_id, **change)
    assert order.cited is not None
    assert not order.cited.held
    assert reason in order.cited.reason


def test_a_pin_beside_the_address_and_fewer_goods_are_still_what_was_quoted() -> None:
    town = Town()
    quote = town.engine.quote(asked(town, lines=(OrderLine("milk", 3),), weight_g=3000))
    # Two blocks are 222 m.
    order = order_of(town, quote_id=quote.quote_id, door=at(5, 2))
    assert order.cited is not None
    assert order.cited.held


def test_a_window_that_is_none_is_refused_by_its_field() -> None:
    town = Town()
    quote = town.engine.quote(asked(town, door=at(9, 1)))
    for cited in (
        {"quote_id": quote.quote_id, "window_id": "15m", "door": at(9, 1)},
        {"quote_id": quote.quote_id, "window_id": f"slot-{NOW}", "door": at(9, 1)},
        {"window_id": f"slot-{NOW + 1}"},
        {"window_id": "20m"},
    ):
        with pytest.raises(InvalidValueError) as refused:
            placed(town, **cited)
        assert refused.value.field == "window"
    assert not town.engine.state.orders


def test_a_window_needs_no_quote() -> None:
    town = Town()
    order = order_of(town, window_id="30m")
    assert (order.promise.latest, order.order.fare_cents) == (NOW + 1800, 500)
    refused = placed(town, window_id="15m", door=at(9, 1))[0]
    assert isinstance(refused, e.OrderRefused)


def test_an_order_for_a_slot_waits_until_its_work_must_begin() -> None:
    town = Town()
    begins = NOW + HOUR_S
    quote = town.engine.quote(asked(town))
    events = placed(town, quote_id=quote.quote_id, window_id=f"slot-{begins}")
    assert names(events) == ["OrderReceived", "OrderHeld"]
    received, held = events
    assert isinstance(received, e.OrderReceived)
    assert received.promise == Promise(begins, begins + HOUR_S, NOW)
    assert isinstance(held, e.OrderHeld)
    assert held.hold.owner == "slot"
    # Picking, the counter and the way end as the slot begins: nobody comes before it.
    assert held.hold.until == begins - PICK_S - COUNTER_S - 5 * BLOCK_S
    # Its goods are reserved meanwhile, and no plan has to do with it.
    assert town.engine.state.store("sto_west").reserved["milk"] == 1
    assert received.order.order_id not in {o.order_id for o in town.engine.snapshot().orders}


def test_a_slot_that_is_gone_gives_way_to_the_next_one() -> None:
    town = Town(Policy(slots_ahead=3, quote_valid_s=2 * HOUR_S))
    quote = town.engine.quote(asked(town))
    town.clock.time += HOUR_S
    # By now nobody has time in the first slot, and Ben has in the second.
    for courier_id in ("cou_anna", "cou_ben"):
        town.give(c.EndShift(courier_id, town.clock.now()))
    town.give(c.StartShift("cou_ben", NOW + 3 * HOUR_S - 1800, NOW + 4 * HOUR_S))
    town.give(c.StartShift("cou_anna", NOW + HOUR_S, NOW + HOUR_S + 60))
    order = order_of(town, quote_id=quote.quote_id, window_id=f"slot-{NOW + HOUR_S}")
    assert order.promise.earliest == NOW + 2 * HOUR_S
    assert order.cited is not None
    assert not order.cited.held


def test_a_slot_s_order_goes_on_when_its_time_has_come_and_nobody_is_early() -> None:
    town = Town()
    begins = NOW + HOUR_S
    order = order_of(town, window_id=f"slot-{begins}")
    assert order.hold is not None
    assert order.hold.until is not None
    town.clock.time = order.hold.until - 1
    assert town.engine.commit_due() == ()
    town.clock.time = order.hold.until
    released = town.engine.commit_due()
    assert [type(entry.event) for entry in released] == [e.HoldReleased]
    town.give(c.StartPick(order.order_id, town.clock.now()))
    town.engine.replan()
    eta = town.engine.state.order(order.order_id).eta
    assert eta is not None
    # At the door as the slot begins, to the seconds that a courier takes to come to the store.
    assert begins <= eta <= begins + 60
