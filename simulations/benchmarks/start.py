"""`samehour bench start`: from the command to a service that is ready, on a log of any length."""

from __future__ import annotations

import argparse
import json
import resource
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import count, islice
from pathlib import Path
from typing import Final

import httpx

from dispatch.codec import event_from_json, event_to_json, log_converter, to_rfc3339
from dispatch.events import Recorded
from dispatch.model import Policy
from geo.city import find_city, load_city
from geo.errors import GeoError
from geo.types import EpochS
from simulations.benchmarks.postgres import SQLITE, new_ledger
from simulations.benchmarks.start_cli import WriteLedger
from simulations.errors import ScenarioError, ServiceError
from simulations.loop import Simulation
from simulations.scenarios.scenario import load_scenario
from simulations.scenarios.settings import Scenario

_DAY_S: Final = 86_400
_EVENING_S: Final = 7 * 3600
_STEP_S: Final = 300
_IDS: Final = ("ord_", "quo_", "pcl_")
"""What ids begin with that are new every day."""

_ROUNDS: Final = 3
_READY_WITHIN_S: Final = 600.0
_LOOK_EVERY_S: Final = 0.005
_STOPS_WITHIN_S: Final = 60.0
_FAILED: Final = 1
_WRONG_INPUT: Final = 2


class NotStartedError(Exception):
    """A service did not become ready, or did not stop; with what it said."""


@dataclass(frozen=True, slots=True)
class Started:
    """Starts of one kind.

    Attributes
    ----------
    database, ledger
        Where the ledger was, and what it had.
    all_s
        Wall seconds of each.
    processor_s
        Seconds of a processor that each took; the planner, which gets ready beside, left out.
    """

    database: str
    ledger: str
    all_s: tuple[float, ...]
    processor_s: tuple[float, ...]


def run(arguments: argparse.Namespace, write_ledger: WriteLedger) -> int:
    """Measure and print; returns 0, 1 when a service failed, 2 for wrong input."""
    try:
        scenario = load_scenario(arguments.scenario)
        evening = evening_of(scenario, arguments.events)
    except (ScenarioError, GeoError) as error:
        sys.stderr.write(f"{error}\n")
        return _WRONG_INPUT
    sys.stdout.write(
        f"{len(evening)} events an evening of {scenario.name}, lived again until there are "
        f"{arguments.events}\n{'database':<12}{'ledger':<34}{'ready after':>12}{'processor':>12}\n"
    )
    events = list(islice(days(evening), arguments.events))
    found: list[Started] = []
    try:
        with tempfile.TemporaryDirectory(prefix="samehour-start-") as folder:
            for kind in dict.fromkeys(arguments.ledger or [SQLITE]):
                home = Path(folder) / kind
                home.mkdir()
                for one in _measure(kind, home, events, scenario, arguments, write_ledger):
                    found.append(one)
                    sys.stdout.write(_line(one))
                    sys.stdout.flush()
    except (NotStartedError, ServiceError) as error:
        sys.stderr.write(f"{error}\n")
        return _FAILED
    if arguments.json:
        rows = [asdict(one) for one in found]
        sys.stdout.write(json.dumps({"events": len(events), "starts": rows}) + "\n")
    return 0


def evening_of(scenario: Scenario, enough: int) -> list[Recorded]:
    """Simulate an evening until all is brought and everybody is at home, or something is enough."""
    city = load_city(find_city(scenario.city))
    # How good the plans are is of no interest here.
    policy = replace(Policy(), improve_rounds=_ROUNDS)
    simulation = Simulation(scenario, city, policy=policy)
    ends_at = simulation.now + _EVENING_S
    while simulation.now < ends_at and len(simulation.log.events) < enough:
        simulation.run(simulation.now + _STEP_S)
    return simulation.log.events


