"""What each command does to a state, one file per subject, and what happens by itself.

All of it is pure: a rule returns events, or raises `DispatchError` and changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from dispatch.rules import (
    carriage,
    controls,
    counter,
    couriers,
    custody,
    desk,
    late,
    locks,
    offers,
    orders,
    picking,
    returns,
    sourcing,
    stops,
    stores,
    stranding,
    streets,
    undo,
)
from dispatch.rules.context import Rule, Timer

RULES: Final[Mapping[type[Any], Rule]] = MappingProxyType(
    {
        **stores.RULES,
        **couriers.RULES,
        **orders.RULES,
        **picking.RULES,
        **custody.RULES,
        **counter.RULES,
        **returns.RULES,
        **offers.RULES,
        **stops.RULES,
        **stranding.RULES,
        **late.RULES,
        **sourcing.RULES,
        **carriage.RULES,
        **desk.RULES,
        **locks.RULES,
        **controls.RULES,
        **undo.RULES,
        **streets.RULES,
    }
)
"""The rule of each command."""

TIMERS: Final[tuple[Timer, ...]] = (
    *streets.TIMERS,
    *couriers.TIMERS,
    *offers.TIMERS,
    *stops.TIMERS,
    *stranding.TIMERS,
    *picking.TIMERS,
    *custody.TIMERS,
    *counter.TIMERS,
    *returns.TIMERS,
    *stores.TIMERS,
    *orders.TIMERS,
    *desk.TIMERS,
    *locks.TIMERS,
    *controls.TIMERS,
    *sourcing.TIMERS,
    *carriage.TIMERS,
    *late.TIMERS,
)
"""What happens by itself, in the order in which it is looked at."""
