"""Where an order comes from: pins, exclusions, and stores that stall, lack goods or close early."""

from __future__ import annotations

from dataclasses import replace

import pytest
from town import NOW, Town, at

from dispatch import commands as c
from dispatch import events as e
from dispatch.errors import RefusedError, UnknownIdError, WrongStateError
from dispatch.model import Fulfilment, OrderLine, Policy, Promise, Reason, Store
from dispatch.moving import Weighing
from dispatch.rules.sourcing import RETRY_S

WEST, EAST = "sto_west", "sto_east"
NEAR_WEST = at(5, 0)
PICK_S = 120 + 25
"""Expected picking time of an order of one line."""


def store_of(town: Town, order_id: str) -> str:
    return town.engine.state.order(order_id).store_id


def pin(town: Town, order_id: str, store_id: str | None) -> list[e.Event]:
    return town.give(c.PinStore(order_id, store_id, "Leo", "customer asked"))


def exclude(town: Town, order_id: str, store_id: str) -> list[e.Event]:
    return town.give(c.ExcludeStore(order_id, store_id, "Leo", "freezer broke"))


def kinds(events: list[e.Event]) -> list[str]:
    return [type(event).__name__ for event in events]


def moves(events: list[e.Event]) -> list[e.OrderResourced]:
    return [event for event in events if isinstance(event, e.OrderResourced)]


def ticks(town: Town) -> list[e.Event]:
    """Let the engine do what is due, and nothing twice."""
    done = [recorded.event for recorded in town.engine.commit_due()]
    assert town.engine.commit_due() == ()
    return done


# --- pins --------------------------------------------------------------------------------------


def test_a_pinned_order_moves_to_its_store_and_stays_there() -> None:
    town = Town()
    order_id = town.order(NEAR_WEST)
    assert store_of(town, order_id) == WEST
    action, pinned, moved = pin(town, order_id, EAST)
    assert isinstance(action, e.ActionTaken)
    assert pinned == e.StorePinned(order_id, EAST, "Leo", "customer asked")
    assert moved == e.OrderResourced(order_id, WEST, EAST, "pinned")
    assert town.engine.state.store(WEST).available("milk") == 10
    assert town.engine.state.store(EAST).available("milk") == 9
    for _ in range(3):
        town.engine.replan()
        town.clock.time += 30
    assert store_of(town, order_id) == EAST
    assert pin(town, order_id, EAST) == []


def test_without_its_pin_the_plan_may_move_an_order_back() -> None:
    town = Town()
    order_id = town.order(NEAR_WEST)
    pin(town, order_id, EAST)
    assert kinds(pin(town, order_id, None)) == ["ActionTaken", "StorePinned"]
    assert pin(town, order_id, None) == []
    town.engine.replan()
    assert store_of(town, order_id) == WEST


def test_an_order_is_not_pinned_to_a_store_that_cannot_serve_it() -> None:
    town = Town()
    order_id = town.order(NEAR_WEST)
    before = town.engine.state
    with pytest.raises(UnknownIdError):
        pin(town, order_id, "sto_none")
    assert town.engine.state is before
    town.give(c.SetStock(EAST, {"milk": 0}))
    before = town.engine.state
    with pytest.raises(RefusedError, match="East lacks 1 x milk") as refused:
        pin(town, order_id, EAST)
    assert refused.value.reason == Reason.NO_STOCK
    town.give(c.SetStock(EAST, {"milk": 5}))
    town.give(c.PauseStore(EAST, "flood"))
    with pytest.raises(RefusedError, match="East is paused") as refused:
        pin(town, order_id, EAST)
    assert refused.value.reason == Reason.STORE_PAUSED
    assert town.engine.state.order(order_id) == before.order(order_id)


def test_once_picking_began_nobody_moves_an_order() -> None:
    town = Town()
    order_id = town.order(NEAR_WEST)
    town.give(c.StartPick(order_id, NOW))
    for ask in (pin, exclude):
        with pytest.raises(WrongStateError) as refused:
            ask(town, order_id, EAST)
        assert (refused.value.state, refused.value.allowed) == ("picking", ("ready", "cancelled"))
    town.give(c.CompletePick(order_id, NOW))
    with pytest.raises(WrongStateError):
        pin(town, order_id, EAST)


