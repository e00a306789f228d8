"""Zones: where and when the service works."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request

from api import views
from api.bootstrap import of_all
from api.rights import Ruled, Scope, needs, principal_of
from api.shapes import zones
from api.shapes.declaring import answers
from api.zones import Zones
from dispatch.errors import UnknownIdError

router = APIRouter(prefix="/v1/zones", tags=["zones"], route_class=Ruled)


@router.get("", summary="All zones")
@needs(Scope.ZONES_READ, narrowed=True)
@answers(zones.Zones)
async def list_zones(request: Request, zones: Annotated[Zones, Depends(of_all)]) -> zones.Zones:
    """Return every zone of the tenant; the one that the request names, if it names one."""
    named = zones.named_by(request)
    theirs = zones.of_tenant(principal_of(request).tenant)
    if named is not None:
        theirs = [zones.of(principal_of(request), request)]
    return {"data": [views.zone(each.live) for each in theirs]}


@router.get("/{zone_id}", summary="One zone")
@needs(Scope.ZONES_READ, narrowed=True)
@answers(zones.Zone)
async def get_zone(
    zone_id: str, request: Request, zones: Annotated[Zones, Depends(of_all)]
) -> zones.Zone:
    """Return a zone with its clock, bounds and policy."""
    theirs = {each.live.zone_id: each for each in zones.of_tenant(principal_of(request).tenant)}
    if zone_id not in theirs:
        raise UnknownIdError(f"there is no zone {zone_id}; there is {', '.join(theirs)}")
    return views.zone(theirs[zone_id].live)
