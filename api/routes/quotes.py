"""Quotes: can you, when and for how much."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from api import order_views
from api.bootstrap import Service, of_request
from api.idempotency import Answer, RetryKey
from api.order_schemas import QuoteIn
from api.rights import Ruled, Scope, needs
from api.routes.orders import where
from api.shapes import orders
from api.shapes.declaring import answers

router = APIRouter(prefix="/v1", tags=["quotes"], route_class=Ruled)
Here = Annotated[Service, Depends(of_request)]


@router.post("/quotes", status_code=201, summary="Can you, and when?")
@needs(Scope.QUOTES_WRITE)
@answers(orders.Quote)
async def request_quote(
    asked: QuoteIn, request: Request, service: Here, key: RetryKey = None
) -> Response:
    """Return a promise, a price and other windows, valid for a while; or 422 with the reason.

    The promise is null when only windows can be had; without any window there is no quote.
    """
    engine = service.live.engine

    def job() -> Answer:
        door, address = where(engine.state, asked.fulfilment, asked.store_id, asked.dropoff)
        given = engine.quote(asked.command(door, address))
        return Answer(201, order_views.quote(given))

    return await service.idempotency.once(request, key, asked, job)
