"""What commands about quotes and orders do, and giving an order up.  Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from dispatch import commands as c
from dispatch import events as e
from dispatch.errors import WrongStateError
from dispatch.model import OrderStatus, StopKind
from dispatch.rules import amending, placing, quoting
from dispatch.rules.context import Context, Rule, Timer, open_order
from dispatch.state import OrderState, State, family


def _cancel_order(state: State, command: c.CancelOrder, _context: Context) -> Sequence[e.Event]:
    named = state.order(command.order_id)
    # Whoever gives an order up gives it up whole: what was brought stays brought.
    parts = [
        part
        for part in family(state, named)
        if not part.is_closed and part.status is not OrderStatus.CANCELLED
    ]
    if not parts:
        open_order(state, command.order_id, "cancelled")
        raise WrongStateError(
            f"order {named.order_id}", named.status.value, "cancelled", (named.delivery.value,)
        )
    return [event for part in parts for event in _given_up(state, part, command)]


def _given_up(state: State, order: OrderState, command: c.CancelOrder) -> Iterator[e.Event]:
    """Yield the end of an order: whoever fetches it is released, whoever has it brings it back."""
    if order.carriage is not None and order.is_carried_outside and not order.on_board:
        yield e.CarriageEnded(
            order.order_id, order.carriage.carrier, command.reason, command.occurred_at
        )
    for courier_id, courier in sorted(state.couriers.items()):
        commitment = courier.commitment
        if (
            commitment is not None
            and commitment.stop.order_id == order.order_id
            and commitment.stop.kind is not StopKind.RETURN
        ):
            yield e.StopReleased(courier_id, order.order_id, command.reason)
    yield e.OrderCancelled(order.order_id, command.reason, command.occurred_at)


RULES: Final[Mapping[type[Any], Rule]] = MappingProxyType(
    {
        **quoting.RULES,
        **placing.RULES,
        **amending.RULES,
        c.CancelOrder: _cancel_order,
    }
)
"""The rule of each command; all raise `DispatchError` when the command does not fit."""

TIMERS: Final[tuple[Timer, ...]] = ()
"""What happens by itself."""
