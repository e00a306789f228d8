"""Couriers without work move to where orders with short preparation are expected."""

from __future__ import annotations

from dataclasses import replace

from street import HOUR_S, NOW, Street

from dispatch.check import check
from dispatch.model import Snapshot, StoreDemand
from dispatch.planning.plan import plan

HORIZON_S = 1200
WAY_S = 600
"""Between the two stores."""


def street(**policy: object) -> Street:
    """Two stores ten minutes apart, a courier who has nothing to do at the western one."""
    made = Street(**({"standby_horizon_s": HORIZON_S, "waiting_cost": 1.0} | policy))
    made.store("west", 0)
    made.store("east", WAY_S)
    made.courier("ann", 0)
    return made


def moves(made: Street, *demand: StoreDemand) -> list[tuple[str, str]]:
    snapshot = replace(made.snapshot(), demand=demand)
    found = plan(snapshot)
    assert check(found, snapshot) == []
    return [(standby.courier_id, standby.store_id) for standby in found.standbys]


def wants(store: str, per_h: float, lead_s: int) -> StoreDemand:
    return StoreDemand(f"sto_{store}", per_h, (lead_s,) * 10)


def test_the_idle_go_where_goods_will_be_ready_before_they_could_be_there() -> None:
    assert moves(street(), wants("west", 1.0, 120), wants("east", 30.0, 120)) == [
        ("cou_ann", "sto_east")
    ]


def test_where_goods_take_longer_than_the_way_nobody_is_sent() -> None:
    assert moves(street(), wants("west", 1.0, 120), wants("east", 30.0, 2 * WAY_S)) == []


def test_a_move_must_save_more_than_its_way_costs() -> None:
    few = wants("east", 1.0, 120)
    assert moves(street(), wants("west", 0.01, 120), few) == []
    # The same way at a hundredth of the price.
    assert moves(street(travel_cost=0.01), wants("west", 0.01, 120), few) == [
        ("cou_ann", "sto_east")
    ]


def test_who_is_needed_where_they_are_stays() -> None:
    assert moves(street(), wants("west", 30.0, 120), wants("east", 30.0, 120)) == []


def test_one_of_two_goes_and_the_other_stays() -> None:
    made = street(travel_cost=0.1)
    made.courier("ben", 0)
    told = moves(made, wants("west", 30.0, 120), wants("east", 30.0, 120))
    assert len(told) == 1
    assert told[0][1] == "sto_east"


def test_without_demand_or_a_horizon_nobody_moves() -> None:
    assert moves(street()) == []
    still = Street(standby_horizon_s=0)
    still.store("west", 0)
    still.store("east", WAY_S)
    still.courier("ann", 0)
    assert moves(still, wants("west", 1.0, 120), wants("east", 30.0, 120)) == []


def test_nobody_with_work_off_shift_or_soon_off_shift_is_sent() -> None:
    busy = street()
    busy.order("now", 60, ready_at=NOW, store_id="sto_west")
    assert moves(busy, wants("east", 30.0, 120)) == []
    leaving = Street(standby_horizon_s=HORIZON_S)
    leaving.store("west", 0)
    leaving.store("east", WAY_S)
    leaving.courier("ann", 0, shift_end=NOW + HOUR_S // 4)
    leaving.courier("ben", 0, shift_start=NOW + 300)
    assert moves(leaving, wants("east", 30.0, 120)) == []


def test_who_is_on_the_way_to_a_standby_is_not_sent_elsewhere() -> None:
    made = street()
    made.couriers = [replace(made.couriers[0], standby="sto_west", under_way=True)]
    assert moves(made, wants("east", 30.0, 120)) == []


def test_who_waits_there_already_is_counted_there() -> None:
    made = street()
    made.courier("ben", WAY_S)
    assert moves(made, wants("west", 10.0, 120), wants("east", 10.0, 120)) == []


def test_a_standby_says_what_it_takes_and_brings() -> None:
    snapshot: Snapshot = replace(
        street().snapshot(), demand=(wants("west", 1.0, 120), wants("east", 30.0, 120))
    )
    (standby,) = plan(snapshot).standbys
    assert (standby.travel_s, standby.length_m) == (WAY_S, 5 * WAY_S)
    assert standby.arrive_at == NOW + WAY_S
    assert standby.gain > 0
