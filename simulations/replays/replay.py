"""A recorded day lived again: the same engine, told the same things, must record the same.

Every input of the journal is given to an engine under a clock that shows the input's own time, on
the travel times that were in force; plans are made anew.  What comes of it is held against the log
event by event.  Where it differs the recorded events are taken over, so that every input meets the
state it met that day, and one difference is not counted a hundred times.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from dispatch.engine import Engine
from dispatch.errors import DispatchError
from dispatch.events import Event, Recorded
from dispatch.journal import (
    Asked,
    Began,
    Handled,
    Noted,
    Published,
    Reported,
    StreetsChanged,
    Told,
)
from dispatch.model import Snapshot
from dispatch.planning.plan import plan, plan_by_insertion
from dispatch.recording import Recording
from dispatch.views import Position
from geo.city import City
from geo.errors import GeoError
from geo.travel import NetworkTravelTimes
from simulations.errors import ReplayError
from simulations.replays.difference import Difference, difference, same
from simulations.replays.streets import RecordedStreets

DIFFERENCES_KEPT: Final = 50
"""So many are described; all of them are counted."""


@dataclass(slots=True)
class Outcome:
    """What came of a replay so far.

    Attributes
    ----------
    taken_over
        Events from before the journal (or the chosen time) began, on which everything else rests.
    compared, identical
        Events held against those recorded, and how many of them were the same.
    plans, by_insertion
        Plans made again; of them by insertion, because the planner had failed that day.
    cut_short
        Plans whose search a wall limit had ended: taken over as recorded, for they need not come
        out the same.
    unasked
        Plans asked for before the chosen time: taken over.
    unkept
        Events decided on what routing servers of others had said, which is not kept: taken over.
    differing
        Events that differ, by their kind.
    """

    taken_over: int = 0
    compared: int = 0
    identical: int = 0
    inputs: int = 0
    positions: int = 0
    plans: int = 0
    by_insertion: int = 0
    cut_short: int = 0
    unasked: int = 0
    unkept: int = 0
    versions: int = 0
    starts: int = 0
    differing: Counter[str] = field(default_factory=Counter)
    differences: list[Difference] = field(default_factory=list)

    @property
    def is_identical(self) -> bool:
        """Whether nothing differed."""
        return not self.differing


@dataclass(slots=True)
class Mark:
    """How far a replay is, and what is not in the log: enough to go on from.

    Attributes
    ----------
    n, seq
        The last input done, and the last event recorded by then.
    began
        Number of the `Began` in force, 0 before the first.
    version
        Of the travel times in force.
    """

    n: int = 0
    seq: int = 0
    began: int = 0
    version: str | None = None
    positions: dict[str, Position] = field(default_factory=dict)
    outcome: Outcome = field(default_factory=Outcome)


class Replay:
    """A recording under the engine of today.

    Parameters
    ----------
    since, until
        Hold against the log only what took effect in this span, UTC epoch seconds; None for all.
    mark
        Where to go on; None from the beginning.

    Raises
    ------
    ReplayError
        The recording has no journal, or is of another city.
    """

    def __init__(
        self,
        recording: Recording,
        city: City,
        *,
        since: int | None = None,
        until: int | None = None,
        mark: Mark | None = None,
    ) -> None:
        _check(recording, city)
        self._recording = recording
        self._city = city
        self._since = since
        self._until = until
        self._log = _HeldAgainst(recording.events)
        self._clock = _Clock()
        self._travel = NetworkTravelTimes(city.network)
        self._streets = RecordedStreets(recording.travel, city)
        self._began: dict[int, Began] = {
            noted.n: noted.entry for noted in recording.began if isinstance(noted.entry, Began)
        }
        self._engine: Engine | None = None
        self._asked: Snapshot | None = None
        self._is_asked = False
        self.mark = Mark() if mark is None else mark

    @property
    def outcome(self) -> Outcome:
        """What came of it so far."""
        return self.mark.outcome

    def run(
        self,
        report: Callable[[float], None] = lambda _done: None,
        keep: Callable[[Mark], None] = lambda _mark: None,
    ) -> Outcome:
        """Live the day to its end.

        Parameters
        ----------
        report
            Told how much is done, 0 to 1.
        keep
            Called now and then with where one could go on from.
        """
        last = max(self._recording.last, 1)
        for step in _steps(self._recording.inputs.after(self.mark.n), self._recording.events):
            if self._until is not None and step.noted.entry.at > self._until:
                break
            self._take(step)
            self.mark.n = step.positions[-1].n if step.positions else step.noted.n
            if not self._is_asked:
                keep(self.mark)
            report(self.mark.n / last)
        return self.outcome

    # --- one input after the other -------------------------------------------------------------

    def _take(self, step: _Step) -> None:
        entry, mark = step.noted.entry, self.mark
        self._clock.time = entry.at
        if isinstance(entry, Began):
            mark.began = step.noted.n
            self._engine = None
            self._asked, self._is_asked = None, False
            self.outcome.starts += 1
        elif isinstance(entry, StreetsChanged):
            mark.version = entry.version
            self.outcome.versions += 1
            if self._engine is not None:
                self._open_streets()
        elif self._since is not None and entry.at < self._since:
            self._is_asked = isinstance(entry, Asked)
            self._asked = None
            self._engine = None
            mark.seq = step.ends_at
            self.outcome.taken_over = step.ends_at
        else:
            self._live(step)
        for noted in step.positions:
            self._see(noted)

    def _see(self, noted: Noted) -> None:
        seen = noted.entry
        if isinstance(seen, Reported):
            position = Position(seen.place, seen.seen_at)
            self.mark.positions[seen.courier_id] = position
            if self._engine is not None:
                self._engine.positions[seen.courier_id] = position
            self.outcome.positions += 1

    def _live(self, step: _Step) -> None:
        entry, outcome = step.noted.entry, self.outcome
        engine = self._ready(step.noted.after)
        outcome.inputs += 1
        if self._began[self.mark.began].travel_servers:
            outcome.unkept += self._take_over(engine, step.ends_at)
        elif isinstance(entry, Asked):
            self._asked, self._is_asked = engine.snapshot(), True
        elif isinstance(entry, Published):
            self._publish(engine, step, entry)
        else:
            self._hold_against(engine, step)
        self.mark.seq = step.ends_at

    def _publish(self, engine: Engine, step: _Step, entry: Published) -> None:
        outcome, made_for = self.outcome, self._asked
        self._asked, self._is_asked = None, False
        if made_for is None:
            outcome.unasked += 1
            outcome.taken_over += self._take_over(engine, step.ends_at)
            return
        if entry.cut_short:
            outcome.cut_short += 1
            self._take_over(engine, step.ends_at)
            return
        outcome.plans += 1
        outcome.by_insertion += not entry.by_worker
        self._hold_against(engine, step, made_for)

    def _hold_against(self, engine: Engine, step: _Step, made_for: Snapshot | None = None) -> None:
        """Let the engine do it, and compare; what differs is taken over as recorded."""
        entry, outcome = step.noted.entry, self.outcome
        begins_at = engine.state.seq
        self._log.ends_at = step.ends_at
        made: Sequence[Event] = ()
        refusal = ""
        try:
            match entry:
                case Handled(command=command):
                    engine.handle(command)
                case Told():
                    engine.commit_due()
                case Published() if made_for is not None:
                    solve = plan if entry.by_worker else plan_by_insertion
                    engine.publish(
                        solve(made_for), made_for, entry.solve_ms, by_worker=entry.by_worker
                    )
                case _:
                    raise TypeError(f"{type(entry).__name__} records nothing")
        except _DivergedError as error:
            made = error.made
        except (DispatchError, GeoError) as error:
            refusal = f"{error.code}: {error}"
        outcome.compared += step.ends_at - begins_at
        outcome.identical += engine.state.seq - begins_at
        if engine.state.seq < step.ends_at or made:
            self._differ(engine, step, made, refusal)
            self._take_over(engine, step.ends_at)

    def _differ(self, engine: Engine, step: _Step, made: Sequence[Event], refusal: str) -> None:
        """Count and describe what differs from the first event that does."""
        first = engine.state.seq + 1
        recorded = self._recording.events[first - 1 : step.ends_at]
        for index in range(max(len(recorded), len(made))):
            then = recorded[index] if index < len(recorded) else None
            now = made[index] if index < len(made) else None
            if then is not None and now is not None and same(then.event, now):
                continue
            kind = type(now if then is None else then.event).__name__
            self.outcome.differing[kind] += 1
            if len(self.outcome.differences) < DIFFERENCES_KEPT:
                self.outcome.differences.append(
                    difference(first + index, step.noted, then, now, refusal)
                )

    def _take_over(self, engine: Engine, ends_at: int) -> int:
        """Adopt what was recorded; returns how many events."""
        begins_at = engine.state.seq
        engine.adopt(self._recording.events[begins_at:ends_at])
        self._log.seq = ends_at
        return ends_at - begins_at

    # --- the engine ----------------------------------------------------------------------------

    def _ready(self, after: int) -> Engine:
        """Return the engine, made from the log as it was if there is none."""
        if self._engine is not None:
            return self._engine
        began = self._began[self.mark.began]
        self._log.seq = after
        if not self.outcome.inputs:
            self.outcome.taken_over = after
        self._open_streets()
        engine = Engine(
            zone_id=self._recording.zone,
            clock=self._clock,
            travel=self._travel,
            log=self._log,
            policy=began.policy,
            time_zone=began.time_zone,
            seed=began.seed,
        )
        engine.positions.update(self.mark.positions)
        self._engine = engine
        return engine

    def _open_streets(self) -> None:
        """Put the travel times in force that were in force that day."""
        version = self.mark.version
        began = self._began.get(self.mark.began)
        if version is None or self._travel.version == version:
            return
        if began is not None and began.travel_servers:
            return
        self._travel.use(self._streets.weights(version), self._clock.time)


class _Clock:
    """Shows what it is set to."""

    def __init__(self) -> None:
        self.time = 0

    def now(self) -> int:
        return self.time


class _DivergedError(Exception):
    """What an engine records is not what was recorded."""

    def __init__(self, made: Sequence[Event]) -> None:
        super().__init__(f"{len(made)} events are not as recorded")
        self.made = made


class _HeldAgainst:
    """A log that takes only what it holds already.

    Attributes
    ----------
    seq
        How far it was said again.
    ends_at
        The last event that the input under way recorded that day.
    """

    def __init__(self, events: Sequence[Recorded]) -> None:
        self._events = events
        self.seq = 0
        self.ends_at = 0

    def append(self, expected_seq: int, at: int, events: Sequence[Event]) -> tuple[Recorded, ...]:
        """Return the recorded events if these are the same; all of them or none."""
        begin, end = expected_seq, expected_seq + len(events)
        known = tuple(self._events[begin : min(end, self.ends_at)])
        if len(known) < len(events) or any(
            then.at != at or not same(then.event, now)
            for then, now in zip(known, events, strict=True)
        ):
            raise _DivergedError(events)
        self.seq = end
        return known

    def read(self, after: int) -> Sequence[Recorded]:
        """Return what was said again so far."""
        return self._events[after : self.seq]


class _Step(NamedTuple):
    """An input, the last event it recorded (or the last before it), and positions seen after it."""

    noted: Noted
    ends_at: int
    positions: tuple[Noted, ...]


def _steps(inputs: Iterable[Noted], events: Sequence[Recorded]) -> Iterator[_Step]:
    last: Noted | None = None
    seen: list[Noted] = []
    for noted in inputs:
        if isinstance(noted.entry, Reported):
            seen.append(noted)
            continue
        if last is not None:
            yield _Step(last, noted.after, tuple(seen))
            seen = []
        last = noted
    if last is not None:
        yield _Step(last, len(events), tuple(seen))


def _check(recording: Recording, city: City) -> None:
    beginnings = recording.beginnings
    if not beginnings:
        raise ReplayError(
            f"{recording.where} has no journal: it was written before samehour kept what its "
            "engine was told. It cannot be replayed exactly"
        )
    for began in beginnings:
        if began.checksum != city.checksum:
            raise ReplayError(
                f"{recording.where} was decided in {began.city} {began.checksum[:12]}, and here is "
                f"{city.name} {city.checksum[:12]}: the city was built anew since. Put the files "
                "of that day back to replay it exactly"
            )
