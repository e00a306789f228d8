"""What `POST /v1/solve` does not take, as a problem that names its place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from pydantic import ValidationError

_MOST_TOLD: Final = 20


@dataclass
class SolveRefusal(Exception):  # noqa: N818  a refusal is an answer
    """What cannot be solved, as a problem on the wire."""

    code: str
    detail: str
    extra: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.code}: {self.detail}"


def refuse(pointer: str, detail: str, code: str = "solve_refused") -> SolveRefusal:
    """Return a refusal of one place in the body."""
    return SolveRefusal(code, f"{pointer}: {detail}.", {"pointer": pointer})


def of_invalid(error: ValidationError) -> SolveRefusal:
    """Return everything that a body is not valid by."""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    if found[0]["type"] == "json_invalid":
        return SolveRefusal("malformed_body", f"The body is not JSON: {found[0]['msg']}.")
    errors = [
        {"pointer": _pointer(one["loc"]), "detail": _plain(one["type"], one["msg"])}
        for one in found
    ]
    first = errors[0]
    more = f" There are {len(errors) - 1} more problems." if len(errors) > 1 else ""
    return SolveRefusal(
        "invalid_request",
        f"{first['pointer'] or 'the body'}: {first['detail']}.{more}",
        {"pointer": first["pointer"], "errors": errors[:_MOST_TOLD]},
    )


def _plain(kind: str, message: str) -> str:
    if kind == "extra_forbidden":
        return "is not known here; leave it out, or write it as docs/solve.md has it"
    return message.removeprefix("Value error, ").rstrip(".")


def _pointer(location: Sequence[int | str]) -> str:
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in location)
