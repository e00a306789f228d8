"""Overflow: orders given to a courier company that runs beside the service, over real HTTP."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from conftest import Town, over, until

from api.overflow import CompanySpec, CourierCompanyError, Job, read_company
from api.overflow_http import CompanyLimits, HttpCourierCompany
from api.settings import SettingsError, load
from geo.types import LonLat

ROOT = Path(__file__).resolve().parents[2]
JOB = Job(
    job_id="ord_x-1",
    order_id="ord_x",
    parcel_id="pcl_x",
    asked_at=1_763_650_800,
    pickup=LonLat(24.94, 60.17),
    pickup_name="K-Market",
    pickup_address="",
    ready_at=None,
    dropoff=LonLat(24.93, 60.16),
    dropoff_address="Testikatu 1",
    note="",
    phone="",
    earliest=1_763_650_800,
    latest=1_763_652_600,
    weight_g=1000,
    chilled=False,
    age_limit=0,
    pin_required=False,
)
BOOK = {"owner": "ops:maria", "reason": "no courier in time"}


class Odd(BaseHTTPRequestHandler):
    """A company that answers as it is told to."""

    mode = "good"
    asked: list[tuple[str, str]]

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.asked.append((self.path, str(body["job_id"])))
        mode = type(self).mode
        if self.path == "/quotes":
            bid = {
                "cost_cents": 900,
                "pickup_at": body["asked_at"],
                "dropoff_at": body["promise"]["latest"],
            }
            if mode == "nonsense":
                bid["cost_cents"] = "a lot"
            self.answer(500 if mode == "broken" else 200, bid)
            return
        if mode == "slow":
            time.sleep(0.5)
        answers: dict[str, tuple[int, Any]] = {
            "refuses": (409, {"detail": "full"}),
            "odd": (200, {"ref": 7}),
            "lost": (503, {}),
        }
        self.answer(*answers.get(mode, (201, {"reference": f"O-{len(self.asked)}"})))

    def do_DELETE(self) -> None:
        self.asked.append(("DELETE", self.path))
        self.answer(409 if type(self).mode == "too late" else 200, {"detail": "gone already"})

    def answer(self, status: int, body: Any) -> None:
        sent = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(sent)))
        self.end_headers()
        self.wfile.write(sent)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="module")
def odd() -> Iterator[str]:
    Odd.asked = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Odd)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def swift(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run the worked example."""
    port_file = tmp_path_factory.mktemp("swift") / "port"
    told = ["--port", "0", "--port-file", str(port_file), "--step-s", "0.15"]
    process = subprocess.Popen([sys.executable, "examples/courier_company.py", *told], cwd=ROOT)
    until(lambda: port_file.exists() and port_file.read_text(), "the company listens")
    yield f"http://127.0.0.1:{port_file.read_text().strip()}"
    process.terminate()
    process.wait(timeout=20)


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory, swift: str, odd: str) -> Iterator[Town]:
    made = Town(tmp_path_factory.mktemp("overflow")).start(
        *("--port", "0", "--courier-company", f"swift={swift}"),
        *("--courier-company", f"odd={odd}"),
    )
    made.stock()
    yield made
    over(made)


@pytest.fixture(autouse=True)
def behave() -> None:
    Odd.mode = "good"


def book(town: Town, order_id: str, carrier: str, expect: int = 201, **more: Any) -> Any:
    return town.post(
        f"/v1/orders/{order_id}/carriage", {**BOOK, "carrier": carrier, **more}, expect
    )


def update(town: Town, carrier: str, reference: str, status: str, expect: int = 200) -> Any:
    body = {"reference": reference, "status": status}
    return town.post(f"/v1/carriage/{carrier}/updates", body, expect)


