"""The world of a scenario as load: each request at the moment it was meant, and a row for each."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from dispatch.commands import PlaceOrder
from dispatch.events import (
    OrderCancelled,
    OrderCollected,
    OrderDelivered,
    OrderNotCollected,
    OrderReceived,
    OrderRevived,
    ParcelReturned,
    Recorded,
)
from simulations.client import Asked, Client, endpoint_of, pause_before_again
from simulations.errors import ServiceError
from simulations.live import Due, LiveWorld
from simulations.load.crowd import Crowd
from simulations.load.generator import Generator, now
from simulations.load.mix import Mix
from simulations.load.rows import DRAIN, LOAD, SETUP, Rows, row_of, unanswered
from simulations.load.wire import Answer
from simulations.worlds.intents import intent_of
from simulations.worlds.world import World

_AHEAD_S: Final = 0.1
"""The sending process is told of what the crowd does so long before."""

_LOOK_EVERY_S: Final = 0.02
_FLUSH_EVERY_S: Final = 10.0
_SETTLE_S: Final = 3.0
_TRACKED: Final = ("id", "tracking_url")


@dataclass(frozen=True, slots=True)
class Span:
    """When this session's part of the load is; moments of the monotonic clock.

    Attributes
    ----------
    origin
        Second 0 of the whole test, sessions before this one included.
    """

    begins: float
    ends: float
    origin: float


@dataclass(eq=False, slots=True)
class Ticket:
    """A request that was meant and is not answered yet."""

    phase: str
    endpoint: str
    intended: float


class LoadWorld(LiveWorld):
    """A world whose requests go through the sending process and leave rows.

    Attributes
    ----------
    log
        Every event heard, from the beginning of the ledger.
    """

    def __init__(
        self,
        world: World,
        client: Client,
        zone_id: str,
        *,
        generator: Generator,
        rows: Rows,
        mix: Mix,
        prefix: str,
        session: int,
    ) -> None:
        super().__init__(world, client, zone_id)
        self.log: list[Recorded] = []
        self._answered_at = now()
        self._failed_at = 0.0
        self._generator = generator
        self._rows = rows
        self._prefix = prefix
        self._session = session
        self._joined = now()
        self._is_resting = False
        self._keep: Callable[[], None] = rows.flush
        self._span = Span(float("inf"), float("inf"), 0.0)
        self._crowd = Crowd(mix, world.streams, self.clock, world.positions, self._say)
        self._tickets: set[Ticket] = set()
        self._freed: dict[str, float] = {}
        self._ours: set[str] = set()
        self._open: set[str] = set()

    def begin(self, span: Span, keep: Callable[[], None]) -> None:
        """Say when the load is; before `run`.

        Parameters
        ----------
        keep
            Called now and then, when the rows so far are on disk.
        """
        self._span = span
        self._keep = keep
        self._joined = self._answered_at = now()
        self._crowd.begin(span.begins)

    @property
    def is_at_rest(self) -> bool:
        """Whether every order of this scenario has ended, and nobody is about to click."""
        return not self._open and not self.is_asking

    def is_gone(self, after_s: float) -> bool:
        """Tell whether for so long everything failed that was sent."""
        return now() - self._answered_at > after_s and self._failed_at > self._answered_at

    @property
    def is_awaited(self) -> bool:
        """Whether a request of the load itself has no answer yet."""
        return any(ticket.phase == LOAD for ticket in self._tickets)

    def rest(self) -> None:
        """Ask for nothing new; only what was meant before is still sent and waited for."""
        self._is_resting = True

    @property
    def heard_until(self) -> int:
        """When the last event was recorded that was heard."""
        return self.log[-1].at if self.log else self.world.starts_at

    async def settle(self) -> None:
        """Wait a moment for the last answers; then those without one are written down as such."""
        for _ in range(int(_SETTLE_S / _LOOK_EVERY_S)):
            if not (self._generator.under_way and self._generator.is_alive):
                break
            await asyncio.sleep(_LOOK_EVERY_S)
        ended = now()
        for ticket in sorted(self._tickets, key=lambda each: each.intended):
            # Who has hardly waited says nothing, neither good nor bad.
            if ended - ticket.intended >= _SETTLE_S:
                self._add(ticket, unanswered(ended), 1, ticket.intended)
        self._tickets.clear()
        self._rows.flush()
        with suppress(ServiceError):  # it may be gone, and its log ends where we heard it last
            self._note(await self._history())

    # --- what goes on side by side ---------------------------------------------------------------

    def _steps(self) -> tuple[Callable[[], Coroutine[Any, Any, None]], ...]:
        kept = (self._listen, self._act, self._synchronise, self._look_after_people)
        return (*kept, self._mingle, self._flush)

    def _let_act(self, heard_at: float | None = None) -> None:
        if not self._is_resting:
            super()._let_act(heard_at)

    async def _act(self) -> None:
        if self._is_resting:
            await asyncio.sleep(_LOOK_EVERY_S)
        else:
            await super()._act()

    async def _mingle(self) -> None:
        if not self._is_resting:
            self._crowd.act(now() + _AHEAD_S)
        await asyncio.sleep(_LOOK_EVERY_S)

    async def _flush(self) -> None:
        await asyncio.sleep(_FLUSH_EVERY_S)
        self._rows.flush()
        self._keep()

    def _note(self, page: Sequence[Recorded]) -> None:
        self.log.extend(page)
        for recorded in page:
            match recorded.event:
                case OrderReceived(order=order):
                    if (order.external_id or "").startswith(self._prefix):
                        self._ours.add(order.order_id)
                        self._open.add(order.order_id)
                case OrderRevived(order_id=order_id) if order_id in self._ours:
                    self._open.add(order_id)
                case (
                    OrderDelivered(order_id=order_id)
                    | OrderCollected(order_id=order_id)
                    | OrderNotCollected(order_id=order_id)
                    | OrderCancelled(order_id=order_id)
                    | ParcelReturned(order_id=order_id)
                ):
                    self._open.discard(order_id)
                    self._crowd.ended(order_id)
                case _:
                    pass

    # --- requests of the world -------------------------------------------------------------------

    def _asking(self, due: Due, asked: Asked) -> Callable[[], Coroutine[Any, Any, str | None]]:
        intended = self._intended(due)
        ticket = Ticket(self._phase(intended), endpoint_of(asked.method, asked.path), intended)
        self._tickets.add(ticket)
        if isinstance(due.command, PlaceOrder):
            self._crowd.ordered(asked.lane, asked, ticket.intended)

        async def ask() -> str | None:
            return await self._ask(ticket, due, asked)

        return ask

    def _phase(self, intended: float) -> str:
        if intended < self._span.begins:
            return SETUP
        return LOAD if intended < self._span.ends else DRAIN

    def _intended(self, due: Due) -> float:
        """Return when a request was meant, on the monotonic clock.

        The world's seconds are whole ones; within its second each agent has a moment of its own,
        for else all of a second would come at its stroke.
        """
        if due.heard_at is not None:
            return max(self.clock.wall(due.at), due.heard_at)
        _, kind, subject = intent_of(due.command)
        within = self.world.streams.stream("within the second", f"{kind} {subject} {due.at}")
        return max(self.clock.wall(due.at + float(within.random())), self._joined)

    async def _ask(self, ticket: Ticket, due: Due, asked: Asked) -> str | None:
        is_order = isinstance(due.command, PlaceOrder)
        ready, attempt = max(ticket.intended, self._freed.get(asked.lane, 0.0)), 0
        said = asked.body
        if asked.pin_of:
            looked = await self._look_up_pin(ticket, asked.pin_of, ready)
            ready = looked.done
            if "pin" in looked.found:
                said = {**said, "code": looked.found["pin"]}
        body = json.dumps(said)
        while True:
            # Whoever is cancelled waits no more, but the answer is still written down.
            waiting = self._generator.send(
                ready,
                asked.method,
                asked.path,
                ticket.endpoint,
                body=body,
                headers=asked.headers,
                wants=_TRACKED if is_order else (),
            )
            waiting.add_done_callback(self._writes(ticket, attempt + 1, ready))
            answer = await asyncio.shield(waiting)
            self._freed[asked.lane] = answer.done
            pause_s = pause_before_again(answer.status, answer.code, attempt)
            if pause_s is None:
                break
            attempt += 1
            ready = answer.done + pause_s
            self._tickets.add(ticket)
        if answer.code:
            return answer.code
        if is_order:
            token = answer.found.get("tracking_url", "").rpartition("/t/")[2]
            self._crowd.taken(answer.found.get("id", ""), asked.lane, token, answer.done)
        return None

    async def _look_up_pin(self, ticket: Ticket, order_id: str, ready: float) -> Answer:
        """Ask for the code that the customer says at the counter, as `Client.with_pin` does."""
        path = f"/v1/orders/{order_id}/tracking"
        looking = Ticket(ticket.phase, endpoint_of("GET", path), ticket.intended)
        self._tickets.add(looking)
        waiting = self._generator.send(ready, "GET", path, looking.endpoint, wants=("pin",))
        waiting.add_done_callback(self._writes(looking, 1, ready))
        return await asyncio.shield(waiting)

    def _sent(self, lane: str, done: asyncio.Task[None]) -> None:
        super()._sent(lane, done)
        if lane not in self._lanes:
            self._freed.pop(lane, None)

    # --- requests of the crowd -------------------------------------------------------------------

    def _say(self, at: float, method: str, path: str, body: str | None = None) -> None:
        ticket = Ticket(self._phase(at), endpoint_of(method, path), at)
        self._tickets.add(ticket)
        waiting = self._generator.send(at, method, path, ticket.endpoint, body=body)
        waiting.add_done_callback(self._writes(ticket, 1, at))

    # --- rows ------------------------------------------------------------------------------------

    def _writes(
        self, ticket: Ticket, attempt: int, ready: float
    ) -> Callable[[asyncio.Future[Answer]], None]:
        def write(done: asyncio.Future[Answer]) -> None:
            if done.cancelled() or done.exception() is not None or ticket not in self._tickets:
                return
            answer = done.result()
            self._tickets.discard(ticket)
            if answer.status:
                self._answered_at = max(self._answered_at, answer.done)
            else:
                self._failed_at = answer.done
            self._add(ticket, answer, attempt, ready)

        return write

    def _add(self, ticket: Ticket, answer: Answer, attempt: int, ready: float) -> None:
        origin = self._span.origin
        row = row_of(
            answer,
            session=self._session,
            phase=ticket.phase,
            endpoint=ticket.endpoint,
            attempt=attempt,
            intended_s=ticket.intended - origin,
            ready_s=ready - origin,
            origin=origin,
        )
        self._rows.add(row)
