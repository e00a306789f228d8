"""A courier waits on purpose only while it is likely to pay, and never at a promise's risk."""

from __future__ import annotations

from dataclasses import replace

import pytest
from street import HAND_OVER_S, NOW, Street

from dispatch.check import check
from dispatch.model import Plan, StoreDemand
from dispatch.planning.plan import plan

TRIP_S = 600
BUFFER_S = 300


def decided(per_h: float, due_s: int = 3600, ready_at: int = NOW, **policy: object) -> Plan:
    """Plan one order that is ready, ten minutes from its store; the courier is at the counter."""
    keys: dict[str, object] = {"hold_match": 0.5, "hold_max_s": 240, "buffer_s": BUFFER_S}
    street = Street(**(keys | policy))
    street.store("a", 0)
    street.order("one", TRIP_S, ready_at=ready_at, store_id="sto_a", due_s=due_s)
    street.courier("ann", 0)
    snapshot = replace(street.snapshot(), demand=(StoreDemand("sto_a", per_h),))
    found = plan(snapshot)
    assert check(found, snapshot) == []
    return found


def waits_s(found: Plan) -> int:
    return found.routes[0].leave_at - NOW


def test_a_courier_waits_where_a_shared_trip_is_likely() -> None:
    # An order a minute, half of them shareable, each saving 20 minutes' way: 10 courier-seconds
    # by the second against a quarter for waiting.
    assert waits_s(decided(60.0)) == 240


def test_a_courier_leaves_where_nobody_is_expected() -> None:
    # One in ten hours: 0.5 * 1200 / 36000 = 0.017 by the second, less than 0.25.
    assert waits_s(decided(0.1)) == 0


def test_it_is_a_switch_and_off_by_default() -> None:
    assert waits_s(decided(60.0, hold_match=0.0)) == 0


def test_goods_that_have_waited_wait_only_for_what_is_left() -> None:
    assert waits_s(decided(60.0, ready_at=NOW - 200)) == 40
    assert waits_s(decided(60.0, ready_at=NOW - 300)) == 0


@pytest.mark.parametrize("spare_s", [0, 30, 100])
def test_no_promise_comes_to_be_at_risk(spare_s: int) -> None:
    # Picked up, ten minutes' way, handed over; then the buffer.
    due_s = HAND_OVER_S + TRIP_S + HAND_OVER_S + BUFFER_S + spare_s
    found = decided(60.0, due_s=due_s)
    assert waits_s(found) == spare_s
    assert found.routes[0].visits[-1].depart_at <= NOW + due_s - BUFFER_S


def test_a_full_bag_waits_for_nothing() -> None:
    street = Street(hold_match=0.5, buffer_s=BUFFER_S)
    street.store("a", 0)
    street.order("one", TRIP_S, ready_at=NOW, store_id="sto_a")
    street.courier("ann", 0, capacity_parcels=1)
    snapshot = replace(street.snapshot(), demand=(StoreDemand("sto_a", 60.0),))
    assert waits_s(plan(snapshot)) == 0
