"""What a ledger is given to keep."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

from dispatch.events import Recorded
from dispatch.journal import Noted
from geo.types import LonLat
from geo.weights import Weights


@dataclass(frozen=True, slots=True)
class Blob:
    """A picture; its id is made from its content."""

    blob_id: str
    content_type: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Position:
    """Where a courier was at `at` by their own device; `received_at` is when we heard of it.

    A `late` one is kept in the track only: a fresher one was known when it came.
    """

    courier_id: str
    place: LonLat
    at: int
    received_at: int
    late: bool = False


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """The answer once given under an idempotency key."""

    key: str
    request_hash: str
    status: int
    body: str
    created_at: int


@dataclass(frozen=True, slots=True)
class Batch:
    """What must become durable together.

    Attributes
    ----------
    inputs
        What the engine was told, in order; where a courier was seen is told by `positions` too.
    travel
        Travel times that came into force with these inputs.
    """

    zone_id: str
    events: Sequence[Recorded] = ()
    positions: Sequence[Position] = ()
    answers: Sequence[KeptAnswer] = ()
    inputs: Sequence[Noted] = ()
    travel: Sequence[Weights] = ()
    done: Future[None] = field(default_factory=Future)
