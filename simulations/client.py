"""A world's commands as requests of the public HTTP API, and its events as they come back."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, Final

import httpx

from dispatch.codec import WIRE, event_from_json, from_rfc3339, to_rfc3339
from dispatch.commands import (
    AcceptOffer,
    AnswerSubstitution,
    ArriveAtStop,
    ArriveToCollect,
    CancelOrder,
    CloseStreet,
    CollectOrder,
    Command,
    CompletePick,
    CompleteStop,
    DeclineStop,
    FailStop,
    GiveUpCollection,
    PauseStore,
    PlaceOrder,
    RecoverCourier,
    RegisterCourier,
    RegisterStore,
    ReportShort,
    RequestQuote,
    ResumeStore,
    SetStock,
    StartPick,
    StartShift,
    StrandCourier,
    TakeBreak,
    TakeInWork,
)
from dispatch.events import Recorded
from geo.service_area import as_json
from geo.types import LonLat
from simulations.bodies import courier_body, goods_body, place, shift_body
from simulations.errors import ServiceError
from simulations.headers import headers_for
from simulations.worlds.couriers import SIMULATION, Seen

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
    pin_of
        An order whose customer's code belongs into the body: see `Client.with_pin`.
    """

    method: str
    path: str
    lane: str
    body: Json
    headers: dict[str, str] = field(default_factory=dict)
    pin_of: str = ""


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

    async def zones(self) -> list[Json]:
        """Return the zones that there are for whoever asks."""
        found: list[Json] = (await self._json("GET", "/v1/zones"))["data"]
        return found

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
        await self._json("POST", "/v1/couriers/positions", json=positions_of(seen))

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
        asked = await self.with_pin(asked)
        attempt = 0
        while True:
            status, code = 0, ""
            with suppress(httpx.TransportError):
                response = await self._http.request(
                    asked.method, asked.path, json=asked.body, headers=asked.headers
                )
                status = response.status_code
                if response.is_success:
                    return None
                code = _code(response)
            pause_s = pause_before_again(status, code, attempt)
            if pause_s is None:
                return code
            await asyncio.sleep(pause_s)
            attempt += 1

    async def with_pin(self, asked: Asked) -> Asked:
        """Return a request with the code that the customer says at the counter.

        The shop told it to the customer, so the shop knows it; no event tells.  When it cannot be
        had the request goes without, is refused, and is made again later.
        """
        if not asked.pin_of:
            return asked
        try:
            tracking = await self._json("GET", f"/v1/orders/{asked.pin_of}/tracking")
        except ServiceError:
            return asked
        return replace(asked, body={**asked.body, "code": tracking["pin"]}, pin_of="")

    async def _json(self, method: str, path: str, **how: Any) -> Json:
        try:
            response = await self._http.request(method, path, **how)
        except httpx.TransportError as error:
            raise ServiceError(f"{method} {path}: {error or type(error).__name__}") from error
        if not response.is_success:
            raise ServiceError(f"{method} {path}: {response.status_code} {_code(response)}")
        found: Json = response.json()
        return found


def pause_before_again(status: int, code: str, attempt: int) -> float | None:
    """Return how long to wait before a failed request is made again; None for an answer.

    Parameters
    ----------
    status
        0 when it failed on the way.
    attempt
        How often it failed before.
    """
    is_failed_there = status >= _SERVER_ERROR and attempt < len(_RETRY_S)
    if status == 0 or code == "idempotency_running" or is_failed_there:
        return _RETRY_S[min(attempt, len(_RETRY_S) - 1)]
    return None


def http_client(
    address: str, api_key: str | None = None, zone_id: str | None = None
) -> httpx.AsyncClient:
    """Return a connection pool for a service; kept alive, for a world asks often.

    Parameters
    ----------
    zone_id
        Needed where the service has several zones.
    """
    headers = headers_for(api_key, zone_id)
    return httpx.AsyncClient(
        base_url=address,
        headers=headers,
        timeout=httpx.Timeout(_REQUEST_TIMEOUT_S),
        limits=httpx.Limits(max_connections=12, max_keepalive_connections=12),
        # A service on this machine or network is never behind a proxy.
        trust_env=False,
    )


