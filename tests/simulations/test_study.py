"""Studies in folders: nothing done is lost, nothing is mixed up, and every run gives the same."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from served import Served

from dispatch.model import Policy
from geo.errors import GeoError
from simulations.errors import SimulationError, StudyMismatchError
from simulations.scenarios.settings import MeasureSettings, Scenario
from simulations.studies import replicating
from simulations.studies import workers as study_workers
from simulations.studies.folder import StudyFolder, open_study
from simulations.studies.outcome import Ending
from simulations.studies.rows import evening_of
from simulations.studies.run import FailedError, StoppedError, Wish, run_study, wish
from simulations.studies.study import Study
from simulations.studies.workers import Errand, Said, run_in_processes

QUICK = Policy(name="quick", improve_rounds=5, routing_min_orders=1_000_000)
PLACE = "replications/seed-{}/replication.json"
ROWS = ("orders", "couriers", "minutes")


@pytest.fixture(scope="module")
def short(friday: Scenario) -> Scenario:
    """Return a minute and a half that counts, after half a minute that does not."""
    return replace(friday, measure=MeasureSettings(lasts_s=90, warm_up_s=30, cool_down_s=240))


def wanted(scenario: Scenario, folder: Path, replications: int, seed: int = 1) -> Wish:
    return wish("short@quick", scenario, QUICK, replications=replications, seed=seed, folder=folder)


@pytest.fixture(scope="module")
def study(short: Scenario, tmp_path_factory: pytest.TempPathFactory) -> Study:
    folder = tmp_path_factory.mktemp("study")
    return run_study(wanted(short, folder, 3), jobs=1).study


def test_a_study_has_its_evenings_and_what_they_come_to(study: Study) -> None:
    assert study.seeds == (1, 2, 3)
    assert study.failed == {}
    assert study.breaches == ()
    for one in study.replications:
        assert one.measured_from - one.starts_at == 30
        assert one.measured_until - one.measured_from == 90
        # Until all have what they ordered, or four minutes are over.
        assert one.measured_until <= one.ends_at <= one.measured_until + 240
    asked = study.estimates["orders_asked"]
    assert asked.values == tuple(one.figures["orders_asked"] for one in study.replications)
    assert asked.mean == pytest.approx(sum(v for v in asked.values if v is not None) / 3)
    assert asked.low is not None
    assert study.distributions["pick_wait_s"].count > 0


def test_its_rows_say_the_same_as_its_figures(study: Study) -> None:
    for one in study.replications:
        evening = study.load_evening(one.seed)
        measured = [row for row in evening.orders if row.is_measured]
        wholes = {row.part_of or row.order_id for row in measured}
        assert one.figures["orders_asked"] == len(wholes)
        assert any(not row.is_measured for row in evening.orders)
        open_ones = sum(row.ending is Ending.OPEN for row in measured)
        assert one.figures["open_at_end"] == open_ones


def test_the_log_kept_is_the_evening_s(study: Study) -> None:
    one = next(one for one in study.replications if one.seed == study.middle)
    again = evening_of(
        study.load_log(),
        seed=one.seed,
        starts_at=one.starts_at,
        ends_at=one.ends_at,
        measured_from=one.measured_from,
        measured_until=one.measured_until,
        refused_commands=one.refused_commands,
    )
    assert again == study.load_evening(study.middle)
    playback = study.load_playback()
    assert (playback.seed, playback.begins_at, playback.ends_at) == (
        one.seed,
        one.starts_at,
        one.ends_at,
    )
    assert {track.courier_id for track in playback.tracks} <= {
        card.courier_id for card in playback.couriers
    }
    assert all(a < b for track in playback.tracks for a, b in zip(track.at, track.at[1:]))  # noqa: B905
    assert not [*study.folder.glob("replications/*/log*")]


def test_parquet_says_what_its_columns_are(study: Study) -> None:
    for name in (*ROWS, "figures"):
        table = pq.read_table(study.folder / f"{name}.parquet")
        assert set(table["seed"].to_pylist()) == {1, 2, 3}
        assert set(table["replication"].to_pylist()) == {0, 1, 2}
        assert all(field.metadata[b"meaning"] for field in table.schema)
    assert study.load_orders().num_rows == sum(
        len(study.load_evening(seed).orders) for seed in study.seeds
    )


def test_what_is_done_is_not_done_again(study: Study, short: Scenario) -> None:
    before = (study.folder / PLACE.format(1)).stat().st_mtime_ns
    again = run_study(wanted(short, study.folder, 3), jobs=1)
    assert again.new == 0
    assert again.study.estimates == study.estimates
    assert again.study.load_log() == study.load_log()
    assert (study.folder / PLACE.format(1)).stat().st_mtime_ns == before


def test_another_study_is_refused_by_what_differs(study: Study, short: Scenario) -> None:
    other = replace(short, travel=replace(short.travel, decline_share=0.5))
    with pytest.raises(StudyMismatchError, match=r"travel\.decline_share: 0\.\d+, now 0\.5") as one:
        run_study(wanted(other, study.folder, 3), jobs=1)
    assert "--fresh" in str(one.value)
    policy = replace(wanted(short, study.folder, 3), policy=replace(QUICK, late_cost=1.0))
    with pytest.raises(StudyMismatchError, match=r"policy\.late_cost: 20\.0, now 1\.0"):
        run_study(policy, jobs=1)
    # What it is called decides nothing.
    assert run_study(replace(wanted(short, study.folder, 3), variant="other"), jobs=1).new == 0


def test_a_folder_with_other_things_is_left_alone(short: Scenario, tmp_path: Path) -> None:
    (tmp_path / "holiday.jpg").write_text("mine")
    with pytest.raises(SimulationError, match=r"holiday\.jpg"):
        run_study(wanted(short, tmp_path, 1), jobs=1, fresh=True)
    assert (tmp_path / "holiday.jpg").read_text() == "mine"


def test_two_at_once_do_not_work_in_one_folder(short: Scenario, tmp_path: Path) -> None:
    one = wanted(short, tmp_path, 1)
    with (
        StudyFolder(tmp_path, one.identity).held(fresh=False),
        pytest.raises(SimulationError, match="another samehour works in"),
    ):
        run_study(one, jobs=1)


def test_an_evening_that_fails_takes_no_other_with_it(
    study: Study, short: Scenario, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails_on_two(*arguments: object, **options: object) -> replicating.Ran:
        if arguments[3] == 2:
            raise ArithmeticError("two is one too many")
        return replicating.replicate(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(study_workers, "replicate", fails_on_two)
    found = run_study(wanted(short, tmp_path, 2, seed=2), jobs=1).study
    assert found.seeds == (3,)
    assert (found.wanted, list(found.failed)) == (2, [2])
    assert "two is one too many" in found.failed[2]
    monkeypatch.undo()
    whole = run_study(wanted(short, tmp_path, 2, seed=2), jobs=1)
    assert (whole.new, whole.study.failed) == (1, {})
    assert [one.figures for one in whole.study.replications] == [
        one.figures for one in study.replications[1:]
    ]


def test_when_all_fail_that_is_the_answer(
    short: Scenario, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_arguments: object, **_options: object) -> None:
        raise GeoError("the bridge is up")

    monkeypatch.setattr(study_workers, "replicate", fails)
    with pytest.raises(FailedError, match="the bridge is up"):
        run_study(wanted(short, tmp_path, 1), jobs=1)
    with pytest.raises(SimulationError, match="was stopped before its end"):
        open_study(tmp_path)


def test_ctrl_c_says_how_far_it_was_and_loses_nothing(
    study: Study, short: Scenario, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*arguments: object, **options: object) -> replicating.Ran:
        if arguments[3] == 2:
            raise KeyboardInterrupt
        return replicating.replicate(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(study_workers, "replicate", interrupted)
    with pytest.raises(StoppedError, match="stopped after 1 of 3; the same command goes on"):
        run_study(wanted(short, tmp_path, 3), jobs=1)
    monkeypatch.undo()
    came = run_study(wanted(short, tmp_path, 1), jobs=1)
    assert came.new == 0
    assert came.study.replications[0].figures == study.replications[0].figures


@pytest.mark.soak
def test_a_process_of_its_own_gives_the_same_bit_for_bit(
    study: Study, short: Scenario, tmp_path: Path
) -> None:
    heard: list[Said] = []
    one = wanted(short, tmp_path, 1)
    with StudyFolder(tmp_path, one.identity).held(fresh=False):
        run_in_processes(Errand(tmp_path, one.identity, one.city.path), [1], 1, heard.append)
    assert heard[-1] == ("done", 1, 1.0)
    place = "replications/seed-1"
    for name in ROWS:
        there = pq.read_table(tmp_path / place / f"{name}.parquet")
        assert there.equals(pq.read_table(study.folder / place / f"{name}.parquet"))
    figures = [
        json.loads((folder / PLACE.format(1)).read_text())["figures"]
        for folder in (tmp_path, study.folder)
    ]
    assert figures[0] == figures[1]


def test_a_killed_study_goes_on_where_it_was(tmp_path: Path) -> None:
    (tmp_path / "quick.toml").write_text('name = "quick"\nimprove_rounds = 5\n')
    arguments = [
        "simulate",
        'helsinki-friday,measure.cool_down="2m"',
        "--policy",
        "quick.toml",
        "--for",
        "1m",
    ]
    arguments += ["--replications", "2", "--jobs", "1", "--no-report", "--out", "out"]
    killed = Served(arguments, tmp_path, tmp_path / "killed.log")
    first = tmp_path / "out" / PLACE.format(1)
    deadline = time.monotonic() + 60
    while not first.exists():
        assert killed.poll() is None, (tmp_path / "killed.log").read_text()
        assert time.monotonic() < deadline
        time.sleep(0.01)
    os.kill(killed.pid, signal.SIGKILL)
    killed.wait(10)
    done_at = first.stat().st_mtime_ns
    with pytest.raises(SimulationError, match="was stopped before its end"):
        open_study(tmp_path / "out")
    again = Served(arguments, tmp_path, tmp_path / "again.log")
    assert again.wait(60) == 0, (tmp_path / "again.log").read_text()
    assert first.stat().st_mtime_ns == done_at
    found = open_study(tmp_path / "out")
    assert found.seeds == (1, 2)
    assert not [*(tmp_path / "out" / "replications").glob(".*")]


def test_a_middle_that_moved_is_lived_again(
    study: Study, short: Scenario, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(study.folder, tmp_path, dirs_exist_ok=True)
    other = next(seed for seed in study.seeds if seed != study.middle)
    monkeypatch.setattr(StudyFolder, "middle", lambda _self, _seeds: other)
    came = run_study(wanted(short, tmp_path, 3), jobs=1)
    assert (came.new, came.study.middle) == (0, other)
    assert came.study.load_evening(other) == study.load_evening(other)
    assert len(came.study.load_log()) > 100
    assert came.study.load_playback().seed == other


def test_a_middle_that_cannot_be_lived_again_is_told(
    study: Study, short: Scenario, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_arguments: object, **_options: object) -> None:
        raise OSError("no space left on device")

    shutil.copytree(study.folder, tmp_path, dirs_exist_ok=True)
    other = next(seed for seed in study.seeds if seed != study.middle)
    monkeypatch.setattr(StudyFolder, "middle", lambda _self, _seeds: other)
    monkeypatch.setattr(study_workers, "replicate", fails)
    with pytest.raises(FailedError, match=f"seed {other} of .* failed:(.|\n)*no space left"):
        run_study(wanted(short, tmp_path, 3), jobs=1)
