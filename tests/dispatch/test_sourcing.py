"""Which store serves an order, and which reason is told when none can."""

from __future__ import annotations

from dataclasses import replace

import pytest
from street import HOUR_S, NOW, PICK_S, Street

from dispatch.check import check
from dispatch.model import AreaInPlay, Mode, OrderLine, OrderStatus, Plan, Reason
from dispatch.planning.plan import plan


def planned(street: Street) -> Plan:
    snapshot = street.snapshot()
    found = plan(snapshot)
    assert check(found, snapshot) == []
    return found


def test_the_nearest_store_serves_an_order_that_has_none() -> None:
    street = Street()
    street.store("far", at=0)
    street.store("near", at=550)
    street.order("a", at=600)
    street.courier("ida", at=300)
    assert planned(street).sourcing == {"ord_a": "sto_near"}


def test_a_store_farther_away_that_is_less_busy_serves_sooner() -> None:
    street = Street()
    street.store("near", at=600, pickers=1)
    street.store("far", at=520)
    # Three picks of 120 s are ahead at the near store: done after 480 + 120 s.  From the far one,
    # which is on Ida's way, after 120 + 60 + 80 + 60 s.
    for name in "pqr":
        street.order(
            name,
            at=600,
            store_id="sto_near",
            store_fixed=True,
            due_s=1200,
            declined_by=frozenset({"cou_ida"}),
        )
    street.order("a", at=600)
    street.courier("ida", at=500)
    assert planned(street).sourcing["ord_a"] == "sto_far"


def test_an_order_moves_to_a_better_store_until_picking_begins() -> None:
    street = Street()
    street.store("far", at=0)
    street.store("near", at=600)
    street.order("a", at=600, store_id="sto_far")
    street.courier("ida", at=600)
    assert planned(street).sourcing == {"ord_a": "sto_near"}
    street.orders = []
    street.order(
        "a",
        at=600,
        store_id="sto_far",
        store_fixed=True,
        status=OrderStatus.PICKING,
        pick_started_at=NOW,
    )
    assert planned(street).sourcing == {"ord_a": "sto_far"}


def test_an_order_does_not_move_for_a_gain_smaller_than_telling_a_store() -> None:
    street = Street(churn_cost=60.0)
    street.store("home", at=580)
    street.store("nearer", at=590)
    street.order("a", at=600, store_id="sto_home")
    street.courier("ida", at=590)
    assert planned(street).sourcing == {"ord_a": "sto_home"}


def test_the_last_piece_is_given_to_one_order_only() -> None:
    street = Street()
    street.store("last", at=600, available={"milk": 1})
    street.store("plenty", at=0)
    street.order("a", at=610)
    street.order("b", at=590)
    street.courier("ida", at=600)
    assert sorted(planned(street).sourcing.values()) == ["sto_last", "sto_plenty"]


def test_lines_of_the_same_article_are_added_up() -> None:
    street = Street()
    street.store("north", at=500, available={"milk": 3})
    street.order("a", at=600, lines=(OrderLine("milk", 2), OrderLine("milk", 2)))
    street.courier("ida", at=500)
    (left,) = planned(street).unassigned
    assert (left.reason, left.detail) == (Reason.NO_STOCK, "North lacks 1 x milk")


def test_reserved_goods_are_there_though_nothing_else_is() -> None:
    street = Street()
    street.store("north", at=500, available={"milk": 0})
    street.order("a", at=600, store_id="sto_north")
    street.courier("ida", at=500)
    assert planned(street).unassigned == ()


@pytest.mark.parametrize(
    ("change", "reason", "words"),
    [
        ({"available": {}}, Reason.NO_STOCK, "lacks 1 x milk"),
        ({"open_windows": ()}, Reason.STORE_CLOSED, "does not open within a day"),
        (
            {"open_windows": ((NOW + 2 * HOUR_S, NOW + 9 * HOUR_S),)},
            Reason.STORE_CLOSED,
            "opens in 120 min",
        ),
        (
            {"open_windows": ((NOW - HOUR_S, NOW + PICK_S),)},
            Reason.STORE_CLOSED,
            "closes before the goods are ready in 2 min",
        ),
        ({"paused": True}, Reason.STORE_PAUSED, "is paused"),
        ({"pickers": 0}, Reason.STORE_PAUSED, "has no pickers"),
        ({"reach_s": 99}, Reason.OUTSIDE_RADIUS, "delivers up to 2 min"),
    ],
)
def test_a_store_that_cannot_serve_says_why(
    change: dict[str, object], reason: Reason, words: str
) -> None:
    street = Street()
    street.store("north", at=500, **change)
    street.order("a", at=600)
    street.courier("ida", at=500)
    (left,) = planned(street).unassigned
    assert left.reason is reason
    assert words in left.detail


