"""Tell a running service how long picks and hand-overs at its counters really take."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any, Final

import httpx

from dispatch.model import Store
from geo.types import LonLat
from simulations.client import http_client
from simulations.errors import ServiceError
from simulations.headers import headers_for
from simulations.replays.learned import Learned

_FIELDS: Final = (
    "name",
    "location",
    "opening_hours",
    "pickers",
    "pick_base_s",
    "pick_line_s",
    "pickup_service_s",
    "reach_s",
    "access_s",
    "safety_stock",
    "service_area",
)
_LEARNED: Final = ("pick_base_s", "pick_line_s", "pickup_service_s")
_CHANGED_SINCE: Final = httpx.codes.PRECONDITION_FAILED


def push(learned: Learned, url: str, api_key: str | None, zone_id: str) -> str:
    """Change the stores of a running service; returns what was done, in words.

    Everything else about a store stays as it is.  A store that somebody changes at the same moment
    is left alone.

    Parameters
    ----------
    zone_id
        The zone whose stores are changed, where the service has several.

    Raises
    ------
    ServiceError
        The service does not answer, or will not, or has no such zone.
    """
    return asyncio.run(_push(learned, url.rstrip("/"), api_key, zone_id))


async def _push(learned: Learned, url: str, api_key: str | None, zone_id: str) -> str:
    async with http_client(url, api_key) as http:
        http.headers.update(headers_for(None, await _zone(http, url, zone_id)))
        listed = await _asked(http, "GET", "/v1/stores")
        changed, same, unknown, busy = [], 0, 0, 0
        for known in listed.json()["data"]:
            store = _store(known)
            if store.store_id not in learned.stores:
                unknown += 1
                continue
            now = learned.store(store)
            if now == store:
                same += 1
                continue
            path = f"/v1/stores/{store.store_id}"
            seen = await _asked(http, "GET", path)
            body = {name: seen.json()[name] for name in _FIELDS if name in seen.json()}
            body |= {name: getattr(now, name) for name in _LEARNED}
            headers = {"If-Match": seen.headers["ETag"]} if "ETag" in seen.headers else {}
            written = await _asked(http, "PUT", path, json=body, headers=headers)
            if written.status_code == _CHANGED_SINCE:
                busy += 1
                continue
            changed.append(
                f"    {store.name}: {store.pick_base_s} + {store.pick_line_s} s a line, now "
                f"{now.pick_base_s} + {now.pick_line_s} s\n"
            )
    said = f"  {len(changed)} stores of {url} changed, {same} were so already"
    said += f", {unknown} were never seen" if unknown else ""
    said += f", {busy} somebody else was changing: say it again" if busy else ""
    return said + "\n" + "".join(changed)


async def _zone(http: httpx.AsyncClient, url: str, zone_id: str) -> str:
    """Return the zone to tell: the only one, or of several the one that is called so."""
    answer = await _asked(http, "GET", "/v1/zones")
    names = [str(zone["id"]) for zone in answer.json()["data"]]
    if zone_id in names:
        return zone_id
    if len(names) == 1:
        return names[0]
    raise ServiceError(
        f"{url} has the zones {', '.join(names) or '(none)'}, and the ledger's is {zone_id}: name "
        "one that both have with --zone"
    )


async def _asked(http: httpx.AsyncClient, method: str, path: str, **how: Any) -> httpx.Response:
    """Return an answer: one that it was done, or that the thing was changed since it was read."""
    try:
        response = await http.request(method, path, **how)
    except (httpx.TransportError, httpx.InvalidURL) as error:
        raise ServiceError(
            f"{method} {http.base_url}{path.lstrip('/')}: {error or type(error).__name__}; is the "
            "service there?"
        ) from error
    if not response.is_success and response.status_code != _CHANGED_SINCE:
        raise ServiceError(f"{method} {path}: {response.status_code} {response.text[:200]}")
    return response


def _store(known: dict[str, Any]) -> Store:
    place = known["location"]
    store = Store(known["id"], known["name"], LonLat(place["lng"], place["lat"]))
    return replace(store, **{name: known[name] for name in _LEARNED})
