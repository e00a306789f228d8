"""Plots of single values with their intervals, of shares and of tails; see `charts`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from simulations.reports.charts import (
    BOTTOM,
    LEFT,
    RIGHT,
    TOP,
    WIDE_PX,
    curve,
    figure,
    key,
    stroke,
    svg,
    y_axis,
)
from simulations.reports.markup import Markup, joined, tag
from simulations.reports.scale import Scale, percent, plain, round_values

_PX_PER_ROW: Final = 34


@dataclass(frozen=True, slots=True)
class Interval:
    """A value with its interval; `low` and `high` are None when there is none.

    Attributes
    ----------
    told
        The same in words, written beside it.
    """

    name: str
    value: float
    low: float | None
    high: float | None
    told: str


@dataclass(frozen=True, slots=True)
class Held:
    """How many of `count` forecasts made with a confidence held: shares from 0 to 1."""

    promised: float
    held: float
    low: float
    high: float
    count: int


# --- intervals -----------------------------------------------------------------------------------


def interval_plot(
    rows: Sequence[Interval], caption: str, *, unit: str, zero: bool = True
) -> Markup:
    """Return values with their intervals below one another (a forest plot), on one axis.

    Parameters
    ----------
    zero
        The axis goes through 0, with a line there: what an interval across it cannot tell apart.
    """
    if not rows:
        return tag("p", f"{caption}: nothing to compare.", class_="empty")
    ends = [each for row in rows for each in (row.value, row.low, row.high) if each is not None]
    marks = round_values(
        min([0.0, *ends] if zero else ends), max([0.0, *ends] if zero else ends), 5
    )

    def draw(width: int) -> Markup:
        return _intervals(width, rows, marks, unit)

    told = "; ".join(f"{row.name}: {row.told}" for row in rows)
    return figure(caption, f"{caption}. {told}", draw)


def _intervals(width: int, rows: Sequence[Interval], marks: Sequence[float], unit: str) -> Markup:
    beside = width >= WIDE_PX
    left, right = (210, 190) if beside else (16, 16)
    each_px = _PX_PER_ROW if beside else 2 * _PX_PER_ROW
    height = each_px * len(rows) + 40
    x = Scale(marks[0], marks[-1], left, width - right)
    drawn = []
    for mark in marks:
        at = x.px(mark)
        style = "grid zero" if mark == 0 else "grid"
        drawn.append(tag("line", x1=at, y1=4, x2=at, y2=height - 32, class_=style))
        drawn.append(tag("text", plain(mark), x=at, y=height - 17, text_anchor="middle"))
    drawn.append(tag("text", unit, x=width - right, y=height - 2, text_anchor="end", class_="axis"))
    for nth, row in enumerate(rows):
        at = nth * each_px + (each_px / 2 if beside else each_px - 16)
        sure = row.low is not None and row.high is not None and not row.low <= 0 <= row.high
        style = "sure" if sure else "unsure"
        if beside:
            drawn.append(tag("text", row.name, x=left - 14, y=at + 4, text_anchor="end"))
            drawn.append(tag("text", row.told, x=width - right + 14, y=at + 4, class_="told"))
        else:
            drawn.append(tag("text", row.name, x=0, y=at - 28))
            drawn.append(tag("text", row.told, x=0, y=at - 12, class_="told"))
        if row.low is not None and row.high is not None:
            low, high = x.px(row.low), x.px(row.high)
            drawn.append(tag("line", x1=low, y1=at, x2=high, y2=at, class_=f"whisker {style}"))
            drawn += [
                tag("line", x1=end, y1=at - 5, x2=end, y2=at + 5, class_=f"whisker {style}")
                for end in (low, high)
            ]
        drawn.append(_dot(x.px(row.value), at, style))
    return svg(width, height, *drawn)


def _dot(x: float, y: float, style: str) -> Markup:
    """Return a filled square where the sign is certain and a ring where it is not."""
    if style == "sure":
        return tag("rect", x=x - 5, y=y - 5, width=10, height=10, class_="dot sure")
    return tag("circle", cx=x, cy=y, r=5, class_="dot unsure")


def calibration_plot(points: Sequence[Held], caption: str) -> Markup:
    """Return how many forecasts held against how many should have; on the diagonal is honest.

    Below it promises were broken more often than said, above it they were too careful.
    """
    if not points:
        return tag("p", f"{caption}: no forecast to check.", class_="empty")

    def draw(width: int) -> Markup:
        side = min(width, 420)
        scale = Scale(0.0, 1.0, 52, side - 12)
        up = Scale(0.0, 1.0, side - 44, 12)
        drawn = []
        for share in (0.0, 0.25, 0.5, 0.75, 1.0):
            told = percent(share)
            at, y = scale.px(share), up.px(share)
            drawn.append(tag("line", x1=at, y1=up.begin, x2=at, y2=up.end, class_="grid"))
            drawn.append(tag("line", x1=scale.begin, y1=y, x2=scale.end, y2=y, class_="grid"))
            drawn.append(tag("text", told, x=at, y=up.begin + 18, text_anchor="middle"))
            drawn.append(tag("text", told, x=scale.begin - 8, y=y + 4, text_anchor="end"))
        ends = {"x1": scale.begin, "y1": up.begin, "x2": scale.end, "y2": up.end}
        drawn.append(tag("line", **ends, class_="honest"))
        drawn.append(
            tag("text", "promised", x=scale.end, y=side - 8, text_anchor="end", class_="axis")
        )
        drawn.append(tag("text", "held", x=scale.begin + 6, y=22, class_="axis"))
        for point in points:
            at = scale.px(point.promised)
            low, high = up.px(point.low), up.px(point.high)
            drawn.append(tag("line", x1=at, y1=low, x2=at, y2=high, class_="whisker c0"))
            drawn.append(tag("circle", cx=at, cy=up.px(point.held), r=5, class_="dot c0"))
        return svg(side, side, *drawn)

    told = "; ".join(
        f"of {point.count} promised with {percent(point.promised)}, {percent(point.held)} held"
        for point in points
    )
    return figure(caption, f"{caption}. {told}", draw)


# --- shares and tails ----------------------------------------------------------------------------


def bar_chart(bars: Sequence[tuple[str, float, str]], caption: str) -> Markup:
    """Return bars below one another: name, value from 0 on, and the value in words."""
    if not bars:
        return tag("p", f"{caption}: nothing to count.", class_="empty")
    most = max(value for _, value, _ in bars) or 1.0

    def draw(width: int) -> Markup:
        beside = width >= WIDE_PX
        left = 210 if beside else 0
        each_px = 28 if beside else 46
        drawn = []
        for nth, (name, value, told) in enumerate(bars):
            top = nth * each_px + (4 if beside else 20)
            long = (width - left - 130) * value / most
            if beside:
                drawn.append(tag("text", name, x=left - 12, y=top + 15, text_anchor="end"))
            else:
                drawn.append(tag("text", name, x=0, y=top - 5))
            drawn.append(
                tag("rect", x=left, y=top, width=max(long, 1.0), height=20, class_="bar c0")
            )
            drawn.append(tag("text", told, x=left + long + 8, y=top + 15, class_="told"))
        return svg(width, len(bars) * each_px + 6, *drawn)

    said = "; ".join(f"{name}: {told}" for name, _, told in bars)
    return figure(caption, f"{caption}. {said}", draw)


def percentile_chart(
    lines: Sequence[tuple[str, Sequence[tuple[float, float]]]], caption: str, *, unit: str
) -> Markup:
    """Return what a share of all does not exceed, stretched towards the last (HdrHistogram's way).

    Parameters
    ----------
    lines
        Name, and pairs of a share below 1 and the value that it does not exceed, ascending.
    """
    shares = [share for _, pairs in lines for share, _ in pairs]
    if not shares:
        return tag("p", f"{caption}: nothing was measured.", class_="empty")
    last = max(1.0, *(_nines(share) for share in shares))
    most = max(value for _, pairs in lines for _, value in pairs)
    values = round_values(0.0, most, 5)
    told_shares = [share for share in (0.0, 0.5, 0.9, 0.99, 0.999, 0.9999) if _nines(share) <= last]

    def draw(width: int) -> Markup:
        height = 240
        x = Scale(0.0, last, LEFT, width - RIGHT)
        y = Scale(0.0, values[-1], height - BOTTOM, TOP)
        drawn = y_axis(values, y, width, unit)
        drawn += [
            tag(
                "text",
                f"{100 * share:.10g} %",
                x=x.px(_nines(share)),
                y=height - BOTTOM + 17,
                text_anchor="middle",
            )
            for share in told_shares
        ]
        for nth, (_, pairs) in enumerate(lines):
            points = [(x.px(_nines(share)), y.px(value)) for share, value in pairs]
            drawn.append(curve(points, nth))
        return svg(width, height, *drawn)

    said = "; ".join(
        f"{name}: {plain(pairs[-1][1])} {unit} at the most" for name, pairs in lines if pairs
    )
    legend = key([(stroke(nth), name) for nth, (name, _) in enumerate(lines)])
    return figure(caption, f"{caption}. {said}", draw, legend)


def _nines(share: float) -> float:
    """Return 0 for nothing, 1 for 0.9, 2 for 0.99."""
    return float(-np.log10(max(1.0 - share, 1e-6)))


def small_dots(values: Sequence[float]) -> Markup:
    """Return the values of several runs, at least one, as dots on a line, for under a figure."""
    x = Scale(min(values), max(values), 5, 155)
    mean = sum(values) / len(values)
    return tag(
        "svg",
        tag("line", x1=5, y1=7, x2=155, y2=7, class_="grid"),
        joined(tag("circle", cx=x.px(value), cy=7, r=3, class_="run") for value in values),
        tag("line", x1=x.px(mean), y1=1, x2=x.px(mean), y2=13, class_="mean"),
        viewBox="0 0 160 14",
        width=160,
        height=14,
        aria_hidden="true",
    )
