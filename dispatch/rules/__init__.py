"""What each command does to a state, one file per subject, and what happens by itself.

All of it is pure: a rule returns events, or raises `DispatchError` and changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from dispatch.rules import (
    carriage,
    counter,
    couriers,
    desk,
    late,
    orders,
    picking,
    sourcing,
    stops,
    stores,
    streets,
)
from dispatch.rules.context import Rule, Timer

RULES: Final[Mapping[type[Any], Rule]] = MappingProxyType(
    {
        **stores.RULES,
        **couriers.RULES,
        **orders.RULES,
        **picking.RULES,
        **counter.RULES,
        **stops.RULES,
        **late.RULES,
        **sourcing.RULES,
        **carriage.RULES,
        **desk.RULES,
        **streets.RULES,
    }
)
"""The rule of each command."""

TIMERS: Final[tuple[Timer, ...]] = (
    *streets.TIMERS,
    *couriers.TIMERS,
    *stops.TIMERS,
    *picking.TIMERS,
    *counter.TIMERS,
    *stores.TIMERS,
    *orders.TIMERS,
    *desk.TIMERS,
    *sourcing.TIMERS,
    *carriage.TIMERS,
    *late.TIMERS,
)
"""What happens by itself, in the order in which it is looked at."""
