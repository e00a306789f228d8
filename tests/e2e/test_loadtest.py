"""`samehour loadtest` against a real service; a short one is in `test_loadtest_page.py`."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import httpx
import pyarrow.parquet as pq
import pytest
from served import Served

PATIENCE_S = 90
ROOT = Path(__file__).resolve().parents[2]
FIVE = "2026-11-20T15:00:00Z"


@contextmanager
def service(folder: Path, speed: float, port: int = 0) -> Iterator[tuple[str, Served]]:
    """Serve Helsinki from five in the afternoon; yields its address and its process."""
    port_file = folder / "port"
    port_file.unlink(missing_ok=True)
    arguments = ["serve", "--city", "helsinki", "--ledger", str(folder / "ledger.db")]
    arguments += ["--port", str(port), "--port-file", str(port_file)]
    arguments += ["--clock-start", FIVE, "--speed", str(speed)]
    process = Served(arguments, ROOT, folder / "service.log")
    try:
        give_up_at = time.monotonic() + PATIENCE_S
        while not (port_file.exists() and port_file.read_text()):
            assert process.poll() is None, (folder / "service.log").read_text()
            assert time.monotonic() < give_up_at
            time.sleep(0.05)
        url = f"http://127.0.0.1:{port_file.read_text().strip()}"
        while not _is_ready(url):
            assert time.monotonic() < give_up_at
            time.sleep(0.05)
        yield url, process
    finally:
        process.terminate()
        process.wait(timeout=30)


def _is_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz").is_success
    except httpx.TransportError:
        return False


def loadtest(url: str, *arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "samehour", "loadtest", url, *map(str, arguments)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def summary(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "loadtest.json").read_text(encoding="utf-8"))
    return found


@pytest.mark.soak
def test_a_scenario_is_played_on_a_real_service(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with service(tmp_path, 90) as (url, _):
        process = loadtest(
            url,
            *("--for", "7s", "--drain", "12s", "--rate", 0.6, "--out", out, "--json"),
            *("--sla", "p99_ms=60000", "--sla", "deliveries.refused_share=1"),
            *("--sla", "POST /v1/orders:p50_ms=0"),
        )
        said, complaints = process.communicate(timeout=PATIENCE_S)
        events = httpx.get(f"{url}/v1/events", params={"limit": 1000}).json()["data"]
    assert "Traceback" not in complaints, complaints
    # One threshold cannot be kept by anybody.
    assert process.returncode == 1, said + complaints
    assert "SLA met: all p99_ms" in said
    assert "SLA MISSED: POST /v1/orders p50_ms" in said
    headline = json.loads(said.splitlines()[-1])
    found = summary(out)
    assert found["headline"] == headline
    assert headline["errors"] == 0, found["faults"]
    assert headline["ended"] == "done"
    assert headline["sla_met"] is False

    assert {
        "GET /healthz",
        "GET /v1/board",
        "GET /v1/track/{id}",
        "POST /v1/couriers/positions",
        "POST /v1/couriers/{id}/stops/{id}/arrived",
        "POST /v1/couriers/{id}/stops/{id}/completed",
        "POST /v1/orders",
        "POST /v1/orders/{id}/picking",
        "POST /v1/quotes",
    } <= set(found["api"])

    # What was measured is what the service took in, and orders came to their end.
    rows = pq.read_table(out / "requests.parquet").to_pylist()
    load = [row for row in rows if row["phase"] == "load"]
    assert len(load) == headline["requests"]
    assert not [row for row in rows if row["status"] >= 500]
    assert all(0 <= row["intended_s"] < 7.0 for row in load)
    assert all(row["intended_s"] <= row["ready_s"] <= row["done_s"] for row in load)
    taken = [r for r in rows if r["endpoint"] == "POST /v1/orders" and r["status"] == 201]
    assert any(row["phase"] == "load" for row in taken)
    orders = pq.read_table(out / "orders.parquet").to_pylist()
    received = [event for event in events if event["type"] == "OrderReceived"]
    kept = [order for order in orders if order["ending"] != "refused"]
    assert len(taken) == len(received) == len(kept)
    assert sum(order["ending"] == "delivered" for order in orders) > 0

    page = (out / "report.html").read_text(encoding="utf-8")
    assert not re.search(r'(src|href)="(?!#|data:)', page)
    for told in ("POST /v1/orders", "Deliveries", "missed", "By endpoint"):
        assert told in page


@pytest.mark.soak
def test_an_interrupted_test_goes_on_until_it_is_full(tmp_path: Path) -> None:
    out = tmp_path / "out"
    arguments = ("--for", "20s", "--drain", "0", "--out", out, "--sla", "p99_ms=60000")
    with service(tmp_path, 60) as (url, _):
        first = loadtest(url, *arguments)
        time.sleep(13)
        first.send_signal(signal.SIGINT)
        said, complaints = first.communicate(timeout=PATIENCE_S)
        assert "Interrupted; the same command goes on from there." in said, complaints
        before = summary(out)
        part_s = before["headline"]["load_s"]
        assert 2 < part_s < 16
        assert (out / "report.html").exists()

        second = loadtest(url, *arguments)
        said, complaints = second.communicate(timeout=PATIENCE_S)
        assert second.returncode == 0, said + complaints
        after = summary(out)
        assert after["headline"]["load_s"] == pytest.approx(20, abs=0.05)
        assert [each["ended"] for each in after["sessions"]] == ["interrupted", "done"]
        assert after["headline"]["requests"] > before["headline"]["requests"]
        sessions = pq.read_table(out / "requests.parquet")["session"].to_pylist()
        assert set(sessions) == {1, 2}
        # No customer of before clicked again.
        events = httpx.get(f"{url}/v1/events", params={"limit": 1000}).json()["data"]
        ids = [e["data"]["order"]["external_id"] for e in events if e["type"] == "OrderReceived"]
        assert len(ids) == len(set(ids))

        # Full: only the report is made again.
        third = loadtest(url, *arguments)
        said, complaints = third.communicate(timeout=PATIENCE_S)
        assert third.returncode == 0
        assert "is complete" in complaints
        assert summary(out)["headline"] == after["headline"]

        other = loadtest(url, *arguments, "--rate", 3)
        _, complaints = other.communicate(timeout=PATIENCE_S)
        assert other.returncode == 2
        assert "rate 1.0, not 3.0" in complaints


@pytest.mark.soak
def test_a_service_that_dies_is_counted_and_the_test_goes_on_when_it_is_back(
    tmp_path: Path,
) -> None:
    out = tmp_path / "out"
    with service(tmp_path, 30) as (url, process):
        test = loadtest(url, "--for", "30s", "--drain", "0", "--out", out)
        time.sleep(14)
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=30)
        with service(tmp_path, 30, int(url.rsplit(":", 1)[1])):
            said, complaints = test.communicate(timeout=PATIENCE_S)
    assert test.returncode == 1, said + complaints
    assert "Traceback" not in complaints
    found = summary(out)
    assert found["headline"]["ended"] == "done"
    lost = [fault for fault in found["faults"] if fault["code"] in {"refused", "reset", "closed"}]
    assert sum(fault["count"] for fault in lost) > 0
    rows = pq.read_table(out / "requests.parquet").to_pylist()
    gone_s = max(fault["last_s"] for fault in lost)
    back = [row for row in rows if row["intended_s"] > gone_s + 1 and row["status"] in {200, 201}]
    assert back
    # What was not answered was sent again, and waited from when it was first meant.
    again = [row for row in rows if row["attempt"] > 1 and row["status"] == 201]
    assert all(row["done_s"] - row["intended_s"] > 0.1 for row in again)


@pytest.mark.soak
def test_orders_of_others_are_left_alone(tmp_path: Path) -> None:
    with service(tmp_path, 30) as (url, _):
        first = loadtest(url, "--for", "5s", "--drain", "0", "--out", tmp_path / "a")
        first.communicate(timeout=PATIENCE_S)
        scenario = (ROOT / "data/scenarios/helsinki-friday.toml").read_text(encoding="utf-8")
        (tmp_path / "mine.toml").write_text(scenario, encoding="utf-8")
        groceries = (ROOT / "data/scenarios/groceries.csv").read_text(encoding="utf-8")
        (tmp_path / "groceries.csv").write_text(groceries, encoding="utf-8")
        mine = ("--scenario", tmp_path / "mine.toml", "--for", "3s", "--drain", "0")
        refused = loadtest(url, *mine, "--out", tmp_path / "b")
        said, complaints = refused.communicate(timeout=PATIENCE_S)
        assert refused.returncode == 2
        assert said == ""
        assert "open orders that are not of mine (helsinki-friday-1-" in complaints
        taken = loadtest(url, *mine, "--into-existing", "--out", tmp_path / "b")
        said, complaints = taken.communicate(timeout=PATIENCE_S)
        assert taken.returncode in {0, 1}, complaints
        assert "s of load" in said


@pytest.mark.soak
def test_a_connection_outlives_the_pauses_of_pages_and_devices(tmp_path: Path) -> None:
    with service(tmp_path, 1) as (url, _):
        address = url.removeprefix("http://").split(":")
        connection = HTTPConnection(address[0], int(address[1]), timeout=10)
        connection.request("GET", "/healthz")
        assert connection.getresponse().read()
        socket = connection.sock
        time.sleep(11)
        connection.request("GET", "/healthz")
        assert connection.getresponse().status == 200
        assert connection.sock is socket
        connection.close()
