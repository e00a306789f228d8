"""What the customer sees of an order."""

from __future__ import annotations

from typing import Annotated, Literal

from typing_extensions import TypedDict

from api.shapes.orders import OverallStatus, Promise
from api.shapes.words import Moment, Place, SeenAt, one_of
from dispatch.model import Fulfilment
from dispatch.records import SubstitutionAnswer
from geo.types import Mode

Status = Literal[
    "received",
    "picking",
    "question",
    "ready",
    "on_the_way",
    "at_the_door",
    "delivered",
    "collected",
    "failed",
    "returning",
    "returned",
    "cancelled",
]
"""Where a parcel is, in the customer's words."""


class Expected(TypedDict):
    """Between when and when a parcel is expected."""

    earliest: Moment
    latest: Moment


class TrackedDropoff(TypedDict):
    """Where the goods go."""

    location: Place
    address: str
    note: str


class TrackedStore(TypedDict):
    """Where the goods are to be had."""

    name: str
    location: Place
    address: str


class TrackedCourier(TypedDict):
    """Who brings a parcel; where they are only when theirs is the next door."""

    name: str
    mode: Annotated[str, one_of(Mode)]
    stops_before: int
    position: SeenAt | None


class TrackedLine(TypedDict):
    """How many of an article are in a parcel."""

    sku: str
    name: str
    quantity: int


class Traced(TypedDict):
    """Where an article of a parcel comes from; empty texts are not known."""

    name: str
    batch: str
    origin: str
    best_before: str
    trace: str


class TrackedParcel(TypedDict):
    """What one store hands over."""

    id: str
    status: Status
    store: str
    expected: Expected | None
    late: bool
    courier: TrackedCourier | None
    lines: list[TrackedLine]
    traced: list[Traced]
    done_at: Moment | None


class OfferedInstead(TypedDict):
    """What was offered for a missing article, and what became of it."""

    sku: str
    quantity: int
    substitute_sku: str
    substitute_name: str
    substitute_quantity: int
    expires_at: Moment
    answer: Annotated[str, one_of(SubstitutionAnswer)]
    accepted: bool
    pending: bool


class TrackedSubstitution(OfferedInstead):
    """What was offered for an article, with its name."""

    name: str


class May(TypedDict):
    """What the customer may do now."""

    note: bool
    here: bool


class Tracking(TypedDict):
    """An order as its customer sees it."""

    number: str
    fulfilment: Annotated[str, one_of(Fulfilment)]
    status: Status
    overall_status: OverallStatus
    now: Moment
    speed: float
    time_zone: str
    city: str
    bounds: list[float]
    attribution: str
    promise: Promise
    expected: Expected | None
    late: bool
    dropoff: TrackedDropoff | None
    store: TrackedStore | None
    pin: str | None
    age_limit: int
    here_at: Moment | None
    bay: str
    can: May
    parcels: list[TrackedParcel]
    substitutions: list[TrackedSubstitution]
