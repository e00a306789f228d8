"""A situation as arrays: who holds what, which stores are considered, where the search starts."""

from __future__ import annotations

import pickle
from dataclasses import replace

import pytest
from street import HOUR_S, NOW, PICK_S, Street
from town import Town
from town import at as corner

from dispatch import commands as c
from dispatch.check import check
from dispatch.model import (
    Courier,
    Fulfilment,
    Mode,
    OrderLine,
    OrderStatus,
    Route,
    Snapshot,
    Stop,
    StopKind,
    Visit,
)
from dispatch.planning import arrays as a
from dispatch.planning.plan import plan
from dispatch.planning.problem import Posed, pose
from dispatch.planning.situation import read


def posed(snapshot: Snapshot) -> Posed:
    return pose(read(snapshot))


def shown(courier: str, *steps: str) -> Route:
    """Return a route in force; a step is `pickup a north` or `dropoff a north`."""
    told = [step.split() for step in steps]
    visits = [
        Visit(Stop(StopKind(kind), f"ord_{name}", f"sto_{store}"), NOW, NOW, NOW, 0, 0)
        for kind, name, store in told
    ]
    return Route(f"cou_{courier}", tuple(visits), NOW, version=1)


def steps(found: Posed) -> dict[str, list[str]]:
    """Return the steps a search starts from, by courier: `+a` fetches order a, `-a` ends it."""
    names = [order.order_id.removeprefix("ord_") for order in found.entries]
    return {
        key: [
            ("-" if step & 1 else "+") + names[step >> 1]
            for step in found.routes.steps[row, : found.routes.count[row]].tolist()
        ]
        for row, key in enumerate(found.courier_ids)
    }


def stores(found: Posed, order_id: str) -> list[str]:
    """Return the stores an order may come from, best first."""
    return [found.store_of(c) for c in found.candidates(found.rows[order_id])]


def two_stores(**changes: object) -> Street:
    street = Street()
    street.store("west", at=400, **changes)
    street.store("east", at=600)
    street.courier("ida", at=500)
    return street


# --- which stores ------------------------------------------------------------------------------


def test_the_best_few_stores_come_into_question_and_the_own_one_always() -> None:
    street = Street(sourcing_candidates=2)
    for name, at in (("a", 0), ("b", 300), ("c", 500), ("d", 560)):
        street.store(name, at=at)
    street.order("new", at=600)
    street.order("given", at=600, store_id="sto_a")
    street.courier("ida", at=500)
    found = posed(street.snapshot())
    assert stores(found, "ord_new") == ["sto_d", "sto_c"]
    assert stores(found, "ord_given") == ["sto_d", "sto_a"]
    home = found.problem.jobs[found.rows["ord_given"], a.JOB_HOME]
    assert found.store_of(int(home)) == "sto_a"
    assert found.routes.chosen[found.rows["ord_given"]] == home


def test_a_store_with_much_to_pick_is_as_good_as_one_farther_away() -> None:
    street = Street(sourcing_candidates=1)
    street.store("near", at=590, pickers=1)
    street.store("far", at=400)
    for name in "pqr":
        street.order(name, at=590, store_id="sto_near", store_fixed=True)
    street.order("new", at=600)
    street.courier("ida", at=500)
    # Near: 3 x 120 s wait, 120 s picking, 10 s; far: 120 s picking, 200 s.
    assert stores(posed(street.snapshot()), "ord_new") == ["sto_far"]


def test_once_picking_has_begun_no_other_store_comes_into_question() -> None:
    street = two_stores()
    street.order(
        "a", at=600, store_id="sto_west", status=OrderStatus.PICKING, pick_started_at=NOW - 20
    )
    found = posed(street.snapshot())
    assert stores(found, "ord_a") == ["sto_west"]
    ready_at = found.problem.candidates[found.routes.chosen[0], a.CAND_READY]
    assert ready_at == NOW - 20 + PICK_S


def test_the_last_piece_is_offered_to_one_order_only() -> None:
    street = two_stores(available={"milk": 1})
    for name in "ab":
        street.order(name, at=500)
    found = posed(street.snapshot())
    assert sorted(stores(found, "ord_a")) == ["sto_east", "sto_west"]
    assert stores(found, "ord_b") == ["sto_east"]


def test_where_all_is_short_every_order_gets_one_store_before_any_gets_two() -> None:
    street = two_stores(available={"milk": 1})
    street.stores[1] = replace(street.stores[1], available={"milk": 1})
    street.order("a", at=450)
    street.order("b", at=450)
    found = posed(street.snapshot())
    assert (stores(found, "ord_a"), stores(found, "ord_b")) == (["sto_west"], ["sto_east"])


