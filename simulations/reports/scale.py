"""From values to pixels, and the round values that are written beside an axis."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass
from typing import Final

_NICE: Final = (1.0, 2.0, 2.5, 5.0, 10.0)
_TIME_STEPS_S: Final = (60, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400)
_LARGE: Final = 10_000


@dataclass(frozen=True, slots=True)
class Scale:
    """A straight scale; `begin` is where `low` lies, `end` where `high` lies."""

    low: float
    high: float
    begin: float
    end: float

    def px(self, value: float) -> float:
        """Return where a value lies; beyond the ends, at the end."""
        if self.high <= self.low:
            return (self.begin + self.end) / 2
        share = min(1.0, max(0.0, (value - self.low) / (self.high - self.low)))
        return self.begin + share * (self.end - self.begin)


def round_values(low: float, high: float, most: int) -> list[float]:
    """Return round values that cover a range, at most about `most` of them, at least two."""
    if not high > low:
        low, high = low - 0.5, low + 0.5
    wanted = (high - low) / max(most - 1, 1)
    power = 10.0 ** math.floor(math.log10(wanted))
    step = next(power * nice for nice in _NICE if power * nice >= wanted * (1 - 1e-9))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [number * step for number in range(first, last + 1)]


def round_times(begin: int, end: int, most: int, zone: dt.tzinfo) -> list[int]:
    """Return full hours, halves or quarters of local time within a stretch, UTC epoch seconds."""
    step = next((each for each in _TIME_STEPS_S if (end - begin) / each <= most), _TIME_STEPS_S[-1])
    offset = dt.datetime.fromtimestamp(begin, zone).utcoffset() or dt.timedelta()
    shift = int(offset.total_seconds())
    first = -(-(begin + shift) // step) * step - shift
    return list(range(first, end + 1, step))


def clock(at: float, zone: dt.tzinfo) -> str:
    """Return a time as `18:42`, local."""
    return f"{dt.datetime.fromtimestamp(at, zone):%H:%M}"


def percent(share: float) -> str:
    """Return a share as `84 %`."""
    return f"{100 * share:.0f} %"


def plain(value: float) -> str:
    """Return a number as it is written beside an axis: `0.25`, `12`, `12 000`, `-3`."""
    if abs(value) >= _LARGE:
        text = f"{value:,.0f}".replace(",", "\N{NARROW NO-BREAK SPACE}")
    else:
        text = f"{value:.10g}" if value == round(value, 6) else f"{value:.4g}"
    return text.replace("-", "\N{MINUS SIGN}")
