"""Cursors of lists that go by a text: opaque on the wire, the last text of a page inside."""

from __future__ import annotations

import base64
import binascii

from api.problems import Problem


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
        raise Problem(
            "invalid_request",
            "cursor is not one of ours; begin again without it.",
            {"pointer": "/cursor"},
        ) from error
