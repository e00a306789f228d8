"""What stands on the shelves of the stores in truth: assortment, deliveries, and what is free."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Mapping

from dispatch.commands import SetStock
from dispatch.events import (
    LineShort,
    OrderCancelled,
    OrderReceived,
    OrderResourced,
    PickCompleted,
    Recorded,
    StockSet,
    SubstitutionAnswered,
    SubstitutionOffered,
)
from dispatch.model import Order
from simulations.rng import Streams
from simulations.scenarios.settings import Scenario
from simulations.worlds.closing import ShutStores
from simulations.worlds.couriers import moment
from simulations.worlds.intents import Intents


class Shelves:
    """The shelves of all stores of a scenario, and the lorries that fill them.

    What is free is counted from the events as the engine counts it, but for what people correct by
    hand: whoever offers an article may still hear that it is gone.

    Parameters
    ----------
    kinds
        Of each store, by its id: supermarket, convenience, ...
    """

    def __init__(
        self,
        scenario: Scenario,
        kinds: Mapping[str, str],
        zone: dt.tzinfo,
        shut: ShutStores,
        streams: Streams,
        intents: Intents,
    ) -> None:
        self._scenario = scenario
        self._kinds = kinds
        self._zone = zone
        self._shut = shut
        self._streams = streams
        self._intents = intents
        self._alike = _alike(scenario)
        self._on_hand: dict[str, Counter[str]] = {}
        self._promised: dict[str, Counter[str]] = {}
        self._kept: dict[str, tuple[str, Counter[str]]] = {}

    def hear(self, recorded: Recorded) -> None:
        """Count what comes and goes, and look forward to the next delivery."""
        match recorded.event:
            case StockSet(store_id=store_id, on_hand=on_hand):
                counted = self._on_hand.setdefault(store_id, Counter())
                for sku, count in on_hand.items():
                    counted[sku] = count
                self._await_delivery(store_id, recorded.at)
            case OrderReceived(order=order, store_id=store_id) if order.return_of is None:
                self._keep(order.order_id, store_id, _pieces(order))
            case OrderResourced(order_id=order_id, to_store_id=to_store_id):
                self._keep(order_id, to_store_id, self._let_go(order_id))
            case OrderCancelled(order_id=order_id):
                self._let_go(order_id)
            case PickCompleted(order_id=order_id, store_id=store_id):
                self._on_hand.setdefault(store_id, Counter()).subtract(self._let_go(order_id))
            case LineShort(order_id=order_id, store_id=store_id, sku=sku, missing=missing):
                # Whoever has looked for it knows: there is no more than what others were promised.
                self._promise(order_id, sku, -missing)
                counted = self._on_hand.setdefault(store_id, Counter())
                counted[sku] = min(counted[sku], self._promised[store_id][sku])
            case SubstitutionOffered(order_id=order_id, substitution=offered):
                self._promise(order_id, offered.substitute_sku, offered.substitute_quantity)
            case SubstitutionAnswered(order_id=order_id, substitution=said) if not said.accepted:
                self._promise(order_id, said.substitute_sku, -said.substitute_quantity)
            case _:
                pass

    def opening(self, store_id: str) -> SetStock:
        """Return what stands on the shelves when everything begins."""
        came = self._delivery(store_id, "opening")
        return SetStock(
            store_id,
            {article.sku: came.get(article.sku, 0) for article in self._scenario.catalogue},
        )

    def substitutes(self, store_id: str, sku: str, quantity: int, order: Order) -> Iterator[str]:
        """Yield articles of the same group that are not in the order and free often enough."""
        own = {line.sku for line in order.lines}
        on_hand = self._on_hand.get(store_id, Counter())
        promised = self._promised.get(store_id, Counter())
        for other in self._alike.get(sku, ()):
            if other not in own and on_hand[other] - promised[other] >= quantity:
                yield other

    # --- deliveries ----------------------------------------------------------------------------

    def _await_delivery(self, store_id: str, at: int) -> None:
        """Want the next delivery on the shelves; a store that is shut lets nobody in."""
        if store_id not in self._kinds:
            return
        self._intents.forget("stock", store_id)
        day = dt.datetime.fromtimestamp(at, self._zone).date()
        while True:
            for second in self._scenario.picking.restock_at:
                comes_at = moment(day, second, self._zone)
                if comes_at > at and self._shut.opens_again(store_id, comes_at) == comes_at:
                    came = self._delivery(store_id, f"{day.isoformat()} {second}")
                    self._intents.want(comes_at, SetStock(store_id, came))
                    return
            day += dt.timedelta(days=1)

    def _delivery(self, store_id: str, name: str) -> dict[str, int]:
        """Return how much there is of what a delivery brought; of the rest nothing changes."""
        settings = self._scenario.stores[self._kinds[store_id]]
        on_hand: dict[str, int] = {}
        shelf = self._streams.stream("assortment", store_id)
        delivery = self._streams.stream("delivery", f"{store_id} {name}")
        for article in self._scenario.catalogue:
            is_kept = float(shelf.random()) < settings.assortment
            has_come = float(delivery.random()) >= settings.sold_out_share
            amount = int(delivery.poisson(settings.stock_mean))
            if is_kept and has_come:
                on_hand[article.sku] = amount
        return on_hand

    # --- what is promised ----------------------------------------------------------------------

    def _keep(self, order_id: str, store_id: str, pieces: Counter[str]) -> None:
        self._kept[order_id] = (store_id, pieces)
        self._promised.setdefault(store_id, Counter()).update(pieces)

    def _let_go(self, order_id: str) -> Counter[str]:
        """Return what was kept for an order, which it is no longer."""
        store_id, pieces = self._kept.pop(order_id, ("", Counter()))
        if store_id:
            self._promised[store_id].subtract(pieces)
        return pieces

    def _promise(self, order_id: str, sku: str, quantity: int) -> None:
        if order_id in self._kept:
            store_id, pieces = self._kept[order_id]
            pieces[sku] += quantity
            self._promised[store_id][sku] += quantity


def _pieces(order: Order) -> Counter[str]:
    pieces: Counter[str] = Counter()
    for line in order.lines:
        pieces[line.sku] += line.quantity
    return pieces


def _alike(scenario: Scenario) -> dict[str, tuple[str, ...]]:
    """Return the other articles of each one's group, those bought most first."""
    groups: dict[str, list[str]] = {}
    for article in sorted(scenario.catalogue, key=lambda one: (-one.popularity, one.sku)):
        if article.group:
            groups.setdefault(article.group, []).append(article.sku)
    return {
        sku: tuple(other for other in group if other != sku)
        for group in groups.values()
        for sku in group
    }
