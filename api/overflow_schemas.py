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
    owner: Name
    reason: Reason


class CarriageUpdateIn(Body):
    """How far a company is, in our delivery statuses; `cancelled` when it gives the job up."""

    reference: Annotated[str, StringConstraints(pattern=r"^[!-~]{1,128}$")]
    status: Annotated[str, AfterValidator(_status)]
    occurred_at: Moment | None = None
    eta: Moment | None = None
    detail: Reason | None = None
