"""Quotes and orders."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import JSONResponse, Response

from api import views
from api.bootstrap import Service, of_request
from api.idempotency import Answer
from api.live import Live
from api.problems import Problem
from api.routes.times import device_time
from api.schemas import CancelIn, OrderIn, order_lines
from dispatch.codec import WIRE
from dispatch.commands import CancelOrder
from dispatch.errors import ExternalIdTakenError
from dispatch.events import OrderReceived, OrderRefused
from dispatch.model import DeliveryStatus
from dispatch.state import OrderState

router = APIRouter(prefix="/v1", tags=["orders"])
Here = Annotated[Service, Depends(of_request)]
Json = dict[str, Any]


class Shown(StrEnum):
    """Which orders to list."""

    OPEN = "open"
    DELIVERED = "delivered"
    CANCELLED = "cancelled"
    FAILED = "failed"
    ALL = "all"


_LISTED: Final[Mapping[Shown, frozenset[DeliveryStatus]]] = {
    Shown.DELIVERED: frozenset({DeliveryStatus.DELIVERED}),
    Shown.CANCELLED: frozenset({DeliveryStatus.CANCELLED}),
    Shown.FAILED: frozenset({DeliveryStatus.FAILED, DeliveryStatus.RETURNED}),
}


@router.post("/orders", status_code=201, summary="Order")
async def place_order(asked: OrderIn, request: Request, service: Here) -> Response:
    """Take an order, or refuse it with the reason; safe to retry with an Idempotency-Key."""
    live = service.live
    return await service.idempotency.once(request, asked, lambda: _place(live, asked))


def _place(live: Live, asked: OrderIn) -> Answer:
    command = asked.command(device_time(live, asked.created_at, "created_at"))
    try:
        recorded = live.handle(command)
    except ExternalIdTakenError as error:
        known = live.engine.state.order(error.order_id)
        if not _same(asked, known):
            raise
        return Answer(200, _view(live, known))
    fact = recorded[0].event
    if isinstance(fact, OrderRefused):
        raise Problem(str(fact.reason), fact.detail)
    if not isinstance(fact, OrderReceived):
        raise TypeError(f"an order recorded {type(fact).__name__}")
    return Answer(201, _view(live, live.engine.state.order(fact.order.order_id)))


def _same(asked: OrderIn, known: OrderState) -> bool:
    """Tell whether an order says what the first one with its external id said."""
    first = known.order
    return (
        asked.dropoff.location.lonlat() == first.door
        and asked.dropoff.address == first.address
        and asked.dropoff.note == first.note
        and order_lines(asked.lines) == first.lines
        and asked.weight_g == first.weight_g
        and asked.basket_cents == first.basket_cents
        and asked.service_s == first.service_s
        and asked.pick_s == first.pick_s
        and (asked.created_at is None or asked.created_at == first.created_at)
    )


def _view(live: Live, found: OrderState) -> Json:
    return views.order(found, at_risk=views.is_at_risk(live, found))


@router.get("/orders", summary="Orders, the newest first")
async def list_orders(
    service: Here,
    status: Shown = Shown.OPEN,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
) -> Json:
    """Return a page of orders; `next` is the cursor of the following page, null on the last."""
    live = service.live
    before = None if cursor is None else _read_cursor(cursor)

    def job() -> Json:
        state = live.engine.state
        found: list[OrderState] = []
        if status in (Shown.OPEN, Shown.ALL):
            found += state.orders.values()
        if status is not Shown.OPEN:
            wanted = _LISTED.get(status)
            found += [o for o in state.closed.values() if wanted is None or o.delivery in wanted]
        found.sort(key=_place_in_list, reverse=True)
        if before is not None:
            found = [order for order in found if _place_in_list(order) < before]
        page, more = found[:limit], len(found) > limit
        at_risk = live.kpis.at_risk(live.clock.now())
        return {
            "data": [views.order(order, at_risk=order.order_id in at_risk) for order in page],
            "next": _cursor(page[-1]) if more else None,
        }

    return await live.run(job)


def _place_in_list(found: OrderState) -> tuple[int, str]:
    return (found.order.created_at, found.order_id)


def _cursor(last: OrderState) -> str:
    created_at, order_id = _place_in_list(last)
    return base64.urlsafe_b64encode(f"{created_at}:{order_id}".encode()).decode().rstrip("=")


def _read_cursor(cursor: str) -> tuple[int, str]:
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        created_at, _, order_id = base64.urlsafe_b64decode(padded).decode().partition(":")
        return (int(created_at), order_id)
    except (binascii.Error, ValueError) as error:
        raise Problem(
            "invalid_request",
            "cursor is not one of ours; begin again without it.",
            {"pointer": "/cursor"},
        ) from error


@router.get("/orders/{order_id}", summary="One order")
async def get_order(order_id: str, service: Here) -> Json:
    """Return an order with all that happened to it."""
    live = service.live
    return await live.run(lambda: _view(live, live.engine.state.order(order_id)))


@router.post("/orders/{order_id}/cancel", summary="Give an order up")
async def cancel_order(order_id: str, asked: CancelIn, service: Here) -> Json:
    """Cancel an order; goods already in a bag come back to their store."""
    live = service.live

    def job() -> Json:
        at = device_time(live, asked.occurred_at)
        live.handle(CancelOrder(order_id, asked.reason, at))
        return _view(live, live.engine.state.order(order_id))

    return await live.run(job)


@router.get("/orders/{order_id}/explanation", summary="Why this store, courier and time")
async def explain_order(order_id: str, service: Here) -> JSONResponse:
    """Say why an order is treated as it is, and why not otherwise; how it went, once closed."""
    live = service.live

    def job() -> Json:
        explanation: Json = WIRE.unstructure(live.engine.explain(order_id))
        return explanation

    return JSONResponse(await live.run(job))
