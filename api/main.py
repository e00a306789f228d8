"""The HTTP application and the server around it."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import signal
import socket
import sys
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import uvicorn
from fastapi import FastAPI

from api import bootstrap, problems
from api.connections import HeadLimits, bounded, make_room
from api.document import complete
from api.garbage import look_for_garbage
from api.logs import log_to_stderr, logger
from api.planner import Planner
from api.routes import ROUTERS, webhook_endpoints
from api.security import Guarded
from api.settings import Settings, SettingsError
from api.shapes.declaring import add_shapes
from api.warmup import Opening
from api.zones import Zones

_log = logger("boot")

_PORTS_TRIED: Final = 20
_GRACE_S: Final = 5
"""Wall seconds that running requests have to finish after a signal."""

_TURN_S: Final = 0.0005
"""How long a thread may hold the interpreter when another one waits for it.

Python's own 5 ms make the event loop wait that long after each of its system calls, several to a
request, whenever the engine's thread is at work: under load half the answers took four times as
long (`docs/loadtest.md`).
"""

_KEPT_ALIVE_S: Final = 75
"""How long a connection waits for its next request.

Longer than pages and devices pause: with uvicorn's own 5 s, whoever asks every few seconds sends a
request into a connection that is just being closed, and proxies keep theirs for 60 s.
"""

_PROBLEM_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["type", "title", "status", "code", "detail", "trace_id"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string"},
        "detail": {"type": "string"},
        "pointer": {"type": "string", "description": "JSON pointer of the first offender"},
        "errors": {"type": "array", "items": {"type": "object"}},
        "trace_id": {"type": "string"},
    },
}


def create_app(zones: Zones) -> FastAPI:
    """Return the application of some zones; they start and stop with its lifespan."""

    @contextlib.asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        # In the background, so that /readyz can say meanwhile what is being waited for.
        starting = asyncio.create_task(zones.start())
        starting.add_done_callback(lambda task: _on_started(zones, task))
        looking = asyncio.create_task(look_for_garbage())
        try:
            yield
        finally:
            starting.cancel()
            looking.cancel()
            await asyncio.gather(starting, looking, return_exceptions=True)
            await zones.stop()

    problem = {
        "description": "A problem (RFC 9457)",
        "content": {"application/problem+json": {"schema": _PROBLEM_SCHEMA}},
    }
    app = FastAPI(
        title="samehour",
        version=version("samehour"),
        summary="Same-hour delivery from a town's supermarkets.",
        lifespan=lifespan,
        # Their pages load from a CDN; ours is /docs.
        docs_url=None,
        redoc_url=None,
        # Its own route has a rule, as every endpoint.
        openapi_url=None,
        redirect_slashes=False,
        # Short: clients made from the document name their methods by them.
        generate_unique_id_function=lambda route: route.name,
        responses={422: problem, 503: problem, "4XX": problem},
    )
    app.state.zones = zones
    app.state.guard = zones.doorman
    problems.install(app)
    for router in ROUTERS:
        app.include_router(router)
    app.webhooks.include_router(webhook_endpoints.sent)
    settings = zones.settings
    # The last one added is the outermost.
    app.add_middleware(
        Guarded,
        on_loopback=settings.on_loopback,
        allowed_hosts=(
            (*settings.allowed_hosts, settings.host)
            if settings.on_loopback
            else settings.allowed_hosts
        ),
        body_limit_s=settings.body_limit_s,
    )
    app.add_middleware(Opening, warm_up=zones.warm_up)
    app.add_middleware(problems.Traced)
    _complete_document(app)
    return app


def _on_started(zones: Zones, task: asyncio.Task[None]) -> None:
    """Tell whoever waits that the service is open, or end it when it could not start."""
    if task.cancelled():
        return
    error = task.exception()
    if error is None:
        zones.on_open()
    else:
        _log.critical("start_failed", error=repr(error), exc_info=error)
        zones.fail()


def _complete_document(app: FastAPI) -> None:
    """Let the API document say what its routes alone do not."""
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is not None:
            return app.openapi_schema
        document = generate()
        add_shapes(document, (*ROUTERS, webhook_endpoints.sent))
        complete(document, ROUTERS)
        return document

    app.openapi = openapi  # type: ignore[method-assign]  # as FastAPI's own guide extends it


def serve(settings: Settings, planners: Mapping[str | None, Planner]) -> int:
    """Serve until a signal; returns 0, or 1 when the ledger failed.

    Parameters
    ----------
    planners
        Of each zone by its name, begun; None is the only one's.

    Raises
    ------
    SettingsError, CityError, LedgerError
        What the service cannot start with.
    """
    log_to_stderr(settings.log_format, settings.log_level)
    sys.setswitchinterval(_TURN_S)
    lacking = make_room(settings.connections)
    if lacking is not None:
        raise SettingsError([f"connections: {lacking}; allow it more, or set fewer."])
    listener = bind(settings.host, settings.port)
    zones = None
    try:
        zones = bootstrap.build(settings, planners)
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            return runner.run(_serve(zones, listener))
    finally:
        listener.close()
        if zones is not None:
            zones.close()
            if settings.port_file is not None:
                settings.port_file.unlink(missing_ok=True)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    """Return what makes the event loop: libuv's, which there is for all systems but Windows."""
    if sys.platform == "win32":
        return asyncio.new_event_loop
    import uvloop  # noqa: PLC0415

    return uvloop.new_event_loop


