"""Zones: where and when the service works."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends

from api import views
from api.bootstrap import Service, of_request
from dispatch.errors import UnknownIdError

router = APIRouter(prefix="/v1/zones", tags=["zones"])


@router.get("", summary="All zones")
async def list_zones(service: Annotated[Service, Depends(of_request)]) -> dict[str, Any]:
    """Return every zone of the service."""
    return {"data": [views.zone(service.live)]}


@router.get("/{zone_id}", summary="One zone")
async def get_zone(
    zone_id: str, service: Annotated[Service, Depends(of_request)]
) -> dict[str, Any]:
    """Return a zone with its clock, bounds and policy."""
    if zone_id != service.live.zone_id:
        raise UnknownIdError(f"there is no zone {zone_id}; there is {service.live.zone_id}")
    return views.zone(service.live)
