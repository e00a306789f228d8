"""What the two processes of a load test tell each other: one JSON object a line.

The town's process says what to send and when; the sending process (`simulations.load.worker`) says
what came of it.  Times are seconds of the machine's monotonic clock, which both read.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Final

READY: Final = "ready"
"""The first line of the sending process, before any answer."""


@dataclass(frozen=True, slots=True)
class Sending:
    """How to send.

    Attributes
    ----------
    connections
        Requests under way at a time; further ones wait, and say so.
    timeout_s
        Silence after which a request is given up.
    zone_id
        The zone that every request is for, where the service has several.
    """

    url: str
    api_key: str | None
    connections: int
    timeout_s: float
    zone_id: str | None = None


@dataclass(frozen=True, slots=True)
class Shot:
    """A request to send.

    Attributes
    ----------
    at
        When to send it; at once when that is past.
    endpoint
        What it is counted under.
    body
        As JSON text; None for none.
    wants
        Keys of the answer that are to come back.
    """

    number: int
    at: float
    method: str
    path: str
    endpoint: str
    body: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    wants: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a request.

    Attributes
    ----------
    done
        When the last byte was there, or it was clear that none would come.
    status
        0 without an answer.
    code
        Of the problem document; for a request without an answer what went wrong, as `refused`,
        `reset`, `timeout`.
    waited
        All connections were taken when it was to be sent.
    found
        The keys that were wanted.
    """

    number: int
    sent: float
    done: float
    status: int
    size: int
    code: str
    detail: str = ""
    trace_id: str = ""
    waited: bool = False
    found: dict[str, str] = field(default_factory=dict)


def line_of(said: Sending | Shot | Answer) -> str:
    """Return a message as a line."""
    return json.dumps(asdict(said), separators=(",", ":")) + "\n"


def sending_of(line: str | bytes) -> Sending:
    """Return what a line says."""
    return Sending(**json.loads(line))


def shot_of(line: str | bytes) -> Shot:
    """Return what a line says."""
    return Shot(**json.loads(line))


def answer_of(line: str | bytes) -> Answer:
    """Return what a line says."""
    return Answer(**json.loads(line))
