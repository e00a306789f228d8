"""Goods, split orders, amendments, cancellations and what is told of them."""

from __future__ import annotations

import pytest
from ordering import (
    BOTH,
    COUNTER_S,
    HOUR_S,
    MILK,
    PICK_S,
    amended,
    asked,
    far_off,
    names,
    order_of,
    placed,
    set_stock,
    split_town,
    windows,
)
from town import BLOCK_S, NOW, Town, at

from dispatch import commands as c
from dispatch import events as e
from dispatch.apply import apply
from dispatch.arrivals import Expected, expected
from dispatch.errors import ConflictError, InvalidValueError, RefusedError, WrongStateError
from dispatch.events import Recorded
from dispatch.model import (
    DeliveryStatus,
    Fulfilment,
    OrderLine,
    OrderStatus,
    Policy,
    Promise,
    Reason,
)
from dispatch.records import Article, Carriage
from dispatch.rules import RULES
from dispatch.sales import sales_by_store
from dispatch.state import State, family

# --- goods -------------------------------------------------------------------------------------


def test_weight_cold_and_age_come_from_the_catalogue_unless_the_shop_says_otherwise() -> None:
    town = Town()
    beer = Article("bread", "Beer", weight_g=500, age_limit=18)
    milk = Article("milk", "Milk", weight_g=1000, chilled=True)
    town.give(c.SetCatalogue((beer, milk)))
    lines = (OrderLine("milk", 2), OrderLine("bread", 3))
    order = order_of(town, lines=lines, weight_g=None).order
    assert (order.weight_g, order.chilled, order.age_limit) == (3500, True, 18)
    facts = (c.LineFacts(weight_g=900, chilled=False), c.LineFacts(age_limit=20))
    said = order_of(town, lines=lines, weight_g=None, facts=facts).order
    assert (said.weight_g, said.chilled, said.age_limit) == (3300, False, 20)
    assert order_of(town, lines=lines, weight_g=77).order.weight_g == 77


def test_a_weight_that_nobody_knows_must_be_stated() -> None:
    town = Town()
    with pytest.raises(InvalidValueError) as refused:
        placed(town, weight_g=None)
    assert refused.value.field == "weight_g"
    assert "milk" in refused.value.problem


def test_what_no_courier_can_carry_is_refused() -> None:
    town = Town()
    refused = placed(town, weight_g=15_001)[0]
    assert isinstance(refused, e.OrderRefused)
    assert refused.reason == Reason.TOO_HEAVY


def test_an_order_that_names_its_store_comes_from_there_or_not_at_all() -> None:
    town = Town()
    events = placed(town, store_id="sto_east", door=at(15, 0))
    assert names(events) == ["OrderReceived", "StorePinned"]
    set_stock(town, west={"milk": 9}, east={})
    refused = placed(town, store_id="sto_east", door=at(15, 0))[0]
    assert isinstance(refused, e.OrderRefused)
    with pytest.raises(InvalidValueError, match="no store of this zone"):
        placed(town, store_id="sto_nowhere")


# --- split orders ------------------------------------------------------------------------------


def test_an_order_that_no_store_has_all_of_comes_in_parts() -> None:
    town = split_town()
    events = placed(
        town,
        door=at(10, 0),
        lines=BOTH,
        weight_g=3000,
        external_id="shop-1",
        tip_cents=200,
        basket_cents=1000,
        paid_cents=1500,
    )
    assert names(events) == ["OrderReceived", "OrderReceived"]
    one, two = (event for event in events if isinstance(event, e.OrderReceived))
    assert {one.store_id, two.store_id} == {"sto_west", "sto_east"}
    assert two.order.order_id == f"{one.order.order_id}.2"
    assert (one.order.external_id, two.order.external_id) == ("shop-1", None)
    assert (one.order.part_of, two.order.part_of) == (None, one.order.order_id)
    # Fare and tip once, everything else shared out.
    assert (one.order.tip_cents, two.order.tip_cents) == (200, 0)
    assert one.order.fare_cents == 290 + 60
    assert two.order.fare_cents == 0
    assert one.order.weight_g + two.order.weight_g == 3000
    assert one.order.basket_cents + two.order.basket_cents == 1000
    assert one.order.paid_cents + two.order.paid_cents == 1500
    assert one.promise == two.promise
    state = town.engine.state
    assert state.external_ids == {"shop-1": one.order.order_id}
    assert state.store("sto_west").reserved == {"milk": 1}
    assert state.store("sto_east").reserved == {"bread": 2}
    for part in (one, two):
        found = family(state, state.order(part.order.order_id))
        assert [p.order_id for p in found] == [one.order.order_id, two.order.order_id]


