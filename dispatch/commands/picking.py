"""What may be asked about picking."""

from __future__ import annotations

from dataclasses import dataclass

from dispatch.records import ScanStep
from geo.types import EpochS


@dataclass(frozen=True, slots=True)
class StartPick:
    """A picker begins an order."""

    order_id: str
    occurred_at: EpochS


@dataclass(frozen=True, slots=True)
class CompletePick:
    """An order is picked and packed."""

    order_id: str
    occurred_at: EpochS


@dataclass(frozen=True, slots=True)
class ReportShort:
    """A picker found fewer than ordered, and may name an article to offer instead."""

    order_id: str
    sku: str
    missing: int
    occurred_at: EpochS
    substitute_sku: str | None = None
    substitute_quantity: int = 0


@dataclass(frozen=True, slots=True)
class AnswerSubstitution:
    """The customer accepts or refuses what was offered for a missing article."""

    order_id: str
    sku: str
    accepted: bool
    occurred_at: EpochS


@dataclass(frozen=True, slots=True)
class ScanItem:
    """An article was scanned into an order."""

    order_id: str
    barcode: str
    occurred_at: EpochS
    batch: str = ""
    origin: str = ""
    best_before: str = ""


@dataclass(frozen=True, slots=True)
class ScanParcel:
    """A parcel was scanned at a step of the chain of custody.

    `by` is the courier at `handover` and `door`, whoever works in the store otherwise.  `stop_id`
    names the stop at which the courier stands; None is what they were told to do now.
    """

    parcel_id: str
    step: ScanStep
    by: str
    occurred_at: EpochS
    stop_id: str | None = None
