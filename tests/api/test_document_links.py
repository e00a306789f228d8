"""Whole sessions drawn from the API document: each request takes up what an answer before it gave.

Schemathesis follows the document's links from what was made to all that can be asked of it and
done with it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from hypothesis.internal.conjecture.providers import AVAILABLE_PROVIDERS, HypothesisProvider
from kauppa import Kauppa
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from test_document_over_http import ONE_ZONE, leave_out_what_is_not_known

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
SESSIONS = 15
STEPS = 8

DOOR = {"location": {"lat": 60.1665, "lng": 24.944}, "address": "Erottajankatu 7"}
ANNA = {"name": "Anna", "mode": "bike", "home": DOOR["location"]}
BASKET = {
    "dropoff": DOOR,
    "fulfilment": "delivery",
    "lines": [{"sku": "milk", "quantity": 1}],
    "weight_g": 1000,
}
BUYING = {"/v1/quotes", "/v1/orders"}
"""Where a basket is asked for: what is drawn would hardly ever be had."""

FOLLOWED = r"^/v1/(quotes|orders|track)"


class LiveProvider(HypothesisProvider):
    """Draws each session once.

    Hypothesis' own engine draws what begins alike anew and wants the same steps to be possible
    again; a live service, which sells what it has while its clock goes on, answers otherwise.
    """


AVAILABLE_PROVIDERS["live"] = f"{__name__}.{LiveProvider.__name__}"


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Kauppa, dict[str, str]]]:
    # By the real clock: a quote that is drawn now is still good when an order cites it.
    town = Kauppa(tmp_path_factory.mktemp("links"), ONE_ZONE.replace("speed = 60", "speed = 1"))
    key = town.key("ops")
    town.start()
    headers = {"Authorization": f"Bearer {key}"}
    shelf = {"items": [{"sku": "milk", "on_hand": 1000}]}
    for store in town.http.get("/v1/stores", headers=headers).json()["data"]:
        found = town.http.put(f"/v1/stores/{store['id']}/stock", json=shelf, headers=headers)
        assert found.status_code == 200, found.text
    town.http.put("/v1/couriers/cou_anna", json=ANNA, headers=headers).raise_for_status()
    shift = {"courier_id": "cou_anna", "ends_at": "2026-11-22T14:00:00Z"}
    town.http.post("/v1/shifts", json=shift, headers=headers).raise_for_status()
    yield town, headers
    assert town.stop() == 0, town.log()
    assert "level=ERROR" not in town.log()


def test_what_an_answer_gives_is_taken_up_by_the_operations_it_links_to(
    asked: tuple[Kauppa, dict[str, str]],
) -> None:
    town, headers = asked
    schema = schemathesis.openapi.from_url(f"{town.http.base_url}/openapi.json", headers=headers)
    schema = schema.include(path_regex=FOLLOWED)
    schema.config.generation.update(modes=[schemathesis.GenerationMode.POSITIVE])
    # The document's links only: more could be guessed from the schemas of the answers.
    schema.config.phases.stateful.inference.algorithms = []
    leave_out_what_is_not_known(schema)

    @schema.hook
    def map_body(context: Any, body: Any) -> Any:
        """Ask for what makes sense here, by the quote that was given."""
        if context.operation.path not in BUYING or not isinstance(body, dict):
            return body
        return {**BASKET, "quote_id": body["quote_id"]} if body.get("quote_id") else BASKET

    followed: Counter[str] = Counter()
    by_quote = 0

    class Session(schema.as_state_machine()):  # type: ignore[misc]  # made when it is run
        def get_call_kwargs(self, case: Any) -> dict[str, Any]:
            return {"headers": headers, "timeout": 60}

        def validate_response(self, response: Any, case: Any, **_: Any) -> None:
            nonlocal by_quote
            case.validate_response(response, checks=CHECKS, headers=headers)
            label = case.operation.label
            if response.status_code < 300:
                followed[label] += "{" in label
                by_quote += label == "POST /v1/orders" and "quote_id" in case.body

    Session.run(
        settings=settings(
            backend="live",
            max_examples=SESSIONS,
            stateful_step_count=STEPS,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
    )
    assert by_quote > 0
    assert sum(count > 0 for count in followed.values()) >= 5, followed


def test_every_link_leads_to_an_operation_and_gives_it_all_that_its_path_asks_for(
    asked: tuple[Kauppa, dict[str, str]],
) -> None:
    town, headers = asked
    document = town.http.get("/openapi.json", headers=headers).json()
    operations = {
        operation["operationId"]: path
        for path, found in document["paths"].items()
        for operation in found.values()
    }
    assert len(operations) == sum(len(found) for found in document["paths"].values())
    linked: set[str] = set()
    for found in document["paths"].values():
        for operation in found.values():
            for answer in operation["responses"].values():
                for link in answer.get("links", {}).values():
                    path = operations[link["operationId"]]
                    assert set(link.get("parameters", {})) == set(re.findall(r"{(\w+)}", path))
                    linked.add(link["operationId"])
    wanting = {
        operation
        for operation, path in operations.items()
        if {"order_id", "courier_id", "store_id"} & set(re.findall(r"{(\w+)}", path))
    }
    # Stops, substitutions and parts of an offer come from what happens, not from an answer.
    assert {
        operation
        for operation in wanting - linked
        if len(re.findall("{", operations[operation])) < 2
    } == set()
