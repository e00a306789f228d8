"""What may come in about articles, stock, and where orders come from."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import Field, StringConstraints, field_validator

from api.schemas import Body, Id, Moment, Reason, ReasonIn, Sku
from dispatch.records import Article

MOST_LINES: Final = 200_000
"""Of one file or one list."""

MOST_ON_HAND: Final = 1_000_000
MOST_WEIGHT_G: Final = 1_000_000
MOST_VOLUME_ML: Final = 10_000_000
MOST_PRICE_CENTS: Final = 100_000_000
MOST_AGE: Final = 99
MOST_NAME: Final = 120
MOST_SHELF: Final = 40
BARCODE: Final = r"^[!-~]{0,64}$"

_PLAIN: Final = r"^[^\x00-\x1f\x7f]*$"
_MOST_CHANGES: Final = 1000

Mode = Literal["merge", "replace"]
"""What becomes of SKUs that a file does not name: left alone, or set to 0."""

Owner = Annotated[
    str,
    StringConstraints(min_length=1, max_length=120, pattern=_PLAIN, strip_whitespace=True),
]
Count = Annotated[int, Field(ge=0, le=MOST_ON_HAND)]
Shelf = Annotated[
    str, StringConstraints(max_length=MOST_SHELF, pattern=_PLAIN, strip_whitespace=True)
]


class ArticleIn(Body):
    """What is known of an SKU; a `weight_g` or `volume_ml` of 0 is one that nobody entered."""

    sku: Sku
    """The article, by the shop's own number."""
    name: Annotated[
        str, StringConstraints(max_length=MOST_NAME, pattern=_PLAIN, strip_whitespace=True)
    ] = ""
    """What people call it; empty when nobody entered it."""
    weight_g: Annotated[int, Field(ge=0, le=MOST_WEIGHT_G)] = 0
    """Grams of one piece; 0 when nobody entered it."""
    volume_ml: Annotated[int, Field(ge=0, le=MOST_VOLUME_ML)] = 0
    """Millilitres of one piece; 0 when nobody entered it."""
    price_cents: Annotated[int, Field(ge=0, le=MOST_PRICE_CENTS)] = 0
    """Price of one piece in minor units, for what is given back."""
    chilled: bool = False
    """True when it must be kept cold on the way."""
    age_limit: Annotated[int, Field(ge=0, le=MOST_AGE)] = 0
    """Years whoever takes it must have lived; 0 for everybody."""
    barcode: Annotated[str, StringConstraints(pattern=BARCODE)] = ""
    """What a scanner reads off the package; empty when unknown."""
    shelf: Shelf = ""
    """Where it stands, in every store that has no shelf of its own for it."""

    def article(self) -> Article:
        """Return the model's article."""
        return Article(**self.model_dump())


class CatalogueIn(Body):
    """Some articles; what is known of the others stays."""

    articles: Annotated[list[ArticleIn], Field(min_length=1, max_length=MOST_LINES)]
    """The articles to describe; what is known of others stays."""


class StockItemIn(Body):
    """What is on the shelf of one SKU, reserved goods included.

    `safety_stock` and `shelf` stay as they are when left out.
    """

    sku: Sku
    """The article, by the shop's own number."""
    on_hand: Count
    """Pieces on the shelf, reserved ones included."""
    safety_stock: Count | None = None
    """So many pieces are never promised online; left out, it stays as it is."""
    shelf: Shelf | None = None
    """Where it stands in this store; left out, it stays as it is."""


class StockIn(Body):
    """Stock of some SKUs."""

    items: Annotated[list[StockItemIn], Field(min_length=1, max_length=MOST_LINES)]
    """What is on the shelf, SKU by SKU."""


class ShelfItemIn(Body):
    """Where an SKU stands in a store, and how many are never promised online."""

    sku: Sku
    """The article, by the shop's own number."""
    safety_stock: Count | None = None
    """So many pieces are never promised online; left out, it stays as it is."""
    shelf: Shelf | None = None
    """Where it stands in this store; left out, it stays as it is."""


class ShelvesIn(Body):
    """What is known of the shelves of some SKUs; the others stay as they are."""

    items: Annotated[list[ShelfItemIn], Field(min_length=1, max_length=_MOST_CHANGES)]
    """The SKUs that change; the others stay as they are."""


class ChangeIn(Body):
    """By how much a count differs from what was known; below 0 for goods that are gone."""

    sku: Sku
    """The article, by the shop's own number."""
    change: Annotated[int, Field(ge=-MOST_ON_HAND, le=MOST_ON_HAND)]
    """Pieces more than was known; below 0 for goods that are gone, never 0."""

    @field_validator("change")
    @classmethod
    def _changes_something(cls, change: int) -> int:
        if change == 0:
            raise ValueError("is 0; leave out what did not change")
        return change


class CorrectionIn(Body):
    """What somebody found on the shelves."""

    changes: Annotated[list[ChangeIn], Field(min_length=1, max_length=_MOST_CHANGES)]
    """What differs from what was known; all of it is taken, or none."""
    reason: Reason
    """Why the shelf differs, in words; kept on record."""
    owner: Owner
    """Who counted or found it."""
    occurred_at: Moment | None = None
    """When it was found; now when left out."""


class PauseStoreIn(ReasonIn):
    """Why a store takes no more orders; `moves_orders` moves what is not begun elsewhere."""

    owner: Owner | None = None
    """Who decides it; may be left out."""
    moves_orders: bool = False
    """True to move orders whose picking has not begun to other stores."""


class ResumeIn(Body):
    """Who lets a store take orders again."""

    owner: Owner | None = None
    """Who decides it; may be left out."""


class PinIn(ReasonIn):
    """The only store an order may come from; null takes the pin off."""

    store_id: Id | None
    """The only store it may come from; null takes the pin off."""
    owner: Owner
    """Who decides it, for the record."""


class ExcludeIn(ReasonIn):
    """A store that an order must not come from."""

    store_id: Id
    """The store that never gets the order, unless somebody pins it there later."""
    owner: Owner
    """Who decides it, for the record."""


def file_schema(item: type[Body], items: str, columns: tuple[str, ...]) -> dict[str, Any]:
    """Return the request body of a route that takes a list as JSON or as CSV, for OpenAPI."""
    return {
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {
                        "type": "object",
                        "required": [items],
                        "additionalProperties": False,
                        "properties": {
                            items: {
                                "type": "array",
                                "description": "One for each SKU that is to be known.",
                                "minItems": 1,
                                "maxItems": MOST_LINES,
                                "items": item.model_json_schema(),
                            }
                        },
                    }
                },
                "text/csv": {"schema": {"type": "string", "examples": [",".join(columns)]}},
            },
        }
    }
