"""The same engine under a simulated clock: everything in one process, bit for bit reproducible."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from math import ceil
from typing import Final, Protocol

from dispatch import events as e
from dispatch.commands import Command
from dispatch.engine import Engine
from dispatch.errors import DispatchError, SequenceError
from dispatch.journal import Journal
from dispatch.kpis import Kpis, kpis
from dispatch.model import Plan, Policy, Snapshot
from dispatch.planning.plan import plan as solve_plan
from dispatch.replanning import REPLAN_FOR
from geo.city import City
from geo.errors import GeoError
from geo.travel import NetworkTravelTimes
from simulations.agenda import Agenda, Due
from simulations.replays.taught import Taught
from simulations.scenarios.settings import PlanningSettings, Scenario
from simulations.worlds.couriers import Seen
from simulations.worlds.streets import ForeseenStreets
from simulations.worlds.world import World

POSITIONS_EVERY_S: Final = 10
_HUNDRED: Final = 100


class SimClock:
    """A clock that stands still until it is set."""

    def __init__(self, start: int) -> None:
        self._now = start

    def now(self) -> int:
        """Return UTC epoch seconds."""
        return self._now

    def advance(self, to: int) -> None:
        """Go on to a time; never back."""
        self._now = max(self._now, to)


class MemoryLog:
    """The log of one zone, in memory."""

    def __init__(self, zone_id: str, history: Iterable[e.Recorded] = ()) -> None:
        self._zone_id = zone_id
        self.events = list(history)

    def append(
        self, expected_seq: int, at: int, events: Sequence[e.Event]
    ) -> tuple[e.Recorded, ...]:
        """Append after `expected_seq`; raises `SequenceError` if the log ends elsewhere."""
        if expected_seq != len(self.events):
            raise SequenceError(f"the log ends at {len(self.events)}, not at {expected_seq}")
        recorded = tuple(
            e.Recorded(self._zone_id, seq, at, event)
            for seq, event in enumerate(events, start=expected_seq + 1)
        )
        self.events.extend(recorded)
        return recorded

    def read(self, after: int) -> Sequence[e.Recorded]:
        """Return everything after a sequence number, in order."""
        return self.events[after:]


@dataclass(frozen=True, slots=True)
class Result:
    """What a simulation left behind.

    Attributes
    ----------
    solve_ms
        Wall time of each plan, kept out of the log so that the log depends on the seed alone;
        empty without a stopwatch.
    refusals
        How often the engine refused which command of the world.
    """

    log: tuple[e.Recorded, ...]
    kpis: Kpis
    solve_ms: tuple[float, ...]
    refusals: dict[str, int]
    world: World


class Outside(Protocol):
    """Everybody outside an engine: hears events, says commands."""

    def next_at(self) -> int | None:
        """Return when somebody will next want something, None if nobody does."""
        ...

    def act(self, now: int) -> list[Command]:
        """Return what is asked by now."""
        ...

    def refused(self, command: Command, code: str) -> None:
        """Hear that the engine would not do it."""
        ...

    def positions(self, now: int) -> list[Seen]:
        """Return where couriers are."""
        ...

    def hear(self, recorded: e.Recorded) -> None:
        """React to an event."""
        ...


class Foreseen(Protocol):
    """Keeps an engine's travel times to what it may know."""

    def next_change(self, after: int) -> int | None:
        """Return when they next change, None for never."""
        ...

    def turn(self, now: int) -> None:
        """Let what is due come into force."""
        ...

    def hear(self, recorded: e.Recorded) -> None:
        """React to an event."""
        ...


