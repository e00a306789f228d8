"""The checker's eye on stores: how many are picked at a time, and that nothing is sold twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto

from dispatch import events as e
from dispatch.model import Order, OrderLine, Store


class _Place(Enum):
    """Where an order's goods are."""

    SHELF = auto()
    COUNTER = auto()
    OUT = auto()
    BACK = auto()
    """On the shelf again, or never taken from it: the order was given up."""


@dataclass(slots=True)
class _Store:
    """A store by what was said of it.

    Attributes
    ----------
    on_hand, promised
        Pieces by SKU: on the shelf, and of them for orders that are not picked yet.
    short
        SKUs of which a count found fewer than were promised: until a delivery comes, what is
        taken from the shelf may be more than the figures say.
    """

    store: Store
    on_hand: Counter[str] = field(default_factory=Counter)
    promised: Counter[str] = field(default_factory=Counter)
    short: set[str] = field(default_factory=set)
    picking: set[str] = field(default_factory=set)


@dataclass(slots=True)
class _Basket:
    """What an order has of which store, in pieces by SKU.

    Attributes
    ----------
    missing, offered
        Not found, and offered instead: until the customer has answered.
    back
        Looked at after it came back.
    """

    store_id: str
    lines: Counter[str]
    is_errand: bool
    place: _Place = _Place.SHELF
    missing: Counter[str] = field(default_factory=Counter)
    offered: Counter[str] = field(default_factory=Counter)
    back: Counter[str] = field(default_factory=Counter)


