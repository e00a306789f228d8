"""Which operation answers with which shape, and how the shapes come into the API document."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final, ParamSpec, TypeVar

from fastapi import APIRouter
from fastapi.routing import APIRoute
from pydantic import TypeAdapter
from starlette.responses import Response

from api.shapes.wire import shape_with

Json = dict[str, Any]

_ATTRIBUTE: Final = "__answer_shape__"
_JSON: Final = "application/json"
_PLACE: Final = "#/components/schemas/{model}"

_P = ParamSpec("_P")
_T = TypeVar("_T")
_Told = TypeVar("_Told", bound=Callable[..., None])
_Endpoint = Callable[_P, Awaitable[_T | Response]]


@dataclass(frozen=True, slots=True)
class _Declared:
    """What an endpoint answers when all is well; `again` has statuses besides the usual one.

    Where `is_sent` it is what we send to others who have such an endpoint.
    """

    shape: Any
    again: tuple[int, ...] = ()
    is_sent: bool = False


def answers(shape: type[_T], *again: int) -> Callable[[_Endpoint[_P, _T]], _Endpoint[_P, _T]]:
    """Declare what an endpoint answers when all is well.

    Parameters
    ----------
    again
        Statuses besides the usual one with which the same is answered: 200 for a retry.
    """

    def declared(endpoint: _Endpoint[_P, _T]) -> _Endpoint[_P, _T]:
        setattr(endpoint, _ATTRIBUTE, _Declared(shape, again))
        # FastAPI would check every answer against what the endpoint says that it returns.
        endpoint.__annotations__["return"] = Json
        return endpoint

    return declared


def sends(shape: Any) -> Callable[[_Told], _Told]:
    """Declare what we send to an endpoint that others have."""

    def declared(endpoint: _Told) -> _Told:
        setattr(endpoint, _ATTRIBUTE, _Declared(shape, is_sent=True))
        return endpoint

    return declared


def add_shapes(document: Json, routers: Iterable[APIRouter]) -> None:
    """Put the shapes of all answers, and of what we send, into an API document.

    Raises
    ------
    ValueError
        Two shapes, or a shape and what is asked for, have one name and are not the same.
    """
    found = {
        (route.path_format, method.lower()): declared
        for route, declared in _declared(routers)
        for method in route.methods or ()
    }
    # All at once, so that what many of them have is looked at once.
    shapes = {str(number): declared.shape for number, declared in enumerate(found.values())}
    whole = TypeAdapter(shape_with("Answers", shapes)).json_schema(
        ref_template=_PLACE, mode="serialization"
    )
    _add_components(document, whole["$defs"])
    schemas = whole["properties"].values()
    for ((path, method), declared), schema in zip(found.items(), schemas, strict=True):
        if declared.is_sent:
            body = document["webhooks"][path][method]["requestBody"]
            body["content"][_JSON]["schema"] = schema
        else:
            _add(document["paths"][path][method], declared, schema)


def _declared(routers: Iterable[APIRouter]) -> Iterator[tuple[APIRoute, _Declared]]:
    for router in routers:
        for route in router.routes:
            if isinstance(route, APIRoute) and hasattr(route.endpoint, _ATTRIBUTE):
                yield route, getattr(route.endpoint, _ATTRIBUTE)


def _add_components(document: Json, shared: Json) -> None:
    known: Json = document.setdefault("components", {}).setdefault("schemas", {})
    for name, schema in shared.items():
        if known.setdefault(name, schema) != schema:
            raise ValueError(f"two schemas of the API document are called {name}; rename a shape")


def _add(operation: Json, declared: _Declared, schema: Json) -> None:
    told: Json = operation["responses"]
    usual = next(status for status in told if status.startswith("2"))
    content = told[usual].setdefault("content", {}).setdefault(_JSON, {})
    content["schema"] = schema
    for status in declared.again:
        again = {"description": "As before", "content": {_JSON: {"schema": schema}}}
        told[str(status)] = again
