"""Figures worked out by hand from a short log."""

from __future__ import annotations

from typing import Any

from dispatch import events as e
from dispatch.events import Recorded
from dispatch.kpis import KpiFold, kpis
from dispatch.model import (
    Fulfilment,
    LonLat,
    Objective,
    Order,
    OrderLine,
    Policy,
    Promise,
    Route,
    Stop,
    StopKind,
    Visit,
)

CLICK = 1_000_000


def received(name: str, after_s: int = 0, **more: Any) -> e.OrderReceived:
    clicked = CLICK + after_s
    door = LonLat(24.9, 60.1)
    order = Order(name, clicked, door, "Door", (OrderLine("milk", 1),), 500, 60, **more)
    return e.OrderReceived(order, Promise(clicked + 900, clicked + 1800, clicked), "sto_a")


def planned(eta: int, solve_ms: float, *violations: str) -> e.PlanPublished:
    stop = Stop(StopKind.DROPOFF, "ord_a", "sto_a")
    visit = Visit(stop, eta, eta, eta + 60, 100, 400)
    return e.PlanPublished(
        "pln_1",
        1,
        CLICK,
        (Route("cou_a", (visit,), CLICK),),
        (),
        {},
        (),
        violations,
        Objective(),
        "insertion",
        "v1",
        solve_ms,
    )


def log_of(*events: e.Event) -> list[Recorded]:
    return [Recorded("z", seq, CLICK + seq, event) for seq, event in enumerate(events, 1)]


def test_counts_shares_and_quantiles() -> None:
    log = log_of(
        received("ord_a"),
        received("ord_b"),
        received("ord_c"),
        received("ord_d"),
        e.OrderRefused(CLICK + 5, "no_stock", "no store has it"),
        e.OrderDelivered("cou_a", "ord_a", CLICK + 1000),
        e.OrderDelivered("cou_a", "ord_b", CLICK + 1800),
        e.OrderDelivered("cou_a", "ord_c", CLICK + 1801),
        e.OrderCancelled("ord_d", "changed my mind", CLICK + 50),
    )
    figures = kpis(log, CLICK + 2000)
    assert figures.orders == 5
    assert (figures.delivered, figures.rejected, figures.cancelled) == (3, 1, 1)
    assert (figures.open, figures.failed) == (0, 0)
    # On time up to and including the promise's last second: two of three.
    assert figures.on_time_share == 0.6667
    assert (figures.click_to_door_p50_s, figures.click_to_door_p90_s) == (1800, 1801)


def test_nothing_measured_is_none_not_zero() -> None:
    figures = kpis([], CLICK)
    assert figures.on_time_share is None
    assert figures.click_to_door_p50_s is None
    assert figures.replan_p95_ms is None


def test_risk_begins_where_the_buffer_does() -> None:
    policy = Policy(buffer_s=300)
    fold = KpiFold(policy)
    latest = CLICK + 1800
    for recorded in log_of(received("ord_a"), planned(latest - 300, 5.0)):
        fold.add(recorded)
    assert fold.at_risk(CLICK + 10) == frozenset()
    fold.add(Recorded("z", 3, CLICK + 20, planned(latest - 299, 7.0)))
    assert fold.at_risk(CLICK + 20) == {"ord_a"}


def test_an_order_without_a_route_is_at_risk_once_time_runs_out() -> None:
    fold = KpiFold(Policy(buffer_s=300))
    for recorded in log_of(received("ord_a")):
        fold.add(recorded)
    assert fold.at_risk(CLICK + 1500) == frozenset()
    assert fold.at_risk(CLICK + 1501) == {"ord_a"}


def test_replans_count_their_time_and_violations() -> None:
    log = log_of(
        received("ord_a"), planned(CLICK + 900, 10.0), planned(CLICK + 900, 30.0, "capacity: x: y")
    )
    figures = kpis(log, CLICK + 100)
    assert (figures.replans, figures.violations, figures.replan_p95_ms) == (2, 1, 30.0)


