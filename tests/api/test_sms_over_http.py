"""A courier's day by text messages alone, as a gateway brings them, against a real service."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from conftest import Town, over, until
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.gsm import ALPHABET, LIMIT
from api.sms_words import HARMLESS, Said, code_of, read

PHONE = "+358401234567"
OTHER = "+358407654321"
SPEED = 30
WORDS = [*("on", "off", "ok", "no", "here", "got", "done", "fail", "back"), "4711", "18:05", "x?"]


class Phone:
    """A courier's phone; every answer fits one message."""

    def __init__(self, town: Town, courier_id: str, number: str) -> None:
        self.town, self.courier_id, self.number = town, courier_id, number

    def text(self, said: str, **more: str) -> str:
        form = {"From": self.number, "Body": said, **more}
        answer = self.town.http.post(
            "/v1/sms/inbound", data=form, headers={"Accept": "application/json"}
        )
        assert answer.status_code == 200, answer.text
        reply: str = answer.json()["reply"]
        assert 0 < len(reply) <= LIMIT
        assert set(reply) <= ALPHABET
        return reply


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    made = Town(tmp_path_factory.mktemp("sms"), speed=SPEED).start()
    made.stock()
    yield made
    over(made)


@pytest.fixture(scope="module")
def phone(town: Town) -> Phone:
    home = town.get("/v1/stores")["data"][0]["location"]
    for courier_id, name, number in (("cou_aino", "Aino", PHONE), ("cou_b", "Otto", OTHER)):
        body = {
            "name": name,
            "mode": "bike",
            "home": home,
            "phone": number,
            "takes_offers": courier_id == "cou_aino",
        }
        town.put(f"/v1/couriers/{courier_id}", body)
    return Phone(town, "cou_aino", PHONE)


def last_seq(town: Town) -> int:
    seq = 0
    while page := town.get("/v1/events", after=seq, limit=1000)["data"]:
        seq = page[-1]["seq"]
    return seq


def log_of(town: Town, after: int, *about: str) -> list[str]:
    page = town.get("/v1/events", after=after, limit=1000)["data"]
    return [row["type"] for row in page if any(each in str(row["data"]) for each in about)]


def hears(phone: Phone, words: str) -> str:
    """Ask NEXT until the answer has some words in it; returns the answer."""

    def there() -> str | None:
        reply = phone.text("next")
        return reply if words in reply else None

    return until(there, f"{phone.courier_id} hears {words}")


def order(town: Town, **wants: Any) -> tuple[str, str, str]:
    """Order and pick; returns the order's id, its code and the customer's PIN."""
    order_id = town.post("/v1/orders", town.basket(**wants), 201)["id"]
    town.pick(order_id)
    pin: str = town.get(f"/v1/orders/{order_id}/tracking")["pin"]
    return order_id, code_of(order_id), pin


def works(town: Town, order_id: str, phone: Phone) -> None:
    """Take an order off the phone's courier again, for the next test."""
    if town.order(order_id)["delivery"]["status"] in {"delivered", "returned", "cancelled"}:
        return
    town.post(f"/v1/orders/{order_id}/cancel", {"reason": "test over"})
    while town.get(f"/v1/couriers/{phone.courier_id}")["on_board"]:
        hears(phone, "BACK")
        phone.text("here")
        phone.text("back")