def placed(town: Town) -> str:
    """Order with a courier on shift, or it would be refused, and then without one."""
    home = town.get("/v1/stores")["data"][0]["location"]
    courier_id = town.courier(home)
    order_id: str = town.post("/v1/orders", town.basket(), 201)["id"]
    town.post(f"/v1/couriers/{courier_id}/shift/end", {})
    if town.order(order_id)["delivery"]["status"] != "confirmed":
        stop_id = f"stp_{order_id.removeprefix('ord_')}_p"
        town.post(
            f"/v1/couriers/{courier_id}/stops/{stop_id}/declined", {"reason": "the shift is over"}
        )
    assert town.order(order_id)["delivery"]["status"] == "confirmed"
    return order_id


def names(town: Town, order_id: str) -> list[str]:
    return [step["event"] for step in town.order(order_id)["timeline"]]


def test_a_company_bids_takes_and_brings_an_order(town: Town) -> None:
    order_id = placed(town)

    def candidate() -> Any:
        found = town.get("/v1/overflow/candidates")["data"]
        return next((row for row in found if row["order_id"] == order_id), None)

    row = until(candidate, "the order can be given away")
    assert row["why"] in {"unassigned", "at_risk"}
    assert {bid["carrier"] for bid in row["bids"]} == {"swift", "odd"}
    cheapest = row["bids"][0]
    assert cheapest["in_time"]

    given = book(town, order_id, "swift")
    assert given["reference"].startswith("SW-")
    assert given["cost_cents"] == next(
        bid["cost_cents"] for bid in row["bids"] if bid["carrier"] == "swift"
    )
    assert book(town, order_id, "swift", 200)["reference"] == given["reference"]
    assert book(town, order_id, "odd", 409)["code"] == "wrong_state"
    town.told(order_id, "delivered")
    steps = names(town, order_id)
    assert steps[0] == "OrderReceived"
    assert steps.count("CarriageBooked") == 1
    assert steps.count("CarriageReported") == 7
    assert steps[-1] == "CarriageReported"
    known = town.get(f"/v1/orders/{order_id}/carriage")
    assert (known["status"], known["ended"]) == ("delivered", False)
    log = town.get("/v1/events", limit=1000)["data"]
    actions = [row["data"]["action"] for row in log if row["type"] == "ActionTaken"]
    assert ("BookCarriage", order_id, "ops:maria", "no courier in time") in [
        (each["kind"], each["subject"], each["owner"], each["reason"]) for each in actions
    ]
    assert update(town, "swift", given["reference"], "picked_up")["events"] == []


def test_an_order_taken_back_is_ours_again_and_the_company_is_called_off(
    town: Town, swift: str
) -> None:
    order_id = placed(town)
    given = book(town, order_id, "odd")
    path = f"/v1/orders/{order_id}/carriage"
    town._body(town.http.delete(path), 422)
    back = town._body(
        town.http.delete(path, params={"owner": "ops:maria", "reason": "a courier came"}), 200
    )
    assert back["ended"]
    assert ("DELETE", f"/jobs/{given['reference']}") in Odd.asked
    assert town.order(order_id)["delivery"]["status"] == "confirmed"
    again = town.http.delete(path, params={"owner": "ops:maria", "reason": "again"})
    assert again.json()["code"] == "wrong_state"
    # Booked once more, and called off by the customer's cancelling it.
    given = book(town, order_id, "odd")
    town.post(f"/v1/orders/{order_id}/cancel", {"reason": "changed my mind"})
    until(lambda: ("DELETE", f"/jobs/{given['reference']}") in Odd.asked, "the company hears of it")


def test_a_company_that_gives_up_leaves_the_order_to_us(town: Town) -> None:
    order_id = placed(town)
    given = book(town, order_id, "odd")
    update(town, "odd", given["reference"], "enroute_to_pickup")
    assert update(town, "odd", given["reference"], "assigned")["events"] == []
    ended = update(town, "odd", given["reference"], "cancelled")
    assert ended["events"][:1] == ["CarriageEnded"]
    assert ended["delivery"]["status"] == "confirmed"
    courier_id = town.courier(town.get("/v1/stores")["data"][0]["location"])
    town.pick(order_id)
    assert town.told(order_id, "enroute_to_pickup")["delivery"]["courier_id"] == courier_id
    refused = book(town, order_id, "swift", 409)
    assert (refused["code"], refused["allowed"]) == ("wrong_state", ["confirmed"])
    town.report(courier_id, "completed")
    assert book(town, order_id, "swift", 409)["code"] == "wrong_state"
    town.told(order_id, "enroute_to_dropoff")
    town.report(courier_id, "completed")
    assert book(town, order_id, "swift", 409)["code"] == "wrong_state"
    town.post(f"/v1/couriers/{courier_id}/shift/end", {})


