"""Run sheets to print."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Path
from starlette.responses import HTMLResponse

from api import runsheet
from api.bootstrap import Service, of_request
from api.rights import Ruled, Scope, needs
from api.schemas import Id

router = APIRouter(prefix="/v1", tags=["couriers"], route_class=Ruled)
Here = Annotated[Service, Depends(of_request)]


@router.get(
    "/couriers/{courier_id}/run-sheet",
    summary="A courier's stops, to print",
    response_class=HTMLResponse,
)
@needs(Scope.STOPS_READ)
async def get_courier_sheet(courier_id: Annotated[Id, Path()], service: Here) -> HTMLResponse:
    """Return the route as it stands, with a code per stop and room for times and signatures."""
    live = service.live
    return await _sheet(
        service, lambda: runsheet.courier_sheet(live, live.engine.state.courier(courier_id))
    )


@router.get(
    "/stores/{store_id}/run-sheet",
    summary="A store's pick list, to print",
    response_class=HTMLResponse,
)
@needs(Scope.PICKING_READ)
async def get_store_sheet(store_id: Annotated[Id, Path()], service: Here) -> HTMLResponse:
    """Return what a store has to pick, in the order of work and of its shelves."""
    live = service.live
    return await _sheet(
        service, lambda: runsheet.store_sheet(live, live.engine.state.store(store_id))
    )


async def _sheet(service: Service, made: Callable[[], str]) -> HTMLResponse:
    page = await service.live.run(made)
    headers = {"Content-Security-Policy": runsheet.POLICY, "Cache-Control": "no-store"}
    return HTMLResponse(page, headers=headers)
