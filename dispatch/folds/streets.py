"""State after facts about streets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final

from dispatch import events as e
from dispatch.folds.pieces import Fold
from dispatch.state import State


def _street_closed(state: State, event: e.StreetClosed, at: int) -> State:
    closures = {**state.closures, event.closure.closure_id: event.closure}
    return replace(state, closures=closures, street_closed_at=at)


def _street_reopened(state: State, event: e.StreetReopened, _at: int) -> State:
    left = {key: value for key, value in state.closures.items() if key != event.closure_id}
    return replace(state, closures=left)


HANDLERS: Final[Mapping[type[Any], Fold]] = MappingProxyType(
    {
        e.StreetClosed: _street_closed,
        e.StreetReopened: _street_reopened,
    }
)
"""What each event does to the state."""
