"""Routing servers that the service is told to ask: `car=osrm+http://127.0.0.1:5000`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from geo.types import Mode, TravelTimes

if TYPE_CHECKING:
    from geo.external import ServedTravelTimes, TravelServer

_FORM: Final = "MODE=KIND+URL, as car=osrm+http://127.0.0.1:5000"
_SCHEMES: Final = ("http", "https")
_PORTS: Final = {"http": 80, "https": 443}


class ServerKind(StrEnum):
    """What a server speaks."""

    OSRM = "osrm"
    VALHALLA = "valhalla"


@dataclass(frozen=True, slots=True)
class ServerSpec:
    """One server for one mode.

    Attributes
    ----------
    url
        Without its fragment.
    profile
        The fragment: OSRM's profile or Valhalla's costing; None for the one of the mode.
    """

    mode: Mode
    kind: ServerKind
    url: str
    profile: str | None

    @property
    def host(self) -> str:
        """Name or address of the server."""
        return urlsplit(self.url).hostname or ""

    @property
    def port(self) -> int:
        """Port of the server."""
        parts = urlsplit(self.url)
        return parts.port or _PORTS[parts.scheme]

    def open(self) -> TravelServer:
        """Return the server; nothing is asked yet."""
        # Settings are read before the rest is imported.
        if self.kind is ServerKind.OSRM:
            from geo.external_osrm import OsrmServer  # noqa: PLC0415

            return OsrmServer(self.url, self.mode, profile=self.profile)
        from geo.external_valhalla import ValhallaServer  # noqa: PLC0415

        return ValhallaServer(self.url, self.mode, costing=self.profile)


def read_spec(text: object) -> object:
    """Read `MODE=KIND+URL`, with `#PROFILE` at the end where the server has its own name for it.

    Raises
    ------
    ValueError
        It is none; says which part, and what it should be.
    """
    if not isinstance(text, str):
        return text
    if "@" in text:
        # Not shown, because of what stands before it.
        raise ValueError("a URL carries a name or password; servers are asked without one")
    left, equals, right = text.strip().partition("=")
    kind, plus, url = right.partition("+")
    if not (equals and plus):
        raise ValueError(f"{text!r} is not {_FORM}")
    if left not in list(Mode):
        raise ValueError(f"{text!r} names mode {left!r}; there are {', '.join(Mode)}")
    if kind not in list(ServerKind):
        raise ValueError(f"{text!r} names server {kind!r}; there are {', '.join(ServerKind)}")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ValueError(f"{text!r} has no usable URL: {error}") from error
    if parts.scheme not in _SCHEMES or not parts.hostname or port == 0:
        raise ValueError(f"{text!r} has no usable URL; give http:// or https://, host and port")
    if parts.query:
        raise ValueError(f"{text!r} has a query; end the URL before the question mark")
    without = parts._replace(fragment="").geturl()
    return ServerSpec(Mode(left), ServerKind(kind), without, parts.fragment or None)


def served(builtin: TravelTimes, specs: tuple[ServerSpec, ...]) -> ServedTravelTimes | None:
    """Return travel times by the servers, None when there are none.

    Raises
    ------
    UnknownModeError
        One is for a mode that the city has no roads for.
    """
    if not specs:
        return None
    from geo.external import ServedTravelTimes  # noqa: PLC0415  as above

    return ServedTravelTimes(builtin, {spec.mode: spec.open() for spec in specs})
