"""Stores, their stock, and the catalogue."""

from __future__ import annotations

from typing import Annotated, Any, NotRequired

from typing_extensions import TypedDict

from api.shapes.wire import written
from api.shapes.words import Moment, Place, one_of
from dispatch.model import OrderStatus, Reason
from geo.service_area import ServiceArea


class Moved(TypedDict):
    """An order that changed its store."""

    order_id: str
    from_store_id: str
    to_store_id: str
    reason: str


class Left(TypedDict):
    """An order that stays at a store, and why."""

    order_id: str
    status: Annotated[str, one_of(OrderStatus)]
    detail: str


class StoreInShort(TypedDict):
    """A store with what its pickers have to do, without its service area."""

    id: str
    name: str
    location: Place
    address: str | None
    opening_hours: str
    open_now: bool
    paused: bool
    paused_reason: str | None
    pickers: int
    pick_base_s: int
    pick_line_s: int
    pickup_service_s: int
    reach_s: int
    access_s: int
    safety_stock: int
    picks_waiting: int
    picks_running: int


class Store(StoreInShort):
    """A store with what its pickers have to do."""

    service_area: Annotated[Any, written(ServiceArea | None)]


class PausedStore(Store):
    """A store that takes no more orders; `moved` and `left` where it closes early."""

    moved: NotRequired[list[Moved]]
    left: NotRequired[list[Left]]


class StorePage(TypedDict):
    """A page of stores; `next` is the cursor of the following page, null on the last."""

    data: list[Store]
    next: str | None


# --- articles ----------------------------------------------------------------------------------


class Article(TypedDict):
    """What the catalogue says of an article."""

    sku: str
    name: str
    weight_g: int
    volume_ml: int
    price_cents: int
    chilled: bool
    age_limit: int
    barcode: str
    shelf: str


class ArticlePage(TypedDict):
    """A page of articles; `next` is the cursor of the following page, null on the last."""

    data: list[Article]
    next: str | None


class CatalogueTaken(TypedDict):
    """What came of a catalogue."""

    articles: int
    changed: int
    known: int


# --- stock -------------------------------------------------------------------------------------


class Stock(TypedDict):
    """The stock of one article in a store."""

    sku: str
    on_hand: int
    reserved: int
    available: int
    safety_stock: int
    shelf: str


class StockPage(TypedDict):
    """A page of stock; `next` is the cursor of the following page, null on the last."""

    data: list[Stock]
    next: str | None


class StockRows(TypedDict):
    """The stock of the articles that were named."""

    data: list[Stock]


class BelowReserved(TypedDict):
    """An article of which fewer are there than were promised to orders."""

    sku: str
    on_hand: int
    reserved: int


class Short(TypedDict):
    """An order that lacks goods now, and why it does not move."""

    order_id: str
    missing: dict[str, int]
    detail: str


class Consequences(TypedDict):
    """What a count means for orders."""

    moved: list[Moved]
    short: list[Short]


class StockTaken(Consequences):
    """What came of stock that was set; `data` only where few articles were named."""

    store_id: str
    skus: int
    changed: int
    below_reserved: list[BelowReserved]
    data: NotRequired[list[Stock]]


class StockCorrection(Consequences):
    """What came of a correction."""

    store_id: str
    data: list[Stock]


# --- where orders come from --------------------------------------------------------------------


class Candidate(TypedDict):
    """A store's verdict for an open order; `trip_s` is null where there is no way."""

    store_id: str
    name: str
    chosen: bool
    can_serve: bool
    reason: Annotated[str, one_of(Reason)] | None
    detail: str
    trip_s: int | None
    ready_at: Moment | None


class SaidOfStores(TypedDict):
    """What people said about where an order comes from."""

    pinned_store_id: str | None
    excluded_stores: list[str]


class Candidates(SaidOfStores):
    """Every store with its verdict for an open order: those that can serve it first."""

    order_id: str
    store_id: str
    movable: bool
    detail: str
    data: list[Candidate]
