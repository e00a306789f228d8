"""Quotes and orders."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from typing_extensions import TypedDict

from api.shapes.wire import written
from api.shapes.words import Moment, Place, one_of
from dispatch.model import DeliveryStatus, Fulfilment, OrderStatus, Reason
from dispatch.records import (
    Carriage,
    Hold,
    ItemScan,
    OrderLock,
    ParcelScan,
    ProofKind,
    Substitution,
)

OverallStatus = Annotated[str, one_of(OrderStatus, DeliveryStatus)]
"""Goods and delivery in one word: the delivery's, once a courier is on the way."""


class Promise(TypedDict):
    """Between when and when the goods come."""

    earliest: Moment
    latest: Moment


class MadePromise(Promise):
    """A promise, and when it was made."""

    made_at: Moment


class Line(TypedDict):
    """How many of an article."""

    sku: str
    quantity: int


# --- quotes ------------------------------------------------------------------------------------


class Fare(TypedDict):
    """What a delivery costs, by what it costs for."""

    base_cents: int
    distance_cents: int
    tier_cents: int
    surge_cents: int


class OpenWindow(TypedDict):
    """A window that can be ordered."""

    id: str
    available: Literal[True]
    promise: Promise
    store_id: str | None
    fare: Fare | None
    fare_cents: int


class ClosedWindow(TypedDict):
    """A window that cannot be had, and why not."""

    id: str
    available: Literal[False]
    code: Annotated[str, one_of(Reason)] | None
    detail: str


class QuotedParcel(TypedDict):
    """What one store would hand over."""

    store_id: str
    lines: list[Line]


class Quote(TypedDict):
    """A quote; promise, eta, store and fare are null where only windows can be had."""

    id: str
    fulfilment: Annotated[str, one_of(Fulfilment)]
    promise: Promise | None
    eta: Moment | None
    store_id: str | None
    fare: Fare | None
    fare_cents: int | None
    windows: list[OpenWindow | ClosedWindow]
    parcels: list[QuotedParcel]
    expires_at: Moment


# --- orders ------------------------------------------------------------------------------------


class Delivery(TypedDict):
    """How an order's delivery stands."""

    status: Annotated[str, one_of(DeliveryStatus)]
    courier_id: str | None
    eta: Moment | None
    promise: Promise
    at_risk: bool
    tries: int


class Collection(TypedDict):
    """How an order stands that its customer comes for."""

    here_at: Moment | None
    bay: str


class PricedPromise(TypedDict):
    """A promise and its price."""

    promise: Promise
    fare_cents: int


class Verdict(TypedDict):
    """What became of the quote that an order cited; differences are positive for later, dearer."""

    id: str
    window: str | None
    held: bool
    reason: str | None
    promised: PricedPromise
    now: PricedPromise
    difference_s: int
    fare_difference_cents: int


class Dropoff(TypedDict):
    """Where the courier goes: `address_location` is the address, where a pin was put elsewhere."""

    location: Place
    address: str
    address_location: Place | None
    note: str


class Parcel(TypedDict):
    """What one store hands over for an order."""

    id: str
    order_id: str
    store_id: str
    status: Annotated[str, one_of(OrderStatus)]
    delivery_status: Annotated[str, one_of(DeliveryStatus)] | None
    courier_id: str | None
    eta: Moment | None
    lines: list[Line]


class ShownProof(TypedDict):
    """That a stop was done, by what."""

    stop_id: str
    kind: Annotated[str, one_of(ProofKind)]
    taken_at: Moment | None


class Happened(TypedDict):
    """What happened to an order, by the event's type."""

    at: Moment
    event: str


class Order(TypedDict):
    """An order with all that happened to it.

    Goods, weight and money of the first part are those of the whole; `parcels` has them apart.
    """

    id: str
    external_id: str | None
    created_at: Moment
    fulfilment: Annotated[str, one_of(Fulfilment)]
    status: Annotated[str, one_of(OrderStatus)]
    overall_status: OverallStatus
    delivery: Delivery | None
    collection: Collection | None
    promise: Promise
    promises: list[MadePromise]
    quote: Verdict | None
    store_id: str
    pinned_store_id: str | None
    excluded_stores: list[str]
    ready_at: Moment | None
    picked_at: Moment | None
    dropoff: Dropoff
    phone: str
    lines: list[Line]
    weight_g: int
    volume_ml: int
    chilled: bool
    age_limit: int
    pin_required: bool
    pick_s: int | None
    priority: int
    basket_cents: int
    fare_cents: int
    tip_cents: int
    paid_cents: int
    refund_cents: int
    reason: str | None
    part_of: str | None
    return_of: str | None
    parcels: list[Parcel]
    hold: Annotated[Any, written(Hold | None)]
    lock: Annotated[Any, written(OrderLock | None)]
    carriage: Annotated[Any, written(Carriage | None)]
    substitutions: Annotated[Any, written(tuple[Substitution, ...])]
    items: Annotated[Any, written(tuple[ItemScan, ...])]
    scans: Annotated[Any, written(tuple[ParcelScan, ...])]
    proofs: list[ShownProof]
    returned: dict[str, int]
    conflicts: list[str]
    timeline: list[Happened]


class Warned(TypedDict):
    """What somebody should look at, though the order is taken."""

    code: Literal["pin_far_from_address"]
    detail: str
    pointer: str


class PlacedOrder(Order):
    """An order as it was taken, and where its customer can follow it."""

    tracking_url: str
    warnings: list[Warned]


class Amended(TypedDict):
    """What a change did."""

    changed: list[str]
    promise_kept: bool
    store_kept: bool


class AmendedOrder(Order):
    """An order after a change."""

    amended: Amended
    warnings: list[Warned]


class OrderPage(TypedDict):
    """A page of orders; `next` is the cursor of the following page, null on the last."""

    data: list[Order]
    next: str | None


class TrackingLink(TypedDict):
    """What the shop tells its customer: the link, and the PIN for door or counter."""

    token: str
    url: str
    pin: str
