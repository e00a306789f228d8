"""The API document holds: whatever is sent by it is answered as it says, and never with a 5xx.

Schemathesis draws requests for every operation from the document, good ones and nonsense, with a
key.  Those that would end the test's own access are left to tests of their own.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from conftest import BOOT_S, until
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from kauppa import Kauppa
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)

ONE_ZONE = """\
clock_start = "2026-11-20T14:00:00Z"
speed = 60

[zones.helsinki]
tenant = "kauppa"
city = "helsinki"
"""
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    negative_data_rejection,
]
MOST = 4
"""Requests of each kind to an operation."""

OURSELVES = {"/v1/keys/{key_id}/revoke", "/v1/keys/{key_id}/rotate", "/v1/session"}
"""Operations on the key or session that the requests are made with."""


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Kauppa, str]]:
    town = Kauppa(tmp_path_factory.mktemp("document"), ONE_ZONE)
    key = town.key("ops")
    town.start()
    # What compiles when it is first asked says so with a 503 until it is ready.
    small = {"vehicles": [{"id": 1}], "jobs": []}
    headers = {"Authorization": f"Bearer {key}"}
    until(
        lambda: town.http.post("/v1/solve", json=small, headers=headers).status_code != 503,
        "the solver answers",
        BOOT_S,
    )
    yield town, key
    assert town.stop() == 0, town.log()
    assert "level=ERROR" not in town.log()


def leave_out_what_is_not_known(schema: Any) -> None:
    """Let no request name a zone or a version: what is drawn there is never one."""

    @schema.hook
    def map_headers(context: Any, headers: Any) -> Any:
        unknown = {"Samehour-Zone", "If-Match"}
        return {name: said for name, said in (headers or {}).items() if name not in unknown}


@pytest.mark.long
@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
def test_whatever_is_sent_is_answered_as_the_document_says(
    mode: GenerationMode, asked: tuple[Kauppa, str]
) -> None:
    town, key = asked
    headers = {"Authorization": f"Bearer {key}"}
    schema = schemathesis.openapi.from_url(f"{town.http.base_url}/openapi.json", headers=headers)
    if mode is GenerationMode.POSITIVE:
        leave_out_what_is_not_known(schema)
    failed: dict[str, str] = {}
    tried = 0
    for found in schema.get_all_operations():
        operation = found.ok()
        if operation.path in OURSELVES:
            continue

        @settings(
            max_examples=MOST,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def holds(case: Any) -> None:
            nonlocal tried
            tried += 1
            case.call_and_validate(headers=headers, checks=CHECKS, timeout=60)

        try:
            holds()
        except Unsatisfiable:
            # Nothing about it can be wrong.
            assert mode is GenerationMode.NEGATIVE, operation.label
        except FailureGroup as error:
            failed[operation.label] = "\n".join(map(str, error.exceptions))
    assert not failed, "\n\n".join(f"{label}\n{said}" for label, said in failed.items())
    assert tried > 200
