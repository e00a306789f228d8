"""Which stores can serve an order, at what time, and why the others cannot."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from dispatch.model import (
    UNREACHABLE_S,
    Order,
    OrderInPlay,
    Reason,
    Refusal,
    StoreInPlay,
)
from dispatch.planning.picking import forecast
from dispatch.planning.situation import Situation, opening

USEFULNESS = (
    Reason.STORE_PAUSED,
    Reason.STORE_CLOSED,
    Reason.NO_STOCK,
    Reason.STORE_EXCLUDED,
    Reason.OUTSIDE_RADIUS,
    Reason.UNREACHABLE,
)
"""Reasons by how near the store came to serving: the first that applies is told."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A store weighed for an order.

    Attributes
    ----------
    trip_s
        To the door by the fastest mode of the fleet; `UNREACHABLE_S` if there is no way.
    ready_at
        When the goods would be ready there; None if never, or if something else rules it out.
    reason, detail
        Why it cannot serve; None and empty when it can.
    """

    store_id: str
    trip_s: int
    ready_at: int | None
    reason: Reason | None = None
    detail: str = ""


class Stock:
    """Free stock of all stores, kept while orders are moved so that no piece is given twice.

    What an order frees at the store it leaves is not given to others in the same plan: it is
    free only once the move is published.
    """

    def __init__(self, situation: Situation) -> None:
        self._stores = situation.stores
        self._moved: dict[tuple[str, str], int] = {}

    def at(self, situation: Situation) -> Stock:
        """Return what is left of the stock of another situation after the same was taken."""
        found = Stock(situation)
        found._moved.update(self._moved)
        return found

    def free(self, store_id: str, sku: str) -> int:
        """Return how much of an article a store has left."""
        there = self._stores[store_id].available.get(sku, 0)
        return there - self._moved.get((store_id, sku), 0)

    def has(self, store_id: str, wants: Mapping[str, int]) -> bool:
        """Return whether a store has enough of everything."""
        there, moved = self._stores[store_id].available, self._moved
        for sku, quantity in wants.items():
            free = there.get(sku, 0)
            if moved:
                free -= moved.get((store_id, sku), 0)
            if free < quantity:
                return False
        return True

    def missing(self, order: OrderInPlay, store_id: str) -> dict[str, int]:
        """Return how much of each SKU a store lacks; nothing at the order's own store."""
        if order.store_id == store_id:
            return {}
        wants = wanted(order.order)
        if self.has(store_id, wants):
            return {}
        return {
            sku: quantity - self.free(store_id, sku)
            for sku, quantity in wants.items()
            if quantity > self.free(store_id, sku)
        }

    def move(self, order: OrderInPlay, from_store: str | None, to_store: str | None) -> None:
        """Take an order's goods at one store and put back what it had taken at another."""
        for sku, quantity in wanted(order.order).items():
            for store_id, taken in ((from_store, -quantity), (to_store, quantity)):
                if store_id is not None and store_id != order.store_id:
                    key = (store_id, sku)
                    self._moved[key] = self._moved.get(key, 0) + taken


def wanted(order: Order) -> dict[str, int]:
    """Return the quantity of each SKU of an order, lines of the same SKU added up."""
    total: dict[str, int] = {}
    for line in order.lines:
        total[line.sku] = total.get(line.sku, 0) + line.quantity
    return total


def weigh(
    situation: Situation,
    order: OrderInPlay,
    queues: Mapping[str, Mapping[str, OrderInPlay]],
    stock: Stock,
    awaited: Collection[str] = frozenset(),
    only: str | None = None,
) -> tuple[Candidate, ...]:
    """Return every store (or `only` one) with its verdict: those that can serve first, by time.

    The order's own store is weighed mildly: its goods are reserved there, and a pause, a smaller
    service area or a smaller fleet since then takes nothing back.
    """
    found = [
        _verdict(situation, order, store, queues[key], stock, awaited)
        for key, store in situation.stores.items()
        if only is None or key == only
    ]
    now = situation.now
    return tuple(
        sorted(
            found,
            key=lambda c: (
                c.reason is not None,
                c.trip_s + max(0, (c.ready_at if c.ready_at is not None else now) - now),
                c.store_id != order.store_id,
                c.store_id,
            ),
        )
    )


def refusal(order: OrderInPlay, weighed: tuple[Candidate, ...]) -> Refusal:
    """Return the most useful reason why no store can serve: that of the one nearest to it."""
    for reason in USEFULNESS:
        same = [c for c in weighed if c.reason is reason]
        if same:
            return told(Refusal(reason, same[0].detail), len(same))
    return nobody(order)


def told(first: Refusal, alike: int) -> Refusal:
    """Return a refusal that says how many stores would give the same one."""
    more = f" ({alike} stores alike)" if alike > 1 else ""
    return Refusal(first.reason, f"{first.detail}{more}")


