"""Cursors of lists that go by a text: opaque on the wire, the last text of a page inside."""

from __future__ import annotations

import base64
import binascii
import heapq
from collections.abc import Iterable

from api.problems import Problem


def page_of(texts: Iterable[str], after: str, limit: int) -> tuple[list[str], str | None]:
    """Return the first texts after one, in order, and the last of them if there are more.

    What is added between two pages moves nothing that was on the first.  Linear in all there are,
    without sorting them.
    """
    found = heapq.nsmallest(limit + 1, (text for text in texts if text > after))
    return found[:limit], found[limit - 1] if len(found) > limit else None


def cursor_after(last: str | None) -> str | None:
    """Return the cursor of the page that follows a text, None where there is none."""
    if last is None:
        return None
    return base64.urlsafe_b64encode(last.encode()).decode().rstrip("=")


def read_cursor(cursor: str | None) -> str:
    """Return the text that a page follows, empty for the first; raises `Problem` for no cursor."""
    if cursor is None:
        return ""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        return base64.b64decode(padded.encode("ascii"), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise no_cursor() from error


def no_cursor() -> Problem:
    """Return what is said of a cursor that none of our lists gave."""
    return Problem(
        "invalid_request",
        "cursor is not one of ours; begin again without it.",
        {"pointer": "/cursor"},
    )
