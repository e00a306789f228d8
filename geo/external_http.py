"""Asking a routing server over HTTP: within limits of time and size, again when it may help.

What comes back is bytes and a status; `geo.external_osrm` and `geo.external_valhalla` read them.
This is one of the few files of the room that reads a clock: time-outs need one.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final, Generic, TypeVar

import httpx
from pydantic import TypeAdapter, ValidationError
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential

from geo.errors import TravelServerError, UnreachableServerError

Shape = TypeVar("Shape")
Key = TypeVar("Key")
Value = TypeVar("Value")

_SHOWN: Final = 80
"""Characters of a strange answer that an error shows."""


@dataclass(frozen=True, slots=True)
class ServerLimits:
    """What a routing server is given before the built-in network answers instead.

    Attributes
    ----------
    connect_s, read_s
        For one connection, and for the next part of one answer.
    whole_s
        For one question: all attempts and all parts of a table together.
    attempts, pause_s
        How often a request is sent at most, and the wait before the second one (doubled after).
    answer_bytes
        A larger answer is given up.
    failures, rest_s
        After so many failed questions in a row the server is left alone for so long.
    table_cells
        Pairs in one request at most; None for what a server of its kind takes as installed.
    """

    connect_s: float = 0.5
    read_s: float = 1.5
    whole_s: float = 10.0
    attempts: int = 2
    pause_s: float = 0.05
    answer_bytes: int = 64_000_000
    failures: int = 3
    rest_s: float = 30.0
    table_cells: int | None = None


class Remembered(Generic[Key, Value]):
    """A memory that begins anew when it is full; safe to use from several threads."""

    def __init__(self, size: int = 100_000) -> None:
        self._size = size
        self._items: dict[Key, Value] = {}
        self._data = ""

    def get(self, key: Key) -> Value | None:
        """Return what is remembered, None when nothing is."""
        return self._items.get(key)

    def keep(self, key: Key, value: Value) -> None:
        """Remember something."""
        if len(self._items) >= self._size:
            self._items = {}
        self._items[key] = value

    def only_for(self, data: str) -> None:
        """Forget what was not learnt from this map."""
        if data != self._data:
            self._data, self._items = data, {}


class Deadline:
    """When one question must be answered."""

    def __init__(self, clock: Callable[[], float], whole_s: float) -> None:
        self._clock = clock
        self._whole_s = whole_s
        self._at = clock() + whole_s

    def left_s(self, server: str) -> float:
        """Return how much time is left.

        Raises
        ------
        TravelServerError
            None is.
        """
        left = self._at - self._clock()
        if left <= 0:
            raise TravelServerError(f"{server} took longer than {self._whole_s:g} s")
        return left


class Answer:
    """What a server sent: a status and a body."""

    def __init__(self, server: str, status: int, body: bytes) -> None:
        self._server = server
        self.status = status
        self.body = body

    @property
    def is_ok(self) -> bool:
        """Whether the status says that the question was answered."""
        return self.status == HTTPStatus.OK

    def read(self, shape: TypeAdapter[Shape]) -> Shape:
        """Return the body as what it should be.

        Raises
        ------
        TravelServerError
            It is something else; says where and what.
        """
        try:
            return shape.validate_json(self.body)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = ".".join(str(part) for part in first["loc"]) or "the whole"
            raise self.strange(f"{where}: {first['msg']}") from error

    def strange(self, what: str) -> TravelServerError:
        """Return the error for an answer that makes no sense."""
        begin = self.body[:_SHOWN].decode("utf-8", "replace")
        return TravelServerError(
            f"{self._server} answered {self.status} with nonsense ({what}): {begin!r}"
        )


class ServerHttp:
    """One server by its URL; safe to use from several threads.

    Parameters
    ----------
    url
        Where the server's paths begin.
    kind
        What the server is called in messages: `osrm`, `valhalla`.
    sleep, clock
        Of the machine, or a test's own; seconds.
    """

    def __init__(
        self,
        url: str,
        kind: str,
        limits: ServerLimits,
        *,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.limits = limits
        base = httpx.URL(url if url.endswith("/") else url + "/")
        self.name = f"{kind}:{base.netloc.decode()}{base.path.rstrip('/')}"
        self._base = base
        self._clock = clock
        self._client = httpx.Client(headers={"Accept": "application/json"})
        self._retrying = Retrying(
            stop=stop_after_attempt(limits.attempts),
            wait=wait_exponential(multiplier=limits.pause_s),
            retry=retry_if_exception_type(UnreachableServerError),
            sleep=sleep,
            reraise=True,
        )

    def deadline(self) -> Deadline:
        """Return when a question that is asked now must be answered."""
        return Deadline(self._clock, self.limits.whole_s)

    def get(self, path: str, query: dict[str, str], deadline: Deadline) -> Answer:
        """Ask by GET.

        Raises
        ------
        TravelServerError
            No answer with a status below 500 in time, after all attempts.
        """
        url = self._base.join(path).copy_merge_params(query)
        return self._retrying(self._once, self._client.build_request("GET", url), deadline)

    def post(self, path: str, asked: dict[str, Any], deadline: Deadline) -> Answer:
        """Ask by POST with a JSON body; raises as `get` does."""
        request = self._client.build_request("POST", self._base.join(path), json=asked)
        return self._retrying(self._once, request, deadline)

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()

    def _once(self, request: httpx.Request, deadline: Deadline) -> Answer:
        left_s = deadline.left_s(self.name)
        limits = self.limits
        timeout = httpx.Timeout(min(limits.read_s, left_s), connect=min(limits.connect_s, left_s))
        request.extensions["timeout"] = timeout.as_dict()
        body = bytearray()
        try:
            response = self._client.send(request, stream=True)
            try:
                for part in response.iter_bytes():
                    body += part
                    if len(body) > limits.answer_bytes:
                        raise TravelServerError(
                            f"{self.name} sent more than {limits.answer_bytes} bytes"
                        )
                    deadline.left_s(self.name)
            finally:
                response.close()
        except httpx.TimeoutException as error:
            raise UnreachableServerError(
                f"{self.name} was silent for longer than {_timeout_said(error, limits)}"
            ) from error
        except httpx.HTTPError as error:
            raise UnreachableServerError(f"{self.name} cannot be asked: {error}") from error
        status = response.status_code
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.TOO_MANY_REQUESTS:
            raise UnreachableServerError(f"{self.name} answered {status}")
        return Answer(self.name, status, bytes(body))


def _timeout_said(error: httpx.TimeoutException, limits: ServerLimits) -> str:
    if isinstance(error, httpx.ConnectTimeout):
        return f"{limits.connect_s:g} s when called"
    return f"{limits.read_s:g} s"