def test_an_order_that_a_courier_was_told_to_fetch_stays() -> None:
    town = Town()
    order_id = town.order(NEAR_WEST)
    told_to_fetch(town, order_id)
    for store_id, ask in ((EAST, pin), (WEST, exclude)):
        with pytest.raises(WrongStateError, match="was told to fetch it") as refused:
            ask(town, order_id, store_id)
        assert refused.value.state == "enroute_to_pickup"
    # Where it is, it may be pinned; and a store where it is not may be ruled out.
    assert kinds(pin(town, order_id, WEST)) == ["ActionTaken", "StorePinned"]
    assert kinds(exclude(town, order_id, EAST)) == ["ActionTaken", "StoreExcluded"]


def told_to_fetch(town: Town, order_id: str) -> None:
    """Let a courier leave for the counter before picking has begun."""
    town.engine.replan()
    due_at = town.engine.next_commit_at()
    assert due_at is not None
    town.clock.time = due_at
    town.engine.commit_due()
    assert town.engine.state.order(order_id).courier_id is not None


def test_an_order_that_is_collected_does_not_change_its_store() -> None:
    town = Town()
    order_id = town.order(NEAR_WEST)
    order = town.engine.state.order(order_id)
    collected = replace(order.order, order_id="ord_c", fulfilment=Fulfilment.COLLECTION)
    promise = Promise(NOW, NOW + 1800, NOW)
    town.engine._record([e.OrderReceived(collected, promise, WEST)])
    with pytest.raises(WrongStateError, match="the customer comes to this store"):
        pin(town, "ord_c", EAST)
    paused = town.give(c.PauseStore(WEST, "flood", "Maija", moves_orders=True))
    assert [event.order_id for event in moves(paused)] == [order_id]
    (left,) = [event for event in paused if isinstance(event, e.OrderNotMoved)]
    assert (left.order_id, left.reason) == ("ord_c", "closing")


def test_a_held_order_is_weighed_too() -> None:
    town = Town()
    order_id = town.order(NEAR_WEST)
    town.give(c.HoldOrder(order_id, "Leo", "customer calls back"))
    assert order_id not in {o.order_id for o in town.engine.snapshot().orders}
    assert moves(pin(town, order_id, EAST)) == [e.OrderResourced(order_id, WEST, EAST, "pinned")]


# --- exclusions --------------------------------------------------------------------------------


def test_an_excluded_store_loses_the_order_for_good() -> None:
    town = Town()
    order_id = town.order(NEAR_WEST)
    found = exclude(town, order_id, WEST)
    assert found[1:] == [
        e.StoreExcluded(order_id, WEST, "Leo", "freezer broke"),
        e.OrderResourced(order_id, WEST, EAST, "excluded"),
    ]
    for _ in range(3):
        town.engine.replan()
        town.clock.time += 30
    assert store_of(town, order_id) == EAST
    assert exclude(town, order_id, WEST) == []


def test_a_store_where_the_order_is_not_is_only_ruled_out() -> None:
    town = Town()
    order_id = town.order(NEAR_WEST)
    assert kinds(exclude(town, order_id, EAST)) == ["ActionTaken", "StoreExcluded"]
    assert store_of(town, order_id) == WEST


def test_the_last_store_that_can_serve_is_not_ruled_out() -> None:
    town = Town()
    order_id = town.order(NEAR_WEST)
    exclude(town, order_id, EAST)
    before = town.engine.state
    with pytest.raises(RefusedError, match="East was ruled out") as refused:
        exclude(town, order_id, WEST)
    assert refused.value.reason == Reason.STORE_EXCLUDED
    assert town.engine.state is before


