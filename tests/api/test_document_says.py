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
