"""What may be asked about stores, their articles and their stock."""

from __future__ import annotations

from dataclasses import dataclass, field

from dispatch.model import Store
from dispatch.records import Article
from geo.types import EpochS


@dataclass(frozen=True, slots=True)
class RegisterStore:
    """Add a store, or change what is known of it."""

    store: Store


@dataclass(frozen=True, slots=True)
class SetStock:
    """Set the stock on the shelf (reserved goods included) of some SKUs of a store.

    Attributes
    ----------
    replaces
        Of SKUs not named nothing is left.
    shelves, safety_stock
        As in `SetShelves`, in the same breath.
    """

    store_id: str
    on_hand: dict[str, int]
    replaces: bool = False
    shelves: dict[str, str] = field(default_factory=dict)
    safety_stock: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PauseStore:
    """Take no more orders at a store; `moves_orders` moves what is not begun elsewhere."""

    store_id: str
    reason: str
    owner: str = ""
    moves_orders: bool = False


@dataclass(frozen=True, slots=True)
class ResumeStore:
    """Take orders at a store again."""

    store_id: str
    owner: str = ""


@dataclass(frozen=True, slots=True)
class SetCatalogue:
    """Say what some articles are; all of them or none."""

    articles: tuple[Article, ...]


@dataclass(frozen=True, slots=True)
class SetShelves:
    """Say where some SKUs stand in a store, and how many are never promised online."""

    store_id: str
    shelves: dict[str, str]
    safety_stock: dict[str, int]


@dataclass(frozen=True, slots=True)
class CorrectStock:
    """Change the stock on the shelf by what somebody counted."""

    store_id: str
    changes: dict[str, int]
    reason: str
    owner: str
    occurred_at: EpochS
