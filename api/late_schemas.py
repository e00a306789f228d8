"""What a device sends of work done while it had no network."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field

from api.courier_schemas import ProofIn
from api.schemas import Body, Id, Moment, Reason
from dispatch.records import StopOutcome

_MOST_REPORTS: Final = 500
_MOST_PROOFS: Final = 10


class WorkReportIn(Body):
    """What was done at a stop, by the device's clock."""

    stop_id: Id
    """The stop that is reported."""
    outcome: Annotated[StopOutcome, Field(strict=False)]
    """What the courier did there."""
    occurred_at: Moment
    """When it happened, by the device's clock."""
    reason: Reason | None = None
    """Why, in words; needed for `failed` and `declined`."""
    proofs: Annotated[list[ProofIn], Field(max_length=_MOST_PROOFS, default_factory=list)]
    """What shows that it was done, as with a report sent at once."""


class WorkIn(Body):
    """Work of one courier, in any order."""

    reports: Annotated[list[WorkReportIn], Field(min_length=1, max_length=_MOST_REPORTS)]
    """What was done while there was no network, in any order."""
