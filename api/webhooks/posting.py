"""One POST to one receiver: bounded in time and size, to an address that was looked at.

Nothing is followed: a redirect is an answer like any other that is not a 2xx.
"""

from __future__ import annotations

import asyncio
import re
import ssl
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from importlib.metadata import version
from typing import Final

import httpcore
import httpx

from api.webhooks.errors import TargetRefusedError, WebhookError
from api.webhooks.targets import Targets

_UNPRINTABLE: Final = re.compile(r"[^\x20-\x7e\xa0-\uffff]+")
_CONNECTIONS: Final = 8


@dataclass(frozen=True, slots=True)
class PostLimits:
    """What a receiver is given.

    Attributes
    ----------
    connect_s, whole_s
        For the connection with its TLS, and for everything up to the end of the answer.
    answer_bytes, shown_characters
        Read of an answer at most, and kept of it.
    idle_s
        How long a connection is kept for the next message; shorter than receivers keep theirs,
        so that none is sent into a connection that is just being closed.
    """

    connect_s: float = 5.0
    whole_s: float = 10.0
    answer_bytes: int = 16_000
    shown_characters: int = 500
    idle_s: float = 2.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a POST.

    Attributes
    ----------
    status
        None where there was no answer.
    error
        None with a status, else `timeout`, `connect_failed`, `tls_failed`, `broken_answer`,
        `unresolved` or `refused`.
    text
        How the answer begins, or what went wrong.
    retry_after_s
        How long the receiver wants to be left alone.
    """

    status: int | None
    error: str | None
    text: str
    latency_ms: int
    retry_after_s: float | None = None

    @property
    def is_success(self) -> bool:
        """Whether the message was taken."""
        ok, beyond = HTTPStatus.OK, HTTPStatus.MULTIPLE_CHOICES
        return self.status is not None and ok <= self.status < beyond

    @property
    def is_gone(self) -> bool:
        """Whether the receiver wants nothing any more."""
        return self.status == HTTPStatus.GONE


class _Checked(httpcore.AsyncNetworkBackend):
    """Connects to addresses that the rules allow, and to nothing else."""

    def __init__(self, targets: Targets) -> None:
        self._targets = targets
        self._network = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  as httpcore declares it
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        addresses = await self._targets.addresses(host, port)
        for address in addresses[:-1]:
            try:
                return await self._network.connect_tcp(
                    address, port, timeout, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue  # the next one may answer; what the last one says is told
        return await self._network.connect_tcp(
            addresses[-1], port, timeout, local_address, socket_options
        )

    async def sleep(self, seconds: float) -> None:
        await self._network.sleep(seconds)


class Poster:
    """Posts to one receiver, over connections of its own: a slow one costs nobody else.

    Parameters
    ----------
    targets
        What may be called.
    tls
        How certificates are checked.
    """

    def __init__(
        self, targets: Targets, tls: ssl.SSLContext, limits: PostLimits | None = None
    ) -> None:
        self._targets = targets
        self._limits = limits or PostLimits()
        self._agent = f"samehour/{version('samehour')}"
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=tls,
            max_connections=_CONNECTIONS,
            keepalive_expiry=self._limits.idle_s,
            network_backend=_Checked(targets),
        )

    async def close(self) -> None:
        """Let go of the connections."""
        await self._pool.aclose()

    async def post(self, to: str, headers: Sequence[tuple[str, str]], body: bytes) -> Answer:
        """Send a body to a URL; returns what came of it, whatever that is."""
        began = time.monotonic()
        limits = self._limits
        status, error, text, after = None, None, "", None
        try:
            async with asyncio.timeout(limits.whole_s):
                status, text, after = await self._exchange(self._targets.read(to), headers, body)
        except TimeoutError:
            error, text = "timeout", f"no answer within {limits.whole_s:g} s"
        except httpcore.TimeoutException:
            error, text = "timeout", f"no connection within {limits.connect_s:g} s"
        except TargetRefusedError as refused:
            error, text = "refused", str(refused)
        except WebhookError as unresolved:
            error, text = "unresolved", str(unresolved)
        except httpcore.ConnectError as failed:
            is_tls = isinstance(_origin(failed), ssl.SSLError)
            error = "tls_failed" if is_tls else "connect_failed"
            text = _words(failed) or "the connection was refused"
        except (httpcore.NetworkError, httpcore.ProtocolError) as failed:
            error, text = "broken_answer", _words(failed) or "the connection broke off"
        latency_ms = round((time.monotonic() - began) * 1000)
        shown = _UNPRINTABLE.sub(" ", text).strip()[: limits.shown_characters]
        return Answer(status, error, shown, latency_ms, after)

    async def _exchange(
        self, url: httpx.URL, headers: Sequence[tuple[str, str]], body: bytes
    ) -> tuple[int, str, float | None]:
        sent = [("Host", url.netloc.decode("ascii")), ("User-Agent", self._agent)]
        target = httpcore.URL(
            scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
        )
        given_s = self._limits.connect_s
        async with self._pool.stream(
            "POST",
            target,
            headers=[*sent, ("Content-Length", str(len(body))), *headers],
            content=body,
            extensions={"timeout": {"connect": given_s, "pool": self._limits.whole_s}},
        ) as response:
            found = bytearray()
            async for part in response.aiter_stream():
                found += part[: self._limits.answer_bytes - len(found)]
                if len(found) >= self._limits.answer_bytes:
                    break  # the connection is given up with the rest of the answer
            return response.status, found.decode("utf-8", "replace"), _retry_after_s(response)


def _retry_after_s(response: httpcore.Response) -> float | None:
    """Return what `Retry-After` asks for in seconds (RFC 9110, 10.2.3), None where it is none."""
    said = next((value for name, value in response.headers if name.lower() == b"retry-after"), b"")
    text = said.decode("ascii", "replace").strip()
    if text.isdecimal() and len(text) <= 9:  # noqa: PLR2004  more digits are no time any more
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(moment.timestamp() - time.time(), 0.0)


def _origin(error: BaseException) -> BaseException | None:
    """Return what an error of httpcore came from; its pool hides the cause in the context."""
    return error.__cause__ or error.__context__


def _words(error: BaseException) -> str:
    """Return what an error says, or the one it came from."""
    return str(error) or str(_origin(error) or "")
