"""A recorded day under other decisions, and under its own: what would have changed.

A model of a day is not the day.  So the day's own policy is run in the same model, and set beside
what really happened: that says how far the model can be believed.  Between the two policies only
the model's runs are compared, pair by pair, on the same draws of what nobody saw.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from dispatch.engine import Engine
from dispatch.events import Recorded
from dispatch.model import Policy
from dispatch.recording import Recording
from geo.city import City
from geo.travel import NetworkTravelTimes
from simulations.loop import Course, MemoryLog, SimClock
from simulations.replays.day import Day
from simulations.replays.streets import RecordedStreets, Turning
from simulations.replays.world import DayWorld
from simulations.studies.outcome import Ending, Evening, OrderRow
from simulations.studies.rows import evening_of

_STEPS: Final = 60
_CHANGE_S: Final = 60


@dataclass(frozen=True, slots=True)
class Change:
    """An order that fared otherwise.

    Attributes
    ----------
    name
        The shop's id of the order, or the one it had that day.
    gain_s
        So much earlier at the door, or less late; None where it was brought on one side only.
    """

    name: str
    what: str
    gain_s: int | None
    before: OrderRow | None
    after: OrderRow | None


def lived(
    day: Day,
    recording: Recording,
    city: City,
    policy: Policy,
    seed: int,
    report: Callable[[float], None] = lambda _done: None,
) -> tuple[Evening, tuple[Recorded, ...]]:
    """Live a day under a policy; the same arguments give the same evening, bit for bit.

    Parameters
    ----------
    seed
        Of what was not seen that day.
    report
        Told how much is done, 0 to 1.
    """
    travel = NetworkTravelTimes(city.network)
    streets = Turning(RecordedStreets(recording.travel, city), city, travel, day.streets)
    streets.turn(day.starts_at)
    world = DayWorld(day, travel, seed)
    clock, log = SimClock(day.starts_at), MemoryLog(day.zone)
    engine = Engine(day.zone, clock, travel, log, policy, day.time_zone, seed=day.seed)
    course = Course(engine, clock, log, world, streets, day.planning)
    ends_at = day.ends_at + 1
    for step in range(1, _STEPS + 1):
        course.run(day.starts_at + (ends_at - day.starts_at) * step // _STEPS)
        report(step / _STEPS)
    evening = evening_of(
        log.events,
        seed=seed,
        starts_at=day.starts_at,
        ends_at=ends_at,
        refused_commands=world.refusals,
    )
    return evening, tuple(log.events)


def as_it_was(recording: Recording, since: int, until: int) -> Evening:
    """Return the rows and figures of what really happened in a time, both ends included."""
    return evening_of(
        [recorded for recorded in recording.events if recorded.at <= until],
        seed=0,
        starts_at=since,
        ends_at=until + 1,
    )


def changes(before: Evening, after: Evening) -> tuple[Change, ...]:
    """Return the orders that fared otherwise, those that changed most first."""
    old, new = _named(before.orders), _named(after.orders)
    found = []
    for name in sorted({*old, *new}):
        change = _change(name, old.get(name), new.get(name))
        if change is not None:
            found.append(change)
    return tuple(sorted(found, key=lambda one: (one.gain_s is not None, -abs(one.gain_s or 0))))


def summed_up(found: Sequence[Change]) -> Mapping[str, int]:
    """Return how many orders fared otherwise in which way, the most frequent first."""
    counts: dict[str, int] = {}
    for change in found:
        counts[change.what] = counts.get(change.what, 0) + 1
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _change(name: str, before: OrderRow | None, after: OrderRow | None) -> Change | None:
    if before is None or after is None:
        return Change(name, "only in one of the two", None, before, after)
    if before.ending is not after.ending:
        what = f"{_ended(before)}, now {_ended(after)}"
        return Change(name, what, None, before, after)
    if before.lateness_s is None or after.lateness_s is None:
        return None
    gain_s = (before.delivered_at or 0) - (after.delivered_at or 0)
    if (before.lateness_s > 0) != (after.lateness_s > 0):
        what = "late, now in time" if before.lateness_s > 0 else "in time, now late"
    elif abs(gain_s) < _CHANGE_S:
        return None
    else:
        what = "brought earlier" if gain_s > 0 else "brought later"
    return Change(name, what, gain_s, before, after)


def _ended(row: OrderRow) -> str:
    return "still open" if row.ending is Ending.OPEN else row.ending.value.replace("_", " ")


def _named(rows: Sequence[OrderRow]) -> dict[str, OrderRow]:
    """Return orders by the name they have in every run; parts after the order they are of."""
    whole = {row.order_id: row.external_id or row.order_id for row in rows if row.part_of is None}
    named = {}
    for row in rows:
        name = whole.get(row.order_id)
        if name is None:
            number = row.order_id.rpartition(".")[2]
            name = f"{whole.get(row.part_of or '', row.part_of)}.{number}"
        named[name] = row
    return named