class Stores:
    """All stores of a log.

    Parameters
    ----------
    late_at
        When late reports were taken in: picks that they imply were done by people nobody counts.
    counts_pickers
        Whether nobody picks but the pickers a store said it has.
    """

    def __init__(self, late_at: frozenset[int], *, counts_pickers: bool) -> None:
        self._late_at = late_at
        self._counts_pickers = counts_pickers
        self._stores: dict[str, _Store] = {}
        self._baskets: dict[str, _Basket] = {}

    def see(self, recorded: e.Recorded) -> Iterator[str]:
        """Yield what is wrong with what an event says of stores and stock."""
        match recorded.event:
            case e.StoreRegistered(store=registered):
                known = self._stores.setdefault(registered.store_id, _Store(registered))
                known.store = registered
            case e.StockSet() | e.StockCorrected() as event:
                yield from self._counted(event)
            case e.OrderReceived(order=order, store_id=store_id):
                yield from self._taken(order, store_id)
            case e.OrderAmended(order=order):
                yield from self._amended(order)
            case event:
                basket = self._baskets.get(getattr(event, "order_id", ""))
                if basket is not None and not basket.is_errand:
                    yield from self._changed(basket, event, is_late=recorded.at in self._late_at)

    # --- the shelf -----------------------------------------------------------------------------

    def _counted(self, event: e.StockSet | e.StockCorrected) -> Iterator[str]:
        store = self._stores.get(event.store_id)
        if store is None:
            yield f"{type(event).__name__} of {event.store_id}, which is not registered"
            return
        if isinstance(event, e.StockSet):
            found: Mapping[str, int] = event.on_hand
        else:
            found = {
                sku: max(0, store.on_hand[sku] + change) for sku, change in event.changes.items()
            }
        for sku, count in found.items():
            if count < 0:
                yield f"{event.store_id} has {count} of {sku}"
            self._set(store, sku, count)

    def _set(self, store: _Store, sku: str, count: int) -> None:
        store.on_hand[sku] = count
        if store.promised[sku] > count:
            store.short.add(sku)
        else:
            store.short.discard(sku)

    def _promise(self, order_id: str, store_id: str, goods: Counter[str]) -> Iterator[str]:
        """Take goods for an order; what is promised to others is not to be had."""
        store = self._stores.get(store_id)
        if store is None or store.store.is_point:
            return
        for sku, count in goods.items():
            free = store.on_hand[sku] - store.promised[sku]
            if count > max(0, free):
                yield f"{order_id} is promised {count} of {sku} at {store_id}, which has {free}"
            store.promised[sku] += count

    def _release(self, store_id: str, goods: Counter[str]) -> None:
        store = self._stores.get(store_id)
        if store is not None and not store.store.is_point:
            store.promised.subtract(goods)

    def _restock(self, store_id: str, goods: Mapping[str, int]) -> None:
        store = self._stores.get(store_id)
        if store is not None and not store.store.is_point:
            for sku, count in goods.items():
                self._set(store, sku, max(0, store.on_hand[sku] + count))

    # --- orders --------------------------------------------------------------------------------

    def _taken(self, order: Order, store_id: str) -> Iterator[str]:
        basket = _Basket(store_id, _goods(order.lines), order.return_of is not None)
        if not basket.is_errand and order.order_id not in self._baskets:
            yield from self._promise(order.order_id, store_id, basket.lines)
        self._baskets[order.order_id] = basket

    def _amended(self, order: Order) -> Iterator[str]:
        basket = self._baskets.get(order.order_id)
        if basket is not None:
            self._release(basket.store_id, basket.lines)
            basket.lines = _goods(order.lines)
            yield from self._promise(order.order_id, basket.store_id, basket.lines)

    def _changed(  # noqa: C901  a table
        self, basket: _Basket, event: e.Event, *, is_late: bool
    ) -> Iterator[str]:
        match event:
            case e.OrderResourced(order_id=order_id, to_store_id=to_store_id):
                self._release(basket.store_id, basket.lines)
                basket.store_id = to_store_id
                yield from self._promise(order_id, to_store_id, basket.lines)
            case e.PickStarted(order_id=order_id, store_id=store_id):
                yield from self._begun(order_id, store_id, is_late=is_late)
            case e.PickCompleted(order_id=order_id, store_id=store_id):
                yield from self._picked(basket, order_id, store_id)
            case e.LineShort() | e.SubstitutionOffered() | e.SubstitutionAnswered():
                yield from self._short(basket, event)
            case e.OrderCancelled(order_id=order_id):
                self._give_up(basket, order_id)
            case e.OrderNotCollected() | e.ParcelReturned() | e.CarriageReported(status="returned"):
                self._restock(basket.store_id, basket.lines)
                basket.place = _Place.BACK
            case e.OrderRevived():
                if basket.place is not _Place.OUT:
                    self._restock(basket.store_id, {sku: -n for sku, n in basket.lines.items()})
                basket.place = _Place.OUT
            case e.ReturnSettled():
                yield from self._settled(basket, event)
            case e.ParcelPickedUp() | e.CarriageReported(status="picked_up"):
                basket.place = _Place.OUT
            case _:
                pass

    def _begun(self, order_id: str, store_id: str, *, is_late: bool) -> Iterator[str]:
        store = self._stores.get(store_id)
        if store is None:
            yield f"the picking of {order_id} begins at {store_id}, which is not registered"
            return
        store.picking.add(order_id)
        is_counted = self._counts_pickers and not is_late
        if len(store.picking) > store.store.pickers and is_counted:
            yield (
                f"{store_id} picks {len(store.picking)} orders at a time with "
                f"{store.store.pickers} pickers"
            )

    def _picked(self, basket: _Basket, order_id: str, store_id: str) -> Iterator[str]:
        store = self._stores.get(store_id)
        if store is None:
            return
        store.picking.discard(order_id)
        basket.place = _Place.COUNTER
        self._release(store_id, basket.lines)
        for sku, count in basket.lines.items():
            left = store.on_hand[sku] - count
            if left < 0 and sku not in store.short:
                yield f"{store_id} has {left} of {sku} after {order_id} was picked"
            store.on_hand[sku] = max(0, left)
            if store.promised[sku] <= store.on_hand[sku]:
                store.short.discard(sku)

    def _short(
        self, basket: _Basket, event: e.LineShort | e.SubstitutionOffered | e.SubstitutionAnswered
    ) -> Iterator[str]:
        store = self._stores.get(event.store_id)
        if store is None:
            return
        if isinstance(event, e.LineShort):
            # Nothing more of it is to be had than what the others were promised.
            there = min(store.on_hand[event.sku], store.promised[event.sku])
            if event.missing > basket.lines[event.sku]:
                yield f"{event.order_id} lacks {event.missing} of {event.sku}, more than it has"
            store.promised[event.sku] -= event.missing
            self._set(store, event.sku, max(0, there - event.missing))
            if event.substituted:
                basket.missing[event.sku] += event.missing
            else:
                basket.lines = basket.lines - Counter({event.sku: event.missing})
            return
        said = event.substitution
        instead = Counter({said.substitute_sku: said.substitute_quantity})
        if isinstance(event, e.SubstitutionOffered):
            yield from self._promise(event.order_id, event.store_id, instead)
            basket.offered += instead
            return
        basket.offered -= instead
        basket.missing -= Counter({said.sku: said.quantity})
        basket.lines = basket.lines - Counter({said.sku: said.quantity})
        if said.accepted:
            basket.lines += instead
        else:
            self._release(event.store_id, instead)

    def _give_up(self, basket: _Basket, order_id: str) -> None:
        store = self._stores.get(basket.store_id)
        if store is not None:
            store.picking.discard(order_id)
        if basket.place is _Place.SHELF:
            self._release(basket.store_id, basket.lines - basket.missing + basket.offered)
        elif basket.place is _Place.COUNTER:
            self._restock(basket.store_id, basket.lines)
        if basket.place is not _Place.OUT:
            basket.place = _Place.BACK
        basket.offered.clear()
        basket.missing.clear()

    def _settled(self, basket: _Basket, event: e.ReturnSettled) -> Iterator[str]:
        back = Counter(event.restocked) + Counter(event.written_off)
        basket.back += back
        for sku, count in (basket.back - basket.lines).items():
            yield f"{count} of {sku} came back of {event.order_id} more than it had"
        self._restock(event.store_id, event.restocked)


def _goods(lines: tuple[OrderLine, ...]) -> Counter[str]:
    goods: Counter[str] = Counter()
    for line in lines:
        goods[line.sku] += line.quantity
    return goods
