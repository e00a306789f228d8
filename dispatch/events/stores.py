"""Facts about stores, their articles and their stock."""

from __future__ import annotations

from dataclasses import dataclass

from dispatch.model import Store
from dispatch.records import Article
from geo.types import EpochS


@dataclass(frozen=True, slots=True)
class StoreRegistered:
    store: Store


@dataclass(frozen=True, slots=True)
class StockSet:
    store_id: str
    on_hand: dict[str, int]


@dataclass(frozen=True, slots=True)
class StorePaused:
    """A store takes no more orders; what it has taken is still picked unless it moves."""

    store_id: str
    reason: str
    owner: str = ""


@dataclass(frozen=True, slots=True)
class StoreResumed:
    """A store takes orders again."""

    store_id: str
    owner: str = ""


@dataclass(frozen=True, slots=True)
class CatalogueSet:
    """What is known of some articles of the zone; the others stay as they are."""

    articles: tuple[Article, ...]


@dataclass(frozen=True, slots=True)
class ShelvesSet:
    """Where some SKUs stand in a store, and how many of each are never promised online."""

    store_id: str
    shelves: dict[str, str]
    safety_stock: dict[str, int]


@dataclass(frozen=True, slots=True)
class StockCorrected:
    """Somebody counted: the stock on the shelf changed by so many, other than by an order."""

    store_id: str
    changes: dict[str, int]
    reason: str
    owner: str
    occurred_at: EpochS
