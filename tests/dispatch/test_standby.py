"""Couriers without work are sent to where work will come, and count as there in time."""

from __future__ import annotations

from dataclasses import replace

import pytest
from town import BLOCK_M, BLOCK_S, NOW, Town, at

from dispatch import commands as c
from dispatch.events import PlanPublished, StandbyGiven, StopCommitted
from dispatch.model import Plan, Policy, Snapshot, Standby
from dispatch.planning.plan import plan

WAY_S = 19 * BLOCK_S
"""From Anna's home, one block east of West, to East."""


def to_east(snapshot: Snapshot) -> Plan:
    """Plan as ever, and send Anna to East unless she has work."""
    found = plan(snapshot)
    if any(route.courier_id == "cou_anna" for route in found.routes):
        return found
    standby = Standby("cou_anna", "sto_east", snapshot.now + WAY_S, WAY_S, 19 * BLOCK_M, gain=1.0)
    return replace(found, standbys=(standby,))


def standbys(town: Town) -> list[StandbyGiven]:
    """Replan with a standby for Anna and return what was given."""
    recorded = town.engine.replan(to_east)
    return [entry.event for entry in recorded if isinstance(entry.event, StandbyGiven)]


@pytest.fixture
def town() -> Town:
    return Town(Policy(standby_diverts=False, departure_lead_s=0))


def anna(town: Town) -> tuple[tuple[float, float], int]:
    """Return where the next decision has Anna, and from when on."""
    snapshot = town.engine.snapshot()
    (mine,) = (one for one in snapshot.couriers if one.courier_id == "cou_anna")
    return snapshot.places[mine.place], mine.available_at


def test_who_is_not_called_off_counts_as_there_from_the_arrival_on(town: Town) -> None:
    assert standbys(town) == [StandbyGiven("cou_anna", "sto_east", NOW + WAY_S, NOW)]
    assert anna(town) == (at(20, 0), NOW + WAY_S)
    town.clock.time = NOW + WAY_S + 60
    assert anna(town) == (at(20, 0), NOW + WAY_S + 60)


def test_who_may_be_called_off_counts_as_there_only_once_there() -> None:
    town = Town(Policy(standby_diverts=True, departure_lead_s=0))
    standbys(town)
    town.clock.time = NOW + WAY_S - 1
    assert anna(town) == (at(1, 0), NOW + WAY_S - 1)
    town.clock.time = NOW + WAY_S
    assert anna(town) == (at(20, 0), NOW + WAY_S)


def test_where_somebody_says_to_be_on_the_way_counts_more_than_the_forecast() -> None:
    town = Town(Policy(standby_diverts=True, departure_lead_s=0))
    standbys(town)
    town.clock.time = NOW + 60
    town.engine.report_position("cou_anna", at(3, 0), NOW + 60)
    assert anna(town) == (at(3, 0), NOW + 60)
    town.clock.time = NOW + WAY_S
    assert anna(town) == (at(3, 0), NOW + WAY_S)


def test_the_same_standby_is_told_once(town: Town) -> None:
    assert len(standbys(town)) == 1
    town.clock.time += 60
    assert standbys(town) == []


def test_nobody_with_work_or_off_shift_is_sent(town: Town) -> None:
    town.clock.time = NOW + 4 * 3600
    assert standbys(town) == []
    busy = Town(Policy(departure_lead_s=3600))
    order_id = busy.order(at(2, 0))
    busy.picked(order_id)
    busy.engine.replan()
    assert busy.engine.state.courier("cou_anna").commitment is not None
    published = busy.engine.replan(
        lambda snapshot: replace(
            plan(snapshot),
            standbys=(Standby("cou_anna", "sto_east", NOW + WAY_S, WAY_S, 1900, gain=1.0),),
        )
    )
    assert not any(isinstance(entry.event, StandbyGiven) for entry in published)


def test_work_at_the_standby_is_told_on_arrival_and_not_before(town: Town) -> None:
    standbys(town)
    # Ben, a block from East, is gone; the order is for a door beside East.
    town.give(c.EndShift("cou_ben", NOW))
    town.clock.time = NOW + 60
    town.order(at(21, 0))
    (order_id,) = town.engine.state.orders
    town.picked(order_id)
    told: list[int] = []
    while not told and town.clock.time < NOW + 2 * WAY_S:
        recorded = town.engine.replan()
        told = [e.event.occurred_at for e in recorded if isinstance(e.event, StopCommitted)]
        assert not any(e.event.violations for e in recorded if isinstance(e.event, PlanPublished))
        town.clock.time += 10
    assert told[0] >= NOW + WAY_S
    courier = town.engine.state.courier("cou_anna")
    assert courier.standby is None
    assert courier.place == at(20, 0)
    assert courier.place_at == NOW + WAY_S


def test_a_standby_after_a_standby_begins_where_the_first_ended(town: Town) -> None:
    standbys(town)
    town.clock.time = NOW + WAY_S + 60
    back = Standby("cou_anna", "sto_west", town.clock.time + 600, 600, 2000, gain=1.0)
    town.engine.replan(lambda snapshot: replace(plan(snapshot), standbys=(back,)))
    courier = town.engine.state.courier("cou_anna")
    assert courier.place == at(20, 0)
    assert courier.standby is not None
    assert courier.standby.store_id == "sto_west"
    assert anna(town) == (at(0, 0), town.clock.time + 600)


def test_a_shift_s_end_ends_the_standby_and_a_restart_knows_it(town: Town) -> None:
    standbys(town)
    again = town.restarted()
    assert again.state.courier("cou_anna").standby == town.engine.state.courier("cou_anna").standby
    town.clock.time += 60
    town.give(c.EndShift("cou_anna", town.clock.time))
    assert town.engine.state.courier("cou_anna").standby is None
