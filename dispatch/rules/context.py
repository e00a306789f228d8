"""What a rule may know besides the state and the command."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from dispatch import events as e
from dispatch.errors import WrongStateError
from dispatch.model import Order, Policy, Refusal, Snapshot
from dispatch.planning.quote import Offer
from dispatch.state import OrderState, State
from dispatch.windows import Book


class Offering(Protocol):
    """Says what an order would get."""

    def __call__(self, asked: Order, only: Collection[str] | None = None) -> Offer | Refusal:
        """Return it; from `only` some stores, or from any."""
        ...


@dataclass(frozen=True, slots=True)
class Context:
    """The present of the engine that asks.

    Attributes
    ----------
    new_id
        Makes an opaque id from a prefix, another one at each call; the same in every run of the
        same log.
    snapshot
        Makes what a decision may know, with the door and the articles of an order that is asked
        for but not taken yet.
    offer
        What such an order would get, or why nothing.  An order that is open already is weighed
        anew, as if it had just come.
    book
        Who works when, and what is promised for when, in a state.
    time_zone
        Of the city, for what goes by the calendar; an IANA name.
    """

    now: int
    policy: Policy
    new_id: Callable[[str], str]
    snapshot: Callable[[Order | None], Snapshot]
    offer: Offering
    book: Callable[[State], Book]
    time_zone: str = "UTC"


Rule: TypeAlias = Callable[[State, Any, Context], Sequence[e.Event]]
"""Says what a command does to a state."""


@dataclass(frozen=True, slots=True)
class Timer:
    """What happens by itself when its time has come.

    Attributes
    ----------
    next_at
        When there is next something to do, None for never.
    events
        What happens at `context.now`; nothing when it is too early.
    """

    next_at: Callable[[State, Policy], int | None]
    events: Callable[[State, Context], Sequence[e.Event]]


def open_order(state: State, order_id: str, wanted: str) -> OrderState:
    """Return an order that is not finished.

    Raises
    ------
    UnknownIdError, WrongStateError
        There is none; it is closed and cannot become `wanted`.
    """
    order = state.order(order_id)
    if order.is_closed:
        closed_as = order.status if order.delivery.value == "created" else order.delivery
        raise WrongStateError(f"order {order_id}", closed_as.value, wanted, ())
    return order
