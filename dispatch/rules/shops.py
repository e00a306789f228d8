"""Stores that are shops, not points where goods wait."""

from __future__ import annotations

from dispatch.errors import UnknownIdError
from dispatch.state import State, StoreState


def shop(state: State, store_id: str) -> StoreState:
    """Return a store; raises `UnknownIdError`, also for a point."""
    found = state.store(store_id)
    if found.store.is_point:
        raise UnknownIdError(f"there is no store {store_id}")
    return found
