"""Work done without network, sent afterwards, against a real service."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from conftest import Town


def stop(order_id: str, letter: str) -> str:
    return f"stp_{order_id.removeprefix('ord_')}_{letter}"


def now(town: Town, later_s: int = 0) -> str:
    at = datetime.fromisoformat(town.get("/v1/zones")["data"][0]["now"])
    return (at + timedelta(seconds=later_s)).strftime("%Y-%m-%dT%H:%M:%SZ")


def told(town: Town, **wants: Any) -> tuple[str, str]:
    """Return an order that is picked, and the courier who was told to fetch it."""
    order_id = town.post("/v1/orders", town.basket(**wants), 201)["id"]
    town.pick(order_id)
    return order_id, town.told(order_id, "enroute_to_pickup")["delivery"]["courier_id"]


def report(order_id: str, letter: str, outcome: str, at: str, **more: Any) -> dict[str, Any]:
    return {"stop_id": stop(order_id, letter), "outcome": outcome, "occurred_at": at, **more}


def send(town: Town, courier_id: str, *reports: dict[str, Any], expect: int = 200) -> Any:
    return town.post(f"/v1/couriers/{courier_id}/reports", {"reports": list(reports)}, expect)


def names(town: Town, order_id: str) -> list[str]:
    return [step["event"] for step in town.order(order_id)["timeline"]]


def last_seq(town: Town) -> int:
    seq = 0
    while page := town.get("/v1/events", after=seq, limit=1000)["data"]:
        seq = page[-1]["seq"]
    return seq


def test_a_trip_without_network_is_taken_in_once(town: Town) -> None:
    order_id, who = told(town)
    began = last_seq(town)
    trip = [
        report(order_id, "d", "completed", now(town)),
        report(order_id, "p", "completed", now(town)),
        {"stop_id": "stp_nowhere_p", "outcome": "arrived", "occurred_at": now(town)},
    ]
    answer = send(town, who, *trip)
    assert [(row["result"], row["rule"]) for row in answer["reports"]] == [
        ("taken", "implied_commitment"),
        ("taken", "in_order"),
        ("unknown", None),
    ]
    assert answer["reports"][2]["code"] == "unknown_id"
    assert answer["reports"][1]["events"] == ["StopArrived", "ParcelPickedUp"]
    done = town.order(order_id)
    assert done["delivery"]["status"] == "delivered"
    events = town.get("/v1/events", after=began, limit=1000)["data"]
    mine = [row["type"] for row in events if order_id in str(row["data"])]
    # What was told before may be read just now: the log is written a moment after it is spoken.
    assert [name for name in mine[mine.index("StopArrived") :] if name != "PlanPublished"] == [
        "StopArrived",
        "ParcelPickedUp",
        "StopCommitted",
        "StopArrived",
        "OrderDelivered",
        "ConflictNoted",
        "WorkTakenIn",
    ]
    again = send(town, who, *trip)
    assert [row["result"] for row in again["reports"]] == ["already", "already", "unknown"]
    assert [name for name in again["events"] if name != "StopCommitted"] == []


def test_a_cancelled_order_that_was_brought_is_delivered(town: Town) -> None:
    order_id, who = told(town)
    town.post(f"/v1/orders/{order_id}/cancel", {"reason": "changed my mind"})
    answer = send(
        town,
        who,
        report(order_id, "p", "completed", now(town)),
        report(order_id, "d", "completed", now(town)),
    )
    assert [row["rule"] for row in answer["reports"]] == [
        "cancelled_meanwhile",
        "implied_commitment",
    ]
    assert names(town, order_id)[-5:] == [
        "ConflictNoted",
        "StopCommitted",
        "StopArrived",
        "OrderDelivered",
        "ConflictNoted",
    ]
    assert "OrderRevived" in names(town, order_id)
    assert town.order(order_id)["delivery"]["status"] == "delivered"


def test_a_wrong_pin_does_not_undo_a_delivery(town: Town) -> None:
    order_id, who = told(town, pin_required=True)
    pin = town.get(f"/v1/orders/{order_id}/tracking")["pin"]
    wrong = {"kind": "pin", "value": f"{(int(pin) + 1) % 10_000:04d}"}
    answer = send(
        town,
        who,
        report(order_id, "p", "completed", now(town)),
        report(order_id, "d", "completed", now(town), proofs=[wrong]),
    )
    assert answer["reports"][1]["result"] == "taken"
    assert town.order(order_id)["delivery"]["status"] == "delivered"
    events = town.get("/v1/events", after=max(0, last_seq(town) - 60), limit=1000)["data"]
    rules = [row["data"]["rule"] for row in events if row["type"] == "ConflictNoted"]
    assert "unproven" in rules
    assert pin not in str(events[-40:])


def test_a_right_pin_is_proof(town: Town) -> None:
    order_id, who = told(town, pin_required=True)
    pin = town.get(f"/v1/orders/{order_id}/tracking")["pin"]
    send(
        town,
        who,
        report(order_id, "p", "completed", now(town)),
        report(order_id, "d", "arrived", now(town)),
        report(order_id, "d", "completed", now(town), proofs=[{"kind": "pin", "value": pin}]),
    )
    assert [row["kind"] for row in town.get(f"/v1/orders/{order_id}/proofs")["data"]] == ["pin"]


def test_a_batch_with_a_time_to_come_is_refused_whole(town: Town) -> None:
    order_id, who = told(town)
    before = names(town, order_id)
    refused = send(
        town,
        who,
        report(order_id, "p", "completed", now(town)),
        report(order_id, "d", "completed", now(town, 86_400)),
        expect=422,
    )
    assert (refused["code"], refused["pointer"]) == ("time_in_future", "/reports/1/occurred_at")
    assert names(town, order_id) == before
    send(
        town,
        who,
        report(order_id, "p", "completed", now(town)),
        report(order_id, "d", "failed", now(town)),
        report(order_id, "r", "completed", now(town)),
    )
    done = town.order(order_id)
    assert (done["delivery"]["status"], done["reason"]) == ("returned", "no reason given")


@pytest.mark.parametrize(
    ("reports", "pointer"),
    [
        ([], "/reports"),
        ([{"stop_id": "stp_x_p", "outcome": "eaten", "occurred_at": "T"}], "/reports/0/outcome"),
        ([{"stop_id": "stp_x_p", "outcome": "arrived"}], "/reports/0/occurred_at"),
        ([{"outcome": "arrived", "occurred_at": "T"}], "/reports/0/stop_id"),
        (
            [{"stop_id": "stp_x_p", "outcome": "arrived", "occurred_at": "T", "x": 1}],
            "/reports/0/x",
        ),
        (
            [
                {
                    "stop_id": "stp_x_d",
                    "outcome": "completed",
                    "occurred_at": "T",
                    "proofs": [{"kind": "photo", "blob_id": "blb_nothing"}],
                }
            ],
            "/reports/0/proofs/0/blob_id",
        ),
        (
            [
                {
                    "stop_id": "stp_x_d",
                    "outcome": "completed",
                    "occurred_at": "T",
                    "proofs": [{"kind": "note"}],
                }
            ],
            "/reports/0/proofs/0/detail",
        ),
        ([{"stop_id": "stp_x_p", "outcome": "arrived", "occurred_at": "T"}] * 501, "/reports"),
    ],
)
def test_what_is_no_batch_is_refused_with_a_pointer(
    town: Town, reports: list[dict[str, Any]], pointer: str
) -> None:
    at = now(town)
    sent = [{k: at if v == "T" else v for k, v in row.items()} for row in reports]
    who = town.get("/v1/couriers")["data"][0]["id"]
    seq = last_seq(town)
    refused = send(town, who, *sent, expect=422)
    assert refused["pointer"] == pointer
    events = town.get("/v1/events", after=seq, limit=1000)["data"]
    assert "WorkTakenIn" not in [row["type"] for row in events]


def test_an_unknown_courier_is_said_so(town: Town) -> None:
    at = now(town)
    row = {"stop_id": "stp_x_p", "outcome": "arrived", "occurred_at": at}
    assert send(town, "cou_nobody", row, expect=404)["code"] == "unknown_id"
