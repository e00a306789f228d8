from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from simulations.studies.measures import FIGURES
from simulations.studies.statistics import (
    differences,
    distribution,
    estimate,
    evenings_needed,
    holm,
)

HEADLINE = "in_time_per_100_orders"
PLAIN = "km_per_delivery"


def figures(**values: list[float | None]) -> dict[str, list[float | None]]:
    """Return values for every figure: those named, and zeros."""
    count = len(next(iter(values.values())))
    zeros: list[float | None] = [0.0] * count
    return {name: values.get(name, zeros) for name in FIGURES}


def test_the_interval_of_a_mean_is_student_s() -> None:
    # Mean 12, deviation 2, standard error 2 / sqrt(3); t for two degrees of freedom is 4.303.
    found = estimate(PLAIN, [10.0, 12.0, 14.0])
    assert found.mean == 12
    assert found.low == pytest.approx(12 - 4.3027 * 2 / 3**0.5, abs=1e-3)
    assert found.high == pytest.approx(12 + 4.3027 * 2 / 3**0.5, abs=1e-3)
    assert found.median == 12


def test_one_evening_has_no_interval_and_none_has_no_mean() -> None:
    assert (estimate(PLAIN, [3.0]).low, estimate(PLAIN, [3.0]).high) == (None, None)
    assert estimate(PLAIN, [None, None]).mean is None
    assert estimate(PLAIN, [None, 4.0, 6.0]).mean == 5


def test_no_interval_leaves_what_a_figure_can_be() -> None:
    assert estimate("on_time_share", [0.9, 1.0]).high == 1.0
    assert estimate(HEADLINE, [90.0, 100.0]).high == 100.0
    assert estimate("failed_tries", [0.0, 3.0]).low == 0.0


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    draw = np.random.default_rng(1)
    samples = draw.normal(50, 7, (2000, 6))
    intervals = [estimate(PLAIN, list(sample)) for sample in samples]
    held = np.mean([one.low <= 50 <= one.high for one in intervals if one.low and one.high])
    # Of 2000 at 95 %: the standard error of the share is 0.5 %.
    assert 0.935 < held < 0.965


def test_pairs_show_what_independent_evenings_do_not() -> None:
    draw = np.random.default_rng(2)
    first = draw.normal(80, 10, 10)
    second = first + draw.normal(2, 1, 10)
    found = differences(figures(km_per_delivery=list(first)), figures(km_per_delivery=list(second)))
    one = found[PLAIN]
    assert one.is_clear
    assert one.p_value == pytest.approx(stats.ttest_rel(second, first).pvalue)
    assert one.p_signs == pytest.approx(stats.wilcoxon(second - first).pvalue)
    assert stats.ttest_ind(first, second).pvalue > 0.3
    assert one.saved is not None
    assert one.saved == pytest.approx(
        1 - np.var(second - first, ddof=1) / (np.var(first, ddof=1) + np.var(second, ddof=1))
    )
    assert one.saved > 0.95


def test_evenings_that_differ_by_the_same_leave_no_doubt() -> None:
    found = differences(
        figures(courier_hours=[10.0, 12.0, 11.0]), figures(courier_hours=[14.0, 16.0, 15.0])
    )["courier_hours"]
    assert (found.mean, found.low, found.high, found.p_value) == (4.0, 4.0, 4.0, 0.0)
    assert found.is_clear
    same = differences(figures(courier_hours=[9.0, 9.0]), figures(courier_hours=[9.0, 9.0]))
    assert same["courier_hours"].p_value == 1.0
    assert not same["courier_hours"].is_clear


def test_only_evenings_with_both_figures_are_pairs() -> None:
    found = differences(
        figures(late_p50_s=[60.0, None, 90.0]), figures(late_p50_s=[None, 40.0, 30.0])
    )["late_p50_s"]
    assert found.pairs == (-60.0,)
    assert (found.first, found.second, found.p_value) == (90.0, 30.0, None)


def test_holm_corrects_for_being_several() -> None:
    # Holm's steps: 0.01 x 4, 0.02 x 3, then never less than the one before, never above 1.
    assert holm([0.02, 0.01, 0.6, 0.03]) == pytest.approx([0.06, 0.04, 0.6, 0.06])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []


def test_headlines_are_corrected_and_the_others_are_not() -> None:
    noise: list[float | None] = [2.0, 0.5, -0.8, 1.5, 2.2, -0.2, 1.8, 0.9]
    found = differences(
        figures(in_time_per_100_orders=[0.0] * 8, km_per_delivery=[0.0] * 8),
        figures(in_time_per_100_orders=noise, km_per_delivery=noise),
    )
    p_value = found[PLAIN].p_value
    assert p_value is not None
    assert 0.0125 < p_value < 0.05
    assert found[PLAIN].is_clear
    assert found[PLAIN].p_holm is None
    assert found[HEADLINE].p_holm == pytest.approx(4 * p_value)
    assert not found[HEADLINE].is_clear


def test_the_evenings_needed_are_enough_four_times_in_five() -> None:
    draw = np.random.default_rng(4)
    pairs = draw.normal(1.0, 2.0, 400)
    needed = evenings_needed(list(pairs), 1.0)
    # Two-sided 5 %, power 80 %: (1.96 + 0.84)^2 x 2^2 = 31, a little more with Student's t.
    assert needed is not None
    assert 28 <= needed <= 38
    shown = [stats.ttest_1samp(draw.normal(1.0, 2.0, needed), 0).pvalue < 0.05 for _ in range(1500)]
    assert 0.75 < np.mean(shown) < 0.86
    assert evenings_needed([1.0], 1.0) is None


def test_quantiles_are_pooled_over_all_orders() -> None:
    found = distribution("click_to_door_s", [[60, 120, 180], [600] * 7])
    points = {point.share: point.value for point in found.points}
    # Ten values: three are below, the fourth to the tenth are 600.
    assert (points[0.1], points[0.25], points[0.5], points[0.99]) == (60, 180, 600, 600)
    assert found.count == 10
    assert distribution("lateness_s", [[], []]).points == ()


def test_bootstrapped_quantiles_draw_whole_evenings() -> None:
    draw = np.random.default_rng(5)
    # Evenings differ from one another by far more than the orders of one evening do.
    evenings = [list(draw.normal(1000 + 200 * shift, 10, 300).astype(int)) for shift in range(6)]
    found = distribution("click_to_door_s", evenings)
    middle = next(point for point in found.points if point.share == 0.5)
    assert middle.low is not None
    assert middle.high is not None
    assert middle.high - middle.low > 300
    again = distribution("click_to_door_s", evenings)
    assert again == found
    alone = distribution("click_to_door_s", evenings[:1])
    assert {(point.low, point.high) for point in alone.points} == {(None, None)}
