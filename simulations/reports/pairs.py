"""The same customers in two studies: for whom it changed, and how much."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from simulations.reports.charts import WIDE_PX, figure, key, svg
from simulations.reports.markup import Markup, tag
from simulations.reports.orders import Orders
from simulations.reports.scale import Scale, plain, round_values
from simulations.studies.outcome import Ending

MOST_ROWS: Final = 10

_PX_PER_ROW: Final = 28
_Customer = tuple[int, str]


@dataclass(frozen=True, slots=True)
class Change:
    """One customer's order in both: minutes from the click to the door."""

    seed: int
    address: str
    first_min: float
    second_min: float

    @property
    def change_min(self) -> float:
        """How much later it came in the second."""
        return self.second_min - self.first_min


@dataclass(frozen=True, slots=True)
class Pairs:
    """Customers who clicked in both.

    Attributes
    ----------
    brought
        Those who got their goods at the door both times.
    endings
        How many ended how in the first and in the second.
    alone
        Clicks that only one of the two has.
    """

    brought: tuple[Change, ...]
    endings: Mapping[tuple[str, str], int]
    alone: int


def pair(first: Orders, second: Orders) -> Pairs:
    """Match orders by seed and the customer's own id; of a split order its last part counts."""
    mine, theirs = _by_customer(first), _by_customer(second)
    both = sorted(mine.keys() & theirs.keys())
    endings: Counter[tuple[str, str]] = Counter()
    brought = []
    for customer in both:
        a, b = mine[customer], theirs[customer]
        endings[str(first.ending[a]), str(second.ending[b])] += 1
        was, now = float(first.click_to_door_min[a]), float(second.click_to_door_min[b])
        if np.isfinite(was) and np.isfinite(now):
            brought.append(Change(customer[0], str(first.address[a] or ""), was, now))
    alone = len(mine.keys() ^ theirs.keys())
    return Pairs(tuple(brought), dict(endings), alone)


def _by_customer(orders: Orders) -> dict[_Customer, int]:
    found: dict[_Customer, int] = {}
    took_min = np.nan_to_num(orders.click_to_door_min, nan=-1.0)
    for index, (seed, name) in enumerate(
        zip(orders.seed.tolist(), orders.external_id.tolist(), strict=True)
    ):
        if name is not None:
            customer = (seed, name)
            if customer not in found or took_min[index] > took_min[found[customer]]:
                found[customer] = index
    return found


def worst_changed(pairs: Pairs) -> list[Change]:
    """Return those for whom it got worse most, then those for whom it got better most."""
    ranked = sorted(pairs.brought, key=lambda each: (-each.change_min, each.seed, each.address))
    worse = [each for each in ranked[:MOST_ROWS] if each.change_min > 0]
    better = [each for each in ranked[-MOST_ROWS:] if each.change_min < 0]
    return [*worse, *better]


def change_rows(pairs: Pairs, names: Mapping[Ending, str]) -> list[tuple[str, str, int]]:
    """Return how orders ended in the first and in the second, where that differs, most first."""
    told = {ending.value: name for ending, name in names.items()}
    found = [
        (told.get(a, a), told.get(b, b), count) for (a, b), count in pairs.endings.items() if a != b
    ]
    return sorted(found, key=lambda row: (-row[2], row[0], row[1]))


def change_plot(changes: Sequence[Change], names: tuple[str, str]) -> Markup:
    """Return a line for each customer: a ring where the first brought it, a square the second."""
    ends = [each for one in changes for each in (one.first_min, one.second_min)]
    marks = round_values(0.0, max(ends, default=1.0), 6)

    def draw(width: int) -> Markup:
        return _changes(width, changes, marks)

    said = "; ".join(
        f"{each.address}: {each.first_min:.0f} min in A, {each.second_min:.0f} min in B"
        for each in changes
    )
    ring = tag("circle", cx=0, cy=0, r=5, class_="dot unsure")
    legend = key(
        [
            (ring, f"A: {names[0]}"),
            (
                tag("rect", x=-5, y=-5, width=10, height=10, class_="dot worse"),
                f"B: {names[1]}, later",
            ),
            (tag("rect", x=-5, y=-5, width=10, height=10, class_="dot better"), "B, sooner"),
        ]
    )
    caption = "From the click to the door, of the customers for whom it changed most"
    return figure(caption, f"{caption}. {said}", draw, legend)


def _changes(width: int, changes: Sequence[Change], marks: Sequence[float]) -> Markup:
    beside = width >= WIDE_PX
    left = 210 if beside else 12
    each_px = _PX_PER_ROW if beside else _PX_PER_ROW + 18
    height = each_px * len(changes) + 36
    x = Scale(marks[0], marks[-1], left, width - (90 if beside else 20))
    drawn = []
    for mark in marks:
        at = x.px(mark)
        drawn.append(tag("line", x1=at, y1=2, x2=at, y2=height - 30, class_="grid"))
        drawn.append(tag("text", plain(mark), x=at, y=height - 15, text_anchor="middle"))
    drawn.append(tag("text", "min", x=x.end, y=height - 1, text_anchor="end", class_="axis"))
    for nth, each in enumerate(changes):
        at = nth * each_px + (each_px / 2 if beside else each_px - 12)
        style = "worse" if each.change_min > 0 else "better"
        sign = "+" if each.change_min > 0 else "\N{MINUS SIGN}"
        told = f"{sign}{abs(each.change_min):.0f} min"
        name = each.address or "no address"
        if beside:
            drawn.append(tag("text", name, x=left - 14, y=at + 4, text_anchor="end"))
            drawn.append(tag("text", told, x=x.end + 16, y=at + 4, class_="told"))
        else:
            drawn.append(tag("text", f"{name}: {told}", x=0, y=at - 14))
        was, now = x.px(each.first_min), x.px(each.second_min)
        drawn.append(tag("line", x1=was, y1=at, x2=now, y2=at, class_=f"change {style}"))
        drawn.append(tag("circle", cx=was, cy=at, r=5, class_="dot unsure"))
        drawn.append(tag("rect", x=now - 5, y=at - 5, width=10, height=10, class_=f"dot {style}"))
    return svg(width, height, *drawn)
