"""Where it hurts: orders gathered in a honeycomb, so that one evening of one door is no pattern."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from simulations.reports.map import Paper
from simulations.reports.markup import Content
from simulations.reports.orders import Orders
from simulations.reports.symbols import MapLayer, Symbol
from simulations.reports.words import NONE, evenings

ROWS_OF_TABLE: Final = 12

_ACROSS: Final = 15
"""Cells along the shorter side of a map."""

_LEAST_M: Final = 100.0
_KINDS: Final = ("none", "some", "much", "most")
_LATE_MIN: Final = (0.0, 1.0, 3.0)
"""Minutes late per delivery from which a cell is of the next kind."""

_REFUSED: Final = (0.0, 0.05, 0.15)
_DOOR_MIN: Final = (3.0, 4.0, 6.0)
_SMALLEST, _LARGEST = 0.22, 0.8
_Place = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Cell:
    """What happened around one place, all evenings together.

    Attributes
    ----------
    x, y
        Its middle, in units of the map.
    around
        The address of the order nearest to it.
    late, late_min, door_min
        Deliveries past their promise; minutes late per delivery, those in time counted as 0; and
        minutes at the door per delivery; nan without a delivery.
    """

    x: float
    y: float
    around: str
    asked: int
    delivered: int
    refused: int
    late: int
    late_min: float
    door_min: float

    @property
    def refused_share(self) -> float:
        """Of those asked for."""
        return self.refused / self.asked


def size_of(on: Paper) -> float:
    """Return the distance between two neighbouring cells, in units of the map."""
    frame = on.frame
    return max(min(frame.width, frame.height) / _ACROSS, _LEAST_M * frame.px_per_m)


def gather(orders: Orders, on: Paper) -> dict[_Place, Cell]:
    """Return the cells with an order in them, by their column and row."""
    known = np.isfinite(orders.lng) & np.isfinite(orders.lat)
    found = orders.where(known)
    if not len(found):
        return {}
    units = on.frame.px(np.stack([found.lng, found.lat], axis=1))
    places, middles = _honeycomb(units, size_of(on))
    groups: dict[_Place, list[int]] = {}
    for index, place in enumerate(places):
        groups.setdefault(place, []).append(index)
    return {
        place: _cell(found, units, middles[members[0]], np.array(members))
        for place, members in sorted(groups.items())
    }


def _honeycomb(
    units: NDArray[np.float64], apart: float
) -> tuple[list[_Place], NDArray[np.float64]]:
    """Return the cell of each point and its middle: of two shifted grids, the nearer point's."""
    step = np.array([apart, apart * math.sqrt(3)])
    even = np.rint(units / step)
    odd = np.rint(units / step - 0.5)
    at_even, at_odd = even * step, (odd + 0.5) * step
    nearer = np.hypot(*(units - at_even).T) <= np.hypot(*(units - at_odd).T)
    middle = np.where(nearer[:, None], at_even, at_odd)
    index = np.where(nearer[:, None], 2 * even, 2 * odd + 1).astype(int)
    return [(int(a), int(b)) for a, b in index.tolist()], middle


def _cell(
    orders: Orders,
    units: NDArray[np.float64],
    middle: NDArray[np.float64],
    members: NDArray[np.int64],
) -> Cell:
    # Nobody wrote down the address of an order that was refused.
    named = members[[bool(orders.address[each]) for each in members.tolist()]]
    far = np.hypot(*(units[named] - middle).T)
    delivered = members[orders.is_delivered[members]]
    late = orders.late_min[delivered]
    return Cell(
        x=float(middle[0]),
        y=float(middle[1]),
        around=str(orders.address[named[np.argmin(far)]]) if len(named) else "refused orders only",
        asked=len(members),
        delivered=len(delivered),
        refused=int(orders.is_refused[members].sum()),
        late=int((late > 0).sum()),
        late_min=float(np.nanmean(late)) if len(late) else float("nan"),
        door_min=_mean(orders.door_min[delivered]),
    )


def _mean(values: NDArray[np.float64]) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else float("nan")


# --- what is shown -------------------------------------------------------------------------------


def layers(cells: Sequence[Cell], on: Paper, count: int) -> list[MapLayer]:
    """Return the three things that may hurt: late, refused, long at the door.

    Parameters
    ----------
    count
        Of evenings.
    """
    return [
        MapLayer(
            "late",
            "Minutes late",
            _symbols(cells, [each.late_min for each in cells], _LATE_MIN, on, count),
            _meanings("late by", _LATE_MIN, "min a delivery", nothing="never late"),
        ),
        MapLayer(
            "refused",
            "Refused",
            _symbols(cells, [each.refused_share for each in cells], _REFUSED, on, count),
            _meanings("refused", [100 * each for each in _REFUSED], "%", nothing="none refused"),
        ),
        MapLayer(
            "door",
            "Time at the door",
            _symbols(cells, [each.door_min for each in cells], _DOOR_MIN, on, count),
            _meanings("at the door", _DOOR_MIN, "min", nothing="at the door up to 3 min"),
        ),
    ]


def _meanings(
    what: str, steps: Sequence[float], unit: str, *, nothing: str
) -> list[tuple[str, str]]:
    some = f"{what} up to {steps[1]:g} {unit}"
    much = f"up to {steps[2]:g} {unit}"
    return [
        ("none", nothing),
        ("some", some),
        ("much", much),
        ("most", f"more than {steps[2]:g} {unit}"),
    ]


def _symbols(
    cells: Sequence[Cell], values: Sequence[float], steps: Sequence[float], on: Paper, count: int
) -> list[Symbol]:
    most = max((each.asked for each in cells), default=1)
    return [
        Symbol(
            each.x,
            each.y,
            radius(each.asked, most, on),
            _KINDS[sum(value > step for step in steps)],
            _told(each, count),
        )
        for each, value in zip(cells, values, strict=True)
        if math.isfinite(value)
    ]


def radius(count: int, most: int, on: Paper) -> float:
    """Return how large the symbol of so many orders is: its area grows with them."""
    share = _SMALLEST + (_LARGEST - _SMALLEST) * math.sqrt(count / most)
    return share * size_of(on) / 2


def _told(cell: Cell, count: int) -> str:
    """Return the numbers of a cell over so many evenings in words."""
    said = [f"Around {cell.around}: {cell.asked} orders in {evenings(count)}"]
    if cell.delivered:
        said.append(
            f"{cell.delivered} delivered, {cell.late} of them late, {cell.late_min:.1f} min late "
            "a delivery"
        )
    said.append(f"{cell.refused} refused")
    if math.isfinite(cell.door_min):
        said.append(f"{cell.door_min:.1f} min at the door")
    return "; ".join(said)


HEADER: Final[tuple[Content, ...]] = (
    "Around",
    "Asked",
    "Refused",
    "Brought",
    "Late",
    "Min late each",
    "Min at door",
)


def worst_rows(cells: Sequence[Cell]) -> list[tuple[Content, ...]]:
    """Return rows of a table: where most minutes were late, then where most was refused."""
    ranked = sorted(
        cells,
        key=lambda each: (
            -(each.late_min * each.delivered if each.delivered else 0.0),
            -each.refused,
            -each.asked,
            each.around,
        ),
    )
    return [
        (
            each.around,
            each.asked,
            each.refused,
            each.delivered,
            each.late,
            tenths(each.late_min),
            tenths(each.door_min),
        )
        for each in ranked[:ROWS_OF_TABLE]
    ]


def tenths(value: float) -> str:
    """Return a value in tenths, a dash for nan."""
    return f"{value:.1f}" if math.isfinite(value) else NONE
