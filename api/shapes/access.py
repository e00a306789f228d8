"""Who asks, and the keys of a tenant."""

from __future__ import annotations

from typing import Annotated

from typing_extensions import TypedDict

from api.rights import Role, Scope
from api.shapes.words import Moment, one_of


class Session(TypedDict):
    """What a key or session is good for."""

    role: Annotated[str, one_of(Role)]
    tenant: str | None
    bound_to: str | None
    scopes: list[Annotated[str, one_of(Scope)]]
    zones: list[str]
    by_session: bool


class Key(TypedDict):
    """A key, without the key itself; `expires_at` is null for one that goes on."""

    id: str
    tenant: str
    role: Annotated[str, one_of(Role)]
    scopes: list[Annotated[str, one_of(Scope)]]
    name: str
    bound_to: str | None
    created_at: Moment
    expires_at: Moment | None
    revoked_at: Moment | None
    last_used_at: Moment | None


class NewKey(Key):
    """A key that was made; `key` is shown this once."""

    key: str


class Keys(TypedDict):
    """Every key of the tenant, the oldest first."""

    data: list[Key]