def test_the_later_word_of_two_people_counts() -> None:
    town = Town()
    order_id = town.order(NEAR_WEST)
    pin(town, order_id, WEST)
    found = exclude(town, order_id, WEST)
    assert kinds(found) == ["ActionTaken", "StorePinned", "StoreExcluded", "OrderResourced"]
    assert town.engine.state.order(order_id).pinned_store_id is None
    pin(town, order_id, WEST)
    order = town.engine.state.order(order_id)
    assert (order.store_id, order.excluded_stores) == (WEST, frozenset())


# --- candidates --------------------------------------------------------------------------------


def test_every_store_is_weighed_and_those_that_can_serve_come_first() -> None:
    town = Town()
    town.give(c.RegisterStore(Store("sto_far", "Far", at(49, 0), reach_s=600)))
    town.give(c.RegisterStore(Store("sto_point", "Bag", at(5, 0), is_point=True)))
    order_id = town.order(NEAR_WEST)
    state = town.engine.state
    found = Weighing(state, town.engine.snapshot).candidates(state.order(order_id))
    assert [(option.store_id, option.reason) for option in found] == [
        (WEST, None),
        (EAST, None),
        ("sto_far", Reason.OUTSIDE_RADIUS),
    ]
    # 5 and 15 blocks of 30 s; both would be ready after one pick.
    assert [option.trip_s for option in found[:2]] == [150, 450]
    assert [option.ready_at for option in found[:2]] == [NOW + PICK_S, NOW + PICK_S]


def test_without_a_fleet_nobody_can_say_who_could_serve() -> None:
    town = Town()
    order_id = town.order(NEAR_WEST)
    for courier_id in ("cou_anna", "cou_ben"):
        town.give(c.EndShift(courier_id, NOW))
    for store_id, ask in ((EAST, pin), (WEST, exclude)):
        with pytest.raises(RefusedError, match="no courier is on shift") as refused:
            ask(town, order_id, store_id)
        assert refused.value.reason == Reason.NO_COURIER_ON_SHIFT


# --- stores that stall -------------------------------------------------------------------------


def stalling(policy: Policy | None = None) -> tuple[Town, str]:
    """Return a town with an order that should be picked at West from now on."""
    town = Town(policy)
    order_id = town.order(NEAR_WEST)
    town.engine.replan()
    assert town.engine.state.order(order_id).start_by == NOW
    return town, order_id


def wait_until(town: Town, moment: int) -> list[e.Event]:
    """Plan every half minute until a moment; returns moves that happened by themselves.

    Each plan expects picking to begin now, so nobody is sent for the goods yet.
    """
    done: list[e.Event] = []
    while town.clock.time < moment:
        town.clock.time = min(moment, town.clock.time + 30)
        done += ticks(town)
        town.engine.replan()
    return [event for event in done if isinstance(event, e.OrderResourced | e.OrderNotMoved)]


def test_an_order_that_nobody_picks_moves_after_ten_minutes() -> None:
    town, order_id = stalling()
    assert wait_until(town, NOW + 599) == []
    assert town.engine.state.order(order_id).start_by == NOW
    town.clock.time = NOW + 600
    excluded, moved = ticks(town)
    assert excluded == e.StoreExcluded(
        order_id, WEST, "engine", "West has not begun to pick it 10 min after it should have"
    )
    assert moved == e.OrderResourced(order_id, WEST, EAST, "stalled")
    # The clock begins anew at the next store, with its next plan.
    assert town.engine.state.order(order_id).start_by is None
    town.engine.replan()
    assert town.engine.state.order(order_id).start_by == NOW + 600


def test_the_engine_knows_when_to_look_after_a_store_next() -> None:
    town, _ = stalling()
    wait_until(town, NOW + 570)
    assert town.engine.next_commit_at() == NOW + 600


def test_an_order_with_nowhere_to_go_is_noted_and_tried_again() -> None:
    town, order_id = stalling()
    town.give(c.SetStock(EAST, {"milk": 0}))
    (noted,) = wait_until(town, NOW + 600)
    assert noted == e.OrderNotMoved(order_id, WEST, "stalled", "East lacks 1 x milk", NOW + 600)
    town.give(c.SetStock(EAST, {"milk": 3}))
    assert wait_until(town, NOW + 600 + RETRY_S - 1) == []
    assert wait_until(town, NOW + 600 + RETRY_S) == [
        e.OrderResourced(order_id, WEST, EAST, "stalled")
    ]