def test_an_order_is_delivered_by_text_messages_alone(town: Town, phone: Phone) -> None:
    began = last_seq(town)
    assert "until 22:30" in phone.text("On till 22.30")
    order_id, code, pin = order(town, pin_required=True)
    offer = hears(phone, f"Offer {code}")
    assert "Testikatu 1 A 2" in offer
    assert code in phone.text("OK")
    assert "GOT" in phone.text("here")
    assert f"You have {code}" in phone.text("got")
    assert "Testikatu 1 A 2" in hears(phone, f"Bring {code}")
    assert "Testikatu 1 A 2" in phone.text("where")
    assert "PIN" in phone.text("HERE")
    assert "PIN" in phone.text("Done")
    wrong = f"{(int(pin) + 1) % 10_000:04d}"
    assert "not the customer's PIN" in phone.text(f"DONE {wrong}")
    assert town.order(order_id)["delivery"]["status"] == "arrived_at_dropoff"
    assert f"Delivered {code}" in phone.text(f"Done {pin}")
    assert "Signed off" in phone.text("OFF")
    events = log_of(town, began, order_id, phone.courier_id)
    assert [name for name in events if not name.startswith(("Plan", "Pick", "Standby"))] == [
        "ShiftStarted",
        "OperatorChanged",
        "OrderReceived",
        "OfferMade",
        "OfferAccepted",
        "StopCommitted",
        "StopArrived",
        "ParcelPickedUp",
        "StopCommitted",
        "StopArrived",
        "ProofTaken",
        "OrderDelivered",
        "ShiftEnded",
    ]
    texts = town.get(f"/v1/couriers/{phone.courier_id}/messages", after=began)
    assert [row["text"].split()[0] for row in texts["data"]][:3] == ["Offer", "Fetch", "Bring"]
    assert {row["to"] for row in texts["data"]} == {PHONE}
    assert all(len(row["text"]) <= LIMIT for row in texts["data"])
    again = town.get(f"/v1/couriers/{phone.courier_id}/messages", after=texts["next"])
    assert again["data"] == []


def test_an_order_is_delivered_with_noise_in_between(town: Town, phone: Phone) -> None:
    noise = [
        "On my way",
        "lol",
        "Got it",
        "Done with lunch",
        "ok what?",
        "No problem",
        "4711",
        "??",
    ]
    phone.text("ON")

    def chatter() -> None:
        before = town.get(f"/v1/couriers/{phone.courier_id}")["activity"]
        seq = last_seq(town)
        for said in noise:
            phone.text(said)
        names = log_of(town, seq, phone.courier_id)
        assert {name for name in names if name not in {"PlanPublished", "StandbyGiven"}} <= {
            # What the clock does meanwhile is no answer to chatter.
            "OfferMade",
            "OfferLapsed",
            "StopCommitted",
        }
        after = town.get(f"/v1/couriers/{phone.courier_id}")["activity"]
        assert after in {before, "offered", "to_dropoff"}

    order_id, code, _ = order(town)
    hears(phone, f"Offer {code}")
    phone.text("ok")
    chatter()
    phone.text("here")
    chatter()
    phone.text(f"got {code}")
    chatter()
    hears(phone, f"Bring {code}")
    phone.text("here")
    chatter()
    assert f"Delivered {code}" in phone.text("done")
    assert town.order(order_id)["delivery"]["status"] == "delivered"


def test_everything_else_a_courier_must_do_goes_by_text_message(town: Town, phone: Phone) -> None:
    phone.text("ON 23:00")
    began = last_seq(town)
    # Decline: never the same offer again.
    declined, code, _ = order(town)
    hears(phone, f"Offer {code}")
    assert "somebody else" in phone.text("NO too far")
    works(town, declined, phone)
    # Fail and bring back.
    order_id, code, _ = order(town)
    hears(phone, f"Offer {code}")
    phone.text("OK")
    assert "Not DONE now" in phone.text("DONE")
    assert "So soon?" in phone.text("GOT")
    phone.text("here")
    phone.text("got")
    hears(phone, f"Bring {code}")
    phone.text("here")
    assert "FAIL nobody home" in phone.text("fail")
    assert "Not delivered" in phone.text("fail nobody home")
    hears(phone, "BACK")
    assert "No stop" not in phone.text("list")
    phone.text("here")
    assert "is back" in phone.text("back")
    assert town.order(order_id)["delivery"]["status"] == "returned"
    # A break, a breakdown, and on again.
    assert "Break until" in phone.text("break 15 min")
    assert "Good to have you back" in phone.text("resume")
    assert "Help is called" in phone.text("HELPME flat tyre")
    assert "We know" in phone.text("helpme!")
    assert "Good to have you back" in phone.text("Resume")
    assert "no break" in phone.text("resume")
    assert "Signed off" in phone.text("off")
    assert "off shift already" in phone.text("off")
    names = log_of(town, began, phone.courier_id)
    for name in ("StopDeclined", "DeliveryFailed", "ParcelReturned", "BreakStarted", "BreakEnded"):
        assert names.count(name) == 1, name
    for name in ("CourierStranded", "CourierRecovered", "ShiftEnded"):
        assert names.count(name) == 1, name


