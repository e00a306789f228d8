"""Keys and sessions in the ledger's database: all their SQL.

The ledger's file lock guards the log alone: keys may be made and revoked while a service runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass

from sqlalchemy import Connection, Engine, delete, insert, or_, select, update
from sqlalchemy.exc import SQLAlchemyError

from api.storage import tables
from api.storage.errors import LedgerError

_k, _s = tables.api_keys, tables.sessions


@dataclass(frozen=True, slots=True)
class KeyRow:
    """A key as it is kept: never the key itself; see `tables.api_keys`."""

    key_id: str
    tenant: str
    role: str
    scopes: tuple[str, ...]
    name: str
    bound_to: str | None
    hash: str
    created_at: int
    expires_at: int | None = None
    revoked_at: int | None = None
    last_used_at: int | None = None

    def is_alive(self, now: int) -> bool:
        """Tell whether the key is good at a moment, UTC epoch seconds."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A browser that somebody signed in with; see `tables.sessions`."""

    hash: str
    previous_hash: str | None
    key_id: str
    created_at: int
    rotated_at: int
    seen_at: int


class AccessStore:
    """Keys and sessions; every method blocks, and may be called from any thread.

    Raises
    ------
    LedgerError
        The database does not answer, here and in every method.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @contextmanager
    def _begin(self) -> Iterator[Connection]:
        try:
            with self._engine.begin() as connection:
                yield connection
        except SQLAlchemyError as error:
            cause = getattr(error, "orig", None) or error
            raise LedgerError(f"The ledger's keys cannot be read or written: {cause}.") from error

    # --- keys ----------------------------------------------------------------------------------

    def has_keys(self) -> bool:
        """Tell whether a key was ever made, be it revoked or over."""
        with self._begin() as connection:
            return connection.execute(select(_k.c.key_id).limit(1)).first() is not None

    def key(self, key_id: str) -> KeyRow | None:
        """Return a key."""
        with self._begin() as connection:
            row = connection.execute(select(_k).where(_k.c.key_id == key_id)).one_or_none()
        return None if row is None else _key(row)

    def keys(self, tenant: str | None = None) -> list[KeyRow]:
        """Return the keys of a tenant, or of all; the oldest first."""
        query = select(_k).order_by(_k.c.created_at, _k.c.key_id)
        if tenant is not None:
            query = query.where(_k.c.tenant == tenant)
        with self._begin() as connection:
            return [_key(row) for row in connection.execute(query)]

    def add_key(self, key: KeyRow) -> None:
        """Keep a new key."""
        with self._begin() as connection:
            connection.execute(insert(_k).values({**asdict(key), "scopes": list(key.scopes)}))

    def expire_key(self, key_id: str, at: int) -> None:
        """Let a key be over at a moment, unless it is earlier anyway."""
        with self._begin() as connection:
            connection.execute(
                update(_k)
                .where(_k.c.key_id == key_id)
                .where(or_(_k.c.expires_at.is_(None), _k.c.expires_at > at))
                .values(expires_at=at)
            )

    def revoke_key(self, key_id: str, at: int) -> bool:
        """Revoke a key and end its sessions; False when it was revoked before."""
        with self._begin() as connection:
            done = connection.execute(
                update(_k)
                .where(_k.c.key_id == key_id, _k.c.revoked_at.is_(None))
                .values(revoked_at=at)
            )
            connection.execute(delete(_s).where(_s.c.key_id == key_id))
        return done.rowcount == 1

    def touch_key(self, key_id: str, at: int) -> None:
        """Note that a key was used."""
        with self._begin() as connection:
            connection.execute(update(_k).where(_k.c.key_id == key_id).values(last_used_at=at))

    # --- sessions --------------------------------------------------------------------------------

    def session(self, token_hash: str) -> SessionRow | None:
        """Return the session that a cookie's hash is of, or was of before it was changed."""
        query = select(_s).where(or_(_s.c.hash == token_hash, _s.c.previous_hash == token_hash))
        with self._begin() as connection:
            row = connection.execute(query).first()
        return None if row is None else SessionRow(**row._mapping)  # noqa: SLF001  its public name

    def add_session(self, session: SessionRow, *, over_before: int) -> None:
        """Keep a new session; those made before a moment are over and go."""
        with self._begin() as connection:
            connection.execute(delete(_s).where(_s.c.created_at < over_before))
            connection.execute(insert(_s).values(asdict(session)))

    def see_session(self, token_hash: str, at: int) -> None:
        """Note that a session is in use."""
        with self._begin() as connection:
            connection.execute(update(_s).where(_s.c.hash == token_hash).values(seen_at=at))

    def rotate_session(self, token_hash: str, new_hash: str, at: int) -> bool:
        """Give a session another hash; False when somebody else did so at the same time."""
        with self._begin() as connection:
            done = connection.execute(
                update(_s)
                .where(_s.c.hash == token_hash)
                .values(hash=new_hash, previous_hash=token_hash, rotated_at=at, seen_at=at)
            )
        return done.rowcount == 1

    def end_session(self, token_hash: str) -> None:
        """Forget a session."""
        with self._begin() as connection:
            connection.execute(
                delete(_s).where(or_(_s.c.hash == token_hash, _s.c.previous_hash == token_hash))
            )


def _key(row: object) -> KeyRow:
    said = dict(row._mapping)  # type: ignore[attr-defined]  # noqa: SLF001  SQLAlchemy's public name
    return KeyRow(**{**said, "scopes": tuple(said["scopes"])})
