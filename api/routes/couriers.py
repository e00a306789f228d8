"""Couriers: who they are, where they are, what they do next."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path

from api import views
from api.bootstrap import Service, of_request
from api.live import Live
from api.problems import Problem
from api.routes.times import device_time
from api.schemas import (
    CourierIn,
    HappenedIn,
    Id,
    OperatorIn,
    PositionIn,
    PositionsIn,
    ShiftIn,
    StopDoneIn,
)
from api.standby import standby_way
from api.storage.ledger import Position
from dispatch.commands import (
    ArriveAtStop,
    Command,
    CompleteStop,
    DeclineStop,
    EndShift,
    FailStop,
    RegisterCourier,
    SignOn,
    StartShift,
)
from dispatch.errors import InvalidValueError, UnknownIdError
from geo.errors import TooFarFromRoadError

router = APIRouter(prefix="/v1", tags=["couriers"])
Here = Annotated[Service, Depends(of_request)]
CourierId = Annotated[Id, Path()]
Json = dict[str, Any]


class Done(StrEnum):
    """What a courier did at a stop."""

    ARRIVED = "arrived"
    COMPLETED = "completed"
    FAILED = "failed"
    DECLINED = "declined"


@router.get("/couriers", summary="All couriers")
async def list_couriers(service: Here) -> Json:
    """Return every courier with position and activity."""
    live = service.live

    def job() -> Json:
        found = sorted(live.engine.state.couriers.items())
        return {"data": [views.courier(live, courier) for _, courier in found]}

    return await live.run(job)


@router.post("/couriers/positions", status_code=202, summary="Where couriers are")
async def report_positions(asked: PositionsIn, service: Here) -> Json:
    """Take in positions; those that cannot be used are named with the reason."""
    live = service.live

    def job() -> Json:
        now = live.clock.now()
        accepted, ignored = 0, []
        # By device time, so that a batch sent late leaves the courier at its last place.
        for sent in sorted(asked.positions, key=lambda sent: sent.at or now):
            reason = _take_position(live, sent, now)
            if reason is None:
                accepted += 1
            else:
                ignored.append({"courier_id": sent.courier_id, "reason": reason})
        return {"accepted": accepted, "ignored": ignored}

    return await live.run(job)


def _take_position(live: Live, sent: PositionIn, now: int) -> str | None:
    """Take one position in; returns why not."""
    at, place = sent.at if sent.at is not None else now, sent.location.lonlat()
    try:
        fresh = live.engine.report_position(sent.courier_id, place, at)
    except UnknownIdError:
        return "unknown_id"
    except InvalidValueError:
        return "time_in_future"
    except TooFarFromRoadError as error:
        return error.code
    if not fresh:
        return "older_than_known"
    live.track(Position(sent.courier_id, place, at, now))
    return None


@router.get("/couriers/{courier_id}", summary="One courier")
async def get_courier(courier_id: CourierId, service: Here) -> Json:
    """Return a courier."""
    return await service.live.run(lambda: _view(service.live, courier_id))


@router.put("/couriers/{courier_id}", summary="Register or change a courier")
async def put_courier(courier_id: CourierId, asked: CourierIn, service: Here) -> Json:
    """Register a courier, or change what is known of one."""
    return await _do(service, courier_id, lambda: RegisterCourier(asked.courier(courier_id)))


@router.post("/shifts", status_code=201, summary="Start a shift")
async def start_shift(asked: ShiftIn, service: Here) -> Json:
    """Put a courier on shift, from now or from a stated time, until a stated time."""
    live = service.live

    def command() -> Command:
        starts_at = asked.starts_at if asked.starts_at is not None else live.clock.now()
        return StartShift(asked.courier_id, starts_at, asked.ends_at)

    return await _do(service, asked.courier_id, command)


@router.post("/couriers/{courier_id}/shift/end", summary="End a shift")
async def end_shift(courier_id: CourierId, service: Here, asked: HappenedIn | None = None) -> Json:
    """Take a courier off shift; what is in the bag is still delivered."""
    live = service.live
    at = asked.occurred_at if asked is not None else None
    return await _do(service, courier_id, lambda: EndShift(courier_id, device_time(live, at)))


@router.post("/couriers/{courier_id}/operator", summary="Say who acts for a courier")
async def set_operator(courier_id: CourierId, asked: OperatorIn, service: Here) -> Json:
    """Hand a courier to a person, or back to the simulation."""
    return await _do(service, courier_id, lambda: SignOn(courier_id, asked.operator))


@router.get("/couriers/{courier_id}/route", summary="What a courier does next")
async def get_route(courier_id: CourierId, service: Here) -> Json:
    """Return the stops ahead and the ways between them, along the streets."""
    live = service.live
    return await live.run(lambda: views.route(live, live.engine.state.courier(courier_id)))


@router.get("/couriers/{courier_id}/standby", summary="Where a courier waits for work")
async def get_standby(courier_id: CourierId, service: Here) -> Json:
    """Return where the courier was told to wait for work and the way there.

    `standby` is null with a stop to do, off shift, or with nowhere in particular to wait; `leg` is
    null when there.
    """
    live = service.live
    return await live.run(lambda: standby_way(live, live.engine.state.courier(courier_id)))


@router.post("/couriers/{courier_id}/stops/{stop_id}/{done}", summary="Report a stop")
async def report_stop(
    courier_id: CourierId,
    stop_id: Annotated[Id, Path()],
    done: Done,
    service: Here,
    asked: StopDoneIn | None = None,
) -> Json:
    """Take in what a courier did at the stop under way; returns the events and the new route."""
    live = service.live
    told = asked if asked is not None else StopDoneIn()

    def job() -> Json:
        at = device_time(live, told.occurred_at)
        recorded = live.handle(_stop_command(done, courier_id, stop_id, told.reason, at))
        return {
            "events": [type(event.event).__name__ for event in recorded],
            "route": views.route(live, live.engine.state.courier(courier_id)),
        }

    return await live.run(job)


def _stop_command(
    done: Done, courier_id: str, stop_id: str, reason: str | None, at: int
) -> Command:
    if done is Done.ARRIVED:
        return ArriveAtStop(courier_id, stop_id, at)
    if done is Done.COMPLETED:
        return CompleteStop(courier_id, stop_id, at)
    if reason is None:
        raise Problem(
            "invalid_request",
            f"A stop that is {done.value} needs a reason.",
            {"pointer": "/reason", "errors": [{"pointer": "/reason", "detail": "is missing"}]},
        )
    if done is Done.FAILED:
        return FailStop(courier_id, stop_id, reason, at)
    return DeclineStop(courier_id, stop_id, reason, at)


async def _do(service: Service, courier_id: str, command: Callable[[], Command]) -> Json:
    live = service.live

    def job() -> Json:
        live.handle(command())
        return _view(live, courier_id)

    return await live.run(job)


def _view(live: Live, courier_id: str) -> Json:
    return views.courier(live, live.engine.state.courier(courier_id))