def test_parts_are_promised_when_the_slowest_of_them_comes() -> None:
    town = Town(Policy(promise_min_s=0, promise_margin_s=0))
    set_stock(town, west={"milk": 5}, east={"bread": 5})
    one, two = (
        event
        for event in placed(town, door=at(4, 0), lines=BOTH)
        if isinstance(event, e.OrderReceived)
    )
    # Bread comes 16 blocks from East: 145 + 60 + 480 + 120 s, up to a full minute.
    assert one.promise == two.promise
    assert one.promise.latest == NOW + 840


def test_a_split_order_is_all_or_nothing() -> None:
    town = split_town()
    lines = (*BOTH, OrderLine("caviar", 1))
    refused = placed(town, door=at(10, 0), lines=lines)
    assert names(refused) == ["OrderRefused"]
    assert not town.engine.state.orders
    assert names(placed(town, door=at(10, 0), lines=BOTH, may_split=False)) == ["OrderRefused"]


def test_a_quote_for_a_split_order_says_who_gives_what() -> None:
    town = split_town()
    quote = town.engine.quote(asked(town, door=at(10, 0), lines=BOTH, weight_g=2000))
    assert {parcel.store_id: parcel.lines for parcel in quote.parcels} == {
        "sto_west": (OrderLine("milk", 1),),
        "sto_east": (OrderLine("bread", 2),),
    }
    assert windows(quote)[f"slot-{NOW + HOUR_S}"] is Reason.NO_STOCK
    order = order_of(town, door=at(10, 0), lines=BOTH, weight_g=2000, quote_id=quote.quote_id)
    assert order.cited is not None
    assert order.cited.held
    assert len(family(town.engine.state, order)) == 2


def test_cancelling_a_part_cancels_the_whole() -> None:
    town = split_town()
    order = order_of(town, door=at(10, 0), lines=BOTH, paid_cents=900)
    events = town.give(far_off(f"{order.order_id}.2"))
    assert names(events) == ["OrderCancelled", "OrderCancelled"]
    state = town.engine.state
    assert not state.orders
    assert [dict(store.reserved) for store in state.stores.values()] == [{}, {}]
    parts = family(state, state.order(order.order_id))
    assert sum(part.refund_cents for part in parts) == 900


# --- amendments --------------------------------------------------------------------------------


def test_a_new_door_within_the_promise_keeps_it() -> None:
    town = Town()
    order = order_of(town)
    events = amended(town, order.order_id, door=at(6, 0), address="Elsewhere", owner="Aino")
    assert names(events) == ["OrderAmended"]
    (changed,) = events
    assert isinstance(changed, e.OrderAmended)
    assert changed.changed == ("location", "address")
    assert changed.owner == "Aino"
    now = town.engine.state.order(order.order_id)
    assert (now.order.door, now.promise) == (at(6, 0), order.promise)


def test_a_door_too_far_for_the_promise_gets_another_one() -> None:
    town = Town(Policy(promise_min_s=0, promise_margin_s=0))
    order = order_of(town)
    events = amended(town, order.order_id, door=at(5, 20))
    assert names(events) == ["OrderAmended", "PromiseSuperseded"]
    now = town.engine.state.order(order.order_id)
    # 145 + 60 + 25 blocks + 120 s, up to a full minute.
    assert now.promise.latest == NOW + 1080
    assert now.promises == (order.promise,)


def test_a_door_out_of_reach_changes_nothing() -> None:
    town = Town()
    order = order_of(town)
    before = town.engine.state
    for door in (at(49, 49), at(60, 0)):
        with pytest.raises(RefusedError):
            amended(town, order.order_id, door=door, note="mind the dog")
    assert town.engine.state is before


def test_more_of_what_the_store_has_is_reserved_there() -> None:
    town = Town()
    order = order_of(town)
    # All ten: the one that is reserved for it is free for it.
    ten = (OrderLine("milk", 10),)
    assert names(amended(town, order.order_id, lines=ten, weight_g=9000)) == ["OrderAmended"]
    store = town.engine.state.store("sto_west")
    assert (dict(store.reserved), store.available("milk")) == ({"milk": 10}, 0)
    with pytest.raises(RefusedError) as refused:
        amended(town, order.order_id, lines=(OrderLine("milk", 11),), weight_g=9000)
    assert refused.value.reason == Reason.NO_STOCK


def test_goods_that_the_store_lacks_move_the_order_to_one_that_has_them() -> None:
    town = Town()
    set_stock(town, west={"milk": 5}, east={"milk": 5, "bread": 5})
    order = order_of(town)
    assert order.store_id == "sto_west"
    events = amended(town, order.order_id, lines=BOTH, weight_g=3000)
    assert names(events)[:2] == ["OrderResourced", "OrderAmended"]
    state = town.engine.state
    assert state.order(order.order_id).store_id == "sto_east"
    assert dict(state.store("sto_west").reserved) == {}
    assert dict(state.store("sto_east").reserved) == {"milk": 1, "bread": 2}


