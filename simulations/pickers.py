"""Pickers: each store works through its own queue, most pressing first, at its true pace."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from dispatch.commands import CompletePick, StartPick
from dispatch.events import (
    OrderCancelled,
    OrderReceived,
    OrderResourced,
    PickCompleted,
    PickStarted,
    Recorded,
    StopCommitted,
    StopDeclined,
    StoreRegistered,
)
from dispatch.model import Order, StopKind, Store
from geo.hours import open_windows
from geo.types import Mode, TravelTimes
from simulations.intents import Intents
from simulations.rng import Streams
from simulations.settings import DAY_S, PickingSettings


class Progress(Enum):
    """How far a store is with an order."""

    WAITING = "waiting"
    TAKEN = "taken"
    """A picker has taken it from the list and is about to say so."""
    PICKING = "picking"
    LEFT = "left"
    """Nobody could be told that it was begun; it waits for better news."""


@dataclass(slots=True)
class Pick:
    """An order in a store's queue; `needed_by` is when it must be ready to keep the promise."""

    order: Order
    latest: int
    needed_by: int
    progress: Progress = Progress.WAITING
    is_awaited: bool = False


@dataclass(slots=True)
class Counter:
    """A store and its queue."""

    store: Store
    picks: dict[str, Pick] = field(default_factory=dict)


_BUSY: Final = frozenset({Progress.TAKEN, Progress.PICKING})


class Pickers:
    """All pickers of a world."""

    def __init__(
        self,
        settings: PickingSettings,
        travel: TravelTimes,
        modes: Sequence[Mode],
        time_zone: str,
        streams: Streams,
        intents: Intents,
    ) -> None:
        self._settings = settings
        self._travel = travel
        self._modes = modes
        self._time_zone = time_zone
        self._streams = streams
        self._intents = intents
        self._counters: dict[str, Counter] = {}
        self._store_of: dict[str, str] = {}

    def hear(self, recorded: Recorded) -> None:
        """React to an event."""
        at = recorded.at
        match recorded.event:
            case StoreRegistered(store=store):
                counter = self._counters.setdefault(store.store_id, Counter(store))
                counter.store = store
                self._hand_out(counter, at)
            case OrderReceived(order=order, promise=promise, store_id=store_id):
                self._queue(order, promise.latest, store_id, at)
            case OrderResourced(order_id=order_id, to_store_id=to_store_id):
                pick = self._drop(order_id, at)
                if pick is not None:
                    self._queue(pick.order, pick.latest, to_store_id, at)
            case PickStarted(order_id=order_id, occurred_at=occurred_at):
                self._begin(order_id, occurred_at)
            case PickCompleted(order_id=order_id) | OrderCancelled(order_id=order_id):
                self._drop(order_id, at)
            case StopCommitted(stop=stop) if stop.kind is StopKind.PICKUP:
                self._await(stop.order_id, at, is_awaited=True)
            case StopDeclined(order_id=order_id):
                self._await(order_id, at, is_awaited=False)
            case _:
                pass

    def gave_up(self, command: StartPick | CompletePick, now: int) -> None:
        """Leave an order that could not be begun (or ended) and go on with the next."""
        counter = self._counters[self._store_of[command.order_id]]
        counter.picks[command.order_id].progress = Progress.LEFT
        self._hand_out(counter, now)

    def true_pick_s(self, store: Store, order: Order) -> int:
        """Return how long the pick of an order really takes; the engine only knows the mean."""
        entity = order.external_id or order.order_id
        expected_s = order.pick_s
        if expected_s is None:
            expected_s = store.pick_base_s + store.pick_line_s * len(order.lines)
        pick_s = expected_s * self._streams.spread("pick", entity, self._settings.spread)
        if self._streams.chance("pick delay", entity, self._settings.delay_share):
            low, high = self._settings.delay_s
            pick_s += int(self._streams.stream("pick delay_s", entity).integers(low, high + 1))
        return max(1, round(pick_s))

    def describe(self) -> dict[str, tuple[tuple[str, str], ...]]:
        """Return each store's queue as (order, progress)."""
        return {
            store_id: tuple((key, pick.progress.value) for key, pick in counter.picks.items())
            for store_id, counter in self._counters.items()
        }

    # --- the queue -----------------------------------------------------------------------------

    def _queue(self, order: Order, latest: int, store_id: str, at: int) -> None:
        counter = self._counters[store_id]
        needed_by = latest - counter.store.pickup_service_s - order.service_s
        needed_by -= self._way_s(counter.store, order, at)
        counter.picks[order.order_id] = Pick(order, latest, needed_by)
        self._store_of[order.order_id] = store_id
        self._hand_out(counter, at)

    def _way_s(self, store: Store, order: Order, at: int) -> int:
        ways = (
            int(self._travel.matrix([store.location], [order.door], mode, at).duration_s[0, 0])
            for mode in self._modes
        )
        return min(ways)

    def _drop(self, order_id: str, at: int) -> Pick | None:
        store_id = self._store_of.pop(order_id, None)
        if store_id is None:
            return None
        counter = self._counters[store_id]
        pick = counter.picks.pop(order_id)
        self._intents.forget("pick", order_id)
        self._hand_out(counter, at)
        return pick

    def _await(self, order_id: str, at: int, *, is_awaited: bool) -> None:
        store_id = self._store_of.get(order_id)
        if store_id is not None:
            counter = self._counters[store_id]
            counter.picks[order_id].is_awaited = is_awaited
            self._hand_out(counter, at)

    def _begin(self, order_id: str, occurred_at: int) -> None:
        store_id = self._store_of.get(order_id)
        if store_id is None:
            return
        counter = self._counters[store_id]
        pick = counter.picks[order_id]
        pick.progress = Progress.PICKING
        done_at = occurred_at + self.true_pick_s(counter.store, pick.order)
        self._intents.want(done_at, CompletePick(order_id, done_at))

    def _hand_out(self, counter: Counter, at: int) -> None:
        """Give free pickers the most pressing orders of the list."""
        free = counter.store.pickers
        free -= sum(pick.progress in _BUSY for pick in counter.picks.values())
        waiting = [
            (not pick.is_awaited, pick.needed_by, pick.order.created_at, order_id)
            for order_id, pick in counter.picks.items()
            if pick.progress is Progress.WAITING
        ]
        for not_awaited, _, _, order_id in sorted(waiting)[: max(free, 0)]:
            # Somebody lets the courier in who was told to come: that pick does not wait for
            # the doors to open.
            start_at = self._opens_at(counter.store, at) if not_awaited else at
            if start_at is not None:
                counter.picks[order_id].progress = Progress.TAKEN
                self._intents.want(start_at, StartPick(order_id, start_at))

    def _opens_at(self, store: Store, at: int) -> int | None:
        """Return the first moment from `at` on when the store is open, None for a day closed."""
        windows = open_windows(store.opening_hours, self._time_zone, at, at + DAY_S)
        return max(at, windows[0][0]) if windows else None
