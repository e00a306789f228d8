"""A day at a shop, told request by request: every operation of the API once, and its answer.

`scripts/api_examples.py` writes down what was asked and answered, for the API document;
`test_examples_over_http.py` lives the same day again and holds the document to it.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from conftest import BOOT_S, Town, until

from api.examples import Example, shown
from api.routes.solve import EXAMPLE
from geo.city import find_city, load_city
from geo.types import Mode

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


def live(day: Day) -> None:
    """Live the day."""
    for part in PARTS:
        part(day)


# --- the shop ------------------------------------------------------------------------------------


def opening(day: Day) -> None:
    """Look who is there."""
    until(lambda: day.http.get("/readyz").status_code == 200, "it is ready", BOOT_S)
    day.ask("GET /healthz")
    day.ask("GET /readyz")
    zones = day.ask("GET /v1/zones")["data"]
    day.ask("GET /v1/zones/{zone_id}", zone_id=zones[0]["id"])
    day.ask("GET /v1/session")
    made = day.ask("POST /v1/keys", {"role": "shop", "name": "web shop", "expires_in_s": 86_400})
    day.ask("GET /v1/keys")
    other = day.ask("POST /v1/keys/{key_id}/rotate", {"grace_s": 3600}, key_id=made["id"])
    day.ask("DELETE /v1/keys/{key_id}", key_id=other["id"])


def shelves(day: Day) -> None:
    """Put up a shop with goods on its shelves."""
    day.store = day.ask("GET /v1/stores")["data"][0]
    known = {
        "name": "Kauppa",
        "location": day.store["location"],
        "opening_hours": "Mo-Su 07:00-23:00",
        "pickers": 30,
    }
    day.ask("PUT /v1/stores/{store_id}", known, store_id=SHOP)
    area = {"kind": "road_time", "duration_s": 1200, "mode": "bike"}
    day.ask("PUT /v1/stores/{store_id}/service-area", area, store_id=SHOP)
    day.ask("DELETE /v1/stores/{store_id}/service-area", store_id=SHOP)
    day.ask("PUT /v1/catalogue", {"articles": ARTICLES})
    day.ask("GET /v1/catalogue")
    day.ask("GET /v1/catalogue/{sku}", sku="milk")
    day.fill()
    shelf = {"items": [{"sku": "milk", "shelf": "C01", "safety_stock": 2}]}
    day.ask("PUT /v1/stores/{store_id}/shelves", shelf, store_id=SHOP)
    broken = {
        "changes": [{"sku": "milk", "change": -2}],
        "reason": "broken",
        "owner": "store:aino",
    }
    day.ask("POST /v1/stores/{store_id}/stock/corrections", broken, store_id=SHOP)
    day.ask("GET /v1/stores/{store_id}/stock", query={"sku": "milk"}, store_id=SHOP)
    pause = {"reason": "a power cut", "owner": "ops:maria"}
    day.ask("POST /v1/stores/{store_id}/pause", pause, store_id=SHOP)
    day.ask("POST /v1/stores/{store_id}/resume", {"owner": "ops:maria"}, store_id=SHOP)
    day.ask("GET /v1/stores/{store_id}", store_id=SHOP)


def couriers(day: Day) -> None:
    """Let two couriers come to work."""
    home = day.store["location"]
    for courier_id, name in (("cou_aino", "Aino"), ("cou_otto", "Otto")):
        known = {"name": name, "mode": "bike", "home": home, "capacity_parcels": 4}
        day.ask("PUT /v1/couriers/{courier_id}", known, courier_id=courier_id)
        day.on_shift(courier_id)
    day.ask("GET /v1/couriers")
    day.ask("GET /v1/couriers/{courier_id}", courier_id="cou_aino")
    seen = {"positions": [{"courier_id": "cou_aino", "location": home}]}
    day.ask("POST /v1/couriers/positions", seen)
    here = {"location": home}
    day.ask("POST /v1/couriers/{courier_id}/position", here, courier_id="cou_otto")
    day.ask("GET /v1/couriers/{courier_id}/standby", courier_id="cou_otto")
    day.off_shift("cou_otto")


def hooks(day: Day) -> None:
    """Let somebody be called."""
    asked = {"url": day.hook, "events": ["Order*"], "description": "the web shop"}
    endpoint_id = day.ask("POST /v1/webhook-endpoints", asked)["id"]
    day.ask("GET /v1/webhook-endpoints")
    one = {"endpoint_id": endpoint_id}
    day.ask("GET /v1/webhook-endpoints/{endpoint_id}", **one)
    change = {"events": ["Order*", "Store*"]}
    day.ask("PATCH /v1/webhook-endpoints/{endpoint_id}", change, **one)
    overlap = {"overlap_s": 3600}
    day.ask("POST /v1/webhook-endpoints/{endpoint_id}/rotate-secret", overlap, **one)
    day.ask("POST /v1/webhook-endpoints/{endpoint_id}/test", **one)
    why = {"reason": "we move"}
    day.ask("POST /v1/webhook-endpoints/{endpoint_id}/disable", why, **one)
    day.ask("POST /v1/webhook-endpoints/{endpoint_id}/enable", **one)
    day.ask("POST /v1/webhook-endpoints/{endpoint_id}/replay", {"after": 0}, **one)
    path = f"/v1/webhook-endpoints/{endpoint_id}/deliveries"

    def delivered() -> Any:
        rows = day.town.get(path)["data"]
        return next((row for row in rows if row["seq"]), None)

    found = until(delivered, "something was delivered")
    day.ask("GET /v1/webhook-endpoints/{endpoint_id}/deliveries", **one)
    each = {**one, "delivery_id": str(found["id"])}
    day.ask("GET /v1/webhook-endpoints/{endpoint_id}/deliveries/{delivery_id}", **each)
    day.ask("POST /v1/webhook-endpoints/{endpoint_id}/deliveries/{delivery_id}/replay", **each)
    day.ask("DELETE /v1/webhook-endpoints/{endpoint_id}", **one)


# --- orders --------------------------------------------------------------------------------------


def ordering(day: Day) -> None:
    """Quote, order, change, follow and give up."""
    wanted = day.basket()
    quote = day.ask("POST /v1/quotes", wanted)
    asked = {**wanted, "quote_id": quote["id"], "external_id": "shop-4711", "phone": PHONE}
    placed = day.ask("POST /v1/orders", asked, headers={"Idempotency-Key": "shop-4711-1"})
    one = {"order_id": placed["id"]}
    day.ask("GET /v1/orders")
    day.ask("GET /v1/orders/{order_id}", **one)
    change = {"dropoff": {"note": "Ring twice"}, "owner": "shop"}
    day.ask("PATCH /v1/orders/{order_id}", change, **one)
    day.ask("GET /v1/orders/{order_id}/candidates", **one)
    day.ask("GET /v1/orders/{order_id}/explanation", **one)
    day.ask("GET /v1/orders/{order_id}/tracking", **one)
    token = {"token": placed["tracking_url"].rpartition("/")[2]}
    day.ask("GET /v1/track/{token}", **token)
    day.ask("PATCH /v1/track/{token}", {"note": "The gate is open"}, **token)
    day.ask("GET /v1/orders/{order_id}/desk", **one)
    pinned = {"store_id": SHOP, **WHO}
    day.ask("POST /v1/orders/{order_id}/store", pinned, **one)
    day.ask("POST /v1/orders/{order_id}/store", {**pinned, "store_id": None}, **one)
    without = {"store_id": day.store["id"], **WHO}
    day.ask("POST /v1/orders/{order_id}/excluded-stores", without, **one)
    day.cancel(placed["id"])


def picking(day: Day) -> None:
    """Pick, find something missing, offer another, and stick the label on."""
    order_id = day.order(pick_s=1500)
    one = {"order_id": order_id}
    token = {"token": day.town.get(f"/v1/orders/{order_id}/tracking")["url"].rpartition("/")[2]}
    day.ask("GET /v1/stores/{store_id}/picks", store_id=SHOP)
    day.ask("POST /v1/orders/{order_id}/picking", {"event": "started"}, **one)
    instead = {"sku": "oats", "quantity": 1}
    missing = {"sku": "bread", "missing": 1, "substitute": instead}
    day.ask("POST /v1/orders/{order_id}/short", missing, **one)
    operation = "POST /v1/orders/{order_id}/substitutions/{sku}"
    day.ask(operation, {"accepted": True}, **one, sku="bread")
    missing = {"sku": "milk", "missing": 1, "substitute": instead}
    day.ask("POST /v1/orders/{order_id}/short", missing, **one)
    day.ask("POST /v1/track/{token}/substitutions/{sku}", {"accepted": True}, **token, sku="milk")
    item = {"barcode": "6401", "batch": "L42", "origin": "FI", "best_before": "2026-11-30"}
    day.ask("POST /v1/orders/{order_id}/items", item, **one)
    day.ask("GET /v1/orders/{order_id}/items", **one)
    day.ask("POST /v1/orders/{order_id}/picking", {"event": "ready"}, **one)
    day.ask("GET /v1/orders/{order_id}/label", **one)
    day.ask("GET /v1/orders/{order_id}/label.svg", **one)
    parcel_id = day.town.get(f"/v1/orders/{order_id}/custody")["parcel_id"]
    day.ask("POST /v1/scans", {"parcel_id": parcel_id, "step": "pick", "by": "emp_7"})
    day.ask("GET /v1/orders/{order_id}/custody", **one)
    day.ask("GET /v1/trace/{parcel_id}/{barcode}", parcel_id=parcel_id, barcode="6401")
    day.ask("GET /v1/stores/{store_id}/run-sheet", store_id=SHOP)
    day.cancel(order_id)
    day.fill()


def collecting(day: Day) -> None:
    """Let customers come for their goods."""
    asked = {
        "fulfilment": "curbside",
        "store_id": SHOP,
        "lines": [{"sku": "milk", "quantity": 2}],
        "paid_cents": 238,
    }
    first, second = (day.ask("POST /v1/orders", asked)["id"] for _ in range(2))
    for order_id in (first, second):
        day.pick(order_id)
    tracking = day.town.get(f"/v1/orders/{first}/tracking")
    token = tracking["url"].rpartition("/")[2]
    day.ask("POST /v1/track/{token}/here", {"bay": "3"}, token=token)
    day.ask("POST /v1/orders/{order_id}/here", {"bay": "4"}, order_id=second)
    day.ask("GET /v1/stores/{store_id}/counter", store_id=SHOP)
    code = {"code": tracking["pin"]}
    day.ask("POST /v1/orders/{order_id}/collect", code, order_id=first)
    gone = {"reason": "nobody came"}
    day.ask("POST /v1/orders/{order_id}/no-show", gone, order_id=second)


# --- couriers at work ----------------------------------------------------------------------------


def bringing(day: Day) -> None:
    """Fetch, bring, prove it, and take some of it back."""
    order_id = day.order(picked=True, paid_cents=2000)
    aino = {"courier_id": "cou_aino"}
    day.town.told(order_id, "enroute_to_pickup")
    route = day.ask("GET /v1/couriers/{courier_id}/route", **aino)
    seen = {"version": route["version"]}
    day.ask("POST /v1/couriers/{courier_id}/route/ack", seen, **aino)
    day.ask("GET /v1/couriers/{courier_id}/run-sheet", **aino)
    day.ask("POST /v1/couriers/{courier_id}/operator", {"operator": "person"}, **aino)
    day.report("cou_aino", "arrived", occurred_at=day.now())
    day.report("cou_aino", "completed")
    day.town.told(order_id, "enroute_to_dropoff")
    blob_id = day.ask("POST /v1/proofs", content=png(), kind="image/png")["blob_id"]
    day.ask("GET /v1/proofs/{blob_id}", blob_id=blob_id)
    day.report("cou_aino", "completed", proofs=[{"kind": "photo", "blob_id": blob_id}])
    one = {"order_id": order_id}
    day.ask("GET /v1/orders/{order_id}/proofs", **one)
    back = {
        "store_id": SHOP,
        "restocked": [{"sku": "milk", "quantity": 1}],
        "refund_cents": 119,
        "reason": "one too many",
    }
    day.ask("POST /v1/orders/{order_id}/returns", back, **one)
    day.ask("GET /v1/orders/{order_id}/returns", **one)
    asked = {"lines": [{"sku": "bread", "quantity": 1}], "reason": "stale"}
    return_id = day.ask("POST /v1/orders/{order_id}/return-pickup", asked, **one)["return_id"]
    for status in ("enroute_to_pickup", "enroute_to_dropoff"):
        day.town.told(return_id, status)
        day.report("cou_aino", "completed")
    day.ask("GET /v1/stores/{store_id}/returns", store_id=SHOP)
    settled = {
        "written_off": [{"sku": "bread", "quantity": 1}],
        "refund_cents": 290,
        "reason": "stale",
    }
    day.ask("POST /v1/returns/{return_id}/settle", settled, return_id=return_id)
    day.ask("GET /v1/sales")
    day.ask("GET /v1/stores/{store_id}/sales", store_id=SHOP)


def trouble(day: Day) -> None:
    """Nobody at home, a broken chain, a bag that changes hands, and a pause after all that."""
    aino = {"courier_id": "cou_aino"}
    order_id, _ = day.fetched()
    day.report("cou_aino", "failed", reason="nobody at home")
    day.town.told(order_id, "returning")
    again = {"owner": "ops:maria", "reason": "they called back"}
    day.ask("POST /v1/orders/{order_id}/retry", again, order_id=order_id)
    day.town.told(order_id, "enroute_to_dropoff")
    day.on_shift("cou_otto")
    given = {"to_courier_id": "cou_otto", "order_ids": [order_id], **WHO}
    given["location"] = day.store["location"]
    day.ask("POST /v1/couriers/{courier_id}/hand-over", given, **aino)
    day.ask("POST /v1/couriers/{courier_id}/strand", {"reason": "the chain broke"}, **aino)
    day.ask("POST /v1/couriers/{courier_id}/recover", {}, **aino)
    for status in ("enroute_to_pickup", "enroute_to_dropoff"):
        day.town.told(order_id, status)
        day.report("cou_otto", "completed")
    day.off_shift("cou_otto")
    day.ask("POST /v1/couriers/{courier_id}/break", {"duration_s": 600}, **aino)
    day.ask("POST /v1/couriers/{courier_id}/break/end", {}, **aino)


def without_network(day: Day) -> None:
    """Send afterwards what was done in a cellar, and the rest by text message."""
    order_id = day.order(picked=True)
    day.town.told(order_id, "enroute_to_pickup")
    stop_id = f"stp_{order_id.removeprefix('ord_')}_p"
    work = {"stop_id": stop_id, "outcome": "completed", "occurred_at": day.now()}
    reports = {"reports": [work]}
    day.ask("POST /v1/couriers/{courier_id}/reports", reports, courier_id="cou_aino")
    day.town.told(order_id, "enroute_to_dropoff")
    home = day.store["location"]
    known = {"name": "Aino", "mode": "bike", "home": home, "phone": PHONE}
    day.town.put("/v1/couriers/cou_aino", known)
    said = {"From": PHONE, "Body": "next", "MessageSid": "SM0001"}
    day.ask("POST /v1/sms/inbound", fields=said, headers={"Accept": "application/json"})
    day.ask("GET /v1/couriers/{courier_id}/messages", courier_id="cou_aino")
    day.report("cou_aino", "completed")


def offers(day: Day) -> None:
    """Ask a courier whether they would."""
    day.off_shift("cou_aino")
    home = day.store["location"]
    known = {"name": "Otto", "mode": "bike", "home": home, "takes_offers": True}
    day.town.put("/v1/couriers/cou_otto", known)
    day.on_shift("cou_otto")
    otto = {"courier_id": "cou_otto"}

    def offered(but: str = "") -> str:
        def there() -> Any:
            offer = day.town.get("/v1/couriers/cou_otto/offer")["offer"]
            return offer and offer["order_id"] != but and offer

        found: str = until(there, "there is an offer")["stop_id"]
        return found

    first = day.order(picked=True)
    stop_id = offered()
    day.ask("GET /v1/couriers/{courier_id}/offer", **otto)
    why = {"reason": "too far"}
    operation = "POST /v1/couriers/{courier_id}/offers/{stop_id}/decline"
    day.ask(operation, why, **otto, stop_id=stop_id)
    second = day.order(picked=True)
    stop_id = offered(but=first)
    operation = "POST /v1/couriers/{courier_id}/offers/{stop_id}/accept"
    day.ask(operation, {}, **otto, stop_id=stop_id)
    for order_id in (first, second):
        day.cancel(order_id)
    day.off_shift("cou_otto")
    day.on_shift("cou_aino")


def overflow(day: Day) -> None:
    """Give an order to somebody else's couriers, hear of it, and take another one back."""
    first, second = (day.order(pick_s=1500) for _ in range(2))
    day.off_shift("cou_aino")
    until(lambda: day.town.get("/v1/overflow/candidates")["data"], "there is a candidate")
    day.ask("GET /v1/overflow/candidates")
    given = {"carrier": "swift", "owner": "ops:maria", "reason": "no courier in time"}
    known = day.ask("POST /v1/orders/{order_id}/carriage", given, order_id=first)
    day.ask("GET /v1/orders/{order_id}/carriage", order_id=first)
    news = {"reference": known["reference"], "status": "enroute_to_pickup"}
    day.ask("POST /v1/carriage/{carrier}/updates", news, carrier="swift")
    day.ask("POST /v1/orders/{order_id}/carriage", given, order_id=second)
    operation = "DELETE /v1/orders/{order_id}/carriage"
    day.ask(operation, query=dict(WHO), order_id=second)
    day.cancel(second)
    day.on_shift("cou_aino")


