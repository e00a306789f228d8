"""Examples of the API document: what was asked of a real service, and what it answered.

`examples.json` beside this file is written by `scripts/api_examples.py`, never by hand.  Lists are
shown by their first few rows and long texts by their beginning; secrets are not shown.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from copy import deepcopy
from functools import cache
from importlib.resources import files
from typing import Any, Final, NotRequired, TypedDict

import httpx

_ROWS: Final = 2
_CHARACTERS: Final = 300
_SECRET: Final = frozenset({"key", "secret"})
_HIDDEN: Final = "shown-once"
_JSON: Final = "application/json"
_FORM: Final = "application/x-www-form-urlencoded"
_CUT: Final = " ..."


class Refusal(TypedDict):
    """How an operation was refused: by a problem document, or as OSRM's clients expect it."""

    status: int
    answer_type: str
    answer: dict[str, Any]


class Example(TypedDict):
    """One operation as it was asked, and its answer.

    `body` is None where there is none or it is no text; `content_type` is then empty or of a file.
    `refusal` is there where somebody was refused.
    """

    path: dict[str, str]
    query: dict[str, Any]
    headers: dict[str, str]
    content_type: str
    body: Any
    status: int
    answer_type: str
    answer: Any
    refusal: NotRequired[Refusal]


def shown(
    answer: httpx.Response,
    *,
    path: dict[str, str],
    query: dict[str, Any],
    headers: dict[str, str],
    content_type: str,
    body: Any,
    hidden: Mapping[str, str],
) -> Example:
    """Return an answer and what was asked for it, as the document shows them.

    Parameters
    ----------
    hidden
        Texts that are of this one service, and what is shown instead.
    """
    kind = type_of(answer)
    said: Any = None
    if kind == _JSON:
        said = _short(answer.json())
    elif kind.startswith("text/") or kind.endswith("svg+xml"):
        said = _short(answer.text)
    asked = None if isinstance(body, bytes) else body
    found = Example(
        path=path,
        query=query,
        headers=headers,
        content_type=content_type.partition(";")[0],
        body=asked,
        status=answer.status_code,
        answer_type=kind,
        answer=said,
    )
    text = json.dumps(found)
    for one, instead in hidden.items():
        text = text.replace(one, instead)
    shown_so: Example = json.loads(text)
    return shown_so


def _short(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: _HIDDEN if name in _SECRET and isinstance(each, str) else _short(each)
            for name, each in value.items()
        }
    if isinstance(value, list):
        return [_short(each) for each in value[:_ROWS]]
    if isinstance(value, str) and len(value) > _CHARACTERS:
        return value[:_CHARACTERS] + _CUT
    return value


@cache
def examples() -> Mapping[str, Example]:
    """Return every example by its operation: `POST /v1/orders`."""
    text = files(__package__).joinpath("examples.json").read_text(encoding="utf-8")
    found: dict[str, Example] = json.loads(text)
    return found


def add_examples(document: dict[str, Any]) -> None:
    """Put the examples into an API document."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            known = examples().get(f"{method.upper()} {path}")
            if known is not None:
                _add(operation, known)


def _add(operation: dict[str, Any], known: Example) -> None:
    given = {"path": known["path"], "query": known["query"], "header": known["headers"]}
    for parameter in operation.get("parameters", []):
        values = given.get(parameter["in"], {})
        if parameter["name"] in values:
            parameter["example"] = values[parameter["name"]]
    body = operation.get("requestBody", {}).get("content", {}).get(known["content_type"])
    if body is not None and known["body"] is not None:
        body["example"] = known["body"]
    answer = operation["responses"][str(known["status"])]
    if known["answer_type"]:
        content = answer.setdefault("content", {}).setdefault(known["answer_type"], {})
        if known["answer"] is not None:
            content["example"] = known["answer"]
    if "refusal" in known:
        said = known["refusal"]
        status = str(said["status"])
        place = status if status in operation["responses"] else "4XX"
        # Of its own: the document has one answer for the problems of all operations.
        refused = deepcopy(operation["responses"].get(place, {"description": "A refusal"}))
        content = refused.setdefault("content", {}).setdefault(said["answer_type"], {})
        content["example"] = said["answer"]
        operation["responses"][place] = refused


def type_of(answer: httpx.Response) -> str:
    """Return the type of an answer's body, without its parameters."""
    return str(answer.headers.get("content-type", "")).partition(";")[0]
