"""The living zone: commands in one at a time, plans from a worker, couriers told in time.

Three threads and a process share the work.  The event loop speaks HTTP.  The engine's own thread
owns the engine, its travel times and all that is folded from events; every job that touches them
runs there, one after the other.  The ledger's thread writes.  The planner's process decides.
An answer is given only when what it rests on is durable.
"""

from __future__ import annotations

import asyncio
import contextvars
import time
from collections import deque
from collections.abc import Callable, Coroutine, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from api import metrics
from api.checkpoints import Checkpoints, Standing, standing_of
from api.clock import ServiceClock
from api.logs import logger
from api.news import Headlines
from api.notify import AT_HAND, Feed
from api.planner import Planner, Solved
from api.storage.journal import ZoneJournal
from api.storage.ledger import Ledger, ZoneLog
from api.storage.records import Batch, KeptAnswer, Position
from api.streets import StreetDesk
from api.ways import Ways
from dispatch import events as e
from dispatch.check import Violation, check
from dispatch.commands import Command, PlaceOrder
from dispatch.engine import Engine
from dispatch.kpis import KpiFold, Kpis
from dispatch.model import Snapshot
from dispatch.replanning import REPLAN_FOR
from dispatch.views import Position as Seen
from geo.city import City

_log = logger("live")
_T = TypeVar("_T")

_COALESCE_S: Final = 0.02
"""Wall seconds between the first reason to replan and the snapshot, so that more may join it."""

_LEAST_PAUSE_S: Final = 0.05
"""Wall seconds between two plans at least."""

_TICK_S: Final = 0.25
"""Longest wall time between two looks at what is due."""

_AFTER_FAULT_S: Final = 1.0
_SAMPLES: Final = 60
_MINUTE_S: Final = 60
HOUR_S: Final = 3600


@dataclass(frozen=True, slots=True)
class Sample:
    """Figures of the last hour, at one minute."""

    at: int
    kpis: Kpis
    couriers_busy: int