# --- the desk ------------------------------------------------------------------------------------


def desk(day: Day) -> None:
    """Overrule the engine, and take it back."""
    order_id = day.order(pick_s=1500)
    one = {"order_id": order_id}
    day.ask("POST /v1/orders/{order_id}/hold", dict(WHO), **one)
    day.ask("POST /v1/orders/{order_id}/release", {"owner": "ops:maria"}, **one)
    day.ask("POST /v1/orders/{order_id}/hold", dict(WHO), **one)
    day.ask("DELETE /v1/orders/{order_id}/hold", query={"owner": "ops:maria"}, **one)
    given = {"courier_id": "cou_aino", **WHO}
    day.ask("POST /v1/orders/{order_id}/assign", given, **one)
    day.ask("POST /v1/orders/{order_id}/unlock", {"owner": "ops:maria"}, **one)
    day.ask("POST /v1/orders/{order_id}/assign", given, **one)
    day.ask("DELETE /v1/orders/{order_id}/lock", query={"owner": "ops:maria"}, **one)
    fixed = day.ask("POST /v1/orders/{order_id}/assign", given, **one)
    undone = {"owner": "ops:jussi"}
    day.ask("POST /v1/actions/{action_id}/undo", undone, action_id=fixed["action_id"])
    path = "/v1/couriers/{courier_id}/route/order"
    aino = {"courier_id": "cou_aino"}

    def planned() -> Any:
        found = day.town.get("/v1/couriers/cou_aino/route/order")
        return len(found["stop_ids"]) > 1 and found

    stops = until(planned, "it is planned")["stop_ids"]
    day.ask(f"GET {path}", **aino)
    day.ask(f"POST {path}", {"stop_ids": stops, **WHO}, **aino)
    day.ask(f"DELETE {path}", query={"owner": "ops:maria"}, **aino)
    day.ask("GET /v1/actions")
    day.cancel(order_id)


