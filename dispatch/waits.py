"""What an order waits for from now to the door, and why: the picker, the courier, the other doors.

Each wait is read off the plan's own times; nothing here decides anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from dispatch.explanation import Wait
from dispatch.model import (
    CourierInPlay,
    OrderInPlay,
    OrderStatus,
    Plan,
    Route,
    StopKind,
    StoreInPlay,
    Visit,
)
from dispatch.planning.improve import Search
from dispatch.planning.picking import awaited, forecast, pick_s
from dispatch.planning.problem import Posed
from dispatch.planning.situation import Situation, opening
from dispatch.planning.sourcing import minutes
from dispatch.planning.writing import queues_of

LEAST_S: Final = 30
"""What is shorter is no wait."""

_FROM_NUMBER: Final = re.compile(r"\d.*")

_NEXT_DOOR_M: Final = 20
"""Doors of one address that are nearer than this are told without a distance."""


@dataclass(frozen=True, slots=True)
class _Way:
    """An order's place in its courier's route."""

    route: Route
    courier: CourierInPlay
    pickup: int | None
    end: int

    @property
    def visits(self) -> tuple[Visit, ...]:
        return self.route.visits

    @property
    def name(self) -> str:
        return self.courier.courier.name


def waits(
    posed: Posed, search: Search, plan: Plan, order: OrderInPlay, route: Route | None
) -> tuple[Wait, ...]:
    """Return what an order waits for, in the order of time."""
    situation = posed.situation
    store = situation.stores.get(plan.sourcing.get(order.order_id, order.store_id or ""))
    ready_at = order.ready_at or plan.ready_at.get(order.order_id)
    found: list[Wait] = []
    if store is not None and not order.on_board and not order.returning:
        found += _picking(posed, search, order, store, ready_at)
    way = None if route is None else _way(situation, order, route)
    if way is not None:
        if way.pickup is not None and store is not None:
            found += _courier(situation, way, store, ready_at)
        found += _ride(situation, order, way, store)
    now = situation.now
    told = [each for each in found if each.wait_s >= LEAST_S and (each.until or now) > now]
    return tuple(sorted(told, key=lambda each: (each.since, each.what != "picking")))


def _way(situation: Situation, order: OrderInPlay, route: Route) -> _Way | None:
    courier = situation.couriers.get(route.courier_id)
    at = {
        visit.stop.kind: index
        for index, visit in enumerate(route.visits)
        if visit.stop.order_id == order.order_id
    }
    end = at.get(StopKind.DROPOFF, at.get(StopKind.RETURN))
    if courier is None or end is None:
        return None
    return _Way(route, courier, at.get(StopKind.PICKUP), end)


# --- goods -------------------------------------------------------------------------------------


def _picking(
    posed: Posed, search: Search, order: OrderInPlay, store: StoreInPlay, ready_at: int | None
) -> Iterator[Wait]:
    """Yield what the goods wait for: the store to open, a picker, the picking itself."""
    now, name = posed.situation.now, store.store.name
    if order.ready_at is not None or order.status is OrderStatus.READY or ready_at is None:
        return
    begun = order.pick_started_at is not None or order.status is OrderStatus.PICKING
    start = now if begun else max(now, ready_at - pick_s(store.store, order.order))
    if not begun and start - now >= LEAST_S:
        opens = opening(now, store.open_windows)
        if opens is not None and opens > now:
            why = f"{name} opens in {minutes(opens - now)}"
            yield Wait("store_opens", now, opens, opens - now, why)
            now = opens
        before = _before(posed, search, order, store, start)
        first = f"{_orders(before)} picked before it" if before else "its pickers are busy"
        yield Wait(
            "pickers",
            now,
            start,
            start - now,
            f"at {name} {first}, {store.store.pickers} at a time",
        )
    yield Wait("picking", start, ready_at, ready_at - start, f"{name} picks it")


def _before(
    posed: Posed, search: Search, order: OrderInPlay, store: StoreInPlay, start: int
) -> int:
    """Return how many orders of a store's queue are picked before one begins."""
    situation = posed.situation
    queue = {**queues_of(posed, search)[store.store_id], order.order_id: order}
    picks = forecast(store, queue.values(), situation.now, situation.needed_by, awaited(situation))
    return sum(
        pick.ready_at > situation.now and pick.start_at < start
        for key, pick in picks.items()
        if key != order.order_id and queue[key].ready_at is None
    )


