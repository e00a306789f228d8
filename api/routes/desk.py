"""The dispatcher's desk: hold, assign, reorder, take back; the audit; and why things are so."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import BaseModel
from starlette.responses import JSONResponse, Response

from api import desk_views
from api.bootstrap import Service, of_request
from api.desk_schemas import (
    LOCKED_S,
    AssignIn,
    HoldIn,
    Owner,
    RouteOrderIn,
    UndoIn,
    WhoIn,
)
from api.idempotency import Answer, RetryKey
from api.live import Live
from api.problems import Problem
from api.rights import Ruled, Scope, needs
from api.schemas import Id, Reason
from api.shapes import desk
from api.shapes.declaring import answers
from api.versions import IfMatch, action_etag, check_match, order_etag, route_etag, tagged
from dispatch.codec import WIRE
from dispatch.commands import (
    Command,
    HoldOrder,
    LockOrder,
    LockRoute,
    ReleaseHold,
    UndoAction,
    UnlockOrder,
    UnlockRoute,
)
from dispatch.errors import UnknownIdError
from dispatch.events import ActionTaken, Recorded

router = APIRouter(prefix="/v1", tags=["desk"], route_class=Ruled)
Here = Annotated[Service, Depends(of_request)]
CourierId = Annotated[Id, Path()]
By = Annotated[Owner, Query()]
Because = Annotated[Reason | None, Query()]


@dataclass(frozen=True, slots=True)
class Edit:
    """Somebody's edit: of which version, and as which try."""

    request: Request
    service: Service
    key: RetryKey
    match: IfMatch

    @property
    def live(self) -> Live:
        """The zone it is in."""
        return self.service.live

    async def once(self, asked: BaseModel, job: Callable[[], Answer]) -> Response:
        """Do it once, however often it is tried."""
        return await self.service.idempotency.once(self.request, self.key, asked, job)


async def _edit_of(
    request: Request, service: Here, key: RetryKey = None, match: IfMatch = None
) -> Edit:
    return Edit(request, service, key, match)


Edited = Annotated[Edit, Depends(_edit_of)]


# --- orders ------------------------------------------------------------------------------------


@router.get("/orders/{order_id}/desk", summary="What people decided about an order")
@needs(Scope.DESK_READ)
@answers(desk.OrderDesk)
async def get_order_desk(order_id: str, service: Here) -> Response:
    """Return hold, lock and pin, the moves that are open, and the last actions."""
    live = service.live

    def job() -> Response:
        found = live.engine.state.order(order_id)
        return tagged(desk_views.order_desk(live, found), order_etag(found))

    return await live.run(job)


@router.post("/orders/{order_id}/hold", summary="Hold an order")
@needs(Scope.DESK_WRITE)
@answers(desk.DecidedOrder)
async def hold_order(order_id: str, asked: HoldIn, edit: Edited) -> Response:
    """Neither pick nor route an order for now.

    With `recall` it is taken from a courier who is on the way to fetch it.
    """
    command = HoldOrder(order_id, asked.owner, asked.reason, asked.until, asked.recall)
    return await edit.once(asked, _about_order(edit.live, edit.match, order_id, lambda: command))


@router.post("/orders/{order_id}/release", summary="Let a held order go on")
@needs(Scope.DESK_WRITE)
@answers(desk.DecidedOrder)
async def release_order(order_id: str, asked: WhoIn, edit: Edited) -> Response:
    """End a hold."""
    command = ReleaseHold(order_id, asked.owner, asked.reason or "")
    return await edit.once(asked, _about_order(edit.live, edit.match, order_id, lambda: command))


@router.delete("/orders/{order_id}/hold", summary="Let a held order go on")
@needs(Scope.DESK_WRITE)
@answers(desk.DecidedOrder)
async def delete_hold(
    order_id: str, service: Here, owner: By, reason: Because = None, match: IfMatch = None
) -> Response:
    """End a hold, as `release` does."""
    command = ReleaseHold(order_id, owner, reason or "")
    return await _now(service.live, _about_order(service.live, match, order_id, lambda: command))


