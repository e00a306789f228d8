"""Which addresses may be called: public ones over https, and what was allowed by name.

A URL comes from whoever may make an endpoint, and the service that calls it stands where that
person does not: beside databases, other services and the metadata of its machine.  So names are
resolved here, every address that comes back is looked at, and the connection goes to the very
address that was looked at.  What a name resolves to later (DNS rebinding) is looked at again.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final, TypeAlias

import httpx

from api.logs import logger
from api.webhooks.errors import TargetRefusedError, WebhookError

_log = logger("webhooks")

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve: TypeAlias = Callable[[str], Sequence[str]]
"""Returns the addresses of a name; may block; raises `OSError` where there is none."""

MOST_CHARACTERS: Final = 2000
HTTPS_PORT: Final = 443
_HTTP_PORT: Final = 80
_FIRST_FREE_PORT: Final = 1024
_LAST_PORT: Final = 65_535

_THREADS: Final = 4
_LOOK_UP_S: Final = 3.0
_NUMBER: Final = re.compile(r"0[xX][0-9a-fA-F]*|[0-9]+")
_LABEL: Final = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_MOST_NAME: Final = 253
_ALLOWED: Final = re.compile(
    r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^\s:/@\[\]]+)(?::(?P<port>[0-9]{1,5}))?"
)

_NOT_PUBLIC: Final = tuple(
    ipaddress.ip_network(text)
    for text in (
        "168.63.129.16/32",  # public by its number, but a cloud's own service to its machines
        # Of IANA's registries of special addresses, what not every Python knows.
        "192.0.0.0/24",
        "192.88.99.0/24",
        "64:ff9b:1::/48",
        "3fff::/20",
        "5f00::/16",
    )
)

_TRANSLATED: Final = ipaddress.IPv6Network("64:ff9b::/96")
"""IPv4 addresses as networks without IPv4 write them (RFC 6052)."""


@dataclass(frozen=True, slots=True)
class AllowedHost:
    """A host that is called whatever its address, over http too; at any port where it has none."""

    host: str
    port: int | None = None


def read_allowed(text: object) -> object:
    """Return `host` or `host:port` as it is kept; anything that is no text is left to others.

    Raises
    ------
    ValueError
        It is neither.
    """
    if not isinstance(text, str):
        return text
    found = _ALLOWED.fullmatch(text.strip())
    port = None if found is None or found["port"] is None else int(found["port"])
    if found is None or (port is not None and not 0 < port <= _LAST_PORT):
        raise ValueError(f"{text!r} is no host; give HOST or HOST:PORT, as hooks.internal:8443")
    return AllowedHost(_plain(found["host"]), port)


class Targets:
    """The rules of one service.

    Parameters
    ----------
    allowed
        Hosts that are called whatever their address.
    resolve
        Finds the addresses of a name.
    """

    def __init__(self, allowed: Iterable[AllowedHost] = (), resolve: Resolve | None = None) -> None:
        self._allowed = frozenset(allowed)
        self._resolve = resolve or _resolve
        # Names may take long to resolve, or for ever: never on threads that others need.
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="webhook-names")

    def close(self) -> None:
        """Resolve no more."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def read(self, text: str) -> httpx.URL:
        """Return a URL that could be called, as far as its text tells.

        Raises
        ------
        TargetRefusedError
            It could not, and why.
        """
        if len(text) > MOST_CHARACTERS or not text.isprintable() or " " in text:
            raise TargetRefusedError(
                f"must be a URL of at most {MOST_CHARACTERS} characters without spaces"
            )
        try:
            url = httpx.URL(text)
        except httpx.InvalidURL as error:
            raise TargetRefusedError(f"is no URL: {error}") from error
        host = _plain(url.raw_host.decode("ascii"))
        if url.scheme not in ("http", "https") or not host:
            raise TargetRefusedError("must begin with https:// and name a host")
        if url.userinfo:
            raise TargetRefusedError(
                "holds a name or password; leave them out, calls are signed with the secret"
            )
        if url.fragment:
            raise TargetRefusedError("has a fragment (#), which is never sent; leave it out")
        if not self.is_allowed(host, _port(url)):
            _refuse_unusual(url.scheme, host, _port(url))
        return url

    async def check(self, text: str) -> None:
        """Hold a URL to the rules with the addresses that its name has now; it may have none yet.

        Raises
        ------
        TargetRefusedError
            It would not be called.
        """
        url = self.read(text)
        try:
            async with asyncio.timeout(_LOOK_UP_S):
                await self.addresses(url.raw_host.decode("ascii"), _port(url))
        except TargetRefusedError:
            raise
        except (WebhookError, TimeoutError) as error:
            _log.info("webhook_unresolved", host=url.host, reason=str(error))

    def is_allowed(self, host: str, port: int) -> bool:
        """Tell whether a host is called whatever its address."""
        known = _plain(host)
        return not self._allowed.isdisjoint({AllowedHost(known), AllowedHost(known, port)})

    async def addresses(self, host: str, port: int) -> tuple[str, ...]:
        """Return the addresses to connect to for a host, all of them looked at.

        Raises
        ------
        TargetRefusedError
            One of them is not public: such a name is not trusted at all.
        WebhookError
            It has none.
        """
        literal = _literal(_plain(host))
        if literal is not None:
            found: tuple[str, ...] = (str(literal),)
        else:
            loop = asyncio.get_running_loop()
            try:
                found = tuple(await loop.run_in_executor(self._threads, self._resolve, host))
            except (OSError, UnicodeError) as error:
                raise WebhookError(f"{host} has no address: {error}") from error
        if not found:
            raise WebhookError(f"{host} has no address")
        if not self.is_allowed(host, port):
            for each in found:
                _refuse_private(host, ipaddress.ip_address(each))
        return found


