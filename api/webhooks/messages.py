"""What is sent: an event as `GET /v1/events` shows it, in the envelope of Standard Webhooks."""

from __future__ import annotations

import asyncio
import difflib
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from api import views
from api.event_objects import EventObject, object_of
from api.shapes import events
from api.webhooks.signing import signature
from dispatch.codec import to_rfc3339
from dispatch.events import (
    EVENT_TYPES,
    CatalogueSet,
    PlanPublished,
    Recorded,
    ShelvesSet,
    StockSet,
)

MOST_BODY_BYTES: Final = 256_000
"""A larger event is told without its data, and where to read it: files of whole shops are."""

_LARGE: Final = (CatalogueSet, PlanPublished, ShelvesSet, StockSet)
"""Events that may speak of a whole shop or a whole crew."""

TEST_TYPE: Final = "WebhookTest"

_PATTERN: Final = re.compile(r"[A-Za-z*]{1,64}")


@dataclass(slots=True)
class Message:
    """An event on its way to one endpoint.

    Attributes
    ----------
    about
        What it speaks of: of one thing, messages are delivered in order.
    attempts, first_at, next_at
        How often it was tried, since when, and when it may be tried again.
    waits
        It has a row in `webhook_waiting`, or will have one.
    """

    recorded: Recorded
    about: EventObject
    attempts: int = 0
    first_at: float | None = None
    next_at: float = 0.0
    waits: bool = False

    @property
    def seq(self) -> int:
        """Number of the event in its zone's log."""
        return self.recorded.seq


def message_of(recorded: Recorded) -> Message:
    """Return an event as a message that was not tried yet."""
    return Message(recorded, object_of(recorded.event))


def message_id(endpoint_id: str, seq: int) -> str:
    """Return the `webhook-id`: the same for every attempt, another for every endpoint."""
    return f"msg_{endpoint_id.removeprefix('whe_')}_{seq}"


def headers(
    secret_texts: Sequence[str], sent_id: str, moment: float, body: bytes
) -> list[tuple[str, str]]:
    """Return the headers by which a receiver knows a message, and knows that it is ours."""
    timestamp = int(moment)
    return [
        ("Content-Type", "application/json"),
        ("webhook-id", sent_id),
        ("webhook-timestamp", str(timestamp)),
        ("webhook-signature", signature(secret_texts, sent_id, timestamp, body)),
    ]


async def encoded(recorded: Recorded) -> bytes:
    """Return an event as it is sent, without holding the loop up over a large one."""
    if isinstance(recorded.event, _LARGE):
        return await asyncio.to_thread(body_of, recorded)
    return body_of(recorded)


def body_of(recorded: Recorded) -> bytes:
    """Return an event as it is sent."""
    shown = views.event(recorded)
    body = _envelope(shown)
    if len(body) <= MOST_BODY_BYTES:
        return body
    href = f"/v1/events?after={recorded.seq - 1}&limit=1"
    left_out: events.LeftOutEvent = {
        **shown,
        "data": None,
        "left_out_bytes": len(body),
        "href": href,
    }
    return _envelope(left_out)


def test_body(zone_id: str, endpoint_id: str, at: int) -> bytes:
    """Return what a test sends; it is no event, so it has the number 0."""
    shown: events.WebhookTestEvent = {
        "seq": 0,
        "zone": zone_id,
        "at": to_rfc3339(at),
        "type": TEST_TYPE,
        "object": {"type": "webhook_endpoint", "id": endpoint_id},
        "data": {"detail": "This is a test; nothing happened."},
    }
    return _envelope(shown)


def _envelope(shown: events.Event | events.LeftOutEvent | events.WebhookTestEvent) -> bytes:
    whole: events.Message = {"type": shown["type"], "timestamp": shown["at"], "data": shown}
    return json.dumps(whole, separators=(",", ":")).encode()


# --- which events are wanted -------------------------------------------------------------------


def check_pattern(pattern: str) -> str:
    """Return a pattern that names at least one type of event.

    Raises
    ------
    ValueError
        It names none; the nearest type is said.
    """
    if not _PATTERN.fullmatch(pattern):
        raise ValueError(f"{pattern!r} must be letters and *, such as Order*")
    wanted = _compiled([pattern])
    if not any(wanted(name) for name in EVENT_TYPES):
        near = difflib.get_close_matches(pattern.replace("*", ""), EVENT_TYPES, n=1)
        hint = f"did you mean {near[0]}?" if near else "docs/webhooks.md lists what there is"
        raise ValueError(f"{pattern!r} is no type of event; {hint}")
    return pattern


def _compiled(patterns: Sequence[str]) -> Callable[[str], bool]:
    parts = (".*".join(re.escape(piece) for piece in each.split("*")) for each in patterns)
    found = re.compile("|".join(parts))
    return lambda name: found.fullmatch(name) is not None


def wanted_types(patterns: Sequence[str]) -> frozenset[type[Any]]:
    """Return the types of event that patterns name."""
    wanted = _compiled(patterns)
    return frozenset(kind for name, kind in EVENT_TYPES.items() if wanted(name))
