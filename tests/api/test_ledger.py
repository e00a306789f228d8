"""The event log on disk: durable in order, in whole batches, by one writer."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from concurrent.futures import Future
from pathlib import Path
from threading import Event

import pytest
from databases import change, rows

from api.storage.errors import LedgerError, LedgerFailedError, LedgerInUseError
from api.storage.ledger import Ledger, ZoneLog
from api.storage.reading import read_recording
from api.storage.records import Batch, KeptAnswer, Position
from dispatch.errors import SequenceError
from dispatch.events import Recorded, StorePaused, StoreResumed
from dispatch.recording import RecordingError
from geo.types import LonLat

ZONE = "testville"
START = 1_800_000_000


def paused(seq: int, reason: str = "flood") -> Recorded:
    return Recorded(ZONE, seq, START + seq, StorePaused("sto_1", reason))


def write(ledger: Ledger, *events: Recorded) -> None:
    ledger.submit(Batch(ZONE, events)).result(timeout=10)


def test_what_was_written_is_read_back_after_opening_again(ledger_name: str) -> None:
    with Ledger(ledger_name) as ledger:
        write(ledger, paused(1), paused(2, "no light"))
    with Ledger(ledger_name) as ledger:
        assert ledger.read(ZONE) == [paused(1), paused(2, "no light")]
        assert ledger.read(ZONE, after=1) == [paused(2, "no light")]
        assert ledger.read(ZONE, limit=1) == [paused(1)]
        assert ledger.last_seq(ZONE) == 2
        assert ledger.last_seq("elsewhere") == 0


def test_batches_become_durable_in_the_order_they_were_submitted(ledger_name: str) -> None:
    told: list[int] = []
    with Ledger(ledger_name) as ledger:
        ledger.on_written = lambda batches: told.extend(
            event.seq for batch in batches for event in batch.events
        )
        futures = [ledger.submit(Batch(ZONE, (paused(seq),))) for seq in range(1, 301)]
        for future in futures:
            future.result(timeout=10)
        assert [event.seq for event in ledger.read(ZONE)] == list(range(1, 301))
    assert told == list(range(1, 301))


def test_batches_that_wait_together_share_one_commit(ledger_name: str) -> None:
    groups: list[int] = []
    entered, go = Event(), Event()

    def hold_the_first(batches: Sequence[Batch]) -> None:
        groups.append(len(batches))
        entered.set()
        assert go.wait(timeout=10)

    with Ledger(ledger_name) as ledger:
        ledger.on_written = hold_the_first
        first = ledger.submit(Batch(ZONE, (paused(1),)))
        assert entered.wait(timeout=10)
        waiting = [ledger.submit(Batch(ZONE, (paused(seq),))) for seq in range(2, 601)]
        go.set()
        for future in (first, *waiting):
            future.result(timeout=10)
        assert ledger.last_seq(ZONE) == 600
    # As many as fit into one transaction, and the rest.
    assert groups == [1, 512, 87]


def test_whoever_stops_waiting_stops_nothing(ledger_name: str) -> None:
    with Ledger(ledger_name) as ledger:
        given_up = ledger.submit(Batch(ZONE, (paused(1),)))
        given_up.cancel()
        write(ledger, paused(2))
        assert given_up.result(timeout=10) is None
        assert ledger.is_up
        assert ledger.last_seq(ZONE) == 2


def test_closing_writes_what_is_still_queued(ledger_name: str) -> None:
    ledger = Ledger(ledger_name)
    futures = [ledger.submit(Batch(ZONE, (paused(seq),))) for seq in range(1, 51)]
    ledger.close()
    assert all(future.done() and future.exception() is None for future in futures)
    with Ledger(ledger_name) as again:
        assert again.last_seq(ZONE) == 50


def test_of_two_writers_at_one_sequence_number_the_second_loses_and_stops(ledger_name: str) -> None:
    failures: list[Exception] = []
    with Ledger(ledger_name) as ledger:
        write(ledger, paused(1))
        change(
            ledger_name,
            "insert into events (zone, seq, at, type, data) "
            "values (:zone, 2, :at, 'StoreResumed', '{\"store_id\"\\: \"sto_1\"}')",
            zone=ZONE,
            at=START,
        )
        ledger.on_failure = failures.append
        lost = ledger.submit(Batch(ZONE, (paused(2),)))
        with pytest.raises(SequenceError, match="Another writer was first"):
            lost.result(timeout=10)
        after: Future[None] = ledger.submit(Batch(ZONE, (paused(3),)))
        assert isinstance(after.exception(timeout=10), SequenceError)
        assert not ledger.is_up
        assert [type(event.event) for event in ledger.read(ZONE)] == [StorePaused, StoreResumed]
    assert len(failures) == 1


def test_a_lost_batch_leaves_nothing_of_itself_behind(ledger_name: str) -> None:
    kept = KeptAnswer("key-1", "hash", 201, "{}", START)
    with Ledger(ledger_name) as ledger:
        write(ledger, paused(1))
        lost = ledger.submit(Batch(ZONE, (paused(1),), answers=(kept,)))
        assert lost.exception(timeout=10) is not None
        assert ledger.kept_answer(ZONE, "key-1") is None


def test_nothing_is_taken_after_closing(ledger_name: str) -> None:
    ledger = Ledger(ledger_name)
    ledger.close()
    late = ledger.submit(Batch(ZONE, (paused(1),)))
    assert isinstance(late.exception(timeout=10), LedgerFailedError)


def test_a_ledger_in_use_is_refused(ledger_name: str) -> None:
    with Ledger(ledger_name), pytest.raises(LedgerInUseError, match="in use by another samehour"):
        Ledger(ledger_name)
    Ledger(ledger_name).close()


def test_the_latest_position_of_each_courier_is_kept_and_every_one_is_on_the_track(
    ledger_name: str,
) -> None:
    first = Position("cou_1", LonLat(24.93, 60.16), START, START + 1)
    second = Position("cou_1", LonLat(24.94, 60.17), START + 9, START + 12)
    other = Position("cou_2", LonLat(24.95, 60.18), START + 4, START + 5)
    with Ledger(ledger_name) as ledger:
        ledger.submit(Batch(ZONE, positions=(first, other))).result(timeout=10)
        ledger.submit(Batch(ZONE, positions=(second,))).result(timeout=10)
        assert ledger.positions(ZONE) == [second, other]
    assert rows(ledger_name, "select count(*) from tracks") == [(3,)]


def test_the_last_moment_is_the_later_of_events_and_positions(ledger_name: str) -> None:
    with Ledger(ledger_name) as ledger:
        assert ledger.last_moment(ZONE) is None
        write(ledger, paused(1))
        assert ledger.last_moment(ZONE) == START + 1
        seen = Position("cou_1", LonLat(24.93, 60.16), START + 50, START + 60)
        ledger.submit(Batch(ZONE, positions=(seen,))).result(timeout=10)
        assert ledger.last_moment(ZONE) == START + 60


def test_a_kept_answer_is_found_by_its_key_in_its_zone_only(ledger_name: str) -> None:
    kept = KeptAnswer("key-1", "hash", 201, '{"id": "ord_1"}', START)
    with Ledger(ledger_name) as ledger:
        ledger.submit(Batch(ZONE, answers=(kept,))).result(timeout=10)
        assert ledger.kept_answer(ZONE, "key-1") == kept
        assert ledger.kept_answer("elsewhere", "key-1") is None


@pytest.mark.parametrize(
    ("behind_its_back", "found"),
    [
        ("update schema_version set version = 99", "99"),
        ("update alembic_version set version_num = 'r9999_drones'", "r9999_drones"),
    ],
)
def test_a_ledger_of_a_newer_version_is_refused_by_both_versions_names(
    ledger_name: str, behind_its_back: str, found: str
) -> None:
    Ledger(ledger_name).close()
    change(ledger_name, behind_its_back)
    with pytest.raises(
        LedgerError, match=f"schema version {found}; this samehour reads up to version r0"
    ):
        Ledger(ledger_name)


def test_a_file_that_is_no_database_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_text("milk, bread, eggs\n" * 100, encoding="utf-8")
    with pytest.raises(LedgerError, match="cannot be opened: file is not a database"):
        Ledger(path)
    assert path.read_text(encoding="utf-8").startswith("milk, bread, eggs")


def test_memory_is_refused_because_nothing_lasts_there() -> None:
    for where in ("sqlite://", "sqlite:///:memory:"):
        with pytest.raises(LedgerError, match="in memory, where nothing lasts: name a file"):
            Ledger(where)


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(LedgerError, match=r"folder of the ledger .* cannot be made"):
        Ledger(tmp_path / "file" / "ledger.db")


@pytest.mark.parametrize("url", ["oracle://somewhere/db", "nosuch+driver://x/y"])
def test_a_database_without_its_driver_is_refused(url: str) -> None:
    with pytest.raises(LedgerError, match="driver that is not installed"):
        Ledger(url)


def test_without_its_driver_postgresql_is_refused_with_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)  # as where it is not installed
    with pytest.raises(LedgerError, match=r'pip install "samehour\[postgres\]"'):
        Ledger("postgresql://shop:milk@localhost/ledger")


def test_a_password_is_never_shown(caplog: pytest.LogCaptureFixture) -> None:
    url = "postgresql+psycopg://shop:s3cret-milk@127.0.0.1:1/ledger"
    with pytest.raises(LedgerError, match="cannot be opened") as refused:
        Ledger(url)
    with pytest.raises(RecordingError) as unread:
        read_recording(url)
    for said in (str(refused.value), str(unread.value), caplog.text):
        assert "s3cret-milk" not in said
    assert "shop:***@127.0.0.1:1/ledger" in str(refused.value)


def test_a_zone_log_numbers_what_is_appended_and_hands_it_over_once() -> None:
    log = ZoneLog(ZONE, [paused(1)])
    assert list(log.read(0)) == [paused(1)]
    recorded = log.append(1, START + 2, [StorePaused("sto_1", "flood"), StoreResumed("sto_1")])
    assert [event.seq for event in recorded] == [2, 3]
    assert log.take() == recorded
    assert log.take() == ()


def test_a_zone_log_refuses_to_append_anywhere_but_at_its_end() -> None:
    log = ZoneLog(ZONE, [paused(1)])
    with pytest.raises(SequenceError, match="ends at 1, not at 0"):
        log.append(0, START, [StoreResumed("sto_1")])
    assert log.take() == ()
