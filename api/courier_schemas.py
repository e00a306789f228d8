"""What couriers and those who help them send, with bounds on everything."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field, StringConstraints

from api.schemas import LONGEST_BREAK_S, Body, HappenedIn, Id, Moment, Name, Note, PlaceIn, Reason
from dispatch.records import ProofKind

_MOST_PROOFS: Final = 10
_MOST_ORDERS: Final = 100


class PositionNowIn(Body):
    """Where a courier is or was."""

    location: PlaceIn
    """Where the courier was then."""
    at: Moment | None = None
    """When, by the device's clock; now when left out."""


class BreakIn(HappenedIn):
    """A break of so many seconds."""

    duration_s: Annotated[int, Field(ge=60, le=LONGEST_BREAK_S)]
    """Length of the break in seconds."""


class AcknowledgementIn(HappenedIn):
    """The version of the route that the courier has seen."""

    version: Annotated[int, Field(ge=0, le=2**53)]
    """The `version` of the route that the courier has seen."""


class DeclinedIn(HappenedIn):
    """Why an offer is declined."""

    reason: Reason
    """Why the courier declines, in words."""


class ProofIn(Body):
    """Proof of a stop.

    `value` is the PIN that was told or the code that was scanned; `detail` the note, the name of
    whoever signed, or the kind of document an age was read from; `blob_id` a stored picture.
    """

    kind: Annotated[ProofKind, Field(strict=False)]
    """How it is shown that the stop was done; it decides which other field is needed."""
    value: Annotated[str, StringConstraints(min_length=1, max_length=200)] | None = None
    """For `pin` what the customer said, for `qr` the parcel's code."""
    detail: Note = ""
    """For `note` the words, for `age` the document, for `signature` the signer's name."""
    blob_id: Id | None = None
    """A picture sent before to `/v1/proofs`: for `photo`, and for a drawn `signature`."""


class StopReportIn(HappenedIn):
    """What a courier did at a stop; `failed` and `declined` need a reason."""

    reason: Reason | None = None
    """Why, in words; needed for `failed` and `declined`."""
    proofs: list[ProofIn] = Field(default_factory=list, max_length=_MOST_PROOFS)
    """What shows that it was done; the route's `proofs_required` says which are needed."""


class StrandedIn(HappenedIn):
    """Why a courier cannot go on, and where; without a place the last one known."""

    reason: Reason
    """Why the courier cannot go on, in words."""
    location: PlaceIn | None = None
    """Where the goods in the bag wait; the courier's last known place when left out."""


class HandOverIn(HappenedIn):
    """Which orders another courier takes over, and who says so."""

    to_courier_id: Id
    """Who takes the orders over; on shift, and not on a break."""
    order_ids: Annotated[list[Id], Field(min_length=1, max_length=_MOST_ORDERS)]
    """The orders that are passed on."""
    owner: Name
    """Who decides it, such as `ops:maria`."""
    reason: Reason
    """Why, in words; kept on record."""
    location: PlaceIn | None = None
    """Where the goods wait; the courier's last known place when left out."""


class RetryIn(HappenedIn):
    """Why a delivery is tried again, and who says so."""

    owner: Name
    """Who decides it, such as `ops:maria`."""
    reason: Reason
    """Why, in words; kept on record."""
