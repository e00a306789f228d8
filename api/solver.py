"""Where problems of `POST /v1/solve` are solved: a process of its own, that may be killed.

The body goes there as it came, and the answer comes back ready to be sent: neither is ever read on
the event loop.  What only the service knows, ways on the roads as they are now, the process asks
back for.  It starts with the first problem.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import pairwise
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any, Final

import numpy as np

from api import metrics
from api.logs import logger
from api.problems import Problem
from api.solve_reading import Limits, RoadTable
from api.solve_refusal import SolveRefusal, refuse
from geo.errors import GeoError, MatrixTooLargeError, NoRouteError, UnknownModeError
from geo.polyline import encode
from geo.types import LonLat, Mode, TravelTimes

_log = logger("solver")

_GREETING_S: Final = 60.0
"""Wall limit of a new worker's first word, for whoever waits; it may have to compile first."""

_GRACE_S: Final = 20.0
"""A worker that is over its limit by more is given up."""

_LOOK_S: Final = 0.05
"""How often it is seen whether the client still waits."""

_PRIORITY: Final = 5
_READY: Final = "ready"
_MOST_TOLD: Final = 20


@dataclass(frozen=True, slots=True)
class Job:
    """A body to be solved."""

    raw: bytes
    limits: Limits


@dataclass(frozen=True, slots=True)
class AskRoads:
    """The worker asks for times and lengths between places."""

    mode: Mode
    places: tuple[LonLat, ...]


@dataclass(frozen=True, slots=True)
class AskLines:
    """The worker asks for the lines of ways over places."""

    ways: tuple[tuple[Mode, tuple[LonLat, ...]], ...]


@dataclass(frozen=True, slots=True)
class Stop:
    """Nobody waits for the answer any more."""


@dataclass(frozen=True, slots=True)
class Done:
    """The answer, as it is sent."""

    body: bytes


@dataclass(frozen=True, slots=True)
class Refused:
    """What cannot be solved, and why."""

    code: str
    detail: str
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Broke:
    """What went wrong in the worker."""

    reason: str


class Solver:
    """One worker and what it is asked; safe to use from one thread at a time."""

    def __init__(self) -> None:
        self._context = multiprocessing.get_context("spawn")
        self._process: BaseProcess | None = None
        self._pipe: Connection | None = None
        self._warm = False
        self._closed = False

    def solve(self, raw: bytes, limits: Limits, roads: Roads, is_gone: Callable[[], bool]) -> bytes:
        """Return the answer to a body; blocks.

        Raises
        ------
        Problem
            The body is refused, the worker is not ready, or it failed.
        """
        pipe = self._open(is_gone)
        self._tell(pipe, Job(raw, limits))
        until = time.monotonic() + limits.seconds + _GRACE_S
        stopped = False
        while True:
            if not self._has_word(pipe):
                if is_gone() and not stopped:
                    stopped = True
                    self._tell(pipe, Stop())
                if time.monotonic() > until or not self._is_alive:
                    raise self._failed("the worker hung or died")
                continue
            match self._hear(pipe):
                case AskRoads() as asked:
                    self._tell(pipe, roads.table(asked))
                case AskLines() as asked:
                    self._tell(pipe, roads.lines(asked))
                case Done(body):
                    return body
                case Refused(code, detail, extra):
                    raise Problem(code, detail, {**extra, "error": detail})
                case Broke(reason):
                    raise self._failed(reason)

    def close(self) -> None:
        """End the worker for good, even in the middle of a problem."""
        self._closed = True
        self._end()

    def _end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.join()
        if self._pipe is not None:
            self._pipe.close()
        self._process, self._pipe, self._warm = None, None, False

    @property
    def _is_alive(self) -> bool:
        return self._process is not None and self._process.is_alive()

    def _open(self, is_gone: Callable[[], bool]) -> Connection:
        """Return the pipe to a worker that is ready."""
        if self._pipe is None or not self._is_alive:
            self._end()
            ours, theirs = self._context.Pipe()
            process = self._context.Process(
                target=_work, args=(theirs,), name="samehour-solver", daemon=True
            )
            process.start()
            theirs.close()
            self._process, self._pipe = process, ours
        pipe = self._pipe
        assert pipe is not None  # noqa: S101  it was opened above
        until = time.monotonic() + _GREETING_S
        while not self._warm:
            if self._has_word(pipe):
                self._warm = self._hear(pipe) == _READY
            elif is_gone() or not self._is_alive or time.monotonic() > until:
                raise Problem(
                    "not_ready",
                    "The solver is being compiled; try again in a moment.",
                    headers={"Retry-After": "5"},
                )
        return pipe

    def _has_word(self, pipe: Connection) -> bool:
        """Tell whether the worker says something within a moment."""
        try:
            return pipe.poll(_LOOK_S)
        except OSError as error:
            raise self._failed("the pipe was closed") from error

    def _tell(self, pipe: Connection, word: Any) -> None:
        try:
            pipe.send(word)
        except OSError as error:
            raise self._failed("the worker died") from error

    def _hear(self, pipe: Connection) -> Any:
        try:
            return pipe.recv()
        except (EOFError, OSError) as error:
            raise self._failed("the worker died") from error

    def _failed(self, reason: str) -> Problem:
        if self._closed:
            return Problem("not_ready", "The service is stopping; try again in a moment.")
        _log.error("solver_failed", reason=reason)
        self._end()
        return Problem("internal_error", "Tell us the trace id and we can look it up.")


