"""JSON as RFC 8259 means it for those who want to be understood alike by everybody.

UTF-8 without a byte order mark, every name once, numbers that are numbers, whole characters: what
else Python's own reader takes is read differently by others, or cannot be written down again.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final, NoReturn

from starlette.requests import Request

from api.problems import Problem

_JSON: Final = re.compile(r"application/(?:[^/\s]+\+)?json")


def loads(body: bytes) -> Any:
    """Return what a body says.

    Raises
    ------
    json.JSONDecodeError
        It is no JSON, nested too deep, not in UTF-8, or ambiguous.
    """
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise json.JSONDecodeError(f"not UTF-8: {error.reason}", "", error.start) from error
    try:
        found = json.loads(text, object_pairs_hook=_named_once, parse_constant=_no_number)
    except RecursionError as error:
        raise json.JSONDecodeError("nested too deep", text, 0) from error
    except json.JSONDecodeError:
        raise
    except ValueError as error:  # of our own hooks, and of whole numbers without end
        raise json.JSONDecodeError(str(error), text, 0) from error
    # Only an escape can spell half a character; the text itself is whole.
    if "\\ud" in text or "\\uD" in text:
        _check_whole(found, text)
    return found


class StrictRequest(Request):
    """A request whose JSON is read so."""

    async def json(self) -> Any:
        """Return the body's JSON; raises `json.JSONDecodeError`."""
        if not hasattr(self, "_json"):
            self._json = loads(await self.body())
        return self._json

    async def refuse_other_types(self) -> None:
        """Refuse a body that is not said to be JSON; where there is none, nothing need be said.

        Raises
        ------
        Problem
            `unsupported_media_type`.
        """
        said = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        if _JSON.fullmatch(said) or not await self.body():
            return
        what = f"is said to be {said[:80]!r}" if said else "comes without a Content-Type"
        raise Problem(
            "unsupported_media_type",
            f"The body {what}; send JSON, with Content-Type: application/json.",
            headers={"Accept": "application/json"},
        )


def _named_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the name {twice[:64]!r} is there twice in one object")
    return found


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number in JSON")


def _check_whole(value: Any, text: str) -> None:
    """Refuse halves of characters (lone surrogates), wherever they are."""
    left = [value]
    while left:
        one = left.pop()
        if isinstance(one, dict):
            left += one.keys()
            left += one.values()
        elif isinstance(one, list):
            left += one
        elif isinstance(one, str):
            try:
                one.encode()
            except UnicodeEncodeError as error:
                raise json.JSONDecodeError(
                    "half a character (a lone surrogate)", text, 0
                ) from error
