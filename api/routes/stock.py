"""Stock: what is on the shelves, and what of it is promised."""

from __future__ import annotations

import asyncio
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Path, Query, Request
from starlette.responses import Response

from api import stock_views
from api.bootstrap import Service, of_request
from api.cursors import cursor_after, page_of, read_cursor
from api.idempotency import Answer, RetryKey
from api.live import Live
from api.problems import Problem
from api.rights import Ruled, Scope, needs
from api.routes.times import device_time
from api.schemas import Id, Sku
from api.shapes import stores
from api.shapes.declaring import answers
from api.stock_files import STOCK_COLUMNS, read_stock
from api.stock_schemas import CorrectionIn, Mode, ShelvesIn, StockItemIn, file_schema
from dispatch.commands import CorrectStock, SetShelves, SetStock
from dispatch.errors import InvalidValueError
from dispatch.events import Recorded, ShelvesSet, StockSet

router = APIRouter(prefix="/v1/stores", tags=["stock"], route_class=Ruled)
Here = Annotated[Service, Depends(of_request)]
StoreId = Annotated[Id, Path()]

_MOST_ROWS: Final = 5000
_MOST_TOLD: Final = 1000
"""A list of more SKUs than this is answered with a summary only."""


@router.get("/{store_id}/stock", summary="Stock of a store")
@needs(Scope.STOCK_READ)
@answers(stores.StockPage)
async def get_stock(
    store_id: StoreId,
    service: Here,
    sku: Annotated[list[Sku] | None, Query(max_length=_MOST_TOLD)] = None,
    limit: Annotated[int, Query(ge=1, le=_MOST_ROWS)] = 1000,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
) -> stores.StockPage:
    """Return stock by SKU: on the shelf, promised to orders, kept back, and free.

    `sku` names the SKUs wanted and may be given several times; `next` is the cursor of the
    following page, null on the last.
    """
    after = read_cursor(cursor)
    state = await service.live.run(lambda: service.live.engine.state)
    found = state.store(store_id)

    def page() -> stores.StockPage:
        wanted = stock_views.stock_skus(found, sku)
        skus, last = page_of(wanted, after, limit)
        return {
            "data": [stock_views.stock_row(state, found, name) for name in skus],
            "next": cursor_after(last),
        }

    # Whoever reads a whole store lets the engine go on meanwhile: a state never changes.
    return await asyncio.to_thread(page)


@router.put(
    "/{store_id}/stock",
    summary="Set stock, in bulk",
    openapi_extra=file_schema(StockItemIn, "items", STOCK_COLUMNS),
)
@needs(Scope.STOCK_WRITE)
@answers(stores.StockTaken)
async def put_stock(
    store_id: StoreId, request: Request, service: Here, mode: Mode = "merge"
) -> stores.StockTaken:
    """Set what is on the shelf of some SKUs, all of them or none; as JSON or CSV.

    With `mode=replace` nothing is left of SKUs that are not named.
    """
    live = service.live
    content_type, body = request.headers.get("content-type", ""), await request.body()
    found = await asyncio.to_thread(read_stock, content_type, body)
    command = SetStock(
        store_id,
        found.on_hand,
        replaces=mode == "replace",
        shelves=found.shelves,
        safety_stock=found.safety_stock,
    )

    def job() -> stores.StockTaken:
        recorded = live.handle(command)
        state = live.engine.state
        store = state.store(store_id)
        meant = stock_views.consequences(state, store, recorded)
        answer: stores.StockTaken = {
            "store_id": store_id,
            "skus": len(found.on_hand),
            "changed": _changed(recorded),
            "below_reserved": stock_views.below_reserved(store),
            "moved": meant["moved"],
            "short": meant["short"],
        }
        if not found.is_csv and len(found.on_hand) <= _MOST_TOLD:
            rows = [stock_views.stock_row(state, store, sku) for sku in sorted(found.on_hand)]
            answer["data"] = rows
        return answer

    return await live.run(job)


def _changed(recorded: tuple[Recorded, ...]) -> int:
    """Return of how many SKUs anything changed."""
    skus: set[str] = set()
    for entry in recorded:
        match entry.event:
            case StockSet(on_hand=on_hand):
                skus |= on_hand.keys()
            case ShelvesSet(shelves=shelves, safety_stock=safety_stock):
                skus |= shelves.keys() | safety_stock.keys()
    return len(skus)


@router.put("/{store_id}/shelves", summary="Say where SKUs stand and how many are kept back")
@needs(Scope.STOCK_WRITE)
@answers(stores.StockRows)
async def put_shelves(store_id: StoreId, asked: ShelvesIn, service: Here) -> stores.StockRows:
    """Set shelf and safety stock of some SKUs, without counting them."""
    live = service.live
    _refuse_repeated("items", [item.sku for item in asked.items])
    shelves = {item.sku: item.shelf for item in asked.items if item.shelf is not None}
    kept = {item.sku: item.safety_stock for item in asked.items if item.safety_stock is not None}

    def job() -> stores.StockRows:
        live.handle(SetShelves(store_id, shelves, kept))
        state = live.engine.state
        store = state.store(store_id)
        skus = sorted(item.sku for item in asked.items)
        return {"data": [stock_views.stock_row(state, store, sku) for sku in skus]}

    return await live.run(job)


@router.post("/{store_id}/stock/corrections", status_code=201, summary="Correct stock by a count")
@needs(Scope.STOCK_WRITE)
@answers(stores.StockCorrection)
async def correct_stock(
    store_id: StoreId, asked: CorrectionIn, request: Request, service: Here, key: RetryKey = None
) -> Response:
    """Change stock by what somebody found; orders whose goods are gone move, or are named.

    Safe to retry with an Idempotency-Key.
    """
    live = service.live
    _refuse_repeated("changes", [item.sku for item in asked.changes])
    return await service.idempotency.once(
        request, key, asked, lambda: _correct(live, store_id, asked)
    )


def _correct(live: Live, store_id: str, asked: CorrectionIn) -> Answer:
    at = device_time(live, asked.occurred_at)
    changes = {item.sku: item.change for item in asked.changes}
    command = CorrectStock(store_id, changes, asked.reason, asked.owner, at)
    try:
        recorded = live.handle(command)
    except InvalidValueError as error:
        places = {f"changes.{item.sku}": index for index, item in enumerate(asked.changes)}
        index = places.get(error.field)
        if index is None:
            raise
        pointer = f"/changes/{index}/change"
        detail = f"{asked.changes[index].sku} {error.problem}."
        raise Problem("invalid_value", detail, {"pointer": pointer}) from error
    state = live.engine.state
    store = state.store(store_id)
    return Answer(
        201,
        {
            "store_id": store_id,
            "data": [stock_views.stock_row(state, store, sku) for sku in sorted(changes)],
            **stock_views.consequences(state, store, recorded),
        },
    )


def _refuse_repeated(items: str, skus: list[str]) -> None:
    seen: set[str] = set()
    for index, sku in enumerate(skus):
        if sku in seen:
            raise Problem(
                "invalid_request",
                f"{sku} is in the list more than once; say one thing of it.",
                {"pointer": f"/{items}/{index}/sku"},
            )
        seen.add(sku)
