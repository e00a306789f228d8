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
    """Where at the kerb the customer stands; needed there, empty inside the store."""


class CollectIn(HappenedIn):
    """The code that the customer said, and whether somebody looked at a document."""

    code: Annotated[str, StringConstraints(min_length=1, max_length=20)]
    """The four digits that the customer said."""
    age_checked: bool = False
    """Somebody looked at a document; needed for goods with an age limit."""


class NoShowIn(HappenedIn):
    """Why nobody waits for the customer any longer."""

    reason: Reason = "nobody came"
    """Why the goods go back on the shelf, in words."""


class GoodsIn(Body):
    """So many of one SKU."""

    sku: Sku
    """The article, by the shop's own number."""
    quantity: Quantity
    """How many pieces of it."""


Goods = Annotated[list[GoodsIn], Field(max_length=_MOST_GOODS)]


class SettleIn(HappenedIn):
    """What came back is in which state, and what the customer is given for it."""

    restocked: Goods = Field(default_factory=list)
    """What goes back on the shelf; never chilled articles."""
    written_off: Goods = Field(default_factory=list)
    """What came back and cannot be sold again."""
    refund_cents: Annotated[int, Field(ge=0, le=_MOST_CENTS)] = 0
    """What the customer is given back in minor units, never more than was paid."""
    reason: Reason
    """Why the goods came back, or what was found."""


class DeskReturnIn(SettleIn):
    """Goods that came back at a store's desk."""

    store_id: Id
    """The store whose desk takes the goods; any store does."""


class PickupIn(HappenedIn):
    """Goods to fetch at a customer's door; without a weight, what the catalogue says of them."""

    lines: Annotated[list[LineIn], Field(min_length=1, max_length=_MOST_GOODS)]
    """The articles to fetch, no more than were bought."""
    reason: Reason
    """Why the goods come back, in words."""
    weight_g: WeightG = 0
    """Grams of all that is fetched; 0 for what the catalogue says of it."""
