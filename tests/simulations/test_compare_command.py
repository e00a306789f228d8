"""`samehour simulate` and `samehour compare` as they are typed."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

import samehour
from simulations.studies.compare import open_comparison
from simulations.studies.measures import FIGURES

SHORT = "helsinki-friday,measure.lasts=2m,measure.cool_down=2m"
RUN = ["--replications", "2", "--jobs", "1", "--no-report"]


@pytest.fixture(scope="module")
def policies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("policies")
    (folder / "quick.toml").write_text('name = "quick"\nimprove_rounds = 5\n')
    (folder / "stingy.toml").write_text(
        'name = "stingy"\nimprove_rounds = 5\npromise_min_s = 300\n'
        "promise_margin_s = 120\npromise_max_s = 600\n"
    )
    return folder


def variant(policies: Path, name: str) -> str:
    head, comma, changes = SHORT.partition(",")
    return f"{head}@{policies / name}.toml{comma}{changes}"


def test_two_variants_are_compared(
    policies: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    a, b = variant(policies, "quick"), variant(policies, "stingy")
    assert samehour.main(["compare", a, b, *RUN, "--out", str(tmp_path / "both"), "--json"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:3] == [f"A: {a}", f"B: {b}", "2 evenings, seeds 1 to 2, the same for both"]
    found = open_comparison(tmp_path / "both")
    asked, refused = found.differences["orders_asked"], found.differences["refused_share"]
    # The same customers click; who promises nothing later than ten minutes sends some away.
    assert asked.pairs == (0.0, 0.0)
    assert refused.mean is not None
    assert refused.mean > 0
    said = json.loads(lines[-1])
    assert said["verdict"] == list(found.verdict)
    assert all(sentence in lines for sentence in found.verdict)
    table = pq.read_table(tmp_path / "both" / "differences.parquet")
    assert table["figure"].to_pylist() == list(FIGURES)
    assert all(field.metadata[b"meaning"] for field in table.schema)


def test_what_was_run_is_not_run_again(
    policies: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    name = variant(policies, "quick")
    assert samehour.main(["simulate", name, *RUN]) == 0
    first = capsys.readouterr().out
    assert "2 evenings, seeds 1 to 2" in first
    assert "in time, of 100 asked for" in first
    assert samehour.main(["simulate", name, *RUN]) == 0
    again = capsys.readouterr().out
    assert again.startswith(first)
    assert "nothing was left to run" in again
    # Against itself: the evenings that are there serve both.
    assert samehour.main(["compare", name, name, *RUN]) == 0
    assert "A and B come to exactly the same on all 2 evenings." in capsys.readouterr().out
    assert len([*(tmp_path / ".samehour" / "studies").iterdir()]) == 1


def test_both_variants_are_read_before_either_is_run(
    policies: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = variant(policies, "quick")
    out = tmp_path / "never"
    assert samehour.main(["compare", good, "atlantis-sunday", "--out", str(out)]) == 2
    assert "helsinki-friday" in capsys.readouterr().err
    assert not out.exists()


def test_two_cities_are_not_compared(
    policies: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "never"
    both = [variant(policies, "quick"), "la-serena-tuesday"]
    assert samehour.main(["compare", *both, "--out", str(out)]) == 2
    assert "in helsinki and la-serena-tuesday in la-serena" in capsys.readouterr().err
    assert not out.exists()


def test_one_policy_only_is_named(policies: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name, other = variant(policies, "quick"), str(policies / "stingy.toml")
    assert samehour.main(["simulate", name, "--policy", other]) == 2
    assert "name one of them" in capsys.readouterr().err


def test_a_study_of_something_else_is_not_written_over(
    policies: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = ["--out", str(tmp_path / "mine"), "--no-report"]
    one = ["simulate", variant(policies, "quick"), *out]
    assert samehour.main(one) == 0
    other = ["simulate", variant(policies, "stingy"), *out]
    assert samehour.main(other) == 2
    said = capsys.readouterr().err
    assert "policy.promise_max_s: 3600, now 600" in said
    assert "--fresh" in said
    assert samehour.main([*other, "--fresh"]) == 0


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("--replications", "0", "from 1 to 10000"),
        ("--replications", "ten", "from 1 to 10000"),
        ("--jobs", "-1", "from 1 to 1024"),
        ("--for", "60", "60m"),
        ("--seed", "-1", "from 0 to 2147483647"),
    ],
)
def test_what_cannot_be_is_refused(
    option: str, value: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        samehour.main(["simulate", "helsinki-friday", option, value])
    assert stopped.value.code == 2
    assert words in capsys.readouterr().err


@pytest.mark.soak
def test_two_processes_give_the_same_as_one(policies: Path, tmp_path: Path) -> None:
    name = variant(policies, "quick")
    for jobs in ("1", "2"):
        done = ["simulate", name, "--replications", "3", "--jobs", jobs, "--no-report"]
        assert samehour.main([*done, "--out", str(tmp_path / jobs)]) == 0
    for table in ("orders", "couriers", "minutes", "figures"):
        one, two = ((tmp_path / jobs / f"{table}.parquet").read_bytes() for jobs in ("1", "2"))
        assert one == two
    logs = [next((tmp_path / jobs).glob("middle-*/log.jsonl.zst")) for jobs in ("1", "2")]
    assert logs[0].read_bytes() == logs[1].read_bytes()