def surge(day: Day) -> None:
    """Turn small baskets away for an hour."""
    asked = {"kind": "minimum_basket", "value": 1000, "expires_at": day.now(3600), **WHO}
    day.ask("POST /v1/controls/preview", asked)
    control = {"control_id": day.ask("POST /v1/controls", asked)["id"]}
    day.ask("GET /v1/controls")
    day.ask("GET /v1/controls/{control_id}", **control)
    day.ask("DELETE /v1/controls/{control_id}", query={"owner": "ops:maria"}, **control)


def streets(day: Day) -> None:
    """Close a street, see how slow others are, and ask for ways."""
    asked = {"point": day.store["location"], "modes": ["car"], "reason": "a burst main"}
    day.ask("POST /v1/closures/preview", asked)
    closure_id = day.ask("POST /v1/closures", asked)["id"]
    day.ask("GET /v1/closures")
    day.ask("DELETE /v1/closures/{closure_id}", closure_id=closure_id)
    seen = {"observations": [{"way_id": a_street(), "speed_kmh": 12.5, "modes": ["bike"]}]}
    day.ask("POST /v1/traffic/observations", seen)
    day.ask("GET /v1/traffic")
    ends = {"version": "v1", "profile": "bike", "coordinates": "24.9362,60.1685;24.945,60.17"}
    day.ask("GET /table/{version}/{profile}/{coordinates}", **ends)
    day.ask("GET /route/{version}/{profile}/{coordinates}", **ends)
    ends["coordinates"] = "24.9362,60.1685"
    day.ask("GET /nearest/{version}/{profile}/{coordinates}", **ends)


