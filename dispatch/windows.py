"""The windows a customer may choose from: within 15, 30 or 60 minutes, or a later slot.  Pure.

The near ones come from the offer of the live plan.  A later slot is promised when a store with
the goods is open for it and the couriers whose shifts reach it are not spoken for.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

from dispatch.bags import why_too_much
from dispatch.model import (
    Courier,
    Fare,
    Fulfilment,
    Order,
    Policy,
    Promise,
    Reason,
    Refusal,
    Window,
)
from dispatch.planning.later import Later, LaterStore
from dispatch.planning.quote import NotNow, Offer, ending
from dispatch.planning.situation import opening
from dispatch.planning.sourcing import minutes
from dispatch.pricing import TIER_MINUTES, fare, tier_cents
from dispatch.state import State
from geo.types import EpochS

_MINUTE_S: Final = 60
_SOONEST_SLOT_S: Final = 3600
"""A later slot begins so long after now at the earliest: what is sooner is a window."""

_MARGIN_SHARE: Final = 3
"""A third of a window at most is kept for what forecasts get wrong: what comes within minutes
has less before it that can go wrong."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A later slot that can be had.

    Attributes
    ----------
    window
        With its promise and price.
    store
        Where the goods would come from.
    work_at
        When the picking must begin so that the goods are there as the slot begins, not before.
    """

    window: Window
    store: LaterStore
    work_at: EpochS


def windows(
    book: Book,
    asked: Order,
    said: Offer | Refusal,
    policy: Policy,
    now: int,
    time_zone: str,
    load: float,
) -> tuple[Window, ...]:
    """Return every window with its promise and price, or the reason why it cannot be had.

    Parameters
    ----------
    said
        What the live plan has for the order.
    load
        How busy it is: `Book.busyness`.
    """
    found = [near(policy, asked, said, window_m, now, load) for window_m in TIER_MINUTES]
    for begins in slot_begins(policy, now, time_zone):
        slot = later_slot(book, asked, said, policy, begins, now)
        found.append(slot.window if isinstance(slot, Slot) else slot)
    return tuple(found)


def near(
    policy: Policy, asked: Order, said: Offer | Refusal, window_m: int, now: int, load: float
) -> Window:
    """Return the window of so many minutes after the click."""
    key = f"{window_m}m"
    offer = said if isinstance(said, Offer) else said.offer if isinstance(said, NotNow) else None
    if offer is None:
        no = said if isinstance(said, Refusal) else Refusal(Reason.UNREACHABLE, "")
        return Window(key, reason=no.reason, detail=no.detail)
    margin_s = offer.margin_s
    if policy.promise_confidence == 0:
        margin_s = min(policy.promise_margin_s, window_m * _MINUTE_S // _MARGIN_SHARE)
        margin_s += offer.extra_s
    ends = asked.created_at + window_m * _MINUTE_S
    if offer.eta + margin_s > ends:
        what = "there" if asked.fulfilment is Fulfilment.DELIVERY else "ready"
        return Window(
            key,
            reason=Reason.NO_COURIER_BEFORE_DEADLINE,
            detail=f"the goods would be {what} in {minutes(offer.eta - now)} as things stand, and "
            f"{minutes(margin_s)} are kept for what a forecast gets wrong",
        )
    if window_m * _MINUTE_S > policy.promise_max_s + offer.extra_s:
        return Window(
            key,
            reason=Reason.NO_COURIER_BEFORE_DEADLINE,
            detail=f"nothing is promised later than {minutes(policy.promise_max_s)} after the "
            "order, but for the later slots",
        )
    return Window(
        key,
        promise=ending(policy, now, ends),
        fare=price(policy, asked, offer.length_m, tier_cents(policy, window_m), load),
        store_id=offer.store_id,
    )


def price(policy: Policy, asked: Order, length_m: int, tier: int, load: float) -> Fare:
    """Return the price of an order; what the customer collects costs nothing."""
    if asked.fulfilment is not Fulfilment.DELIVERY:
        return Fare()
    return fare(policy, length_m, tier_cents=tier, load=load)


# --- later slots -------------------------------------------------------------------------------


def slot_begins(policy: Policy, now: int, time_zone: str) -> Iterator[int]:
    """Yield when each later slot begins: in step with the local clock, an hour from now on."""
    if not policy.slot_s:
        return
    first = now + _SOONEST_SLOT_S
    offset = datetime.fromtimestamp(first, UTC).astimezone(ZoneInfo(time_zone)).utcoffset()
    offset_s = 0 if offset is None else int(offset.total_seconds())
    begins = -(-(first + offset_s) // policy.slot_s) * policy.slot_s - offset_s
    for index in range(policy.slots_ahead):
        yield begins + index * policy.slot_s


def slot_id(begins: int) -> str:
    """Return the id of the slot that begins at a time."""
    return f"slot-{begins}"


def slot_begin(window_id: str) -> int | None:
    """Return when the slot of an id begins, None for another window."""
    kind, _, begins = window_id.partition("-")
    return int(begins) if kind == "slot" and begins.isdecimal() else None


class Book:
    """Who works when, and what is promised for when, read off a state once for many slots."""

    def __init__(self, state: State) -> None:
        self._couriers, self._orders = state.couriers, state.orders
        self._crew = [
            (courier.shift_start, courier.shift_end, courier)
            for courier in state.couriers.values()
            if courier.shift_start is not None and courier.shift_end is not None
        ]
        delivery = Fulfilment.DELIVERY
        self._promised = {
            key: order.promise.latest
            for key, order in state.orders.items()
            if order.order.fulfilment is delivery and not order.returning
        }
        self._latest = sorted(self._promised.values())
        self._waiting = sum(
            order.order.fulfilment is delivery
            and order.hold is None
            and not order.is_carried_outside
            for order in state.orders.values()
        )
        self._working: dict[tuple[int, int], list[tuple[int, Courier]]] = {}

    def is_of(self, state: State) -> bool:
        """Tell whether a state has the same couriers and orders, as far as it tells by itself."""
        return state.couriers is self._couriers and state.orders is self._orders

    def busyness(self, now: int) -> float:
        """Return the open deliveries per courier on shift; 0 without a courier."""
        crew = sum([start <= now < end and one.stranded is None for start, end, one in self._crew])
        return self._waiting / crew if crew else 0.0

    def crew(self, begins: int, ends: int) -> list[tuple[int, Courier]]:
        """Return how long each courier who can drive works in a slot, and who it is."""
        working = self._working.get((begins, ends))
        if working is None:
            working = self._working[begins, ends] = [
                (works_s, courier.courier)
                for start, end, courier in self._crew
                if (works_s := min(end, ends) - max(start, begins)) > 0 and courier.stranded is None
            ]
        return working

    def load(self, begins: int, ends: int) -> float:
        """Return the orders promised in a slot per courier whose shift reaches it."""
        crew = sum([start < ends and end > begins for start, end, _ in self._crew])
        return self.taken(begins, ends) / crew if crew else 0.0

    def taken(self, begins: int, ends: int, but: str = "") -> int:
        """Return how many orders are promised in a slot, `but` one."""
        found = bisect_right(self._latest, ends) - bisect_right(self._latest, begins)
        return found - (begins < self._promised.get(but, begins) <= ends)


def later_slot(
    book: Book, asked: Order, said: Offer | Refusal, policy: Policy, begins: int, now: int
) -> Slot | Window:
    """Return the slot that begins at a time, or the window with the reason why it cannot be had."""
    key, ends = slot_id(begins), begins + policy.slot_s
    options = said.later if isinstance(said, Offer | NotNow) else Later((), said)
    no = options.refusal
    if no is None:
        no = _crew_refusal(book, asked, options.stores[0], begins, ends)
    if no is not None:
        return Window(key, reason=no.reason, detail=no.detail)
    for store in options.stores:
        work_at = _work_at(policy, asked, store, begins, ends, now)
        if work_at is not None:
            load = book.load(begins, ends)
            fare = price(policy, asked, store.length_m, -policy.later_discount_cents, load)
            promise = _slot_promise(policy, asked, begins, now)
            window = Window(key, promise, fare, store_id=store.store_id)
            return Slot(window, store, work_at)
    return Window(
        key,
        reason=Reason.STORE_CLOSED,
        detail="no store with the goods is open when they would be needed",
    )


def _slot_promise(policy: Policy, asked: Order, begins: int, now: int) -> Promise:
    """Return the slot as a promise: at the door within it, or ready as it begins."""
    if asked.fulfilment is Fulfilment.DELIVERY:
        return Promise(begins, begins + policy.slot_s, now)
    return Promise(max(now, begins - policy.promise_window_s), begins, now)


def _work_at(
    policy: Policy, asked: Order, store: LaterStore, begins: int, ends: int, now: int
) -> int | None:
    """Return when picking must begin for a slot, None where the store is not open for it."""
    if asked.fulfilment is Fulfilment.DELIVERY:
        # Not before: nobody is to stand at a door whose owner expects them later.
        starts = max(now, begins - store.pick_s - store.trip_s)
        must_be_ready = ends - store.trip_s
    else:
        starts = max(now, begins - store.pick_s - policy.promise_margin_s)
        must_be_ready = begins
    open_at = opening(starts, store.open_windows)
    if open_at is None:
        return None
    ready_at = open_at + store.pick_s
    if ready_at > must_be_ready or opening(ready_at, store.open_windows) != ready_at:
        return None
    if asked.fulfilment is not Fulfilment.DELIVERY:
        # Whoever collects comes in the slot, not before it.
        there_at = opening(begins, store.open_windows)
        if there_at is None or there_at >= ends:
            return None
    return open_at


def _crew_refusal(
    book: Book, asked: Order, store: LaterStore, begins: int, ends: int
) -> Refusal | None:
    """Return why the couriers of a slot cannot take one more order, None when they can."""
    if asked.fulfilment is not Fulfilment.DELIVERY:
        return None
    working = book.crew(begins, ends)
    if not working:
        return Refusal(Reason.NO_COURIER_ON_SHIFT, "no courier's shift reaches this slot yet")
    no = why_too_much(asked, [courier for _, courier in working], "courier of this slot")
    if no is not None:
        return no
    taken = book.taken(begins, ends, asked.order_id)
    # There, at the door and back, one order at a time: two in a bag are slack, not a promise.
    each_s = max(1, 2 * store.trip_s + asked.service_s)
    if (taken + 1) * each_s > sum(works_s for works_s, _ in working):
        return Refusal(
            Reason.NO_COURIER_BEFORE_DEADLINE,
            f"{taken} orders are promised in this slot and its couriers have no time for more",
        )
    return None
