"""What commands about picking do: events, or a refusal that changes nothing.  Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from dispatch import commands as c
from dispatch import events as e
from dispatch.errors import WrongStateError
from dispatch.model import OrderStatus
from dispatch.rules.context import Context, Rule, Timer, open_order
from dispatch.state import UNPICKED, State


def _start_pick(state: State, command: c.StartPick, _context: Context) -> Sequence[e.Event]:
    order = open_order(state, command.order_id, "picking")
    if order.status not in UNPICKED:
        raise WrongStateError(f"order {order.order_id}", order.status.value, "picking", ())
    return [e.PickStarted(order.order_id, order.store_id, command.occurred_at)]


def _complete_pick(state: State, command: c.CompletePick, _context: Context) -> Sequence[e.Event]:
    order = open_order(state, command.order_id, "ready")
    if order.status is not OrderStatus.PICKING:
        allowed = ("picking",) if order.status in UNPICKED else ()
        raise WrongStateError(f"order {order.order_id}", order.status.value, "ready", allowed)
    at = max(command.occurred_at, order.pick_started_at or 0)
    return [e.PickCompleted(order.order_id, order.store_id, at)]


RULES: Final[Mapping[type[Any], Rule]] = MappingProxyType(
    {
        c.StartPick: _start_pick,
        c.CompletePick: _complete_pick,
    }
)
"""The rule of each command; all raise `DispatchError` when the command does not fit."""

TIMERS: Final[tuple[Timer, ...]] = ()
"""What happens by itself."""
