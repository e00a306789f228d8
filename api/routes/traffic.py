"""The traffic: streets closed, speeds seen, and what travel times rest on now."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path

from api.bootstrap import Service, of_request
from api.rights import Ruled, Scope, needs
from api.schemas import Id
from api.shapes import operations
from api.shapes.declaring import answers
from api.traffic_schemas import ClosureIn, ObservationsIn
from api.views import closure as closure_view
from api.views import moment
from dispatch.commands import CloseStreet, ReopenStreet
from dispatch.events import StreetClosed
from geo.closures import Closure

router = APIRouter(prefix="/v1", tags=["traffic"], route_class=Ruled)
Here = Annotated[Service, Depends(of_request)]
ClosureId = Annotated[Id, Path()]


@router.get("/closures", summary="Streets closed now")
@needs(Scope.TRAFFIC_READ, narrowed=True)
@answers(operations.Closures)
async def list_closures(service: Here) -> operations.Closures:
    """Return every closure in force with its streets and their lines."""
    live = service.live

    def job() -> operations.Closures:
        closures = live.engine.state.closures
        return {"data": [closure_view(live, closures[key]) for key in sorted(closures)]}

    return await live.run(job)


@router.post("/closures", summary="Close a street", status_code=201)
@needs(Scope.TRAFFIC_WRITE)
@answers(operations.Closure)
async def close_street(asked: ClosureIn, service: Here) -> operations.Closure:
    """Close a street to some modes; travel times go round it when this is answered."""
    live = service.live

    def job() -> Closure:
        live.streets.describe(asked.closure(""))
        for recorded in live.handle(CloseStreet(asked.closure(""))):
            if isinstance(recorded.event, StreetClosed):
                return recorded.event.closure
        raise RuntimeError("closing a street recorded no closure")

    closed = await live.run(job)
    await live.streets.settle()
    return await live.run(lambda: closure_view(live, closed))


@router.post("/closures/preview", summary="What a closure would mean")
@needs(Scope.TRAFFIC_READ, narrowed=True)
@answers(operations.ClosedStreets)
async def preview_closure(asked: ClosureIn, service: Here) -> operations.ClosedStreets:
    """Return the streets that would be closed; nothing is."""
    live = service.live

    def job() -> operations.ClosedStreets:
        found = live.streets.describe(asked.closure(""))
        return {
            "streets": list(found.streets),
            "length_m": found.length_m,
            "modes": [str(mode) for mode in found.closure.modes],
            "lines": found.lines,
        }

    return await live.run(job)


@router.delete("/closures/{closure_id}", summary="Open a street again")
@needs(Scope.TRAFFIC_WRITE)
@answers(operations.Closure)
async def reopen_street(closure_id: ClosureId, service: Here) -> operations.Closure:
    """Take a closure back; travel times use the street when this is answered."""
    live = service.live

    def job() -> operations.Closure:
        closed = closure_view(live, live.engine.state.closure(closure_id))
        live.handle(ReopenStreet(closure_id))
        return closed

    opened = await live.run(job)
    await live.streets.settle()
    return opened


@router.post("/traffic/observations", summary="Report how fast it goes")
@needs(Scope.TRAFFIC_WRITE)
@answers(operations.ObservationsTaken)
async def report_observations(asked: ObservationsIn, service: Here) -> operations.ObservationsTaken:
    """Take in speeds on ways, stretches and tracks, all or none; in force when answered."""
    live = service.live
    now = live.clock.now()
    seen = [one.observation(now) for one in asked.observations]
    arcs = await live.streets.observe(seen)
    return {"readings": arcs, "version": live.streets.travel.version}


@router.get("/traffic", summary="What travel times rest on")
@needs(Scope.TRAFFIC_READ, narrowed=True)
@answers(operations.Traffic)
async def get_traffic(service: Here) -> operations.Traffic:
    """Return the version of the travel times in force, and what it was made from."""
    figures = service.live.streets.figures()
    return {
        "version": figures["version"],
        "applied_at": moment(figures["applied_at"]),
        "readings": figures["readings"],
        "closures": figures["closures"],
        "learned_km": figures["learned_km"],
    }
