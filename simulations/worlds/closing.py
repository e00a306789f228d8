"""Stores that cannot work for a while: a fire alarm, a power cut.

The truth begins at once: nobody picks, nobody is handed anything.  Operations hear of it later;
then they pause the store and let what is not begun move elsewhere.  Orders whose goods are lost, or
would come hours too late, they call off.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from dispatch.commands import CancelOrder, PauseStore, ResumeStore, SetStock
from dispatch.events import (
    OrderCancelled,
    OrderCollected,
    OrderNotCollected,
    OrderReceived,
    OrderResourced,
    ParcelPickedUp,
    Recorded,
    StockSet,
    StorePaused,
    StoreResumed,
)
from simulations.worlds.intents import Intents, cancelling

OPERATIONS: Final = "operations"
"""Who pauses and resumes stores."""
CANNOT_WORK: Final = "the store cannot work just now"
"""Why operations pause a store."""
CALLED_OFF: Final = "the store had to close"
"""Why operations call an order off."""
CALL_OFF_AFTER_S: Final = 120
"""Operations look so long for another store before they call an order off."""
TOO_LATE_S: Final = 3600
"""An order that waits for its store to open past its promise by this much is called off."""


@dataclass(frozen=True, slots=True)
class Shut:
    """A time in which a store does not work, UTC epoch seconds."""

    store_id: str
    starts_at: int
    ends_at: int
    told_at: int
    loses_stock: bool


class ShutStores:
    """When which store is shut in truth; knows no event."""

    def __init__(self, shut: Iterable[Shut] = ()) -> None:
        self._shut: dict[str, list[Shut]] = {}
        for one in sorted(shut, key=lambda s: (s.starts_at, s.ends_at)):
            self._shut.setdefault(one.store_id, []).append(one)

    def all(self) -> tuple[Shut, ...]:
        """Return every time that a store is shut."""
        return tuple(one for store in self._shut.values() for one in store)

    def opens_again(self, store_id: str, at: int) -> int:
        """Return the first moment from `at` on when a store is not shut."""
        for one in self._shut.get(store_id, ()):
            if one.starts_at <= at < one.ends_at:
                at = one.ends_at
        return at

    def done_at(self, store_id: str, starts_at: int, work_s: int) -> int:
        """Return when work is done that stops while the store is shut, and goes on after it."""
        at = self.opens_again(store_id, starts_at)
        left_s = work_s
        for one in self._shut.get(store_id, ()):
            if one.ends_at <= at:
                continue
            if one.starts_at - at >= left_s:
                break
            left_s -= max(0, one.starts_at - at)
            at = one.ends_at
        return at + left_s


@dataclass(slots=True)
class _Kept:
    """An order whose goods are in a store or on its list."""

    store_id: str
    latest: int


@dataclass(slots=True)
class Operations:
    """The people who pause stores and call orders off.

    Attributes
    ----------
    shut
        When which store is shut in truth.
    skus
        Of all articles: of those none is left where the stock is lost.
    """

    shut: ShutStores
    intents: Intents
    skus: tuple[str, ...]
    _orders: dict[str, _Kept] = field(default_factory=dict)
    _pauses: dict[tuple[str, str], Shut] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Want every pause there will be."""
        for one in self.shut.all():
            if one.told_at >= one.ends_at:
                continue
            before = sum(store_id == one.store_id for store_id, _ in self._pauses)
            # The reason tells one pause of a store from the next.
            reason = CANNOT_WORK if not before else f"{CANNOT_WORK} ({before + 1})"
            self._pauses[one.store_id, reason] = one
            self.intents.want(
                one.told_at, PauseStore(one.store_id, reason, OPERATIONS, moves_orders=True)
            )

    def hear(self, recorded: Recorded) -> None:
        """React to an event."""
        match recorded.event:
            case OrderReceived(order=order, promise=promise, store_id=store_id):
                if order.return_of is None:
                    self._orders[order.order_id] = _Kept(store_id, promise.latest)
            case OrderResourced(order_id=order_id, to_store_id=to_store_id):
                self._spare(order_id)
                if order_id in self._orders:
                    self._orders[order_id].store_id = to_store_id
            case (
                ParcelPickedUp(order_id=order_id)
                | OrderCancelled(order_id=order_id)
                | OrderCollected(order_id=order_id)
                | OrderNotCollected(order_id=order_id)
            ):
                self._spare(order_id)
                self._orders.pop(order_id, None)
            case StorePaused(store_id=store_id, reason=reason):
                one = self._pauses.get((store_id, reason))
                if one is not None:
                    self._paused(one, reason, recorded.at)
            case StockSet(store_id=store_id):
                self.intents.settle(self._nothing_left(store_id))
            case StoreResumed(store_id=store_id, owner=owner):
                self.intents.settle(ResumeStore(store_id, owner))
            case _:
                pass

    def _paused(self, one: Shut, reason: str, at: int) -> None:
        self.intents.settle(PauseStore(one.store_id, reason, OPERATIONS, moves_orders=True))
        self.intents.want(one.ends_at, ResumeStore(one.store_id, OPERATIONS))
        if one.loses_stock:
            self.intents.want(at, self._nothing_left(one.store_id))
        for order_id, kept in self._orders.items():
            is_lost = one.loses_stock or one.ends_at > kept.latest + TOO_LATE_S
            if kept.store_id == one.store_id and is_lost:
                off_at = at + CALL_OFF_AFTER_S
                self.intents.want(off_at, CancelOrder(order_id, CALLED_OFF, off_at))

    def _nothing_left(self, store_id: str) -> SetStock:
        return SetStock(store_id, dict.fromkeys(self.skus, 0), replaces=True)

    def _spare(self, order_id: str) -> None:
        self.intents.forget("cancel", cancelling(order_id, CALLED_OFF))
