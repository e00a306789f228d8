"""A courier who cannot go on: what is in the bag waits for somebody else."""

from __future__ import annotations

import pytest
from town import NOW, Town, at

from dispatch import commands as c
from dispatch import events as e
from dispatch.errors import ConflictError, InvalidValueError, WrongStateError
from dispatch.model import DeliveryStatus, Policy, StopKind
from geo.errors import TooFarFromRoadError


def carrying(town: Town, *doors: int) -> tuple[str, list[str]]:
    """Let Anna pick orders up at the western store; returns her id and the orders."""
    town.give(c.EndShift("cou_ben", NOW))
    orders = [town.order(at(x, 0)) for x in doors]
    for order_id in orders:
        town.picked(order_id)
    while set(town.engine.state.courier("cou_anna").on_board) != set(orders):
        town.do(*town.wait_for_commitment())
    town.give(c.StartShift("cou_ben", town.clock.time, NOW + 4 * 3600))
    return "cou_anna", orders


def strand(town: Town, courier_id: str, x: int) -> list[e.Event]:
    return town.give(c.StrandCourier(courier_id, at(x, 0), "the chain broke", town.clock.time))


@pytest.mark.parametrize("one_store", [False, True])
def test_another_courier_fetches_the_bag_where_it_is_and_brings_it(one_store: bool) -> None:
    town = Town(Policy(one_store_per_trip=one_store))
    first, orders = carrying(town, 6, 7)
    stock = town.engine.state.store("sto_west").available("milk")
    version = town.engine.state.courier(first).route_version
    (stranded,) = strand(town, first, 3)
    assert isinstance(stranded, e.CourierStranded)
    assert set(stranded.order_ids) == set(orders)
    point = stranded.point
    assert point is not None
    assert (point.name, point.is_point, point.pickers) == ("bag of anna", True, 0)
    assert point.store_id.startswith("pnt_")
    courier = town.engine.state.courier(first)
    assert (courier.on_board, courier.route, courier.commitment) == ((), None, None)
    assert courier.route_version == version + 1
    for order_id in orders:
        order = town.engine.state.order(order_id)
        assert (order.delivery, order.courier_id) == (DeliveryStatus.CONFIRMED, None)
        assert (order.store_id, order.shelf_store_id) == (point.store_id, "sto_west")
    while town.engine.state.orders:
        town.engine.replan()
        plan = town.engine.state.plan
        assert plan is not None
        assert (plan.violations, plan.dropped) == ((), ())
        who, stop_id = town.wait_for_commitment()
        assert who == "cou_ben"
        town.do(who, stop_id)
    assert point.store_id not in town.engine.state.stores
    assert town.engine.state.store("sto_west").available("milk") == stock
    for order_id in orders:
        order = town.engine.state.order(order_id)
        assert (order.delivery, order.courier_id) == (DeliveryStatus.DELIVERED, "cou_ben")
        assert order.store_id == "sto_west"
    assert town.restarted().state == town.engine.state


def test_whoever_stranded_never_gets_it_again_also_when_recovered() -> None:
    town = Town()
    first, (order_id,) = carrying(town, 6)
    strand(town, first, 3)
    town.give(c.EndShift("cou_ben", town.clock.time))
    assert town.give(c.RecoverCourier(first, town.clock.time)) == [
        e.CourierRecovered(first, town.clock.time)
    ]
    for _ in range(20):
        town.engine.replan()
        town.clock.time += 30
    assert town.engine.state.courier(first).commitment is None
    other = town.order(at(2, 0))
    town.picked(other)
    courier_id, _ = town.wait_for_commitment()
    assert courier_id == first
    assert town.engine.state.order(other).courier_id == first
    assert town.engine.state.order(order_id).courier_id is None


def test_on_the_way_to_a_store_the_pickup_is_given_back() -> None:
    town = Town()
    order_id = town.order(at(2, 0))
    town.picked(order_id)
    courier_id, _ = town.wait_for_commitment()
    now = town.clock.time
    events = strand(town, courier_id, 1)
    assert events == [
        e.StopDeclined(courier_id, order_id, "the chain broke", now),
        e.CourierStranded(courier_id, "the chain broke", (), None, now),
    ]
    assert set(town.engine.state.stores) == {"sto_west", "sto_east"}
    other, _ = town.wait_for_commitment()
    assert other != courier_id


def test_goods_on_their_way_back_stay_with_the_courier() -> None:
    town = Town()
    first, orders = carrying(town, 6, 7)
    town.give(c.CancelOrder(orders[0], "changed my mind", town.clock.time))
    (stranded,) = strand(town, first, 3)
    assert isinstance(stranded, e.CourierStranded)
    assert stranded.order_ids == (orders[1],)
    assert town.engine.state.courier(first).on_board == (orders[0],)
    town.engine.replan()
    plan = town.engine.state.plan
    assert plan is not None
    assert plan.violations == ()
    town.give(c.RecoverCourier(first, town.clock.time))
    while not town.engine.state.order(orders[0]).is_closed:
        town.do(*town.wait_for_commitment())
    assert town.engine.state.order(orders[0]).delivery is DeliveryStatus.RETURNED


