"""What a plan costs as the zone grows."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Final

from dispatch.model import Snapshot
from dispatch.planning.plan import plan, plans

_ROUNDS: Final = 1000
_NO_ROUTING: Final = 1 << 30


@dataclass(frozen=True, slots=True)
class Effort:
    """What the planner took for one snapshot.

    Attributes
    ----------
    first_s
        From the snapshot in hand to the first plan in hand.
    rounds_s
        Of 1,000 rounds of ruin and recreate, the rest of a plan taken off.
    """

    city: str
    orders: int
    to_route: int
    first_s: float
    rounds_s: float


def effort(snapshot: Snapshot, to_route: int) -> Effort:
    """Return what our planner takes for a snapshot."""
    began = time.perf_counter()
    next(iter(plans(snapshot, lambda: False)))
    first_s = time.perf_counter() - began
    without_s, with_s = (_plan_s(snapshot, rounds) for rounds in (0, _ROUNDS))
    return Effort(
        city=snapshot.zone_id,
        orders=len(snapshot.orders),
        to_route=to_route,
        first_s=first_s,
        rounds_s=max(with_s - without_s, 1e-9),
    )


def _plan_s(snapshot: Snapshot, rounds: int) -> float:
    policy = replace(snapshot.policy, improve_rounds=rounds, routing_min_orders=_NO_ROUTING)
    began = time.perf_counter()
    plan(replace(snapshot, policy=policy))
    return time.perf_counter() - began
