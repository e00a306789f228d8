"""Programs name the zone they mean, where a service has several, and leave the others be."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from served import Served

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 120
SETTINGS = """\
[zones.north]
tenant = "kauppa"
city = "helsinki"

[zones.east]
tenant = "kauppa"
city = "helsinki"
"""


def done(*arguments: object, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-P", "-m", "samehour", *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    path = tmp_path / "samehour.toml"
    path.write_text(SETTINGS, encoding="utf-8")
    return path


@pytest.fixture
def url(settings: Path) -> Iterator[str]:
    """Serve two zones from five in the afternoon; yields the address."""
    folder = settings.parent
    port_file = folder / "port"
    arguments = ["serve", "--settings", str(settings), "--ledger", str(folder / "ledger.db")]
    arguments += ["--port", "0", "--port-file", str(port_file)]
    arguments += ["--clock-start", "2026-11-20T15:00:00Z", "--speed", "30"]
    process = Served(arguments, ROOT, folder / "service.log")
    try:
        give_up_at = time.monotonic() + PATIENCE_S
        while not (port_file.exists() and port_file.read_text() and ready(port_file)):
            assert process.poll() is None, (folder / "service.log").read_text()
            assert time.monotonic() < give_up_at
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port_file.read_text().strip()}"
    finally:
        process.terminate()
        process.wait(timeout=30)


def ready(port_file: Path) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port_file.read_text().strip()}/readyz").is_success
    except httpx.TransportError:
        return False


def orders(url: str, zone: str) -> list[dict[str, Any]]:
    headers = {"Samehour-Zone": zone}
    found: list[dict[str, Any]] = httpx.get(
        f"{url}/v1/orders", params={"status": "all"}, headers=headers
    ).json()["data"]
    return found


@pytest.mark.long
def test_load_comes_to_the_zone_that_is_named_and_to_no_other(url: str, tmp_path: Path) -> None:
    words = ("loadtest", url, "--for", "4s", "--drain", "0", "--rate", "4", "--json")
    unnamed = done(*words, "--out", tmp_path / "unnamed")
    assert unnamed.returncode == 2
    assert "name one with --zone: north, east" in unnamed.stderr
    named = done(*words, "--out", tmp_path / "named", "--zone", "east")
    assert named.stdout, named.stderr
    told = json.loads((tmp_path / "named" / "loadtest.json").read_text(encoding="utf-8"))
    headline = told["headline"]
    assert (headline["requests"] > 0, headline["errors"]) == (True, 0)
    assert orders(url, "east")
    assert orders(url, "north") == []


@pytest.mark.long
def test_a_demo_lives_in_the_zone_that_is_named(settings: Path, tmp_path: Path) -> None:
    words = ("demo", "--headless", "--for", "10m", "--speed", 120, "--data-dir", tmp_path / "demo")
    unnamed = done(*words, SAMEHOUR_SETTINGS=str(settings))
    assert unnamed.returncode == 2
    assert "several zones in helsinki; name one with --zone: north, east" in unnamed.stderr
    found = done(*words, "--zone", "east", SAMEHOUR_SETTINGS=str(settings))
    assert found.returncode == 0, found.stderr
    figures = json.loads(found.stdout.splitlines()[-1])
    assert figures["orders"] > 0
    assert figures["violations"] == 0
