"""Evenings in processes of their own: one that fails or dies takes no other with it."""

from __future__ import annotations

import multiprocessing
import signal
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from io import StringIO
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Final, TypeAlias

from geo.city import City, load_city
from simulations.compiling import compile_all
from simulations.studies.folder import StudyFolder
from simulations.studies.identity import Identity
from simulations.studies.replicating import replicate

Said: TypeAlias = tuple[str, int, float | str]
"""`progress`, `done` or `failed`, the seed, and how much is done or what went wrong."""

_GOODBYE_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Errand:
    """What a worker needs to know of a study."""

    folder: Path
    identity: Identity
    city: Path


@dataclass(slots=True)
class _Worker:
    process: SpawnProcess
    line: Connection
    seed: int | None = None


def run_here(errand: Errand, seeds: Sequence[int], hear: Callable[[Said], None]) -> None:
    """Run evenings one after the other in this process."""
    city = load_city(errand.city)
    for seed in seeds:
        hear(_one(errand, city, seed, hear))


def run_in_processes(
    errand: Errand, seeds: Sequence[int], jobs: int, hear: Callable[[Said], None]
) -> None:
    """Run evenings in several processes at a time.

    Parameters
    ----------
    hear
        Told how far each is, that it is done, or what went wrong.
    """
    left = list(reversed(seeds))
    workers: list[_Worker] = []
    try:
        while left or any(worker.seed is not None for worker in workers):
            while left and len(workers) < jobs:
                workers.append(_start(errand))
                _give(workers[-1], left.pop())
            for line in wait([worker.line for worker in workers]):
                worker = next(one for one in workers if one.line is line)
                try:
                    said: Said = worker.line.recv()
                except (EOFError, OSError):
                    workers.remove(worker)
                    _lost(worker, hear)
                    continue
                hear(said)
                if said[0] != "progress":
                    worker.seed = None
                    if left:
                        _give(worker, left.pop())
    finally:
        _send_home(workers)


def _give(worker: _Worker, seed: int) -> None:
    worker.seed = seed
    # One that is gone already is noticed when it is listened to.
    with suppress(OSError):
        worker.line.send(seed)


def _lost(worker: _Worker, hear: Callable[[Said], None]) -> None:
    """Report a worker that is gone: killed from outside, or out of memory."""
    worker.process.join(_GOODBYE_S)
    if worker.seed is not None:
        code = worker.process.exitcode
        hear(("failed", worker.seed, f"its process ended with exit code {code}"))


def _send_home(workers: Sequence[_Worker]) -> None:
    for worker in workers:
        if worker.seed is None:
            worker.line.close()
        else:
            worker.process.terminate()
    for worker in workers:
        worker.process.join(_GOODBYE_S)
        if worker.process.is_alive():
            worker.process.kill()
            worker.process.join()


def _start(errand: Errand) -> _Worker:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_work, args=(errand, theirs), daemon=True)
    with _deaf():
        process.start()
    theirs.close()
    return _Worker(process, ours)


@contextmanager
def _deaf() -> Iterator[None]:
    """Start processes that no Ctrl-C reaches: only this one hears it, and tells them to stop."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _work(errand: Errand, line: Connection) -> None:
    """Run what is asked for until nobody asks any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    compile_all(StringIO())
    city = load_city(errand.city)
    # When the other end is gone, so is whoever wanted to know.
    with suppress(EOFError, OSError):
        while True:
            seed: int = line.recv()
            line.send(_one(errand, city, seed, line.send))


def _one(errand: Errand, city: City, seed: int, hear: Callable[[Said], None]) -> Said:
    folder = StudyFolder(errand.folder, errand.identity)
    try:
        ran = replicate(
            errand.identity.scenario,
            city,
            errand.identity.policy,
            seed,
            stopwatch=time.perf_counter,
            report=lambda done: hear(("progress", seed, done)),
        )
        folder.keep(ran)
    except ConnectionError:
        raise
    except Exception:  # noqa: BLE001  one evening's failure is told, the others go on
        return "failed", seed, traceback.format_exc()
    return "done", seed, 1.0
