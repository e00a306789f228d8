"""Connections that nobody can hold for nothing: bounds on what comes before a request is one.

What is wrong with a head is answered here, as the problem document that the application would send;
bodies have their bounds in `api.security`, where an answer can still say what is the matter.
"""

from __future__ import annotations

import asyncio
import secrets
import sys
from asyncio.events import TimerHandle
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, cast

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from api import metrics
from api.problems import Problem, response

MAX_HEAD_BYTES: Final = 64_000
"""Of the request line and all headers; a head that comes in one piece may be somewhat larger."""

_LINGER_S: Final = 5.0
"""How long an answered request may go on sending a body that nobody reads."""


_OTHER_FILES: Final = 256
"""Files that a service has open besides its connections, and some to spare."""


@dataclass(frozen=True, slots=True)
class HeadLimits:
    """How long a connection may take, and how many there may be.

    Attributes
    ----------
    idle_s
        Until the first byte of a request.
    head_s
        From there until its headers are complete.
    at_once
        Connections that are open together; whoever comes then is told to come again.
    """

    idle_s: float
    head_s: float
    at_once: int


class BoundedProtocol(HttpToolsProtocol):
    """Uvicorn's protocol with limits of time and size for heads; see `bounded`."""

    limits: HeadLimits

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._timer: TimerHandle | None = None
        self._in_head = False
        self._head_bytes = 0
        self._is_one_too_many = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to wait for a request."""
        super().connection_made(cast("asyncio.Transport", transport))
        metrics.CONNECTIONS.inc()
        self._is_one_too_many = len(self.connections) > self.limits.at_once
        # An answer to what was not asked yet would be lost: it waits for the first bytes.
        self._arm(_LINGER_S if self._is_one_too_many else self.limits.idle_s, self._close)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._disarm()
        metrics.CONNECTIONS.dec()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take in what came, and refuse a head that grows too large."""
        if self._is_one_too_many:
            self._turn_away()
            return
        super().data_received(data)
        if self.transport.is_closing():
            self._disarm()
        elif self._in_head:
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES:
                most = f"The request line and headers are larger than {MAX_HEAD_BYTES} bytes."
                self._refuse(Problem("headers_too_large", most))
        elif self._timer is None and (self.cycle is None or self.cycle.response_complete):
            # Blank lines, or the rest of a body that nobody reads: no request has begun.
            self._arm(self.limits.idle_s, self._close)

    def on_message_begin(self) -> None:
        """Begin a head."""
        super().on_message_begin()
        self._in_head, self._head_bytes = True, 0
        self._arm(self.limits.head_s, self._too_slow)

    def on_headers_complete(self) -> None:
        """End a head."""
        self._in_head = False
        self._disarm()
        super().on_headers_complete()

    def on_response_complete(self) -> None:
        """Let who is answered go on sending for a moment only."""
        super().on_response_complete()
        if self.cycle.more_body and not self.transport.is_closing():
            self._arm(_LINGER_S, self._close)

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP."""
        self._refuse(Problem("malformed_request", f"{msg.rstrip('.')}."))

    def _turn_away(self) -> None:
        """Refuse whoever came when all connections were taken; those who have one keep it."""
        if self.transport.is_closing():
            return
        metrics.CONNECTIONS_REFUSED.inc()
        taken = f"All {self.limits.at_once} connections are taken; try again in a moment."
        self._refuse(Problem("too_many_connections", taken, headers={"Retry-After": "1"}))

    def _too_slow(self) -> None:
        detail = f"The headers were not complete within {self.limits.head_s:g} s."
        self._refuse(Problem("too_slow", detail))

    def _refuse(self, problem: Problem) -> None:
        """Answer with a problem and hang up; an answer under way is cut off instead."""
        self._disarm()
        if self._is_our_turn():
            trace_id = f"trc_{secrets.token_hex(8)}"
            said = response(problem, trace_id)
            headers = [*said.raw_headers, (b"trace-id", trace_id.encode())]
            lines = [name + b": " + value + b"\r\n" for name, value in headers]
            head = [STATUS_LINE[said.status_code], *lines, b"connection: close\r\n\r\n"]
            self.transport.write(b"".join([*head, bytes(said.body)]))
        self._close()

    def _is_our_turn(self) -> bool:
        """Return whether the next bytes the client expects are of this answer.

        A request whose body turns out to be none is taken from the application, which hears that
        the client has gone.
        """
        cycle = self.cycle
        if cycle is None or cycle.response_complete:
            return True
        if cycle.response_started or self._in_head or self.pipeline:
            return False
        cycle.disconnected = True
        cycle.message_event.set()
        return True

    def _close(self) -> None:
        self._disarm()
        if not self.transport.is_closing():
            self.transport.close()

    def _arm(self, within_s: float, then: Callable[[], None]) -> None:
        self._disarm()
        self._timer = self.loop.call_later(within_s, then)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def make_room(at_once: int) -> str | None:
    """Let this process have as many connections open; returns why it cannot, None if it can."""
    if sys.platform == "win32":
        return None
    import resource  # noqa: PLC0415  not there on Windows

    needed = at_once + _OTHER_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return None
    if hard != resource.RLIM_INFINITY and hard < needed:
        return f"{at_once} need {needed} open files, and this process may have {hard} (ulimit -Hn)"
    resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
    return None


def bounded(limits: HeadLimits) -> type[asyncio.Protocol]:
    """Return the protocol of a server with these limits."""
    return type("Bounded", (BoundedProtocol,), {"limits": limits})
