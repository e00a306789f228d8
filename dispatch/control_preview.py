"""What a surge control would have done to the orders of the last hour, and does to a quote now.

The orders that were taken are taken again, in the order of their clicks, under the control.  What
is not known is said, not guessed: whether another store had the goods then, and whether a customer
who was refused would have come back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dispatch.controls import THROTTLE_S, counts, holds_at, refused_by
from dispatch.model import (
    UNREACHABLE_S,
    DeliveryStatus,
    Fulfilment,
    Order,
    Promise,
    Reason,
    Refusal,
    Store,
)
from dispatch.planning.quote import Offer
from dispatch.planning.sourcing import minutes
from dispatch.records import Control, ControlKind
from dispatch.state import OrderState, State
from geo.errors import TooFarFromRoadError
from geo.travel import MATRIX_CELL_LIMIT
from geo.types import EpochS, LonLat, Mode, TravelTimes

WINDOW_S: Final = 3600
"""The orders of so many seconds are looked at."""

_MINUTE_S: Final = 60


@dataclass(frozen=True, slots=True)
class TurnedAway:
    """An order that a control would have kept from its store.

    Attributes
    ----------
    elsewhere
        Another store is within reach of the door and under no such control; whether it had the
        goods then is not known.
    """

    order_id: str
    store_id: str
    reason: Reason
    detail: str
    basket_cents: int
    elsewhere: bool


@dataclass(frozen=True, slots=True)
class AtStore:
    """What a control would have done at one store."""

    store_id: str
    orders: int
    turned_away: int
    promised_later: int


@dataclass(frozen=True, slots=True)
class Answer:
    """What a quote says: a promise, or why there is none."""

    promise: Promise | None
    reason: Reason | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Sample:
    """The last door ordered to, asked for again: as things are, and under the control."""

    order_id: str
    address: str
    present: Answer
    under: Answer


@dataclass(frozen=True, slots=True)
class Preview:
    """What a control would have done, and would do.

    Attributes
    ----------
    since, until
        The clicks that were looked at.
    orders
        How many deliveries were ordered in that time at the stores it is for.
    lost
        Those turned away for whom no other store is within reach: `lost_basket_cents` together.
    later_s
        By how much promises would have ended later.
    late, late_under
        Delivered orders that came after their promise, and that would have under the control.
    unstated
        Orders without a basket's worth: no minimum refuses those.
    open_orders
        Orders open now at its stores; no control touches what is promised.
    notes
        What the figures cannot say.
    """

    control: Control
    since: EpochS
    until: EpochS
    orders: int
    turned_away: tuple[TurnedAway, ...]
    lost: int
    lost_basket_cents: int
    promised_later: int
    later_s: int
    late: int
    late_under: int
    unstated: int
    open_orders: int
    stores: tuple[AtStore, ...]
    sample: Sample | None
    notes: tuple[str, ...] = field(default_factory=tuple)


def preview(
    state: State,
    control: Control,
    now: int,
    *,
    travel: TravelTimes,
    modes: Sequence[Mode],
    offer: Callable[[Order, Control | None], Offer | Refusal],
) -> Preview:
    """Return what a control would have done in the last hour; changes nothing.

    Parameters
    ----------
    modes
        Those of the fleet: the fastest counts.
    offer
        What an order would be offered now, under one more control.
    """
    known = [*state.orders.values(), *state.closed.values()]
    recent = [
        order
        for order in known
        if _is_delivery(order)
        and now - WINDOW_S - THROTTLE_S < order.order.created_at <= now
        and holds_at(control, state.store(order.shelf_store_id).store)
    ]
    recent.sort(key=lambda order: (order.order.created_at, order.order_id))
    seen = [order for order in recent if order.order.created_at > now - WINDOW_S]
    turned_away = _turned_away(state, control, recent, seen, travel, modes, now)
    gone = {entry.order_id for entry in turned_away}
    later_s = control.value if control.kind is ControlKind.PROMISE else 0
    lost = [entry for entry in turned_away if not entry.elsewhere]
    delivered = [order for order in seen if order.delivery is DeliveryStatus.DELIVERED]
    return Preview(
        control=control,
        since=now - WINDOW_S,
        until=now,
        orders=len(seen),
        turned_away=tuple(turned_away),
        lost=len(lost),
        lost_basket_cents=sum(entry.basket_cents for entry in lost),
        promised_later=len(seen) if later_s else 0,
        later_s=later_s,
        late=sum(_late_s(order) > 0 for order in delivered),
        late_under=sum(
            _late_s(order) > later_s for order in delivered if order.order_id not in gone
        ),
        unstated=sum(order.order.basket_cents == 0 for order in seen),
        open_orders=sum(
            _is_delivery(order) and holds_at(control, state.store(order.shelf_store_id).store)
            for order in state.orders.values()
        ),
        stores=_by_store(seen, gone, later_s),
        sample=_sample(seen, offer, control, now),
        notes=_notes(control, turned_away),
    )


def _is_delivery(order: OrderState) -> bool:
    bought = order.order
    return (
        bought.fulfilment is Fulfilment.DELIVERY
        and bought.part_of is None
        and bought.return_of is None
    )


def _late_s(order: OrderState) -> int:
    return 0 if order.closed_at is None else order.closed_at - order.promise.latest


def _turned_away(
    state: State,
    control: Control,
    recent: Sequence[OrderState],
    seen: Sequence[OrderState],
    travel: TravelTimes,
    modes: Sequence[Mode],
    now: int,
) -> list[TurnedAway]:
    """Return the orders that would not have been taken at their store."""
    if control.kind is ControlKind.PROMISE or not seen:
        return []
    stores = [store.store for store in state.stores.values() if not store.store.is_point]
    trip_s = _trips(travel, stores, [order.order.door for order in seen], modes, now)
    refused = _replayed(control, recent, now)
    found: list[TurnedAway] = []
    for row, order in enumerate(seen):
        trips = dict(zip((store.store_id for store in stores), trip_s[row].tolist(), strict=True))
        if control.kind is ControlKind.RADIUS:
            no = _too_far(control, state, order, trips)
        else:
            no = refused.get(order.order_id)
        if no is None:
            continue
        elsewhere = any(
            store.store_id != order.shelf_store_id and _serves(control, store, trips)
            for store in stores
        )
        found.append(
            TurnedAway(
                order.order_id,
                order.shelf_store_id,
                no.reason,
                no.detail,
                order.order.basket_cents,
                elsewhere,
            )
        )
    return found


def _replayed(control: Control, recent: Sequence[OrderState], now: int) -> dict[str, Refusal]:
    """Return why orders would have been refused, taking them again one by one.

    What came before the hour was taken as it was.
    """
    refused: dict[str, Refusal] = {}
    taken: list[OrderState] = []
    for order in recent:
        at = order.order.created_at
        taken = [earlier for earlier in taken if counts(earlier, at)]
        no = None
        if at > now - WINDOW_S:
            no = refused_by(control, taken, order.order.basket_cents or None, at)
        if no is None:
            taken.append(order)
        else:
            refused[order.order_id] = no
    return refused


def _too_far(
    control: Control, state: State, order: OrderState, trips: dict[str, int]
) -> Refusal | None:
    trip_s = trips.get(order.shelf_store_id, UNREACHABLE_S)
    if trip_s <= control.value:
        return None
    name = state.store(order.shelf_store_id).store.name
    if trip_s >= UNREACHABLE_S:
        return Refusal(Reason.OUTSIDE_RADIUS, f"no way leads from {name} to the door now")
    return Refusal(
        Reason.OUTSIDE_RADIUS,
        f"the door is {minutes(trip_s)} from {name}, which would deliver up to "
        f"{minutes(control.value)}",
    )


def _serves(control: Control, store: Store, trips: dict[str, int]) -> bool:
    """Tell whether a store reaches a door under a control."""
    reach_s = store.reach_s
    if holds_at(control, store):
        if control.kind is not ControlKind.RADIUS:
            return False
        reach_s = min(reach_s, control.value)
    return trips[store.store_id] <= reach_s


def _trips(
    travel: TravelTimes,
    stores: Sequence[Store],
    doors: Sequence[LonLat],
    modes: Sequence[Mode],
    now: int,
) -> NDArray[np.int32]:
    """Return the ways from stores to doors by the fastest mode, (doors, stores), seconds."""
    found = np.full((len(doors), len(stores)), UNREACHABLE_S, dtype=np.int32)
    for mode in modes:
        rows = [i for i, door in enumerate(doors) if _usable(travel, door, mode)]
        columns = [i for i, store in enumerate(stores) if _usable(travel, store.location, mode)]
        if not rows or not columns:
            continue
        access_s = np.array([stores[i].access_s for i in columns], dtype=np.int32)
        origins = [stores[i].location for i in columns]
        size = max(1, MATRIX_CELL_LIMIT // len(columns))
        for first in range(0, len(rows), size):
            block = rows[first : first + size]
            duration_s = travel.matrix(origins, [doors[i] for i in block], mode, now).duration_s.T
            walked = np.where(duration_s < UNREACHABLE_S, duration_s + access_s, UNREACHABLE_S)
            at = np.ix_(block, columns)
            found[at] = np.minimum(found[at], walked)
    return found


def _usable(travel: TravelTimes, place: LonLat, mode: Mode) -> bool:
    try:
        travel.check_place(place, mode)
    except TooFarFromRoadError:
        return False
    return True


def _by_store(seen: Sequence[OrderState], gone: set[str], later_s: int) -> tuple[AtStore, ...]:
    names = sorted({order.shelf_store_id for order in seen})
    found = []
    for store_id in names:
        mine = [order for order in seen if order.shelf_store_id == store_id]
        away = sum(order.order_id in gone for order in mine)
        found.append(AtStore(store_id, len(mine), away, len(mine) if later_s else 0))
    return tuple(found)


def _sample(
    seen: Sequence[OrderState],
    offer: Callable[[Order, Control | None], Offer | Refusal],
    control: Control,
    now: int,
) -> Sample | None:
    """Ask for the last order once more, as if it were new."""
    if not seen:
        return None
    last = seen[-1].order
    asked = replace(last, order_id="sample", external_id=None, created_at=now)
    return Sample(
        last.order_id,
        last.address,
        _answer(offer(asked, None)),
        _answer(offer(asked, control)),
    )


def _answer(said: Offer | Refusal) -> Answer:
    if isinstance(said, Refusal):
        return Answer(None, said.reason, said.detail)
    return Answer(said.promise)


def _notes(control: Control, turned_away: Sequence[TurnedAway]) -> tuple[str, ...]:
    notes = ["Who was refused might have ordered again later, or something else."]
    if control.kind is ControlKind.PROMISE:
        notes = ["Whether somebody would not have ordered for the later promise is not known."]
    if control.kind is ControlKind.RADIUS:
        notes.append("Ways are as long as they are now, not as they were then.")
    if any(entry.elsewhere for entry in turned_away):
        notes.append("Whether another store within reach had the goods then is not known.")
    return tuple(notes)
