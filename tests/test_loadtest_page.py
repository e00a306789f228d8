"""What the page about load shows is run as it stands."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

from test_documentation import ROOT, bin_on_path, blocks, run_page

from simulations.load.sla import sla_of

__all__ = ["bin_on_path"]


def test_the_load_test_shown_runs(tmp_path: Path, bin_on_path: dict[str, str]) -> None:
    printed = run_page("loadtest.md", tmp_path, bin_on_path).stdout
    said, _, endpoints = printed.partition("\n{")
    headline = json.loads("{" + endpoints.splitlines()[0])
    assert "SLA met: deliveries refused_share" in said
    assert headline["errors"] == 0
    assert f"{headline['requests']} requests, 0 errors" in endpoints
    assert "POST /v1/orders\n" in endpoints
    assert (tmp_path / "load" / "report.html").exists()


def test_the_thresholds_shown_can_be_asked_for(tmp_path: Path) -> None:
    (shown,) = blocks(ROOT / "docs" / "loadtest.md", "toml")
    path = tmp_path / "sla.toml"
    path.write_text(shown, encoding="utf-8")
    assert len(sla_of([str(path)]).thresholds) == 5
    assert tomllib.loads(shown)["deliveries"]["on_time_share"] == 0.9
