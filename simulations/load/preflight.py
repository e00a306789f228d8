"""What is looked at before any load: whether it is the service we think, and ours to order at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import httpx

from dispatch.codec import from_rfc3339
from simulations.client import Zone
from simulations.errors import LoadError
from simulations.headers import headers_for
from simulations.zones import meant

_TIMEOUT_S: Final = 10.0
_PAGE: Final = 500
_UNAUTHORIZED: Final = 401
_NAMED: Final = 3


@dataclass(frozen=True, slots=True)
class Found:
    """The service as it was found."""

    zone: Zone
    strangers: tuple[str, ...]
    """Open orders of others."""


def look(
    url: str, api_key: str | None, city: str, prefix: str, zone_id: str | None = None
) -> Found:
    """Look at a service.

    Parameters
    ----------
    prefix
        Of the external ids of our own orders.
    zone_id
        The zone that is meant; the only one of the city where none is named.

    Raises
    ------
    LoadError
        Nothing answers there, it is no service of ours, or it wants a key.
    ZoneError
        It serves another city, or a zone must be named.
    """
    headers = headers_for(api_key, None)
    with httpx.Client(base_url=url, headers=headers, timeout=_TIMEOUT_S, trust_env=False) as http:
        zones = _json(http, url, "/v1/zones", has_key=bool(api_key))["data"]
        zone = meant(url, zones, city, zone_id)
        http.headers.update(headers_for(None, str(zone["id"])))
        strangers = _strangers(http, url, prefix)
    return Found(
        Zone(str(zone["id"]), city, from_rfc3339(zone["now"]), float(zone["speed"])), strangers
    )


def refuse_strangers(url: str, found: Found, scenario: str) -> None:
    """Refuse a service where others wait for their goods.

    Raises
    ------
    LoadError
        Names some of their orders.
    """
    if not found.strangers:
        return
    named = ", ".join(found.strangers[:_NAMED])
    more = len(found.strangers) - _NAMED
    raise LoadError(
        f"{url} has {len(found.strangers)} open orders that are not of {scenario} ({named}"
        f"{f' and {more} more' if more > 0 else ''}). A load test orders in earnest and would "
        "take their couriers: use a service with a ledger of its own, or say --into-existing"
    )


def _strangers(http: httpx.Client, url: str, prefix: str) -> tuple[str, ...]:
    found: list[str] = []
    cursor: str | None = None
    while True:
        query = {"status": "open", "limit": str(_PAGE), **({"cursor": cursor} if cursor else {})}
        page = _json(http, url, "/v1/orders", query, has_key=True)
        for order in page["data"]:
            external_id = str(order["external_id"] or "")
            # Goods that come back, and parts of an order, are of whoever ordered.
            is_beside = order["part_of"] or order["return_of"]
            if not is_beside and not external_id.startswith(prefix):
                found.append(external_id or str(order["id"]))
        cursor = page["next"]
        if cursor is None:
            return tuple(found)


def _json(
    http: httpx.Client, url: str, path: str, query: dict[str, str] | None = None, *, has_key: bool
) -> dict[str, Any]:
    try:
        answer = http.get(path, params=query or {})
    except (httpx.TransportError, httpx.InvalidURL) as error:
        why = str(error) or type(error).__name__
        raise LoadError(
            f"nothing answers at {url} ({why}). Start a service with: samehour serve"
        ) from error
    if answer.status_code == _UNAUTHORIZED:
        wrong = "does not take this key" if has_key else "asks for a key"
        raise LoadError(f"{url} {wrong}: give it with --api-key, or in SAMEHOUR_API_KEY")
    try:
        said = answer.json()
    except ValueError:
        said = None
    if not answer.is_success or not isinstance(said, dict) or "data" not in said:
        raise LoadError(
            f"{url}{path} answers {answer.status_code}, and not as samehour does: is there a "
            "service of ours at this address?"
        )
    return said
