"""Small charts as SVG, drawn twice: once for a wide page and once for a phone.

Colours are Okabe and Ito's, by class (`report.css`), and a dash or a mark doubles each, so that
print without colour and eyes without some of it read the same.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from simulations.reports.markup import Content, Markup, tag
from simulations.reports.scale import Scale, clock, plain, round_times, round_values

WIDE_PX: Final = 720
NARROW_PX: Final = 340
_COLOURS: Final = 7
"""Classes `c0` to `c6` of the style sheet."""

_DASHES: Final = (None, "7 3", "2 3", "9 3 2 3", "4 4", "1 4", "12 4")
LEFT, RIGHT, TOP, BOTTOM = 46, 22, 24, 30
"""Room around what is drawn, pixels."""

_LINE_PX: Final = 18
_BAND_PX: Final = 17
_CHAR_PX: Final = 6.6
_PX_PER_TICK: Final = 72
_Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a chart; None in `ys` is a gap.

    Attributes
    ----------
    filled
        Down to the axis.
    """

    name: str
    ys: Sequence[float | None]
    filled: bool = False


@dataclass(frozen=True, slots=True)
class Band:
    """A stretch of the x axis that has a name: rain, a closed store.

    Attributes
    ----------
    quiet
        Nothing that happened, such as time that is not measured.
    """

    name: str
    begins: float
    ends: float
    quiet: bool = False


@dataclass(frozen=True, slots=True)
class Sample:
    """Values of one contender, by run: whiskers show how much one run differs from another."""

    name: str
    runs: Sequence[Sequence[float]]


def figure(
    caption: Content,
    said: str,
    draw: Callable[[int], Markup],
    above: Markup | None = None,
    *,
    width: int = WIDE_PX,
) -> Markup:
    """Return a chart with what it shows below it.

    Parameters
    ----------
    said
        What somebody who does not see it should know.
    draw
        Returns the SVG for a width in pixels.
    above
        What stands above the chart.
    width
        In pixels, of the chart on a wide page.
    """
    return tag(
        "figure",
        above,
        tag("div", draw(width), class_="wide", role="img", aria_label=said),
        tag("div", draw(NARROW_PX), class_="narrow", role="img", aria_label=said),
        tag("figcaption", caption),
        class_="chart",
    )


def key(entries: Sequence[tuple[Markup, str]]) -> Markup:
    """Return a legend: symbols, 22 pixels wide and 12 high around (0, 0), and what they mean."""
    return tag(
        "ul",
        *(
            tag(
                "li",
                tag("svg", symbol, viewBox="-11 -6 22 12", width=22, height=12, aria_hidden="true"),
                name,
            )
            for symbol, name in entries
        ),
        class_="key",
    )


# --- lines over time or anything else ------------------------------------------------------------


def line_chart(
    xs: Sequence[float],
    lines: Sequence[Line],
    caption: str,
    *,
    zone: dt.tzinfo | None = None,
    bands: Sequence[Band] = (),
    x_name: str = "",
    y_name: str = "",
    height: int = 240,
    width: int = WIDE_PX,
) -> Markup:
    """Return lines over a common axis.

    Parameters
    ----------
    xs
        Ascending; UTC epoch seconds with `zone`, in which they are written.
    bands
        Shaded, with their names above.
    height, width
        In pixels, of the chart on a wide page.
    """
    if not xs or not lines:
        return tag("p", f"{caption}: nothing to draw.", class_="empty")

    def draw(px: int) -> Markup:
        return _lines(px, height, xs, lines, zone, bands, x_name, y_name)

    told = "; ".join(f"{each.name} {_extent(each.ys)}" for each in lines)
    legend = [(stroke(nth), each.name) for nth, each in enumerate(lines)]
    return figure(caption, f"{caption}. {told}", draw, key(legend), width=width)


def _extent(ys: Sequence[float | None]) -> str:
    known = [y for y in ys if y is not None]
    return f"from {plain(min(known))} to {plain(max(known))}" if known else "without any value"


def stroke(nth: int) -> Markup:
    """Return the symbol of the n-th line for a legend."""
    return tag("line", x1=-11, y1=0, x2=11, y2=0, **_style(nth))


def curve(points: Sequence[tuple[float, float]], nth: int) -> Markup:
    """Return the n-th line of a chart through points in pixels."""
    return tag("polyline", points=_points(points), **_style(nth))


def _style(nth: int) -> dict[str, str | None]:
    return {"class_": f"c{nth % _COLOURS}", "stroke_dasharray": _DASHES[nth % len(_DASHES)]}