@router.post("/orders/{order_id}/assign", summary="Give an order to one courier")
@needs(Scope.DESK_WRITE)
@answers(desk.DecidedOrder)
async def assign_order(order_id: str, asked: AssignIn, edit: Edited) -> Response:
    """Let only this courier bring an order, until a time.

    It is taken from another courier who is on the way to fetch it.
    """

    def command() -> Command:
        expires_at = _until(edit.live, asked.expires_at)
        return LockOrder(order_id, asked.courier_id, asked.owner, asked.reason, expires_at)

    return await edit.once(asked, _about_order(edit.live, edit.match, order_id, command))


@router.post("/orders/{order_id}/unlock", summary="Let the engine choose the courier again")
@needs(Scope.DESK_WRITE)
@answers(desk.DecidedOrder)
async def unlock_order(order_id: str, asked: WhoIn, edit: Edited) -> Response:
    """Take off what `assign` fixed."""
    command = UnlockOrder(order_id, asked.owner, asked.reason or "")
    return await edit.once(asked, _about_order(edit.live, edit.match, order_id, lambda: command))


@router.delete("/orders/{order_id}/lock", summary="Let the engine choose the courier again")
@needs(Scope.DESK_WRITE)
@answers(desk.DecidedOrder)
async def delete_lock(
    order_id: str, service: Here, owner: By, reason: Because = None, match: IfMatch = None
) -> Response:
    """Take off what `assign` fixed, as `unlock` does."""
    command = UnlockOrder(order_id, owner, reason or "")
    return await _now(service.live, _about_order(service.live, match, order_id, lambda: command))


@router.get("/orders/{order_id}/explanation", summary="Why this store, courier and time")
@needs(Scope.DESK_READ)
@answers(desk.EXPLANATION)
async def explain_order(order_id: str, service: Here) -> JSONResponse:
    """Say why an order is treated as it is, why not otherwise, and what would have to change.

    Once it is closed: how it went, stretch by stretch.
    """
    live = service.live
    # What is weighed is a snapshot: nobody has to wait for it on the engine's thread.
    work_out = await live.run(lambda: live.engine.explaining(order_id))
    return JSONResponse(WIRE.unstructure(await asyncio.to_thread(work_out)))


def _about_order(
    live: Live, match: IfMatch, order_id: str, command: Callable[[], Command]
) -> Callable[[], Answer]:
    """Return the job that carries out a decision about an order, if it is as it was read."""

    def job() -> Answer:
        check_match(match, order_etag(live.engine.state.order(order_id)))
        action_id = _action(live.handle(command()))
        found = live.engine.state.order(order_id)
        body = {"action_id": action_id, **desk_views.order_desk(live, found)}
        return Answer(200, body, {"ETag": order_etag(found)})

    return job


# --- routes ------------------------------------------------------------------------------------


@router.get("/couriers/{courier_id}/route/order", summary="Who fixed the order of stops")
@needs(Scope.DESK_READ)
@answers(desk.RouteDesk)
async def get_route_order(courier_id: CourierId, service: Here) -> Response:
    """Return a courier's stops in their order, and the lock on it if there is one."""
    live = service.live

    def job() -> Response:
        found = live.engine.state.courier(courier_id)
        return tagged(desk_views.route_desk(found), route_etag(found))

    return await live.run(job)


@router.post("/couriers/{courier_id}/route/order", summary="Fix the order of stops")
@needs(Scope.DESK_WRITE)
@answers(desk.DecidedRoute)
async def set_route_order(courier_id: CourierId, asked: RouteOrderIn, edit: Edited) -> Response:
    """Let a courier do these stops first, in this order; the others come after, as the plan has it.

    What cannot be done is refused, and the stop is named: the one under way stays first, a pickup
    comes before its drop-off, and the bag has its limits.
    """

    def command() -> Command:
        expires_at = _until(edit.live, asked.expires_at)
        stops = tuple(asked.stop_ids)
        return LockRoute(courier_id, stops, asked.owner, asked.reason, expires_at)

    return await edit.once(asked, _about_route(edit.live, edit.match, courier_id, command))


