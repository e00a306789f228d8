"""`POST /v1/solve`: VROOM's JSON in and out; the same where openrouteservice's clients ask."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from api.bootstrap import Service, of_request
from api.rights import Ruled, Scope, needs
from api.solve_schemas import SolveIn

router = APIRouter(tags=["solve"], route_class=Ruled)
Here = Annotated[Service, Depends(of_request)]


def _inlined(schema: Any, known: dict[str, Any]) -> Any:
    """Return a JSON schema without references, which would point into another document."""
    if isinstance(schema, dict):
        name = schema.get("$ref", "").removeprefix("#/$defs/")
        if name:
            return _inlined(known[name], known)
        return {key: _inlined(value, known) for key, value in schema.items() if key != "$defs"}
    if isinstance(schema, list):
        return [_inlined(value, known) for value in schema]
    return schema


_SCHEMA: Final = SolveIn.model_json_schema()
EXAMPLE: Final[dict[str, Any]] = {
    "vehicles": [{"id": 1, "start_index": 0, "end_index": 0, "capacity": [2]}],
    "jobs": [{"id": 1, "location_index": 1, "service": 60, "delivery": [1]}],
    "shipments": [
        {
            "amount": [1],
            "pickup": {"id": 2, "location_index": 2},
            "delivery": {"id": 3, "location_index": 1, "time_windows": [[0, 3600]]},
        }
    ],
    "matrices": {"car": {"durations": [[0, 90, 120], [90, 0, 60], [120, 60, 0]]}},
}
_BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": _inlined(_SCHEMA, _SCHEMA["$defs"]),
                "example": EXAMPLE,
            }
        },
    }
}
_ANSWER: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "VROOM's answer",
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["code", "summary", "unassigned", "routes"],
                    "properties": {
                        "code": {"const": 0},
                        "summary": {"type": "object"},
                        "unassigned": {"type": "array", "items": {"type": "object"}},
                        "routes": {"type": "array", "items": {"type": "object"}},
                    },
                }
            }
        },
    }
}


@router.post(
    "/v1/solve",
    summary="Solve a routing problem in VROOM's JSON",
    openapi_extra=_BODY,
    responses=_ANSWER,
)
@needs(Scope.SOLVE_WRITE)
async def solve(request: Request, service: Here) -> Response:
    """Return tours for vehicles, jobs and shipments, on tables given or on our own roads."""
    raw = await request.body()
    live = service.live
    gone = threading.Event()
    watching = asyncio.create_task(_watch(request, gone))
    try:
        body = await service.solving.solve(raw, live.engine.travel.pinned(), live.clock.now(), gone)
    finally:
        watching.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watching
    return Response(body, media_type="application/json")


router.add_api_route(
    "/v1/optimization",
    solve,
    name="optimize",
    methods=["POST"],
    summary="The same where openrouteservice's clients ask for it",
    openapi_extra=_BODY,
    responses=_ANSWER,
)


async def _watch(request: Request, gone: threading.Event) -> None:
    """Say when the client has gone."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
    gone.set()
