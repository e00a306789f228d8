"""Figures over evenings, with honest uncertainty: intervals, paired differences, corrections.

The evenings of a study are independent draws, so a mean over them has a Student t interval; the
orders of one evening are not, so quantiles pooled over orders are bootstrapped by whole evenings
(Davison & Hinkley 1997, doi:10.1017/CBO9780511802843, section 3.8).  Variants are compared on
the same seeds, pair by pair: common random numbers (Law 2015, Simulation Modeling and Analysis,
section 11.2).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import inf, sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr, stdtrit

from simulations.rng import Streams
from simulations.studies.measures import FIGURES
from simulations.studies.study import Difference, Distribution, Estimate, Point

CONFIDENCE: Final = 0.95
POWER: Final = 0.80
SHARES: Final = (0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99)
_DRAWS: Final = 999
_AT_ONCE: Final = 100
_FEWEST: Final = 2
_MOST: Final = {"share": 1.0, "of 100": 100.0}
_MOST_EVENINGS: Final = 100_000
_NOTHING: Final = 1e-9
"""Two figures this near are the same: sums of floats end in noise."""


def estimate(name: str, values: Sequence[float | None]) -> Estimate:
    """Return a figure over evenings; those without a value are left out."""
    known = np.array([value for value in values if value is not None], dtype=np.float64)
    if not len(known):
        return Estimate(name, tuple(values), None, None, None, None, None, None)
    low, high = _cut(name, mean_interval(known))
    p10, median, p90 = (float(q) for q in np.quantile(known, [0.1, 0.5, 0.9]))
    return Estimate(name, tuple(values), float(known.mean()), low, high, median, p10, p90)


def _cut(
    name: str, interval: tuple[float | None, float | None]
) -> tuple[float | None, float | None]:
    """Return an interval without what no figure can be: less than nothing, more than all."""
    low, high = interval
    if low is None or high is None:
        return interval
    most = _MOST.get(FIGURES[name].unit, inf) if name in FIGURES else inf
    return max(0.0, low), min(most, high)


def mean_interval(values: NDArray[np.float64]) -> tuple[float | None, float | None]:
    """Return the 95 % Student t interval of a mean; None, None with fewer than two values."""
    if len(values) < _FEWEST:
        return None, None
    half = _t(0.5 + CONFIDENCE / 2, len(values)) * _standard_error(values)
    mean = float(values.mean())
    return mean - half, mean + half


def distribution(name: str, evenings: Sequence[Sequence[int]]) -> Distribution:
    """Return the distribution of whole numbers, 0 or more, pooled over evenings.

    A quantile is the smallest value that at least the share do not exceed.
    """
    arrays = [np.asarray(values, dtype=np.int64) for values in evenings]
    total = sum(len(values) for values in arrays)
    if not total:
        return Distribution(name, 0, ())
    largest = max(int(values.max()) for values in arrays if len(values))
    counts = np.stack([np.bincount(values, minlength=largest + 1) for values in arrays])
    values = _quantiles(counts.sum(axis=0, keepdims=True))[0]
    low: Sequence[float | None] = [None] * len(SHARES)
    high: Sequence[float | None] = [None] * len(SHARES)
    if len(arrays) >= _FEWEST:
        low, high = _bootstrap(name, counts)
    points = tuple(
        Point(share, float(value), a, b)
        for share, value, a, b in zip(SHARES, values, low, high, strict=True)
    )
    return Distribution(name, total, points)


def _bootstrap(name: str, counts: NDArray[np.int64]) -> tuple[list[float], list[float]]:
    """Return percentile intervals of the quantiles, whole evenings drawn with replacement."""
    draw = Streams(0).stream("bootstrap", name)
    evenings = len(counts)
    found: list[NDArray[np.int64]] = []
    for begin in range(0, _DRAWS, _AT_ONCE):
        size = min(_AT_ONCE, _DRAWS - begin)
        weights = draw.multinomial(evenings, [1 / evenings] * evenings, size)
        sums = weights @ counts
        found.append(_quantiles(sums[sums.sum(axis=1) > 0]))
    values = np.concatenate(found)
    edges = [0.5 - CONFIDENCE / 2, 0.5 + CONFIDENCE / 2]
    low, high = np.quantile(values, edges, axis=0, method="inverted_cdf")
    return [float(value) for value in low], [float(value) for value in high]


def _quantiles(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return for each row of counts by value, shape (n, values), its quantiles (n, shares)."""
    upto = np.cumsum(counts, axis=1)
    # The least count that is at least the share, whole numbers: no float decides a tie.
    wanted = [np.ceil(np.round(share * upto[:, -1], 9)).astype(np.int64) for share in SHARES]
    return np.stack([(upto < rank[:, None]).sum(axis=1) for rank in wanted], axis=1)


