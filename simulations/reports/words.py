"""Figures as they are read: with their unit, no finer than they are known."""

from __future__ import annotations

import datetime as dt
from typing import Final

from simulations.studies.measures import FIGURES
from simulations.studies.study import Difference, Estimate

NONE: Final = "\N{EN DASH}"
ONE_EVENING: Final = "no interval from one evening"

_MINUTE_S: Final = 60
_LARGE: Final = 100


def number(value: float | None, unit: str) -> str:
    """Return a value in the unit it is read in, without the unit."""
    if value is None:
        return NONE
    if unit == "share":
        text = f"{100 * value:.1f}"
    elif unit == "s":
        text = f"{value / _MINUTE_S:.1f}"
    elif unit in {"orders", "count"}:
        text = f"{value:.0f}" if abs(value) >= _LARGE or value == round(value) else f"{value:.1f}"
    elif unit in {"km", "per hour"}:
        text = f"{value:.2f}"
    else:
        text = f"{value:.1f}"
    return text.replace("-", "\N{MINUS SIGN}")


def unit_of(unit: str) -> str:
    """Return the unit that `number` writes a value in, to stand behind it; empty for a count."""
    return {
        "share": "%",
        "s": "min",
        "orders": "",
        "count": "",
        "of 100": "",
        "per 100": "",
        "min per 100": "min",
        "per hour": "",
    }.get(unit, unit)


def with_unit(value: float | None, unit: str) -> str:
    """Return a value with its unit: `84 %`, `31.2 min`."""
    return f"{number(value, unit)} {unit_of(unit)}".strip() if value is not None else NONE


def titled(name: str) -> str:
    """Return the title of a figure with the unit that `number` writes it in."""
    measure = FIGURES[name]
    unit = unit_of(measure.unit)
    return f"{measure.title}, {unit}" if unit else measure.title


def between(low: float | None, high: float | None, unit: str) -> str:
    """Return an interval without its unit: `81 to 87`."""
    if low is None or high is None:
        return NONE
    return f"{number(low, unit)} to {number(high, unit)}"


def interval(one: Estimate) -> str:
    """Return the interval of a mean in words."""
    unit = FIGURES[one.name].unit
    if one.mean is None:
        return "nothing to measure"
    if one.low is None or one.high is None:
        return ONE_EVENING
    return f"95 %: {number(one.low, unit)} to {with_unit(one.high, unit)}"


def scaled(value: float, unit: str) -> float:
    """Return a value in the unit it is read in."""
    if unit == "share":
        return 100 * value
    return value / _MINUTE_S if unit == "s" else value


def signed(value: float | None, unit: str) -> str:
    """Return a difference with its sign."""
    if value is None:
        return NONE
    text = number(value, unit)
    return f"+{text}" if value > 0 and text.strip("0.") else text


def difference(one: Difference) -> str:
    """Return a difference with its interval in words."""
    unit = FIGURES[one.name].unit
    if one.mean is None:
        return "nothing to compare"
    told = f"{signed(one.mean, unit)} {unit_of(unit)}".strip()
    if one.low is None or one.high is None:
        return told
    return f"{told} ({signed(one.low, unit)} to {signed(one.high, unit)})"


def evenings(count: int) -> str:
    """Return a number of evenings in words."""
    return "one evening" if count == 1 else f"{count} evenings"


def seeds(found: tuple[int, ...]) -> str:
    """Return seeds, a run of them by its ends."""
    if not found:
        return "none"
    if len(found) > 2 and found == tuple(range(found[0], found[-1] + 1)):  # noqa: PLR2004
        return f"{found[0]} to {found[-1]}"
    return ", ".join(map(str, found))


def day(at: int, zone: dt.tzinfo) -> str:
    """Return a local date as people say it: `Friday, 20 November 2026`."""
    found = dt.datetime.fromtimestamp(at, zone)
    return f"{found:%A}, {found.day} {found:%B %Y}"


def duration(seconds: float) -> str:
    """Return a length of time in words: `3 h`, `1 h 30 min`, `15 min`, `none`."""
    if not seconds:
        return "none"
    hours, minutes = divmod(round(seconds / _MINUTE_S), 60)
    if not hours:
        return f"{minutes} min"
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"
