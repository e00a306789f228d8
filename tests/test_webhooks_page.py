"""What the page about webhooks says is run here as it stands, and held to the code."""

from __future__ import annotations

import importlib.util
import re
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

import pytest
from standardwebhooks import Webhook
from test_documentation import ROOT, bin_on_path, run_page

from api.event_objects import _WAYS
from api.storage.webhooks import KEPT_ROWS, KEPT_S
from api.webhooks.messages import MOST_BODY_BYTES
from api.webhooks.posting import PostLimits
from api.webhooks.runner import AT_ONCE, MOST_UNSETTLED
from api.webhooks.schedule import HOUR_S, MINUTE_S, PAUSES_S
from api.webhooks.signing import new_secret, signature

__all__ = ["bin_on_path"]

PAGE = (ROOT / "docs" / "webhooks.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def example() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "webhook_receiver", ROOT / "examples" / "webhook_receiver.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_example_hears_what_the_page_does(
    tmp_path: Path,
    bin_on_path: dict[str, str],
) -> None:
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    leaving = tmp_path / "leaving.sh"
    # Whatever fails in between, the receiver is not left running.
    leaving.write_text("trap 'kill $(jobs -p) 2>/dev/null || true' EXIT\n", encoding="utf-8")
    environ = {**bin_on_path, "BASH_ENV": str(leaving)}
    lines = run_page("webhooks.md", tmp_path, environ).stdout.splitlines()
    assert lines[0] == "(True, 204)"
    assert lines[1].startswith("taken StoreResumed sto_")
    assert lines[2].startswith("('active', ")
    assert lines[3] == "('disabled', 'moving house')"
    assert lines[4] == "active"
    assert lines[5].startswith("[('StorePaused', 1, 204)")
    assert lines[6] == "('again', True)"
    assert lines[7] == "what was known came again"
    assert lines[8] == "True"
    assert lines[9] == "([1, 2], 2)"
    assert lines[10] == "3"
    assert lines[11] == "id: 4"


def test_the_table_of_pauses_is_that_of_the_code() -> None:
    def shown(pause_s: int) -> str:
        for unit_s, unit in ((HOUR_S, "h"), (MINUTE_S, "min"), (1, "s")):
            if pause_s % unit_s == 0:
                return f"{pause_s // unit_s} {unit} later"
        raise AssertionError(pause_s)

    rows = re.findall(r"^\| (\d\d?) \| (.*) \|$", PAGE, re.MULTILINE)
    wanted = [(str(n), shown(pause_s)) for n, pause_s in enumerate(PAUSES_S, 1)]
    assert rows == [*wanted, (str(len(PAUSES_S) + 1), "none")]


def test_the_bounds_on_the_page_are_those_of_the_code() -> None:
    limits = PostLimits()
    for said in (
        f"within {limits.whole_s:g} seconds",
        f"first {limits.shown_characters}\ncharacters",
        f"more than {MOST_BODY_BYTES:,} bytes",
        f"Up to {AT_ONCE} messages come at once",
        f"At most {MOST_UNSETTLED:,}\nwait",
        f"at most {KEPT_ROWS:,} for an endpoint",
    ):
        assert said in PAGE
    assert KEPT_S == 3 * 24 * HOUR_S
    assert "of the last three days" in PAGE
    for kind in {kind for kind, _, _ in _WAYS} | {"zone"}:
        assert f"`{kind}`" in PAGE


def test_the_example_and_the_standard_package_agree_on_what_is_ours(example: ModuleType) -> None:
    old, new, body = new_secret(), new_secret(), b'{"type":"OrderReceived"}'
    now = datetime.now(UTC)
    at = int(now.timestamp())
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(at),
        "webhook-signature": signature([new, old], "msg_1", at, body),
    }
    for secret in (old, new):
        Webhook(secret).verify(body, headers)
        assert example.is_ours(secret, headers, body, at)
        assert not example.is_ours(secret, headers, body + b" ", at)
        assert not example.is_ours(secret, {**headers, "webhook-id": "msg_2"}, body, at)
        assert not example.is_ours(secret, headers, body, at + 301)
    assert not example.is_ours(new_secret(), headers, body, at)
    assert Webhook(new).sign("msg_1", now, body.decode()) == headers["webhook-signature"].split()[0]
    for broken in ({}, {**headers, "webhook-signature": "v1,%"}, {**headers, "webhook-id": ""}):
        assert not example.is_ours(new, broken, body, at)


def test_the_example_takes_each_once_and_drops_what_is_stale(example: ModuleType) -> None:
    inbox = example.Inbox()

    def message(seq: int, order_id: str) -> dict[str, object]:
        return {"data": {"seq": seq, "object": {"type": "order", "id": order_id}}}

    assert inbox.take("msg_2", message(2, "ord_1")) == "taken"
    assert inbox.take("msg_2", message(2, "ord_1")) == "again"
    assert inbox.take("msg_1", message(1, "ord_1")) == "stale"
    assert inbox.take("msg_3", message(1, "ord_2")) == "taken"
