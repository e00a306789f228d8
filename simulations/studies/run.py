"""Running a study: what is missing is simulated, what is there is kept."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from dispatch.model import Policy
from geo import progress
from geo.city import City, find_city, load_city
from simulations.compiling import compile_all
from simulations.errors import SimulationError
from simulations.scenarios.settings import Scenario
from simulations.studies.folder import HOME, StudyFolder, open_study
from simulations.studies.identity import Identity
from simulations.studies.study import Study
from simulations.studies.workers import Errand, Said, run_here, run_in_processes

_TITLE_LENGTH: Final = 40


class StoppedError(SimulationError):
    """Somebody pressed Ctrl-C; what is done is kept."""

    code = "stopped"


class FailedError(SimulationError):
    """Not one evening could be simulated, or not the one whose log is to be kept."""

    code = "failed"


@dataclass(frozen=True, slots=True)
class Wish:
    """A study that somebody wants.

    Attributes
    ----------
    variant
        As it was written.
    folder
        None for one in `.samehour/studies`, named after the variant and all that decides.
    """

    variant: str
    scenario: Scenario
    policy: Policy
    city: City
    seeds: tuple[int, ...]
    folder: Path | None = None

    @property
    def identity(self) -> Identity:
        """Return what decides what comes out, but for the seeds."""
        return Identity.of(self.variant, self.scenario, self.policy, self.city)

    @property
    def path(self) -> Path:
        """Return where it is kept."""
        return self.folder if self.folder is not None else HOME / self.identity.folder_name


@dataclass(frozen=True, slots=True)
class Came:
    """A study, and how much of it was simulated only now."""

    study: Study
    new: int


def wish(
    variant: str,
    scenario: Scenario,
    policy: Policy,
    *,
    replications: int,
    seed: int | None = None,
    lasts_s: int | None = None,
    folder: Path | None = None,
) -> Wish:
    """Return the wish for some replications of a variant.

    Parameters
    ----------
    seed
        Of the first; the scenario's own if None.
    lasts_s
        The measured time, instead of what the scenario says.
    """
    if lasts_s is not None:
        scenario = replace(scenario, measure=replace(scenario.measure, lasts_s=lasts_s))
    first = scenario.seed if seed is None else seed
    city = load_city(find_city(scenario.city))
    return Wish(variant, scenario, policy, city, tuple(range(first, first + replications)), folder)


def run_study(wanted: Wish, *, jobs: int, fresh: bool = False) -> Came:
    """Simulate what is missing of a study, and return it.

    Parameters
    ----------
    jobs
        Processes at a time; with one, everything happens in this one.

    Raises
    ------
    StoppedError
        Ctrl-C; the message says how much is done.
    StudyMismatchError, SimulationError
        The folder cannot be used.
    FailedError
        Every evening failed, or the one whose log is to be kept; the message says why.
    """
    identity, path = wanted.identity, wanted.path
    folder = StudyFolder(path, identity)
    with folder.held(fresh=fresh):
        missing = [seed for seed in wanted.seeds if not folder.is_done(seed)]
        errand = Errand(path, identity, wanted.city.path)
        failed: dict[int, str] = {}
        try:
            if missing:
                failed |= _simulate(errand, missing, wanted.variant, jobs)
            done = [seed for seed in wanted.seeds if folder.is_done(seed)]
            if not done:
                first = min(failed)
                raise _failed(wanted.variant, first, failed[first])
            middle = folder.middle(done)
            if not folder.has_log(middle):
                # Its log was given up when others stood nearer the middle; it comes again the same.
                again = _simulate(errand, [middle], f"{wanted.variant}, seed {middle} again", 1)
                if again:
                    raise _failed(wanted.variant, middle, again[middle])
            folder.finish(wanted.seeds, failed)
        except KeyboardInterrupt:
            count = sum(folder.is_done(seed) for seed in wanted.seeds)
            raise StoppedError(
                f"stopped after {count} of {len(wanted.seeds)}; the same command goes on from there"
            ) from None
    return Came(open_study(path), len(missing))


def cores() -> int:
    """Return how many processes can run at a time."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _failed(variant: str, seed: int, why: str) -> FailedError:
    return FailedError(f"seed {seed} of {variant} failed:\n{why}")


def _simulate(errand: Errand, seeds: Sequence[int], title: str, jobs: int) -> dict[int, str]:
    """Run evenings, showing how far they are; return what went wrong, by seed."""
    failed: dict[int, str] = {}
    far = dict.fromkeys(seeds, 0.0)
    compile_all(sys.stderr)
    with progress.stage(_fitting(title)) as report:

        def hear(said: Said) -> None:
            kind, seed, what = said
            if kind == "failed":
                failed[seed] = str(what)
            far[seed] = float(what) if kind == "progress" else 1.0
            report(sum(far.values()) / len(far))

        if min(jobs, len(seeds)) == 1:
            run_here(errand, seeds, hear)
        else:
            run_in_processes(errand, seeds, min(jobs, len(seeds)), hear)
    return failed


def _fitting(title: str) -> str:
    return title if len(title) <= _TITLE_LENGTH else f"{title[: _TITLE_LENGTH - 1]}…"
