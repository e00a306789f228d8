"""Sessions of browsers: when they are over, and how their cookie changes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from api.keys import hash_of
from api.sessions import IDLE_S, LONGEST_S, Sessions
from api.storage.access import AccessStore
from api.storage.ledger import open_database

BEGAN = 1_795_192_200
MINUTE_S = 60
HOUR_S = 3600


class Clock:
    """The machine's clock, as a test sets it."""

    def __init__(self) -> None:
        self.now = BEGAN

    def time(self) -> float:
        return float(self.now)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def of(store: AccessStore, clock: Clock) -> Sessions:
    return Sessions(store, clock.time)


@pytest.fixture
def store(ledger_name: str) -> Iterator[AccessStore]:
    """Return keys and sessions in each kind of database."""
    engine = open_database(ledger_name)
    yield AccessStore(engine)
    engine.dispose()


def is_good(of: Sessions, token: str, clock: Clock) -> bool:
    found = of.read(token)
    return found is not None and found.is_alive(clock.now)


def test_a_session_is_kept_as_its_hash_only(of: Sessions, store: AccessStore) -> None:
    token = of.begin("key")
    assert store.session(token) is None
    kept: Any = store.session(hash_of(token))
    assert token not in str(kept)
    assert len(token) >= 43  # 32 random bytes


def test_a_session_ends_when_nobody_uses_it(of: Sessions, clock: Clock) -> None:
    token = of.begin("key")
    clock.now += IDLE_S - 1
    assert is_good(of, token, clock)  # and is seen
    clock.now += IDLE_S - 1
    assert is_good(of, token, clock)
    clock.now += IDLE_S
    assert not is_good(of, token, clock)


def test_a_session_ends_however_much_it_is_used(of: Sessions, clock: Clock) -> None:
    token = of.begin("key")
    while clock.now + HOUR_S < BEGAN + LONGEST_S:
        clock.now += HOUR_S
        assert is_good(of, token, clock)
    clock.now += HOUR_S
    assert not is_good(of, token, clock)


def test_the_cookie_changes_after_an_hour_and_the_old_one_is_good_for_a_minute(
    of: Sessions, clock: Clock
) -> None:
    first = of.begin("key")
    assert of.rotate(first) is None
    clock.now += HOUR_S
    second = of.rotate(first)
    assert second is not None
    assert second != first
    assert of.rotate(first) is None  # a request that was under way gets no third one
    clock.now += MINUTE_S - 1
    assert is_good(of, first, clock)
    assert is_good(of, second, clock)
    clock.now += 1
    assert not is_good(of, first, clock)
    assert is_good(of, second, clock)


def test_an_ended_session_is_over_by_either_cookie(of: Sessions, clock: Clock) -> None:
    first = of.begin("key")
    clock.now += HOUR_S
    second = of.rotate(first) or ""
    of.end(first)
    assert of.read(first) is None
    assert of.read(second) is None


def test_sessions_that_are_over_are_forgotten(
    of: Sessions, clock: Clock, store: AccessStore
) -> None:
    old = of.begin("key")
    clock.now += LONGEST_S + 1
    of.begin("key")
    assert store.session(hash_of(old)) is None