def test_done_with_a_time_is_taken_in_at_that_time(town: Town, phone: Phone) -> None:
    phone.text("ON 23:00")
    order_id, code, pin = order(town, pin_required=True)
    hears(phone, f"Offer {code}")
    phone.text("OK")
    town.post("/v1/sms/inbound", {"from": PHONE, "text": f"got {code}"})
    hears(phone, f"Bring {code}")
    now = town.get("/v1/zones")["data"][0]["now"]
    hour, minute = (int(now[11:13]) + 2) % 24, int(now[14:16])  # Helsinki, in winter
    assert "still to come" in phone.text(f"DONE {pin} {(hour + 1) % 24:02}:{minute:02}")
    assert f"{hour:02}:{minute:02}" in phone.text(f"DONE {pin} {hour:02}:{minute:02}")
    done = town.order(order_id)
    assert done["delivery"]["status"] == "delivered"
    assert done["timeline"][-1]["event"] in {"OrderDelivered", "ConflictNoted"}
    assert "know that already" in phone.text(f"DONE {code} {pin} {hour:02}:{minute:02}")
    phone.text("off")


def test_who_is_early_need_not_wait_to_be_told(town: Town, phone: Phone) -> None:
    """Two parcels for one trip: the second door is reached before it was told."""
    phone.text("ON 23:00")
    made = [order(town) for _ in range(2)]
    for _ in made:
        hears(phone, "Offer")
        phone.text("ok")
        phone.text("here")
        phone.text("got")
    assert len(town.get("/v1/couriers/cou_aino")["on_board"]) == 2
    for _ in made:
        until(lambda: phone.text("here").startswith("Arrived"), "they are at a door")
        assert phone.text("done").startswith("Delivered")
    for order_id, _, _ in made:
        assert town.order(order_id)["delivery"]["status"] == "delivered"
    phone.text("off")


def test_an_age_is_asked_for_at_the_door(town: Town, phone: Phone) -> None:
    phone.text("ON 23:00")
    lines = [{"sku": "milk", "quantity": 1, "age_limit": 18}]
    order_id, code, _ = order(town, lines=lines)
    hears(phone, f"Offer {code}")
    phone.text("ok")
    phone.text("here")
    phone.text("got")
    hears(phone, f"Bring {code}")
    phone.text("here")
    assert "ID once you saw they are 18" in phone.text("done")
    assert f"Delivered {code}" in phone.text("done id")
    assert town.order(order_id)["delivery"]["status"] == "delivered"
    phone.text("off")


def test_a_message_that_comes_twice_is_done_once(town: Town, phone: Phone) -> None:
    first = phone.text("ON 22:00", id="msg-1")
    seq = last_seq(town)
    assert phone.text("ON 22:00", id="msg-1") == first
    assert "ShiftStarted" not in log_of(town, seq, phone.courier_id)
    phone.text("off")


