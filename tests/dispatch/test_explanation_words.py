"""Explanations say what is true, in good words: whose doing it was, how late, where, how much."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ordering import BOTH, split_town
from street import HAND_OVER_S, NOW, Street
from town import NOW as TOWN_NOW
from town import Town, at

from dispatch import commands as c
from dispatch import events as e
from dispatch.explain import explain
from dispatch.explain_words import costing, decided, ended, margin, percent, why_not_store
from dispatch.explanation import Decision, Explanation, StoreOption
from dispatch.model import Fulfilment, OrderLine, Reason
from dispatch.planning.plan import plan
from dispatch.records import SLOT
from dispatch.recount import recount

WEST, EAST = "sto_west", "sto_east"
STALLED = "West has not begun to pick it 10 min after it should have"


def explained(street: Street, order_id: str = "ord_a") -> Explanation:
    snapshot = street.snapshot()
    return explain(snapshot, plan(snapshot), order_id)


def option(found: Explanation, store_id: str) -> StoreOption:
    return next(each for each in found.stores if each.store_id == store_id)


# --- whose doing it was ------------------------------------------------------------------------


def stalled() -> tuple[Town, str]:
    """Return a town in which nobody at West picked an order, so that it went to East."""
    town = Town()
    order_id = town.order(at(5, 0))
    town.engine.replan()
    town.clock.time = TOWN_NOW + 600
    town.engine.commit_due()
    town.engine.replan()
    assert town.engine.state.order(order_id).store_id == EAST
    return town, order_id


def test_a_store_that_the_engine_left_out_is_nobodys_decision() -> None:
    town, order_id = stalled()
    found = town.engine.explain(order_id)
    assert found.decisions == ()
    assert found.sentence.endswith(f"The engine left West out: {STALLED}.")
    west = option(found, WEST)
    assert (west.reason, west.detail) == (
        Reason.STORE_EXCLUDED,
        f"West was left out by the engine: {STALLED}",
    )


def test_a_store_that_a_person_ruled_out_is_told_with_who_and_why() -> None:
    town = Town()
    order_id = town.order(at(5, 0))
    town.give(c.ExcludeStore(order_id, WEST, "ops:maria", "freezer broke."))
    town.engine.replan()
    found = town.engine.explain(order_id)
    assert "Kept from West by ops:maria: freezer broke." in found.sentence
    assert [(one.kind, one.owner, one.reason) for one in found.decisions] == [
        ("exclusion", "ops:maria", "freezer broke.")
    ]
    assert option(found, WEST).detail == "West was ruled out by ops:maria: freezer broke"


def test_each_store_ruled_out_keeps_its_own_reason() -> None:
    town, order_id = stalled()
    town.give(c.RegisterStore(replace(town.engine.state.store(EAST).store, store_id="sto_south")))
    town.give(c.ExcludeStore(order_id, "sto_south", "ops:maria", "too far"))
    found = town.engine.explain(order_id)
    assert [one.detail for one in found.decisions] == ["Kept from East"]
    assert "Kept from East by ops:maria: too far. The engine left West out: " in found.sentence


def test_a_pin_that_the_shop_asked_for_is_not_by_somebody() -> None:
    town = Town()
    order_id = town.order(at(5, 0))
    town.engine._record([e.StorePinned(order_id, WEST, "shop", "the order names the store")])
    found = town.engine.explain(order_id)
    assert "Pinned to West by the shop: the order names the store." in found.sentence


def test_a_later_slot_is_waited_for_and_decided_by_nobody() -> None:
    slot = Decision("hold", SLOT, "for a later slot", NOW + 600, "It waits for its slot")
    assert decided(slot, NOW) == "It waits for its slot for 10 min more."
    assert decided(slot, NOW + 600) == "It waits for its slot."


@pytest.mark.parametrize(
    ("reason", "said"), [("", "Held."), ("a. ", "Held: a."), ("a", "Held: a.")]
)
def test_a_reason_ends_with_one_full_stop(reason: str, said: str) -> None:
    assert ended("Held", reason) == said


# --- how late ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("slack_s", "said"),
    [
        (61, "1 min before the promise ends"),
        (20, "less than a minute before the promise ends"),
        (0, "just as the promise ends"),
        (-20, "less than a minute after the promise ends"),
        (-119, "1 min after the promise ends"),
    ],
)
def test_no_margin_is_0_min(slack_s: int, said: str) -> None:
    assert margin(slack_s) == said


@pytest.mark.parametrize(
    ("due_s", "said"),
    # Handed over after 60 + 100 + 60 s.
    [
        (200, "be less than a minute late, as the way and handing it over take 4 min."),
        (220, "It arrives just as the promise ends."),
        (240, "It arrives less than a minute before the promise ends."),
    ],
)
def test_less_than_a_minute_is_said_as_such(due_s: int, said: str) -> None:
    street = Street()
    street.store("north", at=500)
    street.order("a", at=600, store_id="sto_north", ready_at=NOW, due_s=due_s)
    street.courier("ida", at=500)
    assert said in explained(street).sentence


def test_an_order_freed_only_just_too_late_is_less_than_a_minute_late() -> None:
    street = Street()
    street.store("north", at=500)
    street.order("a", at=600, weight_g=20_000, store_id="sto_north", ready_at=NOW, due_s=200)
    street.courier("ida", at=500)
    assert (
        explained(street).changes[0].effect == "it would arrive in 4 min, less than a minute late"
    )


def test_a_closed_order_that_was_seconds_late_says_so() -> None:
    town = Town()
    order_id = town.order(at(3, 0))
    town.picked(order_id)
    courier_id, stop_id = town.wait_for_commitment()
    town.do(courier_id, stop_id)
    town.engine.replan()
    latest = town.engine.state.order(order_id).promise.latest
    town.clock.time = latest + 20
    town.do(courier_id, f"stp_{order_id.removeprefix('ord_')}_d")
    late = recount(town.engine.state.closed[order_id], town.engine.state)
    assert late.slack_s == -20
    assert "It was less than a minute late: " in late.sentence


@pytest.mark.parametrize(
    ("chance", "said"), [(0.001, "less than 1 %"), (0.4, "40 %"), (0.998, "more than 99 %")]
)
def test_no_chance_is_called_certain(chance: float, said: str) -> None:
    assert percent(chance) == said


# --- what it waits for -------------------------------------------------------------------------


def test_the_way_to_a_store_is_told_apart_from_other_goods_fetched_there() -> None:
    street = Street(buffer_s=0)
    street.store("north", at=500)
    street.order("a", at=700, store_id="sto_north", ready_at=NOW)
    street.order("b", at=600, store_id="sto_north", ready_at=NOW)
    street.courier("ida", at=200)
    snapshot = street.snapshot()
    made = plan(snapshot)
    second = made.routes[0].visits[1].stop.order_id
    found = explain(snapshot, made, second)
    # 300 s to the store, then a minute at the counter for the other order.
    assert [(one.what, one.wait_s, one.why) for one in found.waits[:2]] == [
        ("way", 300, "Ida is on the way to North"),
        ("together", HAND_OVER_S, "Ida fetches another order there first"),
    ]


def in_the_bag(*doors: tuple[str, int]) -> Explanation:
    """Return the explanation of the last of some orders in a bag, by address and place."""
    street = Street(buffer_s=0)
    street.store("north", at=500)
    names = [f"{index}" for index in range(len(doors))]
    for name, (address, place) in zip(names, doors, strict=True):
        ends = {"store_id": "sto_north", "courier_id": "cou_ida", "on_board": True}
        street.order(name, at=place, ready_at=NOW, **ends)
        known = street.orders[-1]
        street.orders[-1] = replace(known, order=replace(known.order, address=address))
    street.courier("ida", at=500, on_board=tuple(f"ord_{name}" for name in names))
    return explained(street, f"ord_{names[-1]}")


@pytest.mark.parametrize(
    ("doors", "where"),
    [
        ([("Pier 1", 600), ("Quay 2", 700)], "Pier 1"),
        ([("Pier 1", 600), ("Pier 1", 600), ("Quay 2", 700)], "Pier 1 (2 stops)"),
        # The same house; 20 s or 100 m on; written otherwise.
        ([("Quay 2", 700), ("Quay 2", 700)], "Quay 2 (another stop)"),
        ([("Quay", 680), ("Quay", 700)], "Quay (another stop, 100 m away)"),
        ([("Quay 3a", 700), ("Quay 3 A", 700)], "Quay 3a (another stop)"),
        ([("Quay 2", 700), ("Quay 2", 700), ("Quay 2", 700)], "Quay 2 (2 other stops)"),
        # A street without a number says nothing, in that same street.
        ([("Quay", 650), ("Quay 2", 700)], "Quay (250 m away)"),
        ([("Pier", 650), ("Quay 2", 700)], "Pier"),
    ],
)
def test_doors_are_told_so_that_they_can_be_told_apart(
    doors: list[tuple[str, int]], where: str
) -> None:
    (shared,) = [each for each in in_the_bag(*doors).waits if each.what == "shared_trip"]
    assert shared.why == f"Ida goes to {where} before this door"


def test_a_longer_ride_is_no_wait() -> None:
    found = in_the_bag(("Pier 1", 600), ("Quay 2", 700))
    assert "Its ride is 1 min longer: Ida goes to Pier 1 before this door." in found.sentence


def test_a_store_gone_back_to_is_named() -> None:
    street = Street(buffer_s=0)
    street.store("north", at=600)
    held = {"store_id": "sto_north", "courier_id": "cou_ida", "on_board": True, "ready_at": NOW}
    street.order("a", at=700, **held)
    street.order("b", at=700, store_id="sto_north", ready_at=NOW)
    street.courier("ida", at=500, on_board=("ord_a",))
    (shared,) = [each for each in explained(street).waits if each.what == "shared_trip"]
    assert shared.why.startswith("Ida goes to North")


# --- what it would cost ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("extra", "terms", "said"),
    [
        (0.2, {"travel": 0.2}, "the same"),
        (
            47882.0,
            {"lateness": 48062.0, "late_break": -454.0, "travel": 274.0},
            "47882 courier-s more (+48062 expected lateness, -454 a late break, +274 all else)",
        ),
        (-20.0, {"travel": -20.0}, "20 courier-s less (-20 the way)"),
    ],
)
def test_the_parts_of_a_cost_add_up(extra: float, terms: dict[str, float], said: str) -> None:
    assert costing(extra, terms) == f"cost the whole plan {said}"


def test_who_would_come_sooner_says_at_what_cost() -> None:
    street = Street(waiting_cost=0.0)
    street.store("north", at=500)
    street.order("a", at=600, store_id="sto_north", ready_at=NOW)
    street.courier("near", at=500, available_at=NOW + 300)
    street.courier("far", at=300)
    found = explained(street)
    assert found.courier_id == "cou_near"
    # 200 s of way instead of 300 s of waiting, which costs nothing here.
    assert found.why_not_courier == (
        "Near is the nearest courier. The next best courier, Far, would bring it 2 min sooner, "
        "but cost the whole plan 200 courier-s more (+200 the way)."
    )


def test_a_nearer_store_at_the_same_cost_is_told_in_a_whole_sentence() -> None:
    chosen = StoreOption("sto_a", "A", True, 100, NOW, None, "")
    for nearer, said in (
        ({"extra_cost": 0.1}, ", but would cost the whole plan the same"),
        (
            {"extra_cost": -9.0},
            " and would cost the whole plan 9 courier-s less: the next plan may choose it",
        ),
        ({}, ", but was not among the stores that the plan tried for it"),
    ):
        other = StoreOption("sto_b", "B", False, 50, NOW, None, "", **nearer)  # type: ignore[arg-type]
        assert why_not_store((chosen, other)) == f"B is nearer{said}."


# --- customers, parts ---------------------------------------------------------------------------


@pytest.mark.parametrize("bay", ["6", "bay 6"])
def test_a_customer_who_has_just_come_has_waited_less_than_a_minute(bay: str) -> None:
    town = Town()
    milk = (OrderLine("milk", 1),)
    kerb = Fulfilment.CURBSIDE
    town.give(c.PlaceOrder(at(3, 0), "Corner", milk, 1000, TOWN_NOW, fulfilment=kerb))
    (order_id,) = town.engine.state.orders
    town.picked(order_id)
    town.give(c.ArriveToCollect(order_id, bay, town.clock.now()))
    found = town.engine.explain(order_id)
    assert found.sentence == ("The customer has waited at West (bay 6) for less than a minute.")
    # Whoever stands at West is not told what East lacks.
    assert [one.store_id for one in found.stores] == [WEST]


def test_the_other_part_of_an_order_is_named_as_one() -> None:
    town = split_town()
    town.give(c.PlaceOrder(at(5, 0), "Corner", BOTH, 1000, TOWN_NOW))
    first, second = sorted(town.engine.state.orders)
    town.engine.replan()
    assert town.engine.explain(first).sentence.endswith(
        f"It is one of 2 parts, as no store had everything; the other is {second}."
    )


# --- what does not contradict itself -----------------------------------------------------------


def test_the_chosen_store_is_ready_when_the_plan_says() -> None:
    street = Street()
    street.store("north", at=500)
    street.order("a", at=600, weight_g=20_000, store_id="sto_north")
    street.courier("ida", at=500)
    snapshot = street.snapshot()
    made = plan(snapshot)
    earlier = replace(made, ready_at={"ord_a": NOW + 77})
    found = explain(snapshot, earlier, "ord_a")
    assert (found.ready_at, option(found, "sto_north").ready_at) == (NOW + 77, NOW + 77)


def test_what_was_fetched_could_come_from_nowhere_else() -> None:
    street = Street()
    street.store("empty", at=590, available={})
    street.store("north", at=500)
    street.order(
        "a", at=600, store_id="sto_north", courier_id="cou_ida", on_board=True, ready_at=NOW
    )
    street.courier("ida", at=550, on_board=("ord_a",))
    assert [one.store_id for one in explained(street).stores] == ["sto_north"]


def test_an_order_that_should_have_moved_is_told_in_a_whole_sentence() -> None:
    town = Town()
    order_id = town.order(at(3, 0))
    town.engine._record([e.OrderNotMoved(order_id, WEST, "stalled", "East is closed", TOWN_NOW)])
    town.give(c.CancelOrder(order_id, "changed mind.", TOWN_NOW))
    state = town.engine.state
    closed = state.closed[order_id]
    assert recount(closed, state).sentence == "Cancelled: changed mind."
    (turn, *_) = recount(closed, state).turns
    assert turn.detail == "not moved to another store when it should have been"
