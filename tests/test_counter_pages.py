"""What the pages on picking, collection and returns say is run here as it stands."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from test_documentation import bin_on_path, run_page

__all__ = ["bin_on_path"]


def answers(text: str) -> list[dict[str, Any]]:
    """Return the JSON documents in a page's output, in order."""
    found, rest, decoder = [], text, json.JSONDecoder()
    while (begin := rest.find("{")) >= 0:
        answer, end = decoder.raw_decode(rest[begin:])
        found.append(answer)
        rest = rest[begin + end :]
    return found


def test_the_page_on_picking_is_true(tmp_path: Path, bin_on_path: dict[str, str]) -> None:
    said = run_page("picking.md", tmp_path, bin_on_path).stdout
    queue, custody, trace = answers(said)
    assert [line["shelf"] for line in queue["data"][0]["lines"]] == ["A02", "C01"]
    assert "ready too early: 409" in said
    assert "given back: 21" in said  # two milk at 120 for one oat drink at 219
    assert [row["step"] for row in custody["chain"]] == ["pack"]
    assert custody["gaps"] == ["pick"]
    assert trace["items"][0]["origin"] == "Sweden"
    assert "62mm 100mm" in (tmp_path / "label.html").read_text()
    assert "<svg" in (tmp_path / "label.svg").read_text()


def test_the_page_on_collection_and_returns_is_true(
    tmp_path: Path, bin_on_path: dict[str, str]
) -> None:
    said = run_page("collection.md", tmp_path, bin_on_path).stdout
    counter, desk, returns = answers(said)
    assert [row["bay"] for row in counter["here"]] == ["3"]
    assert len(counter["ready"]) == 1
    assert "The order is collected." in said
    assert [row["quantity"] for row in desk["returnable"]] == [1]
    assert [row["order_id"] for row in returns["waiting"]] != []
    assert returns["coming"] == []
    assert "Settled: True" in said
