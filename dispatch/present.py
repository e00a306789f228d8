"""What an engine's input sees: one moment and one version of the travel times, whatever goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from dispatch.journal import Input, Journal, StreetsChanged
from dispatch.ports import Clock
from geo.types import TravelTimes


class Present:
    """Holds clock and travel times for the length of an input, and notes the input down.

    Parameters
    ----------
    journal
        None notes nothing.
    seq
        Returns the number the log ends with.
    """

    def __init__(self, clock: Clock, journal: Journal | None, seq: Callable[[], int]) -> None:
        self._clock = clock
        self._journal = journal
        self._seq = seq
        self._moment: int | None = None
        self._pin: TravelTimes | None = None
        self._version: str | None = None

    @contextmanager
    def held(self) -> Iterator[None]:
        """Let time and traffic stand still inside; one within another is part of it."""
        if self._moment is not None:
            yield
            return
        self._moment = self._clock.now()
        try:
            yield
        finally:
            self._moment = self._pin = None

    @contextmanager
    def noted(self, entry: Callable[[int], Input]) -> Iterator[None]:
        """Hold the present, and note an input that recorded something, also if it failed after.

        `entry` makes the input from its moment.
        """
        with self.held():
            after = self._seq()
            try:
                yield
            finally:
                if self._seq() != after:
                    self._note(after, entry(self.now()))

    def now(self) -> int:
        """Return the moment that is held, or the present one."""
        return self._clock.now() if self._moment is None else self._moment

    def travel(self, port: TravelTimes) -> TravelTimes:
        """Return the version of the travel times that is held; a new one is noted."""
        if self._pin is not None:
            return self._pin
        pin = port.pinned()
        if self._moment is not None:
            self._pin = pin
        if self._journal is not None and pin.version != self._version:
            self._version = pin.version
            self._journal.keep(pin)
            self.note(StreetsChanged(self.now(), pin.version))
        return pin

    def note(self, entry: Input) -> None:
        """Note an input that takes effect where the log ends now."""
        self._note(self._seq(), entry)

    def _note(self, after: int, entry: Input) -> None:
        if self._journal is not None:
            self._journal.note(after, entry)
