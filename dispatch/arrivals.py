"""When a customer should look for their goods, as a range that is honest about forecasts.  Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from dispatch.model import Promise
from geo.types import EpochS

_MINUTE_S: Final = 60
_LEAST_ERROR_S: Final = 120
"""No forecast is better than this, however near the courier: a lift, a gate, a red light."""

_ERROR_SHARE: Final = 3
"""What lies ahead may take a third more or less."""


@dataclass(frozen=True, slots=True)
class Expected:
    """When goods are expected.

    Attributes
    ----------
    earliest, latest
        Whole minutes; None when nobody can say.
    late
        Expected, or still awaited, after the end of the promise.
    """

    earliest: EpochS | None
    latest: EpochS | None
    late: bool


def expected(promise: Promise, eta: int | None, now: int, margin_s: int) -> Expected:
    """Return when goods are expected that are not there yet.

    Parameters
    ----------
    eta
        The forecast of the plan in force; None when there is none: then the promise stands, until
        it is over.
    margin_s
        The most that a forecast is taken to be wrong.

    Notes
    -----
    The range is never narrower than the forecast's error to either side, and its end never lies
    in the past.
    """
    if eta is None:
        if now >= promise.latest:
            return Expected(None, None, late=True)
        return Expected(_floor(max(now, promise.earliest)), promise.latest, late=False)
    awaited = max(now, eta)
    error_s = max(_LEAST_ERROR_S, min(margin_s, (awaited - now) // _ERROR_SHARE))
    return Expected(
        earliest=_floor(max(now, eta - error_s)),
        latest=-_floor(-(awaited + error_s)),
        late=awaited > promise.latest,
    )


def _floor(at: int) -> int:
    return at // _MINUTE_S * _MINUTE_S
