"""Our own planner with the search taken out: one global plan by cheapest insertion."""

from __future__ import annotations

from dataclasses import replace

from dispatch.model import Plan, Snapshot
from dispatch.planning.plan import plan


def insertion(snapshot: Snapshot) -> Plan:
    """Return the plan that cheapest insertion finds.

    Without ruin and recreate, OR-Tools, waiting on purpose or moves of idle couriers.
    """
    policy = replace(
        snapshot.policy,
        improve_rounds=0,
        routing_neighbourhoods=0,
        standby_horizon_s=0,
        hold_match=0.0,
    )
    return replace(plan(replace(snapshot, policy=policy)), method="insertion")
