"""A ledger in PostgreSQL: one service has it, and whoever loses it writes nothing more."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event

import pytest
from conftest import BOOT_S, Town, until
from databases import Server, change, rows
from sqlalchemy.exc import IntegrityError

from api.storage.databases import begin_writing, connect
from api.storage.errors import LedgerFailedError, LedgerInUseError
from api.storage.ledger import Ledger
from api.storage.records import Batch
from api.storage.writing import TravelKeeper, write
from dispatch.events import Recorded, StorePaused

ZONE = "testville"
START = 1_800_000_000
HANG_UP = (
    "select pg_terminate_backend(pid) from pg_stat_activity "
    "where application_name = 'samehour' and datname = current_database()"
)


def paused(seq: int, reason: str = "flood") -> Recorded:
    return Recorded(ZONE, seq, START + seq, StorePaused("sto_1", reason))


def test_of_two_writers_at_each_number_exactly_one_wins(ledger_name: str) -> None:
    Ledger(ledger_name).close()
    rounds, start = 40, Barrier(2)

    def contend(name: str) -> int:
        engine = connect(ledger_name)
        won = 0
        with begin_writing(engine) as connection:
            for seq in range(1, rounds + 1):
                start.wait(timeout=30)
                batch = Batch(ZONE, (paused(seq, name), paused(rounds + seq, name)))
                try:
                    with connection.begin():
                        write(connection, [batch], TravelKeeper())
                    won += 1
                except IntegrityError:
                    pass
        engine.dispose()
        return won

    with ThreadPoolExecutor(2) as pool:
        won = list(pool.map(contend, ("anna", "ben")))
    assert sum(won) == rounds
    with Ledger(ledger_name) as ledger:
        events = ledger.read(ZONE)
    assert [one.seq for one in events] == list(range(1, 2 * rounds + 1))
    # A batch is one atom: whoever has the first event of a round has the second one too.
    reasons = [one.event.reason for one in events if isinstance(one.event, StorePaused)]
    assert reasons[:rounds] == reasons[rounds:]


def test_a_second_ledger_on_the_database_is_refused_until_the_first_is_closed(
    postgresql: Server,
) -> None:
    url = postgresql.new()
    with Ledger(url), pytest.raises(LedgerInUseError, match="in use by another samehour"):
        Ledger(url)
    Ledger(url).close()


def test_two_schemas_of_one_database_are_two_ledgers(postgresql: Server) -> None:
    url = postgresql.new()
    change(url, "create schema north", "create schema south")
    north, south = (f"{url}&options=-csearch_path%3D{name}" for name in ("north", "south"))
    with Ledger(north) as one, Ledger(south) as other:
        one.submit(Batch(ZONE, (paused(1),))).result(timeout=10)
        assert (one.last_seq(ZONE), other.last_seq(ZONE)) == (1, 0)


def test_what_was_not_answered_when_the_connection_broke_is_not_acknowledged(
    postgresql: Server,
) -> None:
    url = postgresql.new()
    told: list[Exception] = []
    heard = Event()
    with Ledger(url) as ledger:
        ledger.on_failure = lambda error: (told.append(error), heard.set())
        ledger.submit(Batch(ZONE, (paused(1),))).result(timeout=10)
        assert len(rows(url, HANG_UP)) >= 1
        lost = ledger.submit(Batch(ZONE, (paused(2),)))
        with pytest.raises(LedgerFailedError, match="did not write"):
            lost.result(timeout=10)
        after = ledger.submit(Batch(ZONE, (paused(3),)))
        assert isinstance(after.exception(timeout=10), LedgerFailedError)
        assert heard.wait(timeout=10)
        assert not ledger.is_up
        # Reading goes on by a connection of its own, and shows nothing that was not acknowledged.
        assert ledger.last_seq(ZONE) == 1
    assert len(told) == 1
    with Ledger(url) as again:
        assert again.last_seq(ZONE) == 1


def test_a_ledger_that_nothing_is_written_to_notices_too_that_it_was_lost(
    postgresql: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.storage.ledger._LOOKS_AFTER_S", 0.05)
    url = postgresql.new()
    heard = Event()
    with Ledger(url) as ledger:
        ledger.on_failure = lambda _error: heard.set()
        rows(url, HANG_UP)
        assert heard.wait(timeout=10)
        assert not ledger.is_up
        # Nobody holds it any more: another service may have it.
        Ledger(url).close()


def test_a_service_whose_connection_breaks_says_so_and_ends_and_the_next_one_goes_on(
    postgresql: Server, own_town: Town
) -> None:
    own_town.ledger = postgresql.new()
    town = own_town.start()
    store_id = town.stock()[0]["id"]
    rows(town.ledger, HANG_UP)
    lost = town.http.post(f"/v1/stores/{store_id}/pause", json={"reason": "flood"})
    assert (lost.status_code, lost.json()["code"]) == (503, "not_ready")
    process = town.process
    assert process is not None
    assert until(lambda: process.poll() is not None, "the service has ended", BOOT_S)
    assert process.poll() == 1
    assert "ledger_failed" in town.log()
    town.kill()  # it is gone already; so is our connection to it
    town.start()
    assert town.get(f"/v1/stores/{store_id}")["paused"] is False
    assert town.post(f"/v1/stores/{store_id}/pause", {"reason": "flood"})["paused"] is True