def test_a_pinned_order_does_not_move_by_itself() -> None:
    town, order_id = stalling()
    pin(town, order_id, WEST)
    (noted,) = wait_until(town, NOW + 600)
    assert isinstance(noted, e.OrderNotMoved)
    assert noted.detail == "a person pinned it to this store"


def test_an_order_that_a_courier_comes_for_is_left_to_them() -> None:
    town, order_id = stalling()
    told_to_fetch(town, order_id)
    assert wait_until(town, NOW + 1200) == []
    assert store_of(town, order_id) == WEST


def busy(town: Town) -> list[str]:
    """Let West's two pickers begin an order each."""
    orders = [town.order(NEAR_WEST, "bread") for _ in range(2)]
    for order_id in orders:
        town.give(c.StartPick(order_id, town.clock.now()))
    return orders


def test_a_queue_is_no_stall_until_a_picker_is_free() -> None:
    town, order_id = stalling()
    assert wait_until(town, NOW + 300) == []
    picked, _ = busy(town)
    assert wait_until(town, NOW + 660) == []
    town.give(c.CompletePick(picked, town.clock.now()))
    assert [event.order_id for event in moves(ticks(town))] == [order_id]


def test_a_picker_who_is_never_done_is_not_busy_for_ever() -> None:
    town, order_id = stalling()
    town.give(c.EndShift("cou_ben", NOW))  # who would be sent for it from afar
    busy(town)
    # A pick of 145 s that runs for 10 min longer counts no more.
    assert wait_until(town, NOW + PICK_S + 599) == []
    assert wait_until(town, NOW + PICK_S + 600) == [
        e.OrderResourced(order_id, WEST, EAST, "stalled")
    ]


def test_no_order_moves_where_the_policy_says_so() -> None:
    town, order_id = stalling(Policy(stall_after_s=0))
    assert wait_until(town, NOW + 1800) == []
    assert store_of(town, order_id) == WEST


def test_a_held_order_does_not_stall_and_has_its_time_anew_afterwards() -> None:
    town, order_id = stalling()
    town.give(c.HoldOrder(order_id, "Leo", "customer calls back"))
    assert wait_until(town, NOW + 900) == []
    town.give(c.ReleaseHold(order_id, "Leo"))
    town.engine.replan()
    assert town.engine.state.order(order_id).start_by == NOW + 900
    assert moves(ticks(town)) == []


# --- stores that lack goods --------------------------------------------------------------------


def lacking(on_hand: int) -> tuple[Town, list[str]]:
    """Return a town where three orders of one milk each rest on what a count found at West."""
    town = Town()
    orders = []
    for _ in range(3):
        orders.append(town.order(NEAR_WEST))
        town.clock.time += 1
    town.give(c.CorrectStock(WEST, {"milk": on_hand - 10}, "counted", "Maija", town.clock.now()))
    return town, orders


def test_the_youngest_orders_move_until_the_others_have_their_goods() -> None:
    town, orders = lacking(on_hand=1)
    done = ticks(town)
    assert [event.order_id for event in moves(done)] == [orders[2], orders[1]]
    assert all(event.reason == "lacking" for event in moves(done))
    ruled_out = [event for event in done if isinstance(event, e.StoreExcluded)]
    assert ruled_out[0].reason == "West lacks 2 x milk"
    assert [store_of(town, order_id) for order_id in orders] == [WEST, EAST, EAST]
    assert town.engine.state.store(EAST).available("milk") == 8


def test_whose_picking_has_begun_keeps_its_goods() -> None:
    town, orders = lacking(on_hand=2)
    town2 = Town()
    first, last = town2.order(NEAR_WEST), town2.order(NEAR_WEST)
    town2.give(c.StartPick(last, NOW))
    town2.give(c.CorrectStock(WEST, {"milk": -9}, "counted", "Maija", NOW))
    assert [event.order_id for event in moves(ticks(town2))] == [first]
    assert [event.order_id for event in moves(ticks(town))] == [orders[2]]


