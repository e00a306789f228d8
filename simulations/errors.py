"""What can go wrong in a simulation.

* SimulationError      base; `code` is stable
  * ScenarioError      a scenario cannot be used; states every problem at once
  * LedgerMismatchError  a ledger on disk belongs to another scenario or seed
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


class ServiceError(SimulationError):
    """The service under simulation does not answer, or answers nonsense."""

    code = "service_unusable"
