"""What an engine was told and when, apart from what came of it: enough to live a day again.

The log says what happened; it does not say where couriers were seen, when a plan was asked for, or
on which travel times it was made.  An engine with a journal notes down each input in the order in
which it took effect.  The same inputs to an engine with the same policy and seed record the same
events, under any clock: that is how a live day is replayed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol, TypeAlias, get_args

from dispatch.commands import Command
from dispatch.model import Policy
from geo.types import EpochS, LonLat, TravelTimes


@dataclass(frozen=True, slots=True)
class Began:
    """An engine took the zone over, at the beginning or where another one ended.

    Attributes
    ----------
    city, checksum
        Name of the city, and of the very files it was read from.
    edition
        Which program: its version and a digest of the code that decides.
    travel_servers
        Routing servers of others that were asked, as `car=osrm:127.0.0.1:5000`: what they answered
        is not kept.
    """

    at: EpochS
    city: str
    checksum: str
    time_zone: str
    policy: Policy
    seed: int
    edition: str
    travel_servers: tuple[str, ...] = ()


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
        A wall limit ended the search, or insertion stood in for a planner that failed: the first
        may not come out the same again.
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


Input: TypeAlias = Began | Handled | Told | Reported | Asked | Published | StreetsChanged

INPUT_TYPES: dict[str, type[Input]] = {kind.__name__: kind for kind in get_args(Input)}
"""Classes of inputs by the name they have in a ledger."""


class Noted(NamedTuple):
    """An input in a journal.

    Attributes
    ----------
    n
        Ascending in the order in which inputs took effect.
    after
        The number of the last event recorded before it; what it recorded comes after that.
    """

    n: int
    after: int
    entry: Input


class Journal(Protocol):
    """Where inputs are noted down; called on the engine's thread, in order."""

    def note(self, after: int, entry: Input) -> None:
        """Keep an input that took effect when the log ended at `after`."""

    def keep(self, travel: TravelTimes) -> None:
        """Keep travel times that come into force: a `StreetsChanged` with their version follows."""
