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
    """Answer 200 when the engine, the planner and the ledger are up, 503 with reasons else."""
    problems = service.live.problems()
    if problems:
        return JSONResponse({"status": "not_ready", "problems": problems}, 503)
    return JSONResponse({"status": "ready", "problems": []})
