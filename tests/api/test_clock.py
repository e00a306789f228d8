"""Which clock a service runs on, and where it goes on from."""

from __future__ import annotations

import time

import pytest

from api.clock import ScaledClock, SystemClock, open_clock
from api.storage.errors import LedgerError

START = 1_795_192_200  # 2026-11-20T16:30:00Z


def test_without_any_wish_the_clock_is_the_machines() -> None:
    clock = open_clock(None, 1.0, None)
    assert isinstance(clock, SystemClock)
    assert abs(clock.now() - time.time()) <= 1


def test_a_scaled_clock_begins_where_it_was_told_to() -> None:
    clock = open_clock(START, 60.0, None)
    assert clock.now() == START
    assert clock.speed == 60.0


def test_a_scaled_clock_runs_at_its_pace() -> None:
    clock = ScaledClock(START, 1000.0)
    assert clock.moment() == START
    clock.run()
    before, began = clock.moment(), time.monotonic()
    while clock.moment() < before + 20:
        assert time.monotonic() - began < 5
    took_s = time.monotonic() - began
    # 20 service seconds are 0.02 of the world's; it may be measured late, never early.
    assert took_s >= 0.019


@pytest.mark.parametrize(
    ("clock_start", "last_moment", "expected"),
    [
        (START, START + 500, START + 500),
        (START, START - 500, START),
        (None, START + 500, START + 500),
    ],
)
def test_a_ledger_goes_on_where_it_was(
    clock_start: int | None, last_moment: int, expected: int
) -> None:
    clock = open_clock(clock_start, 2.0, last_moment)
    assert clock.now() == expected


def test_a_ledger_from_the_future_is_refused_under_the_machines_clock() -> None:
    with pytest.raises(LedgerError, match="after the present"):
        open_clock(None, 1.0, int(time.time()) + 3600)
