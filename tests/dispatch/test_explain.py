"""Why this store, this courier, this minute, in words and in figures."""

from __future__ import annotations

import pytest
from street import HAND_OVER_S, NOW, PICK_S, Street

from dispatch.errors import UnknownIdError
from dispatch.explain import Explanation, explain
from dispatch.model import Reason, Stop, StopKind
from dispatch.planning.plan import plan


def explained(street: Street, order_id: str = "ord_a") -> Explanation:
    snapshot = street.snapshot()
    return explain(snapshot, plan(snapshot), order_id)


def test_the_timeline_is_that_of_the_plan() -> None:
    street = Street()
    street.store("north", at=500)
    street.order("a", at=600, store_id="sto_north", due_s=1000)
    street.courier("ida", at=480)
    found = explained(street)
    assert found.store_id == "sto_north"
    assert found.courier_id == "cou_ida"
    assert found.ready_at == NOW + PICK_S
    assert found.leave_at == NOW + PICK_S - 20
    assert found.pickup_at == NOW + PICK_S
    done_s = PICK_S + HAND_OVER_S + 100 + HAND_OVER_S
    assert found.done_at == NOW + done_s
    assert found.slack_s == 1000 - done_s
    assert "Ida will fetch it at North" in found.sentence


def test_every_store_is_told_with_its_figures_or_its_reason() -> None:
    street = Street()
    street.store("north", at=500)
    street.store("empty", at=590, available={})
    street.order("a", at=600)
    street.courier("ida", at=480)
    found = explained(street)
    assert [(s.store_id, s.chosen, s.trip_s, s.reason) for s in found.stores] == [
        ("sto_north", True, 100, None),
        ("sto_empty", False, 10, Reason.NO_STOCK),
    ]
    assert "Empty is nearer, but it lacks 1 x milk" in found.sentence


def test_other_couriers_are_told_with_what_they_would_cost_more() -> None:
    street = Street()
    street.store("north", at=500)
    street.order("a", at=600, store_id="sto_north", ready_at=NOW)
    street.courier("near", at=480)
    street.courier("far", at=380)
    (other,) = explained(street).couriers
    assert other.courier_id == "cou_far"
    # 100 s more on the way, and everything 100 s later at 0.25.
    assert other.extra_cost == 125.0
    assert other.done_at == NOW + 120 + HAND_OVER_S + 100 + HAND_OVER_S


def test_a_store_chosen_in_the_same_plan_is_explained_as_chosen() -> None:
    street = Street()
    street.store("far", at=0)
    street.store("near", at=600)
    street.order("a", at=600, store_id="sto_far")
    street.courier("ida", at=600)
    street.courier("ole", at=500)
    found = explained(street)
    assert (found.stores[0].store_id, found.stores[0].chosen) == ("sto_near", True)
    assert [option.courier_id for option in found.couriers] == ["cou_ole"]
    # Ole's 100 s fit into the 120 s of picking: only the way counts.
    assert found.couriers[0].extra_cost == 100.0


def test_what_is_in_the_bag_has_no_alternative() -> None:
    street = Street()
    street.store("north", at=500)
    street.order(
        "a", at=600, store_id="sto_north", courier_id="cou_ida", on_board=True, ready_at=NOW
    )
    street.courier("ida", at=550, on_board=("ord_a",))
    street.courier("ole", at=599)
    found = explained(street)
    assert found.held
    assert found.couriers == ()
    assert found.done_at == NOW + 50 + HAND_OVER_S
    assert "in the bag" in found.sentence


def test_what_somebody_is_told_to_fetch_is_explained_as_such() -> None:
    street = Street()
    street.store("north", at=500)
    street.order("a", at=600, store_id="sto_north", courier_id="cou_ida", ready_at=NOW)
    street.courier("ida", at=450, committed=(Stop(StopKind.PICKUP, "ord_a", "sto_north"),))
    assert "on the way to North" in explained(street).sentence


def test_whoever_stands_at_the_counter_is_not_on_the_way() -> None:
    street = Street()
    street.store("north", at=500)
    street.order("a", at=600, store_id="sto_north", courier_id="cou_ida", ready_at=NOW)
    stop = Stop(StopKind.PICKUP, "ord_a", "sto_north")
    street.courier("ida", at=500, committed=(stop,), arrived=True)
    assert explained(street).sentence.startswith("Ida is at North for it.")


def test_goods_that_go_back_are_explained() -> None:
    street = Street()
    street.store("north", at=500)
    street.order(
        "a", at=600, store_id="sto_north", courier_id="cou_ida", on_board=True, returning=True
    )
    street.courier("ida", at=550, on_board=("ord_a",))
    assert explained(street).sentence == "Ida brings the goods back to North."


def test_an_order_without_a_route_says_what_would_free_it() -> None:
    street = Street()
    street.store("north", at=500)
    street.order("a", at=600, weight_g=20_000, store_id="sto_north")
    street.courier("ida", at=500)
    found = explained(street)
    assert found.reason is Reason.TOO_HEAVY
    assert found.remedy
    assert found.remedy in found.sentence
    assert found.courier_id is None


def test_a_late_order_says_how_late() -> None:
    street = Street()
    street.store("north", at=500)
    street.order("a", at=600, store_id="sto_north", ready_at=NOW, due_s=100)
    street.courier("ida", at=500)
    found = explained(street)
    # Done after 60 + 100 + 60 s: 2 minutes late.
    assert found.slack_s == -120
    assert "2 min late" in found.sentence


def test_an_order_that_is_not_open_is_named() -> None:
    with pytest.raises(UnknownIdError, match="ord_gone"):
        explained(Street(), "ord_gone")
