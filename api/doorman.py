"""The doorman: finds out who makes a request, and holds it to the rule of its endpoint."""

from __future__ import annotations

import asyncio
import hmac
import time
from collections.abc import Callable, Hashable
from typing import Any, Final, Generic, TypeVar
from urllib.parse import quote

from fastapi import Request
from starlette.responses import RedirectResponse, Response

from api import keys
from api.pace import Pace
from api.problems import Problem
from api.rights import EVERYBODY, SCOPES_OF, Principal, Role, Rule
from api.security import needs_https
from api.sessions import COOKIE, Sessions, Signed, set_cookie
from api.storage.access import AccessStore, KeyRow
from api.theirs import is_theirs
from dispatch.errors import UnknownIdError
from dispatch.state import State

_T = TypeVar("_T")

_KNOWN_S: Final = 1.0
"""Wall seconds for which a key is believed to be as it was read: how long a revoked one lives."""

_NOTED_EVERY_S: Final = 60
_MOST_KEPT: Final = 10_000
_SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_OURS: Final = frozenset({"same-origin", "none"})
_NOBODY: Final = Principal("", Role.COURIER, frozenset(), "")

OrderOf = Callable[[Principal, Request, Callable[[State], Any]], Any]


class _Recent(Generic[_T]):
    """What was read from the database a moment ago, each thing read once however many ask."""

    def __init__(self, read: Callable[[Any], _T]) -> None:
        self._read = read
        self._kept: dict[Hashable, tuple[float, asyncio.Future[_T]]] = {}

    async def get(self, what: Hashable) -> _T:
        found = self._kept.get(what)
        now = time.monotonic()
        if found is not None and now - found[0] < _KNOWN_S:
            return await asyncio.shield(found[1])
        if len(self._kept) >= _MOST_KEPT:
            self._kept.clear()
        reading = asyncio.ensure_future(asyncio.to_thread(self._read, what))
        self._kept[what] = (now, reading)
        try:
            return await asyncio.shield(reading)
        except Exception:
            self._kept.pop(what, None)
            raise

    def forget(self) -> None:
        """Read everything anew."""
        self._kept.clear()


