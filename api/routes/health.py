"""Whether the service is alive, and whether it may be given work."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.responses import JSONResponse

from api.bootstrap import Service, of_request

router = APIRouter(tags=["health"])


@router.get("/healthz", summary="Alive")
async def healthz() -> dict[str, str]:
    """Answer as long as the process serves."""
    return {"status": "ok"}


@router.get("/readyz", summary="Ready for work")
async def readyz(service: Annotated[Service, Depends(of_request)]) -> JSONResponse:
    """Answer 200 when travel times, planner and ledger are up, 503 with reasons else.

    `warm_up_s` says how long each part took to get ready: `travel_times` and `decisions`, which are
    compiled once per machine, and the `planner`.
    `travel_servers` says how the routing servers do; none of them is waited for, because our own
    network answers in their place.
    """
    waiting = service.warm_up.waiting_for()
    problems = [waiting] if waiting else service.live.problems()
    took_s = {name: round(took, 3) for name, took in service.warm_up.took_s.items()}
    status = "not_ready" if problems else "ready"
    servers = service.servers.servers() if service.servers is not None else ()
    answer = {
        "status": status,
        "problems": problems,
        "warm_up_s": took_s,
        # Their addresses are nobody's business: this page needs no key.
        "travel_servers": [
            {"mode": each.mode, "kind": each.kind, "condition": each.condition} for each in servers
        ],
    }
    return JSONResponse(answer, 503 if problems else 200)
