"""What `docs/solve.md` shows is run here as it stands."""

from __future__ import annotations

import json
import re
from pathlib import Path

from test_documentation import ROOT, bin_on_path, run_page

from api.settings import ENV_PREFIX, Settings

__all__ = ["bin_on_path"]

PAGE = (ROOT / "docs" / "solve.md").read_text(encoding="utf-8")


def test_the_page_s_problem_is_solved(tmp_path: Path, bin_on_path: dict[str, str]) -> None:
    said = json.loads(run_page("solve.md", tmp_path, bin_on_path).stdout)
    assert said["code"] == 0
    assert said["unassigned"] == []
    (route,) = said["routes"]
    assert [step["id"] for step in route["steps"] if step["type"] == "break"] == [1]
    assert route["geometry"]


def test_the_page_s_limits_are_the_service_s() -> None:
    rows = re.findall(r"\| `SAMEHOUR_(SOLVE_\w+)` \| (\d+) \|", PAGE)
    known = {name for name in Settings.model_fields if name.startswith("solve_")}
    assert {name.lower() for name, _ in rows} == known
    for name, default in rows:
        assert Settings.model_fields[name.lower()].default == float(default), ENV_PREFIX + name
