"""The couriers' part of the day that `told_day.py` tells."""

from __future__ import annotations

import struct
import zlib
from typing import Any

from conftest import until
from told_asking import PHONE, SHOP, WHO, Day


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


def png() -> bytes:
    """Return a picture of one grey dot."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        )

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    dot = chunk(b"IDAT", zlib.compress(bytes([0, 128])))
    return b"\x89PNG\r\n\x1a\n" + head + dot + chunk(b"IEND", b"")
