"""Stock: what is on the shelves."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path

from api import views
from api.bootstrap import Service, of_request
from api.problems import Problem
from api.schemas import Id, StockIn
from dispatch.commands import SetStock

router = APIRouter(prefix="/v1/stores", tags=["stock"])
Here = Annotated[Service, Depends(of_request)]
StoreId = Annotated[Id, Path()]
Json = dict[str, Any]


@router.get("/{store_id}/stock", summary="Stock of a store")
async def get_stock(store_id: StoreId, service: Here) -> Json:
    """Return stock by SKU: on the shelf, promised to orders, and free."""
    live = service.live
    return await live.run(lambda: {"data": views.stock(live.engine.state.store(store_id))})


@router.put("/{store_id}/stock", summary="Set stock")
async def put_stock(store_id: StoreId, asked: StockIn, service: Here) -> Json:
    """Set what is on the shelf of some SKUs, all of them or none."""
    live = service.live
    on_hand = {item.sku: item.on_hand for item in asked.items}
    if len(on_hand) < len(asked.items):
        seen: set[str] = set()
        for index, item in enumerate(asked.items):
            if item.sku in seen:
                raise Problem(
                    "invalid_request",
                    f"{item.sku} is in the list more than once; say one figure for it.",
                    {"pointer": f"/items/{index}/sku"},
                )
            seen.add(item.sku)

    def job() -> Json:
        live.handle(SetStock(store_id, on_hand))
        return {"data": views.stock(live.engine.state.store(store_id))}

    return await live.run(job)
