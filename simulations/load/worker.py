"""The process that sends: Locust over gevent, each request at its moment, whatever came of others.

    python -m simulations.load.worker

Locust patches the whole process when it is imported, which is why it has one of its own.  Requests
come in on standard input and answers go out on standard output (`simulations.load.wire`); it ends
when its input does.
"""

from __future__ import annotations

import sys
import time
from typing import Any, Final, cast

# First of all, for it replaces parts of the standard library.
import locust  # isort: skip
import gevent  # isort: skip
from gevent.fileobject import FileObject
from gevent.lock import BoundedSemaphore
from geventhttpclient.response import HTTPConnectionClosed
from locust.contrib.fasthttp import FastHttpUser
from locust.env import Environment

from simulations.headers import headers_for
from simulations.load.wire import READY, Answer, Sending, Shot, line_of, sending_of, shot_of

_ERROR: Final = 400
_DETAIL: Final = 300
_ENOUGH_FILES: Final = 65_536
_NOT_OURS: Final = 64
"""Files that the process has open beside its connections."""


class Town(FastHttpUser):
    """Everybody in the town, as one client with many connections."""

    abstract = True


class Sender:
    """Sends what it is told, each in a greenlet of its own.

    Parameters
    ----------
    out
        Where the answers go, a line each.
    """

    def __init__(self, sending: Sending, out: Any) -> None:
        town = type(
            "TownHere",
            (Town,),
            {
                "host": sending.url,
                "concurrency": sending.connections,
                "network_timeout": sending.timeout_s,
                "connection_timeout": sending.timeout_s,
                "default_headers": headers_for(sending.api_key, sending.zone_id),
                "insecure": False,
                "abstract": False,
            },
        )
        environment = Environment(user_classes=[town], host=sending.url)
        said: Any = environment.events.request
        said.add_listener(self._hear)
        self._client = town(environment).client
        self._out = out
        self._free = BoundedSemaphore(sending.connections)

    def take(self, shot: Shot) -> None:
        """Send a request when it is time."""
        gevent.spawn(self._send, shot)

    def _send(self, shot: Shot) -> None:
        while (left_s := shot.at - time.monotonic()) > 0:
            gevent.sleep(left_s)
        waited = not self._free.acquire(blocking=False)
        if waited:
            self._free.acquire()
        try:
            headers = dict(shot.headers)
            if shot.body is not None:
                headers["Content-Type"] = "application/json"
            context = {"shot": shot, "waited": waited, "sent": time.monotonic()}
            self._client.request(
                shot.method,
                shot.path,
                name=shot.endpoint,
                data=shot.body,
                headers=headers,
                context=context,
            )
        finally:
            self._free.release()

    def _hear(
        self,
        response: Any,
        response_length: int,
        exception: BaseException | None,
        context: dict[str, Any],
        **_rest: Any,
    ) -> None:
        """Write down what Locust has to say of a request."""
        done = time.monotonic()
        shot: Shot = context["shot"]
        status = int(response.status_code or 0)
        code, detail, trace_id, found = "", "", "", {}
        if status == 0:
            code, detail = _went_wrong(exception)
        elif status >= _ERROR or shot.wants:
            said = _json(response)
            found = {key: str(said[key]) for key in shot.wants if key in said}
            if status >= _ERROR:
                code = str(said.get("code", f"http_{status}"))
                detail = str(said.get("detail", ""))[:_DETAIL]
                trace_id = str(said.get("trace_id", ""))
        answer = Answer(
            shot.number,
            context["sent"],
            done,
            status,
            response_length,
            code,
            detail,
            trace_id,
            context["waited"],
            found,
        )
        self._out.write(line_of(answer).encode())
        self._out.flush()


def _json(response: Any) -> dict[str, Any]:
    try:
        said = response.json()
    except (ValueError, TypeError):
        return {}
    return said if isinstance(said, dict) else {}


def _went_wrong(error: BaseException | None) -> tuple[str, str]:
    """Return why there was no answer, in a word and in a sentence."""
    error = getattr(error, "original", None) or error
    said = (str(error) or type(error).__name__)[:_DETAIL]
    match error:
        case ConnectionRefusedError():
            return "refused", said
        case ConnectionResetError() | BrokenPipeError():
            return "reset", said
        case TimeoutError() | gevent.Timeout():
            return "timeout", said
        case HTTPConnectionClosed():
            return "closed", said
        case _:
            return type(error).__name__, said


def _allow_files(connections: int) -> None:
    """Let this process have a connection for each request under way, as far as it may."""
    if sys.platform == "win32":
        return
    import resource  # noqa: PLC0415  it is not there on Windows

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _ENOUGH_FILES if hard == resource.RLIM_INFINITY else hard
    wanted = min(max(soft, connections + _NOT_OURS), most)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def main() -> None:
    """Send what is told until nothing more is; then what is still under way is given up."""
    told = FileObject(sys.stdin.buffer, "rb")
    out = FileObject(sys.stdout.buffer, "wb")
    sending = sending_of(cast("bytes", told.readline()))
    _allow_files(sending.connections)
    sender = Sender(sending, out)
    out.write(f"{READY} locust {locust.__version__}\n".encode())
    out.flush()
    for line in told:
        sender.take(shot_of(line))


if __name__ == "__main__":
    main()