# --- two variants ------------------------------------------------------------------------------


def differences(
    first: Mapping[str, Sequence[float | None]], second: Mapping[str, Sequence[float | None]]
) -> dict[str, Difference]:
    """Return every figure's difference, second less first.

    Parameters
    ----------
    first, second
        Values by name of the figure, one for each seed, the seeds the same.
    """
    raw = {name: _paired(name, first[name], second[name]) for name in FIGURES}
    tested = [
        name for name, m in FIGURES.items() if m.is_headline and raw[name].p_value is not None
    ]
    corrected = dict(zip(tested, holm([raw[name].p_value or 0.0 for name in tested]), strict=True))
    return {name: _settled(found, corrected.get(name)) for name, found in raw.items()}


def _settled(found: Difference, p_holm: float | None) -> Difference:
    settled = replace(found, p_holm=p_holm)
    p = settled.p_that_counts
    return replace(settled, is_clear=p is not None and p < 1 - CONFIDENCE)


def _paired(name: str, first: Sequence[float | None], second: Sequence[float | None]) -> Difference:
    both = [(a, b) for a, b in zip(first, second, strict=True) if a is not None and b is not None]
    a = np.array([pair[0] for pair in both], dtype=np.float64)
    b = np.array([pair[1] for pair in both], dtype=np.float64)
    d = b - a
    d[np.abs(d) < _NOTHING] = 0.0
    if not both:
        return Difference(
            name, None, None, (), None, None, None, None, None, None, False, None, None
        )
    low, high = mean_interval(d)
    apart = float(a.var(ddof=1) + b.var(ddof=1)) if len(d) >= _FEWEST else 0.0
    saved = 1 - float(d.var(ddof=1)) / apart if apart > _NOTHING else None
    return Difference(
        name=name,
        first=float(a.mean()),
        second=float(b.mean()),
        pairs=tuple(float(value) for value in d),
        mean=float(d.mean()),
        low=low,
        high=high,
        p_value=_p_of_t(d),
        p_holm=None,
        p_signs=_p_of_ranks(d),
        is_clear=False,
        saved=saved,
        smallest=_detectable(d),
    )


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p values corrected for being several (Holm 1979, doi:10.2307/4615733)."""
    order = sorted(range(len(p_values)), key=lambda index: p_values[index])
    corrected = [0.0] * len(p_values)
    least = 0.0
    for rank, index in enumerate(order):
        least = max(least, min(1.0, (len(p_values) - rank) * p_values[index]))
        corrected[index] = least
    return corrected


def evenings_needed(pairs: Sequence[float], effect: float) -> int | None:
    """Return how many evenings would show a difference of `effect` with a chance of 80 %.

    Parameters
    ----------
    pairs
        Differences seen, for their variance; None is returned with fewer than two.
    """
    d = np.asarray(pairs, dtype=np.float64)
    if len(d) < _FEWEST or not effect:
        return None
    deviation = float(d.std(ddof=1))
    low, high = _FEWEST, _MOST_EVENINGS
    while low < high:
        middle = (low + high) // 2
        if _reach(middle) * deviation / sqrt(middle) <= abs(effect):
            high = middle
        else:
            low = middle + 1
    return low


def _detectable(d: NDArray[np.float64]) -> float | None:
    return None if len(d) < _FEWEST else _reach(len(d)) * _standard_error(d)


def _reach(count: int) -> float:
    """Return how many standard errors a difference must have to be shown by so many pairs."""
    return _t(0.5 + CONFIDENCE / 2, count) + _t(POWER, count)


def _p_of_t(d: NDArray[np.float64]) -> float | None:
    if len(d) < _FEWEST:
        return None
    error = _standard_error(d)
    if error <= _NOTHING:
        return 1.0 if not d.any() else 0.0
    return float(2 * stdtr(len(d) - 1, -abs(float(d.mean())) / error))


def _p_of_ranks(d: NDArray[np.float64]) -> float | None:
    """Return p of Wilcoxon's signed-rank test (1945, doi:10.2307/3001968)."""
    if np.count_nonzero(d) < _FEWEST:
        return None
    # A second to load, and only comparisons want it.
    from scipy import stats  # noqa: PLC0415

    return float(stats.wilcoxon(d[d != 0]).pvalue)


def _t(share: float, count: int) -> float:
    return float(stdtrit(count - 1, share))


def _standard_error(values: NDArray[np.float64]) -> float:
    return float(values.std(ddof=1)) / sqrt(len(values))