def test_it_is_too_late_to_take_back_what_they_have(town: Town) -> None:
    order_id = placed(town)
    given = book(town, order_id, "odd")
    path, asked = f"/v1/orders/{order_id}/carriage", {"owner": "ops:maria", "reason": "changed"}
    Odd.mode = "too late"
    said = town._body(town.http.delete(path, params=asked), 409)
    assert said["code"] == "courier_company_refused"
    assert town.order(order_id)["delivery"]["status"] == "assigned"
    update(town, "odd", given["reference"], "picked_up")
    assert town._body(town.http.delete(path, params=asked), 409)["code"] == "wrong_state"
    update(town, "odd", given["reference"], "delivered")
    assert town.order(order_id)["delivery"]["status"] == "delivered"


@pytest.mark.parametrize(
    ("mode", "status", "code"),
    [
        ("refuses", 409, "courier_company_refused"),
        ("odd", 502, "courier_company_failed"),
        ("nonsense", 502, "courier_company_failed"),
    ],
)
def test_a_company_that_answers_badly_leaves_the_order_untouched(
    town: Town, mode: str, status: int, code: str
) -> None:
    order_id = placed(town)
    before = names(town, order_id)
    Odd.mode = mode
    assert book(town, order_id, "odd", status)["code"] == code
    assert names(town, order_id)[: len(before)] == before
    assert "CarriageBooked" not in names(town, order_id)
    assert town.get(f"/v1/orders/{order_id}/carriage", 404)["code"] == "unknown_id"
    if mode == "odd":
        # It may have taken the job: it is called off by our own id of it.
        assert Odd.asked[-1] == ("DELETE", f"/jobs/{Odd.asked[-2][1]}")
    Odd.mode = "good"
    book(town, order_id, "odd")
    town.post(f"/v1/orders/{order_id}/cancel", {"reason": "test over"})


@pytest.mark.parametrize(
    ("body", "status", "pointer"),
    [
        ({**BOOK, "carrier": "nobody"}, 422, "/carrier"),
        ({"carrier": "swift", "reason": "x"}, 422, "/owner"),
        ({"carrier": "swift", "owner": "ops:maria"}, 422, "/reason"),
        ({**BOOK, "carrier": "swift", "price": 1}, 422, "/price"),
    ],
)
def test_a_booking_that_is_none_is_refused(
    town: Town, body: dict[str, Any], status: int, pointer: str
) -> None:
    order_id = placed(town)
    assert town.post(f"/v1/orders/{order_id}/carriage", body, status)["pointer"] == pointer
    town.post(f"/v1/orders/{order_id}/cancel", {"reason": "test over"})


def test_news_that_is_none_is_refused(town: Town) -> None:
    path = "/v1/carriage/swift/updates"
    for body, pointer in (
        ({"status": "delivered"}, "/reference"),
        ({"reference": "SW-1", "status": "eaten"}, "/status"),
        ({"reference": "SW-1", "status": "delivered", "eta": "soon"}, "/eta"),
        (
            {"reference": "SW-1", "status": "delivered", "occurred_at": "2027-01-01T00:00:00Z"},
            "/occurred_at",
        ),
    ):
        assert town.post(path, body, 422)["pointer"] == pointer
    assert update(town, "swift", "SW-99999", "delivered", 404)["code"] == "unknown_id"
    assert update(town, "nobody", "SW-00001", "delivered", 404)["code"] == "unknown_id"
    assert book(town, "ord_nothing", "swift", 404)["code"] == "unknown_id"
    town.get("/v1/overflow/candidates", 422, limit=0)


