"""The explanations shown are those that the commands print, from the same rush hour every time."""

from __future__ import annotations

import re
import runpy
import shlex
from pathlib import Path

import pytest

import samehour

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "explanations.md"
SESSION = re.compile(r"^```console\n\$ samehour (.*?)\n(.*?)^```", re.MULTILINE | re.DOTALL)
SHELL = re.compile(r"^```sh\npython (\S+) (.*?)\n```", re.MULTILINE)


def test_the_five_whys_are_on_the_page() -> None:
    said = PAGE.read_text()
    titles = ["this store", "wait", "late", "not routed"]
    assert all(f"## Why {title}" in said for title in titles)
    assert "## What would free it" in said
    assert len(SESSION.findall(said)) == len(titles) + 1


@pytest.mark.soak
def test_each_command_prints_what_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ((script, arguments),) = SHELL.findall(PAGE.read_text())
    monkeypatch.chdir(tmp_path)
    assert runpy.run_path(str(ROOT / script))["main"](shlex.split(arguments)) == 0
    for command, shown in SESSION.findall(PAGE.read_text()):
        assert samehour.main(shlex.split(command)) == 0
        assert capsys.readouterr().out == shown, command
