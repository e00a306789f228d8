"""What can go wrong in a simulation.

* SimulationError      base; `code` is stable
  * ScenarioError      a scenario cannot be used; states every problem at once
  * LedgerMismatchError  a ledger on disk belongs to another scenario or seed
  * StudyMismatchError a folder holds another study
  * LoadError          a load test cannot begin, or its own side broke
  * ReplayError        a recorded day cannot be lived again
  * ServiceError       the service under simulation does not answer, or answers nonsense
"""

from __future__ import annotations

from collections.abc import Sequence


class SimulationError(Exception):
    """Base of every error of this room; the message names the offender and the remedy."""

    code = "simulation_error"


class ScenarioError(SimulationError):
    """A scenario cannot be used.

    Attributes
    ----------
    problems
        Each names its line, its key and what would be right.
    """

    code = "scenario_unusable"

    def __init__(self, source: str, problems: Sequence[str]) -> None:
        self.source = source
        self.problems = tuple(problems)
        listed = "".join(f"\n  {problem}" for problem in self.problems)
        count = "1 problem" if len(self.problems) == 1 else f"{len(self.problems)} problems"
        super().__init__(f"{source} cannot be used, {count}:{listed}")


class LedgerMismatchError(SimulationError):
    """A ledger on disk belongs to another scenario or seed."""

    code = "ledger_mismatch"


class ReplayError(SimulationError):
    """A recorded day cannot be lived again; the message says why, and what can be done."""

    code = "replay_impossible"


class StudyMismatchError(SimulationError):
    """A folder holds the study of another scenario, policy, city or version of the code."""

    code = "study_mismatch"


class ServiceError(SimulationError):
    """The service under simulation does not answer, or answers nonsense."""

    code = "service_unusable"


class ZoneError(SimulationError):
    """A service has no zone that can be meant, or several; the message names them."""

    code = "zone_needed"


class LoadError(SimulationError):
    """A load test cannot begin, or the side that makes the load broke."""

    code = "load_unusable"
