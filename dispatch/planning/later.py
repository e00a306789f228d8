"""Where an order could come from later in the day, and where a customer could collect it.

A later slot asks nothing of the plan in force: only that a store has the goods now, reaches the
door, and is open when they are needed.
"""

from __future__ import annotations

from dataclasses import dataclass

from dispatch.model import OrderInPlay, Reason, Refusal, StoreInPlay
from dispatch.places import apart_m
from dispatch.planning import sourcing
from dispatch.planning.picking import awaited, forecast, pick_s, queues
from dispatch.planning.situation import Situation, opening
from dispatch.planning.sourcing import Candidate, Stock, wanted


@dataclass(frozen=True, slots=True)
class LaterStore:
    """A store that has all of an order's goods and reaches its door.

    Attributes
    ----------
    pick_s
        Expected picking time.
    trip_s, length_m
        From the goods at the counter to the door by the fastest mode of the fleet, the time at
        the counter included; 0 for what is collected.
    open_windows
        Opening times of the coming day as (from, to), ascending.
    """

    store_id: str
    pick_s: int
    trip_s: int
    length_m: int
    open_windows: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Later:
    """The stores that could serve an order later, the nearest first.

    `refusal` says why there is none; None where there is one.
    """

    stores: tuple[LaterStore, ...] = ()
    refusal: Refusal | None = None


@dataclass(frozen=True, slots=True)
class Ready:
    """When goods would be ready at a store."""

    store_id: str
    ready_at: int


def later(situation: Situation, order: OrderInPlay) -> Later:
    """Return where a delivery without a store could come from later in the day."""
    if not situation.couriers:
        nobody = Refusal(Reason.NO_COURIER_ON_SHIFT, "no courier is on shift or starts soon")
        return Later((), nobody)
    stock, wants = Stock(situation), wanted(order.order)
    trips_s = situation.trip_s[situation.order_rows[order.order_id]].tolist()
    stores = list(zip(situation.stores.items(), trips_s, strict=True))
    found = [
        LaterStore(
            key,
            pick_s(store.store, order.order),
            store.store.pickup_service_s + trip_s,
            _length_m(situation, order, store),
            store.open_windows,
        )
        for (key, store), trip_s in stores
        if sourcing.out_of_reach(order, store, trip_s) is None
        and stock.has(key, wants)
        and out_of_service(store) is None
    ]
    if found:
        return Later(tuple(sorted(found, key=lambda one: (one.trip_s, one.store_id))))
    verdicts = tuple(
        _verdict(key, trip_s, sourcing.unfit(order, store, stock, trip_s) or out_of_service(store))
        for (key, store), trip_s in stores
    )
    return Later((), sourcing.refusal(order, verdicts))


def collectable(situation: Situation, order: OrderInPlay) -> tuple[Ready | Refusal, Later]:
    """Return when an order could be collected at the nearest store, and where later."""
    stock, coming = Stock(situation), awaited(situation)
    waiting = queues(situation)
    found: list[tuple[float, LaterStore, int | None]] = []
    verdicts: list[Candidate] = []
    for key, store in situation.stores.items():
        if store.store.is_point:
            continue
        no = _not_there(order, store, stock) or out_of_service(store)
        verdicts.append(_verdict(key, 0, no))
        if no is not None:
            continue
        queue = {**waiting[key], order.order_id: order}.values()
        picks = forecast(store, queue, situation.now, situation.needed_by, coming)
        ready_at = picks[order.order_id].ready_at if order.order_id in picks else None
        if ready_at is not None and opening(ready_at, store.open_windows) != ready_at:
            ready_at = None
        there = LaterStore(key, pick_s(store.store, order.order), 0, 0, store.open_windows)
        found.append((apart_m(order.order.door, store.store.location), there, ready_at))
    found.sort(key=lambda one: (one[0], one[1].store_id))
    if not found:
        nowhere = sourcing.refusal(order, tuple(verdicts))
        return nowhere, Later((), nowhere)
    slots = Later(tuple(there for _, there, _ in found))
    for _, there, ready_at in found:
        if ready_at is not None:
            return Ready(there.store_id, ready_at), slots
    return (
        Refusal(Reason.STORE_CLOSED, "no store with the goods is open when they would be ready"),
        slots,
    )


def _verdict(store_id: str, trip_s: int, no: Refusal | None) -> Candidate:
    if no is None:
        return Candidate(store_id, trip_s, None)
    return Candidate(store_id, trip_s, None, no.reason, no.detail)


def _not_there(order: OrderInPlay, store: StoreInPlay, stock: Stock) -> Refusal | None:
    """Return why a store cannot hand the goods over its counter, however near it is."""
    if store.store_id in order.excluded_stores:
        return Refusal(Reason.STORE_EXCLUDED, f"{store.store.name} was ruled out for this order")
    return sourcing.out_of_stock(order, store, stock)


def out_of_service(store: StoreInPlay) -> Refusal | None:
    """Return why a store serves nobody in the coming day."""
    name = store.store.name
    if not store.open_windows:
        return Refusal(Reason.STORE_CLOSED, f"{name} is closed and does not open within a day")
    if store.paused:
        return Refusal(Reason.STORE_PAUSED, f"{name} is paused and takes no more orders")
    if not store.store.pickers:
        return Refusal(Reason.STORE_PAUSED, f"{name} has no pickers")
    return None


def _length_m(situation: Situation, order: OrderInPlay, store: StoreInPlay) -> int:
    """Return the length of the fastest way from a store to the door."""
    travel, there, door = situation.snapshot.travel, store.place, order.place
    mode = min(situation.modes, key=lambda one: travel.duration_s[one].item(there, door))
    return travel.length_m[mode].item(there, door)
