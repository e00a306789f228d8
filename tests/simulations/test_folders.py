"""A folder is one process's, and a file is there whole or not at all."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from simulations.errors import LoadError, SimulationError
from simulations.folders import held, whole, write_json

_HOLD = """
import sys
from pathlib import Path
from simulations.folders import held
with held(Path(sys.argv[1]), "--out"):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_folder_of_another_process_is_refused_until_that_ends(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "folder"
    with subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdin is not None
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with (
            pytest.raises(LoadError, match=r"another samehour .*--out"),
            held(folder, "--out", LoadError),
        ):
            pass
        other.stdin.close()
        assert other.wait() == 0
    with held(folder, "--out"):
        assert folder.is_dir()


def test_a_folder_that_cannot_be_made_names_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(SimulationError, match=r"cannot be written: .*--data-dir"),
        held(tmp_path / "file" / "folder", "--data-dir"),
    ):
        pass


def test_a_write_that_fails_leaves_what_was_there_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "kept.json"
    write_json(path, {"there": "ä"})
    before = path.read_text("utf-8")
    with pytest.raises(UnicodeEncodeError), whole(path) as draft:
        draft.write_text("half \udc80", "utf-8")
    assert path.read_text("utf-8") == before
    assert [found.name for found in tmp_path.iterdir()] == ["kept.json"]
