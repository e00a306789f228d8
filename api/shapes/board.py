"""The operations page's one document."""

from __future__ import annotations

from typing import Annotated, Any, Literal, NotRequired

from typing_extensions import TypedDict

from api.shapes.couriers import Courier
from api.shapes.desk import Control
from api.shapes.operations import Closure
from api.shapes.orders import OverallStatus, Promise
from api.shapes.stores import StoreInShort
from api.shapes.wire import written
from api.shapes.words import Line, Moment, Place, one_of
from api.shapes.zones import Zone
from dispatch.kpis import Kpis
from dispatch.model import StopKind

Phase = Literal["waiting", "picking", "ready", "carried", "delivered", "failed"]


class BoardSample(TypedDict):
    """Some figures as they were at a moment."""

    at: Moment
    open: int
    at_risk: int
    on_time_share: float | None
    click_to_door_p50_s: int | None
    couriers_busy: int


class NextStop(TypedDict):
    """What a courier does next."""

    kind: Annotated[str, one_of(StopKind)]
    name: str
    arrive_at: Moment
    order_id: str


class BoardCourier(Courier):
    """A courier, and the way ahead."""

    line: Line
    next_stop: NextStop | None
    late_s: int


class BoardOrder(TypedDict):
    """An order in short."""

    id: str
    short: str
    status: OverallStatus
    store_id: str
    courier_id: str | None
    location: Place
    address: str
    created_at: Moment
    promise: Promise
    eta: Moment | None
    at_risk: bool
    late: bool
    held: bool
    phase: Phase
    delivered_at: Moment | None


class Attention(TypedDict):
    """What needs a person: an order, a store or a courier."""

    level: Literal["late", "unassigned", "risk"]
    text: str
    order_id: NotRequired[str]
    store_id: NotRequired[str]
    courier_id: NotRequired[str]


class News(TypedDict):
    """A line of news."""

    at: Moment
    text: str


class Board(TypedDict):
    """Everything the operations page shows."""

    now: Moment
    speed: float
    seq: int
    zone: Zone
    kpis: Annotated[Any, written(Kpis)]
    history: list[BoardSample]
    stores: list[StoreInShort]
    couriers: list[BoardCourier]
    orders: list[BoardOrder]
    controls: list[Control]
    closures: list[Closure]
    attention: list[Attention]
    feed: list[News]
