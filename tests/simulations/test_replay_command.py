"""`samehour replay`, from a ledger's file to a report; and what it says to wrong use."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest
from recorded import recorded_evening, write_ledger

import samehour
from dispatch.model import Policy
from dispatch.recording import Recording
from geo.city import City
from simulations.replays import replaying
from simulations.scenarios.settings import PlanningSettings, Scenario

POLICY = Policy(improve_rounds=2, replan_every_s=60)


@pytest.fixture(scope="module")
def recording(friday: Scenario, helsinki: City) -> Recording:
    seldom = replace(friday, planning=PlanningSettings(pause_s=60))
    return recorded_evening(seldom, helsinki, POLICY, 600)


@pytest.fixture
def ledger(recording: Recording, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(replaying, "compile_all", lambda _stream: None)
    write_ledger(recording, tmp_path / "day.db")
    return tmp_path / "day.db"


def ran(*arguments: object) -> int:
    return samehour.main(["replay", *map(str, arguments)])


def test_a_day_is_replayed_measured_learned_from_and_shown(
    ledger: Path, recording: Recording, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ran(ledger, "--learn", "learned.toml", "--json") == 0
    said = capsys.readouterr().out
    assert f"identical: {len(recording.events):,} events" in said
    assert "promises kept:" in said
    found = json.loads(said.splitlines()[-1])
    assert found["exact"]["identical"] is True
    assert found["learned"]["stores"]
    home = next((ledger.parent / ".samehour" / "replays").iterdir())
    assert json.loads((home / "replay.json").read_text())["exact"] == found["exact"]
    assert (home / "orders.parquet").is_file()
    report = (home / "report.html").read_text()
    assert "Identical:" in report
    assert "<script" not in report.replace("<script>", "")
    assert (ledger.parent / "learned.toml").is_file()
    assert (ledger.parent / "learned.speeds.toml").is_file()
    # Nothing is left beside the ledger.
    assert not list(ledger.parent.glob("day.db-*"))


def test_another_policy_is_asked_about_and_what_was_run_is_kept(
    ledger: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("brave.toml").write_text("promise_margin_s = 120\nimprove_rounds = 2\n")
    asked = [ledger, "--policy", "brave.toml", "--couriers", "+1 bike", "--replications", "1"]
    assert ran(*asked, "--no-report") == 0
    said = capsys.readouterr().out
    assert "What if policy brave.toml, couriers +1 bike (A: as it was, B: otherwise; 1 " in said
    assert "model A" in said
    home = next((ledger.parent / ".samehour" / "replays").iterdir())
    assert len(list((home / "runs").iterdir())) == 2
    assert (home / "model-orders.parquet").is_file()

    def again(*_arguments: object) -> None:
        raise AssertionError("what is there is not run again")

    monkeypatch.setattr(replaying, "lived", again)
    assert ran(*asked) == 0
    assert "What if" in (home / "report.html").read_text()


def test_a_ledger_that_was_changed_is_found_out(
    ledger: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ran(ledger, "--no-report") == 0
    capsys.readouterr()
    changed = sqlite3.connect(ledger)
    changed.execute(
        "update events set data = json_set(data, '$.order.note', 'ring twice') where seq = "
        "(select min(seq) from events where type = 'OrderReceived')"
    )
    changed.commit()
    changed.close()
    assert ran(ledger, "--no-report") == 1  # what was found before does not count any more
    said = capsys.readouterr().out
    assert "NOT identical: 1 of" in said
    assert "OrderReceived.order.note was 'ring twice', now ''" in said


def test_an_old_ledger_still_says_how_forecasts_held(
    recording: Recording,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    write_ledger(recording, tmp_path / "old.db", with_journal=False)
    assert ran("old.db", "--no-report", "--out", "here") == 0
    said = capsys.readouterr().out
    assert "not lived again: old.db has no journal" in said
    assert "picking" in said


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere.db"], "is not there"),
        (["day.db", "--zone", "oslo"], "has no zone 'oslo'"),
        (["day.db", "--policy", "nonsense"], "policy 'nonsense'"),
        (["day.db", "--couriers", "+3 balloon"], "'balloon'"),
        (["day.db", "--couriers=-cou_nobody", "--replications", "1"], "no such courier"),
        (["day.db", "--city", "atlantis"], "--city"),
        (["day.db", "--from", "tomorrow"], "is no time"),
        (["day.db", "--from", "2026-11-20T18:00", "--to", "2026-11-20T17:00"], "is not after"),
        (["day.db", "--out", "taken"], "has other things in it"),
        (["day.db", "--push", "localhost:here"], "is no address of a service"),
    ],
)
def test_wrong_use_is_said_and_nothing_is_done(
    ledger: Path, arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("taken").mkdir()
    Path("taken/letter.txt").write_text("mine")
    assert ran(*arguments) == 2
    said = capsys.readouterr()
    assert words in said.err
    assert said.out == ""


def test_a_reach_or_number_that_is_none_is_refused_by_the_command_line(ledger: Path) -> None:
    for arguments in (["--reach", "far"], ["--replications", "0"]):
        with pytest.raises(SystemExit) as ended:
            ran(ledger, *arguments)
        assert ended.value.code == 2


def test_when_it_is_interrupted_the_same_command_goes_on(
    ledger: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_arguments: object, **_how: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("simulations.replays.replay.plan", stop)
        patch.setattr("simulations.replays.folder._KEEP_EVERY", 5)
        assert ran(ledger) == 1
    assert "the same command goes on from there" in capsys.readouterr().err
    home = next((ledger.parent / ".samehour" / "replays").iterdir())
    mark = json.loads((home / "progress.json").read_text())["mark"]
    assert mark["n"] > 0
    assert ran(ledger, "--no-report") == 0
    assert "identical: " in capsys.readouterr().out
