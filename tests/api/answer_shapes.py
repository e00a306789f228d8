"""The API document's schemas of answers, closed: a key that they do not name is a fault."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import jsonschema_rs

Json = dict[str, Any]


def closed(document: Json) -> Json:
    """Return a document in which an answer may have only the keys that its schema names.

    The published one lets keys be added; what is sent to us is as strict as it was.
    """
    strict = deepcopy(document)
    for schema in strict["components"]["schemas"].values():
        if "properties" in schema:
            schema.setdefault("additionalProperties", False)
    return strict


def problems_of(strict: Json, schema: Json, value: Any) -> list[str]:
    """Return where a value is not as a schema of a closed document says, times included."""
    whole = {**schema, "components": strict["components"]}
    checker = jsonschema_rs.validator_for(whole, validate_formats=True)
    return [f"{error.instance_path}: {error.message[:300]}" for error in checker.iter_errors(value)]
