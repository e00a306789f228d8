"""How fast each key may ask, so that one client that runs away leaves the others their service."""

from __future__ import annotations

from math import ceil
from typing import Final

from api.problems import Problem

_BURST_S: Final = 2.0
"""So many seconds' worth of requests may come at once."""


class Pace:
    """Requests of each key, held to a rate.

    The generic cell rate algorithm (ITU-T I.371, annex A): one number for each key, the moment at
    which all it asked so far would be through at the rate.

    Parameters
    ----------
    per_s
        Requests a second for each key; 0 for as many as it likes.
    """

    def __init__(self, per_s: float) -> None:
        self._per_s = per_s
        self._through_at: dict[str, float] = {}

    def check(self, key_id: str, now: float) -> None:
        """Count a request, or refuse it; `now` by a clock that never goes back.

        Raises
        ------
        Problem
            `too_many_requests`, with `Retry-After`; it does not count.
        """
        if not self._per_s:
            return
        through_at = max(self._through_at.get(key_id, now), now) + 1 / self._per_s
        over_s = through_at - now - _BURST_S
        if over_s > 0:
            raise Problem(
                "too_many_requests",
                f"This key asks more than {self._per_s:g} times a second; slow down, or send "
                "in batches what can be.",
                headers={"Retry-After": str(ceil(over_s))},
            )
        self._through_at[key_id] = through_at