def _lines(
    width: int,
    height: int,
    xs: Sequence[float],
    lines: Sequence[Line],
    zone: dt.tzinfo | None,
    bands: Sequence[Band],
    x_name: str,
    y_name: str,
) -> Markup:
    rows = _rows_of(bands, Scale(xs[0], xs[-1], LEFT, width - RIGHT))
    top = TOP + _BAND_PX * (max(rows, default=-1) + 1)
    height += top - TOP
    known = [y for each in lines for y in each.ys if y is not None]
    values = round_values(min([0.0, *known]), max([1.0, *known]), 5)
    x = Scale(xs[0], xs[-1], LEFT, width - RIGHT)
    y = Scale(values[0], values[-1], height - BOTTOM, top)
    drawn: list[Markup] = list(_bands(bands, rows, x, height))
    drawn += y_axis(values, y, width, y_name)
    drawn += _x_axis(xs, x, height, zone, x_name)
    for nth, each in enumerate(lines):
        for piece in _pieces(xs, each.ys):
            points = [(x.px(at), y.px(value)) for at, value in piece]
            if each.filled:
                base = [(points[-1][0], y.px(0)), (points[0][0], y.px(0))]
                area = _points([*points, *base])
                drawn.append(tag("polygon", points=area, class_=f"area c{nth % _COLOURS}"))
            drawn.append(curve(points, nth))
    return svg(width, height, *drawn)


def _rows_of(bands: Sequence[Band], x: Scale) -> list[int]:
    """Return a row above the chart for the name of each band, none over another."""
    ends: list[float] = []
    rows = []
    for band in bands:
        room = (_label_x(band, x), _label_x(band, x) + _CHAR_PX * len(band.name) + 8)
        row = next((nth for nth, end in enumerate(ends) if end <= room[0]), len(ends))
        ends[row : row + 1] = [room[1]]
        rows.append(row)
    return rows


def _label_x(band: Band, x: Scale) -> float:
    return max(LEFT, min(x.px(band.begins), x.end - _CHAR_PX * len(band.name)))


def _bands(bands: Sequence[Band], rows: Sequence[int], x: Scale, height: int) -> list[Markup]:
    drawn = []
    for band, row in zip(bands, rows, strict=True):
        begin, end = x.px(band.begins), x.px(band.ends)
        y = 13 + _BAND_PX * row
        drawn.append(
            tag(
                "rect",
                x=begin,
                y=float(y + 4),
                width=max(end - begin, 1.5),
                height=float(height - BOTTOM - y - 4),
                class_="band quiet" if band.quiet else "band",
            )
        )
        drawn.append(
            tag(
                "text",
                band.name,
                x=_label_x(band, x),
                y=y,
                class_="band-name quiet" if band.quiet else "band-name",
            )
        )
    return drawn


def _pieces(xs: Sequence[float], ys: Sequence[float | None]) -> list[list[tuple[float, float]]]:
    pieces: list[list[tuple[float, float]]] = [[]]
    for at, value in zip(xs, ys, strict=True):
        if value is None:
            pieces.append([])
        else:
            pieces[-1].append((at, value))
    return [piece for piece in pieces if piece]


def _points(points: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)


def y_axis(values: Sequence[float], y: Scale, width: int, name: str) -> list[Markup]:
    """Return lines across a chart at some values, and the values beside them."""
    drawn = []
    for value in values:
        at = y.px(value)
        style = "grid zero" if value == 0 else "grid"
        drawn.append(tag("line", x1=LEFT, y1=at, x2=width - RIGHT, y2=at, class_=style))
        drawn.append(tag("text", plain(value), x=LEFT - 8, y=at + 4, text_anchor="end"))
    if name:
        drawn.append(tag("text", name, x=4, y=y.end - 12, class_="axis"))
    return drawn


