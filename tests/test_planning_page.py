"""The commands of docs/planning.md, shortened, and its Python."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

import samehour
from simulations.studies.parquet import ORDERS

PAGE = Path(__file__).resolve().parents[1] / "docs" / "planning.md"
SHORTER = {"60m": "3m", "10": "1"}
LESS = ",measure.warm_up=0m,measure.cool_down=2m"


def shown(language: str) -> list[str]:
    found = re.findall(rf"^```{language}\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    return [str(text) for text in found]


def test_the_page_runs_as_it_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "quick.toml").write_text("improve_rounds = 5\n")
    for text in shown("sh"):
        words = [SHORTER.get(word, word) for word in shlex.split(text)[1:]]
        words += [] if "--replications" in words else ["--replications", "1"]
        # A short run under a quick policy: what the words mean is tested elsewhere.
        words = [
            re.sub(r"^helsinki-tuesday", "helsinki-tuesday@quick.toml", word)
            + (LESS if word.startswith("helsinki-") else "")
            for word in words
        ]
        out = "study" if words[0] == "simulate" else "both"
        assert samehour.main([*words, "--jobs", "1", "--no-report", "--out", out]) == 0
    said = capsys.readouterr().out
    assert "the same for both" in said
    assert "On this one evening: " in said
    (python,) = shown("py")
    exec(compile(python, str(PAGE), "exec"), {})  # noqa: S102  the page's own
    printed = capsys.readouterr().out
    assert all(name in printed for name in ORDERS)
    kept = re.findall(r"^\| `([^`]+)`(?:, `([^`]+)`)? \|", PAGE.read_text(), re.MULTILINE)
    names = {name for pair in kept for name in pair if name} - {"report.html"}
    for name in names:
        assert [*tmp_path.glob(f"*/{name.rstrip('/')}")], name
