"""What commands about stores and stock do: events, or a refusal that changes nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from dispatch import commands as c
from dispatch import events as e
from dispatch.errors import InvalidValueError
from dispatch.rules.context import Context, Rule, Timer
from dispatch.state import State


def _register_store(
    _state: State, command: c.RegisterStore, _context: Context
) -> Sequence[e.Event]:
    return [e.StoreRegistered(command.store)]


def _set_stock(state: State, command: c.SetStock, _context: Context) -> Sequence[e.Event]:
    state.store(command.store_id)
    for sku, on_hand in command.on_hand.items():
        if on_hand < 0:
            raise InvalidValueError(f"items.{sku}.on_hand", f"is {on_hand}; 0 is the least")
    return [e.StockSet(command.store_id, dict(command.on_hand))]


def _pause_store(state: State, command: c.PauseStore, _context: Context) -> Sequence[e.Event]:
    if state.store(command.store_id).paused is not None:
        return []
    return [e.StorePaused(command.store_id, command.reason)]


def _resume_store(state: State, command: c.ResumeStore, _context: Context) -> Sequence[e.Event]:
    if state.store(command.store_id).paused is None:
        return []
    return [e.StoreResumed(command.store_id)]


RULES: Final[Mapping[type[Any], Rule]] = MappingProxyType(
    {
        c.RegisterStore: _register_store,
        c.SetStock: _set_stock,
        c.PauseStore: _pause_store,
        c.ResumeStore: _resume_store,
    }
)
"""The rule of each command; all raise `DispatchError` when the command does not fit."""

TIMERS: Final[tuple[Timer, ...]] = ()
"""What happens by itself."""