def test_what_an_order_frees_by_moving_is_not_given_to_another() -> None:
    street = two_stores(available={"milk": 0})
    street.order("a", at=600, store_id="sto_west")
    street.order("b", at=400)
    found = posed(street.snapshot())
    assert sorted(stores(found, "ord_a")) == ["sto_east", "sto_west"]
    assert stores(found, "ord_b") == ["sto_east"]


def test_goods_that_somebody_was_told_to_fetch_are_spoken_for() -> None:
    street = two_stores(available={"milk": 1})
    street.order("a", at=500, courier_id="cou_ole")
    street.order("b", at=450)
    street.courier("ole", at=400, committed=(Stop(StopKind.PICKUP, "ord_a", "sto_west"),))
    assert stores(posed(street.snapshot()), "ord_b") == ["sto_east"]


def test_articles_of_several_lines_are_counted_together() -> None:
    street = two_stores(available={"milk": 3, "bread": 1})
    street.order("a", at=500, lines=(OrderLine("milk", 2), OrderLine("bread", 1)))
    street.stores[1] = replace(street.stores[1], available={"milk": 9, "bread": 9})
    street.order("b", at=500, lines=(OrderLine("milk", 1), OrderLine("bread", 1)))
    found = posed(street.snapshot())
    assert "sto_west" in stores(found, "ord_a")
    assert stores(found, "ord_b") == ["sto_east"]


def test_empty_and_closed_counts_as_empty() -> None:
    street = Street()
    street.store("north", at=500, available={}, open_windows=())
    street.order("a", at=600)
    street.courier("ida", at=500)
    (left,) = plan(street.snapshot()).unassigned
    assert left.detail == "North lacks 1 x milk"


def test_a_store_whose_pickers_are_busy_until_it_closes_is_closed() -> None:
    street = Street()
    street.store("north", at=500, pickers=1, open_windows=((NOW - HOUR_S, NOW + 60),))
    street.order(
        "runs", at=500, store_id="sto_north", status=OrderStatus.PICKING, pick_started_at=NOW
    )
    street.order("a", at=600)
    street.courier("ida", at=500)
    left = {entry.order_id: entry for entry in plan(street.snapshot()).unassigned}
    assert left["ord_a"].detail == "North closes before anybody is free to pick"


# --- what stands in queues ---------------------------------------------------------------------


def test_collections_and_orders_left_out_stand_in_the_queue_all_the_same() -> None:
    street = Street()
    street.store("north", at=500, pickers=1)
    street.order("gate", at=500, store_id="sto_north", fulfilment=Fulfilment.COLLECTION, due_s=60)
    street.order("gone", at=600, store_id="sto_north", courier_id="cou_gone", due_s=90)
    street.order("mine", at=600, store_id="sto_north")
    street.courier("ida", at=500)
    snapshot = street.snapshot()
    found = posed(snapshot)
    assert found.problem.job_count == 1
    assert [order.order_id for order in found.entries] == ["ord_mine", "ord_gate", "ord_gone"]
    made = plan(snapshot)
    assert check(made, snapshot) == []
    assert made.ready_at["ord_mine"] == NOW + 3 * PICK_S


# --- what couriers hold ------------------------------------------------------------------------


def test_committed_stops_come_first_then_what_was_shown() -> None:
    street = two_stores()
    street.order("told", at=300, store_id="sto_west", courier_id="cou_ida", ready_at=NOW)
    street.order("next", at=700, store_id="sto_east")
    street.order("new", at=700, store_id="sto_east")
    street.couriers[0] = replace(
        street.couriers[0], committed=(Stop(StopKind.PICKUP, "ord_told", "sto_west"),)
    )
    street.routes = (
        shown(
            "ida",
            "pickup told west",
            "dropoff told west",
            "pickup next east",
            "dropoff next east",
            "pickup gone east",
            "dropoff gone east",
        ),
    )
    found = posed(street.snapshot())
    assert steps(found) == {"cou_ida": ["+told", "-told", "+next", "-next"]}
    assert found.problem.couriers[0, a.COURIER_LOCKED] == 1
    assert found.problem.jobs[found.rows["ord_told"], a.JOB_BAG] == 0


@pytest.mark.parametrize(
    "route",
    [
        ("pickup a east", "dropoff a east"),
        ("pickup a west",),
        ("dropoff a west", "pickup a west"),
        ("pickup a west", "return a west"),
    ],
)
def test_what_makes_no_sense_any_more_is_not_taken_over(route: tuple[str, ...]) -> None:
    street = two_stores()
    street.order("a", at=600, store_id="sto_west")
    street.routes = (shown("ida", *route),)
    assert steps(posed(street.snapshot())) == {"cou_ida": []}


