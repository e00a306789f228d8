"""Outside courier companies over HTTP: a small JSON, within limits of time and size.

`docs/overflow.md` says what is asked and answered; `examples/courier_company.py` answers it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Any, Final, TypeVar
from urllib.parse import quote

import httpx
import pybreaker
from pydantic import Field, StringConstraints, TypeAdapter, ValidationError
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential

from api.legs import place
from api.logs import logger
from api.overflow import Bid, CompanySpec, CourierCompanyError, Job, JobRefusedError
from api.schemas import Moment
from dispatch.codec import to_rfc3339

_log = logger("overflow")
_T = TypeVar("_T")
Json = dict[str, Any]

_SAYS_NO: Final = frozenset({HTTPStatus.CONFLICT, HTTPStatus.GONE, HTTPStatus.UNPROCESSABLE_ENTITY})
_SHOWN: Final = 120


@dataclass(frozen=True, slots=True)
class _BidIn:
    cost_cents: Annotated[int, Field(ge=0, le=100_000_000, strict=True)]
    pickup_at: Moment
    dropoff_at: Moment


@dataclass(frozen=True, slots=True)
class _BookedIn:
    reference: Annotated[str, StringConstraints(pattern=r"^[!-~]{1,128}$")]


_BID: Final = TypeAdapter(_BidIn)
_BOOKED: Final = TypeAdapter(_BookedIn)


@dataclass(frozen=True, slots=True)
class CompanyLimits:
    """What a company is given before we go on without it.

    Attributes
    ----------
    connect_s, read_s
        For one connection, and for the next part of one answer.
    attempts, pause_s
        How often a request is sent at most, and the wait before the second one (doubled after).
    answer_bytes
        A larger answer is given up.
    failures, rest_s
        After so many failed questions in a row it is left alone for so long.
    """

    connect_s: float = 1.0
    read_s: float = 4.0
    attempts: int = 2
    pause_s: float = 0.2
    answer_bytes: int = 100_000
    failures: int = 3
    rest_s: float = 30.0


class _NoAnswerError(CourierCompanyError):
    """None at all; another attempt may help."""


class HttpCourierCompany:
    """A company that speaks our JSON; safe to use from several threads.

    Parameters
    ----------
    spec
        Its name, and where its paths begin.
    """

    def __init__(self, spec: CompanySpec, limits: CompanyLimits | None = None) -> None:
        self._limits = limits or CompanyLimits()
        self._spec = spec
        self._base = spec.url.rstrip("/")
        self._client = httpx.Client(
            headers={"Accept": "application/json"},
            timeout=httpx.Timeout(self._limits.read_s, connect=self._limits.connect_s),
        )
        self._retrying = Retrying(
            stop=stop_after_attempt(self._limits.attempts),
            wait=wait_exponential(multiplier=self._limits.pause_s),
            retry=retry_if_exception_type(_NoAnswerError),
            reraise=True,
        )
        self._breaker = pybreaker.CircuitBreaker(
            fail_max=self._limits.failures,
            reset_timeout=self._limits.rest_s,
            # That it will not do a job is an answer.
            exclude=[JobRefusedError],
            throw_new_error_on_trip=False,
        )
        self._last_failure = ""
        self._lock = threading.Lock()

    @property
    def name(self) -> str:
        """What the company is called on the wire."""
        return self._spec.name

    def quote(self, job: Job) -> Bid | None:
        """Ask for a bid; None when the company does not take such a job."""

        def question() -> Bid | None:
            try:
                status, body = self._ask("POST", "/quotes", _as_json(job))
            except JobRefusedError:
                return None
            if status == HTTPStatus.NO_CONTENT:
                return None
            found = self._read(_BID, status, body)
            if found.dropoff_at < found.pickup_at:
                raise self._strange(status, body, "dropoff_at is before pickup_at")
            return Bid(found.cost_cents, found.pickup_at, found.dropoff_at)

        return self._guarded(question)

    def book(self, job: Job) -> str:
        """Give it a job; returns its reference."""

        def question() -> str:
            status, body = self._ask("POST", "/jobs", _as_json(job), job.job_id)
            return self._read(_BOOKED, status, body).reference

        return self._guarded(question)

    def cancel(self, reference: str) -> None:
        """Call a job off, by its reference or our own id."""

        def question() -> None:
            self._ask("DELETE", "/jobs/" + quote(reference, safe=""), None)

        self._guarded(question)

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()

    def _guarded(self, question: Callable[[], _T]) -> _T:
        try:
            # As a context: a call would hold the breaker's lock until there is an answer.
            with self._breaker.calling():
                return question()
        except pybreaker.CircuitBreakerError as error:
            raise CourierCompanyError(
                f"{self.name} is left alone for now: {self._last_failure}"
            ) from error
        except JobRefusedError:
            raise
        except CourierCompanyError as error:
            with self._lock:
                self._last_failure = str(error)
            _log.warning("failed", company=self.name, reason=str(error))
            raise

    def _ask(
        self, method: str, path: str, sent: Json | None, job_id: str | None = None
    ) -> tuple[int, bytes]:
        """Return status and body of an answer that is a yes."""
        headers = {} if job_id is None else {"Idempotency-Key": job_id}
        request = self._client.build_request(
            method, f"{self._base}{path}", json=sent, headers=headers
        )
        status, body = self._retrying(self._once, request)
        if status in _SAYS_NO:
            raise JobRefusedError(f"{self.name} does not do it: {_begin(body)}")
        gone = method == "DELETE" and status == HTTPStatus.NOT_FOUND
        if not gone and not HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
            raise self._strange(status, body, "no such answer is agreed on")
        return status, body

    def _once(self, request: httpx.Request) -> tuple[int, bytes]:
        body = bytearray()
        try:
            response = self._client.send(request, stream=True)
            try:
                for part in response.iter_bytes():
                    body += part
                    if len(body) > self._limits.answer_bytes:
                        most = self._limits.answer_bytes
                        raise CourierCompanyError(f"{self.name} sent more than {most} bytes")
            finally:
                response.close()
        except httpx.TimeoutException as error:
            raise _NoAnswerError(f"{self.name} did not answer in time") from error
        except httpx.HTTPError as error:
            raise _NoAnswerError(f"{self.name} cannot be asked: {error}") from error
        status = response.status_code
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.TOO_MANY_REQUESTS:
            raise _NoAnswerError(f"{self.name} answered {status}")
        return status, bytes(body)

    def _read(self, shape: TypeAdapter[_T], status: int, body: bytes) -> _T:
        try:
            return shape.validate_json(body)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = ".".join(str(part) for part in first["loc"]) or "the whole"
            raise self._strange(status, body, f"{where}: {first['msg']}") from error

    def _strange(self, status: int, body: bytes, what: str) -> CourierCompanyError:
        return CourierCompanyError(f"{self.name} answered {status} ({what}): {_begin(body)}")


def _begin(body: bytes) -> str:
    return repr(body[:_SHOWN].decode("utf-8", "replace"))


def _as_json(job: Job) -> Json:
    """Return a job in the form that companies are sent."""
    return {
        "job_id": job.job_id,
        "order_id": job.order_id,
        "parcel_id": job.parcel_id,
        "asked_at": to_rfc3339(job.asked_at),
        "pickup": {
            "name": job.pickup_name,
            "address": job.pickup_address,
            "location": place(job.pickup),
            "ready_at": None if job.ready_at is None else to_rfc3339(job.ready_at),
        },
        "dropoff": {
            "address": job.dropoff_address,
            "location": place(job.dropoff),
            "note": job.note,
            "phone": job.phone,
        },
        "promise": {"earliest": to_rfc3339(job.earliest), "latest": to_rfc3339(job.latest)},
        "weight_g": job.weight_g,
        "volume_ml": job.volume_ml,
        "chilled": job.chilled,
        "age_limit": job.age_limit,
        "pin_required": job.pin_required,
        "updates_url": job.updates_url,
    }