def test_an_order_that_cannot_move_goes_short_and_says_so_once() -> None:
    town = Town()
    town.give(c.SetStock(EAST, {"milk": 0}))
    order_id = town.order(NEAR_WEST)
    town.give(c.SetStock(WEST, {"milk": 0}))
    (noted,) = ticks(town)
    assert noted == e.OrderNotMoved(order_id, WEST, "lacking", "East lacks 1 x milk", NOW)
    state = town.engine.state
    own = Weighing(state, town.engine.snapshot).candidates(state.order(order_id))
    told = {option.store_id: (option.reason, option.detail) for option in own}
    assert told[WEST] == (Reason.NO_STOCK, "West lacks 1 x milk")
    # Goods come back: nothing is lacking any more, and nothing more is noted.
    town.give(c.SetStock(WEST, {"milk": 4}))
    town.clock.time += RETRY_S
    assert ticks(town) == []


def test_an_older_order_makes_room_when_the_youngest_cannot_move() -> None:
    town = Town()
    first, last = town.order(NEAR_WEST), town.order(NEAR_WEST)
    pin(town, last, WEST)
    town.give(c.SetStock(WEST, {"milk": 1}))
    assert [event.order_id for event in moves(ticks(town))] == [first]


def test_goods_kept_back_are_there_for_orders_taken_already() -> None:
    town = Town()
    order_id = town.order(NEAR_WEST)
    town.give(c.SetStock(WEST, {"milk": 1}, safety_stock={"milk": 5}))
    assert town.engine.state.store(WEST).available("milk") == -5
    assert ticks(town) == []
    assert store_of(town, order_id) == WEST


def test_pieces_at_the_other_store_are_given_once() -> None:
    town = Town()
    town.give(c.SetStock(EAST, {"milk": 1}))
    orders = [town.order(NEAR_WEST) for _ in range(3)]
    town.give(c.SetStock(WEST, {"milk": 0}))
    done = ticks(town)
    assert len(moves(done)) == 1
    assert len([event for event in done if isinstance(event, e.OrderNotMoved)]) == 2
    assert town.engine.state.store(EAST).available("milk") == 0
    assert sorted(store_of(town, order_id) for order_id in orders) == [EAST, WEST, WEST]


# --- stores that close early -------------------------------------------------------------------


def test_a_store_that_closes_early_hands_on_what_it_has_not_begun() -> None:
    town = Town()
    begun, waiting = town.order(NEAR_WEST), town.order(NEAR_WEST)
    town.give(c.StartPick(begun, NOW))
    found = town.give(c.PauseStore(WEST, "flood", "Maija", moves_orders=True))
    assert kinds(found) == ["ActionTaken", "StorePaused", "StoreExcluded", "OrderResourced"]
    assert found[2] == e.StoreExcluded(waiting, WEST, "Maija", "West closes: flood")
    assert (store_of(town, begun), store_of(town, waiting)) == (WEST, EAST)


def test_a_paused_store_keeps_what_it_took_unless_told_otherwise() -> None:
    town = Town()
    order_id = town.order(NEAR_WEST)
    assert town.give(c.PauseStore(WEST, "busy")) == [e.StorePaused(WEST, "busy")]
    assert town.give(c.PauseStore(WEST, "busy")) == []
    assert store_of(town, order_id) == WEST
    # Later it closes for good: what is left goes now.
    found = town.give(c.PauseStore(WEST, "flood", moves_orders=True))
    assert kinds(found) == ["StoreExcluded", "OrderResourced"]


def test_orders_that_move_are_no_longer_on_the_shelves_they_left() -> None:
    town = Town()
    order_id = town.order(NEAR_WEST, "milk", "bread")
    exclude(town, order_id, WEST)
    assert town.engine.state.store(WEST).reserved == {}
    assert town.engine.state.store(EAST).reserved == {"milk": 1, "bread": 1}
    assert town.engine.state.order(order_id).order.lines == (
        OrderLine("milk", 1),
        OrderLine("bread", 1),
    )
    assert town.restarted().state == town.engine.state
