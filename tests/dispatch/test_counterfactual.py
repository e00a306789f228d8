"""What would have to change, worked out in the plan; and how a closed order went."""

from __future__ import annotations

from dataclasses import replace

import pytest
from street import HAND_OVER_S, NOW, PICK_S, Street
from town import NOW as TOWN_NOW
from town import Town, at

from dispatch import commands as c
from dispatch import events as e
from dispatch.explain import explain
from dispatch.explain_words import REMEDIES
from dispatch.explanation import Change, Explanation
from dispatch.model import Fulfilment, OrderLine, Reason, Stop, StopKind
from dispatch.otherwise import Ties
from dispatch.planning.plan import plan
from dispatch.records import Carriage

MINUTE_S = 60


def explained(street: Street, order_id: str = "ord_a", ties: Ties | None = None) -> Explanation:
    snapshot = street.snapshot()
    return explain(snapshot, plan(snapshot), order_id, ties or Ties())


def change(found: Explanation, what: str) -> Change:
    return next(each for each in found.changes if each.what == what)


# --- sooner ------------------------------------------------------------------------------------


def test_one_more_courier_at_the_store_is_worked_out() -> None:
    street = Street()
    street.store("north", at=500)
    street.order("a", at=600, store_id="sto_north", ready_at=NOW)
    street.courier("ida", at=200)
    found = explained(street)
    # Ida has 300 s to the store; whoever stands there has none.
    more = change(found, "courier_at_store")
    assert more.saved_s == 300
    assert more.done_at == NOW + HAND_OVER_S + 100 + HAND_OVER_S
    assert more.effect == "it would arrive 5 min sooner"
    # Needed until the goods are handed over, and no longer.
    assert (more.mode, more.amount, more.unit, more.subject) == ("bike", 4, "min", "sto_north")
    assert (
        "If one more courier by bike stood at North for the next 4 min, "
        "it would arrive 5 min sooner." in found.sentence
    )


def test_a_courier_who_would_not_help_is_not_told() -> None:
    street = Street()
    street.store("north", at=500)
    street.order("a", at=600, store_id="sto_north", ready_at=NOW)
    street.courier("ida", at=480)
    # 20 s are not worth a word.
    assert explained(street).changes == ()


def test_picking_it_first_is_worked_out() -> None:
    street = Street()
    street.store("north", at=500, pickers=1)
    street.order("b", at=510, store_id="sto_north", due_s=900)
    street.order("a", at=600, store_id="sto_north")
    street.courier("ida", at=500)
    street.courier("ole", at=500)
    found = explained(street)
    assert found.ready_at == NOW + 2 * PICK_S
    assert change(found, "picked_first").saved_s == PICK_S
    assert change(found, "picked_first").detail == "North picked it now, before all others"


def test_goods_that_a_nearer_store_lacks_are_worked_out() -> None:
    street = Street()
    street.store("far", at=0)
    street.store("near", at=590, available={"milk": 0})
    street.order("a", at=600)
    street.courier("ida", at=590)
    street.courier("ole", at=0)
    found = explained(street)
    assert found.store_id == "sto_far"
    stock = change(found, "stock")
    assert stock.detail == "Near had 1 x milk"
    # 600 s of way from the far store become 10 s from the near one.
    assert stock.saved_s == 590


def test_a_lock_that_keeps_a_nearer_courier_away_is_worked_out() -> None:
    street = Street()
    street.store("north", at=500)
    street.courier("near", at=500)
    street.courier("far", at=200)
    street.order(
        "a", at=600, store_id="sto_north", ready_at=NOW, declined_by=frozenset({"cou_near"})
    )
    found = explained(street, ties=Ties(locked_to="Far"))
    assert found.courier_id == "cou_far"
    unlocked = change(found, "unlocked")
    assert (unlocked.saved_s, unlocked.detail) == (300, "others than Far might bring it too")
    assert "Near is nearer, at the store itself, but it is locked to Far." in found.sentence


def test_one_who_declined_it_is_not_called_locked_out() -> None:
    street = Street()
    street.store("north", at=500)
    street.courier("near", at=500)
    street.courier("far", at=200)
    declined = frozenset({"cou_near"})
    street.order("a", at=600, store_id="sto_north", ready_at=NOW, declined_by=declined)
    found = explained(street, ties=Ties(declined_by=declined))
    assert "Near is nearer, at the store itself, but declined it." in found.sentence
    assert [each.what for each in found.changes] == ["courier_at_store"]


