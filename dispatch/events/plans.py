"""Facts about plans."""

from __future__ import annotations

from dataclasses import dataclass, field

from dispatch.model import Objective, Route, Unassigned
from geo.types import EpochS


@dataclass(frozen=True, slots=True)
class PlanPublished:
    """A plan came into force; only routes that changed are carried.

    Attributes
    ----------
    routes
        New routes by courier; an empty `visits` clears the courier's route.
    dropped
        Couriers whose planned route no longer fitted the state and was left as it was.
    solve_ms
        Wall time of the decision; for the record only, no decision rests on it.
    violations
        What `check` found wrong with the plan as it came from the planner.
    cut_short
        The planner's wall limit was reached: with more time the plan might have been better.
    pick_at
        When picking should begin, of orders that had better wait.
    """

    plan_id: str
    snapshot_seq: int
    made_at: EpochS
    routes: tuple[Route, ...]
    unassigned: tuple[Unassigned, ...]
    ready_at: dict[str, EpochS]
    dropped: tuple[str, ...]
    violations: tuple[str, ...]
    objective: Objective
    method: str
    travel_version: str
    solve_ms: float
    cut_short: bool = False
    pick_at: dict[str, EpochS] = field(default_factory=dict)
