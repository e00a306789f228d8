"""The price expected of being late is the mean of the price over what may happen."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from scipy import integrate, stats

from dispatch.planning.arrays import (
    PRICE_BUFFER,
    PRICE_BUFFER_S,
    PRICE_COLUMNS,
    PRICE_LATE,
    PRICE_LATE_ONCE,
    PRICE_SQUARE,
)
from dispatch.planning.prices import lateness, slack

PRICES = np.zeros(PRICE_COLUMNS)
PRICES[[PRICE_LATE, PRICE_SQUARE, PRICE_LATE_ONCE]] = 20.0, 0.02, 300.0
PRICES[[PRICE_BUFFER, PRICE_BUFFER_S]] = 2.0, 300.0


def certain(late_s: float) -> float:
    return 0.0 if late_s <= 0 else 300.0 + 20.0 * late_s + 0.02 * late_s**2


@pytest.mark.parametrize("doubt_s", [1.0, 60.0, 240.0, 900.0])
@pytest.mark.parametrize("late_s", [-1200.0, -300.0, -10.0, 0.0, 10.0, 300.0, 1800.0])
def test_the_formula_is_the_integral(late_s: float, doubt_s: float) -> None:
    ahead = stats.norm(late_s, doubt_s)
    found, _ = integrate.quad(
        lambda x: certain(x) * ahead.pdf(x), 0, late_s + 12 * doubt_s + 1, limit=200
    )
    # Beyond five standard deviations nobody doubts any more.
    assert lateness(PRICES, late_s, doubt_s**2) == pytest.approx(found, rel=1e-5, abs=0.05)


def test_without_doubt_it_is_the_price_itself() -> None:
    for late_s in (-1.0, 0.0, 0.5, 600.0):
        assert lateness(PRICES, late_s, 0.0) == pytest.approx(certain(late_s))


def test_later_and_more_doubtful_is_never_cheaper() -> None:
    lates = np.arange(-2000.0, 2000.0, 7.0)
    for doubt_s2 in (0.0, 30.0**2, 300.0**2):
        prices = [lateness(PRICES, late_s, doubt_s2) for late_s in lates]
        assert all(a <= b + 1e-9 for a, b in pairwise(prices))
    for late_s in (-600.0, -60.0, -1.0):
        doubts = [lateness(PRICES, late_s, doubt_s**2) for doubt_s in range(0, 900, 30)]
        assert all(a <= b + 1e-9 for a, b in pairwise(doubts))


def test_slack_is_priced_up_to_the_end_of_the_promise() -> None:
    assert [slack(PRICES, late_s) for late_s in (-301, -300, -200, 0, 50)] == [0, 0, 200, 600, 600]
