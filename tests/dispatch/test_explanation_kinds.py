"""One golden case for each kind of why: why wait, what it costs, why not routed, what frees it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from street import HAND_OVER_S, HOUR_S, NOW, PICK_S, Street

from dispatch.explain import explain
from dispatch.explanation import Change, Explanation, Wait
from dispatch.model import Courier, LonLat, Mode, OrderStatus, Pause, Reason, Snapshot, Spread
from dispatch.otherwise import Ties
from dispatch.planning.plan import plan

Fields = dict[str, object]


def explained(snapshot: Snapshot, order_id: str = "ord_a", ties: Ties | None = None) -> Explanation:
    return explain(snapshot, plan(snapshot), order_id, ties or Ties())


def bought(snapshot: Snapshot, order_id: str = "ord_a", **fields: object) -> Snapshot:
    orders = tuple(
        replace(each, order=replace(each.order, **fields)) if each.order_id == order_id else each
        for each in snapshot.orders
    )
    return replace(snapshot, orders=orders)


def able(snapshot: Snapshot, **fields: object) -> Snapshot:
    couriers = tuple(
        replace(each, courier=replace(each.courier, **fields)) for each in snapshot.couriers
    )
    return replace(snapshot, couriers=couriers)


def change(found: Explanation, what: str) -> Change:
    return next(each for each in found.changes if each.what == what)


def waits(found: Explanation) -> list[tuple[str, int]]:
    return [(wait.what, wait.wait_s) for wait in found.waits]


def wait(found: Explanation, what: str) -> Wait:
    return next(each for each in found.waits if each.what == what)


# --- why wait ----------------------------------------------------------------------------------


def test_goods_that_are_not_picked_are_waited_for_just_in_time() -> None:
    street = Street()
    street.store("north", at=500)
    street.order("a", at=600, store_id="sto_north")
    street.courier("ida", at=480)
    found = explained(street.snapshot())
    # 120 s of picking; Ida has 20 s to go and leaves 20 s before.
    assert waits(found) == [("picking", PICK_S), ("just_in_time", PICK_S - 20)]
    assert wait(found, "just_in_time").why == "Ida leaves in 2 min, to be there when it is ready"


def test_a_queue_of_picks_is_told_with_its_length() -> None:
    street = Street()
    street.store("north", at=500, pickers=1)
    street.order("b", at=510, store_id="sto_north", due_s=900)
    street.order("a", at=600, store_id="sto_north")
    street.courier("ida", at=500)
    street.courier("ole", at=500)
    found = explained(street.snapshot())
    queue = wait(found, "pickers")
    assert (queue.wait_s, queue.why) == (
        PICK_S,
        "at North 1 order is picked before it, 1 at a time",
    )


def test_a_store_that_opens_later_is_waited_for() -> None:
    street = Street()
    street.store("north", at=500, open_windows=((NOW + 600, NOW + HOUR_S),))
    street.order("a", at=600, store_id="sto_north")
    street.courier("ida", at=480)
    found = explained(street.snapshot())
    assert wait(found, "store_opens").wait_s == 600
    assert "It waits 10 min: North opens in 10 min." in found.sentence


def test_a_courier_who_brings_another_first_is_told() -> None:
    street = Street()
    street.store("north", at=500)
    street.order("a", at=600, store_id="sto_north", ready_at=NOW)
    held: Fields = {"store_id": "sto_north", "courier_id": "cou_ida", "on_board": True}
    street.order("b", at=800, ready_at=NOW, due_s=400, **held)
    street.courier("ida", at=600, on_board=("ord_b",), capacity_parcels=1)
    found = explained(street.snapshot())
    # 200 s to the door, a minute there, 300 s back.
    assert waits(found) == [("other_stops", 200 + HAND_OVER_S + 300)]
    assert "It waits 10 min: Ida brings another order first." in found.sentence


def test_a_break_is_waited_for() -> None:
    street = Street()
    street.store("north", at=500)
    street.order("a", at=600, store_id="sto_north", ready_at=NOW)
    street.courier("ida", at=500, pause=Pause(NOW, NOW + 600, 900))
    found = explained(street.snapshot())
    assert (wait(found, "break").wait_s, wait(found, "break").why) == (
        900,
        "Ida has a break of 15 min first",
    )
    later = change(found, "later_break")
    assert (later.saved_s, later.subject) == (900, "cou_ida")
    assert later.detail == "Ida had the break after it"


def test_a_shift_that_begins_later_and_a_busy_courier_are_waited_for() -> None:
    for fields, what in (
        ({"shift_start": NOW + 600}, "shift"),
        ({"available_at": NOW + 600}, "busy"),
    ):
        street = Street()
        street.store("north", at=500)
        street.order("a", at=600, store_id="sto_north", ready_at=NOW)
        street.courier("ida", at=500, **fields)
        assert waits(explained(street.snapshot())) == [(what, 600)]


def test_goods_fetched_together_and_doors_on_the_way_are_told() -> None:
    street = Street(buffer_s=0)
    street.store("north", at=0)
    street.order("a", at=700, store_id="sto_north", ready_at=NOW)
    street.order("b", at=600, store_id="sto_north", ready_at=NOW + 300, status=OrderStatus.READY)
    street.courier("ida", at=0)
    found = explained(street.snapshot())
    shared = wait(found, "shared_trip")
    # A minute more at the counter and one at the other door: past it the way is the same.
    assert shared.wait_s == 2 * HAND_OVER_S
    assert shared.why == "Ida goes to 600 Long Street before this door"


def test_an_order_that_may_not_come_before_its_slot_is_waited_with() -> None:
    street = Street()
    street.store("north", at=500)
    street.order("a", at=600, store_id="sto_north", ready_at=NOW, not_before=NOW + 900)
    street.courier("ida", at=500)
    found = explained(street.snapshot())
    assert wait(found, "window").wait_s == 900 - HAND_OVER_S - 100
    assert change(found, "any_time").saved_s == 900 - HAND_OVER_S - 100


# --- why late, and how sure --------------------------------------------------------------------


def test_why_late_names_what_it_waits_for_most_and_how_much_promise_is_lacking() -> None:
    street = Street()
    street.store("north", at=500)
    street.order("a", at=600, store_id="sto_north", ready_at=NOW, due_s=600)
    street.courier("ida", at=500, available_at=NOW + 900)
    found = explained(street.snapshot())
    # 900 + 60 + 100 + 60 s, 520 s after the promise.
    assert found.slack_s == -520
    assert "It will be 8 min late, most of all because Ida is busy (15 min)." in (found.sentence)
    longer = change(found, "longer_promise")
    assert (longer.amount, longer.unit, longer.effect) == (9, "min", "it would be in time")


@pytest.mark.parametrize(
    ("due_s", "chance"),
    # Handed over after 220 s with a standard deviation of 60 s at the door.
    [(220, 0.5), (280, 0.841), (160, 0.159)],
)
def test_the_chance_of_the_promise_follows_from_the_spread(due_s: int, chance: float) -> None:
    street = Street()
    street.store("north", at=500)
    street.order("a", at=600, store_id="sto_north", ready_at=NOW, due_s=due_s)
    street.courier("ida", at=500)
    snapshot = replace(street.snapshot(), spread=Spread(door_s=60.0))
    assert explained(snapshot).chance == chance
    assert explained(street.snapshot()).chance is None


def test_a_promise_that_may_not_hold_says_with_which_chance() -> None:
    street = Street()
    street.store("north", at=500)
    street.order("a", at=600, store_id="sto_north", ready_at=NOW, due_s=280)
    street.courier("ida", at=500)
    snapshot = replace(street.snapshot(), spread=Spread(door_s=60.0))
    assert (
        "It arrives 1 min before the promise ends; it holds with a chance of 84 %."
        in explained(snapshot).sentence
    )


# --- what it costs -----------------------------------------------------------------------------


def test_what_an_order_costs_is_told_term_by_term() -> None:
    street = Street(chilled_cost=0.5, overtime_cost=2.0, fairness_cost=0.0, buffer_cost=2.0)
    street.store("north", at=500)
    street.order("a", at=600, store_id="sto_north", ready_at=NOW, due_s=160)
    street.courier("ida", at=400, shift_end=NOW + 100)
    found = explained(bought(street.snapshot(), chilled=True))
    # There after 100 + 60 + 100 + 60 = 320 s: 160 s late, and 220 s after the shift.
    assert found.terms == {
        "lateness": 20 * 160 + 0.02 * 160**2,
        "slack": 2.0 * 300,
        "overtime": 2.0 * 220,
        "travel": 200.0,
        "waiting": 0.25 * 320,
        "chilled": 0.5 * 100,
    }
    assert found.others_cost == 0.0


def test_what_falls_on_other_orders_is_told_apart() -> None:
    street = Street(buffer_s=0)
    street.store("north", at=0)
    street.order("a", at=600, store_id="sto_north", ready_at=NOW)
    street.order("b", at=700, store_id="sto_north", ready_at=NOW)
    street.courier("ida", at=0)
    found = explained(street.snapshot())
    # The other comes two minutes later: a minute at the counter and a minute at this door.
    assert found.others_cost == 0.25 * 2 * HAND_OVER_S
    # On the way anyhow: no second more on the road.
    assert "travel" not in found.terms


def test_another_courier_and_another_store_are_told_with_their_terms() -> None:
    street = Street()
    street.store("north", at=500)
    street.store("south", at=900)
    street.order("a", at=600, store_id="sto_north")
    street.courier("near", at=480)
    street.courier("far", at=300)
    found = explained(street.snapshot())
    (other,) = found.couriers
    # 180 s more on the way; 80 s later, as 120 s of them are needed for picking.
    assert other.terms == {"travel": 180.0, "waiting": 20.0}
    assert other.extra_cost == 200.0
    assert other.why == (
        "would bring it 1 min later and cost the whole plan 200 courier-s more "
        "(+180 the way, +20 waiting)"
    )
    south = next(store for store in found.stores if store.store_id == "sto_south")
    # Near is 400 s farther from it, and it is 200 s farther from the door; told anew: 60.
    assert south.extra_cost is not None
    assert south.terms["travel"] == 400 + 200
    assert south.terms["told_store"] == 60.0
    assert south.extra_cost == pytest.approx(sum(south.terms.values()))


def test_couriers_who_cannot_are_told_with_why() -> None:
    street = Street()
    street.store("north", at=500)
    street.order("a", at=600, store_id="sto_north", ready_at=NOW)
    street.courier("ida", at=400)
    street.courier("ole", at=500, capacity_g=500)
    (no,) = explained(street.snapshot()).refused
    assert (no.courier_id, no.why) == ("cou_ole", "carries 500 g at most")


# --- why not routed, and what would free it ------------------------------------------------------


def alone(**courier: object) -> Street:
    street = Street()
    street.store("north", at=500)
    street.order("a", at=600, store_id="sto_north", ready_at=NOW)
    street.courier("ida", at=500, **courier)
    return street


def test_an_order_too_large_for_every_bag_says_by_how_much() -> None:
    found = explained(bought(alone().snapshot(), volume_ml=130_000))
    assert found.reason is Reason.TOO_LARGE
    assert "it takes 130000 ml and no courier it may go to has room for more than 100000 ml" in (
        found.sentence
    )
    bag = change(found, "larger_bag")
    assert (bag.subject, bag.amount, bag.unit) == ("cou_ida", 30_000, "ml")


def test_chilled_goods_without_a_chilled_bag_say_so() -> None:
    snapshot = able(bought(alone().snapshot(), chilled=True), chilled_bags=0)
    found = explained(snapshot)
    assert found.reason is Reason.NO_CHILLED_BAG
    bag = change(found, "larger_bag")
    assert (bag.detail, bag.amount, bag.unit) == ("Ida had a chilled bag", 1, "bags")


def test_a_shift_is_longer_by_what_is_lacking_and_no_more() -> None:
    # 300 s to the store, and the shift ends in 100 s: 200 s are lacking, 4 started minutes.
    street = Street()
    street.store("north", at=500)
    street.order("a", at=600, store_id="sto_north", ready_at=NOW)
    street.courier("ida", at=200, shift_end=NOW + 100)
    found = explained(street.snapshot())
    assert found.reason is Reason.NO_COURIER_BEFORE_DEADLINE
    assert "or the shift ends; the one shift ends in 2 min. " in found.sentence
    shift = change(found, "longer_shift")
    assert (shift.subject, shift.amount, shift.unit) == ("cou_ida", 4, "min")
    assert shift.detail == "the shift of Ida ended 4 min later"
    more = change(found, "courier_at_store")
    assert more.detail == "one more courier by bike stood at North for the next 4 min"


def test_a_store_stays_open_by_what_is_lacking_and_no_more() -> None:
    street = Street()
    street.store("north", at=500, open_windows=((NOW - HOUR_S, NOW + 100),))
    street.order("a", at=600)
    street.courier("ida", at=500)
    found = explained(street.snapshot())
    assert found.reason is Reason.STORE_CLOSED
    # Picked by 120 s: open until a second after that, a started minute longer.
    hours = change(found, "open")
    assert (hours.detail, hours.amount) == ("North stayed open 1 min longer", 1)


def test_a_pause_and_pieces_that_lack_are_told_as_such() -> None:
    street = Street()
    street.store("north", at=500, paused=True)
    street.store("south", at=900, available={"milk": 2})
    street.order("a", at=600)
    street.courier("ida", at=500)
    line = replace(street.orders[0].order.lines[0], quantity=5)
    found = explained(bought(street.snapshot(), lines=(line,)))
    assert [(one.what, one.detail, one.subject) for one in found.changes] == [
        ("resumed", "North took orders", "sto_north"),
        ("stock", "South had 3 more of milk", "sto_south"),
    ]
    assert change(found, "stock").amount == 3


def test_one_who_declined_could_take_it_after_all() -> None:
    street = alone()
    declined = frozenset({"cou_ida"})
    street.orders[0] = replace(street.orders[0], declined_by=declined)
    found = explained(street.snapshot(), ties=Ties(declined_by=declined))
    assert change(found, "accepted").detail == "Ida took it after all"


def test_with_nobody_on_shift_one_more_courier_is_still_worked_out() -> None:
    found = explained(replace(alone().snapshot(), couriers=()))
    assert found.reason is Reason.NO_COURIER_ON_SHIFT
    assert change(found, "courier_at_store").mode == "bike"


def test_a_mode_that_reaches_the_door_faster_is_the_one_more() -> None:
    street = alone(shift_end=NOW - 1)
    who = Courier("cou_walk", "Walk", Mode.WALK, LonLat(25.0, 60.0))
    street.couriers.append(replace(street.couriers[0], courier=who))
    assert change(explained(street.snapshot()), "courier_at_store").mode == "bike"