class Course:
    """An engine, everybody outside, and what is due when.

    Parameters
    ----------
    streets
        Of the engine's travel times.
    stopwatch
        Returns seconds of wall time, for measuring plans; None measures nothing.
    """

    def __init__(
        self,
        engine: Engine,
        clock: SimClock,
        log: MemoryLog,
        outside: Outside,
        streets: Foreseen,
        planning: PlanningSettings,
        stopwatch: Callable[[], float] | None = None,
    ) -> None:
        self.engine = engine
        self.clock = clock
        self.log = log
        self.solve_ms: list[float] = []
        self._outside = outside
        self._streets = streets
        self._planning = planning
        self._stopwatch = stopwatch
        self._agenda = Agenda()
        self._waiting: tuple[Plan, Snapshot] | None = None
        starts_at = clock.now()
        self._planned_at = starts_at
        self._work: dict[str, Callable[[int], None]] = {
            "streets": self._turn_streets,
            "world": self._let_act,
            "positions": self._report,
            "publish": self._publish,
            "commit": self._commit,
            "replan": self._replan,
        }
        self._put("streets", streets.next_change(starts_at))
        self._put("positions", starts_at)
        self._put("replan", starts_at)

    @property
    def now(self) -> int:
        """The simulated time."""
        return self.clock.now()

    def run(self, until: int) -> None:
        """Let everything happen that is due before `until`, and stop the clock there."""
        while (due := self._next(until)) is not None:
            self.clock.advance(due.at)
            self._work[due.kind](self.now)
        self.clock.advance(until)

    # --- what is due ---------------------------------------------------------------------------

    def _put(self, kind: str, at: int | None) -> None:
        if at is None:
            self._agenda.drop(kind)
        else:
            self._agenda.put(max(at, self.now), list(self._work).index(kind), kind)

    def _next(self, until: int) -> Due | None:
        self._put("world", self._outside.next_at())
        self._put("commit", self.engine.next_commit_at())
        at = self._agenda.next_at()
        return None if at is None or at >= until else self._agenda.pop(at)

    def _turn_streets(self, now: int) -> None:
        self._streets.turn(now)
        self._put("streets", self._streets.next_change(now))

    def _let_act(self, now: int) -> None:
        for command in self._outside.act(now):
            try:
                recorded = self.engine.handle(command)
            except (DispatchError, GeoError) as error:
                self._outside.refused(command, error.code)
            else:
                self._hear(recorded)

    def _report(self, now: int) -> None:
        for seen in self._outside.positions(now):
            self.engine.report_position(seen.courier_id, seen.place, seen.at)
        self._put("positions", now + POSITIONS_EVERY_S)

    def _commit(self, _now: int) -> None:
        self._hear(self.engine.commit_due())

    def _replan(self, now: int) -> None:
        snapshot = self.engine.snapshot()
        self._planned_at = now
        self._put("replan", now + self.engine.policy.replan_every_s)
        waits = self.engine.policy.standby_horizon_s > 0 and snapshot.couriers
        if not (snapshot.orders or snapshot.routes or waits):
            return
        self.engine.asked(snapshot)
        began = self._stopwatch() if self._stopwatch is not None else 0.0
        self._waiting = (solve_plan(snapshot), snapshot)
        if self._stopwatch is not None:
            self.solve_ms.append((self._stopwatch() - began) * 1000)
        self._put("publish", now + planning_s(self._planning, len(snapshot.orders)))

    def _publish(self, _now: int) -> None:
        if self._waiting is not None:
            plan, made_for = self._waiting
            self._waiting = None
            self._hear(self.engine.publish(plan, made_for, solve_ms=0.0))

    def _hear(self, recorded: Sequence[e.Recorded]) -> None:
        for event in recorded:
            self._streets.hear(event)
            self._outside.hear(event)
            if isinstance(event.event, REPLAN_FOR):
                self._put("replan", self._planned_at + self._planning.pause_s)


class Simulation(Course):
    """A scenario's world with its engine.

    Parameters
    ----------
    policy
        Instead of the engine's own.
    stopwatch
        Returns seconds of wall time, for measuring plans; None measures nothing.
    demand_until
        No order is clicked from this time on.
    journal
        Where the engine notes what it is told.
    """

    def __init__(
        self,
        scenario: Scenario,
        city: City,
        *,
        seed: int | None = None,
        policy: Policy | None = None,
        travel: NetworkTravelTimes | None = None,
        stopwatch: Callable[[], float] | None = None,
        demand_until: int | None = None,
        journal: Journal | None = None,
    ) -> None:
        roads = NetworkTravelTimes(city.network) if travel is None else travel
        # Two of them: what is true is not what the engine foresees.
        truth = NetworkTravelTimes(city.network)
        self.world = World(scenario, city, truth, seed, demand_until)
        clock = SimClock(self.world.starts_at)
        log = MemoryLog(city.name)
        engine = Engine(
            city.name,
            clock,
            roads,
            log,
            policy or Policy(),
            city.time_zone,
            seed=self.world.streams.seed,
            journal=journal,
        )
        learned = scenario.learned
        paces = {} if learned is None else {mode: learned.pace_of(mode) for mode in learned.paces}
        super().__init__(
            engine,
            clock,
            log,
            self.world if learned is None else Taught(self.world, learned),
            ForeseenStreets(scenario, city, roads, self.world.starts_at, paces),
            scenario.planning,
            stopwatch,
        )

    def drain(self, until: int) -> None:
        """Go on, at the longest until a time, until no order is open."""
        while self.now < until and (self.engine.state.orders or self._is_expected(until)):
            self.run(self.now + POSITIONS_EVERY_S)

    def _is_expected(self, until: int) -> bool:
        at = self._outside.next_at()
        return at is not None and at < min(until, self.world.demand_until or until)


def planning_s(settings: PlanningSettings, open_orders: int) -> int:
    """Return what a plan takes in the simulation, whole seconds, rounded up."""
    return ceil(settings.base_s + settings.per_hundred_orders_s * open_orders / _HUNDRED)


def simulate(
    scenario: Scenario,
    city: City,
    *,
    duration_s: int,
    seed: int | None = None,
    policy: Policy | None = None,
    travel: NetworkTravelTimes | None = None,
    stopwatch: Callable[[], float] | None = None,
) -> Result:
    """Run a scenario for some time from its beginning; same arguments, same log, bit for bit."""
    simulation = Simulation(
        scenario, city, seed=seed, policy=policy, travel=travel, stopwatch=stopwatch
    )
    simulation.run(simulation.world.starts_at + duration_s)
    return result_of(simulation)


def result_of(simulation: Simulation) -> Result:
    """Return what a simulation has come to so far."""
    figures = kpis(simulation.log.events, simulation.now, simulation.engine.policy)
    ascending = sorted(simulation.solve_ms)
    p95 = ascending[max(0, ceil(0.95 * len(ascending)) - 1)] if ascending else None
    return Result(
        log=tuple(simulation.log.events),
        kpis=replace(figures, replan_p95_ms=p95),
        solve_ms=tuple(simulation.solve_ms),
        refusals=dict(sorted(simulation.world.refusals.items())),
        world=simulation.world,
    )
