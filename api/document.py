"""The API document, completed: what holds for many operations and FastAPI cannot know.

Who may call an operation, the zone that a request names, what every answer carries; links,
examples, and the table of problem codes.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from fastapi import APIRouter
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from api import problems
from api.access_table import allows, endpoints
from api.bootstrap import of_request
from api.examples import add_examples
from api.links import link
from api.parameter_words import describe
from api.rights import Role, rule_of
from api.sessions import COOKIE
from api.zones import ZONE_HEADER

Json = dict[str, Any]

_SCHEMES: Final = {
    "key": {
        "type": "http",
        "scheme": "bearer",
        "description": "An API key, as `samehour keys create` prints it.",
    },
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": COOKIE,
        "description": "A browser's session, begun at /sign-in.",
    },
}

_ZONE: Final = {
    "name": ZONE_HEADER,
    "in": "header",
    "required": False,
    "description": "The zone that is meant, where the key's tenant has several.",
    "schema": {"type": "string"},
}

_HEADERS: Final = {
    "Trace-Id": {
        "description": "Of this request, in the service's log too.",
        "schema": {"type": "string"},
    },
}
_TRACED: Final = {"Trace-Id": {"$ref": "#/components/headers/Trace-Id"}}


def complete(document: Json, routers: Iterable[APIRouter]) -> None:
    """Put into an API document what its routes alone do not say."""
    components = document.setdefault("components", {})
    components["securitySchemes"] = _SCHEMES
    components["headers"] = _HEADERS
    for route, method in endpoints(routers):
        if not route.include_in_schema:
            continue
        operation = document["paths"][route.path_format][method.lower()]
        _say_who_may(operation, route)
        describe(route.path_format, operation.get("parameters", []))
        if _is_of_a_zone(route.dependant):
            operation.setdefault("parameters", []).append(_ZONE)
        if route.body_field is not None:
            other = {"description": "The body is not said to be JSON"}
            operation["responses"]["415"] = {**operation["responses"]["4XX"], **other}
        for answer in operation["responses"].values():
            answer["headers"] = {**answer.get("headers", {}), **_TRACED}
    link(document)
    add_examples(document)
    document["x-problem-codes"] = [
        {"code": code, "status": status, "title": title}
        for code, (status, title) in sorted(problems.CODES.items())
    ]


def _say_who_may(operation: Json, route: APIRoute) -> None:
    rule = rule_of(route.endpoint)
    scopes = sorted(rule.scopes)
    operation["security"] = [] if rule.is_open else [{name: scopes} for name in _SCHEMES]
    operation["x-roles"] = [str(role) for role in Role if allows(route, role)]


def _is_of_a_zone(dependant: Dependant) -> bool:
    """Tell whether somewhere among what an endpoint asks for is the zone of its request."""
    return dependant.call is of_request or any(map(_is_of_a_zone, dependant.dependencies))
