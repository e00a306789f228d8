"""Orders whose promise the shop has given: taken as they are, at the store it names."""

from __future__ import annotations

import pytest
from town import BLOCK_S, NOW, Town, at

from dispatch import commands as c
from dispatch.errors import ExternalIdTakenError, InvalidValueError, RefusedError, UnknownIdError
from dispatch.events import OrderReceived
from dispatch.model import Courier, Mode, Order, OrderLine, Policy, Promise, StopKind, Store
from dispatch.planning.picking import work_order

PROMISE = Promise(NOW - 60, NOW - 30, NOW - 60)
"""Over before it was told: nothing can keep it."""


def accepted(
    town: Town,
    *,
    store_id: str = "sto_west",
    created_at: int = NOW - 60,
    promise: Promise = PROMISE,
    pick_s: int | None = None,
    external_id: str | None = None,
    quantity: int = 1,
) -> Order:
    """Have an order accepted for a door 5 blocks east and return it."""
    command = c.AcceptOrder(
        door=at(5, 0),
        address="Corner",
        lines=(OrderLine("milk", quantity),),
        weight_g=1000,
        created_at=created_at,
        store_id=store_id,
        promise=promise,
        pick_s=pick_s,
        external_id=external_id,
        fare_cents=350,
    )
    (received,) = town.give(command)
    assert isinstance(received, OrderReceived)
    assert received.store_id == store_id
    assert received.promise == promise
    return received.order


def test_a_promise_that_cannot_be_kept_is_taken_all_the_same() -> None:
    town = Town(Policy(promise_max_s=1))
    order = accepted(town)
    assert order.created_at == NOW - 60
    assert order.fare_cents == 350
    assert town.engine.state.orders[order.order_id].promise == PROMISE
    town.engine.replan()
    assert town.engine.state.orders[order.order_id].eta is not None


def test_it_is_reserved_at_the_store_named_though_another_is_nearer() -> None:
    town = Town()
    accepted(town, store_id="sto_east")
    assert town.engine.state.store("sto_east").available("milk") == 9
    assert town.engine.state.store("sto_west").available("milk") == 10


def test_the_shop_s_own_picking_time_is_the_forecast() -> None:
    town = Town()
    own = accepted(town, pick_s=777)
    ours = accepted(town, store_id="sto_east")
    picks = {
        pick.order_id: pick.ready_at - pick.start_at
        for store_id in ("sto_west", "sto_east")
        for pick in work_order(town.engine.snapshot(), store_id)
    }
    assert picks == {own.order_id: 777, ours.order_id: 120 + 25}


def test_what_the_store_does_not_have_is_refused() -> None:
    town = Town()
    with pytest.raises(RefusedError, match="West has 10 of milk, not 11"):
        accepted(town, quantity=11)
    assert not town.engine.state.orders


@pytest.mark.parametrize(
    ("store_id", "created_at", "error"),
    [("sto_north", NOW, UnknownIdError), ("sto_west", NOW + 3600, InvalidValueError)],
)
def test_stores_that_are_not_there_and_clicks_to_come_are_refused(
    store_id: str, created_at: int, error: type[Exception]
) -> None:
    town = Town()
    with pytest.raises(error):
        accepted(town, store_id=store_id, created_at=created_at)
    assert not town.engine.state.orders


def test_the_shop_s_id_is_taken_once() -> None:
    town = Town()
    first = accepted(town, external_id="A-1")
    with pytest.raises(ExternalIdTakenError) as refused:
        accepted(town, external_id="A-1")
    assert refused.value.order_id == first.order_id


# --- the walk between street and counter ---------------------------------------------------------


def with_counters(access_s: int) -> Town:
    """Return a town whose stores have a walk to the counter and take no time there."""
    town = Town(Policy(departure_lead_s=0))
    for store_id, x in (("sto_west", 0), ("sto_east", 20)):
        store = Store(store_id, store_id, at(x, 0), access_s=access_s, pickup_service_s=0)
        town.give(c.RegisterStore(store))
    return town


def test_the_walk_is_in_every_leg_to_or_from_a_counter_and_in_no_other() -> None:
    town = with_counters(90)
    accepted(town)
    snapshot = town.engine.snapshot()
    east, west, door, anna = 0, 1, 2, 3
    assert snapshot.places[door] == at(5, 0)
    assert snapshot.places[anna] == at(1, 0)
    legs = snapshot.travel.duration_s[Mode.BIKE]
    assert legs[west, door] == 90 + 5 * BLOCK_S
    assert legs[door, west] == 5 * BLOCK_S + 90
    assert legs[west, east] == 90 + 20 * BLOCK_S + 90
    assert legs[anna, west] == BLOCK_S + 90
    assert legs[anna, door] == 4 * BLOCK_S
    assert legs[west, west] == 0


def test_a_courier_at_a_counter_fetches_more_without_a_walk_and_takes_one_on_leaving() -> None:
    town = with_counters(90)
    first, second = accepted(town), accepted(town)
    for order in (first, second):
        town.picked(order.order_id)
    courier_id, stop_id = town.wait_for_commitment()
    town.clock.time += BLOCK_S + 90
    town.do(courier_id, stop_id)
    courier = town.engine.state.courier(courier_id)
    assert courier.counter == "sto_west"
    snapshot = town.engine.snapshot()
    (mine,) = (one for one in snapshot.couriers if one.courier_id == courier_id)
    assert mine.at_store == "sto_west"
    legs = snapshot.travel.duration_s[Mode.BIKE]
    assert legs[mine.place, 1] == 0
    assert legs[mine.place, 2] == 90 + 5 * BLOCK_S
    town.engine.replan()
    while town.engine.state.courier(courier_id).commitment is None:
        town.clock.time += 10
        town.engine.commit_due()
    commitment = town.engine.state.courier(courier_id).commitment
    assert commitment is not None
    if commitment.stop.kind is StopKind.PICKUP:
        town.do(courier_id, commitment.stop.stop_id)
        town.engine.replan()
        commitment = town.engine.state.courier(courier_id).commitment
    assert commitment is not None
    town.clock.time = commitment.expected_at
    town.do(courier_id, commitment.stop.stop_id)
    assert town.engine.state.courier(courier_id).counter is None


def test_a_counter_without_a_walk_changes_no_leg() -> None:
    town = with_counters(0)
    accepted(town)
    legs = town.engine.snapshot().travel.duration_s[Mode.BIKE]
    assert legs[1, 2] == 5 * BLOCK_S


def test_a_courier_registered_in_the_street_before_a_store_still_walks_in() -> None:
    town = with_counters(90)
    town.give(c.RegisterCourier(Courier("cou_cleo", "cleo", Mode.BIKE, at(0, 0))))
    town.give(c.StartShift("cou_cleo", NOW, NOW + 3600))
    accepted(town)
    snapshot = town.engine.snapshot()
    (cleo,) = (one for one in snapshot.couriers if one.courier_id == "cou_cleo")
    assert snapshot.travel.duration_s[Mode.BIKE][cleo.place, 1] == 90
