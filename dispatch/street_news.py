"""Travel times kept true to the log: streets that it says are closed are closed."""

from __future__ import annotations

from collections.abc import Iterable

from dispatch.events import Recorded, StreetClosed, StreetReopened
from geo.closures import Closure
from geo.errors import ClosureError
from geo.traffic import Traffic
from geo.travel import NetworkTravelTimes


class StreetNews:
    """Hears of closures; belongs to one thread.

    Parameters
    ----------
    travel
        Whose weights are swapped.
    traffic
        What the weights are made from.
    """

    def __init__(self, travel: NetworkTravelTimes, traffic: Traffic) -> None:
        self.travel = travel
        self.traffic = traffic

    def hear(self, recorded: Recorded) -> bool:
        """Put a closure or its end in force; returns whether the event was about one."""
        match recorded.event:
            case StreetClosed(closure=closure):
                self._close(closure, recorded.at)
            case StreetReopened(closure_id=closure_id):
                self._reopen(closure_id)
            case _:
                return False
        self.refresh(recorded.at)
        return True

    def begin(self, closures: Iterable[Closure], now: int) -> tuple[str, ...]:
        """Put in force what is closed already; returns what cannot be, and why.

        A street that is not in the city any more, after it was rebuilt, cannot be closed.
        """
        left_out = []
        for closure in closures:
            try:
                self._close(closure, now)
            except ClosureError as error:
                left_out.append(str(error))
        self.refresh(now)
        return tuple(left_out)

    def _close(self, closure: Closure, now: int) -> None:
        if closure.until is None or closure.until > now:
            self.traffic.close(closure, now)

    def _reopen(self, closure_id: str) -> None:
        # One that was over by its own time is open already.
        if any(known.closure_id == closure_id for known in self.traffic.closures):
            self.traffic.reopen(closure_id)

    def refresh(self, now: int) -> bool:
        """Bring the travel times up to `now`; returns whether any may have changed."""
        weights = self.traffic.weights(now)
        if weights.version == self.travel.version:
            return False
        self.travel.use(weights, now)
        return True
