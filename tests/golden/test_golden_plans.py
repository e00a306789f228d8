"""Golden cases: small situations, the plan we want, and why.

Each JSON file holds a situation on a long street (a place is a number: seconds by bike from its
west end), the plan wanted, with times in seconds from now, and a rationale.  A change of the
decision shows here as a difference a person can judge.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from street import NOW, Street, stops

from dispatch.check import check
from dispatch.model import Fulfilment, OrderStatus, Plan, Snapshot, Stop, StopKind
from dispatch.planning.plan import plan

CASES = sorted(Path(__file__).parent.glob("*.json"))


def situation(case: dict[str, Any]) -> Snapshot:
    """Build the snapshot of a case; names are without their prefixes."""
    street = Street(**case.get("policy", {}))
    for store in case["stores"]:
        street.store(**_store(store))
    for order in case["orders"]:
        street.order(**_order(order))
    at = {order.order_id: order.store_id or "" for order in street.orders}
    for courier in case["couriers"]:
        street.courier(**_courier(courier, at))
    return street.snapshot()


def _store(written: dict[str, Any]) -> dict[str, Any]:
    windows = written.pop("open", None)
    if windows is not None:
        written["open_windows"] = tuple((NOW + start, NOW + end) for start, end in windows)
    return written


def _order(written: dict[str, Any]) -> dict[str, Any]:
    order = _in_time(written, "ready_at", "pick_started_at", "created_at")
    for key, prefix in (("store_id", "sto_"), ("courier_id", "cou_")):
        if key in order:
            order[key] = prefix + order[key]
    if "fulfilment" in order:
        order["fulfilment"] = Fulfilment(order["fulfilment"])
    if "pick_started_at" in order and "ready_at" not in order:
        order |= {"status": OrderStatus.PICKING, "store_fixed": True}
    return order


def _courier(written: dict[str, Any], store_of: dict[str, str]) -> dict[str, Any]:
    courier = _in_time(written, "shift_end", "shift_start", "available_at")
    courier["on_board"] = tuple(f"ord_{name}" for name in courier.get("on_board", ()))
    told = [line.split() for line in courier.pop("committed", ())]
    courier["committed"] = tuple(
        Stop(StopKind(kind), f"ord_{name}", store_of[f"ord_{name}"]) for kind, name in told
    )
    return courier


def _in_time(written: dict[str, Any], *names: str) -> dict[str, Any]:
    return {key: value + NOW if key in names else value for key, value in written.items()}


def in_short(found: Plan) -> dict[str, Any]:
    """Return what matters of a plan, times in seconds from now."""
    return {
        "routes": {
            route.courier_id.removeprefix("cou_"): {
                "leave": route.leave_at - NOW,
                "stops": [
                    f"{stop} {visit.begin_at - NOW}-{visit.depart_at - NOW}"
                    for stop, visit in zip(stops(route), route.visits, strict=True)
                ],
            }
            for route in found.routes
        },
        "sourcing": {
            key.removeprefix("ord_"): store_id.removeprefix("sto_")
            for key, store_id in found.sourcing.items()
        },
        "unassigned": {
            entry.order_id.removeprefix("ord_"): entry.reason.value for entry in found.unassigned
        },
    }


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_the_plan_is_the_one_we_want(path: Path) -> None:
    case = json.loads(path.read_text(encoding="utf-8"))
    snapshot = situation(case["situation"])
    found = plan(snapshot)
    assert check(found, snapshot) == []
    assert in_short(found) == case["plan"], case["rationale"]


def test_there_are_golden_cases() -> None:
    assert len(CASES) >= 6