def test_what_failed_is_not_tried_again_by_who_is_stranded() -> None:
    town = Town()
    first, (order_id,) = carrying(town, 6)
    _, door = town.wait_for_commitment()
    town.give(c.FailStop(first, door, "nobody home", town.clock.time))
    strand(town, first, 3)
    assert town.engine.state.courier(first).on_board == (order_id,)
    with pytest.raises(ConflictError, match="who is stranded"):
        town.give(c.RetryDelivery(order_id, "ops:maria", "they called", town.clock.time))


def test_a_delivery_from_the_point_that_fails_goes_back_to_the_store() -> None:
    town = Town()
    first, (order_id,) = carrying(town, 6)
    strand(town, first, 3)
    town.do(*town.wait_for_commitment())
    second, door = town.wait_for_commitment()
    town.give(c.FailStop(second, door, "nobody home", town.clock.time))
    _, _ = town.wait_for_commitment()
    commitment = town.engine.state.courier(second).commitment
    assert commitment is not None
    assert (commitment.stop.kind, commitment.stop.store_id) == (StopKind.RETURN, "sto_west")
    town.do(second, commitment.stop.stop_id)
    assert town.engine.state.store("sto_west").available("milk") == 10
    assert town.engine.state.order(order_id).delivery is DeliveryStatus.RETURNED


def test_cancelled_right_after_the_fetch_the_goods_go_to_the_store_not_the_point() -> None:
    town = Town()
    first, (order_id,) = carrying(town, 6)
    strand(town, first, 3)
    second, fetch = town.wait_for_commitment()
    town.do(second, fetch)
    town.give(c.CancelOrder(order_id, "changed my mind", town.clock.time))
    town.engine.replan()
    _, back = town.wait_for_commitment()
    town.do(second, back)
    assert town.engine.state.order(order_id).delivery is DeliveryStatus.RETURNED
    assert set(town.engine.state.stores) == {"sto_west", "sto_east"}


def test_a_breakdown_that_cannot_be_is_refused() -> None:
    town = Town()
    first, _ = carrying(town, 6)
    before = town.engine.state
    with pytest.raises(TooFarFromRoadError):
        strand(town, first, 90)
    with pytest.raises(WrongStateError, match="allowed: strand"):
        town.give(c.RecoverCourier(first, town.clock.time))
    assert town.engine.state is before
    strand(town, first, 3)
    with pytest.raises(WrongStateError, match="allowed: recover"):
        strand(town, first, 3)
    with pytest.raises(WrongStateError, match="is stranded"):
        town.give(c.TakeBreak(first, 600, town.clock.time))


# --- handing over ------------------------------------------------------------------------------


def hand_over(town: Town, *order_ids: str, to: str = "cou_ben") -> c.HandOverBag:
    return c.HandOverBag(
        "cou_anna", to, order_ids, at(3, 0), "cou_anna", "a lift home", town.clock.time
    )


def test_a_bag_handed_over_is_for_the_other_courier_alone() -> None:
    town = Town()
    _, orders = carrying(town, 6, 7)
    town.wait_for_commitment()
    events = town.give(hand_over(town, orders[0]))
    assert [type(event) for event in events] == [
        e.ActionTaken,
        e.BagHandedOver,
        e.OrderLocked,
    ]
    giver = town.engine.state.courier("cou_anna")
    assert (giver.on_board, giver.stranded) == ((orders[1],), None)
    bringers = {}
    while town.engine.state.orders:
        town.engine.replan()
        plan = town.engine.state.plan
        assert plan is not None
        assert plan.violations == ()
        who, stop_id = town.wait_for_commitment()
        for event in town.do(who, stop_id):
            if isinstance(event, e.OrderDelivered):
                bringers[event.order_id] = who
    assert bringers == {orders[0]: "cou_ben", orders[1]: "cou_anna"}
    assert town.restarted().state == town.engine.state


def test_a_hand_over_that_cannot_be_is_refused() -> None:
    town = Town()
    _, orders = carrying(town, 6, 7)
    other = town.order(at(2, 0))
    town.give(c.CancelOrder(orders[1], "changed my mind", town.clock.time))
    before = town.engine.state
    with pytest.raises(InvalidValueError, match="has the goods already"):
        town.give(hand_over(town, orders[0], to="cou_anna"))
    with pytest.raises(InvalidValueError, match="each order once"):
        town.give(hand_over(town, orders[0], orders[0]))
    with pytest.raises(InvalidValueError, match="one at least"):
        town.give(hand_over(town))
    with pytest.raises(ConflictError, match="is not in the bag"):
        town.give(hand_over(town, orders[0], other))
    with pytest.raises(WrongStateError, match="going back"):
        town.give(hand_over(town, orders[1]))
    assert town.engine.state is before
    town.give(c.EndShift("cou_ben", town.clock.time))
    with pytest.raises(ConflictError, match="name somebody who can come"):
        town.give(hand_over(town, orders[0]))