class Roads:
    """Ways on our own roads, by one version of their traffic.

    Parameters
    ----------
    at
        Departure, UTC epoch seconds.
    """

    def __init__(self, travel: TravelTimes, at: int) -> None:
        self._travel = travel
        self._at = at

    def table(self, asked: AskRoads) -> RoadTable | Refused:
        """Return times and lengths, or what cannot be travelled."""
        try:
            offenders = []
            for index, place in enumerate(asked.places):
                try:
                    self._travel.check_place(place, asked.mode)
                except UnknownModeError:
                    raise
                except GeoError as error:
                    offenders.append(
                        {"place": index, "location": list(place), "detail": str(error)}
                    )
            if offenders:
                return Refused("place_unusable", str(offenders[0]["detail"]), {"errors": offenders})
            found = self._travel.matrix(asked.places, asked.places, asked.mode, self._at)
        except UnknownModeError as error:
            return Refused("unknown_mode", str(error))
        except MatrixTooLargeError as error:
            return Refused("solve_refused", str(error))
        except GeoError as error:
            return Refused("not_ready", str(error))
        return RoadTable(found.duration_s, found.length_m)

    def lines(self, asked: AskLines) -> list[str] | Refused:
        """Return encoded lines."""
        lines = []
        for mode, places in asked.ways:
            points: list[Sequence[float]] = [places[0]]
            for origin, goal in pairwise(places):
                if origin == goal:
                    continue
                try:
                    points += self._travel.route(origin, goal, mode, self._at).points[1:]
                except NoRouteError as error:
                    return Refused("no_route", str(error))
                except GeoError as error:
                    return Refused("place_unusable", str(error))
            lines.append(encode(np.array(points, np.float64)))
        return lines


class SolveDesk:
    """Takes problems in, a few at a time.

    Parameters
    ----------
    waiting
        Problems that may wait, the one being solved included.
    zone_id
        Under which its figures are counted.
    """

    def __init__(self, limits: Limits, waiting: int, zone_id: str) -> None:
        self.limits = limits
        self._most = waiting
        self._zone_id = zone_id
        self._waiting = 0
        self._solving = 0
        self._solver = Solver()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="solve")

    async def solve(self, raw: bytes, travel: TravelTimes, at: int, gone: threading.Event) -> bytes:
        """Return the answer to a body; to be called on the event loop only.

        Raises
        ------
        Problem
            Too many wait already, or as `Solver.solve`.
        """
        metrics.SOLVES.labels(self._zone_id).inc()
        try:
            return await self._taken_in(raw, travel, at, gone)
        except Problem as problem:
            metrics.SOLVES_REFUSED.labels(self._zone_id, problem.code).inc()
            raise

    def under_way(self) -> tuple[int, int]:
        """Return how many problems are being solved, and how many wait."""
        solving = self._solving
        return solving, max(0, self._waiting - solving)

    async def _taken_in(
        self, raw: bytes, travel: TravelTimes, at: int, gone: threading.Event
    ) -> bytes:
        if self._waiting >= self._most:
            raise Problem(
                "solver_busy",
                f"{self._waiting} problems wait already; try again in a moment.",
                headers={"Retry-After": "2"},
            )
        self._waiting += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(
                self._thread,
                self._solve,
                raw,
                Roads(travel, at),
                gone.is_set,
                time.perf_counter(),
            )
        finally:
            self._waiting -= 1

    def _solve(
        self, raw: bytes, roads: Roads, is_gone: Callable[[], bool], taken_in: float
    ) -> bytes:
        metrics.SOLVE_WAITED.labels(self._zone_id).observe(time.perf_counter() - taken_in)
        if is_gone():
            raise Problem("not_ready", "The client has gone.")
        self._solving = 1
        try:
            with metrics.SOLVE.labels(self._zone_id).time():
                return self._solver.solve(raw, self.limits, roads, is_gone)
        finally:
            self._solving = 0

    def close(self) -> None:
        """End the worker; whoever waits gets an error."""
        self._solver.close()
        self._thread.shutdown(wait=True, cancel_futures=True)


