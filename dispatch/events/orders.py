"""Facts about quotes and orders, and where orders come from."""

from __future__ import annotations

from dataclasses import dataclass

from dispatch.model import Cited, Fulfilment, Order, Promise, Quote
from dispatch.records import Carriage
from geo.types import EpochS, LonLat


@dataclass(frozen=True, slots=True)
class QuoteGiven:
    quote: Quote


@dataclass(frozen=True, slots=True)
class OrderReceived:
    """An order was taken, with its promise and the store whose stock is reserved for it.

    `cited` says what became of the quote it rests on, None without one; `window_id` is the window
    that was wanted, None for the usual promise.
    """

    order: Order
    promise: Promise
    store_id: str
    quote_id: str | None = None
    cited: Cited | None = None
    window_id: str | None = None


@dataclass(frozen=True, slots=True)
class OrderRefused:
    """An order could not be promised; the customer was told why.

    What was wanted is kept, so that it can be seen where demand goes unmet; logs written before it
    was kept have no door.
    """

    occurred_at: EpochS
    reason: str
    detail: str
    external_id: str | None = None
    door: LonLat | None = None
    fulfilment: Fulfilment = Fulfilment.DELIVERY
    window_id: str | None = None
    basket_cents: int = 0


@dataclass(frozen=True, slots=True)
class OrderResourced:
    """The reservation moved to another store while picking had not begun.

    `reason` is empty where the plan found it better so, else `stalled`, `lacking`, `closing`,
    `pinned` or `excluded`.
    """

    order_id: str
    from_store_id: str
    to_store_id: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class OrderNotMoved:
    """An order should have moved to another store, but it stays: none can serve it, or it may not.

    Attributes
    ----------
    reason
        Why it should: `stalled`, `lacking` or `closing`.
    detail
        Why it does not.
    """

    order_id: str
    store_id: str
    reason: str
    detail: str
    occurred_at: EpochS


@dataclass(frozen=True, slots=True)
class OrderCancelled:
    """An order was given up; what was paid for it is to be given back."""

    order_id: str
    reason: str
    occurred_at: EpochS


@dataclass(frozen=True, slots=True)
class OrderAmended:
    """The customer or shop changed an order before it was picked.

    `order` is the order as it is now; `changed` names what differs from before.
    """

    order: Order
    changed: tuple[str, ...]
    owner: str
    occurred_at: EpochS


@dataclass(frozen=True, slots=True)
class PromiseSuperseded:
    """Another window was given; the ones before stay on record."""

    order_id: str
    promise: Promise
    reason: str


@dataclass(frozen=True, slots=True)
class StorePinned:
    """An order must come from this store; None takes the pin off."""

    order_id: str
    store_id: str | None
    owner: str
    reason: str


@dataclass(frozen=True, slots=True)
class StoreExcluded:
    """An order must not come from this store any more."""

    order_id: str
    store_id: str
    owner: str
    reason: str


@dataclass(frozen=True, slots=True)
class CarriageBooked:
    """An outside courier company took an order."""

    order_id: str
    carriage: Carriage


@dataclass(frozen=True, slots=True)
class CarriageReported:
    """The outside company says how far it is; `status` is a delivery status of ours."""

    order_id: str
    carrier: str
    reference: str
    status: str
    detail: str
    eta: EpochS | None
    occurred_at: EpochS


@dataclass(frozen=True, slots=True)
class CarriageEnded:
    """The outside company does not bring it: given up by them or taken back by us."""

    order_id: str
    carrier: str
    reason: str
    occurred_at: EpochS
