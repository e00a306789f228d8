"""What is refused on the day that `told_day.py` tells: a problem of each family of operations."""

from __future__ import annotations

from told_asking import SHOP, WHO, Day

NOBODY = {"order_id": "ord_none"}
NO_LINK = {"token": "none"}


def refused(day: Day) -> None:
    """Ask for what is not there, not possible or not allowed."""
    no = day.be_refused
    no("GET /metrics", headers={"Authorization": "Bearer nobody"})
    no("GET /v1/zones/{zone_id}", zone_id="atlantis")
    no("POST /v1/quotes", day.basket(lines=[{"sku": "milk", "quantity": 999}]))
    no("GET /v1/orders/{order_id}", **NOBODY)
    no("POST /v1/orders", day.basket(external_id="shop-4711"))
    no("GET /v1/stores/{store_id}", store_id="sto_none")
    no("GET /v1/catalogue/{sku}", sku="nothing")
    no("POST /v1/orders/{order_id}/picking", {"event": "started"}, **NOBODY)
    no("POST /v1/orders/{order_id}/collect", {"code": "1234"}, **NOBODY)
    no("POST /v1/returns/{return_id}/settle", {"reason": "stale"}, return_id="ord_none")
    no("GET /v1/couriers/{courier_id}/offer", courier_id="cou_none")
    no("POST /v1/shifts", {"courier_id": "cou_none", "ends_at": "2026-11-20T20:00:00Z"})
    no("GET /v1/proofs/{blob_id}", blob_id="blb_none")
    no("GET /v1/orders/{order_id}/carriage", **NOBODY)
    no("POST /v1/orders/{order_id}/hold", {**WHO, "owner": "engine"}, **NOBODY)
    no("GET /v1/track/{token}", **NO_LINK)
    no("GET /v1/events", query={"after": -1})
    metadata = {"url": "https://169.254.169.254/", "events": ["*"]}
    no("POST /v1/webhook-endpoints", metadata)
    no("GET /v1/exports/{what}.{form}", what="everything", form="csv")
    no("GET /v1/kpis", query={"window_s": 0})
    no("POST /v1/closures", {"reason": "no place"})
    at_sea = {"version": "v1", "profile": "bike", "coordinates": "0,0"}
    no("GET /nearest/{version}/{profile}/{coordinates}", **at_sea)
    no("POST /v1/solve", {"vehicles": [{"id": 1, "wings": 2}]})
    no("POST /v1/keys", {"role": "pilot"})
    no("PUT /v1/stores/{store_id}/service-area", {"kind": "a_circle"}, store_id=SHOP)
