"""A dispatcher holds, assigns and takes back on the board, and sees what is in force."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from browsing import Service, Watched
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    started = Service(tmp_path_factory.mktemp("desk"), speed=1)
    started.courier("cou_anna", "Anna")
    started.courier("cou_ben", "Ben")
    yield started
    started.stop()


def button(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def say(page: Page, **fields: str) -> None:
    for name, text in fields.items():
        page.get_by_role("textbox", name=name.title(), exact=True).fill(text)


def test_an_order_is_held_assigned_and_taken_back_by_hand(desk: Watched, service: Service) -> None:
    page = desk.page
    order_id = service.order()
    page.goto(f"{service.base}/ops#order:{order_id}")
    button(page, "Hold")
    say(page, who="ops:maria", why="customer called")
    page.wait_for_timeout(1500)  # the panel is drawn again meanwhile
    expect(page.get_by_role("textbox", name="Why", exact=True)).to_have_value("customer called")
    button(page, "Hold it")
    decisions = page.locator(".decisions")
    expect(decisions).to_contain_text("Held by ops:maria")
    expect(decisions).to_contain_text("customer called")
    expect(page.locator(".state-line")).to_have_text("Held")
    assert service.get(f"/v1/orders/{order_id}/desk")["hold"]["reason"] == "customer called"

    button(page, "Assign to…")
    page.get_by_role("combobox", name="Courier").select_option("cou_ben")
    say(page, why="knows the door")
    button(page, "Assign it")
    expect(decisions).to_contain_text("Locked to Ben by ops:maria until")

    button(page, "Undo the assignment")
    button(page, "Take it back")
    expect(decisions).not_to_contain_text("Locked")
    button(page, "Release")
    button(page, "Release it")
    expect(decisions).to_have_count(0)
    kinds = [row["kind"] for row in service.get(f"/v1/actions?subject={order_id}")["data"]]
    assert kinds == ["ReleaseHold", "LockOrder", "HoldOrder"]
    assert desk.complaints == []


def test_controls_in_force_stand_on_the_rail_with_their_end(
    desk: Watched, service: Service
) -> None:
    page = desk.page
    page.goto(f"{service.base}/ops")
    expect(page.locator("#clock")).not_to_have_text("--:--")
    expect(page.locator("#controls")).to_be_hidden()
    control = {
        "kind": "promise",
        "value": 600,
        "owner": "ops:maria",
        "reason": "heavy rain",
        "expires_at": "2026-11-20T16:30:00Z",
    }
    made = service.post("/v1/controls", control)
    chip = page.locator("#controls .chip")
    expect(chip).to_contain_text("Promises 10 min later")
    expect(chip).to_contain_text("until 18:30 · heavy rain")
    service.http.delete(f"/v1/controls/{made['id']}", params={"owner": "ops"}).raise_for_status()
    expect(page.locator("#controls")).to_be_hidden()
    assert desk.complaints == []
