"""Collection, no-shows and returns: what follows from each, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest
from town import BLOCK_S, NOW, Town, at

from dispatch import commands as c
from dispatch import events as e
from dispatch.errors import (
    ConflictError,
    InvalidValueError,
    RefusedError,
    UnknownIdError,
    WrongStateError,
)
from dispatch.kpis import KpiFold
from dispatch.model import (
    DeliveryStatus,
    Fulfilment,
    Order,
    OrderLine,
    OrderStatus,
    Promise,
    StopKind,
    Store,
)
from dispatch.records import Article, ScanStep
from dispatch.rules.returns import FETCHED_WITHIN_S, is_at_the_desk
from dispatch.state import State

HELD_S = Town().policy.collection_hold_s
PROMISE = Promise(NOW, NOW + 1800, NOW)


def shelf(made: Town, sku: str, store_id: str = "sto_west") -> tuple[int, int]:
    store = made.engine.state.store(store_id)
    return store.on_hand.get(sku, 0), store.reserved.get(sku, 0)


def to_collect(made: Town, *, curbside: bool = False, age_limit: int = 0) -> str:
    """Have an order taken that its customer comes for; returns its id."""
    order = Order(
        order_id=f"ord_c{len(made.log.entries)}",
        created_at=made.clock.now(),
        door=at(0, 0),
        address="West",
        lines=(OrderLine("milk", 2),),
        weight_g=2000,
        service_s=60,
        fulfilment=Fulfilment.CURBSIDE if curbside else Fulfilment.COLLECTION,
        age_limit=age_limit,
        paid_cents=500,
    )
    made.engine._record([e.OrderReceived(order, PROMISE, "sto_west")])
    return order.order_id


def ready(made: Town, **how: bool | int) -> str:
    order_id = to_collect(made, **how)  # type: ignore[arg-type]
    made.picked(order_id)
    return order_id


# --- collection --------------------------------------------------------------------------------


def test_whoever_comes_before_the_goods_are_ready_is_seen_and_waits_from_then_on() -> None:
    made = Town()
    order_id = to_collect(made, curbside=True)
    arrived = c.ArriveToCollect(order_id, "bay 3", NOW)
    assert made.give(arrived) == [e.CustomerArrived(order_id, "bay 3", NOW)]
    assert made.give(arrived) == []
    made.give(c.ArriveToCollect(order_id, "bay 5", NOW + 60))
    order = made.engine.state.order(order_id)
    assert (order.bay, order.here_at) == ("bay 5", NOW)


def test_at_the_kerb_a_bay_is_needed_and_inside_none() -> None:
    made = Town()
    kerb, inside = to_collect(made, curbside=True), to_collect(made)
    with pytest.raises(InvalidValueError) as caught:
        made.give(c.ArriveToCollect(kerb, "", NOW))
    assert caught.value.field == "bay"
    assert len(made.give(c.ArriveToCollect(inside, "", NOW))) == 1


def test_collected_goods_are_gone_and_the_order_is_over() -> None:
    made = Town()
    order_id = ready(made)
    assert made.give(c.CollectOrder(order_id, NOW)) == [
        e.OrderCollected(order_id, "sto_west", NOW, age_checked=False)
    ]
    order = made.engine.state.order(order_id)
    assert (order.status, order.is_closed) == (OrderStatus.COLLECTED, True)
    assert shelf(made, "milk") == (8, 0)
    with pytest.raises(WrongStateError) as caught:
        made.give(c.CollectOrder(order_id, NOW))
    assert (caught.value.state, caught.value.allowed) == ("collected", ())
    assert made.restarted().state == made.engine.state


def test_goods_with_an_age_limit_need_a_look_at_a_document() -> None:
    made = Town()
    order_id = ready(made, age_limit=18)
    with pytest.raises(InvalidValueError, match="people of 18 and over") as caught:
        made.give(c.CollectOrder(order_id, NOW))
    assert caught.value.field == "age_checked"
    (collected,) = made.give(c.CollectOrder(order_id, NOW, age_checked=True))
    assert isinstance(collected, e.OrderCollected)
    assert collected.age_checked


def test_what_is_not_ready_is_not_handed_over_and_not_given_up() -> None:
    made = Town()
    order_id = to_collect(made)
    for command in (c.CollectOrder(order_id, NOW), c.GiveUpCollection(order_id, "x", NOW)):
        with pytest.raises(WrongStateError) as caught:
            made.give(command)
        assert (caught.value.state, caught.value.allowed) == ("sourced", ("ready",))


def test_a_delivery_is_not_collected() -> None:
    made = Town()
    order_id = made.order(at(5, 0))
    before = made.engine.state
    for command in (
        c.ArriveToCollect(order_id, "", NOW),
        c.CollectOrder(order_id, NOW),
        c.GiveUpCollection(order_id, "x", NOW),
    ):
        with pytest.raises(ConflictError, match="brought to its door"):
            made.give(command)
    assert made.engine.state is before


def test_what_is_collected_goes_from_shelf_to_counter_to_hand_and_to_no_door() -> None:
    made = Town()
    order_id = ready(made)
    parcel_id = made.engine.state.order(order_id).parcel_id
    with pytest.raises(WrongStateError) as caught:
        made.give(c.ScanParcel(parcel_id, ScanStep.DOOR, "cou_anna", NOW))
    assert (caught.value.state, caught.value.allowed) == (
        "collection",
        ("pick", "pack", "handover"),
    )
    made.give(c.CollectOrder(order_id, NOW))
    # The scanner was slower than the till.
    assert len(made.give(c.ScanParcel(parcel_id, ScanStep.HANDOVER, "emp_1", NOW))) == 1
    with pytest.raises(ConflictError, match="by emp_1 already"):
        made.give(c.ScanParcel(parcel_id, ScanStep.HANDOVER, "emp_2", NOW))


def test_no_courier_is_sent_for_what_its_customer_collects() -> None:
    made = Town()
    order_id = ready(made)
    made.engine.replan()
    assert all(courier.route is None for courier in made.engine.state.couriers.values())
    assert made.engine.state.order(order_id).delivery is DeliveryStatus.CREATED


def test_goods_nobody_came_for_go_back_on_the_shelf_when_their_time_is_over() -> None:
    made = Town()
    order_id = ready(made)
    over_at = PROMISE.latest + HELD_S
    assert shelf(made, "milk") == (8, 0)
    assert made.engine.next_commit_at() == over_at
    made.clock.time = over_at - 1
    assert made.engine.commit_due() == ()
    made.clock.time = over_at
    assert [recorded.event for recorded in made.engine.commit_due()] == [
        e.OrderNotCollected(order_id, "sto_west", "nobody came in time", over_at)
    ]
    assert shelf(made, "milk") == (10, 0)
    order = made.engine.state.order(order_id)
    assert (order.status, order.is_closed) == (OrderStatus.CANCELLED, True)
    assert order.refund_cents == 500
    assert made.engine.commit_due() == ()


def test_goods_that_were_ready_late_wait_as_long() -> None:
    made = Town()
    order_id = to_collect(made)
    made.clock.time = PROMISE.latest + 600
    made.picked(order_id)
    assert made.engine.next_commit_at() == PROMISE.latest + 600 + HELD_S


def test_nobody_gives_goods_up_whose_customer_stands_outside() -> None:
    made = Town()
    order_id = ready(made, curbside=True)
    made.give(c.ArriveToCollect(order_id, "bay 1", NOW))
    made.clock.time = PROMISE.latest + HELD_S
    assert made.engine.commit_due() == ()
    (given_up,) = made.give(c.GiveUpCollection(order_id, "drove off again", made.clock.now()))
    assert isinstance(given_up, e.OrderNotCollected)
    assert shelf(made, "milk") == (10, 0)


def test_the_figures_do_not_count_a_collected_order_as_open_or_late() -> None:
    made = Town()
    ready_id = ready(made)
    made.give(c.CollectOrder(ready_id, NOW))
    made.clock.time = PROMISE.latest + HELD_S
    fold = KpiFold(made.policy)
    for recorded in made.log.entries:
        fold.add(recorded)
    assert fold.figures(made.clock.now()).open == 0
    assert fold.at_risk(made.clock.now()) == frozenset()


# --- returns at a desk -------------------------------------------------------------------------


def with_catalogue() -> Town:
    made = Town()
    milk = Article("milk", "Milk", weight_g=1000, price_cents=120, chilled=True)
    made.give(c.SetCatalogue((milk, Article("bread", "Bread", weight_g=500, price_cents=290))))
    return made


def delivered(made: Town, **lines: int) -> str:
    """Have an order brought to a door five blocks from the west store; returns its id."""
    (received,) = made.give(
        c.AcceptOrder(
            door=at(5, 0),
            address="5 Grid Street",
            lines=tuple(OrderLine(sku, quantity) for sku, quantity in lines.items()),
            weight_g=1000,
            created_at=made.clock.now(),
            store_id="sto_west",
            promise=Promise(NOW, made.clock.now() + 3600, NOW),
            basket_cents=820,
        )
    )
    assert isinstance(received, e.OrderReceived)
    order_id = received.order.order_id
    made.picked(order_id)
    finish(made, order_id)
    return order_id


def finish(made: Town, order_id: str) -> list[StopKind]:
    """Do what couriers are told until an order is closed; returns the kinds of stops done."""
    done = []
    while not made.engine.state.order(order_id).is_closed:
        courier_id, stop_id = made.wait_for_commitment()
        commitment = made.engine.state.courier(courier_id).commitment
        assert commitment is not None
        made.clock.time = max(made.clock.time, commitment.expected_at)
        made.do(courier_id, stop_id)
        done.append(commitment.stop.kind)
    return done


def desk(order_id: str, restocked: dict[str, int], written_off: dict[str, int]) -> c.ReturnAtDesk:
    return c.ReturnAtDesk(order_id, "sto_east", restocked, written_off, 0, "damaged", NOW)


def test_goods_come_back_at_any_store_s_desk_into_stock_or_not() -> None:
    made = with_catalogue()
    order_id = delivered(made, milk=2, bread=2)
    (settled,) = made.give(replace(desk(order_id, {"bread": 1}, {"milk": 2}), refund_cents=530))
    assert isinstance(settled, e.ReturnSettled)
    assert settled.return_id is None
    assert shelf(made, "bread", "sto_east") == (11, 0)
    assert shelf(made, "milk", "sto_east") == (10, 0)
    assert shelf(made, "bread") == (8, 0)
    order = made.engine.state.order(order_id)
    assert order.returned == {"bread": 1, "milk": 2}
    assert order.refund_cents == 530
    assert order.delivery is DeliveryStatus.DELIVERED


def test_never_more_comes_back_than_was_bought() -> None:
    made = with_catalogue()
    order_id = delivered(made, bread=2)
    made.give(desk(order_id, {"bread": 1}, {}))
    before = made.engine.state
    for goods in ({"bread": 2}, {"milk": 1}, {"caviar": 1}):
        with pytest.raises(InvalidValueError, match="can still come back"):
            made.give(desk(order_id, {}, goods))
    with pytest.raises(InvalidValueError, match="can still come back"):
        made.give(desk(order_id, {"bread": 1}, {"bread": 1}))
    assert made.engine.state is before
    made.give(desk(order_id, {}, {"bread": 1}))
    assert made.engine.state.order(order_id).returned == {"bread": 2}


def test_chilled_goods_are_never_sold_again() -> None:
    made = with_catalogue()
    order_id = delivered(made, milk=1)
    with pytest.raises(InvalidValueError, match="chilled") as caught:
        made.give(desk(order_id, {"milk": 1}, {}))
    assert caught.value.field == "restocked.milk"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"written_off": {}}, "restocked"),
        ({"written_off": {"bread": 0}}, "written_off.bread"),
        ({"refund_cents": -1}, "refund_cents"),
        ({"refund_cents": 821}, "refund_cents"),
    ],
)
def test_a_return_that_cannot_be_meant_changes_nothing(
    changes: dict[str, object], field: str
) -> None:
    made = with_catalogue()
    order_id = delivered(made, bread=1)
    before = made.engine.state
    with pytest.raises(InvalidValueError) as caught:
        made.give(replace(desk(order_id, {}, {"bread": 1}), **changes))
    assert caught.value.field == field
    assert made.engine.state is before


def test_only_what_the_customer_has_comes_back() -> None:
    made = with_catalogue()
    order_id = made.order(at(5, 0), "bread")
    with pytest.raises(WrongStateError) as caught:
        made.give(desk(order_id, {"bread": 1}, {}))
    assert caught.value.allowed == ("delivered",)
    made.give(c.CancelOrder(order_id, "over", NOW))
    with pytest.raises(WrongStateError) as caught:
        made.give(desk(order_id, {"bread": 1}, {}))
    assert (caught.value.state, caught.value.allowed) == ("cancelled", ())
    waiting = to_collect(made)
    with pytest.raises(WrongStateError) as caught:
        made.give(desk(waiting, {}, {"milk": 1}))
    assert (caught.value.state, caught.value.allowed) == ("sourced", ("collected",))
    with pytest.raises(UnknownIdError):
        made.give(replace(desk(delivered(made, bread=1), {"bread": 1}, {}), store_id="sto_none"))


def test_collected_goods_come_back_at_a_desk_and_are_not_fetched() -> None:
    made = Town()
    order_id = ready(made)
    made.give(c.CollectOrder(order_id, NOW))
    with pytest.raises(ConflictError, match="no door to fetch it at"):
        made.give(c.RequestReturn(order_id, (OrderLine("milk", 1),), "sour", NOW))
    made.give(desk(order_id, {}, {"milk": 1}))
    assert made.engine.state.order(order_id).returned == {"milk": 1}


# --- returns by courier ------------------------------------------------------------------------


def fetch(made: Town, order_id: str, **lines: int) -> Order:
    """Ask for goods to be fetched; returns the errand."""
    asked = tuple(OrderLine(sku, quantity) for sku, quantity in lines.items())
    command = c.RequestReturn(order_id, asked, "wrong size", made.clock.now())
    registered, received = made.give(command)[:2]
    assert isinstance(registered, e.StoreRegistered)
    assert registered.store.is_point
    assert isinstance(received, e.OrderReceived)
    assert received.store_id == registered.store.store_id
    return received.order


def test_a_courier_fetches_goods_at_the_door_and_brings_them_to_the_store() -> None:
    made = with_catalogue()
    order_id = delivered(made, bread=2, milk=1)
    errand = fetch(made, order_id, bread=2)
    state = made.engine.state
    found = state.order(errand.order_id)
    point = state.store(found.store_id).store
    assert (point.location, point.name) == (at(5, 0), "5 Grid Street")
    assert (errand.door, errand.address) == (at(0, 0), "West")
    assert errand.weight_g == 2 * 500
    assert found.promise.latest == made.clock.now() + FETCHED_WITHIN_S
    assert finish(made, errand.order_id) == [StopKind.PICKUP, StopKind.DROPOFF]
    done = made.engine.state.order(errand.order_id)
    assert done.delivery is DeliveryStatus.DELIVERED
    assert done.closed_at is not None
    assert done.picked_up_at is not None
    assert done.closed_at - done.picked_up_at >= 5 * BLOCK_S
    assert done.store_id == "sto_west"
    assert point.store_id not in made.engine.state.stores
    # Nobody has looked at it yet.
    assert is_at_the_desk(done)
    assert shelf(made, "bread") == (8, 0)
    settle = c.SettleReturn(errand.order_id, {"bread": 1}, {"bread": 1}, 290, "one torn", NOW)
    (settled,) = made.give(settle)
    assert isinstance(settled, e.ReturnSettled)
    assert (settled.order_id, settled.return_id) == (order_id, errand.order_id)
    assert settled.store_id == "sto_west"
    assert shelf(made, "bread") == (9, 0)
    order = made.engine.state.order(order_id)
    assert (order.returned, order.refund_cents) == ({"bread": 2}, 290)
    assert not is_at_the_desk(made.engine.state.order(errand.order_id))
    with pytest.raises(WrongStateError, match="is settled"):
        made.give(settle)
    assert made.restarted().state == made.engine.state


def test_what_is_on_its_way_back_cannot_come_back_twice() -> None:
    made = with_catalogue()
    order_id = delivered(made, bread=2)
    errand = fetch(made, order_id, bread=2)
    with pytest.raises(InvalidValueError, match="0 of it can still come back"):
        made.give(desk(order_id, {"bread": 1}, {}))
    with pytest.raises(InvalidValueError) as caught:
        made.give(c.RequestReturn(order_id, (OrderLine("bread", 1),), "again", made.clock.now()))
    assert caught.value.field == "lines.0.quantity"
    point_id = made.engine.state.order(errand.order_id).store_id
    made.give(c.CancelOrder(errand.order_id, "brings it himself", made.clock.now()))
    assert point_id not in made.engine.state.stores
    assert shelf(made, "bread") == (8, 0)
    made.give(desk(order_id, {"bread": 1}, {}))


def test_an_errand_is_settled_only_once_its_goods_are_at_the_desk() -> None:
    made = with_catalogue()
    order_id = delivered(made, bread=2)
    errand = fetch(made, order_id, bread=1)
    settle = c.SettleReturn(errand.order_id, {"bread": 1}, {}, 0, "fine", made.clock.now())
    with pytest.raises(WrongStateError) as caught:
        made.give(settle)
    assert caught.value.allowed == ("delivered",)
    with pytest.raises(UnknownIdError, match="is no return"):
        made.give(replace(settle, return_id=order_id))
    with pytest.raises(ConflictError, match="is a return itself"):
        made.give(desk(errand.order_id, {"bread": 1}, {}))
    finish(made, errand.order_id)
    with pytest.raises(InvalidValueError, match="can still come back"):
        made.give(replace(settle, restocked={"bread": 3}))
    # The customer gave the courier more than was said, and bought so many.
    made.give(replace(settle, restocked={"bread": 2}))
    assert made.engine.state.order(order_id).returned == {"bread": 2}


def test_nothing_is_fetched_for_a_store_that_is_closed() -> None:
    made = with_catalogue()
    order_id = delivered(made, bread=1)
    made.give(
        c.RegisterStore(Store("sto_west", "West", at(0, 0), opening_hours="Mo-Su 06:00-07:00"))
    )
    before = made.engine.state
    with pytest.raises(RefusedError) as caught:
        made.give(c.RequestReturn(order_id, (OrderLine("bread", 1),), "x", made.clock.now()))
    assert caught.value.reason == "store_closed"
    assert made.engine.state is before


def test_goods_that_a_courier_brings_back_after_all_are_no_stock_either() -> None:
    made = with_catalogue()
    order_id = delivered(made, bread=2)
    errand = fetch(made, order_id, bread=2)
    courier_id, stop_id = made.wait_for_commitment()
    made.do(courier_id, stop_id)
    made.give(c.CancelOrder(errand.order_id, "found the receipt", made.clock.now()))
    assert finish(made, errand.order_id) == [StopKind.RETURN]
    assert shelf(made, "bread") == (8, 0)
    state: State = made.engine.state
    assert is_at_the_desk(state.order(errand.order_id))
