"""Offers: pickups that a courier may take or leave."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Path

from api.bootstrap import Service, of_request
from api.courier_schemas import DeclinedIn
from api.courier_views import offer
from api.reports import report
from api.rights import Ruled, Scope, needs
from api.routes.times import device_time
from api.schemas import HappenedIn, Id
from api.shapes import couriers
from api.shapes.declaring import answers
from dispatch.commands import AcceptOffer, Command, DeclineStop

router = APIRouter(prefix="/v1/couriers/{courier_id}", tags=["offers"], route_class=Ruled)
Here = Annotated[Service, Depends(of_request)]
CourierId = Annotated[Id, Path()]
StopId = Annotated[Id, Path()]


@router.get("/offer", summary="What a courier is asked to do")
@needs(Scope.STOPS_READ)
@answers(couriers.CourierOffer)
async def get_offer(courier_id: CourierId, service: Here) -> couriers.CourierOffer:
    """Return the open offer, null without one; nobody else is asked until it expires."""
    live = service.live

    def job() -> couriers.CourierOffer:
        state = live.engine.state
        return {"courier_id": courier_id, "offer": offer(state, state.courier(courier_id))}

    return await live.run(job)


@router.post("/offers/{stop_id}/accept", summary="Take an offer")
@needs(Scope.STOPS_WRITE)
@answers(couriers.Reported)
async def accept_offer(
    courier_id: CourierId, stop_id: StopId, service: Here, asked: HappenedIn | None = None
) -> couriers.Reported:
    """Say yes: the pickup is then this courier's, and is not taken back."""
    at = asked.occurred_at if asked is not None else None
    return await _answer(
        service,
        courier_id,
        lambda: AcceptOffer(courier_id, stop_id, device_time(service.live, at)),
    )


@router.post("/offers/{stop_id}/decline", summary="Leave an offer")
@needs(Scope.STOPS_WRITE)
@answers(couriers.Reported)
async def decline_offer(
    courier_id: CourierId, stop_id: StopId, asked: DeclinedIn, service: Here
) -> couriers.Reported:
    """Say no: the same order is never offered to this courier again."""
    return await _answer(
        service,
        courier_id,
        lambda: DeclineStop(
            courier_id, stop_id, asked.reason, device_time(service.live, asked.occurred_at)
        ),
    )


async def _answer(
    service: Service, courier_id: str, command: Callable[[], Command]
) -> couriers.Reported:
    live = service.live
    return await live.run(lambda: report(live, courier_id, command()))
