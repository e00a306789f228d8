"""Customers who come for what they ordered: inside the store, or with a car at the kerb."""

from __future__ import annotations

from typing import Final

from dispatch.commands import ArriveToCollect, CollectOrder, GiveUpCollection
from dispatch.events import (
    CustomerArrived,
    OrderCancelled,
    OrderCollected,
    OrderNotCollected,
    OrderReceived,
    OrderResourced,
    PickCompleted,
    Recorded,
)
from dispatch.model import Fulfilment, Order
from simulations.rng import Streams
from simulations.scenarios.settings import CustomerSettings
from simulations.worlds.closing import ShutStores
from simulations.worlds.intents import Intents

_BAYS: Final = 6
"""Places at the kerb of a store."""
_NOBODY_CAME: Final = "nobody came"


class Collecting:
    """Whoever collects, and the people at the counters.

    Parameters
    ----------
    spread
        Of handing over.
    """

    def __init__(
        self,
        settings: CustomerSettings,
        spread: float,
        shut: ShutStores,
        streams: Streams,
        intents: Intents,
    ) -> None:
        self._settings = settings
        self._spread = spread
        self._shut = shut
        self._streams = streams
        self._intents = intents
        self._orders: dict[str, Order] = {}
        self._store_of: dict[str, str] = {}

    def hear(self, recorded: Recorded) -> None:  # noqa: C901  a table
        """React to an event."""
        match recorded.event:
            case OrderReceived(order=order, store_id=store_id):
                if order.fulfilment is not Fulfilment.DELIVERY and order.return_of is None:
                    self._orders[order.order_id] = order
                    self._store_of[order.order_id] = store_id
            case OrderResourced(order_id=order_id, to_store_id=store_id):
                if order_id in self._orders:
                    self._store_of[order_id] = store_id
            case PickCompleted(order_id=order_id, occurred_at=occurred_at):
                if order_id in self._orders:
                    self._come(self._orders[order_id], occurred_at)
            case CustomerArrived(order_id=order_id, occurred_at=occurred_at):
                if order_id in self._orders:
                    self._hand_over(self._orders[order_id], occurred_at)
            case (
                OrderCollected(order_id=order_id)
                | OrderNotCollected(order_id=order_id)
                | OrderCancelled(order_id=order_id)
            ):
                if self._orders.pop(order_id, None) is not None:
                    del self._store_of[order_id]
                    self._intents.forget("collect", order_id)
            case _:
                pass

    def _come(self, order: Order, ready_at: int) -> None:
        entity = order.external_id or order.order_id
        store_id = self._store_of[order.order_id]
        if self._streams.chance("no show", entity, self._settings.no_show_share):
            at = self._shut.opens_again(store_id, ready_at + self._settings.given_up_after_s)
            self._intents.want(at, GiveUpCollection(order.order_id, _NOBODY_CAME, at))
            return
        low, high = self._settings.collect_after_s
        draw = self._streams.stream("collects after", entity)
        at = ready_at + int(draw.integers(low, high + 1))
        bay = str(1 + int(draw.integers(_BAYS))) if _is_at_the_kerb(order) else ""
        self._intents.want(at, ArriveToCollect(order.order_id, bay, at))

    def _hand_over(self, order: Order, here_at: int) -> None:
        entity = order.external_id or order.order_id
        settings = self._settings
        mean_s = settings.curbside_s if _is_at_the_kerb(order) else settings.collect_s
        takes_s = max(1, round(mean_s * self._streams.spread("collect", entity, self._spread)))
        at = self._shut.done_at(self._store_of[order.order_id], here_at, takes_s)
        self._intents.want(at, CollectOrder(order.order_id, at))


def _is_at_the_kerb(order: Order) -> bool:
    return order.fulfilment is Fulfilment.CURBSIDE
