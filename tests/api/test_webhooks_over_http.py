"""Webhooks of a real service, received by a real server and checked with their own package."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pytest
from conftest import Town, over, until
from receiver import Heard, Receiver, Reply, receiving
from standardwebhooks import Webhook, WebhookVerificationError

ALLOWED = ("--port", "0", "--webhook-allow", "127.0.0.1")


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    made = Town(tmp_path_factory.mktemp("webhooks")).start(*ALLOWED)
    made.courier(made.stock()[0]["location"])
    yield made
    over(made)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


def add(town: Town, receiver: Receiver, *events: str, **more: Any) -> Any:
    asked = {"url": receiver.url(), "events": list(events or ("*",)), **more}
    return town.post("/v1/webhook-endpoints", asked, 201)


def pause(town: Town, reason: str = "wet floor") -> str:
    """Make two events of one store."""
    store_id: str = town.get("/v1/stores")["data"][0]["id"]
    town.post(f"/v1/stores/{store_id}/pause", {"reason": reason})
    town.post(f"/v1/stores/{store_id}/resume")
    return store_id


def health(town: Town, endpoint_id: str) -> Any:
    return town.get(f"/v1/webhook-endpoints/{endpoint_id}")


def test_a_message_is_signed_so_that_the_standard_package_verifies_it(
    town: Town, receiver: Receiver
) -> None:
    made = add(town, receiver, "StorePaused")
    store_id = pause(town)
    (heard,) = receiver.wait(lambda all_heard: len(all_heard) == 1)
    found = Webhook(made["secret"]).verify(heard.body, dict(heard.headers))
    assert found["type"] == "StorePaused"
    assert found["data"] == town.get("/v1/events", after=found["data"]["seq"] - 1)["data"][0]
    assert found["timestamp"] == found["data"]["at"]
    assert found["data"]["object"] == {"type": "store", "id": store_id}
    with pytest.raises(WebhookVerificationError):
        Webhook(made["secret"]).verify(heard.body + b" ", dict(heard.headers))


def test_an_order_is_told_from_the_click_to_the_door_in_order(
    town: Town, receiver: Receiver
) -> None:
    add(town, receiver, "*")
    order_id = town.post("/v1/orders", town.basket(), 201)["id"]
    town.pick(order_id)
    courier_id = town.told(order_id, "enroute_to_pickup")["delivery"]["courier_id"]
    town.report(courier_id, "arrived")
    town.report(courier_id, "completed")
    town.told(order_id, "enroute_to_dropoff")
    town.report(courier_id, "arrived")
    town.report(courier_id, "completed")

    def of_it(all_heard: list[Heard]) -> list[dict[str, Any]]:
        return [h.event for h in all_heard if h.event["object"]["id"] == order_id]

    heard = receiver.wait(lambda found: any(e["type"] == "OrderDelivered" for e in of_it(found)))
    told = of_it(heard)
    log = [event for event in town.events() if event["object"]["id"] == order_id]
    assert told == log
    assert told[0]["type"] == "OrderReceived"


def test_what_nobody_asked_for_is_not_told(town: Town, receiver: Receiver) -> None:
    add(town, receiver, "StoreResumed")
    pause(town)
    (heard,) = receiver.wait(lambda all_heard: len(all_heard) == 1)
    assert heard.event["type"] == "StoreResumed"


def test_the_secret_is_shown_once(town: Town, receiver: Receiver) -> None:
    made = add(town, receiver)
    assert made["secret"].startswith("whsec_")
    shown = health(town, made["id"])
    assert "secret" not in shown
    assert made["secret"] not in town.http.get("/v1/webhook-endpoints").text


def test_a_retried_request_makes_one_endpoint(town: Town, receiver: Receiver) -> None:
    asked = {"url": receiver.url(), "events": ["Order*"]}
    path, key = "/v1/webhook-endpoints", "hook-once"
    first = town.post(path, asked, 201, Idempotency_Key=key)
    again = town.post(path, asked, 201, Idempotency_Key=key)
    assert again == first
    listed = [each["id"] for each in town.get(path)["data"]]
    assert listed.count(first["id"]) == 1


def test_both_secrets_sign_while_one_takes_over_from_the_other(
    town: Town, receiver: Receiver
) -> None:
    made = add(town, receiver, "StorePaused")
    path = f"/v1/webhook-endpoints/{made['id']}"
    rotated = town.post(f"{path}/rotate-secret", {"overlap_s": 3600})
    assert rotated["secret"] != made["secret"]
    pause(town)
    (heard,) = receiver.wait(lambda all_heard: len(all_heard) == 1)
    for secret in (made["secret"], rotated["secret"]):
        Webhook(secret).verify(heard.body, dict(heard.headers))
    last = town.post(f"{path}/rotate-secret", {"overlap_s": 0})
    pause(town)
    heard = receiver.wait(lambda all_heard: len(all_heard) == 2)[1]
    Webhook(last["secret"]).verify(heard.body, dict(heard.headers))
    for secret in (made["secret"], rotated["secret"]):
        with pytest.raises(WebhookVerificationError):
            Webhook(secret).verify(heard.body, dict(heard.headers))


def test_a_test_event_says_at_once_what_came_of_it(town: Town, receiver: Receiver) -> None:
    made = add(town, receiver, "Order*")
    path = f"/v1/webhook-endpoints/{made['id']}"
    receiver.answer = lambda _: Reply(500, body=b"the database is away")
    failed = town.post(f"{path}/test")
    assert (failed["kind"], failed["delivered"], failed["status"]) == ("test", False, 500)
    assert failed["answer"] == "the database is away"
    receiver.answer = lambda _: Reply(200)
    assert town.post(f"{path}/test")["delivered"] is True
    for heard in receiver.heard:
        found = Webhook(made["secret"]).verify(heard.body, dict(heard.headers))
        assert (found["type"], found["data"]["seq"]) == ("WebhookTest", 0)
    logged = town.get(f"{path}/deliveries")["data"]
    assert [each["status"] for each in logged] == [200, 500]


def test_a_refused_message_is_in_the_delivery_log_and_is_sent_again_at_a_word(
    town: Town, receiver: Receiver
) -> None:
    receiver.answer = lambda _: Reply(503, body=b"later")
    made = add(town, receiver, "StorePaused")
    path = f"/v1/webhook-endpoints/{made['id']}"
    pause(town)
    receiver.wait(lambda all_heard: len(all_heard) == 1)
    (row,) = until(lambda: town.get(f"{path}/deliveries")["data"], "it is logged")
    assert (row["type"], row["attempt"], row["status"]) == ("StorePaused", 1, 503)
    assert (row["answer"], row["delivered"], row["kind"]) == ("later", False, "event")
    assert row["next_at"] > row["at"]
    receiver.answer = lambda _: Reply(200)
    again = town.post(f"{path}/deliveries/{row['id']}/replay")
    assert (again["kind"], again["delivered"], again["seq"]) == ("again", True, row["seq"])
    first, second = receiver.heard[:2]
    assert first.message_id == second.message_id == row["message_id"]
    assert first.body == second.body
    assert town.get(f"{path}/deliveries/{again['id']}") == again
    taken = town.get(f"{path}/deliveries", delivered=True)["data"]
    assert again in taken
    assert row not in taken


def test_the_delivery_log_has_pages(town: Town, receiver: Receiver) -> None:
    made = add(town, receiver, "Order*")
    path = f"/v1/webhook-endpoints/{made['id']}"
    sent = [town.post(f"{path}/test")["id"] for _ in range(5)]
    first = town.get(f"{path}/deliveries", limit=2)
    second = town.get(f"{path}/deliveries", limit=2, cursor=first["next"])
    third = town.get(f"{path}/deliveries", limit=2, cursor=second["next"])
    rows = [row["id"] for page in (first, second, third) for row in page["data"]]
    assert rows == sent[::-1]
    assert third["next"] is None


def test_gone_parks_at_once_and_a_person_lets_it_go_on_where_it_stopped(
    town: Town, receiver: Receiver
) -> None:
    made = add(town, receiver, "StorePaused")
    path = f"/v1/webhook-endpoints/{made['id']}"
    receiver.answer = lambda _: Reply(410)
    pause(town, "first")
    parked = until(
        lambda: (found := health(town, made["id"]))["status"] == "parked" and found, "it is parked"
    )
    assert "410" in parked["status_reason"]
    assert f'samehour_webhook_parked{{endpoint="{made["id"]}",zone="helsinki"}} 1.0' in (
        town.http.get("/metrics").text
    )
    pause(town, "second")
    receiver.answer = lambda _: Reply(200)
    assert town.post(f"{path}/enable")["status"] == "active"
    heard = receiver.wait(lambda all_heard: len(all_heard) == 3)
    assert [each.event["data"]["reason"] for each in heard] == ["first", "first", "second"]
    assert heard[0].message_id == heard[1].message_id
    assert "webhook_parked" in town.log()


def test_a_disabled_endpoint_hears_nothing_until_it_is_enabled(
    town: Town, receiver: Receiver
) -> None:
    made = add(town, receiver, "StorePaused")
    path = f"/v1/webhook-endpoints/{made['id']}"
    disabled = town.post(f"{path}/disable", {"reason": "moving house"})
    assert (disabled["status"], disabled["status_reason"]) == ("disabled", "moving house")
    pause(town)
    assert town.post(f"{path}/test")["delivered"] is True
    assert [each.event["type"] for each in receiver.heard] == ["WebhookTest"]
    town.post(f"{path}/enable")
    heard = receiver.wait(lambda all_heard: len(all_heard) == 2)
    assert heard[1].event["type"] == "StorePaused"


def test_everything_after_a_number_is_told_again(town: Town, receiver: Receiver) -> None:
    made = add(town, receiver, "Store*")
    path = f"/v1/webhook-endpoints/{made['id']}"
    pause(town)
    first = receiver.wait(lambda all_heard: len(all_heard) == 2)
    town.post(f"{path}/replay", {"after": first[0].event["seq"] - 1})
    both = receiver.wait(lambda all_heard: len(all_heard) == 4)
    assert [each.message_id for each in both[2:]] == [each.message_id for each in both[:2]]
    town.post(f"{path}/replay", {"since": first[0].event["at"]})
    receiver.wait(lambda all_heard: len(all_heard) >= 6)
    refused = town.post(f"{path}/replay", {}, 422)
    assert "either after" in refused["detail"]


def test_an_endpoint_may_begin_in_the_past(town: Town, receiver: Receiver) -> None:
    stores = len(town.get("/v1/stores")["data"])
    add(town, receiver, "StoreRegistered", after=0)
    heard = receiver.wait(lambda all_heard: len(all_heard) == stores)
    assert sorted(each.event["seq"] for each in heard) == list(range(1, stores + 1))


def test_a_change_is_made_to_the_version_that_was_read(town: Town, receiver: Receiver) -> None:
    made = add(town, receiver, "StorePaused")
    path = f"/v1/webhook-endpoints/{made['id']}"
    etag = town.http.get(path).headers["etag"]
    changed = town.http.patch(path, json={"events": ["StoreResumed"]}, headers={"If-Match": etag})
    assert changed.status_code == 200, changed.text
    assert changed.json()["events"] == ["StoreResumed"]
    stale = town.http.patch(path, json={"events": ["*"]}, headers={"If-Match": etag})
    assert (stale.status_code, stale.json()["code"]) == (412, "stale_version")
    pause(town)
    (heard,) = receiver.wait(lambda all_heard: len(all_heard) == 1)
    assert heard.event["type"] == "StoreResumed"
    nothing = town.http.patch(path, json={})
    assert nothing.status_code == 422


def test_a_deleted_endpoint_is_forgotten(town: Town, receiver: Receiver) -> None:
    made = add(town, receiver)
    path = f"/v1/webhook-endpoints/{made['id']}"
    assert town.http.delete(path).status_code == 204
    assert town.get(path, 404)["code"] == "unknown_id"
    assert town.get(f"{path}/deliveries", 404)["code"] == "unknown_id"
    assert made["id"] not in town.http.get("/v1/webhook-endpoints").text


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://hooks.example.com/x", "must begin with https"),
        ("ftp://hooks.example.com/x", "must begin with https"),
        ("https://user:pass@hooks.example.com/x", "name or password"),
        ("https://hooks.example.com:22/x", "has port 22"),
        ("https://10.0.0.1/x", "not a public address"),
        ("https://169.254.169.254/latest/meta-data", "not a public address"),
        ("https://[::1]/x", "not a public address"),
        ("https://localhost/x", "not a public address"),
        ("https://2130706433/x", "neither a name nor an address"),
        ("https://0x7f.1/x", "neither a name nor an address"),
    ],
)
def test_an_address_that_is_not_called_is_refused_at_once(town: Town, url: str, why: str) -> None:
    asked = {"url": url, "events": ["*"]}
    refused = town.post("/v1/webhook-endpoints", asked, 422)
    assert (refused["code"], refused["pointer"]) == ("webhook_url_refused", "/url")
    assert why in refused["detail"]


def test_a_pattern_that_names_nothing_is_refused_with_the_nearest(town: Town) -> None:
    asked = {"url": "https://hooks.example.com/x", "events": ["OrderDeliverd"]}
    refused = town.post("/v1/webhook-endpoints", asked, 422)
    assert refused["pointer"] == "/events/0"
    assert "did you mean OrderDelivered?" in refused["detail"]


def test_the_api_document_says_what_is_sent(town: Town) -> None:
    document = town.get("/openapi.json")
    assert "webhook-signature" in document["webhooks"]["event"]["post"]["description"]
    assert "/v1/webhook-endpoints/{endpoint_id}/test" in document["paths"]


def test_nothing_is_lost_and_nothing_overtakes_when_the_service_is_killed(
    own_town: Town, receiver: Receiver
) -> None:
    town = own_town.start(*ALLOWED)
    town.stock()
    made = add(town, receiver, "StorePaused", "StoreResumed", after=0)
    pause(town)
    receiver.wait(lambda all_heard: len(all_heard) == 2)
    receiver.answer = lambda _: Reply(503)
    pause(town)
    receiver.wait(lambda all_heard: len(all_heard) >= 3)
    pause(town)
    town.kill()
    receiver.answer = lambda _: Reply(200)
    town.start(*ALLOWED)
    pause(town)
    wanted = [e for e in town.events() if e["type"] in {"StorePaused", "StoreResumed"}]
    assert len(wanted) == 8
    town.post(f"/v1/webhook-endpoints/{made['id']}/enable")  # do not wait for the next attempt
    heard = receiver.wait(
        lambda found: {h.event["seq"] for h in found} >= {e["seq"] for e in wanted}
    )
    firsts: dict[str, list[int]] = defaultdict(list)
    for each in heard:
        seen = firsts[each.event["object"]["id"]]
        if each.event["seq"] not in seen:
            seen.append(each.event["seq"])
    assert all(seqs == sorted(seqs) for seqs in firsts.values())
    assert health(town, made["id"])["waiting"] == 0
    assert town.stop() == 0
    assert "level=ERROR" not in town.log()


def test_a_host_that_is_no_host_keeps_the_service_from_starting(own_town: Town) -> None:
    with pytest.raises(AssertionError, match=r"--webhook-allow.*is no host"):
        own_town.start("--port", "0", "--webhook-allow", "http://here/")
