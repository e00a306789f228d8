"""What every courier holds already: committed stops and the bag, as far as they can be carried out.

It comes first in every route and never changes hands.  What cannot be carried out is left out,
with the reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from dispatch.model import (
    UNREACHABLE_S,
    CourierInPlay,
    Fulfilment,
    OrderInPlay,
    Reason,
    Refusal,
    Route,
    Stop,
    StopKind,
)
from dispatch.planning.situation import Situation


@dataclass(slots=True)
class Seat:
    """Where a courier's route begins.

    Attributes
    ----------
    told
        The committed stops, in order.
    bag
        Orders in the bag, ascending.
    fetched
        Orders whose pickup is committed, by order: the store they come from.
    open_ends
        Orders in the bag, or to be fetched, whose end is not among the committed stops.
    fixed
        `open_ends` in an order that has a way, where not every order has; else None.
    locked
        Of `open_ends`, those that stay after the committed stops, in this order.
    standing
        The courier is at the first committed stop.
    """

    told: tuple[Stop, ...] = ()
    bag: list[str] = field(default_factory=list)
    fetched: dict[str, str] = field(default_factory=dict)
    open_ends: list[str] = field(default_factory=list)
    fixed: list[str] | None = None
    locked: list[str] = field(default_factory=list)
    standing: bool = False

    @property
    def held(self) -> list[str]:
        """Return the orders that stay with this courier."""
        return [*self.bag, *self.fetched]


def seat_all(situation: Situation) -> tuple[dict[str, Seat], dict[str, Refusal]]:
    """Return the couriers who hold anything, and the orders that nobody can bring any more."""
    left_out: dict[str, Refusal] = {}
    bags: dict[str, list[OrderInPlay]] = {}
    for order_id, order in situation.orders.items():
        if not situation.is_carried(order) or order.order.fulfilment is not Fulfilment.DELIVERY:
            continue
        carrier = situation.carriers.get(order_id)
        no = _lost(situation, order, carrier)
        if no is not None:
            left_out[order_id] = no
        elif carrier is not None:
            bags.setdefault(carrier, []).append(order)
    seats: dict[str, Seat] = {}
    for key, courier in situation.couriers.items():
        if courier.committed or key in bags:
            seats[key] = _seat(situation, courier, bags.get(key, ()), left_out)
    if situation.policy.one_store_per_trip:
        for route in reversed(situation.snapshot.routes):
            if route.courier_id in seats:
                _lock(situation, seats[route.courier_id], route)
    return seats, left_out


def end_place(situation: Situation, order: OrderInPlay) -> int:
    """Return where an order ends: at its door, or at its store if it goes back."""
    return situation.stores[order.store_id or ""].place if order.returning else order.place


def _lock(situation: Situation, seat: Seat, route: Route) -> None:
    """Lock the ends of a bag in the order shown, if the courier has left the store with it.

    Where a trip is one store, then its doors, that order is fixed on leaving the store.
    """
    courier = situation.couriers[route.courier_id]
    picks_up = bool(seat.told) and seat.told[0].kind is StopKind.PICKUP
    at_counter = courier.at_store is not None and not seat.told
    if picks_up or at_counter or seat.fixed is not None:
        return
    seat.locked = []
    for visit in route.visits:
        key = visit.stop.order_id
        if (
            visit.stop.kind is not StopKind.PICKUP
            and key in seat.bag
            and key in seat.open_ends
            and key not in seat.locked
        ):
            seat.locked.append(key)


def _lost(situation: Situation, order: OrderInPlay, carrier: str | None) -> Refusal | None:
    """Return why what is in a bag has nowhere to go, None if it has."""
    if carrier is None:
        return Refusal(
            Reason.NO_COURIER_ON_SHIFT,
            f"it is in the bag of {order.courier_id or 'nobody we know'}, "
            "who is not among the couriers in play",
        )
    if order.returning and order.store_id not in situation.stores:
        return Refusal(
            Reason.UNREACHABLE,
            f"it must go back to {order.store_id}, which is not a store in play",
        )
    if not order.returning and not situation.has_door(order):
        return Refusal(Reason.UNREACHABLE, "its door is not in the travel table")
    return None


def _seat(
    situation: Situation,
    courier: CourierInPlay,
    bag: Sequence[OrderInPlay],
    left_out: dict[str, Refusal],
) -> Seat:
    """Seat one courier; orders that turn out to have no way are left out and it starts anew."""
    stops = [s for s in situation.told[courier.courier_id] if s.order_id not in left_out]
    dropped: set[str] = set()
    while True:
        told = tuple(stop for stop in stops if stop.order_id not in dropped)
        ended = {stop.order_id for stop in told if stop.kind is not StopKind.PICKUP}
        seat = Seat(
            told=told,
            bag=[order.order_id for order in bag if order.order_id not in dropped],
            fetched={s.order_id: s.store_id for s in told if s.kind is StopKind.PICKUP},
            standing=courier.arrived and bool(told) and told[0] == courier.committed[0],
        )
        seat.open_ends = [order_id for order_id in seat.held if order_id not in ended]
        lost = _without_way(situation, courier, seat)
        if lost is None:
            return seat
        dropped.add(lost)
        left_out[lost] = Refusal(
            Reason.UNREACHABLE,
            f"no way leads {courier.courier_id}, who holds it, there by "
            f"{courier.courier.mode.value}",
        )


def _without_way(situation: Situation, courier: CourierInPlay, seat: Seat) -> str | None:
    """Return the first order that a courier has no way to; sets `seat.fixed` if order matters."""
    duration_s = situation.snapshot.travel.duration_s[courier.courier.mode]
    here = courier.place
    for index, stop in enumerate(seat.told):
        order = situation.orders[stop.order_id]
        if stop.kind is StopKind.PICKUP:
            there = situation.stores[stop.store_id].place
        else:
            there = end_place(situation, order)
        standing = index == 0 and seat.standing
        if not standing and duration_s.item(here, there) >= UNREACHABLE_S:
            return stop.order_id
        here = there
    ends = [end_place(situation, situation.orders[order_id]) for order_id in seat.open_ends]
    # Bags are small: looked up one by one, which is quicker than as a table.
    if all(duration_s.item(a, b) < UNREACHABLE_S for a in (here, *ends) for b in ends):
        return None
    sequence: list[int] = []
    for number in range(len(ends)):
        if not _squeeze_in(sequence, number, here, ends, duration_s):
            return seat.open_ends[number]
    seat.fixed = [seat.open_ends[number] for number in sequence]
    return None


def _squeeze_in(
    sequence: list[int], number: int, start: int, ends: list[int], duration_s: NDArray[np.int32]
) -> bool:
    """Insert an end where the ways to and from it are shortest; returns whether there is a way."""
    best: tuple[int, int] | None = None
    for index in range(len(sequence) + 1):
        before = ends[sequence[index - 1]] if index else start
        added_s = duration_s.item(before, ends[number])
        after_s = 0
        if index < len(sequence):
            after_s = duration_s.item(ends[number], ends[sequence[index]])
        if max(added_s, after_s) < UNREACHABLE_S and (best is None or added_s + after_s < best[0]):
            best = added_s + after_s, index
    if best is None:
        return False
    sequence.insert(best[1], number)
    return True