def test_what_somebody_is_on_the_way_to_could_be_given_to_another() -> None:
    street = Street()
    street.store("north", at=500)
    street.order("a", at=600, store_id="sto_north", courier_id="cou_ida", ready_at=NOW)
    street.courier("ida", at=200, committed=(Stop(StopKind.PICKUP, "ord_a", "sto_north"),))
    other = change(explained(street), "reassigned")
    assert other.saved_s == 300
    assert other.detail == (
        "Ida gave it to one more courier by bike who stood at North for the next 4 min"
    )


def test_one_of_two_in_a_bag_could_be_brought_first() -> None:
    street = Street()
    street.store("north", at=500)
    ends = {"store_id": "sto_north", "courier_id": "cou_ida", "on_board": True, "ready_at": NOW}
    street.order("a", at=900, **ends)
    street.order("b", at=600, **ends)
    street.courier("ida", at=500, on_board=("ord_a", "ord_b"))
    found = change(explained(street), "brought_next")
    # Past the other door without stopping: one hand-over less.
    assert (found.saved_s, found.done_at) == (HAND_OVER_S, NOW + 400 + HAND_OVER_S)


def test_stops_put_in_another_order_by_hand_are_worked_out() -> None:
    town = Town()
    town.give(c.EndShift("cou_ben", TOWN_NOW))
    near, far = town.order(at(3, 0)), town.order(at(6, 0))
    town.engine.replan()
    far_stops = tuple(f"stp_{far.removeprefix('ord_')}_{kind}" for kind in "pd")
    town.give(c.LockRoute("cou_anna", far_stops, "ops:maria", "doctor", TOWN_NOW + 600))
    town.engine.replan()
    assert not [each for each in town.engine.explain(far).changes if each.what == "route_freed"]
    assert "The order of the stops of anna is fixed" in town.engine.explain(far).sentence
    assert change(town.engine.explain(near), "courier_at_store")


# --- why not the nearest -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("courier", "order", "why"),
    [
        ({}, {"declined_by": frozenset({"cou_near"})}, "declined it"),
        ({"capacity_g": 500}, {}, "carries 500 g at most"),
        ({"shift_end": NOW - 1}, {}, "takes nothing new before the end of the shift"),
        ({"available_at": NOW + 1800}, {}, "is busy and would bring it 25 min later"),
    ],
)
def test_why_not_the_nearest_courier(
    courier: dict[str, object], order: dict[str, object], why: str
) -> None:
    street = Street()
    street.store("north", at=500)
    street.courier("near", at=500, **courier)
    street.courier("far", at=200)
    street.order("a", at=600, store_id="sto_north", ready_at=NOW, **order)
    found = explained(street)
    assert found.courier_id == "cou_far"
    assert f"Near is nearer, at the store itself, but {why}" in found.why_not_courier


def test_the_nearest_courier_is_named_as_such() -> None:
    street = Street()
    street.store("north", at=500)
    street.courier("near", at=500)
    street.courier("far", at=200)
    street.order("a", at=600, store_id="sto_north", ready_at=NOW)
    assert explained(street).why_not_courier == (
        "Near is the nearest courier. The next best courier, Far, would bring it 5 min later."
    )


# --- what would free it ------------------------------------------------------------------------


def test_an_order_nobody_can_carry_is_freed_by_a_larger_bag() -> None:
    street = Street()
    street.store("north", at=500)
    street.order("a", at=600, weight_g=20_000, store_id="sto_north")
    street.courier("ida", at=500)
    found = explained(street)
    more = change(found, "courier_at_store")
    assert more.done_at == NOW + PICK_S + HAND_OVER_S + 100 + HAND_OVER_S
    assert more.saved_s is None
    assert more.effect == "it would arrive in 6 min, in time"
    assert more.detail == (
        "one more courier by bike with room for 20000 g stood at North for the next 6 min"
    )
    first = found.changes[0]
    assert (first.what, first.subject, first.amount, first.unit) == (
        "larger_bag",
        "cou_ida",
        5000,
        "g",
    )
    assert "If Ida had room for 5000 g more, it would arrive in 6 min, in time." in found.sentence


def test_an_order_that_a_lock_leaves_without_a_courier_is_freed_by_its_end() -> None:
    street = Street()
    street.store("north", at=500)
    street.order(
        "a", at=600, store_id="sto_north", ready_at=NOW, declined_by=frozenset({"cou_ida"})
    )
    street.courier("ida", at=500)
    found = explained(street, ties=Ties(locked_to="Ole"))
    assert found.reason is Reason.NO_COURIER_ON_SHIFT
    assert found.sentence.startswith(
        "Not on any route: it is locked to Ole, who is not on shift or declined it. "
    )
    assert [each.what for each in found.changes] == ["unlocked", "courier_at_store"]


