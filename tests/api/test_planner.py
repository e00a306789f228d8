"""The planner's process: it answers, it may die, it may be slow; there is always a plan."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from structlog.testing import capture_logs

from api.planner import Planner, PlannerError
from api.planning_worker import best_within
from dispatch.check import check
from dispatch.model import (
    Courier,
    CourierInPlay,
    DeliveryStatus,
    LonLat,
    Mode,
    Order,
    OrderInPlay,
    OrderLine,
    OrderStatus,
    Promise,
    Snapshot,
    Store,
    StoreInPlay,
    TravelTable,
)

NOW = 1_795_192_200  # 2026-11-20T16:30:00Z
SHOP, DOOR, CORNER = LonLat(24.940, 60.170), LonLat(24.945, 60.172), LonLat(24.942, 60.169)


def snapshot() -> Snapshot:
    """Return one store, one courier at the corner, and one order for the door; all 300 s apart."""
    away = np.full((3, 3), 300, dtype=np.int32)
    np.fill_diagonal(away, 0)
    travel = TravelTable({Mode.BIKE: away}, {Mode.BIKE: away * 4}, "by hand")
    order = Order("ord_1", NOW, DOOR, "Testikatu 1", (OrderLine("milk", 1),), 1_000, 60)
    return Snapshot(
        zone_id="testville",
        now=NOW,
        seq=1,
        places=(SHOP, DOOR, CORNER),
        travel=travel,
        orders=(
            OrderInPlay(
                order=order,
                place=1,
                promise=Promise(NOW, NOW + 2_400, NOW),
                status=OrderStatus.SOURCED,
                delivery=DeliveryStatus.CONFIRMED,
                store_id="sto_1",
            ),
        ),
        stores=(StoreInPlay(Store("sto_1", "Shop", SHOP), 0, {"milk": 5}, ((NOW, NOW + 36_000),)),),
        couriers=(
            CourierInPlay(Courier("cou_1", "Aino", Mode.BIKE, CORNER), 2, NOW, NOW, NOW + 36_000),
        ),
    )


@pytest.fixture
def planner() -> Iterator[Planner]:
    made = Planner()
    made.start()
    yield made
    made.close()


def routed(planner: Planner) -> tuple[set[str], bool]:
    solved = planner.solve(snapshot())
    orders = {v.stop.order_id for route in solved.plan.routes for v in route.visits}
    return orders, solved.by_worker


def test_a_plan_comes_from_the_worker_and_then_it_is_up(planner: Planner) -> None:
    assert not planner.is_up
    planner.warm_up()
    assert planner.is_up
    assert routed(planner) == ({"ord_1"}, True)
    assert planner.is_up


def test_a_worker_that_dies_is_replaced_and_insertion_answers(planner: Planner) -> None:
    routed(planner)
    first = planner.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    with capture_logs() as said:
        assert routed(planner) == ({"ord_1"}, False)
    assert [line["event"] for line in said] == ["planner_failed"]
    assert planner.pid not in (None, first)
    assert routed(planner) == ({"ord_1"}, True)


def test_a_worker_that_hangs_is_replaced_and_insertion_answers() -> None:
    planner = Planner(limit_ms=100, grace_s=0.1)
    planner.start()
    routed(planner)
    first = planner.pid
    assert first is not None
    os.kill(first, signal.SIGSTOP)
    with capture_logs() as said:
        assert routed(planner) == ({"ord_1"}, False)
    assert [line["reason"] for line in said] == ["no plan within 0.2 s"]
    assert planner.pid not in (None, first)
    planner.close()


def test_a_closed_planner_has_no_worker_and_gives_no_plan(planner: Planner) -> None:
    planner.close()
    assert planner.pid is None
    with pytest.raises(PlannerError, match="closed"):
        planner.solve(snapshot())


def in_a_rush(orders: int = 12, **policy: Any) -> Snapshot:
    """Return the snapshot with more orders for the door, and effort for a good while."""
    calm = snapshot()
    (first,) = calm.orders
    more = tuple(
        replace(first, order=replace(first.order, order_id=f"ord_{number}"))
        for number in range(1, orders + 1)
    )
    return replace(calm, orders=more, policy=replace(calm.policy, **policy))


def test_what_was_found_first_stands_when_the_limit_is_over_at_once() -> None:
    asked = in_a_rush(improve_rounds=1000)
    found = best_within(asked, lambda: True)
    assert found.cut_short
    assert check(found.plan, asked) == []
    assert len(found.plan.routes) == 1


def test_an_effort_done_within_the_limit_is_not_cut_short() -> None:
    found = best_within(in_a_rush(), lambda: False)
    assert not found.cut_short


def test_a_worker_stops_at_its_limit_and_says_so() -> None:
    planner = Planner(limit_ms=2000)
    planner.start()
    # A thousand million rounds would take the better part of a year.
    solved = planner.solve(in_a_rush(improve_rounds=1_000_000_000))
    assert (solved.by_worker, solved.cut_short) == (True, True)
    assert not planner.solve(snapshot()).cut_short
    planner.close()
