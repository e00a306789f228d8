"""A service that is asked, and what it answered: the teller of `told_day.py`."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from answer_shapes import check_answer
from conftest import BOOT_S, Town

from api.examples import Example, Refusal, shown, type_of

KEY = "the-key-of-the-day"
SHOP = "sto_shop"
WHO = {"owner": "ops:maria", "reason": "the customer called"}
PHONE = "+358401234567"
POLICY = "offer_timeout_s = 3000\n"
ARTICLES = [
    {"sku": "milk", "name": "Milk 1 l", "weight_g": 1030, "price_cents": 119, "barcode": "6401"},
    {"sku": "bread", "name": "Rye bread", "weight_g": 500, "price_cents": 290, "barcode": "6402"},
    {"sku": "oats", "name": "Oat bread", "weight_g": 500, "price_cents": 310, "barcode": "6403"},
]


def service_options(company: str) -> tuple[str, ...]:
    """Return what the day's service is told, beside its policy."""
    return ("--webhook-allow", "127.0.0.1", "--courier-company", f"swift={company}")


class Day:
    """A service, and the first good answer to each operation asked of it.

    Parameters
    ----------
    hook
        Where a receiver of webhooks listens.
    """

    def __init__(self, town: Town, hook: str) -> None:
        self.town = town
        self.hook = hook
        self.told: dict[str, Example] = {}
        self.http = httpx.Client(
            base_url=town.http.base_url,
            headers={"Authorization": f"Bearer {KEY}"},
            timeout=BOOT_S,
            event_hooks={"response": [check_answer]},
        )
        # What others of our helpers ask is asked with the key too.
        town.http.headers["Authorization"] = f"Bearer {KEY}"
        self.store: dict[str, Any] = {}

    # --- asking --------------------------------------------------------------------------------

    def ask(
        self,
        operation: str,
        body: Any = None,
        *,
        query: dict[str, Any] | None = None,
        fields: dict[str, str] | None = None,
        content: bytes | None = None,
        kind: str = "",
        headers: dict[str, str] | None = None,
        **path: str,
    ) -> Any:
        """Ask, keep the first answer to each operation, and return it.

        Parameters
        ----------
        operation
            As `POST /v1/orders/{order_id}/cancel`; `path` fills it in.
        content, kind
            A body that is no JSON, and its type.
        """
        method, _, form_of_path = operation.partition(" ")
        address = form_of_path
        for name, value in path.items():
            address = address.replace(f"{{{name}}}", value)
        sent = {**(headers or {}), **({"Content-Type": kind} if kind else {})}
        answer = self.http.request(
            method, address, params=query, json=body, data=fields, content=content, headers=sent
        )
        assert answer.is_success, f"{method} {address}: {answer.status_code} {answer.text}"
        if operation not in self.told:
            asked = body if content is None and fields is None else fields or content
            self.told[operation] = shown(
                answer,
                path=path,
                query=query or {},
                headers=headers or {},
                content_type=kind or answer.request.headers.get("content-type", ""),
                body=asked,
                hidden={str(self.http.base_url).rstrip("/"): "http://localhost:8080"}
                | {self.hook: "https://shop.example/hook"},
            )
        is_json = answer.headers.get("content-type", "").startswith("application/json")
        return answer.json() if is_json else answer

    def be_refused(
        self,
        operation: str,
        body: Any = None,
        query: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
        **path: str,
    ) -> None:
        """Ask for what is refused, and keep the problem with the operation."""
        method, _, address = operation.partition(" ")
        for name, value in path.items():
            address = address.replace(f"{{{name}}}", value)
        answer = self.http.request(method, address, json=body, params=query, headers=headers)
        assert answer.is_client_error, f"{method} {address}: {answer.status_code} {answer.text}"
        self.told[operation]["refusal"] = Refusal(
            status=answer.status_code, answer_type=type_of(answer), answer=answer.json()
        )

    def now(self, later_s: int = 0) -> str:
        """Return the service's time, or one some seconds later."""
        at = datetime.fromisoformat(self.town.get("/v1/zones")["data"][0]["now"])
        return (at + timedelta(seconds=later_s)).strftime("%Y-%m-%dT%H:%M:%SZ")

    # --- short ways ----------------------------------------------------------------------------

    def basket(self, **more: Any) -> dict[str, Any]:
        lines = [{"sku": "milk", "quantity": 2}, {"sku": "bread", "quantity": 1}]
        return {"dropoff": self.town.basket()["dropoff"], "lines": lines, **more}

    def order(self, *, picked: bool = False, **more: Any) -> str:
        order_id: str = self.ask("POST /v1/orders", self.basket(**more))["id"]
        if picked:
            self.pick(order_id)
        return order_id

    def pick(self, order_id: str) -> None:
        for event in ("started", "ready"):
            self.ask("POST /v1/orders/{order_id}/picking", {"event": event}, order_id=order_id)

    def fill(self) -> None:
        """Fill the shelves: what was once not found is taken for gone."""
        items = [{"sku": article["sku"], "on_hand": 200} for article in ARTICLES]
        self.ask("PUT /v1/stores/{store_id}/stock", {"items": items}, store_id=SHOP)

    def cancel(self, order_id: str) -> None:
        body = {"reason": "the customer changed their mind"}
        self.ask("POST /v1/orders/{order_id}/cancel", body, order_id=order_id)

    def report(self, courier_id: str, done: str, **body: Any) -> str:
        """Report the stop that a courier is doing; returns its id."""
        route = self.ask("GET /v1/couriers/{courier_id}/route", courier_id=courier_id)
        stop_id: str = route["stops"][0]["id"]
        operation = "POST /v1/couriers/{courier_id}/stops/{stop_id}/{done}"
        self.ask(operation, body, courier_id=courier_id, stop_id=stop_id, done=done)
        return stop_id

    def fetched(self, **more: Any) -> tuple[str, str]:
        """Let somebody fetch an order and leave; returns order and courier."""
        order_id = self.order(picked=True, **more)
        courier_id = self.town.told(order_id, "enroute_to_pickup")["delivery"]["courier_id"]
        self.report(courier_id, "completed")
        self.town.told(order_id, "enroute_to_dropoff")
        return order_id, courier_id

    def on_shift(self, courier_id: str) -> None:
        body = {"courier_id": courier_id, "ends_at": "2026-11-21T12:00:00Z"}
        self.ask("POST /v1/shifts", body)

    def off_shift(self, courier_id: str) -> None:
        self.ask("POST /v1/couriers/{courier_id}/shift/end", {}, courier_id=courier_id)


def started(folder: Path, company: str) -> Town:
    """Start the day's service."""
    (folder / "policy.toml").write_text(POLICY, encoding="utf-8")
    words = ("--port", "0", "--policy", str(folder / "policy.toml"), *service_options(company))
    return Town(folder, speed=20).start(*words, environ={"SAMEHOUR_API_KEY": KEY})
