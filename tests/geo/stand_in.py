"""HTTP servers of a few lines: real sockets, made-up answers."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

RECORDED = Path(__file__).parent / "recorded"


class Asked(NamedTuple):
    """One request."""

    method: str
    path: str
    body: Any


class Reply(NamedTuple):
    """What is sent back; headers by name."""

    body: bytes
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()


def as_json(document: Any, status: int = 200) -> Reply:
    return Reply(json.dumps(document).encode(), status)


class StandIn:
    """A server on a port of its own; `behave` may be changed at any time.

    Attributes
    ----------
    asked
        Every request so far.
    """

    def __init__(self, behave: Callable[[Asked], Reply]) -> None:
        self.behave = behave
        self.asked: list[Asked] = []
        self._server: ThreadingHTTPServer | None = None
        self._port = 0
        self.up()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @property
    def name(self) -> str:
        return f"127.0.0.1:{self._port}"

    def up(self) -> None:
        """Listen, on the port of the first time."""
        stand_in = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                stand_in._serve(self)

            do_POST = do_GET  # noqa: N815  the base's names

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", self._port), Handler)
        self._server.daemon_threads = True
        self._port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.005,), daemon=True).start()

    def down(self) -> None:
        """Refuse connections."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def _serve(self, handler: BaseHTTPRequestHandler) -> None:
        size = int(handler.headers.get("Content-Length", 0))
        body = json.loads(handler.rfile.read(size)) if size else None
        asked = Asked(handler.command, handler.path, body)
        self.asked.append(asked)
        reply = self.behave(asked)
        try:
            handler.send_response(reply.status)
            for name, value in reply.headers:
                handler.send_header(name, value)
            handler.send_header("Content-Length", str(len(reply.body)))
            # So that `down` leaves no connection open behind it.
            handler.send_header("Connection", "close")
            handler.end_headers()
            handler.wfile.write(reply.body)
        except OSError:
            handler.close_connection = True  # the client did not wait


@contextmanager
def stand_in(behave: Callable[[Asked], Reply]) -> Iterator[StandIn]:
    server = StandIn(behave)
    try:
        yield server
    finally:
        server.down()


def recorded(name: str) -> Callable[[Asked], Reply]:
    """Return what a real server answered; raises on a question that it was not asked."""
    entries = json.loads((RECORDED / f"{name}.json").read_text(encoding="utf-8"))

    def behave(asked: Asked) -> Reply:
        for entry in entries:
            if (entry["method"], entry["path"], entry["body"]) == asked:
                return as_json(entry["answer"], entry["status"])
        return as_json({"code": "NotRecorded", "message": repr(asked)}, 404)

    return behave