NOBODY = AreaInPlay("1.5 km of road by bike", frozenset())


def test_a_store_serves_the_doors_of_its_area_only() -> None:
    street = Street()
    # Places are numbered as they are added: the stores 0 and 1, the doors 2 and 3.
    street.store("near", at=590, area=replace(NOBODY, serves=frozenset({3})))
    street.store("far", at=100)
    street.order("a", at=600)
    street.order("b", at=610)
    street.courier("ida", at=500)
    assert planned(street).sourcing == {"ord_a": "sto_far", "ord_b": "sto_near"}


def test_a_door_outside_every_area_is_told_the_nearest_one() -> None:
    street = Street()
    street.store("far", at=100, area=NOBODY)
    street.store("near", at=590, area=NOBODY)
    street.order("a", at=600)
    street.courier("ida", at=500)
    (left,) = planned(street).unassigned
    assert left.reason is Reason.OUTSIDE_RADIUS
    assert left.detail == (
        "the door is outside the service area of Near, 1.5 km of road by bike (2 stores alike)"
    )


def test_an_area_that_shrinks_takes_nothing_back() -> None:
    street = Street()
    street.store("small", at=590, area=NOBODY)
    street.order("a", at=600, store_id="sto_small")
    street.courier("ida", at=500)
    found = planned(street)
    assert (found.unassigned, found.sourcing) == ((), {"ord_a": "sto_small"})


def test_reach_still_counts_inside_an_area() -> None:
    street = Street()
    street.store("north", at=500, reach_s=99, area=replace(NOBODY, serves=frozenset({1})))
    street.order("a", at=600)
    street.courier("ida", at=500)
    assert "delivers up to 2 min" in planned(street).unassigned[0].detail


def test_reach_is_by_the_fastest_mode_of_the_fleet() -> None:
    street = Street()
    # 400 s by bike, 1200 s on foot.
    street.store("north", at=200, reach_s=500)
    street.order("a", at=600)
    street.courier("ida", at=200, mode=Mode.WALK)
    assert planned(street).unassigned[0].reason is Reason.OUTSIDE_RADIUS
    street.courier("ole", at=0)
    assert planned(street).unassigned == ()


def test_the_reason_of_the_store_nearest_to_serving_is_told() -> None:
    street = Street()
    street.store("far", at=5000, reach_s=600)
    street.store("empty", at=500, available={})
    street.store("shut", at=400, open_windows=())
    street.order("a", at=600)
    street.courier("ida", at=500)
    # Shut has the goods and is in reach: opening it would help most.
    assert planned(street).unassigned[0].reason is Reason.STORE_CLOSED


def test_a_pause_takes_nothing_back() -> None:
    street = Street()
    street.store("north", at=500, paused=True)
    street.order("a", at=600, store_id="sto_north")
    street.courier("ida", at=500)
    assert planned(street).unassigned == ()


def test_without_stores_the_order_says_so() -> None:
    street = Street()
    street.order("a", at=600)
    street.courier("ida", at=500)
    (left,) = planned(street).unassigned
    assert left.reason is Reason.OUTSIDE_RADIUS
    assert "no store" in left.detail


def test_without_couriers_the_order_says_so() -> None:
    street = Street()
    street.store("north", at=500)
    street.order("a", at=600)
    assert planned(street).unassigned[0].reason is Reason.NO_COURIER_ON_SHIFT


def test_an_order_heavier_than_every_bag_says_so() -> None:
    street = Street()
    street.store("north", at=500)
    street.order("a", at=600, weight_g=9000)
    street.courier("ida", at=500, capacity_g=8000)
    (left,) = planned(street).unassigned
    assert left.reason is Reason.TOO_HEAVY
    assert "9000 g" in left.detail
    assert "8000 g" in left.detail


def test_an_order_committed_to_somebody_who_is_gone_says_so() -> None:
    street = Street()
    street.store("north", at=500)
    street.order("a", at=600, store_id="sto_north", courier_id="cou_gone")
    street.courier("ida", at=500)
    (left,) = planned(street).unassigned
    assert left.reason is Reason.NO_COURIER_ON_SHIFT
    assert "cou_gone" in left.detail
