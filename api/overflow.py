"""Overflow: the port to outside courier companies, and what the service is told of them at start.

A company is asked for a bid, takes a job, and can be called off.  How far it is, it tells us.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Protocol
from urllib.parse import urlsplit

from dispatch.model import LonLat

_FORM: Final = "NAME=URL, as swift=https://api.swift.example/v1"
COMPANY_NAME: Final = "[a-z][a-z0-9-]{0,39}"
"""What a company may be called: it stands in addresses."""

_SCHEMES: Final = ("http", "https")


class CourierCompanyError(Exception):
    """A courier company gave no usable answer; whether it did anything is not known."""

    code = "courier_company_failed"


class JobRefusedError(CourierCompanyError):
    """A courier company answered that it does not do it."""

    code = "courier_company_refused"


@dataclass(frozen=True, slots=True)
class Job:
    """What an outside company is to do.  Times are UTC epoch seconds.

    Attributes
    ----------
    job_id
        Ours; the same job asked for twice has the same.
    asked_at
        Our time when we ask: a service may run on a clock of its own.
    ready_at
        When the goods are forecast (or known) to be ready, None where nobody knows.
    latest
        End of what was promised to the customer.
    age_limit, pin_required
        What must be seen or told at the door.
    updates_url
        Where to say how far it is; empty when only a bid is asked for.
    """

    job_id: str
    order_id: str
    parcel_id: str
    asked_at: int
    pickup: LonLat
    pickup_name: str
    pickup_address: str
    ready_at: int | None
    dropoff: LonLat
    dropoff_address: str
    note: str
    phone: str
    earliest: int
    latest: int
    weight_g: int
    chilled: bool
    age_limit: int
    pin_required: bool
    updates_url: str = ""
    volume_ml: int = 0


@dataclass(frozen=True, slots=True)
class Bid:
    """What a company asks for a job, and when it would do it."""

    cost_cents: int
    pickup_at: int
    dropoff_at: int


class CourierCompany(Protocol):
    """An outside company, as the service asks it; every method may block, within its own limits.

    Every method raises `CourierCompanyError` when there is no usable answer.
    """

    @property
    def name(self) -> str:
        """What the company is called on the wire."""
        ...

    def quote(self, job: Job) -> Bid | None:
        """Return what it asks for a job, None when it does not take it."""
        ...

    def book(self, job: Job) -> str:
        """Give it a job, once whatever is lost on the way; returns its reference.

        Raises
        ------
        JobRefusedError
            It does not take it any more.
        """
        ...

    def cancel(self, reference: str) -> None:
        """Call a job off, by its reference or our own id; one that is not known is no error.

        Raises
        ------
        JobRefusedError
            It is too late for that.
        """
        ...

    def close(self) -> None:
        """Let go of the connections."""
        ...


@dataclass(frozen=True, slots=True)
class CompanySpec:
    """A company that speaks our JSON, by its name and URL."""

    name: str
    url: str


def read_company(text: object) -> object:
    """Read `NAME=URL`.

    Raises
    ------
    ValueError
        It is none; says which part, and what it should be.
    """
    if not isinstance(text, str):
        return text
    if "@" in text:
        # Not shown, because of what stands before it.
        raise ValueError("a URL carries a name or password; companies are asked without one")
    name, equals, url = text.strip().partition("=")
    if not equals:
        raise ValueError(f"{text!r} is not {_FORM}")
    if not re.fullmatch(COMPANY_NAME, name):
        raise ValueError(f"{text!r} names {name!r}; use small letters, digits and dashes")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ValueError(f"{text!r} has no usable URL: {error}") from error
    if parts.scheme not in _SCHEMES or not parts.hostname or port == 0:
        raise ValueError(f"{text!r} has no usable URL; give http:// or https://, host and port")
    if parts.query or parts.fragment:
        raise ValueError(f"{text!r} has a query or fragment; end the URL with its path")
    return CompanySpec(name, url)
