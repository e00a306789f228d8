"""What an engine was told and when, apart from what came of it: enough to live a day again.

The log says what happened; it does not say where couriers were seen, when a plan was asked for, or
on which travel times it was made.  An engine with a journal notes down each input in the order in
which it took effect.  The same inputs to an engine with the same policy and seed record the same
events, under any clock: that is how a live day is replayed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, TypeAlias

from dispatch.commands import Command
from geo.types import EpochS, LonLat


@dataclass(frozen=True, slots=True)
class Handled:
    """A command that recorded something."""

    at: EpochS
    command: Command


@dataclass(frozen=True, slots=True)
class Told:
    """The clock asked for something: `Engine.commit_due` recorded events."""

    at: EpochS


@dataclass(frozen=True, slots=True)
class Reported:
    """A position that became a courier's latest; `seen_at` is by the device's clock."""

    at: EpochS
    courier_id: str
    place: LonLat
    seen_at: EpochS


@dataclass(frozen=True, slots=True)
class Asked:
    """A snapshot was taken to be planned for."""

    at: EpochS


@dataclass(frozen=True, slots=True)
class Published:
    """The plan for the last `Asked` came into force.

    Attributes
    ----------
    cut_short, by_worker
        A wall limit ended the search, or insertion stood in for a planner that failed: such a
        plan may not come out the same again.
    """

    at: EpochS
    solve_ms: float
    cut_short: bool = False
    by_worker: bool = True


@dataclass(frozen=True, slots=True)
class StreetsChanged:
    """Other travel times came into force; whoever keeps the journal keeps them by this name."""

    at: EpochS
    version: str


Input: TypeAlias = Handled | Told | Reported | Asked | Published | StreetsChanged


class Journal(Protocol):
    """Where inputs are noted down."""

    def note(self, entry: Input) -> None:
        """Keep an input; called on the engine's thread, in order."""
