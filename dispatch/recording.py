"""A zone's ledger as somebody else reads it: what happened, what led to it, on which streets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from dispatch.events import Recorded
from dispatch.journal import Began, Noted


class RecordingError(Exception):
    """A ledger cannot be read; the message names it and what to do."""

    code = "ledger_unreadable"


class Inputs(Protocol):
    """The inputs of a journal; read piece by piece, for those of a day fill no memory."""

    def after(self, n: int) -> Iterator[Noted]:
        """Yield those numbered above `n`, ascending."""
        ...


class TravelVersions(Protocol):
    """Versions of the travel times, as `geo.traffic_record` packs them."""

    def get(self, version: str) -> bytes | None:
        """Return one, None for one that was not kept."""
        ...


@dataclass(frozen=True, slots=True)
class Recording:
    """A zone's ledger, as it was at one moment.

    Attributes
    ----------
    where
        The ledger's name, for messages; without a password.
    began
        Each time an engine took the zone over; empty without a journal.
    inputs
        The journal.
    last
        The number the journal ends with; 0 without one.
    """

    where: str
    zone: str
    events: Sequence[Recorded]
    began: Sequence[Noted]
    inputs: Inputs
    travel: TravelVersions
    last: int

    @property
    def has_journal(self) -> bool:
        """Whether the inputs were kept; ledgers of older versions have only events."""
        return bool(self.began)

    @property
    def beginnings(self) -> tuple[Began, ...]:
        """The engines that had the zone, one after the other."""
        return tuple(noted.entry for noted in self.began if isinstance(noted.entry, Began))
