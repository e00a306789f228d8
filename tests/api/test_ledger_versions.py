"""Ledgers of every age are brought up to date when they are opened, wholly or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from databases import change, connected, rows
from old_ledgers import AT, VERSIONS, ZONE, write_old
from sqlalchemy import inspect

from api.storage import migrations, tables
from api.storage.errors import LedgerError
from api.storage.ledger import Ledger
from api.storage.reading import read_recording
from api.storage.records import Batch
from dispatch.events import Recorded, StorePaused, StoreResumed


def differences(ledger: str) -> list[object]:
    """Return how a ledger's tables differ from those that the code says."""
    migrations.all_tables()  # wherever they are defined
    with connected(ledger) as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": True}
        )
        return list(compare_metadata(context, tables.metadata))


def test_a_new_ledger_has_the_tables_that_the_code_says(ledger_name: str) -> None:
    Ledger(ledger_name).close()
    assert differences(ledger_name) == []
    change(ledger_name, "alter table events add column mood text")
    assert len(differences(ledger_name)) == 1  # or nothing above would be found either


@pytest.mark.parametrize("version", VERSIONS)
def test_an_old_ledger_becomes_what_a_new_one_is_and_keeps_what_it_had(
    ledger_name: str, version: int
) -> None:
    write_old(ledger_name, version)
    assert differences(ledger_name) != []
    with Ledger(ledger_name) as ledger:
        resumed = Recorded(ZONE, 2, AT + 5, StoreResumed("sto_1"))
        ledger.submit(Batch(ZONE, (resumed,))).result(timeout=10)
        assert ledger.read(ZONE) == [Recorded(ZONE, 1, AT, StorePaused("sto_1", "flood")), resumed]
        assert [one.courier_id for one in ledger.positions(ZONE)] == ["cou_1"]
        kept = ledger.kept_answer(ZONE, "key-1")
        assert kept is not None
        assert kept.status == 201
        if version > 1:
            assert ledger.secret("tokens") == b"x" * 32
    assert differences(ledger_name) == []
    assert rows(ledger_name, "select count(*) from tracks") == [(1,)]
    # Programs of that time refuse it by a number that they do not know.
    assert rows(ledger_name, "select version from schema_version") == [(tables.SCHEMA_VERSION,)]
    assert max(VERSIONS) < tables.SCHEMA_VERSION


@pytest.mark.parametrize("version", VERSIONS)
def test_an_old_ledger_is_read_as_it_is(ledger_name: str, version: int) -> None:
    write_old(ledger_name, version)
    found = read_recording(ledger_name)
    assert len(found.events) == 1
    assert found.has_journal is False
    assert differences(ledger_name) != []


def test_a_migration_that_fails_leaves_the_ledger_as_it_was(ledger_name: str) -> None:
    old = write_old(ledger_name, 2)
    # In the way of the last migration: those before it have been made by then.
    change(ledger_name, "create table checkpoints (note text)")
    with pytest.raises(LedgerError, match="cannot be opened"):
        Ledger(ledger_name)
    with connected(ledger_name) as connection:
        found = inspect(connection)
        assert set(found.get_table_names()) == {*old.tables, "checkpoints"}
        assert "n" not in {column["name"] for column in found.get_columns("tracks")}
    assert rows(ledger_name, "select version from schema_version") == [(2,)]
    change(ledger_name, "drop table checkpoints")
    with Ledger(ledger_name) as ledger:
        assert ledger.last_seq(ZONE) == 1
    assert differences(ledger_name) == []


def test_a_ledger_that_is_up_to_date_is_opened_without_alembic(
    ledger_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    Ledger(ledger_name).close()
    monkeypatch.setattr("alembic.command.upgrade", None)
    Ledger(ledger_name).close()
    change(ledger_name, "update alembic_version set version_num = 'r0003_journal'")
    with pytest.raises(TypeError):  # now there is something to do
        Ledger(ledger_name)


def test_migrations_are_one_line_of_files_named_after_their_revision() -> None:
    config = Config()
    config.set_main_option("script_location", str(migrations.HERE))
    config.set_main_option("path_separator", "os")
    script = ScriptDirectory.from_config(config)
    line = [revision.revision for revision in script.walk_revisions()]
    assert script.get_heads() == [line[0]], "give the younger one the other as down_revision"
    assert tuple(reversed(line)) == migrations.REVISIONS
    for revision in script.walk_revisions():
        assert Path(revision.path).stem == revision.revision
        assert len(revision.revision) <= 32  # as wide as Alembic's own column
