"""What is known already of a stop that a courier reports on.  Pure."""

from __future__ import annotations

from typing import Final

from dispatch.errors import ConflictError, WrongStateError
from dispatch.model import DeliveryStatus, StopKind
from dispatch.records import StopOutcome
from dispatch.state import Commitment, OrderState, State

_D = DeliveryStatus
_KINDS: Final = {kind.value[0]: kind for kind in StopKind}
_SENT_BACK: Final = frozenset({_D.FAILED, _D.RETURNING, _D.RETURNED})


def named(state: State, stop_id: str) -> tuple[OrderState, StopKind] | None:
    """Return the order and the kind that a stop's id stands for, None where there is no order."""
    name, _, letter = stop_id.removeprefix("stp_").rpartition("_")
    kind = _KINDS.get(letter)
    order_id = f"ord_{name}"
    order = state.orders.get(order_id) or state.closed.get(order_id)
    return None if kind is None or order is None else (order, kind)


def outcome_of(state: State, courier_id: str, stop_id: str) -> StopOutcome | None:
    """Return what a courier has done at a stop before, None for nothing that is known."""
    found = named(state, stop_id)
    if found is None:
        return None
    order, kind = found
    is_theirs = order.courier_id == courier_id
    done = {
        StopKind.PICKUP: order.picked_up_at is not None,
        StopKind.DROPOFF: order.delivery is _D.DELIVERED,
        StopKind.RETURN: order.delivery is _D.RETURNED,
        StopKind.BREAK: False,
    }[kind]
    if is_theirs and done:
        return StopOutcome.COMPLETED
    if is_theirs and kind is StopKind.DROPOFF and order.tries and order.delivery in _SENT_BACK:
        return StopOutcome.FAILED
    if kind is StopKind.PICKUP and courier_id in order.declined_by:
        return StopOutcome.DECLINED
    return None


def reported(
    state: State, courier_id: str, stop_id: str, outcome: StopOutcome
) -> Commitment | None:
    """Return the commitment a report is about; None when the same was reported before.

    Raises
    ------
    UnknownIdError, ConflictError
        No such courier; the stop is not theirs, or something else was done there.
    WrongStateError
        They were only asked whether they will do it.
    """
    commitment = state.courier(courier_id).commitment
    if commitment is not None and commitment.stop.stop_id == stop_id:
        if commitment.offered_until is not None and outcome is not StopOutcome.DECLINED:
            raise WrongStateError(
                f"stop {stop_id}", "offered", outcome.value, ("accept", "decline")
            )
        return commitment
    before = outcome_of(state, courier_id, stop_id)
    if before is outcome or (before is not None and outcome is StopOutcome.ARRIVED):
        return None
    if before is not None:
        raise WrongStateError(f"stop {stop_id}", before.value, outcome.value, ())
    if commitment is None:
        raise ConflictError(
            f"courier {courier_id} was not told to do any stop now, so not {stop_id} either"
        )
    raise ConflictError(
        f"stop {stop_id} is not what courier {courier_id} is doing; "
        f"that is {commitment.stop.stop_id}"
    )
