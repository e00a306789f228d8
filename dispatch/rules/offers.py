"""What becomes of a pickup that a courier is only asked about.  Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from dispatch import commands as c
from dispatch import events as e
from dispatch.errors import ConflictError, DispatchError, OfferExpiredError
from dispatch.model import Policy, StopKind
from dispatch.rules.context import Context, Rule, Timer
from dispatch.rules.reports import named
from dispatch.state import Commitment, CourierState, State


def _accept_offer(state: State, command: c.AcceptOffer, context: Context) -> Sequence[e.Event]:
    courier_id = command.courier_id
    courier = state.courier(courier_id)
    commitment = courier.commitment
    if commitment is None or commitment.stop.stop_id != command.stop_id:
        raise _gone(state, courier_id, command.stop_id)
    if commitment.offered_until is None:
        # Accepted already, or told without being asked: there is nothing to add.
        return []
    if commitment.offered_until <= context.now:
        raise OfferExpiredError(
            f"stop {command.stop_id} is not offered to courier {courier_id} any more: "
            "the time to answer is over"
        )
    stop, at = commitment.stop, max(command.occurred_at, commitment.committed_at)
    expected_at = max(commitment.expected_at, context.now + _way_s(courier, commitment))
    return [
        e.OfferAccepted(courier_id, stop.order_id, at),
        e.StopCommitted(courier_id, stop, expected_at, at),
    ]


def _way_s(courier: CourierState, commitment: Commitment) -> int:
    """Return the way to an offered stop by the plan in force, 0 where it says nothing of it."""
    visits = courier.route.visits if courier.route is not None else ()
    return visits[0].travel_s if visits and visits[0].stop == commitment.stop else 0


def _gone(state: State, courier_id: str, stop_id: str) -> DispatchError:
    """Return why a stop cannot be accepted that is not offered to a courier now."""
    found = named(state, stop_id)
    if found is not None and found[1] is StopKind.PICKUP:
        order = found[0]
        if courier_id in order.declined_by:
            return OfferExpiredError(
                f"stop {stop_id} is not offered to courier {courier_id} any more: "
                "it was declined, or its time is over"
            )
        if order.is_closed:
            return OfferExpiredError(
                f"stop {stop_id} is not offered any more: its order is {order.delivery.value}"
            )
    return ConflictError(f"stop {stop_id} is not offered to courier {courier_id}")


def _next_lapse(state: State, _policy: Policy) -> int | None:
    return min((until for _, _, until in _open_offers(state)), default=None)


def _lapse(state: State, context: Context) -> Sequence[e.Event]:
    return [
        e.OfferLapsed(courier_id, order_id, context.now)
        for courier_id, order_id, until in _open_offers(state)
        if until <= context.now
    ]


def _open_offers(state: State) -> list[tuple[str, str, int]]:
    """Return courier, order and end of each open offer, ascending by courier."""
    return [
        (courier_id, commitment.stop.order_id, commitment.offered_until)
        for courier_id, courier in sorted(state.couriers.items())
        if (commitment := courier.commitment) is not None and commitment.offered_until is not None
    ]


RULES: Final[Mapping[type[Any], Rule]] = MappingProxyType({c.AcceptOffer: _accept_offer})
"""The rule of each command; all raise `DispatchError` when the command does not fit."""

TIMERS: Final[tuple[Timer, ...]] = (Timer(_next_lapse, _lapse),)
"""What happens by itself."""