def test_a_company_that_keeps_failing_is_left_alone(town: Town) -> None:
    order_id = placed(town)
    Odd.mode = "broken"
    for _ in range(4):
        assert book(town, order_id, "odd", 502)["code"] == "courier_company_failed"
    asked = len(Odd.asked)
    said = book(town, order_id, "odd", 502)["detail"]
    assert "left alone" in said
    assert len(Odd.asked) == asked
    until(lambda: town.get("/v1/overflow/candidates")["data"], "there is a candidate")
    found = town.get("/v1/overflow/candidates")
    assert [row["carrier"] for row in found["failed"]] == ["odd"]
    assert [bid["carrier"] for bid in found["data"][0]["bids"]] == ["swift"]
    town.post(f"/v1/orders/{order_id}/cancel", {"reason": "test over"})


@pytest.mark.parametrize(
    ("mode", "said"), [("slow", "did not answer in time"), ("lost", "answered 503")]
)
def test_a_booking_is_tried_again_under_the_same_id(odd: str, mode: str, said: str) -> None:
    limits = CompanyLimits(read_s=0.1, pause_s=0.01)
    company = HttpCourierCompany(CompanySpec("odd", odd), limits)
    Odd.mode, before = mode, len(Odd.asked)
    with pytest.raises(CourierCompanyError, match=said):
        company.book(JOB)
    # On a busy machine they read it when we have stopped waiting.
    until(lambda: len(Odd.asked) - before >= limits.attempts, "they were asked")
    assert Odd.asked[before:] == [("/jobs", JOB.job_id)] * limits.attempts
    company.close()


def test_the_example_calls_off_by_its_reference_and_by_our_id(swift: str) -> None:
    asked: dict[str, Any] = {
        "job_id": "ord_x-1",
        "asked_at": "2026-11-20T14:00:00Z",
        "pickup": {"location": {"lat": 60.17, "lng": 24.94}, "ready_at": None},
        "dropoff": {"location": {"lat": 60.16, "lng": 24.93}},
        "weight_g": 1000,
        "chilled": False,
        "updates_url": "http://127.0.0.1:9/nowhere",
    }
    first = httpx.post(f"{swift}/jobs", json=asked)
    assert httpx.post(f"{swift}/jobs", json=asked).json() == first.json()
    assert httpx.delete(f"{swift}/jobs/ord_x-1").status_code == 204
    shown = httpx.get(f"{swift}/jobs/{first.json()['reference']}").json()
    assert shown["status"] == "cancelled"
    assert httpx.delete(f"{swift}/jobs/nothing").status_code == 404
    assert httpx.post(f"{swift}/quotes", json={**asked, "chilled": True}).status_code == 204


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("swift", "is not NAME=URL"),
        ("Swift!=http://x", "use small letters"),
        ("swift=ftp://x", "has no usable URL"),
        ("swift=http://", "has no usable URL"),
        ("swift=http://x:99999", "has no usable URL"),
        ("swift=http://x/?a=1", "has a query"),
        ("swift=http://me:secret@x", "without one"),
    ],
)
def test_a_company_that_is_none_is_refused_at_boot(text: str, problem: str) -> None:
    with pytest.raises(SettingsError) as refused:
        load({"courier_companies": [text]}, {})
    assert problem in str(refused.value)
    assert "secret" not in str(refused.value)
    assert "--courier-company" in str(refused.value)


def test_companies_are_named_by_flag_or_environment() -> None:
    spec = CompanySpec("swift", "http://127.0.0.1:9090")
    assert read_company("swift=http://127.0.0.1:9090") == spec
    environ = {"SAMEHOUR_COURIER_COMPANIES": "swift=http://127.0.0.1:9090,slow=http://x/v1"}
    assert [one.name for one in load({}, environ).courier_companies] == ["swift", "slow"]
    with pytest.raises(SettingsError, match="is given 2 times"):
        load({"courier_companies": ["a=http://x", "a=http://y"]}, {})
