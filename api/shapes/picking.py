"""Picking, scans, the counter and returns."""

from __future__ import annotations

from typing import Annotated

from typing_extensions import TypedDict

from api.shapes.orders import Line, Promise
from api.shapes.words import Moment, Place, one_of
from dispatch.model import DeliveryStatus, Fulfilment, OrderStatus
from dispatch.records import ScanStep, SubstitutionAnswer


class WaitingCustomer(TypedDict):
    """Since when a customer waits, and where; null while nobody is here."""

    here_since: Moment | None
    bay: str | None


class PickSubstitution(TypedDict):
    """What was offered for a missing article; `accepted` is null until it is answered."""

    sku: str
    missing: int
    substitute: Line
    answer: Annotated[str, one_of(SubstitutionAnswer)]
    accepted: bool | None
    expires_at: Moment


class PickLine(TypedDict):
    """An article as its picker looks for it."""

    sku: str
    quantity: int
    name: str | None
    shelf: str | None
    barcode: str | None
    chilled: bool
    age_limit: int
    scanned: int
    substitution: PickSubstitution | None
    instead_of: str | None


class Pick(TypedDict):
    """An order as its picker sees it: lines as one walks along the shelves."""

    order_id: str
    short: str
    parcel_id: str
    status: Annotated[str, one_of(OrderStatus)]
    fulfilment: Annotated[str, one_of(Fulfilment)]
    customer: WaitingCustomer | None
    chilled: bool
    age_limit: int
    hold: str | None
    lines: list[PickLine]
    substitutions: list[PickSubstitution]
    refund_cents: int


class TimedPick(Pick):
    """An order to pick, and by when."""

    start_by: Moment
    ready_by: Moment
    needed_by: Moment


class Picks(TypedDict):
    """What a store has to pick, in the order of work."""

    data: list[TimedPick]


# --- scans -------------------------------------------------------------------------------------


class Package(TypedDict):
    """What a package says of where it comes from."""

    batch: str | None
    origin: str | None
    best_before: str | None


class PickedItem(Package):
    """A package that was scanned into an order."""

    sku: str
    name: str | None
    barcode: str
    picked_at: Moment


class Items(TypedDict):
    """What was scanned into an order, and how much of each line lacks a scan."""

    order_id: str
    parcel_id: str
    items: list[PickedItem]
    left: list[Line]


class Handed(TypedDict):
    """Who had a parcel in their hands at a step, and when."""

    step: Annotated[str, one_of(ScanStep)]
    by: str
    at: Moment


class Custody(TypedDict):
    """In whose hands a parcel was; `gaps` are steps that are over and that nobody scanned."""

    order_id: str
    parcel_id: str
    steps: list[Annotated[str, one_of(ScanStep)]]
    chain: list[Handed]
    gaps: list[Annotated[str, one_of(ScanStep)]]


class TracedArticle(TypedDict):
    """An article that was scanned."""

    sku: str
    name: str | None
    barcode: str


class TracedStore(TypedDict):
    """The store an article comes from."""

    id: str
    name: str


class TracedItem(Package):
    """A package of an article, and when it was picked."""

    picked_at: Moment


class PassedStep(TypedDict):
    """When a parcel passed a step."""

    step: Annotated[str, one_of(ScanStep)]
    at: Moment


class Trace(TypedDict):
    """Where an article of a parcel comes from, for the customer who has it."""

    parcel_id: str
    article: TracedArticle
    store: TracedStore
    items: list[TracedItem]
    custody: list[PassedStep]


# --- the counter -------------------------------------------------------------------------------


class Waiting(TypedDict):
    """An order that its customer comes for."""

    order_id: str
    short: str
    parcel_id: str
    fulfilment: Annotated[str, one_of(Fulfilment)]
    status: Annotated[str, one_of(OrderStatus)]
    bay: str | None
    here_since: Moment | None
    waiting_s: int | None
    promise: Promise
    ready_at: Moment | None
    expires_at: Moment | None
    age_limit: int
    pieces: int


class CollectedOrder(Waiting):
    """An order that its customer comes for, and the store it is at."""

    store_id: str


class Counter(TypedDict):
    """Who waits at a store, what is ready for whom, and what is not ready yet."""

    store_id: str
    now: Moment
    here: list[Waiting]
    ready: list[Waiting]
    not_ready: list[Waiting]


# --- returns -----------------------------------------------------------------------------------


class AboutGoods(TypedDict):
    """What is known of an article that comes back."""

    name: str | None
    chilled: bool


class Goods(AboutGoods):
    """How many of an article, and what it is."""

    sku: str
    quantity: int


class Returned(TypedDict):
    """What of an order came back, what still may, and what was given for it."""

    order_id: str
    returned: list[Goods]
    returnable: list[Goods]
    refund_cents: int


class ReturnPickup(TypedDict):
    """Where goods are fetched."""

    location: Place
    address: str


class Errand(TypedDict):
    """The errand on which a courier brings goods back."""

    return_id: str
    short: str
    order_id: str
    parcel_id: str
    status: Annotated[str, one_of(DeliveryStatus)]
    courier_id: str | None
    pickup: ReturnPickup
    store_id: str
    promise: Promise
    eta: Moment | None
    brought_at: Moment | None
    settled_at: Moment | None
    lines: list[Goods]
    reason: str | None


class Errands(TypedDict):
    """What couriers brought back and nobody looked at, and what is on its way."""

    store_id: str
    waiting: list[Errand]
    coming: list[Errand]