class Live:
    """One zone at work.

    Parameters
    ----------
    engine, log, journal
        The engine, the log it appends to, and the journal it notes its inputs in.
    checkpoints, known
        Where what was folded is kept, and what was known before `history`.
    history
        The events the engine was built from; what is folded here starts from them too.
    positions
        Latest known, by the ledger.
    """

    def __init__(
        self,
        *,
        city: City,
        clock: ServiceClock,
        engine: Engine,
        log: ZoneLog,
        journal: ZoneJournal,
        ledger: Ledger,
        planner: Planner,
        streets: StreetDesk,
        checkpoints: Checkpoints,
        known: Standing | None,
        history: Sequence[e.Recorded],
        positions: Iterable[Position],
    ) -> None:
        self.city = city
        self.clock = clock
        self.engine = engine
        self.ledger = ledger
        self.planner = planner
        self.streets = streets
        self.zone_id = engine.state.zone_id
        self.kpis = KpiFold(engine.policy) if known is None else known.kpis
        self.headlines = Headlines() if known is None else known.headlines
        self.ways = Ways(
            lambda origin, destination, mode: engine.travel.route(
                origin, destination, mode, clock.now()
            ),
            lambda: engine.travel.version,
        )
        self.samples: deque[Sample] = deque(maxlen=_SAMPLES)
        self.feed = Feed(self._read_events, history[-AT_HAND:], engine.state.seq)
        self.on_fatal: Callable[[], None] = lambda: None
        self.failed = False
        self._checkpoints = checkpoints
        self._log = log
        self._journal = journal
        self._answers: list[KeptAnswer] = []
        self._positions: list[Position] = []
        self._submitted: Future[None] | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="engine")
        self._replan_wanted = asyncio.Event()
        self._planning_fault = False
        self._tasks: list[asyncio.Task[None]] = []
        for recorded in history:
            self.kpis.add(recorded)
            self.headlines.add(recorded, engine.state)
        for position in positions:
            if position.courier_id in engine.state.couriers:
                engine.positions[position.courier_id] = Seen(position.place, position.at)

    # --- life ----------------------------------------------------------------------------------

    async def start(self, first: Sequence[Command]) -> None:
        """Begin to plan and to tell couriers; returns when the planner is warm and time passes.

        Parameters
        ----------
        first
            Commands for a zone without history.
        """
        loop = asyncio.get_running_loop()
        self._loop = loop
        self.streets.on_change = self._on_streets_changed
        if self.engine.state.seq == 0:
            await self.run(lambda: [self.handle(command) for command in first])
        await asyncio.to_thread(self.planner.warm_up)
        self.clock.run()
        self._tasks = [
            loop.create_task(self._forever("replan", self._replan_when_wanted), name="replan"),
            loop.create_task(self._forever("tell", self._tell_when_due), name="tell"),
        ]

    async def stop(self) -> None:
        """Finish what was begun: no more plans, the last job done and handed to the ledger."""
        self.feed.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.to_thread(self.planner.close)
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.to_thread(self._thread.shutdown, wait=True)
        is_kept = not self.failed and self.ledger.is_up
        await self.streets.close(keep=is_kept)
        await asyncio.to_thread(self._checkpoints.close, self._standing() if is_kept else None)

    def problems(self) -> list[str]:
        """Return why the zone is not ready; empty when it is."""
        found = []
        if self.failed or not self.ledger.is_up:
            found.append("the ledger does not take writes")
        if not self.planner.is_up:
            found.append("the planner is starting")
        if self._planning_fault:
            found.append("the last replan failed; the log has the reason")
        if self.feed.closing:
            found.append("the service is stopping")
        return found

    # --- jobs ----------------------------------------------------------------------------------

    async def run(self, job: Callable[[], _T]) -> _T:
        """Do a job on the engine's thread; returns, or raises what it raised, when durable."""
        loop = asyncio.get_running_loop()
        # With the context, so that what is said there carries the request's trace id.
        context = contextvars.copy_context()
        done, outcome = await loop.run_in_executor(
            self._thread, context.run, self._measured, time.perf_counter(), job
        )
        if done is not None:
            # One that is over already says whether the ledger failed.
            done.result() if done.done() else await asyncio.wrap_future(done)
        return outcome()

    def _measured(
        self, asked: float, job: Callable[[], _T]
    ) -> tuple[Future[None] | None, Callable[[], _T]]:
        """Do a job, and count how long it waited and took; `asked` by the performance counter."""
        began = time.perf_counter()
        found = self._execute(job)
        metrics.JOBS_WAITED.labels(self.zone_id).observe(began - asked)
        metrics.JOBS.labels(self.zone_id).observe(time.perf_counter() - began)
        return found

    def _execute(self, job: Callable[[], _T]) -> tuple[Future[None] | None, Callable[[], _T]]:
        outcome: Callable[[], _T]
        try:
            result = job()
        except Exception as error:  # noqa: BLE001  raised again where the answer is given
            outcome = _raiser(error)
        else:
            outcome = lambda: result  # noqa: E731
        recorded = self._log.take()
        answers, self._answers = self._answers, []
        positions, self._positions = self._positions, []
        told = self._journal.take()
        if recorded or answers or positions or told.inputs:
            self._submitted = self.ledger.submit(
                Batch(
                    self.zone_id,
                    events=recorded,
                    positions=positions,
                    answers=answers,
                    inputs=told.inputs,
                    travel=told.travel,
                )
            )
        for event in recorded:
            metrics.EVENTS.labels(self.zone_id, type(event.event).__name__).inc()
            self.kpis.add(event)
            self.headlines.add(event, self.engine.state)
            self.streets.hear(event)
        if positions:
            metrics.POSITIONS.labels(self.zone_id).inc(len(positions))
        for position in positions:
            if position.late:
                continue  # a track is learned from forwards
            self.streets.track(
                position, self.engine.state.courier(position.courier_id).courier.mode
            )
        if any(type(event.event) in REPLAN_FOR for event in recorded):
            self._loop.call_soon_threadsafe(self._replan_wanted.set)
        self._checkpoints.consider(self.engine.state.seq, self._standing)
        # Whatever this job looked at rests on what was submitted before, too.
        return self._submitted, outcome

    def _standing(self) -> Standing:
        return standing_of(self.engine, self.kpis, self.headlines)

    # --- what jobs may do; on the engine's thread only -----------------------------------------

    def handle(self, command: Command) -> tuple[e.Recorded, ...]:
        """Carry out a command, and tell couriers what has become due by it.

        Nobody is told of a new order before a plan has it.
        """
        recorded = self.engine.handle(command)
        if isinstance(command, PlaceOrder):
            return recorded
        return (*recorded, *self.engine.commit_due())

    def keep(self, answer: KeptAnswer) -> None:
        """Keep an answer for a retry, durable together with this job's events."""
        self._answers.append(answer)

    def track(self, position: Position) -> None:
        """Keep a position with this job."""
        self._positions.append(position)

    # --- deciding ------------------------------------------------------------------------------

    async def _replan_when_wanted(self) -> None:
        pace_s = max(self.engine.policy.replan_every_s / self.clock.speed, _LEAST_PAUSE_S)
        try:
            async with asyncio.timeout(pace_s):
                await self._replan_wanted.wait()
        except TimeoutError:
            pass
        await asyncio.sleep(_COALESCE_S)
        self._replan_wanted.clear()
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            await self._replan()
        except Exception:
            self._planning_fault = True
            metrics.REPLAN_FAULTS.labels(self.zone_id).inc()
            raise
        self._planning_fault = False
        # As long again as it took: half a core at most goes into plans, the rest into answers.
        await asyncio.sleep(max(_LEAST_PAUSE_S, loop.time() - began))

    async def _replan(self) -> None:
        take = await self.run(self._worth_planning)
        if take is None:
            return
        made_for, solved, violations = await asyncio.to_thread(self._decided, take)
        by = "worker" if solved.by_worker else "insertion"
        metrics.PLANS.labels(self.zone_id, by).observe(solved.solve_ms / 1000)
        metrics.PLANS_CUT_SHORT.labels(self.zone_id).inc(solved.cut_short)
        await self.run(
            lambda: self.engine.publish(
                solved.plan,
                made_for,
                solved.solve_ms,
                cut_short=solved.cut_short,
                by_worker=solved.by_worker,
                violations=violations,
            )
        )

    def _decided(self, take: Callable[[], Snapshot]) -> tuple[Snapshot, Solved, list[Violation]]:
        """Take a snapshot, have a plan made for it and verify it; nobody waits for this thread."""
        made_for = take()
        solved = self.planner.solve(made_for)
        return made_for, solved, check(solved.plan, made_for)

    def _worth_planning(self) -> Callable[[], Snapshot] | None:
        """Return what takes a snapshot, unless there is nothing to decide and the planner is warm.

        It is not taken here, so that nobody waits for it.
        """
        state, now = self.engine.state, self.clock.now()
        crew = state.couriers.values()
        idle = not state.orders and all(courier.route is None for courier in crew)
        if self.engine.policy.standby_horizon_s > 0:
            # With nothing to bring there is still where to wait.
            idle = idle and not any(courier.on_shift(now) for courier in crew)
        return None if idle and self.planner.is_up else self.engine.asking()

    async def _tell_when_due(self) -> None:
        due_at = await self.run(self._told_due)
        moment = self.clock.moment()
        minute = int(moment) // _MINUTE_S
        if not self.samples or self.samples[-1].at // _MINUTE_S != minute:
            await self.run(self._sample)
            self.streets.refresh()
        wait_s = _TICK_S
        if due_at is not None and due_at > moment:
            wait_s = min(wait_s, (due_at - moment) / self.clock.speed)
        await asyncio.sleep(max(wait_s, _COALESCE_S))

    def _told_due(self) -> int | None:
        """Tell couriers what is due by now; returns when something is next."""
        self.engine.commit_due()
        return self.engine.next_commit_at()

    def _sample(self) -> None:
        now = self.clock.now()
        busy = sum(courier.busy for courier in self.engine.state.couriers.values())
        self.samples.append(Sample(now, self.kpis.figures(now, now - HOUR_S), busy))

    async def _forever(self, name: str, step: Callable[[], Coroutine[Any, Any, None]]) -> None:
        while not self.failed:
            try:
                await step()
            except Exception:  # noqa: BLE001  logged, shown by readyz, and tried again
                if not self.ledger.is_up:
                    return  # `_on_failure` ends the service, or it is stopping
                _log.exception(f"{name}_failed", zone=self.zone_id)
                await asyncio.sleep(_AFTER_FAULT_S)

    # --- the ledger's news ---------------------------------------------------------------------

    def _read_events(self, after: int, limit: int) -> Sequence[e.Recorded]:
        return self.ledger.read(self.zone_id, after, limit)

    def on_written(self, batches: Sequence[Batch]) -> None:
        """Show what has become durable of this zone; on the ledger's thread."""
        events = [event for batch in batches for event in batch.events]
        if events:
            self._loop.call_soon_threadsafe(self.feed.add, events)

    def _on_streets_changed(self) -> None:
        self._loop.call_soon_threadsafe(self._replan_wanted.set)

    def on_ledger_failure(self, error: Exception) -> None:
        """Hear that nothing is written any more; on the ledger's thread."""
        self._loop.call_soon_threadsafe(self._on_failure, error)

    def _on_failure(self, error: Exception) -> None:
        """End the service: its state is ahead of the log and must not be built upon."""
        self.failed = True
        _log.critical("stopping", zone=self.zone_id, reason=str(error))
        self.feed.close()
        self.on_fatal()


def _raiser(error: Exception) -> Callable[[], Any]:
    def raise_it() -> Any:
        raise error

    return raise_it
