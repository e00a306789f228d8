"""Customers: they click, and some change their mind before the goods are under way."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import takewhile
from typing import Final

from dispatch.commands import CancelOrder, PlaceOrder
from dispatch.events import (
    OrderCancelled,
    OrderReceived,
    OrderRefused,
    ParcelPickedUp,
    Recorded,
)
from simulations.demand import Ask
from simulations.intents import Intents
from simulations.rng import Streams
from simulations.settings import CustomerSettings

PATIENCE_S: Final = 1200
"""A click that could not be passed on for this long is a customer gone elsewhere."""


class Customers:
    """All customers of a world."""

    def __init__(
        self,
        settings: CustomerSettings,
        demand: Iterator[Ask],
        streams: Streams,
        intents: Intents,
    ) -> None:
        self._settings = settings
        self._demand = demand
        self._streams = streams
        self._intents = intents
        self._answered: set[str] = set()
        self._next: Ask | None = None
        self.lost: list[str] = []
        """Clicks that were never passed on in time, by their external id."""
        self._advance()

    def hear(self, recorded: Recorded) -> None:
        """React to an event."""
        match recorded.event:
            case OrderReceived(order=order) if order.part_of is None and order.return_of is None:
                self._settle(order.external_id)
                entity = order.external_id or order.order_id
                if self._streams.chance("cancels", entity, self._settings.cancel_share):
                    low, high = self._settings.cancel_within_s
                    draw = self._streams.stream("cancels after", entity)
                    at = order.created_at + int(draw.integers(low, high + 1))
                    command = CancelOrder(order.order_id, "customer changed their mind", at)
                    self._intents.want(max(at, recorded.at), command)
            case OrderRefused(external_id=external_id):
                self._settle(external_id)
            case ParcelPickedUp(order_id=order_id) | OrderCancelled(order_id=order_id):
                self._intents.forget("cancel", order_id)
            case _:
                pass

    @property
    def next_at(self) -> int | None:
        """When the next customer clicks; None when nobody will."""
        return None if self._next is None else self._next.at

    def end(self, at: int) -> None:
        """Let nobody click from a time on."""
        self._demand = takewhile(lambda ask: ask.at < at, self._demand)
        if self._next is not None and self._next.at >= at:
            self._intents.forget("order", self._next.external_id)
            self._next = None

    def clicked(self, command: PlaceOrder) -> None:
        """Go on to the next customer: this one has clicked."""
        if self._next is not None and self._next.external_id == command.external_id:
            self._advance()

    def is_gone(self, command: PlaceOrder, now: int) -> bool:
        """Tell whether a click comes too late to be passed on, and remember it as lost."""
        gone = now - command.occurred_at > PATIENCE_S
        if gone and command.external_id is not None:
            self.lost.append(command.external_id)
            self._intents.forget("order", command.external_id)
        return gone

    def _settle(self, external_id: str | None) -> None:
        if external_id is None:
            return
        self._answered.add(external_id)
        self._intents.forget("order", external_id)
        if self._next is not None and self._next.external_id == external_id:
            self._advance()

    def _advance(self) -> None:
        self._next = next((a for a in self._demand if a.external_id not in self._answered), None)
        ask = self._next
        if ask is not None:
            command = PlaceOrder(
                door=ask.door,
                address=ask.address,
                lines=ask.lines,
                weight_g=ask.weight_g,
                occurred_at=ask.at,
                basket_cents=ask.basket_cents,
                service_s=ask.service_s,
                external_id=ask.external_id,
            )
            self._intents.want(ask.at, command)
