"""What the page about load shows is run as it stands."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from test_documentation import ROOT, bin_on_path, blocks, run_page

from simulations.load.sla import sla_of

__all__ = ["bin_on_path"]


@pytest.mark.long
def test_the_load_test_shown_runs(tmp_path: Path, bin_on_path: dict[str, str]) -> None:
    printed = run_page("loadtest.md", tmp_path, bin_on_path).stdout
    said, _, endpoints = printed.partition("\n{")
    headline = json.loads("{" + endpoints.splitlines()[0])
    assert "SLA met: deliveries refused_share" in said
    assert headline["errors"] == 0
    assert f"{headline['requests']} requests, 0 errors" in endpoints
    assert {
        "GET /healthz",
        "GET /v1/board",
        "GET /v1/track/{id}",
        "POST /v1/couriers/positions",
        "POST /v1/orders",
        "POST /v1/orders/{id}/picking",
        "POST /v1/quotes",
    } <= set(endpoints.splitlines())
    rows = pq.read_table(tmp_path / "load" / "requests.parquet").to_pylist()
    assert not [row for row in rows if row["status"] >= 500]
    assert sum(row["phase"] == "load" for row in rows) == headline["requests"]
    orders = pq.read_table(tmp_path / "load" / "orders.parquet").to_pylist()
    assert "delivered" in {order["ending"] for order in orders}
    page = (tmp_path / "load" / "report.html").read_text(encoding="utf-8")
    assert not re.search(r'(src|href)="(?!#|data:)', page)


def test_the_thresholds_shown_can_be_asked_for(tmp_path: Path) -> None:
    (shown,) = blocks(ROOT / "docs" / "loadtest.md", "toml")
    path = tmp_path / "sla.toml"
    path.write_text(shown, encoding="utf-8")
    assert len(sla_of([str(path)]).thresholds) == 5
    assert tomllib.loads(shown)["deliveries"]["on_time_share"] == 0.9
