"""Figures as people read them on a terminal: tables of means and differences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from simulations.studies.measures import FIGURES
from simulations.studies.study import Comparison, Estimate, Study

_MINUTE_S: Final = 60
_DASH: Final = "-"
_QUIET: Final = frozenset(
    {"collected", "not_collected", "collection_wait_p50_s", "collection_wait_p90_s"}
)
"""Left out where nobody collects."""


def amount(name: str, value: float | None) -> str:
    """Return a figure with its unit: `93.4`, `17.2 min`, `4.1 %`."""
    if value is None:
        return _DASH
    unit = FIGURES[name].unit
    if unit == "share":
        return f"{100 * value:.1f} %"
    if unit == "s":
        return f"{value:.0f} s" if abs(value) < _MINUTE_S else f"{value / _MINUTE_S:.1f} min"
    return f"{value:.1f}"


def study_table(study: Study) -> str:
    """Return every figure with its interval, and what single evenings looked like."""
    rows = [("", "mean", "95 % interval", "evenings from", "to")]
    for name, one in study.estimates.items():
        if name in _QUIET and not any(one.values):
            continue
        rows.append(
            (
                FIGURES[name].title,
                amount(name, one.mean),
                _interval(name, one.low, one.high),
                amount(name, _least(one)),
                amount(name, _most(one)),
            )
        )
    return "".join(_lines(rows))


def comparison_table(comparison: Comparison) -> str:
    """Return every figure of both variants, their difference and its interval."""
    rows = [("", "A", "B", "B less A", "95 % interval", "p")]
    for name, one in comparison.differences.items():
        if name in _QUIET and not (one.first or one.second):
            continue
        p = one.p_that_counts
        rows.append(
            (
                FIGURES[name].title,
                amount(name, one.first),
                amount(name, one.second),
                amount(name, one.mean),
                _interval(name, one.low, one.high),
                _DASH if p is None else f"{p:.3f}{' *' if one.is_clear else ''}",
            )
        )
    return "".join(_lines(rows))


def _interval(name: str, low: float | None, high: float | None) -> str:
    if low is None or high is None:
        return _DASH
    return f"{amount(name, low)} to {amount(name, high)}"


def _least(one: Estimate) -> float | None:
    return min((value for value in one.values if value is not None), default=None)


def _most(one: Estimate) -> float | None:
    return max((value for value in one.values if value is not None), default=None)


def _lines(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = [row[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        yield f"  {'  '.join(cells).rstrip()}\n"
