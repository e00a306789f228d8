"""Signing in with a key, in a real browser, against a real service."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from browsing import CONTRAST, Service, Watched, until
from playwright.sync_api import Page, expect
from served import ran

pytestmark = pytest.mark.browser


class Closed:
    """A service whose door is closed, and its keys."""

    def __init__(self, folder: Path) -> None:
        self.service = Service(folder)
        self.folder = folder
        self.service.courier("cou_aino", "Aino")
        self.service.courier("cou_veli", "Veli")
        self.ops = self.key("--role", "ops")
        self.aino = self.key("--role", "courier", "--courier", "cou_aino")
        http = self.service.http
        until(lambda: http.get("/v1/board").status_code == 401, "the door is closed", 10)

    def key(self, *words: str) -> str:
        return self.run("create", *words)

    def run(self, *words: str) -> str:
        done = ran(["keys", *words, "--ledger", str(self.folder / "ledger.db")], self.folder)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Closed]:
    made = Closed(tmp_path_factory.mktemp("closed"))
    yield made
    made.service.stop()


def sign_in(page: Page, key: str) -> None:
    page.get_by_label("Key").fill(key)
    page.get_by_role("button", name="Sign in").click()


def test_the_board_asks_for_a_key_and_opens_with_it(desk: Watched, closed: Closed) -> None:
    page, base = desk.page, closed.service.base
    page.goto(f"{base}/ops")
    expect(page).to_have_url(re.compile(r"/sign-in\?next=%2Fops$"))
    sign_in(page, "not a key")
    expect(page.get_by_role("alert")).to_contain_text("This key is not good")
    sign_in(page, closed.ops)
    expect(page).to_have_url(f"{base}/ops")
    expect(page.locator("#clock")).to_have_text(re.compile(r"^\d\d:\d\d$"))
    assert "samehour_session" not in page.evaluate("document.cookie")  # no script reads it
    assert desk.foreign(base) == []
    page.get_by_role("link", name="Sign out").click()
    expect(page.locator("#hint")).to_have_text("You are signed in as ops.")
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(f"{base}/sign-in")


def test_the_sign_in_can_be_read_outdoors(phone: Watched, closed: Closed) -> None:
    page = phone.page
    page.goto(f"{closed.service.base}/sign-in")
    expect(page.get_by_label("Key")).to_be_focused()
    assert page.evaluate(CONTRAST, "#go") >= 7
    assert page.locator("#go").bounding_box()["height"] >= 44  # type: ignore[index]
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_courier_sees_themself_only_and_no_board(phone: Watched, closed: Closed) -> None:
    page, base = phone.page, closed.service.base
    page.goto(f"{base}/courier")
    sign_in(page, closed.aino)
    expect(page).to_have_url(f"{base}/courier")
    people = page.locator("#people button")
    expect(people).to_have_count(1)
    expect(people).to_contain_text("Aino")
    page.goto(f"{base}/ops")
    expect(page.locator("#hint")).to_contain_text("courier cou_aino) is not good for that page")
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(f"{base}/sign-in")
    page.goto(f"{base}/courier")
    expect(page).to_have_url(re.compile("/sign-in"))


def test_an_open_board_leads_to_the_sign_in_when_its_key_is_taken_back(
    desk: Watched, closed: Closed
) -> None:
    page, base = desk.page, closed.service.base
    key = closed.key("--role", "planner")
    page.goto(f"{base}/ops")
    sign_in(page, key)
    expect(page.locator("#clock")).to_have_text(re.compile(r"^\d\d:\d\d$"))
    closed.run("revoke", key.split("_")[1])
    expect(page).to_have_url(re.compile(r"/sign-in\?next=%2Fops$"))


def test_a_link_never_leads_off_the_service(desk: Watched, closed: Closed) -> None:
    page, base = desk.page, closed.service.base
    page.goto(f"{base}/sign-in?next=//evil.example/ops")
    sign_in(page, closed.ops)
    expect(page).to_have_url(f"{base}/ops")


def test_the_reference_tells_who_may_and_shows_a_command_that_works_as_it_stands(
    desk: Watched, closed: Closed
) -> None:
    page, base = desk.page, closed.service.base
    page.goto(f"{base}/docs")
    sign_in(page, closed.ops)
    expect(page).to_have_url(f"{base}/docs")
    page.goto(f"{base}/docs#place_order")
    order = page.locator("#place_order")
    expect(order).to_contain_text("Needs a key with orders:write; of the roles ops, shop.")
    expect(order).to_contain_text("Idempotency-Key (header)")
    expect(order.locator("pre").nth(0)).to_contain_text(f"curl -X POST '{base}/v1/orders'")
    expect(order.locator("figcaption").nth(1)).to_have_text("answers 201")
    page.goto(f"{base}/docs#put_courier")
    page.reload()
    shown = page.locator("#put_courier pre").nth(0).text_content()
    done = subprocess.run(
        ["bash", "-c", f"{shown} --silent --show-error --write-out '%{{http_code}}'"],
        env={**os.environ, "KEY": closed.ops},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.endswith("200"), done.stdout
    assert desk.foreign(base) == []
