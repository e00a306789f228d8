"""What pickers, scanners and customers who are asked send, with bounds on everything."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from api.schemas import Body, HappenedIn, Id, Sku
from dispatch.commands import ReportShort, ScanItem, ScanParcel
from dispatch.records import ScanStep

_LINE_OF_TEXT = r"^[^\x00-\x1f\x7f]*$"

Barcode = Annotated[str, StringConstraints(pattern=r"^[!-~]{1,64}$")]
Quantity = Annotated[int, Field(ge=1, le=999)]
Trait = Annotated[
    str, StringConstraints(max_length=80, pattern=_LINE_OF_TEXT, strip_whitespace=True)
]
Day = Annotated[
    str,
    StringConstraints(pattern=r"^(\d{4}-\d{2}-\d{2})?$"),
    Field(json_schema_extra={"examples": ["2026-11-30"]}),
]


class SubstituteIn(Body):
    """What could come instead, and how many of it."""

    sku: Sku
    """The article that could come instead."""
    quantity: Quantity
    """How many pieces of it would come."""


class ShortIn(HappenedIn):
    """How many of an article were not found, and what could come instead."""

    sku: Sku
    """The article of the order that is missing."""
    missing: Quantity
    """How many pieces were not found; they come off the order and off the stock."""
    substitute: SubstituteIn | None = None
    """What is offered to the customer instead; nothing when left out."""

    def command(self, order_id: str, occurred_at: int) -> ReportShort:
        """Return the command."""
        instead = self.substitute
        return ReportShort(
            order_id=order_id,
            sku=self.sku,
            missing=self.missing,
            occurred_at=occurred_at,
            substitute_sku=None if instead is None else instead.sku,
            substitute_quantity=0 if instead is None else instead.quantity,
        )


class AnswerIn(HappenedIn):
    """Whether the customer takes what was offered."""

    accepted: bool
    """True when the customer takes the substitute, false to do without."""


class ItemIn(HappenedIn):
    """An article that was scanned, and what its package says."""

    barcode: Barcode
    """What was scanned; looked up in the catalogue, zeros before a GTIN do not matter."""
    batch: Trait = ""
    """Batch or lot on the package; empty when not told."""
    origin: Trait = ""
    """Where the goods come from, as the package says; empty when not told."""
    best_before: Day = ""
    """Last day on the package, as 2026-11-30; empty when not told."""

    def command(self, order_id: str, occurred_at: int) -> ScanItem:
        """Return the command."""
        return ScanItem(
            order_id=order_id,
            barcode=self.barcode,
            occurred_at=occurred_at,
            batch=self.batch,
            origin=self.origin,
            best_before=self.best_before,
        )


class ScanIn(HappenedIn):
    """A parcel that was scanned, by whom, at which step, and at which stop."""

    parcel_id: Id
    """The parcel's code, as its label shows it."""
    step: Annotated[ScanStep, Field(strict=False)]
    """Where on its way the parcel was scanned."""
    by: Id
    """The courier's id at `handover` and `door`; before, whoever works in the store."""
    stop_id: Id | None = None
    """The courier's stop at which it was scanned; may be left out."""

    def command(self, occurred_at: int) -> ScanParcel:
        """Return the command."""
        return ScanParcel(self.parcel_id, self.step, self.by, occurred_at, self.stop_id)
