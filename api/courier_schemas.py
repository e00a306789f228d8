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
    at: Moment | None = None


class BreakIn(HappenedIn):
    """A break of so many seconds."""

    duration_s: Annotated[int, Field(ge=60, le=LONGEST_BREAK_S)]


class AcknowledgementIn(HappenedIn):
    """The version of the route that the courier has seen."""

    version: Annotated[int, Field(ge=0, le=2**53)]


class DeclinedIn(HappenedIn):
    """Why an offer is declined."""

    reason: Reason


class ProofIn(Body):
    """Proof of a stop.

    `value` is the PIN that was told or the code that was scanned; `detail` the note, the name of
    whoever signed, or the kind of document an age was read from; `blob_id` a stored picture.
    """

    kind: Annotated[ProofKind, Field(strict=False)]
    value: Annotated[str, StringConstraints(min_length=1, max_length=200)] | None = None
    detail: Note = ""
    blob_id: Id | None = None


class StopReportIn(HappenedIn):
    """What a courier did at a stop; `failed` and `declined` need a reason."""

    reason: Reason | None = None
    proofs: list[ProofIn] = Field(default_factory=list, max_length=_MOST_PROOFS)


class StrandedIn(HappenedIn):
    """Why a courier cannot go on, and where; without a place the last one known."""

    reason: Reason
    location: PlaceIn | None = None


class HandOverIn(HappenedIn):
    """Which orders another courier takes over, and who says so."""

    to_courier_id: Id
    order_ids: Annotated[list[Id], Field(min_length=1, max_length=_MOST_ORDERS)]
    owner: Name
    reason: Reason
    location: PlaceIn | None = None


class RetryIn(HappenedIn):
    """Why a delivery is tried again, and who says so."""

    owner: Name
    reason: Reason
