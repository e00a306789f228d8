"""State folded from events: `apply` is the only way it changes, and it changes nothing in place."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from dispatch.errors import SequenceError
from dispatch.events import Recorded
from dispatch.folds import (
    counter,
    couriers,
    desk,
    orders,
    picking,
    plans,
    stops,
    stores,
    streets,
)
from dispatch.folds.pieces import Fold
from dispatch.state import State

_HANDLERS: Final[dict[type[Any], Fold]] = {
    **stores.HANDLERS,
    **couriers.HANDLERS,
    **orders.HANDLERS,
    **picking.HANDLERS,
    **counter.HANDLERS,
    **stops.HANDLERS,
    **desk.HANDLERS,
    **streets.HANDLERS,
    **plans.HANDLERS,
}


def apply(state: State, recorded: Recorded) -> State:
    """Return the state after one more event; raises `SequenceError` when one is missing."""
    if recorded.seq != state.seq + 1:
        raise SequenceError(f"event {recorded.seq} does not follow {state.seq} in the log")
    handler = _HANDLERS[type(recorded.event)]
    after = handler(state, recorded.event, recorded.at)
    return replace(after, seq=recorded.seq, at=max(state.at, recorded.at))
