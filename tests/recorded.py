"""An evening with its journal, from a simulation: as a recording, and as a service's ledger."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from api.storage.ledger import Ledger
from api.storage.records import Batch, Position
from dispatch.events import Recorded
from dispatch.journal import Began, Input, Noted, Reported
from dispatch.model import Policy
from dispatch.recording import Recording
from geo.city import City
from geo.traffic_record import pack
from geo.types import TravelTimes
from geo.weights import Weights
from simulations.loop import Simulation
from simulations.scenarios.settings import Scenario


class MemoryJournal:
    """The engine's `Journal` in memory: what was noted, and the travel times by version."""

    def __init__(self) -> None:
        self.entries: list[Noted] = []
        self.travel: dict[str, TravelTimes] = {}

    def note(self, after: int, entry: Input) -> None:
        self.entries.append(Noted(len(self.entries) + 1, after, entry))

    def keep(self, travel: TravelTimes) -> None:
        self.travel[travel.version] = travel


@dataclass
class Entries:
    """Inputs in memory."""

    entries: Sequence[Noted]

    def after(self, n: int) -> Iterator[Noted]:
        return (noted for noted in self.entries if noted.n > n)


@dataclass
class Versions:
    """Travel times in memory, packed when they are asked for."""

    weights: dict[str, Weights]
    asked: list[str] = field(default_factory=list)

    def get(self, version: str) -> bytes | None:
        self.asked.append(version)
        found = self.weights.get(version)
        return None if found is None else pack(found)


def recorded_evening(
    scenario: Scenario, city: City, policy: Policy, lasts_s: int, edition: str = "test"
) -> Recording:
    """Simulate for a while, and return what a ledger would have kept of it."""
    journal = MemoryJournal()
    simulation = Simulation(scenario, city, policy=policy, journal=journal)
    began = Began(
        at=simulation.now,
        city=city.name,
        checksum=city.checksum,
        time_zone=city.time_zone,
        policy=policy,
        seed=simulation.engine.seed,
        edition=edition,
    )
    journal.note(0, began)
    simulation.run(simulation.now + lasts_s)
    weights = {key: travel.weights for key, travel in journal.travel.items()}  # type: ignore[attr-defined]
    return recording_of(simulation.log.events, journal.entries, weights)


def recording_of(
    events: Sequence[Recorded], entries: Sequence[Noted], weights: dict[str, Weights]
) -> Recording:
    return Recording(
        where="an evening",
        zone=events[0].zone_id,
        events=list(events),
        began=[noted for noted in entries if isinstance(noted.entry, Began)],
        inputs=Entries(entries),
        travel=Versions(weights),
        last=entries[-1].n if entries else 0,
    )


def with_entries(recording: Recording, entries: Iterable[Noted]) -> Recording:
    """Return a recording with other inputs."""
    versions = recording.travel
    assert isinstance(versions, Versions)
    return recording_of(recording.events, list(entries), versions.weights)


def with_events(recording: Recording, events: Sequence[Recorded]) -> Recording:
    """Return a recording with other events."""
    versions = recording.travel
    assert isinstance(versions, Versions)
    return recording_of(events, list(recording.inputs.after(0)), versions.weights)


def write_ledger(recording: Recording, path: Path, *, with_journal: bool = True) -> None:
    """Write a recording as a service would have: each input with the events it caused."""
    versions = recording.travel
    assert isinstance(versions, Versions)
    entries = list(recording.inputs.after(0)) if with_journal else []
    with Ledger(path) as ledger:
        done = ledger.submit(
            Batch(
                recording.zone,
                events=tuple(recording.events),
                positions=tuple(
                    Position(seen.courier_id, seen.place, seen.seen_at, seen.at)
                    for noted in recording.inputs.after(0)
                    if isinstance(seen := noted.entry, Reported)
                ),
                inputs=tuple(entries),
                travel=tuple(versions.weights.values()) if with_journal else (),
            )
        )
        done.result(timeout=30)
