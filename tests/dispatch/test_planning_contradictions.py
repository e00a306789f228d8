"""Snapshots that cannot be: the sound part is planned, the rest is named with its reason."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from street import HOUR_S, NOW, Street, stops

from dispatch.check import check
from dispatch.model import (
    UNREACHABLE_S,
    Mode,
    Plan,
    Promise,
    Reason,
    Route,
    Snapshot,
    Stop,
    StopKind,
    StoreDemand,
    Visit,
)
from dispatch.planning.plan import plan


def planned(snapshot: Snapshot) -> Plan:
    found = plan(snapshot)
    assert check(found, snapshot) == []
    return found


def left(found: Plan) -> dict[str, Reason]:
    assert all(entry.detail for entry in found.unassigned)
    return {entry.order_id: entry.reason for entry in found.unassigned}


def town() -> Street:
    """Return a street with a store and one ordinary order, which must always be planned."""
    street = Street()
    street.store("north", at=500)
    street.order("a", at=600, store_id="sto_north", ready_at=NOW)
    return street


def test_a_committed_stop_of_an_unknown_order_is_left_out() -> None:
    street = town()
    ghost = Stop(StopKind.PICKUP, "ord_ghost", "sto_north")
    street.courier("ida", at=500, committed=(ghost,), arrived=True)
    found = planned(street.snapshot())
    assert [stops(route) for route in found.routes] == [["pickup a", "dropoff a"]]


def test_goods_in_the_bag_of_somebody_unknown_are_named() -> None:
    street = town()
    street.order("b", at=700, store_id="sto_north", courier_id="cou_gone", on_board=True)
    street.courier("ida", at=500)
    found = planned(street.snapshot())
    assert left(found) == {"ord_b": Reason.NO_COURIER_ON_SHIFT}
    assert "cou_gone" in found.unassigned[0].detail


def test_a_parcel_in_two_bags_is_where_the_order_says() -> None:
    street = town()
    street.order("b", at=700, store_id="sto_north", courier_id="cou_ole", on_board=True)
    street.courier("ida", at=690, on_board=("ord_b",))
    street.courier("ole", at=300, on_board=("ord_b",))
    found = planned(street.snapshot())
    carrying = {r.courier_id for r in found.routes if "dropoff b" in stops(r)}
    assert carrying == {"cou_ole"}


def test_a_bag_fuller_than_it_may_be_is_emptied_before_anything_is_added() -> None:
    street = town()
    for name in "bcd":
        street.order(
            name, at=700, store_id="sto_north", courier_id="cou_ida", on_board=True, weight_g=6000
        )
    street.courier(
        "ida", at=490, on_board=("ord_b", "ord_c", "ord_d"), capacity_g=7000, capacity_parcels=1
    )
    (route,) = planned(street.snapshot()).routes
    assert stops(route)[-2:] == ["pickup a", "dropoff a"]
    assert sorted(stops(route)[:3]) == ["dropoff b", "dropoff c", "dropoff d"]


def test_a_door_without_a_way_is_named_and_the_rest_is_planned() -> None:
    street = town()
    street.order("island", at=800, store_id="sto_north", ready_at=NOW)
    street.courier("ida", at=500)
    snapshot = street.snapshot()
    island = next(o.place for o in snapshot.orders if o.order_id == "ord_island")
    tables = {mode: table.copy() for mode, table in snapshot.travel.duration_s.items()}
    for table in tables.values():
        table[:, island] = UNREACHABLE_S
    cut = replace(snapshot, travel=replace(snapshot.travel, duration_s=tables))
    found = planned(cut)
    assert left(found) == {"ord_island": Reason.UNREACHABLE}
    assert [stops(route) for route in found.routes] == [["pickup a", "dropoff a"]]


def test_goods_on_board_that_cannot_be_brought_are_named_with_who_has_them() -> None:
    street = town()
    street.order("island", at=800, store_id="sto_north", courier_id="cou_ida", on_board=True)
    street.courier("ida", at=500, on_board=("ord_island",))
    snapshot = street.snapshot()
    island = next(o.place for o in snapshot.orders if o.order_id == "ord_island")
    tables = {mode: table.copy() for mode, table in snapshot.travel.duration_s.items()}
    for table in tables.values():
        table[:, island] = UNREACHABLE_S
    found = planned(replace(snapshot, travel=replace(snapshot.travel, duration_s=tables)))
    assert left(found) == {"ord_island": Reason.UNREACHABLE}
    assert "cou_ida" in found.unassigned[0].detail


def test_of_two_orders_with_one_id_the_first_counts() -> None:
    street = town()
    street.courier("ida", at=500)
    snapshot = street.snapshot()
    twin = replace(snapshot.orders[0], promise=replace(snapshot.orders[0].promise, latest=NOW))
    found = planned(replace(snapshot, orders=(*snapshot.orders, twin)))
    assert [stops(route) for route in found.routes] == [["pickup a", "dropoff a"]]
    # Late for the twin's promise, but not for the first's.
    assert found.objective.lateness == 0.0


# --- the golden reasons --------------------------------------------------------------------------

Expected = tuple[Reason, str]
Case = Callable[[Street], None]
CASES: dict[str, tuple[Case, Expected]] = {}
"""What is done to a street with North at 500 and an order a, and what the odd order x gets."""


def gets(reason: Reason, detail: str) -> Callable[[Case], Case]:
    def keep(case: Case) -> Case:
        CASES[case.__name__] = (case, (reason, detail))
        return case

    return keep


def odd(street: Street, **changes: object) -> None:
    """Add the order x that contradicts something, and somebody to carry the ordinary one."""
    street.order("x", at=700, **{"store_id": "sto_north", **changes})
    if not street.couriers:
        street.courier("ida", at=500)


@gets(
    Reason.NO_COURIER_ON_SHIFT,
    "it is in the bag of cou_gone, who is not among the couriers in play",
)
def in_the_bag_of_somebody_unknown(street: Street) -> None:
    odd(street, courier_id="cou_gone", on_board=True)


@gets(
    Reason.NO_COURIER_ON_SHIFT,
    "it is in the bag of nobody we know, who is not among the couriers in play",
)
def in_the_bag_of_nobody(street: Street) -> None:
    odd(street, on_board=True)


@gets(
    Reason.NO_COURIER_ON_SHIFT,
    "cou_gone is committed to it but is not among the couriers in play",
)
def committed_by_somebody_unknown(street: Street) -> None:
    odd(street, courier_id="cou_gone")


@gets(Reason.UNREACHABLE, "it should go back to its store but is in nobody's bag")
def going_back_from_nowhere(street: Street) -> None:
    odd(street, returning=True)


@gets(Reason.UNREACHABLE, "it must go back to sto_gone, which is not a store in play")
def going_back_to_an_unknown_store(street: Street) -> None:
    odd(street, store_id="sto_gone", courier_id="cou_ida", on_board=True, returning=True)


@gets(Reason.UNREACHABLE, "it must go back to None, which is not a store in play")
def going_back_to_no_store(street: Street) -> None:
    odd(street, store_id=None, courier_id="cou_ida", on_board=True, returning=True)


@gets(Reason.UNREACHABLE, "its door is not in the travel table")
def door_outside_the_table(street: Street) -> None:
    odd(street, place=99)


@gets(Reason.UNREACHABLE, "its door is not in the travel table")
def door_before_the_table(street: Street) -> None:
    odd(street, place=-1)


@gets(Reason.UNREACHABLE, "its door is not in the travel table")
def door_outside_the_table_of_goods_on_board(street: Street) -> None:
    odd(street, place=99, courier_id="cou_ida", on_board=True)


@gets(Reason.STORE_CLOSED, "its store sto_gone is not a store in play")
def fixed_at_an_unknown_store(street: Street) -> None:
    odd(street, store_id="sto_gone", store_fixed=True)


@gets(Reason.STORE_CLOSED, "its store sto_far is not a store in play")
def fixed_at_a_store_outside_the_table(street: Street) -> None:
    street.store("far", at=900, place=99)
    odd(street, store_id="sto_far", store_fixed=True)


@gets(
    Reason.TOO_HEAVY,
    "it weighs 50000 g and no courier it may go to carries more than 15000 g",
)
def heavier_than_anybody_carries(street: Street) -> None:
    odd(street, weight_g=50_000)


@gets(
    Reason.TOO_LARGE,
    "it takes 200000 ml and no courier it may go to has room for more than 100000 ml",
)
def larger_than_anybody_s_bag(street: Street) -> None:
    odd(street, volume_ml=200_000)


@gets(
    Reason.NO_CHILLED_BAG,
    "it must be kept cold and no courier it may go to with room for it has a chilled bag",
)
def colder_than_anybody_s_bag(street: Street) -> None:
    street.courier("ida", at=500, chilled_bags=0)
    odd(street, chilled=True)


@gets(
    Reason.NO_COURIER_ON_SHIFT,
    "the one courier on shift may not have it: declined, or locked to somebody else",
)
def declined_by_all(street: Street) -> None:
    odd(street, declined_by=frozenset({"cou_ida", "cou_gone"}))


@pytest.mark.parametrize("name", CASES)
def test_an_order_that_cannot_be_is_named_with_its_reason_and_the_rest_is_planned(
    name: str,
) -> None:
    case, expected = CASES[name]
    street = town()
    case(street)
    found = planned(street.snapshot())
    (entry,) = found.unassigned
    assert (entry.order_id, (entry.reason, entry.detail)) == ("ord_x", expected)
    assert [stops(route) for route in found.routes] == [["pickup a", "dropoff a"]]


def none_at_all(street: Street) -> None:
    """Leave the street without couriers."""


def in_no_mode(street: Street) -> None:
    street.courier("ida", at=500, mode=Mode.CAR)


def outside_the_table(street: Street) -> None:
    street.courier("ida", at=500, place=99)


def before_the_table(street: Street) -> None:
    street.courier("ida", at=500, place=-1)


NOBODY = (Reason.NO_COURIER_ON_SHIFT, "no courier is on shift or starts soon")


@pytest.mark.parametrize("who", [none_at_all, in_no_mode, outside_the_table, before_the_table])
def test_without_a_courier_to_count_on_every_order_says_so(who: Case) -> None:
    street = town()
    who(street)
    found = planned(street.snapshot())
    (entry,) = found.unassigned
    assert (entry.reason, entry.detail) == NOBODY
    assert found.routes == ()
    assert found.sourcing == {"ord_a": "sto_north"}


@pytest.mark.parametrize(("shift_start", "shift_end"), [(-7200, -3600), (3600, -3600)])
def test_a_courier_whose_shift_is_over_fetches_nothing(shift_start: int, shift_end: int) -> None:
    street = town()
    street.courier("ida", at=500, shift_start=NOW + shift_start, shift_end=NOW + shift_end)
    found = planned(street.snapshot())
    (entry,) = found.unassigned
    assert entry.reason is Reason.NO_COURIER_BEFORE_DEADLINE
    assert entry.detail == (
        "no courier can pick it up at North before the store closes or the shift ends; "
        "nobody on shift takes anything new"
    )


def test_a_courier_whose_shift_is_over_brings_what_is_in_the_bag() -> None:
    street = Street()
    street.store("north", at=500)
    street.order("b", at=700, store_id="sto_north", courier_id="cou_ida", on_board=True)
    street.courier("ida", at=500, on_board=("ord_b",), shift_end=NOW - HOUR_S)
    (route,) = planned(street.snapshot()).routes
    assert stops(route) == ["dropoff b"]


def test_without_a_store_every_order_says_so() -> None:
    street = Street()
    street.order("a", at=600)
    street.courier("ida", at=500)
    (entry,) = planned(street.snapshot()).unassigned
    assert entry.reason is Reason.OUTSIDE_RADIUS
    assert entry.detail == "no store is known in the zone that could serve ord_a"


@pytest.mark.parametrize("one_store_per_trip", [False, True])
def test_of_nothing_comes_nothing(one_store_per_trip: bool) -> None:
    empty = Street(one_store_per_trip=one_store_per_trip).snapshot()
    for snapshot in (empty, replace(empty, places=()), replace(empty, routes=(), orders=())):
        found = planned(snapshot)
        assert (found.routes, found.unassigned, found.standbys) == ((), (), ())
        assert found.objective.total == 0.0


def test_a_promise_long_past_is_kept_as_soon_as_can_be() -> None:
    street = town()
    street.courier("ida", at=500)
    street.orders[0] = replace(street.orders[0], promise=Promise(0, 0, 0))
    (route,) = planned(street.snapshot()).routes
    assert stops(route) == ["pickup a", "dropoff a"]
    assert route.leave_at == NOW


@pytest.mark.parametrize("at_store", ["sto_gone", "sto_south"])
def test_a_counter_that_nobody_can_stand_at_opens_no_second_trip(at_store: str) -> None:
    """With b in the bag a waits until b is brought, whatever counter Ida is said to stand at."""
    street = town()
    street.policy = replace(street.policy, one_store_per_trip=True)
    street.store("south", at=560, place=99)
    street.order("b", at=510, store_id="sto_north", courier_id="cou_ida", on_board=True)
    street.courier("ida", at=500, on_board=("ord_b",), at_store=at_store)
    (route,) = planned(street.snapshot()).routes
    assert stops(route) == ["dropoff b", "pickup a", "dropoff a"]


def test_one_id_for_an_order_a_store_and_a_courier_confuses_nobody() -> None:
    street = Street()
    street.store("north", at=500)
    street.order("a", at=600, store_id="one")
    street.courier("ida", at=500)
    street.stores[0] = replace(
        street.stores[0], store=replace(street.stores[0].store, store_id="one")
    )
    street.orders[0] = replace(
        street.orders[0], order=replace(street.orders[0].order, order_id="one")
    )
    street.couriers[0] = replace(
        street.couriers[0], courier=replace(street.couriers[0].courier, courier_id="one")
    )
    found = planned(street.snapshot())
    assert found.unassigned == ()
    assert [route.courier_id for route in found.routes] == ["one"]


def test_stores_and_couriers_that_are_there_twice_count_once() -> None:
    street = town()
    street.order("b", at=400, store_id="sto_north", ready_at=NOW)
    street.courier("ida", at=500, capacity_parcels=1)
    snapshot = street.snapshot()
    far = replace(snapshot.couriers[0], place=snapshot.orders[1].place)
    closed = replace(snapshot.stores[0], open_windows=())
    found = planned(
        replace(
            snapshot,
            couriers=(*snapshot.couriers, far),
            stores=(*snapshot.stores, closed),
        )
    )
    assert found.unassigned == ()
    assert [route.courier_id for route in found.routes] == ["cou_ida"]


def test_routes_in_force_that_nobody_was_told_are_no_help_and_no_harm() -> None:
    street = town()
    street.courier("ida", at=500)
    without = planned(street.snapshot())
    ghosts = tuple(
        Visit(Stop(kind, order_id, store_id), NOW, 0, -1, -1, 10**6)
        for kind in StopKind
        for order_id in ("ord_ghost", "ord_a")
        for store_id in ("sto_ghost", "sto_north")
    )
    street.routes = (
        Route("cou_ghost", ghosts, 0),
        Route("cou_ida", ghosts, 0),
        Route("cou_ida", (), 0),
    )
    assert planned(street.snapshot()).routes == without.routes


def test_demand_at_a_store_that_is_not_there_sends_nobody_anywhere() -> None:
    street = Street(standby_horizon_s=HOUR_S)
    street.store("far", at=1000, place=99)
    street.courier("ida", at=500)
    demand = (
        StoreDemand("sto_far", 1e6, (0,)),
        StoreDemand("sto_ghost", 1e6),
        StoreDemand("sto_ghost", 0.0, (10**9,)),
    )
    found = planned(replace(street.snapshot(), demand=demand))
    assert found.standbys == ()
