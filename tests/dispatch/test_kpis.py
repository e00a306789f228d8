"""Figures worked out by hand from a short log."""

from __future__ import annotations

from dispatch import events as e
from dispatch.events import Recorded
from dispatch.kpis import KpiFold, kpis
from dispatch.model import (
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


def received(name: str, after_s: int = 0) -> e.OrderReceived:
    clicked = CLICK + after_s
    order = Order(name, clicked, LonLat(24.9, 60.1), "Door", (OrderLine("milk", 1),), 500, 60)
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