@router.delete("/couriers/{courier_id}/route/order", summary="Let the plan order the stops again")
@needs(Scope.DESK_WRITE)
@answers(desk.DecidedRoute)
async def delete_route_order(
    courier_id: CourierId, service: Here, owner: By, reason: Because = None, match: IfMatch = None
) -> Response:
    """Take off what was fixed."""
    command = UnlockRoute(courier_id, owner, reason or "")
    job = _about_route(service.live, match, courier_id, lambda: command)
    return await _now(service.live, job)


def _about_route(
    live: Live, match: IfMatch, courier_id: str, command: Callable[[], Command]
) -> Callable[[], Answer]:
    def job() -> Answer:
        check_match(match, route_etag(live.engine.state.courier(courier_id)))
        action_id = _action(live.handle(command()))
        found = live.engine.state.courier(courier_id)
        body = {"action_id": action_id, **desk_views.route_desk(found)}
        return Answer(200, body, {"ETag": route_etag(found)})

    return job


# --- the audit ---------------------------------------------------------------------------------


@router.get("/actions", summary="What people did at the desk, the newest first")
@needs(Scope.DESK_READ)
@answers(desk.ActionPage)
async def list_actions(
    service: Here,
    subject: Annotated[str | None, Query(max_length=128)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(max_length=128)] = None,
) -> desk.ActionPage:
    """Return a page of actions, all of them or those about one thing.

    `next` is the cursor of the following page, null on the last.
    """
    live = service.live

    def job() -> desk.ActionPage:
        actions = live.engine.state.actions
        if cursor is not None and cursor not in actions:
            raise Problem(
                "invalid_request",
                "cursor is not one of ours; begin again without it.",
                {"pointer": "/cursor"},
            )
        found = list(reversed(tuple(actions.values())))
        if cursor is not None:
            found = found[found.index(actions[cursor]) + 1 :]
        if subject is not None:
            found = [each for each in found if each.subject == subject]
        page = found[:limit]
        return {
            "data": [desk_views.action(live, each) for each in page],
            "next": page[-1].action_id if len(found) > limit else None,
        }

    return await live.run(job)


@router.post("/actions/{action_id}/undo", summary="Take back what was done at the desk")
@needs(Scope.DESK_WRITE)
@answers(desk.UndoneAction)
async def undo_action(action_id: str, asked: UndoIn, edit: Edited) -> Response:
    """Take an action back where that still makes sense; 409 says why it does not."""
    live = edit.live

    def job() -> Answer:
        found = live.engine.state.actions.get(action_id)
        if found is None:
            raise UnknownIdError(f"there is no action {action_id}")
        check_match(edit.match, action_etag(found))
        recorded = live.handle(UndoAction(action_id, asked.owner))
        undone = live.engine.state.actions[action_id]
        body = {
            **desk_views.action(live, undone),
            "events": [type(entry.event).__name__ for entry in recorded],
        }
        return Answer(200, body, {"ETag": action_etag(undone)})

    return await edit.once(asked, job)


# --- pieces ------------------------------------------------------------------------------------


def _until(live: Live, said: int | None) -> int:
    return live.clock.now() + LOCKED_S if said is None else said


def _action(recorded: tuple[Recorded, ...]) -> str:
    """Return the id of the action that was taken."""
    taken = (entry.event for entry in recorded if isinstance(entry.event, ActionTaken))
    return next(taken).action.action_id


async def _now(live: Live, job: Callable[[], Answer]) -> Response:
    answer = await live.run(job)
    return JSONResponse(answer.body, answer.status, answer.headers)
