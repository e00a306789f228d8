"""What cannot be, end to end in the engine: named, planned around, and never fatal."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from ordering import asked, order_of, placed
from town import BLOCK_S, NOW, Town, at

from dispatch import commands as c
from dispatch import events as e
from dispatch.check import check
from dispatch.errors import InvalidValueError, RefusedError
from dispatch.model import Courier, Mode, OrderLine, Plan, Promise, Reason, Store
from dispatch.planning.plan import plan


def heard(town: Town, *facts: e.Event) -> None:
    """Put facts in the log as another service left them, and start over with it."""
    town.log.append(len(town.log.entries), town.clock.now(), facts)
    town.engine = town.restarted()


def planned(town: Town) -> Plan:
    """Return a plan of what there is that breaks no rule, and put one in force."""
    snapshot = town.engine.snapshot()
    found = plan(snapshot)
    assert check(found, snapshot) == []
    town.engine.replan()
    return found


def carriers(found: Plan) -> dict[str, str]:
    return {v.stop.order_id: r.courier_id for r in found.routes for v in r.visits}


# --- stock below zero --------------------------------------------------------------------------


def test_stock_below_zero_is_refused_by_name_and_changes_nothing() -> None:
    town = Town()
    before = town.engine.state
    with pytest.raises(InvalidValueError, match=r"items\.milk\.on_hand is -1; 0 is the least"):
        town.give(c.SetStock("sto_west", {"milk": -1}))
    assert town.engine.state is before


def test_a_store_whose_stock_is_below_zero_in_the_log_serves_nothing_of_it() -> None:
    town = Town()
    heard(town, e.StockSet("sto_west", {"milk": -3, "bread": 5}))
    assert town.engine.state.store("sto_west").available("milk") == -3
    order = order_of(town)
    assert order.store_id == "sto_east"
    assert carriers(planned(town))[order.order_id] == "cou_ben"
    bread = order_of(town, lines=(OrderLine("bread", 1),), store_id="sto_west")
    assert bread.order_id in carriers(planned(town))
    heard(town, e.StockSet("sto_east", {"milk": -1}))
    with pytest.raises(RefusedError, match="milk") as refused:
        town.engine.quote(asked(town))
    assert refused.value.reason is Reason.NO_STOCK
    # What was promised before is still brought.
    assert order.order_id in carriers(planned(town))


# --- stores without pickers --------------------------------------------------------------------


def without_pickers(town: Town, *store_ids: str) -> None:
    for store_id in store_ids:
        place = town.engine.state.store(store_id).store.location
        town.give(c.RegisterStore(Store(store_id, store_id[4:].title(), place, pickers=0)))


def test_orders_come_from_where_somebody_picks() -> None:
    town = Town()
    without_pickers(town, "sto_west")
    order = order_of(town)
    assert order.store_id == "sto_east"
    assert order.order_id in carriers(planned(town))


def test_where_nobody_picks_at_all_an_order_is_refused_with_the_reason() -> None:
    town = Town()
    without_pickers(town, "sto_west", "sto_east")
    refused = placed(town)[0]
    assert isinstance(refused, e.OrderRefused)
    assert refused.reason is Reason.STORE_PAUSED
    assert "has no pickers" in refused.detail


def test_an_order_whose_pickers_have_all_gone_home_is_named_and_the_rest_goes_on() -> None:
    town = Town()
    stuck, other = order_of(town), order_of(town, lines=(OrderLine("bread", 1),), door=at(15, 0))
    town.give(c.SetStock("sto_east", {"milk": 0}))
    assert (stuck.store_id, other.store_id) == ("sto_west", "sto_east")
    without_pickers(town, "sto_west")
    found = planned(town)
    assert other.order_id in carriers(found)
    (left,) = found.unassigned
    assert (left.order_id, left.reason) == (stuck.order_id, Reason.STORE_PAUSED)
    assert "West has no pickers" in left.detail


# --- couriers with a mode that the city lacks --------------------------------------------------


def by_car(courier_id: str) -> Courier:
    return Courier(courier_id, courier_id[4:], Mode.CAR, at(1, 0))


def test_a_mode_that_the_city_lacks_is_refused_by_name() -> None:
    town = Town()
    with pytest.raises(InvalidValueError, match="mode car is not in this city; it has bike, walk"):
        town.give(c.RegisterCourier(by_car("cou_carl")))


def shift(courier_id: str) -> Sequence[e.Event]:
    return (
        e.CourierRegistered(by_car(courier_id)),
        e.ShiftStarted(courier_id, NOW, NOW + 4 * 3600),
    )


def test_a_courier_by_a_mode_that_the_city_lacks_is_given_nothing_and_others_work() -> None:
    town = Town()
    heard(town, *shift("cou_anna"))
    order = order_of(town)
    assert carriers(planned(town)) == {order.order_id: "cou_ben"}


def test_with_nobody_else_quotes_and_orders_are_refused_with_the_reason() -> None:
    town = Town()
    heard(town, *shift("cou_anna"), *shift("cou_ben"))
    with pytest.raises(RefusedError) as refused:
        town.engine.quote(asked(town))
    assert refused.value.reason is Reason.NO_COURIER_ON_SHIFT
    assert planned(town).routes == ()


@pytest.mark.parametrize("stops_done", [0, 1])
def test_goods_with_whoever_changed_to_such_a_mode_are_named(stops_done: int) -> None:
    town = Town()
    order = order_of(town)
    town.picked(order.order_id)
    courier_id, stop_id = town.wait_for_commitment()
    if stops_done:
        town.do(courier_id, stop_id)
        town.wait_for_commitment()
    heard(town, e.CourierRegistered(by_car(courier_id)))
    other = order_of(town, door=at(15, 0))
    found = planned(town)
    assert other.order_id in carriers(found)
    (left,) = found.unassigned
    assert (left.order_id, left.reason) == (order.order_id, Reason.NO_COURIER_ON_SHIFT)
    assert courier_id in left.detail
    assert town.engine.explain(order.order_id).sentence


# --- promises already broken -------------------------------------------------------------------


def test_a_promise_broken_before_it_is_heard_of_is_kept_as_soon_as_can_be() -> None:
    town = Town()
    (received,) = town.give(
        c.AcceptOrder(
            door=at(5, 0),
            address="Corner",
            lines=(OrderLine("milk", 1),),
            weight_g=1000,
            created_at=NOW - 7200,
            store_id="sto_west",
            promise=Promise(NOW - 5400, NOW - 3600, NOW - 7200),
        )
    )
    assert isinstance(received, e.OrderReceived)
    late = received.order.order_id
    prompt = order_of(town, door=at(15, 0)).order_id
    found = planned(town)
    assert set(carriers(found)) == {late, prompt}
    assert found.unassigned == ()
    (route,) = (r for r in found.routes if late in {v.stop.order_id for v in r.visits})
    # Picked at once, and brought without a wait: five blocks after the counter.
    assert route.visits[0].begin_at == NOW + 145
    assert route.visits[1].arrive_at == NOW + 145 + 60 + 5 * BLOCK_S
    assert "late" in town.engine.explain(late).sentence.lower()


def test_a_promise_that_breaks_on_the_way_changes_nothing_of_what_is_done() -> None:
    town = Town()
    order = order_of(town)
    town.picked(order.order_id)
    courier_id, stop_id = town.wait_for_commitment()
    town.do(courier_id, stop_id)
    town.clock.time = order.promise.latest + 3600
    assert carriers(planned(town)) == {order.order_id: courier_id}
    told = town.engine.state.courier(courier_id).commitment
    assert told is not None
    town.do(courier_id, told.stop.stop_id)
    assert town.engine.state.order(order.order_id).is_closed
