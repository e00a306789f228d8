"""Couriers: who they are, where they are, what they do next."""

from __future__ import annotations

from typing import Annotated, Literal, NotRequired

from typing_extensions import TypedDict

from api.shapes.orders import Promise
from api.shapes.ways import Leg, StopLeg
from api.shapes.words import Moment, Place, SeenAt, one_of
from dispatch.model import StopKind
from dispatch.records import ProofKind, StopOutcome
from dispatch.rules.late import LateRule, Result
from geo.types import Mode

Activity = Literal[
    "to_pickup",
    "at_pickup",
    "to_dropoff",
    "at_dropoff",
    "returning",
    "at_return",
    "stranded",
    "offered",
    "on_break",
    "idle",
    "off",
]

StopStatus = Literal["planned", "offered", "committed", "arrived"]


class PlannedBreak(TypedDict):
    """The break of a shift that is still to come."""

    earliest: Moment
    latest: Moment
    duration_s: int


class CourierBreak(TypedDict):
    """The break a courier has or waits for; `ends_at` is null while they wait for it."""

    wanted_s: int | None
    ends_at: Moment | None


Shift = TypedDict(
    "Shift",
    {"starts_at": Moment | None, "ends_at": Moment | None, "break": PlannedBreak | None},
)
"""A shift that is not over; `break` is a word of Python's own."""


class Standby(TypedDict):
    """Where a courier was told to wait for work."""

    store_id: str
    name: str
    location: Place
    expected_at: Moment


class StandbyWay(TypedDict):
    """Where a courier waits for work, and the way there; `leg` is null when there."""

    courier_id: str
    travel_version: str
    standby: Standby | None
    leg: Leg | None


class OfferInShort(TypedDict):
    """The stop a courier is asked about, and until when."""

    stop_id: str
    expires_at: Moment


class RouteLock(TypedDict):
    """The order of stops that a person fixed."""

    stop_ids: list[str]
    owner: str
    reason: str
    expires_at: Moment


_Details = TypedDict(
    "_Details",
    {
        "phone": str | None,
        "takes_offers": bool,
        "break": CourierBreak | None,
        "stranded": str | None,
        "offer": OfferInShort | None,
        "acknowledged_version": int,
        "route_lock": RouteLock | None,
    },
)


class CourierDetails(_Details):
    """What is known of a courier besides place, shift and activity."""


class Courier(CourierDetails):
    """A courier."""

    id: str
    name: str
    mode: Annotated[str, one_of(Mode)]
    home: Place
    capacity_g: int
    capacity_ml: int
    capacity_parcels: int
    chilled_bags: int
    on_shift: bool
    shift: Shift | None
    operator: str
    position: SeenAt | None
    activity: Activity
    on_board: list[str]
    standby: Standby | None
    route_version: int


class CourierPage(TypedDict):
    """A page of couriers; `next` is the cursor of the following page, null on the last."""

    data: list[Courier]
    next: str | None


# --- routes ------------------------------------------------------------------------------------


class StopDetails(TypedDict):
    """What a courier must show or see at a stop of an order."""

    parcel_id: str
    proofs_required: list[Annotated[str, one_of(ProofKind)]]
    age_limit: int


class Stop(StopDetails):
    """A stop ahead; only at a door there is a `promise`."""

    id: str
    kind: Annotated[str, one_of(StopKind)]
    order_id: str
    store_id: str
    name: str
    address: str
    location: Place
    status: StopStatus
    offer_expires_at: Moment | None
    arrive_at: Moment
    begin_at: Moment
    depart_at: Moment
    note: str
    parcel_ready: bool
    promise: NotRequired[Promise]


class Route(TypedDict):
    """A courier's stops and the ways between them, along the streets."""

    courier_id: str
    version: int
    acknowledged: bool
    travel_version: str
    leave_at: Moment | None
    stops: list[Stop]
    legs: list[StopLeg]


class Acknowledged(TypedDict):
    """Which version of a route there is, and which one was seen."""

    courier_id: str
    version: int
    acknowledged_version: int


class Reported(TypedDict):
    """What a report did: the types of its events, and the route after it."""

    already: bool
    events: list[str]
    route: Route


# --- positions ---------------------------------------------------------------------------------


class PositionTaken(TypedDict):
    """What came of a position; a late one belongs to the track only."""

    accepted: int
    late: int


class IgnoredPosition(TypedDict):
    """A position that cannot be used, and why."""

    index: int
    pointer: str
    courier_id: str
    reason: str


class PositionsTaken(PositionTaken):
    """What came of positions."""

    ignored: list[IgnoredPosition]


# --- offers and proofs -------------------------------------------------------------------------


class OfferPickup(TypedDict):
    """Where the goods of an offer are."""

    store_id: str
    name: str
    location: Place


class OfferDropoff(TypedDict):
    """Where the goods of an offer go."""

    location: Place
    address: str


class Offer(TypedDict):
    """What a courier needs to know to say yes or no."""

    stop_id: str
    order_id: str
    pickup: OfferPickup
    dropoff: OfferDropoff
    weight_g: int
    volume_ml: int
    tip_cents: int
    expected_at: Moment
    expires_at: Moment
    allowed: list[Literal["accept", "decline"]]


class CourierOffer(TypedDict):
    """The offer that a courier has open, if any."""

    courier_id: str
    offer: Offer | None


class Proof(TypedDict):
    """What was shown at a stop."""

    stop_id: str
    stop_kind: Annotated[str, one_of(StopKind)]
    kind: Annotated[str, one_of(ProofKind)]
    detail: str | None
    blob_id: str | None
    picture: str | None
    taken_at: Moment | None


class Proofs(TypedDict):
    """What was shown at the stops of an order, in order."""

    data: list[Proof]


class KeptPicture(TypedDict):
    """A picture that was kept."""

    blob_id: str
    content_type: str
    size_bytes: int


# --- work heard of afterwards, text messages ---------------------------------------------------


class SettledReport(TypedDict):
    """What became of a report; `code` only where there is no such stop."""

    stop_id: str
    outcome: Annotated[str, one_of(StopOutcome)]
    occurred_at: Moment
    result: Annotated[str, one_of(Result)]
    rule: Annotated[str, one_of(LateRule)] | None
    detail: str | None
    events: list[str]
    code: NotRequired[Literal["unknown_id"]]


class Settled(TypedDict):
    """What became of each report of a batch, and the types of all its events."""

    reports: list[SettledReport]
    events: list[str]


class WorkTaken(Settled):
    """What became of work done without network, and the route after it."""

    route: Route


class Text(TypedDict):
    """A text message for a courier."""

    seq: int
    at: Moment
    to: str | None
    text: str


class Reply(TypedDict):
    """The answer to a courier's text message, of at most 160 characters."""

    reply: str


class Texts(TypedDict):
    """Text messages for a courier; `next` is what to ask after the next time."""

    data: list[Text]
    next: int