def _x_axis(
    xs: Sequence[float], x: Scale, height: int, zone: dt.tzinfo | None, name: str
) -> list[Markup]:
    most = max(2, int((x.end - x.begin) // _PX_PER_TICK))
    if zone is None:
        ticks = [(at, plain(at)) for at in round_values(xs[0], xs[-1], most)]
    else:
        ticks = [
            (float(at), clock(at, zone)) for at in round_times(int(xs[0]), int(xs[-1]), most, zone)
        ]
    base = height - BOTTOM
    drawn = []
    for at, told in ticks:
        if x.low <= at <= x.high:
            drawn.append(tag("line", x1=x.px(at), y1=base, x2=x.px(at), y2=base + 4, class_="tick"))
            drawn.append(tag("text", told, x=x.px(at), y=base + 17, text_anchor="middle"))
    if name:
        drawn.append(tag("text", name, x=x.end, y=height - 1, text_anchor="end", class_="axis"))
    return drawn


def svg(width: int, height: float, *drawn: Markup) -> Markup:
    """Return a drawing that shrinks with the page; its size is as wide as it may get."""
    return tag(
        "svg", *drawn, viewBox=f"0 0 {width} {height:.0f}", width=width, height=f"{height:.0f}"
    )


# --- distributions -------------------------------------------------------------------------------


def histogram(
    samples: Sequence[Sample],
    caption: str,
    *,
    unit: str,
    low: float | None = None,
    high: float | None = None,
    bins: int = 24,
    width: int = WIDE_PX,
) -> Markup:
    """Return how often which value comes up, by share; the first filled, others as outlines.

    Parameters
    ----------
    low, high
        What is below or above is counted into the first or the last bar; without, the range of
        all but the largest half per cent.
    """
    pooled = np.array([value for each in samples for run in each.runs for value in run])
    if not len(pooled):
        return tag("p", f"{caption}: no order to count.", class_="empty")
    least = float(pooled.min()) if low is None else low
    most = float(np.quantile(pooled, 0.995)) if high is None else high
    marks = round_values(least, max(most, least + 1), 7)
    edges = np.linspace(marks[0], marks[-1], bins + 1)
    shares = [_shares(each, edges) for each in samples]

    def draw(px: int) -> Markup:
        return _histogram(px, edges, marks, shares, unit, beyond=bool(pooled.max() > edges[-1]))

    told = "; ".join(
        f"{each.name}: median {plain(round(float(np.median(values)), 1))} {unit}"
        for each in samples
        if len(values := np.array([value for run in each.runs for value in run]))
    )
    legend = [(_swatch(nth), each.name) for nth, each in enumerate(samples)]
    above = key(legend) if len(samples) > 1 else None
    return figure(caption, f"{caption}. {told}", draw, above, width=width)


def _swatch(nth: int) -> Markup:
    return tag("rect", x=-9, y=-5, width=18, height=10, class_=f"bar c{nth}")


def _shares(sample: Sample, edges: _Array) -> tuple[_Array, _Array]:
    """Return the share of each bin over all runs, and its standard error between runs."""
    counted = [
        np.histogram(np.clip(run, edges[0], edges[-1]), edges)[0] / len(run)
        for run in sample.runs
        if len(run)
    ]
    if not counted:
        return np.zeros(len(edges) - 1), np.zeros(len(edges) - 1)
    each = np.array(counted)
    if len(each) == 1:
        return each[0], np.zeros(len(edges) - 1)
    return each.mean(axis=0), each.std(axis=0, ddof=1) / np.sqrt(len(each))


def _histogram(
    width: int,
    edges: _Array,
    marks: Sequence[float],
    shares: Sequence[tuple[_Array, _Array]],
    unit: str,
    *,
    beyond: bool,
) -> Markup:
    height = 220
    most = max(100 * float((mean + 2 * error).max()) for mean, error in shares)
    values = round_values(0.0, max(most, 1.0), 4)
    x = Scale(float(edges[0]), float(edges[-1]), LEFT, width - RIGHT)
    y = Scale(0.0, values[-1], height - BOTTOM, TOP)
    drawn = y_axis(values, y, width, "% of orders")
    for nth, (mean, error) in enumerate(shares):
        tops = [y.px(100 * share) for share in mean.tolist()]
        lefts = [x.px(edge) for edge in edges.tolist()]
        if nth == 0:
            drawn += [
                tag(
                    "rect",
                    x=left + 0.5,
                    y=top,
                    width=right - left - 1,
                    height=y.begin - top,
                    class_="bar c0",
                )
                for left, right, top in zip(lefts, lefts[1:], tops, strict=False)
                if top < y.begin
            ]
        else:
            steps = [(lefts[0], y.begin)]
            for left, right, top in zip(lefts, lefts[1:], tops, strict=False):
                steps += [(left, top), (right, top)]
            steps.append((lefts[-1], y.begin))
            drawn.append(tag("polyline", points=_points(steps), class_=f"c{nth}"))
        for place, share, spread in zip(
            ((edges[:-1] + edges[1:]) / 2).tolist(), mean.tolist(), error.tolist(), strict=True
        ):
            if spread > 0:
                at = x.px(place) + 2 * nth
                ends = y.px(100 * max(0.0, share - 2 * spread)), y.px(100 * (share + 2 * spread))
                drawn.append(
                    tag("line", x1=at, y1=ends[0], x2=at, y2=ends[1], class_=f"whisker c{nth}")
                )
    told = [(mark, plain(mark)) for mark in marks]
    if beyond:
        told[-1] = (told[-1][0], f"\N{GREATER-THAN OR EQUAL TO} {told[-1][1]}")
    drawn += [
        tag("text", words, x=x.px(mark), y=height - BOTTOM + 17, text_anchor="middle")
        for mark, words in told
    ]
    drawn.append(tag("text", unit, x=x.end, y=height - 1, text_anchor="end", class_="axis"))
    return svg(width, height, *drawn)