def problems(day: Day) -> None:
    """Solve somebody else's problem."""
    is_ready: Callable[[], bool] = lambda: (  # noqa: E731  as `until` wants it
        day.http.post("/v1/solve", json=EXAMPLE).status_code != httpx.codes.SERVICE_UNAVAILABLE
    )
    until(is_ready, "the solver is ready", BOOT_S)
    day.ask("POST /v1/solve", EXAMPLE)
    day.ask("POST /v1/optimization", EXAMPLE)


def looking_back(day: Day) -> None:
    """See what became of it all."""
    day.ask("GET /v1/events", query={"after": 0, "limit": 2})
    day.ask("GET /v1/exports/{what}.{form}", what="orders", form="csv")
    day.ask("GET /v1/board")
    day.ask("GET /v1/kpis")
    day.ask("GET /v1/plans/latest")
    day.ask("GET /metrics")


PARTS: tuple[Callable[[Day], None], ...] = (
    *(opening, shelves, couriers, hooks, ordering, picking, collecting, bringing, trouble),
    *(without_network, offers, desk, surge, streets, problems, overflow, looking_back),
)


def a_street() -> int:
    """Return the number of a way that bikes may take."""
    network = load_city(find_city("helsinki")).network
    return int(min(network.arrays.edge_way[(network.times_ds(Mode.BIKE) > 0).all(axis=0)]))


def png() -> bytes:
    """Return a picture of one grey dot."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        )

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    dot = chunk(b"IDAT", zlib.compress(bytes([0, 128])))
    return b"\x89PNG\r\n\x1a\n" + head + dot + chunk(b"IEND", b"")


def started(folder: Path, company: str) -> Town:
    """Start the day's service."""
    (folder / "policy.toml").write_text(POLICY, encoding="utf-8")
    words = ("--port", "0", "--policy", str(folder / "policy.toml"), *service_options(company))
    return Town(folder, speed=20).start(*words, environ={"SAMEHOUR_API_KEY": KEY})
