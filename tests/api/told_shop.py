"""The shop's part of the day that `told_day.py` tells."""

from __future__ import annotations

from typing import Any

from conftest import BOOT_S, until
from told_asking import ARTICLES, PHONE, SHOP, WHO, Day


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
