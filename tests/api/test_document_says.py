"""What the API document says of every operation, so that a client made from it can be used."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from conftest import until
from kauppa import Kauppa
from test_document_over_http import ONE_ZONE

from api.access_table import endpoints
from api.rights import Scope, rule_of
from api.routes import ROUTERS


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kauppa]:
    town = Kauppa(tmp_path_factory.mktemp("says"), ONE_ZONE)
    town.start()
    until(lambda: town.http.get("/readyz").status_code == 200, "it is ready", 180)
    yield town
    assert town.stop() == 0, town.log()


@pytest.fixture(scope="module")
def document(town: Kauppa) -> dict[str, Any]:
    found: dict[str, Any] = town.http.get("/openapi.json").json()
    return found


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def headers(operation: dict[str, Any]) -> set[str]:
    return {one["name"] for one in operation.get("parameters", []) if one["in"] == "header"}


def test_every_operation_says_with_which_scope_it_may_be_called(document: dict[str, Any]) -> None:
    assert set(document["components"]["securitySchemes"]) == {"key", "session"}
    said = dict(operations(document))
    ruled = {
        f"{method} {route.path_format}": rule_of(route.endpoint)
        for route, method in endpoints(ROUTERS)
        if route.include_in_schema
    }
    assert said.keys() == ruled.keys()
    for label, operation in said.items():
        scopes = sorted(ruled[label].scopes)
        assert all(scope in set(Scope) for scope in scopes)
        ways = [] if ruled[label].is_open else [{"key": scopes}, {"session": scopes}]
        assert operation["security"] == ways, label


_INNER = ("items", "prefixItems", "anyOf", "oneOf", "allOf", "additionalProperties", "$defs")
_FEWEST_WORDS = 3


def fields(
    schema: Any, document: dict[str, Any], where: str, seen: set[str]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each property that a schema leads to, the referenced ones of `seen` left out."""
    if isinstance(schema, list):
        for each in schema:
            yield from fields(each, document, where, seen)
    if not isinstance(schema, dict):
        return
    name = schema.get("$ref", "").rpartition("/")[2]
    if name and name not in seen:
        seen.add(name)
        yield from fields(document["components"]["schemas"][name], document, name, seen)
    for key, said in schema.get("properties", {}).items():
        yield f"{where}.{key}", said
        yield from fields(said, document, f"{where}.{key}", seen)
    for key in _INNER:
        inner = schema.get(key)
        yield from fields(
            list(inner.values()) if key == "$defs" and inner else inner, document, where, seen
        )


def is_said(said: dict[str, Any]) -> bool:
    return len(said.get("description", "").split()) >= _FEWEST_WORDS


def test_every_field_of_a_request_says_what_it_means(document: dict[str, Any]) -> None:
    seen: set[str] = set()
    found = {
        where: said
        for label, operation in operations(document)
        for content in operation.get("requestBody", {}).get("content", {}).values()
        for where, said in fields(content["schema"], document, label, seen)
    }
    assert {"OrderIn.window", "PlaceIn.lat", "POST /v1/solve.vehicles.capacity"} <= found.keys()
    assert [where for where, said in found.items() if not is_said(said)] == []


def test_every_parameter_says_what_it_means(document: dict[str, Any]) -> None:
    found = {
        f"{label} {said['in']} {said['name']}": said
        for label, operation in operations(document)
        for said in operation.get("parameters", [])
    }
    assert {"GET /v1/orders query cursor", "GET /v1/events header last-event-id"} <= found.keys()
    assert [where for where, said in found.items() if not is_said(said)] == []


def test_a_client_can_name_zone_retry_and_version_where_the_service_heeds_them(
    document: dict[str, Any],
) -> None:
    said = {label: headers(operation) for label, operation in operations(document)}
    assert {"Samehour-Zone", "Idempotency-Key"} <= said["POST /v1/orders"]
    assert {"Samehour-Zone", "Idempotency-Key"} <= said["POST /v1/quotes"]
    assert {"Idempotency-Key", "If-Match"} <= said["POST /v1/orders/{order_id}/assign"]
    assert {"Samehour-Zone", "If-Match"} <= said["PUT /v1/stores/{store_id}"]
    assert "Samehour-Zone" not in said["GET /healthz"] | said["GET /v1/zones"]


@pytest.mark.parametrize("said", ["with space", "", "ä", "x" * 256])
def test_a_key_for_retries_that_is_none_is_refused(town: Kauppa, said: str) -> None:
    sent = {"Idempotency-Key": said.encode("latin-1")}
    body = {"lines": [{"sku": "milk", "quantity": 1}]}
    answer = town.http.post("/v1/quotes", json=body, headers=sent)
    assert answer.status_code == 422
    assert answer.json()["code"] == "invalid_request"
    assert "Idempotency-Key" in answer.json()["detail"]


def test_every_answer_carries_the_trace_id_that_the_document_names(
    town: Kauppa, document: dict[str, Any]
) -> None:
    for label, operation in operations(document):
        for status, answer in operation["responses"].items():
            assert "Trace-Id" in answer["headers"], f"{label} {status}"
    for path in ("/v1/zones", "/v1/nothing", "/healthz"):
        assert town.http.get(path).headers["Trace-Id"].startswith("trc_")
