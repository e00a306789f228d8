"""The benchmark of the live service runs end to end and counts what fails."""

from __future__ import annotations

import json

import pytest

from samehour import main
from simulations.benchmarks.api import _load


def test_percentiles_are_of_milliseconds_and_the_sender_s_own_delay_stands_beside() -> None:
    # 1 to 100 ms: half lie at or below 50, 99 in 100 at or below 99.
    late_s = [n / 1000 for n in range(1, 101)]
    load = _load("quotes", 100, late_s, 2, [0.004] * 100)
    assert load.count == 100
    assert load.failed == 2
    assert load.p50_ms == pytest.approx(50.5)
    assert load.p99_ms == pytest.approx(99.01)
    assert load.sender_p99_ms == pytest.approx(4.0)


def test_a_small_town_is_asked_everything_once(capsys: pytest.CaptureFixture[str]) -> None:
    small = ["--orders", "3", "--couriers", "3", "--seconds", "0.2"]
    rates = ["--quotes-per-s", "10", "--positions-per-s", "1000"]
    main(["bench", "api", *small, *rates, "--json"])
    *table, last = capsys.readouterr().out.splitlines()
    loads = json.loads(last)
    names = [load["name"] for load in loads]
    assert names[:5] == [
        "quotes, without replanning",
        "positions, without replanning",
        "quotes, replanning",
        "positions, replanning",
        "order to its event on a stream",
    ]
    assert {"orders, replanning", "bare handler"} == set(names[5:])
    assert len(table) == 1 + len(loads)
    for load in loads[:5]:
        assert load["failed"] == 0, load
        assert 0 < load["p50_ms"] <= load["p99_ms"]
