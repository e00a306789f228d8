"""The integrator's page: its session is run as it stands, its table of codes is the service's."""

from __future__ import annotations

import re
from pathlib import Path

from test_documentation import ROOT, bin_on_path, run_page

from api.problems import CODES

__all__ = ["bin_on_path"]

PAGE = (ROOT / "docs" / "integrating.md").read_text(encoding="utf-8")


def test_a_shop_goes_from_key_to_webhook(tmp_path: Path, bin_on_path: dict[str, str]) -> None:
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    leaving = tmp_path / "leaving.sh"
    # Whatever fails in between, the receiver is not left running.
    leaving.write_text("trap 'kill $(jobs -p) 2>/dev/null || true' EXIT\n", encoding="utf-8")
    environ = {**bin_on_path, "BASH_ENV": str(leaving)}
    lines = run_page("integrating.md", tmp_path, environ).stdout.splitlines()
    assert lines[0] == "('shop', True)"
    assert lines[1] == "the same order again"
    assert lines[2] == "sourced"
    assert lines[3].startswith("taken OrderReceived ord_")
    assert lines[4] == "['note']"
    assert lines[5] == "412"
    assert lines[6].startswith("http://localhost:")
    assert lines[7] == "cancelled"
    assert lines[8].startswith("taken OrderCancelled ord_")


def test_every_code_of_the_service_is_on_the_page_and_no_other() -> None:
    shown = re.findall(r"^\| `(\w+)` \| (\d+) \| (.*) \|$", PAGE, re.MULTILINE)
    assert {code: (int(status), title) for code, status, title in shown} == dict(CODES)
