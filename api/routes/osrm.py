"""OSRM's HTTP interface, version 1, for the city's own travel times.

For clients that know nothing of us: routingpy, VROOM, and whatever else speaks to `osrm-routed`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request
from pydantic_core import to_json
from starlette.responses import Response

from api.bootstrap import Service, of_request
from api.osrm_options import Osrm, OsrmProblem
from api.osrm_query import nearest_asked, route_asked, table_asked
from api.rights import Ruled, Scope, needs
from api.zones import ZONE_QUERY

router = APIRouter(tags=["osrm"], route_class=Ruled)
Here = Annotated[Service, Depends(of_request)]

_VERSION: Final = "v1"
_PATH: Final = "/{version}/{profile}/{coordinates:path}"


_REFUSED: Final[dict[int | str, dict[str, Any]]] = {
    400: {
        "description": "OSRM's own words for what it refuses",
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["code", "message"],
                    "properties": {"code": {"type": "string"}, "message": {"type": "string"}},
                }
            },
            "application/problem+json": {"schema": {"type": "object"}},
        },
    }
}


@router.get(f"/table{_PATH}", summary="OSRM: times between all pairs", responses=_REFUSED)
@needs(Scope.TRAVEL_READ)
async def table(
    version: str, profile: str, coordinates: str, request: Request, service: Here
) -> Response:
    """Answer as OSRM's table service; times are the engine's, from door to door."""

    async def answer() -> bytes:
        asked = table_asked(profile, coordinates, _query(request))
        live = service.live
        now, travel = live.clock.now(), live.engine.travel.pinned()
        return await service.osrm.answer(lambda answers: answers.table(asked, travel, now))

    return await _told(version, answer)


@router.get(f"/route{_PATH}", summary="OSRM: a route", responses=_REFUSED)
@needs(Scope.TRAVEL_READ)
async def route(
    version: str, profile: str, coordinates: str, request: Request, service: Here
) -> Response:
    """Answer as OSRM's route service; steps and names where `steps=true` asks for them."""

    async def answer() -> bytes:
        asked = route_asked(profile, coordinates, _query(request))
        live = service.live
        now, travel = live.clock.now(), live.engine.travel.pinned()
        return await service.osrm.answer(lambda answers: answers.route(asked, travel, now))

    return await _told(version, answer)


@router.get(f"/nearest{_PATH}", summary="OSRM: streets near a place", responses=_REFUSED)
@needs(Scope.TRAVEL_READ)
async def nearest(
    version: str, profile: str, coordinates: str, request: Request, service: Here
) -> Response:
    """Answer as OSRM's nearest service; the first street is where a trip would begin."""

    async def answer() -> bytes:
        asked = nearest_asked(profile, coordinates, _query(request))
        travel = service.live.engine.travel.pinned()
        return await service.osrm.answer(lambda answers: answers.nearest(asked, travel))

    return await _told(version, answer)


@router.get(f"/match{_PATH}", include_in_schema=False)
@router.get(f"/trip{_PATH}", include_in_schema=False)
@router.get(f"/tile{_PATH}", include_in_schema=False)
@needs(Scope.TRAVEL_READ)
async def not_offered(request: Request) -> Response:
    """Refuse OSRM's other services by name."""
    name = request.url.path.split("/")[1]
    return _problem(
        OsrmProblem(
            Osrm.INVALID_SERVICE, f"Service {name} not found! There are nearest, route and table"
        )
    )


@router.get("/table/{rest:path}", include_in_schema=False)
@router.get("/route/{rest:path}", include_in_schema=False)
@router.get("/nearest/{rest:path}", include_in_schema=False)
@needs(Scope.TRAVEL_READ)
async def malformed(rest: str) -> Response:
    """Say what an address of OSRM's form looks like."""
    return _problem(
        OsrmProblem(
            Osrm.INVALID_URL,
            f"URL string malformed: {rest[:60]!r} is not version/profile/coordinates, as "
            f"{_VERSION}/car/24.94,60.17;24.95,60.17",
        )
    )


def _query(request: Request) -> str:
    """Return what is asked of OSRM: all but the zone, which is asked of us."""
    parts = request.url.query.split("&")
    return "&".join(part for part in parts if part.partition("=")[0] != ZONE_QUERY)


async def _told(version: str, answer: Callable[[], Awaitable[bytes]]) -> Response:
    if version != _VERSION:
        return _problem(
            OsrmProblem(Osrm.INVALID_VERSION, f"version {version} is not known; ask for {_VERSION}")
        )
    try:
        return Response(await answer(), media_type="application/json")
    except OsrmProblem as problem:
        return _problem(problem)


def _problem(problem: OsrmProblem) -> Response:
    headers = {}
    if problem.status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers["Retry-After"] = "1"
    body = to_json({"code": problem.code, "message": problem.message})
    return Response(body, problem.status, headers, "application/json")
