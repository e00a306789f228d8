"""What comes in from a store's counter, with bounds on everything."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from api.picking_schemas import Quantity, Trait
from api.schemas import Body, HappenedIn, Id, LineIn, Reason, Sku, WeightG

_MOST_GOODS = 200
_MOST_CENTS = 100_000_000


class HereIn(HappenedIn):
    """The customer is here; at the kerb, in which bay."""

    bay: Trait = ""


class CollectIn(HappenedIn):
    """The code that the customer said, and whether somebody looked at a document."""

    code: Annotated[str, StringConstraints(min_length=1, max_length=20)]
    age_checked: bool = False


class NoShowIn(HappenedIn):
    """Why nobody waits for the customer any longer."""

    reason: Reason = "nobody came"


class GoodsIn(Body):
    """So many of one SKU."""

    sku: Sku
    quantity: Quantity


Goods = Annotated[list[GoodsIn], Field(max_length=_MOST_GOODS)]


class SettleIn(HappenedIn):
    """What came back is in which state, and what the customer is given for it."""

    restocked: Goods = Field(default_factory=list)
    written_off: Goods = Field(default_factory=list)
    refund_cents: Annotated[int, Field(ge=0, le=_MOST_CENTS)] = 0
    reason: Reason


class DeskReturnIn(SettleIn):
    """Goods that came back at a store's desk."""

    store_id: Id


class PickupIn(HappenedIn):
    """Goods to fetch at a customer's door; without a weight, what the catalogue says of them."""

    lines: Annotated[list[LineIn], Field(min_length=1, max_length=_MOST_GOODS)]
    reason: Reason
    weight_g: WeightG = 0
