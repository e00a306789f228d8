"""What the page about orders says is run here as it stands."""

from __future__ import annotations

import ast
from pathlib import Path

from test_documentation import bin_on_path, run_page

__all__ = ["bin_on_path"]


def test_the_orders_page_quotes_orders_changes_and_gives_up(
    tmp_path: Path,
    bin_on_path: dict[str, str],
) -> None:
    said = run_page("orders.md", tmp_path, bin_on_path).stdout
    lines = said.splitlines()
    windows = ast.literal_eval(lines[0])
    assert list(windows)[:3] == ["15m", "30m", "60m"]
    # Base and one started kilometre; an hour costs nothing more, a later slot 100 less.
    assert windows["60m"] == 350
    assert next(cents for key, cents in windows.items() if key.startswith("slot-")) == 250
    assert any("'held': True" in line and "'difference_s': 0" in line for line in lines)
    (parcels,) = [line for line in lines if "'tea'" in line]
    assert ".2'" in parcels
    assert "'cake'" in parcels
    assert "'changed': ['lines', 'note', 'weight_g']" in said
    # The customer's time, before anything is late.
    assert any(line.startswith("('received', {") and line.endswith("False)") for line in lines)
    assert lines[-2:] == ["('cancelled', 770)", "cancelled"]
