"""Stores: what they are, what they have, what they pick."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request
from starlette.responses import JSONResponse

from api import stock_views, views
from api.bootstrap import Service, of_request
from api.cursors import cursor_after, page_of, read_cursor
from api.live import Live
from api.problems import Problem
from api.rights import Role, Ruled, Scope, needs, principal_of
from api.schemas import AreaIn, Id, StoreIn
from api.shapes import stores
from api.shapes.declaring import answers
from api.stock_schemas import PauseStoreIn, ResumeIn
from api.versions import IfMatch, check_match, store_etag, tagged
from dispatch.commands import PauseStore, RegisterStore, ResumeStore
from dispatch.snapshot import store_windows
from geo.errors import AreaError, GeoError, TooFarFromRoadError
from geo.service_area import from_json

router = APIRouter(prefix="/v1/stores", tags=["stores"], route_class=Ruled)
Here = Annotated[Service, Depends(of_request)]
StoreId = Annotated[Id, Path()]


@router.get("", summary="Stores, by id")
@needs(Scope.STORES_READ, narrowed=True)
@answers(stores.StorePage)
async def list_stores(
    request: Request,
    service: Here,
    limit: Annotated[int, Query(ge=1, le=1000)] = 1000,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
) -> stores.StorePage:
    """Return a page of stores with what their pickers have to do; `next` is the next's cursor.

    With a store's key that one only.
    """
    live, after, who = service.live, read_cursor(cursor), principal_of(request)

    def job() -> stores.StorePage:
        known = live.engine.state.stores
        stores = (
            key
            for key, store in known.items()
            if not store.store.is_point and who.may_be(Role.STORE, key)
        )
        page, last = page_of(stores, after, limit)
        return {
            "data": [views.store(live, known[store_id]) for store_id in page],
            "next": cursor_after(last),
        }

    return await live.run(job)


@router.get("/{store_id}", summary="One store")
@needs(Scope.STORES_READ)
@answers(stores.Store)
async def get_store(store_id: StoreId, service: Here) -> Any:
    """Return a store, with its version as `ETag`."""
    live = service.live

    def job() -> JSONResponse:
        return tagged(_view(live, store_id), store_etag(live.engine.state.store(store_id)))

    return await live.run(job)


@router.put("/{store_id}", summary="Register or change a store")
@needs(Scope.STORES_WRITE)
@answers(stores.Store)
async def put_store(store_id: StoreId, asked: StoreIn, service: Here, match: IfMatch = None) -> Any:
    """Register a store, or change what is known of one."""
    live = service.live

    def job() -> JSONResponse:
        known = live.engine.state.stores.get(store_id)
        if known is not None:
            check_match(match, store_etag(known))
        with _area_at("/service_area"):
            store = asked.store(store_id)
        try:
            store_windows(store.opening_hours, live.city.time_zone, live.clock.now())
        except GeoError as error:
            pointer = {"pointer": "/opening_hours"}
            raise Problem("bad_opening_hours", str(error), pointer) from error
        _need_road(live, asked)
        with _area_at("/service_area"):
            live.handle(RegisterStore(store))
        return tagged(_view(live, store_id), store_etag(live.engine.state.store(store_id)))

    return await live.run(job)


@router.put("/{store_id}/service-area", summary="Set where a store delivers to")
@needs(Scope.STORES_WRITE)
@answers(stores.Store)
async def put_service_area(store_id: StoreId, asked: AreaIn, service: Here) -> stores.Store:
    """Set a store's service area; what it has already taken is still delivered."""
    live = service.live

    def job() -> stores.Store:
        store = live.engine.state.store(store_id).store
        with _area_at(""):
            live.handle(RegisterStore(replace(store, service_area=from_json(asked))))
        return _view(live, store_id)

    return await live.run(job)


@router.delete("/{store_id}/service-area", summary="Let a store deliver wherever it can")
@needs(Scope.STORES_WRITE)
@answers(stores.Store)
async def delete_service_area(store_id: StoreId, service: Here) -> stores.Store:
    """Take a store's service area off: it serves every door within `reach_s` again."""
    live = service.live

    def job() -> stores.Store:
        store = live.engine.state.store(store_id).store
        live.handle(RegisterStore(replace(store, service_area=None)))
        return _view(live, store_id)

    return await live.run(job)


@router.post("/{store_id}/pause", summary="Take no more orders at a store")
@needs(Scope.STORES_WRITE)
@answers(stores.PausedStore)
async def pause_store(
    store_id: StoreId, asked: PauseStoreIn, service: Here, match: IfMatch = None
) -> Any:
    """Pause a store; what it has already taken is still picked.

    With `moves_orders` it closes early: orders whose picking has not begun move to another store
    that can serve them (`moved`), the others stay (`left`).
    """
    live = service.live
    command = PauseStore(store_id, asked.reason, asked.owner or "", asked.moves_orders)

    def job() -> JSONResponse:
        check_match(match, store_etag(live.engine.state.store(store_id)))
        recorded = live.handle(command)
        answer: Mapping[str, Any] = _view(live, store_id)
        if asked.moves_orders:
            answer = {
                **answer,
                "moved": stock_views.moved(recorded),
                "left": stock_views.left(live.engine.state, store_id, recorded),
            }
        return tagged(answer, store_etag(live.engine.state.store(store_id)))

    return await live.run(job)


@router.post("/{store_id}/resume", summary="Take orders at a store again")
@needs(Scope.STORES_WRITE)
@answers(stores.Store)
async def resume_store(
    store_id: StoreId, service: Here, asked: ResumeIn | None = None, match: IfMatch = None
) -> Any:
    """Resume a store."""
    live = service.live
    owner = "" if asked is None else asked.owner or ""

    def job() -> JSONResponse:
        check_match(match, store_etag(live.engine.state.store(store_id)))
        live.handle(ResumeStore(store_id, owner))
        return tagged(_view(live, store_id), store_etag(live.engine.state.store(store_id)))

    return await live.run(job)


def _view(live: Live, store_id: str) -> stores.Store:
    return views.store(live, live.engine.state.store(store_id))


@contextmanager
def _area_at(pointer: str) -> Iterator[None]:
    """Say where in the body a service area is wrong."""
    try:
        yield
    except AreaError as error:
        where = {"pointer": pointer + error.pointer}
        raise Problem("area_unusable", f"The {error}.", where) from error


def _need_road(live: Live, asked: StoreIn) -> None:
    """Raise unless some mode of the city has a road near the store."""
    travel, place = live.engine.travel, asked.location.lonlat()
    last: TooFarFromRoadError | None = None
    for mode in sorted(travel.modes):
        try:
            travel.check_place(place, mode)
        except TooFarFromRoadError as error:
            last = error
        else:
            return
    if last is not None:
        raise Problem("outside_radius", str(last), {"pointer": "/location"}) from last
