"""Ledgers are backed up, restored and moved to another database by commands that a page shows."""

from __future__ import annotations

import os
import re
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Town
from databases import Server, programs, rows
from old_ledgers import write_old

import samehour
from api.storage.copying import copy
from api.storage.errors import LedgerError
from api.storage.ledger import Ledger
from api.storage.records import Batch, Blob, KeptAnswer, Position
from dispatch.events import Recorded, StorePaused
from geo.types import LonLat

ZONE = "testville"
START = 1_800_000_000
PAGE = Path(__file__).resolve().parents[2] / "docs" / "operations.md"


def paused(seq: int) -> Recorded:
    return Recorded(ZONE, seq, START + seq, StorePaused("sto_1", "flood"))


def filled(where: str) -> bytes:
    """Write something of everything; returns the ledger's secret."""
    seen = Position("cou_1", LonLat(24.93, 60.16), START, START + 1)
    kept = KeptAnswer("key-1", "hash", 201, '{"id": "ord_1"}', START)
    with Ledger(where) as ledger:
        events = tuple(paused(seq) for seq in range(1, 2501))
        ledger.submit(Batch(ZONE, events, (seen,), (kept,))).result(timeout=30)
        ledger.keep_blob(ZONE, Blob("blob_1", "image/png", b"\x89PNG\x00\xff"), START)
        return ledger.secret("tokens")


def holds_all(where: str, secret: bytes) -> None:
    with Ledger(where) as ledger:
        assert ledger.read(ZONE) == [paused(seq) for seq in range(1, 2501)]
        assert [one.courier_id for one in ledger.positions(ZONE)] == ["cou_1"]
        kept = ledger.kept_answer(ZONE, "key-1")
        assert kept is not None
        assert kept.body == '{"id": "ord_1"}'
        blob = ledger.blob(ZONE, "blob_1")
        assert blob is not None
        assert blob.body == b"\x89PNG\x00\xff"
        assert ledger.secret("tokens") == secret
        # And it goes on: numbers that the database gives follow those that were copied.
        seen = Position("cou_1", LonLat(24.94, 60.17), START + 9, START + 9)
        ledger.submit(Batch(ZONE, (paused(2501),), (seen,))).result(timeout=10)
        assert ledger.last_seq(ZONE) == 2501


def test_a_ledger_moves_to_the_other_database_and_back(tmp_path: Path, postgresql: Server) -> None:
    first, second, third = str(tmp_path / "a.db"), postgresql.new(), str(tmp_path / "b.db")
    secret = filled(first)
    copied = copy(first, second)
    assert (copied["events"], copied["tracks"], copied["blobs"]) == (2500, 1, 1)
    assert copy(second, third) == copied
    holds_all(second, secret)
    holds_all(third, secret)


def test_what_is_there_already_is_never_written_over(tmp_path: Path, postgresql: Server) -> None:
    source, target = str(tmp_path / "a.db"), postgresql.new()
    filled(source)
    with Ledger(target) as ledger:
        ledger.submit(Batch(ZONE, (paused(1),))).result(timeout=10)
    with pytest.raises(LedgerError, match="is not empty: its table events has rows"):
        copy(source, target)
    assert rows(target, "select count(*) from events") == [(1,)]
    assert rows(target, "select count(*) from tracks") == [(0,)]
    with pytest.raises(LedgerError, match="is not there"):
        copy(str(tmp_path / "none.db"), postgresql.new())
    with Ledger(source), pytest.raises(LedgerError, match="in use by another samehour"):
        copy(source, postgresql.new())


def shown(word: str) -> list[str]:
    """Return the commands of the page that begin with a word."""
    blocks = re.findall(r"^```sh\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line.startswith(word)]


def run(command: str, folder: Path) -> str:
    path = f"{programs()}{os.pathsep}{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


def test_the_page_s_commands_back_up_a_file_that_a_service_writes(
    own_town: Town, tmp_path: Path
) -> None:
    own_town.ledger = str(tmp_path / ".samehour" / "ledger.db")
    town = own_town.start()
    store = town.stock()[0]["id"]
    commands = [line for line in shown("samehour ledger ") if "postgresql" not in line]
    assert [line.split()[2] for line in commands] == ["backup", "version", "version", "upgrade"]
    said = [run(line, tmp_path) for line in commands[:3]]
    assert all("up to date" in one for one in said[1:])
    # What comes afterwards is not in it.
    town.post(f"/v1/stores/{store}/pause", {"reason": "flood"})
    events = town.events()
    assert town.stop() == 0
    run(commands[3], tmp_path)
    town.ledger = str(tmp_path / "backup.db")
    town.start()
    assert town.events() == events[: len(town.events())]
    assert len(town.events()) >= 15
    assert town.get(f"/v1/stores/{store}")["paused"] is False


def test_the_page_s_commands_move_to_postgresql_and_back_it_up(
    tmp_path: Path, postgresql: Server
) -> None:
    (tmp_path / ".samehour").mkdir()
    source = str(tmp_path / ".samehour" / "ledger.db")
    secret = filled(source)
    moved, restored = postgresql.new(), postgresql.new()

    def ours(command: str) -> str:
        plain = {"moved": moved, "ledger": moved, "restored": restored}
        for name, url in plain.items():
            there = url.replace("postgresql+psycopg", "postgresql")
            command = re.sub(rf"postgresql://shop@db\.example/{name}\b", f"'{there}'", command)
        assert "db.example" not in command
        return command

    copying = [line for line in shown("samehour ledger copy") if "db.example" in line]
    assert len(copying) == 1
    assert "2500" in run(ours(copying[0]), tmp_path)
    for line in (*shown("pg_dump"), *shown("pg_restore")):
        run(ours(line), tmp_path)
    (version,) = (line for line in shown("samehour ledger version") if "restored" in line)
    assert "up to date" in run(ours(version), tmp_path)
    holds_all(restored, secret)
    holds_all(moved, secret)


def test_an_old_ledger_is_upgraded_by_command(
    ledger_name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write_old(ledger_name, 2)
    assert samehour.main(["ledger", "version", ledger_name]) == 0
    assert capsys.readouterr().out.startswith("r0002_pictures, of r0")
    assert samehour.main(["ledger", "upgrade", ledger_name]) == 0
    assert capsys.readouterr().out.startswith("r0002_pictures -> r0")
    assert samehour.main(["ledger", "version", ledger_name]) == 0
    assert "up to date" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["backup", "none.db", "to.db"], "none.db is not there"),
        (["backup", "postgresql://shop:s3cret@here/x", "to.db"], "shop:***@here/x is in no file"),
        (["backup", "here.db", "here.db"], "is there already; name another file"),
        (["backup", "text.db", "to.db"], "file is not a database"),
        (["version", "none.db"], "none.db is not there"),
        (["upgrade", "none.db"], "none.db is not there"),
        (["copy", "none.db", "to.db"], "none.db is not there"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: list[str],
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    Ledger("here.db").close()
    (tmp_path / "text.db").write_text("milk, bread, eggs\n" * 100, encoding="utf-8")
    assert samehour.main(["ledger", *command]) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "to.db").exists()
    sqlite3.connect("here.db").close()