def test_an_order_shown_to_two_goes_to_the_first() -> None:
    street = two_stores()
    street.courier("ole", at=500)
    street.order("a", at=600, store_id="sto_west")
    told = ("pickup a west", "dropoff a west")
    street.routes = (shown("ole", *told), shown("ida", *told))
    assert steps(posed(street.snapshot())) == {"cou_ida": ["+a", "-a"], "cou_ole": []}


def test_an_order_without_a_store_comes_from_where_it_was_shown_to() -> None:
    street = two_stores()
    street.order("a", at=600)
    street.routes = (shown("ida", "pickup a west", "dropoff a west"),)
    found = posed(street.snapshot())
    assert stores(found, "ord_a")[0] == "sto_east"
    assert found.store_of(int(found.routes.chosen[0])) == "sto_west"


def trip(**changes: object) -> Street:
    """Return Ida with two orders of West in the bag, shown b before a."""
    street = Street(one_store_per_trip=True)
    street.store("west", at=400)
    for name, at in (("a", 500), ("b", 900)):
        street.order(name, at=at, store_id="sto_west", courier_id="cou_ida", on_board=True)
    street.courier("ida", at=400, on_board=("ord_a", "ord_b"), **changes)
    street.routes = (shown("ida", "dropoff b west", "dropoff a west"),)
    return street


def test_who_left_the_store_of_a_trip_keeps_the_order_of_the_doors() -> None:
    snapshot = trip().snapshot()
    assert posed(snapshot).problem.couriers[0, a.COURIER_LOCKED] == 2
    (route,) = plan(snapshot).routes
    assert [visit.stop.order_id for visit in route.visits] == ["ord_b", "ord_a"]


def test_who_is_at_the_counter_may_still_be_told_another_order_of_doors() -> None:
    snapshot = trip(at_store="sto_west").snapshot()
    assert posed(snapshot).problem.couriers[0, a.COURIER_LOCKED] == 0
    (route,) = plan(snapshot).routes
    assert [visit.stop.order_id for visit in route.visits] == ["ord_a", "ord_b"]


def test_a_shown_pickup_elsewhere_waits_for_the_end_of_the_trip() -> None:
    street = trip()
    street.store("east", at=950)
    street.order("c", at=960, store_id="sto_east", ready_at=NOW)
    told = ("dropoff b west", "pickup c east", "dropoff c east", "dropoff a west")
    street.routes = (shown("ida", *told),)
    assert steps(posed(street.snapshot())) == {"cou_ida": ["-b", "-a", "+c", "-c"]}
    # At the counter the order of the doors is still open, but c does not fit where it was shown.
    street.couriers = [replace(street.couriers[0], at_store="sto_west")]
    snapshot = street.snapshot()
    assert steps(posed(snapshot)) == {"cou_ida": ["-b", "-a"]}
    assert check(plan(snapshot), snapshot) == []


# --- prices ------------------------------------------------------------------------------------


def test_no_lateness_is_worth_leaving_an_order() -> None:
    street = Street(late_square_cost=50.0)
    street.store("north", at=500)
    # Ages late: a square of it would outweigh any fixed price.
    street.order("a", at=600, store_id="sto_north", ready_at=NOW, due_s=-30 * 24 * HOUR_S)
    street.order("b", at=600, store_id="sto_north", ready_at=NOW)
    street.courier("ida", at=500)
    snapshot = street.snapshot()
    found = plan(snapshot)
    assert found.unassigned == ()
    assert check(found, snapshot) == []


# --- processes ---------------------------------------------------------------------------------


def test_a_snapshot_of_several_modes_is_planned_in_another_process_too() -> None:
    town = Town()
    town.give(c.RegisterCourier(Courier("cou_wim", "Wim", Mode.WALK, corner(3, 0))))
    town.give(c.StartShift("cou_wim", town.clock.now(), town.clock.now() + HOUR_S))
    for number in range(14):
        town.order(corner(number, 1), "milk" if number % 2 else "bread")
    snapshot = town.engine.snapshot()
    # Tables of more than 1,000 bytes are not copied when they arrive.
    assert len(snapshot.travel.duration_s) == 2
    assert min(table.nbytes for table in snapshot.travel.duration_s.values()) > 1000
    assert plan(pickle.loads(pickle.dumps(snapshot))) == plan(snapshot)  # noqa: S301  our own
