"""Stores: what they are, what they have, what they pick."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path

from api import views
from api.bootstrap import Service, of_request
from api.live import Live
from api.problems import Problem
from api.schemas import AreaIn, Id, ReasonIn, StoreIn
from dispatch.commands import PauseStore, RegisterStore, ResumeStore
from dispatch.snapshot import store_windows
from geo.errors import AreaError, GeoError, TooFarFromRoadError
from geo.service_area import from_json

router = APIRouter(prefix="/v1/stores", tags=["stores"])
Here = Annotated[Service, Depends(of_request)]
StoreId = Annotated[Id, Path()]
Json = dict[str, Any]


@router.get("", summary="All stores")
async def list_stores(service: Here) -> Json:
    """Return every store with what its pickers have to do."""
    live = service.live

    def job() -> Json:
        found = sorted(live.engine.state.stores.items())
        return {
            "data": [views.store(live, store) for _, store in found if not store.store.is_point]
        }

    return await live.run(job)


@router.get("/{store_id}", summary="One store")
async def get_store(store_id: StoreId, service: Here) -> Json:
    """Return a store."""
    return await service.live.run(lambda: _view(service.live, store_id))


@router.put("/{store_id}", summary="Register or change a store")
async def put_store(store_id: StoreId, asked: StoreIn, service: Here) -> Json:
    """Register a store, or change what is known of one."""
    live = service.live

    def job() -> Json:
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
        return _view(live, store_id)

    return await live.run(job)


@router.put("/{store_id}/service-area", summary="Set where a store delivers to")
async def put_service_area(store_id: StoreId, asked: AreaIn, service: Here) -> Json:
    """Set a store's service area; what it has already taken is still delivered."""
    live = service.live

    def job() -> Json:
        store = live.engine.state.store(store_id).store
        with _area_at(""):
            live.handle(RegisterStore(replace(store, service_area=from_json(asked))))
        return _view(live, store_id)

    return await live.run(job)


@router.delete("/{store_id}/service-area", summary="Let a store deliver wherever it can")
async def delete_service_area(store_id: StoreId, service: Here) -> Json:
    """Take a store's service area off: it serves every door within `reach_s` again."""
    live = service.live

    def job() -> Json:
        store = live.engine.state.store(store_id).store
        live.handle(RegisterStore(replace(store, service_area=None)))
        return _view(live, store_id)

    return await live.run(job)


@router.post("/{store_id}/pause", summary="Take no more orders at a store")
async def pause_store(store_id: StoreId, asked: ReasonIn, service: Here) -> Json:
    """Pause a store; what it has already taken is still picked."""
    live = service.live

    def job() -> Json:
        live.handle(PauseStore(store_id, asked.reason))
        return _view(live, store_id)

    return await live.run(job)


@router.post("/{store_id}/resume", summary="Take orders at a store again")
async def resume_store(store_id: StoreId, service: Here) -> Json:
    """Resume a store."""
    live = service.live

    def job() -> Json:
        live.handle(ResumeStore(store_id))
        return _view(live, store_id)

    return await live.run(job)


def _view(live: Live, store_id: str) -> Json:
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
