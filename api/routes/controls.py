"""Surge controls: seen before they are set, and over by themselves."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from api import desk_views
from api.bootstrap import Service, of_request
from api.desk_schemas import ControlIn, Owner
from api.idempotency import Answer, RetryKey
from api.rights import Ruled, Scope, needs
from api.schemas import Reason
from api.shapes import desk
from api.shapes.declaring import answers
from api.versions import IfMatch, check_match, control_etag, tagged
from dispatch.commands import EndControl
from dispatch.controls import in_force
from dispatch.errors import UnknownIdError
from dispatch.events import ControlSet
from dispatch.records import Control
from dispatch.state import State

router = APIRouter(prefix="/v1", tags=["desk"], route_class=Ruled)
Here = Annotated[Service, Depends(of_request)]


@router.get("/controls", summary="Surge controls in force")
@needs(Scope.DESK_READ)
@answers(desk.Controls)
async def list_controls(service: Here) -> desk.Controls:
    """Return every control in force, the first set first."""
    live = service.live

    def job() -> desk.Controls:
        found = in_force(live.engine.state.controls.values(), live.clock.now())
        return {"data": [desk_views.control(each) for each in found]}

    return await live.run(job)


@router.post("/controls", status_code=201, summary="Put a surge control in force")
@needs(Scope.DESK_WRITE)
@answers(desk.Control)
async def set_control(
    asked: ControlIn, request: Request, service: Here, key: RetryKey = None
) -> Response:
    """Change what new orders get until a time; what was promised before is kept."""
    live = service.live

    def job() -> Answer:
        recorded = live.handle(asked.command())
        placed = next(r.event for r in recorded if isinstance(r.event, ControlSet)).control
        return Answer(201, desk_views.control(placed), {"ETag": control_etag(placed)})

    return await service.idempotency.once(request, key, asked, job)


@router.post("/controls/preview", summary="What a surge control would do")
@needs(Scope.DESK_READ)
@answers(desk.ControlPreview)
async def preview_control(asked: ControlIn, service: Here) -> desk.ControlPreview:
    """Take the orders of the last hour again under a control; changes nothing."""
    live = service.live
    return await live.run(lambda: desk_views.preview(live.engine.preview(asked.command())))


@router.get("/controls/{control_id}", summary="One surge control")
@needs(Scope.DESK_READ)
@answers(desk.Control)
async def get_control(control_id: str, service: Here) -> Response:
    """Return a control in force."""
    live = service.live

    def job() -> Response:
        found = _control(live.engine.state, control_id)
        return tagged(desk_views.control(found), control_etag(found))

    return await live.run(job)


@router.delete("/controls/{control_id}", summary="Take a surge control back")
@needs(Scope.DESK_WRITE)
@answers(desk.Control)
async def end_control(
    control_id: str,
    service: Here,
    owner: Annotated[Owner, Query()],
    reason: Annotated[Reason | None, Query()] = None,
    match: IfMatch = None,
) -> desk.Control:
    """End a control before its time."""
    live = service.live

    def job() -> desk.Control:
        found = _control(live.engine.state, control_id)
        check_match(match, control_etag(found))
        live.handle(EndControl(control_id, owner, reason or ""))
        return desk_views.control(found)

    return await live.run(job)


def _control(state: State, control_id: str) -> Control:
    found = state.controls.get(control_id)
    if found is None:
        raise UnknownIdError(f"no control {control_id} is in force")
    return found
