"""Signing in to the pages with a key, and out again."""

from __future__ import annotations

import asyncio
import time
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field, SecretStr
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from api import assets
from api.bootstrap import of_all
from api.problems import Problem
from api.rights import Ruled, open_to_all
from api.security import needs_https
from api.sessions import COOKIE, set_cookie
from api.zones import Zones

router = APIRouter(include_in_schema=False, route_class=Ruled)
Everywhere = Annotated[Zones, Depends(of_all)]


class SignInIn(BaseModel):
    """The key that somebody signs in with."""

    model_config = ConfigDict(extra="forbid")

    key: Annotated[SecretStr, Field(min_length=1, max_length=200)]


@router.get("/sign-in")
@open_to_all
async def page(request: Request) -> Response:
    """Return the page that asks for a key."""
    found = assets.find("sign-in.html")
    if found is None:
        raise HTTPException(404)
    return assets.answer(request, found)


@router.post("/sign-in")
@open_to_all
async def sign_in(asked: SignInIn, request: Request, zones: Everywhere) -> Response:
    """Begin a session; whoever was signed in with this browser is signed out."""
    doorman, now = zones.doorman, int(time.time())
    address = request.client.host if request.client is not None else "nobody"
    zones.sign_ins.check(address, now)
    row = await doorman.key(asked.key.get_secret_value().strip())
    if row is None:
        left = zones.sign_ins.note(address, now)
        raise Problem("unauthorized", f"This key is not good; {left} more tries for now.")
    before = request.cookies.get(COOKIE)
    if before:
        await asyncio.to_thread(doorman.sessions.end, before)
    token = await asyncio.to_thread(doorman.sessions.begin, row.key_id)
    doorman.forget()
    answer = JSONResponse(_told(row.role, row.bound_to), headers={"Cache-Control": "no-store"})
    set_cookie(answer, token, secure=needs_https(request))
    return answer


@router.post("/sign-out")
@open_to_all
async def sign_out(request: Request, zones: Everywhere) -> Response:
    """End the session of this browser."""
    token = request.cookies.get(COOKIE)
    if token:
        await asyncio.to_thread(zones.doorman.sessions.end, token)
        zones.doorman.forget()
    answer = Response(status_code=204)
    answer.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict")
    return answer


def _told(role: str, bound_to: str | None) -> dict[str, Any]:
    return {"role": role, "bound_to": bound_to}
