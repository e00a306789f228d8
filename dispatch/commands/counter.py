"""What may be asked at a store's counter: collection, curbside and returns."""

from __future__ import annotations

from dataclasses import dataclass

from dispatch.model import OrderLine
from geo.types import EpochS


@dataclass(frozen=True, slots=True)
class ArriveToCollect:
    """The customer is here; `bay` is empty inside the store."""

    order_id: str
    bay: str
    occurred_at: EpochS


@dataclass(frozen=True, slots=True)
class CollectOrder:
    """The goods were handed to the customer, who showed the code.

    `age_checked` says that somebody looked at a document; goods with an age limit need it.
    """

    order_id: str
    occurred_at: EpochS
    age_checked: bool = False


@dataclass(frozen=True, slots=True)
class GiveUpCollection:
    """Nobody came; the goods go back on the shelf."""

    order_id: str
    reason: str
    occurred_at: EpochS


@dataclass(frozen=True, slots=True)
class ReturnAtDesk:
    """Goods came back at a store's desk and were looked at."""

    order_id: str
    store_id: str
    restocked: dict[str, int]
    written_off: dict[str, int]
    refund_cents: int
    reason: str
    occurred_at: EpochS


@dataclass(frozen=True, slots=True)
class RequestReturn:
    """Let a courier fetch goods of a delivered order at its door.

    `weight_g` 0 is what the catalogue says.
    """

    order_id: str
    lines: tuple[OrderLine, ...]
    reason: str
    occurred_at: EpochS
    weight_g: int = 0


@dataclass(frozen=True, slots=True)
class SettleReturn:
    """Goods that a courier brought back were looked at; `return_id` names that errand."""

    return_id: str
    restocked: dict[str, int]
    written_off: dict[str, int]
    refund_cents: int
    reason: str
    occurred_at: EpochS