_IDS: Final = re.compile(
    r"/(orders|stores|couriers|stops|zones|track|quotes|offers|closures|returns|substitutions)"
    r"/(?!positions\b)[^/]+"
)


def endpoint_of(method: str, path: str) -> str:
    """Return the name requests are counted under: method and path without ids and query."""
    return f"{method} {_IDS.sub(_without_id, path.partition('?')[0])}"


def _without_id(found: re.Match[str]) -> str:
    return f"/{found.group(1)}/{{id}}"


def positions_of(seen: Sequence[Seen]) -> Json:
    """Return the body of a report of positions."""
    positions = [
        {"courier_id": one.courier_id, "location": place(one.place), "at": to_rfc3339(one.at)}
        for one in seen
    ]
    return {"positions": positions}


def request_of(command: Command) -> Asked:
    """Return the request for a command."""
    asked: Asked = _REQUESTS[type(command)](command)
    return asked


def _code(response: httpx.Response) -> str:
    try:
        return str(response.json()["code"])
    except (ValueError, KeyError, TypeError):
        return f"http_{response.status_code}"


def _register_store(command: RegisterStore) -> Asked:
    store = command.store
    body = {
        "name": store.name,
        "location": place(store.location),
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
    path = f"/v1/stores/{command.store_id}/stock" + "?mode=replace" * command.replaces
    return Asked("PUT", path, command.store_id, {"items": items})


def _register_courier(command: RegisterCourier) -> Asked:
    courier = command.courier
    path = f"/v1/couriers/{courier.courier_id}"
    return Asked("PUT", path, courier.courier_id, courier_body(courier))


def _start_shift(command: StartShift) -> Asked:
    return Asked("POST", "/v1/shifts", command.courier_id, shift_body(command))


def _request_quote(command: RequestQuote) -> Asked:
    body = {
        "fulfilment": command.fulfilment.value,
        "dropoff": {"location": place(command.door), "address": command.address},
        **goods_body(command),
        "basket_cents": command.basket_cents,
        "service_s": command.service_s,
    }
    # Asked twice, it is answered twice: no harm is done.
    return Asked("POST", "/v1/quotes", f"quote {command!r}", body)


def _place_order(command: PlaceOrder) -> Asked:
    external_id = str(command.external_id)
    body = {
        "external_id": external_id,
        "fulfilment": command.fulfilment.value,
        "dropoff": {
            "location": place(command.door),
            "address": command.address,
            "note": command.note,
        },
        **goods_body(command),
        "basket_cents": command.basket_cents,
        "service_s": command.service_s,
        "created_at": to_rfc3339(command.occurred_at),
        "quote_id": command.quote_id,
        "window": command.window_id,
    }
    # A customer who was refused one window tries another: the same order, another request.
    key = f"{external_id}-{command.window_id or 'any'}-{command.quote_id or 'fresh'}"
    return Asked("POST", "/v1/orders", external_id, body, {"Idempotency-Key": key})


def _answer_substitution(command: AnswerSubstitution) -> Asked:
    body = {"accepted": command.accepted, "occurred_at": to_rfc3339(command.occurred_at)}
    path = f"/v1/orders/{command.order_id}/substitutions/{command.sku}"
    return Asked("POST", path, command.order_id, body)


def _report_short(command: ReportShort) -> Asked:
    body: Json = {
        "sku": command.sku,
        "missing": command.missing,
        "occurred_at": to_rfc3339(command.occurred_at),
    }
    if command.substitute_sku is not None:
        instead = {"sku": command.substitute_sku, "quantity": command.substitute_quantity}
        body["substitute"] = instead
    key = f"short-{command.order_id}-{command.sku}-{command.substitute_sku}"
    path = f"/v1/orders/{command.order_id}/short"
    return Asked("POST", path, command.order_id, body, {"Idempotency-Key": key})


def _arrive_to_collect(command: ArriveToCollect) -> Asked:
    body = {"bay": command.bay, "occurred_at": to_rfc3339(command.occurred_at)}
    return Asked("POST", f"/v1/orders/{command.order_id}/here", command.order_id, body)


def _collect_order(command: CollectOrder) -> Asked:
    body = {"occurred_at": to_rfc3339(command.occurred_at), "age_checked": command.age_checked}
    path = f"/v1/orders/{command.order_id}/collect"
    return Asked("POST", path, command.order_id, body, pin_of=command.order_id)


def _give_up_collection(command: GiveUpCollection) -> Asked:
    body = {"reason": command.reason, "occurred_at": to_rfc3339(command.occurred_at)}
    return Asked("POST", f"/v1/orders/{command.order_id}/no-show", command.order_id, body)


def _pause_store(command: PauseStore) -> Asked:
    body = {
        "reason": command.reason,
        "owner": command.owner,
        "moves_orders": command.moves_orders,
    }
    return Asked("POST", f"/v1/stores/{command.store_id}/pause", command.store_id, body)


def _resume_store(command: ResumeStore) -> Asked:
    body = {"owner": command.owner}
    return Asked("POST", f"/v1/stores/{command.store_id}/resume", command.store_id, body)


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


def _take_in_work(command: TakeInWork) -> Asked:
    reports = [
        {
            "stop_id": report.stop_id,
            "outcome": report.outcome.value,
            "occurred_at": to_rfc3339(report.occurred_at),
            **({"reason": report.reason} if report.reason else {}),
        }
        for report in command.reports
    ]
    path = f"/v1/couriers/{command.courier_id}/reports"
    return Asked("POST", path, command.courier_id, {"reports": reports})


def _accept_offer(command: AcceptOffer) -> Asked:
    path = f"/v1/couriers/{command.courier_id}/offers/{command.stop_id}/accept"
    body = {"occurred_at": to_rfc3339(command.occurred_at)}
    return Asked("POST", path, command.courier_id, body)


def _strand_courier(command: StrandCourier) -> Asked:
    body = {
        "location": place(command.place),
        "reason": command.reason,
        "occurred_at": to_rfc3339(command.occurred_at),
    }
    key = f"strand-{command.courier_id}-{command.occurred_at}"
    path = f"/v1/couriers/{command.courier_id}/strand"
    return Asked("POST", path, command.courier_id, body, {"Idempotency-Key": key})


def _recover_courier(command: RecoverCourier) -> Asked:
    body = {"occurred_at": to_rfc3339(command.occurred_at)}
    return Asked("POST", f"/v1/couriers/{command.courier_id}/recover", command.courier_id, body)


def _take_break(command: TakeBreak) -> Asked:
    body = {"duration_s": command.duration_s, "occurred_at": to_rfc3339(command.occurred_at)}
    return Asked("POST", f"/v1/couriers/{command.courier_id}/break", command.courier_id, body)


def _close_street(command: CloseStreet) -> Asked:
    closure = command.closure
    body = {
        closure.shape.value: [place(point) for point in closure.points],
        "modes": [mode.value for mode in closure.modes],
        "reason": closure.reason,
        "until": None if closure.until is None else to_rfc3339(closure.until),
    }
    return Asked("POST", "/v1/closures", "streets", body)


_REQUESTS: Final[dict[type[Any], Callable[[Any], Asked]]] = {
    RegisterStore: _register_store,
    SetStock: _set_stock,
    RegisterCourier: _register_courier,
    StartShift: _start_shift,
    RequestQuote: _request_quote,
    PlaceOrder: _place_order,
    AnswerSubstitution: _answer_substitution,
    ReportShort: _report_short,
    ArriveToCollect: _arrive_to_collect,
    CollectOrder: _collect_order,
    GiveUpCollection: _give_up_collection,
    PauseStore: _pause_store,
    ResumeStore: _resume_store,
    CancelOrder: _cancel_order,
    StartPick: _picking("started"),
    CompletePick: _picking("ready"),
    ArriveAtStop: _stop("arrived"),
    CompleteStop: _stop("completed"),
    FailStop: _stop("failed"),
    DeclineStop: _stop("declined"),
    AcceptOffer: _accept_offer,
    TakeInWork: _take_in_work,
    StrandCourier: _strand_courier,
    RecoverCourier: _recover_courier,
    TakeBreak: _take_break,
    CloseStreet: _close_street,
}
