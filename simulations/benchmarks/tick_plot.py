"""Price against time on paper: an SVG of our own, for nothing that draws is installed."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from html import escape
from typing import Final

from simulations.benchmarks.tick_contest import Contest, Run

_WIDTH: Final = 860
_HEIGHT: Final = 460
_LEFT, _RIGHT, _TOP, _BOTTOM = 72, 190, 56, 52
_FIRST_S: Final = 1e-3
_LEAST: Final = 1e-3
"""Gaps below a tenth of a per cent are drawn as that."""
_MOST: Final = 10.0
_LABEL_PX: Final = 16
_STYLES: Final = (
    ("#0072b2", "", "circle"),
    ("#56b4e9", "6 3", "ring"),
    ("#d55e00", "", "square"),
    ("#009e73", "2 3", "diamond"),
)
"""Okabe and Ito's colours; a dash and a mark double each."""
_INK: Final = "#333"


def plot(contest: Contest) -> str:
    """Return an SVG of each contestant's gap to the best known price over time, both logarithmic.

    The best known counts as a gap of a tenth of a per cent, the least that is drawn.
    """
    paper = _Paper(contest)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        f'font-family="system-ui, sans-serif" font-size="12" fill="{_INK}">'
    )
    big = 'font-size="15" font-weight="600"'
    parts = [
        head,
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fff"/>',
        f'<text x="{_LEFT}" y="24" {big}>{escape(_title(contest))}</text>',
        f'<text x="{_LEFT}" y="42">Gap to the best known plan against time on one core</text>',
        *paper.grid(),
        *paper.curves(contest.runs),
        "</svg>\n",
    ]
    return "\n".join(parts)


def _title(contest: Contest) -> str:
    return (
        f"{contest.city}: {contest.orders} open orders ({contest.to_route} to route), "
        f"{contest.couriers} couriers, {contest.stores} stores"
    )


class _Paper:
    def __init__(self, contest: Contest) -> None:
        self.best = contest.best
        ends = [point.after_s for run in contest.runs for point in run.points]
        self.last_s = max(contest.seconds, *ends, 10 * _FIRST_S)

    def x(self, after_s: float) -> float:
        share = math.log(max(after_s, _FIRST_S) / _FIRST_S) / math.log(self.last_s / _FIRST_S)
        return _LEFT + share * (_WIDTH - _LEFT - _RIGHT)

    def y(self, price: float) -> float:
        gap = min(max(price / self.best - 1.0, _LEAST), _MOST)
        share = math.log(gap / _LEAST) / math.log(_MOST / _LEAST)
        return _HEIGHT - _BOTTOM - share * (_HEIGHT - _TOP - _BOTTOM)

    def grid(self) -> Iterator[str]:
        for power in range(-3, 1 + math.floor(math.log10(self.last_s))):
            x = self.x(10.0**power)
            name = f"{10.0**power:g} s" if power >= 0 else f"{10 ** (power + 3)} ms"
            yield _line(x, _TOP, x, _HEIGHT - _BOTTOM)
            yield f'<text x="{x:.1f}" y="{_HEIGHT - 32}" text-anchor="middle">{name}</text>'
        for gap in (0.001, 0.01, 0.1, 1.0, 10.0):
            y = self.y(self.best * (1 + gap))
            name = f"{'≤ ' if gap == _LEAST else ''}{gap * 100:g} %"
            yield _line(_LEFT, y, _WIDTH - _RIGHT, y)
            yield f'<text x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{name}</text>'

    def curves(self, runs: Sequence[Run]) -> Iterator[str]:
        taken: list[float] = []
        for run, (colour, dash, mark) in zip(runs, _STYLES, strict=False):
            if not run.points:
                continue
            steps: list[tuple[float, float]] = []
            for point in run.points:
                x, y = self.x(point.after_s), self.y(point.price)
                if steps:
                    steps.append((x, steps[-1][1]))
                steps.append((x, y))
            end_y = steps[-1][1]
            steps.append((self.x(self.last_s), end_y))
            data = " ".join(f"{x:.1f},{y:.1f}" for x, y in steps)
            yield (
                f'<polyline points="{data}" fill="none" stroke="{colour}" stroke-width="2" '
                f'stroke-dasharray="{dash}"/>'
            )
            yield _mark(mark, *steps[0], colour)
            label_y = end_y
            while any(abs(label_y - other) < _LABEL_PX for other in taken):
                label_y -= 1
            taken.append(label_y)
            yield _mark(mark, _WIDTH - _RIGHT + 10, label_y, colour)
            yield (
                f'<text x="{_WIDTH - _RIGHT + 20}" y="{label_y + 4:.1f}">{escape(run.name)}</text>'
            )


def _line(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="#ddd"/>'


def _mark(kind: str, x: float, y: float, colour: str) -> str:
    paint = f'fill="{colour}" stroke="{colour}"'
    match kind:
        case "circle":
            return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4.5" {paint}/>'
        case "ring":
            return (
                f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="#fff" stroke="{colour}" '
                'stroke-width="2"/>'
            )
        case "square":
            return f'<rect x="{x - 4:.1f}" y="{y - 4:.1f}" width="8" height="8" {paint}/>'
        case _:
            corners = (
                f"{x:.1f},{y - 5:.1f} {x + 5:.1f},{y:.1f} {x:.1f},{y + 5:.1f} {x - 5:.1f},{y:.1f}"
            )
            return f'<polygon points="{corners}" {paint}/>'
