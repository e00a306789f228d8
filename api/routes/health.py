"""Whether the service is alive, and whether it may be given work."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.responses import JSONResponse

from api.bootstrap import of_all
from api.rights import Ruled, open_to_all
from api.shapes import operations
from api.shapes.declaring import answers
from api.zones import Zones

router = APIRouter(tags=["health"], route_class=Ruled)


@router.get("/healthz", summary="Alive")
@open_to_all
@answers(operations.Alive)
async def healthz() -> operations.Alive:
    """Answer as long as the process serves."""
    return {"status": "ok"}


@router.get("/readyz", summary="Ready for work")
@open_to_all
@answers(operations.Readiness)
async def readyz(zones: Annotated[Zones, Depends(of_all)]) -> JSONResponse:
    """Answer 200 when travel times, planner and ledger are up, 503 with reasons else.

    With several zones it is 200 and `degraded` as long as one of them works; `problems` names the
    zones that do not.
    `warm_up_s` says how long each part took to get ready: `travel_times` and `decisions`, which are
    compiled once per machine, and the `planner`.
    `travel_servers` says how the routing servers do; none of them is waited for, because our own
    network answers in their place.
    """
    waiting = zones.warm_up.waiting_for()
    by_zone = {} if waiting else {each.live.zone_id: each.live.problems() for each in zones.all}
    works = not waiting and not all(by_zone.values())
    problems = [waiting] if waiting else zones.named(by_zone)
    status = "not_ready" if not works else "degraded" if problems else "ready"
    answer = {
        "status": status,
        "problems": problems,
        "warm_up_s": {name: round(took, 3) for name, took in zones.warm_up.took_s.items()},
        # Their addresses are nobody's business: this page needs no key.
        "travel_servers": [
            {"mode": each.mode, "kind": each.kind, "condition": each.condition}
            for zone in zones.all
            if zone.servers is not None
            for each in zone.servers.servers()
        ],
    }
    return JSONResponse(answer, 200 if works else 503)
