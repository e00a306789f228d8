"""Whom the service goes by which name for, how much at once, and what browsers may do here."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

from fastapi import Request
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import Problem, for_client, response, trace_id

MAX_BODY_BYTES: Final = 1_000_000
MAX_FILE_BYTES: Final = 32_000_000
"""Of the files of a whole shop: its catalogue and its stock."""

MAX_SOLVE_BYTES: Final = 16_000_000
"""Of a problem with tables of its own."""

_SOLVE_PATHS: Final = ("/v1/solve", "/v1/optimization")

MAX_PICTURE_BYTES: Final = 3_000_000
"""Of a picture that proves something."""

LEAST_BYTES_PER_S: Final = 4_000
"""How fast a body must come at least, as a phone on a bad line still sends a picture."""

_FILES: Final = re.compile(r"/v1/(?:catalogue|stores/[^/]+/stock)")

_SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_PLAIN: Final = frozenset({"", "identity"})
_LOOPBACK_NAMES: Final = frozenset({"localhost", "127.0.0.1", "::1"})

_HEADERS: Final = {
    # MapLibre starts its workers from blobs; everything else comes from us.
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data: blob:; worker-src 'self' blob:; "
        "child-src blob:; object-src 'none'; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
}


class Guarded:
    """Checks a request before any route sees it.

    Parameters
    ----------
    on_loopback
        Only this machine can reach the service.
    allowed_hosts
        Further names clients may call the service by.
    body_limit_s
        How long a body may take, beside the time that its size allows it.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        on_loopback: bool,
        allowed_hosts: Iterable[str] = (),
        body_limit_s: float = 20.0,
    ) -> None:
        self._app = app
        self._body_limit_s = body_limit_s
        self._hosts = frozenset(allowed_hosts)
        if on_loopback or self._hosts:
            # A name that resolves to us only by somebody's DNS is not ours (DNS rebinding).
            self._hosts |= _LOOPBACK_NAMES

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        request = Request(scope)
        problem = self._objection(request)
        if problem is not None:
            problem = for_client(problem, request.url.path)
            await response(problem, trace_id(request))(scope, receive, send_guarded)
            return
        await self._app(
            scope, _bounded(receive, most_bytes(request), self._body_limit_s), send_guarded
        )

    def _objection(self, request: Request) -> Problem | None:
        headers = request.headers
        name = host_name(headers.get("host", ""))
        if self._hosts and name not in self._hosts:
            return Problem(
                "unknown_host",
                f"The service does not go by {name!r}; add it with SAMEHOUR_ALLOWED_HOSTS.",
            )
        origin = headers.get("origin")
        if (
            request.method not in _SAFE_METHODS
            and origin is not None
            and urlsplit(origin).netloc != headers.get("host")
        ):
            return Problem("cross_origin", f"Pages of {origin} may not change anything here.")
        encoding = headers.get("content-encoding", "identity").strip().lower()
        if encoding not in _PLAIN:
            return Problem(
                "unsupported_encoding",
                f"The body is said to be {encoding[:40]!r}; send it as it is.",
                headers={"Accept-Encoding": "identity", "Connection": "close"},
            )
        declared = headers.get("content-length", "")
        most = most_bytes(request)
        if declared.isdecimal() and int(declared) > most:
            return _too_large(most)
        return None


def most_bytes(request: Request) -> int:
    """Return how large the body of a request may be."""
    if request.method == "POST" and request.url.path == "/v1/proofs":
        return MAX_PICTURE_BYTES
    if request.method == "POST" and request.url.path in _SOLVE_PATHS:
        return MAX_SOLVE_BYTES
    is_file = request.method == "PUT" and _FILES.fullmatch(request.url.path)
    return MAX_FILE_BYTES if is_file else MAX_BODY_BYTES


def _bounded(receive: Receive, most: int, limit_s: float) -> Receive:
    """Return a `receive` that refuses to take in more than the limit, or to wait for long."""
    loop = asyncio.get_running_loop()
    began, taken, is_whole = loop.time(), 0, False

    async def receive_bounded() -> Message:
        nonlocal taken, is_whole
        if is_whole:  # what is waited for now is the client's end
            return await receive()
        try:
            async with asyncio.timeout_at(began + limit_s + taken / LEAST_BYTES_PER_S):
                message = await receive()
        except TimeoutError:
            raise HTTPException(408, f"{taken} bytes of the body came, and then too few.") from None
        if message["type"] == "http.request":
            taken += len(message.get("body", b""))
            is_whole = not message.get("more_body", False)
            if taken > most:
                raise HTTPException(413, _too_large(most).detail)
        return message

    return receive_bounded


def _too_large(most: int) -> Problem:
    return Problem(
        "body_too_large",
        f"The body is larger than {most} bytes; send it in parts.",
        # What was not read would be taken for the next request.
        headers={"Connection": "close"},
    )


def host_name(host: str) -> str:
    """Return the name of a Host header, without its port and brackets."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.rpartition(":")[0] or host


def needs_https(request: Request) -> bool:
    """Tell whether a browser must keep its cookie to HTTPS: but where it is on our own machine."""
    return host_name(request.headers.get("host", "")) not in _LOOPBACK_NAMES
