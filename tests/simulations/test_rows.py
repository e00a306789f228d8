from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from written_log import STORE, WrittenLog, golden, minute

from dispatch import events as e
from dispatch.model import StopKind
from dispatch.records import Carriage
from simulations.studies.measures import FIGURES
from simulations.studies.outcome import Activity, Ending, Evening
from simulations.studies.rows import evening_of
from simulations.studies.rows_couriers import BUSY

END = minute(60)
"""The run ends with the shifts."""


@pytest.fixture(scope="module")
def evening() -> Evening:
    return evening_of(golden().events, seed=7, starts_at=minute(0), ends_at=END)


def test_every_order_has_one_row_and_one_ending(evening: Evening) -> None:
    assert {row.order_id.removeprefix("ord_"): row.ending.value for row in evening.orders} == {
        "prompt": "delivered",
        "late": "delivered",
        "whole": "delivered",
        "part": "delivered",
        "slot": "delivered",
        "desk": "collected",
        "nobody": "not_collected",
        "changed": "cancelled",
        "turned": "open",
        "refused-click-away": "refused",
    }


def test_a_row_says_when_everything_happened(evening: Evening) -> None:
    row = next(row for row in evening.orders if row.order_id == "ord_prompt")
    assert (row.asked_at, row.pick_started_at, row.ready_at) == (minute(1), minute(2), minute(5))
    assert (row.picked_up_at, row.arrived_at, row.delivered_at) == (
        minute(6),
        minute(12),
        minute(13),
    )
    assert (row.first_eta, row.courier_id, row.store_id) == (minute(12), "cou_anna", STORE)
    assert (row.lateness_s, row.click_to_door_s, row.tries) == (0, 12 * 60, 0)
    # The pick took three minutes, base and one line were expected; the way as forecast.
    assert (row.pick_s, row.expected_pick_s) == (180, 120 + 25)
    assert (row.travel_s, row.expected_travel_s) == (360, 360)


def test_a_second_try_counts_the_failed_one_and_the_last_way(evening: Evening) -> None:
    row = next(row for row in evening.orders if row.order_id == "ord_late")
    assert (row.tries, row.lateness_s, row.travel_s) == (1, 3 * 60, 4 * 60)
    assert (row.picked_up_at, row.arrived_at) == (minute(17), minute(44))


def test_who_takes_another_window_asked_once(evening: Evening) -> None:
    (row,) = [row for row in evening.orders if row.external_id == "click-turned"]
    assert (row.first_tier, row.tier, row.asked_at) == ("15m", "60m", minute(47))


def test_the_figures_of_the_golden_evening(evening: Evening) -> None:
    figures = evening.figures
    assert tuple(figures) == tuple(FIGURES)
    # Asked for: prompt, late, whole, slot, desk, nobody, changed, turned, away.
    assert figures["orders_asked"] == 9
    assert figures["orders_taken"] == 8
    assert figures["refused_share"] == pytest.approx(1 / 9)
    # In time: prompt, slot and the desk; the whole order is late with its second part.
    assert figures["in_time_per_100_orders"] == pytest.approx(100 * 3 / 9)
    # Deliveries taken: prompt, late, whole, part, slot, changed, turned; 3 + 1 minutes late.
    assert figures["late_min_per_100_orders"] == pytest.approx(100 * 4 / 7)
    assert figures["delivered"] == 5
    assert figures["on_time_share"] == pytest.approx(3 / 5)
    # Due: prompt, late, whole, part, slot, desk, nobody (ready in time); broken: late, part.
    assert figures["promises_kept_share"] == pytest.approx(5 / 7)
    # Half of 12, 29, 30, 31 and 33 minutes; nine in ten of five is the fifth.
    assert figures["click_to_door_p50_s"] == 30 * 60
    assert figures["click_to_door_p90_s"] == 33 * 60
    assert (figures["late_p50_s"], figures["late_p99_s"]) == (60, 180)
    assert figures["collection_wait_p50_s"] == 4 * 60
    assert (figures["failed_tries"], figures["open_at_end"]) == (1, 1)
    assert (figures["collected"], figures["not_collected"], figures["cancelled"]) == (1, 1, 1)