def days(evening: Sequence[Recorded]) -> Iterator[Recorded]:
    """Yield an evening and the same again on the days after it: other ids, other times."""
    numbers = count(1)
    for day in count():
        shift_s = day * _DAY_S
        converter = log_converter(detailed_validation=False)
        converter.register_unstructure_hook_func(lambda kind: kind is EpochS, _later(shift_s))
        for one in evening:
            text = json.dumps(event_to_json(one.event, converter))
            for prefix in _IDS:
                text = text.replace(f'"{prefix}', f'"{prefix}{day}-')
            event = event_from_json(type(one.event).__name__, json.loads(text))
            yield Recorded(one.zone_id, next(numbers), one.at + shift_s, event)


def _later(shift_s: int) -> Callable[[int], int]:
    return lambda moment: moment + shift_s


def _line(one: Started) -> str:
    wall_s, busy_s = statistics.median(one.all_s), statistics.median(one.processor_s)
    return f"{one.database:<12}{one.ledger:<34}{wall_s:>10.2f} s{busy_s:>10.2f} s\n"


def _measure(
    kind: str,
    folder: Path,
    events: Sequence[Recorded],
    scenario: Scenario,
    arguments: argparse.Namespace,
    write_ledger: WriteLedger,
) -> Iterator[Started]:
    begins_at = events[-1].at + 1

    def started(ledger: str, took: Sequence[tuple[float, float]]) -> Started:
        wall_s, processor_s = zip(*took, strict=True)
        return Started(kind, ledger, wall_s, processor_s)

    took = []
    for nth in range(arguments.rounds + 1):
        new = folder / f"new-{nth}"
        new.mkdir()
        with new_ledger(kind, new) as nothing:
            service = _Service(nothing, new, scenario.city, begins_at)
            took.append(service.lives(signal.SIGKILL))
    # The first compiles what a new machine has to compile.
    yield started("nothing", took[1:])
    with new_ledger(kind, folder) as where:
        service = _Service(where, folder, scenario.city, begins_at)
        write_ledger(where, events)
        # Killed, so that no checkpoint is left.
        took = [service.lives(signal.SIGKILL) for _ in range(arguments.rounds)]
        yield started(f"{len(events)} events", took)
        service.lives(signal.SIGINT)
        took = [service.lives(signal.SIGKILL) for _ in range(arguments.rounds)]
        yield started(f"{len(events)} events and a checkpoint", took)


class _Service:
    """`samehour serve` on a ledger, begun and ended as often as one likes."""

    def __init__(self, where: str, folder: Path, city: str, begins_at: int) -> None:
        self._port_file = folder / "port"
        self._log = folder / "service.log"
        self._command = [
            *(sys.executable, "-m", "samehour", "serve", "--city", city, "--ledger", where),
            *("--port", "0", "--port-file", str(self._port_file)),
            *("--clock-start", to_rfc3339(begins_at)),
        ]

    def lives(self, ends: signal.Signals) -> tuple[float, float]:
        """Start it, wait until it is ready, end it; returns its wall and processor seconds.

        Processor time is of its own process, the planner's gets ready beside it; where it ends
        gently, that is in it.
        """
        self._port_file.unlink(missing_ok=True)
        before_s = _processor_s()
        with self._log.open("wb") as log:
            began = time.perf_counter()
            process = subprocess.Popen(self._command, stderr=log, stdout=log)  # noqa: S603 - ours
            try:
                self._wait(process, began)
                took = time.perf_counter() - began
            finally:
                process.send_signal(ends)
                process.wait(_STOPS_WITHIN_S)
        return took, _processor_s() - before_s

    def _wait(self, process: subprocess.Popen[bytes], began: float) -> None:
        while not (self._port_file.exists() and self._port_file.read_text()):
            self._look(process, began)
        port = self._port_file.read_text().strip()
        with httpx.Client(base_url=f"http://127.0.0.1:{port}") as http:
            while http.get("/readyz").status_code != httpx.codes.OK:
                self._look(process, began)

    def _look(self, process: subprocess.Popen[bytes], began: float) -> None:
        if process.poll() is not None or time.perf_counter() - began > _READY_WITHIN_S:
            raise NotStartedError(f"It is not ready: {self._log.read_text()[-2000:]}")
        time.sleep(_LOOK_EVERY_S)


def _processor_s() -> float:
    """Return the processor seconds of all processes that were begun here and have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
