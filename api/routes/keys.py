"""API keys of one's own tenant."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Annotated, TypeVar

from fastapi import APIRouter, Depends, Path, Request
from pydantic import BaseModel, ConfigDict, Field

from api import keys
from api.bootstrap import of_all
from api.field_words import Described
from api.problems import Problem
from api.rights import SCOPES_OF, Principal, Role, Ruled, Scope, needs, principal_of, signed_in
from api.schemas import Id
from api.shapes import access
from api.shapes.declaring import answers
from api.storage.access import AccessStore, KeyRow
from api.zones import Zones
from dispatch.codec import to_rfc3339

router = APIRouter(prefix="/v1", tags=["keys"], route_class=Ruled)
Everywhere = Annotated[Zones, Depends(of_all)]
KeyId = Annotated[str, Path(max_length=32)]
_T = TypeVar("_T")

_YEAR_S = 366 * 86_400


class KeyIn(Described, BaseModel):
    """A key that is asked for."""

    model_config = ConfigDict(extra="forbid")

    role: Role
    """Whose key it is; a role brings its scopes."""
    name: Annotated[str, Field(max_length=128, pattern=r"^[^\x00-\x1f\x7f]*$")] = ""
    """What it is for, in your words; shown in the list of keys."""
    scopes: Annotated[list[Scope], Field(max_length=len(Scope))] = []
    """Fewer scopes than the role has; all of the role's when empty."""
    bound_to: Id | None = None
    """The one courier or store that a key of these roles is for; none for other roles."""
    expires_in_s: Annotated[int | None, Field(ge=60, le=10 * _YEAR_S, strict=True)] = None
    """Seconds until the key is no good any more; left out, it does not end by itself."""


class RotateKeyIn(Described, BaseModel):
    """How a key is replaced."""

    model_config = ConfigDict(extra="forbid")

    grace_s: Annotated[int, Field(ge=0, le=_YEAR_S, strict=True)] = keys.GRACE_S
    """Seconds for which the old key is good too; 0 ends it at once."""


@router.get("/session", summary="Who asks")
@signed_in()
@answers(access.Session)
async def get_session(request: Request, zones: Everywhere) -> access.Session:
    """Return what the key or session of this request is good for, and in which zones."""
    who = principal_of(request)
    return {
        "role": who.role,
        "tenant": who.tenant,
        "bound_to": who.bound_to,
        "scopes": sorted(who.scopes),
        "zones": [each.live.zone_id for each in zones.of_tenant(who.tenant)],
        "by_session": who.by_session,
    }


@router.get("/keys", summary="All keys")
@needs(Scope.KEYS_READ)
@answers(access.Keys)
async def list_keys(request: Request, zones: Everywhere) -> access.Keys:
    """Return every key of the tenant, the oldest first; never a key itself."""
    tenant = principal_of(request).tenant
    found = await asyncio.to_thread(zones.doorman.store.keys, tenant)
    return {"data": [_view(row) for row in found]}


@router.post("/keys", status_code=201, summary="Make a key")
@needs(Scope.KEYS_WRITE)
@answers(access.NewKey)
async def create_key(asked: KeyIn, request: Request, zones: Everywhere) -> access.NewKey:
    """Make a key of the tenant; `key` is shown this once.  It can do no more than its maker."""
    who = principal_of(request)
    tenant = _one_tenant(who, zones)
    scopes = _given(who, frozenset(asked.scopes) or SCOPES_OF[asked.role])

    def make(store: AccessStore) -> tuple[KeyRow, str]:
        return keys.create(
            store,
            tenant=tenant,
            role=asked.role,
            name=asked.name,
            scopes=scopes,
            bound_to=asked.bound_to,
            lasts_s=asked.expires_in_s,
        )

    row, key = await _change(zones, make)
    return {**_view(row), "key": key}


@router.post("/keys/{key_id}/rotate", status_code=201, summary="Replace a key")
@needs(Scope.KEYS_WRITE)
@answers(access.NewKey)
async def rotate_key(
    key_id: KeyId, request: Request, zones: Everywhere, asked: RotateKeyIn | None = None
) -> access.NewKey:
    """Make another key that is good for the same; the old one goes on for `grace_s` at most."""
    who, grace_s = principal_of(request), (asked or RotateKeyIn()).grace_s

    def replace(store: AccessStore) -> tuple[KeyRow, str]:
        _given(who, frozenset(Scope(s) for s in keys.find(store, key_id, who.tenant).scopes))
        return keys.rotate(store, key_id, who.tenant, grace_s)

    row, key = await _change(zones, replace)
    return {**_view(row), "key": key}


@router.delete("/keys/{key_id}", summary="Take a key back")
@needs(Scope.KEYS_WRITE)
@answers(access.Key)
async def revoke_key(key_id: KeyId, request: Request, zones: Everywhere) -> access.Key:
    """Revoke a key and end every session of it, at once."""
    tenant = principal_of(request).tenant
    return _view(await _change(zones, lambda store: keys.revoke(store, key_id, tenant)))


async def _change(zones: Zones, change: Callable[[AccessStore], _T]) -> _T:
    try:
        return await asyncio.to_thread(change, zones.doorman.store)
    finally:
        zones.doorman.forget()


def _one_tenant(who: Principal, zones: Zones) -> str:
    """Return whose key is made; without any key yet it must be plain whose."""
    if who.tenant is not None:
        return who.tenant
    tenants = sorted({each.tenant for each in zones.all})
    if len(tenants) > 1:
        raise Problem(
            "forbidden",
            f"There are the tenants {', '.join(tenants)}; make the first key of each with: "
            "samehour keys create --tenant",
        )
    return tenants[0]


def _given(who: Principal, scopes: frozenset[Scope]) -> frozenset[Scope]:
    beyond = sorted(scopes - who.scopes)
    if beyond:
        raise Problem(
            "forbidden",
            f"A key gives no more than it has; this one lacks {', '.join(beyond)}.",
            {"needed": beyond},
        )
    return scopes


def _view(row: KeyRow) -> access.Key:
    return {
        "id": row.key_id,
        "tenant": row.tenant,
        "role": row.role,
        "scopes": list(row.scopes),
        "name": row.name,
        "bound_to": row.bound_to,
        "created_at": to_rfc3339(row.created_at),
        "expires_at": _moment(row.expires_at),
        "revoked_at": _moment(row.revoked_at),
        "last_used_at": _moment(row.last_used_at),
    }


def _moment(at: int | None) -> str | None:
    return None if at is None else to_rfc3339(at)
