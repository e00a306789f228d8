"""What operations look at: the board, the figures, the plan."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from api import views
from api.board import figures
from api.bootstrap import Service, of_request
from api.rights import Ruled, Scope, needs
from api.shapes import board, operations
from api.shapes.declaring import answers
from dispatch.errors import UnknownIdError

router = APIRouter(prefix="/v1", tags=["operations"], route_class=Ruled)
Here = Annotated[Service, Depends(of_request)]
Json = dict[str, Any]


@router.get("/board", summary="Everything the operations page shows")
@needs(Scope.BOARD_READ)
@answers(board.Board)
async def get_board(service: Here) -> Response:
    """Return orders, couriers, stores, figures and what needs attention, in one document."""
    document = await service.live.run(service.board.document)
    return Response(document, media_type="application/json", headers={"Cache-Control": "no-store"})


@router.get("/kpis", summary="Figures")
@needs(Scope.BOARD_READ)
@answers(operations.KPIS)
async def get_kpis(
    service: Here, window_s: Annotated[int | None, Query(ge=1, le=31_536_000)] = None
) -> Json:
    """Return the figures of the whole log, or of the last `window_s` seconds."""
    live = service.live

    def job() -> Json:
        now = live.clock.now()
        return figures(live.kpis.figures(now, None if window_s is None else now - window_s))

    return await live.run(job)


@router.get("/plans/latest", summary="The plan in force")
@needs(Scope.BOARD_READ)
@answers(operations.Plan)
async def get_plan(service: Here) -> operations.Plan:
    """Return what every courier is planned to do, and every order that is on no route."""
    live = service.live

    def job() -> operations.Plan:
        found = views.latest_plan(live.engine.state)
        if found is None:
            raise UnknownIdError("no plan has been made yet; there is one after the first order")
        return found

    return await live.run(job)
