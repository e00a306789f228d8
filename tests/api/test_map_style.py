"""The map's style, held to the tiles it is drawn from."""

from __future__ import annotations

import re
from pathlib import Path

MAP = Path(__file__).parents[2] / "api" / "web" / "map.js"


def test_tiles_are_asked_for_at_every_zoom_the_map_can_be_shown_at() -> None:
    # A large city is fitted to the screen at a low zoom; below the source's least zoom it is blank.
    text = MAP.read_text(encoding="utf-8")
    (shown_from,) = re.findall(r"minZoom: (\d+)", text)
    source = text[text.index('type: "vector"') :]
    asked_from = re.search(r"minzoom: (\d+)", source)
    assert asked_from is not None
    assert int(asked_from[1]) <= int(shown_from)
