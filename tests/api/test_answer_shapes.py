"""Answers have the shapes that the API document says."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import httpx
import pytest
from answer_shapes import (
    JSON,
    check_answer,
    document,
    is_described,
    message_problems_of,
    problems_of,
)
from fastapi.routing import APIRoute

from api.examples import examples
from api.routes import ROUTERS
from api.webhooks.messages import body_of
from api.webhooks.messages import test_body as body_of_test
from dispatch.events import CatalogueSet, Recorded, StreetReopened
from dispatch.records import Article

INTEGRATED = (
    "POST /v1/quotes",
    "GET /v1/orders",
    "POST /v1/orders",
    "GET /v1/orders/{order_id}",
    "PATCH /v1/orders/{order_id}",
    "POST /v1/orders/{order_id}/cancel",
    "GET /v1/orders/{order_id}/tracking",
    "GET /v1/track/{token}",
    "GET /v1/zones",
    "GET /v1/zones/{zone_id}",
    "GET /v1/stores",
    "GET /v1/stores/{store_id}",
    "PUT /v1/stores/{store_id}",
    "PUT /v1/catalogue",
    "GET /v1/catalogue",
    "GET /v1/stores/{store_id}/stock",
    "PUT /v1/stores/{store_id}/stock",
    "POST /v1/stores/{store_id}/stock/corrections",
    "GET /v1/stores/{store_id}/picks",
    "POST /v1/orders/{order_id}/picking",
    "GET /v1/couriers",
    "PUT /v1/couriers/{courier_id}",
    "POST /v1/couriers/positions",
    "GET /v1/couriers/{courier_id}/route",
    "POST /v1/couriers/{courier_id}/stops/{stop_id}/{done}",
    "POST /v1/shifts",
    "GET /v1/events",
    "GET /v1/webhook-endpoints",
    "POST /v1/webhook-endpoints",
    "POST /v1/webhook-endpoints/{endpoint_id}/test",
    "GET /v1/webhook-endpoints/{endpoint_id}/deliveries",
    "POST /v1/keys",
)
"""What a shop, its stores and its couriers' app ask; as `docs/integrating.md` tells it."""

AS_ELSEWHERE = {
    "GET /table/{version}/{profile}/{coordinates}",
    "GET /route/{version}/{profile}/{coordinates}",
    "GET /nearest/{version}/{profile}/{coordinates}",
}
"""Answers in JSON that OSRM's documentation describes."""

ORDER = "GET", "/v1/orders/{order_id}", 200


@pytest.mark.parametrize("operation", INTEGRATED)
def test_what_integrators_ask_says_what_it_answers(operation: str) -> None:
    method, _, path = operation.partition(" ")
    assert is_described(method, path, examples()[operation]["status"])


def test_every_answer_in_json_is_described() -> None:
    found = {
        operation
        for operation, known in examples().items()
        if known["answer_type"] == JSON
        and not is_described(*operation.split(" ", 1), known["status"])
    }
    assert found == AS_ELSEWHERE


def test_every_recorded_answer_has_just_the_keys_that_its_schema_names() -> None:
    wrong = []
    for operation, known in examples().items():
        if known["answer_type"] == JSON:
            wrong += problems_of(*operation.split(" ", 1), known["status"], known["answer"])
    assert wrong == []


@pytest.mark.parametrize(
    "change",
    [
        {"colour": "green"},
        {"status": "lost"},
        {"created_at": "this morning"},
        {"store_id": None},
        {"parcels": [{"id": "pcl_1"}]},
        {"hold": {"owner": "ops:maria", "reason": "asked", "until": "2026-11-20"}},
    ],
    ids=lambda change: next(iter(change)),
)
def test_an_order_that_is_otherwise_than_described_is_found(change: dict[str, Any]) -> None:
    known = examples()["GET /v1/orders/{order_id}"]["answer"]
    assert problems_of(*ORDER, known) == []
    assert problems_of(*ORDER, {**known, **change}) != []


def test_an_order_that_lacks_a_key_is_found() -> None:
    known = examples()["GET /v1/orders/{order_id}"]["answer"]
    for key in known:
        assert problems_of(*ORDER, {name: known[name] for name in known if name != key}), key


def test_an_event_must_have_the_data_of_its_type() -> None:
    page = examples()["GET /v1/events"]["answer"]
    first = {**page["data"][0], "type": "OrderDelivered"}
    where = "GET", "/v1/events", 200
    assert problems_of(*where, page) == []
    assert problems_of(*where, {**page, "data": [first]}) != []


def test_a_client_of_the_tests_fails_at_an_answer_that_is_not_described() -> None:
    order = {**examples()["GET /v1/orders/{order_id}"]["answer"], "colour": "green"}
    asked = httpx.Request("GET", "http://samehour.example/v1/orders/ord_1")
    with pytest.raises(AssertionError, match="colour"):
        check_answer(httpx.Response(200, json=order, request=asked))


def test_messages_to_webhooks_are_as_the_document_says() -> None:
    small = Recorded("helsinki", 7, 1_795_000_000, StreetReopened("clo_1"))
    large = replace(small, event=CatalogueSet(tuple(Article(f"sku_{n}") for n in range(5000))))
    told = [body_of(small), body_of(large), body_of_test("helsinki", "whe_1", 1_795_000_000)]
    for body in map(json.loads, told):
        assert message_problems_of(body) == []
        assert message_problems_of({**body, "data": {**body["data"], "seq": "7"}}) != []
    assert [len(body) > 200_000 for body in told] == [False, False, False]
    assert json.loads(told[1])["data"]["left_out_bytes"] > 200_000


def test_no_answer_is_held_to_its_shape_while_serving() -> None:
    declared = [
        route
        for router in ROUTERS
        for route in router.routes
        if isinstance(route, APIRoute) and hasattr(route.endpoint, "__answer_shape__")
    ]
    assert len(declared) > 100
    assert {str(route.response_model) for route in declared} == {str(dict[str, Any])}


def test_every_schema_has_a_name_of_its_own() -> None:
    # Two of one name are told apart by their modules, which generators of clients cannot take.
    assert [name for name in document()["components"]["schemas"] if "__" in name] == []


def test_moments_words_and_nulls_are_told_apart() -> None:
    schemas = document()["components"]["schemas"]
    order = schemas["Order"]["properties"]
    assert order["created_at"]["format"] == "date-time"
    assert order["status"] == {"$ref": "#/components/schemas/OrderStatus"}
    assert {"type": "null"} in order["external_id"]["anyOf"]
    assert set(order) == set(schemas["Order"]["required"])
    stop = schemas["Stop"]
    assert set(stop["properties"]) - set(stop["required"]) == {"promise"}
