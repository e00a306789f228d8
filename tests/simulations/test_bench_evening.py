"""The evening's benchmark on a tiny evening; how fast is for the benchmark itself to say."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys

import pytest

from simulations.benchmarks import evening_cli
from simulations.benchmarks.evening import measure
from simulations.benchmarks.evening_run import Shares
from simulations.benchmarks.evening_town import evening

PARSED = {
    "orders": 24,
    "couriers": 20,
    "per_hour": 240.0,
    "seed": 3,
    "repeat": 1,
    "growth": True,
    "pair": False,
    "json": True,
}


def test_a_tiny_evening_is_measured_and_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert measure(argparse.Namespace(**PARSED)) == 0
    out = capsys.readouterr().out
    figures = json.loads(out.splitlines()[-1])
    one = figures["evening"]
    assert one["orders"] == 24
    # Some change their mind, nearly all are served; nothing is left and no rule is broken.
    assert 20 <= one["delivered"] <= 24
    assert (one["violations"], one["open_at_end"]) == (0, 0)
    assert sum(part["orders"] for part in one["parts"]) == 24
    assert len(one["parts"]) == 10
    assert sum(one["shares"].values()) == pytest.approx(1.0, abs=0.01)
    assert {"plans", "snapshots", "check and publish", "world", "positions"} <= set(one["shares"])
    # 240 an hour: the last of 24 clicks about six minutes after the first
    assert 180 < one["clicking_s"] < 720
    assert one["simulated_s"] > one["clicking_s"]
    assert one["plans"] <= one["simulated_s"] / 15 + 1
    assert 0 < one["plan_p50_ms"] <= one["plan_p95_ms"]
    assert one["times_real"] == pytest.approx(one["simulated_s"] / one["wall_s"])
    assert one["peak_mb"] > 100
    assert [each["orders"] for each in figures["longer"]] == [2, 7]
    assert [each["couriers"] for each in figures["denser"]] == [2, 6]
    heap, queues = figures["peers"]
    assert heap["events"] == one["events"]
    # Three steps at the pickers, three at the couriers and one out of the door.
    assert queues["events"] == 24 * 7
    assert heap["per_event_us"] < 1e6 * one["wall_s"] / one["events"]
    for said in ("times real time (aim: 100)", "where the time goes", "longer, as dense", "SimPy"):
        assert said in out


def test_the_evening_ends_with_the_last_order_asked_for() -> None:
    setting = evening(50, 10, 1000.0, seed=1)
    assert len(setting.clicks) == 50
    assert list(setting.clicks) == sorted(setting.clicks)
    assert setting.clicks[-1] <= setting.ends_at
    assert len(setting.city.stores) == 40


def test_time_inside_somebody_called_counts_once() -> None:
    shares = Shares()
    inner = shares.timed("inner", lambda: sum(range(200_000)))
    outer = shares.timed("outer", lambda: inner() + inner())
    outer()
    assert 0 <= shares.took_s["outer"] < shares.took_s["inner"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--orders", "3"], "'3' will not do; write a whole number from 10 to 50000"),
        (["--couriers", "0"], "write a whole number from 1 to 2000"),
        (["--per-hour", "nan"], "'nan' will not do; write orders an hour, 1 to 10000"),
        (["--repeat", "x"], "'x' will not do"),
    ],
)
def test_what_makes_no_evening_is_refused(
    given: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    parser = argparse.ArgumentParser()
    evening_cli.add_evening(parser.add_subparsers())
    with pytest.raises(SystemExit) as stopped:
        parser.parse_args(["evening", *given])
    assert stopped.value.code == 2
    assert said in capsys.readouterr().err


def test_without_its_peer_it_says_what_to_install() -> None:
    script = (
        "import sys; sys.modules['simpy'] = None; import samehour; "
        "sys.exit(samehour.main(['bench', 'evening', '--orders', '10']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "needs simpy, which is not installed" in done.stderr