def _orders(count: int) -> str:
    return "1 order is" if count == 1 else f"{count} orders are"


# --- the courier -------------------------------------------------------------------------------


def _courier(
    situation: Situation, way: _Way, store: StoreInPlay, ready_at: int | None
) -> Iterator[Wait]:
    """Yield what the goods wait for on the shelf, and why the courier does not go sooner."""
    now, route, name = situation.now, way.route, way.name
    pickup = way.visits[way.pickup or 0]
    ready = max(now, ready_at if ready_at is not None else now)
    before = way.visits[: way.pickup]
    late_s = pickup.begin_at - ready
    if not before and not way.courier.committed and route.leave_at - now >= LEAST_S:
        spare_s = ready - pickup.arrive_at
        if spare_s > -LEAST_S and now + pickup.travel_s < ready:
            why = f"{name} leaves in {minutes(route.leave_at - now)}, to be there when it is ready"
            yield Wait("just_in_time", now, route.leave_at, route.leave_at - now, why)
    if late_s < LEAST_S:
        return
    first = _first_there(before, pickup)
    there_at = (
        max(ready, (*before, pickup)[first].arrive_at) if first < len(before) else (pickup.begin_at)
    )
    what, why = _why_later(situation, way, store, ready, first)
    yield Wait(what, ready, there_at, there_at - ready, why)
    if first < len(before):
        goods = _goods(len(before) - first)
        why = f"{name} fetches {goods} there first"
        yield Wait("together", there_at, pickup.begin_at, pickup.begin_at - there_at, why)


def _first_there(before: Sequence[Visit], pickup: Visit) -> int:
    """Return the first of the stops at a pickup's own counter that come right before it."""
    first = len(before)
    while (
        first
        and before[first - 1].stop.store_id == pickup.stop.store_id
        and (before[first - 1].stop.kind is StopKind.PICKUP)
    ):
        first -= 1
    return first


def _why_later(
    situation: Situation,
    way: _Way,
    store: StoreInPlay,
    ready: int,
    first: int,
) -> tuple[str, str]:
    """Return why a courier comes to a counter later than goods are ready.

    Parameters
    ----------
    first
        The first visit there, of those that come right before the pickup, or the pickup itself.
    """
    route, courier, name = way.route, way.courier, way.name
    pickup, before = way.visits[first], way.visits[:first]
    pause = courier.pause
    if pause is not None and route.break_at is not None and route.break_at < pickup.arrive_at:
        return "break", f"{name} has a break of {minutes(pause.duration_s)} first"
    opens = opening(ready, store.open_windows)
    if opens is not None and opens - ready >= LEAST_S:
        return "store_opens", f"{store.store.name} opens in {minutes(opens - situation.now)}"
    if before:
        return _after_others(name, pickup, before)
    return _not_yet(situation, way, store, first)


def _after_others(name: str, pickup: Visit, before: Sequence[Visit]) -> tuple[str, str]:
    """Return why a courier does other stops first."""
    ended = [visit for visit in before if visit.stop.kind is not StopKind.PICKUP]
    if ended:
        return "other_stops", f"{name} brings {_goods(len(ended))} first"
    elsewhere = sum(visit.stop.store_id != pickup.stop.store_id for visit in before)
    return "together", f"{name} fetches {_goods(elsewhere)} elsewhere on the same trip"


def _goods(count: int) -> str:
    return "another order" if count == 1 else f"{count} other orders"


def _not_yet(situation: Situation, way: _Way, store: StoreInPlay, first: int) -> tuple[str, str]:
    """Return why a courier who does nothing else first is not there yet."""
    route, courier, name, now = way.route, way.courier, way.name, situation.now
    if courier.shift_start > now and courier.shift_start >= route.leave_at:
        return "shift", f"the shift of {name} has not begun"
    if courier.available_at > now and courier.available_at >= route.leave_at:
        return "busy", f"{name} is busy"
    more = sum(visit.stop.kind is StopKind.PICKUP for visit in way.visits[first : way.end]) - 1
    if route.leave_at > now and more:
        return "together", f"{name} fetches it together with {_goods(more)}, not ready sooner"
    place = store.store.name
    if route.leave_at > now and situation.policy.hold_match > 0:
        return "on_purpose", f"{name} waits for another order of {place} that could share the trip"
    return "way", f"{name} is on the way to {place}"


