"""A real service and real pages for tests, and the few words said to them."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx
from playwright.sync_api import Page, ViewportSize
from served import Served

CLOCK_START = "2026-11-20T14:00:00Z"  # a Friday, 16:00 in Helsinki: every shop is open
SPEED = 60
BOOT_S = 180  # on a new machine everything is compiled first
DESK: ViewportSize = {"width": 1440, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}
_T = TypeVar("_T")


class Service:
    """A running service, and the few words these tests say to it."""

    def __init__(self, folder: Path, *, speed: float = SPEED, policy: str | None = None) -> None:
        port_file = folder / "port"
        self.log_file = folder / "service.log"
        command = [
            *("serve", "--port", "0"),
            *("--ledger", str(folder / "ledger.db"), "--port-file", str(port_file)),
            *("--clock-start", CLOCK_START, "--speed", str(speed)),
        ]
        if policy is not None:
            (folder / "policy.toml").write_text(policy)
            command += ["--policy", str(folder / "policy.toml")]
        self.process = Served(command, folder, self.log_file)
        until(lambda: port_file.exists() or self.process.poll() is not None, "it is up", BOOT_S)
        assert self.process.poll() is None, self.log_file.read_text()
        self.base = f"http://127.0.0.1:{port_file.read_text().strip()}"
        self.http = httpx.Client(base_url=self.base, timeout=30)
        until(lambda: self.http.get("/readyz").status_code == 200, "it is ready", BOOT_S)
        self.orders = 0
        self.stores: list[dict[str, Any]] = self.get("/v1/stores")["data"]
        for store in self.stores:
            self.put(f"/v1/stores/{store['id']}/stock", {"items": [{"sku": "milk", "on_hand": 99}]})

    def stop(self) -> None:
        self.http.close()
        self.process.send_signal(signal.SIGINT)
        assert self.process.wait(timeout=30) == 0, self.log_file.read_text()

    def get(self, path: str) -> Any:
        return self.http.get(path).raise_for_status().json()

    def post(self, path: str, body: Any = None) -> Any:
        answer = self.http.post(path, json=body)
        assert answer.is_success, answer.text
        return answer.json()

    def put(self, path: str, body: Any) -> Any:
        answer = self.http.put(path, json=body)
        assert answer.is_success, answer.text
        return answer.json()

    def courier(self, courier_id: str, name: str) -> str:
        """Register a courier, on shift where the first store is."""
        home = self.stores[0]["location"]
        self.put(f"/v1/couriers/{courier_id}", {"name": name, "mode": "bike", "home": home})
        ends_at = f"{CLOCK_START[:10]}T23:59:00Z"
        self.post("/v1/shifts", {"courier_id": courier_id, "ends_at": ends_at})
        return courier_id

    def order(self) -> str:
        """Order milk to a door beside the last store; returns the order's id."""
        self.orders += 1
        dropoff = {
            "location": self.stores[-1]["location"],
            "address": f"Testikatu {self.orders} A 2",
            "note": "Door code 1234",
        }
        basket = {"dropoff": dropoff, "lines": [{"sku": "milk", "quantity": 2}], "weight_g": 2000}
        order_id: str = self.post("/v1/orders", basket)["id"]
        return order_id

    def delivery(self, order_id: str) -> str:
        status: str = self.get(f"/v1/orders/{order_id}")["delivery"]["status"]
        return status

    def wait_for(self, order_id: str, *statuses: str) -> None:
        def reached() -> bool:
            return self.delivery(order_id) in statuses

        until(reached, f"{order_id} is one of {statuses}", 30)


def until(condition: Callable[[], _T | None], what: str, deadline_s: float) -> _T:
    """Ask again and again until the condition holds; returns what it returned."""
    began = time.monotonic()
    while time.monotonic() - began < deadline_s:
        found = condition()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(f"not within {deadline_s} s: {what}")


class Watched:
    """A page, with everything it asked for and everything it complained of."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.requests: list[str] = []
        self.complaints: list[str] = []
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", self._heard)

    def _heard(self, message: Any) -> None:
        if message.type == "error":
            self.complaints.append(f"{message.text} {message.location}")

    def foreign(self, base: str) -> list[str]:
        """Return requests that left the service's host."""
        host = urlsplit(base).netloc
        inside = ("blob:", "data:")
        return [
            url
            for url in self.requests
            if not url.startswith(inside) and urlsplit(url).netloc != host
        ]


CONTRAST = """(selector) => {
  const channels = (text) => text.match(/[\\d.]+/g).slice(0, 3).map(Number);
  const light = (text) => {
    const [r, g, b] = channels(text).map((value) => {
      const share = value / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const style = getComputedStyle(document.querySelector(selector));
  const [a, b] = [light(style.color), light(style.backgroundColor)].sort((x, y) => y - x);
  return (a + 0.05) / (b + 0.05);
}"""
"""The contrast of an element's text to its own background, as WCAG 2.2 counts it."""