def test_a_window_counts_only_what_happened_in_it() -> None:
    fold = KpiFold()
    for recorded in log_of(
        received("ord_a"),
        received("ord_b", after_s=600),
        e.OrderDelivered("cou_a", "ord_a", CLICK + 500),
        e.OrderDelivered("cou_a", "ord_b", CLICK + 1500),
    ):
        fold.add(recorded)
    last = fold.figures(CLICK + 2000, since=CLICK + 1000)
    assert (last.orders, last.delivered, last.click_to_door_p50_s) == (0, 1, 900)


def test_a_second_try_that_succeeds_is_a_failure_and_a_delivery() -> None:
    log = log_of(
        received("ord_a"),
        e.DeliveryFailed("cou_a", "ord_a", "nobody home", CLICK + 900),
        e.RetryGranted("ord_a", "ops", "back at six", CLICK + 950),
        e.OrderDelivered("cou_a", "ord_a", CLICK + 1500),
    )
    figures = kpis(log, CLICK + 2000)
    assert (figures.failed, figures.delivered, figures.open) == (1, 1, 0)


def test_what_is_collected_is_never_at_risk_for_want_of_a_courier() -> None:
    fold = KpiFold(Policy(buffer_s=300))
    for recorded in log_of(received("ord_a", fulfilment=Fulfilment.COLLECTION)):
        fold.add(recorded)
    assert fold.at_risk(CLICK + 1700) == frozenset()
    fold.add(Recorded("z", 2, CLICK + 1750, e.OrderCollected("ord_a", "sto_a", CLICK + 1750)))
    figures = fold.figures(CLICK + 1800)
    assert (figures.collected, figures.open, figures.delivered) == (1, 0, 0)


def test_what_nobody_fetches_is_given_up() -> None:
    order = received("ord_a", fulfilment=Fulfilment.COLLECTION)
    log = log_of(order, e.OrderNotCollected("ord_a", "sto_a", "nobody came", CLICK + 9000))
    figures = kpis(log, CLICK + 9001)
    assert (figures.collected, figures.cancelled, figures.open) == (0, 1, 0)


def test_a_split_order_is_asked_for_once_and_a_return_by_nobody() -> None:
    log = log_of(
        received("ord_a"),
        received("ord_a.2", part_of="ord_a"),
        received("ord_r", return_of="ord_z"),
    )
    figures = kpis(log, CLICK + 10)
    assert (figures.orders, figures.open) == (1, 2)


def test_an_outside_company_s_deliveries_count() -> None:
    def report(status: str, at: int, eta: int | None = None) -> e.CarriageReported:
        return e.CarriageReported("ord_a", "swift", "r1", status, "", eta, at)

    fold = KpiFold(Policy(buffer_s=300))
    for recorded in log_of(received("ord_a"), report("picked_up", CLICK + 600, CLICK + 1900)):
        fold.add(recorded)
    assert fold.at_risk(CLICK + 600) == {"ord_a"}
    fold.add(Recorded("z", 3, CLICK + 1700, report("delivered", CLICK + 1700)))
    figures = fold.figures(CLICK + 1800)
    assert (figures.delivered, figures.on_time_share, figures.at_risk) == (1, 1.0, 0)


def test_who_is_refused_one_window_and_takes_another_has_asked_for_one_order() -> None:
    def refused(external_id: str | None) -> e.OrderRefused:
        return e.OrderRefused(CLICK, "no_courier_before_deadline", "", external_id)

    log = log_of(
        refused("shop-1"),
        refused("shop-1"),
        received("ord_a", external_id="shop-1"),
        refused("shop-2"),
        refused(None),
        refused(None),
    )
    figures = kpis(log, CLICK + 10)
    # shop-1 is taken in the end; shop-2 and two without an id are refused.
    assert (figures.orders, figures.open, figures.rejected) == (4, 1, 3)