def is_public(address: Address) -> bool:
    """Tell whether an address is somebody's on the internet, whichever way it is written."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return is_public(address.ipv4_mapped)
        if address in _TRANSLATED:
            return is_public(ipaddress.IPv4Address(address.packed[-4:]))
        # Tunnels hold another address, and lead to wherever that is.
        if address.sixtofour is not None or address.teredo is not None or address.is_site_local:
            return False
    return (
        address.is_global
        and not address.is_multicast
        and not address.is_reserved
        and not address.is_unspecified
        and not any(address in network for network in _NOT_PUBLIC)
    )


def _refuse_unusual(scheme: str, host: str, port: int) -> None:
    """Refuse what a host that was not allowed by name is never called by."""
    if scheme != "https":
        raise TargetRefusedError(
            f"must begin with https://; to call {host} over http, it must be allowed by name "
            "(SAMEHOUR_WEBHOOK_ALLOW)"
        )
    if port != HTTPS_PORT and not _FIRST_FREE_PORT <= port <= _LAST_PORT:
        raise TargetRefusedError(f"has port {port}; use 443, or one from {_FIRST_FREE_PORT} on")
    address = _literal(host)
    if address is not None:
        _refuse_private(host, address)
    elif not _is_name(host):
        raise TargetRefusedError(f"has the host {host!r}, which is neither a name nor an address")


def _is_name(host: str) -> bool:
    """Tell whether a host is a name: 2130706433 and 0x7f.1 are addresses in disguise."""
    labels = host.split(".")
    return (
        len(host) <= _MOST_NAME
        and all(_LABEL.fullmatch(label) for label in labels)
        and not _NUMBER.fullmatch(labels[-1])
    )


def _refuse_private(host: str, address: Address) -> None:
    if not is_public(address):
        where = f"{host} is" if host == str(address) else f"{host} leads to {address},"
        raise TargetRefusedError(
            f"{where} not a public address; an own host must be allowed by name "
            "(SAMEHOUR_WEBHOOK_ALLOW)"
        )


def _port(url: httpx.URL) -> int:
    if url.port is not None:
        return url.port
    return HTTPS_PORT if url.scheme == "https" else _HTTP_PORT


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _plain(host: str) -> str:
    """Return a host as it is compared: no brackets, no dot at its end, small letters."""
    return host.strip("[]").rstrip(".").lower()


def _resolve(host: str) -> list[str]:
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))
