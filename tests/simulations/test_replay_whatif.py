"""A recorded evening under other decisions: the same people, another fleet, another policy."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from recorded import recorded_evening, with_entries

from dispatch import commands as c
from dispatch.events import CourierRegistered, OrderCancelled, OrderReceived, StoreRegistered
from dispatch.journal import Handled
from dispatch.model import Mode, Policy
from dispatch.recording import Recording
from geo.city import City
from simulations.errors import ReplayError
from simulations.replays.changes import Fleet, More, changed, parse_fleet
from simulations.replays.day import Day, Names, day_of
from simulations.replays.whatif import as_it_was, changes, lived, summed_up
from simulations.scenarios.settings import PlanningSettings, Scenario
from simulations.studies.outcome import Ending, Evening
from simulations.worlds.happenings import happenings_of

POLICY = Policy(improve_rounds=2, replan_every_s=60)
LASTS_S = 1100


@pytest.fixture(scope="module")
def recording(friday: Scenario, helsinki: City) -> Recording:
    seldom = replace(friday, planning=PlanningSettings(pause_s=45))
    often = replace(seldom, customers=replace(friday.customers, cancel_share=0.2))
    return recorded_evening(often, helsinki, POLICY, LASTS_S)


@pytest.fixture(scope="module")
def day(recording: Recording, helsinki: City) -> Day:
    return day_of(recording, happenings_of(recording.events), helsinki)


@pytest.fixture(scope="module")
def model(day: Day, recording: Recording, helsinki: City) -> Evening:
    return lived(day, recording, helsinki, POLICY, 0)[0]


def test_a_day_is_what_people_did_not_what_the_engine_decided(
    day: Day, recording: Recording
) -> None:
    received = [r.event for r in recording.events if isinstance(r.event, OrderReceived)]
    placed = [one.command for one in day.script if isinstance(one.command, c.PlaceOrder)]
    assert {one.external_id for one in placed} >= {event.order.external_id for event in received}
    assert not any(isinstance(one.command, c.StartPick | c.ArriveAtStop) for one in day.script)
    assert any(isinstance(one.command, c.CancelOrder) for one in day.script)
    assert (day.policy, day.left_out) == (POLICY, {})
    assert len(day.truth.picks) > 10
    assert len(day.truth.trips) > 10


def test_under_its_own_policy_the_model_comes_near_the_day(
    day: Day, recording: Recording, model: Evening
) -> None:
    was = as_it_was(recording, day.starts_at, day.ends_at)
    assert model.figures["orders_asked"] == was.figures["orders_asked"]
    assert model.figures["courier_hours"] == pytest.approx(was.figures["courier_hours"])
    assert model.figures["delivered"] == pytest.approx(was.figures["delivered"], rel=0.25)
    assert model.figures["click_to_door_p50_s"] == pytest.approx(
        was.figures["click_to_door_p50_s"], rel=0.1
    )
    assert model.refused_commands == {}
    # Who changed their mind then does so again.
    gone = {row.external_id for row in was.orders if row.ending is Ending.CANCELLED}
    assert gone
    assert {row.external_id for row in model.orders if row.ending is Ending.CANCELLED} == gone


def test_picks_take_what_they_took(day: Day, recording: Recording, model: Evening) -> None:
    was = {row.external_id: row for row in as_it_was(recording, day.starts_at, day.ends_at).orders}
    both = [
        (was[row.external_id].pick_s, row.pick_s)
        for row in model.orders
        if row.pick_s is not None and was[row.external_id].pick_s is not None
    ]
    assert len(both) > 10
    assert all(then == now for then, now in both)


def test_the_same_draw_is_the_same_evening_and_another_is_not(
    day: Day, recording: Recording, helsinki: City, model: Evening
) -> None:
    again, _ = lived(day, recording, helsinki, POLICY, 0)
    assert again == model
    assert changes(model, again) == ()


def test_another_policy_meets_the_same_people(
    day: Day, recording: Recording, helsinki: City, model: Evening
) -> None:
    stingy = replace(POLICY, promise_margin_s=60, promise_min_s=600)
    other, log = lived(day, recording, helsinki, stingy, 0)
    assert {row.external_id for row in other.orders} == {row.external_id for row in model.orders}
    promised = {row.external_id: row.promise_latest for row in model.orders}
    sooner = [row for row in other.orders if (row.promise_latest or 0) < promised[row.external_id]]
    assert len(sooner) > len(other.orders) / 2
    assert any(isinstance(recorded.event, OrderCancelled) for recorded in log)
    found = changes(model, other)
    assert sum(summed_up(found).values()) == len(found)


def test_a_fleet_is_read_from_words_and_files(tmp_path: Path) -> None:
    listed = tmp_path / "fleet.txt"
    listed.write_text("+1 car@22:00-02:00  # for the night\n\n-cou_ben\n", encoding="utf-8")
    found = parse_fleet(["+2 bike, -cou_anna", str(listed)])
    assert found == Fleet(
        (More(2, Mode.BIKE, None), More(1, Mode.CAR, (79_200, 93_600))), ("cou_anna", "cou_ben")
    )
    assert found.said == "+2 bike, +1 car@22:00-02:00, -cou_anna, -cou_ben"
    with pytest.raises(ReplayError) as told:
        parse_fleet(["+2 balloon", "+0 bike", "+1 car@25:00-26:00", "+ bike", "nowhere.txt"])
    for part in ("'balloon'", "adds nobody", "17:00-21:00", "says nothing", "'nowhere.txt'"):
        assert part in str(told.value)


def test_another_fleet_and_reach_come_to_work(
    day: Day, recording: Recording, helsinki: City
) -> None:
    gone = next(
        one.command.courier.courier_id
        for one in day.script
        if isinstance(one.command, c.RegisterCourier)
    )
    other = changed(day, parse_fleet([f"+2 bike, -{gone}"]), 500)
    evening, log = lived(other, recording, helsinki, POLICY, 0)
    ids = {r.event.courier.courier_id for r in log if isinstance(r.event, CourierRegistered)}
    assert {"cou_more-1", "cou_more-2"} <= ids
    assert gone not in ids
    reaches = {r.event.store.reach_s for r in log if isinstance(r.event, StoreRegistered)}
    assert reaches == {500}
    assert evening.figures["refused_share"] is not None
    with pytest.raises(ReplayError, match=r"no such courier; there were cou_"):
        changed(day, parse_fleet(["-cou_nobody"]), None)


def test_orders_without_a_name_of_the_shop_keep_the_one_they_had(recording: Recording) -> None:
    names = Names()
    first = next(r.event for r in recording.events if isinstance(r.event, OrderReceived))
    whole = replace(first, order=replace(first.order, order_id="ord_1", external_id=None))
    part = replace(
        first, order=replace(first.order, order_id="ord_1.2", external_id=None, part_of="ord_1")
    )
    for event in (whole, part):
        names.hear(event)
    assert (names.of("ord_1"), names.of("ord_1.2"), names.of("ord_9")) == (
        "ord_1",
        "ord_1.2",
        "ord_9",
    )


def test_a_log_without_a_journal_is_lived_all_the_same(
    recording: Recording, helsinki: City, day: Day
) -> None:
    bare = with_entries(recording, [])
    plain = day_of(bare, happenings_of(bare.events), helsinki, POLICY)
    assert (plain.orders, plain.policy) == (day.orders, POLICY)
    evening, _ = lived(replace(plain, planning=day.planning), bare, helsinki, POLICY, 0)
    assert evening.figures["orders_taken"] == pytest.approx(day.orders, abs=3)


def test_what_people_overruled_is_left_out_and_counted(
    recording: Recording, helsinki: City
) -> None:
    entries = list(recording.inputs.after(0))
    index = next(
        k
        for k, noted in enumerate(entries)
        if isinstance(noted.entry, Handled) and isinstance(noted.entry.command, c.PlaceOrder)
    )
    hold = Handled(entries[index].entry.at, c.HoldOrder("ord_x", "ops:maria", "wait"))
    entries[index + 1 : index + 1] = [entries[index]._replace(entry=hold)]
    held = with_entries(recording, entries)
    assert day_of(held, happenings_of(held.events), helsinki).left_out == {"HoldOrder": 1}


def test_a_time_in_which_nobody_ordered_cannot_be_asked_about(
    recording: Recording, helsinki: City
) -> None:
    with pytest.raises(ReplayError, match="nobody ordered anything"):
        day_of(
            recording, happenings_of(recording.events), helsinki, until=recording.events[0].at + 1
        )
