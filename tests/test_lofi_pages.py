"""The pages about text messages, run sheets, late work and overflow do what they show."""

from __future__ import annotations

import re
from pathlib import Path

from test_documentation import ROOT, bin_on_path, run_page  # noqa: F401  a fixture

from api.sms_words import Said, Word, read
from dispatch.rules import late


def test_an_order_goes_by_text_message_and_another_by_late_reports(
    tmp_path: Path,
    bin_on_path: dict[str, str],  # noqa: F811
) -> None:
    said = run_page("lofi.md", tmp_path, bin_on_path).stdout
    assert "Signed on until 23:00." in said
    assert re.search(r"^Delivered \w{5}\.", said, re.MULTILINE)
    assert '"to":"+358401234567"' in said
    assert re.search(r"^2$", said, re.MULTILINE)
    lines = said.splitlines()[-6:]
    assert [line.split()[1] for line in lines] == ["taken"] * 3 + ["already"] * 3
    assert lines[0].startswith("completed taken")


def test_an_order_is_given_to_the_company_of_the_example(
    tmp_path: Path,
    bin_on_path: dict[str, str],  # noqa: F811
) -> None:
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    leaving = tmp_path / "leaving.sh"
    # Whatever fails in between, the company is not left running.
    leaving.write_text("trap 'kill $(jobs -p) 2>/dev/null || true' EXIT\n", encoding="utf-8")
    environ = {**bin_on_path, "BASH_ENV": str(leaving)}
    said = run_page("overflow.md", tmp_path, environ).stdout
    assert "The order is delivered." in said
    assert '"carrier":"swift"' in said
    assert '"status":"delivered"' in said


def test_every_word_and_rule_is_on_the_page() -> None:
    page = (ROOT / "docs" / "lofi.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`[A-Z].*?) \|", page, re.MULTILINE)
    shown = [text for row in rows for text in re.findall(r"`([^`]+)`", row)]
    found = [read(text, {"7QX2P"}) for text in shown]
    assert all(isinstance(said, Said) for said in found)
    assert {said.word for said in found if isinstance(said, Said)} == set(Word)
    table = re.findall(r"^\| `([a-z_]+)` \|.*\|.*\|$", page, re.MULTILINE)
    assert [name for name in table if name in set(late.LateRule)] == list(late.LateRule)
    # The module says the same, word for word.
    for row in re.findall(r"^\| `[a-z_]+` \| .*$", page, re.MULTILINE):
        if row.split("`")[1] in set(late.LateRule):
            assert row in (late.__doc__ or "")