async def _serve(zones: Zones, listener: socket.socket) -> int:
    settings = zones.settings
    config = uvicorn.Config(
        create_app(zones),
        http=bounded(HeadLimits(_KEPT_ALIVE_S, settings.head_limit_s, settings.connections)),
        log_config=None,
        access_log=False,
        server_header=False,
        ws="none",
        lifespan="on",
        proxy_headers=False,
        timeout_keep_alive=_KEPT_ALIVE_S,
        timeout_graceful_shutdown=_GRACE_S,
    )
    port = listener.getsockname()[1]

    def announce() -> None:
        if settings.port_file is not None:
            _write_whole(settings.port_file, f"{port}\n")
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        cities = ", ".join(dict.fromkeys(each.city.title for each in zones.all))
        sys.stdout.write(
            f"samehour serves {cities} at http://{host}:{port}/ops (Ctrl-C stops it)\n"
        )
        sys.stdout.flush()

    server = _Server(config)
    zones.on_open = announce

    def stop() -> None:
        server.should_exit = True
        # Streams would keep the server waiting; they end now, and their clients resume later.
        zones.let_go()

    zones.on_fatal = stop
    if settings.stop_with_stdin:
        _when_stdin_ends(stop)
    with _signals(stop):
        await server.serve([listener])
    return 1 if zones.failed else 0


class _Server(uvicorn.Server):
    """Uvicorn without its signal handling, which ends the process by the signal itself."""

    @contextlib.contextmanager
    def capture_signals(self) -> Any:
        """Leave signals to whoever started us."""
        yield


@contextlib.contextmanager
def _signals(stop: Callable[[], None]) -> Any:
    """Call `stop` on the loop for SIGINT and SIGTERM."""
    loop = asyncio.get_running_loop()
    wanted = (signal.SIGINT, signal.SIGTERM)
    before = {
        number: signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop))
        for number in wanted
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _when_stdin_ends(stop: Callable[[], None]) -> None:
    """Call `stop` on the loop once standard input ends."""
    loop = asyncio.get_running_loop()

    def wait() -> None:
        # Past Python's own buffer, whose lock must be free when the interpreter ends.
        while os.read(sys.stdin.fileno(), 1024):
            pass
        # The loop may be over by now, and then there is nothing left to stop.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(stop)

    threading.Thread(target=wait, name="stdin", daemon=True).start()


def bind(host: str, port: int) -> socket.socket:
    """Return a socket on the port, or on the next free one, which is said.

    Raises
    ------
    SettingsError
        The address is not ours, or not allowed.
    """
    for candidate in (*range(port, min(port + _PORTS_TRIED, 65_536)), 0):
        try:
            found = _listen(host, candidate)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                continue
            raise SettingsError(
                [f"--host, --port: {host}:{candidate} cannot be used: {error.strerror}."]
            ) from error
        taken = found.getsockname()[1]
        if port not in (0, taken):
            sys.stderr.write(f"port {port} is taken; using {taken}\n")
        return found
    raise SettingsError([f"--port: no port from {port} on is free on {host}."])


def _listen(host: str, port: int) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    found = socket.socket(family, kind, protocol)
    try:
        if sys.platform != "win32":
            found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind(address)
        # Two services may bind the same port as long as none listens.
        found.listen(2048)
        found.setblocking(False)
    except OSError:
        found.close()
        raise
    return found


def _write_whole(path: Path, text: str) -> None:
    """Write a file so that whoever waits for it never reads half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".part")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)