def test_gateways_are_answered_as_they_ask(town: Town, phone: Phone) -> None:
    http, path, form = town.http, "/v1/sms/inbound", {"From": PHONE, "Body": "help"}
    xml = http.post(path, data=form, headers={"Accept": "text/xml"})
    assert xml.headers["content-type"].startswith("application/xml")
    assert xml.text.startswith('<?xml version="1.0" encoding="UTF-8"?><Response><Message>ON 22:00')
    twilio = http.post(path, data={**form, "MessageSid": "SM1"}, headers={"Accept": "*/*"})
    assert "<Response><Message>" in twilio.text
    plain = http.post(path, data=form, headers={"Accept": "text/plain"})
    assert plain.headers["content-type"].startswith("text/plain")
    assert plain.text.startswith("ON 22:00")
    for body in ({"from": PHONE, "text": "help"}, {"From": PHONE, "message": "help"}):
        assert town.post(path, body)["reply"] == plain.text
    spaced = http.post(
        path,
        content=b"From=00358%2040%20123%204567&Body=help",
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )
    assert spaced.json()["reply"] == plain.text


def test_an_unknown_number_is_told_so_and_nothing_happens(town: Town, phone: Phone) -> None:
    stranger = Phone(town, "", "+4912345678")
    seq = last_seq(town)
    assert "No courier has this phone number" in stranger.text("ON 22:00")
    assert log_of(town, seq, "ShiftStarted") == []


@pytest.mark.parametrize(
    ("content", "kind", "status", "code"),
    [
        (b"", "application/x-www-form-urlencoded", 422, "invalid_request"),
        (b"From=%2B358401234567", "application/x-www-form-urlencoded", 422, "invalid_request"),
        (b"{", "application/json", 400, "malformed_body"),
        (b"[]", "application/json", 400, "malformed_body"),
        (b'{"from": 7, "text": "on"}', "application/json", 422, "invalid_request"),
        (b"[" * 5000, "application/json", 400, "malformed_body"),
        (b"\xff\xfe", "text/plain", 400, "malformed_body"),
        (b"&a=1" * 200, "application/x-www-form-urlencoded", 400, "malformed_body"),
    ],
)
def test_a_call_that_is_no_message_is_refused(
    town: Town, content: bytes, kind: str, status: int, code: str
) -> None:
    answer = town.http.post("/v1/sms/inbound", content=content, headers={"Content-Type": kind})
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    if status == 422:
        assert answer.json()["pointer"] in {"/From", "/Body", "/from"}


def test_half_a_character_and_controls_do_no_harm(town: Town, phone: Phone) -> None:
    phone.text("on 22:00")
    body = b'{"from": "+358401234567", "text": "helpme \\ud800 \\u0000 flat", "id": "\\ud800"}'
    headers = {"Content-Type": "application/json"}
    answer = town.http.post("/v1/sms/inbound", content=body, headers=headers)
    assert "Help is called" in answer.json()["reply"]
    assert town.get("/v1/couriers/cou_aino")["stranded"] == "? flat"
    phone.text("resume")
    phone.text("off")


def test_messages_of_nobody_are_none(town: Town) -> None:
    town.get("/v1/couriers/cou_nobody/messages", 404)
    town.get("/v1/couriers/cou_aino/messages", 422, after=-1)


def test_any_text_is_answered_in_one_message_and_noise_changes_nothing(
    town: Town, phone: Phone
) -> None:
    quiet = Phone(town, "cou_b", OTHER)
    words = st.sampled_from(WORDS)
    texts = st.one_of(st.text(max_size=200), st.lists(words, max_size=5).map(" ".join))

    @settings(
        max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )
    @given(texts)
    def holds(text: str) -> None:
        seq = last_seq(town)
        reply: httpx.Response = town.http.post(
            "/v1/sms/inbound", json={"from": OTHER, "text": text}
        )
        assert reply.status_code == 200, reply.text
        said = reply.json()["reply"]
        assert 0 < len(said) <= LIMIT
        assert set(said) <= ALPHABET
        found = read(text)
        if not isinstance(found, Said) or found.word in HARMLESS:
            assert log_of(town, seq, quiet.courier_id) == []

    holds()
