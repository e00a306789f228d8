"""Moving orders between stores while picking has not begun: which may, which must, and where to.

Stores are weighed as the plan weighs them, one order after the other, so that no piece is given
twice and no picker is counted on by two.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Final

from dispatch import events as e
from dispatch.errors import RefusedError
from dispatch.folds.pieces import amounts
from dispatch.model import (
    Fulfilment,
    Order,
    OrderInPlay,
    OrderStatus,
    Reason,
    Refusal,
    Snapshot,
)
from dispatch.planning.picking import awaited, queues
from dispatch.planning.situation import Situation, read
from dispatch.planning.sourcing import Candidate, Stock, nobody, refusal, weigh
from dispatch.records import SubstitutionAnswer
from dispatch.snapshot import asked_in_play
from dispatch.state import UNPICKED, OrderState, State, StoreState

ENGINE: Final = "engine"
"""Owner of what nobody decided by hand."""

STALLED: Final = "stalled"
LACKING: Final = "lacking"
CLOSING: Final = "closing"

_PICKED_STATUSES: Final = frozenset({OrderStatus.PICKING, OrderStatus.SUBSTITUTING})


def why_it_stays(order: OrderState, *, by_hand: bool = False) -> str | None:
    """Return why an open order may not change its store; None if it may.

    Parameters
    ----------
    by_hand
        A person asks, whom a pin does not bind.
    """
    if order.status not in UNPICKED:
        return "its picking has begun"
    if order.order.fulfilment is not Fulfilment.DELIVERY:
        return "the customer comes to this store for it"
    if order.is_carried_outside and order.carriage is not None:
        return f"{order.carriage.carrier} comes to this store for it"
    if order.courier_id is not None:
        return f"courier {order.courier_id} was told to fetch it at this store"
    if order.pinned_store_id is not None and not by_hand:
        return "a person pinned it to this store"
    return None


def missing_goods(state: State, store: StoreState) -> dict[str, dict[str, int]]:
    """Return what each order lacks at a store that has fewer goods than it promised, by SKU.

    The youngest goes short first, and whoever's picking has begun last.
    """
    lacks = {
        sku: short
        for sku in store.lacking
        if (short := store.reserved.get(sku, 0) - store.on_hand.get(sku, 0)) > 0
    }
    if not lacks:
        return {}
    concerned = [
        order
        for order in state.orders.values()
        if order.store_id == store.store.store_id
        and (order.status in UNPICKED or order.status in _PICKED_STATUSES)
        and any(line.sku in lacks for line in order.order.lines)
    ]
    concerned.sort(key=_oldest_first, reverse=True)
    concerned.sort(key=lambda order: order.status not in UNPICKED)
    found: dict[str, dict[str, int]] = {}
    for order in concerned:
        for sku, quantity in _reserved(order).items():
            missing = min(quantity, lacks.get(sku, 0))
            if missing > 0:
                lacks[sku] -= missing
                found.setdefault(order.order_id, {})[sku] = missing
    return found


def _reserved(order: OrderState) -> Mapping[str, int]:
    """Return what is reserved for an order, of what it was ordered with, by SKU."""
    found = amounts(order.order.lines)
    for offered in order.substitutions:
        if offered.answer is SubstitutionAnswer.PENDING and offered.sku in found:
            found[offered.sku] -= offered.quantity
    return found


def goods(quantities: Mapping[str, int]) -> str:
    """Return quantities by SKU as a person says them."""
    return ", ".join(f"{quantity} x {sku}" for sku, quantity in sorted(quantities.items()))


class Weighing:
    """Weighs stores for orders that are to move, one after the other.

    Parameters
    ----------
    snapshot
        Makes what a decision may know, with one more order if asked for.
    """

    def __init__(self, state: State, snapshot: Callable[[Order | None], Snapshot]) -> None:
        self._state = state
        self._snapshot = snapshot
        self._situation: Situation | None = None
        self._moved: list[tuple[OrderInPlay, str]] = []

    def candidates(self, order: OrderState) -> tuple[Candidate, ...]:
        """Return every store with its verdict for an order: those that can serve it first.

        The order's own store is weighed mildly, as in a plan, unless its goods are not there.
        """
        weighed = self._weigh(order)[1]
        store = self._state.store(order.store_id)
        lacks = missing_goods(self._state, store).get(order.order_id)
        if not lacks:
            return weighed
        no = f"{store.store.name} lacks {goods(lacks)}"
        return tuple(
            replace(c, reason=Reason.NO_STOCK, detail=no) if c.store_id == order.store_id else c
            for c in weighed
        )

    def move(self, order: OrderState, why: str, reason: str, owner: str = ENGINE) -> list[e.Event]:
        """Return the events that move an order to the best other store.

        Parameters
        ----------
        why
            In one word: `stalled`, `lacking`, `closing` or `excluded`.
        reason
            In words, for the record of the store that is ruled out.

        Raises
        ------
        RefusedError
            No other store can serve it; says why the one nearest to it cannot.
        """
        in_play, weighed = self._weigh(order)
        others = tuple(c for c in weighed if c.store_id != order.store_id)
        if not others:
            raise _refused(nobody(in_play))
        best = others[0]
        if best.reason is Reason.NO_COURIER_ON_SHIFT:
            raise RefusedError(best.reason, best.detail)
        if best.reason is not None:
            raise _refused(refusal(in_play, others))
        return [
            e.StoreExcluded(order.order_id, order.store_id, owner, reason),
            self._resourced(order, in_play, best.store_id, why),
        ]

    def move_to(self, order: OrderState, store_id: str, why: str) -> e.OrderResourced:
        """Return the event that moves an order to one certain store.

        An earlier exclusion of that store does not count: a person asks for it.

        Raises
        ------
        RefusedError
            That store cannot serve it.
        """
        allowed = replace(order, exclusions=order.exclusions_but(store_id))
        in_play, weighed = self._weigh(allowed)
        named = next((c for c in weighed if c.store_id == store_id), None)
        if named is None:
            raise _refused(nobody(in_play))
        if named.reason is not None:
            raise RefusedError(named.reason, named.detail)
        return self._resourced(order, in_play, store_id, why)

    def _resourced(
        self, order: OrderState, in_play: OrderInPlay, store_id: str, why: str
    ) -> e.OrderResourced:
        self._moved.append((in_play, store_id))
        return e.OrderResourced(order.order_id, order.store_id, store_id, why)

    def _weigh(self, order: OrderState) -> tuple[OrderInPlay, tuple[Candidate, ...]]:
        situation = self._with(order)
        in_play = replace(
            situation.orders[order.order_id],
            store_id=order.store_id,
            excluded_stores=order.excluded_stores,
        )
        stock = Stock(situation)
        queue = queues(situation)
        for other, store_id in self._moved:
            stock.move(other, None, store_id)
            queue[store_id][other.order_id] = replace(other, store_id=store_id)
            if other.store_id is not None and other.store_id in queue:
                queue[other.store_id].pop(other.order_id, None)
        weighed = weigh(situation, in_play, queue, stock, awaited(situation))
        if not situation.couriers:
            # Without a fleet nobody can say how far anything is.
            no = "no courier is on shift or starts soon"
            weighed = tuple(
                replace(c, reason=c.reason or Reason.NO_COURIER_ON_SHIFT, detail=c.detail or no)
                for c in weighed
            )
        stores = self._state.stores
        return in_play, tuple(c for c in weighed if not stores[c.store_id].store.is_point)

    def _with(self, order: OrderState) -> Situation:
        """Return the situation with an order in it, also with one that is held."""
        if self._situation is None:
            self._situation = read(self._snapshot(None))
        if order.order_id in self._situation.orders:
            return self._situation
        snapshot = self._snapshot(order.order)
        asked = asked_in_play(order.order, snapshot, order.promise)
        return read(replace(snapshot, orders=(*snapshot.orders, asked)))


def moved_or_not(
    weighing: Weighing, orders: Iterable[OrderState], why: str, reason: str, owner: str, now: int
) -> list[e.Event]:
    """Return what becomes of orders that should leave their store: each moves or says why not."""
    events: list[e.Event] = []
    for order in orders:
        stays = why_it_stays(order)
        if stays is None:
            try:
                events += weighing.move(order, why, reason, owner)
            except RefusedError as error:
                stays = str(error)
        if stays is not None:
            events.append(e.OrderNotMoved(order.order_id, order.store_id, why, stays, now))
    return events


def _refused(no: Refusal) -> RefusedError:
    return RefusedError(no.reason, no.detail)


def _oldest_first(order: OrderState) -> tuple[int, str]:
    return (order.order.created_at, order.order_id)
