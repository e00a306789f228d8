"""Picking: from the shelf to the counter."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path

from api import views
from api.bootstrap import Service, of_request
from api.routes.times import device_time
from api.schemas import Id, PickingIn
from dispatch.commands import CompletePick, StartPick

router = APIRouter(prefix="/v1", tags=["picking"])
Here = Annotated[Service, Depends(of_request)]
StoreId = Annotated[Id, Path()]
Json = dict[str, Any]


@router.get("/stores/{store_id}/picks", summary="What to pick, in the order of work")
async def list_picks(store_id: StoreId, service: Here) -> Json:
    """Return the orders a store is picking or has to pick."""
    live = service.live
    return await live.run(lambda: {"data": views.picks(live, live.engine.state.store(store_id))})


@router.post("/orders/{order_id}/picking", summary="A picker began or finished")
async def report_picking(order_id: str, asked: PickingIn, service: Here) -> Json:
    """Take in that picking has begun (`started`) or that the order is packed (`ready`)."""
    live = service.live

    def job() -> Json:
        at = device_time(live, asked.occurred_at)
        started = asked.event == "started"
        live.handle(StartPick(order_id, at) if started else CompletePick(order_id, at))
        return views.order_now(live, order_id)

    return await live.run(job)