def test_an_order_is_freed_by_goods_at_the_nearest_store() -> None:
    street = Street()
    street.store("north", at=500, available={"milk": 0})
    street.store("east", at=900, available={"milk": 0})
    street.order("a", at=600)
    street.courier("ida", at=500)
    found = explained(street)
    assert found.reason is Reason.NO_STOCK
    assert [(each.what, each.detail) for each in found.changes] == [
        ("stock", "North had 1 x milk"),
        ("stock", "East had 1 x milk"),
    ]


def test_where_one_thing_is_not_enough_two_are_tried() -> None:
    street = Street()
    street.store("north", at=500, available={"milk": 0})
    street.order("a", at=600, weight_g=20_000)
    street.courier("ida", at=500)
    found = explained(street)
    assert [each.what for each in found.changes] == ["stock_and_courier_at_store"]


def test_an_order_late_even_so_says_how_late() -> None:
    street = Street()
    street.store("north", at=500)
    street.order("a", at=600, weight_g=20_000, store_id="sto_north", ready_at=NOW, due_s=100)
    street.courier("ida", at=500)
    # 60 + 100 + 60 s from now, 120 s after the promise.
    assert (
        change(explained(street), "courier_at_store").effect
        == "it would arrive in 4 min, 2 min late"
    )


def test_every_reason_has_a_remedy() -> None:
    assert set(REMEDIES) == set(Reason)


# --- what people decided -----------------------------------------------------------------------


def ready(town: Town) -> str:
    order_id = town.order(at(3, 0))
    town.picked(order_id)
    return order_id


def test_a_held_order_says_who_why_and_what_its_release_would_do() -> None:
    town = Town()
    order_id = ready(town)
    town.give(c.HoldOrder(order_id, "ops:maria", "customer called", TOWN_NOW + 600))
    found = town.engine.explain(order_id)
    assert found.reason is Reason.HELD
    assert found.sentence == (
        "It is neither picked nor brought for now. If the hold were released now, "
        "it would arrive in 5 min, in time. Held by ops:maria for 10 min more: customer called."
    )
    (decision,) = found.decisions
    assert (decision.kind, decision.owner, decision.until) == ("hold", "ops:maria", TOWN_NOW + 600)
    # A block to the store, a minute there, 3 blocks, two minutes at the door.
    assert change(found, "released").done_at == TOWN_NOW + 30 + 60 + 90 + 120


def test_a_lock_a_pin_and_a_fixed_route_are_told() -> None:
    town = Town()
    order_id = town.order(at(3, 0))
    until = TOWN_NOW + 1800
    town.give(c.LockOrder(order_id, "cou_ben", "ops:maria", "knows the door", until))
    town.engine._record([e.StorePinned(order_id, "sto_west", "ops:jussi", "fresh")])
    town.engine.replan()
    route = town.engine.state.courier("cou_ben").route
    assert route is not None
    first = route.visits[0].stop.stop_id
    town.give(c.LockRoute("cou_ben", (first,), "ops:maria", "doctor waits", until))
    found = town.engine.explain(order_id)
    assert [decision.kind for decision in found.decisions] == ["lock", "pin", "route_lock"]
    assert "Locked to ben by ops:maria for 30 min more: knows the door." in found.sentence
    assert "Pinned to West" in found.sentence
    assert "The order of the stops of ben is fixed by ops:maria" in found.sentence


def test_a_collection_needs_no_courier() -> None:
    town = Town()
    town.give(
        c.PlaceOrder(
            at(3, 0),
            "Corner",
            (OrderLine("milk", 1),),
            1000,
            TOWN_NOW,
            fulfilment=Fulfilment.COLLECTION,
        )
    )
    (order_id,) = town.engine.state.orders
    assert "the next plan says when" in town.engine.explain(order_id).sentence
    town.engine.replan()
    found = town.engine.explain(order_id)
    assert found.sentence == "The customer collects it at West; it should be ready in 3 min."
    assert (found.courier_id, found.reason) == (None, None)
    town.picked(order_id)
    assert "It waits at West for the customer" in town.engine.explain(order_id).sentence


def test_what_an_outside_company_carries_is_told() -> None:
    town = Town()
    order_id = ready(town)
    carriage = Carriage("Hermes", "h-1", 500, TOWN_NOW, eta=TOWN_NOW + 900)
    town.engine._record([e.CarriageBooked(order_id, carriage)])
    found = town.engine.explain(order_id)
    assert found.sentence == (
        "Hermes comes to West for it; no courier of ours does. It is expected in 15 min."
    )
    assert [decision.kind for decision in found.decisions] == ["carriage"]
    picked = e.CarriageReported(order_id, "Hermes", "h-1", "picked_up", "", None, TOWN_NOW)
    town.engine._record(
        [
            replace(picked, status="enroute_to_pickup"),
            replace(picked, status="arrived_at_pickup"),
            picked,
        ]
    )
    assert town.engine.explain(order_id).sentence.startswith("Hermes carries it (picked up).")