class Doorman:
    """Holds every request to the rule of its endpoint.

    Parameters
    ----------
    env_key
        A key of operations that is not in the ledger, and the tenant whose it is.
    look_up
        Asks the state of the zone that a request is for.
    per_s
        Requests a second for each key; 0 for as many as it likes.
    """

    def __init__(
        self,
        store: AccessStore,
        look_up: OrderOf,
        env_key: tuple[str, str] | None = None,
        per_s: float = 0,
    ) -> None:
        self.store = store
        self.sessions = Sessions(store)
        self._look_up = look_up
        self._pace = Pace(per_s)
        self._env = None if env_key is None else _env_row(*env_key)
        self._keys: _Recent[KeyRow | None] = _Recent(self._read_key)
        self._sessions: _Recent[Signed | None] = _Recent(self.sessions.read)
        self._any: _Recent[bool] = _Recent(lambda _: self.store.has_keys())
        self._closed = self._env is not None

    async def is_closed(self) -> bool:
        """Tell whether anybody is asked for a key: once one was made, for good."""
        if not self._closed:
            self._closed = await self._any.get("any")
        return self._closed

    def forget(self) -> None:
        """Believe nothing that was read before: keys were just changed here."""
        self._keys.forget()
        self._sessions.forget()
        self._any.forget()

    async def admit(self, request: Request, rule: Rule) -> Response | None:
        """Let a request pass, or answer it in its place; see `api.rights.Guard`."""
        request.state.principal = _NOBODY
        if rule.is_open:
            return None
        who = await self.who(request)
        if who is None:
            if rule.is_page:
                return _to_sign_in(request)
            raise Problem(
                "unauthorized",
                "Send a key as Authorization: Bearer <key>; browsers sign in at /sign-in.",
                headers={"WWW-Authenticate": "Bearer"},
            )
        if who is not EVERYBODY:
            self._pace.check(who.key_id, time.monotonic())
        objection = rule.objection(who, request.path_params)
        if objection is not None:
            if rule.is_page:
                return _to_sign_in(request, "&denied=1")
            raise objection
        request.state.principal = who
        if who.bound_to is not None and not rule.is_narrowed:
            await self._look_whose(who, request)
        if rule.is_page and who.by_session:
            request.state.cookie = await asyncio.to_thread(
                self.sessions.rotate, request.cookies[COOKIE]
            )
        return None

    def see_out(self, request: Request, answer: Response) -> None:
        """Give a browser its new cookie, if it got one; see `api.rights.Guard`."""
        cookie = getattr(request.state, "cookie", None)
        if cookie is not None:
            set_cookie(answer, cookie, secure=needs_https(request))

    async def who(self, request: Request) -> Principal | None:
        """Return whoever makes a request, None for nobody that is known."""
        if not await self.is_closed():
            return EVERYBODY
        said = request.headers.get("authorization")
        if said is not None:
            scheme, _, key = said.strip().partition(" ")
            if not key:
                # As openrouteservice's clients send it.
                scheme, key = "bearer", scheme
            row = await self.key(key.strip()) if scheme.lower() == "bearer" else None
            return None if row is None else keys.principal(row)
        token = request.cookies.get(COOKIE)
        if not token:
            return None
        return await self._by_session(request, token)

    async def key(self, key: str) -> KeyRow | None:
        """Return what is kept of a key that is good now, None for any other."""
        if self._env is not None and hmac.compare_digest(self._env.hash, keys.hash_of(key)):
            return self._env
        key_id = keys.id_in(key)
        row = None if key_id is None else await self._keys.get(key_id)
        if row is None or not keys.matches(row, key) or not row.is_alive(int(time.time())):
            return None
        return row

    async def _by_session(self, request: Request, token: str) -> Principal | None:
        signed = await self._sessions.get(token)
        if signed is None:
            return None
        key_id, now = signed.key_id, int(time.time())
        is_env = self._env is not None and self._env.key_id == key_id
        row = self._env if is_env else await self._keys.get(key_id)
        if row is None or not row.is_alive(now) or not signed.is_alive(now):
            return None
        if request.method not in _SAFE_METHODS and "origin" not in request.headers:
            # `Guarded` has compared the origin where there is one; browsers always say one of both.
            site = request.headers.get("sec-fetch-site")
            if site not in _OURS:
                raise Problem("cross_origin", "A session changes things from our own pages only.")
        return keys.principal(row, by_session=True)

    async def _look_whose(self, who: Principal, request: Request) -> None:
        order_id = request.path_params.get("order_id") or request.path_params.get("return_id")
        if order_id is None:
            return
        if not await self._look_up(who, request, lambda state: is_theirs(state, who, order_id)):
            raise UnknownIdError(f"there is no order {order_id}")

    def _read_key(self, key_id: str) -> KeyRow | None:
        row, now = self.store.key(key_id), int(time.time())
        if row is not None and row.is_alive(now) and now - (row.last_used_at or 0) > _NOTED_EVERY_S:
            self.store.touch_key(key_id, now)
        return row


def _env_row(key: str, tenant: str) -> KeyRow:
    """Return the row that a key from the settings would have."""
    digest = keys.hash_of(key)
    # Its sessions end when it is replaced by another one.
    key_id = f"env:{digest[:16]}"
    scopes = tuple(sorted(SCOPES_OF[Role.OPS]))
    return KeyRow(key_id, tenant, Role.OPS, scopes, "SAMEHOUR_API_KEY", None, digest, 0)


def _to_sign_in(request: Request, more: str = "") -> RedirectResponse:
    wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return RedirectResponse(f"/sign-in?next={quote(wanted, safe='')}{more}", 303)