# --- in the worker ------------------------------------------------------------------------------


class _GoneError(Exception):
    """Nobody waits any more."""


def _work(pipe: Connection) -> None:
    """Solve problems until the service hangs up; runs in the worker."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    if hasattr(os, "nice"):
        os.nice(_PRIORITY)
    from dispatch.tours.warming import warm_up  # noqa: PLC0415  the service need not load it

    warm_up()
    said: Any = _READY
    while True:
        try:
            pipe.send(said)
            word = pipe.recv()
            while not isinstance(word, Job):
                word = pipe.recv()
        except (BrokenPipeError, EOFError):
            return
        try:
            said = Done(answer_to(word, _Asking(pipe)))
        except SolveRefusal as refusal:
            said = Refused(refusal.code, refusal.detail, refusal.extra)
        except _GoneError:
            said = Refused("not_ready", "The client has gone.")
        except EOFError:
            return
        except Exception as error:  # noqa: BLE001  whatever it is, the service must know and go on
            said = Broke(f"{type(error).__name__}: {error}")


class _Asking:
    """What the worker asks the service for."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe

    def roads(self, mode: Mode, places: Sequence[LonLat]) -> RoadTable:
        """Return times and lengths; raises `SolveRefusal`."""
        found: RoadTable = self._ask(AskRoads(mode, tuple(places)))
        return found

    def lines(self, ways: Sequence[tuple[Mode, tuple[LonLat, ...]]]) -> list[str]:
        """Return encoded lines; raises `SolveRefusal`."""
        found: list[str] = self._ask(AskLines(tuple(ways)))
        return found

    def check(self) -> None:
        """Raise `_GoneError` when nobody waits any more."""
        if self._pipe.poll() and isinstance(self._pipe.recv(), Stop):
            raise _GoneError

    def _ask(self, question: Any) -> Any:
        self._pipe.send(question)
        found = self._pipe.recv()
        if isinstance(found, Stop):
            raise _GoneError
        if isinstance(found, Refused):
            raise SolveRefusal(found.code, found.detail, found.extra)
        return found


def answer_to(job: Job, asking: _Asking) -> bytes:
    """Return the answer to a body, checked; raises `SolveRefusal`."""
    # Imported where it is used: the service need not load the solver.
    from api.solve_reading import MODES, of_tour_error, read  # noqa: PLC0415
    from api.solve_writing import written  # noqa: PLC0415
    from dispatch.tours.check import check  # noqa: PLC0415
    from dispatch.tours.errors import TourError  # noqa: PLC0415
    from dispatch.tours.eta import choose_times  # noqa: PLC0415
    from dispatch.tours.model import Effort  # noqa: PLC0415
    from dispatch.tours.solve import rounds_for, solve  # noqa: PLC0415

    began = time.monotonic()
    asked = read(job.raw, job.limits, asking.roads)
    body, options = asked.body, asked.body.options
    limit_s = min(job.limits.seconds, options.l or job.limits.seconds)
    loaded = time.monotonic()

    def spent() -> float:
        asking.check()
        return (time.monotonic() - loaded) / limit_s

    try:
        if options.c:
            answer = choose_times(asked.problem, limit_s)
        else:
            rounds = body.samehour.rounds
            if rounds is None:
                rounds = rounds_for(options.x)
            effort = Effort(rounds, spent)
            answer = solve(asked.problem, seed=body.samehour.seed, effort=effort)
            broken = check(asked.problem, answer)
            if broken:
                raise RuntimeError(f"the answer is not sound: {'; '.join(broken[:_MOST_TOLD])}")
    except TourError as error:
        raise of_tour_error(error) from error
    solved = time.monotonic()
    lines: list[str] = []
    if options.g:
        ways = []
        for number, tour in enumerate(answer.tours):
            profile = body.vehicles[tour.vehicle].profile
            places = [asked.locations.get(step.place) for step in tour.steps if step.place >= 0]
            known = [place for place in places if place is not None]
            if len(known) < len(places) or profile.lower() not in MODES:
                raise refuse(
                    "/options/g", f"route {number} has steps without coordinates on our roads"
                )
            ways.append((MODES[profile.lower()], tuple(known)))
        lines = asking.lines(ways)
    times_ms = {
        "loading": round((loaded - began) * 1000),
        "solving": round((solved - loaded) * 1000),
        "routing": round((time.monotonic() - solved) * 1000),
    }
    told = written(asked, answer, lines, times_ms, body.samehour.seed)
    return json.dumps(told, separators=(",", ":"), ensure_ascii=False).encode()
