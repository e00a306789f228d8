from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

import pytest

from simulations.arguments import duration_s, speed
from simulations.figures import FIGURES, minutes, percent


def finished(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-P", "-m", "samehour", "simulate", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_simulation_prints_its_figures_and_at_last_as_json(tmp_path: Path) -> None:
    done = finished("helsinki-friday", "--for", "2m", "--json", "--out", str(tmp_path))
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout.splitlines()[-1])
    assert tuple(figures) == FIGURES
    assert figures["orders"] > 0
    assert figures["violations"] == 0
    assert "seed 1" in done.stdout
    assert f"Parquet: {tmp_path}" in done.stdout
    assert (tmp_path / "orders.parquet").is_file()
    assert (tmp_path / "report.html").is_file()


def test_a_scenario_that_is_not_there_is_wrong_input() -> None:
    done = finished("atlantis-sunday")
    assert done.returncode == 2
    assert "helsinki-friday" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("60m", 3600), ("1h30m", 5400), ("2h", 7200), ("1m5s", 65)]
)
def test_lengths_of_time_are_written_as_people_do(text: str, seconds: int) -> None:
    assert duration_s(text) == seconds


@pytest.mark.parametrize("text", ["", "0m", "60", "m", "-5m", "1.5h", "5m1h"])
def test_what_is_no_length_of_time_is_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="60m"):
        duration_s(text)


@pytest.mark.parametrize("text", ["0", "-1", "nan", "inf", "1001", "fast"])
def test_what_is_no_speed_is_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="ten times life"):
        speed(text)


def test_figures_without_a_value_are_a_dash() -> None:
    assert minutes(None) == "-"
    assert percent(None) == "-"
    assert minutes(1100) == "18 min"
    assert percent(0.914) == "91 %"
