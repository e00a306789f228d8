"""Everybody who asks the service something beside the scenario's commands, each on a timetable.

Nobody waits for an answer before asking again: a page asks every so many seconds, whatever became
of the last time.
"""

from __future__ import annotations

import heapq
import json
from collections.abc import Callable, Sequence
from typing import Any, Final, Literal, NamedTuple, Protocol

from simulations.client import Asked, positions_of
from simulations.live import FollowedClock
from simulations.load.mix import Mix
from simulations.rng import Streams
from simulations.worlds.couriers import Seen

_QUOTED: Final = frozenset(
    {"fulfilment", "store_id", "lines", "weight_g", "basket_cents", "service_s"}
)
_WHERE: Final = frozenset({"location", "address"})
_LOOK_WITHIN_S: Final = 60
"""Who only looks does so within a minute of who buys."""

_LEAST_PAUSE_S: Final = 0.001
_Kind = Literal["track", "quote", "board", "healthz", "positions"]


class Say(Protocol):
    """Sends a request of the crowd."""

    def __call__(self, at: float, method: str, path: str, body: str | None = None) -> None:
        """Send it at a moment of the monotonic clock."""


class _Next(NamedTuple):
    at: float
    number: int
    kind: _Kind
    subject: str


class Crowd:
    """Customers at their pages, people who look at prices, desks, and devices that report.

    Parameters
    ----------
    seen
        Returns where couriers are at a time of the service.
    say
        Sends.
    """

    def __init__(
        self,
        mix: Mix,
        streams: Streams,
        clock: FollowedClock,
        seen: Callable[[int], Sequence[Seen]],
        say: Say,
    ) -> None:
        self._mix = mix
        self._streams = streams
        self._clock = clock
        self._seen = seen
        self._say = say
        self._heap: list[_Next] = []
        self._numbers = 0
        self._pages: dict[str, str] = {}
        self._quotes: dict[str, str] = {}

    def begin(self, at: float) -> None:
        """Open the desks, the devices and the floor, at a moment of the monotonic clock."""
        mix = self._mix
        for nth in range(mix.boards):
            first = mix.board_every_s * nth / mix.boards
            self._put(at + self._wall_s(first), "board", f"board {nth}")
        self._put(at, "positions", "")
        if mix.healthz_per_s:
            self._put(at, "healthz", "0")

    def next_at(self) -> float | None:
        """Return when the next of them asks."""
        return self._heap[0].at if self._heap else None

    def act(self, until: float) -> None:
        """Let everybody ask whose time comes before a moment; they are sent when it does."""
        while self._heap and self._heap[0].at < until:
            due = heapq.heappop(self._heap)
            _ACTS[due.kind](self, due)

    def ordered(self, external_id: str, asked: Asked, at: float) -> None:
        """Hear that somebody clicks: others look at the same, and do not buy."""
        if not self._mix.quotes_per_order:
            return
        draw = self._streams.stream("looks", external_id)
        body = json.dumps(_question(asked.body))
        for nth in range(int(draw.poisson(self._mix.quotes_per_order))):
            name = f"{external_id} {nth}"
            self._quotes[name] = body
            after_s = float(draw.random()) * _LOOK_WITHIN_S
            self._put(at + self._wall_s(after_s), "quote", name)

    def taken(self, order_id: str, external_id: str, token: str, at: float) -> None:
        """Hear that an order was taken: some of the customers keep its page open."""
        if self._streams.chance("keeps the page open", external_id, self._mix.track_share):
            self._pages[order_id] = token
            self._put(at, "track", order_id)

    def ended(self, order_id: str) -> None:
        """Hear that an order ended: its page is closed."""
        self._pages.pop(order_id, None)

    # --- what each does when its time comes ----------------------------------------------------

    def _track(self, due: _Next) -> None:
        token = self._pages.get(due.subject)
        if token is not None:
            self._say(due.at, "GET", f"/v1/track/{token}")
            self._again(due, self._wall_s(self._mix.track_every_s))

    def _quote(self, due: _Next) -> None:
        self._say(due.at, "POST", "/v1/quotes", self._quotes.pop(due.subject))

    def _board(self, due: _Next) -> None:
        self._say(due.at, "GET", "/v1/board")
        self._again(due, self._wall_s(self._mix.board_every_s))

    def _healthz(self, due: _Next) -> None:
        self._say(due.at, "GET", "/healthz")
        # At random, so that the floor is not measured in step with anything.
        gap = float(self._streams.stream("floor", due.subject).exponential())
        number = str(int(due.subject) + 1)
        self._put(due.at + gap / self._mix.healthz_per_s, "healthz", number)

    def _positions(self, due: _Next) -> None:
        seen = self._seen(self._clock.now())
        batch = self._mix.positions_batch
        batches = [seen[first : first + batch] for first in range(0, len(seen), batch)]
        pause_s = self._wall_s(self._mix.positions_every_s)
        for nth, some in enumerate(batches):
            at = due.at + pause_s * nth / len(batches)
            body: dict[str, Any] = positions_of(some)
            self._say(at, "POST", "/v1/couriers/positions", json.dumps(body))
        self._again(due, pause_s)

    def _again(self, due: _Next, after_s: float) -> None:
        self._put(due.at + max(after_s, _LEAST_PAUSE_S), due.kind, due.subject)

    def _put(self, at: float, kind: _Kind, subject: str) -> None:
        self._numbers += 1
        heapq.heappush(self._heap, _Next(at, self._numbers, kind, subject))

    def _wall_s(self, service_s: float) -> float:
        return service_s / self._clock.speed


def _question(order: dict[str, Any]) -> dict[str, Any]:
    """Return the body that asks for a quote for what an order orders."""
    question = {key: order[key] for key in _QUOTED if key in order}
    there = order.get("dropoff")
    if there is not None:
        question["dropoff"] = {key: there[key] for key in _WHERE if key in there}
    return question


_ACTS: Final[dict[_Kind, Callable[[Crowd, _Next], None]]] = {
    "track": Crowd._track,  # noqa: SLF001  its own
    "quote": Crowd._quote,  # noqa: SLF001
    "board": Crowd._board,  # noqa: SLF001
    "healthz": Crowd._healthz,  # noqa: SLF001
    "positions": Crowd._positions,  # noqa: SLF001
}
