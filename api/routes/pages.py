"""Pages, their files and the map's tiles."""

from __future__ import annotations

import asyncio
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Path, Request
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, RedirectResponse, Response

from api import assets
from api.bootstrap import of_all
from api.rights import Ruled, Scope, needs, open_to_all, signed_in
from api.zones import Zones

router = APIRouter(include_in_schema=False, route_class=Ruled)

_MAX_ZOOM: Final = 22
_LIBRARY_AGE_S: Final = 86_400
_TILE_AGE_S: Final = 3_600


@router.get("/")
@open_to_all
async def root() -> RedirectResponse:
    """Lead to the operations page."""
    return RedirectResponse("/ops")


@router.get("/ops")
@needs(Scope.BOARD_READ, page=True)
async def ops(request: Request) -> Response:
    """Return the operations page."""
    return _asset(request, "ops.html")


@router.get("/courier")
@needs(Scope.STOPS_WRITE, narrowed=True, page=True)
async def courier(request: Request) -> Response:
    """Return the courier's page."""
    return _asset(request, "courier.html")


@router.get("/docs")
@signed_in(page=True)
async def docs(request: Request) -> Response:
    """Return the page of the API."""
    return _asset(request, "docs.html")


@router.get("/openapi.json")
@signed_in()
async def openapi(request: Request) -> JSONResponse:
    """Return the API document."""
    return JSONResponse(await asyncio.to_thread(request.app.openapi))


@router.get("/assets/{name}")
@open_to_all
async def asset(request: Request, name: str) -> Response:
    """Return a file of a page."""
    return _asset(request, name, max_age_s=_LIBRARY_AGE_S if name.startswith("maplibre") else 0)


@router.get("/tiles/{z}/{x}/{y}.mvt")
@open_to_all
async def tile(
    request: Request,
    z: Annotated[int, Path(ge=0, le=_MAX_ZOOM)],
    x: Annotated[int, Path(ge=0)],
    y: Annotated[int, Path(ge=0)],
    zones: Annotated[Zones, Depends(of_all)],
    city: str | None = None,
) -> Response:
    """Return a vector tile of a city; of the only one, where none is named."""
    if x >= 2**z or y >= 2**z:
        raise HTTPException(404)
    drawn = zones.map_of(city)
    etag = f'"{drawn.city.checksum[:16]}-{z}-{x}-{y}"'
    headers = {"ETag": etag, "Cache-Control": f"public, max-age={_TILE_AGE_S}"}
    if etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    content = await asyncio.to_thread(drawn.tiles.tile, z, x, y)
    return Response(content, media_type="application/vnd.mapbox-vector-tile", headers=headers)


def _asset(request: Request, name: str, *, max_age_s: int = 0) -> Response:
    found = assets.find(name)
    if found is None:
        raise HTTPException(404)
    return assets.answer(request, found, max_age_s=max_age_s)
