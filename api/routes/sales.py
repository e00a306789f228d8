"""What online orders bring each store."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path

from api.bootstrap import Service, of_request
from api.rights import Ruled, Scope, needs
from api.routes.times import From, To, period
from api.schemas import Id
from api.shapes import operations
from api.shapes.declaring import answers
from dispatch.codec import to_rfc3339
from dispatch.sales import Sales, sales_by_store, total
from dispatch.state import State

router = APIRouter(prefix="/v1", tags=["stores"], route_class=Ruled)
Here = Annotated[Service, Depends(of_request)]


@router.get("/sales", summary="What online orders bring each store")
@needs(Scope.SALES_READ)
@answers(operations.AllSales)
async def list_sales(service: Here, begins: From = None, ends: To = None) -> operations.AllSales:
    """Return the figures of every store, and of all, for orders placed from `from` until `to`.

    The last 24 hours when neither is given.
    """
    live = service.live

    def job() -> operations.AllSales:
        start, end = period(live.clock.now(), begins, ends)
        state = live.engine.state
        found = sales_by_store(state, start, end)
        rows = [_row(state, store_id, figures) for store_id, figures in found.items()]
        return {**_told(start, end), "data": rows, "total": _figures(total(found.values()))}

    return await live.run(job)


@router.get("/stores/{store_id}/sales", summary="What online orders bring a store")
@needs(Scope.SALES_READ)
@answers(operations.StoreSalesPeriod)
async def get_sales(
    store_id: Annotated[Id, Path()], service: Here, begins: From = None, ends: To = None
) -> operations.StoreSalesPeriod:
    """Return the figures of one store for orders placed from `from` until `to`."""
    live = service.live

    def job() -> operations.StoreSalesPeriod:
        start, end = period(live.clock.now(), begins, ends)
        state = live.engine.state
        state.store(store_id)
        figures = sales_by_store(state, start, end).get(store_id, Sales())
        return {**_told(start, end), **_row(state, store_id, figures)}

    return await live.run(job)


def _told(start: int, end: int) -> operations.SalesPeriod:
    return {"from": to_rfc3339(start), "to": to_rfc3339(end)}


def _row(state: State, store_id: str, figures: Sales) -> operations.StoreSales:
    return {"store_id": store_id, "name": state.store(store_id).store.name, **_figures(figures)}


def _figures(found: Sales) -> operations.Sales:
    return {
        "orders": found.orders,
        "open": found.open,
        "delivered": found.delivered,
        "collected": found.collected,
        "cancelled": found.cancelled,
        "returned": found.returned,
        "basket_cents": found.basket_cents,
        "paid_cents": found.paid_cents,
        "tip_cents": found.tip_cents,
        "fare_cents": found.fare_cents,
        "refund_cents": found.refund_cents,
    }
