"""The engine's journal of one zone, kept by a ledger."""

from __future__ import annotations

from typing import NamedTuple

from dispatch.journal import Input, Noted
from geo.travel import PinnedTravelTimes
from geo.types import TravelTimes
from geo.weights import Weights


class Taken(NamedTuple):
    """What was noted since the last time: to be submitted as one batch with the events."""

    inputs: tuple[Noted, ...]
    travel: tuple[Weights, ...]


class ZoneJournal:
    """The engine's `Journal`: numbers inputs at once, hands them over in batches.

    Not thread-safe: it belongs to the thread that runs the engine.

    Parameters
    ----------
    last
        The number the journal ended with before.
    """

    def __init__(self, last: int) -> None:
        self._last = last
        self._inputs: list[Noted] = []
        self._travel: list[Weights] = []

    def note(self, after: int, entry: Input) -> None:
        """Give the input the next number."""
        self._last += 1
        self._inputs.append(Noted(self._last, after, entry))

    def keep(self, travel: TravelTimes) -> None:
        """Keep a version of our own network's times; what servers of others say is not kept."""
        if isinstance(travel, PinnedTravelTimes):
            self._travel.append(travel.weights)

    def take(self) -> Taken:
        """Return what was noted since the last call."""
        taken = Taken(tuple(self._inputs), tuple(self._travel))
        self._inputs.clear()
        self._travel.clear()
        return taken
