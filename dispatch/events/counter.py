"""Facts from a store's counter: collection, curbside and returns."""

from __future__ import annotations

from dataclasses import dataclass

from geo.types import EpochS


@dataclass(frozen=True, slots=True)
class CustomerArrived:
    """Somebody is here to collect; `bay` is empty inside the store."""

    order_id: str
    bay: str
    occurred_at: EpochS


@dataclass(frozen=True, slots=True)
class OrderCollected:
    """The customer has the goods; `age_checked` says that somebody looked at a document."""

    order_id: str
    store_id: str
    occurred_at: EpochS
    age_checked: bool = False


@dataclass(frozen=True, slots=True)
class OrderNotCollected:
    """Nobody came in time; the goods are back on the shelf."""

    order_id: str
    store_id: str
    reason: str
    occurred_at: EpochS


@dataclass(frozen=True, slots=True)
class ReturnSettled:
    """Goods of a delivered or collected order came back and were looked at.

    Attributes
    ----------
    order_id
        The order they were bought with.
    return_id
        The order under which a courier brought them; None at a store's desk.
    restocked, written_off
        Quantity by SKU: back on the shelf, or thrown away.
    """

    order_id: str
    store_id: str
    restocked: dict[str, int]
    written_off: dict[str, int]
    refund_cents: int
    reason: str
    return_id: str | None
    occurred_at: EpochS
