"""Proof of a stop over HTTP: pictures, the PIN, the parcel's code; and what is done twice."""

from __future__ import annotations

import struct
import zlib
from typing import Any

import httpx
import pytest
from conftest import Town, until

PIN_TRIES = 5


def png(shade: int = 128) -> bytes:
    """Return a picture of one grey dot."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        )

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    dot = chunk(b"IDAT", zlib.compress(bytes([0, shade])))
    return b"\x89PNG\r\n\x1a\n" + head + dot + chunk(b"IEND", b"")


def send(town: Town, body: bytes, kind: str = "image/png") -> httpx.Response:
    return town.http.post("/v1/proofs", content=body, headers={"Content-Type": kind})


def at_the_store(town: Town, **wants: Any) -> tuple[str, str]:
    """Let a courier be told to fetch an order; returns order and courier."""
    order_id = town.post("/v1/orders", town.basket(**wants), 201)["id"]
    town.pick(order_id)
    return order_id, town.told(order_id, "enroute_to_pickup")["delivery"]["courier_id"]


def at_the_door(town: Town, **wants: Any) -> tuple[str, str]:
    """Let a courier be told to bring an order; returns order and courier."""
    order_id, courier_id = at_the_store(town, **wants)
    town.report(courier_id, "completed")
    town.told(order_id, "enroute_to_dropoff")
    return order_id, courier_id


def log_of(town: Town, order_id: str) -> list[dict[str, Any]]:
    """Return what the log says of an order, plans apart."""
    found, after = [], 0
    while page := town.get("/v1/events", after=after, limit=500)["data"]:
        found += [row for row in page if row["type"] != "PlanPublished"]
        after = page[-1]["seq"]
    return [row for row in found if order_id in str(row["data"])]


def pin_of(town: Town, order_id: str) -> str:
    said: str = town.get(f"/v1/orders/{order_id}/tracking")["pin"]
    return said


def wrong(pin: str) -> str:
    return f"{(int(pin) + 1) % 10_000:04d}"


# --- pictures ----------------------------------------------------------------------------------


def test_a_picture_is_kept_by_its_content_and_comes_back_as_it_was(town: Town) -> None:
    first = send(town, png())
    assert first.status_code == 201, first.text
    assert (first.json()["content_type"], first.json()["size_bytes"]) == ("image/png", len(png()))
    assert send(town, png()).json() == first.json()
    assert send(town, png(7)).json()["blob_id"] != first.json()["blob_id"]
    back = town.http.get(f"/v1/proofs/{first.json()['blob_id']}")
    assert (back.content, back.headers["content-type"]) == (png(), "image/png")
    assert back.headers["x-content-type-options"] == "nosniff"
    assert back.headers["content-disposition"].startswith("attachment; filename=")
    assert back.headers["content-security-policy"] == "default-src 'none'; sandbox"


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>", "image/svg+xml"),
        (b"<script>alert(1)</script>", "image/png"),
        (png(), "image/jpeg"),
        (png(), ""),
        (b"", "image/png"),
        (b"RIFF\x00\x00\x00\x00WAVE", "image/webp"),
    ],
    ids=["drawing", "script", "another kind", "no kind", "empty", "sound"],
)
def test_what_is_no_picture_is_not_kept(town: Town, body: bytes, kind: str) -> None:
    answer = send(town, body, kind)
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_picture")


def test_a_picture_may_have_three_megabytes(town: Town) -> None:
    most = png() + bytes(3_000_000 - len(png()))
    assert send(town, most).status_code == 201
    too_large = send(town, most + b"\x00")
    assert (too_large.status_code, too_large.json()["code"]) == (413, "body_too_large")
    assert town.get("/v1/proofs/blb_none", 404)["code"] == "unknown_id"


# --- at the stops ------------------------------------------------------------------------------


def test_proofs_are_on_record_before_the_delivery_they_prove(town: Town) -> None:
    order_id, courier_id = at_the_store(town)
    parcel_id = town.get(f"/v1/couriers/{courier_id}/route")["stops"][0]["parcel_id"]
    town.report(courier_id, "completed", proofs=[{"kind": "qr", "value": parcel_id}])
    town.told(order_id, "enroute_to_dropoff")
    blob_id = send(town, png()).json()["blob_id"]
    proofs = [
        {"kind": "photo", "blob_id": blob_id},
        {"kind": "signature", "detail": "Maija Meikalainen"},
        {"kind": "note", "detail": "with the neighbour"},
    ]
    town.report(courier_id, "completed", proofs=proofs)
    kinds = [row["type"] for row in log_of(town, order_id)]
    assert kinds[kinds.index("ParcelPickedUp") - 2 : kinds.index("ParcelPickedUp")] == [
        "ProofTaken",
        "ParcelScanned",
    ]
    assert kinds[-5:] == ["StopArrived", *["ProofTaken"] * 3, "OrderDelivered"]
    shown = town.get(f"/v1/orders/{order_id}/proofs")["data"]
    assert [(row["stop_kind"], row["kind"], row["detail"]) for row in shown] == [
        ("pickup", "qr", parcel_id),
        ("dropoff", "photo", None),
        ("dropoff", "signature", "Maija Meikalainen"),
        ("dropoff", "note", "with the neighbour"),
    ]
    assert town.http.get(shown[1]["picture"]).content == png()
    assert all(row["taken_at"] for row in shown)
    assert town.get("/v1/orders/ord_none/proofs", 404)["code"] == "unknown_id"


def test_without_the_customers_pin_a_locked_order_is_not_left(town: Town) -> None:
    order_id, courier_id = at_the_door(town, pin_required=True)
    stop = town.get(f"/v1/couriers/{courier_id}/route")["stops"][0]
    assert stop["proofs_required"] == ["pin"]
    pin = pin_of(town, order_id)
    bare = town.report(courier_id, "completed", 409)
    assert (bare["code"], bare["required"]) == ("proof_required", ["pin"])
    guess = town.report(courier_id, "completed", 409, proofs=[{"kind": "pin", "value": wrong(pin)}])
    assert (guess["code"], guess["pointer"]) == ("wrong_pin", "/proofs/0/value")
    assert guess["tries_left"] == PIN_TRIES - 1
    assert town.order(order_id)["delivery"]["status"] == "enroute_to_dropoff"
    town.report(courier_id, "completed", proofs=[{"kind": "pin", "value": pin}])
    log = log_of(town, order_id)
    assert [row["type"] for row in log[-2:]] == ["ProofTaken", "OrderDelivered"]
    # The PIN itself is told to nobody.
    taken = log[-2]["data"]["proof"]
    assert (taken["kind"], taken["detail"], taken["blob_id"]) == ("pin", "", "")
    assert town.get(f"/v1/orders/{order_id}/proofs")["data"][0]["detail"] is None


def test_after_five_wrong_pins_nobody_is_listened_to_for_a_while(town: Town) -> None:
    order_id, courier_id = at_the_door(town, pin_required=True)
    pin = pin_of(town, order_id)
    false = [{"kind": "pin", "value": wrong(pin)}]
    for left in reversed(range(PIN_TRIES)):
        assert town.report(courier_id, "completed", 409, proofs=false)["tries_left"] == left
    true = [{"kind": "pin", "value": pin}]
    path = stop_path(town, courier_id, "completed")
    answer = town.http.post(path, json={"proofs": true})
    assert (answer.status_code, answer.json()["code"]) == (429, "too_many_tries")
    # Ten minutes of the service are ten seconds here.
    assert 1 <= int(answer.headers["retry-after"]) <= 10
    assert town.order(order_id)["delivery"]["status"] == "enroute_to_dropoff"
    town.report(courier_id, "failed", reason="the PIN was wrong")
    town.told(order_id, "returning")
    town.report(courier_id, "completed")


def stop_path(town: Town, courier_id: str, done: str) -> str:
    stop = town.get(f"/v1/couriers/{courier_id}/route")["stops"][0]
    return f"/v1/couriers/{courier_id}/stops/{stop['id']}/{done}"


def test_a_pin_is_listened_to_only_from_whoever_is_at_that_door(town: Town) -> None:
    order_id, courier_id = at_the_door(town, pin_required=True)
    path = stop_path(town, courier_id, "completed")
    other = town.courier(town.get("/v1/stores")["data"][0]["location"])
    pin = pin_of(town, order_id)
    for said in (pin, wrong(pin)):
        body = {"proofs": [{"kind": "pin", "value": said}]}
        refused = town.post(path.replace(courier_id, other), body, 409)
        assert refused["code"] == "conflict"
    town.post(f"/v1/couriers/{other}/shift/end")
    town.post(path, {"proofs": [{"kind": "pin", "value": pin}]})


def test_whoever_takes_beer_shows_how_old_they_are(town: Town) -> None:
    lines = [{"sku": "milk", "quantity": 1, "age_limit": 18}]
    order_id, courier_id = at_the_door(town, lines=lines)
    stop = town.get(f"/v1/couriers/{courier_id}/route")["stops"][0]
    assert (stop["proofs_required"], stop["age_limit"]) == (["age"], 18)
    bare = town.report(courier_id, "completed", 409)
    assert bare["required"] == ["age"]
    town.report(courier_id, "completed", proofs=[{"kind": "age", "detail": "passport"}])
    assert town.get(f"/v1/orders/{order_id}/proofs")["data"][0]["detail"] == "passport"


def test_a_parcel_at_the_wrong_door_is_not_left_there(town: Town) -> None:
    order_id, courier_id = at_the_door(town)
    before = len(log_of(town, order_id))
    refused = town.report(
        courier_id, "completed", 409, proofs=[{"kind": "qr", "value": "pcl_another"}]
    )
    assert refused["code"] == "wrong_parcel"
    assert len(log_of(town, order_id)) == before
    assert town.order(order_id)["delivery"]["status"] == "enroute_to_dropoff"
    town.report(courier_id, "completed")


def test_proofs_that_cannot_be_are_pointed_at_and_nothing_is_done(town: Town) -> None:
    order_id, courier_id = at_the_store(town)
    note = {"kind": "note", "detail": "ok"}
    for proofs, pointer in (
        ([note, {"kind": "photo"}], "/proofs/1/blob_id"),
        ([{"kind": "photo", "blob_id": "blb_none"}], "/proofs/0/blob_id"),
        ([{"kind": "pin"}], "/proofs/0/value"),
        ([{"kind": "pin", "value": "1234"}], "/proofs/0/kind"),
        ([{"kind": "age", "detail": "passport"}], "/proofs/0/kind"),
        ([{"kind": "smell"}], "/proofs/0/kind"),
        ([note] * 11, "/proofs"),
    ):
        refused = town.report(courier_id, "completed", 422, proofs=proofs)
        assert refused["pointer"] == pointer, proofs
    assert town.order(order_id)["delivery"]["status"] == "enroute_to_pickup"
    assert town.get(f"/v1/orders/{order_id}/proofs")["data"] == []
    town.post(f"/v1/orders/{order_id}/cancel", {"reason": "the test is over"})


# --- twice -------------------------------------------------------------------------------------


def test_a_stop_done_twice_is_done_once(town: Town) -> None:
    order_id, courier_id = at_the_door(town)
    path = stop_path(town, courier_id, "completed")
    assert town.post(path)["already"] is False
    log = log_of(town, order_id)
    again = town.post(path)
    assert (again["already"], again["events"]) == (True, [])
    otherwise = town.post(path.replace("completed", "failed"), {"reason": "no"}, 409)
    assert (otherwise["code"], otherwise["state"]) == ("wrong_state", "completed")
    assert log_of(town, order_id) == log


def test_a_delivery_that_failed_is_not_delivered_after_all(town: Town) -> None:
    order_id, courier_id = at_the_door(town)
    path = stop_path(town, courier_id, "failed")
    blob_id = send(town, png(9)).json()["blob_id"]
    said = {"reason": "nobody there", "proofs": [{"kind": "photo", "blob_id": blob_id}]}
    town.post(path, said)
    assert town.post(path, said)["already"] is True
    delivered = town.post(path.replace("failed", "completed"), None, 409)
    assert delivered["state"] == "failed"
    kinds = [row["type"] for row in log_of(town, order_id)]
    assert kinds.count("DeliveryFailed") == kinds.count("ProofTaken") == 1
    town.told(order_id, "returning")
    town.report(courier_id, "completed")
    until(lambda: town.order(order_id)["delivery"]["status"] == "returned", "it is back")
