"""Couriers: who they are, where they are, what they do next."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import BaseModel
from starlette.responses import JSONResponse, Response

from api import views
from api.bootstrap import Service, of_request
from api.courier_schemas import (
    AcknowledgementIn,
    BreakIn,
    HandOverIn,
    PositionNowIn,
    RetryIn,
    StopReportIn,
    StrandedIn,
)
from api.cursors import cursor_after, page_of, read_cursor
from api.idempotency import Answer, RetryKey
from api.live import Live
from api.positions import Reported, take_positions
from api.problems import Problem
from api.proofs import as_proofs, check_pictures, check_proofs
from api.reports import report
from api.rights import Role, Ruled, Scope, needs, principal_of
from api.routes.times import device_time
from api.schemas import CourierIn, HappenedIn, Id, OperatorIn, PlaceIn, PositionsIn, ShiftIn
from api.shapes import couriers, orders
from api.shapes.declaring import answers
from api.standby import standby_way
from api.versions import route_etag, tagged
from dispatch.commands import (
    AcknowledgeRoute,
    ArriveAtStop,
    Command,
    CompleteStop,
    DeclineStop,
    EndBreak,
    EndShift,
    FailStop,
    HandOverBag,
    RecoverCourier,
    RegisterCourier,
    RetryDelivery,
    SignOn,
    StrandCourier,
    TakeBreak,
)
from dispatch.records import Proof
from dispatch.snapshot import latest_place
from geo.types import LonLat

router = APIRouter(prefix="/v1", tags=["couriers"], route_class=Ruled)
Here = Annotated[Service, Depends(of_request)]
CourierId = Annotated[Id, Path()]


class Done(StrEnum):
    """What a courier did at a stop."""

    ARRIVED = "arrived"
    COMPLETED = "completed"
    FAILED = "failed"
    DECLINED = "declined"


@router.get("/couriers", summary="Couriers, by id")
@needs(Scope.COURIERS_READ, narrowed=True)
@answers(couriers.CourierPage)
async def list_couriers(
    request: Request,
    service: Here,
    limit: Annotated[int, Query(ge=1, le=1000)] = 1000,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
) -> couriers.CourierPage:
    """Return a page of couriers with position and activity; `next` is the next page's cursor.

    With a courier's key that one only.
    """
    live, after, who = service.live, read_cursor(cursor), principal_of(request)

    def job() -> couriers.CourierPage:
        known = live.engine.state.couriers
        theirs = (key for key in known if who.may_be(Role.COURIER, key))
        page, last = page_of(theirs, after, limit)
        return {
            "data": [views.courier(live, known[courier_id]) for courier_id in page],
            "next": cursor_after(last),
        }

    return await live.run(job)


@router.post("/couriers/positions", status_code=202, summary="Where couriers are or were")
@needs(Scope.STOPS_WRITE, narrowed=True)
@answers(couriers.PositionsTaken)
async def report_positions(
    asked: PositionsIn, request: Request, service: Here
) -> couriers.PositionsTaken:
    """Take in positions of any age, in any order; those that cannot be used are named, and why."""
    live, who = service.live, principal_of(request)
    for one in asked.positions:
        who.need(Role.COURIER, one.courier_id)

    def job() -> couriers.PositionsTaken:
        now = live.clock.now()
        sent = [
            Reported(one.courier_id, one.location.lonlat(), now if one.at is None else one.at)
            for one in asked.positions
        ]
        return take_positions(live.engine, sent, now, live.track)

    return await live.run(job)


@router.post("/couriers/{courier_id}/position", status_code=202, summary="Where a courier is")
@needs(Scope.STOPS_WRITE)
@answers(couriers.PositionTaken)
async def report_position(
    courier_id: CourierId, asked: PositionNowIn, service: Here
) -> couriers.PositionTaken:
    """Take in one position; an older one than is known belongs to the track only."""
    live = service.live

    def job() -> couriers.PositionTaken:
        now = live.clock.now()
        live.engine.state.courier(courier_id)
        at = device_time(live, asked.at, "at")
        sent = [Reported(courier_id, asked.location.lonlat(), at)]
        taken = take_positions(live.engine, sent, now, live.track)
        for row in taken["ignored"]:
            raise Problem(
                "outside_radius",
                "location is too far from any road that this courier can use.",
                {"pointer": "/location", "reason": row["reason"]},
            )
        return {"accepted": taken["accepted"], "late": taken["late"]}

    return await live.run(job)


@router.get("/couriers/{courier_id}", summary="One courier")
@needs(Scope.COURIERS_READ)
@answers(couriers.Courier)
async def get_courier(courier_id: CourierId, service: Here) -> couriers.Courier:
    """Return a courier."""
    return await service.live.run(lambda: _view(service.live, courier_id))


@router.put("/couriers/{courier_id}", summary="Register or change a courier")
@needs(Scope.COURIERS_WRITE)
@answers(couriers.Courier)
async def put_courier(courier_id: CourierId, asked: CourierIn, service: Here) -> couriers.Courier:
    """Register a courier, or change what is known of one."""
    return await _do(service, courier_id, lambda: RegisterCourier(asked.courier(courier_id)))


@router.post("/shifts", status_code=201, summary="Start a shift")
@needs(Scope.STOPS_WRITE, narrowed=True)
@answers(couriers.Courier)
async def start_shift(asked: ShiftIn, request: Request, service: Here) -> couriers.Courier:
    """Put a courier on shift, from now or from a stated time, until a stated time.

    A `break` is planned around, and begins by itself when it is due and the bag is empty.
    """
    live = service.live
    principal_of(request).need(Role.COURIER, asked.courier_id)
    return await _do(service, asked.courier_id, lambda: asked.command(live.clock.now()))


@router.post("/couriers/{courier_id}/shift/end", summary="End a shift")
@needs(Scope.STOPS_WRITE)
@answers(couriers.Courier)
async def end_shift(
    courier_id: CourierId, service: Here, asked: HappenedIn | None = None
) -> couriers.Courier:
    """Take a courier off shift; what is in the bag is still delivered."""
    live = service.live
    at = asked.occurred_at if asked is not None else None
    return await _do(service, courier_id, lambda: EndShift(courier_id, device_time(live, at)))


@router.post("/couriers/{courier_id}/operator", summary="Say who acts for a courier")
@needs(Scope.STOPS_WRITE)
@answers(couriers.Courier)
async def set_operator(courier_id: CourierId, asked: OperatorIn, service: Here) -> couriers.Courier:
    """Hand a courier to a person, or back to the simulation."""
    return await _do(service, courier_id, lambda: SignOn(courier_id, asked.operator))


@router.get("/couriers/{courier_id}/route", summary="What a courier does next")
@needs(Scope.STOPS_READ)
@answers(couriers.Route)
async def get_route(courier_id: CourierId, service: Here) -> JSONResponse:
    """Return the stops ahead and the ways between them, along the streets.

    `ETag` is the version of what the courier was told; times and ways change without it.
    """
    live = service.live

    def job() -> JSONResponse:
        found = live.engine.state.courier(courier_id)
        return tagged(views.route(live, found), route_etag(found))

    return await live.run(job)


@router.post("/couriers/{courier_id}/route/ack", summary="Say that a route was seen")
@needs(Scope.STOPS_WRITE)
@answers(couriers.Acknowledged)
async def acknowledge_route(
    courier_id: CourierId, asked: AcknowledgementIn, service: Here
) -> couriers.Acknowledged:
    """Note that the courier has seen this version; 412 when there is a newer one by now."""
    live = service.live

    def job() -> couriers.Acknowledged:
        at = device_time(live, asked.occurred_at)
        live.handle(AcknowledgeRoute(courier_id, asked.version, at))
        found = live.engine.state.courier(courier_id)
        return {
            "courier_id": courier_id,
            "version": found.route_version,
            "acknowledged_version": found.acknowledged,
        }

    return await live.run(job)


@router.post("/couriers/{courier_id}/break", summary="Take a break")
@needs(Scope.STOPS_WRITE)
@answers(couriers.Courier)
async def take_break(courier_id: CourierId, asked: BreakIn, service: Here) -> couriers.Courier:
    """Begin a break at once with nothing to do, else as soon as nothing is left in the bag."""
    live = service.live

    def command() -> Command:
        at = device_time(live, asked.occurred_at)
        return TakeBreak(courier_id, asked.duration_s, at)

    return await _do(service, courier_id, command)


@router.post("/couriers/{courier_id}/break/end", summary="End a break")
@needs(Scope.STOPS_WRITE)
@answers(couriers.Courier)
async def end_break(
    courier_id: CourierId, service: Here, asked: HappenedIn | None = None
) -> couriers.Courier:
    """Come back before the break is over, or do without the one asked for."""
    live = service.live
    at = asked.occurred_at if asked is not None else None
    return await _do(service, courier_id, lambda: EndBreak(courier_id, device_time(live, at)))


@router.post("/couriers/{courier_id}/strand", summary="Say that a courier cannot go on")
@needs(Scope.STOPS_WRITE)
@answers(couriers.Courier)
async def strand(
    courier_id: CourierId, asked: StrandedIn, request: Request, service: Here, key: RetryKey = None
) -> Response:
    """Let what is in the bag wait where the courier is, for another one to fetch."""
    live = service.live

    def command() -> Command:
        return StrandCourier(
            courier_id,
            _place(live, courier_id, asked.location),
            asked.reason,
            device_time(live, asked.occurred_at),
        )

    return await _do_once(service, request, key, asked, courier_id, command)


@router.post("/couriers/{courier_id}/recover", summary="Say that a courier can go on again")
@needs(Scope.STOPS_WRITE)
@answers(couriers.Courier)
async def recover(
    courier_id: CourierId, service: Here, asked: HappenedIn | None = None
) -> couriers.Courier:
    """Let a stranded courier work again."""
    live = service.live
    at = asked.occurred_at if asked is not None else None
    return await _do(service, courier_id, lambda: RecoverCourier(courier_id, device_time(live, at)))


@router.post("/couriers/{courier_id}/hand-over", summary="Hand a bag to another courier")
@needs(Scope.STOPS_WRITE)
@answers(couriers.Courier)
async def hand_over(
    courier_id: CourierId, asked: HandOverIn, request: Request, service: Here, key: RetryKey = None
) -> Response:
    """Let some orders of a bag wait for another courier, who alone may fetch them for an hour."""
    live = service.live

    def command() -> Command:
        return HandOverBag(
            courier_id,
            asked.to_courier_id,
            tuple(asked.order_ids),
            _place(live, courier_id, asked.location),
            asked.owner,
            asked.reason,
            device_time(live, asked.occurred_at),
        )

    return await _do_once(service, request, key, asked, courier_id, command)


@router.get("/couriers/{courier_id}/standby", summary="Where a courier waits for work")
@needs(Scope.STOPS_READ)
@answers(couriers.StandbyWay)
async def get_standby(courier_id: CourierId, service: Here) -> couriers.StandbyWay:
    """Return where the courier was told to wait for work and the way there.

    `standby` is null with a stop to do, off shift, or with nowhere in particular to wait; `leg` is
    null when there.
    """
    live = service.live
    return await live.run(lambda: standby_way(live, live.engine.state.courier(courier_id)))


@router.post("/couriers/{courier_id}/stops/{stop_id}/{done}", summary="Report a stop")
@needs(Scope.STOPS_WRITE)
@answers(couriers.Reported)
async def report_stop(
    courier_id: CourierId,
    stop_id: Annotated[Id, Path()],
    done: Done,
    service: Here,
    asked: StopReportIn | None = None,
) -> couriers.Reported:
    """Take in what a courier did at the stop under way; returns the events and the new route."""
    live = service.live
    told = asked if asked is not None else StopReportIn()
    proofs = as_proofs(told.proofs)
    await check_pictures(service, told.proofs)

    def job() -> couriers.Reported:
        at = device_time(live, told.occurred_at)
        commitment = live.engine.state.courier(courier_id).commitment
        is_theirs = commitment is not None and commitment.stop.stop_id == stop_id
        if commitment is not None and is_theirs and commitment.offered_until is None:
            # A PIN is listened to only from whoever is at that door.
            order = live.engine.state.order(commitment.stop.order_id)
            check_proofs(service, order, commitment.stop.kind, told.proofs)
        command = _stop_command(done, courier_id, stop_id, told.reason, at, proofs)
        return report(live, courier_id, command)

    return await live.run(job)


def _stop_command(
    done: Done,
    courier_id: str,
    stop_id: str,
    reason: str | None,
    at: int,
    proofs: tuple[Proof, ...],
) -> Command:
    if done is Done.ARRIVED:
        return ArriveAtStop(courier_id, stop_id, at)
    if done is Done.COMPLETED:
        return CompleteStop(courier_id, stop_id, at, proofs)
    if reason is None:
        raise Problem(
            "invalid_request",
            f"A stop that is {done.value} needs a reason.",
            {"pointer": "/reason", "errors": [{"pointer": "/reason", "detail": "is missing"}]},
        )
    if done is Done.FAILED:
        return FailStop(courier_id, stop_id, reason, at, proofs)
    return DeclineStop(courier_id, stop_id, reason, at)


@router.post("/orders/{order_id}/retry", summary="Try a failed delivery again")
@needs(Scope.DESK_WRITE)
@answers(orders.Order)
async def retry_delivery(
    order_id: Annotated[Id, Path()], asked: RetryIn, service: Here
) -> orders.Order:
    """Bring failed goods to the door once more instead of back to the store."""
    live = service.live

    def job() -> orders.Order:
        at = device_time(live, asked.occurred_at)
        live.handle(RetryDelivery(order_id, asked.owner, asked.reason, at))
        return views.order_now(live, order_id)

    return await live.run(job)


async def _do(
    service: Service, courier_id: str, command: Callable[[], Command]
) -> couriers.Courier:
    live = service.live
    return await live.run(lambda: _done(live, courier_id, command()))


async def _do_once(
    service: Service,
    request: Request,
    key: RetryKey,
    asked: BaseModel,
    courier_id: str,
    command: Callable[[], Command],
) -> Response:
    """Do it, or answer a retry of the same request as the first time."""
    live = service.live
    return await service.idempotency.once(
        request, key, asked, lambda: Answer(200, _done(live, courier_id, command()))
    )


def _done(live: Live, courier_id: str, command: Command) -> couriers.Courier:
    live.handle(command)
    return _view(live, courier_id)


def _place(live: Live, courier_id: str, said: PlaceIn | None) -> LonLat:
    """Return where something is, as it was said or where the courier was last."""
    if said is not None:
        return said.lonlat()
    return latest_place(live.engine.state.courier(courier_id), live.engine.positions).place


def _view(live: Live, courier_id: str) -> couriers.Courier:
    return views.courier(live, live.engine.state.courier(courier_id))
