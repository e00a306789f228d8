"""The baselines by name, each with how often it decides."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

from dispatch.model import Plan, Snapshot
from simulations.baselines.bundles import Settings
from simulations.baselines.errors import UnknownBaselineError
from simulations.baselines.insertion import insertion
from simulations.baselines.nearest import nearest
from simulations.baselines.reyes import reyes
from simulations.baselines.vroom import library, vroom


@dataclass(frozen=True, slots=True)
class Baseline:
    """A policy to be compared with.

    Attributes
    ----------
    solve
        The decision, a pure function; `Engine.replan` takes it.
    every_min
        Minutes between two decisions.
    """

    name: str
    solve: Callable[[Snapshot], Plan]
    every_min: int


def _reyes(name: str, every_min: int) -> Baseline:
    return Baseline(name, partial(reyes, settings=Settings(every_s=60 * every_min)), every_min)


_KNOWN: Final[dict[str, Baseline]] = {
    known.name: known
    for known in (
        Baseline("nearest", nearest, 1),
        _reyes("reyes-5", 5),
        _reyes("reyes-2", 2),
        Baseline("insertion", insertion, 1),
        Baseline("vroom", vroom, 1),
    )
}

BASELINES: Final = tuple(_KNOWN)
"""Names of all baselines."""


def baseline(name: str) -> Baseline:
    """Return a baseline by its name.

    Raises
    ------
    UnknownBaselineError
        There is none of this name.
    PeerMissingError
        It needs a package that is not installed.
    """
    found = _KNOWN.get(name)
    if found is None:
        raise UnknownBaselineError(f"there is no baseline {name}; take {', '.join(_KNOWN)}")
    if found.solve is vroom:
        library()
    return found
