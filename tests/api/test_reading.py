"""Ledgers are read by others without being touched; what is no ledger is said so."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from old_ledgers import write_old

from api.storage.ledger import Ledger
from api.storage.reading import read_recording
from api.storage.records import Batch, Position
from dispatch.commands import PauseStore
from dispatch.events import Recorded, StorePaused
from dispatch.journal import Asked, Began, Handled, Noted, Reported, StreetsChanged, Told
from dispatch.model import Policy
from dispatch.recording import RecordingError
from geo.city import load_city
from geo.traffic_record import unpack
from geo.types import LonLat
from geo.weights import FreeFlow

ZONE = "helsinki"
AT = 1_800_000_000
BEGAN = Began(AT, ZONE, "sum", "Europe/Helsinki", Policy(name="kept"), 7, "0.1.0+x")
SEEN = (
    Position("cou_1", LonLat(24.93, 60.16), AT + 1, AT + 2),
    Position("cou_1", LonLat(24.90, 60.10), AT, AT + 2, late=True),
    Position("cou_2", LonLat(24.94, 60.17), AT + 2, AT + 3),
)


def paused(seq: int) -> Recorded:
    return Recorded(ZONE, seq, AT + seq, StorePaused("sto_1", "flood"))


INPUTS = (
    Noted(1, 0, BEGAN),
    Noted(2, 0, Handled(AT + 1, PauseStore("sto_1", "flood"))),
    Noted(3, 1, Reported(AT + 2, "cou_1", SEEN[0].place, AT + 1)),
    Noted(4, 1, Asked(AT + 2)),
    Noted(5, 1, Reported(AT + 3, "cou_2", SEEN[2].place, AT + 2)),
    Noted(6, 1, Told(AT + 3)),
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


@pytest.fixture
def ledger(path: Path) -> Iterator[Ledger]:
    with Ledger(path) as made:
        batch = Batch(ZONE, (paused(1), paused(2)), SEEN, inputs=INPUTS)
        made.submit(batch).result(timeout=10)
        yield made


def test_what_was_kept_is_read_in_order_also_while_it_is_written(
    ledger: Ledger, path: Path
) -> None:
    found = read_recording(str(path))
    assert (found.zone, found.last) == (ZONE, 6)
    assert found.events == [paused(1), paused(2)]
    assert found.beginnings == (BEGAN,)
    inputs = list(found.inputs.after(0))
    assert [one.n for one in inputs] == [1, 2, 3, 4, 5, 6]
    assert [one.entry for one in inputs] == [one.entry for one in INPUTS]
    assert [one.n for one in found.inputs.after(3)] == [4, 5, 6]
    # What comes later is not in what was read.
    late = Batch(ZONE, (paused(3),), inputs=(Noted(7, 2, Told(AT + 9)),))
    ledger.submit(late).result(timeout=10)
    assert [one.n for one in found.inputs.after(0)] == [1, 2, 3, 4, 5, 6]
    assert read_recording(str(path)).last == 7


def test_positions_stand_in_the_ledger_once(ledger: Ledger, path: Path) -> None:
    assert ledger.last_input(ZONE) == 6
    rows = sqlite3.connect(path)
    assert rows.execute("select kind from journal order by n").fetchall() == [
        ("Began",),
        ("Handled",),
        ("Asked",),
        ("Told",),
    ]
    assert rows.execute("select n, received_at from tracks order by id").fetchall() == [
        (3, AT + 2),
        (None, AT + 2),
        (5, AT + 3),
    ]
    rows.close()


@pytest.mark.parametrize(
    ("cut", "lost"),
    [("delete from journal where n = 4", 4), ("delete from tracks where n = 3", 3)],
)
def test_an_input_that_was_cut_out_is_missed(
    ledger: Ledger, path: Path, cut: str, lost: int
) -> None:
    ledger.close()
    rows = sqlite3.connect(path)
    rows.execute(cut)
    rows.commit()
    rows.close()
    inputs = read_recording(str(path)).inputs.after(0)
    with pytest.raises(RecordingError, match=f"has no input {lost} of helsinki"):
        list(inputs)


@pytest.mark.parametrize("data", ["{}", "[]", '{"FlyAway": {}}', '{"PauseStore": 7}'])
def test_an_input_that_is_none_is_named(ledger: Ledger, path: Path, data: str) -> None:
    ledger.close()
    rows = sqlite3.connect(path)
    rows.execute("update journal set data = ? where n = 2", (data,))
    rows.commit()
    rows.close()
    inputs = read_recording(str(path)).inputs.after(0)
    with pytest.raises(RecordingError, match=r"Input 2 \(Handled\) of the ledger"):
        list(inputs)


def test_a_copy_in_a_folder_that_may_not_be_written_is_read(path: Path, tmp_path: Path) -> None:
    with Ledger(path) as made:
        made.submit(Batch(ZONE, (paused(1),), inputs=INPUTS[:1])).result(timeout=10)
    home = tmp_path / "archive"
    home.mkdir()
    copy = home / "day.db"
    copy.write_bytes(path.read_bytes())
    home.chmod(0o500)
    try:
        assert len(read_recording(str(copy)).events) == 1
        assert [each.name for each in home.iterdir()] == ["day.db"]
    finally:
        home.chmod(0o700)


def test_travel_times_come_back(path: Path) -> None:
    network = load_city(ZONE).network
    with Ledger(path) as made:
        kept = (FreeFlow(network), FreeFlow(network))
        changed = Noted(2, 1, StreetsChanged(AT, network.version))
        batch = Batch(ZONE, (paused(1),), inputs=(INPUTS[0], changed), travel=kept)
        made.submit(batch).result(timeout=10)
        made.submit(Batch(ZONE, inputs=(Noted(3, 1, Told(AT)),), travel=kept)).result(timeout=10)
    data = read_recording(str(path)).travel.get(network.version)
    assert data is not None
    assert unpack(data, network).version == network.version
    assert read_recording(str(path)).travel.get("another") is None


def old_ledger(path: Path) -> None:
    """Write a ledger as the second version made them, with one event and one position."""
    write_old(str(path), 2)


def test_a_ledger_without_a_journal_is_read_as_it_is(path: Path) -> None:
    old_ledger(path)
    found = read_recording(str(path))
    assert len(found.events) == 1
    assert not found.has_journal
    assert list(found.inputs.after(0)) == []
    assert found.travel.get("any") is None


def test_an_older_ledger_gets_what_it_lacks_and_goes_on(path: Path) -> None:
    old_ledger(path)
    with Ledger(path) as again:
        assert again.last_input(ZONE) == 0
        began = Noted(1, 1, BEGAN)
        seen = Noted(2, 1, Reported(AT + 2, "cou_1", SEEN[0].place, AT + 1))
        again.submit(Batch(ZONE, (), SEEN[:1], inputs=(began, seen))).result(timeout=10)
        assert again.last_input(ZONE) == 2
    found = read_recording(str(path))
    assert [one.n for one in found.inputs.after(0)] == [1, 2]
    assert found.began[0].after == 1


def test_what_is_no_ledger_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="is not there; name the file"):
        read_recording(str(tmp_path / "nowhere.db"))
    with pytest.raises(RecordingError, match="is a folder"):
        read_recording(str(tmp_path))
    text = tmp_path / "list.db"
    text.write_text("milk, bread", encoding="utf-8")
    with pytest.raises(RecordingError, match="it is no SQLite file"):
        read_recording(str(text))
    foreign = tmp_path / "foreign.db"
    other = sqlite3.connect(foreign)
    other.execute("create table recipes (name text)")
    other.commit()
    other.close()
    with pytest.raises(RecordingError, match="no ledger of samehour"):
        read_recording(str(foreign))
    for url in ("oracle://somewhere/db", "not a url://x"):
        with pytest.raises(RecordingError, match="ledger"):
            read_recording(url)


def test_a_torn_locked_newer_or_empty_ledger_is_named(path: Path, tmp_path: Path) -> None:
    Ledger(path).close()
    with pytest.raises(RecordingError, match="is empty"):
        read_recording(str(path))
    with Ledger(path) as made:
        events = tuple(paused(seq) for seq in range(1, 400))
        made.submit(Batch(ZONE, events)).result(timeout=10)
    torn = tmp_path / "torn.db"
    torn.write_bytes(path.read_bytes()[:20_000])
    with pytest.raises(RecordingError, match="damaged or cut short"):
        read_recording(str(torn))
    with pytest.raises(RecordingError, match="has no zone 'oslo'; it has helsinki"):
        read_recording(str(path), "oslo")
    broken = sqlite3.connect(path)
    broken.execute("update events set data = 'half a li' where seq = 7")
    broken.commit()
    with pytest.raises(RecordingError, match="a row is damaged"):
        read_recording(str(path))
    broken.execute("update events set data = '{}' where seq = 7")
    broken.commit()
    with pytest.raises(RecordingError, match=r"Event 7 \(StorePaused\)"):
        read_recording(str(path))
    broken.execute("delete from events where seq = 7")
    broken.commit()
    with pytest.raises(RecordingError, match="has no event 7"):
        read_recording(str(path))
    broken.execute("update schema_version set version = 99")
    broken.commit()
    with pytest.raises(RecordingError, match="schema version 99"):
        read_recording(str(path))
    broken.close()


def test_a_ledger_that_somebody_holds_for_themselves_is_named(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Ledger(path).close()
    monkeypatch.setattr("api.storage.reading._WAITS_S", 0.1)
    holder = sqlite3.connect(path)
    holder.execute("pragma locking_mode = exclusive")
    holder.execute("begin exclusive")
    holder.execute("update schema_version set version = 4")
    with pytest.raises(RecordingError, match=r"locked.*holds it for itself"):
        read_recording(str(path))
    holder.rollback()
    holder.close()
