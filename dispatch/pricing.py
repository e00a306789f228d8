"""What a delivery costs the customer: base, distance, tier and surge, all from the policy.  Pure.

Amounts are minor units of the zone's currency.
"""

from __future__ import annotations

from typing import Final

from dispatch.model import Fare, Policy

_KILOMETRE_M: Final = 1000
_TIERS: Final = {15: "fare_15_cents", 30: "fare_30_cents", 60: "fare_60_cents"}
TIER_MINUTES: Final = tuple(_TIERS)
"""Windows that have a price of their own, by their length in minutes."""


def fare_cents(policy: Policy, length_m: int) -> int:
    """Return base and started kilometres of a way of `length_m` by road from store to door."""
    return policy.fare_base_cents + distance_cents(policy, length_m)


def distance_cents(policy: Policy, length_m: int) -> int:
    """Return the price of the started kilometres of a way of `length_m`."""
    return policy.fare_km_cents * -(-length_m // _KILOMETRE_M)


def tier_cents(policy: Policy, minutes: int) -> int:
    """Return what is added for a promise within so many minutes; raises `KeyError` for others."""
    added: int = getattr(policy, _TIERS[minutes])
    return added


def surge_cents(policy: Policy, load: float) -> int:
    """Return what is added while couriers are in demand.

    Parameters
    ----------
    load
        Open deliveries per courier on shift.

    Notes
    -----
    Nothing up to `surge_from_load`; each whole delivery per courier beyond it adds a step, up to
    `surge_max_cents`.
    """
    steps = max(0, int(load - policy.surge_from_load))
    return min(policy.surge_max_cents, steps * policy.surge_step_cents)


def fare(policy: Policy, length_m: int, *, tier_cents: int = 0, load: float = 0.0) -> Fare:
    """Return the price of a delivery in its parts.

    Parameters
    ----------
    length_m
        Of the way by road from store to door.
    tier_cents
        Of the window; negative for a discount, 0 for the usual promise.
    load
        Open deliveries per courier on shift, for the surge.
    """
    return Fare(
        base_cents=policy.fare_base_cents,
        distance_cents=distance_cents(policy, length_m),
        tier_cents=tier_cents,
        surge_cents=surge_cents(policy, load),
    )
