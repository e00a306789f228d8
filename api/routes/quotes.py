"""Quotes: can you, when and for how much."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from api import views
from api.bootstrap import Service, of_request
from api.idempotency import Answer
from api.schemas import QuoteIn

router = APIRouter(prefix="/v1", tags=["quotes"])
Here = Annotated[Service, Depends(of_request)]


@router.post("/quotes", status_code=201, summary="Can you, and when?")
async def request_quote(asked: QuoteIn, request: Request, service: Here) -> Response:
    """Return a promise and a price, valid for a while; or 422 with the reason why not."""
    engine = service.live.engine
    return await service.idempotency.once(
        request, asked, lambda: Answer(201, views.quote(engine.quote(asked.command())))
    )
