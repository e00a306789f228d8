"""A world's commands as requests of the public HTTP API, and its events as they come back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

from dispatch.codec import WIRE, event_from_json, from_rfc3339, to_rfc3339
from dispatch.commands import (
    ArriveAtStop,
    CancelOrder,
    Command,
    CompletePick,
    CompleteStop,
    DeclineStop,
    FailStop,
    PlaceOrder,
    RegisterCourier,
    RegisterStore,
    SetStock,
    StartPick,
    StartShift,
)
from dispatch.events import Recorded
from geo.service_area import as_json
from geo.types import LonLat
from simulations.couriers import SIMULATION
from simulations.errors import ServiceError
from simulations.fleet import Seen

Json = dict[str, Any]

_REQUEST_TIMEOUT_S: Final = 30.0
_RETRY_S: Final = (0.1, 0.3, 1.0, 2.0)
_SERVER_ERROR: Final = 500
_CONFLICT: Final = 409
EVENTS_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True)
class Asked:
    """A command as a request.

    Attributes
    ----------
    lane
        Requests of the same lane are made one after the other.
    """

    method: str
    path: str
    lane: str
    body: Json
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Zone:
    """What the service says of itself; `now` in UTC epoch seconds."""

    zone_id: str
    city: str
    now: int
    speed: float


class Client:
    """The public API, for a world.

    Parameters
    ----------
    http
        With the service's address as its base.
    """

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def zone(self, zone_id: str) -> Zone:
        """Return the zone with its clock."""
        found = await self._json("GET", f"/v1/zones/{zone_id}")
        return Zone(found["id"], found["city"], from_rfc3339(found["now"]), float(found["speed"]))

    async def events(self, zone_id: str, after: int, wait_s: float) -> list[Recorded]:
        """Return what was recorded after a sequence number, waiting for it for some time."""
        query = {"after": str(after), "limit": str(EVENTS_AT_ONCE), "wait": f"{wait_s:g}"}
        page = await self._json("GET", "/v1/events", params=query)
        return [
            Recorded(
                zone_id,
                row["seq"],
                from_rfc3339(row["at"]),
                event_from_json(row["type"], row["data"], WIRE),
            )
            for row in page["data"]
        ]

    async def last_seen(self, courier_id: str) -> Seen | None:
        """Return where and when a courier was last seen, None when never."""
        found = await self._json("GET", f"/v1/couriers/{courier_id}")
        position = found["position"]
        if position is None:
            return None
        place = LonLat(position["location"]["lng"], position["location"]["lat"])
        return Seen(courier_id, place, from_rfc3339(position["at"]))

    async def take_back(self, courier_id: str) -> None:
        """Let the simulation act for a courier again."""
        body = {"operator": SIMULATION}
        await self._json("POST", f"/v1/couriers/{courier_id}/operator", json=body)

    async def report(self, seen: Sequence[Seen]) -> None:
        """Say where couriers are."""
        positions = [
            {"courier_id": one.courier_id, "location": _place(one.place), "at": to_rfc3339(one.at)}
            for one in seen
        ]
        await self._json("POST", "/v1/couriers/positions", json={"positions": positions})

    async def kpis(self) -> Json:
        """Return the figures since the beginning."""
        return await self._json("GET", "/v1/kpis")

    async def board(self) -> Json:
        """Return what the operations page shows."""
        return await self._json("GET", "/v1/board")

    async def ask(self, asked: Asked) -> str | None:
        """Make a request until it is answered; returns None, or the code of the refusal.

        What failed on the way or on the other side is asked again: every request here can be
        repeated without being done twice.
        """
        attempt = 0
        while True:
            pause_s = _RETRY_S[min(attempt, len(_RETRY_S) - 1)]
            try:
                response = await self._http.request(
                    asked.method, asked.path, json=asked.body, headers=asked.headers
                )
            except httpx.TransportError:
                await asyncio.sleep(pause_s)
                attempt += 1
                continue
            if response.is_success:
                return None
            code = _code(response)
            is_running = code == "idempotency_running"
            if is_running or (response.status_code >= _SERVER_ERROR and attempt < len(_RETRY_S)):
                await asyncio.sleep(pause_s)
                attempt += 1
                continue
            return code

    async def _json(self, method: str, path: str, **how: Any) -> Json:
        try:
            response = await self._http.request(method, path, **how)
        except httpx.TransportError as error:
            raise ServiceError(f"{method} {path}: {error or type(error).__name__}") from error
        if not response.is_success:
            raise ServiceError(f"{method} {path}: {response.status_code} {_code(response)}")
        found: Json = response.json()
        return found


def http_client(address: str, api_key: str | None = None) -> httpx.AsyncClient:
    """Return a connection pool for a service; kept alive, for a world asks often."""
    headers = {} if api_key is None else {"Authorization": f"Bearer {api_key}"}
    return httpx.AsyncClient(
        base_url=address,
        headers=headers,
        timeout=httpx.Timeout(_REQUEST_TIMEOUT_S),
        limits=httpx.Limits(max_connections=12, max_keepalive_connections=12),
        # A service on this machine or network is never behind a proxy.
        trust_env=False,
    )


def request_of(command: Command) -> Asked:
    """Return the request for a command."""
    asked: Asked = _REQUESTS[type(command)](command)
    return asked


def _code(response: httpx.Response) -> str:
    try:
        return str(response.json()["code"])
    except (ValueError, KeyError, TypeError):
        return f"http_{response.status_code}"


def _place(place: LonLat) -> Json:
    return {"lat": place.lat, "lng": place.lon}


def _register_store(command: RegisterStore) -> Asked:
    store = command.store
    body = {
        "name": store.name,
        "location": _place(store.location),
        "opening_hours": store.opening_hours,
        "pickers": store.pickers,
        "pick_base_s": store.pick_base_s,
        "pick_line_s": store.pick_line_s,
        "pickup_service_s": store.pickup_service_s,
        "reach_s": store.reach_s,
        "access_s": store.access_s,
        "service_area": as_json(store.service_area) if store.service_area else None,
    }
    return Asked("PUT", f"/v1/stores/{store.store_id}", store.store_id, body)


def _set_stock(command: SetStock) -> Asked:
    items = [{"sku": sku, "on_hand": count} for sku, count in command.on_hand.items()]
    path = f"/v1/stores/{command.store_id}/stock"
    return Asked("PUT", path, command.store_id, {"items": items})


def _register_courier(command: RegisterCourier) -> Asked:
    courier = command.courier
    body = {
        "name": courier.name,
        "mode": courier.mode.value,
        "home": _place(courier.home),
        "capacity_g": courier.capacity_g,
        "capacity_parcels": courier.capacity_parcels,
    }
    return Asked("PUT", f"/v1/couriers/{courier.courier_id}", courier.courier_id, body)


def _start_shift(command: StartShift) -> Asked:
    body = {
        "courier_id": command.courier_id,
        "starts_at": to_rfc3339(command.starts_at),
        "ends_at": to_rfc3339(command.ends_at),
    }
    return Asked("POST", "/v1/shifts", command.courier_id, body)


def _place_order(command: PlaceOrder) -> Asked:
    external_id = str(command.external_id)
    body = {
        "external_id": external_id,
        "dropoff": {
            "location": _place(command.door),
            "address": command.address,
            "note": command.note,
        },
        "lines": [{"sku": line.sku, "quantity": line.quantity} for line in command.lines],
        "weight_g": command.weight_g,
        "basket_cents": command.basket_cents,
        "service_s": command.service_s,
        "created_at": to_rfc3339(command.occurred_at),
    }
    return Asked("POST", "/v1/orders", external_id, body, {"Idempotency-Key": external_id})


def _cancel_order(command: CancelOrder) -> Asked:
    body = {"reason": command.reason, "occurred_at": to_rfc3339(command.occurred_at)}
    return Asked("POST", f"/v1/orders/{command.order_id}/cancel", command.order_id, body)


def _picking(event: str) -> Callable[[StartPick | CompletePick], Asked]:
    def asked(command: StartPick | CompletePick) -> Asked:
        body = {"event": event, "occurred_at": to_rfc3339(command.occurred_at)}
        return Asked("POST", f"/v1/orders/{command.order_id}/picking", command.order_id, body)

    return asked


def _stop(verb: str) -> Callable[[Any], Asked]:
    def asked(command: ArriveAtStop | CompleteStop | FailStop | DeclineStop) -> Asked:
        body = {"occurred_at": to_rfc3339(command.occurred_at)}
        if isinstance(command, FailStop | DeclineStop):
            body["reason"] = command.reason
        path = f"/v1/couriers/{command.courier_id}/stops/{command.stop_id}/{verb}"
        return Asked("POST", path, command.courier_id, body)

    return asked


_REQUESTS: Final[dict[type[Any], Callable[[Any], Asked]]] = {
    RegisterStore: _register_store,
    SetStock: _set_stock,
    RegisterCourier: _register_courier,
    StartShift: _start_shift,
    PlaceOrder: _place_order,
    CancelOrder: _cancel_order,
    StartPick: _picking("started"),
    CompletePick: _picking("ready"),
    ArriveAtStop: _stop("arrived"),
    CompleteStop: _stop("completed"),
    FailStop: _stop("failed"),
    DeclineStop: _stop("declined"),
}
