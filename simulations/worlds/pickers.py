"""Pickers: each store works through its own queue, most pressing first, at its true pace."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Final
from zoneinfo import ZoneInfo

from dispatch.commands import CompletePick, RegisterStore, ReportShort, StartPick
from dispatch.events import (
    LineShort,
    OrderAmended,
    OrderCancelled,
    OrderReceived,
    OrderResourced,
    PickCompleted,
    PickStarted,
    PlanPublished,
    Recorded,
    StopCommitted,
    StopDeclined,
    StoreRegistered,
    SubstitutionAnswered,
    SubstitutionOffered,
)
from dispatch.model import Fulfilment, Order, OrderLine, StopKind, Store
from dispatch.planning.picking import pick_s
from geo.hours import open_windows
from geo.types import Mode, TravelTimes
from simulations.rng import Streams
from simulations.scenarios.settings import DAY_S, PickingSettings
from simulations.worlds.closing import ShutStores
from simulations.worlds.intents import Intents
from simulations.worlds.stock import Shelves

_HOUR_S: Final = 3600
_LOOKED_FOR: Final = (0.1, 0.9)
"""At what part of a pick somebody finds that an article is short."""


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
    """An order in a store's queue.

    Attributes
    ----------
    needed_by
        When it must be ready to keep the promise.
    done_at
        When everything is in the bag, whatever the customer still has to say.
    unanswered
        Articles about which the customer was asked.
    wait_until
        When the plan lets it be begun.
    """

    order: Order
    latest: int
    needed_by: int
    progress: Progress = Progress.WAITING
    is_awaited: bool = False
    done_at: int = 0
    unanswered: set[str] = field(default_factory=set)
    wait_until: int = 0


@dataclass(slots=True)
class Counter:
    """A store and its queue."""

    store: Store
    picks: dict[str, Pick] = field(default_factory=dict)


_BUSY: Final = frozenset({Progress.TAKEN, Progress.PICKING})


class Pickers:
    """All pickers of a world.

    Parameters
    ----------
    rotas
        Of each store by its id: how many pickers there are by hour of the day.  The engine is told
        each number when it begins: it knows who is there, not who will be.
    shelves
        Where substitutes are looked for; None where nobody looks.
    """

    def __init__(
        self,
        settings: PickingSettings,
        travel: TravelTimes,
        modes: Sequence[Mode],
        time_zone: str,
        streams: Streams,
        intents: Intents,
        *,
        rotas: Mapping[str, tuple[int, ...]] | None = None,
        shut: ShutStores | None = None,
        shelves: Shelves | None = None,
    ) -> None:
        self._settings = settings
        self._travel = travel
        self._modes = modes
        self._time_zone = time_zone
        self._streams = streams
        self._intents = intents
        self._zone = ZoneInfo(time_zone)
        self._rotas = rotas or {}
        self._shut = shut or ShutStores()
        self._shelves = shelves
        self._counters: dict[str, Counter] = {}
        self._store_of: dict[str, str] = {}
        self._waits = False

    def hear(self, recorded: Recorded) -> None:  # noqa: C901, PLR0912  a table
        """React to an event."""
        at = recorded.at
        match recorded.event:
            case StoreRegistered(store=store):
                counter = self._counters.setdefault(store.store_id, Counter(store))
                counter.store = store
                self._await_next_shift(store, at)
                self._hand_out(counter, at)
            case OrderReceived(order=order, promise=promise, store_id=store_id):
                self._queue(order, promise.latest, store_id, at)
            case OrderResourced(order_id=order_id, to_store_id=to_store_id):
                pick = self._drop(order_id, at)
                if pick is not None:
                    self._queue(pick.order, pick.latest, to_store_id, at)
            case PickStarted(order_id=order_id, occurred_at=occurred_at):
                self._begin(order_id, occurred_at)
            case PlanPublished(pick_at=pick_at) if pick_at or self._waits:
                self._wait(pick_at, at)
            case PickCompleted(order_id=order_id) | OrderCancelled(order_id=order_id):
                self._drop(order_id, at)
            case LineShort(order_id=order_id, sku=sku):
                self._intents.forget("short", f"{order_id} {sku}")
            case SubstitutionOffered(order_id=order_id, substitution=offered):
                self._ask(order_id, offered.sku)
            case SubstitutionAnswered(order_id=order_id, substitution=answered):
                self._hear_answer(order_id, answered.sku, at, is_fetched=answered.accepted)
            case OrderAmended(order=order) if order.order_id in self._store_of:
                self._counters[self._store_of[order.order_id]].picks[order.order_id].order = order
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

    def not_there(self, command: ReportShort, now: int) -> None:
        """Go on when what was offered is not free after all: look for another, or offer nothing."""
        store_id = self._store_of.get(command.order_id)
        if store_id is None or command.substitute_sku is None:
            return
        pick = self._counters[store_id].picks[command.order_id]
        others = self._substitutes(store_id, pick.order, command.sku, command.missing)
        after = others.index(command.substitute_sku) + 1 if command.substitute_sku in others else -1
        sku = others[after] if 0 < after < len(others) else None
        self._intents.want(
            now,
            replace(
                command,
                occurred_at=now,
                substitute_sku=sku,
                substitute_quantity=command.missing if sku else 0,
            ),
        )

    def true_pick_s(self, store: Store, order: Order) -> int:
        """Return how long the pick of an order really takes; the engine only knows the mean."""
        entity = order.external_id or order.order_id
        takes_s = pick_s(store, order) * self._factor(entity)
        if self._streams.chance("pick delay", entity, self._settings.delay_share):
            low, high = self._settings.delay_s
            takes_s += int(self._streams.stream("pick delay_s", entity).integers(low, high + 1))
        return max(1, round(takes_s))

    def _factor(self, entity: str) -> float:
        """Return by how much a pick differs from what is expected of it."""
        if self._settings.distribution == "exponential":
            return float(self._streams.stream("pick", entity).standard_exponential())
        if self._settings.distribution == "fixed":
            return 1.0
        return self._streams.spread("pick", entity, self._settings.spread)

    def describe(self) -> dict[str, tuple[tuple[str, str], ...]]:
        """Return each store's queue as (order, progress)."""
        return {
            store_id: tuple((key, pick.progress.value) for key, pick in counter.picks.items())
            for store_id, counter in self._counters.items()
        }

    # --- the queue -----------------------------------------------------------------------------

    def _queue(self, order: Order, latest: int, store_id: str, at: int) -> None:
        counter = self._counters[store_id]
        needed_by = latest
        if order.fulfilment is Fulfilment.DELIVERY:
            needed_by -= counter.store.pickup_service_s + order.service_s
            needed_by -= self._way_s(counter.store, order, at)
        counter.picks[order.order_id] = Pick(order, latest, needed_by)
        self._store_of[order.order_id] = store_id
        self._hand_out(counter, at)

    def _way_s(self, store: Store, order: Order, at: int) -> int:
        ways = (
            int(self._travel.matrix([store.location], [order.door], mode, at).duration_s[0, 0])
            for mode in self._modes
        )
        return min(ways, default=0)

    def _drop(self, order_id: str, at: int) -> Pick | None:
        store_id = self._store_of.pop(order_id, None)
        if store_id is None:
            return None
        counter = self._counters[store_id]
        pick = counter.picks.pop(order_id)
        self._intents.forget("pick", order_id)
        for line in pick.order.lines:
            self._intents.forget("short", f"{order_id} {line.sku}")
        self._hand_out(counter, at)
        return pick

    def _await(self, order_id: str, at: int, *, is_awaited: bool) -> None:
        store_id = self._store_of.get(order_id)
        if store_id is not None:
            counter = self._counters[store_id]
            counter.picks[order_id].is_awaited = is_awaited
            self._hand_out(counter, at)

    def _wait(self, pick_at: Mapping[str, int], at: int) -> None:
        """Let orders wait as the plan has it; whose time has come is begun."""
        self._waits = bool(pick_at)
        for counter in self._counters.values():
            for order_id, pick in counter.picks.items():
                pick.wait_until = pick_at.get(order_id, 0)
            self._hand_out(counter, at)

    def _begin(self, order_id: str, occurred_at: int) -> None:
        store_id = self._store_of.get(order_id)
        if store_id is None:
            return
        counter = self._counters[store_id]
        pick = counter.picks[order_id]
        pick.progress = Progress.PICKING
        work_s = self.true_pick_s(counter.store, pick.order)
        pick.done_at = self._shut.done_at(store_id, occurred_at, work_s)
        self._intents.want(pick.done_at, CompletePick(order_id, pick.done_at))
        for line in pick.order.lines:
            self._look_for(store_id, pick.order, line, occurred_at, work_s)

    # --- what is short -------------------------------------------------------------------------

    def _look_for(
        self, store_id: str, order: Order, line: OrderLine, began_at: int, work_s: int
    ) -> None:
        """Want to report an article of which there is less than the stock says."""
        entity = f"{order.external_id or order.order_id} {line.sku}"
        if not self._streams.chance("short", entity, self._settings.short_share):
            return
        draw = self._streams.stream("short how", entity)
        after_s = int(work_s * draw.uniform(*_LOOKED_FOR))
        missing = int(draw.integers(1, line.quantity + 1))
        at = self._shut.done_at(store_id, began_at, after_s)
        offers: Sequence[str] = ()
        if self._streams.chance("substitute", entity, self._settings.substitute_share):
            offers = self._substitutes(store_id, order, line.sku, missing)
        sku = offers[0] if offers else None
        quantity = missing if sku else 0
        command = ReportShort(order.order_id, line.sku, missing, at, sku, quantity)
        self._intents.want(at, command)

    def _substitutes(self, store_id: str, order: Order, sku: str, missing: int) -> list[str]:
        if self._shelves is None:
            return []
        return list(self._shelves.substitutes(store_id, sku, missing, order))

    def _ask(self, order_id: str, sku: str) -> None:
        """Wait for the customer: an order is not ready before they have answered."""
        store_id = self._store_of.get(order_id)
        if store_id is not None:
            self._counters[store_id].picks[order_id].unanswered.add(sku)
            self._intents.forget("pick", order_id)

    def _hear_answer(self, order_id: str, sku: str, at: int, *, is_fetched: bool) -> None:
        store_id = self._store_of.get(order_id)
        if store_id is None:
            return
        counter = self._counters[store_id]
        pick = counter.picks[order_id]
        pick.unanswered.discard(sku)
        if is_fetched:
            fetched_at = self._shut.done_at(store_id, at, counter.store.pick_line_s)
            pick.done_at = max(pick.done_at, fetched_at)
        if not pick.unanswered and pick.progress is Progress.PICKING:
            done_at = max(pick.done_at, at)
            self._intents.want(done_at, CompletePick(order_id, done_at))

    # --- who is there --------------------------------------------------------------------------

    def _hand_out(self, counter: Counter, at: int) -> None:
        """Give free pickers the most pressing orders of the list."""
        free = counter.store.pickers
        free -= sum(pick.progress in _BUSY for pick in counter.picks.values())
        waiting = [
            (not pick.is_awaited, pick.needed_by, pick.order.created_at, order_id)
            for order_id, pick in counter.picks.items()
            if pick.progress is Progress.WAITING and (pick.is_awaited or pick.wait_until <= at)
        ]
        for not_awaited, _, _, order_id in sorted(waiting)[: max(free, 0)]:
            # Somebody lets the courier in who was told to come: that pick does not wait for
            # the doors to open.
            start_at = self._opens_at(counter.store, at) if not_awaited else at
            if start_at is not None:
                start_at = self._shut.opens_again(counter.store.store_id, start_at)
                counter.picks[order_id].progress = Progress.TAKEN
                self._intents.want(start_at, StartPick(order_id, start_at))

    def _await_next_shift(self, store: Store, at: int) -> None:
        """Want the engine told when the number of pickers is next another one."""
        rota = self._rotas.get(store.store_id)
        if rota is None or len(set(rota)) == 1:
            return
        local = dt.datetime.fromtimestamp(at, self._zone)
        # Whole hours of the clock on the wall; where it is put back an hour comes twice.
        into_s = local.minute * 60 + local.second
        for ahead in range(1, 26):
            changes_at = at - into_s + ahead * _HOUR_S
            pickers = rota[dt.datetime.fromtimestamp(changes_at, self._zone).hour]
            if pickers != store.pickers:
                self._intents.want(changes_at, RegisterStore(replace(store, pickers=pickers)))
                return

    def _opens_at(self, store: Store, at: int) -> int | None:
        """Return the first moment from `at` on when the store is open, None for a day closed."""
        windows = open_windows(store.opening_hours, self._time_zone, at, at + DAY_S)
        return max(at, windows[0][0]) if windows else None
