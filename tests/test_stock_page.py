"""What the page about stock shows is run as it stands."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from test_documentation import bin_on_path, run_page

__all__ = ["bin_on_path"]


def answers(text: str) -> list[Any]:
    """Return the JSON objects in what was printed."""
    found, decoder = [], json.JSONDecoder()
    while (begin := text.find("{")) >= 0:
        answer, end = decoder.raw_decode(text[begin:])
        found.append(answer)
        text = text[begin + end :]
    return found


def test_stock_and_sourcing_are_what_the_page_says(
    tmp_path: Path,
    bin_on_path: dict[str, str],
) -> None:
    printed = run_page("stock.md", tmp_path, bin_on_path).stdout
    assert "line 3 on_hand is 'eight'" in printed
    assert "line 4 sku milk-1l is on line 2 already" in printed
    _, _, catalogue, page, wine, file, short_list, rows, correction, weighed, *rest = answers(
        printed
    )
    pinned, excluded, paused, resumed, order = rest
    assert (catalogue["articles"], catalogue["changed"]) == (3, 3)
    assert [article["sku"] for article in page["data"]] == ["milk-1l", "red-wine"]
    assert (page["next"] is not None, wine["age_limit"]) == (True, 18)
    assert (file["skus"], file["changed"], "data" in file) == (2, 2, False)
    assert short_list["data"][0]["available"] == 12
    milk, bread = rows["data"]
    assert (milk["available"], milk["shelf"], bread["shelf"]) == (18, "C01-4", "A03")
    assert (correction["data"][0]["on_hand"], correction["moved"], correction["short"]) == (
        6,
        [],
        [],
    )
    here, there = file["store_id"], short_list["store_id"]
    able = {row["store_id"] for row in weighed["data"] if row["can_serve"]}
    assert (weighed["store_id"], able, weighed["movable"]) == (here, {here, there}, True)
    assert (pinned["store_id"], pinned["pinned_store_id"]) == (there, there)
    assert (excluded["store_id"], excluded["excluded_stores"]) == (here, [there])
    assert excluded["pinned_store_id"] is None
    assert (paused["paused"], paused["moved"]) == (True, [])
    (left,) = paused["left"]
    assert left["order_id"] == order["id"] == weighed["order_id"]
    assert left["detail"]
    assert (resumed["paused"], order["store_id"]) == (False, here)