def nobody(order: OrderInPlay) -> Refusal:
    """Return the refusal of an order where there is no store at all."""
    return Refusal(
        Reason.OUTSIDE_RADIUS, f"no store is known in the zone that could serve {order.order_id}"
    )


def judged(
    situation: Situation,
    order: OrderInPlay,
    store: StoreInPlay,
    stock: Stock,
    ready_at: int | None,
) -> Refusal | None:
    """Return why a store cannot serve an order that would be ready at a time; None if it can."""
    trip_s = situation.trip_to(order, store)
    return unfit(order, store, stock, trip_s) or _out_of_service(
        situation, order, store, ready_at, trip_s
    )


def unfit(order: OrderInPlay, store: StoreInPlay, stock: Stock, trip_s: int) -> Refusal | None:
    """Return why a store cannot serve an order at any time of the day; None if it can."""
    return out_of_reach(order, store, trip_s) or out_of_stock(order, store, stock)


def _verdict(
    situation: Situation,
    order: OrderInPlay,
    store: StoreInPlay,
    queue: Mapping[str, OrderInPlay],
    stock: Stock,
    awaited: Collection[str],
) -> Candidate:
    key = store.store_id
    trip_s = situation.trip_to(order, store)
    no = unfit(order, store, stock, trip_s)
    if no is not None:
        return Candidate(key, trip_s, None, no.reason, no.detail)
    together = {**queue, order.order_id: order}.values()
    picks = forecast(store, together, situation.now, situation.needed_by, awaited)
    ready_at = picks[order.order_id].ready_at if order.order_id in picks else None
    no = _out_of_service(situation, order, store, ready_at, trip_s)
    if no is not None:
        return Candidate(key, trip_s, ready_at, no.reason, no.detail)
    return Candidate(key, trip_s, ready_at)


def out_of_reach(order: OrderInPlay, store: StoreInPlay, trip_s: int) -> Refusal | None:
    """Return why a store does not deliver to an order's door; None if it does."""
    name = store.store.name
    if trip_s >= UNREACHABLE_S:
        return Refusal(Reason.UNREACHABLE, f"no way leads from {name} to the door")
    if store.store_id in order.excluded_stores:
        return Refusal(Reason.STORE_EXCLUDED, f"{name} was ruled out for this order")
    if order.store_id == store.store_id:
        return None
    if store.area is not None and order.place not in store.area.serves:
        return Refusal(
            Reason.OUTSIDE_RADIUS,
            f"the door is outside the service area of {name}, {store.area.description}",
        )
    if trip_s > store.store.reach_s:
        return Refusal(
            Reason.OUTSIDE_RADIUS,
            f"the door is {minutes(trip_s)} from {name}, "
            f"which delivers up to {minutes(store.store.reach_s)}",
        )
    return None


def out_of_stock(order: OrderInPlay, store: StoreInPlay, stock: Stock) -> Refusal | None:
    """Return what a store lacks of an order; None if it has everything."""
    missing = stock.missing(order, store.store_id)
    if not missing:
        return None
    lacks = ", ".join(f"{quantity} x {sku}" for sku, quantity in sorted(missing.items()))
    return Refusal(Reason.NO_STOCK, f"{store.store.name} lacks {lacks}")


def _out_of_service(
    situation: Situation,
    order: OrderInPlay,
    store: StoreInPlay,
    ready_at: int | None,
    trip_s: int,
) -> Refusal | None:
    own = order.store_id == store.store_id
    closed = _closed(situation, store, ready_at, trip_s, own=own)
    if closed:
        return Refusal(Reason.STORE_CLOSED, closed)
    if store.paused and not own:
        return Refusal(
            Reason.STORE_PAUSED, f"{store.store.name} is paused and takes no more orders"
        )
    if ready_at is None:
        return Refusal(Reason.STORE_PAUSED, f"{store.store.name} has no pickers")
    return None


def _closed(
    situation: Situation, store: StoreInPlay, ready_at: int | None, trip_s: int, *, own: bool
) -> str:
    """Return a sentence if the store is closed when it is needed, else nothing."""
    now = situation.now
    name = store.store.name
    opens_at = opening(now, store.open_windows)
    if opens_at is None:
        return f"{name} is closed and does not open within a day"
    if ready_at is None:
        has_pickers = store.store.pickers > 0
        return f"{name} closes before anybody is free to pick" if has_pickers else ""
    pickup_at = opening(ready_at, store.open_windows)
    if pickup_at is None:
        return f"{name} closes before the goods are ready in {minutes(ready_at - now)}"
    waits = opens_at > now or pickup_at > ready_at
    if not own and waits and pickup_at + trip_s > now + situation.policy.promise_max_s:
        opens_in = (opens_at if opens_at > now else pickup_at) - now
        return f"{name} is closed when the goods are needed and opens in {minutes(opens_in)}"
    return ""


def minutes(duration_s: int) -> str:
    """Return a duration as a person says it, in started minutes."""
    return f"{-(-duration_s // 60)} min"
