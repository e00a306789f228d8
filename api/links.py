"""Links of the API document: which answer has the id that another operation asks for.

OpenAPI's link objects: an integrator's tools follow them from an order that was placed to what can
be asked of it and done with it, and so do the tests that draw whole sessions from the document.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

Json = dict[str, Any]

_FIRST: Final = "/data/0"

_GIVES: Final[Mapping[tuple[str, str], Mapping[str, str]]] = {
    ("post", "/v1/orders"): {"order_id": "/id"},
    ("get", "/v1/orders"): {"order_id": f"{_FIRST}/id"},
    ("get", "/v1/orders/{order_id}/tracking"): {"token": "/token"},
    ("get", "/v1/stores"): {"store_id": f"{_FIRST}/id"},
    ("put", "/v1/stores/{store_id}"): {"store_id": "/id"},
    ("get", "/v1/catalogue"): {"sku": f"{_FIRST}/sku"},
    ("get", "/v1/couriers"): {"courier_id": f"{_FIRST}/id"},
    ("put", "/v1/couriers/{courier_id}"): {"courier_id": "/id"},
    ("post", "/v1/proofs"): {"blob_id": "/blob_id"},
    ("get", "/v1/actions"): {"action_id": f"{_FIRST}/id"},
    ("post", "/v1/controls"): {"control_id": "/id"},
    ("post", "/v1/closures"): {"closure_id": "/id"},
    ("get", "/v1/zones"): {"zone_id": f"{_FIRST}/id"},
    ("post", "/v1/webhook-endpoints"): {"endpoint_id": "/id"},
    ("get", "/v1/webhook-endpoints/{endpoint_id}/deliveries"): {"delivery_id": f"{_FIRST}/id"},
    ("post", "/v1/keys"): {"key_id": "/id"},
}
"""What the answer of an operation gives: the name of a path's parameter, and where it stands."""

_IN_BODY: Final[Mapping[tuple[str, str], tuple[str, str, str]]] = {
    ("post", "/v1/quotes"): ("post", "/v1/orders", "quote_id"),
    ("put", "/v1/couriers/{courier_id}"): ("post", "/v1/shifts", "courier_id"),
}
"""Whose id another operation takes in its body, and under which name."""


def link(document: Json) -> None:
    """Put the links into an API document.

    Raises
    ------
    KeyError
        An operation that is named here is not in the document.
    """
    for (method, path), given in _GIVES.items():
        answer = _answer(document, method, path)
        known = {name: f"$request.path.{name}" for name in _parameters(path)}
        known |= {name: f"$response.body#{pointer}" for name, pointer in given.items()}
        for target, operation in _operations(document):
            wanted = _parameters(target)
            if wanted & given.keys() and wanted <= known.keys() and target != path:
                answer.setdefault("links", {})[operation["operationId"]] = {
                    "operationId": operation["operationId"],
                    "parameters": {name: known[name] for name in sorted(wanted)},
                }
    for (method, path), (its_method, its_path, name) in _IN_BODY.items():
        operation = document["paths"][its_path][its_method]
        _answer(document, method, path).setdefault("links", {})[operation["operationId"]] = {
            "operationId": operation["operationId"],
            "requestBody": {name: "$response.body#/id"},
        }


def _answer(document: Json, method: str, path: str) -> Json:
    """Return what the document says of the answer when all is well."""
    answers: Json = document["paths"][path][method]["responses"]
    found: Json = next(answers[status] for status in ("201", "200") if status in answers)
    return found


def _operations(document: Json) -> Iterator[tuple[str, Json]]:
    for path, operations in document["paths"].items():
        for operation in operations.values():
            yield path, operation


def _parameters(path: str) -> set[str]:
    return set(re.findall(r"{(\w+)}", path))