def test_a_pinned_order_does_not_move_for_other_goods() -> None:
    town = Town()
    set_stock(town, west={"milk": 5}, east={"milk": 5, "bread": 5})
    order = order_of(town, store_id="sto_west")
    with pytest.raises(RefusedError) as refused:
        amended(town, order.order_id, lines=BOTH, weight_g=3000)
    assert refused.value.reason == Reason.NO_STOCK


def test_after_picking_began_only_note_and_phone_may_change() -> None:
    town = Town()
    order = order_of(town)
    town.give(c.StartPick(order.order_id, NOW))
    for change in (
        {"door": at(6, 0)},
        {"address": "B"},
        {"lines": BOTH, "weight_g": 1},
        {"tip_cents": 5},
    ):
        with pytest.raises(WrongStateError) as refused:
            amended(town, order.order_id, note="ring twice", **change)
        assert (refused.value.state, refused.value.allowed) == ("picking", ("note", "phone"))
    events = amended(town, order.order_id, note="ring twice", phone="+358401234567")
    assert names(events) == ["OrderAmended"]
    assert town.engine.state.order(order.order_id).order.note == "ring twice"


def test_an_amendment_that_changes_nothing_is_no_fact() -> None:
    town = Town()
    order = order_of(town, note="ring")
    assert amended(town, order.order_id, note="ring", door=at(5, 0)) == []


def test_a_tip_and_a_basket_change_without_another_promise() -> None:
    town = Town()
    order = order_of(town)
    (changed,) = amended(town, order.order_id, tip_cents=300, paid_cents=2000)
    assert isinstance(changed, e.OrderAmended)
    assert changed.changed == ("tip_cents", "paid_cents")


def test_an_order_on_a_slot_is_held_as_long_as_its_new_door_asks() -> None:
    town = Town()
    begins = NOW + HOUR_S
    order = order_of(town, window_id=f"slot-{begins}")
    events = amended(town, order.order_id, door=at(7, 0))
    assert names(events) == ["OrderAmended", "OrderHeld"]
    now = town.engine.state.order(order.order_id)
    assert now.promise == order.promise
    assert now.hold is not None
    assert now.hold.until == begins - PICK_S - COUNTER_S - 7 * BLOCK_S


def test_a_courier_on_the_way_to_the_store_still_brings_it_to_the_new_door() -> None:
    town = Town()
    town.give(c.EndShift("cou_anna", NOW))
    # Ben's way to West is longer than the picking: he leaves before it begins.
    order = order_of(town, store_id="sto_west")
    courier_id, _ = town.wait_for_commitment()
    assert town.engine.state.order(order.order_id).status is OrderStatus.SOURCED
    events = amended(town, order.order_id, door=at(6, 0))
    assert "OrderAmended" in names(events)
    assert town.engine.state.order(order.order_id).courier_id == courier_id
    town.engine.replan()
    route = town.engine.state.courier(courier_id).route
    assert route is not None
    assert {visit.stop.order_id for visit in route.visits} == {order.order_id}


def test_parts_change_their_door_together_and_their_goods_not_at_all() -> None:
    town = split_town()
    order = order_of(town, door=at(10, 0), lines=BOTH)
    with pytest.raises(ConflictError, match="several stores"):
        amended(town, order.order_id, lines=MILK, weight_g=1)
    with pytest.raises(ConflictError, match="part of"):
        amended(town, f"{order.order_id}.2", note="hello")
    amended(town, order.order_id, door=at(11, 0), note="hello")
    parts = family(town.engine.state, town.engine.state.order(order.order_id))
    assert {part.order.door for part in parts} == {at(11, 0)}
    assert {part.order.note for part in parts} == {"hello"}
    assert len({part.promise for part in parts}) == 1


def test_a_closed_order_cannot_be_amended() -> None:
    town = Town()
    order = order_of(town)
    town.give(far_off(order.order_id))
    with pytest.raises(WrongStateError) as refused:
        amended(town, order.order_id, note="late")
    assert refused.value.allowed == ()


# --- cancelling --------------------------------------------------------------------------------


def test_a_cancelled_order_is_paid_back_and_its_goods_are_free() -> None:
    town = Town()
    order = order_of(town, paid_cents=1234)
    town.give(far_off(order.order_id))
    now = town.engine.state.order(order.order_id)
    assert (now.refund_cents, now.is_closed) == (1234, True)
    assert dict(town.engine.state.store("sto_west").reserved) == {}


