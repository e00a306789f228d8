"""Whether answers are as the API document says, to the key; see `api/shapes`."""

from __future__ import annotations

from copy import deepcopy
from functools import cache
from typing import Any

import httpx
import jsonschema_rs
from fastapi import FastAPI
from fastapi.routing import APIRoute

from api.routes import ROUTERS, webhook_endpoints
from api.shapes.declaring import add_shapes

Json = dict[str, Any]
JSON = "application/json"


@cache
def document() -> Json:
    """Return the API document without examples and links."""
    app = FastAPI(generate_unique_id_function=lambda route: route.name)
    for router in ROUTERS:
        app.include_router(router)
    app.webhooks.include_router(webhook_endpoints.sent)
    made = app.openapi()
    add_shapes(made, (*ROUTERS, webhook_endpoints.sent))
    return made


@cache
def _strict() -> Json:
    """Return the schemas that have names, closed: what they do not name may not be there.

    The published ones let keys be added, so that clients of today take answers of tomorrow.
    """
    schemas = deepcopy(document()["components"]["schemas"])
    for schema in schemas.values():
        if "properties" in schema:
            schema.setdefault("additionalProperties", False)
    return {"components": {"schemas": schemas}}


@cache
def _checker(method: str, path: str, status: int) -> jsonschema_rs.Validator | None:
    answers = document()["paths"].get(path, {}).get(method.lower(), {}).get("responses", {})
    schema = answers.get(str(status), {}).get("content", {}).get(JSON, {}).get("schema")
    if not schema:
        return None
    return jsonschema_rs.validator_for({**schema, **_strict()}, validate_formats=True)


def is_described(method: str, path: str, status: int) -> bool:
    """Tell whether the document says what an operation answers."""
    return _checker(method, path, status) is not None


def problems_of(method: str, path: str, status: int, answer: Any) -> list[str]:
    """Return where an answer is not as the document says."""
    checker = _checker(method, path, status)
    found = [] if checker is None else checker.iter_errors(answer)
    return [f"{method} {path}: {each.instance_path}: {each.message[:300]}" for each in found]


def message_problems_of(message: Any) -> list[str]:
    """Return where a message to a webhook is not as the document says."""
    body = document()["webhooks"]["event"]["post"]["requestBody"]["content"][JSON]["schema"]
    checker = jsonschema_rs.validator_for({**body, **_strict()}, validate_formats=True)
    return [f"{each.instance_path}: {each.message[:300]}" for each in checker.iter_errors(message)]


def check_answer(answer: httpx.Response) -> None:
    """Fail for an answer that is not as the document says; a hook for a client's answers."""
    asked = answer.request
    if not answer.is_success or answer.headers.get("content-type") != JSON:
        return
    path = _path_of(asked.method, asked.url.path)
    if path is not None and is_described(asked.method, path, answer.status_code):
        answer.read()
        wrong = problems_of(asked.method, path, answer.status_code, answer.json())
        assert wrong == [], wrong


def _path_of(method: str, path: str) -> str | None:
    routes = (route for router in ROUTERS for route in router.routes)
    for route in routes:
        is_asked = isinstance(route, APIRoute) and method in (route.methods or ())
        if is_asked and route.path_regex.match(path):
            return str(route.path_format)
    return None