def test_the_figures_of_people_at_work(evening: Evening) -> None:
    figures = evening.figures
    assert figures["courier_hours"] == 2.0
    # Anna 2 to 13 and 28 to 56, Ben 14 to 25, 40 to 46 and 47 to 54: 63 of 120 minutes.
    assert figures["busy_share"] == pytest.approx(63 / 120)
    assert figures["deliveries_per_courier_hour"] == 2.5
    # Only one route was planned: 0.5 and 1 km for five deliveries.
    assert figures["km_per_delivery"] == pytest.approx(1.5 / 5)
    # Picks: 3 + 2 + 2 + 2 + 1 + 1 + 1 minutes of two pickers' hour.
    assert figures["pick_utilisation"] == pytest.approx(12 / 120)
    # Waits for a picker: 1, 1, 1, 3, 8, 10 minutes, and 1 after the hold that ended at 46.
    assert (figures["pick_wait_p50_s"], figures["pick_wait_p90_s"]) == (60, 600)


def test_couriers_have_no_gaps_inside_a_shift(evening: Evening) -> None:
    for courier_id in ("cou_anna", "cou_ben"):
        spans = [span for span in evening.spans if span.courier_id == courier_id]
        assert spans[0].begins_at == minute(0)
        assert spans[-1].ends_at == END
        for before, after in pairwise(spans):
            assert before.ends_at == after.begins_at
    anna = [
        (span.activity, span.ends_at - minute(0))
        for span in evening.spans
        if span.courier_id == "cou_anna"
    ][:6]
    assert anna == [
        (Activity.IDLE, 2 * 60),
        (Activity.TO_STORE, 4 * 60),
        (Activity.AT_STORE, 6 * 60),
        (Activity.TO_DOOR, 12 * 60),
        (Activity.AT_DOOR, 13 * 60),
        (Activity.IDLE, 28 * 60),
    ]


def test_minutes_count_what_is_going_on(evening: Evening) -> None:
    assert len(evening.minutes) == 60
    at_27 = evening.minutes[27]
    # late is in a bag; whole, part, slot, desk and nobody are open, whole is being picked.
    assert (at_27.at, at_27.open_orders, at_27.on_the_way, at_27.pickers_busy) == (
        minute(27),
        6,
        1,
        1,
    )
    # part, desk and nobody wait for a picker; slot is held until 46, but not yet at 27.
    assert at_27.waiting_to_be_picked == 3
    assert (at_27.couriers_on_shift, at_27.couriers_busy) == (2, 0)
    assert evening.minutes[44].late_open == 1  # late, due at 43
    assert evening.minutes[43].late_open == 0


def test_only_what_was_clicked_in_the_measured_time_counts() -> None:
    part = evening_of(
        golden().events,
        seed=7,
        starts_at=minute(0),
        ends_at=END,
        measured_from=minute(10),
        measured_until=minute(25),
    )
    assert [row.order_id for row in part.orders if row.is_measured] == ["ord_late"]
    assert part.figures["orders_asked"] == 1
    assert part.figures["on_time_share"] == 0.0
    assert part.figures["courier_hours"] == pytest.approx(2 * 15 / 60)
    # What is delivered in that quarter of an hour counts for the couriers: prompt, clicked before.
    assert part.figures["deliveries_per_courier_hour"] == pytest.approx(1 / 0.5)
    assert len(part.orders) == 10


