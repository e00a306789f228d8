"""What the page about replays says is run here as it stands."""

from __future__ import annotations

import re
import shlex
from dataclasses import replace
from pathlib import Path

import pytest
from recorded import recorded_evening, write_ledger

import samehour
from dispatch.model import Policy
from geo.city import load_city
from simulations.scenarios.scenario import load_scenario
from simulations.scenarios.settings import PlanningSettings

PAGE = Path(__file__).resolve().parents[1] / "docs" / "replay.md"
LEDGER = Path(".samehour/demo/ledger.db")
FENCE = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.mark.soak
def test_every_command_of_the_page_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seldom = replace(load_scenario("helsinki-friday"), planning=PlanningSettings(pause_s=60))
    quick = Policy(improve_rounds=2, replan_every_s=60)
    evening = recorded_evening(seldom, load_city("helsinki"), quick, 900)
    monkeypatch.chdir(tmp_path)
    LEDGER.parent.mkdir(parents=True)
    write_ledger(evening, LEDGER)
    lines = [line for text in FENCE.findall(PAGE.read_text()) for line in text.splitlines()]
    assert len(lines) > 5
    for line in lines:
        name, *arguments = shlex.split(line)
        assert name == "samehour"
        if "--push" in arguments:
            continue  # there is no service here; test_replay_over_http has one
        if arguments[0] == "simulate":
            arguments += ["--for", "5m", "--jobs", "1", "--no-report"]
        assert samehour.main(arguments) == 0, line
    assert "identical: " in capsys.readouterr().out
