"""Sessions of browsers: a cookie that is worth nothing elsewhere and nothing for long."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from starlette.responses import Response

from api.keys import hash_of
from api.storage.access import AccessStore, SessionRow

COOKIE: Final = "samehour_session"

IDLE_S: Final = 12 * 3600
"""Wall seconds without a request after which a session is over: longer than a shift's nap."""

LONGEST_S: Final = 7 * 86_400
"""Wall seconds after which it is over in any case."""

_ROTATED_EVERY_S: Final = 3600
_PREVIOUS_S: Final = 60
"""Wall seconds that the cookie before the last change is still good, for requests under way."""

_SEEN_EVERY_S: Final = 60


@dataclass(frozen=True, slots=True)
class Signed:
    """Somebody who signed in."""

    key_id: str
    created_at: int
    seen_at: int
    rotated_at: int
    is_previous: bool

    def is_alive(self, now: int) -> bool:
        """Tell whether the session is good at a moment, UTC epoch seconds."""
        return (
            now < self.created_at + LONGEST_S
            and now < self.seen_at + IDLE_S
            and not (self.is_previous and now >= self.rotated_at + _PREVIOUS_S)
        )

    def is_due(self, now: int) -> bool:
        """Tell whether its cookie should be changed."""
        return not self.is_previous and now >= self.rotated_at + _ROTATED_EVERY_S


class Sessions:
    """Makes sessions, knows them again and ends them; blocks, as the database does.

    Parameters
    ----------
    wall
        Tells the machine's time, UTC epoch seconds.
    """

    def __init__(self, store: AccessStore, wall: Callable[[], float] = time.time) -> None:
        self._store = store
        self._wall = wall

    def begin(self, key_id: str) -> str:
        """Begin a session; returns what its cookie says."""
        token, now = secrets.token_urlsafe(32), int(self._wall())
        row = SessionRow(hash_of(token), None, key_id, now, now, now)
        self._store.add_session(row, over_before=now - LONGEST_S)
        return token

    def read(self, token: str) -> Signed | None:
        """Return whose session a cookie is of, good or over; None for no session."""
        digest, now = hash_of(token), int(self._wall())
        row = self._store.session(digest)
        if row is None:
            return None
        is_previous = digest != row.hash
        found = Signed(row.key_id, row.created_at, row.seen_at, row.rotated_at, is_previous)
        if found.is_alive(now) and now - row.seen_at > _SEEN_EVERY_S:
            self._store.see_session(row.hash, now)
        return found

    def rotate(self, token: str) -> str | None:
        """Return another cookie for the same session, when it is time; None to keep this one."""
        now, signed = int(self._wall()), self.read(token)
        if signed is None or not signed.is_alive(now) or not signed.is_due(now):
            return None
        new = secrets.token_urlsafe(32)
        return new if self._store.rotate_session(hash_of(token), hash_of(new), now) else None

    def end(self, token: str) -> None:
        """End a session."""
        self._store.end_session(hash_of(token))


def set_cookie(response: Response, token: str, *, secure: bool) -> None:
    """Give a browser its cookie; `secure` but where it talks to its own machine."""
    response.set_cookie(
        COOKIE,
        token,
        max_age=LONGEST_S,
        path="/",
        secure=secure,
        httponly=True,
        samesite="strict",
    )