def _listed(told: Sequence[str]) -> str:
    return " and ".join([", ".join(told[:-1]), told[-1]] if len(told) > 1 else told)


# --- the ride ----------------------------------------------------------------------------------


def _ride(
    situation: Situation, order: OrderInPlay, way: _Way, store: StoreInPlay | None
) -> Iterator[Wait]:
    """Yield by how much the ride is longer than straight, and waiting at the door."""
    end = way.visits[way.end]
    first = 0 if way.pickup is None else way.pickup + 1
    between = way.visits[first : way.end]
    left_at = way.route.leave_at if way.pickup is None else way.visits[way.pickup].depart_at
    if between and not order.returning:
        table = situation.snapshot.travel.duration_s[way.courier.courier.mode]
        here = way.courier.place
        if way.pickup is not None and store is not None:
            here = store.place
        straight_s = table.item((here, order.place)) if situation.has_door(order) else 0
        more_s = end.arrive_at - left_at - straight_s
        is_there = way.pickup is not None or (
            store is not None and way.courier.at_store == store.store_id
        )
        names = _listed(_names(situation, order, way, between, store if is_there else None))
        why = f"{way.name} goes to {names} before this door" if names else _more_goods(way.name)
        yield Wait("shared_trip", left_at, end.arrive_at, more_s, why)
    if order.not_before is not None and end.begin_at > end.arrive_at:
        why = f"{way.name} waits at the door until it may be brought"
        yield Wait("window", end.arrive_at, end.begin_at, end.begin_at - end.arrive_at, why)


def _more_goods(name: str) -> str:
    return f"{name} fetches more at the same counter"


def _names(
    situation: Situation,
    mine: OrderInPlay,
    way: _Way,
    visits: Sequence[Visit],
    here: StoreInPlay | None,
) -> list[str]:
    """Return where else visits are: doors by their address, stores by their name.

    Doors of one address are told together; those of this order's own as such.
    """
    found: list[str] = []
    doors: dict[str, list[OrderInPlay]] = {}
    for visit in visits:
        stop = visit.stop
        if stop.kind is StopKind.PICKUP and here is not None and stop.store_id == here.store_id:
            continue
        order, store = situation.orders.get(stop.order_id), situation.stores.get(stop.store_id)
        if stop.kind is StopKind.DROPOFF and order is not None:
            address = order.order.address or stop.order_id
            doors.setdefault(_house(address), []).append(order)
            found.append(address)
        else:
            found.append(store.store.name if store is not None else stop.store_id)
    told: dict[str, str] = {}
    for name in found:
        there = doors.get(_house(name))
        told.setdefault(
            _house(name), name if there is None else _door(situation, mine, way, name, there)
        )
    return list(told.values())


def _house(address: str) -> str:
    """Return an address without what differs only in writing: `Keskuskatu 3a` and `3 A`."""
    return address.casefold().replace(" ", "")


def _street(address: str) -> str:
    """Return the street of an address that begins with it."""
    return _FROM_NUMBER.sub("", _house(address))


def _door(
    situation: Situation, mine: OrderInPlay, way: _Way, address: str, there: Sequence[OrderInPlay]
) -> str:
    """Return how the doors of one address are told.

    With how far they are from this order's own, where the addresses do not tell them apart.
    """
    here, notes = mine.order.address, []
    is_same = _house(address) == _house(here)
    if is_same:
        notes.append("another stop" if len(there) == 1 else f"{len(there)} other stops")
    elif len(there) > 1:
        notes.append(f"{len(there)} stops")
    is_vague = _street(address) == _street(here) and (
        _street(address) == _house(address) or _street(here) == _house(here)
    )
    if (is_same or is_vague) and all(situation.has_door(each) for each in (mine, *there)):
        table = situation.snapshot.travel.length_m[way.courier.courier.mode]
        away_m = max(table.item((each.place, mine.place)) for each in there)
        if away_m >= _NEXT_DOOR_M:
            notes.append(f"{away_m} m away")
    return f"{address} ({', '.join(notes)})" if notes else address
