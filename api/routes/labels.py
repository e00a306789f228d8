"""Labels: a QR code for every parcel."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path
from starlette.responses import HTMLResponse, Response

from api import labels
from api.bootstrap import Service, of_request
from api.rights import Ruled, Scope, needs
from api.schemas import Id

router = APIRouter(prefix="/v1", tags=["picking"], route_class=Ruled)
Here = Annotated[Service, Depends(of_request)]
OrderId = Annotated[Id, Path()]


@router.get(
    "/orders/{order_id}/label",
    summary="The label of a parcel, to print",
    response_class=HTMLResponse,
)
@needs(Scope.PICKING_READ)
async def get_label(order_id: OrderId, service: Here) -> HTMLResponse:
    """Return a page of 62 x 100 mm; each part of a split order has its own."""
    live = service.live
    label = await live.run(lambda: labels.label_of(live, live.engine.state.order(order_id)))
    headers = {"Content-Security-Policy": labels.POLICY, "Cache-Control": "no-store"}
    return HTMLResponse(labels.page(label), headers=headers)


@router.get(
    "/orders/{order_id}/label.svg",
    summary="The QR code of a parcel",
    responses={200: {"content": {"image/svg+xml": {}}}},
    response_class=Response,
)
@needs(Scope.PICKING_READ)
async def get_qr(order_id: OrderId, service: Here) -> Response:
    """Return the QR code alone; it says the parcel's id."""
    live = service.live
    parcel_id = await live.run(lambda: live.engine.state.order(order_id).parcel_id)
    headers = {"Cache-Control": "no-store"}
    return Response(labels.qr_svg(parcel_id), media_type="image/svg+xml", headers=headers)
