"""Facts about picking: from the shelf to the counter, and in whose hands a parcel was."""

from __future__ import annotations

from dataclasses import dataclass

from dispatch.records import ItemScan, ParcelScan, Substitution
from geo.types import EpochS


@dataclass(frozen=True, slots=True)
class PickStarted:
    order_id: str
    store_id: str
    occurred_at: EpochS


@dataclass(frozen=True, slots=True)
class PickCompleted:
    order_id: str
    store_id: str
    occurred_at: EpochS


@dataclass(frozen=True, slots=True)
class LineShort:
    """A picker found fewer than ordered.

    The missing ones are off the order; with `substituted` only once the offer that follows is
    answered.  `refund_cents` is what they cost by the catalogue, 0 where it does not say.
    """

    order_id: str
    store_id: str
    sku: str
    missing: int
    substituted: bool
    occurred_at: EpochS
    refund_cents: int = 0


@dataclass(frozen=True, slots=True)
class SubstitutionOffered:
    """Another article was offered to the customer for a missing one; it is reserved meanwhile."""

    order_id: str
    store_id: str
    substitution: Substitution
    occurred_at: EpochS


@dataclass(frozen=True, slots=True)
class SubstitutionAnswered:
    """The customer answered, or the time for it was over.

    `refund_cents` is what the missing article cost more than what comes instead, by the
    catalogue; 0 where it does not say, and where the substitute is dearer: that is on the shop.
    """

    order_id: str
    store_id: str
    substitution: Substitution
    occurred_at: EpochS
    refund_cents: int = 0


@dataclass(frozen=True, slots=True)
class ItemPicked:
    """An article was scanned into an order."""

    order_id: str
    scan: ItemScan


@dataclass(frozen=True, slots=True)
class ParcelScanned:
    """A parcel passed a step of the chain of custody."""

    order_id: str
    scan: ParcelScan
