"""Where an order comes from: every store's verdict, and what people say about it."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path
from starlette.responses import JSONResponse

from api import stock_views
from api.bootstrap import Service, of_request
from api.live import Live
from api.rights import Ruled, Scope, needs
from api.schemas import Id
from api.shapes import orders, stores
from api.shapes.declaring import answers
from api.stock_schemas import ExcludeIn, PinIn
from api.versions import IfMatch, check_match, order_etag, tagged
from dispatch.commands import Command, ExcludeStore, PinStore

router = APIRouter(prefix="/v1/orders", tags=["orders"], route_class=Ruled)
Here = Annotated[Service, Depends(of_request)]
OrderId = Annotated[Id, Path()]


@router.get("/{order_id}/candidates", summary="Which stores could serve an order, and why not")
@needs(Scope.DESK_READ)
@answers(stores.Candidates)
async def list_candidates(order_id: OrderId, service: Here) -> stores.Candidates:
    """Return every store with its verdict: those that can serve first, by time.

    The list is empty once picking has begun: then the store does not change any more.
    """
    live = service.live
    return await live.run(lambda: stock_views.candidates(live, order_id))


@router.post("/{order_id}/store", summary="Let an order come from one store only")
@needs(Scope.DESK_WRITE)
@answers(orders.Order)
async def pin_store(order_id: OrderId, asked: PinIn, service: Here, match: IfMatch = None) -> Any:
    """Pin an order to a store and move it there; null takes the pin off.

    With `If-Match` only as long as nothing happened to the order since it was read.
    """
    command = PinStore(order_id, asked.store_id, asked.owner, asked.reason)
    return await service.live.run(lambda: _done(service.live, match, order_id, command))


@router.post("/{order_id}/excluded-stores", summary="Keep an order from a store")
@needs(Scope.DESK_WRITE)
@answers(orders.Order)
async def exclude_store(
    order_id: OrderId, asked: ExcludeIn, service: Here, match: IfMatch = None
) -> Any:
    """Never let an order come from a store; it moves to the best other one if it is there.

    Pinning the order to that store later takes the exclusion back.
    """
    command = ExcludeStore(order_id, asked.store_id, asked.owner, asked.reason)
    return await service.live.run(lambda: _done(service.live, match, order_id, command))


def _done(live: Live, match: IfMatch, order_id: str, command: Command) -> JSONResponse:
    check_match(match, order_etag(live.engine.state.order(order_id)))
    live.handle(command)
    order = live.engine.state.order(order_id)
    return tagged(stock_views.sourcing(live, order_id), order_etag(order))
