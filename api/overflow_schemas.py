"""What is said about orders that outside companies carry."""

from __future__ import annotations

from typing import Annotated

from pydantic import StringConstraints
from pydantic.functional_validators import AfterValidator

from api.overflow import COMPANY_NAME
from api.schemas import Body, Moment, Name, Reason
from dispatch.rules.carriage import STATUSES


def _status(value: str) -> str:
    if value not in STATUSES:
        raise ValueError(f"must be one of {', '.join(sorted(STATUSES))}")
    return value


class CarriageIn(Body):
    """Which company gets an order, who says so and why."""

    carrier: Annotated[str, StringConstraints(pattern=f"^{COMPANY_NAME}$")]
    """Name of the courier company, as the service was started with it."""
    owner: Name
    """Who decides it, such as `ops:maria`."""
    reason: Reason
    """Why, in words; kept on record."""


class CarriageUpdateIn(Body):
    """How far a company is, in our delivery statuses; `cancelled` when it gives the job up."""

    reference: Annotated[str, StringConstraints(pattern=r"^[!-~]{1,128}$")]
    """The company's own number of the job, as it answered when it took it."""
    status: Annotated[str, AfterValidator(_status)]
    """How far the delivery is; `cancelled` when the company gives the job up."""
    occurred_at: Moment | None = None
    """When it happened; now when left out."""
    eta: Moment | None = None
    """When the company expects to be at the door; left out when unknown."""
    detail: Reason | None = None
    """What the company says about it, in words."""