def test_an_outside_company_brings_and_brings_back() -> None:
    log = WrittenLog()
    log.open_up()
    for name in ("brought", "back"):
        log.click(0, name)
        log.pick(1, f"ord_{name}", 2)
        log.note(2, e.CarriageBooked(f"ord_{name}", Carriage("swift", "1", 500, minute(2))))
    for at, order_id, status in (
        (5, "ord_brought", "picked_up"),
        (9, "ord_brought", "delivered"),
        (5, "ord_back", "picked_up"),
        (9, "ord_back", "failed"),
        (20, "ord_back", "returned"),
    ):
        log.note(at, e.CarriageReported(order_id, "swift", "1", status, "", None, minute(at)))
    rows = evening_of(log.events, seed=1, starts_at=minute(0), ends_at=END).orders
    assert {(row.order_id, row.ending, row.tries, row.courier_id) for row in rows} == {
        ("ord_brought", Ending.DELIVERED, 0, None),
        ("ord_back", Ending.RETURNED, 1, None),
    }


def test_a_cancelled_order_that_was_brought_all_the_same_is_delivered() -> None:
    log = WrittenLog()
    log.open_up()
    log.click(0, "twice")
    log.pick(1, "ord_twice", 2)
    log.fetch(2, "cou_anna", "ord_twice", 3, 4)
    log.note(5, e.OrderCancelled("ord_twice", "changed my mind", minute(5)))
    log.note(9, e.OrderRevived("ord_twice", "cou_anna", minute(8)))
    log.bring(9, "cou_anna", "ord_twice", 9, 9)
    (row,) = evening_of(log.events, seed=1, starts_at=minute(0), ends_at=END).orders
    assert (row.ending, row.code, row.ended_at) == (Ending.DELIVERED, None, minute(9))


def test_late_reports_stand_where_they_happened() -> None:
    log = WrittenLog()
    log.open_up()
    log.click(0, "silent")
    log.pick(1, "ord_silent", 2)
    log.fetch(2, "cou_anna", "ord_silent", 3, 4)
    log.go(4, "cou_anna", "ord_silent", StopKind.DROPOFF, 10)
    # Delivered at 11, heard of at 30.
    log.note(30, e.OrderDelivered("cou_anna", "ord_silent", minute(11)))
    found = evening_of(log.events, seed=1, starts_at=minute(0), ends_at=END)
    at_door = next(span for span in found.spans if span.activity is Activity.AT_DOOR)
    assert (at_door.begins_at, at_door.ends_at) == (minute(10), minute(11))


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_endings_add_up_whatever_is_cut_off(data: st.DataObject) -> None:
    events = golden().events
    upto = events[: data.draw(st.integers(0, len(events)))]
    ends_at = upto[-1].at + 1 if upto else minute(1)
    found = evening_of(upto, seed=1, starts_at=minute(0), ends_at=ends_at)
    endings = Counter(row.ending for row in found.orders)
    taken = sum(isinstance(r.event, e.OrderReceived) for r in upto)
    assert sum(endings.values()) == taken + endings[Ending.REFUSED]
    wholes = {row.part_of or row.order_id for row in found.orders}
    assert found.figures["orders_asked"] == len(wholes)
    for courier_id in {span.courier_id for span in found.spans}:
        spans = [span for span in found.spans if span.courier_id == courier_id]
        assert sum(s.ends_at - s.begins_at for s in spans) == ends_at - minute(0)
        assert all(span.order_id for span in spans if span.activity in BUSY)


def test_what_was_told_anew_counts_for_measured_orders_only(evening: Evening) -> None:
    log = golden()
    # Somebody whose order is not among those asked for in the measured time.
    for order_id in ("ord_prompt", "ord_late", "ord_before"):
        log.note(59, e.OrderResourced(order_id, STORE, "sto_other"))
    told = evening_of(log.events, seed=7, starts_at=minute(0), ends_at=END).figures
    taken, before = told["orders_taken"], evening.figures["store_changes_per_100_orders"]
    assert taken is not None
    assert before is not None
    assert told["store_changes_per_100_orders"] == pytest.approx(before + 100 * 2 / taken)
    for name in ("courier", "sequence", "fetch", "pick", "eta"):
        assert told[f"{name}_changes_per_100_orders"] is not None
