"""Times that devices send: checked against the service's clock, the present when left out."""

from __future__ import annotations

from typing import Final

from api.live import Live
from api.problems import Problem
from dispatch.engine import FUTURE_TOLERANCE_S

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
