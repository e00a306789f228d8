"""An independent verifier: what is wrong with a plan, judged by its snapshot alone.

It shares no code with the planner.  Every limit that a plan must keep is looked at anew, from the
snapshot's own tables; the planner's figures are never taken on trust.  What happened before the
plan (a committed stop that is late, a bag that is too heavy) is no fault of the plan, and what a
snapshot contradicts itself about binds nobody.
"""

from __future__ import annotations

from typing import Final

from dispatch.checking import account, costs, picking, routes, sharing, standbys
from dispatch.checking.facts import Facts
from dispatch.checking.violation import Kind, Violation
from dispatch.model import Objective, Plan, Snapshot

__all__ = ["KINDS", "Kind", "Violation", "check", "cost_of"]

KINDS: Final = tuple(Kind)
"""Every rule that a plan can break."""


def check(plan: Plan, snapshot: Snapshot) -> list[Violation]:
    """Return everything wrong with a plan; an empty list means it may be published.

    Complexity is linear in the number of stops, orders, stores and couriers, but for sorting each
    store's pick queue.
    """
    facts = Facts(plan, snapshot)
    return [
        *account.origin(plan, facts),
        *account.orders(plan, facts),
        *account.holders(facts),
        *account.stores(plan, facts),
        *picking.forecasts(plan, facts),
        *routes.routes(plan, facts),
        *sharing.limits(facts),
        *standbys.standbys(plan, facts),
        *costs.objective(plan, facts),
    ]


def cost_of(plan: Plan, snapshot: Snapshot) -> Objective:
    """Return what a plan costs by term, whatever its own `objective` says."""
    return costs.costs(plan, Facts(plan, snapshot))
