"""Snapshots that cannot be: the sound part is planned, the rest is named with its reason."""

from __future__ import annotations

from dataclasses import replace

from street import NOW, Street, stops

from dispatch.check import check
from dispatch.model import UNREACHABLE_S, Mode, Plan, Reason, Snapshot, Stop, StopKind
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


def test_a_courier_whose_mode_has_no_travel_times_is_not_counted_on() -> None:
    street = town()
    street.courier("ida", at=500, mode=Mode.CAR)
    assert left(planned(street.snapshot())) == {"ord_a": Reason.NO_COURIER_ON_SHIFT}


def test_a_place_outside_the_table_is_as_good_as_unknown() -> None:
    street = town()
    street.courier("ida", at=500)
    street.orders[0] = replace(street.orders[0], place=99)
    found = planned(street.snapshot())
    assert left(found) == {"ord_a": Reason.UNREACHABLE}
    assert found.routes == ()
