"""What is worked out from the requests of a load test."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from simulations.errors import LoadError
from simulations.load.figures import figures_of
from simulations.load.mix import Mix, mix_of
from simulations.load.rows import (
    ANSWERED,
    DRAIN,
    ERROR,
    LOAD,
    REFUSED,
    SETUP,
    Row,
    Rows,
    outcome_of,
    row_of,
    table_of,
    unanswered,
)
from simulations.load.sla import judge, sla_of
from simulations.load.wire import Answer

ORDERS = "POST /v1/orders"
BOARD = "GET /v1/board"


def answer(sent: float, done: float, status: int = 200, code: str = "") -> Answer:
    return Answer(1, sent, done, status, 10, code, "", "trc_1" if code else "")


def row(came: Answer, meant_s: float, endpoint: str = ORDERS, **how: Any) -> Row:
    """Return the row of a request meant at a time, and sent when it was if nothing else is said."""
    plain = {"session": 1, "phase": LOAD, "attempt": 1, "ready_s": meant_s, "origin": 0.0}
    return row_of(came, endpoint=endpoint, intended_s=meant_s, **{**plain, **how})


def asked(
    at: float, takes_s: float, endpoint: str = ORDERS, status: int = 200, code: str = ""
) -> Row:
    return row(answer(at, at + takes_s, status, code), at, endpoint)


def test_percentiles_are_those_of_the_raw_requests() -> None:
    # 1, 2, ..., 1000 ms: the smallest value that 99 in 100 do not exceed is the 990th.
    figures = figures_of(table_of(asked(n / 100, n / 1000) for n in range(1, 1001)), 10.0)
    found = {key: value and round(value, 6) for key, value in figures.total.latency.ms.items()}
    assert found == {
        "p50_ms": 500,
        "p90_ms": 900,
        "p95_ms": 950,
        "p99_ms": 990,
        "p99_9_ms": 999,
        "max_ms": 1000,
    }
    assert figures.curve[-1][1] == pytest.approx(1000)
    assert all(a <= b for a, b in zip(figures.curve, figures.curve[1:], strict=False))
    assert sum(moment.count for moment in figures.moments) == 1000


def test_latency_counts_from_when_a_request_was_meant_and_lag_from_when_it_could_go() -> None:
    # Meant at 1 s, behind another one about the same order until 3 s, sent 20 ms later by us.
    behind = row(answer(103.02, 103.5), 1.0, ready_s=3.0, origin=100.0)
    figures = figures_of(table_of([behind]), 5.0)
    assert figures.total.latency.ms["max_ms"] == pytest.approx(2500)
    assert figures.total.service.ms["max_ms"] == pytest.approx(480)
    assert figures.own.lag.ms["max_ms"] == pytest.approx(20)
    # 20 ms of 2.5 s are no matter; of 100 ms they would be.
    assert figures.own.is_trusted
    late = row(answer(0.05, 0.1), 0.0)
    own = figures_of(table_of([late]), 5.0).own
    assert not own.is_trusted
    assert "could not keep up" in own.says


def test_a_no_of_the_business_is_an_answer_and_not_an_error() -> None:
    outcomes = {
        (200, ""): ANSWERED,
        (201, ""): ANSWERED,
        (422, "no_courier_before_deadline"): REFUSED,
        (422, "no_stock"): REFUSED,
        (409, "wrong_state"): REFUSED,
        (422, "invalid_request"): ERROR,
        (404, "unknown_id"): ERROR,
        (401, "unauthorized"): ERROR,
        (500, "internal_error"): ERROR,
        (503, "not_ready"): ERROR,
        (0, "refused"): ERROR,
    }
    for (status, code), outcome in outcomes.items():
        assert outcome_of(answer(0, 1, status, code)) == outcome, (status, code)


def test_errors_and_refusals_come_with_times_examples_and_trace_ids() -> None:
    rows = [asked(n, 0.01, status=500, code="internal_error") for n in range(2, 7)]
    rows += [asked(3, 0.01, status=422, code="no_stock"), asked(4, 0.02)]
    figures = figures_of(table_of(rows), 10.0)
    broke, refused = figures.faults
    assert (broke.endpoint, broke.status, broke.code, broke.count) == (
        ORDERS,
        500,
        "internal_error",
        5,
    )
    assert (broke.first_s, broke.last_s, len(broke.examples)) == (2, 6, 3)
    assert broke.examples[0] == (2, "", "trc_1")
    assert (refused.code, refused.outcome) == ("no_stock", REFUSED)
    assert (figures.total.errors, figures.total.refused) == (5, 1)
    assert figures.total.error_share == pytest.approx(5 / 7)


def test_only_the_load_is_measured_and_what_was_cut_off_counts_as_long_as_it_waited() -> None:
    cut = row(unanswered(9.0), 2.0)
    assert math.isnan(cut.sent_s)
    others = [row(answer(0, 50), 0.0, phase=phase) for phase in (SETUP, DRAIN)]
    figures = figures_of(table_of([cut, *others]), 5.0)
    assert figures.total.count == figures.total.errors == 1
    assert figures.total.latency.ms["max_ms"] == pytest.approx(7000)
    assert figures.own.unanswered == 1


def test_a_test_without_a_request_has_no_percentiles() -> None:
    figures = figures_of(table_of([]), 5.0)
    assert figures.total.count == 0
    assert figures.total.latency.ms["p99_ms"] is None
    assert figures.curve == ()
    assert not any(each.is_met for each in judge(sla_of([]), figures, {}))


def test_rows_survive_a_sudden_end_and_become_one_file(tmp_path: Path) -> None:
    first, second = Rows(tmp_path, 1), Rows(tmp_path, 2)
    first.add(asked(1, 0.5))
    first.flush()
    first.add(asked(2, 0.5))  # never written: the machine went down
    second.add(asked(3, 0.25, BOARD))
    second.flush()
    merged = second.merge()
    assert merged["intended_s"].to_pylist() == [1, 3]
    assert merged["endpoint"].cast("string").to_pylist() == [ORDERS, BOARD]
    assert [path.name for path in tmp_path.iterdir()] == ["requests.parquet"]
    assert Rows(tmp_path, 3).merge().num_rows == 2


def test_a_part_that_a_sudden_end_left_behind_is_not_counted_again(tmp_path: Path) -> None:
    rows = Rows(tmp_path, 1)
    rows.add(asked(1, 0.5))
    rows.flush()
    (part,) = (tmp_path / "parts").iterdir()
    left = part.read_bytes()
    rows.merge()
    part.parent.mkdir()
    part.write_bytes(left)  # the machine went down before it was removed
    later = Rows(tmp_path, 2)
    later.add(asked(2, 0.5))
    later.flush()
    assert later.merge()["intended_s"].to_pylist() == [1, 2]


# --- what is asked of the service ----------------------------------------------------------------


def test_thresholds_come_from_files_and_flags_and_each_is_judged(tmp_path: Path) -> None:
    asked_for = tmp_path / "sla.toml"
    asked_for.write_text(
        """
        [api]
        p99_ms = 500
        [api."POST /v1/orders"]
        p50_ms = 100
        [deliveries]
        on_time_share = 0.9
        late_p90_s = 300
        """,
        encoding="utf-8",
    )
    sla = sla_of([str(asked_for), f"{BOARD}:max_ms=50", "p99_ms=600", "deliveries.on_time_share=1"])
    figures = figures_of(table_of([asked(1, 0.2), asked(2, 0.7), asked(3, 0.04, BOARD)]), 5.0)
    judged = {
        (each.threshold.subject, each.threshold.key): (
            each.threshold.limit,
            each.measured and round(each.measured, 6),
            each.is_met,
        )
        for each in judge(sla, figures, {"on_time_share": 0.95, "late_p90_s": None})
    }
    assert judged == {
        ("all", "p99_ms"): (600, 700, False),
        ("all", "error_share"): (0.001, 0, True),
        (ORDERS, "p50_ms"): (100, 200, False),
        (BOARD, "max_ms"): (50, 40, True),
        # A share of good ones is at least; there was nothing late to measure.
        ("deliveries", "on_time_share"): (1, 0.95, False),
        ("deliveries", "late_p90_s"): (300, None, False),
    }


def test_every_wrong_threshold_is_named_at_once(tmp_path: Path) -> None:
    broken = tmp_path / "broken.toml"
    broken.write_text("[api\n", encoding="utf-8")
    odd = tmp_path / "odd.toml"
    odd.write_text('[speed]\nx = 1\n[api]\np99_ms = "fast"\n', encoding="utf-8")
    texts = [
        str(broken),
        str(odd),
        str(tmp_path / "none.toml"),
        "p42_ms=3",
        "p99_ms=-1",
        "error_share=3",
        "orders:p99_ms=3",
        "deliveries.plans=3",
    ]
    with pytest.raises(LoadError) as error:
        sla_of(texts)
    told = str(error.value)
    for text in texts:
        assert f"--sla {text}: " in told
    assert "the tables are [api] and [deliveries]" in told
    assert "p99_ms is 'fast'" in told
    assert "it is a share, from 0 to 1" in told
    assert "orders is no endpoint" in told
    assert "neither better nor worse" in told


def test_the_mix_is_said_key_by_key() -> None:
    assert mix_of([]) == Mix()
    assert mix_of(["boards=4", "track_share=0.25"]) == Mix(boards=4, track_share=0.25)
    with pytest.raises(LoadError) as error:
        mix_of(["bords=4", "track_share=2", "boards=1.5", "quotes_per_order=many"])
    told = str(error.value)
    assert "the keys are" in told
    assert "track_share is a number from 0 to 1" in told
    assert "boards is a whole number" in told
    assert "quotes_per_order=many" in told