def test_a_courier_with_the_goods_in_the_bag_brings_them_back() -> None:
    town = Town()
    order = order_of(town, paid_cents=1234)
    town.picked(order.order_id)
    courier_id, stop_id = town.wait_for_commitment()
    town.clock.time += 600
    town.do(courier_id, stop_id)
    town.give(c.CancelOrder(order.order_id, "moved out", town.clock.now()))
    now = town.engine.state.order(order.order_id)
    assert (now.status, now.delivery) == (OrderStatus.CANCELLED, DeliveryStatus.RETURNING)
    assert not now.is_closed
    assert now.refund_cents == 1234
    courier_id, stop_id = town.wait_for_commitment()
    assert stop_id.endswith("_r")
    town.clock.time += 600
    on_hand = town.engine.state.store("sto_west").on_hand["milk"]
    town.do(courier_id, stop_id)
    assert town.engine.state.order(order.order_id).delivery is DeliveryStatus.RETURNED
    assert town.engine.state.store("sto_west").on_hand["milk"] == on_hand + 1


def folded(state: State, *events: e.Event) -> State:
    for event in events:
        state = apply(state, Recorded(state.zone_id, state.seq + 1, NOW, event))
    return state


def test_an_outside_courier_is_called_off_before_the_pickup_and_brings_back_what_they_have() -> (
    None
):
    town = Town()
    order = order_of(town)
    carriage = Carriage("blitz", "ref-1", 900, NOW)
    context = town.engine._context()
    booked = folded(town.engine.state, e.CarriageBooked(order.order_id, carriage))
    cancel = RULES[c.CancelOrder]
    before = cancel(booked, far_off(order.order_id), context)
    assert names(list(before)) == ["CarriageEnded", "OrderCancelled"]
    assert folded(booked, *before).order(order.order_id).is_closed
    ready = folded(
        booked,
        e.PickStarted(order.order_id, order.store_id, NOW),
        e.PickCompleted(order.order_id, order.store_id, NOW),
        e.CarriageReported(order.order_id, "blitz", "ref-1", "picked_up", "", None, NOW),
    )
    after = cancel(ready, far_off(order.order_id), context)
    assert names(list(after)) == ["OrderCancelled"]
    carried = folded(ready, *after).order(order.order_id)
    assert (carried.delivery, carried.is_carried_outside) == (DeliveryStatus.RETURNING, True)


def test_a_collection_is_cancelled_like_any_order() -> None:
    town = Town()
    order = order_of(town, fulfilment=Fulfilment.COLLECTION, store_id="sto_west")
    town.picked(order.order_id)
    on_hand = town.engine.state.store("sto_west").on_hand["milk"]
    town.give(far_off(order.order_id))
    assert town.engine.state.order(order.order_id).is_closed
    assert town.engine.state.store("sto_west").on_hand["milk"] == on_hand + 1


# --- what the customer is told, and the shop ---------------------------------------------------

PROMISE = Promise(NOW + 600, NOW + 1800, NOW)


@pytest.mark.parametrize(
    ("eta", "now", "found"),
    [
        # A third of 15 minutes to either side.
        (NOW + 900, NOW, Expected(NOW + 600, NOW + 1200, late=False)),
        # Never surer than two minutes, and never before now.
        (NOW + 60, NOW, Expected(NOW, NOW + 180, late=False)),
        # Overdue: from now on.
        (NOW + 60, NOW + 600, Expected(NOW + 600, NOW + 720, late=False)),
        # No wider than the policy's margin: 40 minutes ahead, 10 to either side, and late.
        (NOW + 2400, NOW, Expected(NOW + 1800, NOW + 3000, late=True)),
        # No forecast: the promise stands, until it is over.
        (None, NOW, Expected(NOW + 600, NOW + 1800, late=False)),
        (None, NOW + 1800, Expected(None, None, late=True)),
    ],
)
def test_a_range_is_never_narrower_than_the_forecast_is_sure(
    eta: int | None, now: int, found: Expected
) -> None:
    assert expected(PROMISE, eta, now, margin_s=600) == found


def test_sales_are_told_by_store_and_period() -> None:
    town = Town()
    money = {"basket_cents": 1000, "paid_cents": 1400, "tip_cents": 50}
    kept, gone = order_of(town, **money), order_of(town, **money)
    order_of(town, door=at(19, 0))
    town.give(far_off(gone.order_id))
    found = sales_by_store(town.engine.state, NOW, NOW + 1)
    west, east = found["sto_west"], found["sto_east"]
    assert (west.orders, west.open, west.cancelled, east.orders) == (2, 1, 1, 1)
    assert (west.basket_cents, west.paid_cents, west.refund_cents) == (2000, 2800, 1400)
    assert west.fare_cents == kept.order.fare_cents + gone.order.fare_cents
    assert sales_by_store(town.engine.state, NOW + 1, NOW + 2)["sto_west"].orders == 0
    both = west + east
    assert both.orders == 3
