"""Work done without network, sent afterwards."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path

from api import late, views
from api.bootstrap import Service, of_request
from api.late_schemas import WorkIn
from api.rights import Ruled, Scope, needs
from api.schemas import Id
from api.shapes import couriers
from api.shapes.declaring import answers

router = APIRouter(prefix="/v1", tags=["couriers"], route_class=Ruled)


@router.post("/couriers/{courier_id}/reports", summary="Work done without network")
@needs(Scope.STOPS_WRITE)
@answers(couriers.WorkTaken)
async def take_in_work(
    courier_id: Annotated[Id, Path()],
    asked: WorkIn,
    service: Annotated[Service, Depends(of_request)],
) -> couriers.WorkTaken:
    """Take in what a courier did while nobody could hear it; the same again changes nothing.

    Nothing that truly happened is refused: each report is answered with its `result` (`taken`,
    `already`, `noted`, or `unknown` for a stop there never was) and the `rule` that settled it.
    """
    live = service.live
    await late.check_reports(service, asked.reports)

    def job() -> couriers.WorkTaken:
        answer = late.take_in(service, courier_id, asked.reports)
        return {**answer, "route": views.route(live, live.engine.state.courier(courier_id))}

    return await live.run(job)
