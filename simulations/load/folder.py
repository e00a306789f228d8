"""Where a load test keeps what it has, so that it can be interrupted and goes on."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from simulations.errors import LoadError
from simulations.folders import held, write_json
from simulations.load.wanted import Wanted

REPORT: Final = "report.html"
SUMMARY: Final = "loadtest.json"
DONE: Final = "done"
INTERRUPTED: Final = "interrupted"
SERVICE_GONE: Final = "service gone"
SENDER_GONE: Final = "sender gone"
_STATE: Final = "state.json"
_OURS: Final = (_STATE, SUMMARY, REPORT, "requests.parquet", "orders.parquet", "worker.log")


@dataclass(slots=True)
class Session:
    """One stretch of a test between two interruptions.

    Attributes
    ----------
    began
        UTC, as text.
    from_s, until_s
        Of the load.
    ended
        `done`, `interrupted`, `service gone` or `sender gone`.
    """

    began: str
    from_s: float
    until_s: float
    ended: str


@dataclass(slots=True)
class State:
    """How far a test is.

    Attributes
    ----------
    starts_at, shift_s
        When the load began, and how much later than the scenario says everything happens, in
        seconds of the service.
    clock
        Speed of the service's clock.
    done_s
        Wall seconds of load that there have been.
    """

    about: dict[str, Any]
    starts_at: int = 0
    shift_s: int = 0
    clock: float = 1.0
    done_s: float = 0.0
    sessions: list[Session] = field(default_factory=list)


@contextmanager
def load_folder(wanted: Wanted) -> Iterator[State]:
    """Hold the folder of a test; yields how far it is.

    Raises
    ------
    LoadError
        It cannot be written, another test is at work in it, or what is in it is of another test.
    """
    folder = wanted.folder
    with held(folder, "--out", LoadError):
        if wanted.is_fresh:
            _clear(folder)
        yield _state(folder, wanted.about())


def save_state(folder: Path, state: State) -> None:
    """Write how far a test is, all or nothing."""
    write_json(folder / _STATE, asdict(state))


def _clear(folder: Path) -> None:
    for name in _OURS:
        (folder / name).unlink(missing_ok=True)
    shutil.rmtree(folder / "parts", ignore_errors=True)


def _state(folder: Path, about: dict[str, Any]) -> State:
    path = folder / _STATE
    if not path.exists():
        return State(about)
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        state = State(**said)
        state.sessions = [Session(**each) for each in said["sessions"]]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise LoadError(
            f"{path} cannot be read. Begin anew with --fresh, or name another folder with --out."
        ) from error
    differs = [key for key in about if state.about.get(key) != about[key]]
    if differs:
        listed = "; ".join(f"{key} {state.about.get(key)}, not {about[key]}" for key in differs)
        raise LoadError(
            f"the load test in {folder} is another one: {listed}. Begin anew with --fresh, or keep "
            "both: name another folder with --out."
        )
    return state
