"""Getting ready: what is waited for, how long it took, and a closed door until then."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from api.logs import logger
from api.problems import Problem, for_client, response, trace_id

_log = logger("boot")

_SAID_AFTER_S = 2.0
_ANSWERED = ("/healthz", "/readyz", "/assets/")


class WarmUp:
    """The parts of a start, one after the other.

    Attributes
    ----------
    took_s
        Wall seconds by part, of those that are done.
    """

    def __init__(self) -> None:
        self.took_s: dict[str, float] = {}
        self._is_done = False
        self._waiting_for = "the service is starting"
        self._began = time.monotonic()

    @contextmanager
    def phase(self, name: str, waiting_for: str) -> Iterator[None]:
        """Do one part; `waiting_for` is what `waiting_for()` says meanwhile."""
        self._waiting_for, self._began = waiting_for, time.monotonic()
        patience = threading.Timer(_SAID_AFTER_S, lambda: _log.info("waiting", reason=waiting_for))
        patience.daemon = True
        patience.start()
        try:
            yield
        finally:
            patience.cancel()
        self.took_s[name] = time.monotonic() - self._began

    def done(self) -> None:
        """Open the door."""
        self._is_done = True

    def waiting_for(self) -> str | None:
        """Return what is waited for and since when; None when the service is open."""
        if self._is_done:
            return None
        return f"{self._waiting_for}, {time.monotonic() - self._began:.0f} s so far"


class Opening:
    """Answers 503 with what is waited for until the service is ready, so that nothing stalls."""

    def __init__(self, app: ASGIApp, *, warm_up: WarmUp) -> None:
        self._app = app
        self._warm_up = warm_up

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "http":
            request = Request(scope)
            waiting = self._warm_up.waiting_for()
            if waiting and not request.url.path.startswith(_ANSWERED):
                problem = Problem(
                    "not_ready",
                    f"Not ready yet: {waiting}. Try again in a moment.",
                    headers={"Retry-After": "1"},
                )
                problem = for_client(problem, request.url.path)
                await response(problem, trace_id(request))(scope, receive, send)
                return
        await self._app(scope, receive, send)
