from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from geo.city import load_city
from simulations.rng import Streams
from simulations.scenarios.scenario import load_scenario
from simulations.worlds.demand import Demand

FIGURES = {
    "orders",
    "delivered",
    "rejected",
    "cancelled",
    "on_time_share",
    "click_to_door_p50_s",
    "click_to_door_p90_s",
    "violations",
    "replans",
    "replan_p95_ms",
}
PATIENCE_S = 60


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-P", "-m", "samehour", "demo", *map(str, arguments)]


def finished(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments), capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )


@contextmanager
def running(folder: Path, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    demo = subprocess.Popen(
        command("--data-dir", folder, "--port", 0, *arguments),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield demo
    finally:
        if demo.poll() is None:
            demo.send_signal(signal.SIGTERM)
        demo.communicate(timeout=PATIENCE_S)


def figures_when(folder: Path, key: str, least: int) -> dict[str, Any]:
    """Return the service's figures once one of them is large enough."""
    give_up_at = time.monotonic() + PATIENCE_S
    while time.monotonic() < give_up_at:
        try:
            port = int((folder / "port").read_text(encoding="ascii"))
            found: dict[str, Any] = httpx.get(f"http://127.0.0.1:{port}/v1/kpis").json()
        except (OSError, ValueError, httpx.TransportError):
            found = {}
        if found.get(key, -1) >= least:
            return found
        time.sleep(0.1)
    raise AssertionError(f"{key} did not reach {least} within {PATIENCE_S} s")


@pytest.mark.long
def test_twenty_minutes_without_a_page_end_by_themselves_with_the_figures() -> None:
    done = finished("--headless", "--for", "20m", "--speed", 120)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    figures = json.loads(done.stdout.splitlines()[-1])
    assert set(figures) == FIGURES
    assert figures["violations"] == 0
    assert figures["delivered"] > 0
    # The same seed brings the same orders, over HTTP as in one process.
    scenario, city = load_scenario("helsinki-friday"), load_city("helsinki")
    five = scenario.start(city.time_zone)
    demand = Demand(scenario, city.doors, city.time_zone, Streams(scenario.seed))
    assert figures["orders"] == sum(1 for _ in demand.between(five, five + 1200))


@pytest.mark.soak
def test_an_interrupted_demo_stops_cleanly_and_goes_on_where_it_was(tmp_path: Path) -> None:
    with running(tmp_path, "--speed", 120) as demo:
        before = figures_when(tmp_path, "delivered", 1)
        asked_at = time.monotonic()
        demo.send_signal(signal.SIGINT)
        out, err = demo.communicate(timeout=PATIENCE_S)
        assert time.monotonic() - asked_at < 10
    assert demo.returncode == 0
    assert err == ""
    assert "/ops" in out
    assert "Stopped." in out
    done = finished("--headless", "--data-dir", tmp_path, "--for", "8m", "--speed", 120)
    assert done.returncode == 0, done.stderr
    assert "going on where the last demo stopped" in done.stdout
    after = json.loads(done.stdout.splitlines()[-1])
    assert after["orders"] > before["orders"]
    # Somebody was under way when it stopped, and arrived after it went on.
    assert after["delivered"] > before["delivered"]
    assert after["violations"] == 0

    other = finished("--headless", "--data-dir", tmp_path, "--seed", 99)
    assert other.returncode == 2
    assert "helsinki-friday with seed 1, not of helsinki-friday with seed 99" in other.stderr
    assert "--fresh" in other.stderr


@pytest.mark.soak
def test_a_service_that_dies_is_told_with_its_last_words(tmp_path: Path) -> None:
    with running(tmp_path, "--speed", 60) as demo:
        figures_when(tmp_path, "orders", 1)
        log = (tmp_path / "service.log").read_text(encoding="utf-8")
        found = re.search(r"pid=(\d+)", log)
        assert found is not None
        os.kill(int(found.group(1)), signal.SIGKILL)
        _, err = demo.communicate(timeout=PATIENCE_S)
    assert demo.returncode == 1
    assert "the service ended on its own (exit code -9)" in err
    assert "Traceback" not in err


def test_a_service_that_cannot_start_says_why(tmp_path: Path) -> None:
    (tmp_path / "ledger.db").write_bytes(b"this is no ledger at all" * 100)
    about = {"scenario": "helsinki-friday", "seed": 1}
    (tmp_path / "demo.json").write_text(json.dumps(about), encoding="utf-8")
    done = finished("--headless", "--data-dir", tmp_path)
    assert done.returncode == 1
    assert "the service did not start (exit code 2)" in done.stderr
    assert "ledger.db" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--scenario", "atlantis-sunday"), "helsinki-friday"),
        (("--for", "soon"), "60m, 90s or 1h30m"),
        (("--speed", "-3"), "ten times life"),
        (("--seed", "x"), "whole number"),
        (("--port", "99999"), "65535"),
    ],
)
def test_wrong_use_is_told_in_a_sentence(arguments: tuple[str, ...], told: str) -> None:
    done = finished("--headless", *arguments)
    assert done.returncode == 2
    assert told in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.soak
def test_a_killed_demo_takes_its_service_with_it(tmp_path: Path) -> None:
    with running(tmp_path, "--speed", 120) as demo:
        figures_when(tmp_path, "orders", 1)
        demo.kill()
        demo.wait(PATIENCE_S)
        give_up_at = time.monotonic() + PATIENCE_S
        # The service removes its port file when it has stopped in order.
        while (tmp_path / "port").exists() and time.monotonic() < give_up_at:
            time.sleep(0.05)
        assert not (tmp_path / "port").exists()
    with running(tmp_path, "--speed", 120):
        figures_when(tmp_path, "orders", 2)


@pytest.mark.soak
def test_a_scenario_may_name_a_city_by_its_folder(tmp_path: Path) -> None:
    box = Path(__file__).parents[2] / "data"
    text = (box / "scenarios" / "helsinki-friday.toml").read_text(encoding="utf-8")
    text = text.replace('city = "helsinki"', f'city = "{(box / "helsinki").as_posix()}"')
    (tmp_path / "friday.toml").write_text(text, encoding="utf-8")
    shutil.copy(box / "scenarios" / "groceries.csv", tmp_path)
    done = finished(
        "--headless", "--for", "5m", "--speed", 120, "--scenario", tmp_path / "friday.toml"
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["orders"] > 0
