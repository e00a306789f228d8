"""Pages, their files and the map's tiles."""

from __future__ import annotations

import asyncio
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Path, Request
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from api import assets
from api.bootstrap import Service, of_request

router = APIRouter(include_in_schema=False)

_MAX_ZOOM: Final = 22
_LIBRARY_AGE_S: Final = 86_400
_TILE_AGE_S: Final = 3_600


@router.get("/")
async def root() -> RedirectResponse:
    """Lead to the operations page."""
    return RedirectResponse("/ops")


@router.get("/ops")
@router.get("/courier")
@router.get("/docs")
async def page(request: Request) -> Response:
    """Return a page."""
    return _asset(request, request.url.path.strip("/") + ".html")


@router.get("/assets/{name}")
async def asset(request: Request, name: str) -> Response:
    """Return a file of a page."""
    return _asset(request, name, max_age_s=_LIBRARY_AGE_S if name.startswith("maplibre") else 0)


@router.get("/tiles/{z}/{x}/{y}.mvt")
async def tile(
    request: Request,
    z: Annotated[int, Path(ge=0, le=_MAX_ZOOM)],
    x: Annotated[int, Path(ge=0)],
    y: Annotated[int, Path(ge=0)],
    service: Annotated[Service, Depends(of_request)],
) -> Response:
    """Return a vector tile of the city."""
    if x >= 2**z or y >= 2**z:
        raise HTTPException(404)
    etag = f'"{service.city.checksum[:16]}-{z}-{x}-{y}"'
    headers = {"ETag": etag, "Cache-Control": f"public, max-age={_TILE_AGE_S}"}
    if etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    content = await asyncio.to_thread(service.tiles.tile, z, x, y)
    return Response(content, media_type="application/vnd.mapbox-vector-tile", headers=headers)


def _asset(request: Request, name: str, *, max_age_s: int = 0) -> Response:
    found = assets.find(name)
    if found is None:
        raise HTTPException(404)
    return assets.answer(request, found, max_age_s=max_age_s)
