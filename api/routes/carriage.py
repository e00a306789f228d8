"""Overflow: orders an outside courier company carries."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from api.bootstrap import Service, of_request
from api.overflow_desk import view
from api.overflow_schemas import CarriageIn, CarriageUpdateIn
from api.rights import Ruled, Scope, needs
from api.routes.times import device_time
from api.schemas import Id, Name, Reason
from api.shapes import desk
from api.shapes.declaring import answers
from api.zones import ZONE_QUERY

router = APIRouter(prefix="/v1", tags=["carriage"], route_class=Ruled)
Here = Annotated[Service, Depends(of_request)]
OrderId = Annotated[Id, Path()]


@router.get("/overflow/candidates", summary="Orders that could be given away")
@needs(Scope.CARRIAGE_READ)
@answers(desk.Bookables)
async def list_bookable(
    service: Here, limit: Annotated[int, Query(ge=1, le=50)] = 10
) -> desk.Bookables:
    """Return orders without a courier or at risk, with what each company asks to bring them."""
    return await service.overflow.candidates(limit)


@router.get("/orders/{order_id}/carriage", summary="Which company has an order")
@needs(Scope.CARRIAGE_READ)
@answers(desk.Carriage)
async def get_carriage(order_id: OrderId, service: Here) -> desk.Carriage:
    """Return what was agreed on with an outside company last, and how far it is."""
    return await service.live.run(lambda: view(order_id, service.overflow.carriage(order_id)))


@router.post("/orders/{order_id}/carriage", status_code=201, summary="Give an order away")
@needs(Scope.CARRIAGE_WRITE)
@answers(desk.Carriage, 200)
async def book_carriage(
    order_id: OrderId, asked: CarriageIn, request: Request, service: Here, response: Response
) -> desk.Carriage:
    """Book an outside company for an order that no courier of ours was told to fetch yet.

    The same company asked again for an order it has answers 200 with what was agreed on.
    """
    url = request.url_for("update_carriage", carrier=asked.carrier)
    if service.settings.zones:
        # The company's key may be of several zones.
        url = url.include_query_params(**{ZONE_QUERY: service.live.zone_id})
    updates_url = str(url)
    before = await service.live.run(lambda: service.live.engine.state.order(order_id).carriage)
    known = await service.overflow.book(
        order_id, asked.carrier, asked.owner, asked.reason, updates_url
    )
    if before is not None and before.reference == known.reference:
        response.status_code = 200
    return view(order_id, known)


@router.delete("/orders/{order_id}/carriage", summary="Take an order back")
@needs(Scope.CARRIAGE_WRITE)
@answers(desk.Carriage)
async def end_carriage(
    order_id: OrderId,
    service: Here,
    owner: Annotated[Name, Query()],
    reason: Annotated[Reason, Query()],
) -> desk.Carriage:
    """Call the company off before it has the goods; the order is planned for our couriers again."""
    return view(order_id, await service.overflow.take_back(order_id, owner, reason))


@router.post("/carriage/{carrier}/updates", summary="How far an outside company is")
@needs(Scope.CARRIAGE_WRITE)
@answers(desk.CarriageReport)
async def update_carriage(
    carrier: Annotated[Id, Path()], asked: CarriageUpdateIn, service: Here
) -> desk.CarriageReport:
    """Take in what a company says; twice, late or out of order does no harm."""
    live = service.live

    def job() -> desk.CarriageReport:
        at = device_time(live, asked.occurred_at)
        return service.overflow.report(
            carrier, asked.reference, asked.status, at, asked.eta, asked.detail or ""
        )

    return await live.run(job)
