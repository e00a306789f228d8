"""Versions of what a person edits: strong ETags out, `If-Match` in (RFC 9110, 8.8.3 and 13.1.1)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from hashlib import blake2b
from typing import Annotated, Any, Final

from fastapi import Header
from starlette.responses import JSONResponse

from api.problems import Problem
from api.webhooks.records import Endpoint
from dispatch.records import Action, Control
from dispatch.state import CourierState, OrderState, StoreState

_TAG: Final = re.compile(r'\s*(W/)?("[\x21\x23-\x7e\x80-\xff]*")\s*(?:,|$)')
_DIGEST_BYTES: Final = 6

_TAGS: Final = r'^(\*|(W/)?"[!#-~]*"( *, *(W/)?"[!#-~]*")*)$'

IfMatch = Annotated[
    str | None,
    Header(
        alias="If-Match",
        description="The version that the edit is made for: an ETag as it was given, or *.",
        json_schema_extra={"pattern": _TAGS},
    ),
]
"""The header of that name of a request."""


def order_etag(found: OrderState) -> str:
    """Return the version of an order: another one after everything that happened to it."""
    return f'"{found.revision}"'


def route_etag(found: CourierState) -> str:
    """Return the version of a courier's route: what they were told, and who fixed its order."""
    if found.route_lock is None:
        return f'"{found.route_version}"'
    return f'"{found.route_version}-{_digest(found.route_lock)}"'


def store_etag(found: StoreState) -> str:
    """Return the version of a store: of what a person edits, not of its stock."""
    return f'"{_digest((found.store, found.paused))}"'


def control_etag(found: Control) -> str:
    """Return the version of a surge control, which never changes."""
    return f'"{_digest(found)}"'


def action_etag(found: Action) -> str:
    """Return the version of an action: another one once it is taken back."""
    return f'"{_digest(found)}"'


def endpoint_etag(found: Endpoint) -> str:
    """Return the version of a webhook endpoint: of what a person edits, not of how it is doing."""
    edited = (found.url, found.events, found.description, found.status, found.secret)
    return f'"{_digest(edited)}"'


def check_match(said: IfMatch, etag: str) -> None:
    """Hold an edit to the version it was made for; without `If-Match` it is for any.

    Raises
    ------
    Problem
        `stale_version`, with the present version in its `ETag` header; `invalid_request` when
        the header is none.
    """
    if said is None or said.strip() == "*":
        return
    tags, at = [], 0
    while at < len(said):
        found = _TAG.match(said, at)
        if found is None:
            raise Problem(
                "invalid_request",
                f'If-Match is {said[:80]!r}; send the ETag as it was given, such as "12", or *.',
            )
        tags.append(found)
        at = found.end()
    # A weak tag never matches: it does not say that nothing changed.
    if any(found[1] is None and found[2] == etag for found in tags):
        return
    raise Problem(
        "stale_version",
        f"It has changed since: its version is {etag} now; read it again and decide anew.",
        {"etag": etag},
        {"ETag": etag},
    )


def tagged(body: Mapping[str, Any], etag: str, status: int = 200) -> JSONResponse:
    """Return an answer that carries the version of what it shows."""
    return JSONResponse(body, status, headers={"ETag": etag})


def _digest(shown: object) -> str:
    return blake2b(repr(shown).encode(), digest_size=_DIGEST_BYTES).hexdigest()