# --- how it went -------------------------------------------------------------------------------


def delivered_late(town: Town) -> str:
    """Return an order whose courier waited for the picker, then dawdled at the door."""
    order_id = town.order(at(3, 0))
    town.engine.replan()
    town.clock.time += 10 * MINUTE_S
    town.give(c.StartPick(order_id, town.clock.now()))
    town.clock.time += 5 * MINUTE_S
    town.give(c.CompletePick(order_id, town.clock.now()))
    courier_id, stop_id = town.wait_for_commitment()
    town.do(courier_id, stop_id)
    town.engine.replan()
    town.clock.time += 30 * MINUTE_S
    courier = town.engine.state.courier(courier_id)
    assert courier.commitment is not None
    town.give(c.ArriveAtStop(courier_id, courier.commitment.stop.stop_id, town.clock.now()))
    town.clock.time += 3 * MINUTE_S
    town.give(c.CompleteStop(courier_id, courier.commitment.stop.stop_id, town.clock.now()))
    return order_id


def test_a_late_order_is_told_stretch_by_stretch() -> None:
    town = Town()
    order_id = delivered_late(town)
    found = town.engine.explain(order_id)
    assert [(s.name, s.took_s // 60, s.longest) for s in found.stretches] == [
        ("waiting for a picker", 10, False),
        ("picking", 5, False),
        ("waiting for the courier", 0, False),
        ("the way to the door", 30, True),
        ("the hand-over", 3, False),
    ]
    assert sum(s.took_s for s in found.stretches) == (found.done_at or 0) - TOWN_NOW
    # The first plan: picked at once in 145 s, a minute at the counter, 3 blocks, 2 min there.
    assert [s.foreseen_s for s in found.stretches] == [0, 145, 60, 90, 120]
    assert "28 min late: the way to the door took 30 min, the longest stretch, 28 more" in (
        found.sentence
    )
    assert found.spent is not None
    assert found.spent.fare_cents > 0
    assert found.spent.courier_s == 33 * MINUTE_S


def test_what_moved_an_order_is_told_with_who_and_why() -> None:
    town = Town()
    order_id = ready(town)
    town.give(c.HoldOrder(order_id, "ops:maria", "customer called"))
    town.clock.time += 300
    town.give(c.ReleaseHold(order_id, "ops:jussi", "at home now"))
    courier_id, stop_id = town.wait_for_commitment()
    town.give(c.DeclineStop(courier_id, stop_id, "flat tyre", town.clock.now()))
    courier_id, stop_id = town.wait_for_commitment()
    town.do(courier_id, stop_id)
    town.engine.replan()
    town.do(courier_id, f"stp_{order_id.removeprefix('ord_')}_d")
    found = town.engine.explain(order_id)
    assert [(turn.event, turn.owner, turn.reason) for turn in found.turns] == [
        ("OrderHeld", "ops:maria", "customer called"),
        ("HoldReleased", "ops:jussi", "at home now"),
        ("StopDeclined", "", ""),
    ]
    assert "On its way it was held, released and declined by its courier." in found.sentence


def test_goods_that_came_back_are_told() -> None:
    town = Town()
    order_id = ready(town)
    courier_id, stop_id = town.wait_for_commitment()
    town.do(courier_id, stop_id)
    town.engine.replan()
    bag = order_id.removeprefix("ord_")
    town.clock.time += 120
    town.give(c.FailStop(courier_id, f"stp_{bag}_d", "nobody home", town.clock.now()))
    town.engine.replan()
    town.clock.time += 300
    town.do(courier_id, f"stp_{bag}_r")
    found = town.engine.explain(order_id)
    assert found.sentence.startswith("anna brought the goods back to West: nobody home.")
    assert [(s.name, s.took_s) for s in found.stretches][-3:] == [
        ("the try in vain", 0),
        ("the way back", 300),
        ("handing it back", 0),
    ]
    assert found.stretches[-2].longest


def test_a_cancelled_order_is_told() -> None:
    town = Town()
    order_id = town.order(at(3, 0))
    town.clock.time += 60
    town.give(c.CancelOrder(order_id, "changed mind", town.clock.now()))
    found = town.engine.explain(order_id)
    assert found.sentence == "Cancelled: changed mind."
    assert [(s.name, s.took_s) for s in found.stretches] == [("until it was given up", 60)]
