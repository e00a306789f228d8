"""Times on the wire: those of devices, checked against the service's clock, and periods."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import Query

from api.live import Live
from api.problems import Problem
from api.schemas import Moment
from dispatch.engine import FUTURE_TOLERANCE_S

From = Annotated[Moment | None, Query(alias="from")]
To = Annotated[Moment | None, Query(alias="to")]

_DAY_S: Final = 86_400
_POINTERS: Final = {"occurred_at": "/occurred_at", "created_at": "/created_at", "at": "/at"}


def device_time(live: Live, at: int | None, field: str = "occurred_at") -> int:
    """Return when something happened by a device's clock.

    Raises
    ------
    Problem
        The time lies further in the future than a clock may be wrong.
    """
    now = live.clock.now()
    if at is None:
        return now
    if at > now + FUTURE_TOLERANCE_S:
        raise Problem(
            "time_in_future",
            f"{field} is {at - now} s in the future; set the device's clock.",
            {"pointer": _POINTERS[field]},
        )
    return at


def period(now: int, begins: int | None, ends: int | None) -> tuple[int, int]:
    """Return the period asked for, `[from, to)`, the last 24 hours when neither is given.

    Raises
    ------
    Problem
        It has no moment in it.
    """
    end = now + 1 if ends is None else ends
    start = end - _DAY_S if begins is None else begins
    if start >= end:
        raise Problem("invalid_request", "from must lie before to.", {"pointer": "/from"})
    return start, end
