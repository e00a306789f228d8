"""API keys: made, known again, replaced and taken back.

A key is `sh_<id>_<secret>`.  The secret has 256 random bits, so one SHA-256 of it is safe to keep:
nobody can try that many, which is what slow hashes are for with passwords (decision 21).
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache
from typing import Final

from api.rights import BOUND_TO, SCOPES_OF, Principal, Role, Scope
from api.storage.access import AccessStore, KeyRow
from dispatch.errors import InvalidValueError, UnknownIdError

GRACE_S: Final = 86_400
"""How long a key that was replaced goes on unless told otherwise."""

_FORM: Final = re.compile(r"sh_([0-9a-f]{12})_[A-Za-z0-9_-]{43}")
_ID_BYTES: Final = 6
_SECRET_BYTES: Final = 32


def id_in(key: str) -> str | None:
    """Return the id in a key, None for what is no key of ours."""
    found = _FORM.fullmatch(key)
    return None if found is None else found[1]


def hash_of(secret: str) -> str:
    """Return what is kept of a key or of a session's token, in hex."""
    return hashlib.sha256(secret.encode()).hexdigest()


def matches(row: KeyRow, key: str) -> bool:
    """Tell whether a key is the one kept, in a time that does not depend on it."""
    return hmac.compare_digest(row.hash, hash_of(key))


@lru_cache(maxsize=1024)
def principal(row: KeyRow, *, by_session: bool = False) -> Principal:
    """Return whoever has a key; scopes that its role has lost since are gone."""
    role = Role(row.role)
    return Principal(
        row.tenant,
        role,
        frozenset(scope for scope in SCOPES_OF[role] if scope in row.scopes),
        row.key_id,
        row.bound_to,
        by_session,
    )


def create(
    store: AccessStore,
    *,
    tenant: str,
    role: Role,
    name: str = "",
    scopes: Iterable[Scope] = (),
    bound_to: str | None = None,
    lasts_s: int | None = None,
) -> tuple[KeyRow, str]:
    """Make a key; returns what is kept of it, and the key itself, which is never seen again.

    Parameters
    ----------
    scopes
        Fewer than the role has; all of them when none is given.
    bound_to
        The courier or store that a key of such a role is for.
    lasts_s
        Wall seconds until it is over; None for never.

    Raises
    ------
    InvalidValueError
        A scope that the role does not have, or a wrong `bound_to`.
    """
    wanted = frozenset(scopes) or SCOPES_OF[role]
    beyond = sorted(wanted - SCOPES_OF[role])
    if beyond:
        raise InvalidValueError(
            "scopes",
            f"{', '.join(beyond)} is not of the role {role}, which has "
            f"{', '.join(sorted(SCOPES_OF[role]))}",
        )
    own = BOUND_TO.get(role)
    if own is not None and not bound_to:
        raise InvalidValueError("bound_to", f"a key of the role {role} needs its {own}")
    if own is None and bound_to is not None:
        raise InvalidValueError("bound_to", f"a key of the role {role} is for all, not for one")
    now = int(time.time())
    return _keep(
        store,
        KeyRow(
            key_id="",
            tenant=tenant,
            role=role,
            scopes=tuple(sorted(wanted)),
            name=name,
            bound_to=bound_to,
            hash="",
            created_at=now,
            expires_at=None if lasts_s is None else now + lasts_s,
        ),
    )


def rotate(
    store: AccessStore, key_id: str, tenant: str | None, grace_s: int = GRACE_S
) -> tuple[KeyRow, str]:
    """Replace a key by a new one that is good for the same; the old one goes on for a while.

    Raises
    ------
    UnknownIdError
        The tenant has no such key.
    InvalidValueError
        It was revoked, or is over.
    """
    old = find(store, key_id, tenant)
    now = int(time.time())
    if not old.is_alive(now):
        raise InvalidValueError("key_id", f"the key {key_id} is not good any more; make a new one")
    made = _keep(store, replace(old, created_at=now, last_used_at=None))
    store.expire_key(key_id, now + grace_s)
    return made


def revoke(store: AccessStore, key_id: str, tenant: str | None) -> KeyRow:
    """Take a key back, with every session of it; again changes nothing.

    Raises
    ------
    UnknownIdError
        The tenant has no such key.
    """
    find(store, key_id, tenant)
    store.revoke_key(key_id, int(time.time()))
    return find(store, key_id, tenant)


def find(store: AccessStore, key_id: str, tenant: str | None) -> KeyRow:
    """Return a tenant's key, or anybody's for None; raises `UnknownIdError`."""
    found = store.key(key_id)
    if found is None or tenant not in {None, found.tenant}:
        raise UnknownIdError(f"there is no key {key_id}")
    return found


def _keep(store: AccessStore, row: KeyRow) -> tuple[KeyRow, str]:
    key_id = secrets.token_hex(_ID_BYTES)
    key = f"sh_{key_id}_{secrets.token_urlsafe(_SECRET_BYTES)}"
    kept = replace(row, key_id=key_id, hash=hash_of(key))
    store.add_key(kept)
    return kept, key
